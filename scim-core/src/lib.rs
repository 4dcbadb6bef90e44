//! SCIM 2.0 without I/O: schemas, resource types, resources, messages, errors and profiles
//! (RFC 7643, RFC 7644, RFC 9865).
//!
//! ```
//! use scim_core::{Ingest, Origin, Profile, Resource, ResourceType, User};
//!
//! let user = ResourceType::user();
//! let body = br#"{
//!     "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
//!     "userName": "bjensen@example.com",
//!     "emails": [{"value": "bjensen@example.com", "type": "work", "primary": true}],
//!     "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": "701984"}
//! }"#;
//! let resource: Resource = Ingest::new(&user, &Profile::INTEROP, Origin::Request).resource(body)?;
//! assert_eq!(
//!     resource.get("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber"),
//!     Some(&"701984".into()),
//! );
//!
//! let typed = User::from_resource(&resource)?;
//! assert_eq!(typed.email(), Some("bjensen@example.com"));
//! assert_eq!(typed.to_resource()?, resource);
//! # Ok::<(), scim_core::ScimError>(())
//! ```
//!
//! The document side is [`Schema`], [`ResourceType`], [`Registry`], [`Resource`] and [`Ingest`];
//! [`AttributeSet`] projects; [`messages`] holds the envelopes; [`Profile`] says what is tolerated
//! beyond the RFC. Filters are in `scim-filter`, PATCH is in `scim-patch`.

#![forbid(unsafe_code)]

mod builtin;
mod combination;
mod datetime;
mod definition;
mod error;
mod fold;
mod format;
mod id;
mod ingest;
pub mod json;
mod member;
pub mod messages;
mod path;
mod presets;
mod profile;
mod projection;
mod reference;
mod replacing;
mod required;
mod resource;
mod resource_type;
mod respelled;
pub mod schema;
pub mod typed;
mod width;

pub use datetime::DateTime;
pub use error::{Result, ScimError, ScimType, shorten};
pub use fold::{FOLD_VERSION, fold, folded_eq};
pub use id::{ExternalId, ResourceId, Version};
pub use ingest::{Ingest, Origin, is_primary, parse_boolean, refers_to_resource};
pub use member::Member;
pub use messages::{
    ListResponse, PatchOp, PatchOperation, PatchOperationKind, SearchRequest, SortOrder,
};
pub use path::{AttributeRef, Target};
pub use profile::{Choice, Profile, Quirk, Quirks, Validation};
pub use projection::AttributeSet;
pub use reference::Reference;
pub use resource::{Meta, Resource, Secret, document_text, schemas_of};
pub use resource_type::{Registry, ResourceType, SchemaExtension, common_attributes};
pub use schema::{Attribute, AttributeType, Mutability, Returned, Schema, Uniqueness};
pub use typed::{EnterpriseUser, Group, User};
