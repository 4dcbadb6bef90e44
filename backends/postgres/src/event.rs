//! Events as they are read.

use scim_backend_sql::event_kind;
use scim_core::{DateTime, ResourceId, ScimError, ScimType, Version};
use scim_server_adapters::{BackendError, Event, Position};
use tokio_postgres::types::{ToSql, Type};

use crate::error::Failure;
use crate::session::Session;

/// Events after a place, of transactions before which all have ended: one that ends later would put
/// its events before the place that a reader has reached.
pub(crate) const EVENTS: &str = "
    SELECT e.transaction::text, e.position, t.name, y.name, e.id, e.kind, e.version, e.principal,
        e.time
    FROM scim_event e
    JOIN scim_tenant t ON t.key = e.tenant
    JOIN scim_resource_type y ON y.key = e.type
    WHERE (e.transaction, e.position) > ($1::text::xid8, $2)
        AND e.transaction < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY e.transaction, e.position LIMIT $3";

const IS_AHEAD: &str = "SELECT $1::text::xid8 >= pg_snapshot_xmax(pg_current_snapshot())";

/// Makes events that came with a database from another server older than all that follow: the
/// numbers of transactions begin anew there.
pub(crate) const ADOPT: &str = "
    UPDATE scim_event SET transaction = '1'
    WHERE transaction >= pg_snapshot_xmax(pg_current_snapshot())";

pub(crate) async fn events(
    session: &Session,
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<Event>, Failure> {
    let (transaction, position) = match after {
        Some(position) => place(position)?,
        None => (0, 0),
    };
    let transaction = transaction.to_string();
    let parameters: [(&(dyn ToSql + Sync), Type); 3] =
        [(&transaction, Type::TEXT), (&position, Type::INT8), (&limit, Type::INT8)];
    let rows = session.query(EVENTS, &parameters).await?;
    if rows.is_empty() && after.is_some() {
        // Of a transaction that is still to come: the database was put back, or is another.
        let rows = session.query(IS_AHEAD, &[(&transaction, Type::TEXT)]).await?;
        if rows.first().map_or(Ok(false), |row| row.try_get(0))? {
            return Err(BackendError::from(no_position()).into());
        }
    }
    rows.iter()
        .map(|row| {
            let transaction: &str = row.try_get(0)?;
            let transaction: u64 = transaction.parse().map_err(BackendError::internal)?;
            let position: i64 = row.try_get(1)?;
            let bytes = [transaction.to_be_bytes(), position.to_be_bytes()].concat();
            Ok(Event {
                position: Position(bytes.into()),
                tenant: row.try_get::<_, &str>(2)?.into(),
                resource_type: row.try_get::<_, &str>(3)?.into(),
                id: ResourceId::new(row.try_get::<_, &str>(4)?)?,
                kind: event_kind(row.try_get(5)?)?,
                version: Version::from(row.try_get::<_, i64>(6)?.unsigned_abs()),
                principal: row.try_get::<_, &str>(7)?.into(),
                time: DateTime::from_micros(row.try_get(8)?)
                    .ok_or_else(|| BackendError::internal("a stored date is out of range"))?,
            })
        })
        .collect()
}

fn place(position: &Position) -> Result<(u64, i64), BackendError> {
    let place = position.0.split_first_chunk::<8>().and_then(|(transaction, rest)| {
        let position = <[u8; 8]>::try_from(rest).ok()?;
        Some((u64::from_be_bytes(*transaction), i64::from_be_bytes(position)))
    });
    place.ok_or_else(|| no_position().into())
}

fn no_position() -> ScimError {
    ScimError::new(ScimType::InvalidCursor, "the position is not one of this log")
}
