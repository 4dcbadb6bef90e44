//! A SCIM 2.0 service provider behind one trait (RFC 7644).
//!
//! Implement the small trait of [`crud`] over the tables that a product has, or, for scale,
//! [`ProvisioningBackend`]; or take the [`MemoryBackend`] or a store crate. Then serve it:
//!
//! ```
//! use std::sync::Arc;
//!
//! use bytes::Bytes;
//! use http::Request;
//! use scim_server_adapters::{BearerTokens, MemoryBackend, ScimService};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let tokens = BearerTokens::new().with_token("", "s3cret", "okta");
//! let service = ScimService::builder(Arc::new(MemoryBackend::new()), Arc::new(tokens))
//!     .base_url("https://example.com/scim")
//!     .build();
//!
//! let request = Request::post("/v2/Users")
//!     .header("authorization", "Bearer s3cret")
//!     .body(Bytes::from_static(br#"{
//!         "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
//!         "userName": "bjensen"
//!     }"#))?;
//! let response = service.handle(request).await;
//! assert_eq!(response.status(), 201);
//! # Ok::<(), http::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`ScimService::handle`] takes a request and gives a response, errors included; the `tower`
//! implementation and the features `axum` and `actix` only convert types around it.

#![forbid(unsafe_code)]

#[cfg(feature = "actix")]
pub mod actix;
mod auth;
#[cfg(feature = "axum")]
pub mod axum;
mod backend;
mod body;
pub mod crud;
mod cursor;
mod deadline;
mod dispatch;
mod event;
mod exchange;
mod handlers;
mod limits;
mod memory;
#[cfg(feature = "metrics")]
mod metered;
mod observe;
mod page;
mod params;
mod policy;
mod precondition;
mod receive;
mod render;
mod route;
mod service;
mod sort;
mod stream;
mod tower;
mod unique;

pub use auth::{
    AuthenticationScheme, Authenticator, BearerTokens, Principal, TokenHash, bearer_token,
};
pub use backend::{
    BackendError, Body, Capabilities, Change, Effect, Members, Page, Position, ProvisioningBackend,
    Query, QueryTarget, RequestContext, Returning, Start, Stored, UnitFailure, Wanted, Write,
    WriteUnit, Written,
};
pub use body::ScimBody;
pub use cursor::CursorKey;
pub use event::{Event, EventKind, EventLog};
pub use limits::Limits;
pub use memory::MemoryBackend;
pub use observe::Tolerated;
pub use page::PageBuilder;
pub use policy::{Action, ActionKind, Policy, Verdict};
pub use precondition::Precondition;
pub use route::Tenancy;
pub use service::{ScimService, ScimServiceBuilder};
pub use sort::{SortKey, SortedPage, sorted_page};
pub use unique::{UniqueValue, unique_display_name, unique_values};
