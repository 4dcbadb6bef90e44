//! Going through the resources of one store, a page at a time.

use std::sync::Arc;

use scim_core::{AttributeRef, ResourceId, ResourceType};

use super::list::ListRequest;
use super::store::{Store, Whole};
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
        let page = self.store.list(self.cx, self.resource_type, &request, Whole::AtOnce).await?;
        self.ended = page.is_last;
        self.after = page.resources.last().map(|last| last.id.clone());
        Ok(page.resources)
    }
}
