//! A whole SCIM endpoint in an actix-web application. Try it:
//!
//! ```sh
//! SCIM_TOKEN=s3cret-s3cret cargo run -p quickstart-actix
//! curl -H 'Authorization: Bearer s3cret-s3cret' http://127.0.0.1:3000/scim/v2/Users
//! ```

use std::error::Error;
use std::sync::Arc;

use actix_web::{App, HttpServer, web};
use scim_backend_sqlite::{SqliteBackend, SqliteOptions};
use scim_core::Registry;
use scim_server_adapters::{BearerTokens, ScimService, actix::mount};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // What identity providers may do: everything, with this token.
    let token = std::env::var("SCIM_TOKEN")?;
    let tokens = BearerTokens::new().with_token("", &token, "identity provider");

    // Where users and groups go: a file here; your own `ProvisioningBackend` in a product.
    let backend =
        SqliteBackend::open("quickstart.db", &Registry::builtin(), &SqliteOptions::default())?;

    let scim = ScimService::builder(Arc::new(backend), Arc::new(tokens))
        .base_url("http://127.0.0.1:3000/scim")
        .build();

    let product = || web::get().to(|| async { "the product" });
    let app = move || App::new().route("/", product()).service(mount("/scim", scim.clone()));
    Ok(HttpServer::new(app).bind(("127.0.0.1", 3000))?.run().await?)
}
