//! [`ProvisioningBackend`], the trait a product implements, and the values it speaks in.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use scim_core::schema::{GROUP_URN, USER_URN};
use scim_core::{
    AttributeRef, AttributeSet, DateTime, Member, Reference, Resource, ResourceId, ResourceType,
    ScimError, ScimType, Secret, SortOrder, Version, schemas_of,
};
use scim_filter::ResolvedFilter;
use scim_patch::{MemberOp, PatchPlan};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::cursor::CursorKey;
use crate::precondition::Precondition;

/// Where resources live.
///
/// The service parses, checks and shapes; a backend stores. Everything it is given is canonical:
/// names in the schema's spelling, values of the schema's types (RFC 7643 §2), filters resolved,
/// PATCH requests planned. It is used as `Arc<dyn ProvisioningBackend>` and shared by all requests.
///
/// # Contract
///
/// - **Tenants are apart.** Every method acts within `cx.tenant` only. Another tenant's id behaves
///   as one that does not exist, and its values never conflict.
/// - **Each write is atomic**: all of it happens, durably as far as the backend promises, or none
///   of it. The precondition is checked in the same transaction, so that of two writers who both
///   saw version 1 only one succeeds.
/// - **Versions.** A write that changes something gives the resource a version that it never had
///   before and `last_modified = cx.now`. A write that changes nothing changes neither
///   (RFC 7644 §3.5.2.1); `changed` says which.
/// - **Uniqueness** is enforced by the store, in the write: never by looking first. It covers
///   attributes that the schema calls `server` or `global` unique, folded unless they are
///   `caseExact`, within the tenant, over all types that share the schema (erratum 8279); and
///   `displayName` where [`Write::unique_display_name`] says so.
/// - **Membership** is a set of rows, by `value`. Adding or removing a member must not read or
///   rewrite the others. Deleting a resource removes its memberships and gives those groups a new
///   version. [`Stored::groups`] is computed from the rows, direct groups only.
/// - **Passwords** come as a [`Secret`] beside the resource. A store that keeps none ignores it and
///   says so in [`Capabilities::change_password`].
/// - **Cancellation.** The future may be dropped at any await point; a write then either happens
///   or does not.
#[async_trait]
pub trait ProvisioningBackend: Send + Sync + 'static {
    /// What the backend can do. `/ServiceProviderConfig` is made from it, so it must be true.
    fn capabilities(&self, cx: &RequestContext) -> Capabilities;

    /// One resource by its id.
    ///
    /// Membership rows are read only when [`AttributeSet::wants`] `members` or `groups`, and of the
    /// members of a group the first `member_limit` at most: [`ProvisioningBackend::members`] gives
    /// the rest. Cost: a lookup by key, and what is read.
    ///
    /// # Errors
    /// [`BackendError::NotFound`] when the tenant has no resource of that type and id.
    async fn get(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        wanted: &Wanted,
        member_limit: usize,
    ) -> Result<Stored, BackendError>;

    /// More members of a group: those after a position that [`Members::next`] gave, `limit` of them
    /// or fewer, and at least one if there is one and `limit` is not 0.
    ///
    /// They come in the order in which they were added. Going on from position to position gives
    /// every member that is there throughout exactly once, whatever is added and removed meanwhile;
    /// a position stays good when the member is gone that it was taken at. Cost: a lookup by key,
    /// and `limit`, however many members come before and after.
    ///
    /// # Errors
    /// [`BackendError::NotFound`] when the tenant has no group of that type and id, or no longer.
    /// Any error for a position that is none of the backend's.
    async fn members(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        after: &Position,
        limit: usize,
    ) -> Result<Members, BackendError>;

    /// One page of the resources that meet a query, in the order asked for or else that of their
    /// creation. [`SortKey`](crate::SortKey) says how resources are sorted;
    /// [`sorted_page`](crate::sorted_page) does it in memory.
    ///
    /// Walking the pages by [`Page::next`] gives every resource that is there throughout, its sort
    /// value unchanged, exactly once, whatever is added and removed meanwhile.
    ///
    /// # Errors
    /// [`BackendError::Unsupported`] when the filter is beyond the backend: the service then walks
    /// the unfiltered pages and evaluates it, within its work limit. [`BackendError::TooMany`] when
    /// more than [`Query::work_limit`] resources would have to be examined.
    async fn query(&self, cx: &RequestContext, query: &Query) -> Result<Page, BackendError>;

    /// Creates, replaces, changes or deletes one resource.
    ///
    /// # Errors
    /// [`BackendError::NotFound`], [`BackendError::PreconditionFailed`],
    /// [`BackendError::Conflict`] for a value that must be unique, and [`BackendError::Scim`] for
    /// what applying a plan or replacing refuses, and for a reference that dangles
    /// ([`Write::must_exist`]). Nothing has changed then.
    async fn write(&self, cx: &RequestContext, write: Write) -> Result<Written, BackendError>;

    /// Performs units of writes in their order, each atomic on its own, in one durable commit where
    /// the backend can (RFC 7644 §3.7).
    ///
    /// A unit that depends on one that failed is not tried and fails with
    /// [`BackendError::Dependency`]. After `max_errors` failed writes nothing further is tried, and
    /// the answer is shorter than the question. Called only when [`Capabilities::bulk`] says that
    /// it is supported.
    ///
    /// # Errors
    /// When nothing at all could be done, such as [`BackendError::Unavailable`]. What is wrong with
    /// one unit is in its own result.
    async fn write_all(
        &self,
        cx: &RequestContext,
        units: Vec<WriteUnit>,
        max_errors: Option<usize>,
    ) -> Result<Vec<Result<Vec<Written>, UnitFailure>>, BackendError>;
}

/// Who asks, for whom, and when.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The tenant; empty in a service without tenants.
    pub tenant: Arc<str>,
    /// The authenticated principal.
    pub principal: Arc<str>,
    /// The id of the request, for logs.
    pub request_id: Arc<str>,
    /// The time of the request, in milliseconds: what `meta.created` and `meta.lastModified`
    /// become.
    pub now: DateTime,
}

/// What a backend can do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Whether passwords that clients send are kept and can be changed.
    pub change_password: bool,
    /// Whether [`ProvisioningBackend::write_all`] works, and [`Change::Create`] honours an id that
    /// the service minted. Without it the service writes the operations of a bulk request one by
    /// one.
    pub bulk: bool,
    /// Whether [`Query::order`] is honoured. Without it `sortBy` is ignored (RFC 7644 §3.4.2.3).
    pub sort: bool,
    /// The key that cursors are sealed with (RFC 9865); `None` for no cursor pagination.
    pub cursor_key: Option<CursorKey>,
}

impl Capabilities {
    /// A backend that keeps no passwords, does not sort, and has neither bulk nor cursors.
    #[must_use]
    pub const fn new() -> Self {
        Self { change_password: false, bulk: false, sort: false, cursor_key: None }
    }

    /// The same with bulk writes or not.
    #[must_use]
    pub fn with_bulk(self, supported: bool) -> Self {
        Self { bulk: supported, ..self }
    }

    /// The same with sorting or not.
    #[must_use]
    pub fn with_sort(self, supported: bool) -> Self {
        Self { sort: supported, ..self }
    }

    /// The same with cursors, sealed with that key.
    #[must_use]
    pub fn with_cursors(self, key: CursorKey) -> Self {
        Self { cursor_key: Some(key), ..self }
    }

    /// The same with passwords kept or not.
    #[must_use]
    pub fn with_change_password(self, supported: bool) -> Self {
        Self { change_password: supported, ..self }
    }
}

impl Default for Capabilities {
    fn default() -> Self {
        Self::new()
    }
}

/// The attributes that the answer will hold: what a backend need not read.
pub type Wanted = Arc<AttributeSet>;

/// The document of a stored resource, without `id`, `meta`, `members` and `groups`.
///
/// Exhaustive: text that was stored, or attributes in memory.
#[derive(Clone, Debug)]
pub enum Body {
    /// The text that [`Resource::to_document_text`] gave, `schemas` included. Where the projection
    /// allows it is sent on as it is, without a look at whether it still is JSON.
    Json(String),
    /// Canonical attributes.
    Attributes(Map<String, Value>),
}

/// A resource as a backend holds it.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its type.
    pub resource_type: Arc<ResourceType>,
    /// Its id.
    pub id: ResourceId,
    /// Its version.
    pub version: Version,
    /// When it was made.
    pub created: DateTime,
    /// When it was last changed.
    pub last_modified: DateTime,
    /// Its document.
    pub body: Body,
    /// The members of a group, or the first of them, where they were wanted; `None` where they were
    /// not, or the type has none.
    pub members: Option<Members>,
    /// The groups a user belongs to directly, where they were wanted.
    pub groups: Option<Vec<Member>>,
    /// Those of the resources that the document refers to by `value` (`manager`, and their like)
    /// which exist: only they get a `$ref`.
    pub references: Vec<Member>,
}

/// Members of a group, in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// The members.
    pub list: Vec<Member>,
    /// Where those begin that come after them, for [`ProvisioningBackend::members`]; `None` when
    /// there are no more.
    pub next: Option<Position>,
}

impl Members {
    /// All members, or the last of them.
    #[must_use]
    pub const fn to_the_end(list: Vec<Member>) -> Self {
        Self { list, next: None }
    }

    /// The first of the members after a place, `limit` at most. Of those that were found, each with its
    /// own place, there is one more if there are more: a query for `limit + 1` rows gives them.
    ///
    /// ```
    /// use scim_core::Member;
    /// use scim_server_adapters::{Members, Position};
    ///
    /// let found = vec![(4, Member::new("a")), (7, Member::new("b")), (9, Member::new("c"))];
    /// let members = Members::after(3, found, 2)?;
    /// assert_eq!(members.list, [Member::new("a"), Member::new("b")]);
    /// assert_eq!(members.next, Some(Position::of(&7)?));
    /// # Ok::<(), scim_server_adapters::BackendError>(())
    /// ```
    ///
    /// # Errors
    /// [`BackendError::Internal`] for a place that is not to be had as JSON.
    pub fn after<K: Serialize>(
        place: K,
        found: Vec<(K, Member)>,
        limit: usize,
    ) -> Result<Self, BackendError> {
        let has_more = found.len() > limit;
        let (mut list, mut last) = (Vec::with_capacity(found.len()), place);
        for (place, member) in found.into_iter().take(limit) {
            list.push(member);
            last = place;
        }
        let next = if has_more { Some(Position::of(&last)?) } else { None };
        Ok(Self { list, next })
    }
}

impl Stored {
    /// A resource of which nothing was read but itself: no members, no groups, and nothing that its
    /// document refers to.
    #[must_use]
    pub fn new(
        resource_type: &Arc<ResourceType>,
        id: ResourceId,
        version: Version,
        created: DateTime,
        last_modified: DateTime,
        body: Body,
    ) -> Self {
        Self {
            resource_type: Arc::clone(resource_type),
            id,
            version,
            created,
            last_modified,
            body,
            members: None,
            groups: None,
            references: Vec::new(),
        }
    }

    /// All the members of a group; none where they were not wanted.
    ///
    /// # Errors
    /// [`BackendError::Internal`] when only some of them were read: what looks at them must not
    /// take some for all.
    pub fn all_members(&self) -> Result<&[Member], BackendError> {
        match &self.members {
            Some(Members { next: Some(_), .. }) => {
                Err(BackendError::internal("only some of the members of a group were read"))
            }
            Some(Members { list, next: None }) => Ok(list),
            None => Ok(&[]),
        }
    }

    /// The document's attributes.
    ///
    /// # Errors
    /// [`BackendError::Internal`] when stored text is not a JSON object.
    pub fn attributes(&self) -> Result<Map<String, Value>, BackendError> {
        match &self.body {
            Body::Json(text) => serde_json::from_str(text).map_err(BackendError::internal),
            Body::Attributes(attributes) => Ok(attributes.clone()),
        }
    }

    /// The whole resource in canonical JSON, as filters see it: `schemas`, `id`, `meta`, and
    /// `members` and `groups` where they were read. URIs (`$ref`, `meta.location`) are not in it,
    /// since only the service knows its own address.
    ///
    /// # Errors
    /// As [`Stored::attributes`] and [`Stored::all_members`].
    pub fn to_json(&self) -> Result<Map<String, Value>, BackendError> {
        self.to_json_with(self.all_members()?)
    }

    /// The same, as if it had these members.
    pub(crate) fn to_json_with(
        &self,
        members: &[Member],
    ) -> Result<Map<String, Value>, BackendError> {
        let mut json = self.attributes()?;
        let schemas: Vec<&str> = schemas_of(&self.resource_type, &json).collect();
        json.insert("schemas".to_owned(), Value::from(schemas));
        json.insert("id".to_owned(), self.id.as_str().into());
        json.insert(
            "meta".to_owned(),
            serde_json::json!({
                "resourceType": &**self.resource_type.name(),
                "created": self.created.to_string(),
                "lastModified": self.last_modified.to_string(),
                "version": self.version.to_string(),
            }),
        );
        let groups = self.groups.as_deref().unwrap_or_default();
        for (name, rows) in [("members", members), ("groups", groups)] {
            if !rows.is_empty() {
                let direct = name == "groups";
                let rows = rows.iter().map(|m| Value::Object(row_json(m, direct))).collect();
                json.insert(name.to_owned(), Value::Array(rows));
            }
        }
        Ok(json)
    }
}

/// The `type` of a user's groups: membership through another group is not looked for
/// (RFC 7643 §4.1.2).
pub(crate) const DIRECT: &str = "direct";

/// A row as an element of `members`, where `type` is the resource type, or of `groups`, where it
/// is how one belongs.
pub(crate) fn row_json(row: &Member, is_group_of_user: bool) -> Map<String, Value> {
    let mut element = row.to_json();
    if is_group_of_user {
        element.insert("type".to_owned(), DIRECT.into());
    }
    element
}

/// A query over one or more resource types.
#[derive(Clone, Debug)]
pub struct Query {
    /// The types, each with the filter resolved against it and the attributes wanted of it.
    pub targets: Vec<QueryTarget>,
    /// The direction to sort in by each target's [`QueryTarget::sort`]; `None` for the order of
    /// creation. Given only to a backend whose [`Capabilities::sort`] says that it sorts.
    pub order: Option<SortOrder>,
    /// Where the page begins.
    pub start: Start,
    /// How many resources the page holds at most; 0 asks for the total only.
    pub count: usize,
    /// Whether the total is wanted.
    pub total: bool,
    /// How many resources may be examined to answer.
    pub work_limit: usize,
    /// How many members the groups of a page have together: a page ends before the group that would
    /// exceed it, but holds one resource at least. If that is a group with more members than this,
    /// the page holds as many of them ([`Members::next`]). So a page of large groups is bounded in
    /// memory, and has fewer resources than it could.
    pub member_limit: usize,
}

/// A resource type under query.
#[derive(Clone, Debug)]
pub struct QueryTarget {
    /// The type.
    pub resource_type: Arc<ResourceType>,
    /// The filter; `None` for all resources of the type.
    pub filter: Option<ResolvedFilter>,
    /// The attribute to sort by; `None` when resources of this type have no value of it.
    pub sort: Option<AttributeRef>,
    /// The attributes wanted.
    pub wanted: Wanted,
}

/// Where a page begins. Exhaustive: by index, or after a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// After that many results; a deep one costs its offset.
    Offset(u64),
    /// After the position that an earlier page ended at.
    After(Position),
}

/// A place in the results of a query that a backend can find again; opaque to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position(pub Box<[u8]>);

impl Position {
    /// The position that a value names: the key that a page ends at, such as a number, an id, or both.
    ///
    /// ```
    /// use scim_server_adapters::Position;
    ///
    /// let position = Position::of(&("2011-05-13", 42))?;
    /// assert_eq!(position.read::<(String, u64)>()?, ("2011-05-13".to_owned(), 42));
    /// assert_eq!(position.read::<u64>().unwrap_err().to_scim("").status(), 400);
    /// # Ok::<(), scim_server_adapters::BackendError>(())
    /// ```
    ///
    /// # Errors
    /// [`BackendError::Internal`] for a value that is not to be had as JSON.
    pub fn of(value: &(impl Serialize + ?Sized)) -> Result<Self, BackendError> {
        Ok(Self(serde_json::to_vec(value).map_err(BackendError::internal)?.into()))
    }

    /// The value that it names.
    ///
    /// # Errors
    /// 400 `invalidCursor` for a position of something else.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, BackendError> {
        serde_json::from_slice(&self.0).map_err(|_| {
            ScimError::new(ScimType::InvalidCursor, "the cursor is not one of this query").into()
        })
    }
}

/// One page of results.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The resources.
    pub resources: Vec<Stored>,
    /// How many there are over all pages, if [`Query::total`] was asked for.
    pub total: Option<u64>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<Position>,
}

/// A write to one resource.
#[derive(Clone, Debug)]
pub struct Write {
    /// The type of the resource.
    pub resource_type: Arc<ResourceType>,
    /// What to do.
    pub change: Change,
    /// What must hold of the resource's version.
    pub precondition: Precondition,
    /// What to give back of it afterwards; `None` for nothing.
    pub returning: Option<Returning>,
    /// Whether no other resource of the types that share its schema may have its `displayName`,
    /// though the schema does not ask for that
    /// ([`Validation::UniqueGroupNames`](scim_core::Validation::UniqueGroupNames)): enforced as all
    /// uniqueness is, among the resources that were made or changed by such writes. So those that
    /// were there before the setting are covered from the next change of their document.
    pub unique_display_name: bool,
    /// The resources that the tenant must have, of whatever type, when the write happens
    /// ([`Validation::ExistingReferences`](scim_core::Validation::ExistingReferences)): looked for
    /// in the same transaction, after the resource itself and the precondition. The first that is
    /// not there is the error, [`Reference::dangles`]. Those that the same unit makes are not among
    /// them.
    pub must_exist: Vec<Reference>,
}

/// What a write does. Exhaustive: these are the writes of RFC 7644 §3.
#[derive(Clone, Debug)]
pub enum Change {
    /// Makes a new resource (§3.3).
    Create {
        /// The id that the service minted for it, in a bulk request, so that other operations can
        /// refer to it beforehand; `None` for the backend to choose.
        id: Option<ResourceId>,
        /// The resource, its membership list included ([`Resource::take_members`]).
        resource: Resource,
        /// Its password.
        secret: Option<Secret>,
    },
    /// Replaces a resource (§3.5.1); what stays of it says [`Resource::replacing`].
    Replace {
        /// Its id.
        id: ResourceId,
        /// The new state, its membership list included.
        resource: Resource,
        /// The new password.
        secret: Option<Secret>,
    },
    /// Changes a resource (§3.5.2).
    Patch {
        /// Its id.
        id: ResourceId,
        /// The changes.
        plan: PatchPlan,
    },
    /// Deletes a resource (§3.6).
    Delete {
        /// Its id.
        id: ResourceId,
    },
}

impl Change {
    /// What it makes of a resource whose document has these attributes; a new one has none so far. Nothing
    /// is left to do then but to store it.
    ///
    /// The attributes are not looked at by [`Change::Create`], by [`Change::Delete`], which makes nothing of
    /// them, and by a [`Change::Patch`] whose [`document`](PatchPlan::document) is empty: they need not be
    /// read.
    ///
    /// ```
    /// use scim_core::{Ingest, Origin, Profile, ResourceId, ResourceType};
    /// use scim_server_adapters::{Change, Effect};
    /// use serde_json::{Value, json};
    ///
    /// let user = ResourceType::user();
    /// let body = br#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "babs"}"#;
    /// let resource = Ingest::new(&user, &Profile::STRICT, Origin::Request).resource(body)?;
    ///
    /// let Value::Object(current) = json!({"userName": "bjensen", "active": true}) else { unreachable!() };
    /// let put = Change::Replace { id: ResourceId::new("42")?, resource, secret: None };
    /// let Effect { attributes, .. } = put.apply(&current)?;
    /// assert_eq!(json!(attributes), json!({"userName": "babs", "active": true}));
    /// # Ok::<(), scim_core::ScimError>(())
    /// ```
    ///
    /// # Errors
    /// What [`Resource::replacing`] and [`DocumentPlan::apply`](scim_patch::DocumentPlan::apply) refuse.
    pub fn apply(self, current: &Map<String, Value>) -> Result<Effect, ScimError> {
        match self {
            Self::Create { mut resource, secret, .. } => {
                let members = match resource.take_members() {
                    none if none.is_empty() => Arc::default(),
                    members => [MemberOp::Add(members)].into(),
                };
                Ok(Effect { attributes: Some(resource.into_attributes()), members, secret })
            }
            Self::Replace { mut resource, secret, .. } => {
                let members = match resource.take_members() {
                    _ if !resource.resource_type().has_members() => Arc::default(),
                    none if none.is_empty() => [MemberOp::Clear].into(),
                    members => [MemberOp::Replace(members)].into(),
                };
                let attributes = resource.replacing(current)?.into_attributes();
                let attributes = (attributes != *current).then_some(attributes);
                Ok(Effect { attributes, members, secret })
            }
            Self::Patch { plan: PatchPlan { document, members, secret }, .. } => {
                Ok(Effect { attributes: document.apply(current)?, members, secret })
            }
            Self::Delete { .. } => Ok(Effect::default()),
        }
    }
}

/// What a write makes of a resource: [`Change::apply`].
#[derive(Clone, Debug, Default)]
pub struct Effect {
    /// The attributes of its document; `None` where they stay as they are.
    pub attributes: Option<Map<String, Value>>,
    /// What is done to its members, in order.
    pub members: Arc<[MemberOp]>,
    /// The new password.
    pub secret: Option<Secret>,
}

/// Writes that happen together or not at all.
#[derive(Clone, Debug)]
pub struct WriteUnit {
    /// The writes, in order. More than one only where they refer to each other in a circle.
    pub writes: Vec<Write>,
    /// The units, by their place in the request and before this one, that must have succeeded.
    pub depends_on: Vec<usize>,
}

/// Why a unit was undone.
#[derive(Debug)]
pub struct UnitFailure {
    /// The write that failed, by its place in the unit.
    pub write: usize,
    /// What was wrong with it.
    pub error: BackendError,
}

/// What a write is to give back of the resource.
#[derive(Clone, Debug)]
pub struct Returning {
    /// The attributes wanted.
    pub wanted: Wanted,
    /// Give nothing back when the resource has more members than this. The backend finds out
    /// without counting them all.
    pub max_members: Option<usize>,
    /// Of a group that is given back, so many members at most, as [`ProvisioningBackend::get`].
    pub member_limit: usize,
}

impl Returning {
    /// The whole resource: for a write that brings all its members.
    pub(crate) fn whole(wanted: &Wanted) -> Self {
        Self { wanted: Arc::clone(wanted), max_members: None, member_limit: usize::MAX }
    }
}

/// What became of a write.
#[derive(Clone, Debug)]
pub struct Written {
    /// The id of the resource.
    pub id: ResourceId,
    /// Its version afterwards; after a delete, the last it had.
    pub version: Version,
    /// Whether anything changed.
    pub changed: bool,
    /// The resource as it is now, where [`Write::returning`] asked for it.
    pub returned: Option<Stored>,
}

/// Why a backend could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// The tenant has no such resource: 404.
    #[error("resource not found")]
    NotFound,
    /// Another resource has the value: 409 `uniqueness`.
    #[error("the value of `{attribute}` is already in use")]
    Conflict {
        /// The attribute's path.
        attribute: Cow<'static, str>,
    },
    /// The precondition does not hold: 412.
    #[error("the resource has another version")]
    PreconditionFailed,
    /// A write that this one depends on failed: 409 (RFC 7644 §3.7.1).
    #[error("an operation that this one depends on failed")]
    Dependency,
    /// More work than the limit allows: 400 `tooMany`.
    #[error("the query would examine too many resources")]
    TooMany,
    /// An error in the protocol's own terms, passed on to the client as it is.
    #[error(transparent)]
    Scim(#[from] ScimError),
    /// The backend cannot evaluate the filter; the service does it instead.
    #[error("the backend cannot evaluate this filter")]
    Unsupported,
    /// The backend cannot serve now: 503.
    #[error("the store is not available")]
    Unavailable {
        /// When it is worth trying again.
        retry_after: Option<Duration>,
    },
    /// A fault of the backend: 500. It is logged in full and hidden from the client.
    #[error("internal error: {0}")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// For backends that pass on whatever went wrong by `?`: an error of theirs or of the protocol's is what
/// it was, anything else is [`BackendError::Internal`].
impl From<Box<dyn std::error::Error + Send + Sync>> for BackendError {
    fn from(error: Box<dyn std::error::Error + Send + Sync>) -> Self {
        let other = match error.downcast::<Self>() {
            Ok(error) => return *error,
            Err(other) => other,
        };
        match other.downcast::<ScimError>() {
            Ok(error) => Self::Scim(*error),
            Err(other) => Self::Internal(other),
        }
    }
}

impl BackendError {
    /// A fault of the backend, for `map_err`.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// The error as a client sees it; `what` names the resource or the endpoint.
    #[must_use]
    pub fn to_scim(&self, what: &str) -> ScimError {
        match self {
            Self::NotFound => ScimError::not_found(what),
            Self::Conflict { attribute } => {
                // People know the attributes of the core schemas by their bare names.
                let core = [USER_URN, GROUP_URN].into_iter().find_map(|urn| {
                    attribute.strip_prefix(urn).and_then(|rest| rest.strip_prefix(':'))
                });
                ScimError::uniqueness(core.unwrap_or(attribute))
            }
            Self::PreconditionFailed => ScimError::with_status(
                412,
                format!("`{what}` does not have the version that the request demands"),
            ),
            Self::Dependency => {
                ScimError::with_status(409, "an operation that this one depends on failed")
            }
            Self::TooMany => ScimError::new(
                ScimType::TooMany,
                "the query would examine more resources than the server allows; narrow the filter",
            ),
            Self::Scim(error) => error.clone(),
            Self::Unsupported => {
                ScimError::invalid_filter("the server cannot evaluate this filter")
            }
            Self::Unavailable { .. } => {
                ScimError::with_status(503, "the service is not available at the moment; try again")
            }
            Self::Internal(_) => ScimError::with_status(
                500,
                "internal error; the server's log has its cause, under the id in `X-Request-Id`",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use scim_core::{Ingest, Origin, Profile};
    use serde_json::json;

    use super::*;

    fn resource(of: &Arc<ResourceType>, mut body: Value) -> Resource {
        body["schemas"] = json!([of.schema().id()]);
        let mut ingest = Ingest::new(of, &Profile::STRICT, Origin::Request);
        ingest.resource(body.to_string().as_bytes()).unwrap()
    }

    /// What a change makes of a resource that has these attributes: its attributes and what is done
    /// to its members.
    fn effect(change: Change, current: &Value) -> (Value, String) {
        let Value::Object(current) = current else { panic!("{current}") };
        let Effect { attributes, members, secret } = change.apply(current).unwrap();
        assert!(secret.is_none());
        (json!(attributes), format!("{members:?}"))
    }

    #[test]
    fn a_change_says_what_is_to_be_stored() {
        let (user, group) = (ResourceType::user(), ResourceType::group());
        let (id, secret) = (ResourceId::new("1").unwrap(), None);
        let create = |resource| Change::Create { id: None, resource, secret: secret.clone() };
        let replace =
            |resource| Change::Replace { id: id.clone(), resource, secret: secret.clone() };
        let team = json!({"displayName": "Guides", "members": [{"value": "7"}]});
        let member = format!("{:?}", [Member::new("7")]);

        let (none, guides) = (json!({}), json!({"displayName": "Guides"}));
        let made = effect(create(resource(&group, team.clone())), &none);
        assert_eq!(made, (guides.clone(), format!("[Add({member})]")));
        let made = effect(create(resource(&group, guides.clone())), &none);
        assert_eq!(made, (guides.clone(), "[]".to_owned()));

        // What is put in place of the same leaves the document.
        let put = effect(replace(resource(&group, team)), &guides);
        assert_eq!(put, (Value::Null, format!("[Replace({member})]")));
        let put = effect(replace(resource(&group, guides.clone())), &json!({"displayName": "x"}));
        assert_eq!(put, (guides.clone(), "[Clear]".to_owned()));
        let babs = json!({"userName": "babs"});
        let put = effect(replace(resource(&user, babs.clone())), &json!({"userName": "x"}));
        assert_eq!(put, (babs, "[]".to_owned()));

        assert_eq!(effect(Change::Delete { id }, &guides), (Value::Null, "[]".to_owned()));
    }

    #[test]
    fn a_boxed_error_is_what_it_was() {
        let boxed = |error: Box<dyn Error + Send + Sync>| BackendError::from(error);
        assert!(matches!(boxed(BackendError::TooMany.into()), BackendError::TooMany));
        let scim = ScimError::invalid_value("no");
        assert!(matches!(boxed(scim.clone().into()), BackendError::Scim(error) if error == scim));
        let other = boxed("the disk is gone".into());
        assert_eq!(other.to_string(), "internal error: the disk is gone");
        assert!(matches!(other, BackendError::Internal(_)));
    }
}
