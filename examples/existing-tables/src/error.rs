//! What SQLite's errors mean to a client.

use std::borrow::Cow;
use std::time::Duration;

use rusqlite::{ErrorCode, ffi};
use scim_core::ScimError;
use scim_server_adapters::BackendError;

/// Why something was not done: what the database says, or what the contract has an error for.
#[derive(Debug)]
pub(crate) enum Fault {
    Sql(rusqlite::Error),
    Refused(BackendError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<BackendError> for Fault {
    fn from(error: BackendError) -> Self {
        Self::Refused(error)
    }
}

impl From<ScimError> for Fault {
    fn from(error: ScimError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<Fault> for BackendError {
    fn from(fault: Fault) -> Self {
        let error = match fault {
            Fault::Refused(error) => return error,
            Fault::Sql(error) => error,
        };
        match &error {
            rusqlite::Error::SqliteFailure(failure, Some(message))
                if failure.extended_code == ffi::SQLITE_CONSTRAINT_UNIQUE =>
            {
                // The index says what is taken.
                let is_team = message.contains("teams.claimed_name");
                let attribute = if is_team { "displayName" } else { "userName" };
                Self::Conflict { attribute: Cow::Borrowed(attribute) }
            }
            rusqlite::Error::SqliteFailure(failure, _)
                if matches!(
                    failure.code,
                    ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::DiskFull
                ) =>
            {
                Self::Unavailable { retry_after: Some(Duration::from_secs(1)) }
            }
            _ => Self::internal(error),
        }
    }
}
