//! The contract of [`ProvisioningBackend`], and that of [`EventLog`], checked on any backend.
//!
//! [`run`] does all of it inside one test. To see each check by its name, and to choose among them
//! as among any tests, give a test of its own to [`Contract::main`]:
//!
//! ```toml
//! # Cargo.toml
//! [[test]]
//! name = "contract"
//! harness = false
//! ```
//!
//! ```no_run
//! // tests/contract.rs
//! use std::process::ExitCode;
//!
//! use scim_conformance::backend::Contract;
//! # use scim_server_adapters::MemoryBackend as MyBackend;
//!
//! fn main() -> ExitCode {
//!     Contract::new(|| async { MyBackend::new() }).main()
//! }
//! ```
//!
//! ```text
//! $ cargo test --test contract uniqueness
//! test uniqueness::freed_by_rename_and_delete ... ok
//! ```
//!
//! # What it needs of a backend
//!
//! - The resource types `User` and `Group` of RFC 7643 with the enterprise extension, and the types
//!   in [`registry`]; a store that is opened with its types is opened with those. One whose types
//!   are fixed says so by [`Contract::without_custom_types`].
//! - Each check opens a backend. They may share a database, also with earlier runs: each check has
//!   tenants of its own, named at random. One that has no tenants and is empty when it is opened
//!   says so by [`Contract::without_tenants`].
//! - What [`Capabilities`] says decides what is checked. That it keeps a log of changes, a backend
//!   says by [`Contract::with_events`].
//! - A filter may be [`Unsupported`](scim_server_adapters::BackendError::Unsupported), and
//!   [`Unavailable`](scim_server_adapters::BackendError::Unavailable) under contention is tried
//!   again.
//!
//! A deviation that is meant is named, with its reason: [`Contract::except`].

pub(crate) mod breach;
mod bulk;
mod cancellation;
mod check;
mod concurrency;
mod events;
mod filters;
mod members;
mod membership;
mod pages;
mod passwords;
mod preconditions;
mod reads;
mod references;
mod report;
mod sorting;
pub(crate) mod store;
mod tenants;
pub(crate) mod types;
mod uniqueness;
mod writes;

use std::fmt;
use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use scim_server_adapters::{Capabilities, EventLog, ProvisioningBackend};
use tokio::runtime::{Builder, Runtime};

use check::{BoxFuture, Check};
pub use report::{Report, Verdict};
use store::Store;
pub use types::registry;

/// Runs every check that concerns the backend; see [`Contract`] for more say in it.
///
/// It starts a runtime of its own, so call it from a plain `#[test]`, not from an async one.
///
/// # Panics
/// When the backend breaks the contract; the message is the [`Report`].
pub fn run<B, F>(open: impl Fn() -> F + Send + Sync + 'static)
where
    B: ProvisioningBackend,
    F: Future<Output = B> + Send + 'static,
{
    Contract::new(open).run();
}

/// The checks, and the backend to run them on.
///
/// ```
/// use scim_conformance::backend::{Contract, registry};
/// # use scim_server_adapters::MemoryBackend;
/// # struct MyBackend;
/// # impl MyBackend {
/// #     async fn open(_: scim_core::Registry) -> MemoryBackend { MemoryBackend::new() }
/// # }
///
/// let report = Contract::new(|| MyBackend::open(registry()))
///     .except("pages::walk_during_writes", "our teams are renumbered when one goes")
///     .report();
/// assert!(report.is_kept(), "{report}");
/// ```
pub struct Contract {
    open: Open,
    has_events: bool,
    has_tenants: bool,
    has_custom_types: bool,
    exceptions: Vec<(String, String)>,
}

type Open = Arc<dyn Fn() -> BoxFuture<Opened> + Send + Sync>;

/// A backend, and its log of changes if it keeps one.
pub(crate) struct Opened {
    backend: Arc<dyn ProvisioningBackend>,
    events: Option<Arc<dyn EventLog>>,
}

impl Opened {
    pub(crate) fn without_events(backend: Arc<dyn ProvisioningBackend>) -> Self {
        Self { backend, events: None }
    }
}

impl Contract {
    /// The contract, for the backend that a function opens. Every check opens one.
    pub fn new<B, F>(open: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        B: ProvisioningBackend,
        F: Future<Output = B> + Send + 'static,
    {
        Self::opened_by(false, move || {
            let opening = open();
            Box::pin(async move { Opened::without_events(Arc::new(opening.await)) })
        })
    }

    /// The same for a backend that keeps a log of changes, which is then checked too. It has to keep
    /// events for an hour at least; those that it has of earlier runs are no matter.
    pub fn with_events<B, F>(open: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        B: ProvisioningBackend + EventLog,
        F: Future<Output = B> + Send + 'static,
    {
        Self::opened_by(true, move || {
            let opening = open();
            Box::pin(async move {
                let backend = Arc::new(opening.await);
                let events = Some(Arc::clone(&backend) as Arc<dyn EventLog>);
                Opened { backend, events }
            })
        })
    }

    fn opened_by(
        has_events: bool,
        open: impl Fn() -> BoxFuture<Opened> + Send + Sync + 'static,
    ) -> Self {
        Self {
            open: Arc::new(open),
            has_events,
            has_tenants: true,
            has_custom_types: true,
            exceptions: Vec::new(),
        }
    }

    /// For a backend that serves one tenant, the empty one, and is empty when it is opened.
    #[must_use]
    pub fn without_tenants(self) -> Self {
        Self { has_tenants: false, ..self }
    }

    /// For a backend that knows only the types `User` and `Group`.
    #[must_use]
    pub fn without_custom_types(self) -> Self {
        Self { has_custom_types: false, ..self }
    }

    /// Leaves a check out, for a reason that the report gives. `check` is its name, or a module's
    /// with `::` at the end for all in it.
    ///
    /// # Panics
    /// When there is no such check: it may have got another name.
    #[must_use]
    pub fn except(mut self, check: &str, reason: &str) -> Self {
        let known = check::all().iter().any(|c| is_named(c, check));
        assert!(known, "the contract has no check called `{check}`");
        self.exceptions.push((check.to_owned(), reason.to_owned()));
        self
    }

    /// Runs the checks.
    ///
    /// # Panics
    /// When no runtime can be started.
    #[must_use]
    pub fn report(&self) -> Report {
        let runtime = start_runtime();
        let capabilities = runtime.block_on(self.capabilities());
        let verdicts = check::all().into_iter().map(|check| {
            let verdict = match self.reason_to_skip(&check, &capabilities) {
                Some(reason) => Verdict::Skipped(reason),
                None => match runtime.block_on(self.perform(&check)) {
                    Ok(()) => Verdict::Kept,
                    Err(breach) => Verdict::Broken(breach),
                },
            };
            (check.name, verdict)
        });
        Report::new(verdicts.collect())
    }

    /// Runs the checks and prints what became of each.
    ///
    /// It starts a runtime of its own, so call it from a plain `#[test]`, not from an async one.
    ///
    /// # Panics
    /// When the backend breaks the contract; the message is the [`Report`].
    #[expect(clippy::print_stdout, clippy::panic, reason = "it is the body of a test")]
    pub fn run(&self) {
        let report = self.report();
        if !report.is_kept() {
            panic!("{report}");
        }
        println!("{report}");
    }

    /// The `main` of a test without harness: each check is a test with a name, chosen by the usual
    /// arguments.
    #[must_use]
    pub fn main(self) -> ExitCode {
        let arguments = Arguments::from_args();
        let runtime = Arc::new(start_runtime());
        let capabilities = runtime.block_on(self.capabilities());
        let contract = Arc::new(self);
        let trials = check::all().into_iter().map(|check| {
            let skipped = contract.reason_to_skip(&check, &capabilities);
            let (contract, runtime) = (Arc::clone(&contract), Arc::clone(&runtime));
            let name = check.name;
            let trial = Trial::test(name, move || {
                runtime.block_on(contract.perform(&check)).map_err(Into::into)
            });
            match skipped {
                Some(reason) => trial.with_kind(reason).with_ignored_flag(true),
                None => trial,
            }
        });
        libtest_mimic::run(&arguments, trials.collect()).exit_code()
    }

    async fn capabilities(&self) -> Capabilities {
        let store = Store::new((self.open)().await, self.has_tenants);
        store.capabilities()
    }

    fn reason_to_skip(&self, check: &Check, capabilities: &Capabilities) -> Option<String> {
        if let Some((_, reason)) = self.exceptions.iter().find(|(name, _)| is_named(check, name)) {
            return Some(format!("excepted: {reason}"));
        }
        let lacking = check.needs.iter().find(|need| !need.is_met(capabilities, self));
        lacking.map(ToString::to_string)
    }

    /// The breach as text, if there is one.
    async fn perform(&self, check: &Check) -> Result<(), String> {
        // A task of its own, so that a panic of the backend is a breach of this check alone.
        let (open, has_tenants) = (Arc::clone(&self.open), self.has_tenants);
        let perform = Arc::clone(&check.perform);
        let task =
            tokio::spawn(async move { perform(Store::new(open().await, has_tenants)).await });
        let breach = match task.await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(breach)) => breach.to_string(),
            Err(panic) => format!("  expected: no panic\n  seen:     {panic}"),
        };
        Err(format!("{}\n  contract: {}\n{breach}", check.name, check.promise))
    }
}

impl fmt::Debug for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contract")
            .field("has_events", &self.has_events)
            .field("has_tenants", &self.has_tenants)
            .field("has_custom_types", &self.has_custom_types)
            .field("exceptions", &self.exceptions)
            .finish_non_exhaustive()
    }
}

fn is_named(check: &Check, name: &str) -> bool {
    check.name == name || (name.ends_with("::") && check.name.starts_with(name))
}

#[expect(clippy::expect_used, reason = "without threads no test can run")]
fn start_runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a tokio runtime starts")
}
