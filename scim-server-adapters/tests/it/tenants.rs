//! Tenants are apart, whatever one tries.

use serde_json::json;

use crate::client::{Client, USER};

#[tokio::test]
async fn another_tenants_resource_does_not_exist() {
    let (acme, globex) = Client::acme_and_globex();
    let id = acme.user("bjensen").await;
    let path = format!("/Users/{id}");
    globex.get(&path).await.assert_error(404, None);
    globex.delete(&path).await.assert_error(404, None);
    globex.put(&path, json!({"schemas": [USER], "userName": "x"})).await.assert_error(404, None);
    globex
        .patch(&path, json!([{"op": "add", "path": "title", "value": "x"}]))
        .await
        .assert_error(404, None);
    assert_eq!(globex.get("/Users").await.json()["totalResults"], 0);
    let found = globex.get(&format!("/Users?filter=id+eq+%22{id}%22")).await;
    assert_eq!(found.json()["totalResults"], 0);
    assert_eq!(acme.get(&path).await.json()["userName"], "bjensen");
}

#[tokio::test]
async fn values_are_unique_within_a_tenant_only() {
    let (acme, globex) = Client::acme_and_globex();
    acme.user("bjensen").await;
    globex.user("bjensen").await;
}

#[tokio::test]
async fn a_member_of_another_tenant_is_a_stranger() {
    let (acme, globex) = Client::acme_and_globex();
    let id = acme.user("bjensen").await;
    let group = globex.group("Guides", &[&id]).await;
    let members = globex.get(&format!("/Groups/{group}")).await.json()["members"].clone();
    assert_eq!(members, json!([{"value": id}]));
    assert!(acme.get(&format!("/Users/{id}")).await.json().get("groups").is_none());
}

#[tokio::test]
async fn a_key_opens_its_own_tenant_only() {
    let (acme, globex) = Client::acme_and_globex();
    let answer = acme.send("GET", "/Users", &[("authorization", "Bearer globex-key")], "").await;
    answer.assert_error(401, None);
    assert_eq!(globex.get("/Users").await.status, 200);
}

#[tokio::test]
async fn locations_name_the_tenant() {
    let (acme, _) = Client::acme_and_globex();
    let answer = acme.post("/Users", json!({"schemas": [USER], "userName": "a"})).await;
    let location = format!("https://example.com/scim/acme/v2/Users/{}", answer.id());
    assert_eq!(answer.header("location"), location);
}
