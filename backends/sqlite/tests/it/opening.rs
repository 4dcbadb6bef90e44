//! Opening a store: migrations, and schemas or options that changed over existing data.

use rusqlite::Connection;
use scim_backend_sqlite::{OpenError, SqliteBackend, SqliteOptions};
use scim_conformance::client::{Client, group, query, user};
use scim_core::Registry;
use serde_json::json;
use tempfile::TempDir;

use crate::fixture::{in_file, open, options};

const GROUP_NAME: &str = "urn:ietf:params:scim:schemas:core:2.0:Group:displayName";

fn try_open(
    folder: &TempDir,
    registry: &Registry,
    options: &SqliteOptions,
) -> Result<Client, OpenError> {
    SqliteBackend::open(folder.path().join("scim.db"), registry, options).map(Client::new)
}

fn refused(folder: &TempDir, registry: &Registry, options: &SqliteOptions) -> OpenError {
    match try_open(folder, registry, options) {
        Ok(_) => panic!("opened"),
        Err(error) => error,
    }
}

fn raw(folder: &TempDir) -> Connection {
    Connection::open(folder.path().join("scim.db")).unwrap()
}

fn count(connection: &Connection, table: &str) -> i64 {
    connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_file_that_is_not_there_is_made_and_one_that_is_no_database_is_refused() {
    let (store, folder) = in_file();
    store.create_user("bjensen").await;
    drop(store);
    assert!(count(&raw(&folder), "scim_migration") > 0);

    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("scim.db"), "not a database, and long enough to tell")
        .unwrap();
    let error = refused(&folder, &Registry::builtin(), &options());
    assert!(matches!(error, OpenError::Database(_)), "{error}");
}

/// By what Linux says of the process's own memory.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_is_mapped_where_that_is_asked_for_and_only_there() {
    for (options, mapped) in [(options(), false), (options().mapped_bytes(1 << 30), true)] {
        let folder = TempDir::new().unwrap();
        let id = open(&folder, &options).create_user("bjensen").await;
        // What is still in the log is read from there; opened again, it is in the file.
        let store = open(&folder, &options);
        store.get(&user(), &id).await.unwrap();
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let file = folder.path().join("scim.db").display().to_string();
        assert_eq!(maps.lines().any(|map| map.ends_with(&file)), mapped, "{maps}");
    }
}

/// By counts of a time when there were few rows, SQLite would go through all of many.
#[tokio::test]
async fn what_was_counted_of_its_tables_is_forgotten_and_that_of_others_is_kept() {
    let (store, folder) = in_file();
    store.create_user("bjensen").await;
    drop(store);
    let sql = "CREATE TABLE product (id INTEGER PRIMARY KEY, name TEXT);
        CREATE INDEX product_by_name ON product (name);
        INSERT INTO product (name) VALUES ('one');
        ANALYZE";
    raw(&folder).execute_batch(sql).unwrap();
    let counted = |whose: &str| {
        let sql = format!("SELECT count(*) FROM sqlite_stat1 WHERE tbl {whose}");
        raw(&folder).query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert!(counted("GLOB 'scim_*'") > 0);
    let store = open(&folder, &options());
    assert_eq!((counted("GLOB 'scim_*'"), counted("= 'product'")), (0, 1));
    assert_eq!(store.select(&user(), "userName eq \"bjensen\"").await.len(), 1);
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let (store, folder) = in_file();
    drop(store);
    raw(&folder)
        .execute("INSERT INTO scim_migration (number, name) VALUES (1000, 'future')", [])
        .unwrap();
    let error = refused(&folder, &Registry::builtin(), &options());
    assert!(matches!(error, OpenError::Newer { found: 1000, .. }), "{error}");
}

#[tokio::test]
async fn a_changed_index_is_rebuilt_over_existing_data() {
    let (store, folder) = in_file();
    let body = json!({
        "userName": "bjensen", "nickName": "Babs",
        "emails": [{"value": "bjensen@example.com"}],
    });
    let id = store.create(&user(), body).await.unwrap().id;
    drop(store);
    assert_eq!(count(&raw(&folder), "scim_indexed_value"), 1);

    let changed =
        options().indexed(["urn:ietf:params:scim:schemas:core:2.0:User:nickName", "externalId"]);
    let store = open(&folder, &changed);
    let indexed: String = raw(&folder)
        .query_row("SELECT value FROM scim_indexed_value", [], |row| row.get(0))
        .unwrap();
    assert_eq!(indexed, "babs");
    assert_eq!(store.select(&user(), "nickName eq \"BABS\"").await, [id.as_str()]);
    assert_eq!(store.select(&user(), "emails eq \"bjensen@example.com\"").await, [id.as_str()]);
    // The rows of the old set would be in the way of a delete; those of the new one go with it.
    store.delete(&user(), &id).await.unwrap();
    drop(store);
    for table in ["scim_indexed_value", "scim_unique_value", "scim_resource"] {
        assert_eq!(count(&raw(&folder), table), 0, "{table}");
    }
}

#[tokio::test]
async fn new_uniqueness_over_data_that_meets_it_holds_from_then_on() {
    let (store, folder) = in_file();
    let first = store.create_group("Guides", &[]).await;
    store.tenant("other").create_group("Guides", &[]).await;
    drop(store);
    let store = open(&folder, &options().unique(GROUP_NAME));
    store.create(&group(), json!({"displayName": "GUIDES"})).await.unwrap_err();
    assert_eq!(store.select(&group(), "displayName eq \"guides\"").await, [first.as_str()]);
    drop(store);
    // And no longer when it is taken back.
    let store = open(&folder, &options());
    store.create_group("Guides", &[]).await;
}

#[tokio::test]
async fn new_uniqueness_over_data_that_does_not_meet_it_is_refused_and_changes_nothing() {
    let (store, folder) = in_file();
    let first = store.create_group("Guides", &[]).await;
    let second = store.create_group("guides", &[]).await;
    store.create_user("bjensen").await;
    drop(store);
    let before = count(&raw(&folder), "scim_unique_value");
    let error = refused(&folder, &Registry::builtin(), &options().unique(GROUP_NAME));
    let OpenError::Conflicts(conflicts) = &error else { panic!("{error}") };
    assert!(!conflicts.more);
    let [conflict] = conflicts.named.as_slice() else { panic!("{error}") };
    assert_eq!(conflict.tenant, "acme");
    assert_eq!(conflict.attribute, GROUP_NAME);
    assert_eq!(conflict.ids, [first.to_string(), second.to_string()]);
    assert_eq!(count(&raw(&folder), "scim_unique_value"), before);
    let store = open(&folder, &options());
    assert_eq!(store.query(&query(&group(), None)).await.unwrap().total, Some(2));
}

#[tokio::test]
async fn a_schema_that_becomes_unique_or_case_exact_is_noticed() {
    let registry = |characteristics: &str| {
        let mut registry = Registry::builtin();
        let schema = format!(
            r#"{{"id": "urn:example:Device", "name": "Device", "attributes": [
                {{"name": "serial", "uniqueness": "server" {characteristics}}}]}}"#
        );
        registry.add_schema_json(&schema).unwrap();
        registry
            .add_resource_type_json(
                r#"{"name": "Device", "endpoint": "/Devices", "schema": "urn:example:Device"}"#,
            )
            .unwrap();
        registry
    };
    let (exact, folded) = (registry(r#", "caseExact": true"#), registry(""));
    let device = |registry: &Registry| registry.by_name("Device").unwrap().clone();
    let folder = TempDir::new().unwrap();
    let store = try_open(&folder, &exact, &options()).unwrap();
    store.create(&device(&exact), json!({"serial": "a"})).await.unwrap();
    let upper = store.create(&device(&exact), json!({"serial": "A"})).await.unwrap().id;
    drop(store);
    let error = refused(&folder, &folded, &options());
    assert!(matches!(error, OpenError::Conflicts(_)), "{error}");

    let store = try_open(&folder, &exact, &options()).unwrap();
    store.delete(&device(&exact), &upper).await.unwrap();
    drop(store);
    let store = try_open(&folder, &folded, &options()).unwrap();
    assert_eq!(store.select(&device(&folded), "serial eq \"A\"").await.len(), 1);
    drop(store);

    // A type that is not registered for a while keeps its resources.
    let store = open(&folder, &options());
    store.create_user("bjensen").await;
    let error = store.query(&query(&device(&folded), None)).await.unwrap_err();
    assert_eq!(error.to_scim("/Devices").status(), 500);
    drop(store);
    let store = try_open(&folder, &folded, &options()).unwrap();
    assert_eq!(store.select(&device(&folded), "serial eq \"A\"").await.len(), 1);
    store.create(&device(&folded), json!({"serial": "A"})).await.unwrap_err();
}

#[test]
fn options_that_name_what_cannot_be_indexed_are_refused() {
    for (path, reason) in [
        ("urn:example:Nothing:name", "no registered schema defines it"),
        ("nonsense", "no registered schema defines it"),
        ("userName", "it needs the URN of its schema in front"),
        ("urn:ietf:params:scim:schemas:core:2.0:User:name", "it is complex; name a sub-attribute"),
        (
            "urn:ietf:params:scim:schemas:core:2.0:Group:members.value",
            "the store keeps it outside the document, and indexed already",
        ),
        ("id", "the store keeps it outside the document, and indexed already"),
    ] {
        let options = options().unique(path);
        let error = SqliteBackend::in_memory(&Registry::builtin(), &options).unwrap_err();
        let expected = format!("attribute `{path}` cannot be unique or indexed: {reason}");
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn paths_of_options_are_read_in_any_case() {
    let options = options().unique("URN:IETF:params:scim:schemas:core:2.0:group:DISPLAYNAME");
    let store = Client::new(SqliteBackend::in_memory(&Registry::builtin(), &options).unwrap());
    store.create_group("Guides", &[]).await;
    store.create(&group(), json!({"displayName": "guides"})).await.unwrap_err();
}
