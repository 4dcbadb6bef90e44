//! Bulk operations (RFC 7644 §3.7), over a backend that takes minted ids and over one that does not.

use std::sync::Arc;

use async_trait::async_trait;
use scim_core::{Profile, ResourceId, ResourceType};
use scim_server_adapters::{
    BackendError, Capabilities, Change, Limits, Members, MemoryBackend, Page, Position,
    ProvisioningBackend, Query, RequestContext, Stored, UnitFailure, Wanted, Write, WriteUnit,
    Written,
};
use serde_json::{Value, json};

use crate::client::{Answer, BASE, Client, ENTERPRISE, GROUP, PATCH_OP, USER, builder, over};

const REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

async fn bulk(client: &Client, operations: Value) -> Answer {
    client.post("/Bulk", json!({"schemas": [REQUEST], "Operations": operations})).await
}

/// A service over a backend that takes minted ids, and one over a backend that chooses its own.
fn clients() -> [Client; 2] {
    [Client::new(), Client::of(over(Arc::new(OwnIds(MemoryBackend::new()))).build())]
}

/// A backend without `write_all`, which chooses all ids itself.
pub(crate) struct OwnIds(pub(crate) MemoryBackend);

#[async_trait]
impl ProvisioningBackend for OwnIds {
    fn capabilities(&self, cx: &RequestContext) -> Capabilities {
        self.0.capabilities(cx).with_bulk(false)
    }

    async fn get(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        wanted: &Wanted,
        member_limit: usize,
    ) -> Result<Stored, BackendError> {
        self.0.get(cx, resource_type, id, wanted, member_limit).await
    }

    async fn members(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        after: &Position,
        limit: usize,
    ) -> Result<Members, BackendError> {
        self.0.members(cx, resource_type, id, after, limit).await
    }

    async fn query(&self, cx: &RequestContext, query: &Query) -> Result<Page, BackendError> {
        self.0.query(cx, query).await
    }

    async fn write(&self, cx: &RequestContext, write: Write) -> Result<Written, BackendError> {
        assert!(!matches!(&write.change, Change::Create { id: Some(_), .. }));
        self.0.write(cx, write).await
    }

    async fn write_all(
        &self,
        _: &RequestContext,
        _: Vec<WriteUnit>,
        _: Option<usize>,
    ) -> Result<Vec<Result<Vec<Written>, UnitFailure>>, BackendError> {
        panic!("not supported")
    }
}

fn post_user(bulk_id: &str, name: &str) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": bulk_id,
           "data": {"schemas": [USER], "userName": name}})
}

fn post_group(bulk_id: &str, name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> =
        members.iter().map(|m| json!({"type": "User", "value": format!("bulkId:{m}")})).collect();
    json!({"method": "POST", "path": "/Groups", "bulkId": bulk_id,
           "data": {"schemas": [GROUP], "displayName": name, "members": members}})
}

fn statuses(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let json = answer.json();
    let operations = json["Operations"].as_array().unwrap();
    operations.iter().map(|o| o["status"].as_str().unwrap().to_owned()).collect()
}

fn id_at(answer: &Answer, index: usize) -> String {
    let location = answer.json()["Operations"][index]["location"].as_str().unwrap().to_owned();
    location.rsplit('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn each_operation_answers_with_method_bulk_id_version_location_and_status() {
    for client in clients() {
        let first = bulk(&client, json!([post_user("qwerty", "alice")])).await;
        let id = id_at(&first, 0);
        let user = client.get(&format!("/Users/{id}")).await.json();
        assert_eq!(
            first.json(),
            json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],
                "Operations": [{"method": "POST", "bulkId": "qwerty", "version": user["meta"]["version"],
                                "location": format!("{BASE}/Users/{id}"), "status": "201"}],
            }),
        );
        let version = user["meta"]["version"].as_str().unwrap();
        let path = format!("/Users/{id}");
        let second = bulk(&client, json!([
        {"method": "PUT", "path": path, "version": version,
         "data": {"schemas": [USER], "userName": "alice", "title": "Lead"}},
        {"method": "PATCH", "path": path,
         "data": {"schemas": [PATCH_OP], "Operations": [{"op": "remove", "path": "title"}]}},
        {"method": "PATCH", "path": path, "version": version,
         "data": {"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "x"}]}},
        {"method": "DELETE", "path": path},
    ])).await;
        assert_eq!(statuses(&second), ["200", "200", "412", "204"]);
        assert_eq!(second.json()["Operations"][2]["location"], format!("{BASE}/Users/{id}"));
        assert_eq!(client.get(&path).await.status, 404);
    }
}

#[tokio::test]
async fn references_go_backward_forward_and_in_a_circle() {
    for client in clients() {
        let answer = bulk(
            &client,
            json!([
                post_group("tours", "Tours", &["alice", "all"]),
                post_user("alice", "alice"),
                post_group("all", "All", &["tours"]),
                {"method": "POST", "path": "/Users", "bulkId": "bob", "data": {
                    "schemas": [USER, ENTERPRISE], "userName": "bob",
                    ENTERPRISE: {"manager": {"value": "bulkId:alice"}}}},
                {"method": "PATCH", "path": "/Groups/bulkId:tours", "data": {"schemas": [PATCH_OP],
                    "Operations": [
                        {"op": "add", "path": "members", "value": [{"value": "bulkId:bob"}]},
                        {"op": "remove", "path": "members[value eq \"bulkId:alice\"]"}]}},
            ]),
        )
        .await;
        assert_eq!(statuses(&answer), ["201", "201", "201", "201", "200"]);
        let ids: Vec<String> = (0..4).map(|i| id_at(&answer, i)).collect();
        assert_eq!(client.members(&ids[0]).await, [ids[2].clone(), ids[3].clone()]);
        assert_eq!(client.members(&ids[2]).await, [ids[0].clone()]);
        let bob = client.get(&format!("/Users/{}", ids[3])).await.json();
        assert_eq!(bob[ENTERPRISE]["manager"]["value"], ids[1]);
        assert_eq!(bob[ENTERPRISE]["manager"]["$ref"], format!("{BASE}/Users/{}", ids[1]));
    }
}

#[tokio::test]
async fn ordinary_text_is_never_taken_for_a_reference() {
    for client in clients() {
        let answer = bulk(
            &client,
            json!([
                {"method": "POST", "path": "/Users", "bulkId": "a", "data": {
                    "schemas": [USER], "userName": "bulkId:a", "nickName": "see bulkId:a",
                    "emails": [{"value": "bulkId:a"}]}},
            ]),
        )
        .await;
        let user = client.get(&format!("/Users/{}", id_at(&answer, 0))).await.json();
        assert_eq!(
            (&user["userName"], &user["nickName"]),
            (&json!("bulkId:a"), &json!("see bulkId:a"))
        );
        assert_eq!(user["emails"][0]["value"], "bulkId:a");
    }
}

#[tokio::test]
async fn one_failure_does_not_stop_the_others_and_what_depends_on_it_is_409() {
    for client in clients() {
        client.user("taken").await;
        let answer = bulk(
        &client,
        json!([
            post_group("g", "Needs", &["u"]),
            post_user("u", "taken"),
            post_user("v", "free"),
            {"method": "PATCH", "path": "/Users/bulkId:u",
             "data": {"schemas": [PATCH_OP], "Operations": [{"op": "remove", "path": "title"}]}},
        ]),
    )
    .await;
        assert_eq!(statuses(&answer), ["409", "409", "201", "409"]);
        let operations = answer.json()["Operations"].clone();
        assert_eq!(operations[1]["response"]["scimType"], "uniqueness");
        assert_eq!(operations[1]["response"]["status"], "409");
        assert!(operations[1].get("location").is_none(), "except in the event of a POST failure");
        assert!(operations[0]["response"]["detail"].as_str().unwrap().contains("depends"));
        assert_eq!(client.get("/Groups").await.json()["totalResults"], 0);
        assert_eq!(client.get("/Users").await.json()["totalResults"], 2);
    }
}

#[tokio::test]
async fn a_circle_with_a_failure_in_it_is_undone_as_a_whole() {
    for client in clients() {
        client.user("taken").await;
        let user = json!({"method": "POST", "path": "/Users", "bulkId": "u", "data": {
        "schemas": [USER, ENTERPRISE], "userName": "taken",
        ENTERPRISE: {"manager": {"value": "bulkId:m"}}}});
        let manager = json!({"method": "POST", "path": "/Users", "bulkId": "m", "data": {
        "schemas": [USER, ENTERPRISE], "userName": "free",
        ENTERPRISE: {"manager": {"value": "bulkId:u"}}}});
        let answer = bulk(&client, json!([manager, user])).await;
        assert_eq!(statuses(&answer), ["409", "409"]);
        assert_eq!(client.get("/Users").await.json()["totalResults"], 1);
    }
}

#[tokio::test]
async fn fail_on_errors_stops_and_leaves_out_what_was_not_run() {
    for client in clients() {
        client.user("taken").await;
        let operations = json!([
            post_user("a", "a"),
            post_user("b", "taken"),
            {"method": "DELETE", "path": "/Users/absent"},
            {"method": "PUT", "path": "/Users", "data": {}},
            post_user("c", "c"),
        ]);
        for (limit, expected) in [
            (1, vec!["201", "409"]),
            (2, vec!["201", "409", "404"]),
            (3, vec!["201", "409", "404", "400"]),
            (9, vec!["201", "409", "404", "400", "201"]),
        ] {
            let client = Client::new();
            client.user("taken").await;
            let body =
                json!({"schemas": [REQUEST], "failOnErrors": limit, "Operations": operations});
            assert_eq!(
                statuses(&client.post("/Bulk", body).await),
                expected,
                "failOnErrors {limit}"
            );
        }
        let body = json!({"schemas": [REQUEST], "failOnErrors": 0, "Operations": operations});
        client.post("/Bulk", body).await.assert_error(400, Some("invalidValue"));
    }
}

#[tokio::test]
async fn unknown_and_repeated_bulk_ids_and_bad_paths() {
    for client in clients() {
        let answer = bulk(
            &client,
            json!([
                post_group("g", "Guides", &["nobody"]),
                {"method": "DELETE", "path": "/Users/bulkId:nobody"},
                {"method": "POST", "path": "/Users/1", "bulkId": "x", "data": {}},
                {"method": "DELETE", "path": "/Users"},
                {"method": "POST", "path": "/Nothing", "bulkId": "y", "data": {}},
                {"method": "POST", "path": "/Bulk", "bulkId": "z", "data": {}},
            ]),
        )
        .await;
        assert_eq!(statuses(&answer), ["400"; 6]);
        let twice = json!([post_user("a", "a"), post_user("a", "b")]);
        bulk(&client, twice).await.assert_error(400, Some("invalidSyntax"));
        assert_eq!(client.get("/Users").await.json()["totalResults"], 0);
    }
}

/// RFC 7644 §3.7: "bulkId" is "REQUIRED when "method" is "POST"" (errata.md B4).
#[tokio::test]
async fn a_post_without_a_bulk_id() {
    let mut group = post_group("g", "Guides", &["u"]);
    group.as_object_mut().unwrap().remove("bulkId");
    let operations = json!([group, post_user("u", "bjensen")]);
    for (profile, is_taken) in [(Profile::INTEROP, true), (Profile::STRICT, false)] {
        for backend in [
            Arc::new(MemoryBackend::new()) as Arc<dyn ProvisioningBackend>,
            Arc::new(OwnIds(MemoryBackend::new())),
        ] {
            let client = Client::of(over(backend).profile(profile).build());
            let answer = bulk(&client, operations.clone()).await;
            if !is_taken {
                answer.assert_error(400, Some("invalidSyntax"));
                for path in ["/Users", "/Groups"] {
                    assert_eq!(client.get(path).await.json()["totalResults"], 0, "{path}");
                }
                continue;
            }
            assert_eq!(statuses(&answer), ["201", "201"]);
            let answers = answer.json()["Operations"].clone();
            assert_eq!(answers[0].get("bulkId"), None, "{answers}");
            assert_eq!(answers[1]["bulkId"], "u");
            let [guides, user] = [id_at(&answer, 0), id_at(&answer, 1)];
            assert_eq!(client.members(&guides).await, [user.as_str()]);
            let user = client.get(&format!("/Users/{user}")).await.json();
            assert_eq!(user["groups"][0]["value"], guides);
        }
    }
}

#[tokio::test]
async fn too_many_operations_are_413_and_discovery_says_how_many_there_may_be() {
    let limits = {
        let mut l = Limits::default();
        l.bulk_operations = 2;
        l
    };
    let client = Client::of(builder().limits(limits).build());
    let operations = json!([post_user("a", "a"), post_user("b", "b"), post_user("c", "c")]);
    let answer = bulk(&client, operations).await;
    answer.assert_error(413, None);
    assert!(answer.json()["detail"].as_str().unwrap().contains('2'));
    let config = client.get("/ServiceProviderConfig").await.json();
    assert_eq!(
        config["bulk"],
        json!({"supported": true, "maxOperations": 2, "maxPayloadSize": 1 << 20}),
    );
}

#[tokio::test]
async fn tenants_are_apart_in_bulk_too() {
    let (acme, globex) = Client::acme_and_globex();
    let id = acme.user("bjensen").await;
    let answer = bulk(&globex, json!([{"method": "DELETE", "path": format!("/Users/{id}")}])).await;
    assert_eq!(statuses(&answer), ["404"]);
    assert_eq!(acme.get(&format!("/Users/{id}")).await.status, 200);
}
