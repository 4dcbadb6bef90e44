//! Connections of the pool, and what is said over them.

use std::time::Duration;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Timeouts,
};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Config, Row, Socket, Statement};

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

/// The connections to one database.
#[derive(Clone, Debug)]
pub(crate) struct Sessions {
    pool: Pool,
    prepares: bool,
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
        let recycling_method = RecyclingMethod::Fast;
        let manager = Manager::from_config(config, tls, ManagerConfig { recycling_method });
        let patience = Some(options.busy_timeout);
        let mut builder = Pool::builder(manager)
            .runtime(Runtime::Tokio1)
            .max_size(options.connections.get())
            .timeouts(Timeouts { wait: patience, create: patience, recycle: patience });
        if options.prepares {
            let millis = options.busy_timeout.as_millis().max(1);
            let settings = format!("{SETTINGS}; SET lock_timeout = {millis}");
            builder = builder.post_create(Hook::async_fn(move |client, _| {
                let settings = settings.clone();
                Box::pin(async move {
                    client.batch_execute(&settings).await.map_err(HookError::Backend)
                })
            }));
        }
        let pool = builder.build().map_err(|error| OpenError::Database(error.into()))?;
        Ok(Self { pool, prepares: options.prepares })
    }

    /// A connection, once one is free.
    pub(crate) async fn get(&self) -> Result<Session, Failure> {
        Ok(Session { client: self.pool.get().await?, prepares: self.prepares })
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
#[derive(Debug)]
pub(crate) struct Session {
    client: Object,
    prepares: bool,
}

impl Session {
    /// Sees to it that statements which are sent together arrive in their order: one that still has
    /// to be prepared would fall behind.
    pub(crate) async fn prepare(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<(), tokio_postgres::Error> {
        if self.prepares {
            self.prepared(sql, parameters).await?;
        }
        Ok(())
    }

    /// The rows that a statement gives. It is kept prepared, so its text must be one of few.
    pub(crate) async fn query(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        if !self.prepares {
            return self.client.query_typed(sql, parameters).await;
        }
        let statement = self.prepared(sql, parameters).await?;
        self.client.query(&statement, &values(parameters)).await
    }

    /// The same for a text that is made for the occasion.
    pub(crate) async fn query_once(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        self.client.query_typed(sql, parameters).await
    }

    /// How many rows a statement changed.
    pub(crate) async fn execute(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<u64, tokio_postgres::Error> {
        if !self.prepares {
            return self.client.execute_typed(sql, parameters).await;
        }
        let statement = self.prepared(sql, parameters).await?;
        self.client.execute(&statement, &values(parameters)).await
    }

    async fn prepared(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Statement, tokio_postgres::Error> {
        let types: Vec<Type> = parameters.iter().map(|(_, of_type)| of_type.clone()).collect();
        self.client.prepare_typed_cached(sql, &types).await
    }

    /// Statements without parameters and results.
    pub(crate) async fn batch(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        self.client.batch_execute(sql).await
    }
}

fn values<'p>(parameters: &[Parameter<'p>]) -> Vec<&'p (dyn ToSql + Sync)> {
    parameters.iter().map(|(value, _)| *value).collect()
}

/// A transaction on a connection of its own.
///
/// One that is dropped before it ended, since whoever asked went away, takes its connection along,
/// so that nobody else gets into it.
#[derive(Debug)]
pub(crate) struct Transaction {
    session: Option<Session>,
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
    /// Begins when the first of its statements is sent: whoever calls this awaits it together with
    /// that, which spares a round trip.
    pub(crate) fn on(session: Session) -> Self {
        Self { session: Some(session) }
    }

    pub(crate) async fn begin(&self, mode: Mode) -> Result<(), Failure> {
        Ok(self
            .session()?
            .batch(match mode {
                Mode::Write => "BEGIN ISOLATION LEVEL READ COMMITTED",
                Mode::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            })
            .await?)
    }

    pub(crate) fn session(&self) -> Result<&Session, Failure> {
        self.session.as_ref().ok_or(Failure::Ended)
    }

    /// # Errors
    /// [`Failure::Unknown`] when the connection is lost before the answer, so that nobody knows.
    pub(crate) async fn commit(mut self) -> Result<(), Failure> {
        let committed = self.session()?.batch("COMMIT").await;
        match committed {
            Ok(()) => {
                drop(self.session.take());
                Ok(())
            }
            Err(error) if error.code().is_some() => Err(error.into()),
            Err(error) => Err(Failure::Unknown(error)),
        }
    }

    pub(crate) async fn rollback(mut self) {
        if let Ok(session) = self.session()
            && session.batch("ROLLBACK").await.is_ok()
        {
            // It goes back to the pool.
            drop(self.session.take());
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(Session { client, .. }) = self.session.take() {
            drop(Object::take(client));
        }
    }
}
