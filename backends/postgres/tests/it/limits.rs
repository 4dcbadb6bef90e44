//! Long values, requests that nobody waits for any more, and logs that came from elsewhere.

use std::num::NonZeroUsize;
use std::time::Duration;

use postgres_test_server::database;
use scim_backend_postgres::{PostgresBackend, PostgresOptions};
use scim_conformance::client::{group, resource, user};
use scim_core::{Registry, ScimType};
use scim_server_adapters::{
    BackendError, Change, EventLog, Position, Precondition, Write, WriteUnit,
};
use serde_json::{Value, json};

use crate::fixture::{number, open, try_open};

/// PostgreSQL bounds an entry of an index, at some 2,700 bytes.
#[tokio::test]
async fn long_values_are_unique_and_found() {
    let Some(database) = database("long values over PostgreSQL").unwrap() else { return };
    let store = open(&database).await;
    // What does not compress.
    let long: String = (0..3_000_u32)
        .map(|n| char::from_u32(0x4e00 + n.wrapping_mul(2_654_435_761) % 20_000).unwrap())
        .collect();
    let body = json!({
        "userName": long, "externalId": long, "displayName": long, "emails": [{"value": long}],
    });
    let id = store.create(&user(), body).await.unwrap().id;
    let taken = store.create(&user(), json!({"userName": long})).await.unwrap_err();
    assert!(matches!(taken, BackendError::Conflict { .. }), "{taken:?}");
    let other = store.create(&user(), json!({"userName": format!("{long}x")})).await.unwrap().id;
    for attribute in ["userName", "externalId", "displayName", "emails.value"] {
        let found = store.select(&user(), &format!("{attribute} eq \"{long}\"")).await;
        assert_eq!(found, [id.as_str()], "{attribute}");
    }
    let found = store.select(&user(), &format!("userName eq \"{long}x\"")).await;
    assert_eq!(found, [other.as_str()]);
}

fn create(resource_type: &std::sync::Arc<scim_core::ResourceType>, body: Value) -> WriteUnit {
    let write = Write {
        resource_type: resource_type.clone(),
        change: Change::Create { id: None, resource: resource(resource_type, body), secret: None },
        precondition: Precondition::NONE,
        returning: None,
        unique_display_name: false,
        must_exist: Vec::new(),
    };
    WriteUnit { writes: vec![write], depends_on: Vec::new() }
}

/// What is wrong with one unit is in its own result.
#[tokio::test]
async fn a_member_that_can_be_nobody_fails_its_own_unit_only() {
    let Some(database) = database("a member that can be nobody").unwrap() else { return };
    let store = open(&database).await;
    let members = json!([{"value": "x".repeat(1_001)}]);
    let units = vec![
        create(&user(), json!({"userName": "a"})),
        create(&group(), json!({"displayName": "Guides", "members": members})),
        create(&user(), json!({"userName": "b"})),
        create(&user(), json!({"userName": "A"})),
        create(&user(), json!({"userName": "c"})),
    ];
    let done = store.backend.write_all(&store.cx, units, None).await.unwrap();
    let errors: Vec<Option<String>> = done
        .iter()
        .map(|unit| unit.as_ref().err().map(|failure| failure.error.to_string()))
        .collect();
    assert!(errors[1].as_ref().is_some_and(|error| error.contains("1000 bytes")), "{errors:?}");
    assert!(errors[3].as_ref().is_some_and(|error| error.contains("userName")), "{errors:?}");
    assert_eq!([&errors[0], &errors[2], &errors[4]], [&None; 3]);
    assert_eq!(store.select(&user(), "userName pr").await.len(), 3);
}

/// The one connection of the pool serves others, though what it was doing for somebody who went away
/// would take long.
#[tokio::test]
async fn what_nobody_waits_for_any_more_is_cancelled() {
    let Some(database) = database("requests that are given up").unwrap() else { return };
    let options =
        PostgresOptions::new().connections(NonZeroUsize::MIN).busy_timeout(Duration::from_secs(60));
    let store = try_open(&database, &Registry::builtin(), &options).await.unwrap();
    let id = store.create_user("bjensen").await;
    let (client, connection) =
        tokio_postgres::connect(database.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    for lock in ["SELECT * FROM scim_resource FOR UPDATE", "LOCK TABLE scim_document"] {
        client.batch_execute(&format!("BEGIN; {lock}")).await.unwrap();
        let rename = json!([{"op": "replace", "path": "userName", "value": "babs"}]);
        let given_up = tokio::time::timeout(Duration::from_millis(200), async {
            // The first waits for the row, both for the table.
            store.patch(&user(), &id, rename).await.unwrap();
            store.get(&user(), &id).await.unwrap();
        });
        assert!(given_up.await.is_err(), "{lock}");
        if lock.starts_with("LOCK") {
            let users = user();
            let read = store.get(&users, &id);
            assert!(tokio::time::timeout(Duration::from_millis(200), read).await.is_err());
        }
        // What is locked stays so; this needs none of it.
        let exists = "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'";
        for _ in 0..500 {
            if number(&database, exists).await == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(number(&database, exists).await, 0, "{lock}: something still waits");
        client.batch_execute("ROLLBACK").await.unwrap();
        let read = tokio::time::timeout(Duration::from_secs(20), store.get(&user(), &id)).await;
        assert_eq!(read.unwrap().unwrap().version.to_string(), "W/\"1\"", "{lock}");
    }
}

/// Another server's transactions have other numbers: where a database came from a dump, they may be
/// higher than those to come.
#[tokio::test]
async fn a_log_that_came_from_another_server_is_read_on() {
    let Some(database) = database("a log from another server").unwrap() else { return };
    let store = open(&database).await;
    for name in ["a", "b"] {
        store.create_user(name).await;
    }
    drop(store);
    database.run("UPDATE scim_event SET transaction = '5000000000000'").unwrap();
    let options = PostgresOptions::new().event_retention(None);
    let registry = Registry::builtin();
    let store = PostgresBackend::open(database.url(), &registry, &options).await.unwrap();
    let ahead = [5_000_000_000_000_u64.to_be_bytes(), 1_u64.to_be_bytes()].concat();
    let refused = store.events(Some(&Position(ahead.into())), 10).await.unwrap_err();
    let BackendError::Scim(error) = &refused else { panic!("{refused:?}") };
    assert_eq!(error.scim_type(), Some(ScimType::InvalidCursor));
    let old = store.events(None, 10).await.unwrap();
    assert_eq!(old.len(), 2);
    let client = scim_conformance::client::Client::shared(std::sync::Arc::new(store));
    client.create_user("c").await;
    let log = PostgresBackend::open(database.url(), &registry, &options).await.unwrap();
    let mut new = Vec::new();
    for _ in 0..500 {
        new = log.events(Some(&old[1].position), 10).await.unwrap();
        if !new.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(new.len(), 1);
}
