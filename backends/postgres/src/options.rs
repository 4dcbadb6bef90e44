//! Settings of the store.

use std::num::NonZeroUsize;
use std::time::Duration;

use scim_backend_sql::Indexing;

/// Settings of a [`PostgresBackend`](crate::PostgresBackend).
///
/// ```
/// use std::num::NonZeroUsize;
/// use scim_backend_postgres::PostgresOptions;
/// let options = PostgresOptions::new()
///     .connections(NonZeroUsize::new(32).expect("not zero"))
///     .unique("urn:ietf:params:scim:schemas:core:2.0:Group:displayName");
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    pub(crate) connections: NonZeroUsize,
    pub(crate) prepares: bool,
    pub(crate) busy_timeout: Duration,
    pub(crate) indexing: Indexing,
    pub(crate) event_retention: Option<Duration>,
}

impl PostgresOptions {
    /// The defaults: 16 connections, of one's own; 5 seconds of patience; the uniqueness that the
    /// schemas ask for; an index of `emails.value`, and of the enterprise extension's
    /// `employeeNumber` and `manager.value`; events kept for a week.
    #[must_use]
    pub fn new() -> Self {
        Self {
            connections: NonZeroUsize::MIN.saturating_add(15),
            prepares: true,
            busy_timeout: Duration::from_secs(5),
            indexing: Indexing::default(),
            event_retention: Some(Duration::from_secs(7 * 24 * 60 * 60)),
        }
    }

    /// How many connections there are at most.
    #[must_use]
    pub fn connections(mut self, connections: NonZeroUsize) -> Self {
        self.connections = connections;
        self
    }

    /// Says that each transaction may run on another connection of the server's, as behind
    /// PgBouncer in transaction mode: nothing is prepared or set that would have to outlive one.
    /// It costs the planning of each statement, and a statement for which nobody waits any more is
    /// not cancelled: it keeps its connection until it ends.
    ///
    /// What is otherwise set for each connection, such as `lock_timeout`, is then to be set for the
    /// role (`ALTER ROLE … SET`). The planner chooses by the statistics of the tables, so
    /// autovacuum must run.
    #[must_use]
    pub fn transaction_pooling(mut self) -> Self {
        self.prepares = false;
        self
    }

    /// How long to wait for a connection of the pool, for a new one, and for a lock that another
    /// transaction holds, before answering
    /// [`Unavailable`](scim_server_adapters::BackendError::Unavailable).
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// Makes the values of one more attribute unique within a tenant, over all resource types that
    /// share its schema. The path has the URN of the schema
    /// (`urn:ietf:params:scim:schemas:core:2.0:Group:displayName`), or is that of a common
    /// attribute (`externalId`), which is then unique over all resource types.
    ///
    /// Opening the store fails when no registered schema defines the attribute, or data that is
    /// there already has a value twice.
    #[must_use]
    pub fn unique(mut self, path: impl Into<String>) -> Self {
        self.indexing.unique.push(path.into());
        self
    }

    /// Indexes the values of these attributes, for `eq`, instead of the default set. Paths are as
    /// in [`PostgresOptions::unique`]. What is unique is indexed anyway, and so are `id`,
    /// `externalId`, `displayName`, `active` of the core schema, members and groups.
    ///
    /// Each value costs a row a resource. Changing the set over existing data rebuilds the index
    /// when the store is opened; nodes that were opened before then answer
    /// [`Unavailable`](scim_server_adapters::BackendError::Unavailable) until they are started
    /// again with the same set.
    #[must_use]
    pub fn indexed<S: Into<String>>(mut self, paths: impl IntoIterator<Item = S>) -> Self {
        self.indexing.indexed = Some(paths.into_iter().map(Into::into).collect());
        self
    }

    /// How long events are kept; `None` for ever.
    #[must_use]
    pub fn event_retention(mut self, retention: Option<Duration>) -> Self {
        self.event_retention = retention;
        self
    }
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self::new()
    }
}
