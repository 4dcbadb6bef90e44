//! Queries: GET on a resource type or on the root, and the same by POST (RFC 7644 §3.4.2, §3.4.3).

mod scan;

use std::sync::Arc;

use http::StatusCode;
use scim_core::messages::LIST_RESPONSE_URN;
use scim_core::{
    AttributeSet, DateTime, Quirk, ResourceType, ScimError, ScimType, SearchRequest, SortOrder,
};
use scim_filter::{FilterError, ResolvedFilter};

use crate::backend::{BackendError, Page, Query, QueryTarget, Start};
use crate::cursor::{Cursor, QueryId};
use crate::exchange::{Answer, Exchange};
use crate::params;
use crate::policy::ActionKind;
use crate::render::{Text, json};
use crate::sort;

/// GET: the query is in the URL.
pub(crate) async fn list(x: &mut Exchange<'_>, types: Vec<Arc<ResourceType>>) -> Answer {
    let request = params::parse(x.parts.uri.query().unwrap_or_default())?;
    // A sensitive filter in a URL ends up in logs: 403 here, 400 where it came in a body
    // (RFC 7644 §7.5.2, errata.md O2).
    answer(x, types, request, 403).await
}

/// POST `/.search`: the query is in the body.
pub(crate) async fn search(x: &mut Exchange<'_>, types: Vec<Arc<ResourceType>>) -> Answer {
    let body = scim_core::json::parse_object(x.body()?)?;
    let request = SearchRequest::noting(body, &x.profile, &mut x.quirks.fired)?;
    answer(x, types, request, 400).await
}

async fn answer(
    x: &mut Exchange<'_>,
    types: Vec<Arc<ResourceType>>,
    request: SearchRequest,
    sensitive: u16,
) -> Answer {
    for resource_type in &types {
        x.admit(ActionKind::Query, Some(resource_type), None).await?;
    }
    let capabilities = x.service.backend.capabilities(&x.cx);
    let sort_by = request.sort_by.as_deref().filter(|_| capabilities.sort);
    let targets = targets(x, &types, &request, sort_by).map_err(|e| {
        if e.scim_type() == Some(ScimType::Sensitive) { e.and_status(sensitive) } else { e }
    })?;
    let limits = &x.service.limits;
    let order = sort_by.map(|_| request.sort_order.unwrap_or(SortOrder::Ascending));
    let mut query = Query {
        targets,
        order,
        start: Start::Offset(0),
        count: match request.count {
            None => limits.default_page_size.min(limits.max_page_size),
            Some(count) => {
                usize::try_from(count.max(0)).unwrap_or(usize::MAX).min(limits.max_page_size)
            }
        },
        total: true,
        work_limit: limits.work,
        member_limit: limits.page_members,
    };
    let Some(cursor) = &request.cursor else {
        let index = u64::try_from(request.start_index.unwrap_or(1)).unwrap_or(1).max(1);
        query.start = Start::Offset(index - 1);
        let page = run(x, &query).await.map_err(|e| x.failed(&e, "the query"))?;
        let total = page.total.ok_or_else(|| no_total(x))?;
        return write(x, &page, &query, Some(total), &Paging::Index(index));
    };
    let key = capabilities.cursor_key.ok_or_else(|| {
        ScimError::new(ScimType::InvalidCursor, "cursor pagination is not supported here")
    })?;
    check_count(request.count, limits.max_page_size)?;
    let id = query_id(x, &types, &request);
    let walk = if cursor.is_empty() {
        None
    } else {
        Some(Cursor::open(cursor, &key, &id, x.cx.now, limits.cursor_seconds)?)
    };
    if let Some(walk) = &walk {
        if walk.count != query.count {
            return Err(ScimError::new(
                ScimType::InvalidCount,
                format!("`count` was {} when the cursor was made", walk.count),
            )
            .into());
        }
        query.start = Start::After(walk.position());
        query.total = false;
    }
    let page = run(x, &query).await.map_err(|e| x.failed(&e, "the query"))?;
    // A cursor carries the total of page one: counting again would cost as much, and may differ.
    let (total, started): (Option<u64>, DateTime) = match &walk {
        Some(walk) => (walk.total, walk.started()),
        None => (page.total, x.cx.now),
    };
    let next = match &page.next {
        Some(position) if query.count > 0 => {
            Some(Cursor::new(position.clone(), total, query.count, started).seal(&key, &id)?)
        }
        _ => None,
    };
    write(x, &page, &query, total, &Paging::Cursor(next))
}

fn no_total(x: &Exchange<'_>) -> crate::exchange::Failure {
    x.failed(&BackendError::internal("a query returned no total"), "the query")
}

/// RFC 9865 §2: with a cursor, a `count` beyond the largest page is an error. Below 0 it is 0.
fn check_count(count: Option<i64>, max: usize) -> Result<(), ScimError> {
    match count.map(|count| usize::try_from(count.max(0))) {
        Some(Ok(count)) if count <= max => Ok(()),
        None => Ok(()),
        Some(_) => Err(ScimError::new(
            ScimType::InvalidCount,
            format!("`count` must be between 0 and {max}"),
        )),
    }
}

/// What a cursor is bound to: the tenant, and everything of the query but the place and the count.
fn query_id(x: &Exchange<'_>, types: &[Arc<ResourceType>], request: &SearchRequest) -> QueryId {
    let order = match request.sort_order.unwrap_or_default() {
        SortOrder::Ascending => "ascending",
        SortOrder::Descending => "descending",
    };
    let parts = [
        &*x.cx.tenant,
        request.filter.as_deref().unwrap_or_default(),
        request.sort_by.as_deref().unwrap_or_default(),
        order,
    ];
    let lists = [&request.attributes, &request.excluded_attributes].into_iter();
    let lists = lists.flat_map(|list| list.iter().map(String::as_str).chain(["\n"]));
    QueryId::of(parts.into_iter().chain(lists).chain(types.iter().map(|t| &**t.name())))
}

fn targets(
    x: &mut Exchange<'_>,
    types: &[Arc<ResourceType>],
    request: &SearchRequest,
    sort_by: Option<&str>,
) -> Result<Vec<QueryTarget>, ScimError> {
    types
        .iter()
        .map(|resource_type| {
            let wanted = AttributeSet::parse(
                resource_type,
                &request.attributes,
                &request.excluded_attributes,
            )?;
            let sort = sort_by.map(|path| sort::resolve(resource_type, path)).transpose()?;
            Ok(QueryTarget {
                resource_type: Arc::clone(resource_type),
                filter: resolve_filter(x, resource_type, request)?,
                sort: sort.flatten(),
                wanted: Arc::new(wanted),
            })
        })
        .collect()
}

fn resolve_filter(
    x: &mut Exchange<'_>,
    resource_type: &ResourceType,
    request: &SearchRequest,
) -> Result<Option<ResolvedFilter>, ScimError> {
    let Some(text) = request.filter.as_deref() else { return Ok(None) };
    // RFC 7644 §3.4.2.2: a filter has at least one expression.
    if text.trim().is_empty() && x.profile.tolerates(Quirk::EmptyWhereNoText) {
        x.quirks.fired.insert(Quirk::EmptyWhereNoText);
        return Ok(None);
    }
    let resolved = ResolvedFilter::parse(text, resource_type, &x.profile, &x.service.limits.filter);
    let fired = resolved.as_ref().map_or_else(FilterError::fired, ResolvedFilter::fired);
    x.quirks.fired.extend(fired);
    Ok(Some(resolved?))
}

pub(super) async fn run(x: &Exchange<'_>, query: &Query) -> Result<Page, BackendError> {
    match x.service.backend.query(&x.cx, query).await {
        Err(BackendError::Unsupported) => scan::scan(x, query).await,
        page => page,
    }
}

/// How the place of a page is told. Exhaustive: RFC 9865 knows these two.
enum Paging {
    Index(u64),
    Cursor(Option<String>),
}

fn write(
    x: &Exchange<'_>,
    page: &Page,
    query: &Query,
    total: Option<u64>,
    paging: &Paging,
) -> Answer {
    let capacity = 256 + 1024 * page.resources.len();
    let mut text = Text { bytes: Vec::with_capacity(capacity), gaps: Vec::new() };
    let mut written = || -> Result<(), BackendError> {
        let out = &mut text.bytes;
        out.extend_from_slice(b"{\"schemas\":[");
        json(out, LIST_RESPONSE_URN)?;
        out.push(b']');
        if let Some(total) = total {
            out.extend_from_slice(format!(",\"totalResults\":{total}").as_bytes());
        }
        if let Paging::Index(index) = paging {
            out.extend_from_slice(format!(",\"startIndex\":{index}").as_bytes());
        }
        out.extend_from_slice(format!(",\"itemsPerPage\":{}", page.resources.len()).as_bytes());
        if let Paging::Cursor(Some(next)) = paging {
            out.extend_from_slice(b",\"nextCursor\":");
            json(out, next)?;
        }
        out.extend_from_slice(b",\"Resources\":[");
        for (i, stored) in page.resources.iter().enumerate() {
            if i > 0 {
                text.bytes.push(b',');
            }
            let name = stored.resource_type.name();
            let target = query.targets.iter().find(|t| t.resource_type.name() == name);
            let target = target.ok_or_else(|| BackendError::internal("a type not asked for"))?;
            let location = x.renderer.location(&stored.resource_type, &stored.id);
            x.renderer.resource(&mut text, stored, &target.wanted, &location)?;
        }
        text.bytes.extend_from_slice(b"]}");
        Ok(())
    };
    written().map_err(|e| x.failed(&e, "the query"))?;
    Ok(x.ok(StatusCode::OK, x.body_of(text)))
}
