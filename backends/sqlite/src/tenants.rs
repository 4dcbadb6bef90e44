//! The keys of tenants.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use rusqlite::{Connection, OptionalExtension};

/// Keys of tenants, remembered once they are committed: a key seen inside a transaction that is
/// then rolled back may be given to another tenant.
#[derive(Debug, Default)]
pub(crate) struct Tenants {
    committed: RwLock<HashMap<Arc<str>, i64>>,
}

impl Tenants {
    /// The key of a tenant, as a reader sees it; `None` for a tenant that never had a resource.
    ///
    /// The connection must not be in a transaction that writes.
    pub(crate) fn find(
        &self,
        connection: &Connection,
        name: &Arc<str>,
    ) -> rusqlite::Result<Option<i64>> {
        if let Some(key) = self.remembered(name) {
            return Ok(Some(key));
        }
        let found = select(connection, name)?;
        if let Some(key) = found {
            let mut committed = self.committed.write().unwrap_or_else(PoisonError::into_inner);
            committed.insert(Arc::clone(name), key);
        }
        Ok(found)
    }

    /// The key of a tenant, as the writer sees it inside its transaction.
    pub(crate) fn find_in_write(
        &self,
        connection: &Connection,
        name: &str,
    ) -> rusqlite::Result<Option<i64>> {
        self.remembered(name).map_or_else(|| select(connection, name), |key| Ok(Some(key)))
    }

    /// The key of a tenant, which is made if it has none.
    pub(crate) fn find_or_add(&self, connection: &Connection, name: &str) -> rusqlite::Result<i64> {
        if let Some(key) = self.find_in_write(connection, name)? {
            return Ok(key);
        }
        connection
            .prepare_cached("INSERT INTO scim_tenant (name) VALUES (?1) RETURNING key")?
            .query_row([name], |row| row.get(0))
    }

    fn remembered(&self, name: &str) -> Option<i64> {
        self.committed.read().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }
}

fn select(connection: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT key FROM scim_tenant WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}
