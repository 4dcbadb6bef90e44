//! A store as tests of its own see it: one tenant at one time, requests in JSON, and answers that must
//! be there.
//!
//! ```
//! use scim_conformance::client::{Client, group, user};
//! # // The store is yours; this one stands in for it.
//! # use scim_server_adapters::MemoryBackend as MyBackend;
//! use serde_json::json;
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let store = Client::new(MyBackend::new());
//! let babs = store.create_user("bjensen").await;
//! let guides = store.create_group("Guides", &[&babs]).await;
//! assert_eq!(store.select(&user(), "userName eq \"BJENSEN\"").await, [babs.as_str()]);
//! let operations = json!([{"op": "remove", "path": "members"}]);
//! assert!(store.patch(&group(), &guides, operations).await?.changed);
//! assert!(store.members(&guides).await.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What is not as it must be panics, as tests do.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "it is part of tests, and panics where they fail"
)]

use std::sync::Arc;

use scim_core::{
    AttributeSet, DateTime, Ingest, Member, Origin, PatchOp, Profile, Resource, ResourceId,
    ResourceType,
};
use scim_filter::{Limits, ResolvedFilter};
use scim_patch::PatchPlan;
use scim_server_adapters::{
    BackendError, Change, Page, Precondition, ProvisioningBackend, Query, QueryTarget,
    RequestContext, Returning, Start, Stored, Wanted, Write, Written,
};
use serde_json::{Map, Value, json};

/// 2026-01-01T00:00:00Z, in microseconds.
const FIRST_DAY: i64 = 1_767_225_600_000_000;

/// A backend as one tenant sees it at one time.
#[derive(Clone)]
pub struct Client {
    /// The store.
    pub backend: Arc<dyn ProvisioningBackend>,
    /// Who asks, for whom, and when.
    pub cx: RequestContext,
    unique_display_names: bool,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("cx", &self.cx).finish_non_exhaustive()
    }
}

/// The type `User` (RFC 7643 §4.1).
pub fn user() -> Arc<ResourceType> {
    ResourceType::user()
}

/// The type `Group` (RFC 7643 §4.2).
pub fn group() -> Arc<ResourceType> {
    ResourceType::group()
}

/// A resource as a client sends it.
pub fn resource(resource_type: &Arc<ResourceType>, body: Value) -> Resource {
    let Value::Object(mut body) = body else { panic!("a resource is an object") };
    body.entry("schemas").or_insert_with(|| json!([resource_type.schema().id()]));
    Ingest::new(resource_type, &Profile::INTEROP, Origin::Request).resource_from(body).unwrap()
}

/// The plan of a PATCH with these operations.
pub fn plan(resource_type: &Arc<ResourceType>, operations: Value) -> PatchPlan {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": operations,
    });
    let patch = PatchOp::parse(body.to_string().as_bytes(), &Profile::INTEROP).unwrap();
    PatchPlan::new(resource_type, patch, &Profile::INTEROP).unwrap().plan
}

/// A filter over a type (RFC 7644 §3.4.2.2).
pub fn filter(resource_type: &Arc<ResourceType>, text: &str) -> ResolvedFilter {
    ResolvedFilter::parse(text, resource_type, &Profile::INTEROP, &Limits::default()).unwrap()
}

/// All that is returned by default.
pub fn everything(resource_type: &Arc<ResourceType>) -> Wanted {
    Arc::new(AttributeSet::default_for(resource_type))
}

/// The attributes of these names.
pub fn only(resource_type: &Arc<ResourceType>, names: &[&str]) -> Wanted {
    Arc::new(AttributeSet::parse(resource_type, names, &[]).unwrap())
}

/// A query over one type, for the first hundred and the total.
pub fn query(resource_type: &Arc<ResourceType>, text: Option<&str>) -> Query {
    Query {
        targets: vec![QueryTarget {
            resource_type: Arc::clone(resource_type),
            filter: text.map(|text| filter(resource_type, text)),
            sort: None,
            wanted: everything(resource_type),
        }],
        order: None,
        start: Start::Offset(0),
        count: 100,
        total: true,
        work_limit: 10_000,
        member_limit: usize::MAX,
    }
}

/// The ids of a page.
pub fn ids(page: &Page) -> Vec<&str> {
    page.resources.iter().map(|r| r.id.as_str()).collect()
}

/// A resource in JSON with what the store knows of references, as far as an answer could show it.
pub fn shown(stored: &Stored) -> Value {
    let member = |m: &Member| json!([m.value, m.resource_type, m.display, m.exists]);
    let list = |list: &[Member]| list.iter().map(member).collect();
    let mut references: Vec<Value> = stored.references.iter().map(member).collect();
    references.sort_by_key(Value::to_string);
    json!({
        "resource": stored.to_json().unwrap(),
        "members": stored.members.as_ref().map_or(Value::Null, |members| list(&members.list)),
        "groups": stored.groups.as_deref().map_or(Value::Null, list),
        "references": references,
    })
}

impl Client {
    /// A store as the tenant `acme` sees it, on the first day of 2026.
    pub fn new(backend: impl ProvisioningBackend) -> Self {
        Self::shared(Arc::new(backend))
    }

    /// The same for a store that others hold too.
    pub fn shared(backend: Arc<dyn ProvisioningBackend>) -> Self {
        let cx = RequestContext {
            tenant: "acme".into(),
            principal: "test".into(),
            request_id: "1".into(),
            now: DateTime::from_micros(FIRST_DAY).unwrap(),
        };
        Self { backend, cx, unique_display_names: false }
    }

    /// The same backend, with writes that demand a `displayName` of one's own.
    pub fn with_unique_display_names(&self) -> Self {
        Self { unique_display_names: true, ..self.clone() }
    }

    /// The same backend as another tenant.
    pub fn tenant(&self, tenant: &str) -> Self {
        let cx = RequestContext { tenant: tenant.into(), ..self.cx.clone() };
        Self { cx, ..self.clone() }
    }

    /// Writes.
    ///
    /// # Errors
    /// What the store says.
    pub async fn write(
        &self,
        resource_type: &Arc<ResourceType>,
        change: Change,
        precondition: Precondition,
        returning: Option<Returning>,
    ) -> Result<Written, BackendError> {
        let resource_type = Arc::clone(resource_type);
        self.backend
            .write(
                &self.cx,
                Write {
                    resource_type,
                    change,
                    precondition,
                    returning,
                    unique_display_name: self.unique_display_names,
                    must_exist: Vec::new(),
                },
            )
            .await
    }

    /// Creates a resource.
    ///
    /// # Errors
    /// What the store says.
    pub async fn create(
        &self,
        resource_type: &Arc<ResourceType>,
        body: Value,
    ) -> Result<Written, BackendError> {
        let resource = resource(resource_type, body);
        let change = Change::Create { id: None, resource, secret: None };
        self.write(resource_type, change, Precondition::NONE, None).await
    }

    /// Creates a user, which must succeed.
    pub async fn create_user(&self, user_name: &str) -> ResourceId {
        self.create(&user(), json!({"userName": user_name})).await.unwrap().id
    }

    /// Creates a group with members, which must succeed.
    pub async fn create_group(&self, name: &str, members: &[&ResourceId]) -> ResourceId {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id.as_str()})).collect();
        let body = json!({"displayName": name, "members": members});
        self.create(&group(), body).await.unwrap().id
    }

    /// Replaces a resource.
    ///
    /// # Errors
    /// What the store says.
    pub async fn replace(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        body: Value,
    ) -> Result<Written, BackendError> {
        let resource = resource(resource_type, body);
        let change = Change::Replace { id: id.clone(), resource, secret: None };
        self.write(resource_type, change, Precondition::NONE, None).await
    }

    /// Changes a resource by the operations of a PATCH.
    ///
    /// # Errors
    /// What the store says.
    pub async fn patch(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        operations: Value,
    ) -> Result<Written, BackendError> {
        let change = Change::Patch { id: id.clone(), plan: plan(resource_type, operations) };
        self.write(resource_type, change, Precondition::NONE, None).await
    }

    /// Deletes a resource.
    ///
    /// # Errors
    /// What the store says.
    pub async fn delete(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
    ) -> Result<Written, BackendError> {
        let change = Change::Delete { id: id.clone() };
        self.write(resource_type, change, Precondition::NONE, None).await
    }

    /// A resource with all that is returned by default.
    ///
    /// # Errors
    /// What the store says.
    pub async fn get(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
    ) -> Result<Stored, BackendError> {
        let wanted = everything(resource_type);
        self.backend.get(&self.cx, resource_type, id, &wanted, usize::MAX).await
    }

    /// The attributes of a resource that must be there.
    pub async fn attributes(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
    ) -> Map<String, Value> {
        self.get(resource_type, id).await.unwrap().attributes().unwrap()
    }

    /// The members of a group that must be there, by value.
    pub async fn members(&self, id: &ResourceId) -> Vec<String> {
        let members = self.get(&group(), id).await.unwrap().members.unwrap().list;
        members.iter().map(|m| m.value.to_string()).collect()
    }

    /// A page.
    ///
    /// # Errors
    /// What the store says.
    pub async fn query(&self, query: &Query) -> Result<Page, BackendError> {
        self.backend.query(&self.cx, query).await
    }

    /// The ids that a filter selects.
    pub async fn select(&self, resource_type: &Arc<ResourceType>, text: &str) -> Vec<String> {
        let page = self.query(&query(resource_type, Some(text))).await.unwrap();
        assert_eq!(page.total, Some(page.resources.len() as u64), "{text}");
        ids(&page).into_iter().map(str::to_owned).collect()
    }
}
