//! Pages of the resources that meet a query.

use std::collections::HashMap;

use scim_backend_sql::{Layout, Target, number_of, position_of, whole};
use scim_core::SortOrder;
use scim_server_adapters::{BackendError, Page, Query, SortKey, Start, Stored, sorted_page};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::error::Failure;
use crate::load::{Beside, Loader, one_more};
use crate::lookup::{Select, Window, mapping};
use crate::session::{Mode, Session, Transaction};

/// Resources that are read at once to be examined.
const CHUNK: i64 = 1_000;

/// How many resources of a type there are.
pub(crate) const POPULATION: &str = "
    SELECT coalesce(sum(resources), 0)::bigint FROM scim_population
    WHERE tenant = $1 AND type = $2";

/// How many members a group has, up to a limit.
pub(crate) const UP_TO: &str =
    "SELECT count(*) FROM (SELECT 1 FROM scim_member WHERE group_key = $1 LIMIT $2) m";

/// A query with what indexes can do for it.
#[derive(Debug)]
pub(crate) struct Plan<'q> {
    query: &'q Query,
    /// What the rows must be derived by that indexes are asked for.
    generation: i64,
    targets: Vec<Target>,
}

/// The keys of matches of one target.
struct Matches {
    keys: Vec<i64>,
    /// How many there are of all, where finding out cost nothing.
    total: Option<u64>,
}

/// The same for many groups.
const UP_TO_EACH: &str = "
    SELECT k.key, (SELECT count(*) FROM
        (SELECT 1 FROM scim_member m WHERE m.group_key = k.key LIMIT $2) m)
    FROM unnest($1::bigint[]) AS k (key)";

/// Those whose text is always the same, for the test of their plans.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 3] = [POPULATION, UP_TO, UP_TO_EACH];

impl<'q> Plan<'q> {
    pub(crate) fn new(
        layout: &Layout,
        generation: i64,
        query: &'q Query,
    ) -> Result<Self, BackendError> {
        let targets = query.targets.iter().map(|target| Target::new(layout, target, mapping));
        let targets = targets.collect::<Result<_, _>>()?;
        Ok(Self { query, generation, targets })
    }

    /// Answers the query for a tenant; `None` is one without resources.
    pub(crate) async fn run(
        &self,
        session: Session,
        layout: &Layout,
        tenant: Option<i64>,
    ) -> Result<Page, Failure> {
        let Query { total, work_limit, member_limit, .. } = self.query;
        let Some(tenant) = tenant else {
            return Ok(Page { total: total.then_some(0), ..Page::default() });
        };
        if let [target] = self.targets.as_slice()
            && let Some(page) = self.at_once(&session, layout, tenant, target).await?
        {
            return Ok(page);
        }
        let transaction = Transaction::on(session);
        let session = transaction.session();
        tokio::try_join!(
            biased;
            transaction.begin(Mode::Read),
            is_of(session, self.generation),
        )?;
        let page = {
            let loader = Loader { session: transaction.session(), layout, tenant };
            let run =
                Run { loader, budget: *work_limit, count_all: *total, member_limit: *member_limit };
            match self.query.order {
                Some(order) => self.sorted(run, order).await,
                None => self.unsorted(run).await,
            }
        };
        // It has only read, so it does not matter how it ends.
        transaction.rollback().await;
        page
    }

    /// The page, if one statement gives it: the matches are found by an index, and there are few
    /// enough of them to know the total.
    async fn at_once(
        &self,
        session: &Session,
        layout: &Layout,
        tenant: i64,
        target: &Target,
    ) -> Result<Option<Page>, Failure> {
        let Query { start, count, total, .. } = self.query;
        let beside = Beside::new(&target.layout, &target.wanted);
        let is_first = *start == Start::Offset(0);
        if self.query.order.is_some()
            || !target.is_exact
            || target.lookup.is_empty
            || target.lookup.is_all()
            || target.wants_members()
            || *count == 0
            || !is_first
        {
            return Ok(None);
        }
        let window = Window { after: 0, skip: 0, limit: clamp(*count as u64).saturating_add(1) };
        let select = Select::resources(&target.lookup, tenant, &target.layout, window, beside, 0);
        let (rows, ()) =
            tokio::try_join!(biased; ask(session, &select), is_of(session, self.generation))?;
        let has_more = rows.len() > *count;
        if has_more && *total {
            return Ok(None);
        }
        let loader = Loader { session, layout, tenant };
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            found.push(loader.stored(row, &target.resource_type, beside, 0)?);
        }
        found.sort_unstable_by_key(|(key, _)| *key);
        found.truncate(*count);
        let next = found.last().filter(|_| has_more).map(|(key, _)| position_of(*key));
        let seen = found.len() as u64;
        Ok(Some(Page {
            resources: found.into_iter().map(|(_, stored)| stored).collect(),
            total: total.then_some(seen),
            next,
        }))
    }

    async fn unsorted(&self, mut run: Run<'_>) -> Result<Page, Failure> {
        let Query { start, count, total, member_limit, work_limit, .. } = self.query;
        let (after, offset) = match start {
            Start::Offset(offset) => (0, *offset),
            Start::After(position) => (number_of(position)?, 0),
        };
        // One more than the page holds, to know whether there is a next one.
        let limit = if *count == 0 { 0 } else { (*count as u64).saturating_add(1) };
        let (mut found, all) = match self.targets.as_slice() {
            [target] => {
                let Matches { keys, total } = run.matches(target, after, offset, limit).await?;
                let found: Vec<(i64, usize)> = keys.into_iter().map(|key| (key, 0)).collect();
                let seen = offset + found.len() as u64;
                // A page that ends before its limit ends with the last match; if it is empty, the
                // last match may be anywhere before it.
                let is_last = (found.len() as u64) < limit && (!found.is_empty() || offset == 0);
                let seen_all = (after == 0 && is_last).then_some(seen);
                let all = match total.or(seen_all) {
                    None if run.count_all => Some(run.count(target).await?),
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
                    let Matches { keys, total } = run.matches(target, after, 0, asked).await?;
                    if keys.len() as u64 > most {
                        return Err(BackendError::TooMany.into());
                    }
                    found.extend(keys.into_iter().map(|key| (key, index)));
                    if run.count_all {
                        all += match total {
                            Some(total) => total,
                            None => run.count(target).await?,
                        };
                    }
                }
                found.sort_unstable();
                let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(found.len());
                found.drain(..offset);
                (found, Some(all))
            }
        };
        let mut has_next = found.len() > *count;
        found.truncate(*count);
        let held = self.members(run.loader, &found).await?;
        let mut sum = 0;
        for (place, (key, _)) in found.iter().enumerate() {
            sum += held.get(key).copied().unwrap_or_default();
            if sum > *member_limit && place > 0 {
                found.truncate(place);
                has_next = true;
                break;
            }
        }
        let next = found.last().filter(|_| has_next).map(|(key, _)| position_of(*key));
        Ok(Page {
            resources: self.load(run.loader, &found).await?,
            total: if *total { all } else { None },
            next,
        })
    }

    /// A page of a sorted query: every match is read for its sort key, within the work limit.
    async fn sorted(&self, mut run: Run<'_>, order: SortOrder) -> Result<Page, Failure> {
        let mut matches = Vec::new();
        for (index, target) in self.targets.iter().enumerate() {
            for (sort_key, key) in run.sort_keys(target).await? {
                matches.push((sort_key, key.unsigned_abs(), (key, index)));
            }
        }
        // Twice: what a page may hold at most, of which the numbers of members are then asked.
        let most = Query { member_limit: usize::MAX, ..self.query.clone() };
        let candidates = sorted_page(matches.clone(), order, &most, |_| Ok::<_, Failure>(0))?.items;
        let held = self.members(run.loader, &candidates).await?;
        let page = sorted_page(matches, order, self.query, |(key, _)| {
            Ok::<_, Failure>(held.get(key).copied().unwrap_or_default())
        })?;
        Ok(Page {
            resources: self.load(run.loader, &page.items).await?,
            total: self.query.total.then_some(page.total),
            next: page.next,
        })
    }

    /// How many members of each match the answer will hold, as far as the limit goes.
    async fn members(
        &self,
        loader: Loader<'_>,
        found: &[(i64, usize)],
    ) -> Result<HashMap<i64, usize>, Failure> {
        let groups = found
            .iter()
            .filter(|(_, index)| self.targets.get(*index).is_some_and(Target::wants_members));
        let groups: Vec<i64> = groups.map(|(key, _)| *key).collect();
        if groups.is_empty() {
            return Ok(HashMap::new());
        }
        let limit = one_more(self.query.member_limit);
        let rows = loader
            .session
            .query(UP_TO_EACH, &[(&groups, Type::INT8_ARRAY), (&limit, Type::INT8)])
            .await?;
        rows.iter()
            .map(|row| {
                let held: i64 = row.try_get(1)?;
                Ok((row.try_get(0)?, usize::try_from(held).unwrap_or(usize::MAX)))
            })
            .collect()
    }

    /// The resources of a page, in its order.
    async fn load(
        &self,
        loader: Loader<'_>,
        found: &[(i64, usize)],
    ) -> Result<Vec<Stored>, Failure> {
        let mut loaded: HashMap<i64, Stored> = HashMap::with_capacity(found.len());
        for (index, target) in self.targets.iter().enumerate() {
            let keys = found.iter().filter(|(_, of)| *of == index).map(|(key, _)| *key);
            let keys: Vec<i64> = keys.collect();
            if !keys.is_empty() {
                let (layout, wanted) = (&target.layout, &target.wanted);
                // A group that has more is alone on its page.
                let member_limit = self.query.member_limit;
                loaded.extend(loader.by_keys(layout, &keys, wanted, member_limit).await?);
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
    count_all: bool,
    /// How many members a group may have that a filter or sorting looks at.
    member_limit: usize,
}

impl Run<'_> {
    /// The keys of the matches after one key, but for the first `skip`, and at most `limit`.
    async fn matches(
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
                let window = Window { after, skip: clamp(skip), limit: clamp(limit) };
                self.candidates(target, window).await?
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
            let chunk = self.tested(target, reached).await?;
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
        }
    }

    /// The keys of all matches, each with what it is sorted by.
    async fn sort_keys(&mut self, target: &Target) -> Result<Vec<(SortKey, i64)>, Failure> {
        let mut found = Vec::new();
        if target.lookup.is_empty {
            return Ok(found);
        }
        let mut reached = 0;
        loop {
            let chunk = self.tested(target, reached).await?;
            let Some((last, _)) = chunk.last() else { return Ok(found) };
            reached = *last;
            self.budget = self.budget.checked_sub(chunk.len()).ok_or(BackendError::TooMany)?;
            let sorted = match &target.sort {
                Some((_, needed)) => {
                    let keys = matching(&chunk);
                    self.loader.by_keys(&target.layout, &keys, needed, self.member_limit).await?
                }
                None => HashMap::new(),
            };
            for (key, _) in chunk.iter().filter(|(_, is_match)| *is_match) {
                let sort_key = match (&target.sort, sorted.get(key)) {
                    (Some((attribute, _)), Some(resource)) => {
                        SortKey::of(attribute, &whole(resource)?)
                    }
                    _ => SortKey::Unassigned,
                };
                found.push((sort_key, *key));
            }
        }
    }

    /// The keys of some candidates after one, each with whether it is a match.
    async fn tested(&self, target: &Target, after: i64) -> Result<Vec<(i64, bool)>, Failure> {
        let Loader { session, tenant, .. } = self.loader;
        let limit = if target.looks_at_members() { 1 } else { CHUNK };
        let window = Window { after, skip: 0, limit };
        let select = Select::tested(&target.lookup, tenant, &target.layout, window);
        let rows = ask(session, &select).await?;
        let mut tested = Vec::with_capacity(rows.len());
        for row in rows {
            tested.push((row.try_get(0)?, row.try_get(1)?));
        }
        tested.sort_unstable();
        let Some((remainder, needed)) = &target.remainder else { return Ok(tested) };
        let keys = matching(&tested);
        let resources =
            self.loader.by_keys(&target.layout, &keys, needed, self.member_limit).await?;
        for (key, is_match) in &mut tested {
            *is_match = match resources.get(key) {
                Some(resource) => remainder.matches(&whole(resource)?),
                None => false,
            };
        }
        Ok(tested)
    }

    async fn candidates(&self, target: &Target, window: Window) -> Result<Vec<i64>, Failure> {
        let Loader { session, tenant, .. } = self.loader;
        let select = Select::keys(&target.lookup, tenant, &target.layout, window);
        let rows = ask(session, &select).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// How many resources there are that indexes select, examining none.
    async fn count(&self, target: &Target) -> Result<u64, Failure> {
        let Loader { session, tenant, .. } = self.loader;
        let rows = if target.lookup.is_all() {
            let parameters = [
                (&tenant as &(dyn tokio_postgres::types::ToSql + Sync), Type::INT8),
                (&target.layout.key, Type::INT8),
            ];
            session.query(POPULATION, &parameters).await?
        } else {
            ask(session, &Select::count(&target.lookup, tenant, &target.layout)).await?
        };
        let counted: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
        Ok(counted.unsigned_abs())
    }
}

/// # Errors
/// [`Failure::Outdated`] when the rows are derived by other schemas or options now, so that an index
/// may lack what it is asked for.
async fn is_of(session: &Session, generation: i64) -> Result<(), Failure> {
    let rows = session.query("SELECT generation FROM scim_fingerprint", &[]).await?;
    let found: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
    if found == generation { Ok(()) } else { Err(Failure::Outdated) }
}

async fn ask(session: &Session, select: &Select) -> Result<Vec<Row>, Failure> {
    let parameters = select.parameters();
    if select.is_unusual {
        session.query_once(&select.sql, &parameters).await
    } else {
        session.query(&select.sql, &parameters).await
    }
}

fn matching(tested: &[(i64, bool)]) -> Vec<i64> {
    tested.iter().filter(|(_, is_match)| *is_match).map(|(key, _)| *key).collect()
}

pub(crate) fn clamp(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
