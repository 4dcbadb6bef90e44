//! What SQL and indexes tell is what evaluation tells: generated filters and writes, compared with
//! the memory backend.

use scim_backend_sqlite::SqliteBackend;
use scim_conformance::oracle;
use scim_core::Registry;

use crate::fixture::options;

/// How many sets of resources there are; the environment may ask for more, which are other ones.
const DATA_SETS: usize = 112;
const MORE_DATA_SETS: &str = "SCIM_FILTER_ORACLE_DATA_SETS";

#[test]
fn any_filter_selects_what_it_selects_in_memory() {
    let asked = std::env::var(MORE_DATA_SETS).ok().map(|sets| sets.parse().unwrap());
    let seed = if asked.is_some() { 8 } else { 7 };
    let open = || async { SqliteBackend::in_memory(&oracle::registry(), &options()).unwrap() };
    let compared = oracle::any_filter(open, asked.unwrap_or(DATA_SETS), seed);
    println!("{compared:?}");
    assert!(compared.pairs >= 20_000 && compared.unsupported == 0, "{compared:?}");
    // Filters that select nothing say little.
    assert!(compared.selective * 3 > compared.pairs, "{compared:?}");
}

#[test]
fn any_sequence_of_writes_leaves_what_it_leaves_in_memory() {
    let open = || async { SqliteBackend::in_memory(&Registry::builtin(), &options()).unwrap() };
    oracle::any_writes(open, 96);
}
