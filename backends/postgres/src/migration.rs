//! Numbered migrations, run when the store is opened, forwards only.

use crate::error::OpenError;
use crate::session::Session;
use tokio_postgres::types::Type;

/// In order; the first has number 1. A migration that has been released never changes.
const MIGRATIONS: [(&str, &str); 1] =
    [("resources", include_str!("../migrations/0001_resources.sql"))];

/// The advisory lock that is held while a store is opened, so that nodes that start at once take
/// turns: the bytes of `scim-pg` as a number.
const LOCK: i64 = 0x0073_6369_6d2d_7067;

const MIGRATION_TABLE: &str = "
    CREATE TABLE IF NOT EXISTS scim_migration (
        number bigint PRIMARY KEY,
        name   text NOT NULL,
        run_at timestamptz NOT NULL DEFAULT now()
    )";

/// Waits for other nodes that open the store, until the transaction ends.
pub(crate) async fn take_turn(session: &Session) -> Result<(), OpenError> {
    // Longer than for other locks: the one before may be rebuilding an index.
    session.batch("SET LOCAL lock_timeout = 0").await?;
    session.query("SELECT pg_advisory_xact_lock($1)", &[(&LOCK, Type::INT8)]).await?;
    Ok(())
}

/// Brings the database to the newest schema, in the transaction of the session.
pub(crate) async fn run(session: &Session) -> Result<(), OpenError> {
    let encoding: String = session
        .query_once("SHOW server_encoding", &[])
        .await?
        .first()
        .map_or_else(|| Ok(String::new()), |row| row.try_get(0))?;
    if encoding != "UTF8" {
        return Err(OpenError::Encoding(encoding));
    }
    session.batch(MIGRATION_TABLE).await?;
    let rows =
        session.query_once("SELECT coalesce(max(number), 0) FROM scim_migration", &[]).await?;
    let found: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
    let found = u32::try_from(found).unwrap_or(u32::MAX);
    let known = MIGRATIONS.iter().fold(0, |count: u32, _| count + 1);
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    for (number, (name, sql)) in (1_u32..).zip(MIGRATIONS) {
        if number > found {
            session.batch(sql).await?;
            session
                .query_once(
                    "INSERT INTO scim_migration (number, name) VALUES ($1, $2)",
                    &[(&i64::from(number), Type::INT8), (&name, Type::TEXT)],
                )
                .await?;
        }
    }
    Ok(())
}
