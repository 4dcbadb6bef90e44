//! Stores to test.

use scim_backend_sqlite::{SqliteBackend, SqliteOptions, Synchronous};
use scim_conformance::client::Client;
use scim_core::Registry;
use tempfile::TempDir;

/// Settings for tests: nothing waits for a disk.
pub(crate) fn options() -> SqliteOptions {
    SqliteOptions::new().synchronous(Synchronous::Off)
}

/// A store in memory.
pub(crate) fn in_memory() -> Client {
    Client::new(SqliteBackend::in_memory(&Registry::builtin(), &options()).unwrap())
}

/// A store in a file, and the folder that goes when it is dropped.
pub(crate) fn in_file() -> (Client, TempDir) {
    let folder = TempDir::new().unwrap();
    (open(&folder, &options()), folder)
}

/// The store in a folder's file.
pub(crate) fn open(folder: &TempDir, options: &SqliteOptions) -> Client {
    let path = folder.path().join("scim.db");
    Client::new(SqliteBackend::open(path, &Registry::builtin(), options).unwrap())
}
