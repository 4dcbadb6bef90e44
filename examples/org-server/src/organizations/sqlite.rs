//! Organisations in SQLite, beside the store. They are read at start only.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use scim_server_adapters::TokenHash;
use tokio::sync::watch;

use super::{Announced, Asked, Known, Organizations, announced};

/// Opens the organisations of a database file (`None`: in memory) and sees to it that the one asked
/// for is there.
pub(crate) fn open(
    file: Option<&Path>,
    asked: Asked<'_>,
) -> Result<(Organizations, Vec<Announced>)> {
    let mut connection = match file {
        Some(file) => Connection::open(file)
            .with_context(|| format!("cannot open the database {}", file.display()))?,
        None => Connection::open_in_memory()?,
    };
    connection.busy_timeout(Duration::from_secs(5))?;
    // `rowid` would do for the order, but VACUUM may change it.
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS organization (
             id TEXT PRIMARY KEY, created INTEGER NOT NULL DEFAULT (unixepoch()),
             sequence INTEGER NOT NULL UNIQUE) STRICT;
         CREATE TABLE IF NOT EXISTS api_key (
             organization TEXT PRIMARY KEY REFERENCES organization (id),
             hash BLOB NOT NULL, created INTEGER NOT NULL DEFAULT (unixepoch())) STRICT;",
    )?;
    // Two servers may start at once on one file.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let ensured = ensure(&transaction, asked)?;
    transaction.commit()?;

    let mut statement = connection.prepare("SELECT id FROM organization ORDER BY sequence")?;
    let ids = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut statement = connection.prepare("SELECT organization, hash FROM api_key")?;
    let keys: HashMap<String, TokenHash> = statement
        .query_map([], |row| Ok((row.get(0)?, TokenHash::from_bytes(row.get(1)?))))?
        .collect::<Result<_, _>>()?;
    let (_, known) = watch::channel(Known { keys, as_of: None });
    Ok((Organizations { known }, announced(ids, ensured)))
}

/// Makes what is asked for and not there; gives back the organisation that was meant.
fn ensure(connection: &Connection, asked: Asked<'_>) -> Result<Announced> {
    let first = connection
        .query_row("SELECT id FROM organization ORDER BY sequence LIMIT 1", [], |row| row.get(0))
        .optional()?;
    let id = asked.id(first);
    let made = connection.execute(
        "INSERT INTO organization (id, sequence)
         SELECT ?1, coalesce(max(sequence), 0) + 1 FROM organization WHERE true
         ON CONFLICT (id) DO NOTHING",
        [&id],
    )?;
    let (key, hash) = asked.key(made > 0);
    if let Some(hash) = hash {
        connection.execute(
            "INSERT INTO api_key (organization, hash) VALUES (?1, ?2)
             ON CONFLICT (organization) DO UPDATE SET hash = excluded.hash, created = unixepoch()
             WHERE hash <> excluded.hash",
            params![id, hash.as_bytes()],
        )?;
    }
    Ok(Announced { id, key })
}
