//! A group of 200,000 members over HTTP.

use scim_conformance::client::{Client, group};
use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use scim_backend_sqlite::SqliteBackend;
use scim_core::{Registry, ResourceId, ResourceType};
use scim_server_adapters::{
    BackendError, BearerTokens, Capabilities, Limits, Members, Page, Position, ProvisioningBackend,
    Query, RequestContext, ScimBody, ScimService, Stored, UnitFailure, Wanted, Write, WriteUnit,
    Written,
};
use serde_json::{Value, json};

use crate::fixture::options;

const COUNT: usize = 200_000;

/// A store that counts the members it gives at once.
struct Counted {
    store: SqliteBackend,
    given: Mutex<Vec<usize>>,
}

impl Counted {
    fn note(&self, members: Option<&Members>) {
        self.given.lock().unwrap().extend(members.map(|members| members.list.len()));
    }
}

#[async_trait]
impl ProvisioningBackend for Counted {
    fn capabilities(&self, cx: &RequestContext) -> Capabilities {
        self.store.capabilities(cx)
    }

    async fn get(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        wanted: &Wanted,
        member_limit: usize,
    ) -> Result<Stored, BackendError> {
        let stored = self.store.get(cx, resource_type, id, wanted, member_limit).await?;
        self.note(stored.members.as_ref());
        Ok(stored)
    }

    async fn members(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        after: &Position,
        limit: usize,
    ) -> Result<Members, BackendError> {
        let members = self.store.members(cx, resource_type, id, after, limit).await?;
        self.note(Some(&members));
        Ok(members)
    }

    async fn query(&self, cx: &RequestContext, query: &Query) -> Result<Page, BackendError> {
        let page = self.store.query(cx, query).await?;
        let held = page.resources.iter().filter_map(|stored| stored.members.as_ref());
        held.for_each(|members| self.note(Some(members)));
        Ok(page)
    }

    async fn write(&self, cx: &RequestContext, write: Write) -> Result<Written, BackendError> {
        self.store.write(cx, write).await
    }

    async fn write_all(
        &self,
        cx: &RequestContext,
        units: Vec<WriteUnit>,
        max_errors: Option<usize>,
    ) -> Result<Vec<Result<Vec<Written>, UnitFailure>>, BackendError> {
        self.store.write_all(cx, units, max_errors).await
    }
}

async fn get(service: &ScimService, path: &str) -> Response<ScimBody> {
    let request = Request::get(path).header("authorization", "Bearer s3cret");
    let answer = service.handle(request.body(Bytes::new()).unwrap()).await;
    assert_eq!(answer.status(), 200);
    answer
}

fn assert_all_there(group: &Value) {
    let members = group["members"].as_array().unwrap();
    let values = members.iter().map(|member| member["value"].as_str().unwrap());
    assert_eq!(values.collect::<HashSet<_>>().len(), COUNT);
    assert_eq!((members.len(), &members[0]["value"]), (COUNT, &json!("m0")));
}

#[tokio::test(flavor = "multi_thread")]
async fn is_read_a_thousand_at_a_time() {
    let store = SqliteBackend::in_memory(&Registry::builtin(), &options()).unwrap();
    let backend = Arc::new(Counted { store, given: Mutex::default() });
    let store = Client::shared(Arc::clone(&backend) as _).tenant("");
    let members: Vec<Value> = (0..COUNT).map(|n| json!({"value": format!("m{n}")})).collect();
    let body = json!({"displayName": "All", "members": members});
    let id = store.create(&group(), body).await.unwrap().id;

    let tokens = BearerTokens::new().with_token("", "s3cret", "tests");
    let service = ScimService::builder(Arc::clone(&backend) as _, Arc::new(tokens)).build();
    let given = || std::mem::take(&mut *backend.given.lock().unwrap());
    let limits = Limits::default();

    let mut body = get(&service, &format!("/v2/Groups/{id}")).await.into_body();
    let (mut sent, mut largest) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.unwrap().into_data().unwrap();
        largest = largest.max(frame.len());
        sent.extend(frame);
    }
    assert_all_there(&serde_json::from_slice(&sent).unwrap());
    let first = limits.members_at_once;
    let parts = vec![1_000; (COUNT - first) / 1_000];
    assert_eq!(given(), [vec![first], parts].concat());
    assert!(largest < sent.len() / 10, "{largest} bytes of {} at once", sent.len());

    let listed = get(&service, "/v2/Groups?attributes=members.value").await.into_body();
    let listed: Value = serde_json::from_slice(&listed.into_bytes().await.unwrap()).unwrap();
    assert_all_there(&listed["Resources"][0]);
    let first = limits.page_members;
    assert_eq!(given(), [vec![first], vec![1_000; (COUNT - first) / 1_000]].concat());
}
