//! The checks of the contract.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use scim_server_adapters::Capabilities;

use super::Contract;
use super::breach::Outcome;
use super::store::Store;

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// One thing that the contract says, and how to find out.
pub(crate) struct Check {
    pub(crate) name: &'static str,
    /// The contract's sentence.
    pub(crate) promise: &'static str,
    pub(crate) needs: &'static [Need],
    pub(crate) perform: Arc<dyn Fn(Store) -> BoxFuture<Outcome> + Send + Sync>,
}

impl Check {
    pub(crate) fn new<F>(
        name: &'static str,
        promise: &'static str,
        perform: impl Fn(Store) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let perform = Arc::new(move |store| Box::pin(perform(store)) as BoxFuture<Outcome>);
        Self { name, promise, needs: &[], perform }
    }

    pub(crate) fn needing(self, needs: &'static [Need]) -> Self {
        Self { needs, ..self }
    }
}

/// What a check needs of a backend.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Need {
    Bulk,
    Sort,
    Cursors,
    Passwords,
    NoPasswords,
    Tenants,
    CustomTypes,
    Events,
}

impl Need {
    pub(crate) fn is_met(self, of: &Capabilities, contract: &Contract) -> bool {
        match self {
            Self::Bulk => of.bulk,
            Self::Sort => of.sort,
            Self::Cursors => of.cursor_key.is_some(),
            Self::Passwords => of.change_password,
            Self::NoPasswords => !of.change_password,
            Self::Tenants => contract.has_tenants,
            Self::CustomTypes => contract.has_custom_types,
            Self::Events => contract.has_events,
        }
    }
}

/// Why a check is skipped that needs it.
impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bulk => "no bulk",
            Self::Sort => "no sort",
            Self::Cursors => "no cursors",
            Self::Passwords => "keeps no passwords",
            Self::NoPasswords => "keeps passwords",
            Self::Tenants => "no tenants",
            Self::CustomTypes => "no custom types",
            Self::Events => "no events",
        })
    }
}

/// All checks, in the order in which they are run.
pub(crate) fn all() -> Vec<Check> {
    [
        super::reads::checks(),
        super::writes::checks(),
        super::preconditions::checks(),
        super::uniqueness::checks(),
        super::membership::checks(),
        super::members::checks(),
        super::references::checks(),
        super::filters::checks(),
        super::pages::checks(),
        super::sorting::checks(),
        super::bulk::checks(),
        super::passwords::checks(),
        super::tenants::checks(),
        super::concurrency::checks(),
        super::cancellation::checks(),
        super::events::checks(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
