//! Going through the resources of one store, a page at a time.

use std::sync::Arc;

use scim_core::{AttributeRef, ResourceId, ResourceType};

use super::list::{ListRequest, Listing};
use super::store::Store;
use crate::backend::{BackendError, RequestContext, Stored};

/// How many resources are read at a time.
const PAGE: usize = 500;

/// A walk over the resources of one type, in the order of the store's list.
pub(super) struct Walk<'a> {
    cx: &'a RequestContext,
    store: &'a dyn Store,
    resource_type: &'a Arc<ResourceType>,
    equal_to: Arc<[(AttributeRef, Box<str>)]>,
    after: Option<ResourceId>,
    ended: bool,
}

impl<'a> Walk<'a> {
    /// Over all of them, but those that are known not to have the values asked for.
    pub(super) fn new(
        cx: &'a RequestContext,
        store: &'a dyn Store,
        resource_type: &'a Arc<ResourceType>,
        equal_to: Arc<[(AttributeRef, Box<str>)]>,
        after: Option<ResourceId>,
    ) -> Self {
        Self { cx, store, resource_type, equal_to, after, ended: false }
    }

    /// Some more; none at the end.
    pub(super) async fn next(&mut self) -> Result<Vec<Stored>, BackendError> {
        if self.ended {
            return Ok(Vec::new());
        }
        let request = ListRequest::page(self.after.clone(), 0, PAGE, false)
            .looking_up(Arc::clone(&self.equal_to));
        let (page, _) = page_of(self.cx, self.store, self.resource_type, &request).await?;
        self.ended = page.is_last;
        self.after = page.resources.last().map(|last| last.id.clone());
        Ok(page.resources)
    }
}

/// A page of a list.
pub(super) struct ListPage {
    pub(super) resources: Vec<Stored>,
    /// Whether nothing comes after it.
    pub(super) is_last: bool,
}

/// The page that is asked for, and the total if the store knows it.
pub(super) async fn page_of(
    cx: &RequestContext,
    store: &dyn Store,
    resource_type: &Arc<ResourceType>,
    request: &ListRequest,
) -> Result<(ListPage, Option<u64>), BackendError> {
    match store.list(cx, resource_type, request).await? {
        Listing::All(mut resources) => {
            let total = resources.len() as u64;
            resources.sort_by(|a, b| a.id.cmp(&b.id));
            let mut resources: Vec<Stored> = match &request.after {
                Some(after) => resources.into_iter().filter(|r| r.id > *after).collect(),
                None => resources,
            };
            let offset = usize::try_from(request.offset).unwrap_or(usize::MAX).min(resources.len());
            resources.drain(..offset);
            let is_last = resources.len() <= request.limit;
            resources.truncate(request.limit);
            Ok((ListPage { resources, is_last }, Some(total)))
        }
        Listing::Page { mut resources, total } => {
            // A list that does not go on would be walked for ever.
            if resources.iter().any(|r| Some(&r.id) == request.after.as_ref()) {
                let name = resource_type.name();
                return Err(BackendError::internal(format!(
                    "the list of type `{name}` gave the resource again that it was to go on after"
                )));
            }
            let is_last = resources.len() < request.limit;
            resources.truncate(request.limit);
            Ok((ListPage { resources, is_last }, total))
        }
    }
}
