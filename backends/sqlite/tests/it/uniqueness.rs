//! Values that the schemas call unique (RFC 7643 §7; erratum 8279).

use scim_backend_sqlite::SqliteBackend;
use scim_core::Registry;
use scim_server_adapters::BackendError;
use serde_json::json;

use crate::fixture::{Client, group, in_file, in_memory, options, user};

fn conflict_of<T: std::fmt::Debug>(result: Result<T, BackendError>) -> String {
    match result.unwrap_err() {
        BackendError::Conflict { attribute } => attribute.into_owned(),
        error => panic!("{error}"),
    }
}

const USER_NAME: &str = "urn:ietf:params:scim:schemas:core:2.0:User:userName";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_creates_of_one_user_name_one_succeeds() {
    for store in [in_memory(), in_file().0] {
        let tasks = (0..64).map(|n| {
            let store = store.clone();
            let name = if n % 2 == 0 { "BJensen" } else { "bjensen" };
            tokio::spawn(async move { store.create(&user(), json!({"userName": name})).await })
        });
        let mut created = Vec::new();
        for task in tasks.collect::<Vec<_>>() {
            match task.await.unwrap() {
                Ok(written) => created.push(written.id),
                refused => assert_eq!(conflict_of(refused), USER_NAME),
            }
        }
        assert_eq!(created.len(), 1);
        assert_eq!(store.select(&user(), "userName eq \"bJENSEN\"").await, [created[0].as_str()]);
    }
}

#[tokio::test]
async fn a_conflict_leaves_the_writes_beside_it_alone() {
    let (store, _folder) = in_file();
    store.create_user("taken").await;
    let names = ["a", "taken", "b", "TAKEN", "c"];
    let tasks: Vec<_> = names
        .into_iter()
        .map(|name| {
            let store = store.clone();
            tokio::spawn(async move { store.create(&user(), json!({"userName": name})).await })
        })
        .collect();
    let mut created = 0;
    for task in tasks {
        created += usize::from(task.await.unwrap().is_ok());
    }
    assert_eq!(created, 3);
    let page = store.query(&crate::fixture::query(&user(), None)).await.unwrap();
    assert_eq!((page.total, page.resources.len()), (Some(4), 4), "no half of a refused write");
}

#[tokio::test]
async fn folding_goes_beyond_ascii() {
    let store = in_memory();
    store.create_user("STRASSE").await;
    let refused = store.create(&user(), json!({"userName": "straße"})).await;
    assert_eq!(conflict_of(refused), USER_NAME);
}

#[tokio::test]
async fn a_value_is_free_again_after_a_rename_and_after_a_delete() {
    let store = in_memory();
    let first = store.create_user("bjensen").await;
    let second = store.create_user("jsmith").await;
    let rename = |name: &str| json!([{"op": "replace", "path": "userName", "value": name}]);
    assert_eq!(conflict_of(store.patch(&user(), &second, rename("BJENSEN")).await), USER_NAME);
    let put = store.replace(&user(), &second, json!({"userName": "bjensen"})).await;
    assert_eq!(conflict_of(put), USER_NAME);
    store.patch(&user(), &first, rename("babs")).await.unwrap();
    store.patch(&user(), &second, rename("bjensen")).await.unwrap();
    store.delete(&user(), &second).await.unwrap();
    store.create_user("bjensen").await;
}

#[tokio::test]
async fn changing_only_the_case_of_a_unique_value_is_no_conflict() {
    let store = in_memory();
    let id = store.create_user("bjensen").await;
    let operations = json!([{"op": "replace", "path": "userName", "value": "BJensen"}]);
    assert!(store.patch(&user(), &id, operations).await.unwrap().changed);
    assert_eq!(store.attributes(&user(), &id).await["userName"], "BJensen");
}

#[tokio::test]
async fn tenants_do_not_conflict() {
    let store = in_memory();
    store.create_user("bjensen").await;
    store.tenant("other").create_user("bjensen").await;
}

#[tokio::test]
async fn custom_schemas_sub_attributes_and_types_that_share_a_schema() {
    let mut registry = Registry::builtin();
    registry
        .add_schema_json(
            r#"{"id": "urn:example:Device", "name": "Device", "attributes": [
                {"name": "serial", "uniqueness": "server", "caseExact": true},
                {"name": "slot", "type": "integer", "uniqueness": "global"},
                {"name": "ports", "type": "complex", "multiValued": true, "subAttributes": [
                    {"name": "mac", "uniqueness": "server"}, {"name": "label"}
                ]}
            ]}"#,
        )
        .unwrap();
    for name in ["Phone", "Laptop"] {
        let json =
            json!({"name": name, "endpoint": format!("/{name}s"), "schema": "urn:example:Device"});
        registry.add_resource_type_json(&json.to_string()).unwrap();
    }
    let [phone, laptop] = ["Phone", "Laptop"].map(|name| registry.by_name(name).unwrap().clone());
    let store = Client::new(SqliteBackend::in_memory(&registry, &options()).unwrap());
    let body = |serial: &str, slot: i64, macs: &[&str]| {
        let ports: Vec<_> = macs.iter().map(|mac| json!({"mac": mac})).collect();
        json!({"serial": serial, "slot": slot, "ports": ports})
    };
    let first = store.create(&phone, body("a1", 1, &["00:01", "00:02"])).await.unwrap().id;
    store.create(&phone, body("A1", 2, &["00:03"])).await.unwrap();
    let conflict = async |body| conflict_of(store.create(&laptop, body).await);
    assert_eq!(conflict(body("a1", 3, &[])).await, "urn:example:Device:serial");
    assert_eq!(conflict(body("b", 2, &[])).await, "urn:example:Device:slot");
    assert_eq!(conflict(body("b", 3, &["00:04", "00:02"])).await, "urn:example:Device:ports.mac");
    // Twice in one resource is no conflict with another.
    store.create(&laptop, body("b", 3, &["00:05", "00:05"])).await.unwrap();
    assert_eq!(store.select(&phone, "slot eq 1").await, [first.as_str()]);
    assert_eq!(store.select(&phone, "ports.mac eq \"00:02\"").await, [first.as_str()]);
    assert_eq!(store.select(&laptop, "ports.mac eq \"00:02\"").await, [""; 0]);
}

#[tokio::test]
async fn an_option_makes_more_unique() {
    let options = options()
        .unique("urn:ietf:params:scim:schemas:core:2.0:Group:displayName")
        .unique("externalId");
    let store = Client::new(SqliteBackend::in_memory(&Registry::builtin(), &options).unwrap());
    store.create(&group(), json!({"displayName": "Guides", "externalId": "1"})).await.unwrap();
    let refused = store.create(&group(), json!({"displayName": "GUIDES"})).await;
    assert_eq!(conflict_of(refused), "urn:ietf:params:scim:schemas:core:2.0:Group:displayName");
    // A common attribute is unique over all types; displayName of a User is another attribute.
    let refused = store.create(&user(), json!({"userName": "a", "externalId": "1"})).await;
    assert_eq!(conflict_of(refused), "externalId");
    store.create(&user(), json!({"userName": "a", "displayName": "Guides"})).await.unwrap();
}

const DISPLAY_NAME: &str = "urn:ietf:params:scim:schemas:core:2.0:Group:displayName";

#[tokio::test]
async fn a_write_can_demand_a_display_name_of_its_own() {
    let store = in_memory();
    let demanding = store.with_unique_display_names();
    let guides = demanding.create_group("Guides", &[]).await;
    let again = demanding.create(&group(), json!({"displayName": "GUIDES"})).await;
    assert_eq!(conflict_of(again), DISPLAY_NAME);
    // Without the demand it is not looked at, and another tenant's does not count.
    let other = store.create_group("Guides", &[]).await;
    demanding.tenant("other").create_group("Guides", &[]).await;
    let put = json!({"displayName": "Guides", "externalId": "1"});
    assert_eq!(conflict_of(demanding.replace(&group(), &other, put).await), DISPLAY_NAME);
    let rename = |name: &str| json!([{"op": "replace", "path": "displayName", "value": name}]);
    demanding.patch(&group(), &guides, rename("GUIDES")).await.unwrap();
    demanding.patch(&group(), &guides, rename("Former")).await.unwrap();
    demanding.patch(&group(), &other, rename("guides")).await.unwrap();
    demanding.delete(&group(), &other).await.unwrap();
    demanding.create_group("Guides", &[]).await;
    // Given up by a write without the demand.
    store.patch(&group(), &guides, rename("former")).await.unwrap();
    demanding.create_group("Former", &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_32_creates_that_demand_one_display_name_one_succeeds() {
    let (store, _folder) = in_file();
    let demanding = store.with_unique_display_names();
    let tasks = (0..32).map(|_| {
        let store = demanding.clone();
        tokio::spawn(async move { store.create(&group(), json!({"displayName": "Guides"})).await })
    });
    let mut created = 0;
    for task in tasks.collect::<Vec<_>>() {
        created += usize::from(task.await.unwrap().is_ok());
    }
    assert_eq!(created, 1);
}

/// What the demand covers outlives a rebuild of the rows.
#[tokio::test]
async fn a_demanded_display_name_stays_when_the_layout_changes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scim.db");
    let open = |options: &scim_backend_sqlite::SqliteOptions| {
        Client::new(SqliteBackend::open(&file, &Registry::builtin(), options).unwrap())
    };
    let store = open(&options());
    store.with_unique_display_names().create_group("Guides", &[]).await;
    let other = store.create_group("Others", &[]).await;
    store.create_group("Others", &[]).await;
    drop(store);
    let store = open(&options().indexed(["urn:ietf:params:scim:schemas:core:2.0:User:title"]));
    let demanding = store.with_unique_display_names();
    let again = demanding.create(&group(), json!({"displayName": "Guides"})).await;
    assert_eq!(conflict_of(again), DISPLAY_NAME);
    let put = json!({"displayName": "Others", "externalId": "1"});
    demanding.replace(&group(), &other, put).await.unwrap();
}
