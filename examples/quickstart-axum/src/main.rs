//! A whole SCIM endpoint in an axum application that has a user table of its own. Try it:
//!
//! ```sh
//! SCIM_TOKEN=s3cret-s3cret cargo run -p quickstart-axum
//! curl -H 'Authorization: Bearer s3cret-s3cret' http://127.0.0.1:3000/scim/v2/Users
//! ```

use std::{collections::BTreeMap, error::Error, sync::Arc};

use axum::{Router, routing::get};
use scim_core::{ResourceId, User, folded_eq};
use scim_server_adapters::crud::{CrudBackend, ListRequest, Listing, New, ResourceStore, Result};
use scim_server_adapters::{BackendError, BearerTokens, RequestContext, ScimService, axum::mount};
use tokio::{net::TcpListener, sync::RwLock};

/// The product's users. Here a map; in a product its table, with a unique index over names.
#[derive(Default)]
struct Users(RwLock<BTreeMap<ResourceId, User>>);

impl Users {
    async fn put(&self, New { id, resource: user, .. }: New<User>) -> Result<User> {
        let mut users = self.0.write().await;
        if users.iter().any(|(i, u)| *i != id && folded_eq(&u.user_name, &user.user_name)) {
            return Err(BackendError::Conflict { attribute: "userName".into() });
        }
        users.insert(id, user.clone());
        Ok(user)
    }
}

impl ResourceStore<User> for Users {
    async fn create(&self, _: &RequestContext, new: New<User>) -> Result<User> {
        self.put(new).await
    }
    async fn get(&self, _: &RequestContext, id: &ResourceId) -> Result<Option<User>> {
        Ok(self.0.read().await.get(id).cloned())
    }
    async fn list(&self, _: &RequestContext, _: &ListRequest) -> Result<Listing<User>> {
        Ok(Listing::All(self.0.read().await.values().cloned().collect()))
    }
    async fn replace(&self, _: &RequestContext, _: &User, new: New<User>) -> Result<User> {
        self.put(new).await
    }
    async fn delete(&self, _: &RequestContext, id: &ResourceId, _: &User) -> Result<()> {
        self.0.write().await.remove(id);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let token = std::env::var("SCIM_TOKEN")?;
    let tokens = BearerTokens::new().with_token("", &token, "identity provider");
    let backend = Arc::new(CrudBackend::new().users(Users::default())); // likewise `.groups(…)`
    let scim = ScimService::builder(backend.clone(), Arc::new(tokens))
        .registry(backend.registry()?)
        .base_url("http://127.0.0.1:3000/scim")
        .build();

    let app = Router::new().route("/", get(|| async { "the product" })).merge(mount("/scim", scim));
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, app).await?)
}
