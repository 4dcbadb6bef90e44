//! What resources have to do with each other, over all stores: who a member or a manager is, and
//! which groups hold whom.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use scim_core::{Attribute, Member, Reference, ResourceId, refers_to_resource};
use serde_json::{Map, Value};

use super::backend::CrudBackend;
use super::walk::Walk;
use crate::backend::{BackendError, Body, RequestContext, Stored, Wanted};

/// Looks things up for one request, each of them once.
pub(super) struct Relations<'a> {
    backend: &'a CrudBackend,
    cx: &'a RequestContext,
    /// How many groups may be read.
    work_limit: usize,
    groups_read: usize,
    /// What was looked up; `None` for what does not exist.
    known: HashMap<Arc<str>, Option<Member>>,
    /// The groups of everybody, once they have been read.
    groups_of: Option<HashMap<Arc<str>, Vec<Member>>>,
}

impl<'a> Relations<'a> {
    pub(super) fn new(backend: &'a CrudBackend, cx: &'a RequestContext, work_limit: usize) -> Self {
        Self { backend, cx, work_limit, groups_read: 0, known: HashMap::new(), groups_of: None }
    }

    /// A resource as the store gives it, with what the answer holds of others, and without the
    /// members that it does not hold.
    pub(super) async fn complete(
        &mut self,
        mut stored: Stored,
        wanted: &Wanted,
    ) -> Result<Stored, BackendError> {
        if !wanted.wants("members") {
            stored.members = None;
        }
        if stored.resource_type.has_groups() && wanted.wants("groups") {
            match &mut stored.groups {
                Some(given) => self.backend.vouch_for_groups(given),
                None => stored.groups = self.groups_to_show(&stored.id).await?,
            }
        } else {
            stored.groups = None;
        }
        let mut references = Vec::new();
        for value in referred_to(&stored, wanted) {
            references.extend(self.known(&value).await?);
        }
        stored.references = references;
        Ok(stored)
    }

    /// The resource that a value refers to, if it exists.
    async fn known(&mut self, value: &str) -> Result<Option<Member>, BackendError> {
        if let Some(known) = self.known.get(value) {
            return Ok(known.clone());
        }
        let found = self.find(value).await?;
        self.known.insert(value.into(), found.clone());
        Ok(found)
    }

    /// A product's stores share no transaction: what is deleted right after the look is not noticed.
    ///
    /// # Errors
    /// [`Reference::dangles`] for the first that does not exist.
    pub(super) async fn all_exist(&mut self, references: &[Reference]) -> Result<(), BackendError> {
        for reference in references {
            if self.known(&reference.value).await?.is_none() {
                return Err(reference.dangles().into());
            }
        }
        Ok(())
    }

    async fn find(&self, value: &str) -> Result<Option<Member>, BackendError> {
        let Ok(id) = ResourceId::new(value) else { return Ok(None) };
        for registered in self.backend.registered() {
            let resource_type = &registered.resource_type;
            if let Some(held) = registered.store.get(self.cx, resource_type, &id).await? {
                return Ok(Some(reference_to(&held.stored)));
            }
        }
        Ok(None)
    }

    /// Members that a write makes, with what their stores know: those that stay are as they were,
    /// new ones have their type if they exist, and none if they do not, whatever the client said.
    pub(super) async fn recognise(
        &mut self,
        before: &[Member],
        after: &mut [Member],
    ) -> Result<(), BackendError> {
        let before: HashMap<&str, &Member> = before.iter().map(|m| (&*m.value, m)).collect();
        for member in after {
            *member = match before.get(&*member.value) {
                Some(present) => (*present).clone(),
                None => {
                    let known = self.known(&member.value).await?;
                    let unknown = || Member::new(Arc::clone(&member.value));
                    Member { display: None, ..known.unwrap_or_else(unknown) }
                }
            };
        }
        Ok(())
    }

    /// The groups of a user for an answer. Too many to look at are no reason to refuse the user.
    async fn groups_to_show(
        &mut self,
        id: &ResourceId,
    ) -> Result<Option<Vec<Member>>, BackendError> {
        if self.backend.leaves_membership() {
            return Ok(None);
        }
        match self.groups_holding(id).await {
            Ok(groups) => Ok(Some(groups)),
            Err(BackendError::TooMany) => {
                tracing::warn!(
                    limit = self.work_limit,
                    "there are more groups than may be looked at: users are shown without theirs; \
                     let the list of groups answer `members.value`"
                );
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The groups that have a resource as a member.
    ///
    /// They are looked up by it. A store of groups that gives others too has not looked: then all
    /// groups are read, once.
    ///
    /// # Errors
    /// [`BackendError::TooMany`] beyond the work limit.
    pub(super) async fn groups_holding(
        &mut self,
        id: &ResourceId,
    ) -> Result<Vec<Member>, BackendError> {
        if self.groups_of.is_none() {
            if let Some(groups) = self.look_up_groups(id).await? {
                return Ok(groups);
            }
            self.read_all_groups().await?;
        }
        let all = self.groups_of.as_ref();
        Ok(all.and_then(|all| all.get(id.as_str())).cloned().unwrap_or_default())
    }

    /// `None` when the store does not look up members.
    async fn look_up_groups(
        &mut self,
        id: &ResourceId,
    ) -> Result<Option<Vec<Member>>, BackendError> {
        let mut groups = Vec::new();
        for registered in self.backend.registered().filter(|r| r.resource_type.has_members()) {
            let resource_type = &registered.resource_type;
            let asked = resource_type.attribute("members.value").map(|a| (a, id.as_str().into()));
            let asked = asked.into_iter().collect();
            let mut walk = Walk::new(self.cx, &*registered.store, resource_type, asked, None);
            loop {
                let some = walk.next().await?;
                if some.is_empty() {
                    break;
                }
                self.count(some.len())?;
                for group in some {
                    if !group.all_members()?.iter().any(|m| *m.value == *id.as_str()) {
                        return Ok(None);
                    }
                    groups.push(reference_to(&group));
                }
            }
        }
        Ok(Some(groups))
    }

    /// Reads all groups, so that those of anybody are at hand.
    pub(super) async fn read_all_groups(&mut self) -> Result<(), BackendError> {
        if self.groups_of.is_some() {
            return Ok(());
        }
        self.groups_read = 0;
        let mut groups_of: HashMap<Arc<str>, Vec<Member>> = HashMap::new();
        for registered in self.backend.registered().filter(|r| r.resource_type.has_members()) {
            let resource_type = &registered.resource_type;
            let all = Arc::default();
            let mut walk = Walk::new(self.cx, &*registered.store, resource_type, all, None);
            loop {
                let some = walk.next().await?;
                if some.is_empty() {
                    break;
                }
                self.count(some.len())?;
                for group in some {
                    let reference = reference_to(&group);
                    for member in group.all_members()? {
                        groups_of
                            .entry(Arc::clone(&member.value))
                            .or_default()
                            .push(reference.clone());
                    }
                }
            }
        }
        self.groups_of = Some(groups_of);
        Ok(())
    }

    fn count(&mut self, groups: usize) -> Result<(), BackendError> {
        self.groups_read += groups;
        if self.groups_read > self.work_limit { Err(BackendError::TooMany) } else { Ok(()) }
    }
}

/// A reference to a resource, with what that says of itself.
fn reference_to(stored: &Stored) -> Member {
    let display = match &stored.body {
        Body::Attributes(attributes) => stored.resource_type.display_name(attributes),
        Body::Json(_) => None,
    };
    Member {
        resource_type: Some(Arc::clone(stored.resource_type.name())),
        display: display.map(Arc::from),
        exists: true,
        ..Member::new(stored.id.as_str())
    }
}

/// The values that refer to other resources, of the attributes that are wanted: members and groups
/// are not among them.
fn referred_to(stored: &Stored, wanted: &Wanted) -> HashSet<String> {
    let Body::Attributes(attributes) = &stored.body else { return HashSet::new() };
    let mut found = HashSet::new();
    let resource_type = &stored.resource_type;
    collect(resource_type.schema().attributes(), "", attributes, wanted, &mut found);
    for extension in resource_type.extensions() {
        let id = extension.schema.id();
        if let Some(Value::Object(object)) = attributes.get(id) {
            let prefix = format!("{id}:");
            collect(extension.schema.attributes(), &prefix, object, wanted, &mut found);
        }
    }
    found
}

fn collect(
    attributes: &[Arc<Attribute>],
    prefix: &str,
    object: &Map<String, Value>,
    wanted: &Wanted,
    found: &mut HashSet<String>,
) {
    for attribute in attributes.iter().filter(|a| refers_to_resource(a)) {
        let Some(value) = object.get(&attribute.name) else { continue };
        if !wanted.wants(&format!("{prefix}{}", attribute.name)) {
            continue;
        }
        let elements = match value {
            Value::Array(elements) => elements.as_slice(),
            single => std::slice::from_ref(single),
        };
        let values = elements.iter().filter_map(|e| e.get("value")?.as_str());
        found.extend(values.map(str::to_owned));
    }
}
