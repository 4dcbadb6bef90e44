//! Rows made into resources.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row};
use scim_backend_sql::{Layout, TypeLayout, position_of};
use scim_core::{AttributeSet, DateTime, Member, Reference, ResourceId, ResourceType, Version};
use scim_server_adapters::{BackendError, Body, Members, Stored};

use crate::error::Failure;

/// Key and version of one resource. SQLite does not know that an id is unique: by statistics of a time
/// when there were few resources, it would look at all of them.
pub(crate) const FIND: &str = "
    SELECT key, version FROM scim_resource INDEXED BY scim_resource_by_id
    WHERE tenant = ?1 AND id = ?2 AND type = ?3";

/// One resource by its id; the index is named as in [`FIND`].
pub(crate) const BY_ID: &str = "
    SELECT key, id, version, created, last_modified, refers_to, document
    FROM scim_resource INDEXED BY scim_resource_by_id
    WHERE tenant = ?1 AND id = ?2 AND type = ?3";

/// One resource by its key.
pub(crate) const BY_KEY: &str = "
    SELECT key, id, version, created, last_modified, refers_to, document
    FROM scim_resource WHERE key = ?1";

/// Resources by their keys, a JSON array.
pub(crate) const BY_KEYS: &str = "
    SELECT r.key, r.id, r.version, r.created, r.last_modified, r.refers_to, r.document
    FROM json_each(?1) k CROSS JOIN scim_resource r ON r.key = k.value";

/// Members of one group after a position, and how many at most: 0, position, value, type that the
/// client said, type found, display.
pub(crate) const MEMBERS: &str = "
    SELECT 0, m.position, m.value, m.type, r.type, r.display
    FROM scim_member m LEFT JOIN scim_resource r ON r.tenant = m.tenant AND r.id = m.value
    WHERE m.group_key = ?1 AND m.position > ?2
    ORDER BY m.position
    LIMIT ?3";

/// Members of many groups, given as a JSON array of keys; first its index in the array.
pub(crate) const MEMBERS_OF_MANY: &str = "
    SELECT k.key, m.position, m.value, m.type, r.type, r.display
    FROM json_each(?1) k
    CROSS JOIN scim_member m ON m.group_key = k.value
    LEFT JOIN scim_resource r ON r.tenant = m.tenant AND r.id = m.value";

/// Groups of one resource. Rows of deleted groups that are still to be swept have no resource.
pub(crate) const GROUPS: &str = "
    SELECT 0, g.key, g.id, NULL, g.type, g.display
    FROM scim_member m CROSS JOIN scim_resource g ON g.key = m.group_key
    WHERE m.tenant = ?1 AND m.value = ?2
    ORDER BY m.group_key";

/// Groups of many resources, given as a JSON array of ids.
pub(crate) const GROUPS_OF_MANY: &str = "
    SELECT k.key, g.key, g.id, NULL, g.type, g.display
    FROM json_each(?2) k
    CROSS JOIN scim_member m ON m.tenant = ?1 AND m.value = k.value
    CROSS JOIN scim_resource g ON g.key = m.group_key";

/// Those of many ids, given as a JSON array, that are resources.
pub(crate) const EXISTING: &str = "
    SELECT 0, r.key, r.id, NULL, r.type, r.display
    FROM json_each(?2) k CROSS JOIN scim_resource r ON r.tenant = ?1 AND r.id = k.value";

/// A row of `scim_resource` with its document.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) key: i64,
    pub(crate) id: String,
    pub(crate) version: u64,
    pub(crate) created: i64,
    pub(crate) last_modified: i64,
    /// JSON array of ids.
    refers_to: Option<String>,
    pub(crate) document: String,
}

impl Record {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            key: row.get(0)?,
            id: row.get(1)?,
            version: row.get::<_, i64>(2)?.unsigned_abs(),
            created: row.get(3)?,
            last_modified: row.get(4)?,
            refers_to: row.get(5)?,
            document: row.get(6)?,
        })
    }
}

/// Reads resources of one tenant.
///
/// What it reads with several statements is of one state only if the connection is in a
/// transaction.
#[derive(Clone, Copy)]
pub(crate) struct Loader<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) layout: &'a Layout,
    pub(crate) tenant: i64,
}

impl Loader<'_> {
    /// Key and version of one resource.
    pub(crate) fn find(self, layout: &TypeLayout, id: &str) -> Result<(i64, i64), Failure> {
        let mut statement = self.connection.prepare_cached(FIND)?;
        let found = statement
            .query_row((self.tenant, id, layout.key), |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(found.optional()?.ok_or(BackendError::NotFound)?)
    }

    /// One resource by its id.
    pub(crate) fn by_id(
        self,
        layout: &TypeLayout,
        resource_type: &Arc<ResourceType>,
        id: &str,
        wanted: &AttributeSet,
        member_limit: usize,
    ) -> Result<Stored, Failure> {
        let by = (self.tenant, id, layout.key);
        let found = self.one(BY_ID, by, layout, resource_type, wanted, member_limit)?;
        Ok(found.ok_or(BackendError::NotFound)?.1)
    }

    /// One resource, with its key. It is of one state without a transaction too, since the first
    /// statement is under way until the others are done.
    fn one(
        self,
        sql: &str,
        by: impl rusqlite::Params,
        layout: &TypeLayout,
        resource_type: &Arc<ResourceType>,
        wanted: &AttributeSet,
        member_limit: usize,
    ) -> Result<Option<(i64, Stored)>, Failure> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(by)?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let record = Record::from_row(row)?;
        let key = record.key;
        let members = if resource_type.has_members() && wanted.wants("members") {
            Some(self.members(key, 0, member_limit)?)
        } else {
            None
        };
        let groups = if resource_type.has_groups() && wanted.wants("groups") {
            Some(in_order(self.related(GROUPS, (self.tenant, &record.id))?))
        } else {
            None
        };
        let references = match &record.refers_to {
            Some(ids) if layout.wants_references(wanted) => {
                in_order(self.related(EXISTING, (self.tenant, ids))?)
            }
            _ => Vec::new(),
        };
        drop(rows);
        let bare = stored(record, resource_type)?;
        Ok(Some((key, Stored { members, groups, references, ..bare })))
    }

    /// Resources by their keys, which are of one type. Those that are not there are left out. As
    /// many statements as for one.
    ///
    /// A single one has `member_limit` members at most; of several the caller knows that they have
    /// no more together, or wants all.
    pub(crate) fn by_keys(
        self,
        layout: &TypeLayout,
        resource_type: &Arc<ResourceType>,
        keys: &[i64],
        wanted: &AttributeSet,
        member_limit: usize,
    ) -> Result<HashMap<i64, Stored>, Failure> {
        if let [key] = keys {
            let found = self.one(BY_KEY, [key], layout, resource_type, wanted, member_limit)?;
            return Ok(found.into_iter().collect());
        }
        let records: Vec<Record> = self
            .connection
            .prepare_cached(BY_KEYS)?
            .query_map([json_array(keys)?], Record::from_row)?
            .collect::<rusqlite::Result<_>>()?;
        let mut members = if resource_type.has_members() && wanted.wants("members") {
            Some(self.members_of(&records, member_limit)?)
        } else {
            None
        };
        let mut groups = if resource_type.has_groups() && wanted.wants("groups") {
            let ids: Vec<&str> = records.iter().map(|r| r.id.as_str()).collect();
            Some(by_index(self.related(GROUPS_OF_MANY, (self.tenant, json_array(&ids)?))?))
        } else {
            None
        };
        let known =
            if layout.wants_references(wanted) { self.existing(&records)? } else { HashMap::new() };
        let mut found = HashMap::with_capacity(records.len());
        for (index, record) in (0_i64..).zip(records) {
            let key = record.key;
            let ids = referred(&record)?;
            let references = ids.iter().filter_map(|id| known.get(id.as_str()).cloned()).collect();
            let bare = stored(record, resource_type)?;
            let stored = Stored {
                members: members.as_mut().map(|lists| lists.remove(&index).unwrap_or_default()),
                groups: groups.as_mut().map(|lists| lists.remove(&index).unwrap_or_default()),
                references,
                ..bare
            };
            found.insert(key, stored);
        }
        Ok(found)
    }

    /// The members of a group as an answer shows them: after a position, and so many at most.
    pub(crate) fn members(self, group: i64, after: i64, limit: usize) -> Result<Members, Failure> {
        // One more, to know whether there is one.
        let many = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let mut rows = self.related(MEMBERS, (group, after, many))?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().map_or(after, |row| row.order);
        Ok(Members { list: in_order(rows), next: more.then(|| position_of(last)) })
    }

    /// The members of groups, by the place of the group.
    fn members_of(
        self,
        groups: &[Record],
        member_limit: usize,
    ) -> Result<HashMap<i64, Members>, Failure> {
        if let [group] = groups {
            return Ok(HashMap::from([(0, self.members(group.key, 0, member_limit)?)]));
        }
        let keys: Vec<i64> = groups.iter().map(|group| group.key).collect();
        let lists = by_index(self.related(MEMBERS_OF_MANY, [json_array(&keys)?])?);
        Ok(lists.into_iter().map(|(index, list)| (index, Members::to_the_end(list))).collect())
    }

    fn existing(self, records: &[Record]) -> Result<HashMap<Arc<str>, Member>, Failure> {
        let mut ids = BTreeSet::new();
        for record in records {
            ids.extend(referred(record)?);
        }
        let ids: Vec<String> = ids.into_iter().collect();
        self.known(&ids)
    }

    /// Those of many ids that are resources.
    fn known<T: serde::Serialize>(self, ids: &[T]) -> Result<HashMap<Arc<str>, Member>, Failure> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let found = self.related(EXISTING, (self.tenant, json_array(ids)?))?;
        Ok(found.into_iter().map(|r| (Arc::clone(&r.member.value), r.member)).collect())
    }

    /// # Errors
    /// [`Reference::dangles`] for the first that is no resource of the tenant.
    pub(crate) fn all_exist(self, references: &[Reference]) -> Result<(), Failure> {
        let ids: Vec<&str> = references.iter().map(|r| &*r.value).collect();
        let known = self.known(&ids)?;
        match references.iter().find(|r| !known.contains_key(&*r.value)) {
            Some(reference) => Err(BackendError::from(reference.dangles()).into()),
            None => Ok(()),
        }
    }

    fn related(
        self,
        sql: &str,
        parameters: impl rusqlite::Params,
    ) -> rusqlite::Result<Vec<Related>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(parameters, |row| {
            let found: Option<i64> = row.get(4)?;
            let resource_type = match found {
                Some(key) => self.layout.type_name(key).cloned(),
                None => row.get(3)?,
            };
            Ok(Related {
                index: row.get(0)?,
                order: row.get(1)?,
                member: Member {
                    value: row.get(2)?,
                    resource_type,
                    display: row.get(5)?,
                    exists: found.is_some(),
                },
            })
        })?;
        rows.collect()
    }
}

/// A member, a group or a reference, and whose it is.
struct Related {
    index: i64,
    order: i64,
    member: Member,
}

/// SQL promises an order only where it is asked for, and asking for it over many lists makes SQLite
/// sort what is sorted already; here that costs one pass.
fn in_order(mut related: Vec<Related>) -> Vec<Member> {
    related.sort_by_key(|r| r.order);
    related.into_iter().map(|r| r.member).collect()
}

fn by_index(mut related: Vec<Related>) -> HashMap<i64, Vec<Member>> {
    related.sort_by_key(|r| (r.index, r.order));
    let mut lists: HashMap<i64, Vec<Member>> = HashMap::new();
    for Related { index, member, .. } in related {
        lists.entry(index).or_default().push(member);
    }
    lists
}

fn referred(record: &Record) -> Result<Vec<String>, BackendError> {
    match &record.refers_to {
        Some(ids) => serde_json::from_str(ids).map_err(BackendError::internal),
        None => Ok(Vec::new()),
    }
}

fn stored(record: Record, resource_type: &Arc<ResourceType>) -> Result<Stored, BackendError> {
    let date = |micros| {
        DateTime::from_micros(micros)
            .ok_or_else(|| BackendError::internal("a stored date is out of range"))
    };
    let (id, version) = (ResourceId::new(record.id)?, Version::from(record.version));
    let (created, last_modified) = (date(record.created)?, date(record.last_modified)?);
    let body = Body::Json(record.document);
    Ok(Stored::new(resource_type, id, version, created, last_modified, body))
}

/// A JSON array for `json_each`.
pub(crate) fn json_array<T: serde::Serialize>(values: &[T]) -> Result<String, BackendError> {
    serde_json::to_string(values).map_err(BackendError::internal)
}
