//! A layer around a backend that measures its calls:
//!
//! - `scim_backend_calls_total` {call, result}
//! - `scim_backend_seconds` {call}, a histogram

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use scim_core::{ResourceId, ResourceType};

use crate::backend::{
    BackendError, Capabilities, Members, Page, Position, ProvisioningBackend, Query,
    RequestContext, Stored, UnitFailure, Wanted, Write, WriteUnit, Written,
};

pub(crate) struct Metered(pub(crate) Arc<dyn ProvisioningBackend>);

async fn measured<T>(
    call: &'static str,
    work: impl Future<Output = Result<T, BackendError>>,
) -> Result<T, BackendError> {
    let started = Instant::now();
    let result = work.await;
    let outcome = match &result {
        Ok(_) => "ok",
        Err(BackendError::NotFound) => "notFound",
        Err(BackendError::Conflict { .. }) => "conflict",
        Err(BackendError::PreconditionFailed) => "preconditionFailed",
        Err(BackendError::TooMany) => "tooMany",
        Err(BackendError::Unavailable { .. }) => "unavailable",
        Err(BackendError::Internal(_)) => "internal",
        Err(_) => "refused",
    };
    metrics::counter!("scim_backend_calls_total", "call" => call, "result" => outcome).increment(1);
    metrics::histogram!("scim_backend_seconds", "call" => call)
        .record(started.elapsed().as_secs_f64());
    result
}

#[async_trait]
impl ProvisioningBackend for Metered {
    fn capabilities(&self, cx: &RequestContext) -> Capabilities {
        self.0.capabilities(cx)
    }

    async fn get(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        wanted: &Wanted,
        member_limit: usize,
    ) -> Result<Stored, BackendError> {
        measured("get", self.0.get(cx, resource_type, id, wanted, member_limit)).await
    }

    async fn members(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        after: &Position,
        limit: usize,
    ) -> Result<Members, BackendError> {
        measured("members", self.0.members(cx, resource_type, id, after, limit)).await
    }

    async fn query(&self, cx: &RequestContext, query: &Query) -> Result<Page, BackendError> {
        measured("query", self.0.query(cx, query)).await
    }

    async fn write(&self, cx: &RequestContext, write: Write) -> Result<Written, BackendError> {
        measured("write", self.0.write(cx, write)).await
    }

    async fn write_all(
        &self,
        cx: &RequestContext,
        units: Vec<WriteUnit>,
        max_errors: Option<usize>,
    ) -> Result<Vec<Result<Vec<Written>, UnitFailure>>, BackendError> {
        measured("write_all", self.0.write_all(cx, units, max_errors)).await
    }
}
