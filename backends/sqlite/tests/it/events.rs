//! The log of changes, as far as the contract of all logs leaves it to this store.

use std::time::Duration;

use scim_backend_sqlite::SqliteBackend;
use scim_conformance::client::Client;
use scim_core::{Registry, ScimType};
use scim_server_adapters::{BackendError, Event, EventLog, Position};
use tempfile::TempDir;

use crate::fixture::{open, options};

/// The log in a folder's file, as another process reads it that removes nothing.
fn log(folder: &TempDir) -> SqliteBackend {
    let path = folder.path().join("scim.db");
    SqliteBackend::open(path, &Registry::builtin(), &options().event_retention(None)).unwrap()
}

async fn after(log: &SqliteBackend, position: Option<&Position>) -> Vec<Event> {
    log.events(position, 100).await.unwrap()
}

async fn create_users(store: &Client, names: &[&str]) -> Vec<String> {
    let mut ids = Vec::new();
    for name in names {
        ids.push(store.create_user(name).await.to_string());
    }
    ids
}

fn ids(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.id.as_str()).collect()
}

#[tokio::test]
async fn what_has_gone_leaves_positions_good() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder, &options().event_retention(None));
    let early = create_users(&store, &["a", "b", "c"]).await;
    drop(store);
    let log = log(&folder);
    let events = after(&log, None).await;
    assert_eq!(ids(&events), early, "kept for ever");

    // What the fixture writes is of a day that is long past.
    let store = open(&folder, &options().event_retention(Some(Duration::from_secs(60))));
    while after(&log, None).await.len() > 1 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(after(&log, None).await, events[2..], "the newest stays");
    assert_eq!(after(&log, Some(&events[0].position)).await, events[2..]);
    let late = create_users(&store, &["d"]).await;
    assert_eq!(ids(&after(&log, Some(&events[2].position)).await), late);
}

#[tokio::test]
async fn a_position_from_before_the_database_was_put_back_is_refused() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder, &options().event_retention(None));
    create_users(&store, &["a", "b"]).await;
    let copy = TempDir::new().unwrap();
    for name in ["scim.db", "scim.db-wal"] {
        std::fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    create_users(&store, &["c"]).await;
    let [.., b, c] = &after(&log(&folder), None).await[..] else { panic!("three") };
    let old = log(&copy);
    assert_eq!(after(&old, Some(&b.position)).await, []);
    for refused in [c.position.clone(), Position((-1_i64).to_be_bytes().into())] {
        let error = old.events(Some(&refused), 1).await.unwrap_err();
        let BackendError::Scim(error) = error else { panic!("{error}") };
        assert_eq!(error.scim_type(), Some(ScimType::InvalidCursor));
    }
}
