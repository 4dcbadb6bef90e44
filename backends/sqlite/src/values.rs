//! The rows of values that must be unique, and of those that are indexed.

use std::borrow::Cow;
use std::collections::BTreeSet;

use rusqlite::Connection;
use rusqlite::types::{ToSql, ToSqlOutput, Value as SqlValue, ValueRef};
use scim_backend_sql::{Derived, Key, Layout};
use scim_server_adapters::BackendError;

use crate::error::Failure;

const ADD_UNIQUE: &str = "
    INSERT INTO scim_unique_value (tenant, attribute, value, resource) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT DO NOTHING";

/// As [`ADD_UNIQUE`], but having the value already counts as getting it.
const CLAIM_UNIQUE: &str = "
    INSERT INTO scim_unique_value (tenant, attribute, value, resource) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT DO UPDATE SET resource = excluded.resource WHERE resource = excluded.resource";

const ADD_INDEXED: &str = "
    INSERT INTO scim_indexed_value (tenant, attribute, value, resource) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT DO NOTHING";

pub(crate) const REMOVE_UNIQUE: &str = "
    DELETE FROM scim_unique_value
    WHERE tenant = ?1 AND attribute = ?2 AND value = ?3 AND resource = ?4";

pub(crate) const REMOVE_INDEXED: &str = "
    DELETE FROM scim_indexed_value
    WHERE tenant = ?1 AND attribute = ?2 AND value = ?3 AND resource = ?4";

/// A key as a parameter.
#[derive(Debug)]
pub(crate) struct Bound<'a>(pub(crate) &'a Key);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Key::Text(text) => ValueRef::Text(text.as_bytes()),
            Key::Integer(number) => ValueRef::Integer(*number),
            Key::Real(number) => ValueRef::Real(*number),
        }))
    }
}

/// A key as a value to bind.
pub(crate) fn into_sql(key: Key) -> SqlValue {
    match key {
        Key::Text(text) => SqlValue::Text(text),
        Key::Integer(number) => SqlValue::Integer(number),
        Key::Real(number) => SqlValue::Real(number),
    }
}

/// The value rows of one resource, for writing.
#[derive(Clone, Copy)]
pub(crate) struct ValueRows<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) tenant: i64,
    /// The resource's key.
    pub(crate) resource: i64,
}

/// What a write demands beyond the layout.
///
/// Exhaustive: what [`Write`](scim_server_adapters::Write) can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    None,
    /// The `displayName` must be unique.
    UniqueName,
}

/// A value that another resource has: the key of the attribute, and the value.
#[derive(Debug)]
pub(crate) struct Taken<'a> {
    pub(crate) attribute: i64,
    pub(crate) value: &'a Key,
}

impl ValueRows<'_> {
    /// Writes what differs between the values before and after.
    ///
    /// # Errors
    /// [`BackendError::Conflict`] when another resource has a value that must be unique.
    pub(crate) fn update(
        self,
        layout: &Layout,
        before: &Derived,
        after: &Derived,
        demand: Demand,
    ) -> Result<(), Failure> {
        self.each(REMOVE_UNIQUE, before.unique.difference(&after.unique), |_, _| {})?;
        self.each(REMOVE_INDEXED, before.indexed.difference(&after.indexed), |_, _| {})?;
        self.each(ADD_INDEXED, after.indexed.difference(&before.indexed), |_, _| {})?;
        let new: BTreeSet<_> = after.unique.difference(&before.unique).collect();
        if let Some(Taken { attribute, .. }) = self.claim(new)?.into_iter().next() {
            return Err(conflict(layout, attribute).into());
        }
        let kept = match demand {
            Demand::UniqueName => &after.on_demand,
            Demand::None => &BTreeSet::new(),
        };
        self.each(REMOVE_UNIQUE, before.on_demand.difference(kept), |_, _| {})?;
        match self.claim_on_demand(kept)?.into_iter().next() {
            Some(Taken { attribute, .. }) => Err(conflict(layout, attribute).into()),
            None => Ok(()),
        }
    }

    /// Sees to it that the resource has these values, and tells which of them others have.
    pub(crate) fn claim_on_demand<'k>(
        self,
        values: impl IntoIterator<Item = &'k (i64, Key)>,
    ) -> rusqlite::Result<Vec<Taken<'k>>> {
        let mut taken = Vec::new();
        self.each(CLAIM_UNIQUE, values, |(attribute, value), rows| {
            if rows == 0 {
                taken.push(Taken { attribute: *attribute, value });
            }
        })?;
        Ok(taken)
    }

    /// Adds values that must be unique, and tells which of them others have.
    pub(crate) fn claim<'k>(
        self,
        values: impl IntoIterator<Item = &'k (i64, Key)>,
    ) -> rusqlite::Result<Vec<Taken<'k>>> {
        let mut taken = Vec::new();
        self.each(ADD_UNIQUE, values, |(attribute, value), rows| {
            if rows == 0 {
                taken.push(Taken { attribute: *attribute, value });
            }
        })?;
        Ok(taken)
    }

    /// Adds values to the index.
    pub(crate) fn index<'k>(
        self,
        values: impl IntoIterator<Item = &'k (i64, Key)>,
    ) -> rusqlite::Result<()> {
        self.each(ADD_INDEXED, values, |_, _| {})
    }

    fn each<'k>(
        self,
        sql: &str,
        values: impl IntoIterator<Item = &'k (i64, Key)>,
        mut done: impl FnMut(&'k (i64, Key), usize),
    ) -> rusqlite::Result<()> {
        let mut values = values.into_iter().peekable();
        if values.peek().is_none() {
            return Ok(());
        }
        let mut statement = self.connection.prepare_cached(sql)?;
        for row in values {
            let (attribute, value) = row;
            done(row, statement.execute((self.tenant, attribute, Bound(value), self.resource))?);
        }
        Ok(())
    }
}

fn conflict(layout: &Layout, attribute: i64) -> BackendError {
    let path = layout.unique_attribute(attribute).map(|keyed| keyed.path.to_string());
    BackendError::Conflict { attribute: path.map_or(Cow::Borrowed("?"), Cow::Owned) }
}
