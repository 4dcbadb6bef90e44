//! What nobody sees any more goes in the background.

use std::time::Duration;

use postgres_test_server::database;
use scim_backend_postgres::PostgresOptions;
use scim_conformance::client::{group, user};
use scim_core::Registry;
use serde_json::{Value, json};

use crate::fixture::{count, number, open, try_open};

#[tokio::test]
async fn deleting_a_group_with_many_members_leaves_nothing_to_see_and_in_time_nothing_at_all() {
    let Some(database) = database("a large group that is deleted").unwrap() else { return };
    let store = open(&database).await;
    let babs = store.create_user("bjensen").await;
    let members = (0..3_000).map(|n| json!({"value": format!("m{n}")}));
    let members: Vec<Value> = members.chain([json!({"value": babs.as_str()})]).collect();
    let body = json!({"displayName": "Guides", "members": members});
    let id = store.create(&group(), body).await.unwrap().id;
    assert_eq!(store.get(&user(), &babs).await.unwrap().groups.unwrap().len(), 1);
    store.delete(&group(), &id).await.unwrap();
    assert_eq!(store.get(&user(), &babs).await.unwrap().groups.unwrap(), []);
    assert!(store.select(&group(), &format!("members.value eq \"{babs}\"")).await.is_empty());
    let groups = format!("groups.value eq \"{id}\"");
    assert!(store.select(&user(), &groups).await.is_empty());
    await_none(&database, "scim_member").await;
    await_none(&database, "scim_sweep").await;
}

#[tokio::test]
async fn events_are_kept_as_long_as_the_option_says() {
    let Some(database) = database("events").unwrap() else { return };
    let store = open(&database).await;
    for n in 0..10 {
        store.create_user(&format!("user{n}")).await;
    }
    assert_eq!(count(&database, "scim_event").await, 10);
    drop(store);
    // They were made on the first day of 2026, as the test has it.
    let options = PostgresOptions::new().event_retention(Some(Duration::from_secs(1)));
    let store = try_open(&database, &Registry::builtin(), &options).await.unwrap();
    await_none(&database, "scim_event").await;
    drop(store);
}

/// Plans that were made for small tables are not kept when they have grown.
#[tokio::test]
async fn tables_that_have_grown_are_analysed() {
    let Some(database) = database("tables that have grown").unwrap() else { return };
    let store = open(&database).await;
    for n in 0..1_100 {
        store.create_user(&format!("user{n}")).await;
    }
    let known = "SELECT count(*) FROM pg_class
        WHERE oid = 'scim_resource'::regclass AND reltuples >= 200";
    for _ in 0..500 {
        if number(&database, known).await == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the planner does not know of them");
}

async fn await_none(database: &postgres_test_server::Database, table: &str) {
    for _ in 0..500 {
        if count(database, table).await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{table} still has {} rows", count(database, table).await);
}
