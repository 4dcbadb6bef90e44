//! The keys of names that many rows repeat.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use scim_backend_sql::{AttributeError, Indexing, Layout, Name};
use scim_core::Registry;
use tokio_postgres::types::Type;

use crate::error::{Failure, OpenError};
use crate::session::Session;

/// The layout of the registered types; names get their keys in the database, in the transaction of
/// the session.
pub(crate) async fn layout(
    session: &Session,
    registry: &Registry,
    indexing: &Indexing,
) -> Result<Layout, OpenError> {
    let mut names = BTreeSet::new();
    Layout::new(registry, indexing, |name, text| {
        names.insert((name, text.to_owned()));
        Ok::<_, AttributeError>(0)
    })?;
    let mut keys = HashMap::new();
    for (name, text) in names {
        let key = key_of(session, name, &text).await?;
        keys.insert((name, text), key);
    }
    let layout = Layout::new(registry, indexing, |name, text| {
        // All of them were asked for above.
        Ok::<_, AttributeError>(keys.get(&(name, text.to_owned())).copied().unwrap_or_default())
    })?;
    let mut types = Vec::new();
    for row in session.query_once("SELECT key, name FROM scim_resource_type", &[]).await? {
        types.push((row.try_get(0)?, Arc::from(row.try_get::<_, String>(1)?)));
    }
    Ok(layout.with_types(types))
}

async fn key_of(session: &Session, name: Name, text: &str) -> Result<i64, OpenError> {
    let sql = match name {
        Name::ResourceType => {
            "INSERT INTO scim_resource_type (name) VALUES ($1)
             ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING key"
        }
        Name::Attribute => {
            "INSERT INTO scim_attribute (path) VALUES ($1)
             ON CONFLICT (path) DO UPDATE SET path = excluded.path RETURNING key"
        }
    };
    let rows = session.query_once(sql, &[(&text, Type::TEXT)]).await?;
    Ok(rows.first().map_or(Ok(0), |row| row.try_get(0))?)
}

/// Keys of tenants. A tenant never loses its key, so what is remembered stays true.
#[derive(Debug, Default)]
pub(crate) struct Tenants {
    known: RwLock<HashMap<Arc<str>, i64>>,
}

impl Tenants {
    /// The key of a tenant; `None` for a tenant that never had a resource.
    pub(crate) async fn find(
        &self,
        session: &Session,
        name: &Arc<str>,
    ) -> Result<Option<i64>, Failure> {
        if let Some(key) = self.remembered(name) {
            return Ok(Some(key));
        }
        let sql = "SELECT key FROM scim_tenant WHERE name = $1";
        let rows = session.query(sql, &[(&&**name, Type::TEXT)]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let key = row.try_get(0)?;
        self.remember(name, key);
        Ok(Some(key))
    }

    /// The key of a tenant, which is made if it has none. The session is in no transaction.
    pub(crate) async fn find_or_add(
        &self,
        session: &Session,
        name: &Arc<str>,
    ) -> Result<i64, Failure> {
        loop {
            if let Some(key) = self.find(session, name).await? {
                return Ok(key);
            }
            let sql = "INSERT INTO scim_tenant (name) VALUES ($1) ON CONFLICT DO NOTHING";
            session.execute(sql, &[(&&**name, Type::TEXT)]).await?;
        }
    }

    /// The key, if it was asked for before.
    pub(crate) fn remembered(&self, name: &str) -> Option<i64> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }

    fn remember(&self, name: &Arc<str>, key: i64) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(name), key);
    }
}
