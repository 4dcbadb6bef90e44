//! A backend as a check sees it: one tenant, at one time.

use std::fmt::Display;
use std::sync::Arc;

use scim_core::messages::PATCH_OP_URN;
use scim_core::{
    AttributeSet, DateTime, Ingest, Origin, PatchOp, Profile, Resource, ResourceId, ResourceType,
    SortOrder,
};
use scim_filter::{Limits, ResolvedFilter};
use scim_patch::PatchPlan;
use scim_server_adapters::{
    BackendError, Capabilities, Change, Event, EventLog, Page, Position, Precondition,
    ProvisioningBackend, Query, QueryTarget, RequestContext, Returning, Start, Stored, UnitFailure,
    Wanted, Write, WriteUnit, Written,
};
use serde_json::{Map, Value, json};

use super::Opened;
use super::breach::{Attempt, Breach, Outcome, holds, same, some};
use super::types::{group, user};

/// 2026-01-01T00:00:00Z, in microseconds.
const FIRST_DAY: i64 = 1_767_225_600_000_000;

/// How often something is tried again that is not available under contention.
const ATTEMPTS: usize = 10_000;

/// Pages after which a walk is said not to end.
const PAGES: usize = 10_000;

#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) backend: Arc<dyn ProvisioningBackend>,
    events: Option<Arc<dyn EventLog>>,
    pub(crate) cx: RequestContext,
}

impl Store {
    pub(crate) fn new(opened: Opened, has_tenants: bool) -> Self {
        let Opened { backend, events } = opened;
        let tenant = if has_tenants { new_tenant("a") } else { Arc::from("") };
        let cx = RequestContext {
            tenant,
            principal: "conformance".into(),
            request_id: "1".into(),
            now: at(FIRST_DAY),
        };
        Self { backend, events, cx }
    }

    /// The same backend as a tenant that never was there.
    pub(crate) fn other_tenant(&self, name: &str) -> Self {
        let cx = RequestContext { tenant: new_tenant(name), ..self.cx.clone() };
        Self { cx, ..self.clone() }
    }

    /// The same backend that many seconds later.
    pub(crate) fn later(&self, seconds: i64) -> Self {
        self.at(at(self.cx.now.as_micros() + seconds * 1_000_000))
    }

    /// The same backend at that time.
    pub(crate) fn at(&self, now: DateTime) -> Self {
        let cx = RequestContext { now, ..self.cx.clone() };
        Self { cx, ..self.clone() }
    }

    /// The same backend, used by somebody.
    pub(crate) fn used_by(&self, principal: &str) -> Self {
        let cx = RequestContext { principal: principal.into(), ..self.cx.clone() };
        Self { cx, ..self.clone() }
    }

    pub(crate) fn capabilities(&self) -> Capabilities {
        self.backend.capabilities(&self.cx)
    }

    fn attempt<T>(&self, doing: impl Display, result: Result<T, BackendError>) -> Attempt<T> {
        let tenant = match &*self.cx.tenant {
            "" => String::new(),
            tenant => format!(" in tenant `{tenant}`"),
        };
        Attempt { doing: format!("{doing}{tenant}"), result }
    }

    /// One write, tried again while contention makes it unavailable, as a client would on a 503.
    pub(crate) async fn perform(&self, doing: impl Display, write: Write) -> Attempt<Written> {
        let mut result = self.backend.write(&self.cx, write.clone()).await;
        for _ in 0..ATTEMPTS {
            if !matches!(result, Err(BackendError::Unavailable { .. })) {
                break;
            }
            tokio::task::yield_now().await;
            result = self.backend.write(&self.cx, write.clone()).await;
        }
        self.attempt(doing, result)
    }

    pub(crate) async fn create(
        &self,
        resource_type: &Arc<ResourceType>,
        body: Value,
    ) -> Outcome<Attempt<Written>> {
        let doing = format!("create {} {body}", resource_type.name());
        Ok(self.perform(doing, create(resource_type, body)?).await)
    }

    pub(crate) async fn create_user(&self, user_name: &str) -> Outcome<ResourceId> {
        Ok(self.create(&user(), json!({"userName": user_name})).await?.done()?.id)
    }

    pub(crate) async fn create_group(
        &self,
        name: &str,
        members: &[&ResourceId],
    ) -> Outcome<ResourceId> {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id.as_str()})).collect();
        let body = json!({"displayName": name, "members": members});
        Ok(self.create(&group(), body).await?.done()?.id)
    }

    pub(crate) async fn replace(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        body: Value,
    ) -> Outcome<Attempt<Written>> {
        let doing = format!("replace {} `{id}` by {body}", resource_type.name());
        Ok(self.perform(doing, replace(resource_type, id, body)?).await)
    }

    pub(crate) async fn patch(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        operations: Value,
    ) -> Outcome<Attempt<Written>> {
        let doing = format!("patch {} `{id}` by {operations}", resource_type.name());
        Ok(self.perform(doing, patch(resource_type, id, operations)?).await)
    }

    pub(crate) async fn delete(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
    ) -> Attempt<Written> {
        let doing = format!("delete {} `{id}`", resource_type.name());
        self.perform(doing, delete(resource_type, id)).await
    }

    pub(crate) async fn write_all(
        &self,
        units: Vec<WriteUnit>,
        max_errors: Option<usize>,
    ) -> Outcome<Vec<Result<Vec<Written>, UnitFailure>>> {
        let doing = format!("write_all of {} units, max_errors {max_errors:?}", units.len());
        self.attempt(doing, self.backend.write_all(&self.cx, units, max_errors).await).done()
    }

    pub(crate) async fn get(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
    ) -> Attempt<Stored> {
        self.get_wanting(resource_type, id, &everything(resource_type)).await
    }

    pub(crate) async fn get_wanting(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        wanted: &Wanted,
    ) -> Attempt<Stored> {
        let doing = format!("get {} `{id}`", resource_type.name());
        self.attempt(doing, self.backend.get(&self.cx, resource_type, id, wanted, usize::MAX).await)
    }

    /// All that a resource shows; it must be there.
    pub(crate) async fn shown(
        &self,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
    ) -> Outcome<Value> {
        shown(&self.get(resource_type, id).await.done()?)
    }

    /// The values of the members of a group, which must be there.
    pub(crate) async fn members(&self, id: &ResourceId) -> Outcome<Vec<String>> {
        let stored = self.get(&group(), id).await.done()?;
        let members = some("`members` of a group, where wanted", stored.members)?;
        Ok(members.list.iter().map(|m| m.value.to_string()).collect())
    }

    /// The values of the groups of a user, who must be there.
    pub(crate) async fn groups(&self, id: &ResourceId) -> Outcome<Vec<String>> {
        let stored = self.get(&user(), id).await.done()?;
        let groups = some("`groups` of a user, where wanted", stored.groups)?;
        Ok(groups.iter().map(|m| m.value.to_string()).collect())
    }

    /// Events of all tenants after a position.
    pub(crate) async fn events(
        &self,
        after: Option<&Position>,
        limit: usize,
    ) -> Outcome<Attempt<Vec<Event>>> {
        let events = some("a log of changes", self.events.as_ref())?;
        let doing = format!("events after {after:?}, limit {limit}");
        Ok(Attempt { doing, result: events.events(after, limit).await })
    }

    pub(crate) async fn ask(&self, query: &Query) -> Attempt<Page> {
        let names: Vec<&str> = query.targets.iter().map(|t| &**t.resource_type.name()).collect();
        let Query { order, start, count, total, work_limit, member_limit, .. } = query;
        let doing = format!(
            "query {names:?}, order {order:?}, start {start:?}, count {count}, total {total}, \
             work_limit {work_limit}, member_limit {member_limit}"
        );
        self.attempt(doing, self.backend.query(&self.cx, query).await)
    }

    /// A page that must be given, and hold no more than was asked for.
    pub(crate) async fn page(&self, query: &Query) -> Outcome<Page> {
        let page = self.ask(query).await.done()?;
        let held = page.resources.len();
        holds(
            format_args!("at most {} resources in a page", query.count),
            held <= query.count,
            held,
        )?;
        Ok(page)
    }

    /// The resources of all pages, one after the other.
    pub(crate) async fn walk(&self, query: &Query) -> Outcome<Vec<Stored>> {
        let mut query = query.clone();
        let mut all = Vec::new();
        for _ in 0..PAGES {
            let page = self.page(&query).await?;
            all.extend(page.resources);
            match page.next {
                Some(position) => query.start = Start::After(position),
                None => return Ok(all),
            }
        }
        Err(Breach::new("a walk over the pages that ends", format!("{PAGES} pages")))
    }

    /// The ids of all resources of a type in the order of creation.
    pub(crate) async fn all_ids(&self, resource_type: &Arc<ResourceType>) -> Outcome<Vec<String>> {
        Ok(ids(&self.walk(&query(resource_type)).await?))
    }

    /// The ids that a filter selects, as the backend says; `None` where it can't evaluate it.
    pub(crate) async fn select(
        &self,
        resource_type: &Arc<ResourceType>,
        text: &str,
    ) -> Outcome<Option<Vec<String>>> {
        let query = filtered(resource_type, text)?;
        let attempt = self.ask(&query).await;
        if matches!(attempt.result, Err(BackendError::Unsupported)) {
            return Ok(None);
        }
        let doing = format!("{}, filter `{text}`", attempt.doing);
        let page = Attempt { doing: doing.clone(), ..attempt }.done()?;
        let found = ids(&page.resources);
        holds(
            "a total that counts what is found",
            page.total == u64::try_from(found.len()).ok(),
            (&page.total, &found),
        )
        .map_err(|breach| breach.while_doing(doing))?;
        Ok(Some(found))
    }

    /// A filter must select these, if the backend evaluates it.
    pub(crate) async fn selects<S: AsRef<str>>(
        &self,
        resource_type: &Arc<ResourceType>,
        text: &str,
        expected: &[S],
    ) -> Outcome {
        let Some(found) = self.select(resource_type, text).await? else { return Ok(()) };
        let expected: Vec<&str> = expected.iter().map(AsRef::as_ref).collect();
        same(format_args!("the ids that `{text}` selects"), found, expected)
    }
}

fn new_tenant(name: &str) -> Arc<str> {
    format!("{name}-{}", uuid::Uuid::new_v4().simple()).into()
}

fn at(micros: i64) -> DateTime {
    DateTime::from_micros(micros).unwrap_or_else(DateTime::now)
}

/// A resource as a client sends it.
pub(crate) fn resource(resource_type: &Arc<ResourceType>, body: Value) -> Outcome<Resource> {
    let Value::Object(mut body) = body else {
        return Err(Breach::new("a resource that is an object", body));
    };
    if !body.contains_key("schemas") {
        let core = [resource_type.schema().id()].into_iter();
        let extensions = resource_type.extensions().iter().map(|e| e.schema.id());
        let used = extensions.filter(|urn| body.contains_key(*urn));
        let schemas: Vec<&str> = core.chain(used).collect();
        let schemas = json!(schemas);
        body.insert("schemas".to_owned(), schemas);
    }
    Ok(Ingest::new(resource_type, &Profile::INTEROP, Origin::Request).resource_from(body)?)
}

/// The plan of a PATCH with these operations.
pub(crate) fn plan(resource_type: &Arc<ResourceType>, operations: Value) -> Outcome<PatchPlan> {
    let body = json!({"schemas": [PATCH_OP_URN], "Operations": operations});
    let patch = PatchOp::parse(body.to_string().as_bytes(), &Profile::INTEROP)?;
    Ok(PatchPlan::new(resource_type, patch, &Profile::INTEROP)?.plan)
}

pub(crate) fn write(resource_type: &Arc<ResourceType>, change: Change) -> Write {
    Write {
        resource_type: Arc::clone(resource_type),
        change,
        precondition: Precondition::NONE,
        returning: None,
        unique_display_name: false,
        must_exist: Vec::new(),
    }
}

pub(crate) fn create(resource_type: &Arc<ResourceType>, body: Value) -> Outcome<Write> {
    let mut resource = resource(resource_type, body)?;
    let secret = resource.take_secret();
    Ok(write(resource_type, Change::Create { id: None, resource, secret }))
}

/// The same with an id that the service minted.
pub(crate) fn create_as(
    id: &ResourceId,
    resource_type: &Arc<ResourceType>,
    body: Value,
) -> Outcome<Write> {
    let mut resource = resource(resource_type, body)?;
    let secret = resource.take_secret();
    Ok(write(resource_type, Change::Create { id: Some(id.clone()), resource, secret }))
}

pub(crate) fn replace(
    resource_type: &Arc<ResourceType>,
    id: &ResourceId,
    body: Value,
) -> Outcome<Write> {
    let mut resource = resource(resource_type, body)?;
    let secret = resource.take_secret();
    Ok(write(resource_type, Change::Replace { id: id.clone(), resource, secret }))
}

pub(crate) fn patch(
    resource_type: &Arc<ResourceType>,
    id: &ResourceId,
    operations: Value,
) -> Outcome<Write> {
    let plan = plan(resource_type, operations)?;
    Ok(write(resource_type, Change::Patch { id: id.clone(), plan }))
}

pub(crate) fn delete(resource_type: &Arc<ResourceType>, id: &ResourceId) -> Write {
    write(resource_type, Change::Delete { id: id.clone() })
}

/// The same write, giving back everything.
pub(crate) fn returning(write: Write, wanted: &Wanted, max_members: Option<usize>) -> Write {
    let wanted = Arc::clone(wanted);
    let returning = Returning { wanted, max_members, member_limit: usize::MAX };
    Write { returning: Some(returning), ..write }
}

/// A PATCH that sets one attribute.
pub(crate) fn set(path: &str, value: impl Into<Value>) -> Value {
    json!([{"op": "replace", "path": path, "value": value.into()}])
}

/// A PATCH that adds members.
pub(crate) fn add<S: AsRef<str>>(values: &[S]) -> Value {
    let members: Vec<Value> = values.iter().map(|v| json!({"value": v.as_ref()})).collect();
    json!([{"op": "add", "path": "members", "value": members}])
}

/// A PATCH that removes a member.
pub(crate) fn remove(value: &str) -> Value {
    json!([{"op": "remove", "path": format!("members[value eq \"{value}\"]")}])
}

pub(crate) fn filter(resource_type: &Arc<ResourceType>, text: &str) -> Outcome<ResolvedFilter> {
    ResolvedFilter::parse(text, resource_type, &Profile::INTEROP, &Limits::default())
        .map_err(|error| Breach::new("a filter of the check's that is valid", error))
}

pub(crate) fn everything(resource_type: &Arc<ResourceType>) -> Wanted {
    Arc::new(AttributeSet::default_for(resource_type))
}

pub(crate) fn only(resource_type: &Arc<ResourceType>, names: &[&str]) -> Outcome<Wanted> {
    Ok(Arc::new(AttributeSet::parse(resource_type, names, &[])?))
}

pub(crate) fn target(resource_type: &Arc<ResourceType>) -> QueryTarget {
    QueryTarget {
        resource_type: Arc::clone(resource_type),
        filter: None,
        sort: None,
        wanted: everything(resource_type),
    }
}

/// A query for the first thousand resources of a type and their total.
pub(crate) fn query(resource_type: &Arc<ResourceType>) -> Query {
    Query {
        targets: vec![target(resource_type)],
        order: None,
        start: Start::Offset(0),
        count: 1_000,
        total: true,
        work_limit: 100_000,
        member_limit: usize::MAX,
    }
}

/// The same with a filter.
pub(crate) fn filtered(resource_type: &Arc<ResourceType>, text: &str) -> Outcome<Query> {
    let target =
        QueryTarget { filter: Some(filter(resource_type, text)?), ..target(resource_type) };
    Ok(Query { targets: vec![target], ..query(resource_type) })
}

/// The same sorted by an attribute.
pub(crate) fn sorted(
    resource_type: &Arc<ResourceType>,
    path: &str,
    order: SortOrder,
) -> Outcome<Query> {
    let attribute = some("an attribute to sort by", resource_type.attribute(path))?;
    let target = QueryTarget { sort: Some(attribute), ..target(resource_type) };
    Ok(Query { targets: vec![target], order: Some(order), ..query(resource_type) })
}

pub(crate) fn ids(resources: &[Stored]) -> Vec<String> {
    resources.iter().map(|r| r.id.to_string()).collect()
}

/// A resource that nobody made.
pub(crate) fn nobody() -> Outcome<ResourceId> {
    new_id("nobody")
}

/// An id that nobody has, as the service mints them.
pub(crate) fn new_id(name: &str) -> Outcome<ResourceId> {
    Ok(ResourceId::new(format!("{name}-{}", uuid::Uuid::new_v4()))?)
}

/// A resource in JSON, with what the store knows of references, as far as an answer could show it.
pub(crate) fn shown(stored: &Stored) -> Outcome<Value> {
    let row = |m: &scim_core::Member| json!([*m.value, m.resource_type, m.display, m.exists]);
    let mut references: Vec<Value> = stored.references.iter().map(row).collect();
    references.sort_by_key(Value::to_string);
    let rows = |rows: &[scim_core::Member]| rows.iter().map(row).collect::<Vec<_>>();
    Ok(json!({
        "resource": stored.to_json()?,
        "members": stored.members.as_ref().map(|members| rows(&members.list)),
        "groups": stored.groups.as_deref().map(rows),
        "references": references,
    }))
}

/// The attributes of a document without `schemas`.
pub(crate) fn attributes(stored: &Stored) -> Outcome<Map<String, Value>> {
    let mut attributes = stored.attributes()?;
    attributes.remove("schemas");
    Ok(attributes)
}
