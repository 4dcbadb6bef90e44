//! What rows were derived by: when the registered schemas, the options or the folding of text
//! change over existing data, the rows follow.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension};
use scim_backend_sql::{Layout, UniqueConflict, UniqueConflicts};
use serde_json::{Map, Value};

use crate::change::UPDATE_COLUMNS;
use crate::error::OpenError;
use crate::values::{Bound, Taken, ValueRows};

/// Resources that are read at once.
const CHUNK: u16 = 500;

const SOME_DOCUMENTS: &str = "
    SELECT key, tenant, type, id, document FROM scim_resource
    WHERE key > ?1 ORDER BY key LIMIT ?2";

const HOLDER: &str = "
    SELECT t.name, r.id
    FROM scim_unique_value v
    JOIN scim_resource r ON r.key = v.resource
    JOIN scim_tenant t ON t.key = v.tenant
    WHERE v.tenant = ?1 AND v.attribute = ?2 AND v.value = ?3";

/// Makes what is derived from documents fit the layout, if it was derived by another. The
/// connection is in a transaction, which must be rolled back on an error.
///
/// Resources of types that are not registered are left alone and claim no values; should their type
/// come back, the fingerprint changes again.
///
/// # Errors
/// [`OpenError::Conflicts`] when resources share a value that must now be unique.
pub(crate) fn settle(connection: &Connection, layout: &Layout) -> Result<(), OpenError> {
    let new = layout.fingerprint();
    let old: Option<String> = connection
        .query_row("SELECT text FROM scim_fingerprint", [], |row| row.get(0))
        .optional()?;
    if old.as_ref() == Some(&new) {
        return Ok(());
    }
    rebuild(connection, layout)?;
    connection
        .execute("INSERT OR REPLACE INTO scim_fingerprint (only, text) VALUES (1, ?1)", [new])?;
    Ok(())
}

struct Row {
    key: i64,
    tenant: i64,
    resource_type: i64,
    id: String,
    document: String,
}

fn rebuild(connection: &Connection, layout: &Layout) -> Result<(), OpenError> {
    // What was unique on demand stays so; the demand itself is kept nowhere else.
    let demanding = demanding(connection, layout)?;
    connection.execute_batch("DELETE FROM scim_unique_value; DELETE FROM scim_indexed_value")?;
    let mut conflicts = UniqueConflicts::default();
    let (mut reached, mut rebuilt) = (0, 0_u64);
    loop {
        let chunk = some_after(connection, reached)?;
        let Some(last) = chunk.last() else { break };
        reached = last.key;
        for row in &chunk {
            rebuilt += 1;
            derive(connection, layout, row, &demanding, &mut conflicts)?;
            if conflicts.more {
                return Err(OpenError::Conflicts(conflicts));
            }
        }
    }
    if !conflicts.named.is_empty() {
        return Err(OpenError::Conflicts(conflicts));
    }
    if rebuilt > 0 {
        tracing::info!(resources = rebuilt, "schemas or options changed: index rows were rebuilt");
    }
    Ok(())
}

/// The resources that have a value which must be unique on demand.
fn demanding(connection: &Connection, layout: &Layout) -> rusqlite::Result<HashSet<i64>> {
    let mut found = HashSet::new();
    let mut statement =
        connection.prepare("SELECT resource FROM scim_unique_value WHERE attribute = ?1")?;
    for key in layout.on_demand() {
        for resource in statement.query_map([key], |row| row.get(0))? {
            found.insert(resource?);
        }
    }
    Ok(found)
}

fn derive(
    connection: &Connection,
    layout: &Layout,
    row: &Row,
    demanding: &HashSet<i64>,
    conflicts: &mut UniqueConflicts,
) -> Result<(), OpenError> {
    let Some(of_type) = layout.by_key(row.resource_type) else { return Ok(()) };
    let attributes: Map<String, Value> =
        serde_json::from_str(&row.document).map_err(|error| OpenError::Database(error.into()))?;
    let derived = of_type.derive(&attributes);
    connection.prepare_cached(UPDATE_COLUMNS)?.execute((
        row.key,
        &derived.external_id,
        &derived.user_name,
        &derived.display_name,
        derived.active,
        &derived.display,
        &derived.refers_to,
    ))?;
    let values = ValueRows { connection, tenant: row.tenant, resource: row.key };
    values.index(&derived.indexed)?;
    let mut taken = values.claim(&derived.unique)?;
    if demanding.contains(&row.key) {
        taken.extend(values.claim_on_demand(&derived.on_demand)?);
    }
    for Taken { attribute, value } in taken {
        let (tenant, holder) = connection
            .prepare_cached(HOLDER)?
            .query_row((row.tenant, attribute, Bound(value)), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let path = layout.unique_attribute(attribute).map(|keyed| keyed.path.to_string());
        conflicts.push(UniqueConflict {
            tenant,
            attribute: path.unwrap_or_default(),
            ids: [holder, row.id.clone()],
        });
    }
    Ok(())
}

fn some_after(connection: &Connection, key: i64) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(SOME_DOCUMENTS)?;
    let rows = statement.query_map((key, CHUNK), |row| {
        Ok(Row {
            key: row.get(0)?,
            tenant: row.get(1)?,
            resource_type: row.get(2)?,
            id: row.get(3)?,
            document: row.get(4)?,
        })
    })?;
    rows.collect()
}
