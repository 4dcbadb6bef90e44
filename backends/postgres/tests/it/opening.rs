//! Opening a store: migrations, and schemas or options that changed over existing data.

use postgres_test_server::{Database, database};
use scim_backend_postgres::{OpenError, PostgresBackend, PostgresOptions};
use scim_conformance::client::{Client, group, query, user};
use scim_core::Registry;
use scim_server_adapters::BackendError;
use serde_json::json;

use crate::fixture::{count, number, open, try_open};

const GROUP_NAME: &str = "urn:ietf:params:scim:schemas:core:2.0:Group:displayName";

async fn refused(database: &Database, registry: &Registry, options: &PostgresOptions) -> OpenError {
    match try_open(database, registry, options).await {
        Ok(_) => panic!("opened"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_refused() {
    let url = "postgres://scim@127.0.0.1:1/scim";
    let opened = PostgresBackend::open(url, &Registry::builtin(), &PostgresOptions::new()).await;
    assert!(matches!(opened, Err(OpenError::Database(_))), "{opened:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_nodes_may_start_at_once() {
    let Some(database) = database("ten nodes that start at once").unwrap() else { return };
    let url = database.url().to_owned();
    let starts = (0..10).map(|_| {
        let url = url.clone();
        tokio::spawn(async move {
            let options = PostgresOptions::new();
            PostgresBackend::open(&url, &Registry::builtin(), &options).await.map(Client::new)
        })
    });
    let mut nodes = Vec::new();
    for start in starts.collect::<Vec<_>>() {
        nodes.push(start.await.unwrap().unwrap());
    }
    assert_eq!(count(&database, "scim_migration").await, 1);
    let id = nodes[0].create_user("bjensen").await;
    for node in &nodes {
        assert_eq!(node.select(&user(), "userName eq \"bjensen\"").await, [id.as_str()]);
        node.create(&user(), json!({"userName": "BJensen"})).await.unwrap_err();
    }
}

#[tokio::test]
async fn a_newer_database_is_refused_and_left_alone() {
    let Some(database) = database("a newer database").unwrap() else { return };
    drop(open(&database).await);
    database.run("INSERT INTO scim_migration (number, name) VALUES (1000, 'future')").unwrap();
    let error = refused(&database, &Registry::builtin(), &PostgresOptions::new()).await;
    assert!(matches!(error, OpenError::Newer { found: 1000, .. }), "{error}");
}

#[tokio::test]
async fn a_changed_index_is_rebuilt_over_existing_data() {
    let Some(database) = database("a changed index").unwrap() else { return };
    let store = open(&database).await;
    let body = json!({
        "userName": "bjensen", "nickName": "Babs",
        "emails": [{"value": "bjensen@example.com"}],
    });
    let id = store.create(&user(), body).await.unwrap().id;
    for n in 0..1_500 {
        store.create_user(&format!("user{n}")).await;
    }
    assert_eq!(count(&database, "scim_indexed_value").await, 1);

    let changed = PostgresOptions::new()
        .indexed(["urn:ietf:params:scim:schemas:core:2.0:User:nickName", "externalId"]);
    let newer = try_open(&database, &Registry::builtin(), &changed).await.unwrap();
    assert_eq!(
        number(&database, "SELECT count(*) FROM scim_indexed_value WHERE value = 'tbabs'").await,
        1
    );
    assert_eq!(count(&database, "scim_indexed_value").await, 1);
    assert_eq!(count(&database, "scim_unique_value").await, 1_501);
    assert_eq!(newer.select(&user(), "nickName eq \"BABS\"").await, [id.as_str()]);
    assert_eq!(newer.select(&user(), "userName eq \"USER1499\"").await.len(), 1);

    // A node that would derive other rows writes no more, nor does it ask an index that may lack what
    // it is asked for; it says that it is for a while.
    let filter = query(&user(), Some("emails.value eq \"bjensen@example.com\""));
    for refused in [
        store.query(&filter).await.map(drop).unwrap_err(),
        store.create(&user(), json!({"userName": "late"})).await.unwrap_err(),
        store.patch(&user(), &id, json!([{"op": "remove", "path": "nickName"}])).await.unwrap_err(),
        store.delete(&user(), &id).await.unwrap_err(),
    ] {
        assert!(matches!(refused, BackendError::Unavailable { .. }), "{refused:?}");
    }
    // The rows of the old set would be in the way of a delete; those of the new one go with it.
    newer.delete(&user(), &id).await.unwrap();
    assert_eq!(count(&database, "scim_indexed_value").await, 0);
    assert_eq!(count(&database, "scim_unique_value").await, 1_500);
}

#[tokio::test]
async fn new_uniqueness_over_data_that_does_not_meet_it_is_refused_and_changes_nothing() {
    let Some(database) = database("new uniqueness").unwrap() else { return };
    let store = open(&database).await;
    let first = store.create_group("Guides", &[]).await;
    let second = store.create_group("guides", &[]).await;
    store.tenant("other").create_group("Guides", &[]).await;
    store.create_user("bjensen").await;
    let before = count(&database, "scim_unique_value").await;
    let unique = PostgresOptions::new().unique(GROUP_NAME);
    let error = refused(&database, &Registry::builtin(), &unique).await;
    let OpenError::Conflicts(conflicts) = &error else { panic!("{error}") };
    let [conflict] = conflicts.named.as_slice() else { panic!("{error}") };
    assert_eq!(conflict.tenant, "acme");
    assert_eq!(conflict.attribute, GROUP_NAME);
    assert_eq!(conflict.ids, [first.to_string(), second.to_string()]);
    assert_eq!(count(&database, "scim_unique_value").await, before);
    assert_eq!(store.query(&query(&group(), None)).await.unwrap().total, Some(2));
    store.create_user("still writes").await;

    store.delete(&group(), &second).await.unwrap();
    let newer = try_open(&database, &Registry::builtin(), &unique).await.unwrap();
    newer.create(&group(), json!({"displayName": "GUIDES"})).await.unwrap_err();
    assert_eq!(newer.select(&group(), "displayName eq \"guides\"").await, [first.as_str()]);
}

/// What the demand covers outlives a rebuild of the rows.
#[tokio::test]
async fn a_demanded_display_name_stays_when_the_layout_changes() {
    let Some(database) = database("a demanded display name").unwrap() else { return };
    let demanding = open(&database).await.with_unique_display_names();
    demanding.create_group("Guides", &[]).await;
    let options = PostgresOptions::new().indexed(["externalId"]);
    let newer = try_open(&database, &Registry::builtin(), &options).await.unwrap();
    newer.create_group("Guides", &[]).await;
    let newer = newer.with_unique_display_names();
    let taken = newer.create(&group(), json!({"displayName": "GUIDES"})).await.unwrap_err();
    assert!(matches!(taken, BackendError::Conflict { .. }), "{taken:?}");
}

#[tokio::test]
async fn a_database_of_another_encoding_is_refused() {
    let Some(database) = database("a database of another encoding").unwrap() else { return };
    let name = format!("{}_latin", database.url().rsplit('/').next().unwrap());
    database
        .run(&format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'"))
        .unwrap();
    let url = format!("{}_latin", database.url());
    let opened = PostgresBackend::open(&url, &Registry::builtin(), &PostgresOptions::new()).await;
    assert!(matches!(&opened, Err(OpenError::Encoding(e)) if e == "LATIN1"), "{opened:?}");
    drop(opened);
    database.run(&format!("DROP DATABASE {name} WITH (FORCE)")).unwrap();
}
