//! A backend made of a product's stores.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use async_trait::async_trait;
use scim_core::{
    Group, Member, Reference, Registry, Resource, ResourceId, ResourceType, ScimError, Secret, User,
};
use tokio::sync::{Mutex, MutexGuard};

use super::compare_and_swap::{Attempts, Content};
use super::query::Run;
use super::relations::Relations;
use super::store::{Store, Typed, outgoing};
use super::{New, ResourceStore, View};
use crate::backend::{
    BackendError, Capabilities, Change, Members, Page, Position, ProvisioningBackend, Query,
    RequestContext, Returning, Stored, UnitFailure, Wanted, Write, WriteUnit, Written,
};
use crate::cursor::CursorKey;
use crate::limits::Limits;
use crate::precondition::Precondition;

/// A [`ProvisioningBackend`] over the stores of a product, one for each resource type.
///
/// # What is promised
///
/// - **Changes** are made by [`ResourceStore::replace`]. In this process those to one resource wait
///   for each other; others are found out by the store, and the change is made again on what is
///   there then, a dozen times, unless an `If-Match` forbids it; after that it is 503 with
///   `Retry-After`. With a store that compares nothing, a change made by another process between the
///   read and the replace is lost.
/// - **Versions** are the product's, or else a hash of the content: a resource that becomes again
///   what it was may have again the version it had, unless its store keeps `meta.last_modified`.
/// - **Pages** are in the order of the lists, type after type. Walked by cursor they give every
///   resource that is there throughout exactly once, since each begins behind the last resource of
///   the one before, not at a number. So do those of a sorted query, for resources whose sort value
///   stays; what compares equal there is in the order of ids, as text. Ids that grow with time, as
///   those in [`New::id`] do, make all of that the order of creation.
/// - **Membership.** New members are looked up by id in all stores (one `get` each, or more), so that
///   they have the type they are of. After a resource is deleted it is taken out of the groups that
///   hold it, one after the other; not in one transaction, so a crash in between leaves members that
///   do not exist, which is allowed. [`User::groups`](scim_core::User::groups) are what the product
///   gives, or else found by listing the groups with that member: see [`ListRequest::equal_to`]. A
///   product that does all that in its tables says so by [`CrudBackend::stores_keep_membership`].
/// - **Groups are given whole**, as their stores give them: an answer with one holds all its members
///   in memory, whatever [`Limits::members_at_once`].
/// - **Managers** and their like are looked up by id, once a page, to show their name and URI.
/// - **Cursors** are sealed with a key that is made anew at each start, unless
///   [`CrudBackend::cursor_key`] gives one.
///
/// [`ListRequest::equal_to`]: super::ListRequest::equal_to
pub struct CrudBackend {
    registered: Vec<Registered>,
    cursor_key: CursorKey,
    work_limit: usize,
    keeps_membership: bool,
    locks: Locks,
}

/// A store, and what it holds.
pub(super) struct Registered {
    pub(super) resource_type: Arc<ResourceType>,
    pub(super) store: Box<dyn Store>,
}

impl CrudBackend {
    /// A backend that holds nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            registered: Vec::new(),
            cursor_key: CursorKey::generate(),
            work_limit: Limits::default().work,
            keeps_membership: false,
            locks: Locks::new(),
        }
    }

    /// The same with users in that store.
    #[must_use]
    pub fn users(self, store: impl ResourceStore<User>) -> Self {
        self.resources(&ResourceType::user(), store)
    }

    /// The same with groups in that store.
    #[must_use]
    pub fn groups(self, store: impl ResourceStore<Group>) -> Self {
        self.resources(&ResourceType::group(), store)
    }

    /// The same with resources of that type in that store, in place of the one it had. For a type of
    /// the product's own, or users and groups with schemas of its own: a
    /// [`Registry`] makes it from its JSON.
    #[must_use]
    pub fn resources<T: View>(
        mut self,
        resource_type: &Arc<ResourceType>,
        store: impl ResourceStore<T>,
    ) -> Self {
        self.registered.retain(|r| r.resource_type.name() != resource_type.name());
        let resource_type = Arc::clone(resource_type);
        self.registered.push(Registered { resource_type, store: Box::new(Typed::new(store)) });
        self
    }

    /// The same with a key for cursors that was kept, so that they work after a restart and on
    /// another node.
    #[must_use]
    pub fn cursor_key(self, key: CursorKey) -> Self {
        Self { cursor_key: key, ..self }
    }

    /// The same with another bound on how many groups are read to find those of a user or of what
    /// was deleted (default 10,000, as [`Limits::work`]). Beyond it users are shown without groups,
    /// memberships of what was deleted stay, and the log says so.
    #[must_use]
    pub fn work_limit(self, work_limit: usize) -> Self {
        Self { work_limit, ..self }
    }

    /// The same with memberships left to the stores: users are given with their `groups`, and what
    /// is deleted is taken out of its groups by the product, as a foreign key does.
    #[must_use]
    pub fn stores_keep_membership(self) -> Self {
        Self { keeps_membership: true, ..self }
    }

    /// The resource types that it has stores for, for
    /// [`ScimServiceBuilder::registry`](crate::ScimServiceBuilder::registry): so the service offers
    /// those and no others. What is offered without a store is empty, and creating in it is 501.
    ///
    /// # Errors
    /// 409 `uniqueness` when two types have one endpoint, or different schemas of one URI.
    pub fn registry(&self) -> Result<Registry, ScimError> {
        let mut registry = Registry::empty();
        for registered in &self.registered {
            registry.add_resource_type((*registered.resource_type).clone())?;
        }
        Ok(registry)
    }

    pub(super) fn registered(&self) -> impl Iterator<Item = &Registered> {
        self.registered.iter()
    }

    pub(super) fn of_type(&self, resource_type: &ResourceType) -> Option<&Registered> {
        self.registered().find(|r| r.resource_type.name() == resource_type.name())
    }

    pub(super) const fn leaves_membership(&self) -> bool {
        self.keeps_membership
    }

    /// Groups that the product gives of a user: they exist.
    pub(super) fn vouch_for_groups(&self, groups: &mut [Member]) {
        let group = self.registered().map(|r| &r.resource_type).find(|t| t.has_members());
        for row in groups {
            row.resource_type = group.map(|t| Arc::clone(t.name()));
            row.exists = group.is_some();
        }
    }

    fn relations<'a>(&'a self, cx: &'a RequestContext) -> Relations<'a> {
        Relations::new(self, cx, self.work_limit)
    }

    async fn create(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: Option<ResourceId>,
        resource: Resource,
        beside: Beside,
    ) -> Result<Stored, BackendError> {
        let registered = self.of_type(resource_type).ok_or_else(|| {
            let name = resource_type.name();
            ScimError::with_status(501, format!("resources of type `{name}` are not kept here"))
        })?;
        let id = match id {
            Some(id) => id,
            None => ResourceId::new(uuid::Uuid::now_v7().to_string())?,
        };
        let mut content = Content::of_resource(resource);
        let mut relations = self.relations(cx);
        relations.all_exist(&beside.must_exist).await?;
        relations.recognise(&[], &mut content.members).await?;
        let beside = beside.for_store(&*registered.store);
        let new = beside.put_to(outgoing(cx, resource_type, id, None, content));
        registered.store.create(cx, resource_type, new).await
    }

    /// Changes a resource, and tells whether anything changed.
    async fn change(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        precondition: &Precondition,
        beside: Beside,
        edit: impl Fn(&Content) -> Result<Content, BackendError>,
    ) -> Result<(Stored, bool), BackendError> {
        let store = &self.of_type(resource_type).ok_or(BackendError::NotFound)?.store;
        let beside = beside.for_store(&**store);
        let mut relations = self.relations(cx);
        let _turn = self.locks.turn(cx, id).await;
        let mut attempts = Attempts::new();
        loop {
            attempts.next().await?;
            let held = store.get(cx, resource_type, id).await?.ok_or(BackendError::NotFound)?;
            precondition.check(&held.stored.version)?;
            relations.all_exist(&beside.must_exist).await?;
            let before = Content::of(&held.stored)?;
            let mut after = edit(&before)?;
            relations.recognise(&before.members, &mut after.members).await?;
            if after == before && beside.secret.is_none() {
                return Ok((held.stored, false));
            }
            let new = outgoing(cx, resource_type, id.clone(), Some(&held.stored), after);
            let new = beside.clone().put_to(new);
            match store.replace(cx, &held, new).await {
                Err(BackendError::PreconditionFailed) => {}
                result => return result.map(|stored| (stored, true)),
            }
        }
    }

    /// Deletes a resource; what it was.
    async fn delete(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        precondition: &Precondition,
    ) -> Result<Stored, BackendError> {
        let store = &self.of_type(resource_type).ok_or(BackendError::NotFound)?.store;
        let turn = self.locks.turn(cx, id).await;
        let mut attempts = Attempts::new();
        let deleted = loop {
            attempts.next().await?;
            let held = store.get(cx, resource_type, id).await?.ok_or(BackendError::NotFound)?;
            precondition.check(&held.stored.version)?;
            match store.delete(cx, &held).await {
                Err(BackendError::PreconditionFailed) => {}
                result => break result.map(|()| held.stored)?,
            }
        };
        // A group has a turn of its own, which may be the same lock.
        drop(turn);
        if !self.keeps_membership
            && let Err(error) = self.leave_groups(cx, id).await
        {
            // The resource is gone, whatever became of this.
            tracing::warn!(%error, id = id.as_str(), "not taken out of all groups it was in");
        }
        Ok(deleted)
    }

    async fn leave_groups(&self, cx: &RequestContext, id: &ResourceId) -> Result<(), BackendError> {
        for group in self.relations(cx).groups_holding(id).await? {
            let name = group.resource_type.as_deref().unwrap_or_default();
            let registered = self.registered().find(|r| &**r.resource_type.name() == name);
            let Some(Registered { resource_type, .. }) = registered else { continue };
            let group = ResourceId::new(group.value)?;
            let edit = |content: &Content| Ok(content.without_member(id.as_str()));
            let left = self.change(
                cx,
                resource_type,
                &group,
                &Precondition::NONE,
                Beside::default(),
                edit,
            );
            match left.await {
                Ok(_) | Err(BackendError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn returned(
        &self,
        cx: &RequestContext,
        stored: Stored,
        returning: Option<Returning>,
    ) -> Result<Option<Stored>, BackendError> {
        let members = stored.all_members()?.len();
        match returning.filter(|r| r.max_members.is_none_or(|max| members <= max)) {
            Some(Returning { wanted, .. }) => {
                self.relations(cx).complete(stored, &wanted).await.map(Some)
            }
            None => Ok(None),
        }
    }
}

impl Default for CrudBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CrudBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types: Vec<_> = self.registered().map(|r| &r.resource_type).collect();
        f.debug_struct("CrudBackend").field("resource_types", &types).finish_non_exhaustive()
    }
}

#[async_trait]
impl ProvisioningBackend for CrudBackend {
    fn capabilities(&self, _: &RequestContext) -> Capabilities {
        // A product may choose ids, and nothing undoes half of a circle: no `bulk`.
        Capabilities::new()
            .with_sort(true)
            .with_cursors(self.cursor_key.clone())
            .with_change_password(self.registered().any(|r| r.store.keeps_passwords()))
    }

    async fn get(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        wanted: &Wanted,
        _: usize,
    ) -> Result<Stored, BackendError> {
        let store = &self.of_type(resource_type).ok_or(BackendError::NotFound)?.store;
        let held = store.get(cx, resource_type, id).await?.ok_or(BackendError::NotFound)?;
        self.relations(cx).complete(held.stored, wanted).await
    }

    async fn members(
        &self,
        _: &RequestContext,
        _: &Arc<ResourceType>,
        _: &ResourceId,
        _: &Position,
        _: usize,
    ) -> Result<Members, BackendError> {
        Err(BackendError::internal("stores give groups whole, so there are no positions in them"))
    }

    async fn query(&self, cx: &RequestContext, query: &Query) -> Result<Page, BackendError> {
        Run::new(self, cx, query).page().await
    }

    async fn write(&self, cx: &RequestContext, write: Write) -> Result<Written, BackendError> {
        let Write {
            resource_type,
            change,
            precondition,
            returning,
            unique_display_name,
            must_exist,
        } = write;
        let beside = |secret| Beside { secret, unique_display_name, must_exist };
        let (stored, changed) = match change {
            Change::Create { id, resource, secret } => {
                (self.create(cx, &resource_type, id, resource, beside(secret)).await?, true)
            }
            Change::Replace { id, resource, secret } => {
                let edit = |content: &Content| content.replaced(resource.clone());
                self.change(cx, &resource_type, &id, &precondition, beside(secret), edit).await?
            }
            Change::Patch { id, plan } => {
                let edit = |content: &Content| content.patched(&plan);
                let beside = beside(plan.secret.clone());
                self.change(cx, &resource_type, &id, &precondition, beside, edit).await?
            }
            Change::Delete { id } => {
                (self.delete(cx, &resource_type, &id, &precondition).await?, true)
            }
        };
        let (id, version) = (stored.id.clone(), stored.version.clone());
        Ok(Written { id, version, changed, returned: self.returned(cx, stored, returning).await? })
    }

    async fn write_all(
        &self,
        cx: &RequestContext,
        units: Vec<WriteUnit>,
        max_errors: Option<usize>,
    ) -> Result<Vec<Result<Vec<Written>, UnitFailure>>, BackendError> {
        let mut results: Vec<Result<Vec<Written>, UnitFailure>> = Vec::with_capacity(units.len());
        let mut errors = 0;
        for WriteUnit { writes, depends_on } in units {
            if max_errors.is_some_and(|max| errors >= max) {
                break;
            }
            let count = writes.len();
            let failed = |unit: &usize| results.get(*unit).is_none_or(Result::is_err);
            let result = if depends_on.iter().any(failed) {
                Err(BackendError::Dependency)
            } else {
                self.write_alone(cx, writes).await
            };
            if result.is_err() {
                errors += count;
            }
            results.push(result.map_err(|error| UnitFailure { write: 0, error }));
        }
        Ok(results)
    }
}

impl CrudBackend {
    /// A unit of one write. More of them cannot be undone when a later one fails.
    async fn write_alone(
        &self,
        cx: &RequestContext,
        writes: Vec<Write>,
    ) -> Result<Vec<Written>, BackendError> {
        let mut writes = writes.into_iter();
        match (writes.next(), writes.next()) {
            (Some(write), None) => Ok(vec![self.write(cx, write).await?]),
            (None, _) => Ok(Vec::new()),
            _ => Err(ScimError::with_status(
                501,
                "resources that refer to each other in a circle cannot be written at once here",
            )
            .into()),
        }
    }
}

/// What comes with a write beside the resource.
#[derive(Clone, Default)]
struct Beside {
    secret: Option<Secret>,
    unique_display_name: bool,
    must_exist: Vec<Reference>,
}

impl Beside {
    /// Without a password where none is kept.
    fn for_store(self, store: &dyn Store) -> Self {
        Self { secret: self.secret.filter(|_| store.keeps_passwords()), ..self }
    }

    fn put_to(self, new: New<Resource>) -> New<Resource> {
        let Self { secret: password, unique_display_name, must_exist: _ } = self;
        New { password, unique_display_name, ..new }
    }
}

/// Locks that changes to one resource share. Those to another wait for them rarely: there are few
/// locks, and chance says which resource has which.
struct Locks {
    locks: Vec<Mutex<()>>,
    hasher: RandomState,
}

impl Locks {
    const COUNT: usize = 256;

    fn new() -> Self {
        let locks = (0..Self::COUNT).map(|_| Mutex::new(())).collect();
        Self { locks, hasher: RandomState::new() }
    }

    /// Waits until nobody else changes the resource.
    async fn turn(&self, cx: &RequestContext, id: &ResourceId) -> Option<MutexGuard<'_, ()>> {
        let hash = self.hasher.hash_one((&cx.tenant, id));
        let lock = usize::try_from(hash % Self::COUNT as u64).ok().and_then(|i| self.locks.get(i));
        match lock {
            Some(lock) => Some(lock.lock().await),
            None => None,
        }
    }
}
