//! Nodes behind PgBouncer in transaction mode.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::time::Duration;

use postgres_test_server::{Database, Pooler, database};
use scim_backend_postgres::{PostgresBackend, PostgresOptions};
use scim_conformance::backend::{Contract, registry};
use scim_conformance::client::{Client, group, user};
use scim_core::Registry;
use serde_json::json;
use tokio_postgres::{NoTls, SimpleQueryMessage};

use crate::fixture::number;

/// PgBouncer, which goes first, and the database behind it.
fn pooled(what: &str) -> Option<(Pooler, Database)> {
    let database = database(what).unwrap()?;
    let pooler = database.pooler(what).unwrap()?;
    Some((pooler, database))
}

fn options() -> PostgresOptions {
    PostgresOptions::new().transaction_pooling()
}

async fn open(pooler: &Pooler, options: &PostgresOptions) -> Client {
    let opened = PostgresBackend::open(pooler.url(), &Registry::builtin(), options).await;
    Client::new(opened.unwrap())
}

#[test]
fn the_contract_is_kept() {
    let Some((pooler, _database)) = pooled("the contract behind PgBouncer") else { return };
    let url = pooler.url().to_owned();
    let contract = Contract::with_events(move || {
        let url = url.clone();
        async move { PostgresBackend::open(&url, &registry(), &options()).await.unwrap() }
    });
    contract.run();
}

/// More of them than there are connections, all of which the nodes take turns on.
#[tokio::test(flavor = "multi_thread")]
async fn members_that_two_nodes_add_at_once_are_all_there() {
    let Some((pooler, _database)) = pooled("two nodes behind PgBouncer") else { return };
    let nodes = [open(&pooler, &options()).await, open(&pooler, &options()).await];
    let id = nodes[0].create_group("Guides", &[]).await;
    let tasks = (0..64).map(|n| {
        let (node, id) = (nodes[n % 2].clone(), id.clone());
        tokio::spawn(async move {
            let add =
                json!([{"op": "add", "path": "members", "value": [{"value": format!("m{n}")}]}]);
            node.patch(&group(), &id, add).await.unwrap().version.to_string()
        })
    });
    let mut versions = HashSet::new();
    for task in tasks.collect::<Vec<_>>() {
        assert!(versions.insert(task.await.unwrap()), "each change has a version of its own");
    }
    let members: HashSet<String> = nodes[0].members(&id).await.into_iter().collect();
    assert_eq!(members, (0..64).map(|n| format!("m{n}")).collect());
    let version = nodes[1].get(&group(), &id).await.unwrap().version;
    assert_eq!(version.to_string(), "W/\"65\"");
    assert_eq!(left_behind(&pooler).await, [""; Pooler::CONNECTIONS]);
}

/// What is on each of the connections to the server that others would find there.
async fn left_behind(pooler: &Pooler) -> Vec<String> {
    // The settings that are left out are PgBouncer's, which sets them as each client has them.
    const LEFT: &str = "
        SELECT coalesce(string_agg(what, ', '), '') FROM (
            SELECT name AS what FROM pg_settings WHERE source = 'session' AND name NOT IN
                ('client_encoding', 'DateStyle', 'TimeZone', 'standard_conforming_strings',
                 'application_name', 'IntervalStyle')
            UNION ALL SELECT statement FROM pg_prepared_statements
            UNION ALL SELECT 'an advisory lock' FROM pg_locks
                WHERE locktype = 'advisory' AND pid = pg_backend_pid()
        ) AS found";
    let mut clients = Vec::new();
    let mut left = Vec::new();
    for _ in 0..Pooler::CONNECTIONS {
        let (client, connection) = tokio_postgres::connect(pooler.url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        // A transaction that goes on keeps its connection.
        client.batch_execute("BEGIN").await.unwrap();
        for message in client.simple_query(LEFT).await.unwrap() {
            if let SimpleQueryMessage::Row(row) = message {
                left.push(row.get(0).unwrap().to_owned());
            }
        }
        clients.push(client);
    }
    left
}

/// Whoever goes away leaves PgBouncer as it was. Some versions end when they are asked to cancel a
/// statement by one who does not wait for the answer.
#[tokio::test(flavor = "multi_thread")]
async fn writes_that_are_given_up_while_they_wait_are_undone() {
    let Some((pooler, database)) = pooled("writes given up behind PgBouncer") else { return };
    let options = options().connections(NonZeroUsize::MIN).busy_timeout(Duration::from_secs(60));
    let store = open(&pooler, &options).await;
    let id = store.create_user("bjensen").await;
    let (client, connection) = tokio_postgres::connect(database.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    for _ in 0..20 {
        client.batch_execute("BEGIN; SELECT * FROM scim_resource FOR UPDATE").await.unwrap();
        let (writer, given_up) = (store.clone(), id.clone());
        let write = tokio::spawn(async move {
            let title = json!([{"op": "add", "path": "title", "value": "Guide"}]);
            writer.patch(&user(), &given_up, title).await
        });
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN
            (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";
        while number(&database, waiting).await == 0 {
            assert!(!write.is_finished(), "{:?}", write.await);
        }
        write.abort();
        assert!(write.await.unwrap_err().is_cancelled());
        client.batch_execute("ROLLBACK").await.unwrap();
        assert!(store.select(&user(), "title pr").await.is_empty());
    }
    let rename = json!([{"op": "replace", "path": "userName", "value": "babs"}]);
    assert!(store.patch(&user(), &id, rename).await.unwrap().changed);
    let filter = "userName eq \"babs\" and not (title pr)";
    assert_eq!(store.select(&user(), filter).await, [id.as_str()]);
}
