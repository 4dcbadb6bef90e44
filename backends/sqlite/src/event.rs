//! The log of changes: one row a change.
//!
//! Whoever writes holds the lock of the whole database, so positions are given in the order in which
//! they are committed, and nothing is ever committed before the position that a reader has reached.

use rusqlite::{Connection, Row};
use scim_backend_sql::{event_kind, number_of, position_of};
use scim_core::{DateTime, ResourceId, ScimError, ScimType, Version};
use scim_server_adapters::{BackendError, Event, Position};

use crate::error::Failure;

pub(crate) const RECORD: &str = "
    INSERT INTO scim_event (tenant, type, id, kind, version, principal, time)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

pub(crate) const EVENTS: &str = "
    SELECT e.position, t.name, y.name, e.id, e.kind, e.version, e.principal, e.time
    FROM scim_event e
    JOIN scim_tenant t ON t.key = e.tenant
    JOIN scim_resource_type y ON y.key = e.type
    WHERE e.position > ?1
    ORDER BY e.position LIMIT ?2";

pub(crate) const NEWEST: &str = "SELECT coalesce(max(position), 0) FROM scim_event";

/// The events after a position, or from the first that is kept.
pub(crate) fn events(
    connection: &Connection,
    after: Option<&Position>,
    limit: usize,
) -> Result<Vec<Event>, Failure> {
    let after = after.map_or(Ok(0), number_of)?;
    // A position beyond the newest event is one of a database that this one has replaced: going on
    // from it would miss what comes before it.
    let newest = connection.prepare_cached(NEWEST)?.query_row([], |row| row.get(0))?;
    if !(0..=newest).contains(&after) {
        let detail = "the position is not one of this log";
        return Err(ScimError::new(ScimType::InvalidCursor, detail).into());
    }
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(EVENTS)?;
    let mut rows = statement.query((after, limit))?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        events.push(event(row)?);
    }
    Ok(events)
}

fn event(row: &Row<'_>) -> Result<Event, Failure> {
    let text = |column| -> rusqlite::Result<&str> { Ok(row.get_ref(column)?.as_str()?) };
    Ok(Event {
        position: position_of(row.get(0)?),
        tenant: text(1)?.into(),
        resource_type: text(2)?.into(),
        id: ResourceId::new(text(3)?)?,
        kind: event_kind(row.get(4)?)?,
        version: Version::from(row.get::<_, i64>(5)?.unsigned_abs()),
        principal: text(6)?.into(),
        time: DateTime::from_micros(row.get(7)?)
            .ok_or_else(|| BackendError::internal("a stored date is out of range"))?,
    })
}
