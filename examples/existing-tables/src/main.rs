//! The product: an axum application with its tables in `product.db`, and SCIM for them. Try it:
//!
//! ```sh
//! SCIM_TOKEN=s3cret-s3cret cargo run -p existing-tables
//! curl -H 'Authorization: Bearer s3cret-s3cret' http://127.0.0.1:3000/scim/v2/Users
//! ```

use std::{env, error::Error, io::Write as _, path::Path, sync::Arc};

use axum::{Router, http::StatusCode, routing::get};
use existing_tables::Directory;
use scim_server_adapters::{BearerTokens, ScimService, axum::mount};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let token = env::var("SCIM_TOKEN").unwrap_or_else(|_| uuid::Uuid::new_v4().to_string());
    let tokens = BearerTokens::new().with_token("", &token, "identity provider");
    let directory = Arc::new(Directory::open(Path::new("product.db"))?);
    let scim = ScimService::builder(directory.clone(), Arc::new(tokens))
        .base_url("http://127.0.0.1:3000/scim")
        .build();

    let product = move || async move {
        let logins = directory.who_may_sign_in().map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        Ok::<_, StatusCode>(format!("{} may sign in: {}\n", logins.len(), logins.join(", ")))
    };
    let app = Router::new().route("/", get(product)).merge(mount("/scim", scim));
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    writeln!(std::io::stdout(), "http://127.0.0.1:3000/scim/v2, with the bearer token {token}")?;
    Ok(axum::serve(listener, app).await?)
}
