//! Numbered migrations, run when the store is opened, forwards only.

use rusqlite::{Connection, TransactionBehavior};

use crate::error::OpenError;

/// In order; the first has number 1. A migration that has been released never changes.
const MIGRATIONS: [(&str, &str); 1] = [("schema", include_str!("../migrations/0001_schema.sql"))];

/// Brings the database to the newest schema.
pub(crate) fn run(connection: &mut Connection) -> Result<(), OpenError> {
    run_all(connection, &MIGRATIONS)
}

/// All in one transaction, so that a database is never between two migrations, and processes that
/// start at once wait for each other.
fn run_all(connection: &mut Connection, migrations: &[(&str, &str)]) -> Result<(), OpenError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS scim_migration (
            number INTEGER PRIMARY KEY,
            name   TEXT NOT NULL,
            run_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
        ) STRICT",
    )?;
    let found: u32 = transaction.query_row(
        "SELECT coalesce(max(number), 0) FROM scim_migration",
        [],
        |row| row.get(0),
    )?;
    let known = migrations.iter().fold(0, |count: u32, _| count + 1);
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    for (number, (name, sql)) in (1_u32..).zip(migrations) {
        if number > found {
            transaction.execute_batch(sql)?;
            transaction.execute(
                "INSERT INTO scim_migration (number, name) VALUES (?1, ?2)",
                (number, name),
            )?;
        }
    }
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(connection: &Connection) -> Vec<(u32, String)> {
        let mut statement =
            connection.prepare("SELECT number, name FROM scim_migration ORDER BY number").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn each_runs_once_and_new_ones_follow() {
        let mut connection = Connection::open_in_memory().unwrap();
        let first = ("one", "CREATE TABLE one (x)");
        run_all(&mut connection, &[first]).unwrap();
        run_all(&mut connection, &[first]).unwrap();
        run_all(&mut connection, &[first, ("two", "CREATE TABLE two (x)")]).unwrap();
        assert_eq!(applied(&connection), [(1, "one".to_owned()), (2, "two".to_owned())]);
    }

    #[test]
    fn a_failing_one_leaves_the_database_as_it_was() {
        let mut connection = Connection::open_in_memory().unwrap();
        let first = ("one", "CREATE TABLE one (x)");
        run_all(&mut connection, &[first]).unwrap();
        let broken = [first, ("two", "CREATE TABLE two (x)"), ("three", "nonsense")];
        assert!(matches!(run_all(&mut connection, &broken), Err(OpenError::Database(_))));
        assert_eq!(applied(&connection), [(1, "one".to_owned())]);
        assert!(connection.prepare("SELECT x FROM two").is_err());
    }

    #[test]
    fn a_newer_database_is_refused_and_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        run(&mut connection).unwrap();
        connection
            .execute("INSERT INTO scim_migration (number, name) VALUES (99, 'future')", [])
            .unwrap();
        let error = run(&mut connection).unwrap_err();
        assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error}");
    }
}
