//! SCIM 2.0 PATCH (RFC 7644 §3.5.2): a request becomes a validated plan, and the plan is applied to a
//! resource, all of it or nothing.
//!
//! ```
//! use scim_core::{Member, PatchOp, Profile, ResourceType};
//! use scim_patch::{PatchPlan, apply_members};
//! use serde_json::json;
//!
//! // A group is renamed and gets a member, in one request.
//! let body = br#"{
//!     "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
//!     "Operations": [
//!         {"op": "replace", "path": "displayName", "value": "Tour Guides"},
//!         {"op": "add", "path": "members", "value": [{"value": "2819c223"}]}
//!     ]
//! }"#;
//! let profile = Profile::INTEROP;
//! let planned = PatchPlan::new(&ResourceType::group(), PatchOp::parse(body, &profile)?, &profile)?;
//!
//! // The document changes without a look at the members …
//! let before = json!({"displayName": "Guides"});
//! let after = planned.plan.document.apply(before.as_object().unwrap())?;
//! assert_eq!(after, json!({"displayName": "Tour Guides"}).as_object().cloned());
//!
//! // … and the members without a look at the document.
//! let mut members = vec![Member::new("902c246b")];
//! assert!(apply_members(&planned.plan.members, &mut members)?);
//! assert_eq!(members.len(), 2);
//!
//! // Asked for again, it changes nothing.
//! assert_eq!(planned.plan.document.apply(&after.unwrap())?, None);
//! assert!(!apply_members(&planned.plan.members, &mut members)?);
//! # Ok::<(), scim_core::ScimError>(())
//! ```
//!
//! [`PatchPlan::new`] does what needs the schemas and not the resource: it resolves the paths, makes
//! the values canonical, and splits what concerns the members of a group ([`MemberOp`]) and the
//! password of a user from what concerns the document ([`DocumentPlan`]). Adding a member to a group
//! costs the same however many it has.
//!
//! # What it means
//!
//! Where RFC 7644 leaves room or contradicts itself:
//!
//! - `add` to a multi-valued attribute merges into an element that is the same and else appends.
//!   Elements are the same when `value` and `type` are; references to resources (`members`, `manager`
//!   and their like) when `value` is; elements without `value` when all of them is.
//! - `replace` of elements that a filter selects puts the new element in the place of the whole old
//!   one; of a complex attribute that has one value it leaves what it does not name.
//! - A sub-attribute without filter is that of all elements.
//! - `remove` with a filter that matches nothing succeeds; `add` and `replace` are `noTarget`, unless
//!   [`Quirk::ValueFilterCreates`](scim_core::Quirk::ValueFilterCreates) makes the element.
//! - `remove` with a `value` never removes all: with
//!   [`Quirk::RemoveWithValue`](scim_core::Quirk::RemoveWithValue) it removes what it names, else it is
//!   refused. Where the path names one value, or has a filter, the path alone decides.
//! - `replace` by null, `[]`, or an object of such, clears; `add` of such does nothing. A `replace`
//!   whose value holds nothing that can be set, such as only unknown names, does not clear.
//! - An element or complex value left empty goes, and so does an extension; a reference whose `value`
//!   is removed goes as a whole.
//! - A path to a readOnly attribute with another value than it has is `mutability`; in a value without
//!   path or in a complex value it is ignored. `id`, `meta` and a user's `groups` are not in the
//!   document, so a path to them is always `mutability`.
//! - `schemas` follows from the content: removing an extension's URI from it removes the extension.
//! - `$ref` of a reference follows from its `value`: setting it sets the `value` to its last segment,
//!   and in a filter it is compared by that.
//! - Required attributes are looked at after the last operation: gone is `mutability`.
//! - In the brackets of a path a name that no schema defines is `invalidFilter`, since as an attribute
//!   without value, which it is in a query, it would let `not (…)` select everything.

#![forbid(unsafe_code)]

mod change;
mod document;
mod elements;
mod late;
mod location;
mod members;
mod parts;
mod plan;
mod planner;
mod planner_attribute;
mod planner_reserved;
mod sameness;
mod select;
mod selector;
mod work;

pub use document::DocumentPlan;
pub use late::LateQuirks;
pub use members::{MemberOp, apply_members};
pub use plan::{PatchPlan, Planned};
pub use select::SelectMembers;
