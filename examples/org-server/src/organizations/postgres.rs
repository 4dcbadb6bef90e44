//! Organisations in PostgreSQL, beside the store, shared by all servers over the database.
//!
//! A trigger counts the changes of keys, whoever makes them, and each server looks at that number
//! every second. So a key that is set, changed or deleted anywhere is that everywhere a second later.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use scim_backend_postgres::rustls_connector;
use scim_server_adapters::TokenHash;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_postgres::config::SslMode;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Announced, Asked, Known, Organizations, announced};

/// How often the database is asked whether anything changed.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// Held while organisations are made, so that servers which start at once take turns: the bytes of
/// `org-serv` as a number.
const LOCK: i64 = 0x6f72_672d_7365_7276;

const TABLES: &str = "
    CREATE TABLE org_server_organization (
        id       text PRIMARY KEY,
        sequence bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
        created  timestamptz NOT NULL DEFAULT now()
    );
    CREATE TABLE org_server_api_key (
        organization text PRIMARY KEY REFERENCES org_server_organization (id) ON DELETE CASCADE,
        hash         bytea NOT NULL CHECK (length(hash) = 32), -- SHA-256 of the key
        created      timestamptz NOT NULL DEFAULT now()
    );
    CREATE TABLE org_server_revision (
        one      boolean PRIMARY KEY DEFAULT true CHECK (one),
        revision bigint NOT NULL
    );
    INSERT INTO org_server_revision (revision) VALUES (0);
    CREATE FUNCTION org_server_revise() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE org_server_revision SET revision = revision + 1;
        RETURN NULL;
    END $$;
    CREATE TRIGGER org_server_revise AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
        ON org_server_api_key FOR EACH STATEMENT EXECUTE FUNCTION org_server_revise();";

/// All keys and the number of their state, unless it is the one that is known; from one snapshot.
const CHANGED_KEYS: &str = "
    SELECT r.revision, k.organization, k.hash
    FROM org_server_revision r LEFT JOIN org_server_api_key k ON true
    WHERE r.revision <> $1";

/// Opens the organisations of a database, sees to it that the one asked for is there, and follows
/// what other servers do to them.
pub(crate) async fn open(
    config: &Config,
    asked: Asked<'_>,
) -> Result<(Organizations, Vec<Announced>)> {
    let mut link = Link::new(config)?;
    let client = link.client().await?;
    let transaction = client.transaction().await?;
    transaction.query_typed("SELECT pg_advisory_xact_lock($1)", &[(&LOCK, Type::INT8)]).await?;
    let there = "SELECT to_regclass('org_server_revision') IS NOT NULL";
    if !transaction.query_typed_one(there, &[]).await?.try_get::<_, bool>(0)? {
        transaction.batch_execute(TABLES).await?;
    }
    let ensured = ensure(&transaction, asked).await?;
    transaction.commit().await?;

    let rows = "SELECT id FROM org_server_organization ORDER BY sequence";
    let rows = client.query_typed(rows, &[]).await?;
    let ids = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let as_of = Some(Instant::now());
    let mut state = State { link, revision: NONE };
    let keys = state.changed_keys().await?.unwrap_or_default();
    let (tell, known) = watch::channel(Known { keys, as_of });
    tokio::spawn(state.follow(tell));
    Ok((Organizations { known }, announced(ids, ensured)))
}

/// Makes what is asked for and not there; gives back the organisation that was meant.
async fn ensure(
    transaction: &tokio_postgres::Transaction<'_>,
    asked: Asked<'_>,
) -> Result<Announced> {
    let first = "SELECT id FROM org_server_organization ORDER BY sequence LIMIT 1";
    let first = transaction.query_typed(first, &[]).await?;
    let first = first.first().map(|row| row.try_get(0)).transpose()?;
    let id = asked.id(first);
    let made = "INSERT INTO org_server_organization (id) VALUES ($1) ON CONFLICT DO NOTHING";
    let made = transaction.execute_typed(made, &[(&id, Type::TEXT)]).await?;
    let (key, hash) = asked.key(made > 0);
    if let Some(hash) = hash {
        let set = "
            INSERT INTO org_server_api_key AS k (organization, hash) VALUES ($1, $2)
            ON CONFLICT (organization) DO UPDATE SET hash = excluded.hash, created = now()
            WHERE k.hash <> excluded.hash";
        let hash = hash.as_bytes().as_slice();
        transaction.execute_typed(set, &[(&id, Type::TEXT), (&hash, Type::BYTEA)]).await?;
    }
    Ok(Announced { id, key })
}

/// The number of no state.
const NONE: i64 = -1;

/// What was last seen, and how to look again.
struct State {
    link: Link,
    revision: i64,
}

impl State {
    /// Tells whoever authenticates what the database holds, for as long as anybody does.
    async fn follow(mut self, tell: watch::Sender<Known>) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_lost = false;
        while !tell.is_closed() {
            ticks.tick().await;
            let asked = Instant::now();
            let changed = match tokio::time::timeout(PATIENCE, self.changed_keys()).await {
                Ok(changed) => changed,
                Err(_) => Err(anyhow::anyhow!("no answer within {PATIENCE:?}")),
            };
            match changed {
                Ok(changed) => {
                    is_lost = false;
                    tell.send_modify(|known| {
                        known.as_of = Some(asked);
                        known.keys = changed.unwrap_or_else(|| std::mem::take(&mut known.keys));
                    });
                }
                Err(error) => {
                    self.link.lose();
                    // Once is enough to say so.
                    if !std::mem::replace(&mut is_lost, true) {
                        tracing::warn!("the API keys cannot be looked up: {error:#}");
                    }
                }
            }
        }
    }

    /// All keys, if any changed since they were last seen.
    async fn changed_keys(&mut self) -> Result<Option<HashMap<String, TokenHash>>> {
        let client = self.link.client().await?;
        let rows = client.query_typed(CHANGED_KEYS, &[(&self.revision, Type::INT8)]).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let revision = first.try_get(0)?;
        let mut keys = HashMap::new();
        for row in &rows {
            let Some(organization) = row.try_get(1)? else { continue };
            let hash = <[u8; 32]>::try_from(row.try_get::<_, &[u8]>(2)?)?;
            keys.insert(organization, TokenHash::from_bytes(hash));
        }
        self.revision = revision;
        Ok(Some(keys))
    }
}

/// A connection of its own, so that it never waits for those of the store. Nothing is prepared or
/// set on it, so it may go through PgBouncer in transaction mode.
struct Link {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    client: Option<Client>,
}

impl Link {
    fn new(config: &Config) -> Result<Self> {
        let demanded = config.get_ssl_mode() == SslMode::Require;
        let tls = demanded.then(rustls_connector).transpose()?;
        Ok(Self { config: config.clone(), tls, client: None })
    }

    /// The connection, made again where it was lost.
    async fn client(&mut self) -> Result<&mut Client> {
        let client = match self.client.take().filter(|client| !client.is_closed()) {
            Some(client) => client,
            None => self.connect().await.context("cannot connect to the database")?,
        };
        Ok(self.client.insert(client))
    }

    async fn connect(&self) -> Result<Client> {
        // How a connection ends, its client hears, too.
        match self.tls.clone() {
            Some(tls) => {
                let (client, connection) = self.config.connect(tls).await?;
                tokio::spawn(connection);
                Ok(client)
            }
            None => {
                let (client, connection) = self.config.connect(NoTls).await?;
                tokio::spawn(connection);
                Ok(client)
            }
        }
    }

    fn lose(&mut self) {
        self.client = None;
    }
}
