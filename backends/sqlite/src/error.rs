//! Why the store could not be opened, and what SQLite's errors mean to a client.

use std::fmt;
use std::time::Duration;

use rusqlite::ErrorCode;
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
    #[error("values that must be unique are not: {}{}", List(conflicts), if *more { "; and more" } else { "" })]
    Conflicts {
        /// The conflicts found, the first of them in the order of creation.
        conflicts: Vec<UniqueConflict>,
        /// Whether there are more.
        more: bool,
    },
    /// An option names an attribute that cannot be unique or indexed.
    #[error("attribute `{path}` cannot be unique or indexed: {reason}")]
    Attribute {
        /// The path as the option gives it.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A thread could not be started.
    #[error("a thread cannot be started: {0}")]
    Thread(#[source] std::io::Error),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.into())
    }
}

/// Two resources that share a value that must be unique.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UniqueConflict {
    /// Their tenant.
    pub tenant: String,
    /// The attribute, with the URN of its schema.
    pub attribute: String,
    /// The ids of the two, the older first.
    pub ids: [String; 2],
}

impl fmt::Display for UniqueConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tenant, attribute, ids: [older, newer] } = self;
        write!(f, "`{attribute}` of `{older}` and `{newer}` in tenant `{tenant}`")
    }
}

struct List<'a>(&'a [UniqueConflict]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, conflict) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { "; " };
            write!(f, "{separator}{conflict}")?;
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conflicts_are_named_in_the_message() {
        let conflict = |n: &str| UniqueConflict {
            tenant: "acme".to_owned(),
            attribute: "urn:example:Device:serial".to_owned(),
            ids: ["a".to_owned(), n.to_owned()],
        };
        let error =
            OpenError::Conflicts { conflicts: vec![conflict("b"), conflict("c")], more: true };
        assert_eq!(
            error.to_string(),
            "values that must be unique are not: \
             `urn:example:Device:serial` of `a` and `b` in tenant `acme`; \
             `urn:example:Device:serial` of `a` and `c` in tenant `acme`; and more",
        );
    }
}
