//! Groups, their members, and who belongs to them (RFC 7643 §4.1.2, §4.2).

use std::sync::Arc;

use scim_core::typed::MultiValue;
use scim_core::{Group, User};
use scim_server_adapters::crud::CrudBackend;
use serde_json::json;

use super::client;
use super::table::{Listed, Table};
use crate::client::{BASE, Client, ENTERPRISE, USER, over};

#[tokio::test]
async fn members_that_exist_have_type_and_ref_and_users_show_their_groups() {
    for listed in Listed::ALL {
        let client = client(Table::listed(listed), Table::listed(listed));
        let user = client.user("bjensen").await;
        let inner = client.group("Inner", &[]).await;
        client.group("Others", &["nobody"]).await;
        let group = client.group("Guides", &[&user, "nobody", &inner]).await;
        let members = client.get(&format!("/Groups/{group}")).await.json()["members"].clone();
        assert_eq!(
            members,
            json!([
                {"value": user, "$ref": format!("{BASE}/Users/{user}"), "type": "User"},
                {"value": "nobody"},
                {"value": inner, "$ref": format!("{BASE}/Groups/{inner}"), "type": "Group"},
            ]),
        );
        let expected = json!([{"value": group, "$ref": format!("{BASE}/Groups/{group}"),
            "type": "direct", "display": "Guides"}]);
        let shown = client.get(&format!("/Users/{user}")).await.json();
        assert_eq!(shown["groups"], expected, "{listed:?}");
        let listed_user = client.get("/Users").await.json()["Resources"][0].clone();
        assert_eq!(listed_user["groups"], expected, "{listed:?}");
    }
}

/// The type that a client says of a member is no proof that it exists.
#[tokio::test]
async fn a_member_is_what_its_store_knows_not_what_the_client_says() {
    let client = client(Table::new(), Table::new());
    let user = client.user("a").await;
    let group = format!("/Groups/{}", client.group("Guides", &[]).await);
    let operations = json!([{"op": "add", "path": "members", "value": [
        {"value": user, "type": "Group"}, {"value": "nobody", "type": "User"}]}]);
    let members = client.patch(&group, operations).await.json()["members"].clone();
    assert_eq!(
        members,
        json!([{"value": user, "$ref": format!("{BASE}/Users/{user}"), "type": "User"},
            {"value": "nobody"}]),
    );
}

#[tokio::test]
async fn adding_twice_and_removing_what_is_absent_change_nothing() {
    let groups = Table::new();
    let log = groups.log();
    let client = client(Table::new(), groups);
    let user = client.user("a").await;
    let path = format!("/Groups/{}", client.group("Guides", &[&user]).await);
    let etag = client.get(&path).await.header("etag").to_owned();
    for operations in [
        json!([{"op": "add", "path": "members", "value": [{"value": user, "type": "User"}]}]),
        json!([{"op": "remove", "path": "members[value eq \"absent\"]"}]),
        json!([{"op": "replace", "path": "members", "value": [{"value": user}]}]),
    ] {
        let answer = client.patch(&path, operations).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("etag")),
            (200, &*etag),
            "{}",
            answer.text
        );
    }
    assert_eq!(log.replaces(), 0);
}

#[tokio::test]
async fn a_put_replaces_the_members_and_a_patch_clears_them() {
    let client = client(Table::new(), Table::new());
    let (a, b) = (client.user("a").await, client.user("b").await);
    let group = client.group("Guides", &[&a]).await;
    let path = format!("/Groups/{group}");
    let put = json!({"schemas": [crate::client::GROUP], "displayName": "Guides",
        "members": [{"value": b}, {"value": a}]});
    assert_eq!(client.put(&path, put).await.status, 200);
    assert_eq!(client.members(&group).await, [a, b]);
    client.patch(&path, json!([{"op": "remove", "path": "members"}])).await;
    assert_eq!(client.get(&path).await.json()["members"], json!([]));
}

#[tokio::test]
async fn what_is_deleted_leaves_its_groups_which_get_a_new_version() {
    for listed in Listed::ALL {
        let client = client(Table::listed(listed), Table::listed(listed));
        let (a, b) = (client.user("a").await, client.user("b").await);
        let (both, one) = (client.group("Both", &[&a, &b]).await, client.group("B", &[&b]).await);
        let etag = |path: String| {
            let client = &client;
            async move { client.get(&path).await.header("etag").to_owned() }
        };
        let before = (etag(format!("/Groups/{both}")).await, etag(format!("/Groups/{one}")).await);
        assert_eq!(client.delete(&format!("/Users/{a}")).await.status, 204);
        assert_eq!(client.members(&both).await, [b.as_str()], "{listed:?}");
        assert_eq!(client.members(&one).await, [b]);
        assert_ne!(etag(format!("/Groups/{both}")).await, before.0);
        assert_eq!(etag(format!("/Groups/{one}")).await, before.1);
    }
}

/// One lock may be that of a resource and of a group it leaves: with one id, it is.
#[tokio::test]
async fn what_is_deleted_leaves_a_group_that_has_its_id() {
    let (users, groups): (Table<User>, Table<Group>) = (Table::numbered(), Table::numbered());
    let client = client(users, groups);
    let user = client.user("a").await;
    let group = client.group("Guides", &[&user]).await;
    assert_eq!(user, group);
    assert_eq!(client.delete(&format!("/Users/{user}")).await.status, 204);
    assert_eq!(client.members(&group).await, [""; 0]);
}

#[tokio::test]
async fn joining_a_group_leaves_the_version_of_the_user() {
    let client = client(Table::new(), Table::new());
    let user = client.user("a").await;
    let path = format!("/Users/{user}");
    let etag = client.get(&path).await.header("etag").to_owned();
    client.group("Guides", &[&user]).await;
    let after = client.get(&path).await;
    assert_eq!(after.header("etag"), etag);
    assert!(after.json().get("groups").is_some());
}

#[tokio::test]
async fn groups_are_not_looked_at_where_nobody_asks_for_them() {
    let groups: Table<Group> = Table::new();
    let log = groups.log();
    let client = client(Table::new(), groups);
    let user = client.user("a").await;
    let before = log.lists();
    client.get(&format!("/Users/{user}?attributes=userName")).await;
    client.get("/Users?excludedAttributes=groups").await;
    assert_eq!(log.lists(), before);
}

/// With an index over members the groups of a user are looked up; without one all groups are read,
/// once a page.
#[tokio::test]
async fn a_page_of_users_reads_the_groups_once_or_looks_each_user_up() {
    for (listed, lists, given) in [(Listed::Index, 20, 20), (Listed::Pages, 2, 10 + 10)] {
        let groups: Table<Group> = Table::listed(listed);
        let log = groups.log();
        let client = client(Table::new(), groups);
        let mut users = Vec::new();
        for i in 0..20 {
            users.push(client.user(&format!("user{i:02}")).await);
        }
        for pair in users.chunks(2) {
            client.group("Pair", &[&pair[0], &pair[1]]).await;
        }
        let before = (log.lists(), log.given());
        let list = client.get("/Users").await.json();
        let shown = list["Resources"].as_array().unwrap();
        assert!(shown.iter().all(|u| u["groups"].as_array().unwrap().len() == 1));
        assert_eq!((log.lists() - before.0, log.given() - before.1), (lists, given), "{listed:?}");
    }
}

#[tokio::test]
async fn users_are_found_and_sorted_by_their_groups() {
    for listed in Listed::ALL {
        let client = client(Table::listed(listed), Table::listed(listed));
        let (a, b) = (client.user("a").await, client.user("b").await);
        client.user("c").await;
        let group = client.group("Zeta", &[&a]).await;
        client.group("Alpha", &[&b]).await;
        for (filter, names) in [
            (format!("groups.value+eq+%22{group}%22"), vec!["a"]),
            ("groups.display+eq+%22alpha%22".to_owned(), vec!["b"]),
            ("not+(groups+pr)".to_owned(), vec!["c"]),
        ] {
            let list = client.get(&format!("/Users?filter={filter}&attributes=userName")).await;
            assert_eq!(super::queries::names(&list.json()), names, "{filter}");
        }
        let list = client.get("/Users?sortBy=groups.display&attributes=userName").await.json();
        assert_eq!(super::queries::names(&list), ["b", "a", "c"]);
    }
}

#[tokio::test]
async fn beyond_the_work_limit_users_are_shown_without_their_groups() {
    let groups: Table<Group> = Table::listed(Listed::Pages);
    let backend = CrudBackend::new().users(Table::new()).groups(groups.clone()).work_limit(3);
    let client = Client::of(over(Arc::new(backend)).build());
    let user = client.user("a").await;
    let path = format!("/Users/{user}");
    // The list does not look members up, which shows at the second group: all are read then.
    for members in [&[user.as_str()][..], &[], &[&user]] {
        client.group("Guides", members).await;
    }
    assert_eq!(client.get(&path).await.json()["groups"].as_array().unwrap().len(), 2);
    client.group("One too many", &[]).await;
    let shown = client.get(&path).await;
    assert_eq!(shown.status, 200);
    assert!(shown.json().get("groups").is_none());
    // Nor does it keep a user from being deleted.
    assert_eq!(client.delete(&path).await.status, 204);
}

#[tokio::test]
async fn a_product_that_keeps_membership_gives_the_groups_itself() {
    let (users, groups): (Table<User>, Table<Group>) = (Table::new(), Table::new());
    let log = groups.log();
    let backend =
        CrudBackend::new().users(users.clone()).groups(groups.clone()).stores_keep_membership();
    let client = Client::of(over(Arc::new(backend)).build());
    let user = client.user("a").await;
    let group = client.group("Guides", &[&user]).await;
    let path = format!("/Users/{user}");
    assert!(client.get(&path).await.json().get("groups").is_none());
    let own = MultiValue {
        value: Some(group.clone()),
        display: Some("Guides".to_owned()),
        ..MultiValue::default()
    };
    users.edit(&user, |user| user.groups = vec![own]).await;
    let location = format!("{BASE}/Groups/{group}");
    let expected =
        json!([{"value": group, "$ref": location, "type": "direct", "display": "Guides"}]);
    assert_eq!(client.get(&path).await.json()["groups"], expected);
    let found = client.get(&format!("/Users?filter=groups.value+eq+%22{group}%22")).await.json();
    assert_eq!(found["totalResults"], 1);
    // They are no part of what is written back.
    let patch = json!([{"op": "add", "path": "title", "value": "x"}]);
    assert_eq!(client.patch(&path, patch).await.status, 200);
    users.edit(&user, |user| assert_eq!(user.groups, [])).await;
    assert_eq!(client.delete(&path).await.status, 204);
    assert_eq!(client.members(&group).await, [user], "left to the product");
    assert_eq!(log.lists(), 0);
}

#[tokio::test]
async fn a_member_that_the_product_names_shows_that_name() {
    let groups: Table<Group> = Table::new();
    let client = client(Table::new(), groups.clone());
    let user = client.user("a").await;
    let group = client.group("Guides", &[&user]).await;
    groups.edit(&group, |g| g.members[0].display = Some("Ann".to_owned())).await;
    let path = format!("/Groups/{group}");
    let before = client.get(&path).await;
    assert_eq!(before.json()["members"][0]["display"], "Ann");
    let found = client.get("/Groups?filter=members[display+eq+%22ann%22]").await.json();
    assert_eq!(found["totalResults"], 1);
}

#[tokio::test]
async fn a_manager_that_exists_gets_a_ref_and_a_name_and_is_looked_up_once_a_page() {
    let users: Table<User> = Table::new();
    let log = users.log();
    let client = client(users, Table::new());
    let body = json!({"schemas": [USER], "userName": "boss", "displayName": "The Boss"});
    let boss = client.post("/Users", body).await.id();
    let user = |name: &str, manager: &str| json!({"schemas": [USER, ENTERPRISE], "userName": name, ENTERPRISE: {"manager": {"value": manager}}});
    let known = client.post("/Users", user("a", &boss)).await.json();
    let manager =
        json!({"value": boss, "$ref": format!("{BASE}/Users/{boss}"), "displayName": "The Boss"});
    assert_eq!(known[ENTERPRISE]["manager"], manager);
    let dangling = client.post("/Users", user("b", "nobody")).await.json();
    assert_eq!(dangling[ENTERPRISE]["manager"], json!({"value": "nobody"}));
    client.post("/Users", user("c", &boss)).await;
    let before = log.gets();
    let list = client.get("/Users?sortBy=userName").await.json();
    assert_eq!(list["Resources"][0][ENTERPRISE]["manager"], manager);
    assert_eq!(list["Resources"][3][ENTERPRISE]["manager"], manager);
    assert_eq!(log.gets() - before, 2, "the boss, and nobody");
    let before = log.gets();
    client.get("/Users?attributes=userName").await;
    assert_eq!(log.gets(), before);
}
