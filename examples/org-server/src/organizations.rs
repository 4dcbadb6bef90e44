//! Organisations, their settings and their API keys, of which only hashes are kept.

mod follow;
pub(crate) mod postgres;
pub(crate) mod sqlite;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use scim_server_adapters::{Authenticator, BackendError, Principal, TokenHash, bearer_token};
use tokio::sync::watch;

use crate::settings::{Changes, Kept, Settings};

/// The organisations of a database, in memory: no request waits for the database to be
/// authenticated, nor to be read by the right profile.
#[derive(Clone, Debug)]
pub(crate) struct Organizations {
    known: watch::Receiver<Known>,
}

/// What is known of the database.
#[derive(Debug)]
struct Known {
    organizations: ById,
    /// When the database was last seen to hold just that; `None` where only this process changes it.
    as_of: Option<Instant>,
}

/// All organisations.
type ById = HashMap<String, Organization>;

/// An organisation as it is served.
#[derive(Debug)]
struct Organization {
    key: Option<TokenHash>,
    /// `None`: this server does not know what they mean, so that it serves the organisation to nobody.
    settings: Option<Settings>,
}

impl Organization {
    fn new(id: &str, key: Option<TokenHash>, kept: &Kept) -> Self {
        let settings = kept.read();
        if let Err(error) = &settings {
            tracing::error!("organisation `{id}` is not served: {error}");
        }
        Self { key, settings: settings.ok() }
    }
}

/// How old what is known may be. A key that was taken back is not honoured longer, even where the
/// database cannot be reached any more.
const MAX_AGE: Duration = Duration::from_secs(5);

/// What the command line asks for.
#[derive(Clone, Debug)]
pub(crate) struct Asked<'a> {
    /// An organisation that must be there; without one it is the first, made if there is none.
    pub(crate) org_id: Option<&'a str>,
    /// Whether it has to be made, or must be there before; `None` for either.
    pub(crate) is_new: Option<bool>,
    /// Its key.
    pub(crate) api_key: Option<&'a str>,
    /// Whether it gets a new key, even if it has one.
    pub(crate) new_key: bool,
    /// What of its settings is to change.
    pub(crate) changes: Changes,
}

/// An organisation as it is announced.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Announced {
    pub(crate) id: String,
    pub(crate) key: Key,
    pub(crate) settings: Kept,
}

/// What is to be said of an organisation's key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// It was made just now and can be shown.
    Made(String),
    /// It is the one that was given at this start.
    Given,
    /// It is from an earlier start.
    Kept,
}

impl Asked<'_> {
    /// The id of the organisation that is meant, where `first` is the oldest that is there.
    fn id(&self, first: Option<String>) -> String {
        let given = self.org_id.map(str::to_owned).or(first);
        given.unwrap_or_else(|| uuid::Uuid::new_v4().to_string())
    }

    /// Sees to it that it was made if it had to be, and only then.
    fn check(&self, id: &str, made: bool) -> anyhow::Result<()> {
        match self.is_new {
            Some(true) if !made => anyhow::bail!("organisation `{id}` is there already"),
            Some(false) if made => anyhow::bail!("there is no organisation `{id}`"),
            _ => Ok(()),
        }
    }

    /// What to say of its key, and the hash to keep if that is a new one.
    fn key(&self, is_new: bool) -> (Key, Option<TokenHash>) {
        match self.api_key {
            Some(given) => (Key::Given, Some(TokenHash::of(given))),
            None if is_new || self.new_key => {
                let made = generate_key();
                let hash = TokenHash::of(&made);
                (Key::Made(made), Some(hash))
            }
            None => (Key::Kept, None),
        }
    }
}

/// All organisations, with what is to be said of the one that was asked for.
fn announced(all: Vec<(String, Kept)>, asked: Announced) -> Vec<Announced> {
    let mut asked = Some(asked);
    let announced = all.into_iter().map(|(id, settings)| {
        let asked = asked.take_if(|asked| asked.id == id);
        asked.unwrap_or(Announced { id, key: Key::Kept, settings })
    });
    announced.collect()
}

/// 256 random bits.
fn generate_key() -> String {
    format!("scim_{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()))
}

impl Organizations {
    /// The settings of an organisation that is served.
    pub(crate) fn settings(&self, organization: &str) -> Settings {
        let known = self.known.borrow();
        let found = known.organizations.get(organization).and_then(|o| o.settings.clone());
        found.unwrap_or_default()
    }
}

#[async_trait]
impl Authenticator for Organizations {
    async fn authenticate(
        &self,
        tenant: &str,
        request: &Parts,
    ) -> Result<Option<Principal>, BackendError> {
        const UNAVAILABLE: BackendError =
            BackendError::Unavailable { retry_after: Some(Duration::from_secs(1)) };
        let Some(token) = bearer_token(request) else { return Ok(None) };
        // Before the organisation is looked up: one that does not exist is not refused any faster.
        let hash = TokenHash::of(token);
        let known = self.known.borrow();
        if known.as_of.is_some_and(|as_of| as_of.elapsed() > MAX_AGE) {
            return Err(UNAVAILABLE);
        }
        let Some(organization) = known.organizations.get(tenant) else { return Ok(None) };
        if organization.key != Some(hash) {
            return Ok(None);
        }
        if organization.settings.is_none() {
            return Err(UNAVAILABLE);
        }
        Ok(Some(Principal::new("api-key")))
    }
}
