//! Where SQL finds the attributes of a type, for what no index answers.

use scim_core::AttributeRef;
use scim_filter::sql::{Column, Dialect, Form, Mapping, Rows};

use crate::layout::{Columns, TypeLayout};

/// The attributes of a type that are columns of the resource `r`, or rows of `scim_member`. What
/// is in the document is the store's to add.
///
/// What is indexed by value is read from the document too: the rows of an index are not found by
/// resource.
#[must_use]
pub fn mapping(layout: &TypeLayout, dialect: Dialect) -> Mapping {
    let resource_type = &layout.resource_type;
    let mut mapping = Mapping::new(dialect);
    let Columns { external_id, user_name, display_name, active } = &layout.columns;
    let held = |attribute: &AttributeRef| {
        if attribute.leaf().compares_exactly() { Form::Text } else { Form::Folded }
    };
    for (attribute, sql) in [
        (external_id, "r.external_id"),
        (user_name, "r.user_name"),
        (display_name, "r.display_name"),
    ] {
        if let Some(attribute) = attribute {
            mapping = mapping.column(attribute.clone(), Column::new(sql, held(attribute)));
        }
    }
    if let Some(active) = active {
        mapping = mapping.column(active.clone(), Column::new("r.active", Form::Boolean));
    }
    // What is in no document, and is put together when a resource is read.
    for name in ["meta", "schemas"] {
        if let Some(attribute) = resource_type.attribute(name) {
            mapping = mapping.out_of_reach(attribute);
        }
    }
    for (path, sql, form) in [
        ("id", "r.id", Form::Text),
        ("meta.created", "r.created", Form::Micros),
        ("meta.lastModified", "r.last_modified", Form::Micros),
    ] {
        if let Some(attribute) = resource_type.attribute(path) {
            mapping = mapping.column(attribute, Column::new(sql, form));
        }
    }
    if let Some(members) =
        resource_type.attribute("members").filter(|_| resource_type.has_members())
    {
        let rows = Rows::new("scim_member e", "e.group_key = r.key");
        mapping = mapping.rows(members, rows.part("value", Column::new("e.value", Form::Text)));
    }
    if let Some(groups) = resource_type.attribute("groups").filter(|_| resource_type.has_groups()) {
        // Rows of deleted groups that are still to be swept have no resource.
        let from = match dialect {
            // Keeps SQLite to that order.
            Dialect::Sqlite => "scim_member e CROSS JOIN scim_resource f ON f.key = e.group_key",
            Dialect::Postgres => "scim_member e JOIN scim_resource f ON f.key = e.group_key",
        };
        let rows = Rows::new(from, "e.tenant = r.tenant AND e.value = r.id");
        mapping = mapping.rows(groups, rows.part("value", Column::new("f.id", Form::Text)));
    }
    mapping
}
