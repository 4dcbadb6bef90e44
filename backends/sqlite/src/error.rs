//! Why the store could not be opened, and what SQLite's errors mean to a client.

use std::time::Duration;

use rusqlite::ErrorCode;
use scim_backend_sql::{AttributeError, UniqueConflicts};
use scim_server_adapters::BackendError;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// SQLite refused: the file cannot be read or written, is no database, or is in use.
    #[error("the database cannot be opened: {0}")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A newer version of this crate has migrated the database. Migrations go forwards only.
    #[error(
        "the database is newer than this program: it has migration {found}, and the last one known here is {known}"
    )]
    Newer {
        /// The last migration that the database has.
        found: u32,
        /// The last migration that this version has.
        known: u32,
    },
    /// The schemas or the options call values unique that resources share.
    #[error("values that must be unique are not: {0}")]
    Conflicts(UniqueConflicts),
    /// An option names an attribute that cannot be unique or indexed.
    #[error(transparent)]
    Attribute(#[from] AttributeError),
    /// A thread could not be started.
    #[error("a thread cannot be started: {0}")]
    Thread(#[source] std::io::Error),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.into())
    }
}

/// Why a statement, or what was done with its rows, failed.
///
/// Exhaustive: either SQLite failed, and the whole batch may have to go, or the request is refused,
/// and only its own changes are undone.
#[derive(Debug)]
pub(crate) enum Failure {
    Sqlite(rusqlite::Error),
    Refused(BackendError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        Self::Refused(error)
    }
}

impl From<scim_core::ScimError> for Failure {
    fn from(error: scim_core::ScimError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<Failure> for BackendError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Sqlite(error) if is_unavailability(&error) => unavailable(),
            Failure::Sqlite(error) => Self::internal(error),
            Failure::Refused(error) => error,
        }
    }
}

/// Whether the disk or a lock failed, rather than this program: the same request may succeed later.
pub(crate) fn is_unavailability(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::OutOfMemory
        )
    )
}

/// What a client is told when the disk or a lock failed.
pub(crate) fn unavailable() -> BackendError {
    BackendError::Unavailable { retry_after: Some(Duration::from_secs(1)) }
}
