//! The thread that writes, and its group commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use rusqlite::Connection;
use scim_server_adapters::{BackendError, Written};
use tokio::sync::{mpsc, oneshot};

use crate::change::Job;
use crate::database::WriteConnection;
use crate::error::{Failure, OpenError, is_unavailability, unavailable};
use crate::layout::Layout;
use crate::sweep;
use crate::tenants::Tenants;

/// Writes that may wait; further ones wait for a place, asynchronously.
const QUEUE: usize = 1024;

/// Writes that share a commit at most.
const BATCH: usize = 256;

/// Batches after which the sweep gets its turn when the queue is never empty.
const BATCHES_BETWEEN_SWEEPS: u32 = 64;

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

type Reply = oneshot::Sender<Result<Written, BackendError>>;

struct Queued {
    job: Job,
    reply: Reply,
}

impl Writer {
    pub(crate) fn start(
        connection: WriteConnection,
        layout: Arc<Layout>,
        tenants: Arc<Tenants>,
    ) -> Result<Self, OpenError> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let desk = Desk { connection, layout, tenants };
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
        queue.send(Queued { job, reply }).await.map_err(|_| unavailable())?;
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
}

impl Desk {
    fn serve(self, mut jobs: mpsc::Receiver<Queued>) {
        let mut sweeping = true;
        let mut batches = 0;
        loop {
            let next = if sweeping {
                match jobs.try_recv() {
                    Err(mpsc::error::TryRecvError::Empty) => {
                        sweeping = self.sweep();
                        continue;
                    }
                    received => received.ok(),
                }
            } else {
                jobs.blocking_recv()
            };
            let Some(first) = next else { return };
            let mut batch = vec![first];
            while batch.len() < BATCH
                && let Ok(queued) = jobs.try_recv()
            {
                batch.push(queued);
            }
            // Whoever asked may have gone away meanwhile.
            batch.retain(|queued| !queued.reply.is_closed());
            let deleted = batch.iter().any(|queued| queued.job.may_leave_rows());
            self.write(batch);
            batches += 1;
            sweeping |= deleted;
            if sweeping && batches % BATCHES_BETWEEN_SWEEPS == 0 {
                sweeping = self.sweep();
            }
        }
    }

    /// Writes a batch and answers.
    fn write(&self, batch: Vec<Queued>) {
        let (jobs, replies): (Vec<Job>, Vec<Reply>) =
            batch.into_iter().map(|queued| (queued.job, queued.reply)).unzip();
        let connection = self.connection.lock();
        match self.commit(&connection, jobs) {
            Ok(results) => {
                for (reply, result) in replies.into_iter().zip(results) {
                    // Whoever asked may have gone away.
                    let _ = reply.send(result);
                }
            }
            Err(error) => {
                rollback(&connection);
                tracing::error!(%error, writes = replies.len(), "a batch of writes was undone");
                for reply in replies {
                    let error = if is_unavailability(&error) {
                        unavailable()
                    } else {
                        BackendError::internal(error.to_string())
                    };
                    let _ = reply.send(Err(error));
                }
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
        jobs: Vec<Job>,
    ) -> rusqlite::Result<Vec<Result<Written, BackendError>>> {
        execute(connection, "BEGIN IMMEDIATE")?;
        let mut results = Vec::with_capacity(jobs.len());
        for job in jobs {
            execute(connection, "SAVEPOINT job")?;
            let work = || job.perform(connection, &self.layout, &self.tenants);
            let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
                Err(BackendError::internal("a write panicked; it was undone").into())
            });
            match result {
                Ok(written) => results.push(Ok(written)),
                // The disk failed, and may have undone the transaction already.
                Err(Failure::Sqlite(error)) if is_unavailability(&error) => return Err(error),
                Err(failure) => {
                    execute(connection, "ROLLBACK TO job")?;
                    results.push(Err(failure.into()));
                }
            }
            execute(connection, "RELEASE job")?;
        }
        execute(connection, "COMMIT")?;
        Ok(results)
    }

    /// Removes some rows of deleted groups; whether there may be more. What fails is tried again
    /// after the next delete.
    fn sweep(&self) -> bool {
        let connection = self.connection.lock();
        sweep::some(&connection).unwrap_or_else(|error| {
            rollback(&connection);
            tracing::warn!(%error, "member rows of deleted groups could not be removed");
            false
        })
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
