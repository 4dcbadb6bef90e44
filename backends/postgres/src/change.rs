//! Writes to one resource, inside a transaction.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use scim_backend_sql::{Derived, Key, Layout, TypeLayout, event_code};
use scim_core::{Member, Reference, Resource, ResourceId, Version, document_text};
use scim_patch::PatchPlan;
use scim_server_adapters::{
    BackendError, Change, EventKind, Precondition, RequestContext, Returning, Write, Written,
};
use serde_json::{Map, Value};
use tokio_postgres::types::{ToSql, Type};

use crate::entry::entry;
use crate::error::Failure;
use crate::load::Loader;
use crate::members::{self, MemberRows};
use crate::session::{Mode, Session, Transaction};

/// Finds a resource and holds it until the end of the transaction. Also tells what the rows are
/// derived by now.
const HOLD: &str = "
    SELECT r.key, r.version, (SELECT generation FROM scim_fingerprint)
    FROM scim_resource r WHERE r.tenant = $1 AND r.id = $2 AND r.type = $3
    FOR NO KEY UPDATE OF r";

/// The same for a resource that is to go, which nobody may be referring to meanwhile.
const HOLD_TO_DELETE: &str = "
    SELECT r.key, r.version, (SELECT generation FROM scim_fingerprint)
    FROM scim_resource r WHERE r.tenant = $1 AND r.id = $2 AND r.type = $3
    FOR UPDATE OF r";

/// Those of many ids that are resources, which cannot be deleted until the transaction ends.
const EXISTING: &str = "
    SELECT r.id FROM scim_resource r WHERE r.tenant = $1 AND r.id = ANY ($2)
    ORDER BY r.id FOR KEY SHARE";

/// The document of a resource that is held: a statement of its own, since it sees what was committed
/// while the first waited.
const DOCUMENT: &str = "
    SELECT d.text FROM scim_resource r JOIN scim_document d ON d.resource = r.key
    WHERE r.tenant = $1 AND r.id = $2 AND r.type = $3";

/// Makes a resource with all its rows, and tells which of its unique values were free.
const CREATE: &str = "
    WITH r AS (
        INSERT INTO scim_resource (tenant, type, id, version, created, last_modified,
            external_id, user_name, display_name, active, display, refers_to)
        VALUES ($1, $2, $3, 1, $4, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (tenant, id) DO NOTHING
        RETURNING key
    ), claimed AS (
        INSERT INTO scim_unique_value (tenant, attribute, value, resource)
        SELECT $1, u.attribute, u.value, r.key
        FROM r, unnest($11::bigint[], $12::text[]) AS u (attribute, value)
        ORDER BY u.attribute, u.value
        ON CONFLICT DO NOTHING
        RETURNING attribute || value AS name
    ), indexed AS (
        INSERT INTO scim_indexed_value (tenant, attribute, value, resource)
        SELECT $1, i.attribute, i.value, r.key
        FROM r, unnest($13::bigint[], $14::text[]) AS i (attribute, value)
    ), document AS (
        INSERT INTO scim_document (resource, text) SELECT key, $15 FROM r
    ), members AS (
        INSERT INTO scim_member (group_key, tenant, value, type)
        SELECT r.key, $1, m.value, m.type
        FROM r, unnest($16::text[], $17::text[]) WITH ORDINALITY AS m (value, type, place)
        ORDER BY m.place
    ), event AS (
        INSERT INTO scim_event (tenant, type, id, kind, version, principal, time)
        SELECT $1, $2, $3, $18, 1, $19, $4 FROM r
    )
    SELECT key, (SELECT generation FROM scim_fingerprint), ARRAY(SELECT name FROM claimed) FROM r";

const UPDATE_DOCUMENT: &str = "UPDATE scim_document SET text = $2 WHERE resource = $1";

/// Writes the columns that are derived from the document.
pub(crate) const UPDATE_COLUMNS: &str = "
    UPDATE scim_resource SET external_id = $4, user_name = $5, display_name = $6, active = $7,
        display = $8, refers_to = $9
    WHERE tenant = $1 AND type = $2 AND key = $3";

/// Gives a resource its next version.
const TOUCH: &str = "
    WITH touched AS (
        UPDATE scim_resource SET version = version + 1, last_modified = $4
        WHERE tenant = $1 AND type = $2 AND key = $3
        RETURNING id, version
    ), event AS (
        INSERT INTO scim_event (tenant, type, id, kind, version, principal, time)
        SELECT $1, $2, id, $5, version, $6, $4 FROM touched
    )
    SELECT version FROM touched";

/// Holds the groups of a member, always in the same order, so that two who do so don't wait for
/// each other.
const HOLD_GROUPS: &str = "
    SELECT g.key FROM scim_resource g
    WHERE g.key = ANY (ARRAY(
        SELECT group_key FROM scim_member WHERE tenant = $1 AND value = $2))
    ORDER BY g.key FOR NO KEY UPDATE";

/// Takes a member out of its groups and gives them their next version.
const LEAVE_GROUPS: &str = "
    WITH gone AS (
        DELETE FROM scim_member WHERE tenant = $1 AND value = $2 RETURNING group_key
    )
    UPDATE scim_resource SET version = version + 1, last_modified = $3
    WHERE key = ANY (ARRAY(SELECT group_key FROM gone))";

/// Removes a resource with its rows but for its memberships, and of the members of a group those
/// that a transaction may well remove; whether there may be more.
const DELETE: &str = "
    WITH r AS (
        DELETE FROM scim_resource WHERE tenant = $1 AND type = $2 AND key = $3
        RETURNING key, id, version
    ), document AS (
        DELETE FROM scim_document WHERE resource = $3
    ), event AS (
        INSERT INTO scim_event (tenant, type, id, kind, version, principal, time)
        SELECT $1, $2, id, $4, version, $5, $6 FROM r
    ), members AS (
        DELETE FROM scim_member WHERE group_key = $3 AND position = ANY (ARRAY(
            SELECT position FROM scim_member WHERE group_key = $3 ORDER BY position LIMIT $7))
        RETURNING 1
    ), sweep AS (
        INSERT INTO scim_sweep (group_key)
        SELECT $3 WHERE (SELECT count(*) FROM members) = $7
        RETURNING 1
    )
    SELECT EXISTS (SELECT 1 FROM sweep)";

/// All of them, for the test of their plans.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 17] = [
    POPULATE,
    HOLD,
    HOLD_TO_DELETE,
    EXISTING,
    DOCUMENT,
    CREATE,
    UPDATE_DOCUMENT,
    UPDATE_COLUMNS,
    TOUCH,
    HOLD_GROUPS,
    LEAVE_GROUPS,
    DELETE,
    CLAIM,
    CLAIM_AGAIN,
    UNCLAIM,
    INDEX,
    UNINDEX,
];

/// Counts what came and what went, by type. It is said last, together with the commit, so that others
/// hardly wait for the row. The shard is that of the connection.
pub(crate) const POPULATE: &str = "
    INSERT INTO scim_population (tenant, type, shard, resources)
    SELECT $1, p.type, pg_backend_pid() % 64, p.difference
    FROM unnest($2::bigint[], $3::bigint[]) AS p (type, difference)
    ORDER BY p.type
    ON CONFLICT (tenant, type, shard)
    DO UPDATE SET resources = scim_population.resources + excluded.resources";

/// Member rows of a deleted group that go with it; what is beyond is left to the sweep.
const REMOVED_WITH_GROUP: i64 = 500;

pub(crate) const CLAIM: &str = "
    INSERT INTO scim_unique_value (tenant, attribute, value, resource)
    SELECT $1, u.attribute, u.value, $2
    FROM unnest($3::bigint[], $4::text[]) AS u (attribute, value)
    ORDER BY u.attribute, u.value
    ON CONFLICT DO NOTHING
    RETURNING attribute || value";

/// As [`CLAIM`], but having the value already counts as getting it.
pub(crate) const CLAIM_AGAIN: &str = "
    INSERT INTO scim_unique_value AS v (tenant, attribute, value, resource)
    SELECT $1, u.attribute, u.value, $2
    FROM unnest($3::bigint[], $4::text[]) AS u (attribute, value)
    ORDER BY u.attribute, u.value
    ON CONFLICT (tenant, attribute, value)
    DO UPDATE SET resource = excluded.resource WHERE v.resource = excluded.resource
    RETURNING attribute || value";

const UNCLAIM: &str = "
    DELETE FROM scim_unique_value v USING unnest($3::bigint[], $4::text[]) AS u (attribute, value)
    WHERE v.tenant = $1 AND v.attribute = u.attribute AND v.value = u.value AND v.resource = $2";

pub(crate) const INDEX: &str = "
    INSERT INTO scim_indexed_value (tenant, attribute, value, resource)
    SELECT $1, i.attribute, i.value, $2
    FROM unnest($3::bigint[], $4::text[]) AS i (attribute, value)
    ON CONFLICT DO NOTHING";

const UNINDEX: &str = "
    DELETE FROM scim_indexed_value v USING unnest($3::bigint[], $4::text[]) AS i (attribute, value)
    WHERE v.tenant = $1 AND v.attribute = i.attribute AND v.value = i.value AND v.resource = $2";

/// A write, as often as it has to be tried. What doesn't need the present state is done already.
#[derive(Debug)]
pub(crate) struct Job {
    now: i64,
    principal: Arc<str>,
    layout: Arc<TypeLayout>,
    work: Work,
    precondition: Precondition,
    returning: Option<Returning>,
    unique_name: bool,
    must_exist: Vec<Reference>,
}

#[derive(Debug)]
enum Work {
    Create(Box<New>),
    Replace(ResourceId, Resource),
    Patch(ResourceId, PatchPlan),
    Delete(ResourceId),
}

#[derive(Debug)]
struct New {
    id: ResourceId,
    document: String,
    derived: Derived,
    members: Vec<Member>,
}

impl Job {
    pub(crate) fn new(
        cx: &RequestContext,
        layout: &Arc<TypeLayout>,
        write: Write,
    ) -> Result<Self, BackendError> {
        let Write {
            resource_type,
            change,
            precondition,
            returning,
            unique_display_name,
            must_exist,
        } = write;
        let work = match change {
            // The secret is dropped: this store keeps none.
            Change::Create { id, mut resource, secret: _ } => {
                let members = resource.take_members();
                let attributes = resource.into_attributes();
                Work::Create(Box::new(New {
                    // Version 7 begins with the time, so that neighbours in time are neighbours in
                    // the indexes.
                    id: match id {
                        Some(id) => id,
                        None => ResourceId::new(uuid::Uuid::now_v7().to_string())?,
                    },
                    document: document_text(&resource_type, &attributes),
                    derived: layout.derive(&attributes),
                    members,
                }))
            }
            Change::Replace { id, resource, secret: _ } => Work::Replace(id, resource),
            Change::Patch { id, plan } => Work::Patch(id, plan),
            Change::Delete { id } => Work::Delete(id),
        };
        Ok(Self {
            now: cx.now.as_micros(),
            principal: Arc::clone(&cx.principal),
            layout: Arc::clone(layout),
            work,
            precondition,
            returning,
            unique_name: unique_display_name,
            must_exist,
        })
    }

    pub(crate) fn is_create(&self) -> bool {
        matches!(self.work, Work::Create(_))
    }

    /// Does the work, in the transaction. The caller undoes what was done of it when it fails.
    pub(crate) async fn perform(&self, desk: Desk<'_>) -> Result<Done, Failure> {
        let target = Target { desk, job: self };
        let (id, outcome) = match &self.work {
            Work::Create(new) => (&new.id, target.create(new).await?),
            Work::Replace(id, resource) => (id, target.replace(id, resource).await?),
            Work::Patch(id, plan) => (id, target.patch(id, plan).await?),
            Work::Delete(id) => {
                let (found, leaves_rows) = target.delete(id).await?;
                let version = version(found.version);
                let written = Written { id: id.clone(), version, changed: true, returned: None };
                let population = Some((self.layout.key, -1));
                return Ok(Done { written, leaves_rows, population });
            }
        };
        let returned = match &self.returning {
            Some(returning) if target.may_return(outcome.row.key, returning).await? => {
                let Returning { wanted, member_limit, .. } = returning;
                let read = desk.loader().by_id(&self.layout, id.as_str(), wanted, *member_limit);
                Some(read.await?)
            }
            _ => None,
        };
        let version = version(outcome.row.version);
        let written = Written { id: id.clone(), version, changed: outcome.changed, returned };
        let population = self.is_create().then_some((self.layout.key, 1));
        Ok(Done { written, leaves_rows: false, population })
    }
}

/// What came of a job.
pub(crate) struct Done {
    pub(crate) written: Written,
    /// Whether rows are left for the sweep.
    pub(crate) leaves_rows: bool,
    /// How many more resources there are now of the type with that key.
    pub(crate) population: Option<(i64, i64)>,
}

/// Where jobs are done: in a transaction, for a tenant.
#[derive(Clone, Copy)]
pub(crate) struct Desk<'a> {
    pub(crate) transaction: &'a Transaction,
    pub(crate) session: &'a Session,
    pub(crate) layout: &'a Layout,
    pub(crate) generation: i64,
    pub(crate) tenant: i64,
    /// What is to be said before the first statement.
    pub(crate) opening: Opening,
}

/// What is said before the first statement of a job: sent together with it, it costs no round trip.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Opening {
    /// Nothing: an earlier job has said it.
    Said,
    /// Begins the transaction.
    Transaction,
    /// Sets a savepoint.
    Savepoint(&'static str),
}

impl<'a> Desk<'a> {
    fn loader(self) -> Loader<'a> {
        Loader { session: self.session, layout: self.layout, tenant: self.tenant }
    }

    async fn open(self) -> Result<(), Failure> {
        match self.opening {
            Opening::Said => Ok(()),
            Opening::Transaction => self.transaction.begin(Mode::Write).await,
            Opening::Savepoint(sql) => Ok(self.session.batch(sql).await?),
        }
    }

    /// # Errors
    /// When the rows are derived by other schemas or options now.
    fn check(self, generation: i64) -> Result<(), Failure> {
        if generation == self.generation { Ok(()) } else { Err(Failure::Outdated) }
    }
}

/// A resource's row as the write found or left it.
#[derive(Clone, Copy)]
struct Found {
    key: i64,
    version: i64,
}

fn version(number: i64) -> Version {
    Version::from(number.unsigned_abs())
}

struct Outcome {
    row: Found,
    changed: bool,
}

/// A job under way.
#[derive(Clone, Copy)]
struct Target<'a> {
    desk: Desk<'a>,
    job: &'a Job,
}

impl<'a> Target<'a> {
    /// Finds and holds the resource; its document too where that is wanted.
    async fn hold(
        self,
        id: &ResourceId,
        hold: &str,
        with_document: bool,
    ) -> Result<(Found, Map<String, Value>), Failure> {
        let Desk { session, tenant, .. } = self.desk;
        let id = id.as_str();
        let parameters: [(&(dyn ToSql + Sync), Type); 3] =
            [(&tenant, Type::INT8), (&id, Type::TEXT), (&self.job.layout.key, Type::INT8)];
        // The document must not be read before it is held.
        session.prepare(hold, &parameters).await?;
        session.prepare(DOCUMENT, &parameters).await?;
        let hold = async { session.query(hold, &parameters).await };
        let document = async {
            Ok(if with_document { session.query(DOCUMENT, &parameters).await? } else { Vec::new() })
        };
        let ((), held, document) = tokio::try_join!(biased; self.desk.open(), hold, document)?;
        let row = held.first().ok_or(BackendError::NotFound)?;
        self.desk.check(row.try_get(2)?)?;
        let found = Found { key: row.try_get(0)?, version: row.try_get(1)? };
        self.job.precondition.check(&version(found.version))?;
        if !matches!(self.job.work, Work::Delete(_)) {
            self.all_exist().await?;
        }
        let attributes = match document.first() {
            Some(row) => attributes(row.try_get(0)?)?,
            None => Map::new(),
        };
        Ok((found, attributes))
    }

    /// # Errors
    /// [`Reference::dangles`] for the first that must exist and does not.
    async fn all_exist(self) -> Result<(), Failure> {
        let must_exist = &self.job.must_exist;
        if must_exist.is_empty() {
            return Ok(());
        }
        let ids: Vec<&str> = must_exist.iter().map(|r| &*r.value).collect();
        let parameters: [(&(dyn ToSql + Sync), Type); 2] =
            [(&self.desk.tenant, Type::INT8), (&ids, Type::TEXT_ARRAY)];
        let mut known = HashSet::new();
        for row in self.desk.session.query(EXISTING, &parameters).await? {
            known.insert(row.try_get::<_, String>(0)?);
        }
        match must_exist.iter().find(|r| !known.contains(&*r.value)) {
            Some(reference) => Err(BackendError::from(reference.dangles()).into()),
            None => Ok(()),
        }
    }

    async fn create(self, new: &New) -> Result<Outcome, Failure> {
        let New { id, document, derived, members } = new;
        if let Err(error) = members::check(members) {
            // What comes after this one counts on the savepoint.
            self.desk.open().await?;
            return Err(error.into());
        }
        let Desk { session, tenant, .. } = self.desk;
        let id = id.as_str();
        let refers_to = refers_to(derived)?;
        let kept = self.on_demand(derived);
        let unique: BTreeSet<_> = derived.unique.union(kept).collect();
        let (unique_keys, unique_values) = pairs(unique.iter().copied());
        let (indexed_keys, indexed_values) = pairs(&derived.indexed);
        let (values, types) = members::columns(members);
        let kind = event_code(EventKind::Created);
        let principal = &*self.job.principal;
        let parameters: [(&(dyn ToSql + Sync), Type); 19] = [
            (&tenant, Type::INT8),
            (&self.job.layout.key, Type::INT8),
            (&id, Type::TEXT),
            (&self.job.now, Type::INT8),
            (&derived.external_id, Type::TEXT),
            (&derived.user_name, Type::TEXT),
            (&derived.display_name, Type::TEXT),
            (&derived.active, Type::BOOL),
            (&derived.display, Type::TEXT),
            (&refers_to, Type::TEXT_ARRAY),
            (&unique_keys, Type::INT8_ARRAY),
            (&unique_values, Type::TEXT_ARRAY),
            (&indexed_keys, Type::INT8_ARRAY),
            (&indexed_values, Type::TEXT_ARRAY),
            (document, Type::TEXT),
            (&values, Type::TEXT_ARRAY),
            (&types, Type::TEXT_ARRAY),
            (&kind, Type::INT2),
            (&principal, Type::TEXT),
        ];
        let create = async { session.query(CREATE, &parameters).await };
        let ((), (), rows) = tokio::try_join!(biased; self.desk.open(), self.all_exist(), create)?;
        let row = rows.first().ok_or(BackendError::Conflict { attribute: Cow::Borrowed("id") })?;
        self.desk.check(row.try_get(1)?)?;
        self.all_claimed(&row.try_get::<_, Vec<String>>(2)?, unique)?;
        Ok(Outcome { row: Found { key: row.try_get(0)?, version: 1 }, changed: true })
    }

    async fn replace(self, id: &ResourceId, resource: &Resource) -> Result<Outcome, Failure> {
        let (found, current) = self.hold(id, HOLD, true).await?;
        let mut resource = resource.clone();
        let members = resource.take_members();
        let attributes = resource.replacing(&current)?.into_attributes();
        let differs = attributes != current;
        if differs {
            self.write_document(found.key, &current, &attributes).await?;
        }
        let members_differ = self.job.layout.resource_type.has_members()
            && self.members(found.key).replace(&members).await?;
        self.outcome(found, differs || members_differ, EventKind::Replaced).await
    }

    /// A plan without a document part reads and writes no document.
    async fn patch(self, id: &ResourceId, plan: &PatchPlan) -> Result<Outcome, Failure> {
        let (found, current) = self.hold(id, HOLD, !plan.document.is_empty()).await?;
        let mut changed = false;
        if !plan.document.is_empty()
            && let Some(attributes) = plan.document.apply(&current)?
        {
            self.write_document(found.key, &current, &attributes).await?;
            changed = true;
        }
        changed |= self.members(found.key).apply(&plan.members).await?;
        self.outcome(found, changed, EventKind::Patched).await
    }

    async fn delete(self, id: &ResourceId) -> Result<(Found, bool), Failure> {
        let (found, current) = self.hold(id, HOLD_TO_DELETE, true).await?;
        let Desk { session, tenant, .. } = self.desk;
        let derived = self.job.layout.derive(&current);
        let id = id.as_str();
        let now = self.job.now;
        let kind = event_code(EventKind::Deleted);
        let principal = &*self.job.principal;
        let unique: BTreeSet<_> = derived.unique.union(&derived.on_demand).collect();
        let hold_groups = async {
            let parameters: [(&(dyn ToSql + Sync), Type); 2] =
                [(&tenant, Type::INT8), (&id, Type::TEXT)];
            session.query(HOLD_GROUPS, &parameters).await
        };
        let leave = async {
            let parameters: [(&(dyn ToSql + Sync), Type); 3] =
                [(&tenant, Type::INT8), (&id, Type::TEXT), (&now, Type::INT8)];
            session.execute(LEAVE_GROUPS, &parameters).await
        };
        let delete = async {
            let parameters: [(&(dyn ToSql + Sync), Type); 7] = [
                (&tenant, Type::INT8),
                (&self.job.layout.key, Type::INT8),
                (&found.key, Type::INT8),
                (&kind, Type::INT2),
                (&principal, Type::TEXT),
                (&now, Type::INT8),
                (&REMOVED_WITH_GROUP, Type::INT8),
            ];
            let rows = session.query(DELETE, &parameters).await?;
            Ok::<bool, Failure>(rows.first().map_or(Ok(false), |row| row.try_get(0))?)
        };
        let (_, _, _, _, leaves_rows) = tokio::try_join!(
            biased;
            hold_groups,
            leave,
            self.values(UNCLAIM, found.key, unique),
            self.values(UNINDEX, found.key, &derived.indexed),
            delete,
        )?;
        Ok((found, leaves_rows))
    }

    async fn write_document(
        self,
        key: i64,
        before: &Map<String, Value>,
        after: &Map<String, Value>,
    ) -> Result<(), Failure> {
        let Job { layout, .. } = self.job;
        let Desk { session, tenant, .. } = self.desk;
        let (before, derived) = (layout.derive(before), layout.derive(after));
        let text = document_text(&layout.resource_type, after);
        let refers_to = refers_to(&derived)?;
        let document = async {
            let parameters: [(&(dyn ToSql + Sync), Type); 2] =
                [(&key, Type::INT8), (&text, Type::TEXT)];
            session.execute(UPDATE_DOCUMENT, &parameters).await
        };
        let columns = async {
            if before == derived {
                return Ok(0);
            }
            let parameters = columns(&tenant, layout, &key, &derived, &refers_to);
            session.execute(UPDATE_COLUMNS, &parameters).await
        };
        // No value is both let go and claimed, so their order is no matter.
        let kept = self.on_demand(&derived);
        let gone: BTreeSet<_> = before
            .unique
            .difference(&derived.unique)
            .chain(before.on_demand.difference(kept))
            .collect();
        let new: BTreeSet<_> = derived.unique.difference(&before.unique).collect();
        let (_, _, _, _, _, claimed, again) = tokio::try_join!(
            biased;
            document,
            columns,
            self.values(UNCLAIM, key, gone),
            self.values(UNINDEX, key, before.indexed.difference(&derived.indexed)),
            self.values(INDEX, key, derived.indexed.difference(&before.indexed)),
            self.values(CLAIM, key, new.iter().copied()),
            self.values(CLAIM_AGAIN, key, kept),
        )?;
        self.all_claimed(&claimed, new)?;
        self.all_claimed(&again, kept)
    }

    /// # Errors
    /// [`BackendError::Conflict`] when one of the values was not claimed, since another resource
    /// has it.
    fn all_claimed<'k>(
        self,
        claimed: &[String],
        wanted: impl IntoIterator<Item = &'k (i64, Key)>,
    ) -> Result<(), Failure> {
        let mut wanted = wanted.into_iter();
        match wanted.find(|(key, value)| !claimed.contains(&claim(*key, value))) {
            Some((key, _)) => Err(self.conflict(*key).into()),
            None => Ok(()),
        }
    }

    /// Does something about values, and gives the names of those that a claim got.
    async fn values<'k>(
        self,
        sql: &str,
        resource: i64,
        values: impl IntoIterator<Item = &'k (i64, Key)>,
    ) -> Result<Vec<String>, Failure> {
        let (keys, values) = pairs(values);
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let parameters: [(&(dyn ToSql + Sync), Type); 4] = [
            (&self.desk.tenant, Type::INT8),
            (&resource, Type::INT8),
            (&keys, Type::INT8_ARRAY),
            (&values, Type::TEXT_ARRAY),
        ];
        let rows = self.desk.session.query(sql, &parameters).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// What must be unique since the write demands it.
    fn on_demand(self, derived: &Derived) -> &BTreeSet<(i64, Key)> {
        const NONE: &BTreeSet<(i64, Key)> = &BTreeSet::new();
        if self.job.unique_name { &derived.on_demand } else { NONE }
    }

    async fn outcome(
        self,
        found: Found,
        changed: bool,
        kind: EventKind,
    ) -> Result<Outcome, Failure> {
        if !changed {
            return Ok(Outcome { row: found, changed });
        }
        let kind = event_code(kind);
        let principal = &*self.job.principal;
        let parameters: [(&(dyn ToSql + Sync), Type); 6] = [
            (&self.desk.tenant, Type::INT8),
            (&self.job.layout.key, Type::INT8),
            (&found.key, Type::INT8),
            (&self.job.now, Type::INT8),
            (&kind, Type::INT2),
            (&principal, Type::TEXT),
        ];
        let rows = self.desk.session.query(TOUCH, &parameters).await?;
        let row = rows.first().ok_or(BackendError::NotFound)?;
        Ok(Outcome { row: Found { version: row.try_get(0)?, ..found }, changed })
    }

    async fn may_return(self, key: i64, returning: &Returning) -> Result<bool, Failure> {
        match returning.max_members {
            Some(max) if self.job.layout.resource_type.has_members() => {
                Ok(self.members(key).up_to(max).await? <= max)
            }
            _ => Ok(true),
        }
    }

    fn members(self, group: i64) -> MemberRows<'a> {
        MemberRows { loader: self.desk.loader(), group }
    }

    fn conflict(self, attribute: i64) -> BackendError {
        let unique = self.desk.layout.unique_attribute(attribute);
        let path = unique.map(|keyed| keyed.path.to_string());
        BackendError::Conflict { attribute: path.map_or(Cow::Borrowed("?"), Cow::Owned) }
    }
}

/// The parameters of [`UPDATE_COLUMNS`].
pub(crate) fn columns<'p>(
    tenant: &'p i64,
    layout: &'p TypeLayout,
    key: &'p i64,
    derived: &'p Derived,
    refers_to: &'p Option<Vec<String>>,
) -> [(&'p (dyn ToSql + Sync), Type); 9] {
    [
        (tenant, Type::INT8),
        (&layout.key, Type::INT8),
        (key, Type::INT8),
        (&derived.external_id, Type::TEXT),
        (&derived.user_name, Type::TEXT),
        (&derived.display_name, Type::TEXT),
        (&derived.active, Type::BOOL),
        (&derived.display, Type::TEXT),
        (refers_to, Type::TEXT_ARRAY),
    ]
}

/// The ids that a document refers to, as an array.
pub(crate) fn refers_to(derived: &Derived) -> Result<Option<Vec<String>>, BackendError> {
    let ids = derived.refers_to.as_deref().map(serde_json::from_str);
    ids.transpose().map_err(BackendError::internal)
}

/// The attributes and the values of rows, as two arrays.
pub(crate) fn pairs<'k>(
    values: impl IntoIterator<Item = &'k (i64, Key)>,
) -> (Vec<i64>, Vec<String>) {
    values.into_iter().map(|(key, value)| (*key, entry(value))).unzip()
}

/// The name that a claim gives back: the attribute and the entry, which begins with a letter.
pub(crate) fn claim(attribute: i64, value: &Key) -> String {
    format!("{attribute}{}", entry(value))
}

/// The attributes of a document's text.
pub(crate) fn attributes(text: &str) -> Result<Map<String, Value>, BackendError> {
    let mut attributes: Map<String, Value> =
        serde_json::from_str(text).map_err(BackendError::internal)?;
    attributes.remove("schemas");
    Ok(attributes)
}
