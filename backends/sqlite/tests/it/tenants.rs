//! A tenant never sees another's data: its ids behave as ids that do not exist.

use scim_server_adapters::{BackendError, Position, Query, Start};
use serde_json::json;

use crate::fixture::{Client, group, ids, in_file, in_memory, query, user};

#[tokio::test]
async fn another_tenants_id_does_not_exist() {
    for acme in [in_memory(), in_file().0] {
        check_ids(&acme).await;
    }
}

async fn check_ids(acme: &Client) {
    let id = acme.create_user("bjensen").await;
    let team = acme.create_group("Guides", &[&id]).await;
    // One tenant has data of its own, the other never wrote.
    let globex = acme.tenant("globex");
    globex.create_user("hank").await;
    for other in [globex, acme.tenant("initech")] {
        let not_found = |result| matches!(result, Err(BackendError::NotFound));
        assert!(matches!(other.get(&user(), &id).await, Err(BackendError::NotFound)));
        assert!(not_found(other.delete(&user(), &id).await));
        assert!(not_found(other.replace(&user(), &id, json!({"userName": "x"})).await));
        let rename = json!([{"op": "replace", "path": "displayName", "value": "x"}]);
        assert!(not_found(other.patch(&group(), &team, rename).await));
        let add = json!([{"op": "add", "path": "members", "value": [{"value": "x"}]}]);
        assert!(not_found(other.patch(&group(), &team, add).await));
        for (resource_type, text) in [
            (user(), format!("id eq \"{id}\"")),
            (user(), "userName eq \"bjensen\"".to_owned()),
            (user(), "userName sw \"b\"".to_owned()),
            (user(), format!("groups.value eq \"{team}\"")),
            (group(), format!("members.value eq \"{id}\"")),
            (group(), "displayName eq \"guides\"".to_owned()),
            (group(), "displayName co \"guides\"".to_owned()),
        ] {
            assert_eq!(other.select(&resource_type, &text).await, [""; 0], "{text}");
        }
    }
    assert_eq!(acme.members(&team).await, [id.as_str()]);
}

#[tokio::test]
async fn membership_does_not_cross_tenants() {
    let acme = in_memory();
    let globex = acme.tenant("globex");
    let id = acme.create_user("bjensen").await;
    // A client of one tenant may name an id of another; to it, it names nothing.
    let spy = globex.create_group("Spies", &[&id]).await;
    let stored = globex.get(&group(), &spy).await.unwrap();
    let [member] = stored.members.as_deref().unwrap() else { panic!("one member") };
    assert!(!member.exists && member.display.is_none());
    assert_eq!(acme.get(&user(), &id).await.unwrap().groups.unwrap(), []);
    let text = format!("groups.value eq \"{spy}\"");
    assert_eq!(acme.select(&user(), &text).await, [""; 0]);
    assert_eq!(globex.select(&user(), &text).await, [""; 0]);
    // Deleting the resource touches no group of another tenant.
    acme.delete(&user(), &id).await.unwrap();
    let after = globex.get(&group(), &spy).await.unwrap();
    assert_eq!(after.version, stored.version);
    assert_eq!(globex.members(&spy).await, [id.as_str()]);
}

#[tokio::test]
async fn a_position_of_another_tenant_opens_nothing() {
    let acme = in_memory();
    for n in 0..10 {
        acme.create_user(&format!("user{n}")).await;
    }
    let globex = acme.tenant("globex");
    let own = globex.create_user("hank").await;
    let first = acme.query(&Query { count: 5, ..query(&user(), None) }).await.unwrap();
    let start = Start::After(first.next.unwrap());
    let page = globex.query(&Query { start, ..query(&user(), None) }).await.unwrap();
    assert_eq!(ids(&page), [own.as_str()]);
    assert_eq!(page.total, Some(1));
    let nonsense = Start::After(Position(Box::from(*b"x")));
    let error = globex.query(&Query { start: nonsense, ..query(&user(), None) }).await.unwrap_err();
    assert_eq!(error.to_scim("/Users").status(), 400);
}

#[tokio::test]
async fn a_tenant_whose_first_write_fails_does_not_exist() {
    let store = in_memory();
    store.create_user("bjensen").await;
    let newcomer = store.tenant("newcomer");
    let missing = scim_core::ResourceId::new("nobody").unwrap();
    assert!(matches!(newcomer.delete(&user(), &missing).await, Err(BackendError::NotFound)));
    let page = newcomer.query(&query(&user(), None)).await.unwrap();
    assert_eq!((page.resources.len(), page.total), (0, Some(0)));
}
