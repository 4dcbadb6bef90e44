//! A store against the plain reference, on what is generated: any filter selects what it selects in
//! memory, and any sequence of writes leaves what it leaves in memory.
//!
//! ```
//! use scim_conformance::oracle;
//! # // The store is yours; this one stands in for it.
//! # use scim_server_adapters::MemoryBackend as MyBackend;
//!
//! // #[test]
//! fn filters_select_what_they_select_in_memory() {
//!     let compared = oracle::any_filter(|| async { MyBackend::new() }, 1, 7);
//!     assert_eq!(compared.pairs, 240);
//! }
//! # filters_select_what_they_select_in_memory();
//! ```
//!
//! The contract in [`backend`](crate::backend) is about the sentences of the trait, one by one; this
//! is about all that nobody thought of.

mod filters;
mod writes;

use tokio::runtime::{Builder, Runtime};

use crate::backend::breach::Outcome;
pub use filters::{Compared, any_filter, registry};
pub use writes::any_writes;

#[expect(clippy::expect_used, reason = "without a runtime no test can run")]
fn start_runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a tokio runtime starts")
}

#[expect(clippy::panic, reason = "it is the body of a test")]
fn kept<T>(outcome: Outcome<T>) -> T {
    outcome.unwrap_or_else(|breach| panic!("{breach}"))
}
