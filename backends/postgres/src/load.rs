//! Rows made into resources.

use std::collections::HashMap;
use std::sync::Arc;

use scim_backend_sql::{Layout, TypeLayout, number_of, position_of};
use scim_core::{AttributeSet, DateTime, Member, ResourceId, ResourceType, Version};
use scim_server_adapters::{BackendError, Body, Members, Position, Stored};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

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

    /// What to select of a resource `r` and its document `d`.
    ///
    /// A member is its value, the type that the client said, the type found, what is displayed, and
    /// its position; a group or another reference the same without the second and the last. Of
    /// members there are one more at most than `member_limit`, which is the parameter of that name,
    /// says. Rows of deleted groups that are still to be swept have no resource.
    pub(crate) fn columns(self, member_limit: &str) -> String {
        let members = if self.members {
            &format!(
                "(SELECT json_agg(json_build_array(m.value, m.type, x.type, x.display, m.position)
                                  ORDER BY m.position)::text
                  FROM (SELECT * FROM scim_member WHERE group_key = r.key
                        ORDER BY position LIMIT {member_limit}) m
                  LEFT JOIN scim_resource x ON x.tenant = m.tenant AND x.id = m.value)"
            )
        } else {
            // Every parameter that is bound must be spoken of.
            &format!("CASE WHEN {member_limit} IS NULL THEN '' END")
        };
        let groups = if self.groups {
            "(SELECT json_agg(json_build_array(g.id, NULL, g.type, g.display, 0)
                              ORDER BY g.key)::text
              FROM scim_member m JOIN scim_resource g ON g.key = m.group_key
              WHERE m.tenant = r.tenant AND m.value = r.id)"
        } else {
            "NULL::text"
        };
        let references = if self.references {
            "(SELECT json_agg(json_build_array(x.id, NULL, x.type, x.display, 0))::text
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

/// One resource by its id.
pub(crate) fn by_id(beside: Beside) -> String {
    format!(
        "SELECT {} FROM scim_resource r JOIN scim_document d ON d.resource = r.key
         WHERE r.tenant = $1 AND r.id = $2 AND r.type = $3",
        beside.columns("$4::bigint")
    )
}

/// Resources by their keys.
pub(crate) fn by_keys(beside: Beside) -> String {
    format!(
        "SELECT {} FROM unnest($1::bigint[]) AS k (key)
         JOIN scim_resource r ON r.tenant = $2 AND r.type = $3 AND r.key = k.key
         JOIN scim_document d ON d.resource = k.key",
        beside.columns("$4::bigint")
    )
}

/// Some members of a group. Of a group without such members there is still one row.
const MEMBERS_OF: &str = "
    SELECT m.value, m.type, x.type, x.display, m.position
    FROM scim_resource r
    LEFT JOIN LATERAL (
        SELECT * FROM scim_member
        WHERE group_key = r.key AND position > $4 ORDER BY position LIMIT $5
    ) m ON TRUE
    LEFT JOIN scim_resource x ON x.tenant = r.tenant AND x.id = m.value
    WHERE r.tenant = $1 AND r.id = $2 AND r.type = $3
    ORDER BY m.position";

/// All members of a group by its key.
const ALL_MEMBERS: &str = "
    SELECT m.value, m.type, x.type, x.display
    FROM scim_member m LEFT JOIN scim_resource x ON x.tenant = m.tenant AND x.id = m.value
    WHERE m.group_key = $1 ORDER BY m.position";

/// Those whose text is always the same, for the test of their plans.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 2] = [MEMBERS_OF, ALL_MEMBERS];

/// Reads resources of one tenant.
#[derive(Clone, Copy)]
pub(crate) struct Loader<'a> {
    pub(crate) session: &'a Session,
    pub(crate) layout: &'a Layout,
    pub(crate) tenant: i64,
}

impl Loader<'_> {
    /// One resource by its id, with `member_limit` members at most.
    pub(crate) async fn by_id(
        self,
        layout: &TypeLayout,
        id: &str,
        wanted: &AttributeSet,
        member_limit: usize,
    ) -> Result<Stored, Failure> {
        let beside = Beside::new(layout, wanted);
        let sql = by_id(beside);
        let read = one_more(member_limit);
        let parameters: [(&(dyn ToSql + Sync), Type); 4] = [
            (&self.tenant, Type::INT8),
            (&id, Type::TEXT),
            (&layout.key, Type::INT8),
            (&read, Type::INT8),
        ];
        let rows = self.session.query(&sql, &parameters).await?;
        let row = rows.first().ok_or(BackendError::NotFound)?;
        Ok(self.stored(row, &layout.resource_type, beside, member_limit)?.1)
    }

    /// Resources by their keys, which are of one type, each with `member_limit` members at most.
    /// Those that are not there are left out.
    pub(crate) async fn by_keys(
        self,
        layout: &TypeLayout,
        keys: &[i64],
        wanted: &AttributeSet,
        member_limit: usize,
    ) -> Result<HashMap<i64, Stored>, Failure> {
        let beside = Beside::new(layout, wanted);
        let sql = by_keys(beside);
        let read = one_more(member_limit);
        let parameters: [(&(dyn ToSql + Sync), Type); 4] = [
            (&keys, Type::INT8_ARRAY),
            (&self.tenant, Type::INT8),
            (&layout.key, Type::INT8),
            (&read, Type::INT8),
        ];
        let rows = self.session.query(&sql, &parameters).await?;
        let stored = |row| self.stored(row, &layout.resource_type, beside, member_limit);
        rows.iter().map(stored).collect()
    }

    /// Members of a group after a place, `limit` of them at most.
    pub(crate) async fn members_of(
        self,
        layout: &TypeLayout,
        id: &str,
        after: &Position,
        limit: usize,
    ) -> Result<Members, Failure> {
        let (after, read) = (number_of(after)?, one_more(limit));
        let parameters: [(&(dyn ToSql + Sync), Type); 5] = [
            (&self.tenant, Type::INT8),
            (&id, Type::TEXT),
            (&layout.key, Type::INT8),
            (&after, Type::INT8),
            (&read, Type::INT8),
        ];
        let rows = self.session.query(MEMBERS_OF, &parameters).await?;
        if rows.is_empty() {
            return Err(BackendError::NotFound.into());
        }
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Some(value) = row.try_get(0)? {
                found.push(Related(
                    value,
                    row.try_get(1)?,
                    row.try_get(2)?,
                    row.try_get(3)?,
                    row.try_get(4)?,
                ));
            }
        }
        Ok(self.up_to(found, limit))
    }

    /// All members of a group by its key.
    pub(crate) async fn all_members(self, group: i64) -> Result<Vec<Member>, Failure> {
        let rows = self.session.query(ALL_MEMBERS, &[(&group, Type::INT8)]).await?;
        rows.iter()
            .map(|row| {
                let (value, said) = (row.try_get(0)?, row.try_get(1)?);
                Ok(self.member(Related(value, said, row.try_get(2)?, row.try_get(3)?, 0)))
            })
            .collect()
    }

    /// A resource and its key, of the columns of [`Beside::columns`].
    pub(crate) fn stored(
        self,
        row: &Row,
        resource_type: &Arc<ResourceType>,
        beside: Beside,
        member_limit: usize,
    ) -> Result<(i64, Stored), Failure> {
        let related = |index: usize, wanted: bool| -> Result<Option<Vec<Related>>, Failure> {
            if !wanted {
                return Ok(None);
            }
            let json = row.try_get::<_, Option<&str>>(index)?.unwrap_or("[]");
            Ok(serde_json::from_str(json).map_err(BackendError::internal)?)
        };
        let all = |rows: Vec<Related>| -> Vec<Member> {
            rows.into_iter().map(|row| self.member(row)).collect()
        };
        let date = |index: usize| -> Result<DateTime, Failure> {
            DateTime::from_micros(row.try_get(index)?)
                .ok_or_else(|| BackendError::internal("a stored date is out of range").into())
        };
        let stored = Stored {
            resource_type: Arc::clone(resource_type),
            id: ResourceId::new(row.try_get::<_, String>(1)?)?,
            version: Version::from(row.try_get::<_, i64>(2)?.unsigned_abs()),
            created: date(3)?,
            last_modified: date(4)?,
            body: Body::Json(row.try_get(5)?),
            members: related(6, beside.members)?.map(|rows| self.up_to(rows, member_limit)),
            groups: related(7, beside.groups)?.map(all),
            references: related(8, beside.references)?.map(all).unwrap_or_default(),
        };
        Ok((row.try_get(0)?, stored))
    }

    /// The first of the members that were read, of which there is one more if there are more.
    fn up_to(self, mut rows: Vec<Related>, limit: usize) -> Members {
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| has_more).map(|row| position_of(row.4));
        // None were asked for, so the rest begins at the beginning.
        let next = next.or_else(|| has_more.then(|| position_of(0)));
        Members { list: rows.into_iter().map(|row| self.member(row)).collect(), next }
    }

    fn member(self, Related(value, said, found, display, _): Related) -> Member {
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

/// A member, a group or a reference: value, type said, type found, display, position.
#[derive(Debug, serde::Deserialize)]
struct Related(String, Option<String>, Option<i64>, Option<String>, i64);

/// How many rows to read to know whether there are more than that.
pub(crate) fn one_more(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1)
}
