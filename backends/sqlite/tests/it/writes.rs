//! Versions, preconditions and atomicity (RFC 7644 §3.3, §3.5, §3.14).

use scim_core::Version;
use scim_server_adapters::{BackendError, Change, Precondition, Returning};
use serde_json::json;

use crate::fixture::{everything, group, in_file, in_memory, only, plan, resource, shown, user};

#[tokio::test]
async fn what_was_created_is_there_with_version_and_dates() {
    let store = in_memory();
    let body = json!({
        "userName": "bjensen",
        "externalId": "701984",
        "name": {"givenName": "Barbara", "familyName": "Jensen"},
        "emails": [{"value": "bjensen@example.com", "type": "work", "primary": true}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": "701984"},
    });
    let written = store.create(&user(), body).await.unwrap();
    assert!(written.changed);
    let stored = store.get(&user(), &written.id).await.unwrap();
    assert_eq!(stored.id, written.id);
    assert_eq!(stored.version, written.version);
    assert_eq!((stored.created, stored.last_modified), (store.cx.now, store.cx.now));
    let json = stored.to_json().unwrap();
    assert_eq!(json["name"]["familyName"], "Jensen");
    assert_eq!(json["schemas"].as_array().unwrap().len(), 2);
    assert_eq!(stored.members.map(|m| m.len()), None);
    assert_eq!(stored.groups.map(|g| g.len()), Some(0));
}

#[tokio::test]
async fn a_change_gives_a_new_version_and_last_modified_and_keeps_created() {
    let store = in_memory();
    let id = store.create_user("bjensen").await;
    let before = store.get(&user(), &id).await.unwrap();
    let later = store.later(60);
    let operations = json!([{"op": "replace", "path": "title", "value": "Vice President"}]);
    let written = later.patch(&user(), &id, operations).await.unwrap();
    assert!(written.changed);
    let after = store.get(&user(), &id).await.unwrap();
    assert_ne!(after.version, before.version);
    assert_eq!(after.version, written.version);
    assert_eq!((after.created, after.last_modified), (before.created, later.cx.now));
}

#[tokio::test]
async fn what_changes_nothing_keeps_version_and_last_modified() {
    let store = in_memory();
    let body = json!({"userName": "bjensen", "title": "Tour Guide"});
    let id = store.create(&user(), body.clone()).await.unwrap().id;
    let member = store.create_user("jsmith").await;
    let team = store.create_group("Guides", &[&member]).await;
    let later = store.later(60);
    let same_title = json!([{"op": "replace", "path": "title", "value": "Tour Guide"}]);
    let same_member =
        json!([{"op": "add", "path": "members", "value": [{"value": member.as_str()}]}]);
    let absent_member = json!([{"op": "remove", "path": "members[value eq \"nobody\"]"}]);
    let same_group = json!({"displayName": "Guides", "members": [{"value": member.as_str()}]});
    for written in [
        later.patch(&user(), &id, same_title).await.unwrap(),
        later.replace(&user(), &id, body).await.unwrap(),
        later.patch(&group(), &team, same_member).await.unwrap(),
        later.patch(&group(), &team, absent_member).await.unwrap(),
        later.replace(&group(), &team, same_group).await.unwrap(),
    ] {
        assert!(!written.changed);
        assert_eq!(written.version, Version::from(1));
    }
    for (resource_type, id) in [(user(), id), (group(), team)] {
        let stored = store.get(&resource_type, &id).await.unwrap();
        assert_eq!((stored.version, stored.last_modified), (Version::from(1), store.cx.now));
    }
}

#[tokio::test]
async fn a_put_clears_what_it_leaves_out_and_keeps_active() {
    let store = in_memory();
    let body = json!({"userName": "bjensen", "title": "Tour Guide", "active": false});
    let id = store.create(&user(), body).await.unwrap().id;
    store.replace(&user(), &id, json!({"userName": "babs"})).await.unwrap();
    let attributes = store.attributes(&user(), &id).await;
    assert_eq!(attributes["userName"], "babs");
    assert_eq!(attributes["active"], false);
    assert!(!attributes.contains_key("title"));
    assert_eq!(store.select(&user(), "active eq false").await, [id.as_str()]);
}

#[tokio::test]
async fn a_put_of_a_group_replaces_its_members_and_keeps_those_that_stay_in_place() {
    let store = in_memory();
    let [a, b, c] =
        [store.create_user("a").await, store.create_user("b").await, store.create_user("c").await];
    let team = store.create_group("Team", &[&a, &b]).await;
    let body =
        json!({"displayName": "Team", "members": [{"value": c.as_str()}, {"value": b.as_str()}]});
    assert!(store.replace(&group(), &team, body).await.unwrap().changed);
    assert_eq!(store.members(&team).await, [b.as_str(), c.as_str()]);
    assert!(store.replace(&group(), &team, json!({"displayName": "Team"})).await.unwrap().changed);
    assert_eq!(store.members(&team).await, [""; 0]);
}

#[tokio::test]
async fn one_patch_may_change_document_and_members_and_fails_as_a_whole() {
    let store = in_memory();
    let member = store.create_user("bjensen").await;
    let team = store.create_group("Guides", &[]).await;
    let operations = json!([
        {"op": "add", "path": "members", "value": [{"value": member.as_str()}]},
        {"op": "replace", "path": "displayName", "value": "Tour Guides"},
    ]);
    let written = store.patch(&group(), &team, operations).await.unwrap();
    assert_eq!(written.version, Version::from(2), "one request is one version");
    assert_eq!(store.members(&team).await, [member.as_str()]);
    let stored = shown(&store.get(&group(), &team).await.unwrap());

    // The document part is applied before the selection of members fails.
    let members_type = format!("members[value eq \"{member}\"].type");
    let failing = json!([
        {"op": "replace", "path": "displayName", "value": "Elsewhere"},
        {"op": "replace", "path": members_type, "value": "Group"},
    ]);
    let error = store.patch(&group(), &team, failing).await.unwrap_err();
    assert!(matches!(error, BackendError::Scim(_)), "{error}");
    assert_eq!(shown(&store.get(&group(), &team).await.unwrap()), stored);
    assert_eq!(store.select(&group(), "displayName eq \"elsewhere\"").await, [""; 0]);
}

#[tokio::test]
async fn a_precondition_is_checked_with_the_write() {
    let store = in_memory();
    let id = store.create_user("bjensen").await;
    let rename = |name: &str| Change::Patch {
        id: id.clone(),
        plan: plan(&user(), json!([{"op": "replace", "path": "nickName", "value": name}])),
    };
    let first = Precondition::version(Version::from(1));
    store.write(&user(), rename("Babs"), first.clone(), None).await.unwrap();
    for change in [
        rename("Barb"),
        Change::Delete { id: id.clone() },
        Change::Replace {
            id: id.clone(),
            resource: resource(&user(), json!({"userName": "other"})),
            secret: None,
        },
    ] {
        let error = store.write(&user(), change, first.clone(), None).await.unwrap_err();
        assert!(matches!(error, BackendError::PreconditionFailed), "{error}");
    }
    assert_eq!(store.attributes(&user(), &id).await["nickName"], "Babs");
    let second = Precondition::version(Version::from(2));
    let deleted =
        store.write(&user(), Change::Delete { id: id.clone() }, second, None).await.unwrap();
    assert_eq!(deleted.version, Version::from(2), "the last it had");
    assert!(matches!(store.get(&user(), &id).await, Err(BackendError::NotFound)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_writers_who_saw_the_same_version_one_succeeds() {
    let (store, _folder) = in_file();
    let id = store.create_user("bjensen").await;
    let tasks = (0..32).map(|n| {
        let (store, id) = (store.clone(), id.clone());
        tokio::spawn(async move {
            let operations = json!([{"op": "replace", "path": "nickName", "value": n.to_string()}]);
            let change = Change::Patch { id, plan: plan(&user(), operations) };
            let precondition = Precondition::version(Version::from(1));
            store.write(&user(), change, precondition, None).await
        })
    });
    let mut succeeded = 0;
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(_) => succeeded += 1,
            Err(BackendError::PreconditionFailed) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(succeeded, 1);
    assert_eq!(store.get(&user(), &id).await.unwrap().version, Version::from(2));
}

#[tokio::test]
async fn a_write_gives_back_the_resource_as_it_is_then() {
    let store = in_memory();
    let returning = |names: &[&str], max_members| {
        Some(Returning { wanted: only(&group(), names), max_members })
    };
    let [a, b] = [store.create_user("a").await, store.create_user("b").await];
    let team = store.create_group("Team", &[&a]).await;
    let add = |id: &str| Change::Patch {
        id: team.clone(),
        plan: plan(&group(), json!([{"op": "add", "path": "members", "value": [{"value": id}]}])),
    };
    let none = Precondition::NONE;
    let written = store
        .write(&group(), add(b.as_str()), none.clone(), returning(&["members"], Some(2)))
        .await
        .unwrap();
    let returned = written.returned.unwrap();
    assert_eq!(returned.version, written.version);
    assert_eq!(returned.members.unwrap().len(), 2);
    let written = store
        .write(&group(), add("c"), none.clone(), returning(&["members"], Some(2)))
        .await
        .unwrap();
    assert!(written.changed && written.returned.is_none(), "more members than asked for");
    let written =
        store.write(&group(), add("d"), none, returning(&["displayName"], None)).await.unwrap();
    assert!(written.returned.unwrap().members.is_none(), "not wanted");
}

#[tokio::test]
async fn only_those_referred_to_that_exist_are_told() {
    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let store = in_memory();
    let body = json!({"userName": "jsmith", "displayName": "John Smith"});
    let boss = store.create(&user(), body).await.unwrap().id;
    let managed_by = |id: &str| json!({ENTERPRISE: {"manager": {"value": id}}, "userName": id});
    let known = store.create(&user(), managed_by(boss.as_str())).await.unwrap().id;
    let dangling = store.create(&user(), managed_by("nobody")).await.unwrap().id;

    let stored = store.get(&user(), &known).await.unwrap();
    let [reference] = stored.references.as_slice() else { panic!("{:?}", stored.references) };
    assert_eq!(&*reference.value, boss.as_str());
    assert_eq!(reference.display.as_deref(), Some("John Smith"));
    assert_eq!(reference.resource_type.as_deref(), Some("User"));
    assert!(store.get(&user(), &dangling).await.unwrap().references.is_empty());

    let names = only(&user(), &["userName"]);
    let stored = store.backend.get(&store.cx, &user(), &known, &names).await.unwrap();
    assert!(stored.references.is_empty(), "not wanted");

    store.delete(&user(), &boss).await.unwrap();
    assert!(store.get(&user(), &known).await.unwrap().references.is_empty());
}

#[tokio::test]
async fn an_id_of_another_type_is_not_found() {
    let store = in_memory();
    let id = store.create_user("bjensen").await;
    assert!(matches!(store.get(&group(), &id).await, Err(BackendError::NotFound)));
    assert!(matches!(store.delete(&group(), &id).await, Err(BackendError::NotFound)));
    let operations = json!([{"op": "add", "path": "members", "value": [{"value": "x"}]}]);
    assert!(matches!(store.patch(&group(), &id, operations).await, Err(BackendError::NotFound)));
}

#[tokio::test]
async fn a_write_that_nobody_waits_for_happens_or_does_not() {
    let (store, _folder) = in_file();
    for n in 0..50 {
        let body = json!({"userName": format!("user{n}"), "nickName": "n"});
        let (wanted, user) = (everything(&user()), user());
        let change = Change::Create { id: None, resource: resource(&user, body), secret: None };
        let returning = Some(Returning { wanted, max_members: None });
        let store = store.clone();
        let task =
            tokio::spawn(
                async move { store.write(&user, change, Precondition::NONE, returning).await },
            );
        tokio::task::yield_now().await;
        task.abort();
    }
    let page = store.query(&crate::fixture::query(&user(), None)).await.unwrap();
    for stored in &page.resources {
        assert_eq!(stored.attributes().unwrap()["nickName"], "n", "whole or not at all");
    }
}
