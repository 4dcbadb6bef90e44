//! Requirements of RFC 7643, RFC 7644 and RFC 9865 that no other module shows by the way; see
//! `docs/rfc-coverage.md`.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use scim_core::{Profile, Registry, ResourceId, ResourceType};
use scim_server_adapters::{
    Action, ActionKind, BackendError, BearerTokens, Capabilities, Limits, Members, MemoryBackend,
    Page, Policy, Position, ProvisioningBackend, Query, RequestContext, ScimService, Stored,
    UnitFailure, Verdict, Wanted, Write, WriteUnit, Written,
};
use serde_json::{Value, json};

use crate::client::{BASE, Client, ENTERPRISE, GROUP, PATCH_OP, USER, builder};

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

fn strict() -> Client {
    Client::of(builder().profile(Profile::STRICT).build())
}

/// What follows the base URL in one of the service's own URIs.
fn below_base(uri: &Value) -> String {
    uri.as_str().unwrap().strip_prefix(BASE).unwrap().to_owned()
}

/// RFC 7644 §3.1: message schemas begin with a prefix of their own and "SHALL NOT be discoverable".
#[tokio::test]
async fn schemas_of_messages_have_their_prefix_and_are_not_discoverable() {
    const PREFIX: &str = "urn:ietf:params:scim:api:";
    let client = Client::new();
    let id = client.user("a").await;
    let bulk = json!({"schemas": [BULK], "Operations": [
        {"method": "DELETE", "path": format!("/Users/{id}")}]});
    let messages = [
        client.get("/Users").await.json(),
        client.get("/Schemas").await.json(),
        client.get("/Users/nobody").await.json(),
        client.post("/Bulk", bulk).await.json(),
    ];
    let discoverable = client.get("/Schemas").await.json();
    let discoverable: Vec<&str> = discoverable["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|schema| schema["id"].as_str().unwrap())
        .collect();
    assert!(discoverable.iter().all(|id| !id.starts_with(PREFIX)), "{discoverable:?}");
    for message in messages {
        let [schema] = message["schemas"].as_array().unwrap().as_slice() else {
            panic!("{message}");
        };
        assert!(schema.as_str().unwrap().starts_with(PREFIX), "{schema}");
        let path = format!("/Schemas/{}", schema.as_str().unwrap());
        client.get(&path).await.assert_error(404, None);
    }
}

/// RFC 7643 §3: "All representations of SCIM schemas MUST include a non-empty array" and "Duplicate
/// values MUST NOT be included"; only schemas of the resource type.
#[tokio::test]
async fn every_representation_names_its_schemas_once() {
    let client = Client::new();
    let body = json!({
        "schemas": [USER, ENTERPRISE, USER, USER.to_uppercase()], "userName": "a",
        ENTERPRISE: {"department": "Tours"},
    });
    let created = client.post("/Users", body).await;
    assert_eq!(created.json()["schemas"], json!([USER, ENTERPRISE]));
    let user = format!("/Users/{}", created.id());
    client.group("g", &[]).await;
    for path in [
        user.as_str(),
        &format!("{user}?attributes=title"),
        &format!("{user}?excludedAttributes=schemas"),
        "/Users",
        "/Groups",
        "/",
        "/ServiceProviderConfig",
        "/ResourceTypes",
        "/ResourceTypes/User",
        "/Schemas",
        &format!("/Schemas/{USER}"),
        "/Nothing",
    ] {
        let answer = client.get(path).await.json();
        let listed = answer.get("Resources").and_then(Value::as_array).cloned();
        for representation in [answer].into_iter().chain(listed.into_iter().flatten()) {
            let schemas = representation["schemas"].as_array().unwrap();
            let distinct: HashSet<&str> = schemas.iter().map(|s| s.as_str().unwrap()).collect();
            assert!(!schemas.is_empty() && distinct.len() == schemas.len(), "{path}: {schemas:?}");
        }
    }
}

/// RFC 7643 §2.3.8: nobody must "require or expect attributes to be in any specific order"; §3:
/// the order of `schemas` "MUST NOT impact behavior".
#[tokio::test]
async fn the_order_of_attributes_and_of_schemas_means_nothing() {
    let client = strict();
    let forward = format!(
        r#"{{"schemas":["{USER}","{ENTERPRISE}"],"userName":"a","name":{{"givenName":"B","familyName":"J"}},"{ENTERPRISE}":{{"department":"d"}}}}"#
    );
    let backward = format!(
        r#"{{"{ENTERPRISE}":{{"department":"d"}},"name":{{"familyName":"J","givenName":"B"}},"userName":"b","schemas":["{ENTERPRISE}","{USER}"]}}"#
    );
    let mut made = Vec::new();
    for body in [forward, backward] {
        let answer = client.send("POST", "/Users", &[], body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let mut user = answer.json();
        for own in ["id", "userName", "meta"] {
            user.as_object_mut().unwrap().remove(own);
        }
        made.push(user);
    }
    assert_eq!(made[0], made[1]);
    let patch =
        |operation: &str| format!(r#"{{"Operations":[{operation}],"schemas":["{PATCH_OP}"]}}"#);
    let id = client.user("c").await;
    let body = patch(r#"{"value":"Guide","path":"title","op":"add"}"#);
    let answer = client.send("PATCH", &format!("/Users/{id}"), &[], body).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["title"]), (200, &json!("Guide")));
}

/// RFC 7643 §3.1: an id is non-empty, unique over all resources, and stays.
#[tokio::test]
async fn ids_are_unique_over_all_resources_and_stay() {
    let client = Client::new();
    let mut ids = HashSet::new();
    for i in 0..20 {
        ids.insert(client.user(&format!("user {i}")).await);
        ids.insert(client.group(&format!("group {i}"), &[]).await);
    }
    assert!(ids.len() == 40 && ids.iter().all(|id| !id.is_empty() && !id.contains("bulkId")));
    let id = client.user("stays").await;
    let path = format!("/Users/{id}");
    let body = json!({"schemas": [USER], "userName": "renamed", "id": "other"});
    assert_eq!(client.put(&path, body).await.id(), id);
    let patch = json!([{"op": "replace", "value": {"userName": "again", "id": "other"}}]);
    assert_eq!(client.patch(&path, patch).await.id(), id);
    assert_eq!(client.get(&path).await.id(), id);
    client.delete(&path).await;
    assert_ne!(client.user("again").await, id, "not given to another");
}

/// RFC 7643 §3.1: externalId comes from the client alone, is scoped to its provisioning domain,
/// and the server does not make it unique.
#[tokio::test]
async fn an_external_id_is_the_clients_and_of_its_domain() {
    let (acme, globex) = Client::acme_and_globex();
    let body = |name: &str| json!({"schemas": [USER], "userName": name, "externalId": "701984"});
    let first = acme.post("/Users", body("a")).await;
    assert_eq!(first.json()["externalId"], "701984");
    assert_eq!(acme.post("/Users", body("b")).await.status, 201);
    let query = "/Users?filter=externalId+eq+%22701984%22";
    assert_eq!(acme.get(query).await.json()["totalResults"], 2);
    assert_eq!(globex.get(query).await.json()["totalResults"], 0);
    let plain = acme.user("c").await;
    assert!(acme.get(&format!("/Users/{plain}")).await.json().get("externalId").is_none());
}

/// RFC 7643 §2.3.7: a reference URI is HTTP-addressable, and a GET on it "MUST receive the target
/// resource or an appropriate HTTP response code".
#[tokio::test]
async fn every_reference_leads_to_its_target() {
    let client = Client::new();
    let boss = client.user("boss").await;
    let body = json!({"schemas": [USER, ENTERPRISE], "userName": "a", ENTERPRISE: {"manager": {"value": boss}}});
    let user = client.post("/Users", body).await;
    let inner = client.group("inner", &[&user.id()]).await;
    let outer = client.group("outer", &[&inner]).await;
    let user = client.get(&format!("/Users/{}", user.id())).await.json();
    let outer = client.get(&format!("/Groups/{outer}")).await.json();
    for (uri, id) in [
        (&user[ENTERPRISE]["manager"]["$ref"], &user[ENTERPRISE]["manager"]["value"]),
        (&user["groups"][0]["$ref"], &user["groups"][0]["value"]),
        (&outer["members"][0]["$ref"], &outer["members"][0]["value"]),
        (&user["meta"]["location"], &user["id"]),
        (&outer["meta"]["location"], &outer["id"]),
    ] {
        let target = client.get(&below_base(uri)).await;
        assert_eq!((target.status.as_u16(), &target.json()["id"]), (200, id), "{uri}");
    }
    let reference = below_base(&user["groups"][0]["$ref"]);
    client.delete(&reference).await;
    client.get(&reference).await.assert_error(404, None);
}

/// RFC 7643 §2.3.7, §2.4: a URI with the version, without it, with another, or relative to the base
/// refers to the same resource.
#[tokio::test]
async fn references_are_the_same_whatever_version_they_name() {
    let client = strict();
    let boss = client.user("boss").await;
    for (i, uri) in [
        format!("{BASE}/Users/{boss}"),
        format!("https://example.com/scim/Users/{boss}"),
        format!("https://example.com/scim/v9/Users/{boss}"),
        format!("Users/{boss}"),
        format!("../Users/{boss}"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({"schemas": [USER, ENTERPRISE], "userName": format!("user {i}"),
                          ENTERPRISE: {"manager": {"$ref": uri}}});
        let user = client.post("/Users", body).await.json();
        assert_eq!(
            user[ENTERPRISE]["manager"],
            json!({"value": boss, "$ref": format!("{BASE}/Users/{boss}")}),
            "{uri}",
        );
    }
}

/// RFC 7643 §2.4: "SHOULD NOT return the same (type, value) combination more than once".
#[tokio::test]
async fn a_type_and_value_come_back_once() {
    let client = Client::new();
    let emails = json!([
        {"value": "b@example.com", "type": "work"},
        {"value": "b@example.com", "type": "home"},
        {"value": "B@example.com", "type": "work", "display": "Babs"},
    ]);
    let expected = json!([
        {"value": "B@example.com", "type": "work", "display": "Babs"},
        {"value": "b@example.com", "type": "home"},
    ]);
    let body = json!({"schemas": [USER], "userName": "a", "emails": emails});
    let created = client.post("/Users", body.clone()).await;
    assert_eq!(created.json()["emails"], expected);
    let path = format!("/Users/{}", created.id());
    assert_eq!(client.put(&path, body).await.json()["emails"], expected);
    let patch = json!([{"op": "replace", "path": "emails", "value": emails}]);
    assert_eq!(client.patch(&path, patch).await.json()["emails"], expected);
    let patch = json!([{"op": "add", "path": "emails", "value": emails}]);
    assert_eq!(client.patch(&path, patch).await.json()["emails"], expected);
}

/// RFC 7643 §2.5: null, an empty array and an absent attribute are one state.
#[tokio::test]
async fn null_empty_and_absent_are_one_state() {
    let client = strict();
    let mut seen = Vec::new();
    for (name, more) in [
        ("absent", json!({})),
        ("null", json!({"title": null, "emails": null, "name": null})),
        ("empty", json!({"title": null, "emails": [], "name": {}})),
    ] {
        let mut body = json!({"schemas": [USER], "userName": name});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut user = client.post("/Users", body).await.json();
        for own in ["id", "userName", "meta"] {
            user.as_object_mut().unwrap().remove(own);
        }
        seen.push(user);
    }
    assert!(seen[0] == seen[1] && seen[1] == seen[2], "{seen:?}");
    for filter in ["title+eq+null", "not+(emails+pr)", "not+(name+pr)"] {
        let found = client.get(&format!("/Users?filter={filter}")).await.json();
        assert_eq!(found["totalResults"], 3, "{filter}");
    }
}

/// RFC 7643 §4.1.1: a userName is not empty, however it comes.
#[tokio::test]
async fn a_user_name_is_never_empty() {
    for client in [strict(), Client::new()] {
        let path = format!("/Users/{}", client.user("a").await);
        for empty in [json!(""), json!(null)] {
            let body = json!({"schemas": [USER], "userName": empty});
            client.post("/Users", body.clone()).await.assert_error(400, Some("invalidValue"));
            client.put(&path, body).await.assert_error(400, Some("invalidValue"));
            let patch = json!([{"op": "replace", "path": "userName", "value": empty}]);
            client.patch(&path, patch).await.assert_error(400, Some("mutability"));
        }
        assert_eq!(client.get(&path).await.json()["userName"], "a");
    }
}

/// RFC 7643 §4.1.2: "group membership changes MUST be applied via the "Group" Resource".
#[tokio::test]
async fn membership_is_changed_through_the_group_alone() {
    let client = Client::new();
    let user = client.user("a").await;
    let group = client.group("g", &[]).await;
    let path = format!("/Users/{user}");
    let groups = json!([{"value": group}]);
    let body = json!({"schemas": [USER], "userName": "a", "groups": groups});
    assert!(client.put(&path, body).await.json().get("groups").is_none());
    let patch = json!([{"op": "add", "path": "groups", "value": groups}]);
    client.patch(&path, patch).await.assert_error(400, Some("mutability"));
    assert!(client.members(&group).await.is_empty());
    let patch = json!([{"op": "add", "path": "members", "value": [{"value": user}]}]);
    client.patch(&format!("/Groups/{group}"), patch).await;
    let groups = client.get(&path).await.json()["groups"].clone();
    assert_eq!(
        groups,
        json!([{"value": group, "$ref": format!("{BASE}/Groups/{group}"), "display": "g",
                "type": "direct"}])
    );
}

/// RFC 7643 §7, `caseExact`: the case of values is kept, and filters go by the characteristic.
#[tokio::test]
async fn the_case_of_values_is_kept_and_filters_go_by_case_exact() {
    let mut registry = Registry::builtin();
    registry
        .add_schema_json(
            r#"{"id": "urn:example:Key", "attributes": [
                {"name": "code", "caseExact": true}, {"name": "label"}]}"#,
        )
        .unwrap();
    registry
        .add_resource_type_json(
            r#"{"name": "Key", "endpoint": "/Keys", "schema": "urn:example:Key"}"#,
        )
        .unwrap();
    let client = Client::of(builder().registry(registry).build());
    let body = json!({"schemas": ["urn:example:Key"], "code": "aB", "label": "cD"});
    let key = client.post("/Keys", body).await.json();
    assert_eq!((&key["code"], &key["label"]), (&json!("aB"), &json!("cD")));
    for (filter, total) in [
        ("code+eq+%22aB%22", 1),
        ("code+eq+%22ab%22", 0),
        ("code+sw+%22A%22", 0),
        ("label+eq+%22CD%22", 1),
        ("label+sw+%22C%22", 1),
    ] {
        let found = client.get(&format!("/Keys?filter={filter}")).await.json();
        assert_eq!(found["totalResults"], total, "{filter}");
    }
}

/// RFC 7643 §7, `immutable`: set once, by POST or later, and never changed.
#[tokio::test]
async fn an_immutable_attribute_is_set_once_over_http() {
    let mut registry = Registry::builtin();
    registry
        .add_schema_json(
            r#"{"id": "urn:example:Badge", "attributes": [
                {"name": "serial", "mutability": "immutable"}, {"name": "label"}]}"#,
        )
        .unwrap();
    registry
        .add_resource_type_json(
            r#"{"name": "Badge", "endpoint": "/Badges", "schema": "urn:example:Badge"}"#,
        )
        .unwrap();
    let client = Client::of(builder().registry(registry).build());
    let badge = |serial: Value| json!({"schemas": ["urn:example:Badge"], "serial": serial});
    let path = format!("/Badges/{}", client.post("/Badges", badge(json!(null))).await.id());
    // RFC 7644 §3.5.1: "If the service provider has no existing values, the new value(s) SHALL be
    // applied."
    assert_eq!(client.put(&path, badge(json!("1"))).await.json()["serial"], "1");
    assert_eq!(client.put(&path, badge(json!("1"))).await.status, 200);
    client.put(&path, badge(json!("2"))).await.assert_error(400, Some("mutability"));
    for operation in [
        json!({"op": "replace", "path": "serial", "value": "2"}),
        json!({"op": "add", "path": "serial", "value": "2"}),
        json!({"op": "remove", "path": "serial"}),
    ] {
        client.patch(&path, json!([operation])).await.assert_error(400, Some("mutability"));
    }
    assert_eq!(client.get(&path).await.json()["serial"], "1");
}

/// RFC 7643 §3.1: `version` is the ETag of the response, marked as weak.
#[tokio::test]
async fn the_version_is_the_etag_and_weak() {
    let client = Client::new();
    let body = json!({"schemas": [USER], "userName": "a"});
    let created = client.post("/Users", body.clone()).await;
    let path = format!("/Users/{}", created.id());
    let patch = json!([{"op": "add", "path": "title", "value": "x"}]);
    for answer in [
        created,
        client.get(&path).await,
        client.put(&path, body).await,
        client.patch(&path, patch).await,
        client.get(&path).await,
    ] {
        assert!(answer.header("etag").starts_with("W/\""), "{}", answer.header("etag"));
        assert_eq!(answer.json()["meta"]["version"], answer.header("etag"));
    }
    let listed = client.get("/Users").await.json();
    assert_eq!(listed["Resources"][0]["meta"]["version"], client.get(&path).await.header("etag"));
}

/// RFC 7644 §3.3.1: `meta.resourceType` follows from the endpoint, whatever the client says.
#[tokio::test]
async fn the_endpoint_decides_the_resource_type() {
    let client = Client::new();
    let meta = json!({"resourceType": "Robot"});
    let user = json!({"schemas": [USER], "userName": "a", "meta": meta});
    let group = json!({"schemas": [GROUP], "displayName": "a", "meta": meta});
    let user = client.post("/Users", user).await.json();
    let group = client.post("/Groups", group).await.json();
    assert_eq!(
        (&user["meta"]["resourceType"], &group["meta"]["resourceType"]),
        (&json!("User"), &json!("Group"))
    );
}

/// RFC 7644 §3.2, §3.5.1: "HTTP PUT MUST NOT be used to create new resources."
#[tokio::test]
async fn put_creates_nothing() {
    let client = Client::new();
    let body = json!({"schemas": [USER], "userName": "a"});
    client.put("/Users/17", body.clone()).await.assert_error(404, None);
    client.put("/Users", body).await.assert_error(405, None);
    assert_eq!(client.get("/Users").await.json()["totalResults"], 0);
}

/// RFC 7644 §3.4.2: "SHOULD ignore any query parameters they do not recognize".
#[tokio::test]
async fn query_parameters_that_nobody_knows_are_ignored() {
    let client = Client::new();
    let id = client.user("a").await;
    let path = format!("/Users/{id}");
    for path in ["/Users?foo=bar&FILTER2=x&", &format!("{path}?foo=bar"), "/Schemas?foo=bar"] {
        assert_eq!(client.get(path).await.status, 200, "{path}");
    }
    assert_eq!(client.get("/Users?foo=bar").await.json(), client.get("/Users").await.json());
}

/// RFC 7644 §3.4.2: a partial list says where it begins and how much it holds.
#[tokio::test]
async fn a_partial_list_says_where_it_begins_and_how_much_it_holds() {
    let client = Client::new();
    for name in ["a", "b", "c"] {
        client.user(name).await;
    }
    let page = client.get("/Users?startIndex=2&count=1").await.json();
    assert_eq!(page["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
    assert_eq!(
        (&page["totalResults"], &page["startIndex"], &page["itemsPerPage"]),
        (&json!(3), &json!(2), &json!(1)),
    );
    assert_eq!(page["Resources"].as_array().unwrap().len(), 1);
}

/// RFC 7644 §3.4.2.2: a filter holds an expression, and what the server does not know is refused
/// with a description; it is never answered with everything.
#[tokio::test]
async fn a_filter_that_says_nothing_or_is_not_known_is_refused() {
    let client = strict();
    client.user("a").await;
    for filter in ["", "+", "userName", "userName+regex+%22x%22", "eq+%22x%22", "userName+eq"] {
        let path = format!("/Users?filter={filter}");
        client.get(&path).await.assert_error(400, Some("invalidFilter"));
    }
    let refused = client.get("/Users?filter=userName+regex+%22x%22").await.json();
    assert!(refused["detail"].as_str().unwrap().contains("regex"), "{refused}");
    let body = json!({"schemas": [SEARCH], "filter": ""});
    client.post("/Users/.search", body.clone()).await.assert_error(400, Some("invalidFilter"));
    // A client that always sends the parameter is known to mean none.
    let client = Client::new();
    client.user("a").await;
    assert_eq!(client.get("/Users?filter=").await.json()["totalResults"], 1);
    assert_eq!(client.post("/Users/.search", body).await.json()["totalResults"], 1);
}

/// RFC 7644 §3.4.3: a query by POST names its schema, and has the same parameters.
#[tokio::test]
async fn a_search_names_its_schema() {
    let client = strict();
    client.user("a").await;
    for (schemas, status) in [(json!([SEARCH]), 200), (json!([USER]), 400), (json!(null), 400)] {
        let answer = client.post("/Users/.search", json!({"schemas": schemas, "count": 1})).await;
        assert_eq!(answer.status, status, "{schemas}: {}", answer.text);
    }
    let body = json!({"schemas": [SEARCH], "excludedAttributes": ["userName", "id", "schemas"]});
    let found = client.post("/Users/.search", body).await.json();
    let user = found["Resources"][0].as_object().unwrap();
    assert!(
        !user.contains_key("userName") && user.contains_key("id") && user.contains_key("schemas")
    );
}

/// RFC 7644 §3.5.2: a PATCH names its schema and has one or more operations.
#[tokio::test]
async fn a_patch_names_its_schema_and_has_operations() {
    let client = strict();
    let path = format!("/Users/{}", client.user("a").await);
    let operations = json!([{"op": "add", "path": "title", "value": "x"}]);
    for body in [
        json!({"Operations": operations}),
        json!({"schemas": [USER], "Operations": operations}),
        json!({"schemas": [PATCH_OP]}),
        json!({"schemas": [PATCH_OP], "Operations": []}),
        json!({"schemas": [PATCH_OP], "Operations": [{"path": "title", "value": "x"}]}),
    ] {
        let answer = client.send("PATCH", &path, &[], body.to_string()).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text);
    }
    assert!(client.get(&path).await.json().get("title").is_none());
    assert_eq!(client.patch(&path, operations).await.status, 200);
}

/// RFC 7644 §3.6: what is deleted is in no query.
#[tokio::test]
async fn what_is_deleted_is_in_no_query() {
    let client = Client::new();
    let (gone, stays) = (client.user("gone").await, client.user("stays").await);
    let deleted = client.delete(&format!("/Users/{gone}")).await;
    assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
    for path in
        ["/Users", "/", "/Users?filter=userName+pr", "/Users?sortBy=userName", "/Users?cursor"]
    {
        let found = client.get(path).await.json();
        assert_eq!(found["totalResults"], 1, "{path}");
        assert_eq!(found["Resources"][0]["id"], stays, "{path}");
    }
    let found = client.get(&format!("/Users?filter=id+eq+%22{gone}%22")).await.json();
    assert_eq!(found["totalResults"], 0);
}

/// RFC 7644 §3.7.4: beyond either limit 413, "The returned response MUST specify the limit
/// exceeded".
#[tokio::test]
async fn a_bulk_request_beyond_a_limit_hears_which() {
    let limits = {
        let mut l = Limits::default();
        l.body_bytes = 4000;
        l.bulk_operations = 3;
        l
    };
    let client = Client::of(builder().limits(limits).build());
    let config = client.get("/ServiceProviderConfig").await.json();
    assert_eq!(
        config["bulk"],
        json!({"supported": true, "maxOperations": 3, "maxPayloadSize": 4000})
    );
    let operation = json!({"method": "DELETE", "path": "/Users/1"});
    let of =
        |count: usize| json!({"schemas": [BULK], "Operations": vec![operation.clone(); count]});
    assert_eq!(client.post("/Bulk", of(3)).await.status, 200);
    let many = client.post("/Bulk", of(4)).await;
    many.assert_error(413, None);
    assert!(many.json()["detail"].as_str().unwrap().contains("3 operations"), "{}", many.text);
    let large = client.post("/Bulk", json!({"schemas": [BULK], "pad": "x".repeat(4000)})).await;
    large.assert_error(413, None);
    assert!(large.json()["detail"].as_str().unwrap().contains("4000 bytes"), "{}", large.text);
}

/// RFC 7644 §3.7, §3.7.3: every operation that was processed has its result, in which an error has
/// the body that the single request would have had.
#[tokio::test]
async fn an_error_in_bulk_is_the_error_of_the_single_request() {
    let client = Client::new();
    client.user("taken").await;
    let single = client.post("/Users", json!({"schemas": [USER], "userName": "taken"})).await;
    let missing = client.delete("/Users/nobody").await;
    let body = json!({"schemas": [BULK], "Operations": [
        {"method": "POST", "path": "/Users", "bulkId": "a",
         "data": {"schemas": [USER], "userName": "taken"}},
        {"method": "DELETE", "path": "/Users/nobody"},
        {"method": "POST", "path": "/Users", "bulkId": "b",
         "data": {"schemas": [USER], "userName": "free"}},
    ]});
    let answer = client.post("/Bulk", body).await;
    assert_eq!(answer.status, 200);
    let answer = answer.json();
    let operations = answer["Operations"].as_array().unwrap();
    assert_eq!(operations.len(), 3);
    for (operation, single) in operations.iter().zip([&single, &missing]) {
        assert_eq!(operation["response"], single.json());
        assert_eq!(operation["status"], single.json()["status"]);
        assert!(operation["response"]["detail"].as_str().is_some_and(|d| !d.is_empty()));
    }
    assert!(operations[0].get("location").is_none());
    assert_eq!(operations[1]["location"], format!("{BASE}/Users/nobody"));
    assert_eq!((&operations[2]["bulkId"], &operations[2]["status"]), (&json!("b"), &json!("201")));
    assert!(operations[2]["location"].is_string());
}

/// RFC 7644 §3.7: `bulkId` is "REQUIRED when "method" is "POST"", `method`, `path` and `data` are
/// required too.
#[tokio::test]
async fn an_operation_in_bulk_has_its_parts() {
    let client = strict();
    let data = json!({"schemas": [USER], "userName": "a"});
    for operation in [
        json!({"path": "/Users", "bulkId": "a", "data": data}),
        json!({"method": "GET", "path": "/Users"}),
        json!({"method": "POST", "bulkId": "a", "data": data}),
        json!({"method": "POST", "path": "/Users", "data": data}),
        json!({"method": "POST", "path": "/Users", "bulkId": "a"}),
        json!({"method": "PUT", "path": "/Users/1"}),
        json!({"method": "PATCH", "path": "/Users/1"}),
    ] {
        let body = json!({"schemas": [BULK], "Operations": [operation]});
        let answer = client.post("/Bulk", body).await;
        if answer.status == 200 {
            assert_eq!(answer.json()["Operations"][0]["status"], "400", "{operation}");
        } else {
            assert_eq!(answer.status, 400, "{operation}");
        }
    }
    client.post("/Bulk", json!({"schemas": [BULK]})).await.assert_error(400, Some("invalidSyntax"));
    assert_eq!(client.get("/Users").await.json()["totalResults"], 0);
}

/// RFC 7644 §3.8: UTF-8 in and out.
#[tokio::test]
async fn text_is_utf_8() {
    let client = Client::new();
    let name = "Бабс 芭芭拉 👩\u{200d}🚀";
    let body = json!({"schemas": [USER], "userName": name}).to_string();
    let created = client.send("POST", "/Users", &[], body).await;
    assert_eq!(created.json()["userName"], name);
    assert!(created.text.contains(name), "as it is, without escapes: {}", created.text);
    let mut broken = json!({"schemas": [USER], "userName": "x"}).to_string().into_bytes();
    let at = broken.iter().position(|b| *b == b'x').unwrap();
    broken[at] = 0xff;
    let answer = client.send("POST", "/Users", &[], Bytes::from(broken)).await;
    answer.assert_error(400, Some("invalidSyntax"));
}

/// RFC 7644 §4: discovery ignores what a query could ask for, but a filter.
#[tokio::test]
async fn discovery_ignores_sorting_and_paging() {
    let client = Client::new();
    for path in ["/Schemas", "/ResourceTypes"] {
        let plain = client.get(path).await.json();
        let total = plain["Resources"].as_array().unwrap().len();
        assert_eq!(plain["totalResults"], total);
        let query =
            format!("{path}?startIndex=2&count=1&sortBy=name&sortOrder=descending&attributes=name");
        assert_eq!(client.get(&query).await.json(), plain);
    }
    let config = client.get("/ServiceProviderConfig").await.json();
    let schema = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
    assert_eq!(config["schemas"], json!([schema]));
    assert_eq!(client.get("/ServiceProviderConfig?count=0").await.json(), config);
}

/// RFC 7643 §5: what is required of the configuration, and of each scheme.
#[tokio::test]
async fn the_configuration_has_all_its_parts() {
    let config = Client::new().get("/ServiceProviderConfig").await.json();
    for part in ["patch", "bulk", "filter", "changePassword", "sort", "etag"] {
        assert!(config[part]["supported"].is_boolean(), "{part}");
    }
    for limit in ["/bulk/maxOperations", "/bulk/maxPayloadSize", "/filter/maxResults"] {
        assert!(config.pointer(limit).unwrap().as_u64().is_some_and(|n| n > 0), "{limit}");
    }
    let schemes = config["authenticationSchemes"].as_array().unwrap();
    assert!(!schemes.is_empty());
    for scheme in schemes {
        for part in ["type", "name", "description"] {
            assert!(scheme[part].as_str().is_some_and(|text| !text.is_empty()), "{part}");
        }
    }
}

/// RFC 7643 §6, §7: what is required of resource types and schemas, and that they fit together.
#[tokio::test]
async fn resource_types_and_schemas_have_all_their_parts() {
    let client = Client::new();
    let schemas = client.get("/Schemas").await.json();
    let schemas = schemas["Resources"].as_array().unwrap();
    let text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let ids: Vec<&Value> = schemas.iter().map(|schema| &schema["id"]).collect();
    for schema in schemas {
        assert!(["id", "name", "description"].iter().all(|part| text(&schema[*part])), "{schema}");
        for attribute in schema["attributes"].as_array().unwrap() {
            assert!(text(&attribute["description"]), "{} {}", schema["id"], attribute["name"]);
            let complex = attribute["type"] == "complex";
            assert_eq!(attribute.get("subAttributes").is_some(), complex, "{attribute}");
        }
    }
    let types = client.get("/ResourceTypes").await.json();
    for resource_type in types["Resources"].as_array().unwrap() {
        for part in ["name", "description", "endpoint", "schema"] {
            assert!(text(&resource_type[part]), "{part} of {resource_type}");
        }
        assert!(ids.contains(&&resource_type["schema"]));
        let endpoint = resource_type["endpoint"].as_str().unwrap();
        assert_eq!(client.get(endpoint).await.status, 200, "HTTP-addressable: {endpoint}");
        for extension in resource_type["schemaExtensions"].as_array().unwrap() {
            assert!(ids.contains(&&extension["schema"]) && extension["required"].is_boolean());
        }
    }
}

/// RFC 7643 §6: "a resource of this type MUST include this schema extension and also include any
/// attributes declared as required in this schema extension".
#[tokio::test]
async fn a_required_extension_and_what_it_requires_must_be_there() {
    let mut registry = Registry::builtin();
    for schema in [
        r#"{"id": "urn:example:Car", "attributes": [{"name": "plate"}]}"#,
        r#"{"id": "urn:example:Insured", "attributes": [
            {"name": "policy", "required": true}, {"name": "note"}]}"#,
    ] {
        registry.add_schema_json(schema).unwrap();
    }
    registry
        .add_resource_type_json(
            r#"{"name": "Car", "endpoint": "/Cars", "schema": "urn:example:Car",
                "schemaExtensions": [{"schema": "urn:example:Insured", "required": true}]}"#,
        )
        .unwrap();
    let client = Client::of(builder().registry(registry).build());
    let car = |extension: Value| json!({"schemas": ["urn:example:Car"], "plate": "1", "urn:example:Insured": extension});
    for extension in [json!(null), json!({}), json!({"note": "x"})] {
        client.post("/Cars", car(extension)).await.assert_error(400, Some("invalidValue"));
    }
    let created = client.post("/Cars", car(json!({"policy": "p"}))).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let path = format!("/Cars/{}", created.id());
    for target in ["urn:example:Insured", "urn:example:Insured:policy"] {
        let patch = json!([{"op": "remove", "path": target}]);
        client.patch(&path, patch).await.assert_error(400, Some("mutability"));
    }
}

/// RFC 7644 §3.12: errors have a JSON body with the status as a string, whatever goes wrong.
#[tokio::test]
async fn every_error_has_a_scim_body_with_its_status() {
    let client = Client::new();
    let id = client.user("a").await;
    let user = format!("/Users/{id}");
    let broken = Client::of(ScimService::builder(Arc::new(Broken), Arc::new(tokens())).build());
    let answers = [
        (client.get("/Users?filter=x").await, 400),
        (client.send("GET", "/Users", &[("authorization", "Bearer no")], "").await, 401),
        (client.get("/Schemas?filter=id+pr").await, 403),
        (client.get("/Users/nobody").await, 404),
        (client.send("DELETE", "/Users", &[], "").await, 405),
        (client.post("/Users", json!({"schemas": [USER], "userName": "a"})).await, 409),
        (client.send("DELETE", &user, &[("if-match", "\"x\"")], "").await, 412),
        (client.send("POST", "/Users", &[("content-type", "text/xml")], "<a/>").await, 415),
        (broken.get("/Users").await, 500),
        (client.get("/Me").await, 501),
    ];
    for (answer, status) in answers {
        assert_eq!(answer.status, status, "{}", answer.text);
        let error = answer.json();
        assert_eq!(error["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        assert_eq!(error["status"], status.to_string());
        assert!(error["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
    }
}

/// RFC 7644 §3.12: of an internal error "Implementers SHOULD provide descriptive debugging advice":
/// where to find its cause, which is not for the client.
#[tokio::test]
async fn an_internal_error_says_where_its_cause_is_and_not_what() {
    let client = Client::of(ScimService::builder(Arc::new(Broken), Arc::new(tokens())).build());
    let user = json!({"schemas": [USER], "userName": "a"});
    for answer in [
        client.get("/Users").await,
        client.get("/Users/1").await,
        client.post("/Users", user).await,
        client.delete("/Users/1").await,
    ] {
        answer.assert_error(500, None);
        assert!(!answer.text.contains("disk"), "{}", answer.text);
        assert!(answer.json()["detail"].as_str().unwrap().contains("X-Request-Id"));
        assert_eq!(answer.header("x-request-id").len(), 36);
    }
}

/// RFC 9865, security: a cursor gives no access. Authorisation is decided for each page, for
/// whoever brings the cursor.
#[tokio::test]
async fn a_cursor_gives_no_access() {
    let policy = Arc::new(Closing::default());
    let client = Client::of(
        ScimService::builder(
            Arc::new(MemoryBackend::new()),
            Arc::new(tokens().with_token("", "other", "others")),
        )
        .policy(Arc::clone(&policy) as Arc<dyn Policy>)
        .build(),
    );
    for name in ["a", "b", "c"] {
        client.user(name).await;
    }
    let page = client.get("/Users?count=1&cursor").await.json();
    let next = format!("/Users?count=1&cursor={}", page["nextCursor"].as_str().unwrap());
    assert_eq!(client.get(&next).await.status, 200);
    client
        .send("GET", &next, &[("authorization", "Bearer wrong")], "")
        .await
        .assert_error(401, None);
    let other = client.send("GET", &next, &[("authorization", "Bearer other")], "").await;
    other.assert_error(403, None);
    policy.closed.store(true, Ordering::Relaxed);
    client.get(&next).await.assert_error(403, None);
    let body = json!({"schemas": [SEARCH], "count": 1, "cursor": page["nextCursor"]});
    client.post("/Users/.search", body).await.assert_error(403, None);
}

/// RFC 9865: a count of 0 asks for the total alone, and a list ends without a next cursor.
#[tokio::test]
async fn a_cursor_query_of_count_zero_gives_the_total_alone() {
    let client = Client::new();
    client.user("a").await;
    for count in ["0", "-3"] {
        let page = client.get(&format!("/Users?count={count}&cursor")).await.json();
        assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&json!(1), &json!(0)));
        assert_eq!(page["Resources"], json!([]));
        assert!(page.get("nextCursor").is_none() && page.get("previousCursor").is_none());
    }
}

/// RFC 9865: whoever asks for no kind of pages gets the ones by index, which the configuration says.
#[tokio::test]
async fn without_parameters_pages_are_made_as_the_configuration_says() {
    let limits = {
        let mut l = Limits::default();
        l.default_page_size = 2;
        l
    };
    let client = Client::of(builder().limits(limits).build());
    for name in ["a", "b", "c"] {
        client.user(name).await;
    }
    let config = client.get("/ServiceProviderConfig").await.json();
    assert_eq!(config["pagination"]["defaultPaginationMethod"], "index");
    assert_eq!(config["pagination"]["defaultPageSize"], 2);
    let page = client.get("/Users").await.json();
    assert_eq!((&page["startIndex"], &page["itemsPerPage"]), (&json!(1), &json!(2)));
    assert!(page.get("nextCursor").is_none());
}

fn tokens() -> BearerTokens {
    BearerTokens::new().with_token("", "s3cret", "tests")
}

/// Allows everything to `tests` until it is closed, and nothing to others.
#[derive(Default)]
struct Closing {
    closed: AtomicBool,
}

#[async_trait]
impl Policy for Closing {
    async fn decide(
        &self,
        cx: &RequestContext,
        action: &Action<'_>,
    ) -> Result<Verdict, BackendError> {
        let queries = action.kind == ActionKind::Query;
        let open = &*cx.principal == "tests" && !self.closed.load(Ordering::Relaxed);
        Ok(if queries && !open { Verdict::Deny("closed".to_owned()) } else { Verdict::Allow })
    }
}

/// A backend whose disk is broken.
struct Broken;

fn broken<T>() -> Result<T, BackendError> {
    Err(BackendError::internal("the disk is on fire"))
}

#[async_trait]
impl ProvisioningBackend for Broken {
    fn capabilities(&self, cx: &RequestContext) -> Capabilities {
        MemoryBackend::new().capabilities(cx)
    }

    async fn get(
        &self,
        _: &RequestContext,
        _: &Arc<ResourceType>,
        _: &ResourceId,
        _: &Wanted,
        _: usize,
    ) -> Result<Stored, BackendError> {
        broken()
    }

    async fn members(
        &self,
        _: &RequestContext,
        _: &Arc<ResourceType>,
        _: &ResourceId,
        _: &Position,
        _: usize,
    ) -> Result<Members, BackendError> {
        broken()
    }

    async fn query(&self, _: &RequestContext, _: &Query) -> Result<Page, BackendError> {
        broken()
    }

    async fn write(&self, _: &RequestContext, _: Write) -> Result<Written, BackendError> {
        broken()
    }

    async fn write_all(
        &self,
        _: &RequestContext,
        _: Vec<WriteUnit>,
        _: Option<usize>,
    ) -> Result<Vec<Result<Vec<Written>, UnitFailure>>, BackendError> {
        broken()
    }
}
