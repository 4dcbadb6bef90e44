//! [`ScimService`]: one request in, one response out, whatever happens in between.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response};
use scim_core::{DateTime, Profile, Registry, ResourceType, ScimError};
use tracing::Instrument as _;

use crate::auth::{Authenticator, bearer_token};
use crate::backend::{ProvisioningBackend, RequestContext};
use crate::body::ScimBody;
use crate::deadline::in_time;
use crate::dispatch::dispatch;
use crate::exchange::{Answer, Exchange, Failure, SCIM_JSON};
use crate::limits::Limits;
use crate::observe::{self, Tolerated, Trace};
use crate::policy::Policy;
use crate::render::Renderer;
use crate::route::{self, Endpoint, Tenancy, encode_segment};

/// A SCIM service provider over a backend, independent of any HTTP framework.
///
/// Cheap to clone. With the adapters of this crate it is a `tower` service and mounts in axum; any
/// other framework calls [`ScimService::handle`].
#[derive(Clone)]
pub struct ScimService {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) backend: Arc<dyn ProvisioningBackend>,
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) registry: Registry,
    pub(crate) limits: Limits,
    pub(crate) policy: Option<Arc<dyn Policy>>,
    base_url: String,
    tenancy: Tenancy,
    profile: Box<ProfileOf>,
    observer: Option<Box<Observer>>,
    open_discovery: bool,
    patch_no_content: Vec<Arc<str>>,
}

/// The profile of a tenant's request.
type ProfileOf = dyn Fn(&str, &Parts) -> Profile + Send + Sync;

/// Who is told of quirks.
type Observer = dyn Fn(&Tolerated<'_>) + Send + Sync;

impl Inner {
    /// Whether a PATCH of that type answers 204 rather than with the resource.
    pub(crate) fn patch_answers_no_content(&self, resource_type: &ResourceType) -> bool {
        self.patch_no_content.contains(resource_type.name())
    }
}

/// Settings of a [`ScimService`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct ScimServiceBuilder {
    inner: Inner,
}

impl ScimService {
    /// A service over a backend that admits whom the authenticator admits. Without further
    /// settings it serves Users and Groups, for one tenant, under `/scim`, with
    /// [`Profile::INTEROP`].
    pub fn builder(
        backend: Arc<dyn ProvisioningBackend>,
        authenticator: Arc<dyn Authenticator>,
    ) -> ScimServiceBuilder {
        #[cfg(feature = "metrics")]
        let backend: Arc<dyn ProvisioningBackend> = Arc::new(crate::metered::Metered(backend));
        ScimServiceBuilder {
            inner: Inner {
                backend,
                authenticator,
                registry: Registry::builtin(),
                limits: Limits::default(),
                policy: None,
                base_url: "/scim".to_owned(),
                tenancy: Tenancy::Single,
                profile: Box::new(|_, _| Profile::INTEROP),
                observer: None,
                open_discovery: false,
                patch_no_content: Vec::new(),
            },
        }
    }

    /// The largest body that is worth reading, in bytes: beyond it the answer is 413 anyway.
    #[must_use]
    pub fn max_body_bytes(&self) -> usize {
        self.inner.limits.body_bytes
    }

    /// Answers a request. Errors are responses too, so it cannot fail; only the body of a large
    /// group, which is read while it is sent, may break off ([`ScimBody`]).
    ///
    /// The path is relative to where the service is mounted: `/v2/Users`, or with tenants
    /// `/<tenant>/v2/Users`.
    pub async fn handle(&self, request: Request<Bytes>) -> Response<ScimBody> {
        let (parts, body) = request.into_parts();
        self.respond(&parts, &body).await
    }

    pub(crate) async fn respond(&self, parts: &Parts, body: &Bytes) -> Response<ScimBody> {
        let started = Instant::now();
        let request_id = request_id(&parts.headers);
        let mut trace = Trace::default();
        let answer = self.answer(parts, body, &request_id, &mut trace);
        let answer = in_time(self.inner.limits.time, answer)
            .await
            .unwrap_or_else(|late| Err(Failure::backend(&late, "the request")));
        let quirks = trace.quirks.fired();
        if let Some(observer) = self.inner.observer.as_ref().filter(|_| !quirks.is_empty()) {
            observer(&Tolerated {
                tenant: &trace.tenant,
                principal: &trace.principal,
                request_id: &request_id,
                parts,
                endpoint: &trace.endpoint.as_ref().map(Endpoint::label).unwrap_or_default(),
                quirks,
                refused: answer.as_ref().err().map(|failure| &failure.error),
            });
        }
        let response = answer.unwrap_or_else(|failure| {
            trace.scim_type = failure.error.scim_type();
            failure.into_response()
        });
        finish(parts, &request_id, &trace, started, response)
    }

    /// The answer to a request whose body was not read, because it is larger than
    /// [`ScimService::max_body_bytes`] or broke off.
    #[must_use]
    pub fn body_refused(&self, parts: &Parts, too_large: bool) -> Response<ScimBody> {
        let started = Instant::now();
        let error = if too_large {
            self.too_large()
        } else {
            ScimError::invalid_syntax("the request body could not be read")
        };
        let response = Failure::from(error).into_response();
        finish(parts, &request_id(&parts.headers), &Trace::default(), started, response)
    }

    fn too_large(&self) -> ScimError {
        let limit = self.inner.limits.body_bytes;
        ScimError::with_status(413, format!("the request body exceeds the limit of {limit} bytes"))
    }

    async fn answer(
        &self,
        parts: &Parts,
        body: &Bytes,
        request_id: &Arc<str>,
        trace: &mut Trace,
    ) -> Answer {
        let inner = &self.inner;
        let split = route::split(parts.uri.path(), inner.tenancy)?;
        trace.tenant = Arc::from(&*split.tenant);
        let endpoint = route::endpoint(&inner.registry, &split.segments);
        let discovery = matches!(
            endpoint,
            Some(
                Endpoint::ServiceProviderConfig | Endpoint::ResourceTypes(_) | Endpoint::Schemas(_)
            )
        );
        let principal = inner.authenticator.authenticate(&split.tenant, parts).await;
        let mut me = None;
        match principal.map_err(|e| Failure::backend(&e, "authentication"))? {
            Some(principal) => {
                trace.principal = principal.name;
                me = principal.resource;
            }
            None if discovery && inner.open_discovery => {}
            None => return Err(Failure::unauthorized(bearer_token(parts).is_some())),
        }
        let Some(endpoint) = endpoint else {
            let path = scim_core::shorten(parts.uri.path()).into_owned();
            return Err(ScimError::with_status(404, format!("`{path}` not found")).into());
        };
        trace.endpoint = Some(endpoint.clone());
        if body.len() > inner.limits.body_bytes {
            return Err(self.too_large().into());
        }
        let base = match inner.tenancy {
            Tenancy::Single => format!("{}/v2", inner.base_url),
            Tenancy::Path => format!("{}/{}/v2", inner.base_url, encode_segment(&split.tenant)),
        };
        let mut exchange = Exchange {
            service: inner,
            cx: RequestContext {
                tenant: Arc::clone(&trace.tenant),
                principal: Arc::clone(&trace.principal),
                request_id: Arc::clone(request_id),
                now: DateTime::now(),
            },
            profile: (inner.profile)(&split.tenant, parts),
            renderer: Renderer::new(&inner.registry, base),
            parts,
            body,
            me,
            quirks: &mut trace.quirks,
        };
        let span = tracing::debug_span!(
            "scim",
            tenant = &*exchange.cx.tenant,
            operation = %parts.method,
            endpoint = &*endpoint.label(),
            resource_id = endpoint.resource_id(),
            request_id = &**request_id,
        );
        dispatch(&mut exchange, endpoint).instrument(span).await
    }
}

/// What every answer gets: the media type the client takes, the request's id, to HEAD the headers
/// alone (RFC 9110 §9.3.2), and a line in the log.
fn finish(
    parts: &Parts,
    request_id: &str,
    trace: &Trace,
    started: Instant,
    mut response: Response<ScimBody>,
) -> Response<ScimBody> {
    if response.headers().get(CONTENT_TYPE) == Some(&SCIM_JSON) && wants_plain_json(&parts.headers)
    {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if let Ok(value) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    if parts.method == Method::HEAD {
        let length = response.body().as_bytes().map(<[u8]>::len);
        // An answer that has no body to GET either has no length.
        if let Some(length) = length.filter(|length| *length > 0) {
            response.headers_mut().insert(CONTENT_LENGTH, length.into());
        }
        *response.body_mut() =
            if length.is_some() { ScimBody::empty() } else { ScimBody::unsent() };
    }
    observe::request(parts, request_id, trace, response.status(), started.elapsed());
    response
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The request's id: the client's, where it is short and plain, else a new one.
fn request_id(headers: &HeaderMap) -> Arc<str> {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let plain = |id: &&str| {
        let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
        (1..=128).contains(&id.len()) && id.bytes().all(known)
    };
    match given.filter(plain) {
        Some(id) => id.into(),
        None => {
            let made = uuid::Uuid::new_v4().hyphenated();
            (*made.encode_lower(&mut uuid::Uuid::encode_buffer())).into()
        }
    }
}

/// Whether the client takes `application/json` and not SCIM's own type.
fn wants_plain_json(headers: &HeaderMap) -> bool {
    let mut json = false;
    for value in headers.get_all(ACCEPT) {
        for range in value.to_str().unwrap_or_default().split(',') {
            let range = range.split(';').next().unwrap_or_default().trim();
            if ["*/*", "application/*", "application/scim+json"]
                .iter()
                .any(|r| range.eq_ignore_ascii_case(r))
            {
                return false;
            }
            json |= range.eq_ignore_ascii_case("application/json");
        }
    }
    json
}

impl ScimServiceBuilder {
    /// The public URL of where the service is mounted, such as `https://example.com/scim`: every
    /// URI that the service gives out begins with it. The `Host` header has no say.
    pub fn base_url(mut self, base_url: &str) -> Self {
        self.inner.base_url = base_url.trim_end_matches('/').to_owned();
        self
    }

    /// How tenants show in URLs.
    pub fn tenancy(mut self, tenancy: Tenancy) -> Self {
        self.inner.tenancy = tenancy;
        self
    }

    /// The schemas and resource types served.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.inner.registry = registry;
        self
    }

    /// The bounds on what a request may cost.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.inner.limits = limits;
        self
    }

    /// What principals may do, and how often. Without a policy, whoever is authenticated may do
    /// everything.
    pub fn policy(mut self, policy: Arc<dyn Policy>) -> Self {
        self.inner.policy = Some(policy);
        self
    }

    /// The profile for every tenant.
    pub fn profile(self, profile: Profile) -> Self {
        self.profiles(move |_| profile)
    }

    /// The profile of each tenant, asked for at each request.
    pub fn profiles(self, of: impl Fn(&str) -> Profile + Send + Sync + 'static) -> Self {
        self.profiles_by_request(move |tenant, _| of(tenant))
    }

    /// The profile of each request of a tenant, for servers that go by its headers, such as
    /// [`Profile::for_user_agent`]. Nothing of the kind happens unless this is set: a header is the
    /// client's own word.
    pub fn profiles_by_request(
        mut self,
        of: impl Fn(&str, &Parts) -> Profile + Send + Sync + 'static,
    ) -> Self {
        self.inner.profile = Box::new(of);
        self
    }

    /// Calls `observer` after each request in which a quirk fired, be it done or refused. It runs before
    /// the answer is sent, so it should hand on what takes long.
    pub fn on_quirks(mut self, observer: impl Fn(&Tolerated<'_>) + Send + Sync + 'static) -> Self {
        self.inner.observer = Some(Box::new(observer));
        self
    }

    /// Whether `/ServiceProviderConfig`, `/ResourceTypes` and `/Schemas` need no credentials
    /// (RFC 7644 §4 leaves it to the server). They do unless this is set.
    pub fn open_discovery(mut self, open: bool) -> Self {
        self.inner.open_discovery = open;
        self
    }

    /// A PATCH of resources of that type answers 204 unless it asks for attributes. Entra expects
    /// it for groups.
    pub fn patch_answers_no_content(mut self, resource_type: &str) -> Self {
        self.inner.patch_no_content.push(resource_type.into());
        self
    }

    /// The service.
    #[must_use]
    pub fn build(self) -> ScimService {
        ScimService { inner: Arc::new(self.inner) }
    }
}

impl fmt::Debug for ScimService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScimService")
            .field("base_url", &self.inner.base_url)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ScimServiceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScimServiceBuilder")
            .field("base_url", &self.inner.base_url)
            .finish_non_exhaustive()
    }
}
