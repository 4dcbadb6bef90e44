//! Users and teams, as rows.

use std::sync::Arc;

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};
use scim_core::{DateTime, Reference, ResourceId, ResourceType, Version};
use scim_filter::sql::{Bind, Condition};
use scim_server_adapters::{
    BackendError, Body, Change, Effect, Page, PageBuilder, Position, Query, QueryTarget, Returning,
    Start, Stored, Wanted, Write, Written,
};
use serde_json::{Map, Value};

use crate::{Directory, Result, members};

/// Gives the teams of somebody who goes a new version.
const TOUCH_TEAMS: &str = "
    UPDATE teams SET version = version + 1, changed_at = ?2
    WHERE id IN (SELECT team_id FROM team_members WHERE member = ?1)";

fn table(resource_type: &ResourceType) -> &'static str {
    if resource_type.has_members() { "teams" } else { "users" }
}

/// A resource, with as much of what is in the rows of others as is wanted.
pub(crate) fn read(
    rows: &Connection,
    resource_type: &Arc<ResourceType>,
    id: &ResourceId,
    wanted: Option<&Wanted>,
    member_limit: usize,
) -> Result<Stored> {
    let sql = "SELECT version, created_at, changed_at, attributes FROM scim_";
    let sql = format!("{sql}{} WHERE id = ?1", table(resource_type));
    let row = rows.prepare_cached(&sql)?.query_row([id.as_str()], |row| row.try_into());
    let (version, created, changed, attributes): (u64, i64, i64, String) =
        row.optional()?.ok_or(BackendError::NotFound)?;
    let instant = |micros| DateTime::from_micros(micros).ok_or("a time out of range");
    let (created, changed) = (instant(created)?, instant(changed)?);
    let body = Body::Attributes(serde_json::from_str(&attributes)?);
    let version = Version::from(version);
    let mut stored = Stored::new(resource_type, id.clone(), version, created, changed, body);
    let Some(wanted) = wanted else { return Ok(stored) };
    if resource_type.has_members() && wanted.wants("members") {
        stored.members = Some(members::some(rows, id.as_str(), 0, member_limit)?);
    }
    if resource_type.has_groups() && wanted.wants("groups") {
        stored.groups = Some(members::teams_of(rows, id.as_str())?);
    }
    for reference in Reference::all_in(resource_type, &stored.attributes()?) {
        stored.references.extend(members::known(rows, &reference.value)?);
    }
    Ok(stored)
}

/// One page of users, teams, or both, in the order of their ids, which is that of creation.
pub(crate) fn page(directory: &Directory, rows: &Connection, query: &Query) -> Result<Page> {
    let (mut selects, mut binds) = (Vec::new(), Vec::new());
    for (index, QueryTarget { resource_type, filter, .. }) in query.targets.iter().enumerate() {
        let (table, mapping) = (table(resource_type), directory.mapping(resource_type));
        let Some(filter) = filter.as_ref().map(|filter| filter.expression()) else {
            selects.push(format!("SELECT id, {index} AS target FROM {table}"));
            continue;
        };
        // What has no column, the service evaluates.
        let condition = mapping.translate(filter, binds.len());
        let Condition { sql, binds: new } = condition.map_err(|_| BackendError::Unsupported)?;
        if !mapping.finds(filter) && has_more_than(rows, table, query.work_limit)? {
            return Err(BackendError::TooMany.into());
        }
        // The plus keeps SQLite from walking along the ids where an index knows the matches.
        selects.push(format!("SELECT +id AS id, {index} AS target FROM {table} WHERE {sql}"));
        binds.extend(new.into_iter().map(bound));
    }
    let all = selects.join(" UNION ALL ");
    let count = format!("SELECT count(*) FROM ({all})");
    let count = || rows.prepare_cached(&count)?.query_row(params_from_iter(&binds), |r| r.get(0));
    let total = query.total.then(count).transpose()?;

    let (after, offset) = match &query.start {
        Start::Offset(offset) => (String::new(), i64::try_from(*offset).unwrap_or(i64::MAX)),
        Start::After(position) => (position.read()?, 0),
    };
    let limit = i64::try_from(query.count)?.saturating_add(1);
    let sql = format!("SELECT id, target FROM ({all}) WHERE id > ?{} ORDER BY id", binds.len() + 1);
    binds.push(after.into());
    let mut some = rows.prepare(&format!("{sql} LIMIT {limit} OFFSET {offset}"))?;
    let mut found = some.query(params_from_iter(&binds))?;
    let mut page = PageBuilder::new(query);
    while let Some(row) = found.next()? {
        let (id, target) = (ResourceId::new(row.get::<_, String>(0)?)?, row.get::<_, usize>(1)?);
        let (Some(target), Some(member_limit)) = (query.targets.get(target), page.room()) else {
            break;
        };
        let (of, wanted) = (&target.resource_type, Some(&target.wanted));
        page.push(read(rows, of, &id, wanted, member_limit)?, Position::of(&id)?);
    }
    Ok(Page { total, ..page.finish() })
}

fn has_more_than(rows: &Connection, table: &str, limit: usize) -> Result<bool> {
    let beyond = format!("SELECT 1 FROM {table} LIMIT 1 OFFSET ?1");
    Ok(rows.prepare_cached(&beyond)?.exists([i64::try_from(limit).unwrap_or(i64::MAX)])?)
}

fn bound(bind: Bind) -> Sql {
    match bind {
        Bind::Text(text) => text.into(),
        Bind::Integer(number) => number.into(),
        Bind::Real(number) => number.into(),
        Bind::Boolean(flag) => flag.into(),
        Bind::Instant(at) => at.as_micros().into(),
    }
}

/// One write, in a transaction.
pub(crate) fn write(rows: &Connection, now: DateTime, write: Write) -> Result<Written> {
    let Write { resource_type, change, precondition, returning, .. } = write;
    let (table, now) = (table(&resource_type), now.as_micros());
    let (mut version, mut current) = (Version::from(0), Map::new());
    let id = match &change {
        Change::Create { .. } => ResourceId::new(uuid::Uuid::now_v7().to_string())?,
        Change::Replace { id, .. } | Change::Patch { id, .. } | Change::Delete { id } => {
            let stored = read(rows, &resource_type, id, None, 0)?;
            precondition.check(&stored.version)?;
            current = stored.attributes()?;
            version = stored.version;
            stored.id
        }
    };
    for reference in &write.must_exist {
        members::known(rows, &reference.value)?.ok_or_else(|| reference.dangles())?;
    }
    if let Change::Delete { .. } = change {
        rows.execute(TOUCH_TEAMS, params![id.as_str(), now])?;
        rows.execute("DELETE FROM team_members WHERE member = ?1", [id.as_str()])?;
        rows.execute(&format!("DELETE FROM {table} WHERE id = ?1"), [id.as_str()])?;
        return Ok(Written { id, version, changed: true, returned: None });
    }
    // No passwords are kept, as the capabilities say.
    let Effect { attributes, members, .. } = change.apply(&current)?;
    let mut changed = attributes.is_some();
    if let Some(attributes) = attributes.map(Value::Object) {
        let columns = "(id, attributes, changed_at, claims_name) VALUES (?1, ?2, ?3, ?4)";
        let row = params![id.as_str(), attributes.to_string(), now, write.unique_display_name];
        rows.prepare_cached(&format!("INSERT INTO scim_{table} {columns}"))?.execute(row)?;
    }
    changed |= members::apply(rows, id.as_str(), &members)?;
    if changed {
        let touch = "SET version = version + 1, changed_at = ?2 WHERE id = ?1 RETURNING version";
        let mut touch = rows.prepare_cached(&format!("UPDATE {table} {touch}"))?;
        version = touch.query_row(params![id.as_str(), now], |row| row.get::<_, u64>(0))?.into();
    }
    let mut returned = None;
    if let Some(Returning { wanted, max_members, member_limit }) = returning {
        let some = max_members.map(|max| members::some(rows, id.as_str(), 0, max)).transpose()?;
        if some.is_none_or(|some| some.next.is_none()) {
            returned = Some(read(rows, &resource_type, &id, Some(&wanted), member_limit)?);
        }
    }
    Ok(Written { id, version, changed, returned })
}
