//! A product's store, whatever form its resources have, in the terms of backends.

use std::any::Any;
use std::collections::HashSet;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use scim_core::{DateTime, Member, Meta, Resource, ResourceId, ResourceType, Version};
use serde_json::Value;

use super::compare_and_swap::Content;
use super::list::{ListRequest, Listing};
use super::version;
use super::view::View;
use super::{New, ResourceStore};
use crate::backend::{BackendError, Body, Members, RequestContext, Stored};

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
        whole: Whole,
    ) -> Result<ListPage, BackendError>;

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

/// Whether a list that is given as a whole is to be cut to the page asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    AtOnce,
    InPages,
}

/// A page of a list.
pub(super) struct ListPage {
    pub(super) resources: Vec<Stored>,
    /// Whether nothing comes after it.
    pub(super) is_last: bool,
    /// How many there are on all pages, if the store says so.
    pub(super) total: Option<u64>,
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
        whole: Whole,
    ) -> Result<ListPage, BackendError> {
        let (resources, is_last, total) = match self.store.list(cx, request).await? {
            Listing::All(resources) => {
                let total = resources.len() as u64;
                let (resources, is_last) = part_of(resources, request, whole);
                (resources, is_last, Some(total))
            }
            Listing::Page { mut resources, total } => {
                // A list that does not go on would be walked for ever.
                if request.after.is_some()
                    && resources.iter().any(|r| r.id() == request.after.as_ref())
                {
                    return Err(wrong(resource_type, "is listed again, after itself"));
                }
                let is_last = resources.len() < request.limit;
                resources.truncate(request.limit);
                (resources, is_last, total)
            }
        };
        let resources = resources.iter().map(|resource| stored(resource_type, resource));
        Ok(ListPage { resources: resources.collect::<Result<_, _>>()?, is_last, total })
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

/// The page that is asked for of a whole list, and whether it is the last.
fn part_of<T: View>(mut resources: Vec<T>, request: &ListRequest, whole: Whole) -> (Vec<T>, bool) {
    resources.sort_by(|a, b| a.id().cmp(&b.id()));
    if request.after.is_some() {
        resources.retain(|resource| resource.id() > request.after.as_ref());
    }
    let offset = usize::try_from(request.offset).unwrap_or(usize::MAX).min(resources.len());
    resources.drain(..offset);
    let is_last = whole == Whole::AtOnce || resources.len() <= request.limit;
    if whole == Whole::InPages {
        resources.truncate(request.limit);
    }
    (resources, is_last)
}

fn incoming<T: View>(new: New<Resource>) -> Result<New<T>, BackendError> {
    let New { id, resource, password, unique_display_name } = new;
    Ok(New { id, resource: T::from_resource(&resource)?, password, unique_display_name })
}

fn wrong(resource_type: &ResourceType, what: &str) -> BackendError {
    BackendError::internal(format!("a resource of type `{}` {what}", resource_type.name()))
}

/// The date of what the product has no date of: the answers need one.
fn unknown() -> DateTime {
    DateTime::from_micros(0).unwrap_or_else(DateTime::now)
}

/// What the product gives of a resource. `references` are not looked for.
fn stored<T: View>(resource_type: &Arc<ResourceType>, given: &T) -> Result<Stored, BackendError> {
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
        members: members.map(Members::to_the_end),
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

/// A resource of that content on its way to the product: a new one, or what takes the place of
/// `current`. What else comes with it is to be filled in.
pub(super) fn outgoing(
    cx: &RequestContext,
    resource_type: &Arc<ResourceType>,
    id: ResourceId,
    current: Option<&Stored>,
    content: Content,
) -> New<Resource> {
    let created = current.map_or(cx.now, |current| current.created);
    let meta = Meta {
        resource_type: Some(resource_type.name().to_string()),
        created: Some(created).filter(|created| *created != unknown()),
        last_modified: Some(cx.now),
        location: None,
        version: None,
    };
    let resource = content.into_resource(resource_type).identified(id.clone(), meta);
    New::of(id, resource)
}
