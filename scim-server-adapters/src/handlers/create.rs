//! POST on a resource type (RFC 7644 §3.3).

use std::sync::Arc;

use http::StatusCode;
use scim_core::{ResourceType, json};

use crate::backend::{BackendError, Change, Returning, Write};
use crate::exchange::{Answer, Exchange, sent};
use crate::handlers::reactivate::Again;
use crate::policy::ActionKind;
use crate::precondition::Precondition;

pub(crate) async fn create(x: &mut Exchange<'_>, resource_type: Arc<ResourceType>) -> Answer {
    x.admit(ActionKind::Create, Some(&resource_type), None).await?;
    let projection = x.projection(&resource_type)?;
    let body = json::parse_object(x.body()?)?;
    let (resource, secret) = x.ingest(&resource_type, body)?;
    let wanted = Arc::new(projection.with_sent(sent(&resource)));
    let returning = Returning::whole(&wanted);
    let again = Again::new(x, &resource, secret.as_ref());
    let write = Write {
        must_exist: x.must_exist_for(&resource),
        change: Change::Create { id: None, resource, secret },
        precondition: Precondition::NONE,
        returning: Some(returning.clone()),
        unique_display_name: x.unique_display_name(&resource_type),
        resource_type,
    };
    let written = match (x.service.backend.write(&x.cx, write).await, again) {
        (Err(conflict @ BackendError::Conflict { .. }), Some(again)) => {
            let written = again.write(x, returning).await?;
            written.ok_or_else(|| x.failed(&conflict, "the new resource"))?
        }
        (written, _) => written.map_err(|e| x.failed(&e, "the new resource"))?,
    };
    let stored = written.returned.ok_or_else(|| {
        x.failed(&BackendError::internal("a create returned no resource"), written.id.as_str())
    })?;
    x.resource(StatusCode::CREATED, &stored, &wanted)
}
