//! `/Me` (RFC 7644 §3.11).

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::request::Parts;
use scim_core::ResourceId;
use scim_server_adapters::{Authenticator, BackendError, MemoryBackend, Principal, ScimService};
use serde_json::json;

use crate::client::{BASE, Client};

/// Everybody is the same person, once that person is known.
#[derive(Clone, Default)]
struct Somebody(Arc<Mutex<Option<ResourceId>>>);

#[async_trait]
impl Authenticator for Somebody {
    async fn authenticate(&self, _: &str, _: &Parts) -> Result<Option<Principal>, BackendError> {
        let principal = Principal::new("somebody");
        Ok(Some(match self.0.lock().unwrap().clone() {
            Some(id) => principal.with_resource("User", id),
            None => principal,
        }))
    }
}

#[tokio::test]
async fn me_is_the_resource_of_whoever_asks() {
    let somebody = Somebody::default();
    let service = ScimService::builder(Arc::new(MemoryBackend::new()), Arc::new(somebody.clone()))
        .base_url("https://example.com/scim")
        .build();
    let client = Client::of(service);
    let id = client.user("bjensen").await;
    for method in ["GET", "PUT", "PATCH", "DELETE", "POST"] {
        client.send(method, "/Me", &[], "{}").await.assert_error(501, None);
    }
    *somebody.0.lock().unwrap() = Some(ResourceId::new(id.as_str()).unwrap());
    let me = client.get("/Me?attributes=userName").await;
    assert_eq!((me.status.as_u16(), &me.json()["userName"]), (200, &json!("bjensen")));
    assert_eq!(me.header("content-location"), format!("{BASE}/Users/{id}"));
    // RFC 7644 §3.11: "In any response, the HTTP "Location" header MUST be the permanent location".
    let etag = me.header("etag").to_owned();
    let located = |answer: &crate::client::Answer, status: u16| {
        assert_eq!(answer.status, status, "{}", answer.text);
        assert_eq!(answer.header("location"), format!("{BASE}/Users/{id}"));
    };
    located(&me, 200);
    located(&client.send("HEAD", "/Me", &[], "").await, 200);
    located(&client.send("GET", "/Me", &[("if-none-match", etag.as_str())], "").await, 304);
    located(&client.send("DELETE", "/Me", &[("if-match", "\"x\"")], "").await, 412);
    located(&client.send("PUT", "/Me", &[], "{}").await, 400);
    let patch = json!([{"op": "replace", "path": "title", "value": "Guide"}]);
    let patched = client.patch("/Me", patch).await;
    assert_eq!(patched.json()["title"], "Guide");
    located(&patched, 200);
    let body = json!({"schemas": [crate::client::USER], "userName": "babs"});
    assert_eq!(client.put("/Me", body.clone()).await.json()["userName"], "babs");
    let again = client.post("/Me", body).await;
    again.assert_error(409, None);
    located(&again, 409);
    located(&client.delete("/Me").await, 204);
    let gone = client.get("/Me").await;
    gone.assert_error(404, None);
    located(&gone, 404);
}
