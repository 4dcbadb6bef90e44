//! A memory backend whose requests and answers a test may spoil.

use std::sync::Arc;

use async_trait::async_trait;
use scim_core::{ResourceId, ResourceType};
use scim_server_adapters::{
    BackendError, Capabilities, Event, EventLog, Members, MemoryBackend, Page, Position,
    ProvisioningBackend, Query, RequestContext, Stored, UnitFailure, Wanted, Write, WriteUnit,
    Written,
};

type Units = Result<Vec<Result<Vec<Written>, UnitFailure>>, BackendError>;

/// What a layer does between the contract and the memory backend: by default, nothing.
#[async_trait]
pub(crate) trait Layer: Send + Sync + Sized + 'static {
    fn context(&self, cx: &RequestContext) -> RequestContext {
        cx.clone()
    }
    fn capabilities(&self, of_memory: Capabilities) -> Capabilities {
        of_memory
    }
    async fn get(
        &self,
        memory: &MemoryBackend,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        wanted: &Wanted,
        member_limit: usize,
    ) -> Result<Stored, BackendError> {
        memory.get(cx, resource_type, id, wanted, member_limit).await
    }
    async fn members(
        &self,
        memory: &MemoryBackend,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        after: &Position,
        limit: usize,
    ) -> Result<Members, BackendError> {
        memory.members(cx, resource_type, id, after, limit).await
    }
    async fn query(
        &self,
        memory: &MemoryBackend,
        cx: &RequestContext,
        query: Query,
    ) -> Result<Page, BackendError> {
        memory.query(cx, &query).await
    }
    async fn write(
        &self,
        memory: &MemoryBackend,
        cx: &RequestContext,
        write: Write,
    ) -> Result<Written, BackendError> {
        memory.write(cx, write).await
    }
    async fn write_all(
        &self,
        memory: &MemoryBackend,
        cx: &RequestContext,
        units: Vec<WriteUnit>,
        max_errors: Option<usize>,
    ) -> Units {
        memory.write_all(cx, units, max_errors).await
    }
    async fn events(
        &self,
        memory: &MemoryBackend,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Event>, BackendError> {
        memory.events(after, limit).await
    }
}

/// The memory backend under a layer.
pub(crate) struct Layered<L> {
    layer: L,
    memory: MemoryBackend,
}

impl<L: Layer> Layered<L> {
    pub(crate) fn new(layer: L) -> Self {
        Self { layer, memory: MemoryBackend::new() }
    }
}

#[async_trait]
impl<L: Layer> ProvisioningBackend for Layered<L> {
    fn capabilities(&self, cx: &RequestContext) -> Capabilities {
        self.layer.capabilities(self.memory.capabilities(cx))
    }

    async fn get(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        wanted: &Wanted,
        member_limit: usize,
    ) -> Result<Stored, BackendError> {
        let cx = self.layer.context(cx);
        self.layer.get(&self.memory, &cx, resource_type, id, wanted, member_limit).await
    }

    async fn members(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        after: &Position,
        limit: usize,
    ) -> Result<Members, BackendError> {
        let cx = self.layer.context(cx);
        self.layer.members(&self.memory, &cx, resource_type, id, after, limit).await
    }

    async fn query(&self, cx: &RequestContext, query: &Query) -> Result<Page, BackendError> {
        self.layer.query(&self.memory, &self.layer.context(cx), query.clone()).await
    }

    async fn write(&self, cx: &RequestContext, write: Write) -> Result<Written, BackendError> {
        self.layer.write(&self.memory, &self.layer.context(cx), write).await
    }

    async fn write_all(
        &self,
        cx: &RequestContext,
        units: Vec<WriteUnit>,
        max_errors: Option<usize>,
    ) -> Units {
        self.layer.write_all(&self.memory, &self.layer.context(cx), units, max_errors).await
    }
}

#[async_trait]
impl<L: Layer> EventLog for Layered<L> {
    async fn events(
        &self,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Event>, BackendError> {
        self.layer.events(&self.memory, after, limit).await
    }
}
