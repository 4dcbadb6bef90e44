//! What rows were derived by: when the registered schemas, the options or the folding of text
//! change over existing data, the rows follow.

use std::collections::HashSet;

use scim_backend_sql::{Derived, Key, Layout, UniqueConflict, UniqueConflicts};
use scim_server_adapters::BackendError;
use tokio_postgres::types::{ToSql, Type};

use crate::change::{attributes, claim};
use crate::entry::entry;
use crate::error::{Failure, OpenError};
use crate::session::Session;

/// Resources that are read at once.
const CHUNK: i64 = 1_000;

const SOME_DOCUMENTS: &str = "
    SELECT r.tenant, r.type, r.key, r.id, d.text
    FROM scim_resource r JOIN scim_document d ON d.resource = r.key
    WHERE (r.tenant, r.type, r.key) > ($1, $2, $3)
    ORDER BY r.tenant, r.type, r.key LIMIT $4";

const UPDATE_COLUMNS: &str = "
    UPDATE scim_resource r SET external_id = u.external_id, user_name = u.user_name,
        display_name = u.display_name, active = u.active, display = u.display,
        refers_to = CASE WHEN u.refers_to IS NOT NULL
            THEN ARRAY(SELECT json_array_elements_text(u.refers_to::json)) END
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[],
                $7::boolean[], $8::text[], $9::text[])
        AS u (tenant, type, key, external_id, user_name, display_name, active, display, refers_to)
    WHERE r.tenant = u.tenant AND r.type = u.type AND r.key = u.key";

const INDEX: &str = "
    INSERT INTO scim_indexed_value (tenant, attribute, value, resource)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[])";

/// The first to claim a value gets it.
const CLAIM: &str = "
    INSERT INTO scim_unique_value (tenant, attribute, value, resource)
    SELECT u.tenant, u.attribute, u.value, u.resource
    FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[])
        WITH ORDINALITY AS u (tenant, attribute, value, resource, place)
    ORDER BY u.place
    ON CONFLICT DO NOTHING
    RETURNING resource, attribute || value";

const HOLDER: &str = "
    SELECT t.name, r.id
    FROM scim_unique_value v
    JOIN scim_resource r ON r.key = v.resource
    JOIN scim_tenant t ON t.key = v.tenant
    WHERE v.tenant = $1 AND v.attribute = $2 AND v.value = $3";

/// Makes what is derived from documents fit the layout, if it was derived by another, and gives the
/// number of the state. In the transaction of the session, which must be rolled back on an error.
///
/// Resources of types that are not registered are left alone and claim no values; should their type
/// come back, the fingerprint changes again.
///
/// # Errors
/// [`OpenError::Conflicts`] when resources share a value that must now be unique.
pub(crate) async fn settle(session: &Session, layout: &Layout) -> Result<i64, OpenError> {
    let new = layout.fingerprint();
    let rows = session.query_once("SELECT generation, text FROM scim_fingerprint", &[]).await?;
    let generation = match rows.first() {
        Some(row) => {
            let generation: i64 = row.try_get(0)?;
            if row.try_get::<_, &str>(1)? == new {
                return Ok(generation);
            }
            generation
        }
        None => 0,
    };
    // Nodes that derive otherwise must not write meanwhile; afterwards they see the generation.
    session.batch("LOCK TABLE scim_resource IN EXCLUSIVE MODE").await?;
    rebuild(session, layout).await?;
    let generation = generation + 1;
    let sql = "
        INSERT INTO scim_fingerprint (generation, text) VALUES ($1, $2)
        ON CONFLICT (one) DO UPDATE SET generation = excluded.generation, text = excluded.text";
    session.query_once(sql, &[(&generation, Type::INT8), (&new, Type::TEXT)]).await?;
    Ok(generation)
}

/// A resource as it was read.
struct Stale {
    tenant: i64,
    resource_type: i64,
    key: i64,
    id: String,
}

async fn rebuild(session: &Session, layout: &Layout) -> Result<(), OpenError> {
    // What was unique on demand stays so; the demand itself is kept nowhere else.
    let demanding = demanding(session, layout).await?;
    session.batch("DELETE FROM scim_unique_value; DELETE FROM scim_indexed_value").await?;
    let mut conflicts = UniqueConflicts::default();
    let mut reached = (0_i64, 0_i64, 0_i64);
    let mut rebuilt = 0_u64;
    loop {
        let parameters: [(&(dyn ToSql + Sync), Type); 4] = [
            (&reached.0, Type::INT8),
            (&reached.1, Type::INT8),
            (&reached.2, Type::INT8),
            (&CHUNK, Type::INT8),
        ];
        let rows = session.query_once(SOME_DOCUMENTS, &parameters).await?;
        let mut chunk = Vec::with_capacity(rows.len());
        for row in &rows {
            let stale = Stale {
                tenant: row.try_get(0)?,
                resource_type: row.try_get(1)?,
                key: row.try_get(2)?,
                id: row.try_get(3)?,
            };
            reached = (stale.tenant, stale.resource_type, stale.key);
            let Some(of_type) = layout.by_key(stale.resource_type) else { continue };
            let attributes = attributes(row.try_get(4)?).map_err(Failure::from)?;
            chunk.push((stale, of_type.derive(&attributes)));
        }
        if rows.is_empty() {
            break;
        }
        rebuilt += chunk.len() as u64;
        write_columns(session, &chunk).await?;
        index(session, &chunk).await?;
        claim_all(session, layout, &chunk, &demanding, &mut conflicts).await?;
        if conflicts.more {
            break;
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
async fn demanding(session: &Session, layout: &Layout) -> Result<HashSet<i64>, OpenError> {
    let keys: Vec<i64> = layout.on_demand().collect();
    let sql = "SELECT resource FROM scim_unique_value WHERE attribute = ANY ($1)";
    let rows = session.query_once(sql, &[(&keys, Type::INT8_ARRAY)]).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

async fn write_columns(session: &Session, chunk: &[(Stale, Derived)]) -> Result<(), OpenError> {
    fn column<'c, T>(
        chunk: &'c [(Stale, Derived)],
        of: impl Fn(&'c (Stale, Derived)) -> T,
    ) -> Vec<T> {
        chunk.iter().map(of).collect()
    }
    let tenants = column(chunk, |(stale, _)| stale.tenant);
    let types = column(chunk, |(stale, _)| stale.resource_type);
    let keys = column(chunk, |(stale, _)| stale.key);
    let external_ids = column(chunk, |(_, derived)| derived.external_id.as_deref());
    let user_names = column(chunk, |(_, derived)| derived.user_name.as_deref());
    let display_names = column(chunk, |(_, derived)| derived.display_name.as_deref());
    let actives = column(chunk, |(_, derived)| derived.active);
    let displays = column(chunk, |(_, derived)| derived.display.as_deref());
    let references = column(chunk, |(_, derived)| derived.refers_to.as_deref());
    let parameters: [(&(dyn ToSql + Sync), Type); 9] = [
        (&tenants, Type::INT8_ARRAY),
        (&types, Type::INT8_ARRAY),
        (&keys, Type::INT8_ARRAY),
        (&external_ids, Type::TEXT_ARRAY),
        (&user_names, Type::TEXT_ARRAY),
        (&display_names, Type::TEXT_ARRAY),
        (&actives, Type::BOOL_ARRAY),
        (&displays, Type::TEXT_ARRAY),
        (&references, Type::TEXT_ARRAY),
    ];
    session.query_once(UPDATE_COLUMNS, &parameters).await?;
    Ok(())
}

/// Values of resources, as arrays of a column each.
#[derive(Default)]
struct Values<'c> {
    tenants: Vec<i64>,
    attributes: Vec<i64>,
    values: Vec<String>,
    resources: Vec<i64>,
    of: Vec<(&'c Stale, &'c (i64, Key))>,
}

impl<'c> Values<'c> {
    fn add(&mut self, stale: &'c Stale, values: impl IntoIterator<Item = &'c (i64, Key)>) {
        for row in values {
            self.tenants.push(stale.tenant);
            self.attributes.push(row.0);
            self.values.push(entry(&row.1));
            self.resources.push(stale.key);
            self.of.push((stale, row));
        }
    }

    fn parameters(&self) -> [(&(dyn ToSql + Sync), Type); 4] {
        [
            (&self.tenants, Type::INT8_ARRAY),
            (&self.attributes, Type::INT8_ARRAY),
            (&self.values, Type::TEXT_ARRAY),
            (&self.resources, Type::INT8_ARRAY),
        ]
    }
}

async fn index(session: &Session, chunk: &[(Stale, Derived)]) -> Result<(), OpenError> {
    let mut values = Values::default();
    for (stale, derived) in chunk {
        values.add(stale, &derived.indexed);
    }
    session.query_once(INDEX, &values.parameters()).await?;
    Ok(())
}

async fn claim_all(
    session: &Session,
    layout: &Layout,
    chunk: &[(Stale, Derived)],
    demanding: &HashSet<i64>,
    conflicts: &mut UniqueConflicts,
) -> Result<(), OpenError> {
    let mut values = Values::default();
    for (stale, derived) in chunk {
        values.add(stale, &derived.unique);
        if demanding.contains(&stale.key) {
            values.add(stale, &derived.on_demand);
        }
    }
    let mut claimed: HashSet<(i64, String)> = HashSet::new();
    for row in session.query_once(CLAIM, &values.parameters()).await? {
        claimed.insert((row.try_get(0)?, row.try_get(1)?));
    }
    for (stale, (attribute, value)) in &values.of {
        if claimed.contains(&(stale.key, claim(*attribute, value))) {
            continue;
        }
        let parameters: [(&(dyn ToSql + Sync), Type); 3] =
            [(&stale.tenant, Type::INT8), (attribute, Type::INT8), (&entry(value), Type::TEXT)];
        let rows = session.query_once(HOLDER, &parameters).await?;
        let row = rows
            .first()
            .ok_or_else(|| Failure::from(BackendError::internal("nobody holds a taken value")))?;
        let path = layout.unique_attribute(*attribute).map(|keyed| keyed.path.to_string());
        let conflict = UniqueConflict {
            tenant: row.try_get(0)?,
            attribute: path.unwrap_or_default(),
            ids: [row.try_get(1)?, stale.id.clone()],
        };
        if !conflicts.push(conflict) {
            return Ok(());
        }
    }
    Ok(())
}
