//! Queries: filters as SQL, pages by the key.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params_from_iter};
use scim_core::{ResourceId, ResourceType, ScimError, ScimType};
use scim_filter::sql::{Bind, Condition, Mapping};
use scim_server_adapters::{BackendError, Page, Position, Query, QueryTarget, Start};
use uuid::Uuid;

use crate::error::Fault;
use crate::stored;
use crate::table::Table;

/// One page of a query over users, teams, or both.
pub(crate) fn page<'m>(
    connection: &Connection,
    query: &Query,
    mapping: impl Fn(&ResourceType) -> &'m Mapping,
) -> Result<Page, Fault> {
    let (after, offset) = match &query.start {
        Start::Offset(offset) => (String::new(), i64::try_from(*offset).unwrap_or(i64::MAX)),
        Start::After(position) => (id_at(position)?, 0),
    };
    // Parameter 1 is the id that the page comes after.
    let mut binds = vec![Sql::Text(after)];
    let mut selects = Vec::new();
    for (index, QueryTarget { resource_type, filter, .. }) in query.targets.iter().enumerate() {
        let table = Table::of(resource_type).name;
        let Some(filter) = filter else {
            let all = format!("SELECT {table}.id, {index} FROM {table} WHERE {table}.id > ?1");
            selects.push(all);
            continue;
        };
        // What has no column the service evaluates, page by page and within the work limit.
        let translated = mapping(resource_type).translate(filter.expression(), binds.len());
        let Condition { sql, binds: new } = translated.map_err(|_| BackendError::Unsupported)?;
        bound_work(connection, table, &sql, query.work_limit)?;
        binds.extend(new.into_iter().map(bound));
        // The plus keeps SQLite from walking along the ids where an index knows the matches.
        selects.push(format!(
            "SELECT +{table}.id, {index} FROM {table} WHERE +{table}.id > ?1 AND {sql}"
        ));
    }
    let selected = selects.join(" UNION ALL ");
    if selected.is_empty() {
        return Ok(Page { total: query.total.then_some(0), ..Page::default() });
    }

    let (limit, skip) = (binds.len() + 1, binds.len() + 2);
    let paged = format!("{selected} ORDER BY 1 LIMIT ?{limit} OFFSET ?{skip}");
    let one_more = i64::try_from(query.count.saturating_add(1)).unwrap_or(i64::MAX);
    let bounds = [Sql::Integer(one_more), Sql::Integer(offset)];
    let found: Vec<(String, usize)> = connection
        .prepare_cached(&paged)?
        .query_map(params_from_iter(binds.iter().chain(&bounds)), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<Result<_, _>>()?;

    let mut page = Page::default();
    let (mut last, mut held, mut more) = (None, 0, found.len() > query.count);
    for (id, target) in found.into_iter().take(query.count) {
        let id = ResourceId::new(id)?;
        let Some(QueryTarget { resource_type, wanted, .. }) = query.targets.get(target) else {
            continue;
        };
        let is_first = page.resources.is_empty();
        let stored = stored(connection, resource_type, &id, wanted, query.member_limit - held)?;
        if let Some(members) = &stored.members {
            if members.next.is_some() && !is_first {
                more = true;
                break;
            }
            held += members.list.len();
        }
        page.resources.push(stored);
        last = Some(id);
    }
    page.next = last.filter(|_| more).map(|id| Position(id.as_str().as_bytes().into()));

    if query.total {
        if let Some(after) = binds.first_mut() {
            *after = Sql::Text(String::new());
        }
        let count = format!("SELECT count(*) FROM ({selected})");
        let mut count = connection.prepare_cached(&count)?;
        page.total = Some(count.query_row(params_from_iter(&binds), |row| row.get(0))?);
    }
    Ok(page)
}

/// Refuses a condition that would have more rows read than are allowed: one that no index answers,
/// over a table that has more.
fn bound_work(
    connection: &Connection,
    table: &str,
    condition: &str,
    work_limit: usize,
) -> Result<(), Fault> {
    let explain = format!("EXPLAIN QUERY PLAN SELECT 1 FROM {table} WHERE {condition}");
    let mut explain = connection.prepare_cached(&explain)?;
    // The plan does not depend on what is bound.
    let mut steps = explain.raw_query();
    let mut scans = false;
    while let Some(step) = steps.next()? {
        scans |= step.get_ref(3)?.as_str().is_ok_and(|detail| detail.starts_with("SCAN"));
    }
    if !scans {
        return Ok(());
    }
    let limit = i64::try_from(work_limit).unwrap_or(i64::MAX);
    let rows = format!("SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT ?1)");
    let one_more = limit.saturating_add(1);
    let rows: i64 = connection.prepare_cached(&rows)?.query_row([one_more], |row| row.get(0))?;
    if rows > limit { Err(BackendError::TooMany.into()) } else { Ok(()) }
}

fn bound(bind: Bind) -> Sql {
    match bind {
        Bind::Text(text) => Sql::Text(text),
        Bind::Integer(number) => Sql::Integer(number),
        Bind::Real(number) => Sql::Real(number),
        Bind::Boolean(flag) => Sql::Integer(flag.into()),
        Bind::Instant(at) => Sql::Integer(at.as_micros()),
    }
}

fn id_at(position: &Position) -> Result<String, ScimError> {
    let id = std::str::from_utf8(&position.0).ok().and_then(|text| text.parse::<Uuid>().ok());
    let id = id.ok_or_else(|| ScimError::new(ScimType::InvalidCursor, "no such position"))?;
    Ok(id.to_string())
}
