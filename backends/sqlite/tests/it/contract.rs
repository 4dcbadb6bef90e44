//! The contracts of `ProvisioningBackend` and `EventLog`, as anyone may check it.

use std::sync::atomic::{AtomicUsize, Ordering};

use scim_backend_sqlite::SqliteBackend;
use scim_conformance::backend::{Contract, registry};
use tempfile::TempDir;

use crate::fixture::options;

#[test]
fn is_kept_in_memory() {
    let open = || async { SqliteBackend::in_memory(&registry(), &options()).unwrap() };
    Contract::with_events(open).run();
}

#[test]
fn is_kept_in_a_file() {
    let folder = TempDir::new().unwrap();
    let files = AtomicUsize::new(0);
    let contract = Contract::with_events(move || {
        let file = folder.path().join(files.fetch_add(1, Ordering::Relaxed).to_string());
        async move { SqliteBackend::open(file, &registry(), &options()).unwrap() }
    });
    contract.run();
}

#[test]
fn is_kept_in_a_file_that_is_mapped() {
    let folder = TempDir::new().unwrap();
    let files = AtomicUsize::new(0);
    let contract = Contract::with_events(move || {
        let file = folder.path().join(files.fetch_add(1, Ordering::Relaxed).to_string());
        async move { SqliteBackend::open(file, &registry(), &options().mapped_bytes(1 << 30)).unwrap() }
    });
    contract.run();
}

/// As a database is used that outlives a process: opened again by each check, with the tenants of
/// those before.
#[test]
fn is_kept_in_a_file_that_all_checks_share() {
    let folder = TempDir::new().unwrap();
    let contract = Contract::with_events(move || {
        let file = folder.path().join("scim.db");
        async move { SqliteBackend::open(file, &registry(), &options()).unwrap() }
    });
    contract.run();
}
