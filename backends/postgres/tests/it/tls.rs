//! What becomes of `sslmode=require` without the feature `rustls`. With it, org-server's tests show.

use scim_backend_postgres::{OpenError, PostgresBackend, PostgresOptions};
use scim_core::Registry;

#[tokio::test]
async fn is_not_passed_over_where_there_is_none() {
    let url = "postgres://scim@127.0.0.1:1/scim?sslmode=require";
    let opened = PostgresBackend::open(url, &Registry::builtin(), &PostgresOptions::new()).await;
    let error = opened.unwrap_err();
    assert!(matches!(error, OpenError::NoTls), "{error}");
    assert!(error.to_string().contains("feature `rustls`"), "{error}");
}
