//! Queries over stores that can only list.

use std::collections::VecDeque;
use std::sync::Arc;

use scim_core::{AttributeRef, ResourceId, ScimError, ScimType, SortOrder};
use scim_filter::ResolvedFilter;
use serde::{Deserialize, Serialize};

use super::backend::{CrudBackend, Registered};
use super::list::{ListRequest, equalities};
use super::relations::Relations;
use super::store::Whole;
use super::walk::Walk;
use crate::backend::{
    BackendError, Page, Position, Query, QueryTarget, RequestContext, Start, Stored,
};
use crate::sort::{SortKey, sorted_page};

/// A query under way.
pub(super) struct Run<'a> {
    backend: &'a CrudBackend,
    cx: &'a RequestContext,
    query: &'a Query,
    relations: Relations<'a>,
    examined: usize,
}

/// Where a page in the order of the lists ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    #[serde(rename = "t")]
    resource_type: Arc<str>,
    #[serde(rename = "i")]
    id: ResourceId,
}

/// What tells apart resources that are sorted alike: the id, and the type should two have one id.
type Tie = (ResourceId, Arc<str>);

impl<'a> Run<'a> {
    pub(super) fn new(backend: &'a CrudBackend, cx: &'a RequestContext, query: &'a Query) -> Self {
        let relations = Relations::new(backend, cx, query.work_limit);
        Self { backend, cx, query, relations, examined: 0 }
    }

    pub(super) async fn page(mut self) -> Result<Page, BackendError> {
        let page = match self.query.order {
            Some(order) => self.sorted(order).await?,
            None => self.in_order_of_lists().await?,
        };
        let mut resources = Vec::with_capacity(page.resources.len());
        for stored in page.resources {
            let wanted = self.target_of(&stored).map(|target| Arc::clone(&target.wanted));
            let wanted = wanted.ok_or_else(|| BackendError::internal("a type not asked for"))?;
            resources.push(self.relations.complete(stored, &wanted).await?);
        }
        Ok(Page { resources, ..page })
    }

    fn target_of(&self, stored: &Stored) -> Option<&'a QueryTarget> {
        let name = stored.resource_type.name();
        self.query.targets.iter().find(|target| target.resource_type.name() == name)
    }

    async fn in_order_of_lists(&mut self) -> Result<Page, BackendError> {
        let place = match &self.query.start {
            Start::Offset(_) => None,
            Start::After(position) => Some(self.place(position)?),
        };
        let mut filling = Filling::new(self.query);
        // Behind a place the total is not that of what follows.
        let counts = self.query.total && place.is_none();
        let mut total = 0;
        let mut begun = place.is_none();
        for target in &self.query.targets {
            let here = place.as_ref().filter(|p| p.resource_type == *target.resource_type.name());
            begun |= here.is_some();
            let Some(registered) = self.backend.of_type(&target.resource_type) else { continue };
            if !begun || filling.more && !counts {
                continue;
            }
            let after = here.map(|place| place.id.clone());
            total += match &target.filter {
                None => self.unfiltered(target, registered, after, counts, &mut filling).await?,
                Some(filter) => {
                    self.filtered(target, filter, registered, after, counts, &mut filling).await?
                }
            };
        }
        let next = filling.next()?;
        let total = match (self.query.total, counts) {
            (false, _) => None,
            (true, true) => Some(total),
            (true, false) => self.total().await?,
        };
        Ok(Page { resources: filling.resources, total, next })
    }

    fn place(&self, position: &Position) -> Result<Place, BackendError> {
        let place: Option<Place> = position.read().ok();
        let asked = |place: &Place| {
            let mut types = self.query.targets.iter().map(|t| t.resource_type.name());
            types.any(|name| *name == place.resource_type)
        };
        place.filter(asked).ok_or_else(|| {
            ScimError::new(ScimType::InvalidCursor, "the cursor is not one of this query").into()
        })
    }

    /// The total of the query from its beginning.
    async fn total(&self) -> Result<Option<u64>, BackendError> {
        let query = Query { start: Start::Offset(0), count: 0, ..self.query.clone() };
        let mut run = Run::new(self.backend, self.cx, &query);
        Ok(Box::pin(run.in_order_of_lists()).await?.total)
    }

    /// All resources of a type: the store skips and counts. How many there are, if that matters.
    async fn unfiltered(
        &mut self,
        target: &QueryTarget,
        registered: &Registered,
        after: Option<ResourceId>,
        counts: bool,
        filling: &mut Filling<'_>,
    ) -> Result<u64, BackendError> {
        let counts = counts || filling.skip > 0;
        let limit = filling.room();
        let offset = filling.skip;
        let request = ListRequest::page(after, offset, limit, counts);
        let resource_type = &target.resource_type;
        let page = registered.store.list(self.cx, resource_type, &request, Whole::InPages).await?;
        filling.skip = 0;
        let given = page.resources.len() as u64;
        for stored in page.resources {
            filling.offer(stored, target);
        }
        let total = match page.total {
            _ if !counts => 0,
            Some(total) => total,
            // The last page tells, unless the store has skipped beyond its end.
            None if page.is_last && (given > 0 || offset == 0) && request.after.is_none() => {
                offset + given
            }
            None => self.count(registered, target).await?,
        };
        filling.skip = offset.saturating_sub(total);
        Ok(total)
    }

    async fn count(
        &mut self,
        registered: &Registered,
        target: &QueryTarget,
    ) -> Result<u64, BackendError> {
        let (store, all) = (&*registered.store, Arc::default());
        let mut walk = Walk::new(self.cx, store, &target.resource_type, all, None);
        let mut total = 0;
        loop {
            let some = walk.next().await?.len();
            if some == 0 {
                return Ok(total);
            }
            self.examine(some)?;
            total += some as u64;
        }
    }

    /// The resources of a type that meet a filter. How many there are.
    async fn filtered(
        &mut self,
        target: &QueryTarget,
        filter: &ResolvedFilter,
        registered: &Registered,
        after: Option<ResourceId>,
        counts: bool,
        filling: &mut Filling<'_>,
    ) -> Result<u64, BackendError> {
        let mut candidates = self.candidates(target, Some(filter), registered, after).await?;
        let mut total = 0;
        while let Some(stored) = candidates.next(self).await? {
            total += 1;
            if filling.skip > 0 {
                filling.skip -= 1;
                continue;
            }
            filling.offer(stored, target);
            if filling.more && !counts {
                break;
            }
        }
        Ok(total)
    }

    async fn sorted(&mut self, order: SortOrder) -> Result<Page, BackendError> {
        let mut matches: Vec<(SortKey, Tie, Stored)> = Vec::new();
        for target in &self.query.targets {
            let Some(registered) = self.backend.of_type(&target.resource_type) else { continue };
            let filter = target.filter.as_ref();
            let mut candidates = self.candidates(target, filter, registered, None).await?;
            while let Some(stored) = candidates.next(self).await? {
                let key = match &target.sort {
                    Some(attribute) => SortKey::of(attribute, &stored.to_json()?),
                    None => SortKey::Unassigned,
                };
                let name = Arc::clone(stored.resource_type.name());
                let tie = (stored.id.clone(), name);
                matches.push((key, tie, stored));
            }
        }
        let page = sorted_page(matches, order, self.query, |stored| {
            Ok::<_, BackendError>(self.target_of(stored).map_or(0, |t| members_in(stored, t)))
        })?;
        Ok(Page {
            resources: page.items,
            total: self.query.total.then_some(page.total),
            next: page.next,
        })
    }

    /// The resources of a type that meet a filter, or all, each of them looked at.
    async fn candidates<'c>(
        &mut self,
        target: &'c QueryTarget,
        filter: Option<&'c ResolvedFilter>,
        registered: &'c Registered,
        after: Option<ResourceId>,
    ) -> Result<Candidates<'c>, BackendError>
    where
        'a: 'c,
    {
        let resource_type = &target.resource_type;
        let needs_groups = resource_type.has_groups()
            && !self.backend.leaves_membership()
            && (target.sort.as_ref().is_some_and(is_groups)
                || filter.is_some_and(|f| f.expression().looks_at("groups")));
        if needs_groups {
            self.relations.read_all_groups().await?;
        }
        let equal_to = filter.map(equalities).unwrap_or_default();
        let by_id = equal_to.iter().find(|(attribute, _)| attribute.to_string() == "id");
        let (ready, walk) = match by_id {
            Some((_, id)) => {
                // A page that ended at a resource found by its id was the last.
                let id = ResourceId::new(&**id).ok().filter(|_| after.is_none());
                let held = match id {
                    Some(id) => registered.store.get(self.cx, resource_type, &id).await?,
                    None => None,
                };
                (held.map(|held| held.stored).into_iter().collect(), None)
            }
            None => {
                let (cx, store) = (self.cx, &*registered.store);
                (VecDeque::new(), Some(Walk::new(cx, store, resource_type, equal_to, after)))
            }
        };
        Ok(Candidates { ready, walk, filter, needs_groups })
    }

    fn examine(&mut self, resources: usize) -> Result<(), BackendError> {
        self.examined += resources;
        if self.examined > self.query.work_limit { Err(BackendError::TooMany) } else { Ok(()) }
    }
}

/// Resources that may meet a filter.
struct Candidates<'c> {
    ready: VecDeque<Stored>,
    walk: Option<Walk<'c>>,
    filter: Option<&'c ResolvedFilter>,
    needs_groups: bool,
}

impl Candidates<'_> {
    /// The next that does meet it.
    async fn next(&mut self, run: &mut Run<'_>) -> Result<Option<Stored>, BackendError> {
        loop {
            while let Some(mut stored) = self.ready.pop_front() {
                run.examine(1)?;
                if self.needs_groups && stored.groups.is_none() {
                    stored.groups = Some(run.relations.groups_holding(&stored.id).await?);
                }
                match self.filter {
                    Some(filter) if !filter.matches(&stored.to_json()?) => {}
                    _ => return Ok(Some(stored)),
                }
            }
            let Some(walk) = &mut self.walk else { return Ok(None) };
            self.ready = walk.next().await?.into();
            if self.ready.is_empty() {
                return Ok(None);
            }
        }
    }
}

/// A page that is being filled.
struct Filling<'q> {
    query: &'q Query,
    resources: Vec<Stored>,
    /// How many more results come before the page.
    skip: u64,
    /// How many members the page holds.
    members: usize,
    /// Whether something did not fit.
    more: bool,
}

impl<'q> Filling<'q> {
    fn new(query: &'q Query) -> Self {
        let skip = match query.start {
            Start::Offset(offset) => offset,
            Start::After(_) => 0,
        };
        Self { query, resources: Vec::new(), skip, members: 0, more: false }
    }

    /// How many resources are worth reading: one more than fit, to know whether there is one.
    fn room(&self) -> usize {
        if self.more || self.query.count == 0 {
            return 0;
        }
        self.query.count.saturating_sub(self.resources.len()).saturating_add(1)
    }

    fn offer(&mut self, stored: Stored, target: &QueryTarget) {
        let members = members_in(&stored, target);
        let fits = self.resources.is_empty() || self.members + members <= self.query.member_limit;
        if self.more || self.resources.len() >= self.query.count || !fits {
            self.more = true;
            return;
        }
        self.members += members;
        self.resources.push(stored);
    }

    fn next(&self) -> Result<Option<Position>, BackendError> {
        let Some(last) = self.resources.last().filter(|_| self.more) else { return Ok(None) };
        let place =
            Place { resource_type: Arc::clone(last.resource_type.name()), id: last.id.clone() };
        Ok(Some(Position::of(&place)?))
    }
}

/// How many members of a resource an answer holds.
fn members_in(stored: &Stored, target: &QueryTarget) -> usize {
    if target.wanted.wants("members") {
        stored.members.as_ref().map_or(0, |members| members.list.len())
    } else {
        0
    }
}

fn is_groups(attribute: &AttributeRef) -> bool {
    attribute.extension().is_none() && attribute.attribute().name == "groups"
}
