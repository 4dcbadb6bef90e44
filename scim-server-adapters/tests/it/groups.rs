//! Groups and membership (RFC 7643 §4.1.2, §4.2).

use serde_json::json;

use crate::client::{BASE, Client, ENTERPRISE, GROUP, USER};

#[tokio::test]
async fn members_carry_type_and_ref_and_users_show_their_groups() {
    let client = Client::new();
    let body = json!({"schemas": [USER], "userName": "bjensen", "displayName": "Babs Jensen"});
    let user = client.post("/Users", body).await.id();
    let group = client.group("Tour Guides", &[&user]).await;
    let members = client.get(&format!("/Groups/{group}")).await.json()["members"].clone();
    assert_eq!(
        members,
        json!([{"value": user, "$ref": format!("{BASE}/Users/{user}"), "type": "User", "display": "Babs Jensen"}]),
    );
    let groups = client.get(&format!("/Users/{user}")).await.json()["groups"].clone();
    assert_eq!(
        groups,
        json!([{"value": group, "$ref": format!("{BASE}/Groups/{group}"), "type": "direct", "display": "Tour Guides"}]),
    );
}

/// RFC 7643 §4.3: the name shown is the displayName of the resource referred to, which may have
/// none; another name in its place would differ from what that resource says of itself.
#[tokio::test]
async fn a_reference_to_a_user_without_display_name_shows_no_name() {
    let client = Client::new();
    let boss = client.user("boss").await;
    let group = client.group("Guides", &[&boss]).await;
    let members = client.get(&format!("/Groups/{group}")).await.json()["members"].clone();
    let location = format!("{BASE}/Users/{boss}");
    assert_eq!(members, json!([{"value": boss, "$ref": location, "type": "User"}]));
    let body = json!({"schemas": [USER, ENTERPRISE], "userName": "bjensen", ENTERPRISE: {"manager": {"value": boss}}});
    let user = client.post("/Users", body).await.json();
    assert_eq!(user[ENTERPRISE]["manager"], json!({"value": boss, "$ref": location}));
}

#[tokio::test]
async fn a_group_without_members_shows_an_empty_array() {
    let client = Client::new();
    let group = client.group("Empty", &[]).await;
    assert_eq!(client.get(&format!("/Groups/{group}")).await.json()["members"], json!([]));
}

#[tokio::test]
async fn a_member_that_does_not_exist_is_kept_without_ref() {
    let client = Client::new();
    let group = client.group("Ghosts", &["nobody"]).await;
    let members = client.get(&format!("/Groups/{group}")).await.json()["members"].clone();
    assert_eq!(members, json!([{"value": "nobody"}]));
}

#[tokio::test]
async fn adding_twice_and_removing_what_is_absent_change_nothing() {
    let client = Client::new();
    let user = client.user("bjensen").await;
    let path = format!("/Groups/{}", client.group("Guides", &[&user]).await);
    let before = client.get(&path).await;
    for operations in [
        json!([{"op": "add", "path": "members", "value": [{"value": user}]}]),
        json!([{"op": "remove", "path": "members[value eq \"absent\"]"}]),
    ] {
        let answer = client.patch(&path, operations).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("etag"), before.header("etag"));
    }
}

#[tokio::test]
async fn one_patch_renames_and_changes_members() {
    let client = Client::new();
    let (a, b) = (client.user("a").await, client.user("b").await);
    let group = client.group("Guides", &[&a]).await;
    let operations = json!([
        {"op": "replace", "path": "displayName", "value": "Tour Guides"},
        {"op": "add", "path": "members", "value": [{"value": b}]},
        {"op": "remove", "path": format!("members[value eq \"{a}\"]")},
    ]);
    let answer = client.patch(&format!("/Groups/{group}"), operations).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["displayName"], "Tour Guides");
    assert_eq!(client.members(&group).await, [b]);
}

#[tokio::test]
async fn a_failed_operation_leaves_name_and_members_alone() {
    let client = Client::new();
    let a = client.user("a").await;
    let group = client.group("Guides", &[&a]).await;
    let operations = json!([
        {"op": "remove", "path": "members"},
        {"op": "remove", "path": "displayName"},
    ]);
    let answer = client.patch(&format!("/Groups/{group}"), operations).await;
    answer.assert_error(400, Some("mutability"));
    assert_eq!(client.members(&group).await, [a]);
}

#[tokio::test]
async fn put_replaces_the_membership_list() {
    let client = Client::new();
    let (a, b) = (client.user("a").await, client.user("b").await);
    let group = client.group("Guides", &[&a]).await;
    let body = json!({"schemas": [GROUP], "displayName": "Guides", "members": [{"value": b}]});
    assert_eq!(client.put(&format!("/Groups/{group}"), body).await.status, 200);
    assert_eq!(client.members(&group).await, [b]);
    assert!(client.get(&format!("/Users/{a}")).await.json().get("groups").is_none());
}

#[tokio::test]
async fn a_deleted_user_leaves_its_groups_and_they_get_a_new_version() {
    let client = Client::new();
    let (a, b) = (client.user("a").await, client.user("b").await);
    let path = format!("/Groups/{}", client.group("Guides", &[&a, &b]).await);
    let before = client.get(&path).await;
    client.delete(&format!("/Users/{a}")).await;
    let after = client.get(&path).await;
    assert_eq!(after.json()["members"].as_array().unwrap().len(), 1);
    assert_ne!(after.header("etag"), before.header("etag"));
}

#[tokio::test]
async fn joining_a_group_does_not_change_the_users_version() {
    let client = Client::new();
    let user = client.user("a").await;
    let before = client.get(&format!("/Users/{user}")).await;
    client.group("Guides", &[&user]).await;
    let after = client.get(&format!("/Users/{user}")).await;
    assert_eq!(after.header("etag"), before.header("etag"));
    assert!(after.json().get("groups").is_some());
}

#[tokio::test]
async fn a_patch_of_a_large_group_answers_204_with_the_etag() {
    let client = Client::new();
    let ids: Vec<String> = (0..101).map(|i| format!("ghost-{i}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let path = format!("/Groups/{}", client.group("Large", &ids).await);
    let add = json!([{"op": "add", "path": "members", "value": [{"value": "one-more"}]}]);
    let answer = client.patch(&path, add.clone()).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    assert_eq!(answer.header("etag"), client.get(&path).await.header("etag"));
    // RFC 7644 §3.5.2: attributes that are asked for make it a 200.
    let answer = client.patch(&format!("{path}?attributes=displayName"), add).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["displayName"]), (200, &json!("Large")));
}

#[tokio::test]
async fn groups_can_be_set_to_answer_every_patch_with_204() {
    let client = Client::of(crate::client::builder().patch_answers_no_content("Group").build());
    let path = format!("/Groups/{}", client.group("Guides", &[]).await);
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Tour Guides"}]);
    assert_eq!(client.patch(&path, rename).await.status, 204);
    let user = format!("/Users/{}", client.user("a").await);
    let title = json!([{"op": "replace", "path": "title", "value": "Guide"}]);
    assert_eq!(client.patch(&user, title).await.status, 200);
}
