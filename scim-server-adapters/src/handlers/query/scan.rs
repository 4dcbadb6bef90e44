//! Filters that the backend cannot evaluate: done here, over its unfiltered pages, within the work
//! limit.

use std::sync::Arc;

use scim_core::{AttributeRef, AttributeSet, SortOrder};
use scim_filter::ResolvedFilter;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::backend::{
    BackendError, Members, Page, Position, Query, QueryTarget, Start, Stored, Wanted,
};
use crate::exchange::Exchange;
use crate::sort::{SortKey, from_start, position_after};

/// How many resources are asked for at a time at most.
const CHUNK: usize = 500;

/// The attributes that are kept as rows, beside the document.
const ROWS: [&str; 2] = ["members", "groups"];

/// Answers a query whose filter the backend cannot evaluate.
pub(super) async fn scan(x: &Exchange<'_>, query: &Query) -> Result<Page, BackendError> {
    let scan = Scan { x, query, examined: 0 };
    match query.order {
        Some(order) => scan.sorted(order).await,
        None => scan.in_order_of_creation().await,
    }
}

/// Where an unfiltered walk goes on: the number of the target, and the backend's position in it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Place {
    target: usize,
    after: Option<Vec<u8>>,
}

/// A scan under way.
struct Scan<'a> {
    x: &'a Exchange<'a>,
    query: &'a Query,
    examined: usize,
}

impl Scan<'_> {
    /// One type after the other.
    ///
    /// No more is asked for at a time than the page still has room for, so that it ends where the
    /// backend can go on.
    async fn in_order_of_creation(mut self) -> Result<Page, BackendError> {
        let Query { start, count, total, member_limit, .. } = self.query;
        let (mut skip, mut place) = match start {
            Start::Offset(offset) => {
                (usize::try_from(*offset).unwrap_or(usize::MAX), Place::default())
            }
            Start::After(position) => (0, position.read()?),
        };
        let mut page = Page::default();
        let (mut matched, mut held) = (0_u64, 0_usize);
        let mut next = None;
        while place.target < self.query.targets.len() {
            let room = count - page.resources.len();
            let is_full = next.is_some() || (skip == 0 && room == 0);
            if is_full && !*total {
                next.get_or_insert(place);
                break;
            }
            if is_full {
                next.get_or_insert_with(|| place.clone());
            }
            let left = member_limit.saturating_sub(held);
            let (none, all): (&[&str], &[&str]) = (&[], &ROWS);
            let (chunk, members, shown) = if is_full {
                (CHUNK, *member_limit, none)
            } else if skip > 0 {
                // No more than are skipped, so that none of them is shown.
                (skip.min(CHUNK), *member_limit, none)
            } else if self.looks_at_members(&place) {
                // It must see all of them, so they come one by one.
                (1, *member_limit, all)
            } else {
                (room.min(CHUNK), left, all)
            };
            let (found, after) = self.matches(&place, chunk, members, shown).await?;
            for stored in found {
                matched += 1;
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                if next.is_some() {
                    continue;
                }
                let shows = |target: &QueryTarget| target.wanted.wants("members");
                if let Some(Members { list, next: more }) = &stored.members
                    && self.query.targets.get(place.target).is_some_and(shows)
                {
                    if !page.resources.is_empty() && (more.is_some() || list.len() > left) {
                        // It is the first that the backend gave, with what is left of the limit.
                        next = Some(place.clone());
                        continue;
                    }
                    held += list.len();
                }
                page.resources.push(stored);
            }
            place = after;
        }
        let seen = page.resources.len() as u64;
        let is_all = *total && *start == Start::Offset(0) && seen == matched;
        page.next = match next {
            Some(place) if *count > 0 && !is_all => Some(Position::of(&place)?),
            _ => None,
        };
        page.total = total.then_some(matched);
        Ok(page)
    }

    /// All matches have to be known. What compares equal is in the order of ids. Members are held of
    /// those on the page only.
    async fn sorted(mut self, order: SortOrder) -> Result<Page, BackendError> {
        let Query { start, count, total, member_limit, .. } = self.query;
        let mut matches = Vec::new();
        let mut place = Place::default();
        while let Some(target) = self.query.targets.get(place.target) {
            let (found, after) = self.matches(&place, CHUNK, *member_limit, &["groups"]).await?;
            for mut stored in found {
                let key = match &target.sort {
                    Some(attribute) => {
                        let by_members = attribute.attribute().name == "members";
                        SortKey::of(attribute, &seen(&stored, by_members)?)
                    }
                    None => SortKey::Unassigned,
                };
                stored.members = None;
                let name = target.resource_type.name().to_string();
                matches.push((key, (stored.id.to_string(), name), (place.target, stored)));
            }
            place = after;
        }
        let mut page = Page { total: total.then_some(matches.len() as u64), ..Page::default() };
        let (mut last, mut held) = (None, 0);
        for (key, sequence, (target, stored)) in from_start(matches, order, start)? {
            let is_full = page.resources.len() >= *count;
            let shown = if is_full {
                None
            } else {
                let left = if page.resources.is_empty() {
                    *member_limit
                } else {
                    // One of them tells whether there are any.
                    member_limit.saturating_sub(held).max(1)
                };
                self.with_members(target, stored, left).await?
            };
            let (added, more) = match shown.as_ref().and_then(|stored| stored.members.as_ref()) {
                Some(Members { list, next }) => (list.len(), next.is_some()),
                None => (0, false),
            };
            let exceeds = more || held + added > *member_limit;
            if is_full || (!page.resources.is_empty() && exceeds) {
                page.next =
                    last.map(|(key, sequence)| position_after(key, sequence)).transpose()?;
                break;
            }
            held += added;
            page.resources.extend(shown);
            last = Some((key, sequence));
        }
        Ok(page)
    }

    /// A match with its members, or the first of them, where the answer shows them; `None` when it is
    /// gone. Where it changed since it was found, its version is that of before, so that `If-Match`
    /// with it fails.
    async fn with_members(
        &self,
        target: usize,
        stored: Stored,
        member_limit: usize,
    ) -> Result<Option<Stored>, BackendError> {
        let Some(target) = self.query.targets.get(target) else { return Ok(None) };
        if !target.resource_type.has_members() || !target.wanted.wants("members") {
            return Ok(Some(stored));
        }
        let wanted = self.to_be_read(target, &["members"])?;
        let Exchange { service, cx, .. } = self.x;
        let Stored { resource_type, id, .. } = &stored;
        let read = service.backend.get(cx, resource_type, id, &wanted, member_limit).await;
        match read {
            Ok(Stored { members, .. }) => Ok(Some(Stored { members, ..stored })),
            Err(BackendError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the filter, or what is sorted by, looks at the attribute of that name.
    fn looks_at(&self, target: &QueryTarget, name: &str) -> bool {
        let filter = target.filter.as_ref().map(ResolvedFilter::expression);
        let sort = target.sort.as_ref().map(AttributeRef::attribute);
        filter.is_some_and(|filter| filter.looks_at(name))
            || sort.is_some_and(|attribute| attribute.name == name)
    }

    /// The filter, and what is sorted by, may look at what the answer leaves out; memberships are read
    /// only where one of them does, or where they are among those `shown` and wanted.
    fn to_be_read(&self, target: &QueryTarget, shown: &[&str]) -> Result<Wanted, BackendError> {
        let is_read = |name| {
            (shown.contains(&name) && target.wanted.wants(name)) || self.looks_at(target, name)
        };
        let unread = ROWS.into_iter().filter(|name| !is_read(*name));
        let unread: Vec<&str> = unread.collect();
        Ok(Arc::new(AttributeSet::parse(&target.resource_type, &[], &unread)?))
    }

    fn looks_at_members(&self, place: &Place) -> bool {
        let filter = self.query.targets.get(place.target).and_then(|target| target.filter.as_ref());
        filter.is_some_and(|filter| filter.expression().looks_at("members"))
    }

    /// The matches among the next resources, with those of [`ROWS`] that are `shown`, and where those
    /// after them begin.
    async fn matches(
        &mut self,
        place: &Place,
        count: usize,
        member_limit: usize,
        shown: &[&str],
    ) -> Result<(Vec<Stored>, Place), BackendError> {
        let (x, query) = (self.x, self.query);
        let after_all = Place { target: place.target + 1, after: None };
        let Some(target) = query.targets.get(place.target) else {
            return Ok((Vec::new(), after_all));
        };
        let filter = target.filter.as_ref().ok_or(BackendError::Unsupported)?;
        let unfiltered = Query {
            targets: vec![QueryTarget {
                filter: None,
                sort: None,
                wanted: self.to_be_read(target, shown)?,
                ..target.clone()
            }],
            order: None,
            start: match &place.after {
                Some(bytes) => Start::After(Position(bytes.as_slice().into())),
                None => Start::Offset(0),
            },
            count,
            total: false,
            work_limit: query.work_limit,
            member_limit,
        };
        let part = x.service.backend.query(&x.cx, &unfiltered).await?;
        self.examined += part.resources.len();
        if self.examined > query.work_limit {
            return Err(BackendError::TooMany);
        }
        let looks_at_members = self.looks_at_members(place);
        let mut found = Vec::new();
        for stored in part.resources {
            if filter.matches(&seen(&stored, looks_at_members)?) {
                found.push(stored);
            }
        }
        let after = match part.next {
            Some(position) => Place { target: place.target, after: Some(position.0.into()) },
            None => after_all,
        };
        Ok((found, after))
    }
}

/// A resource as filters and sorting see it. Some of the members must not be taken for all.
fn seen(stored: &Stored, with_members: bool) -> Result<Map<String, Value>, BackendError> {
    match &stored.members {
        Some(_) if !with_members => stored.to_json_with(&[]),
        Some(Members { next: Some(_), .. }) => Err(BackendError::TooMany),
        _ => stored.to_json(),
    }
}
