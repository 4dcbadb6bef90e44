//! One resource type under query, with what indexes can do for it.

use std::sync::Arc;

use scim_core::{AttributeRef, AttributeSet, ResourceType};
use scim_filter::Expression;
use scim_filter::sql::Mapping;
use scim_server_adapters::{BackendError, QueryTarget};

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
