//! Rows made into resources.

use std::collections::HashMap;
use std::sync::Arc;

use scim_backend_sql::{Layout, TypeLayout};
use scim_core::{AttributeSet, DateTime, Member, ResourceId, ResourceType, Version};
use scim_server_adapters::{BackendError, Body, Stored};
use serde_json::value::RawValue;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::error::Failure;
use crate::session::Session;

/// What is read of resources beside their rows: each is a column with a JSON array, or NULL where it
/// is not wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beside {
    members: bool,
    groups: bool,
    references: bool,
}

impl Beside {
    pub(crate) fn new(layout: &TypeLayout, wanted: &AttributeSet) -> Self {
        let resource_type = &layout.resource_type;
        Self {
            members: resource_type.has_members() && wanted.wants("members"),
            groups: resource_type.has_groups() && wanted.wants("groups"),
            references: layout.wants_references(wanted),
        }
    }

    /// Whether members are wanted, of which there may be very many.
    pub(crate) const fn has_members(self) -> bool {
        self.members
    }

    /// What to select of a resource `r` and its document `d`.
    ///
    /// A member is its value, the type that the client said, the type found, and what is displayed;
    /// a group or another reference the same without the second. Rows of deleted groups that are
    /// still to be swept have no resource.
    pub(crate) fn columns(self) -> String {
        let members = if self.members {
            "(SELECT json_agg(json_build_array(m.value, m.type, x.type, x.display)
                              ORDER BY m.position)::text
              FROM scim_member m
              LEFT JOIN scim_resource x ON x.tenant = m.tenant AND x.id = m.value
              WHERE m.group_key = r.key)"
        } else {
            "NULL::text"
        };
        let groups = if self.groups {
            "(SELECT json_agg(json_build_array(g.id, NULL, g.type, g.display)
                              ORDER BY g.key)::text
              FROM scim_member m JOIN scim_resource g ON g.key = m.group_key
              WHERE m.tenant = r.tenant AND m.value = r.id)"
        } else {
            "NULL::text"
        };
        let references = if self.references {
            "(SELECT json_agg(json_build_array(x.id, NULL, x.type, x.display))::text
              FROM scim_resource x WHERE x.tenant = r.tenant AND x.id = ANY (r.refers_to))"
        } else {
            "NULL::text"
        };
        format!(
            "r.key, r.id, r.version, r.created, r.last_modified, d.text, \
             {members}, {groups}, {references}"
        )
    }
}

/// Reads resources of one tenant.
#[derive(Clone, Copy)]
pub(crate) struct Loader<'a> {
    pub(crate) session: &'a Session,
    pub(crate) layout: &'a Layout,
    pub(crate) tenant: i64,
}

impl Loader<'_> {
    /// One resource by its id.
    pub(crate) async fn by_id(
        self,
        layout: &TypeLayout,
        id: &str,
        wanted: &AttributeSet,
    ) -> Result<Stored, Failure> {
        let beside = Beside::new(layout, wanted);
        let sql = format!(
            "SELECT {} FROM scim_resource r JOIN scim_document d ON d.resource = r.key
             WHERE r.tenant = $1 AND r.id = $2 AND r.type = $3",
            beside.columns()
        );
        let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 3] =
            [(&self.tenant, Type::INT8), (&id, Type::TEXT), (&layout.key, Type::INT8)];
        let rows = self.session.query(&sql, &parameters).await?;
        let row = rows.first().ok_or(BackendError::NotFound)?;
        Ok(self.stored(row, &layout.resource_type, beside)?.1)
    }

    /// Resources by their keys, which are of one type. Those that are not there are left out.
    pub(crate) async fn by_keys(
        self,
        layout: &TypeLayout,
        keys: &[i64],
        wanted: &AttributeSet,
    ) -> Result<HashMap<i64, Stored>, Failure> {
        let beside = Beside::new(layout, wanted);
        let sql = format!(
            "SELECT {} FROM unnest($1::bigint[]) AS k (key)
             JOIN scim_resource r ON r.tenant = $2 AND r.type = $3 AND r.key = k.key
             JOIN scim_document d ON d.resource = k.key",
            beside.columns()
        );
        let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 3] =
            [(&keys, Type::INT8_ARRAY), (&self.tenant, Type::INT8), (&layout.key, Type::INT8)];
        let rows = self.session.query(&sql, &parameters).await?;
        rows.iter().map(|row| self.stored(row, &layout.resource_type, beside)).collect()
    }

    /// The members of a group as an answer shows them.
    pub(crate) async fn members(self, group: i64) -> Result<Vec<Member>, Failure> {
        let sql = "
            SELECT m.value, m.type, x.type, x.display
            FROM scim_member m LEFT JOIN scim_resource x ON x.tenant = m.tenant AND x.id = m.value
            WHERE m.group_key = $1 ORDER BY m.position";
        let rows = self.session.query(sql, &[(&group, Type::INT8)]).await?;
        rows.iter()
            .map(|row| {
                let related =
                    Related(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
                Ok(self.member(related))
            })
            .collect()
    }

    /// A resource and its key, of the columns of [`Beside::columns`].
    pub(crate) fn stored(
        self,
        row: &Row,
        resource_type: &Arc<ResourceType>,
        beside: Beside,
    ) -> Result<(i64, Stored), Failure> {
        let related = |index: usize, wanted: bool| -> Result<Option<Vec<Member>>, Failure> {
            if !wanted {
                return Ok(None);
            }
            let Some(json) = row.try_get::<_, Option<&str>>(index)? else {
                return Ok(Some(Vec::new()));
            };
            let rows: Vec<Related> = serde_json::from_str(json).map_err(BackendError::internal)?;
            Ok(Some(rows.into_iter().map(|row| self.member(row)).collect()))
        };
        let date = |index: usize| -> Result<DateTime, Failure> {
            DateTime::from_micros(row.try_get(index)?)
                .ok_or_else(|| BackendError::internal("a stored date is out of range").into())
        };
        let document = row.try_get::<_, String>(5)?;
        let stored = Stored {
            resource_type: Arc::clone(resource_type),
            id: ResourceId::new(row.try_get::<_, String>(1)?)?,
            version: Version::from(row.try_get::<_, i64>(2)?.unsigned_abs()),
            created: date(3)?,
            last_modified: date(4)?,
            body: Body::Json(RawValue::from_string(document).map_err(BackendError::internal)?),
            members: related(6, beside.members)?,
            groups: related(7, beside.groups)?,
            references: related(8, beside.references)?.unwrap_or_default(),
        };
        Ok((row.try_get(0)?, stored))
    }

    fn member(self, Related(value, said, found, display): Related) -> Member {
        Member {
            value: value.into(),
            resource_type: match found {
                Some(key) => self.layout.type_name(key).cloned(),
                None => said.map(Arc::from),
            },
            display: display.map(Arc::from),
            exists: found.is_some(),
        }
    }
}

/// A member, a group or a reference: value, type said, type found, display.
#[derive(Debug, serde::Deserialize)]
struct Related(String, Option<String>, Option<i64>, Option<String>);
