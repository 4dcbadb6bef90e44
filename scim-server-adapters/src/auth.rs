//! Who asks: authentication of each request (RFC 7644 §2, RFC 6750).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use http::header::AUTHORIZATION;
use http::request::Parts;
use scim_core::ResourceId;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::backend::BackendError;

/// Decides who sent a request.
///
/// ```
/// use scim_server_adapters::{Authenticator, BearerTokens};
/// let tokens = BearerTokens::new().with_token("", "s3cret", "entra");
/// # let _: std::sync::Arc<dyn Authenticator> = std::sync::Arc::new(tokens);
/// ```
#[async_trait]
pub trait Authenticator: Send + Sync + 'static {
    /// The principal behind a request to a tenant; `None` when the credentials are missing, wrong
    /// or expired, or the tenant does not exist. The answers to all of these are alike, so that
    /// nobody learns which tenants there are.
    ///
    /// `tenant` is empty in a service without tenants. [`bearer_token`] gives the token that the
    /// request carries.
    ///
    /// # Errors
    /// When credentials cannot be checked at the moment; [`BackendError::Unavailable`] is 503.
    async fn authenticate(
        &self,
        tenant: &str,
        request: &Parts,
    ) -> Result<Option<Principal>, BackendError>;

    /// What `/ServiceProviderConfig` says of how to authenticate (RFC 7643 §5).
    fn schemes(&self) -> Vec<AuthenticationScheme> {
        vec![AuthenticationScheme::bearer_token()]
    }
}

/// An authenticated principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Its name, for logs and for backends.
    pub name: Arc<str>,
    /// The resource that `/Me` means (RFC 7644 §3.11): the name of its type, and its id.
    pub resource: Option<(Arc<str>, ResourceId)>,
}

impl Principal {
    /// A principal of that name.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), resource: None }
    }

    /// The same, with the resource that `/Me` means for it.
    #[must_use]
    pub fn with_resource(self, resource_type: impl Into<Arc<str>>, id: ResourceId) -> Self {
        Self { resource: Some((resource_type.into(), id)), ..self }
    }
}

/// One entry of `authenticationSchemes` (RFC 7643 §5).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticationScheme {
    /// The scheme: `oauth`, `oauth2`, `oauthbearertoken`, `httpbasic` or `httpdigest`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name for people.
    pub name: String,
    /// Its description for people.
    pub description: String,
    /// The URI of its specification.
    pub spec_uri: String,
}

impl AuthenticationScheme {
    /// A bearer token in the `Authorization` header (RFC 6750).
    #[must_use]
    pub fn bearer_token() -> Self {
        Self {
            kind: "oauthbearertoken".to_owned(),
            name: "Bearer token".to_owned(),
            description: "A token in the Authorization header, with the scheme Bearer".to_owned(),
            spec_uri: "https://www.rfc-editor.org/info/rfc6750".to_owned(),
        }
    }
}

/// The bearer token of a request (RFC 6750 §2.1); the scheme's name in any case.
#[must_use]
pub fn bearer_token(request: &Parts) -> Option<&str> {
    let value = request.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The SHA-256 of a token: what is kept of one. Tokens are to be random and long, so a slow hash
/// would add cost and no safety. To compare two takes a time that tells nothing about them.
#[derive(Clone, Copy, Eq)]
pub struct TokenHash([u8; 32]);

impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl TokenHash {
    /// The hash of a token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// A hash that was kept.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to keep.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether it is the hash of `token`.
    #[must_use]
    pub fn verifies(&self, token: &str) -> bool {
        *self == Self::of(token)
    }
}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

/// A fixed set of bearer tokens, of which only hashes are kept.
#[derive(Clone, Debug, Default)]
pub struct BearerTokens {
    by_tenant: HashMap<String, Vec<Token>>,
}

#[derive(Clone, Debug)]
struct Token {
    hash: TokenHash,
    principal: Principal,
    expires: Option<SystemTime>,
}

impl BearerTokens {
    /// No tokens: every request is refused.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more token for a tenant (the empty text in a service without tenants).
    #[must_use]
    pub fn with_token(self, tenant: &str, token: &str, principal: &str) -> Self {
        self.insert(tenant, token, principal, None)
    }

    /// The same with one more token, which is no longer good from `expires` on (RFC 7644 §7.4).
    #[must_use]
    pub fn with_expiring_token(
        self,
        tenant: &str,
        token: &str,
        principal: &str,
        expires: SystemTime,
    ) -> Self {
        self.insert(tenant, token, principal, Some(expires))
    }

    fn insert(
        mut self,
        tenant: &str,
        token: &str,
        principal: &str,
        expires: Option<SystemTime>,
    ) -> Self {
        let token =
            Token { hash: TokenHash::of(token), principal: Principal::new(principal), expires };
        self.by_tenant.entry(tenant.to_owned()).or_default().push(token);
        self
    }
}

#[async_trait]
impl Authenticator for BearerTokens {
    async fn authenticate(
        &self,
        tenant: &str,
        request: &Parts,
    ) -> Result<Option<Principal>, BackendError> {
        let Some(token) = bearer_token(request) else { return Ok(None) };
        // Before the tenant is looked up: one that does not exist is not refused any faster.
        let hash = TokenHash::of(token);
        let tokens = self.by_tenant.get(tenant).map(Vec::as_slice).unwrap_or_default();
        let found = tokens.iter().find(|known| {
            known.hash == hash && known.expires.is_none_or(|at| SystemTime::now() < at)
        });
        Ok(found.map(|known| known.principal.clone()))
    }
}
