//! One resource type under query, with what indexes can do for it.

use std::sync::Arc;

use scim_core::{AttributeRef, AttributeSet, ResourceType};
use scim_filter::Expression;
use scim_filter::sql::Mapping;
use scim_server_adapters::{BackendError, Members, QueryTarget, Stored};
use serde_json::{Map, Value};

use crate::layout::{Layout, TypeLayout};
use crate::lookup::Lookup;

/// One resource type under query.
#[derive(Debug)]
pub struct Target {
    /// How its resources lie in the tables.
    pub layout: Arc<TypeLayout>,
    /// The type.
    pub resource_type: Arc<ResourceType>,
    /// The attributes wanted.
    pub wanted: Arc<AttributeSet>,
    /// What indexes and SQL tell of the filter.
    pub lookup: Lookup,
    /// Whether the matches are found without looking at what does not match.
    pub is_exact: bool,
    /// What to sort by, and what has to be read for it.
    pub sort: Option<(AttributeRef, AttributeSet)>,
    /// What candidates still have to meet that SQL cannot tell, and what has to be read for it.
    pub remainder: Option<(Expression, AttributeSet)>,
}

impl Target {
    /// The target of a query, over a store whose attributes are where `mapping` says.
    ///
    /// # Errors
    /// [`BackendError::Internal`] when the store was opened without the type.
    pub fn new(
        layout: &Layout,
        target: &QueryTarget,
        mapping: impl FnOnce(&TypeLayout) -> Mapping,
    ) -> Result<Self, BackendError> {
        let QueryTarget { resource_type, filter, sort, wanted } = target;
        let layout = Arc::clone(layout.of(resource_type)?);
        let mut lookup = match filter {
            Some(filter) => Lookup::new(&layout, filter.expression(), || mapping(&layout)),
            None => Lookup::ALL,
        };
        let is_exact = lookup.is_exact();
        let remainder = match lookup.remainder.take() {
            Some(remainder) => {
                let needed = needed(resource_type, |name| remainder.looks_at(name))?;
                Some((remainder, needed))
            }
            None => None,
        };
        Ok(Self {
            layout,
            resource_type: Arc::clone(resource_type),
            wanted: Arc::clone(wanted),
            lookup,
            is_exact,
            sort: match sort {
                Some(attribute) => {
                    let names = [attribute.attribute().name.as_str()];
                    Some((attribute.clone(), needed(resource_type, |name| names.contains(&name))?))
                }
                None => None,
            },
            remainder,
        })
    }

    /// Whether members are looked at to find or to sort what is wanted: then groups are examined one
    /// by one.
    #[must_use]
    pub fn looks_at_members(&self) -> bool {
        let needed = [
            self.remainder.as_ref().map(|(_, needed)| needed),
            self.sort.as_ref().map(|(_, needed)| needed),
        ];
        self.resource_type.has_members()
            && needed.into_iter().flatten().any(|needed| needed.wants("members"))
    }

    /// Whether the answer holds members, who may be many.
    #[must_use]
    pub fn wants_members(&self) -> bool {
        self.resource_type.has_members() && self.wanted.wants("members")
    }
}

/// What has to be read of a resource beside the document, to look at the attributes of these names.
fn needed(
    resource_type: &Arc<ResourceType>,
    is_needed: impl Fn(&str) -> bool,
) -> Result<AttributeSet, BackendError> {
    // `id` is always there; it stands for nothing else, since an empty list would be a default.
    let rows = ["members", "groups"].into_iter().filter(|name| is_needed(name));
    let names: Vec<&str> = rows.chain(["id"]).collect();
    Ok(AttributeSet::parse(resource_type, &names, &[])?)
}

/// A resource as filters and sorting see it.
///
/// # Errors
/// [`BackendError::TooMany`] for a group of which only some members were read: they must not be taken
/// for all.
pub fn whole(stored: &Stored) -> Result<Map<String, Value>, BackendError> {
    match &stored.members {
        Some(Members { next: Some(_), .. }) => Err(BackendError::TooMany),
        _ => stored.to_json(),
    }
}
