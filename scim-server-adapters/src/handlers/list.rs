//! GET on a resource type (RFC 7644 §3.4.2).

use std::sync::Arc;

use http::StatusCode;
use scim_core::messages::LIST_RESPONSE_URN;
use scim_core::{AttributeSet, ResourceType, ScimType, SearchRequest};
use scim_filter::ResolvedFilter;

use crate::backend::{BackendError, Page, Query, QueryTarget, Start};
use crate::exchange::{Answer, Exchange};
use crate::params;
use crate::render::json;

/// How many resources the service asks for at a time when it evaluates a filter itself.
const SCAN_PAGE: usize = 500;

pub(crate) async fn list(x: &mut Exchange<'_>, resource_type: Arc<ResourceType>) -> Answer {
    let request = params::parse(x.parts.uri.query().unwrap_or_default())?;
    let wanted =
        AttributeSet::parse(&resource_type, &request.attributes, &request.excluded_attributes)?;
    let wanted = Arc::new(wanted);
    // A sensitive filter in a URL ends up in logs: 403 here, 400 where it came in a body
    // (RFC 7644 §7.5.2, errata.md O2).
    let filter = resolve_filter(x, &resource_type, &request).map_err(|e| {
        let sensitive = e.scim_type() == Some(ScimType::Sensitive);
        if sensitive { e.and_status(403) } else { e }
    })?;
    let limits = &x.service.limits;
    let count = match request.count {
        None => limits.default_page_size.min(limits.max_page_size),
        Some(count) => {
            usize::try_from(count.max(0)).unwrap_or(usize::MAX).min(limits.max_page_size)
        }
    };
    let start_index = u64::try_from(request.start_index.unwrap_or(1)).unwrap_or(1).max(1);
    let target = QueryTarget { resource_type, filter, wanted: Arc::clone(&wanted) };
    let query = Query {
        targets: vec![target],
        start: Start::Offset(start_index - 1),
        count,
        total: true,
        work_limit: limits.work,
    };
    let page = match x.service.backend.query(&x.cx, &query).await {
        Err(BackendError::Unsupported) => scan(x, &query).await,
        page => page,
    };
    let page = page.map_err(|e| x.failed(&e, "the query"))?;
    let body = write(x, &page, start_index, &wanted).map_err(|e| x.failed(&e, "the query"))?;
    Ok(x.ok(StatusCode::OK, body))
}

fn resolve_filter(
    x: &mut Exchange<'_>,
    resource_type: &ResourceType,
    request: &SearchRequest,
) -> Result<Option<ResolvedFilter>, scim_core::ScimError> {
    let Some(text) = request.filter.as_deref().filter(|text| !text.trim().is_empty()) else {
        return Ok(None);
    };
    let resolved =
        ResolvedFilter::parse(text, resource_type, &x.profile, &x.service.limits.filter)?;
    x.fired.extend(resolved.fired());
    Ok(Some(resolved))
}

/// Evaluates a filter that the backend cannot, over the unfiltered pages, within the work limit.
async fn scan(x: &Exchange<'_>, query: &Query) -> Result<Page, BackendError> {
    let Start::Offset(offset) = query.start else { return Err(BackendError::Unsupported) };
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    let mut page = Page::default();
    let mut matched = 0usize;
    let mut examined = 0usize;
    for target in &query.targets {
        let Some(filter) = &target.filter else { return Err(BackendError::Unsupported) };
        let mut start = Start::Offset(0);
        loop {
            let unfiltered = Query {
                targets: vec![QueryTarget {
                    filter: None,
                    // The filter may look at what the answer leaves out.
                    wanted: Arc::new(AttributeSet::default_for(&target.resource_type)),
                    ..target.clone()
                }],
                start,
                count: SCAN_PAGE,
                total: false,
                work_limit: query.work_limit,
            };
            let part = x.service.backend.query(&x.cx, &unfiltered).await?;
            examined += part.resources.len();
            if examined > query.work_limit {
                return Err(BackendError::TooMany);
            }
            for stored in part.resources {
                if filter.matches(&stored.to_json()?) {
                    if matched >= offset && page.resources.len() < query.count {
                        page.resources.push(stored);
                    }
                    matched += 1;
                }
            }
            match part.next {
                Some(next) => start = Start::After(next),
                None => break,
            }
        }
    }
    page.total = Some(matched as u64);
    Ok(page)
}

fn write(
    x: &Exchange<'_>,
    page: &Page,
    start_index: u64,
    wanted: &AttributeSet,
) -> Result<Vec<u8>, BackendError> {
    let total = page.total.ok_or_else(|| BackendError::internal("a query returned no total"))?;
    let mut out = Vec::with_capacity(256 + 1024 * page.resources.len());
    out.extend_from_slice(b"{\"schemas\":[");
    json(&mut out, LIST_RESPONSE_URN)?;
    let items = page.resources.len();
    out.extend_from_slice(
        format!(
            "],\"totalResults\":{total},\"startIndex\":{start_index},\"itemsPerPage\":{items},\"Resources\":["
        )
        .as_bytes(),
    );
    for (i, stored) in page.resources.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        x.renderer.resource(&mut out, stored, wanted)?;
    }
    out.extend_from_slice(b"]}");
    Ok(out)
}
