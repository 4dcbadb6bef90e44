//! SQLite store for `scim-server-adapters`: durable, transactional, membership as rows.
//!
//! ```
//! use std::sync::Arc;
//!
//! use scim_backend_sqlite::{SqliteBackend, SqliteOptions};
//! use scim_core::{DateTime, Ingest, Origin, Profile, Registry, ResourceType};
//! use scim_server_adapters::{Change, Precondition, ProvisioningBackend, RequestContext, Write};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let store = SqliteBackend::in_memory(&Registry::builtin(), &SqliteOptions::new())?;
//!
//! let user = ResourceType::user();
//! let body = br#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "bjensen"}"#;
//! let resource = Ingest::new(&user, &Profile::INTEROP, Origin::Request).resource(body)?;
//! let cx = RequestContext {
//!     tenant: "acme".into(),
//!     principal: "okta".into(),
//!     request_id: "1".into(),
//!     now: DateTime::now(),
//! };
//! let created = store.write(&cx, Write {
//!     resource_type: Arc::clone(&user),
//!     change: Change::Create { id: None, resource, secret: None },
//!     precondition: Precondition::NONE,
//!     returning: None,
//!     unique_display_name: false,
//!     must_exist: Vec::new(),
//! }).await?;
//! assert_eq!(created.version.to_string(), r#"W/"1""#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`SqliteBackend`] says what it promises; [`SqliteOptions`] what can be set.
//!
//! # Building SQLite
//!
//! As rusqlite bundles it, SQLite counts its memory under one lock for all threads. A program that
//! reads much does well to build it without, by the environment variable
//! `LIBSQLITE3_FLAGS=-DSQLITE_DEFAULT_MEMSTATUS=0` (in the `[env]` of its `.cargo/config.toml`, say).

#![forbid(unsafe_code)]

mod backend;
mod change;
#[cfg(test)]
mod cost;
mod database;
mod error;
mod event;
mod fingerprint;
mod load;
mod lookup;
mod mapping;
mod members;
mod migration;
mod names;
mod options;
mod query;
#[cfg(test)]
mod query_plans;
mod scanner;
mod sweep;
mod tenants;
mod values;
mod writer;

pub use backend::SqliteBackend;
pub use error::OpenError;
pub use options::{SqliteOptions, Synchronous};
pub use scim_backend_sql::{AttributeError, UniqueConflict, UniqueConflicts};
