//! Settings of the store.

use std::num::NonZeroUsize;
use std::time::Duration;

use scim_backend_sql::Indexing;

/// How far a write is on the disk when it is acknowledged (SQLite's `synchronous`).
///
/// Exhaustive: SQLite has these, of which `EXTRA` adds nothing in WAL mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// Synced: it survives a loss of power. The default.
    #[default]
    Full,
    /// With the operating system: it survives a crash of the process; a loss of power may undo the
    /// latest writes, never tear one.
    Normal,
    /// As [`Normal`](Self::Normal), and a loss of power may corrupt the database. For tests and
    /// imports that can be repeated.
    Off,
}

impl Synchronous {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Normal => "NORMAL",
            Self::Off => "OFF",
        }
    }
}

/// Settings of a [`SqliteBackend`](crate::SqliteBackend).
///
/// ```
/// use scim_backend_sqlite::{SqliteOptions, Synchronous};
/// let options = SqliteOptions::new()
///     .synchronous(Synchronous::Normal)
///     .unique("urn:ietf:params:scim:schemas:core:2.0:Group:displayName");
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    pub(crate) synchronous: Synchronous,
    pub(crate) busy_timeout: Duration,
    pub(crate) readers: Option<NonZeroUsize>,
    pub(crate) mapped_bytes: u64,
    pub(crate) indexing: Indexing,
    pub(crate) event_retention: Option<Duration>,
}

impl SqliteOptions {
    /// The defaults: [`Synchronous::Full`], 5 seconds of patience with a busy database, as many
    /// reader threads as there are processors, nothing mapped, the uniqueness that the schemas ask for, an index
    /// of `emails.value`, and of the enterprise extension's `employeeNumber` and `manager.value`;
    /// events kept for a week.
    #[must_use]
    pub fn new() -> Self {
        Self {
            synchronous: Synchronous::Full,
            busy_timeout: Duration::from_secs(5),
            readers: None,
            mapped_bytes: 0,
            indexing: Indexing::default(),
            event_retention: Some(Duration::from_secs(7 * 24 * 60 * 60)),
        }
    }

    /// How far a write is on the disk when it is acknowledged.
    #[must_use]
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// How long to wait for another process, or another part of this one, that is writing to the
    /// database, before answering
    /// [`Unavailable`](scim_server_adapters::BackendError::Unavailable).
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// How many threads answer queries that may have to look at many resources.
    #[must_use]
    pub fn readers(mut self, threads: NonZeroUsize) -> Self {
        self.readers = Some(threads);
        self
    }

    /// Reads up to so many bytes from the beginning of the file by mapping it into memory, instead of
    /// copying its pages: faster, the more so the larger it is. What it costs: an error of the disk,
    /// or whoever truncates the file, ends the process (SIGBUS) where it would else be an error of one
    /// request (<https://sqlite.org/mmap.html>); and the operating system counts what of the file is
    /// in its own cache as this process's memory too. Writes do not use it.
    #[must_use]
    pub fn mapped_bytes(mut self, limit: u64) -> Self {
        self.mapped_bytes = limit;
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
    /// in [`SqliteOptions::unique`]. What is unique is indexed anyway, and so are `id`,
    /// `externalId`, `displayName`, `active` of the core schema, members and groups.
    ///
    /// Each value costs a row a resource. Changing the set over existing data rebuilds the index
    /// when the store is opened.
    #[must_use]
    pub fn indexed<S: Into<String>>(mut self, paths: impl IntoIterator<Item = S>) -> Self {
        self.indexing.indexed = Some(paths.into_iter().map(Into::into).collect());
        self
    }

    /// How long events are kept; `None` for ever. They go soon afterwards, when the writer has
    /// nothing else to do, but for the newest, which stays until another comes.
    #[must_use]
    pub fn event_retention(mut self, retention: Option<Duration>) -> Self {
        self.event_retention = retention;
        self
    }
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self::new()
    }
}
