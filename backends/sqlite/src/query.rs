//! Pages of the resources that meet a query.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params_from_iter};
use scim_backend_sql::{Layout, Target, number_of, position_of, whole};
use scim_core::SortOrder;
use scim_server_adapters::{BackendError, Page, Query, SortKey, Start, Stored, sorted_page};

use crate::error::Failure;
use crate::load::Loader;
use crate::lookup::{Select, Window};
use crate::mapping::mapping;
use crate::members::MemberRows;

/// Resources that are read at once to be examined.
const CHUNK: i64 = 256;

pub(crate) const POPULATION: &str =
    "SELECT resources FROM scim_population WHERE tenant = ?1 AND type = ?2";

/// A query with what indexes can do for it.
#[derive(Debug)]
pub(crate) struct Plan {
    query: Query,
    targets: Vec<Target>,
}

/// The keys of matches of one target.
struct Matches {
    keys: Vec<i64>,
    /// How many there are of all, where finding out cost nothing.
    total: Option<u64>,
}

impl Plan {
    pub(crate) fn new(layout: &Layout, query: Query) -> Result<Self, BackendError> {
        let targets = query.targets.iter().map(|target| Target::new(layout, target, mapping));
        let targets = targets.collect::<Result<_, _>>()?;
        Ok(Self { query, targets })
    }

    /// Whether it costs no more than a look-up by key, or a few.
    pub(crate) fn is_point(&self) -> bool {
        let is_point = |target: &Target| target.lookup.is_point() && !target.wants_members();
        self.query.order.is_none() && self.targets.iter().all(is_point)
    }

    /// Answers the query for a tenant; `None` is one without resources. The connection is in a
    /// transaction. `is_cancelled` is asked now and then, and ends the work.
    pub(crate) fn run(
        &self,
        connection: &Connection,
        layout: &Layout,
        tenant: Option<i64>,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<Page, Failure> {
        let Query { start, count, total, work_limit, member_limit, .. } = &self.query;
        let Some(tenant) = tenant else {
            return Ok(Page { total: total.then_some(0), ..Page::default() });
        };
        let loader = Loader { connection, layout, tenant };
        let mut run = Run {
            loader,
            budget: *work_limit,
            count_all: *total,
            member_limit: *member_limit,
            is_cancelled,
        };
        if let Some(order) = self.query.order {
            return self.sorted(&mut run, order);
        }
        let (after, offset) = match start {
            Start::Offset(offset) => (0, *offset),
            Start::After(position) => (number_of(position)?, 0),
        };
        // One more than the page holds, to know whether there is a next one.
        let limit = if *count == 0 { 0 } else { (*count as u64).saturating_add(1) };
        let (found, all) = match self.targets.as_slice() {
            [target] => {
                let Matches { keys, total } = run.matches(target, after, offset, limit)?;
                let found: Vec<(i64, usize)> = keys.into_iter().map(|key| (key, 0)).collect();
                let seen = offset + found.len() as u64;
                // A page that ends before its limit ends with the last match; if it is empty, the
                // last match may be anywhere before it.
                let is_last = (found.len() as u64) < limit && (!found.is_empty() || offset == 0);
                let seen_all = (after == 0 && is_last).then_some(seen);
                let all = match total.or(seen_all) {
                    None if run.count_all => Some(run.count(target)?),
                    known => known,
                };
                (found, all)
            }
            targets => {
                let mut found = Vec::new();
                let mut all = 0;
                // All keys up to the page are held.
                let most = *work_limit as u64;
                for (index, target) in targets.iter().enumerate() {
                    let limit = if limit == 0 { 0 } else { limit.saturating_add(offset) };
                    let asked = limit.min(most.saturating_add(1));
                    let Matches { keys, total } = run.matches(target, after, 0, asked)?;
                    if keys.len() as u64 > most {
                        return Err(BackendError::TooMany.into());
                    }
                    found.extend(keys.into_iter().map(|key| (key, index)));
                    if run.count_all {
                        all += total.map_or_else(|| run.count(target), Ok)?;
                    }
                }
                found.sort_unstable();
                let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(found.len());
                found.drain(..offset);
                (found, Some(all))
            }
        };
        let mut found = found;
        let mut has_next = found.len() > *count;
        found.truncate(*count);
        let mut held = 0;
        for (place, item) in found.iter().enumerate() {
            held += self.members(loader, *item)?;
            if held > self.query.member_limit && place > 0 {
                found.truncate(place);
                has_next = true;
                break;
            }
        }
        let next = found.last().filter(|_| has_next).map(|(key, _)| position_of(*key));
        Ok(Page {
            resources: self.load(loader, &found)?,
            total: if *total { all } else { None },
            next,
        })
    }

    /// A page of a sorted query: every match is read for its sort key, within the work limit.
    fn sorted(&self, run: &mut Run<'_>, order: SortOrder) -> Result<Page, Failure> {
        let mut matches = Vec::new();
        for (index, target) in self.targets.iter().enumerate() {
            for (sort_key, key) in run.sort_keys(target)? {
                matches.push((sort_key, key.unsigned_abs(), (key, index)));
            }
        }
        let page =
            sorted_page(matches, order, &self.query, |item| self.members(run.loader, *item))?;
        Ok(Page {
            resources: self.load(run.loader, &page.items)?,
            total: self.query.total.then_some(page.total),
            next: page.next,
        })
    }

    /// How many members of a match the answer will hold, as far as the limit goes.
    fn members(&self, loader: Loader<'_>, (key, index): (i64, usize)) -> Result<usize, Failure> {
        match self.targets.get(index) {
            Some(target) if target.wants_members() => {
                Ok(MemberRows { loader, group: key }.up_to(self.query.member_limit)?)
            }
            _ => Ok(0),
        }
    }

    /// The resources of a page, in its order.
    fn load(&self, loader: Loader<'_>, found: &[(i64, usize)]) -> Result<Vec<Stored>, Failure> {
        // A group that has more is alone on its page.
        let member_limit = self.query.member_limit;
        let mut loaded: HashMap<i64, Stored> = HashMap::with_capacity(found.len());
        for (index, target) in self.targets.iter().enumerate() {
            let keys = found.iter().filter(|(_, of)| *of == index).map(|(key, _)| *key);
            let keys: Vec<i64> = keys.collect();
            if !keys.is_empty() {
                let Target { layout, resource_type, wanted, .. } = target;
                loaded.extend(loader.by_keys(
                    layout,
                    resource_type,
                    &keys,
                    wanted,
                    member_limit,
                )?);
            }
        }
        Ok(found.iter().filter_map(|(key, _)| loaded.remove(key)).collect())
    }
}

/// A query under way.
struct Run<'a> {
    loader: Loader<'a>,
    /// How many resources may still be examined.
    budget: usize,
    /// How many members a group may have that a filter or sorting looks at.
    member_limit: usize,
    count_all: bool,
    is_cancelled: &'a dyn Fn() -> bool,
}

impl Run<'_> {
    /// The keys of the matches after one key, but for the first `skip`, and at most `limit`.
    fn matches(
        &mut self,
        target: &Target,
        after: i64,
        skip: u64,
        limit: u64,
    ) -> Result<Matches, Failure> {
        if target.lookup.is_empty {
            return Ok(Matches { keys: Vec::new(), total: Some(0) });
        }
        if target.is_exact {
            let keys = if limit == 0 {
                Vec::new()
            } else {
                self.candidates(target, Window { after, skip: clamp(skip), limit: clamp(limit) })?
            };
            return Ok(Matches { keys, total: None });
        }
        let mut keys = Vec::new();
        let (mut skip, mut total) = (skip, 0);
        // The total is over all pages, so the walk begins with the first resource where it is
        // asked for.
        let mut reached = if self.count_all { 0 } else { after };
        loop {
            if !self.count_all && keys.len() as u64 >= limit {
                return Ok(Matches { keys, total: None });
            }
            let chunk = self.tested(target, reached)?;
            let Some((last, _)) = chunk.last() else {
                return Ok(Matches { keys, total: self.count_all.then_some(total) });
            };
            reached = *last;
            for (key, is_match) in &chunk {
                if !self.count_all && keys.len() as u64 >= limit {
                    break;
                }
                self.budget = self.budget.checked_sub(1).ok_or(BackendError::TooMany)?;
                if !is_match {
                    continue;
                }
                total += 1;
                if *key <= after {
                    continue;
                }
                if skip > 0 {
                    skip -= 1;
                } else if (keys.len() as u64) < limit {
                    keys.push(*key);
                }
            }
            if (self.is_cancelled)() {
                return Err(BackendError::internal("the query was cancelled").into());
            }
        }
    }

    /// The keys of all matches, each with what it is sorted by.
    fn sort_keys(&mut self, target: &Target) -> Result<Vec<(SortKey, i64)>, Failure> {
        let mut found = Vec::new();
        if target.lookup.is_empty {
            return Ok(found);
        }
        let mut reached = 0;
        loop {
            let chunk = self.tested(target, reached)?;
            let Some((last, _)) = chunk.last() else { return Ok(found) };
            reached = *last;
            let Target { layout, resource_type, .. } = target;
            let keys = matching(&chunk);
            let read = |needed| {
                self.loader.by_keys(layout, resource_type, &keys, needed, self.member_limit)
            };
            let sorted = target.sort.as_ref().map(|(_, needed)| read(needed)).transpose()?;
            for (key, is_match) in &chunk {
                self.budget = self.budget.checked_sub(1).ok_or(BackendError::TooMany)?;
                if !is_match {
                    continue;
                }
                let resource = sorted.as_ref().and_then(|sorted| sorted.get(key));
                let sort_key = match (&target.sort, resource) {
                    (Some((attribute, _)), Some(resource)) => {
                        SortKey::of(attribute, &whole(resource)?)
                    }
                    _ => SortKey::Unassigned,
                };
                found.push((sort_key, *key));
            }
            if (self.is_cancelled)() {
                return Err(BackendError::internal("the query was cancelled").into());
            }
        }
    }

    /// The keys of candidates, each with whether it is a match.
    fn tested(&self, target: &Target, after: i64) -> Result<Vec<(i64, bool)>, Failure> {
        let Loader { connection, tenant, .. } = self.loader;
        let limit = if target.looks_at_members() { 1 } else { CHUNK };
        let window = Window { after, skip: 0, limit };
        let select = Select::tested(&target.lookup, tenant, &target.layout, window);
        let mut statement = connection.prepare_cached(&select.sql)?;
        let rows = statement
            .query_map(params_from_iter(select.parameters), |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut tested: Vec<(i64, bool)> = rows.collect::<rusqlite::Result<_>>()?;
        tested.sort_unstable();
        let Some((remainder, needed)) = &target.remainder else { return Ok(tested) };
        let Target { layout, resource_type, .. } = target;
        let keys = matching(&tested);
        // A filter must not take some of the members for all.
        let resources =
            self.loader.by_keys(layout, resource_type, &keys, needed, self.member_limit)?;
        for (key, is_match) in &mut tested {
            *is_match = match resources.get(key) {
                Some(resource) => remainder.matches(&whole(resource)?),
                None => false,
            };
        }
        Ok(tested)
    }

    fn candidates(&self, target: &Target, window: Window) -> Result<Vec<i64>, Failure> {
        let select = Select::keys(&target.lookup, self.loader.tenant, &target.layout, window);
        let mut statement = self.loader.connection.prepare_cached(&select.sql)?;
        let keys = statement.query_map(params_from_iter(select.parameters), |row| row.get(0))?;
        Ok(keys.collect::<rusqlite::Result<_>>()?)
    }

    /// How many resources there are that indexes select, examining none.
    fn count(&self, target: &Target) -> Result<u64, Failure> {
        let Loader { connection, tenant, .. } = self.loader;
        let counted: Option<i64> = if target.lookup.is_all() {
            let mut statement = connection.prepare_cached(POPULATION)?;
            statement.query_row((tenant, target.layout.key), |row| row.get(0)).optional()?
        } else {
            let select = Select::count(&target.lookup, tenant, &target.layout);
            let mut statement = connection.prepare_cached(&select.sql)?;
            Some(statement.query_row(params_from_iter(select.parameters), |row| row.get(0))?)
        };
        Ok(counted.unwrap_or_default().unsigned_abs())
    }
}

fn matching(tested: &[(i64, bool)]) -> Vec<i64> {
    tested.iter().filter(|(_, is_match)| *is_match).map(|(key, _)| *key).collect()
}

fn clamp(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
