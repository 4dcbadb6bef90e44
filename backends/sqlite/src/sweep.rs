//! Removing what nobody sees any more, a batch at a time, while the writer has nothing else to do:
//! the member rows of deleted groups, and events that are kept no longer.
//!
//! Whoever reads member rows joins the group's own row, which is gone. So a group of a million is
//! deleted at once, and its rows go afterwards.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};
use scim_core::DateTime;

use crate::members::SWEEP;

/// Rows removed in one transaction: few enough that a write that comes meanwhile hardly waits.
const BATCH: u16 = 1_000;

/// The same for events, which lie side by side. More than are written while the writer is too busy
/// to remove any, so that the log does not grow then.
const EVENT_BATCH: u16 = 2_000;

pub(crate) const NEXT: &str = "SELECT group_key FROM scim_sweep LIMIT 1";

/// Older events have lower positions, as far as it matters here. The newest stays, whose position
/// the next is counted from.
pub(crate) const FORGET: &str = "
    DELETE FROM scim_event
    WHERE position IN (SELECT position FROM scim_event ORDER BY position LIMIT ?2)
        AND position < (SELECT max(position) FROM scim_event) AND time < ?1";

/// Removes one batch of member rows, in a transaction of its own; whether there may be more. The
/// caller rolls back on an error.
pub(crate) fn members(connection: &Connection) -> rusqlite::Result<bool> {
    let group: Option<i64> =
        connection.prepare_cached(NEXT)?.query_row([], |row| row.get(0)).optional()?;
    let Some(group) = group else { return Ok(false) };
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let removed = connection.prepare_cached(SWEEP)?.execute((group, BATCH))?;
    if removed < usize::from(BATCH) {
        connection
            .prepare_cached("DELETE FROM scim_sweep WHERE group_key = ?1")?
            .execute([group])?;
    }
    connection.prepare_cached("COMMIT")?.execute([])?;
    Ok(true)
}

/// Removes one batch of events; whether there may be more.
pub(crate) fn events(connection: &Connection, retention: Duration) -> rusqlite::Result<bool> {
    let micros = i64::try_from(retention.as_micros()).unwrap_or(i64::MAX);
    let before = DateTime::now().as_micros().saturating_sub(micros);
    let removed = connection.prepare_cached(FORGET)?.execute((before, EVENT_BATCH))?;
    // A few of a batch may have to stay: the newest, or what a clock that was wrong has dated.
    Ok(removed >= usize::from(EVENT_BATCH / 2))
}
