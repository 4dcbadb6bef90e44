//! Where SQL finds the attributes of a type, for what no index answers.

use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::Value as SqlValue;
use scim_core::{AttributeRef, DateTime, fold};
use scim_filter::sql::{Bind, Column, Dialect, Form, Mapping, Rows};

use crate::layout::{Columns, TypeLayout};

/// The document of the resource `r`, where a statement joins it.
pub(crate) const DOCUMENT: &str = "d.text";

const FOLD: &str = "scim_fold";
const INSTANT: &str = "scim_instant";

/// The attributes of a type, over the resource `r` and its document `d`.
///
/// What is indexed by value is read from the document too: the rows of an index are not found by
/// resource.
pub(crate) fn mapping(layout: &TypeLayout) -> Mapping {
    let resource_type = &layout.resource_type;
    let mut mapping = Mapping::new(Dialect::Sqlite)
        .document(DOCUMENT)
        .fold_function(FOLD)
        .instant_function(INSTANT);
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
        let rows = Rows::new(
            "scim_member e CROSS JOIN scim_resource f ON f.key = e.group_key",
            "e.tenant = r.tenant AND e.value = r.id",
        );
        mapping = mapping.rows(groups, rows.part("value", Column::new("f.id", Form::Text)));
    }
    mapping
}

/// Makes the functions of the mapping known to a connection.
pub(crate) fn add_functions(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function(FOLD, 1, flags, |context| {
        Ok(text(context).map(|text| fold(text).into_owned()))
    })?;
    connection.create_scalar_function(INSTANT, 1, flags, |context| {
        Ok(text(context).and_then(|text| text.parse().ok()).map(DateTime::as_micros))
    })
}

fn text<'a>(context: &'a Context<'_>) -> Option<&'a str> {
    context.get_raw(0).as_str().ok()
}

pub(crate) fn into_sql(bind: Bind) -> SqlValue {
    match bind {
        Bind::Text(text) => SqlValue::Text(text),
        Bind::Integer(number) => SqlValue::Integer(number),
        Bind::Real(number) => SqlValue::Real(number),
        Bind::Boolean(value) => SqlValue::Integer(value.into()),
        Bind::Instant(at) => SqlValue::Integer(at.as_micros()),
    }
}
