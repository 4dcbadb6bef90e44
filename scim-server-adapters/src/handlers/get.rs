//! GET of one resource (RFC 7644 §3.4.1).

use std::sync::Arc;

use http::StatusCode;
use scim_core::{AttributeSet, ResourceId, ResourceType, Version};

use crate::backend::{BackendError, Stored, Wanted};
use crate::exchange::{Answer, Exchange, Failure};
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
    if !precondition.is_none() && resource_type.has_members() && wanted.wants("members") {
        // The version alone may decide, and then no members are read.
        let alone = Arc::new(AttributeSet::parse(&resource_type, &["id"], &[])?);
        let stored = read(x, &resource_type, &id, &alone).await?;
        if let Some(answer) = decided(x, &precondition, &id, &stored.version) {
            return answer;
        }
    }
    let stored = read(x, &resource_type, &id, &wanted).await?;
    // The version may be another than a moment ago, and the answer is about this one.
    decided(x, &precondition, &id, &stored.version)
        .unwrap_or_else(|| x.resource(StatusCode::OK, &stored, &wanted))
}

async fn read(
    x: &Exchange<'_>,
    resource_type: &Arc<ResourceType>,
    id: &ResourceId,
    wanted: &Wanted,
) -> Result<Stored, Failure> {
    let Inner { backend, limits, .. } = &**x.service;
    let stored = backend.get(&x.cx, resource_type, id, wanted, limits.members_at_once).await;
    stored.map_err(|e| x.failed(&e, id.as_str()))
}

/// The answer where the version decides what it is: 412 or 304.
fn decided(
    x: &Exchange<'_>,
    precondition: &Precondition,
    id: &ResourceId,
    version: &Version,
) -> Option<Answer> {
    if !precondition.if_match_holds(version) {
        return Some(Err(x.failed(&BackendError::PreconditionFailed, id.as_str())));
    }
    precondition.if_none_match_hits(version).then(|| {
        let mut response = x.no_content(Some(version));
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        Ok(response)
    })
}
