//! What is done in the background.
//!
//! Removing what nobody sees any more, a batch at a time: the member rows of deleted groups, and
//! events that are kept no longer.
//! Whoever reads member rows joins the group's own row, which is gone. So a group of a million is
//! deleted at once, and its rows go afterwards, by whichever node comes to it.
//!
//! And having the tables analysed when they have grown: a plan that was made when they were small,
//! and may go by the wrong index, is kept until then. Autovacuum does that too, but a minute later.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use scim_core::DateTime;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_postgres::types::{ToSql, Type};

use crate::error::Failure;
use crate::session::Sessions;

/// Rows removed in one transaction: few enough that a write that comes meanwhile hardly waits.
const BATCH: i64 = 1_000;

/// How long to rest before looking again, when nobody says that there is something to do.
const REST: Duration = Duration::from_secs(60);

/// The next group to be swept that no other node is at.
const NEXT: &str = "SELECT group_key FROM scim_sweep LIMIT 1 FOR UPDATE SKIP LOCKED";

pub(crate) const SWEEP: &str = "
    DELETE FROM scim_member WHERE group_key = $1 AND position = ANY (ARRAY(
        SELECT position FROM scim_member WHERE group_key = $1 ORDER BY position LIMIT $2))";

/// Older events have lower numbers, as far as it matters here. Those that no reader can see yet stay.
const FORGET: &str = "
    DELETE FROM scim_event e USING (
        SELECT transaction, position FROM scim_event
        WHERE transaction < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY transaction, position LIMIT $2
    ) oldest
    WHERE e.transaction = oldest.transaction AND e.position = oldest.position AND e.time < $1";

/// Tables that have several times the pages that the planner knows of.
const GROWN: &str = "
    SELECT 1 FROM pg_class c
    WHERE c.oid = ANY (ARRAY['scim_resource', 'scim_document', 'scim_member', 'scim_unique_value',
            'scim_indexed_value', 'scim_event']::regclass[])
        AND pg_relation_size(c.oid) > 4 * greatest(c.relpages, 4) * current_setting('block_size')::bigint
    LIMIT 1";

const ANALYZE: &str = "
    ANALYZE scim_resource, scim_document, scim_member, scim_unique_value, scim_indexed_value,
        scim_event";

/// Writes after which it may be time to look whether tables have grown, for the first time.
const FIRST_LOOK: u64 = 256;

/// The task that works in the background, as long as this lives.
#[derive(Debug)]
pub(crate) struct Sweeper {
    wake: Arc<Notify>,
    writes: AtomicU64,
    task: JoinHandle<()>,
}

impl Sweeper {
    pub(crate) fn start(sessions: Sessions, retention: Option<Duration>) -> Self {
        let wake = Arc::new(Notify::new());
        let woken = Arc::clone(&wake);
        let task = tokio::spawn(async move {
            loop {
                // What fails is tried again after the rest.
                if let Err(failure) = work(&sessions, retention).await {
                    tracing::warn!(?failure, "work in the background failed");
                }
                let _ = tokio::time::timeout(REST, woken.notified()).await;
            }
        });
        Self { wake, writes: AtomicU64::new(0), task }
    }

    /// Says that there is something to sweep.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Says that there were writes.
    pub(crate) fn note(&self, writes: usize) {
        let writes = writes as u64;
        let before = self.writes.fetch_add(writes, Ordering::Relaxed);
        let looks = |writes: u64| (writes / FIRST_LOOK).checked_ilog(4);
        if looks(before) != looks(before + writes) {
            self.wake();
        }
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn work(sessions: &Sessions, retention: Option<Duration>) -> Result<(), Failure> {
    sweep_all(sessions).await?;
    if let Some(retention) = retention {
        forget_all(sessions, retention).await?;
    }
    let session = sessions.get().await?;
    if !session.query(GROWN, &[]).await?.is_empty() {
        session.batch(ANALYZE).await?;
    }
    Ok(())
}

async fn sweep_all(sessions: &Sessions) -> Result<(), Failure> {
    while sweep_some(sessions).await? {}
    Ok(())
}

/// Removes one batch of member rows; whether there may be more.
async fn sweep_some(sessions: &Sessions) -> Result<bool, Failure> {
    let transaction = sessions.begin().await?;
    let session = transaction.session();
    let rows = session.query(NEXT, &[]).await?;
    let Some(row) = rows.first() else {
        transaction.rollback().await;
        return Ok(false);
    };
    let group: i64 = row.try_get(0)?;
    let parameters: [(&(dyn ToSql + Sync), Type); 2] = [(&group, Type::INT8), (&BATCH, Type::INT8)];
    let removed = session.execute(SWEEP, &parameters).await?;
    if removed < BATCH.unsigned_abs() {
        let done = "DELETE FROM scim_sweep WHERE group_key = $1";
        session.execute(done, &[(&group, Type::INT8)]).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

async fn forget_all(sessions: &Sessions, retention: Duration) -> Result<(), Failure> {
    let micros = i64::try_from(retention.as_micros()).unwrap_or(i64::MAX);
    let before = DateTime::now().as_micros().saturating_sub(micros);
    loop {
        let session = sessions.get().await?;
        let parameters: [(&(dyn ToSql + Sync), Type); 2] =
            [(&before, Type::INT8), (&BATCH, Type::INT8)];
        // Some may be dated by a clock that is ahead; they do not keep the others.
        if session.execute(FORGET, &parameters).await? < BATCH.unsigned_abs() / 2 {
            return Ok(());
        }
    }
}
