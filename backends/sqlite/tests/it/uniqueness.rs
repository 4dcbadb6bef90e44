//! Values that the schemas call unique (RFC 7643 §7; erratum 8279).

use scim_backend_sqlite::SqliteBackend;
use scim_conformance::client::{Client, group, resource, user};
use scim_core::{Registry, ResourceId};
use scim_server_adapters::{BackendError, Change, Precondition};
use serde_json::json;

use crate::fixture::{in_file, in_memory, open, options};

fn conflict_of<T: std::fmt::Debug>(result: Result<T, BackendError>) -> String {
    match result.unwrap_err() {
        BackendError::Conflict { attribute } => attribute.into_owned(),
        error => panic!("{error}"),
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
    let page = store.query(&scim_conformance::client::query(&user(), None)).await.unwrap();
    assert_eq!((page.total, page.resources.len()), (Some(4), 4), "no half of a refused write");
}

/// No index says that ids are unique, so it must not matter who asks, nor when.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_stores_over_one_file_one_gets_an_id() {
    let (store, folder) = in_file();
    let stores = [store.clone(), open(&folder, &options())];
    let tasks: Vec<_> = (0..100)
        .map(|n| {
            let (store, id) =
                (stores[n % 2].clone(), ResourceId::new(format!("{}", n / 4)).unwrap());
            let resource = resource(&user(), json!({"userName": format!("user{n}")}));
            let change = Change::Create { id: Some(id), resource, secret: None };
            tokio::spawn(
                async move { store.write(&user(), change, Precondition::NONE, None).await },
            )
        })
        .collect();
    let mut refused = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => {}
            error => {
                assert_eq!(conflict_of(error), "id");
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 75);
    let page = store.query(&scim_conformance::client::query(&user(), None)).await.unwrap();
    assert_eq!(page.total, Some(25));
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
