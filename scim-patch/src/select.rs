//! Member operations that have to look at the rows.

use std::collections::HashMap;
use std::sync::Arc;

use scim_core::{Member, Reference, Result};
use serde_json::Value;

use crate::change::AttributeChange;
use crate::work::Work;

/// An operation on members that has to look at the rows to know which it is about or whether it is
/// allowed: a filter other than by `value`, or a path to a part of a member.
///
/// It is rare; a store may load all rows of the group, [`apply`](Self::apply), and write back what
/// differs.
#[derive(Clone, Debug)]
pub struct SelectMembers {
    operation: usize,
    change: Arc<AttributeChange>,
    needs_display: bool,
}

impl SelectMembers {
    pub(crate) fn new(operation: usize, change: AttributeChange, needs_display: bool) -> Self {
        Self { operation, change: Arc::new(change), needs_display }
    }

    /// Which operation of the request it comes from, counted from 1, as error messages do.
    #[must_use]
    pub fn operation(&self) -> usize {
        self.operation
    }

    /// Whether it looks at the members' `display`, which the rows then have to come with.
    #[must_use]
    pub fn needs_display(&self) -> bool {
        self.needs_display
    }

    /// Applies it to all members of the group, and tells whether anything changed. What a store
    /// knows of a member that stays is kept.
    ///
    /// # Errors
    /// 400 `noTarget` when nothing matches and something has to; 400 `mutability` when an immutable
    /// or readOnly part of a member would change; 400 `invalidValue` when a member would be left
    /// without `value`. `members` is then as before.
    pub fn apply(&self, members: &mut Vec<Member>) -> Result<bool> {
        self.apply_within(members, &mut Work::new())
    }

    pub(crate) fn references(&self) -> Vec<Reference> {
        self.change.references()
    }

    pub(crate) fn apply_within(&self, members: &mut Vec<Member>, work: &mut Work) -> Result<bool> {
        let elements = members.iter().map(|m| Value::Object(m.to_json())).collect();
        let changed = self
            .change
            .apply(Some(Value::Array(elements)), work)
            .map_err(|error| error.within(format_args!("operation {}", self.operation)))?;
        let elements = match changed {
            Some(Value::Array(elements)) => elements,
            _ => Vec::new(),
        };
        let mut known: HashMap<Arc<str>, &Member> = HashMap::with_capacity(members.len());
        for member in members.iter() {
            known.entry(Arc::clone(&member.value)).or_insert(member);
        }
        let after: Vec<Member> = Member::list_from_json(&elements)
            .into_iter()
            .map(|member| match known.get(&member.value) {
                Some(known) => Member { resource_type: member.resource_type, ..(*known).clone() },
                None => member,
            })
            .collect();
        let differs = *members != after;
        *members = after;
        Ok(differs)
    }
}
