//! A store and the requests to it.

use std::sync::Arc;

use scim_backend_sqlite::{SqliteBackend, SqliteOptions, Synchronous};
use scim_core::{
    AttributeSet, DateTime, Ingest, Member, Origin, PatchOp, Profile, Registry, Resource,
    ResourceId, ResourceType,
};
use scim_filter::{Limits, ResolvedFilter};
use scim_patch::PatchPlan;
use scim_server_adapters::{
    BackendError, Change, Page, Precondition, ProvisioningBackend, Query, QueryTarget,
    RequestContext, Returning, Start, Stored, Wanted, Write, Written,
};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// 2026-01-01T00:00:00Z, in microseconds.
const FIRST_DAY: i64 = 1_767_225_600_000_000;

/// A backend as one tenant sees it at one time.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) backend: Arc<dyn ProvisioningBackend>,
    pub(crate) cx: RequestContext,
    unique_display_names: bool,
}

/// Settings for tests: nothing waits for a disk.
pub(crate) fn options() -> SqliteOptions {
    SqliteOptions::new().synchronous(Synchronous::Off)
}

/// A store in memory.
pub(crate) fn in_memory() -> Client {
    Client::new(SqliteBackend::in_memory(&Registry::builtin(), &options()).unwrap())
}

/// A store in a file, and the folder that goes when it is dropped.
pub(crate) fn in_file() -> (Client, TempDir) {
    let folder = TempDir::new().unwrap();
    (open(&folder, &options()), folder)
}

/// The store in a folder's file.
pub(crate) fn open(folder: &TempDir, options: &SqliteOptions) -> Client {
    let path = folder.path().join("scim.db");
    Client::new(SqliteBackend::open(path, &Registry::builtin(), options).unwrap())
}

pub(crate) fn user() -> Arc<ResourceType> {
    ResourceType::user()
}

pub(crate) fn group() -> Arc<ResourceType> {
    ResourceType::group()
}

/// A resource as a client sends it.
pub(crate) fn resource(resource_type: &Arc<ResourceType>, body: Value) -> Resource {
    let Value::Object(mut body) = body else { panic!("a resource is an object") };
    body.entry("schemas").or_insert_with(|| json!([resource_type.schema().id()]));
    Ingest::new(resource_type, &Profile::INTEROP, Origin::Request).resource_from(body).unwrap()
}

/// The plan of a PATCH with these operations.
pub(crate) fn plan(resource_type: &Arc<ResourceType>, operations: Value) -> PatchPlan {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": operations,
    });
    let patch = PatchOp::parse(body.to_string().as_bytes(), &Profile::INTEROP).unwrap();
    PatchPlan::new(resource_type, patch, &Profile::INTEROP).unwrap().plan
}

pub(crate) fn filter(resource_type: &Arc<ResourceType>, text: &str) -> ResolvedFilter {
    ResolvedFilter::parse(text, resource_type, &Profile::INTEROP, &Limits::default()).unwrap()
}

pub(crate) fn everything(resource_type: &Arc<ResourceType>) -> Wanted {
    Arc::new(AttributeSet::default_for(resource_type))
}

pub(crate) fn only(resource_type: &Arc<ResourceType>, names: &[&str]) -> Wanted {
    Arc::new(AttributeSet::parse(resource_type, names, &[]).unwrap())
}

/// A query over one type, for the first hundred and the total.
pub(crate) fn query(resource_type: &Arc<ResourceType>, text: Option<&str>) -> Query {
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

pub(crate) fn ids(page: &Page) -> Vec<&str> {
    page.resources.iter().map(|r| r.id.as_str()).collect()
}

/// A resource in JSON with what the store knows of references, as far as an answer could show it.
pub(crate) fn shown(stored: &Stored) -> Value {
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
    pub(crate) fn new(backend: impl ProvisioningBackend) -> Self {
        Self::shared(Arc::new(backend))
    }

    pub(crate) fn shared(backend: Arc<dyn ProvisioningBackend>) -> Self {
        let cx = RequestContext {
            tenant: "acme".into(),
            principal: "test".into(),
            request_id: "1".into(),
            now: DateTime::from_micros(FIRST_DAY).unwrap(),
        };
        Self { backend, cx, unique_display_names: false }
    }

    /// The same backend, with writes that demand a `displayName` of one's own.
    pub(crate) fn with_unique_display_names(&self) -> Self {
        Self { unique_display_names: true, ..self.clone() }
    }

    /// The same backend as another tenant.
    pub(crate) fn tenant(&self, tenant: &str) -> Self {
        let cx = RequestContext { tenant: tenant.into(), ..self.cx.clone() };
        Self { cx, ..self.clone() }
    }

    pub(crate) async fn write(
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

    pub(crate) async fn create(
        &self,
        resource_type: &Arc<ResourceType>,
        body: Value,
    ) -> Result<Written, BackendError> {
        let resource = resource(resource_type, body);
        let change = Change::Create { id: None, resource, secret: None };
        self.write(resource_type, change, Precondition::NONE, None).await
    }

    pub(crate) async fn create_user(&self, user_name: &str) -> ResourceId {
        self.create(&user(), json!({"userName": user_name})).await.unwrap().id
    }

    pub(crate) async fn create_group(&self, name: &str, members: &[&ResourceId]) -> ResourceId {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id.as_str()})).collect();
        let body = json!({"displayName": name, "members": members});
        self.create(&group(), body).await.unwrap().id
    }

    pub(crate) async fn replace(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        body: Value,
    ) -> Result<Written, BackendError> {
        let resource = resource(resource_type, body);
        let change = Change::Replace { id: id.clone(), resource, secret: None };
        self.write(resource_type, change, Precondition::NONE, None).await
    }

    pub(crate) async fn patch(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        operations: Value,
    ) -> Result<Written, BackendError> {
        let change = Change::Patch { id: id.clone(), plan: plan(resource_type, operations) };
        self.write(resource_type, change, Precondition::NONE, None).await
    }

    pub(crate) async fn delete(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
    ) -> Result<Written, BackendError> {
        let change = Change::Delete { id: id.clone() };
        self.write(resource_type, change, Precondition::NONE, None).await
    }

    pub(crate) async fn get(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
    ) -> Result<Stored, BackendError> {
        let wanted = everything(resource_type);
        self.backend.get(&self.cx, resource_type, id, &wanted, usize::MAX).await
    }

    /// The attributes of a resource that must be there.
    pub(crate) async fn attributes(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
    ) -> Map<String, Value> {
        self.get(resource_type, id).await.unwrap().attributes().unwrap()
    }

    /// The members of a group that must be there, by value.
    pub(crate) async fn members(&self, id: &ResourceId) -> Vec<String> {
        let members = self.get(&group(), id).await.unwrap().members.unwrap().list;
        members.iter().map(|m| m.value.to_string()).collect()
    }

    pub(crate) async fn query(&self, query: &Query) -> Result<Page, BackendError> {
        self.backend.query(&self.cx, query).await
    }

    /// The ids that a filter selects.
    pub(crate) async fn select(
        &self,
        resource_type: &Arc<ResourceType>,
        text: &str,
    ) -> Vec<String> {
        let page = self.query(&query(resource_type, Some(text))).await.unwrap();
        assert_eq!(page.total, Some(page.resources.len() as u64), "{text}");
        ids(&page).into_iter().map(str::to_owned).collect()
    }
}
