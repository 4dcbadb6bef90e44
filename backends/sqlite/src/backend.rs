//! [`SqliteBackend`].

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rusqlite::{Connection, TransactionBehavior};
use scim_backend_sql::{Layout, number_of};
use scim_core::{Registry, ResourceId, ResourceType};
use scim_server_adapters::{
    BackendError, Capabilities, CursorKey, Event, EventLog, Members, Page, Position,
    ProvisioningBackend, Query, RequestContext, Stored, UnitFailure, Wanted, Write, WriteUnit,
    Written,
};
use tokio::sync::oneshot;

use crate::change::Job;
use crate::database::{Database, WriteConnection, connect_memory};
use crate::error::{Failure, OpenError, unavailable};
use crate::load::Loader;
use crate::options::SqliteOptions;
use crate::query::Plan;
use crate::scanner::Scanner;
use crate::tenants::Tenants;
use crate::writer::{JobUnit, Writer};
use crate::{event, fingerprint, migration, names};

/// Resources in an SQLite database: in a file that outlives the process, or in memory.
///
/// - **Durable**: a write is acknowledged when it is committed and, as [`Synchronous`] has it,
///   synced. After a crash the next start carries on.
/// - **One writer**, a thread that commits in groups, so that many clients share a sync. Readers
///   don't wait for it. Several processes may open one file: they take turns at writing.
/// - **Membership is rows.** Adding or removing a member reads and writes that member's row and the
///   group's version, however many others there are. Deleting a group answers at once; beyond some
///   hundred, its rows are swept afterwards.
/// - **Filters**: comparisons by `eq` of `id`, `externalId`, `displayName`, `active`, of what must
///   be unique (`userName`) or is [indexed](SqliteOptions::indexed), of `members.value` and of
///   `groups.value`, and any of the order of `meta.lastModified`, alone or joined by `and`, are
///   answered by indexes. Others are tested in SQL, and what SQL cannot tell is evaluated, for the
///   resources that such terms leave, or for all of the type, in the order of creation and within
///   [`Query::work_limit`]. Only resources that are examined one by one count towards it.
/// - **Log of changes** ([`EventLog`]): in the order in which they were committed, for as long as
///   [`SqliteOptions::event_retention`] says.
/// - **Passwords** are not kept.
///
/// Point reads, among them queries by `id` or by what must be unique, run on the caller's thread;
/// they take microseconds. Other queries, and reads of many members, run on threads of the store's
/// own. It needs no particular runtime.
///
/// Dropping it waits until all that was queued is written.
///
/// # Sharing the file
///
/// Tables of this crate begin with `scim_`, and are not for `ANALYZE`: what it counts there is forgotten
/// when the store is opened, since its plans are for any number of rows. A product may keep its own in the same file through
/// connections of its own; the database is in WAL mode, so they should wait for each other's
/// writes (`PRAGMA busy_timeout`) and keep write transactions short.
///
/// [`Synchronous`]: crate::Synchronous
#[derive(Debug)]
pub struct SqliteBackend {
    store: Arc<Store>,
    scanner: Scanner,
    writer: Writer,
    cursor_key: CursorKey,
}

/// A group with more members is read on a thread of the store's own: so many rows take a
/// millisecond or some.
const INLINE_MEMBERS: usize = 500;

/// What reads need.
#[derive(Debug)]
struct Store {
    database: Database,
    layout: Arc<Layout>,
    tenants: Arc<Tenants>,
}

impl SqliteBackend {
    /// Opens the database in a file, which is made if it isn't there, for the resource types of a
    /// registry. It blocks: migrations are run, and if the schemas or the options changed since the
    /// last time, what depends on them is rebuilt.
    ///
    /// # Errors
    /// [`OpenError`]; the database is then as it was.
    pub fn open(
        path: impl AsRef<Path>,
        registry: &Registry,
        options: &SqliteOptions,
    ) -> Result<Self, OpenError> {
        let (database, mut connection) = Database::open_file(path.as_ref(), options)?;
        let layout = prepare(&mut connection, registry, options)?;
        let cursor_key = cursor_key(&connection)?;
        Self::start(database, WriteConnection::Own(connection), layout, cursor_key, options)
    }

    /// The same in memory: for tests and for trying things out. Readers and the writer take turns.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn in_memory(registry: &Registry, options: &SqliteOptions) -> Result<Self, OpenError> {
        let mut connection = connect_memory()?;
        let layout = prepare(&mut connection, registry, options)?;
        let cursor_key = cursor_key(&connection)?;
        let connection = Arc::new(Mutex::new(connection));
        let database = Database::Memory(Arc::clone(&connection));
        Self::start(database, WriteConnection::Shared(connection), layout, cursor_key, options)
    }

    fn start(
        database: Database,
        connection: WriteConnection,
        layout: Layout,
        cursor_key: CursorKey,
        options: &SqliteOptions,
    ) -> Result<Self, OpenError> {
        let layout = Arc::new(layout);
        let tenants = Arc::new(Tenants::default());
        let retention = options.event_retention;
        let writer =
            Writer::start(connection, Arc::clone(&layout), Arc::clone(&tenants), retention)?;
        let threads = options
            .readers
            .or_else(|| std::thread::available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN);
        let scanner = Scanner::start(threads)?;
        let store = Arc::new(Store { database, layout, tenants });
        Ok(Self { store, scanner, writer, cursor_key })
    }
}

/// Makes the database fit this version of the crate, the registry and the options.
fn prepare(
    connection: &mut Connection,
    registry: &Registry,
    options: &SqliteOptions,
) -> Result<Layout, OpenError> {
    migration::run(connection)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let layout = names::layout(&transaction, registry, &options.indexing)?;
    fingerprint::settle(&transaction, &layout)?;
    forget_statistics(&transaction)?;
    transaction.commit()?;
    Ok(layout)
}

/// Forgets what `ANALYZE` or `PRAGMA optimize` of somebody else's counted in the store's tables. The plans
/// of its statements are for any number of rows; by counts of a time when there were few, SQLite would go
/// through whole tables when there are many.
fn forget_statistics(connection: &Connection) -> rusqlite::Result<()> {
    for table in ["sqlite_stat1", "sqlite_stat4"] {
        if connection.table_exists(None, table)? {
            connection.execute(&format!("DELETE FROM {table} WHERE tbl GLOB 'scim_*'"), [])?;
            // What is in the tables is read when a connection first needs it, or by this.
            connection.execute_batch("ANALYZE sqlite_schema")?;
        }
    }
    Ok(())
}

fn cursor_key(connection: &Connection) -> Result<CursorKey, OpenError> {
    let key = connection.query_row("SELECT key FROM scim_cursor_key", [], |row| row.get(0))?;
    Ok(CursorKey::from_bytes(key))
}

impl SqliteBackend {
    /// Reads on a thread of the store's own. What is read is told when nobody waits for it any more.
    async fn scan<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Store, &dyn Fn() -> bool) -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
        let (reply, answer) = oneshot::channel();
        let store = Arc::clone(&self.store);
        self.scanner.run(move || {
            // Whoever asked may have gone away while this waited for its turn.
            if !reply.is_closed() {
                let found = read(&store, &|| reply.is_closed());
                let _ = reply.send(found);
            }
        });
        answer.await.map_err(|_| unavailable())?
    }
}

impl Store {
    fn get(
        &self,
        tenant: &Arc<str>,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        wanted: &Wanted,
        member_limit: usize,
    ) -> Result<Stored, BackendError> {
        let of_type = self.layout.of(resource_type)?;
        let found = self.database.read_alone(|connection| -> Result<Stored, Failure> {
            let tenant = self.tenants.find(connection, tenant)?.ok_or(BackendError::NotFound)?;
            let loader = Loader { connection, layout: &self.layout, tenant };
            loader.by_id(of_type, resource_type, id.as_str(), wanted, member_limit)
        });
        Ok(found?)
    }

    fn members(
        &self,
        tenant: &Arc<str>,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        after: i64,
        limit: usize,
    ) -> Result<Members, BackendError> {
        let of_type = self.layout.of(resource_type)?;
        let found = self.database.read(|connection| -> Result<Members, Failure> {
            let tenant = self.tenants.find(connection, tenant)?.ok_or(BackendError::NotFound)?;
            let loader = Loader { connection, layout: &self.layout, tenant };
            let (group, _) = loader.find(of_type, id.as_str())?;
            loader.members(group, after, limit)
        });
        Ok(found?)
    }

    fn query(
        &self,
        tenant: &Arc<str>,
        plan: &Plan,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<Page, BackendError> {
        let page = self.database.read(|connection| {
            let tenant = self.tenants.find(connection, tenant)?;
            plan.run(connection, &self.layout, tenant, is_cancelled)
        });
        Ok(page?)
    }
}

#[async_trait]
impl ProvisioningBackend for SqliteBackend {
    fn capabilities(&self, _: &RequestContext) -> Capabilities {
        Capabilities::new().with_bulk(true).with_sort(true).with_cursors(self.cursor_key.clone())
    }

    async fn get(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        wanted: &Wanted,
        member_limit: usize,
    ) -> Result<Stored, BackendError> {
        let inline = member_limit.min(INLINE_MEMBERS);
        let stored = self.store.get(&cx.tenant, resource_type, id, wanted, inline)?;
        match &stored.members {
            Some(Members { next: Some(_), .. }) if inline < member_limit => {
                let (tenant, resource_type) = (Arc::clone(&cx.tenant), Arc::clone(resource_type));
                let (id, wanted) = (id.clone(), Arc::clone(wanted));
                self.scan(move |store, _| {
                    store.get(&tenant, &resource_type, &id, &wanted, member_limit)
                })
                .await
            }
            _ => Ok(stored),
        }
    }

    async fn members(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        after: &Position,
        limit: usize,
    ) -> Result<Members, BackendError> {
        let after = number_of(after)?;
        let (tenant, resource_type) = (Arc::clone(&cx.tenant), Arc::clone(resource_type));
        let id = id.clone();
        self.scan(move |store, _| store.members(&tenant, &resource_type, &id, after, limit)).await
    }

    async fn query(&self, cx: &RequestContext, query: &Query) -> Result<Page, BackendError> {
        let plan = Plan::new(&self.store.layout, query.clone())?;
        if plan.is_point() {
            return self.store.query(&cx.tenant, &plan, &|| false);
        }
        let tenant = Arc::clone(&cx.tenant);
        self.scan(move |store, is_cancelled| store.query(&tenant, &plan, is_cancelled)).await
    }

    async fn write(&self, cx: &RequestContext, write: Write) -> Result<Written, BackendError> {
        let layout = self.store.layout.of(&write.resource_type)?;
        self.writer.perform(Job::new(cx, layout, write)?).await
    }

    async fn write_all(
        &self,
        cx: &RequestContext,
        units: Vec<WriteUnit>,
        max_errors: Option<usize>,
    ) -> Result<Vec<Result<Vec<Written>, UnitFailure>>, BackendError> {
        let unit = |unit: WriteUnit| -> Result<JobUnit, BackendError> {
            let job = |write: Write| {
                let layout = self.store.layout.of(&write.resource_type)?;
                Job::new(cx, layout, write)
            };
            let jobs = unit.writes.into_iter().map(job).collect::<Result<_, _>>()?;
            Ok(JobUnit { jobs, depends_on: unit.depends_on })
        };
        let units = units.into_iter().map(unit).collect::<Result<_, _>>()?;
        self.writer.perform_all(units, max_errors).await
    }
}

#[async_trait]
impl EventLog for SqliteBackend {
    async fn events(
        &self,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Event>, BackendError> {
        let after = after.cloned();
        self.scan(move |store, _| {
            let read = |connection: &Connection| event::events(connection, after.as_ref(), limit);
            Ok(store.database.read(read)?)
        })
        .await
    }
}
