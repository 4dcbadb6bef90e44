//! A product's store, whatever form its resources have, in the terms of backends.

use std::any::Any;
use std::collections::HashSet;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use scim_core::{
    DateTime, Member, Meta, Resource, ResourceId, ResourceType, Secret, Version,
};
use serde_json::Value;

use super::compare_and_swap::Content;
use super::list::{ListRequest, Listing};
use super::version;
use super::view::View;
use super::{New, ResourceStore};
use crate::backend::{BackendError, Body, RequestContext, Stored};

/// A [`ResourceStore`] of some form.
#[async_trait]
pub(super) trait Store: Send + Sync {
    fn keeps_passwords(&self) -> bool;

    async fn create(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        new: New<Resource>,
    ) -> Result<Stored, BackendError>;

    async fn get(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
    ) -> Result<Option<Held>, BackendError>;

    async fn list(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        request: &ListRequest,
    ) -> Result<Listing<Stored>, BackendError>;

    async fn replace(
        &self,
        cx: &RequestContext,
        current: &Held,
        new: New<Resource>,
    ) -> Result<Stored, BackendError>;

    async fn delete(&self, cx: &RequestContext, current: &Held) -> Result<(), BackendError>;
}

/// A resource, and the very value that the product gave: what it is compared with on a change.
pub(super) struct Held {
    /// With all its members, and with groups where the product gave any.
    pub(super) stored: Stored,
    original: Box<dyn Any + Send + Sync>,
}

/// A store of resources in the form `T`.
pub(super) struct Typed<T, S> {
    store: S,
    form: PhantomData<fn() -> T>,
}

impl<T: View, S: ResourceStore<T>> Typed<T, S> {
    pub(super) const fn new(store: S) -> Self {
        Self { store, form: PhantomData }
    }
}

impl Held {
    fn original<T: 'static>(&self) -> Result<&T, BackendError> {
        let original = self.original.downcast_ref();
        original.ok_or_else(|| BackendError::internal("a resource of another store"))
    }
}

#[async_trait]
impl<T: View, S: ResourceStore<T>> Store for Typed<T, S> {
    fn keeps_passwords(&self) -> bool {
        S::KEEPS_PASSWORDS
    }

    async fn create(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        new: New<Resource>,
    ) -> Result<Stored, BackendError> {
        let kept = self.store.create(cx, incoming(new)?).await?;
        stored(resource_type, &kept)
    }

    async fn get(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
    ) -> Result<Option<Held>, BackendError> {
        let Some(original) = self.store.get(cx, id).await? else { return Ok(None) };
        let stored = stored(resource_type, &original)?;
        if stored.id != *id {
            return Err(wrong(resource_type, "asked for by its id, came with another"));
        }
        Ok(Some(Held { stored, original: Box::new(original) }))
    }

    async fn list(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        request: &ListRequest,
    ) -> Result<Listing<Stored>, BackendError> {
        let all = |resources: Vec<T>| -> Result<Vec<Stored>, BackendError> {
            resources.iter().map(|resource| stored(resource_type, resource)).collect()
        };
        Ok(match self.store.list(cx, request).await? {
            Listing::All(resources) => Listing::All(all(resources)?),
            Listing::Page { resources, total } => {
                Listing::Page { resources: all(resources)?, total }
            }
        })
    }

    async fn replace(
        &self,
        cx: &RequestContext,
        current: &Held,
        new: New<Resource>,
    ) -> Result<Stored, BackendError> {
        let kept = self.store.replace(cx, current.original()?, incoming(new)?).await?;
        let stored = stored(&current.stored.resource_type, &kept)?;
        if stored.id != current.stored.id {
            return Err(wrong(&stored.resource_type, "has another id after it was replaced"));
        }
        Ok(stored)
    }

    async fn delete(&self, cx: &RequestContext, current: &Held) -> Result<(), BackendError> {
        self.store.delete(cx, &current.stored.id, current.original()?).await
    }
}

fn incoming<T: View>(new: New<Resource>) -> Result<New<T>, BackendError> {
    Ok(New { id: new.id, resource: T::from_resource(&new.resource)?, password: new.password })
}

fn wrong(resource_type: &ResourceType, what: &str) -> BackendError {
    BackendError::internal(format!("a resource of type `{}` {what}", resource_type.name()))
}

/// The date of what the product has no date of: the answers need one.
fn unknown() -> DateTime {
    DateTime::from_micros(0).unwrap_or_else(DateTime::now)
}

/// What the product gives of a resource. `references` are not looked for.
fn stored<T: View>(
    resource_type: &Arc<ResourceType>,
    given: &T,
) -> Result<Stored, BackendError> {
    let mut resource = given
        .to_resource_of(resource_type)
        .map_err(|e| wrong(resource_type, &format!("does not fit its schemas: {e}")))?;
    drop(resource.take_secret());
    let id = resource.id().cloned().ok_or_else(|| wrong(resource_type, "came without its id"))?;
    let Meta { created, last_modified, version, .. } = resource.meta().cloned().unwrap_or_default();
    let mut attributes = resource.into_attributes();
    let members = resource_type
        .has_members()
        .then(|| rows(&attributes.remove("members").unwrap_or_default()));
    let groups = if resource_type.has_groups() { attributes.remove("groups") } else { None };
    let version = match version {
        Some(text) => Version::from_etag(&text)
            .or_else(|| Version::new(text))
            .ok_or_else(|| wrong(resource_type, "has a version that no ETag can hold"))?,
        None => {
            let members = members.as_deref().unwrap_or_default();
            version::of_content(&id, last_modified, &attributes, members)
        }
    };
    Ok(Stored {
        resource_type: Arc::clone(resource_type),
        id,
        version,
        created: created.unwrap_or_else(unknown),
        last_modified: last_modified.or(created).unwrap_or_else(unknown),
        body: Body::Attributes(attributes),
        members,
        groups: groups.map(|groups| rows(&groups)),
        references: Vec::new(),
    })
}

/// References as the product gives them, each `value` once: one whose type it knows is taken to
/// exist.
fn rows(elements: &Value) -> Vec<Member> {
    let mut seen = HashSet::new();
    let elements = elements.as_array().map(Vec::as_slice).unwrap_or_default();
    let rows = elements.iter().filter_map(|element| {
        let row = Member::from_json(element)?;
        let display = element.get("display").and_then(Value::as_str).map(Arc::from);
        Some(Member { display, exists: row.resource_type.is_some(), ..row })
    });
    rows.filter(|row| seen.insert(Arc::clone(&row.value))).collect()
}

/// A resource on its way to the product: a new one, or what takes the place of `current`.
pub(super) fn outgoing(
    cx: &RequestContext,
    id: ResourceId,
    content: Content,
    resource_type: &Arc<ResourceType>,
    current: Option<&Stored>,
    password: Option<Secret>,
) -> New<Resource> {
    let Content { mut attributes, members } = content;
    if !members.is_empty() {
        let members = members.iter().map(|m| Value::Object(m.to_json())).collect();
        attributes.insert("members".to_owned(), members);
    }
    let created = current.map_or(cx.now, |current| current.created);
    let meta = Meta {
        resource_type: Some(resource_type.name().to_string()),
        created: Some(created).filter(|created| *created != unknown()),
        last_modified: Some(cx.now),
        location: None,
        version: None,
    };
    let resource = Resource::from_canonical(Arc::clone(resource_type), attributes);
    New { resource: resource.identified(id.clone(), meta), id, password }
}
