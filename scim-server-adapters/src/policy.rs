//! What a principal may do, and how often: one hook for authorisation and rate limits
//! (RFC 7644 §7, RFC 6585 §4).

use std::time::Duration;

use async_trait::async_trait;
use scim_core::{ResourceId, ResourceType};

use crate::backend::{BackendError, RequestContext};

/// Decides on each action before it happens, on each operation of a bulk request too.
///
/// ```
/// use async_trait::async_trait;
/// use scim_server_adapters::{Action, ActionKind, BackendError, Policy, RequestContext, Verdict};
///
/// /// Auditors read and nothing else.
/// struct ReadOnlyForAuditors;
///
/// #[async_trait]
/// impl Policy for ReadOnlyForAuditors {
///     async fn decide(&self, cx: &RequestContext, action: &Action<'_>) -> Result<Verdict, BackendError> {
///         Ok(match action.kind {
///             kind if kind.is_write() && &*cx.principal == "auditor" => {
///                 Verdict::Deny("auditors cannot change anything".into())
///             }
///             _ => Verdict::Allow,
///         })
///     }
/// }
/// ```
#[async_trait]
pub trait Policy: Send + Sync + 'static {
    /// Whether the action may happen.
    ///
    /// # Errors
    /// When it cannot be decided at the moment; [`BackendError::Unavailable`] is 503.
    async fn decide(
        &self,
        cx: &RequestContext,
        action: &Action<'_>,
    ) -> Result<Verdict, BackendError>;
}

/// What is about to happen.
#[derive(Clone, Copy, Debug)]
pub struct Action<'a> {
    /// What it is.
    pub kind: ActionKind,
    /// The resource type it is about; `None` for discovery and for a bulk request as a whole.
    pub resource_type: Option<&'a ResourceType>,
    /// The resource it is about, where it is about one that exists.
    pub id: Option<&'a ResourceId>,
}

/// The kinds of actions. Non-exhaustive: the protocol grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ActionKind {
    /// Reading what the service provider offers.
    Discover,
    /// Querying resources of a type; a query over several types is decided for each.
    Query,
    /// Reading one resource.
    Read,
    /// Creating one.
    Create,
    /// Replacing one.
    Replace,
    /// Changing one.
    Patch,
    /// Deleting one.
    Delete,
    /// Sending a bulk request; its operations are decided one by one after it.
    Bulk,
}

impl ActionKind {
    /// Whether it changes a resource.
    #[must_use]
    pub const fn is_write(self) -> bool {
        matches!(self, Self::Create | Self::Replace | Self::Patch | Self::Delete)
    }
}

/// A decision. Exhaustive: these are the answers there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may happen.
    Allow,
    /// It may not: 403, with this detail.
    Deny(String),
    /// Not now: 429, with `Retry-After`.
    SlowDown(Duration),
}
