//! The stores under test, and filling them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow};
use scim_backend_postgres::{PostgresBackend, PostgresOptions};
use scim_backend_sqlite::{SqliteBackend, SqliteOptions, Synchronous};
use scim_core::messages::PATCH_OP_URN;
use scim_core::{
    AttributeSet, DateTime, PatchOp, Profile, Registry, Resource, ResourceId, ResourceType,
};
use scim_filter::{Limits, ResolvedFilter};
use scim_patch::PatchPlan;
use scim_server_adapters::{
    Change, Precondition, ProvisioningBackend, Query, QueryTarget, RequestContext, Start, Write,
    WriteUnit,
};
use serde_json::{Value, json};

use crate::people;

/// The organisation that everything belongs to.
pub const TENANT: &str = "bench";

/// Where databases are unless a flag says otherwise, seen from the folder the tool is run in.
pub const DATABASE: &str = "sqlite:target/bench-data/users-{n}.db";

/// Users that one call of `write_all` makes.
const BATCH: u64 = 2_000;

/// The users that were made last are this much later than the others: so many that
/// `meta.lastModified gt` finds at any size.
pub const LATEST: u64 = 100;

/// 2026-01-01T00:00:00Z, in microseconds.
const FIRST_DAY: i64 = 1_767_225_600_000_000;

/// Later than that are the latest users.
pub const LATEST_AFTER: &str = "2026-01-02T00:00:00Z";

/// Where a store is: `sqlite:FILE` or `postgres://…`, with `{n}` for the number of users.
#[derive(Clone, Debug)]
pub struct Database(String);

impl std::str::FromStr for Database {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = ["sqlite:", "postgres:", "postgresql:"];
        if known.iter().any(|scheme| text.starts_with(scheme)) {
            Ok(Self(text.to_owned()))
        } else {
            Err("expected `sqlite:FILE` or `postgres://…`".to_owned())
        }
    }
}

impl Database {
    /// A file of SQLite's.
    pub fn file(path: &Path) -> Self {
        Self(format!("sqlite:{}", path.display()))
    }

    /// The one for that many users.
    pub fn of(&self, users: u64) -> Self {
        Self(self.0.replace("{n}", &users.to_string()))
    }

    /// As org-server's `--database` has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The file, if it is SQLite's.
    pub fn path(&self) -> Option<PathBuf> {
        self.0.strip_prefix("sqlite:").map(PathBuf::from)
    }

    /// The store, with writes synced or not.
    pub async fn open(&self, durable: bool) -> Result<Arc<dyn ProvisioningBackend>> {
        let Some(path) = self.path() else {
            let unsynced = "options=-c%20synchronous_commit%3Doff";
            let joint = if self.0.contains('?') { '&' } else { '?' };
            let url = if durable { self.0.clone() } else { format!("{}{joint}{unsynced}", self.0) };
            let options = PostgresOptions::new();
            let backend = PostgresBackend::open(&url, &Registry::builtin(), &options).await?;
            return Ok(Arc::new(backend));
        };
        Ok(Arc::new(open_file(&path, durable)?))
    }

    /// Sees to it that, where that is possible, what was written before is out of the way: in the
    /// database, not in its log. The file is read once, so that the operating system has it in
    /// memory, as it would after a while of use.
    pub fn settle(&self) -> Result<()> {
        if let Some(path) = self.path().filter(|path| path.exists()) {
            let connection = rusqlite::Connection::open(&path)?;
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            std::io::copy(&mut std::fs::File::open(path)?, &mut std::io::sink())?;
        }
        Ok(())
    }

    /// The store, ready to be measured.
    pub async fn open_settled(&self, durable: bool) -> Result<Arc<dyn ProvisioningBackend>> {
        self.settle()?;
        self.open(durable).await
    }
}

/// SQLite's store in a file.
pub fn open_file(path: &Path, durable: bool) -> Result<SqliteBackend> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let synchronous = if durable { Synchronous::Full } else { Synchronous::Off };
    let options = SqliteOptions::new().synchronous(synchronous);
    SqliteBackend::open(path, &Registry::builtin(), &options)
        .with_context(|| format!("cannot open {}", path.display()))
}

/// A store and the organisation in it.
#[derive(Clone)]
pub struct Store {
    pub backend: Arc<dyn ProvisioningBackend>,
    pub cx: RequestContext,
    pub user: Arc<ResourceType>,
    pub group: Arc<ResourceType>,
}

impl Store {
    pub fn new(backend: Arc<dyn ProvisioningBackend>) -> Result<Self> {
        let cx = RequestContext {
            tenant: TENANT.into(),
            principal: "bench".into(),
            request_id: "1".into(),
            now: DateTime::now(),
        };
        Ok(Self { backend, cx, user: ResourceType::user(), group: ResourceType::group() })
    }

    fn at(&self, micros: i64) -> Result<RequestContext> {
        let now = DateTime::from_micros(micros).ok_or_else(|| anyhow!("a date out of range"))?;
        Ok(RequestContext { now, ..self.cx.clone() })
    }

    /// A query for a page without a total.
    pub fn query(
        &self,
        resource_type: &Arc<ResourceType>,
        filter: Option<&str>,
        start: Start,
        count: usize,
    ) -> Result<Query> {
        let parse = |text| {
            ResolvedFilter::parse(text, resource_type, &Profile::INTEROP, &Limits::default())
        };
        Ok(Query {
            targets: vec![QueryTarget {
                resource_type: Arc::clone(resource_type),
                filter: filter.map(parse).transpose()?,
                sort: None,
                wanted: Arc::new(AttributeSet::default_for(resource_type)),
            }],
            order: None,
            start,
            count,
            total: true,
            work_limit: scim_server_adapters::Limits::default().work,
            member_limit: scim_server_adapters::Limits::default().page_members,
        })
    }

    /// How many resources of a type there are.
    pub async fn population(&self, resource_type: &Arc<ResourceType>) -> Result<u64> {
        let query = self.query(resource_type, None, Start::Offset(0), 0)?;
        let page = self.backend.query(&self.cx, &query).await?;
        Ok(page.total.unwrap_or_default())
    }

    /// The group of that name.
    pub async fn find_group(&self, name: &str) -> Result<Option<ResourceId>> {
        let filter = format!("displayName eq \"{name}\"");
        let mut query = self.query(&self.group, Some(&filter), Start::Offset(0), 1)?;
        query.targets[0].wanted = Arc::new(AttributeSet::parse(&self.group, &["id"], &[])?);
        let page = self.backend.query(&self.cx, &query).await?;
        Ok(page.resources.into_iter().next().map(|found| found.id))
    }

    pub fn create(
        resource_type: &Arc<ResourceType>,
        id: Option<ResourceId>,
        resource: Resource,
    ) -> Write {
        Write {
            resource_type: Arc::clone(resource_type),
            change: Change::Create { id, resource, secret: None },
            precondition: Precondition::NONE,
            returning: None,
            unique_display_name: false,
            must_exist: Vec::new(),
        }
    }

    /// A PATCH of a group, planned.
    pub fn patch_group(&self, id: &ResourceId, operations: Value) -> Result<Write> {
        let body = json!({"schemas": [PATCH_OP_URN], "Operations": operations});
        let patch = PatchOp::parse(body.to_string().as_bytes(), &Profile::INTEROP)?;
        let plan = PatchPlan::new(&self.group, patch, &Profile::INTEROP)?.plan;
        Ok(Write {
            resource_type: Arc::clone(&self.group),
            change: Change::Patch { id: id.clone(), plan },
            precondition: Precondition::NONE,
            returning: None,
            unique_display_name: false,
            must_exist: Vec::new(),
        })
    }

    /// Writes, each on its own, in one commit.
    async fn write_all(&self, cx: &RequestContext, writes: Vec<Write>) -> Result<()> {
        let unit = |write| WriteUnit { writes: vec![write], depends_on: Vec::new() };
        let units = writes.into_iter().map(unit).collect();
        for outcome in self.backend.write_all(cx, units, Some(1)).await? {
            outcome.map_err(|failure| failure.error)?;
        }
        Ok(())
    }

    /// Makes users `from` up to `to`, by their numbers, and tells the time that it took, without
    /// that of making them up.
    pub async fn create_users(&self, from: u64, to: u64, of: u64) -> Result<std::time::Duration> {
        let mut took = std::time::Duration::ZERO;
        let mut next = from;
        let earlier = of.saturating_sub(LATEST);
        while next < to {
            let end = (next + BATCH).min(to);
            let end = if next < earlier { end.min(earlier) } else { end };
            let mut writes = Vec::with_capacity(BATCH as usize);
            for n in next..end {
                let resource = people::ingest(&self.user, people::user(n))?;
                writes.push(Self::create(
                    &self.user,
                    Some(people::id(people::user_id(n))?),
                    resource,
                ));
            }
            let later = if next < earlier { 0 } else { 2 * 86_400_000_000 };
            let cx = self.at(FIRST_DAY + (next as i64) * 1_000 + later)?;
            let started = Instant::now();
            self.write_all(&cx, writes).await?;
            took += started.elapsed();
            next = end;
        }
        Ok(took)
    }

    /// Makes groups `from` up to `to` of a hundred users each.
    pub async fn create_groups(&self, from: u64, to: u64) -> Result<std::time::Duration> {
        let mut took = std::time::Duration::ZERO;
        let mut next = from;
        while next < to {
            let end = (next + BATCH / 20).min(to);
            let mut writes = Vec::new();
            for n in next..end {
                let resource = people::ingest(&self.group, people::group(n))?;
                writes.push(Self::create(
                    &self.group,
                    Some(people::id(people::group_id(n))?),
                    resource,
                ));
            }
            let cx = self.at(FIRST_DAY)?;
            let started = Instant::now();
            self.write_all(&cx, writes).await?;
            took += started.elapsed();
            next = end;
        }
        Ok(took)
    }

    /// The group of that name with users `0..size`, made if it isn't there.
    pub async fn group_of(&self, name: &str, size: u64) -> Result<ResourceId> {
        const AT_ONCE: u64 = 5_000;
        if let Some(id) = self.find_group(name).await? {
            return Ok(id);
        }
        let first = people::ingest(&self.group, people::group_of(name, 0..size.min(AT_ONCE)))?;
        let write = Self::create(&self.group, None, first);
        let id = self.backend.write(&self.cx, write).await?.id;
        let mut next = AT_ONCE;
        while next < size {
            let end = (next + AT_ONCE).min(size);
            let members: Vec<Value> =
                (next..end).map(|n| json!({"value": people::user_id(n), "type": "User"})).collect();
            let add = json!([{"op": "add", "path": "members", "value": members}]);
            self.backend.write(&self.cx, self.patch_group(&id, add)?).await?;
            next = end;
        }
        Ok(id)
    }
}

/// Sees to it that a database has that many users, in groups of a hundred.
pub async fn fill(database: &Database, users: u64) -> Result<()> {
    let store = Store::new(database.open(false).await?)?;
    let groups = users / people::GROUP_SIZE;
    // What is missing is at the end, since it is made in order.
    let have = store.population(&store.user).await?;
    let have_groups = store.population(&store.group).await?;
    if have < users || have_groups < groups {
        eprintln!("filling {} with {users} users", database.as_str());
        let started = Instant::now();
        store.create_users(have, users, users).await?;
        store.create_groups(have_groups, groups).await?;
        eprintln!("filled in {:.1} s", started.elapsed().as_secs_f64());
    }
    Ok(())
}
