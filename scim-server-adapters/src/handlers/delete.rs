//! DELETE on a resource (RFC 7644 §3.6).

use std::sync::Arc;

use scim_core::{ResourceId, ResourceType};

use crate::backend::{Change, Write};
use crate::exchange::{Answer, Exchange};
use crate::policy::ActionKind;
use crate::precondition::Precondition;

pub(crate) async fn delete(
    x: &mut Exchange<'_>,
    resource_type: Arc<ResourceType>,
    id: ResourceId,
) -> Answer {
    x.admit(ActionKind::Delete, Some(&resource_type), Some(&id)).await?;
    let precondition = Precondition::from_headers(&x.parts.headers)?;
    let write = Write {
        change: Change::Delete { id: id.clone() },
        precondition,
        returning: None,
        unique_display_name: false,
        must_exist: Vec::new(),
        resource_type,
    };
    x.service.backend.write(&x.cx, write).await.map_err(|e| x.failed(&e, id.as_str()))?;
    Ok(x.no_content(None))
}
