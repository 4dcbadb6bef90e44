//! Writes to one resource, inside the writer's transaction.

use std::borrow::Cow;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};
use scim_backend_sql::{Derived, Layout, TypeLayout, event_code};
use scim_core::{
    DateTime, Member, Reference, Resource, ResourceId, ResourceType, Version, document_text,
};
use scim_patch::PatchPlan;
use scim_server_adapters::{
    BackendError, Change, EventKind, Precondition, RequestContext, Returning, Write, Written,
};
use serde_json::{Map, Value};

use crate::error::Failure;
use crate::event::RECORD;
use crate::load::Loader;
use crate::members::{MemberRows, SWEEP};
use crate::tenants::Tenants;
use crate::values::{Demand, ValueRows};

pub(crate) const DOCUMENT: &str = "SELECT document FROM scim_resource WHERE key = ?1";

/// Makes a resource, if nothing has its id.
pub(crate) const INSERT: &str = "
    INSERT INTO scim_resource (tenant, type, id, version, created, last_modified,
        external_id, user_name, display_name, active, display, refers_to, document)
    SELECT ?1, ?2, ?3, 1, ?4, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11
    WHERE NOT EXISTS (SELECT 1 FROM scim_resource WHERE tenant = ?1 AND id = ?3)
    RETURNING key";

/// Gives a resource another document and its next version.
pub(crate) const UPDATE_DOCUMENT: &str = "
    UPDATE scim_resource SET version = version + 1, last_modified = ?2, document = ?3
    WHERE key = ?1
    RETURNING version";

/// Writes the columns that are derived from the document.
pub(crate) const UPDATE_COLUMNS: &str = "
    UPDATE scim_resource SET external_id = ?2, user_name = ?3, display_name = ?4, active = ?5,
        display = ?6, refers_to = ?7
    WHERE key = ?1";

/// Gives a resource its next version.
pub(crate) const TOUCH: &str = "
    UPDATE scim_resource SET version = version + 1, last_modified = ?2 WHERE key = ?1
    RETURNING version";

/// Gives the groups of a member their next version.
pub(crate) const TOUCH_GROUPS: &str = "
    UPDATE scim_resource SET version = version + 1, last_modified = ?3
    WHERE key IN (SELECT group_key FROM scim_member WHERE tenant = ?1 AND value = ?2)";

pub(crate) const LEAVE_GROUPS: &str = "DELETE FROM scim_member WHERE tenant = ?1 AND value = ?2";

const POPULATE: &str = "
    INSERT INTO scim_population (tenant, type, resources) VALUES (?1, ?2, 1)
    ON CONFLICT DO UPDATE SET resources = resources + 1";

pub(crate) const DEPOPULATE: &str =
    "UPDATE scim_population SET resources = resources - 1 WHERE tenant = ?1 AND type = ?2";

/// Member rows of a deleted group that go with it; what is beyond is left to the sweep.
const REMOVED_WITH_GROUP: u16 = 500;

/// A write on its way to the writer. What doesn't need the present state is done already.
#[derive(Debug)]
pub(crate) struct Job {
    tenant: Arc<str>,
    principal: Arc<str>,
    now: DateTime,
    layout: Arc<TypeLayout>,
    resource_type: Arc<ResourceType>,
    kind: EventKind,
    work: Work,
    precondition: Precondition,
    returning: Option<Returning>,
    demand: Demand,
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
        let kind = EventKind::of(&change);
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
            tenant: Arc::clone(&cx.tenant),
            principal: Arc::clone(&cx.principal),
            now: cx.now,
            layout: Arc::clone(layout),
            resource_type,
            kind,
            work,
            precondition,
            returning,
            demand: if unique_display_name { Demand::UniqueName } else { Demand::None },
            must_exist,
        })
    }

    /// Whether it may leave member rows behind for the sweep.
    pub(crate) fn may_leave_rows(&self) -> bool {
        self.kind == EventKind::Deleted && self.resource_type.has_members()
    }

    /// Does the work. The caller undoes what was done of it when it fails.
    pub(crate) fn perform(
        self,
        connection: &Connection,
        layout: &Layout,
        tenants: &Tenants,
    ) -> Result<Written, Failure> {
        let tenant = if self.kind == EventKind::Created {
            tenants.find_or_add(connection, &self.tenant)?
        } else {
            tenants.find_in_write(connection, &self.tenant)?.ok_or(BackendError::NotFound)?
        };
        let loader = Loader { connection, layout, tenant };
        let target = Target {
            loader,
            layout: &self.layout,
            resource_type: &self.resource_type,
            now: self.now.as_micros(),
            demand: self.demand,
        };
        let precondition = &self.precondition;
        let (id, outcome) = match self.work {
            Work::Create(new) => {
                loader.all_exist(&self.must_exist)?;
                target.create(*new)?
            }
            Work::Replace(id, resource) => {
                let found = target.find(&id, precondition)?;
                loader.all_exist(&self.must_exist)?;
                (id, target.replace(found, resource)?)
            }
            Work::Patch(id, plan) => {
                let found = target.find(&id, precondition)?;
                loader.all_exist(&self.must_exist)?;
                (id, target.patch(found, &plan)?)
            }
            Work::Delete(id) => {
                let row = target.find(&id, precondition)?;
                target.delete(&id, row.key)?;
                (id, Outcome { row, changed: true })
            }
        };
        if outcome.changed {
            connection.prepare_cached(RECORD)?.execute((
                tenant,
                self.layout.key,
                id.as_str(),
                event_code(self.kind),
                outcome.row.version,
                &self.principal,
                self.now.as_micros(),
            ))?;
        }
        let returned = match self.returning.filter(|_| self.kind != EventKind::Deleted) {
            Some(returning) if target.may_return(outcome.row.key, &returning)? => {
                let Returning { wanted, member_limit, .. } = &returning;
                let (layout, resource_type) = (&self.layout, &self.resource_type);
                Some(loader.by_id(layout, resource_type, id.as_str(), wanted, *member_limit)?)
            }
            _ => None,
        };
        Ok(Written { id, version: outcome.row.version(), changed: outcome.changed, returned })
    }
}

/// A resource's row as the write found or left it.
#[derive(Clone, Copy)]
struct Found {
    key: i64,
    version: i64,
}

impl Found {
    fn version(self) -> Version {
        Version::from(self.version.unsigned_abs())
    }
}

struct Outcome {
    row: Found,
    changed: bool,
}

/// Where the work is done: the tenant and the type.
#[derive(Clone, Copy)]
struct Target<'a> {
    loader: Loader<'a>,
    layout: &'a TypeLayout,
    resource_type: &'a Arc<ResourceType>,
    now: i64,
    demand: Demand,
}

impl<'a> Target<'a> {
    fn find(self, id: &ResourceId, precondition: &Precondition) -> Result<Found, Failure> {
        let (key, version) = self.loader.find(self.layout, id.as_str())?;
        let found = Found { key, version };
        precondition.check(&found.version())?;
        Ok(found)
    }

    fn create(self, new: New) -> Result<(ResourceId, Outcome), Failure> {
        let New { id, document, derived, members } = new;
        let (connection, tenant) = (self.connection(), self.loader.tenant);
        let mut insert = connection.prepare_cached(INSERT)?;
        let inserted = insert.query_row(
            (
                tenant,
                self.layout.key,
                id.as_str(),
                self.now,
                &derived.external_id,
                &derived.user_name,
                &derived.display_name,
                derived.active,
                &derived.display,
                &derived.refers_to,
                document,
            ),
            |row| row.get(0),
        );
        let key = inserted
            .optional()?
            .ok_or(BackendError::Conflict { attribute: Cow::Borrowed("id") })?;
        self.values(key).update(self.loader.layout, &Derived::default(), &derived, self.demand)?;
        self.members(key).add(&members)?;
        connection.prepare_cached(POPULATE)?.execute((tenant, self.layout.key))?;
        Ok((id, Outcome { row: Found { key, version: 1 }, changed: true }))
    }

    fn replace(self, found: Found, mut resource: Resource) -> Result<Outcome, Failure> {
        let members = resource.take_members();
        let current = self.attributes(found.key)?;
        let attributes = resource.replacing(&current)?.into_attributes();
        let version = if attributes == current {
            None
        } else {
            Some(self.write_document(found.key, &current, &attributes)?)
        };
        let members_differ =
            self.resource_type.has_members() && self.members(found.key).replace(&members)?;
        self.outcome(found, version, members_differ)
    }

    /// A plan without a document part reads and writes no document.
    fn patch(self, found: Found, plan: &PatchPlan) -> Result<Outcome, Failure> {
        let mut version = None;
        if !plan.document.is_empty() {
            let current = self.attributes(found.key)?;
            if let Some(attributes) = plan.document.apply(&current)? {
                version = Some(self.write_document(found.key, &current, &attributes)?);
            }
        }
        let members_differ = self.members(found.key).apply(&plan.members)?;
        self.outcome(found, version, members_differ)
    }

    fn delete(self, id: &ResourceId, key: i64) -> Result<(), Failure> {
        let (connection, tenant) = (self.connection(), self.loader.tenant);
        let current = self.layout.derive(&self.attributes(key)?);
        self.values(key).update(self.loader.layout, &current, &Derived::default(), Demand::None)?;
        connection.prepare_cached("DELETE FROM scim_resource WHERE key = ?1")?.execute([key])?;
        connection.prepare_cached(DEPOPULATE)?.execute((tenant, self.layout.key))?;
        let member = (tenant, id.as_str());
        connection.prepare_cached(TOUCH_GROUPS)?.execute((tenant, id.as_str(), self.now))?;
        connection.prepare_cached(LEAVE_GROUPS)?.execute(member)?;
        if self.resource_type.has_members()
            && connection.prepare_cached(SWEEP)?.execute((key, REMOVED_WITH_GROUP))?
                == usize::from(REMOVED_WITH_GROUP)
        {
            connection
                .prepare_cached("INSERT INTO scim_sweep (group_key) VALUES (?1)")?
                .execute([key])?;
        }
        Ok(())
    }

    /// The attributes of the document.
    fn attributes(self, key: i64) -> Result<Map<String, Value>, Failure> {
        let mut statement = self.connection().prepare_cached(DOCUMENT)?;
        let parsed = statement.query_row([key], |row| {
            Ok(serde_json::from_str::<Map<String, Value>>(row.get_ref(0)?.as_str()?))
        })?;
        let mut attributes = parsed.map_err(BackendError::internal)?;
        attributes.remove("schemas");
        Ok(attributes)
    }

    /// Writes another document, and tells the version that it makes.
    fn write_document(
        self,
        key: i64,
        before: &Map<String, Value>,
        after: &Map<String, Value>,
    ) -> Result<i64, Failure> {
        let connection = self.connection();
        let (before, derived) = (self.layout.derive(before), self.layout.derive(after));
        self.values(key).update(self.loader.layout, &before, &derived, self.demand)?;
        if before != derived {
            connection.prepare_cached(UPDATE_COLUMNS)?.execute((
                key,
                &derived.external_id,
                &derived.user_name,
                &derived.display_name,
                derived.active,
                &derived.display,
                &derived.refers_to,
            ))?;
        }
        let text = document_text(self.resource_type, after);
        let mut update = connection.prepare_cached(UPDATE_DOCUMENT)?;
        Ok(update.query_row((key, self.now, text), |row| row.get(0))?)
    }

    /// What became of a resource: a new document made a version, and other members make one.
    fn outcome(
        self,
        found: Found,
        version: Option<i64>,
        members_differ: bool,
    ) -> Result<Outcome, Failure> {
        let version = match version {
            None if members_differ => {
                let mut touch = self.connection().prepare_cached(TOUCH)?;
                Some(touch.query_row((found.key, self.now), |row| row.get(0))?)
            }
            known => known,
        };
        let row = version.map_or(found, |version| Found { version, ..found });
        Ok(Outcome { row, changed: version.is_some() })
    }

    fn may_return(self, key: i64, returning: &Returning) -> rusqlite::Result<bool> {
        match returning.max_members {
            Some(max) if self.resource_type.has_members() => {
                Ok(self.members(key).up_to(max)? <= max)
            }
            _ => Ok(true),
        }
    }

    fn members(self, group: i64) -> MemberRows<'a> {
        MemberRows { loader: self.loader, group }
    }

    fn values(self, resource: i64) -> ValueRows<'a> {
        let Loader { connection, tenant, .. } = self.loader;
        ValueRows { connection, tenant, resource }
    }

    fn connection(self) -> &'a Connection {
        self.loader.connection
    }
}
