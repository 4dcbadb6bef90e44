//! A client that calls the service directly.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use scim_server_adapters::{
    BearerTokens, MemoryBackend, ProvisioningBackend, ScimService, ScimServiceBuilder, Tenancy,
};
use serde_json::{Value, json};

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub(crate) const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
pub(crate) const BASE: &str = "https://example.com/scim/v2";

pub(crate) struct Client {
    pub(crate) service: ScimService,
    prefix: &'static str,
    token: &'static str,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

pub(crate) fn builder() -> ScimServiceBuilder {
    over(Arc::new(MemoryBackend::new()))
}

pub(crate) fn over(backend: Arc<dyn ProvisioningBackend>) -> ScimServiceBuilder {
    let tokens = BearerTokens::new()
        .with_token("", "s3cret", "tests")
        .with_token("acme", "acme-key", "acme")
        .with_token("globex", "globex-key", "globex");
    ScimService::builder(backend, Arc::new(tokens)).base_url("https://example.com/scim")
}

impl Client {
    pub(crate) fn new() -> Self {
        Self::of(builder().build())
    }

    pub(crate) fn of(service: ScimService) -> Self {
        Self { service, prefix: "/v2", token: "s3cret" }
    }

    /// Two tenants of one service.
    pub(crate) fn acme_and_globex() -> (Self, Self) {
        Self::acme_and_globex_of(builder())
    }

    pub(crate) fn acme_and_globex_of(builder: ScimServiceBuilder) -> (Self, Self) {
        let service = builder.tenancy(Tenancy::Path).build();
        (
            Self { service: service.clone(), prefix: "/acme/v2", token: "acme-key" },
            Self { service, prefix: "/globex/v2", token: "globex-key" },
        )
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.prefix));
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.service.handle(request.body(body.into()).unwrap()).await;
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(body.into_bytes().await.unwrap().to_vec()).unwrap(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], Bytes::new()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, &[], body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.send("PUT", path, &[], body.to_string()).await
    }

    pub(crate) async fn patch(&self, path: &str, operations: Value) -> Answer {
        let body = json!({"schemas": [PATCH_OP], "Operations": operations});
        self.send("PATCH", path, &[], body.to_string()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], Bytes::new()).await
    }

    /// Creates a user and gives back its id.
    pub(crate) async fn user(&self, user_name: &str) -> String {
        let answer = self.post("/Users", json!({"schemas": [USER], "userName": user_name})).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.id()
    }

    /// Creates a group with these members and gives back its id.
    pub(crate) async fn group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        let body = json!({"schemas": [GROUP], "displayName": name, "members": members});
        let answer = self.post("/Groups", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.id()
    }

    /// The values of a group's members.
    pub(crate) async fn members(&self, group: &str) -> Vec<String> {
        let group = self.get(&format!("/Groups/{group}")).await.json();
        let members = group["members"].as_array().unwrap();
        members.iter().map(|m| m["value"].as_str().unwrap().to_owned()).collect()
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub(crate) fn id(&self) -> String {
        self.json()["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts that it is a SCIM error of that status and type.
    #[track_caller]
    pub(crate) fn assert_error(&self, status: u16, scim_type: Option<&str>) {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/scim+json");
        let error = self.json();
        assert_eq!(error["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        assert_eq!(error["status"], status.to_string());
        assert_eq!(error.get("scimType").and_then(Value::as_str), scim_type, "{error}");
        assert!(error["detail"].as_str().is_some_and(|d| !d.is_empty()), "{error}");
    }
}
