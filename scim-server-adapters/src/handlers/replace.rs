//! PUT on a resource (RFC 7644 §3.5.1).

use std::sync::Arc;

use http::StatusCode;
use scim_core::{ResourceId, ResourceType, json};

use crate::backend::{BackendError, Change, Returning, Write};
use crate::exchange::{Answer, Exchange, sent};
use crate::policy::ActionKind;
use crate::precondition::Precondition;

pub(crate) async fn replace(
    x: &mut Exchange<'_>,
    resource_type: Arc<ResourceType>,
    id: ResourceId,
) -> Answer {
    x.admit(ActionKind::Replace, Some(&resource_type), Some(&id)).await?;
    let projection = x.projection(&resource_type)?;
    let precondition = Precondition::from_headers(&x.parts.headers)?;
    let body = json::parse_object(x.body()?)?;
    let (resource, secret) = x.ingest(&resource_type, body)?;
    let wanted = Arc::new(projection.with_sent(sent(&resource)));
    let write = Write {
        must_exist: x.must_exist_for(&resource),
        change: Change::Replace { id: id.clone(), resource, secret },
        precondition,
        returning: Some(Returning::whole(&wanted)),
        unique_display_name: x.unique_display_name(&resource_type),
        resource_type,
    };
    let written = x.service.backend.write(&x.cx, write).await;
    let written = written.map_err(|e| x.failed(&e, id.as_str()))?;
    let stored = written.returned.ok_or_else(|| {
        x.failed(&BackendError::internal("a replace returned no resource"), id.as_str())
    })?;
    x.resource(StatusCode::OK, &stored, &wanted)
}
