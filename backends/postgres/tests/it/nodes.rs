//! Several nodes over one database, and connections that are cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use postgres_test_server::database;
use scim_backend_postgres::PostgresOptions;
use scim_conformance::client::{group, query, user};
use scim_core::Registry;
use scim_server_adapters::BackendError;
use serde_json::json;

use crate::fixture::{number, open, try_open};

#[tokio::test(flavor = "multi_thread")]
async fn members_that_two_nodes_add_at_once_are_all_there() {
    let Some(database) = database("two nodes that add members").unwrap() else { return };
    let nodes = [open(&database).await, open(&database).await];
    let id = nodes[0].create_group("Guides", &[]).await;
    let tasks = (0..64).map(|n| {
        let (node, id) = (nodes[n % 2].clone(), id.clone());
        tokio::spawn(async move {
            let add =
                json!([{"op": "add", "path": "members", "value": [{"value": format!("m{n}")}]}]);
            node.patch(&group(), &id, add).await.unwrap().version.to_string()
        })
    });
    let mut versions = std::collections::HashSet::new();
    for task in tasks.collect::<Vec<_>>() {
        assert!(versions.insert(task.await.unwrap()), "each change has a version of its own");
    }
    assert_eq!(nodes[0].members(&id).await.len(), 64);
    let version = nodes[1].get(&group(), &id).await.unwrap().version;
    assert_eq!(version.to_string(), "W/\"65\"");
}

/// Connections are ended again and again while clients write. What is acknowledged is there
/// afterwards; what is not is there whole, or not at all; and nothing worse is said than that the
/// store is not available.
#[tokio::test(flavor = "multi_thread")]
async fn cut_connections_lose_no_acknowledged_write_and_leave_none_half_done() {
    const CLIENTS: usize = 8;
    let Some(database) = database("cut connections").unwrap() else { return };
    let database = Arc::new(database);
    let store = open(&database).await;
    let id = store.create_group("Guides", &[]).await;
    let done = Arc::new(AtomicBool::new(false));
    let clients = (0..CLIENTS).map(|client| {
        let (store, id, done) = (store.clone(), id.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            let (mut acknowledged, mut refused) = (Vec::new(), 0);
            for n in 0.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                let name = format!("{client}-{n}");
                let body =
                    json!({"userName": name, "emails": [{"value": format!("{name}@example.com")}]});
                let written = match store.create(&user(), body).await {
                    Ok(written) => {
                        let value = json!([{"value": written.id.as_str()}]);
                        let add = json!([{"op": "add", "path": "members", "value": value}]);
                        store.patch(&group(), &id, add).await.map(|_| written.id)
                    }
                    Err(error) => Err(error),
                };
                match written {
                    Ok(id) => acknowledged.push((name, id)),
                    Err(BackendError::Unavailable { .. }) => refused += 1,
                    Err(error) => panic!("{error:?}"),
                }
            }
            (acknowledged, refused)
        })
    });
    let clients: Vec<_> = clients.collect();
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let database = Arc::clone(&database);
        tokio::task::spawn_blocking(move || database.cut_connections()).await.unwrap().unwrap();
    }
    done.store(true, Ordering::Relaxed);
    let mut acknowledged = Vec::new();
    for client in clients {
        acknowledged.extend(client.await.unwrap().0);
    }
    assert!(acknowledged.len() > 20, "{} acknowledged", acknowledged.len());

    let members = store.members(&id).await;
    for (name, id) in &acknowledged {
        let filter = format!("userName eq \"{name}\" and emails.value eq \"{name}@example.com\"");
        assert_eq!(store.select(&user(), &filter).await, [id.as_str()]);
        assert!(members.iter().any(|member| member == id.as_str()), "{name}");
    }
    // Every row that goes with a user is there for each, and for nobody else.
    let users = store.query(&query(&user(), None)).await.unwrap().total.unwrap();
    let users = i64::try_from(users).unwrap();
    for table in ["scim_unique_value", "scim_indexed_value"] {
        assert_eq!(
            number(&database, &format!("SELECT count(*) FROM {table}")).await,
            users,
            "{table}"
        );
    }
    let documents = "SELECT count(*) FROM scim_document JOIN scim_resource ON key = resource";
    assert_eq!(number(&database, documents).await, users + 1);
    let events = "SELECT count(*) FROM scim_event WHERE kind = 1";
    assert_eq!(number(&database, events).await, users + 1);
    let version = store.get(&group(), &id).await.unwrap().version;
    assert_eq!(version.to_string(), format!("W/\"{}\"", members.len() + 1));
}

#[tokio::test]
async fn a_write_that_waits_too_long_for_another_is_unavailable() {
    let Some(database) = database("a write that waits").unwrap() else { return };
    let options = PostgresOptions::new().busy_timeout(Duration::from_millis(300));
    let store = try_open(&database, &Registry::builtin(), &options).await.unwrap();
    let id = store.create_user("bjensen").await;
    let (client, connection) =
        tokio_postgres::connect(database.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("BEGIN; SELECT * FROM scim_resource FOR UPDATE").await.unwrap();
    let rename = json!([{"op": "replace", "path": "userName", "value": "babs"}]);
    let refused = store.patch(&user(), &id, rename.clone()).await.unwrap_err();
    assert!(matches!(refused, BackendError::Unavailable { retry_after: Some(_) }), "{refused:?}");
    client.batch_execute("ROLLBACK").await.unwrap();
    assert!(store.patch(&user(), &id, rename).await.unwrap().changed);
}
