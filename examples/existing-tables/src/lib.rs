//! A product's own tables of users and teams behind SCIM, for any number of them.
//!
//! `schema.sql` has the tables, and says which attribute is in which column; `mapping.rs` says so to
//! filters. `resources.rs` reads, finds and writes users and teams, `members.rs` who is in a team, and
//! [`Directory`] is the [`ProvisioningBackend`] made of that. What SCIM knows and the tables have no column
//! for is kept in one column as JSON, so that nothing an identity provider sends is dropped.
//!
//! - Filters over columns become SQL. One that is answered by an index costs its matches; one that
//!   would read the whole table is answered for tables within the work limit, and beyond it refused.
//!   What has no column, the service evaluates within the same limit.
//! - Adding a member to a team is a row, whatever the size of the team.
//! - Uniqueness is an index; each write, its precondition included, is one transaction.
//!
//! To keep it short there are no tenants, no sorting, and no bulk requests in one commit: the service
//! writes their operations one by one.

#![forbid(unsafe_code)]

mod mapping;
mod members;
mod resources;

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::TransactionBehavior::{self, Deferred, Immediate};
use rusqlite::{Connection, ErrorCode, ffi::SQLITE_CONSTRAINT_UNIQUE, functions::FunctionFlags};
use scim_core::{ResourceId, ResourceType, fold};
use scim_filter::sql::Mapping;
use scim_server_adapters::{
    BackendError, Capabilities, CursorKey, Members, Page, Position, ProvisioningBackend, Query,
    RequestContext, Stored, UnitFailure, Wanted, Write, WriteUnit, Written,
};

type Fault = Box<dyn Error + Send + Sync>;

/// What was done, or what prevented it: the database, or an error that the contract has.
type Result<T, E = Fault> = std::result::Result<T, E>;

/// The users and teams of a database.
///
/// Its statements take microseconds, so they run where they are called, on one connection. With a
/// database across a network, use a pool and its async driver.
#[derive(Debug)]
pub struct Directory {
    connection: Mutex<Connection>,
    users: Mapping,
    teams: Mapping,
    cursor_key: CursorKey,
}

impl Directory {
    /// The users and teams of a database, in which the tables are made if they are not there. The key
    /// seals the cursors of pages: what was sealed with it can be read as long as the product keeps it.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn new(connection: Connection, cursor_key: CursorKey) -> Result<Self> {
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        connection.create_scalar_function("fold", 1, flags, |call| {
            Ok(call.get::<Option<String>>(0)?.map(|text| fold(&text).into_owned()))
        })?;
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON")?;
        connection.execute_batch(include_str!("../schema.sql"))?;
        let mappings = mapping::users().zip(mapping::teams());
        let (users, teams) = mappings.ok_or("a schema lacks an attribute")?;
        Ok(Self { connection: Mutex::new(connection), users, teams, cursor_key })
    }

    fn mapping(&self, resource_type: &ResourceType) -> &Mapping {
        if resource_type.has_members() { &self.teams } else { &self.users }
    }

    /// Does all of something or nothing, and sees one state throughout.
    fn transaction<T>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Connection) -> Result<T>,
    ) -> Result<T, BackendError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let attempt = || {
            // Dropped before its end, it is undone.
            let transaction = connection.transaction_with_behavior(behavior)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        };
        attempt().map_err(refusal)
    }
}

/// What the service is told.
fn refusal(fault: Fault) -> BackendError {
    let failure = fault.downcast_ref().and_then(rusqlite::Error::sqlite_error);
    match failure.map(|failure| (failure.code, failure.extended_code)) {
        Some((ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::DiskFull, _)) => {
            BackendError::Unavailable { retry_after: Some(Duration::from_secs(1)) }
        }
        Some((_, SQLITE_CONSTRAINT_UNIQUE)) => {
            // The index says what is taken.
            let is_team = fault.to_string().contains("teams.claimed_name");
            let attribute = if is_team { "displayName" } else { "userName" };
            BackendError::Conflict { attribute: attribute.into() }
        }
        _ => fault.into(),
    }
}

#[async_trait]
impl ProvisioningBackend for Directory {
    fn capabilities(&self, _: &RequestContext) -> Capabilities {
        Capabilities::new().with_cursors(self.cursor_key.clone())
    }

    async fn get(
        &self,
        _: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        wanted: &Wanted,
        member_limit: usize,
    ) -> Result<Stored, BackendError> {
        self.transaction(Deferred, |rows| {
            resources::read(rows, resource_type, id, Some(wanted), member_limit)
        })
    }

    async fn members(
        &self,
        _: &RequestContext,
        resource_type: &Arc<ResourceType>,
        id: &ResourceId,
        after: &Position,
        limit: usize,
    ) -> Result<Members, BackendError> {
        self.transaction(Deferred, |rows| {
            resources::read(rows, resource_type, id, None, 0)?;
            members::some(rows, id.as_str(), after.read()?, limit)
        })
    }

    async fn query(&self, _: &RequestContext, query: &Query) -> Result<Page, BackendError> {
        self.transaction(Deferred, |rows| resources::page(self, rows, query))
    }

    async fn write(&self, cx: &RequestContext, change: Write) -> Result<Written, BackendError> {
        self.transaction(Immediate, |rows| resources::write(rows, cx.now, change))
    }

    async fn write_all(
        &self,
        _: &RequestContext,
        _: Vec<WriteUnit>,
        _: Option<usize>,
    ) -> Result<Vec<Result<Vec<Written>, UnitFailure>>, BackendError> {
        // Nobody asks, since the capabilities do not name it.
        Err(BackendError::Unsupported)
    }
}
