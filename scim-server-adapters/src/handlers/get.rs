//! GET of one resource (RFC 7644 §3.4.1).

use std::sync::Arc;

use http::StatusCode;
use scim_core::{ResourceId, ResourceType};

use crate::backend::BackendError;
use crate::exchange::{Answer, Exchange};
use crate::policy::ActionKind;
use crate::precondition::Precondition;
use crate::service::Inner;

pub(crate) async fn get(
    x: &mut Exchange<'_>,
    resource_type: Arc<ResourceType>,
    id: ResourceId,
) -> Answer {
    x.admit(ActionKind::Read, Some(&resource_type), Some(&id)).await?;
    let wanted = Arc::new(x.projection(&resource_type)?);
    let precondition = Precondition::from_headers(&x.parts.headers)?;
    let Inner { backend, limits, .. } = &**x.service;
    let stored = backend.get(&x.cx, &resource_type, &id, &wanted, limits.members_at_once).await;
    let stored = stored.map_err(|e| x.failed(&e, id.as_str()))?;
    if !precondition.if_match_holds(&stored.version) {
        return Err(x.failed(&BackendError::PreconditionFailed, id.as_str()));
    }
    if precondition.if_none_match_hits(&stored.version) {
        let mut response = x.no_content(Some(&stored.version));
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    x.resource(StatusCode::OK, &stored, &wanted)
}
