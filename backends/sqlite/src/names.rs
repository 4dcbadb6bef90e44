//! The keys of names that many rows repeat.

use rusqlite::{Connection, OptionalExtension};
use scim_backend_sql::{Indexing, Layout, Name};
use scim_core::Registry;

use crate::error::OpenError;

/// The layout of the registered types; names get their keys in the database.
pub(crate) fn layout(
    connection: &Connection,
    registry: &Registry,
    indexing: &Indexing,
) -> Result<Layout, OpenError> {
    let layout = Layout::new(registry, indexing, |name, text| {
        key_of(connection, name, text).map_err(OpenError::from)
    })?;
    let mut statement = connection.prepare("SELECT key, name FROM scim_resource_type")?;
    let types = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(layout.with_types(types))
}

fn key_of(connection: &Connection, name: Name, text: &str) -> rusqlite::Result<i64> {
    let (find, add) = match name {
        Name::ResourceType => (
            "SELECT key FROM scim_resource_type WHERE name = ?1",
            "INSERT INTO scim_resource_type (name) VALUES (?1) RETURNING key",
        ),
        Name::Attribute => (
            "SELECT key FROM scim_attribute WHERE path = ?1",
            "INSERT INTO scim_attribute (path) VALUES (?1) RETURNING key",
        ),
    };
    let found = connection.query_row(find, [text], |row| row.get(0)).optional()?;
    found.map_or_else(|| connection.query_row(add, [text], |row| row.get(0)), Ok)
}
