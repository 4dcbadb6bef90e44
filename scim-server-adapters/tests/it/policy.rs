//! Authorisation and rate limits (RFC 7644 §7, RFC 6585 §4).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use scim_server_adapters::{Action, ActionKind, BackendError, Policy, RequestContext, Verdict};
use serde_json::json;

use crate::client::{Client, GROUP, PATCH_OP, USER, builder};

/// Groups cannot be deleted, nobody may change users, and searching is slow.
struct House;

#[async_trait]
impl Policy for House {
    async fn decide(
        &self,
        cx: &RequestContext,
        action: &Action<'_>,
    ) -> Result<Verdict, BackendError> {
        assert_eq!(&*cx.principal, "tests");
        let name = action.resource_type.map(|t| t.name().to_string());
        Ok(match (action.kind, name.as_deref()) {
            (ActionKind::Delete, Some("Group")) => {
                assert!(action.id.is_some());
                Verdict::Deny("groups stay".to_owned())
            }
            (kind, Some("User")) if kind.is_write() && kind != ActionKind::Create => {
                Verdict::Deny("users stay as they are".to_owned())
            }
            (ActionKind::Query, Some("Group")) => Verdict::SlowDown(Duration::from_secs(7)),
            _ => Verdict::Allow,
        })
    }
}

fn client() -> Client {
    Client::of(builder().policy(Arc::new(House)).build())
}

#[tokio::test]
async fn what_is_denied_is_403_and_does_not_happen() {
    let client = client();
    let user = format!("/Users/{}", client.user("a").await);
    let group = format!("/Groups/{}", client.group("g", &[]).await);
    client.delete(&group).await.assert_error(403, None);
    client.delete(&user).await.assert_error(403, None);
    client.put(&user, json!({"schemas": [USER], "userName": "b"})).await.assert_error(403, None);
    let patch = json!([{"op": "add", "path": "title", "value": "x"}]);
    client.patch(&user, patch).await.assert_error(403, None);
    assert_eq!(client.get(&user).await.json()["userName"], "a");
    assert_eq!(client.get(&group).await.status, 200);
}

#[tokio::test]
async fn too_many_requests_are_429_with_retry_after() {
    let client = client();
    let answer = client.get("/Groups").await;
    answer.assert_error(429, None);
    assert_eq!(answer.header("retry-after"), "7");
    client.get("/").await.assert_error(429, None);
    assert_eq!(client.get("/Users").await.status, 200);
}

#[tokio::test]
async fn each_operation_of_a_bulk_request_is_decided_on() {
    let client = client();
    let user = client.user("a").await;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            {"method": "POST", "path": "/Groups", "bulkId": "g",
             "data": {"schemas": [GROUP], "displayName": "g"}},
            {"method": "PATCH", "path": format!("/Users/{user}"),
             "data": {"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "x"}]}},
            {"method": "DELETE", "path": "/Groups/bulkId:g"},
        ],
    });
    let answer = client.post("/Bulk", body).await.json();
    let statuses: Vec<&str> = answer["Operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["201", "403", "403"]);
}

/// Never comes to a decision.
struct Undecided;

#[async_trait]
impl Policy for Undecided {
    async fn decide(&self, _: &RequestContext, _: &Action<'_>) -> Result<Verdict, BackendError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_503() {
    let limits = {
        let mut l = scim_server_adapters::Limits::default();
        l.time = Duration::from_millis(10);
        l
    };
    let client = Client::of(builder().policy(Arc::new(Undecided)).limits(limits).build());
    let answer = client.get("/Users").await;
    answer.assert_error(503, None);
    assert_eq!(answer.header("retry-after"), "1");
}
