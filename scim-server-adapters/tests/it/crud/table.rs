//! Tables of a product, in memory, that list as products do: all at once, page by page, with and
//! without a total, by an index.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use scim_core::typed::MultiValue;
use scim_core::{Group, Meta, Resource, ResourceId, User, Version, fold};
use scim_server_adapters::crud::{ListRequest, Listing, New, ResourceStore, Result, View};
use scim_server_adapters::{BackendError, RequestContext, unique_values};
use tokio::sync::Mutex;

/// How a table answers a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listed {
    /// Everything, whatever is asked for.
    Whole,
    /// The page asked for, and the total.
    Pages,
    /// The page asked for, and no total.
    PagesOnly,
    /// What is asked for by an index, else the page.
    Index,
}

impl Listed {
    pub(super) const ALL: [Self; 4] = [Self::Whole, Self::Pages, Self::PagesOnly, Self::Index];
}

/// A row of a table.
pub(super) trait Row: View + Clone + PartialEq {
    /// With an id, and a version unless that is 0.
    fn identified(self, id: ResourceId, version: u64) -> Self;

    /// The version that it was given.
    fn version(&self) -> u64;

    /// The attributes that must be unique, and their values.
    fn unique(&self, unique_display_name: bool) -> Vec<(String, String)>;

    /// Whether an index over the attributes that the row knows tells it apart: `None` if none does.
    fn indexed(&self, _: &ListRequest) -> Option<bool> {
        None
    }
}

fn meta(meta: Option<Meta>, version: u64) -> Option<Meta> {
    let version = (version > 0).then(|| Version::from(version).to_string());
    Some(Meta { version, ..meta.unwrap_or_default() })
}

fn version(meta: Option<&Meta>) -> u64 {
    meta.and_then(Meta::version).map_or(0, |version| version.as_str().parse().unwrap())
}

impl Row for User {
    fn version(&self) -> u64 {
        version(self.meta.as_ref())
    }

    fn identified(self, id: ResourceId, version: u64) -> Self {
        Self { id: Some(id), meta: meta(self.meta, version), ..self }
    }

    fn unique(&self, _: bool) -> Vec<(String, String)> {
        vec![("userName".to_owned(), fold(&self.user_name).into_owned())]
    }

    fn indexed(&self, request: &ListRequest) -> Option<bool> {
        request.equal_to("userName").map(|name| fold(&self.user_name) == name)
    }
}

impl Row for Group {
    fn version(&self) -> u64 {
        version(self.meta.as_ref())
    }

    fn identified(self, id: ResourceId, version: u64) -> Self {
        Self { id: Some(id), meta: meta(self.meta, version), ..self }
    }

    fn unique(&self, unique_display_name: bool) -> Vec<(String, String)> {
        let name = || ("displayName".to_owned(), fold(&self.display_name).into_owned());
        unique_display_name.then(name).into_iter().collect()
    }

    fn indexed(&self, request: &ListRequest) -> Option<bool> {
        let asked = request.equal_to("members.value")?;
        let is_asked = |member: &MultiValue| member.value.as_deref() == Some(asked);
        Some(self.members.iter().any(is_asked))
    }
}

impl Row for Resource {
    fn version(&self) -> u64 {
        version(self.meta())
    }

    fn identified(self, id: ResourceId, version: u64) -> Self {
        let meta = meta(self.meta().cloned(), version).unwrap_or_default();
        Self::identified(self, id, meta)
    }

    fn unique(&self, _: bool) -> Vec<(String, String)> {
        let values = unique_values(self.resource_type(), self.attributes());
        values.into_iter().map(|unique| (unique.attribute, unique.value)).collect()
    }
}

type Rows<T> = BTreeMap<(Arc<str>, ResourceId), T>;

/// A table; its clones are the same one.
#[derive(Clone)]
pub(super) struct Table<T> {
    rows: Arc<Mutex<Rows<T>>>,
    listed: Listed,
    /// Whether ids and versions are numbers of its own.
    numbered: bool,
    log: Log,
}

/// What was asked of a table.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Counters>);

#[derive(Default)]
struct Counters {
    gets: AtomicUsize,
    lists: AtomicUsize,
    given: AtomicUsize,
    replaces: AtomicUsize,
    refused: AtomicUsize,
    passwords: AtomicUsize,
    last: AtomicU64,
}

impl Log {
    pub(super) fn gets(&self) -> usize {
        self.0.gets.load(Ordering::Relaxed)
    }

    pub(super) fn lists(&self) -> usize {
        self.0.lists.load(Ordering::Relaxed)
    }

    /// How many resources lists gave.
    pub(super) fn given(&self) -> usize {
        self.0.given.load(Ordering::Relaxed)
    }

    pub(super) fn replaces(&self) -> usize {
        self.0.replaces.load(Ordering::Relaxed)
    }

    /// How many replaces came too late.
    pub(super) fn refused(&self) -> usize {
        self.0.refused.load(Ordering::Relaxed)
    }

    pub(super) fn passwords(&self) -> usize {
        self.0.passwords.load(Ordering::Relaxed)
    }
}

fn count(counter: &AtomicUsize, by: usize) {
    counter.fetch_add(by, Ordering::Relaxed);
}

impl<T: Row> Table<T> {
    /// A table that is given as a whole.
    pub(super) fn new() -> Self {
        Self::listed(Listed::Whole)
    }

    pub(super) fn listed(listed: Listed) -> Self {
        Self { rows: Arc::default(), listed, numbered: false, log: Log::default() }
    }

    /// A table that counts its ids and versions.
    pub(super) fn numbered() -> Self {
        Self { numbered: true, ..Self::new() }
    }

    pub(super) fn log(&self) -> Log {
        self.log.clone()
    }

    /// Changes a row as the product's own pages do, past SCIM.
    pub(super) async fn edit(&self, id: &str, edit: impl FnOnce(&mut T)) {
        let mut rows = self.rows.lock().await;
        let key = ("".into(), ResourceId::new(id).unwrap());
        edit(rows.get_mut(&key).unwrap());
    }

    async fn put(&self, cx: &RequestContext, current: Option<&T>, new: New<T>) -> Result<T> {
        // Others have their turn between the read and the write, as they have with a database.
        tokio::task::yield_now().await;
        count(&self.log.0.passwords, usize::from(new.password.is_some()));
        let mut rows = self.rows.lock().await;
        let id = match (current, self.numbered) {
            (None, true) => {
                let number = self.log.0.last.fetch_add(1, Ordering::Relaxed) + 1;
                ResourceId::new(format!("u{number}")).unwrap()
            }
            _ => new.id.clone(),
        };
        let key = (Arc::clone(&cx.tenant), id.clone());
        if let Some(current) = current {
            count(&self.log.0.replaces, 1);
            let present = rows.get(&key).ok_or(BackendError::NotFound)?;
            if present != current {
                count(&self.log.0.refused, 1);
                return Err(BackendError::PreconditionFailed);
            }
        }
        for unique in new.resource.unique(new.unique_display_name) {
            let taken = |(other, row): (&(Arc<str>, ResourceId), &T)| {
                other.0 == cx.tenant && other.1 != id && row.unique(true).contains(&unique)
            };
            if rows.iter().any(taken) {
                return Err(BackendError::Conflict { attribute: unique.0.into() });
            }
        }
        let version = match current {
            _ if !self.numbered => 0,
            Some(current) => current.version() + 1,
            None => 1,
        };
        let row = new.resource.identified(id, version);
        rows.insert(key, row.clone());
        Ok(row)
    }
}

impl<T: Row> ResourceStore<T> for Table<T> {
    async fn create(&self, cx: &RequestContext, new: New<T>) -> Result<T> {
        self.put(cx, None, new).await
    }

    async fn get(&self, cx: &RequestContext, id: &ResourceId) -> Result<Option<T>> {
        count(&self.log.0.gets, 1);
        Ok(self.rows.lock().await.get(&(Arc::clone(&cx.tenant), id.clone())).cloned())
    }

    async fn list(&self, cx: &RequestContext, request: &ListRequest) -> Result<Listing<T>> {
        count(&self.log.0.lists, 1);
        let rows = self.rows.lock().await;
        let own = rows.iter().filter(|((tenant, _), _)| *tenant == cx.tenant);
        let own: BTreeMap<&ResourceId, &T> = own.map(|((_, id), row)| (id, row)).collect();
        let by_index: Vec<T> = match self.listed {
            Listed::Index => own
                .values()
                .filter(|row| row.indexed(request) == Some(true))
                .map(|row| (*row).clone())
                .collect(),
            _ => Vec::new(),
        };
        let can_index = own.values().next().is_some_and(|row| row.indexed(request).is_some());
        let listing = match self.listed {
            // In an order of no meaning, since any will do.
            Listed::Whole => Listing::All(own.values().rev().map(|row| (*row).clone()).collect()),
            Listed::Index if can_index => Listing::All(by_index),
            _ => {
                let from = match &request.after {
                    Some(after) => Bound::Excluded(after),
                    None => Bound::Unbounded,
                };
                let offset = usize::try_from(request.offset).unwrap_or(usize::MAX);
                let page = own.range::<&ResourceId, _>((from, Bound::Unbounded));
                let page = page.skip(offset).take(request.limit);
                let total =
                    (request.total && self.listed != Listed::PagesOnly).then_some(own.len() as u64);
                let resources = page.map(|(_, row)| (*row).clone()).collect();
                Listing::Page { resources, total }
            }
        };
        let given = match &listing {
            Listing::All(resources) | Listing::Page { resources, .. } => resources.len(),
        };
        count(&self.log.0.given, given);
        Ok(listing)
    }

    async fn replace(&self, cx: &RequestContext, current: &T, new: New<T>) -> Result<T> {
        self.put(cx, Some(current), new).await
    }

    async fn delete(&self, cx: &RequestContext, id: &ResourceId, current: &T) -> Result<()> {
        tokio::task::yield_now().await;
        let mut rows = self.rows.lock().await;
        let key = (Arc::clone(&cx.tenant), id.clone());
        match rows.get(&key) {
            None => Err(BackendError::NotFound),
            Some(present) if present != current => Err(BackendError::PreconditionFailed),
            Some(_) => {
                rows.remove(&key);
                Ok(())
            }
        }
    }
}
