//! [`PostgresBackend`].

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use scim_backend_sql::Layout;
use scim_core::{Registry, ResourceId, ResourceType};
use scim_server_adapters::{
    BackendError, Capabilities, CursorKey, Event, EventLog, Members, Page, Position,
    ProvisioningBackend, Query, RequestContext, Stored, UnitFailure, Wanted, Write, WriteUnit,
    Written,
};
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Config, NoTls, Socket};

use crate::change::{Desk, Done, Job, Opening, POPULATE};
use crate::error::{Failure, OpenError};
use crate::load::Loader;
use crate::names::Tenants;
use crate::options::PostgresOptions;
use crate::query::{Plan, clamp};
use crate::session::{Mode, Session, Sessions, Transaction};
use crate::sweep::Sweeper;
use crate::{event, fingerprint, migration, names};

/// Resources in a PostgreSQL database, for any number of nodes.
///
/// - **Nodes** share nothing but the database: uniqueness is an index, a write holds the row of what
///   it changes, and what a node remembers (the keys of names) never changes. They may start at
///   once.
/// - **Durable**: a write is acknowledged when its transaction is committed, as durably as the
///   server's `synchronous_commit` has it.
/// - **Membership is rows.** Adding or removing a member reads and writes that member's row and the
///   group's version, however many others there are. Deleting a group answers at once; beyond some
///   hundred, its rows are swept afterwards.
/// - **Filters**: comparisons by `eq` of `id`, `externalId`, `displayName`, `active`, of what must
///   be unique (`userName`) or is [indexed](PostgresOptions::indexed), of `members.value` and of
///   `groups.value`, and any of the order of `meta.lastModified`, alone or joined by `and`, are
///   answered by indexes. Of the others SQL tests what it can, and the rest is evaluated, for the
///   resources that such terms leave, or for all of the type, in the order of creation and within
///   [`Query::work_limit`]. Only resources that are examined one by one count towards it.
/// - **Passwords** are not kept.
///
/// What others are in the way of, or a connection that turns out to be dead, is tried again, where
/// nothing can have happened yet; beyond that, and when the database cannot be reached, the answer
/// is [`BackendError::Unavailable`]. A connection that is lost in the very moment of a commit gives
/// that too, and the write may have happened.
///
/// # Sharing the database
///
/// Tables of this crate begin with `scim_`, and are in the schema that comes first in the
/// `search_path` of the connection. Nodes must be opened with the same schemas and options: when
/// they change, the first node that is opened with the new ones rebuilds what depends on them, and
/// queries and writes of nodes that still have the old ones are refused as unavailable.
#[derive(Debug)]
pub struct PostgresBackend {
    sessions: Sessions,
    layout: Arc<Layout>,
    generation: i64,
    tenants: Tenants,
    sweeper: Sweeper,
    cursor_key: CursorKey,
}

impl PostgresBackend {
    /// Opens the database that a URL or a string of `key=value` pairs names, as
    /// [`Config`] describes them, for the resource types of a registry. Migrations are run, and if
    /// the schemas or the options changed since the last time, what depends on them is rebuilt.
    ///
    /// `sslmode=require` in it needs the feature `rustls`. The server's certificate must then be for
    /// its name in the URL, and by an authority that the platform trusts, or that is in the file
    /// which the environment variable `SSL_CERT_FILE` names: what other clients call `verify-full`.
    /// With any other `sslmode`, the default included, nothing is encrypted.
    ///
    /// It has to be called in a Tokio runtime, and the backend used there.
    ///
    /// # Errors
    /// [`OpenError`]; the database is then as it was.
    pub async fn open(
        url: &str,
        registry: &Registry,
        options: &PostgresOptions,
    ) -> Result<Self, OpenError> {
        let config: Config = url.parse()?;
        if config.get_ssl_mode() != SslMode::Require {
            return Self::connect(config, NoTls, registry, options).await;
        }
        #[cfg(feature = "rustls")]
        return Self::connect(config, crate::tls::rustls_connector()?, registry, options).await;
        #[cfg(not(feature = "rustls"))]
        Err(OpenError::NoTls)
    }

    /// The same with TLS as one wants it, or whatever else connects: `tls` is a connector such as those of
    /// `tokio-postgres-rustls` or `postgres-native-tls`.
    ///
    /// # Errors
    /// [`OpenError`]; the database is then as it was.
    pub async fn connect<T>(
        config: Config,
        tls: T,
        registry: &Registry,
        options: &PostgresOptions,
    ) -> Result<Self, OpenError>
    where
        T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
        T::Stream: Sync + Send,
        T::TlsConnect: Sync + Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let sessions = Sessions::new(config, tls, options)?;
        let transaction = sessions.begin().await?;
        let session = transaction.session();
        let opened = prepare(session, registry, options).await;
        let (layout, generation, cursor_key) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                transaction.rollback().await;
                return Err(error);
            }
        };
        transaction.commit().await?;
        let sweeper = Sweeper::start(sessions.clone(), options.event_retention);
        Ok(Self {
            sessions,
            layout: Arc::new(layout),
            generation,
            tenants: Tenants::default(),
            sweeper,
            cursor_key,
        })
    }

    #[cfg(test)]
    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    async fn try_get(
        &self,
        cx: &RequestContext,
        resource_type: &ResourceType,
        id: &ResourceId,
        wanted: &Wanted,
        member_limit: usize,
    ) -> Result<Stored, Failure> {
        let layout = self.layout.of(resource_type)?;
        let session = self.sessions.get().await?;
        let tenant = self.tenants.find(&session, &cx.tenant).await?;
        let tenant = tenant.ok_or(BackendError::NotFound)?;
        let loader = Loader { session: &session, layout: &self.layout, tenant };
        loader.by_id(layout, id.as_str(), wanted, member_limit).await
    }

    async fn try_members(
        &self,
        cx: &RequestContext,
        resource_type: &ResourceType,
        id: &ResourceId,
        after: &Position,
        limit: usize,
    ) -> Result<Members, Failure> {
        let layout = self.layout.of(resource_type)?;
        let session = self.sessions.get().await?;
        let tenant = self.tenants.find(&session, &cx.tenant).await?;
        let tenant = tenant.ok_or(BackendError::NotFound)?;
        let loader = Loader { session: &session, layout: &self.layout, tenant };
        loader.members_of(layout, id.as_str(), after, limit).await
    }

    async fn try_query(&self, cx: &RequestContext, query: &Query) -> Result<Page, Failure> {
        let plan = Plan::new(&self.layout, self.generation, query)?;
        let session = self.sessions.get().await?;
        let tenant = self.tenants.find(&session, &cx.tenant).await?;
        plan.run(session, &self.layout, tenant).await
    }

    async fn try_write(&self, cx: &RequestContext, job: &Job) -> Result<Written, Failure> {
        let session = self.sessions.get().await?;
        let tenant = self.tenant_for(&session, cx, job.is_create()).await?;
        let transaction = Transaction::on(session);
        let desk = Desk {
            transaction: &transaction,
            session: transaction.session(),
            layout: &self.layout,
            generation: self.generation,
            tenant,
            opening: Opening::Transaction,
        };
        match job.perform(desk).await {
            // Nothing was written, so there is nothing to commit.
            Ok(Done { written, .. }) if !written.changed => {
                transaction.rollback().await;
                Ok(written)
            }
            Ok(Done { written, leaves_rows, population }) => {
                commit(transaction, tenant, population).await?;
                self.sweeper.note(1);
                if leaves_rows {
                    self.sweeper.wake();
                }
                Ok(written)
            }
            Err(failure) => {
                transaction.rollback().await;
                Err(failure)
            }
        }
    }

    async fn try_write_all(
        &self,
        cx: &RequestContext,
        units: &[JobUnit],
        max_errors: Option<usize>,
    ) -> Result<Vec<Result<Vec<Written>, UnitFailure>>, Failure> {
        let session = self.sessions.get().await?;
        let creates = units.iter().flat_map(|unit| &unit.jobs).any(Job::is_create);
        let tenant = match self.tenant_for(&session, cx, creates).await {
            // Nothing is there to be written to: each unit hears so.
            Err(Failure::Refused(BackendError::NotFound)) => NOBODY,
            found => found?,
        };
        let transaction = Transaction::on(session);
        transaction.begin(Mode::Write).await?;
        let desk = Desk {
            transaction: &transaction,
            session: transaction.session(),
            layout: &self.layout,
            generation: self.generation,
            tenant,
            opening: Opening::Said,
        };
        match in_order(desk, units, max_errors).await {
            Ok(Bulk { outcomes, leaves_rows, population }) => {
                commit(transaction, tenant, population).await?;
                self.sweeper.note(outcomes.len());
                if leaves_rows {
                    self.sweeper.wake();
                }
                Ok(outcomes)
            }
            Err(failure) => {
                transaction.rollback().await;
                Err(failure)
            }
        }
    }

    async fn tenant_for(
        &self,
        session: &Session,
        cx: &RequestContext,
        creates: bool,
    ) -> Result<i64, Failure> {
        if creates {
            return self.tenants.find_or_add(session, &cx.tenant).await;
        }
        let found = self.tenants.find(session, &cx.tenant).await?;
        Ok(found.ok_or(BackendError::NotFound)?)
    }

    async fn try_events(
        &self,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Event>, Failure> {
        let session = self.sessions.get().await?;
        event::events(&session, after, clamp(limit as u64)).await
    }
}

/// The key of a tenant that nobody is.
const NOBODY: i64 = 0;

/// Makes the database fit this version of the crate, the registry and the options.
async fn prepare(
    session: &Session,
    registry: &Registry,
    options: &PostgresOptions,
) -> Result<(Layout, i64, CursorKey), OpenError> {
    migration::take_turn(session).await?;
    migration::run(session).await?;
    let layout = names::layout(session, registry, &options.indexing).await?;
    let generation = fingerprint::settle(session, &layout).await?;
    session.batch(event::ADOPT).await?;
    let key = CursorKey::generate();
    let sql = "
        INSERT INTO scim_cursor_key (key) VALUES ($1)
        ON CONFLICT (one) DO UPDATE SET key = scim_cursor_key.key RETURNING key";
    let rows = session.query_once(sql, &[(&key.as_bytes().as_slice(), Type::BYTEA)]).await?;
    let kept: Vec<u8> = rows.first().map_or_else(|| Ok(Vec::new()), |row| row.try_get(0))?;
    let kept = <[u8; 32]>::try_from(kept).map_err(|_| {
        OpenError::Database("the key of cursors in the database has another length".into())
    })?;
    Ok((layout, generation, CursorKey::from_bytes(kept)))
}

/// Jobs that happen together or not at all.
#[derive(Debug)]
struct JobUnit {
    jobs: Vec<Job>,
    /// Units before this one that must have succeeded.
    depends_on: Vec<usize>,
}

/// What became of each unit of a bulk request.
type Outcomes = Vec<Result<Vec<Written>, UnitFailure>>;

/// Counts what came and went, and commits.
async fn commit(
    transaction: Transaction,
    tenant: i64,
    population: impl IntoIterator<Item = (i64, i64)>,
) -> Result<(), Failure> {
    let population = population.into_iter().filter(|(_, difference)| *difference != 0);
    let (types, differences): (Vec<i64>, Vec<i64>) = population.unzip();
    if types.is_empty() {
        return transaction.commit().await;
    }
    let parameters: [(&(dyn ToSql + Sync), Type); 3] =
        [(&tenant, Type::INT8), (&types, Type::INT8_ARRAY), (&differences, Type::INT8_ARRAY)];
    transaction.execute_and_commit(POPULATE, &parameters).await
}

/// What came of a bulk request.
#[derive(Default)]
struct Bulk {
    outcomes: Outcomes,
    /// Whether rows are left for the sweep.
    leaves_rows: bool,
    /// How many more resources there are now, by the key of the type.
    population: BTreeMap<i64, i64>,
}

/// Units one after the other, each on its own, up to a number of failed jobs.
///
/// # Errors
/// When the transaction as a whole failed.
async fn in_order(
    desk: Desk<'_>,
    units: &[JobUnit],
    max_errors: Option<usize>,
) -> Result<Bulk, Failure> {
    let mut bulk = Bulk::default();
    let mut errors = 0;
    let mut savepoints = [FIRST].into_iter().chain([ODD, EVEN].into_iter().cycle());
    for unit in units {
        if max_errors.is_some_and(|max| errors >= max) {
            break;
        }
        let failed = |unit: &usize| bulk.outcomes.get(*unit).is_none_or(Result::is_err);
        let outcome = if unit.depends_on.iter().any(failed) {
            Err(UnitFailure { write: 0, error: BackendError::Dependency })
        } else {
            let savepoint = savepoints.next().unwrap_or(FIRST);
            atomically(desk, &unit.jobs, savepoint).await?
        };
        bulk.outcomes.push(match outcome {
            Ok(done) => Ok(done
                .into_iter()
                .map(|Done { written, leaves_rows, population }| {
                    bulk.leaves_rows |= leaves_rows;
                    if let Some((of_type, difference)) = population {
                        *bulk.population.entry(of_type).or_default() += difference;
                    }
                    written
                })
                .collect()),
            Err(failure) => {
                errors += unit.jobs.len();
                Err(failure)
            }
        });
    }
    Ok(bulk)
}

/// The savepoint of a unit. Its name is another than that of the unit before, which is released only
/// when this one is set.
#[derive(Clone, Copy)]
struct Savepoint {
    set: &'static str,
    roll_back: &'static str,
}

const FIRST: Savepoint =
    Savepoint { set: "SAVEPOINT scim_even", roll_back: "ROLLBACK TO scim_even" };
const EVEN: Savepoint = Savepoint { set: "RELEASE scim_odd; SAVEPOINT scim_even", ..FIRST };
const ODD: Savepoint =
    Savepoint { set: "RELEASE scim_even; SAVEPOINT scim_odd", roll_back: "ROLLBACK TO scim_odd" };

/// All of the jobs or none, in a savepoint.
async fn atomically(
    desk: Desk<'_>,
    jobs: &[Job],
    savepoint: Savepoint,
) -> Result<Result<Vec<Done>, UnitFailure>, Failure> {
    let mut desk = Desk { opening: Opening::Savepoint(savepoint.set), ..desk };
    let mut all = Vec::with_capacity(jobs.len());
    for (index, job) in jobs.iter().enumerate() {
        let error = match job.perform(desk).await {
            Ok(done) => {
                all.push(done);
                desk.opening = Opening::Said;
                continue;
            }
            Err(Failure::Refused(error)) => error,
            Err(failure) if failure.is_about_a_value() => failure.into(),
            Err(failure) => return Err(failure),
        };
        desk.session.batch(savepoint.roll_back).await?;
        return Ok(Err(UnitFailure { write: index, error }));
    }
    Ok(Ok(all))
}

/// Does something again where nothing has happened and it may succeed.
macro_rules! with_attempts {
    ($attempt:expr) => {{
        let mut attempt = 0;
        loop {
            match $attempt.await {
                Err(failure)
                    if attempt + 1 < Sessions::ATTEMPTS && failure.is_worth_another_attempt() =>
                {
                    tracing::debug!(?failure, attempt, "trying again");
                    tokio::time::sleep(Sessions::pause(attempt)).await;
                    attempt += 1;
                }
                result => return Ok(result?),
            }
        }
    }};
}

#[async_trait]
impl ProvisioningBackend for PostgresBackend {
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
        with_attempts!(self.try_get(cx, resource_type, id, wanted, member_limit))
    }

    async fn members(
        &self,
        cx: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        after: &Position,
        limit: usize,
    ) -> Result<Members, BackendError> {
        with_attempts!(self.try_members(cx, resource_type, id, after, limit))
    }

    async fn query(&self, cx: &RequestContext, query: &Query) -> Result<Page, BackendError> {
        with_attempts!(self.try_query(cx, query))
    }

    async fn write(&self, cx: &RequestContext, write: Write) -> Result<Written, BackendError> {
        let layout = self.layout.of(&write.resource_type)?;
        let job = Job::new(cx, layout, write)?;
        with_attempts!(self.try_write(cx, &job))
    }

    async fn write_all(
        &self,
        cx: &RequestContext,
        units: Vec<WriteUnit>,
        max_errors: Option<usize>,
    ) -> Result<Vec<Result<Vec<Written>, UnitFailure>>, BackendError> {
        let unit = |unit: WriteUnit| -> Result<JobUnit, BackendError> {
            let job = |write: Write| Job::new(cx, self.layout.of(&write.resource_type)?, write);
            let jobs = unit.writes.into_iter().map(job).collect::<Result<_, _>>()?;
            Ok(JobUnit { jobs, depends_on: unit.depends_on })
        };
        let units: Vec<JobUnit> = units.into_iter().map(unit).collect::<Result<_, _>>()?;
        with_attempts!(self.try_write_all(cx, &units, max_errors))
    }
}

#[async_trait]
impl EventLog for PostgresBackend {
    async fn events(
        &self,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Event>, BackendError> {
        with_attempts!(self.try_events(after, limit))
    }
}
