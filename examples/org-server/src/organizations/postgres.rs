//! Organisations in PostgreSQL, beside the store, shared by all servers over the database.

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use scim_backend_postgres::rustls_connector;
use scim_server_adapters::TokenHash;
use tokio_postgres::config::SslMode;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, NoTls, Row, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::follow::{self, NONE, Source};
use super::{Announced, Asked, ById, Organization, Organizations, announced};
use crate::settings::Kept;

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

/// What came later: what is set for an organisation, in the words of the command line, NULL where
/// nothing is. An organisation that comes or goes does so with its key.
const SETTINGS: &str = "
    ALTER TABLE org_server_organization
        ADD COLUMN profile    text,
        ADD COLUMN demands    text,
        ADD COLUMN reactivate boolean;
    CREATE TRIGGER org_server_revise AFTER UPDATE
        ON org_server_organization FOR EACH STATEMENT EXECUTE FUNCTION org_server_revise();";

/// All organisations and the number of their state, unless it is the one that is known; from one
/// snapshot.
const CHANGED: &str = "
    SELECT r.revision, o.id, o.profile, o.demands, o.reactivate, k.hash
    FROM org_server_revision r
    LEFT JOIN org_server_organization o ON true
    LEFT JOIN org_server_api_key k ON k.organization = o.id
    WHERE r.revision <> $1";

/// Opens the organisations of a database, sees to it that the one asked for is there, and follows
/// what others do to them.
pub(crate) async fn open(
    config: &Config,
    asked: &Asked<'_>,
) -> Result<(Organizations, Vec<Announced>)> {
    let mut link = Link::new(config)?;
    let transaction = begin(&mut link).await?;
    let ensured = ensure(&transaction, asked).await?;
    let all = all(&transaction).await?;
    transaction.commit().await?;
    let organizations = follow::organizations(Shared { link, revision: NONE }).await?;
    Ok((organizations, announced(all, ensured)))
}

/// Does what is asked for, and no more.
pub(crate) async fn change(config: &Config, asked: &Asked<'_>) -> Result<Announced> {
    let mut link = Link::new(config)?;
    let transaction = begin(&mut link).await?;
    let ensured = ensure(&transaction, asked).await?;
    transaction.commit().await?;
    Ok(ensured)
}

/// All organisations in the order in which they were made.
pub(crate) async fn list(config: &Config) -> Result<Vec<(String, Kept)>> {
    let mut link = Link::new(config)?;
    // It is never committed, so that looking changes nothing.
    let transaction = begin(&mut link).await?;
    all(&transaction).await
}

/// A transaction in which the tables are there, and no other server changes them.
async fn begin(link: &mut Link) -> Result<Transaction<'_>> {
    let transaction = link.client().await?.transaction().await?;
    transaction.query_typed("SELECT pg_advisory_xact_lock($1)", &[(&LOCK, Type::INT8)]).await?;
    let there = "SELECT to_regclass('org_server_revision') IS NOT NULL";
    if !transaction.query_typed_one(there, &[]).await?.try_get::<_, bool>(0)? {
        transaction.batch_execute(TABLES).await?;
    }
    let there = "
        SELECT EXISTS (SELECT FROM pg_attribute WHERE NOT attisdropped
            AND attrelid = to_regclass('org_server_organization') AND attname = 'profile')";
    if !transaction.query_typed_one(there, &[]).await?.try_get::<_, bool>(0)? {
        transaction.batch_execute(SETTINGS).await?;
    }
    Ok(transaction)
}

async fn all(transaction: &Transaction<'_>) -> Result<Vec<(String, Kept)>> {
    let rows = "
        SELECT id, profile, demands, reactivate FROM org_server_organization ORDER BY sequence";
    let rows = transaction.query_typed(rows, &[]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, kept(row, 1)?))).collect()
}

/// The settings in three columns, the first of which is told.
fn kept(row: &Row, first: usize) -> Result<Kept> {
    Ok(Kept {
        profile: row.try_get(first)?,
        demands: row.try_get(first + 1)?,
        reactivate: row.try_get(first + 2)?,
    })
}

/// Does what is asked for; gives back the organisation that was meant.
async fn ensure(transaction: &Transaction<'_>, asked: &Asked<'_>) -> Result<Announced> {
    let first = "SELECT id FROM org_server_organization ORDER BY sequence LIMIT 1";
    let first = transaction.query_typed(first, &[]).await?;
    let first = first.first().map(|row| row.try_get(0)).transpose()?;
    let id = asked.id(first);
    let made = "INSERT INTO org_server_organization (id) VALUES ($1) ON CONFLICT DO NOTHING";
    let made = transaction.execute_typed(made, &[(&id, Type::TEXT)]).await? > 0;
    asked.check(&id, made)?;
    let (key, hash) = asked.key(made);
    if let Some(hash) = hash {
        let set = "
            INSERT INTO org_server_api_key AS k (organization, hash) VALUES ($1, $2)
            ON CONFLICT (organization) DO UPDATE SET hash = excluded.hash, created = now()
            WHERE k.hash <> excluded.hash";
        let hash = hash.as_bytes().as_slice();
        transaction.execute_typed(set, &[(&id, Type::TEXT), (&hash, Type::BYTEA)]).await?;
    }
    let before = "
        SELECT profile, demands, reactivate FROM org_server_organization WHERE id = $1 FOR UPDATE";
    let before = kept(&transaction.query_typed_one(before, &[(&id, Type::TEXT)]).await?, 0)?;
    let settings = asked.changes.made_to(before.clone());
    if settings != before {
        let set = "
            UPDATE org_server_organization SET profile = $2, demands = $3, reactivate = $4
            WHERE id = $1";
        let Kept { profile, demands, reactivate } = &settings;
        let values: [(&(dyn ToSql + Sync), Type); 4] = [
            (&id, Type::TEXT),
            (profile, Type::TEXT),
            (demands, Type::TEXT),
            (reactivate, Type::BOOL),
        ];
        transaction.execute_typed(set, &values).await?;
    }
    Ok(Announced { id, key, settings })
}

/// What was last seen, and how to look again.
struct Shared {
    link: Link,
    revision: i64,
}

#[async_trait]
impl Source for Shared {
    async fn changed(&mut self) -> Result<Option<ById>> {
        let client = self.link.client().await?;
        let rows = client.query_typed(CHANGED, &[(&self.revision, Type::INT8)]).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let revision = first.try_get(0)?;
        let mut organizations = ById::new();
        for row in &rows {
            let Some(id) = row.try_get::<_, Option<String>>(1)? else { continue };
            let hash = row.try_get::<_, Option<&[u8]>>(5)?.map(<[u8; 32]>::try_from).transpose()?;
            let key = hash.map(TokenHash::from_bytes);
            let organization = Organization::new(&id, key, &kept(row, 2)?);
            organizations.insert(id, organization);
        }
        self.revision = revision;
        Ok(Some(organizations))
    }

    fn lose(&mut self) {
        self.link.lose();
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
