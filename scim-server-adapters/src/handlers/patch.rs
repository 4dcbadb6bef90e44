//! PATCH on a resource (RFC 7644 §3.5.2).

use std::sync::Arc;

use http::StatusCode;
use scim_core::{PatchOp, ResourceId, ResourceType, json};
use scim_patch::PatchPlan;

use crate::backend::{Change, Returning, Write};
use crate::exchange::{Answer, Exchange};
use crate::policy::ActionKind;
use crate::precondition::Precondition;

pub(crate) async fn patch(
    x: &mut Exchange<'_>,
    resource_type: Arc<ResourceType>,
    id: ResourceId,
) -> Answer {
    x.admit(ActionKind::Patch, Some(&resource_type), Some(&id)).await?;
    let projection = x.projection(&resource_type)?;
    let precondition = Precondition::from_headers(&x.parts.headers)?;
    let body = json::parse_object(x.body()?)?;
    let patch = PatchOp::noting(body, &x.profile, &mut x.quirks.fired)?;
    let planned = PatchPlan::noting(&resource_type, patch, &x.profile, &mut x.quirks.fired)?;
    x.quirks.late.push(planned.late);
    // RFC 7644 §3.5.2: whoever asks for attributes gets a 200 with them.
    let explicit = projection.is_explicit();
    let wanted = Arc::new(projection.with_sent(planned.touched));
    let returning = if explicit || !x.patch_answers_no_content(&resource_type) {
        let max_members = (!explicit).then_some(x.service.limits.patch_members);
        let member_limit = x.service.limits.members_at_once;
        Some(Returning { wanted: Arc::clone(&wanted), max_members, member_limit })
    } else {
        None
    };
    let write = Write {
        must_exist: x.must_exist(|| planned.plan.references()),
        change: Change::Patch { id: id.clone(), plan: planned.plan },
        precondition,
        returning,
        unique_display_name: x.unique_display_name(&resource_type),
        resource_type,
    };
    let written = x.service.backend.write(&x.cx, write).await;
    let written = written.map_err(|e| x.failed(&e, id.as_str()))?;
    match written.returned {
        Some(stored) => x.resource(StatusCode::OK, &stored, &wanted),
        None => Ok(x.no_content(Some(&written.version))),
    }
}
