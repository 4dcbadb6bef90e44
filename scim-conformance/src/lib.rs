//! Tests for what others build with SCIM.
//!
//! [`backend`] checks that a store keeps the contract of
//! [`ProvisioningBackend`](scim_server_adapters::ProvisioningBackend), and of
//! [`EventLog`](scim_server_adapters::EventLog) if it keeps one. One line in a test of yours:
//!
//! ```
//! # // The store is yours; this one stands in for it.
//! # use scim_server_adapters::MemoryBackend as MyBackend;
//! // #[test]
//! fn it_keeps_the_contract() {
//!     scim_conformance::backend::run(|| async { MyBackend::new() });
//! }
//! # it_keeps_the_contract();
//! ```
//!
//! What is not kept is said in the contract's words:
//!
//! ```text
//! uniqueness::freed_by_rename_and_delete
//!   contract: Uniqueness covers attributes that the schema calls `server` or `global` unique
//!   doing:    create User {"userName":"bjensen"} in tenant `a-3c9d`
//!   expected: success
//!   seen:     error: the value of `userName` is already in use
//! ```

#![forbid(unsafe_code)]

pub mod backend;
pub mod client;
pub mod oracle;
