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
    let patch = json!([{"op": "replace", "path": "title", "value": "Guide"}]);
    assert_eq!(client.patch("/Me", patch).await.json()["title"], "Guide");
    let body = json!({"schemas": [crate::client::USER], "userName": "babs"});
    assert_eq!(client.put("/Me", body.clone()).await.json()["userName"], "babs");
    client.post("/Me", body).await.assert_error(409, None);
    assert_eq!(client.delete("/Me").await.status, 204);
    client.get("/Me").await.assert_error(404, None);
}
