//! The contracts of `ProvisioningBackend` and `EventLog`, as anyone may check it.

use postgres_test_server::database;
use scim_backend_postgres::{PostgresBackend, PostgresOptions};
use scim_conformance::backend::{Contract, registry};

/// All checks share the database, opened again by each, with the tenants of those before.
#[test]
fn is_kept() {
    is_kept_with("the contract over PostgreSQL", &PostgresOptions::new());
}

#[test]
fn is_kept_without_what_outlives_a_transaction() {
    let options = PostgresOptions::new().transaction_pooling();
    is_kept_with("the contract over PostgreSQL, for transaction pooling", &options);
}

fn is_kept_with(what: &str, options: &PostgresOptions) {
    let Some(database) = database(what).unwrap() else { return };
    let (url, options) = (database.url().to_owned(), options.clone());
    let contract = Contract::with_events(move || {
        let (url, options) = (url.clone(), options.clone());
        async move { PostgresBackend::open(&url, &registry(), &options).await.unwrap() }
    });
    contract.run();
}
