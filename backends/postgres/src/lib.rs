//! PostgreSQL store for `scim-server-adapters`: for any number of nodes over one database.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use scim_backend_postgres::{PostgresBackend, PostgresOptions};
//! use scim_core::Registry;
//! use scim_server_adapters::{BearerTokens, ScimService};
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = Registry::builtin();
//! let store = PostgresBackend::open(
//!     "postgres://scim@localhost/scim",
//!     &registry,
//!     &PostgresOptions::new(),
//! ).await?;
//! let tokens = BearerTokens::new().with_token("", "s3cret", "okta");
//! let service = ScimService::builder(Arc::new(store), Arc::new(tokens))
//!     .registry(registry)
//!     .base_url("https://example.com/scim")
//!     .build();
//! # let _ = service;
//! # Ok(())
//! # }
//! ```
//!
//! [`PostgresBackend`] says what it promises; [`PostgresOptions`] what can be set. It needs
//! PostgreSQL 13 or newer, in a database whose encoding is UTF-8.
//!
//! With the feature `rustls`, URLs with `sslmode=require` work: see [`PostgresBackend::open`].

#![forbid(unsafe_code)]

mod backend;
mod change;
mod entry;
mod error;
mod event;
mod fingerprint;
mod load;
mod lookup;
mod members;
mod migration;
mod names;
mod options;
mod query;
#[cfg(test)]
mod query_plans;
mod session;
mod sweep;
#[cfg(feature = "rustls")]
mod tls;

pub use backend::PostgresBackend;
pub use error::OpenError;
pub use options::PostgresOptions;
pub use scim_backend_sql::{AttributeError, UniqueConflict, UniqueConflicts};
#[cfg(feature = "rustls")]
pub use tls::rustls_connector;
