//! Stores to test.

use postgres_test_server::Database;
use scim_backend_postgres::{OpenError, PostgresBackend, PostgresOptions};
use scim_conformance::client::Client;
use scim_core::Registry;

/// The store in a database. It keeps its events, which tests have made on a day long ago.
pub(crate) async fn open(database: &Database) -> Client {
    let options = PostgresOptions::new().event_retention(None);
    try_open(database, &Registry::builtin(), &options).await.unwrap()
}

pub(crate) async fn try_open(
    database: &Database,
    registry: &Registry,
    options: &PostgresOptions,
) -> Result<Client, OpenError> {
    PostgresBackend::open(database.url(), registry, options).await.map(Client::new)
}

/// The first column of the first row that a statement gives.
pub(crate) async fn number(database: &Database, sql: &str) -> i64 {
    let (client, connection) =
        tokio_postgres::connect(database.url(), tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let number = client.query_one(sql, &[]).await.unwrap().get(0);
    drop(client);
    connection.await.unwrap().unwrap();
    number
}

/// How many rows a table has.
pub(crate) async fn count(database: &Database, table: &str) -> i64 {
    number(database, &format!("SELECT count(*) FROM {table}")).await
}
