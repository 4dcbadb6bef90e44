//! What SQLite is taught for filters that no index answers.

use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::Value as SqlValue;
use scim_backend_sql::{TypeLayout, mapping as mapping_of};
use scim_core::{DateTime, fold};
use scim_filter::sql::{Bind, Dialect, Mapping};

/// The document of the resource `r`.
const DOCUMENT: &str = "r.document";

const FOLD: &str = "scim_fold";
const INSTANT: &str = "scim_instant";

/// The attributes of a type, over the resource `r`.
pub(crate) fn mapping(layout: &TypeLayout) -> Mapping {
    mapping_of(layout, Dialect::Sqlite)
        .document(DOCUMENT)
        .fold_function(FOLD)
        .instant_function(INSTANT)
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
