//! The thread that writes, and its group commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use scim_backend_sql::Layout;
use scim_server_adapters::{BackendError, UnitFailure, Written};
use tokio::sync::{mpsc, oneshot};

use crate::change::Job;
use crate::database::WriteConnection;
use crate::error::{Failure, OpenError, is_unavailability, unavailable};
use crate::sweep;
use crate::tenants::Tenants;

/// Writes that may wait; further ones wait for a place, asynchronously.
const QUEUE: usize = 1024;

/// Writes that share a commit at most.
const BATCH: usize = 256;

/// Batches, or else writes, after which the sweep gets its turn when the queue is never empty.
const BATCHES_BETWEEN_SWEEPS: usize = 64;
const WRITES_BETWEEN_SWEEPS: usize = 1_000;

/// How long to rest before looking again for events that are kept no longer: for as long as they are
/// kept, but no less and no more than this.
const LEAST_REST: Duration = Duration::from_millis(100);
const MOST_REST: Duration = Duration::from_secs(60);

/// The way to the one thread that writes.
///
/// It takes what is queued into one transaction, with a savepoint for each, so that one that fails
/// doesn't take others with it, and answers when the transaction is committed: while one batch is
/// on its way to the disk, the next one gathers.
#[derive(Debug)]
pub(crate) struct Writer {
    /// `None` once the writer is being dropped.
    queue: Option<mpsc::Sender<Queued>>,
    thread: Option<JoinHandle<()>>,
}

/// What became of each unit of a bulk request.
type Outcomes = Vec<Result<Vec<Written>, UnitFailure>>;

type Reply<T> = oneshot::Sender<Result<T, BackendError>>;

/// Jobs that happen together or not at all.
#[derive(Debug)]
pub(crate) struct JobUnit {
    pub(crate) jobs: Vec<Job>,
    /// Units before this one that must have succeeded.
    pub(crate) depends_on: Vec<usize>,
}

enum Queued {
    One { job: Box<Job>, reply: Reply<Written> },
    All { units: Vec<JobUnit>, max_errors: Option<usize>, reply: Reply<Outcomes> },
}

impl Queued {
    /// Whether nobody waits for the answer any more.
    fn is_abandoned(&self) -> bool {
        match self {
            Self::One { reply, .. } => reply.is_closed(),
            Self::All { reply, .. } => reply.is_closed(),
        }
    }

    fn jobs(&self) -> impl Iterator<Item = &Job> {
        let (one, all) = match self {
            Self::One { job, .. } => (Some(&**job), [].as_slice()),
            Self::All { units, .. } => (None, units.as_slice()),
        };
        one.into_iter().chain(all.iter().flat_map(|unit| &unit.jobs))
    }
}

/// An answer that waits for the commit.
enum Done {
    One(Result<Written, BackendError>, Reply<Written>),
    All(Outcomes, Reply<Outcomes>),
}

impl Writer {
    pub(crate) fn start(
        connection: WriteConnection,
        layout: Arc<Layout>,
        tenants: Arc<Tenants>,
        retention: Option<Duration>,
    ) -> Result<Self, OpenError> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let desk = Desk { connection, layout, tenants, retention };
        let thread = std::thread::Builder::new()
            .name("scim-sqlite-writer".to_owned())
            .spawn(move || desk.serve(jobs))
            .map_err(OpenError::Thread)?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Does a job; it is done, and durable, when this returns.
    pub(crate) async fn perform(&self, job: Job) -> Result<Written, BackendError> {
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(unavailable)?;
        let job = Box::new(job);
        queue.send(Queued::One { job, reply }).await.map_err(|_| unavailable())?;
        answer.await.map_err(|_| unavailable())?
    }

    /// Does units of jobs in their order; what is done is durable when this returns.
    pub(crate) async fn perform_all(
        &self,
        units: Vec<JobUnit>,
        max_errors: Option<usize>,
    ) -> Result<Outcomes, BackendError> {
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(unavailable)?;
        let queued = Queued::All { units, max_errors, reply };
        queue.send(queued).await.map_err(|_| unavailable())?;
        answer.await.map_err(|_| unavailable())?
    }
}

impl Drop for Writer {
    /// Everything queued is done before this returns.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // Its panics are caught where they happen, so there is nothing left to hear of.
            let _ = thread.join();
        }
    }
}

/// What the thread works with.
struct Desk {
    connection: WriteConnection,
    layout: Arc<Layout>,
    tenants: Arc<Tenants>,
    /// How long events are kept.
    retention: Option<Duration>,
}

impl Desk {
    fn serve(self, mut jobs: mpsc::Receiver<Queued>) {
        // What an earlier process has left is there from the start.
        let now = Instant::now();
        let mut chores = Chores { sweep: Some(now), forget: self.retention.map(|_| now) };
        let (mut batches, mut writes) = (0, 0);
        loop {
            let first = match receive(&mut jobs, chores.next()) {
                Ok(Some(first)) => first,
                Ok(None) => return,
                Err(TimedOut) => {
                    self.tidy(&mut chores);
                    continue;
                }
            };
            let mut batch = vec![first];
            while batch.len() < BATCH
                && let Ok(queued) = jobs.try_recv()
            {
                batch.push(queued);
            }
            // Whoever asked may have gone away meanwhile.
            batch.retain(|queued| !queued.is_abandoned());
            batches += 1;
            writes += batch.iter().flat_map(Queued::jobs).count();
            let leaves_rows = batch.iter().flat_map(Queued::jobs).any(Job::may_leave_rows);
            self.write(batch);
            if leaves_rows {
                chores.sweep.get_or_insert_with(Instant::now);
            }
            if batches >= BATCHES_BETWEEN_SWEEPS || writes >= WRITES_BETWEEN_SWEEPS {
                self.tidy(&mut chores);
                (batches, writes) = (0, 0);
            }
        }
    }

    /// Does some of the chores whose time has come.
    fn tidy(&self, chores: &mut Chores) {
        let now = Instant::now();
        let is_due = |time: Option<Instant>| time.is_some_and(|time| time <= now);
        // What fails is tried again after the next delete, or the rest.
        if is_due(chores.sweep) && !self.sweep(sweep::members) {
            chores.sweep = None;
        }
        if let Some(retention) = self.retention
            && is_due(chores.forget)
            && !self.sweep(|connection| sweep::events(connection, retention))
        {
            chores.forget = Some(now + retention.clamp(LEAST_REST, MOST_REST));
        }
    }

    /// Writes a batch and answers.
    fn write(&self, batch: Vec<Queued>) {
        let connection = self.connection.lock();
        let mut done = Vec::with_capacity(batch.len());
        let committed = self.commit(&connection, batch, &mut done);
        if committed.is_err() {
            rollback(&connection);
        }
        drop(connection);
        if let Err(error) = &committed {
            tracing::error!(%error, "a batch of writes was undone");
        }
        let undone = || match &committed {
            Err(error) if is_unavailability(error) => unavailable(),
            Err(error) => BackendError::internal(error.to_string()),
            Ok(()) => BackendError::internal("a batch of writes was not finished"),
        };
        // Whoever asked may have gone away. What was not reached when the transaction broke was
        // dropped, which its sender hears as unavailable.
        for done in done {
            match (done, committed.is_ok()) {
                (Done::One(result, reply), true) => drop(reply.send(result)),
                (Done::All(outcomes, reply), true) => drop(reply.send(Ok(outcomes))),
                (Done::One(_, reply), false) => drop(reply.send(Err(undone()))),
                (Done::All(_, reply), false) => drop(reply.send(Err(undone()))),
            }
        }
    }

    /// Does all jobs in one transaction.
    ///
    /// # Errors
    /// When the transaction as a whole could not be had; nothing of it has happened then, once the
    /// caller has rolled it back.
    fn commit(
        &self,
        connection: &Connection,
        batch: Vec<Queued>,
        done: &mut Vec<Done>,
    ) -> rusqlite::Result<()> {
        execute(connection, "BEGIN IMMEDIATE")?;
        for queued in batch {
            done.push(match queued {
                Queued::One { job, reply } => {
                    let result = self.atomically(connection, vec![*job])?;
                    let result = result.map_err(|failure| failure.error).and_then(|mut written| {
                        written.pop().ok_or_else(|| BackendError::internal("a job wrote nothing"))
                    });
                    Done::One(result, reply)
                }
                Queued::All { units, max_errors, reply } => {
                    Done::All(self.in_order(connection, units, max_errors)?, reply)
                }
            });
        }
        execute(connection, "COMMIT")
    }

    /// Units one after the other, each on its own, up to a number of failed jobs.
    fn in_order(
        &self,
        connection: &Connection,
        units: Vec<JobUnit>,
        max_errors: Option<usize>,
    ) -> rusqlite::Result<Outcomes> {
        let mut outcomes = Outcomes::with_capacity(units.len());
        let mut errors = 0;
        for unit in units {
            if max_errors.is_some_and(|max| errors >= max) {
                break;
            }
            let failed = |unit: &usize| outcomes.get(*unit).is_none_or(Result::is_err);
            let count = unit.jobs.len();
            let outcome = if unit.depends_on.iter().any(failed) {
                Err(UnitFailure { write: 0, error: BackendError::Dependency })
            } else {
                self.atomically(connection, unit.jobs)?
            };
            if outcome.is_err() {
                errors += count;
            }
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    /// All of the jobs or none, in a savepoint.
    ///
    /// # Errors
    /// When the disk failed: SQLite may have undone the transaction already.
    fn atomically(
        &self,
        connection: &Connection,
        jobs: Vec<Job>,
    ) -> rusqlite::Result<Result<Vec<Written>, UnitFailure>> {
        execute(connection, "SAVEPOINT job")?;
        let mut written = Vec::with_capacity(jobs.len());
        let mut failure = None;
        for (index, job) in jobs.into_iter().enumerate() {
            let work = || job.perform(connection, &self.layout, &self.tenants);
            let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
                Err(BackendError::internal("a write panicked; it was undone").into())
            });
            match result {
                Ok(done) => written.push(done),
                Err(Failure::Sqlite(error)) if is_unavailability(&error) => return Err(error),
                Err(error) => {
                    execute(connection, "ROLLBACK TO job")?;
                    failure = Some(UnitFailure { write: index, error: error.into() });
                    break;
                }
            }
        }
        execute(connection, "RELEASE job")?;
        Ok(failure.map_or(Ok(written), Err))
    }

    /// Removes some rows; whether there may be more.
    fn sweep(&self, some: impl FnOnce(&Connection) -> rusqlite::Result<bool>) -> bool {
        let connection = self.connection.lock();
        some(&connection).unwrap_or_else(|error| {
            rollback(&connection);
            tracing::warn!(%error, "what was deleted could not be swept");
            false
        })
    }
}

/// When to do what can wait until nothing is to be written; `None` while there is nothing to do.
struct Chores {
    sweep: Option<Instant>,
    forget: Option<Instant>,
}

impl Chores {
    fn next(&self) -> Option<Instant> {
        self.sweep.into_iter().chain(self.forget).min()
    }
}

/// Nothing came in time.
struct TimedOut;

/// What is queued next, until some time; `None` when nobody will queue anything any more.
fn receive<T>(
    queue: &mut mpsc::Receiver<T>,
    until: Option<Instant>,
) -> Result<Option<T>, TimedOut> {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        if let Poll::Ready(received) = queue.poll_recv(&mut Context::from_waker(&waker)) {
            return Ok(received);
        }
        // One that was woken for nothing looks again.
        match until.map(|until| until.saturating_duration_since(Instant::now())) {
            None => std::thread::park(),
            Some(Duration::ZERO) => return Err(TimedOut),
            Some(rest) => std::thread::park_timeout(rest),
        }
    }
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

/// Ends a transaction that failed, if SQLite hasn't ended it itself.
fn rollback(connection: &Connection) {
    if !connection.is_autocommit()
        && let Err(error) = connection.execute_batch("ROLLBACK")
    {
        tracing::error!(%error, "a failed transaction could not be rolled back");
    }
}
