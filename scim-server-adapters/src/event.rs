//! What changed, as stores record it.

use std::sync::Arc;

use async_trait::async_trait;
use scim_core::{DateTime, ResourceId, Version};

use crate::backend::{BackendError, Change, Position};

/// The log of changes that a store writes along with them: a source for audit logs, webhooks, and
/// the like (an outbox).
///
/// Each write that changed something has one event, written in its transaction, so that neither is
/// there without the other. It says what changed, not how: whoever wants more reads the resource.
/// When a member is deleted, its groups get a new version, but no event of their own.
///
/// A log is read by the product, never by a client: it is of all tenants. A reader keeps the position
/// that it has reached, best where its work goes and in the same transaction:
///
/// ```
/// use scim_server_adapters::{BackendError, Event, EventLog, Position};
/// # struct Audit;
/// # impl Audit {
/// #     async fn reached(&self) -> Option<Position> { None }
/// #     async fn note(&self, _: &Event) {}
/// # }
///
/// /// Called again after a while.
/// async fn catch_up(log: &dyn EventLog, audit: &Audit) -> Result<(), BackendError> {
///     loop {
///         let events = log.events(audit.reached().await.as_ref(), 100).await?;
///         if events.is_empty() {
///             return Ok(());
///         }
///         for event in &events {
///             // And that its position is the one that was reached.
///             audit.note(event).await;
///         }
///     }
/// }
/// # let _ = catch_up;
/// ```
#[async_trait]
pub trait EventLog: Send + Sync + 'static {
    /// The events after a position, or from the first that is kept, in the order in which they are
    /// to be read; at most `limit`.
    ///
    /// Reading on after the last position gives every event exactly once, also those of writes that
    /// were under way: an event may appear later than its write is acknowledged, but never before
    /// the position that a reader has reached. A write that began after another was acknowledged
    /// comes after it; for two on one resource at the same time, the version tells. What a store
    /// keeps no longer is not told of.
    ///
    /// # Errors
    /// 400 `invalidCursor` when the position is not one of this log;
    /// [`BackendError::Unavailable`].
    async fn events(
        &self,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Event>, BackendError>;
}

/// A change of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place in the log.
    pub position: Position,
    /// The tenant.
    pub tenant: Arc<str>,
    /// The name of the resource type.
    pub resource_type: Arc<str>,
    /// The id of the resource.
    pub id: ResourceId,
    /// What happened to it.
    pub kind: EventKind,
    /// The version it got; after a delete, the last it had.
    pub version: Version,
    /// Who did it: [`RequestContext::principal`](crate::RequestContext::principal).
    pub principal: Arc<str>,
    /// When: [`RequestContext::now`](crate::RequestContext::now).
    pub time: DateTime,
}

/// What happened to a resource. Exhaustive: these are the writes of RFC 7644 §3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// It was made (§3.3).
    Created,
    /// It was replaced (§3.5.1).
    Replaced,
    /// It was changed in part, which may be its members only (§3.5.2).
    Patched,
    /// It was deleted (§3.6).
    Deleted,
}

impl EventKind {
    /// What a write does to its resource, if it changes it.
    #[must_use]
    pub const fn of(change: &Change) -> Self {
        match change {
            Change::Create { .. } => Self::Created,
            Change::Replace { .. } => Self::Replaced,
            Change::Patch { .. } => Self::Patched,
            Change::Delete { .. } => Self::Deleted,
        }
    }
}
