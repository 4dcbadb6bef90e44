//! Creating, reading, replacing, changing and deleting (RFC 7644 §3.3 to §3.6).

use serde_json::{Value, json};

use crate::client::{BASE, Client, ENTERPRISE, USER};

#[tokio::test]
async fn a_created_resource_comes_back_whole_with_location_and_etag() {
    let client = Client::new();
    let body = json!({
        "schemas": [USER], "userName": "bjensen", "externalId": "701984",
        "name": {"givenName": "Barbara", "familyName": "Jensen"},
        "emails": [{"value": "bjensen@example.com", "type": "work", "primary": true}],
    });
    let answer = client.post("/Users", body).await;
    assert_eq!(answer.status, 201);
    let user = answer.json();
    let location = format!("{BASE}/Users/{}", answer.id());
    assert_eq!(answer.header("location"), location);
    assert_eq!(answer.header("content-location"), location);
    assert_eq!(user["meta"]["location"], location);
    assert_eq!(user["meta"]["resourceType"], "User");
    assert_eq!(user["meta"]["version"], answer.header("etag"));
    assert_eq!(user["meta"]["created"], user["meta"]["lastModified"]);
    assert_eq!(user["schemas"], json!([USER]));
    assert_eq!(user["emails"][0]["value"], "bjensen@example.com");
    let read = client.get(&format!("/Users/{}", answer.id())).await;
    assert_eq!(read.json(), user);
    assert_eq!(
        (read.header("location"), read.header("content-location")),
        (&*location, &*location)
    );
}

#[tokio::test]
async fn the_server_chooses_the_id_and_the_metadata() {
    let client = Client::new();
    let body = json!({
        "schemas": [USER], "userName": "bjensen", "id": "mine", "externalId": "theirs",
        "meta": {"created": "2001-01-01T00:00:00Z", "version": "W/\"9\""},
        "groups": [{"value": "admins"}],
    });
    let user = client.post("/Users", body).await.json();
    assert_ne!(user["id"], "mine");
    assert_ne!(user["id"], "theirs");
    assert_ne!(user["meta"]["created"], "2001-01-01T00:00:00Z");
    assert!(user.get("groups").is_none());
    assert_eq!(client.get("/Users/theirs").await.status, 404);
}

#[tokio::test]
async fn a_value_that_is_unique_is_a_conflict_whatever_its_case() {
    let client = Client::new();
    client.user("bjensen").await;
    let again = client.post("/Users", json!({"schemas": [USER], "userName": "BJensen"})).await;
    again.assert_error(409, Some("uniqueness"));
    assert!(again.json()["detail"].as_str().unwrap().contains("userName"));
    let other = client.user("jsmith").await;
    let path = format!("/Users/{other}");
    let body = json!({"schemas": [USER], "userName": "bjensen"});
    client.put(&path, body).await.assert_error(409, Some("uniqueness"));
    let renamed = json!([{"op": "replace", "path": "userName", "value": "bjensen"}]);
    client.patch(&path, renamed).await.assert_error(409, Some("uniqueness"));
    assert_eq!(client.get(&path).await.json()["userName"], "jsmith");
}

#[tokio::test]
async fn a_name_is_free_again_once_its_owner_is_renamed_or_deleted() {
    let client = Client::new();
    let first = client.user("bjensen").await;
    let renamed = json!([{"op": "replace", "path": "userName", "value": "babs"}]);
    assert_eq!(client.patch(&format!("/Users/{first}"), renamed).await.status, 200);
    let second = client.user("bjensen").await;
    assert_eq!(client.delete(&format!("/Users/{second}")).await.status, 204);
    client.user("bjensen").await;
}

#[tokio::test]
async fn put_clears_what_it_leaves_out_but_keeps_active() {
    let client = Client::new();
    let body = json!({
        "schemas": [USER], "userName": "bjensen", "title": "Tour Guide", "active": false,
        ENTERPRISE: {"department": "Tours"},
    });
    let path = format!("/Users/{}", client.post("/Users", body).await.id());
    let replaced =
        client.put(&path, json!({"schemas": [USER], "userName": "bjensen", "nickName": "B"})).await;
    assert_eq!(replaced.status, 200);
    let user = replaced.json();
    assert!(user.get("title").is_none() && user.get(ENTERPRISE).is_none());
    assert_eq!(user["schemas"], json!([USER]));
    assert_eq!((&user["active"], &user["nickName"]), (&json!(false), &json!("B")));
}

#[tokio::test]
async fn an_equal_put_and_a_patch_without_effect_make_no_new_version() {
    let client = Client::new();
    let body = json!({"schemas": [USER], "userName": "bjensen", "title": "Guide"});
    let created = client.post("/Users", body.clone()).await;
    let path = format!("/Users/{}", created.id());
    for answer in [
        client.put(&path, body).await,
        client.patch(&path, json!([{"op": "add", "path": "title", "value": "Guide"}])).await,
        client.patch(&path, json!([{"op": "remove", "path": "nickName"}])).await,
    ] {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json(), created.json());
        assert_eq!(answer.header("etag"), created.header("etag"));
    }
}

#[tokio::test]
async fn a_change_makes_a_new_version_and_moves_last_modified() {
    let client = Client::new();
    let created = client.post("/Users", json!({"schemas": [USER], "userName": "bjensen"})).await;
    let path = format!("/Users/{}", created.id());
    std::thread::sleep(std::time::Duration::from_millis(3));
    let changed =
        client.patch(&path, json!([{"op": "replace", "path": "active", "value": false}])).await;
    assert_ne!(changed.header("etag"), created.header("etag"));
    let (before, after) = (created.json(), changed.json());
    assert_eq!(after["meta"]["created"], before["meta"]["created"]);
    assert_ne!(after["meta"]["lastModified"], before["meta"]["lastModified"]);
    assert_eq!(after["active"], false);
}

#[tokio::test]
async fn a_patch_is_applied_whole_or_not_at_all() {
    let client = Client::new();
    let path = format!("/Users/{}", client.user("bjensen").await);
    let before = client.get(&path).await.json();
    let operations = json!([
        {"op": "replace", "path": "title", "value": "Guide"},
        {"op": "remove", "path": "userName"},
    ]);
    client.patch(&path, operations).await.assert_error(400, Some("mutability"));
    assert_eq!(client.get(&path).await.json(), before);
}

#[tokio::test]
async fn a_deleted_resource_is_gone_for_every_method() {
    let client = Client::new();
    let path = format!("/Users/{}", client.user("bjensen").await);
    assert_eq!(client.delete(&path).await.status, 204);
    client.get(&path).await.assert_error(404, None);
    client.delete(&path).await.assert_error(404, None);
    client.put(&path, json!({"schemas": [USER], "userName": "x"})).await.assert_error(404, None);
    client.patch(&path, json!([{"op": "remove", "path": "title"}])).await.assert_error(404, None);
}

#[tokio::test]
async fn an_id_belongs_to_its_resource_type() {
    let client = Client::new();
    let id = client.user("bjensen").await;
    client.get(&format!("/Groups/{id}")).await.assert_error(404, None);
    client.delete(&format!("/Groups/{id}")).await.assert_error(404, None);
    assert_eq!(client.get(&format!("/Users/{id}")).await.status, 200);
}

#[tokio::test]
async fn a_password_is_taken_and_never_given_out() {
    let client = Client::new();
    let body = json!({"schemas": [USER], "userName": "bjensen", "password": "t1meMa$heen"});
    let created = client.post("/Users", body).await;
    assert_eq!(created.status, 201);
    assert!(!created.text.contains("t1me"));
    let path = format!("/Users/{}", created.id());
    let changed =
        client.patch(&path, json!([{"op": "replace", "value": {"password": "other"}}])).await;
    assert_eq!(changed.status, 200);
    assert_eq!(changed.json(), created.json(), "a store that keeps none sees no change");
    let asked = client.get(&format!("{path}?attributes=password,userName")).await.json();
    assert!(asked.get("password").is_none());
}

#[tokio::test]
async fn a_manager_that_exists_gets_a_ref_and_a_name_and_one_that_does_not_is_kept() {
    let client = Client::new();
    let body = json!({"schemas": [USER], "userName": "boss", "displayName": "The Boss"});
    let boss = client.post("/Users", body).await.id();
    let user = |name: &str, manager: &str| json!({"schemas": [USER, ENTERPRISE], "userName": name, ENTERPRISE: {"manager": {"value": manager}}});
    let known = client.post("/Users", user("a", &boss)).await.json();
    assert_eq!(
        known[ENTERPRISE]["manager"],
        json!({"value": boss, "$ref": format!("{BASE}/Users/{boss}"), "displayName": "The Boss"}),
    );
    let dangling = client.post("/Users", user("b", "nobody")).await.json();
    assert_eq!(dangling[ENTERPRISE]["manager"], json!({"value": "nobody"}));
}

#[tokio::test]
async fn a_required_attribute_that_is_missing_is_an_invalid_value() {
    let client = Client::new();
    let answer = client.post("/Users", json!({"schemas": [USER]})).await;
    answer.assert_error(400, Some("invalidValue"));
    assert!(answer.json()["detail"].as_str().unwrap().contains("userName"));
    let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"]});
    client.post("/Groups", group).await.assert_error(400, Some("invalidValue"));
}

#[tokio::test]
async fn what_the_client_sends_in_any_case_comes_back_in_the_schemas_spelling() {
    let client = Client::new();
    let body = json!({"SCHEMAS": [USER], "USERNAME": "bjensen", "Emails": [{"VALUE": "a@b.c"}]});
    let user = client.post("/Users", body).await.json();
    assert_eq!(user["userName"], "bjensen");
    assert_eq!(user["emails"], json!([{"value": "a@b.c"}]));
    assert!(user.as_object().unwrap().keys().all(|k| k != "USERNAME"));
    let _: &Value = &user;
}
