//! The kinds of events as numbers.

use scim_server_adapters::{BackendError, EventKind};

/// The number that stands for a kind of event.
#[must_use]
pub const fn event_code(kind: EventKind) -> i16 {
    match kind {
        EventKind::Created => 1,
        EventKind::Replaced => 2,
        EventKind::Patched => 3,
        EventKind::Deleted => 4,
    }
}

/// The kind of event that a number stands for.
///
/// # Errors
/// [`BackendError::Internal`] for another number.
pub fn event_kind(code: i16) -> Result<EventKind, BackendError> {
    use EventKind::{Created, Deleted, Patched, Replaced};
    let kinds = [Created, Replaced, Patched, Deleted];
    let kind = kinds.into_iter().find(|kind| event_code(*kind) == code);
    kind.ok_or_else(|| BackendError::internal(format!("no kind of event has number {code}")))
}
