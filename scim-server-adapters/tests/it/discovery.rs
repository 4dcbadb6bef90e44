//! `/ServiceProviderConfig`, `/ResourceTypes`, `/Schemas` (RFC 7644 §4).

use scim_core::Registry;
use serde_json::json;

use crate::client::{BASE, Client, ENTERPRISE, GROUP, USER, builder};

#[tokio::test]
async fn the_configuration_says_what_is_true() {
    let config = Client::new().get("/ServiceProviderConfig").await.json();
    assert_eq!(config["patch"], json!({"supported": true}));
    assert_eq!(config["bulk"]["supported"], true);
    assert_eq!(config["filter"], json!({"supported": true, "maxResults": 1000}));
    assert_eq!(config["changePassword"], json!({"supported": false}));
    assert_eq!(config["etag"], json!({"supported": true}));
    assert_eq!(config["pagination"]["index"], true);
    assert_eq!(config["authenticationSchemes"][0]["type"], "oauthbearertoken");
    assert_eq!(config["meta"]["location"], format!("{BASE}/ServiceProviderConfig"));
}

#[tokio::test]
async fn resource_types_and_schemas_come_as_lists_and_one_by_one() {
    let client = Client::new();
    let types = client.get("/ResourceTypes").await.json();
    assert_eq!(types["totalResults"], 2);
    let user = client.get("/ResourceTypes/User").await.json();
    assert_eq!(types["Resources"][0], user);
    assert_eq!((&user["endpoint"], &user["schema"]), (&json!("/Users"), &json!(USER)));
    assert_eq!(user["schemaExtensions"], json!([{"schema": ENTERPRISE, "required": false}]));
    assert_eq!(user["meta"]["location"], format!("{BASE}/ResourceTypes/User"));

    let schemas = client.get("/Schemas").await.json();
    let ids: Vec<&str> = schemas["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["id"].as_str().unwrap())
        .collect();
    assert!([USER, GROUP, ENTERPRISE].iter().all(|id| ids.contains(id)), "{ids:?}");
    for id in ids {
        let schema = client.get(&format!("/Schemas/{id}")).await.json();
        assert_eq!(schema["id"], id);
        assert_eq!(schema["meta"]["location"], format!("{BASE}/Schemas/{id}"));
    }
    client.get("/Schemas/urn:none").await.assert_error(404, None);
    client.get("/ResourceTypes/None").await.assert_error(404, None);
}

#[tokio::test]
async fn writes_are_405_with_allow_and_a_filter_is_403() {
    let client = Client::new();
    for path in ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/Schemas/x"] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let answer = client.send(method, path, &[], "{}").await;
            answer.assert_error(405, None);
            assert_eq!(answer.header("allow"), "GET, HEAD");
        }
        client.get(&format!("{path}?filter=id+pr")).await.assert_error(403, None);
    }
    assert_eq!(client.get("/Schemas?startIndex=2&count=1").await.json()["startIndex"], 1);
}

#[tokio::test]
async fn a_resource_type_loaded_at_run_time_is_served_like_a_built_in_one() {
    let mut registry = Registry::builtin();
    registry
        .add_schema_json(
            r#"{"id": "urn:example:Device", "name": "Device", "attributes": [
                {"name": "serial", "required": true, "uniqueness": "server", "caseExact": true},
                {"name": "ports", "type": "integer", "multiValued": true},
                {"name": "secretPin", "returned": "never", "mutability": "writeOnly"},
                {"name": "notes", "returned": "request"}]}"#,
        )
        .unwrap();
    registry
        .add_resource_type_json(
            r#"{"name": "Device", "endpoint": "/Devices", "schema": "urn:example:Device"}"#,
        )
        .unwrap();
    let client = Client::of(builder().registry(registry).build());
    let body = json!({"schemas": ["urn:example:Device"], "serial": "A1", "ports": [80, 443],
                      "secretPin": "0000", "notes": "in the cellar"});
    let created = client.post("/Devices", body.clone()).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let device = created.json();
    assert!(device.get("secretPin").is_none());
    assert_eq!(device["notes"], "in the cellar", "on request, and after a write that sent it");
    assert_eq!(device["meta"]["resourceType"], "Device");
    let path = format!("/Devices/{}", created.id());
    assert!(client.get(&path).await.json().get("notes").is_none());
    assert_eq!(
        client.get(&format!("{path}?attributes=notes")).await.json()["notes"],
        "in the cellar"
    );
    client.post("/Devices", body).await.assert_error(409, Some("uniqueness"));
    let found = client.get("/Devices?filter=ports+eq+443").await.json();
    assert_eq!(found["totalResults"], 1);
    let patched =
        client.patch(&path, json!([{"op": "add", "path": "ports", "value": [22, 80]}])).await;
    assert_eq!(patched.json()["ports"], json!([80, 443, 22]));
    client.get("/Devices?filter=secretPin+pr").await.assert_error(403, Some("sensitive"));
    assert_eq!(client.get("/ResourceTypes/Device").await.json()["endpoint"], "/Devices");
    assert_eq!(client.get("/Schemas/urn:example:Device").await.json()["name"], "Device");
}
