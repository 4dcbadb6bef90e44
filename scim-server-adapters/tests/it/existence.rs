//! [`Validation::ExistingReferences`]: whom a write names as a member or a manager is there.

use std::sync::Arc;

use scim_core::{Profile, Validation};
use scim_server_adapters::MemoryBackend;
use serde_json::{Value, json};

use crate::bulk::OwnIds;
use crate::client::{Answer, Client, ENTERPRISE, GROUP, PATCH_OP, USER, builder, over};

const DEMANDING: Profile = Profile::INTEROP.validating(Validation::ExistingReferences);

fn demanding() -> Client {
    Client::of(builder().profile(DEMANDING).build())
}

#[track_caller]
fn refused(answer: &Answer, attribute: &str) {
    answer.assert_error(400, Some("invalidValue"));
    let detail = format!("`{attribute}`: there is no resource `nobody`");
    assert_eq!(answer.json()["detail"], detail);
}

fn guides(members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    json!({"schemas": [GROUP], "displayName": "Guides", "members": members})
}

fn managed(name: &str, manager: Value) -> Value {
    json!({"schemas": [USER, ENTERPRISE], "userName": name, ENTERPRISE: {"manager": manager}})
}

#[tokio::test]
async fn it_is_a_setting_apart_and_off_unless_asked_for() {
    for preset in Profile::PRESETS {
        assert!(!preset.validates(Validation::ExistingReferences), "{}", preset.name());
        let client = Client::of(builder().profile(preset).build());
        let group = client.group("Guides", &["nobody"]).await;
        assert_eq!(client.members(&group).await, ["nobody"]);
        let user = client.post("/Users", managed("bjensen", json!({"value": "nobody"}))).await;
        assert_eq!(user.status, 201, "{}", user.text);
        assert_eq!(user.json()[ENTERPRISE]["manager"], json!({"value": "nobody"}));
    }
}

#[tokio::test]
async fn members_must_be_there() {
    let client = demanding();
    let (babs, john) = (client.user("bjensen").await, client.user("jsmith").await);
    refused(&client.post("/Groups", guides(&[&babs, "nobody"])).await, "members");
    assert_eq!(client.get("/Groups").await.json()["totalResults"], 0);

    let id = client.group("Guides", &[&babs]).await;
    let path = format!("/Groups/{id}");
    let before = client.get(&path).await.json();
    refused(&client.put(&path, guides(&["nobody"])).await, "members");
    let nobody = json!([{"value": "nobody"}]);
    for operations in [
        json!([{"op": "add", "path": "members", "value": nobody}]),
        json!([{"op": "replace", "path": "members", "value": nobody}]),
        json!([{"op": "add", "value": {"members": nobody, "displayName": "x"}}]),
        json!([{"op": "add", "path": "members", "value": [{"$ref": "../Users/nobody"}]}]),
        json!([{"op": "add", "path": "members[value eq \"nobody\"].type", "value": "User"}]),
        // All or none.
        json!([
            {"op": "replace", "path": "displayName", "value": "x"},
            {"op": "add", "path": "members", "value": [{"value": john}]},
            {"op": "add", "path": "members", "value": nobody},
        ]),
    ] {
        refused(&client.patch(&path, operations).await, "members");
        assert_eq!(client.get(&path).await.json(), before);
    }
    // Who is only looked for, or removed, need not be there.
    for operations in [
        json!([{"op": "remove", "path": "members[value eq \"nobody\"]"}]),
        json!([{"op": "remove", "path": "members", "value": nobody}]),
    ] {
        assert_eq!(client.patch(&path, operations).await.status, 200);
        assert_eq!(client.get(&path).await.json(), before);
    }
    // A group may be a member, also of itself.
    let value = json!([{"value": john}, {"value": id}]);
    let add = json!([{"op": "add", "path": "members", "value": value}]);
    assert_eq!(client.patch(&path, add).await.status, 200);
    assert_eq!(client.members(&id).await, [&*babs, &john, &id]);
    // Whoever is deleted leaves, and can't come back.
    assert_eq!(client.delete(&format!("/Users/{john}")).await.status, 204);
    let add = json!([{"op": "add", "path": "members", "value": [{"value": john}]}]);
    client.patch(&path, add).await.assert_error(400, Some("invalidValue"));
    assert_eq!(client.members(&id).await, [&*babs, &id]);
}

#[tokio::test]
async fn managers_must_be_there() {
    let client = demanding();
    let boss = client.user("boss").await;
    let attribute = format!("{ENTERPRISE}:manager");
    let nobody = json!({"value": "nobody"});
    refused(&client.post("/Users", managed("bjensen", nobody.clone())).await, &attribute);
    assert_eq!(client.get("/Users").await.json()["totalResults"], 1);

    let answer = client.post("/Users", managed("bjensen", json!({"value": boss}))).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let path = format!("/Users/{}", answer.id());
    let before = client.get(&path).await.json();
    refused(&client.put(&path, managed("bjensen", nobody.clone())).await, &attribute);
    for operation in [
        json!({"op": "replace", "path": attribute, "value": nobody}),
        json!({"op": "replace", "path": attribute, "value": "nobody"}),
        json!({"op": "add", "path": format!("{attribute}.value"), "value": "nobody"}),
        json!({"op": "add", "path": format!("{attribute}.$ref"), "value": "../Users/nobody"}),
        json!({"op": "add", "value": {ENTERPRISE: {"manager": nobody}}}),
        json!({"op": "add", "path": ENTERPRISE, "value": {"manager": nobody}}),
        json!({"op": "add", "value": {format!("{attribute}.value"): "nobody"}}),
    ] {
        refused(&client.patch(&path, json!([operation])).await, &attribute);
        assert_eq!(client.get(&path).await.json(), before, "{operation}");
    }
    // Other attributes are not looked at: a manager who goes stays named.
    assert_eq!(client.delete(&format!("/Users/{boss}")).await.status, 204);
    let title = json!([{"op": "add", "path": "title", "value": "nobody"}]);
    let patched = client.patch(&path, title).await;
    assert_eq!(patched.json()[ENTERPRISE]["manager"], json!({"value": boss}));
    // Naming them again is another matter.
    let echo = client.put(&path, managed("bjensen", json!({"value": boss}))).await;
    echo.assert_error(400, Some("invalidValue"));
    let none = json!([{"op": "remove", "path": attribute}]);
    assert_eq!(client.patch(&path, none).await.status, 200);
}

/// What is wrong with the resource itself is said first, and another tenant's user is nobody.
#[tokio::test]
async fn it_is_looked_for_in_the_tenant_and_after_the_resource() {
    let (acme, globex) = Client::acme_and_globex_of(builder().profile(DEMANDING));
    let babs = acme.user("bjensen").await;
    let stranger = globex.post("/Groups", guides(&[&babs])).await;
    stranger.assert_error(400, Some("invalidValue"));
    assert!(stranger.json()["detail"].as_str().unwrap().contains(&babs));
    let id = acme.group("Guides", &[&babs]).await;

    let body = guides(&["nobody"]);
    acme.put("/Groups/gone", body.clone()).await.assert_error(404, None);
    let stale = [("if-match", "W/\"99\"")];
    let answer = acme.send("PUT", &format!("/Groups/{id}"), &stale, body.to_string()).await;
    answer.assert_error(412, None);
}

fn post(path: &str, bulk_id: &str, data: Value) -> Value {
    json!({"method": "POST", "path": path, "bulkId": bulk_id, "data": data})
}

/// Over a backend that takes minted ids and one that chooses its own.
fn clients() -> [Client; 2] {
    let own_ids = over(Arc::new(OwnIds(MemoryBackend::new())));
    [demanding(), Client::of(own_ids.profile(DEMANDING).build())]
}

async fn bulk(client: &Client, operations: Value) -> Vec<Value> {
    let schema = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
    let answer = client.post("/Bulk", json!({"schemas": [schema], "Operations": operations})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["Operations"].as_array().unwrap().clone()
}

fn statuses(operations: &[Value]) -> Vec<&str> {
    operations.iter().map(|operation| operation["status"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn in_bulk_what_other_operations_make_is_there() {
    for client in clients() {
        let user = |name: &str| json!({"schemas": [USER], "userName": name});
        // Before it, after it, and in a circle of three, one of whom refers to itself, too.
        let operations = json!([
            post("/Users", "first", user("first")),
            post("/Groups", "g", guides(&["bulkId:first", "bulkId:last"])),
            post("/Users", "last", user("last")),
            post("/Users", "a", managed("a", json!({"value": "bulkId:b"}))),
            post("/Users", "b", managed("b", json!({"value": "bulkId:c"}))),
            post("/Users", "c", managed("c", json!({"value": "bulkId:a"}))),
            post("/Groups", "self", guides(&["bulkId:self", "bulkId:a"])),
        ]);
        let done = bulk(&client, operations).await;
        assert_eq!(statuses(&done), ["201"; 7], "{done:?}");
        let users = client.get("/Users").await.json();
        for user in users["Resources"].as_array().unwrap() {
            let manager = &user[ENTERPRISE]["manager"];
            assert_eq!(manager.is_object(), manager["$ref"].is_string(), "{user}");
        }
        let groups = client.get("/Groups").await.json();
        for group in groups["Resources"].as_array().unwrap() {
            let members = group["members"].as_array().unwrap();
            assert_eq!(members.len(), 2);
            assert!(members.iter().all(|member| member["$ref"].is_string()), "{group}");
        }
    }
}

#[tokio::test]
async fn in_bulk_what_is_not_there_fails_its_operation_and_what_needs_it() {
    for client in clients() {
        let babs = client.user("bjensen").await;
        let id = client.group("Guides", &[]).await;
        let patch = |value: Value| {
            let operation = json!({"op": "add", "path": "members", "value": [{"value": value}]});
            let data = json!({"schemas": [PATCH_OP], "Operations": [operation]});
            json!({"method": "PATCH", "path": format!("/Groups/{id}"), "data": data})
        };
        let operations = json!([
            post("/Groups", "dangling", guides(&["nobody"])),
            post("/Groups", "depends", guides(&["bulkId:dangling"])),
            patch(json!("nobody")),
            // A circle with somebody outside who is not there: neither is made.
            post("/Users", "a", managed("a", json!({"value": "bulkId:g"}))),
            post("/Groups", "g", guides(&["bulkId:a", "nobody"])),
            patch(json!(babs)),
            {"method": "DELETE", "path": format!("/Users/{babs}")},
            // In request order: now he is gone.
            patch(json!(babs)),
        ]);
        let done = bulk(&client, operations).await;
        assert_eq!(
            statuses(&done),
            ["400", "409", "400", "409", "400", "200", "204", "400"],
            "{done:?}"
        );
        for operation in [&done[0], &done[2], &done[4]] {
            let error = &operation["response"];
            assert_eq!(error["scimType"], "invalidValue");
            assert_eq!(error["detail"], "`members`: there is no resource `nobody`");
        }
        assert_eq!(client.get("/Users").await.json()["totalResults"], 0);
        assert_eq!(client.get("/Groups").await.json()["totalResults"], 1);
        assert!(client.members(&id).await.is_empty());
    }
}
