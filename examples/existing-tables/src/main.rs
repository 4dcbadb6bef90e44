//! The product: an axum application with its tables in `product.db`, and SCIM for them. Try it:
//!
//! ```sh
//! SCIM_TOKEN=s3cret-s3cret cargo run -p existing-tables
//! curl -H 'Authorization: Bearer s3cret-s3cret' http://127.0.0.1:3000/scim/v2/Users
//! ```

use std::{env, error::Error, io::Write as _, sync::Arc};

use axum::{Router, http::StatusCode, routing::get};
use existing_tables::Directory;
use rusqlite::Connection;
use scim_server_adapters::{BearerTokens, CursorKey, ScimService, axum::mount};
use tokio::net::TcpListener;

const DATABASE: &str = "product.db";

/// What the product itself does with its tables.
async fn who_may_sign_in() -> Result<String, StatusCode> {
    let sql = "SELECT 'May sign in: ' || coalesce(group_concat(login, ', '), 'nobody') || char(10)
        FROM users WHERE enabled IS NOT FALSE";
    let logins = Connection::open(DATABASE).and_then(|c| c.query_row(sql, [], |row| row.get(0)));
    logins.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let token = env::var("SCIM_TOKEN").unwrap_or_else(|_| uuid::Uuid::new_v4().to_string());
    let tokens = BearerTokens::new().with_token("", &token, "identity provider");
    // A product that keeps the key beside its other secrets keeps cursors good when it is restarted.
    let directory = Directory::new(Connection::open(DATABASE)?, CursorKey::generate())?;
    let scim = ScimService::builder(Arc::new(directory), Arc::new(tokens))
        .base_url("http://127.0.0.1:3000/scim")
        .build();

    let app = Router::new().route("/", get(who_may_sign_in)).merge(mount("/scim", scim));
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    writeln!(std::io::stdout(), "http://127.0.0.1:3000/scim/v2, with the bearer token {token}")?;
    Ok(axum::serve(listener, app).await?)
}
