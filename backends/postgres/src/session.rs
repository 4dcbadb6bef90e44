//! Connections of the pool, and what is said over them.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Timeouts,
};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{CancelToken, Config, Row, Socket, Statement};

use crate::error::{Failure, OpenError};
use crate::options::PostgresOptions;

/// The parameter of a statement, and the type that PostgreSQL is told.
pub(crate) type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// How each connection is set up where it stays one's own.
///
/// All statements that are prepared are made to find their rows by an index, in loops. Prepared
/// plans are kept, also from a time when the tables were empty, so the planner is not let choose
/// what pays off in small tables only; nor to compile, which takes longer than these statements do.
pub(crate) const SETTINGS: &str = "
    SET plan_cache_mode = force_generic_plan;
    SET enable_seqscan = off;
    SET enable_hashjoin = off;
    SET enable_mergejoin = off;
    SET jit = off;
    SET default_transaction_isolation = 'read committed'";

/// How long to wait until a statement that nobody waits for any more has ended.
const RECOVERY: Duration = Duration::from_secs(10);

/// Asks the server to end what a connection is doing.
type Cancel = Arc<dyn Fn(CancelToken) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// The connections to one database.
#[derive(Clone)]
pub(crate) struct Sessions {
    pool: Pool,
    prepares: bool,
    begin: Arc<str>,
    cancel: Cancel,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("pool", &self.pool).finish_non_exhaustive()
    }
}

impl Sessions {
    pub(crate) fn new<T>(
        config: Config,
        tls: T,
        options: &PostgresOptions,
    ) -> Result<Self, OpenError>
    where
        T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
        T::Stream: Sync + Send,
        T::TlsConnect: Sync + Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let connector = tls.clone();
        let cancel: Cancel = Arc::new(move |token: CancelToken| {
            let tls = connector.clone();
            Box::pin(async move {
                // What cannot be cancelled ends by itself.
                let _ = token.cancel_query(tls).await;
            })
        });
        let millis = options.busy_timeout.as_millis().clamp(1, i32::MAX.unsigned_abs().into());
        let mut begin = "BEGIN ISOLATION LEVEL READ COMMITTED".to_owned();
        if !options.prepares {
            begin = format!("{begin}; SET LOCAL lock_timeout = {millis}");
        }
        let recycling_method = RecyclingMethod::Fast;
        let manager = Manager::from_config(config, tls, ManagerConfig { recycling_method });
        let patience = Some(options.busy_timeout);
        let mut builder = Pool::builder(manager)
            .runtime(Runtime::Tokio1)
            .max_size(options.connections.get())
            .timeouts(Timeouts { wait: patience, create: patience, recycle: patience });
        if options.prepares {
            let settings = format!("{SETTINGS}; SET lock_timeout = {millis}");
            builder = builder.post_create(Hook::async_fn(move |client, _| {
                let settings = settings.clone();
                Box::pin(async move {
                    client.batch_execute(&settings).await.map_err(HookError::Backend)
                })
            }));
        }
        let pool = builder.build().map_err(|error| OpenError::Database(error.into()))?;
        Ok(Self { pool, prepares: options.prepares, begin: begin.into(), cancel })
    }

    /// A connection, once one is free.
    pub(crate) async fn get(&self) -> Result<Session, Failure> {
        let client = self.pool.get().await?;
        let Self { prepares, begin, cancel, .. } = self.clone();
        let (pending, is_in_transaction) = (AtomicUsize::new(0), AtomicBool::new(false));
        let client = Some(client);
        Ok(Session { client, prepares, begin, cancel, pending, is_in_transaction })
    }

    /// A transaction that writes.
    pub(crate) async fn begin(&self) -> Result<Transaction, Failure> {
        let transaction = Transaction::on(self.get().await?);
        transaction.begin(Mode::Write).await?;
        Ok(transaction)
    }

    /// How often a connection may turn out to be dead: once for each that may have been idle when
    /// the server was restarted, as far as anybody would wait.
    pub(crate) const ATTEMPTS: u32 = 4;

    /// How long to wait before the next attempt.
    pub(crate) const fn pause(attempt: u32) -> Duration {
        Duration::from_millis(10 << (2 * attempt))
    }
}

/// One connection, on loan.
///
/// One that is dropped while a statement or a transaction is under way, since whoever asked went
/// away, goes back to the pool when that has been cancelled and undone: nobody else waits behind it
/// or gets into it. Where the connection is a pooler's, the statement is not cancelled; what it
/// waits for ends by itself.
pub(crate) struct Session {
    /// `None` once it is being dropped.
    client: Option<Object>,
    prepares: bool,
    begin: Arc<str>,
    cancel: Cancel,
    /// Statements that were sent and not answered.
    pending: AtomicUsize,
    is_in_transaction: AtomicBool,
}

impl Session {
    fn client(&self) -> Result<&Object, Failure> {
        self.client.as_ref().ok_or(Failure::Ended)
    }

    /// Waits for an answer; when this is dropped before, there is one that nobody waits for.
    async fn answer<T>(
        &self,
        asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Failure> {
        self.pending.fetch_add(1, Ordering::Relaxed);
        let answer = asked.await;
        self.pending.fetch_sub(1, Ordering::Relaxed);
        Ok(answer?)
    }

    /// Sees to it that statements which are sent together arrive in their order: one that still has
    /// to be prepared would fall behind.
    pub(crate) async fn prepare(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<(), Failure> {
        if self.prepares {
            self.answer(prepared(self.client()?, sql, parameters)).await?;
        }
        Ok(())
    }

    /// The rows that a statement gives. It is kept prepared, so its text must be one of few.
    pub(crate) async fn query(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, Failure> {
        if !self.prepares {
            return self.query_once(sql, parameters).await;
        }
        let client = self.client()?;
        self.answer(async {
            let statement = prepared(client, sql, parameters).await?;
            client.query(&statement, &values(parameters)).await
        })
        .await
    }

    /// The same for a text that is made for the occasion.
    pub(crate) async fn query_once(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, Failure> {
        self.answer(self.client()?.query_typed(sql, parameters)).await
    }

    /// How many rows a statement changed.
    pub(crate) async fn execute(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<u64, Failure> {
        let client = self.client()?;
        self.answer(async {
            if !self.prepares {
                return client.execute_typed(sql, parameters).await;
            }
            let statement = prepared(client, sql, parameters).await?;
            client.execute(&statement, &values(parameters)).await
        })
        .await
    }

    /// Statements without parameters and results.
    pub(crate) async fn batch(&self, sql: &str) -> Result<(), Failure> {
        self.answer(self.client()?.batch_execute(sql)).await
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        let is_idle = *self.pending.get_mut() == 0 && !*self.is_in_transaction.get_mut();
        if is_idle || client.is_closed() {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            drop(Object::take(client));
            return;
        };
        // tokio-postgres hangs up before PgBouncer has handed a cancel request on, which then may
        // come too late, and meet another's statement; versions 1.18.0 and 1.19.0 end over it.
        let is_to_be_cancelled = *self.pending.get_mut() > 0 && self.prepares;
        let cancel = Arc::clone(&self.cancel);
        runtime.spawn(async move {
            let recovered = tokio::time::timeout(RECOVERY, async {
                if is_to_be_cancelled {
                    cancel(client.cancel_token()).await;
                }
                // The answer comes when all before it has ended; outside a transaction it is a
                // warning.
                client.batch_execute("ROLLBACK").await
            });
            if !matches!(recovered.await, Ok(Ok(()))) {
                drop(Object::take(client));
            }
        });
    }
}

async fn prepared(
    client: &Object,
    sql: &str,
    parameters: &[Parameter<'_>],
) -> Result<Statement, tokio_postgres::Error> {
    let types: Vec<Type> = parameters.iter().map(|(_, of_type)| of_type.clone()).collect();
    client.prepare_typed_cached(sql, &types).await
}

fn values<'p>(parameters: &[Parameter<'p>]) -> Vec<&'p (dyn ToSql + Sync)> {
    parameters.iter().map(|(value, _)| *value).collect()
}

/// A transaction on a connection of its own; undone when it is dropped before its end.
#[derive(Debug)]
pub(crate) struct Transaction {
    session: Session,
}

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Each statement sees what was committed before it, and what it locks is as it is.
    Write,
    /// All statements see one state.
    Read,
}

impl Transaction {
    /// It is still to begin: whoever calls this awaits that together with the first of its
    /// statements, which spares a round trip.
    pub(crate) fn on(session: Session) -> Self {
        Self { session }
    }

    pub(crate) async fn begin(&self, mode: Mode) -> Result<(), Failure> {
        self.session.is_in_transaction.store(true, Ordering::Relaxed);
        self.session
            .batch(match mode {
                Mode::Write => &self.session.begin,
                Mode::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            })
            .await
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// Commits after one more statement, without waiting for it: PostgreSQL commits nothing when it
    /// fails.
    pub(crate) async fn execute_and_commit(
        self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<(), Failure> {
        self.session.prepare(sql, parameters).await?;
        let last = async {
            match self.session.execute(sql, parameters).await {
                Ok(_) => Ok(()),
                // The connection was lost, and the commit is on its way already.
                Err(Failure::Database(error)) if error.code().is_none() => {
                    Err(Failure::Unknown(error))
                }
                Err(failure) => Err(failure),
            }
        };
        tokio::try_join!(biased; last, self.end()).map(drop)
    }

    pub(crate) async fn commit(self) -> Result<(), Failure> {
        self.end().await
    }

    /// # Errors
    /// [`Failure::Unknown`] where the answer does not say that nothing was committed.
    async fn end(&self) -> Result<(), Failure> {
        match self.session.batch("COMMIT").await {
            Ok(()) => {
                self.session.is_in_transaction.store(false, Ordering::Relaxed);
                Ok(())
            }
            // A pooler may say that a connection was lost with a code of its own.
            Err(Failure::Database(error))
                if !error.code().is_some_and(|code| code.code().starts_with("40")) =>
            {
                Err(Failure::Unknown(error))
            }
            Err(failure) => Err(failure),
        }
    }

    pub(crate) async fn rollback(self) {
        if self.session.batch("ROLLBACK").await.is_ok() {
            self.session.is_in_transaction.store(false, Ordering::Relaxed);
        }
    }
}
