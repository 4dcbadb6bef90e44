//! The plan of a PATCH: everything that can be known without the resource, settled.

use std::sync::Arc;

use scim_core::{PatchOp, Profile, Quirks, Reference, ResourceType, Result, Secret, Target};

use crate::document::DocumentPlan;
use crate::late::LateQuirks;
use crate::members::MemberOp;
use crate::planner::Planner;

/// A validated PATCH (RFC 7644 §3.5.2), split by where a store keeps what it changes: the document,
/// the membership rows, the password.
///
/// It is owned and cheap to clone, so that it can move to another thread and be applied again after
/// a conflict. The parts do not depend on each other; a store applies both in one transaction, so
/// that an error of one undoes the other.
#[derive(Clone, Debug)]
pub struct PatchPlan {
    /// The changes to the document.
    pub document: Arc<DocumentPlan>,
    /// The changes to the members of a group, in order. Empty for resource types without
    /// [`has_members`](ResourceType::has_members).
    pub members: Arc<[MemberOp]>,
    /// The new password of a user. It is never part of the document.
    pub secret: Option<Secret>,
}

impl PatchPlan {
    /// Makes a plan of a request, against the schemas of a resource type.
    ///
    /// # Errors
    /// All 400, their text preceded by `operation N: `:
    /// - `invalidPath`: a path that is malformed or that no schema of the type defines (unless
    ///   [`Quirk::IgnoreUnknownPaths`](scim_core::Quirk::IgnoreUnknownPaths) leaves the operation
    ///   out);
    /// - `invalidFilter`: a fault between the brackets of a path;
    /// - `noTarget`: `remove` without path;
    /// - `invalidValue`: `value` is missing or does not fit the attribute;
    /// - `invalidSyntax`: an attribute twice in one value; `remove` of a multi-valued attribute
    ///   with a `value`, without
    ///   [`Quirk::RemoveWithValue`](scim_core::Quirk::RemoveWithValue);
    /// - `mutability`: a path to `id`, `meta` or a user's `groups`; removing the core schema.
    #[expect(clippy::new_ret_no_self, reason = "a plan comes with what is known of its request")]
    pub fn new(
        resource_type: &Arc<ResourceType>,
        patch: PatchOp,
        profile: &Profile,
    ) -> Result<Planned> {
        Self::noting(resource_type, patch, profile, &mut Quirks::default())
    }

    /// The same, and whether it succeeds or not, `fired` gets the quirks that fired.
    ///
    /// # Errors
    /// As [`PatchPlan::new`].
    pub fn noting(
        resource_type: &Arc<ResourceType>,
        patch: PatchOp,
        profile: &Profile,
        fired: &mut Quirks,
    ) -> Result<Planned> {
        let profile = profile.for_message(patch.fired);
        Planner::new(resource_type, &profile).plan(patch, fired)
    }

    /// The resources that the request names, as values to be set or members to be added, each once:
    /// for a server that demands that they exist
    /// ([`Validation::ExistingReferences`](scim_core::Validation::ExistingReferences)). What is only
    /// looked for, or removed, is not among them.
    #[must_use]
    pub fn references(&self) -> Vec<Reference> {
        let mut found = self.document.references();
        for operation in &*self.members {
            match operation {
                MemberOp::Add(given) | MemberOp::Replace(given) => {
                    let named = given.iter().map(|m| Arc::clone(&m.value));
                    found.extend(named.map(|value| Reference::new(&"members", value)));
                }
                MemberOp::Select(select) => found.extend(select.references()),
                MemberOp::Remove(_) | MemberOp::Clear => {}
            }
        }
        Reference::once_each(found)
    }

    /// Whether there is nothing to do to the document nor to the members: a request that is only
    /// about the password, or only about what is ignored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.document.is_empty() && self.members.is_empty()
    }
}

/// A plan, and what is to be known of the request it was made of.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The plan.
    pub plan: PatchPlan,
    /// The quirks that fired while reading and planning.
    pub fired: Quirks,
    /// The quirks that fire only if the resource is such:
    /// [`Quirk::ValueFilterCreates`](scim_core::Quirk::ValueFilterCreates), when a filter matches
    /// nothing. A plan can't know.
    pub armed: Quirks,
    /// Which of these have fired, once the plan has been applied.
    pub late: LateQuirks,
    /// What the client sent, each target once: attributes that are `returned: request` are part of
    /// the answer when they are among these (RFC 7643 §7).
    pub touched: Vec<Target>,
}
