//! Why the store could not be opened, and what PostgreSQL's errors mean to a client.

use std::time::Duration;

use deadpool_postgres::PoolError;
use scim_backend_sql::{AttributeError, UniqueConflicts};
use scim_core::ScimError;
use scim_server_adapters::BackendError;
use tokio_postgres::error::SqlState;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// PostgreSQL cannot be reached, or refused.
    #[error("the database cannot be opened: {0}")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The URL demands TLS, and this crate was built without its feature `rustls`.
    #[error(
        "`sslmode=require` demands TLS, and there is none: scim-backend-postgres was built without \
         its feature `rustls`"
    )]
    NoTls,
    /// No certificate is there to trust, or what trusts them cannot be set up.
    #[error("TLS is not possible: {0}")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database's encoding is another than UTF-8.
    #[error("the database's encoding is `{0}`; it must be UTF8")]
    Encoding(String),
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
}

impl From<tokio_postgres::Error> for OpenError {
    fn from(error: tokio_postgres::Error) -> Self {
        // What the server said tells more than that it said something.
        match error.as_db_error() {
            Some(said) => Self::Database(said.clone().into()),
            None => Self::Database(error.into()),
        }
    }
}

impl From<Failure> for OpenError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Database(error)
            | Failure::Unknown(error)
            | Failure::Pool(PoolError::Backend(error)) => error.into(),
            Failure::Pool(error) => Self::Database(error.into()),
            Failure::Refused(error) => Self::Database(error.into()),
            failure @ (Failure::Ended | Failure::Outdated) => {
                Self::Database(BackendError::from(failure).into())
            }
        }
    }
}

/// Why a statement, or what was done with its rows, failed.
#[derive(Debug)]
pub(crate) enum Failure {
    Database(tokio_postgres::Error),
    /// No connection was to be had.
    Pool(PoolError),
    /// The connection was lost before the answer to a commit.
    Unknown(tokio_postgres::Error),
    /// The request is refused.
    Refused(BackendError),
    /// A connection was used after its end.
    Ended,
    /// Another node has opened the store with other schemas or options since.
    Outdated,
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        Self::Pool(error)
    }
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        Self::Refused(error)
    }
}

impl From<ScimError> for Failure {
    fn from(error: ScimError) -> Self {
        Self::Refused(error.into())
    }
}

impl Failure {
    /// Whether a statement refused a value, which concerns nobody else.
    pub(crate) fn is_about_a_value(&self) -> bool {
        let Self::Database(error) = self else { return false };
        error.code() == Some(&SqlState::PROGRAM_LIMIT_EXCEEDED)
    }

    /// Whether nothing has happened, and doing the same again may succeed: others were in the way,
    /// or the connection was dead.
    pub(crate) fn is_worth_another_attempt(&self) -> bool {
        match self {
            Self::Database(error) => match error.code() {
                Some(code) => {
                    [
                        SqlState::T_R_SERIALIZATION_FAILURE,
                        SqlState::T_R_DEADLOCK_DETECTED,
                        // One that was sent together with this one failed before it.
                        SqlState::IN_FAILED_SQL_TRANSACTION,
                    ]
                    .contains(code)
                        || is_shutdown(code)
                }
                None => error.is_closed() || is_io(error),
            },
            Self::Pool(PoolError::Backend(error)) => error.code().is_none_or(is_shutdown),
            Self::Pool(_) | Self::Unknown(_) | Self::Refused(_) | Self::Ended | Self::Outdated => {
                false
            }
        }
    }
}

/// The server ends connections, or takes none yet.
fn is_shutdown(code: &SqlState) -> bool {
    [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::IDLE_SESSION_TIMEOUT,
    ]
    .contains(code)
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>())
}

impl From<Failure> for BackendError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(error) => error,
            Failure::Database(error) if error.code() == Some(&SqlState::PROGRAM_LIMIT_EXCEEDED) => {
                ScimError::invalid_value("a value is longer than the store can index").into()
            }
            Failure::Database(error) if error.code() == Some(&SqlState::STATEMENT_TOO_COMPLEX) => {
                Self::TooMany
            }
            Failure::Database(error) if is_unavailability(&error) => {
                tracing::warn!(%error, "the database is not available");
                unavailable()
            }
            Failure::Database(error) => Self::internal(error),
            Failure::Pool(error) => {
                tracing::warn!(%error, "no connection to the database");
                unavailable()
            }
            Failure::Unknown(error) => {
                tracing::warn!(%error, "the connection was lost in a commit, which may have happened");
                unavailable()
            }
            Failure::Outdated => {
                tracing::error!(
                    "another process has opened the store with other schemas or options since; \
                     this one must be started again"
                );
                unavailable()
            }
            Failure::Ended => Self::internal("a connection was used after its end"),
        }
    }
}

/// Whether the same request may succeed later.
fn is_unavailability(error: &tokio_postgres::Error) -> bool {
    let Some(code) = error.code() else { return error.is_closed() || is_io(error) };
    let class = |prefix| code.code().starts_with(prefix);
    // Connection exceptions, transaction rollbacks, insufficient resources (a full disk),
    // operator intervention, system errors.
    ["08", "40", "53", "57", "58"].into_iter().any(class)
        || [
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::READ_ONLY_SQL_TRANSACTION,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        ]
        .contains(code)
}

/// What a client is told when the database or a lock failed.
pub(crate) fn unavailable() -> BackendError {
    BackendError::Unavailable { retry_after: Some(Duration::from_secs(1)) }
}
