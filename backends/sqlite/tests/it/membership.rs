//! Groups and their members (RFC 7643 §4.2, §4.1.2 `groups`).

use std::collections::BTreeSet;

use scim_core::{Member, Version};
use scim_server_adapters::{Query, QueryTarget};
use serde_json::{Value, json};

use crate::fixture::{everything, group, in_file, in_memory, only, query, user};

fn add(values: impl IntoIterator<Item = String>) -> Value {
    let members: Vec<Value> = values.into_iter().map(|v| json!({"value": v})).collect();
    json!([{"op": "add", "path": "members", "value": members}])
}

fn remove(value: &str) -> Value {
    json!([{"op": "remove", "path": format!("members[value eq \"{value}\"]")}])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_tasks_that_patch_one_group_none_loses_a_member() {
    for store in [in_memory(), in_file().0] {
        let leaving: Vec<String> = (0..64).map(|n| format!("leaving{n}")).collect();
        let body = json!({"displayName": "Guides", "members":
            leaving.iter().map(|v| json!({"value": v})).collect::<Vec<_>>()});
        let team = store.create(&group(), body).await.unwrap().id;
        let tasks = leaving.into_iter().enumerate().map(|(n, leaving)| {
            let (store, team) = (store.clone(), team.clone());
            tokio::spawn(async move {
                let joining = add([format!("joining{n}"), format!("also{n}")]);
                let mut versions =
                    vec![store.patch(&group(), &team, joining).await.unwrap().version];
                let written = store.patch(&group(), &team, remove(&leaving)).await.unwrap();
                versions.push(written.version);
                versions
            })
        });
        let mut versions = BTreeSet::new();
        for task in tasks.collect::<Vec<_>>() {
            for version in task.await.unwrap() {
                assert!(versions.insert(version.as_str().to_owned()), "a version twice");
            }
        }
        assert_eq!(versions.len(), 128);
        let stored = store.get(&group(), &team).await.unwrap();
        assert_eq!(stored.version, Version::from(129));
        let members: BTreeSet<String> = store.members(&team).await.into_iter().collect();
        let expected = (0..64)
            .flat_map(|n| [format!("joining{n}"), format!("also{n}")])
            .collect::<BTreeSet<_>>();
        assert_eq!(members, expected);
    }
}

#[tokio::test]
async fn a_member_shows_the_resource_it_names() {
    let store = in_memory();
    let body = json!({"userName": "bjensen", "displayName": "Babs Jensen"});
    let babs = store.create(&user(), body).await.unwrap().id;
    let plain = store.create_user("jsmith").await;
    let inner = store.create_group("Inner", &[]).await;
    let members = json!([
        {"value": babs.as_str()},
        {"value": plain.as_str(), "type": "User"},
        {"value": inner.as_str()},
        {"value": "nobody", "type": "User"},
    ]);
    let body = json!({"displayName": "Outer", "members": members});
    let outer = store.create(&group(), body).await.unwrap().id;
    let stored = store.get(&group(), &outer).await.unwrap();
    let member = |value: &str, resource_type: &str, display: Option<&str>, exists| Member {
        value: value.into(),
        resource_type: Some(resource_type.into()),
        display: display.map(Into::into),
        exists,
    };
    assert_eq!(
        stored.members.unwrap(),
        [
            member(babs.as_str(), "User", Some("Babs Jensen"), true),
            member(plain.as_str(), "User", None, true),
            member(inner.as_str(), "Group", Some("Inner"), true),
            member("nobody", "User", None, false),
        ],
    );
    let groups = store.get(&user(), &babs).await.unwrap().groups.unwrap();
    assert_eq!(groups, [member(outer.as_str(), "Group", Some("Outer"), true)]);
}

#[tokio::test]
async fn joining_gives_the_group_a_version_and_the_user_none() {
    let store = in_memory();
    let id = store.create_user("bjensen").await;
    let team = store.create_group("Guides", &[]).await;
    let written = store.patch(&group(), &team, add([id.to_string()])).await.unwrap();
    assert_eq!(written.version, Version::from(2));
    assert_eq!(store.get(&user(), &id).await.unwrap().version, Version::from(1));
}

#[tokio::test]
async fn deleting_a_user_takes_it_out_of_its_groups_and_gives_those_a_version() {
    let store = in_memory();
    let id = store.create_user("bjensen").await;
    let other = store.create_user("jsmith").await;
    let with = store.create_group("With", &[&id, &other]).await;
    let without = store.create_group("Without", &[&other]).await;
    let later = store.later(60);
    later.delete(&user(), &id).await.unwrap();
    assert_eq!(store.members(&with).await, [other.as_str()]);
    let stored = store.get(&group(), &with).await.unwrap();
    assert_eq!((stored.version, stored.last_modified), (Version::from(2), later.cx.now));
    let stored = store.get(&group(), &without).await.unwrap();
    assert_eq!((stored.version, stored.last_modified), (Version::from(1), store.cx.now));
}

#[tokio::test]
async fn deleting_a_group_with_many_members_leaves_nothing_to_see() {
    let (store, folder) = in_file();
    let id = store.create_user("bjensen").await;
    let mut members: Vec<Value> = (0..5_000).map(|n| json!({"value": format!("m{n}")})).collect();
    members.push(json!({"value": id.as_str()}));
    let body = json!({"displayName": "All", "members": members});
    let all = store.create(&group(), body).await.unwrap().id;
    assert_eq!(store.get(&user(), &id).await.unwrap().groups.unwrap().len(), 1);
    store.delete(&group(), &all).await.unwrap();
    assert_eq!(store.get(&user(), &id).await.unwrap().groups.unwrap(), []);
    assert_eq!(store.select(&user(), &format!("groups.value eq \"{all}\"")).await, [""; 0]);
    assert_eq!(store.select(&group(), "members.value eq \"m1\"").await, [""; 0]);
    // A new group doesn't inherit what may not be swept yet.
    let new = store.create_group("New", &[]).await;
    assert_eq!(store.members(&new).await, [""; 0]);
    drop(store);

    // The sweep goes on after a restart until no row is left.
    let store = crate::fixture::open(&folder, &crate::fixture::options());
    let connection = rusqlite::Connection::open(folder.path().join("scim.db")).unwrap();
    loop {
        let left: i64 =
            connection.query_row("SELECT count(*) FROM scim_member", [], |row| row.get(0)).unwrap();
        if left == 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
    drop(store);
}

#[tokio::test]
async fn member_operations_do_to_rows_what_they_do_to_a_list() {
    let store = in_memory();
    let body = json!({"userName": "bjensen", "displayName": "Babs Jensen"});
    let known = store.create(&user(), body).await.unwrap().id;
    let team = store.create_group("Guides", &[&known]).await;
    let patch = async |operations| store.patch(&group(), &team, operations).await.unwrap().changed;
    let types = async || {
        let stored = store.get(&group(), &team).await.unwrap();
        let members = stored.members.unwrap().into_iter();
        members.map(|m| m.resource_type.map(|t| t.to_string())).collect::<Vec<_>>()
    };
    assert!(patch(add(["x".to_owned()])).await);
    assert_eq!(types().await, [Some("User".to_owned()), None]);
    // A type that nobody knew is set; one that is known is not changed by naming it again.
    let typed = |value: &str, of: &str| json!([{"op": "add", "path": "members", "value": [{"value": value, "type": of}]}]);
    assert!(patch(typed("x", "Group")).await);
    assert!(!patch(typed("x", "User")).await);
    assert!(!patch(typed(known.as_str(), "Group")).await);
    assert_eq!(types().await, [Some("User".to_owned()), Some("Group".to_owned())]);
    // A selection other than by value sees the rows as an answer shows them.
    assert!(patch(json!([{"op": "remove", "path": "members[type eq \"Group\"]"}])).await);
    assert_eq!(store.members(&team).await, [known.as_str()]);
    assert!(patch(json!([{"op": "remove", "path": "members[display eq \"babs jensen\"]"}])).await);
    assert_eq!(store.members(&team).await, [""; 0]);
    assert!(patch(json!([{"op": "replace", "path": "members", "value": [{"value": "y"}]}])).await);
    assert!(patch(json!([{"op": "remove", "path": "members"}])).await);
    assert!(!patch(json!([{"op": "remove", "path": "members"}])).await);
    assert_eq!(store.members(&team).await, [""; 0]);
}

#[tokio::test]
async fn a_list_without_members_reads_none_and_one_with_them_reads_each_groups_own() {
    let store = in_memory();
    let [a, b] = [store.create_user("a").await, store.create_user("b").await];
    let both = store.create_group("Both", &[&b, &a]).await;
    let none = store.create_group("None", &[]).await;
    let one = store.create_group("One", &[&a]).await;
    let list = |wanted| Query {
        targets: vec![QueryTarget { resource_type: group(), filter: None, sort: None, wanted }],
        ..query(&group(), None)
    };
    let page = store.query(&list(only(&group(), &["displayName"]))).await.unwrap();
    assert!(page.resources.iter().all(|r| r.members.is_none()));
    let page = store.query(&list(everything(&group()))).await.unwrap();
    let members: Vec<(&str, Vec<&str>)> = page
        .resources
        .iter()
        .map(|r| (r.id.as_str(), r.members.as_ref().unwrap().iter().map(|m| &*m.value).collect()))
        .collect();
    assert_eq!(
        members,
        [
            (both.as_str(), vec![b.as_str(), a.as_str()]),
            (none.as_str(), vec![]),
            (one.as_str(), vec![a.as_str()]),
        ],
    );
    let page = store.query(&query(&user(), None)).await.unwrap();
    let groups: Vec<Vec<&str>> = page
        .resources
        .iter()
        .map(|r| r.groups.as_ref().unwrap().iter().map(|g| &*g.value).collect())
        .collect();
    assert_eq!(groups, [vec![both.as_str(), one.as_str()], vec![both.as_str()]]);
}
