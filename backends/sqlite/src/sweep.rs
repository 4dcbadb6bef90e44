//! Removing the member rows of deleted groups, a batch at a time.
//!
//! Nobody sees them: whoever reads member rows joins the group's own row, which is gone. So a group
//! of a million is deleted at once, and its rows go while the writer has nothing else to do.

use rusqlite::{Connection, OptionalExtension};

use crate::members::SWEEP;

/// Rows removed in one transaction: few enough that a write that comes meanwhile hardly waits.
const BATCH: u16 = 1_000;

pub(crate) const NEXT: &str = "SELECT group_key FROM scim_sweep LIMIT 1";

/// Removes one batch, in a transaction of its own; whether there may be more. The caller rolls back
/// on an error.
pub(crate) fn some(connection: &Connection) -> rusqlite::Result<bool> {
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
