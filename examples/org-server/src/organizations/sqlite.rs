//! Organisations in SQLite, beside the store.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use rusqlite::{
    Connection, OpenFlags, OptionalExtension as _, Row, Transaction, TransactionBehavior, params,
};
use scim_server_adapters::TokenHash;
use tokio::sync::watch;

use super::follow::{self, NONE, Source};
use super::{Announced, Asked, ById, Known, Organization, Organizations, announced};
use crate::settings::Kept;

// `rowid` would do for the order, but VACUUM may change it.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS organization (
        id TEXT PRIMARY KEY, created INTEGER NOT NULL DEFAULT (unixepoch()),
        sequence INTEGER NOT NULL UNIQUE) STRICT;
    CREATE TABLE IF NOT EXISTS api_key (
        organization TEXT PRIMARY KEY REFERENCES organization (id),
        hash BLOB NOT NULL, created INTEGER NOT NULL DEFAULT (unixepoch())) STRICT;";

/// What came later: what is set for an organisation, in the words of the command line, NULL where
/// nothing is; and the number of changes.
const SETTINGS: &str = "
    ALTER TABLE organization ADD COLUMN profile TEXT;
    ALTER TABLE organization ADD COLUMN demands TEXT;
    ALTER TABLE organization ADD COLUMN reactivate INTEGER CHECK (reactivate IN (0, 1));
    CREATE TABLE organization_revision (revision INTEGER NOT NULL) STRICT;
    INSERT INTO organization_revision VALUES (0);
    CREATE TRIGGER organization_changed AFTER UPDATE ON organization BEGIN
        UPDATE organization_revision SET revision = revision + 1; END;
    CREATE TRIGGER organization_gone AFTER DELETE ON organization BEGIN
        UPDATE organization_revision SET revision = revision + 1; END;
    CREATE TRIGGER api_key_made AFTER INSERT ON api_key BEGIN
        UPDATE organization_revision SET revision = revision + 1; END;
    CREATE TRIGGER api_key_changed AFTER UPDATE ON api_key BEGIN
        UPDATE organization_revision SET revision = revision + 1; END;
    CREATE TRIGGER api_key_gone AFTER DELETE ON api_key BEGIN
        UPDATE organization_revision SET revision = revision + 1; END;";

/// All organisations and the number of their state, unless it is the one that is known; from one
/// snapshot.
const CHANGED: &str = "
    SELECT r.revision, o.id, o.profile, o.demands, o.reactivate, k.hash
    FROM organization_revision r
    LEFT JOIN organization o ON true
    LEFT JOIN api_key k ON k.organization = o.id
    WHERE r.revision <> ?1";

/// Opens the organisations of a database file, sees to it that the one asked for is there, and
/// follows what others do to them.
pub(crate) async fn open(
    file: &Path,
    asked: &Asked<'_>,
) -> Result<(Organizations, Vec<Announced>)> {
    let mut connection = connect(file, OpenFlags::default())?;
    let transaction = begin(&mut connection)?;
    let ensured = ensure(&transaction, asked)?;
    let all = all(&transaction)?;
    transaction.commit()?;
    let source = OfFile { file: file.to_owned(), connection: Some(connection), revision: NONE };
    Ok((follow::organizations(source).await?, announced(all, ensured)))
}

/// The organisation asked for, in memory.
pub(crate) fn in_memory(asked: &Asked<'_>) -> Result<(Organizations, Vec<Announced>)> {
    let mut connection = Connection::open_in_memory()?;
    let transaction = begin(&mut connection)?;
    let ensured = ensure(&transaction, asked)?;
    let all = all(&transaction)?;
    transaction.commit()?;
    let (_, organizations) = changed(&connection, NONE)?.unwrap_or_default();
    let (_, known) = watch::channel(Known { organizations, as_of: None });
    Ok((Organizations { known }, announced(all, ensured)))
}

/// Does what is asked for, and no more.
pub(crate) fn change(file: &Path, asked: &Asked<'_>) -> Result<Announced> {
    let may_make_it = asked.is_new != Some(false);
    let mut connection = connect(file, if may_make_it { OpenFlags::default() } else { EXISTING })?;
    let transaction = begin(&mut connection)?;
    let ensured = ensure(&transaction, asked)?;
    transaction.commit()?;
    Ok(ensured)
}

/// All organisations in the order in which they were made.
pub(crate) fn list(file: &Path) -> Result<Vec<(String, Kept)>> {
    let mut connection = connect(file, EXISTING)?;
    // It is never committed, so that looking changes nothing.
    let transaction = begin(&mut connection)?;
    all(&transaction)
}

/// A file that is not there is not made.
const EXISTING: OpenFlags =
    OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

fn connect(file: &Path, flags: OpenFlags) -> Result<Connection> {
    let connection = Connection::open_with_flags(file, flags)
        .with_context(|| format!("cannot open the database {}", file.display()))?;
    connection.busy_timeout(Duration::from_secs(5))?;
    Ok(connection)
}

/// A transaction in which the tables are there, and nobody else writes: two servers may start at
/// once on one file.
fn begin(connection: &mut Connection) -> Result<Transaction<'_>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLES)?;
    let there = "SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'organization_revision'";
    if !transaction.query_row(there, [], |row| row.get::<_, bool>(0))? {
        transaction.execute_batch(SETTINGS)?;
    }
    Ok(transaction)
}

fn all(connection: &Connection) -> Result<Vec<(String, Kept)>> {
    let mut statement = connection
        .prepare("SELECT id, profile, demands, reactivate FROM organization ORDER BY sequence")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, kept(row, 1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The settings in three columns, the first of which is told.
fn kept(row: &Row<'_>, first: usize) -> rusqlite::Result<Kept> {
    Ok(Kept {
        profile: row.get(first)?,
        demands: row.get(first + 1)?,
        reactivate: row.get(first + 2)?,
    })
}

/// Does what is asked for; gives back the organisation that was meant.
fn ensure(connection: &Connection, asked: &Asked<'_>) -> Result<Announced> {
    let first = connection
        .query_row("SELECT id FROM organization ORDER BY sequence LIMIT 1", [], |row| row.get(0))
        .optional()?;
    let id = asked.id(first);
    let made = connection.execute(
        "INSERT INTO organization (id, sequence)
         SELECT ?1, coalesce(max(sequence), 0) + 1 FROM organization WHERE true
         ON CONFLICT (id) DO NOTHING",
        [&id],
    )? > 0;
    asked.check(&id, made)?;
    let (key, hash) = asked.key(made);
    if let Some(hash) = hash {
        connection.execute(
            "INSERT INTO api_key (organization, hash) VALUES (?1, ?2)
             ON CONFLICT (organization) DO UPDATE SET hash = excluded.hash, created = unixepoch()
             WHERE hash <> excluded.hash",
            params![id, hash.as_bytes()],
        )?;
    }
    let before = "SELECT profile, demands, reactivate FROM organization WHERE id = ?1";
    let before = connection.query_row(before, [&id], |row| kept(row, 0))?;
    let settings = asked.changes.made_to(before.clone());
    if settings != before {
        let Kept { profile, demands, reactivate } = &settings;
        connection.execute(
            "UPDATE organization SET profile = ?2, demands = ?3, reactivate = ?4 WHERE id = ?1",
            params![id, profile, demands, reactivate],
        )?;
    }
    Ok(Announced { id, key, settings })
}

/// All organisations with the number of their state, unless it is the one that is known.
fn changed(connection: &Connection, known: i64) -> Result<Option<(i64, ById)>> {
    let mut statement = connection.prepare_cached(CHANGED)?;
    let mut rows = statement.query([known])?;
    let mut changed: Option<(i64, ById)> = None;
    while let Some(row) = rows.next()? {
        let (_, organizations) = changed.get_or_insert((row.get(0)?, ById::new()));
        let Some(id) = row.get::<_, Option<String>>(1)? else { continue };
        let key = row.get::<_, Option<[u8; 32]>>(5)?.map(TokenHash::from_bytes);
        let organization = Organization::new(&id, key, &kept(row, 2)?);
        organizations.insert(id, organization);
    }
    Ok(changed)
}

/// What was last seen, and how to look again.
struct OfFile {
    file: PathBuf,
    connection: Option<Connection>,
    revision: i64,
}

#[async_trait]
impl Source for OfFile {
    async fn changed(&mut self) -> Result<Option<ById>> {
        let (connection, file, known) = (self.connection.take(), self.file.clone(), self.revision);
        // A disk may be slow, and requests are not to wait for it.
        let looked = tokio::task::spawn_blocking(move || {
            let connection = connection.map_or_else(|| connect(&file, EXISTING), Ok)?;
            let changed = changed(&connection, known)?;
            anyhow::Ok((connection, changed))
        });
        let (connection, changed) = looked.await??;
        self.connection = Some(connection);
        Ok(changed.map(|(revision, organizations)| {
            self.revision = revision;
            organizations
        }))
    }

    fn lose(&mut self) {
        self.connection = None;
    }
}
