//! For a product that just has CRUD: a small trait over the tables it has, and a backend made of it.
//!
//! A product implements [`ResourceStore`] for its users, and for its groups and anything else it
//! wants to have provisioned, with the typed views [`User`](scim_core::User) and
//! [`Group`](scim_core::Group) or with any [`Resource`](scim_core::Resource). [`CrudBackend`] makes a
//! [`ProvisioningBackend`](crate::ProvisioningBackend) of them and does the rest of the protocol:
//! filters, sorting, pages, PATCH, ETags, `User.groups`.
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::sync::Arc;
//!
//! use scim_core::typed::MultiValue;
//! use scim_core::{ResourceId, User, folded_eq};
//! use scim_server_adapters::crud::{CrudBackend, ListRequest, Listing, New, ResourceStore, Result};
//! use scim_server_adapters::{BackendError, BearerTokens, RequestContext, ScimService};
//! use tokio::sync::RwLock;
//!
//! /// A row of the product's own table.
//! #[derive(Clone)]
//! struct Account { login: String, email: Option<String>, enabled: bool }
//!
//! impl Account {
//!     fn of(user: &User) -> Self {
//!         Self {
//!             login: user.user_name.clone(),
//!             email: user.email().map(str::to_owned),
//!             enabled: user.active.unwrap_or(true),
//!         }
//!     }
//!
//!     fn to_user(&self, id: &ResourceId) -> User {
//!         let email = |value| MultiValue { value: Some(value), ..MultiValue::default() };
//!         User {
//!             id: Some(id.clone()),
//!             user_name: self.login.clone(),
//!             emails: self.email.clone().map(email).into_iter().collect(),
//!             active: Some(self.enabled),
//!             ..User::default()
//!         }
//!     }
//! }
//!
//! #[derive(Default)]
//! struct Accounts(RwLock<BTreeMap<ResourceId, Account>>);
//!
//! impl Accounts {
//!     async fn put(&self, new: New<User>) -> Result<User> {
//!         let (account, mut table) = (Account::of(&new.resource), self.0.write().await);
//!         if table.iter().any(|(id, a)| *id != new.id && folded_eq(&a.login, &account.login)) {
//!             return Err(BackendError::Conflict { attribute: "userName".into() });
//!         }
//!         table.insert(new.id.clone(), account.clone());
//!         Ok(account.to_user(&new.id))
//!     }
//! }
//!
//! impl ResourceStore<User> for Accounts {
//!     async fn create(&self, _: &RequestContext, new: New<User>) -> Result<User> {
//!         self.put(new).await
//!     }
//!
//!     async fn get(&self, _: &RequestContext, id: &ResourceId) -> Result<Option<User>> {
//!         Ok(self.0.read().await.get(id).map(|account| account.to_user(id)))
//!     }
//!
//!     async fn list(&self, _: &RequestContext, _: &ListRequest) -> Result<Listing<User>> {
//!         Ok(Listing::All(self.0.read().await.iter().map(|(id, a)| a.to_user(id)).collect()))
//!     }
//!
//!     async fn replace(&self, _: &RequestContext, _: &User, new: New<User>) -> Result<User> {
//!         self.put(new).await
//!     }
//!
//!     async fn delete(&self, _: &RequestContext, id: &ResourceId, _: &User) -> Result<()> {
//!         self.0.write().await.remove(id);
//!         Ok(())
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let backend = CrudBackend::new().users(Accounts::default());
//! let tokens = BearerTokens::new().with_token("", "s3cret", "identity provider");
//! let registry = backend.registry()?;
//! let scim = ScimService::builder(Arc::new(backend), Arc::new(tokens))
//!     .registry(registry)
//!     .base_url("https://example.com/scim")
//!     .build();
//! # use http::Request;
//! # let send = |request: http::request::Builder, body: &'static str| {
//! #     let request = request.header("authorization", "Bearer s3cret").body(body.into()).unwrap();
//! #     let scim = scim.clone();
//! #     async move { scim.handle(request).await }
//! # };
//! # let user = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
//! #     "userName": "bjensen", "title": "not kept", "emails": [{"value": "bj@example.com"}]}"#;
//! # let created = send(Request::post("/v2/Users"), user).await;
//! # assert_eq!(created.status(), 201);
//! # let path = created.headers()["location"].to_str()?.trim_start_matches("https://example.com/scim").to_owned();
//! # let patch = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
//! #     "Operations": [{"op": "replace", "path": "active", "value": false}]}"#;
//! # assert_eq!(send(Request::patch(&path), patch).await.status(), 200);
//! # let found = send(Request::get("/v2/Users?filter=emails+co+%22example%22+and+active+eq+false"), "").await;
//! # let found: serde_json::Value = serde_json::from_slice(&found.into_body().into_bytes().await?)?;
//! # assert_eq!(found["totalResults"], 1);
//! # assert!(found["Resources"][0].get("title").is_none());
//! # assert_eq!(send(Request::get("/v2/Groups"), "").await.status(), 404);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What a product does not keep (here everything but the name, the address and whether the account
//! may be used) is not in the answers either, so a client sees what became of it
//! (RFC 7644 §3.3, §3.5.1).
//!
//! # What it costs, and what it cannot do
//!
//! It is made for an afternoon's work and some ten thousand resources. For more, or for groups of
//! many thousand members, implement [`ProvisioningBackend`](crate::ProvisioningBackend).
//!
//! - **PATCH** reads the resource, changes it, and replaces it: a member added to a group costs the
//!   whole group. [`CrudBackend`] says how nothing is lost when several do so at once.
//! - **Filters** are evaluated over what [`ResourceStore::list`] gives, within the query's work
//!   limit: beyond it the client gets 400 `tooMany`. Look-ups that a product can answer by an index
//!   are in [`ListRequest::equal_to`]; `id eq` is a `get`.
//! - **Sorting** reads all that matches, within the same limit.
//! - **Uniqueness** is the product's: see [`ResourceStore::create`].
//! - **Bulk** requests are done one by one, each operation atomic on its own. What refers to each
//!   other in a circle is made first and completed afterwards.

mod backend;
mod compare_and_swap;
mod list;
mod query;
mod relations;
mod store;
mod version;
mod view;
mod walk;

use std::future::Future;

use scim_core::{ResourceId, Secret};

use crate::backend::{BackendError, RequestContext};

pub use backend::CrudBackend;
pub use compare_and_swap::{Patched, patch_by_replace};
pub use list::{ListRequest, Listing};
pub use view::View;

/// What the methods of a [`ResourceStore`] give back.
///
/// A product's own error type works with `?` once it has `impl From<ItsError> for BackendError`, and a
/// `Box<dyn Error + Send + Sync>` as it is; anything else by `.map_err(BackendError::internal)`, which is
/// logged and 500 to the client.
pub type Result<T, E = BackendError> = std::result::Result<T, E>;

/// The table of a product that holds its resources of one type.
///
/// `T` is the form in which it takes and gives them: [`User`](scim_core::User),
/// [`Group`](scim_core::Group), [`Resource`](scim_core::Resource), or a type of its own
/// ([`View`]). Methods are written as `async fn`.
///
/// # Contract
///
/// - **Tenants.** Every method acts within `cx.tenant` only. Without tenants it is empty.
/// - **Ids** are unique over everything that the tenant has, whatever its type (RFC 7643 §3.1): a
///   product whose users and groups are numbered apart puts something in front, such as `u42` and
///   `g42`. They never change and are never used again.
/// - **What it gives** has its id ([`User::id`](scim_core::User::id)), and is the resource as it is
///   kept now: what is not kept is not in it. Many values come in the same order each time.
/// - **`meta`** is optional. `version` is the product's own version of the row, as an ETag or as
///   plain text, if it has one: it must change with each change. Without one, the version is a hash
///   of what is given. `created` and `last_modified` are given where the product has them; without
///   them answers hold 1970-01-01T00:00:00Z. What comes in ([`New`]) has both, so a product that
///   keeps the whole resource has them. The rest of `meta` is not looked at.
/// - **Members** of a group are in the group, by `value`. Their type and name (`kind`, `display`)
///   are given where the product knows them: a member with a type is taken to exist and gets a
///   `$ref`. What comes in has the type of each member that exists, and no type for those that do
///   not.
/// - **`groups`** of a user and `password` need not be given; [`CrudBackend`] says where `groups`
///   come from, and a password is never given out.
/// - **Cancellation.** A future may be dropped at any await point: a write has then happened or not.
pub trait ResourceStore<T>: Send + Sync + 'static {
    /// Whether passwords are kept. Only then do they come in ([`New::password`]), and discovery
    /// says that they can be changed (`changePassword`).
    const KEEPS_PASSWORDS: bool = false;

    /// Makes a new resource, and gives back what is kept of it. It has the id in [`New::id`], or
    /// one of the product's own.
    ///
    /// # Errors
    /// [`BackendError::Conflict`] with the attribute's name when another resource has a value that
    /// must be unique, such as `userName` without regard to case ([`folded_eq`](scim_core::folded_eq),
    /// or an index over [`fold`](scim_core::fold)). It is the table's to know: nobody else looks.
    fn create(&self, cx: &RequestContext, new: New<T>) -> impl Future<Output = Result<T>> + Send;

    /// The resource with that id, if there is one. Any text comes in: what cannot be an id here is
    /// `None`.
    ///
    /// # Errors
    /// Only when it cannot be known.
    fn get(
        &self,
        cx: &RequestContext,
        id: &ResourceId,
    ) -> impl Future<Output = Result<Option<T>>> + Send;

    /// Resources in an order in which none ever moves, best that of their ids: [`ListRequest`] says
    /// which. A small table is given as a whole.
    ///
    /// # Errors
    /// Only when they cannot be read.
    fn list(
        &self,
        cx: &RequestContext,
        request: &ListRequest,
    ) -> impl Future<Output = Result<Listing<T>>> + Send;

    /// Puts a new state in the place of `current`, and gives back what is kept of it.
    ///
    /// `current` is what the new state was made from. A product on which others write as well, a
    /// second node or its own pages, compares it in the same statement
    /// (`UPDATE … WHERE id = $1 AND version = $2`): whichever part of it tells that the row is
    /// another by now. In one process, changes to one resource wait for each other, so a product
    /// that is written to by nobody else may leave it alone.
    ///
    /// # Errors
    /// [`BackendError::PreconditionFailed`] when the resource is not `current` any more: it is then
    /// read again, and the change made again where the client's `If-Match` allows it.
    /// [`BackendError::NotFound`] when it is gone, [`BackendError::Conflict`] as for `create`.
    fn replace(
        &self,
        cx: &RequestContext,
        current: &T,
        new: New<T>,
    ) -> impl Future<Output = Result<T>> + Send;

    /// Deletes a resource; `current` is what it was, as for `replace`.
    ///
    /// # Errors
    /// [`BackendError::PreconditionFailed`] and [`BackendError::NotFound`] as for `replace`.
    fn delete(
        &self,
        cx: &RequestContext,
        id: &ResourceId,
        current: &T,
    ) -> impl Future<Output = Result<()>> + Send;
}

/// What is to be kept. [`New::of`] makes one for a test of a store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct New<T> {
    /// The id of the resource. A new resource may get another in its place, which the product
    /// chooses: this one is a UUID whose text grows with time.
    pub id: ResourceId,
    /// The resource, with that id, and with `meta.created` and `meta.last_modified` as they are
    /// after the write. It has no `meta.version`, no password, and a user has no `groups`.
    pub resource: T,
    /// The new password, where [`ResourceStore::KEEPS_PASSWORDS`]; `None` leaves it as it is.
    pub password: Option<Secret>,
    /// Whether no other group may have this `displayName`, as the tenant's profile demands
    /// ([`Validation::UniqueGroupNames`](scim_core::Validation::UniqueGroupNames)): then it is a
    /// value that must be unique like any other.
    pub unique_display_name: bool,
}

impl<T> New<T> {
    /// A resource of that id, and nothing beside it.
    #[must_use]
    pub const fn of(id: ResourceId, resource: T) -> Self {
        Self { id, resource, password: None, unique_display_name: false }
    }
}
