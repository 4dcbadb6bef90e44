//! What SQL and indexes tell is what evaluation tells: generated filters and writes, compared with
//! the memory backend. All share a database: each set of resources is another tenant's.

use postgres_test_server::database;
use scim_backend_postgres::{PostgresBackend, PostgresOptions};
use scim_conformance::oracle;
use scim_core::Registry;

/// How many sets of resources each of two tests has, which run side by side; the environment may
/// ask for more, which are other ones.
const DATA_SETS: usize = 42;
const MORE_DATA_SETS: &str = "SCIM_FILTER_ORACLE_DATA_SETS";

#[test]
fn any_filter_selects_what_it_selects_in_memory() {
    compare_filters(1);
}

#[test]
fn any_other_filter_selects_what_it_selects_in_memory() {
    compare_filters(2);
}

fn compare_filters(seed: u8) {
    let Some(database) = database("filters over PostgreSQL").unwrap() else { return };
    let asked = std::env::var(MORE_DATA_SETS).ok().map(|sets| sets.parse().unwrap());
    let seed = if asked.is_some() { seed + 2 } else { seed };
    let open = || async {
        let options = PostgresOptions::new();
        PostgresBackend::open(database.url(), &oracle::registry(), &options).await.unwrap()
    };
    let compared = oracle::any_filter(open, asked.unwrap_or(DATA_SETS), seed);
    println!("{compared:?}");
    assert!(compared.pairs >= 10_000 && compared.unsupported == 0, "{compared:?}");
    // Filters that select nothing say little.
    assert!(compared.selective * 3 > compared.pairs, "{compared:?}");
}

#[test]
fn any_sequence_of_writes_leaves_what_it_leaves_in_memory() {
    let Some(database) = database("writes over PostgreSQL").unwrap() else { return };
    let open = || async {
        let options = PostgresOptions::new();
        PostgresBackend::open(database.url(), &Registry::builtin(), &options).await.unwrap()
    };
    oracle::any_writes(open, 96);
}
