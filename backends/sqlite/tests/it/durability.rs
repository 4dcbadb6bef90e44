//! What was acknowledged is there afterwards, and the store carries on.

use scim_conformance::client::{group, query, shown, user};
use std::time::Duration;

use rusqlite::Connection;
use scim_core::Version;
use scim_server_adapters::BackendError;
use serde_json::json;
use tempfile::TempDir;

use crate::fixture::{in_file, open, options};

#[tokio::test]
async fn a_restart_on_the_same_file_carries_on() {
    let (store, folder) = in_file();
    let id = store.create_user("bjensen").await;
    let team = store.create_group("Guides", &[&id]).await;
    let before =
        [store.get(&user(), &id).await.unwrap(), store.get(&group(), &team).await.unwrap()];
    drop(store);
    let store = open(&folder, &options());
    let after = [store.get(&user(), &id).await.unwrap(), store.get(&group(), &team).await.unwrap()];
    assert_eq!(before.each_ref().map(shown), after.each_ref().map(shown));
    let refused = store.create(&user(), json!({"userName": "bjensen"})).await;
    assert!(matches!(refused, Err(BackendError::Conflict { .. })));
    let later = store.create_user("jsmith").await;
    let page = store.query(&query(&user(), None)).await.unwrap();
    assert_eq!(scim_conformance::client::ids(&page), [id.as_str(), later.as_str()]);
    let written = store
        .patch(
            &group(),
            &team,
            json!([{"op": "add", "path": "members", "value": [{"value": "x"}]}]),
        )
        .await
        .unwrap();
    assert_eq!(written.version, Version::from(2));
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_process_that_never_closes_the_database() {
    let (store, folder) = in_file();
    let id = store.create_user("bjensen").await;
    let team = store.create_group("Guides", &[&id]).await;
    // The files as a crash would leave them: the log is not merged into the database.
    let image = TempDir::new().unwrap();
    for name in ["scim.db", "scim.db-wal"] {
        std::fs::copy(folder.path().join(name), image.path().join(name)).unwrap();
    }
    let restarted = open(&image, &options());
    assert_eq!(restarted.members(&team).await, [id.as_str()]);
    assert_eq!(restarted.attributes(&user(), &id).await["userName"], "bjensen");

    // And beside a store that is never dropped.
    std::mem::forget(store);
    let beside = open(&folder, &options());
    assert_eq!(beside.members(&team).await, [id.as_str()]);
    beside.create_user("jsmith").await;
}

#[tokio::test]
async fn dropping_the_store_writes_what_is_queued() {
    let (store, folder) = in_file();
    let tasks: Vec<_> = (0..100)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.create_user(&format!("user{n}")).await })
        })
        .collect();
    let mut created = Vec::new();
    for task in tasks {
        created.push(task.await.unwrap());
    }
    drop(store);
    let store = open(&folder, &options());
    for id in created {
        store.get(&user(), &id).await.unwrap();
    }
}

#[tokio::test]
async fn a_database_that_is_busy_is_unavailable_for_writes_and_loses_nothing() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder, &options().busy_timeout(Duration::from_millis(20)));
    let id = store.create_user("bjensen").await;
    let other = Connection::open(folder.path().join("scim.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = store.create(&user(), json!({"userName": "jsmith"})).await;
    assert!(matches!(refused, Err(BackendError::Unavailable { retry_after: Some(_) })));
    assert_eq!(store.attributes(&user(), &id).await["userName"], "bjensen", "reads go on");
    other.execute_batch("ROLLBACK").unwrap();
    store.create_user("jsmith").await;
    let page = store.query(&query(&user(), None)).await.unwrap();
    assert_eq!(page.total, Some(2));
}

#[tokio::test]
async fn a_product_keeps_its_own_tables_in_the_same_file() {
    let (store, folder) = in_file();
    let own = Connection::open(folder.path().join("scim.db")).unwrap();
    own.busy_timeout(Duration::from_secs(5)).unwrap();
    own.execute_batch("CREATE TABLE organisation (id TEXT PRIMARY KEY)").unwrap();
    for n in 0..20 {
        own.execute("INSERT INTO organisation (id) VALUES (?1)", [n]).unwrap();
        store.create_user(&format!("user{n}")).await;
    }
    drop(store);
    let store = open(&folder, &options());
    assert_eq!(store.query(&query(&user(), None)).await.unwrap().total, Some(20));
    let count: i64 =
        own.query_row("SELECT count(*) FROM organisation", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 20);
}
