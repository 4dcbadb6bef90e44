//! Organisations and their API keys, of which only hashes are kept.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use rusqlite::{Connection, OptionalExtension as _, params};
use scim_server_adapters::{Authenticator, BackendError, Principal, TokenHash, bearer_token};

/// The organisations of a database. They change at start only, so requests are answered from
/// memory.
#[derive(Debug)]
pub(crate) struct Organizations {
    keys: HashMap<String, TokenHash>,
}

/// An organisation as it is announced at start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Announced {
    pub(crate) id: String,
    pub(crate) key: Key,
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

impl Organizations {
    /// Opens the organisations of a database file (`None`: in memory) and sees to it that the one
    /// asked for is there: `org_id` with `api_key`. Without either, and with none there yet, both
    /// are made.
    pub(crate) fn open(
        file: Option<&Path>,
        org_id: Option<&str>,
        api_key: Option<&str>,
    ) -> Result<(Self, Vec<Announced>)> {
        let mut connection = match file {
            Some(file) => Connection::open(file)
                .with_context(|| format!("cannot open the database {}", file.display()))?,
            None => Connection::open_in_memory()?,
        };
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        // `rowid` would do for the order, but VACUUM may change it.
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS organization (
                 id TEXT PRIMARY KEY, created INTEGER NOT NULL DEFAULT (unixepoch()),
                 sequence INTEGER NOT NULL UNIQUE) STRICT;
             CREATE TABLE IF NOT EXISTS api_key (
                 organization TEXT PRIMARY KEY REFERENCES organization (id),
                 hash BLOB NOT NULL, created INTEGER NOT NULL DEFAULT (unixepoch())) STRICT;",
        )?;
        let transaction = connection.transaction_with_behavior(
            // Two servers may start at once on one file.
            rusqlite::TransactionBehavior::Immediate,
        )?;
        let mut ensured = Some(ensure(&transaction, org_id, api_key)?);
        transaction.commit()?;

        let mut keys: HashMap<String, TokenHash> = HashMap::new();
        let mut announced = Vec::new();
        let mut statement = connection.prepare("SELECT id FROM organization ORDER BY sequence")?;
        for id in statement.query_map([], |row| row.get::<_, String>(0))? {
            let id = id?;
            let key = ensured.take_if(|ensured| ensured.id == id);
            announced.push(Announced { id, key: key.map_or(Key::Kept, |e| e.key) });
        }
        let mut statement = connection.prepare("SELECT organization, hash FROM api_key")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, [u8; 32]>(1)?)))?;
        for row in rows {
            let (id, hash): (String, _) = row?;
            keys.insert(id, TokenHash::from_bytes(hash));
        }
        Ok((Self { keys }, announced))
    }
}

/// Makes what is asked for and not there; gives back the organisation that was meant.
fn ensure(
    connection: &Connection,
    org_id: Option<&str>,
    api_key: Option<&str>,
) -> Result<Announced> {
    let first: Option<String> = connection
        .query_row("SELECT id FROM organization ORDER BY sequence LIMIT 1", [], |row| row.get(0))
        .optional()?;
    let id = match (org_id, first) {
        (Some(id), _) => id.to_owned(),
        (None, Some(first)) => first,
        (None, None) => uuid::Uuid::new_v4().to_string(),
    };
    let made = connection.execute(
        "INSERT INTO organization (id, sequence)
         SELECT ?1, coalesce(max(sequence), 0) + 1 FROM organization WHERE true
         ON CONFLICT (id) DO NOTHING",
        [&id],
    )? > 0;
    let key = match api_key {
        Some(_) => Key::Given,
        None if made => Key::Made(generate_key()),
        None => Key::Kept,
    };
    let new = match &key {
        Key::Made(key) => Some(&**key),
        Key::Given | Key::Kept => api_key,
    };
    if let Some(new) = new {
        connection.execute(
            "INSERT INTO api_key (organization, hash) VALUES (?1, ?2)
             ON CONFLICT (organization) DO UPDATE SET hash = excluded.hash, created = unixepoch()
             WHERE hash <> excluded.hash",
            params![id, TokenHash::of(new).as_bytes()],
        )?;
    }
    Ok(Announced { id, key })
}

/// 256 random bits.
fn generate_key() -> String {
    format!("scim_{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()))
}

#[async_trait]
impl Authenticator for Organizations {
    async fn authenticate(
        &self,
        tenant: &str,
        request: &Parts,
    ) -> Result<Option<Principal>, BackendError> {
        let Some(token) = bearer_token(request) else { return Ok(None) };
        let known = self.keys.get(tenant).is_some_and(|hash| hash.verifies(token));
        Ok(known.then(|| Principal::new("api-key")))
    }
}
