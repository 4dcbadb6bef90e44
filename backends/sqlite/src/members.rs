//! The rows of a group's members.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rusqlite::Connection;
use scim_core::Member;
use scim_patch::MemberOp;

use crate::error::Failure;
use crate::load::Loader;

/// Puts a member at the end. One that is there already stays where it is.
pub(crate) const ADD: &str = "
    INSERT INTO scim_member (group_key, position, tenant, value, type)
    VALUES (?1, (SELECT coalesce(max(position), 0) + 1 FROM scim_member WHERE group_key = ?1), ?2, ?3, ?4)
    ON CONFLICT (tenant, value, group_key) DO NOTHING";

/// Sets the type of a member of which none is known: the client said none, and no resource tells.
pub(crate) const SET_UNKNOWN_TYPE: &str = "
    UPDATE scim_member SET type = ?4
    WHERE tenant = ?2 AND value = ?3 AND group_key = ?1 AND type IS NULL
        AND NOT EXISTS (SELECT 1 FROM scim_resource r WHERE r.tenant = ?2 AND r.id = ?3)";

/// Sets the type of a member to the one given, unless a resource tells another.
pub(crate) const SET_GIVEN_TYPE: &str = "
    UPDATE scim_member SET type = ?4
    WHERE tenant = ?2 AND value = ?3 AND group_key = ?1 AND type IS NOT ?4
        AND NOT EXISTS (SELECT 1 FROM scim_resource r WHERE r.tenant = ?2 AND r.id = ?3)";

pub(crate) const SET_TYPE: &str =
    "UPDATE scim_member SET type = ?4 WHERE tenant = ?2 AND value = ?3 AND group_key = ?1";

pub(crate) const REMOVE: &str =
    "DELETE FROM scim_member WHERE tenant = ?2 AND value = ?3 AND group_key = ?1";

pub(crate) const CLEAR: &str = "DELETE FROM scim_member WHERE group_key = ?1";

pub(crate) const VALUES: &str = "SELECT value FROM scim_member WHERE group_key = ?1";

/// Removes some of the rows of a deleted group.
pub(crate) const SWEEP: &str = "
    DELETE FROM scim_member WHERE group_key = ?1 AND position IN (
        SELECT position FROM scim_member WHERE group_key = ?1 ORDER BY position LIMIT ?2)";

pub(crate) const UP_TO: &str =
    "SELECT count(*) FROM (SELECT 1 FROM scim_member WHERE group_key = ?1 LIMIT ?2)";

/// The member rows of one group, for writing.
#[derive(Clone, Copy)]
pub(crate) struct MemberRows<'a> {
    pub(crate) loader: Loader<'a>,
    /// The group's key.
    pub(crate) group: i64,
}

impl<'a> MemberRows<'a> {
    /// Applies operations in order, as [`scim_patch::apply_members`] does to a list, and tells
    /// whether one of them changed anything. Only [`MemberOp::Replace`] and [`MemberOp::Select`]
    /// read rows other than those they name.
    pub(crate) fn apply(self, operations: &[MemberOp]) -> Result<bool, Failure> {
        let mut changed = false;
        for operation in operations {
            changed |= match operation {
                MemberOp::Add(given) => self.add(given)?,
                MemberOp::Remove(values) => self.remove(values)?,
                MemberOp::Clear => self.clear()?,
                MemberOp::Replace(given) => self.replace(given)?,
                MemberOp::Select(select) => {
                    let before = self.loader.members(self.group, 0, usize::MAX)?.list;
                    let mut after = before.clone();
                    select.apply(&mut after)? && self.write_difference(&before, &after)?
                }
            };
        }
        Ok(changed)
    }

    /// Makes these members, at the end of the list and in their order.
    pub(crate) fn add(self, given: &[Member]) -> Result<bool, Failure> {
        self.add_or_set_type(given, SET_UNKNOWN_TYPE)
    }

    fn add_or_set_type(self, given: &[Member], set_type: &str) -> Result<bool, Failure> {
        let tenant = self.loader.tenant;
        let mut add = self.connection().prepare_cached(ADD)?;
        let mut changed = false;
        for member in given {
            let row = (self.group, tenant, &member.value, &member.resource_type);
            let mut rows = add.execute(row)?;
            if rows == 0 && member.resource_type.is_some() {
                rows = self.connection().prepare_cached(set_type)?.execute(row)?;
            }
            changed |= rows > 0;
        }
        Ok(changed)
    }

    fn remove(self, values: &[Arc<str>]) -> Result<bool, Failure> {
        let mut remove = self.connection().prepare_cached(REMOVE)?;
        let mut changed = false;
        for value in values {
            changed |= remove.execute((self.group, self.loader.tenant, value))? > 0;
        }
        Ok(changed)
    }

    fn clear(self) -> Result<bool, Failure> {
        Ok(self.connection().prepare_cached(CLEAR)?.execute([self.group])? > 0)
    }

    /// Makes these the members and no others; those that stay keep their rows, with the type that
    /// is given.
    pub(crate) fn replace(self, given: &[Member]) -> Result<bool, Failure> {
        if given.is_empty() {
            return self.clear();
        }
        let kept: HashSet<&str> = given.iter().map(|m| &*m.value).collect();
        let removed = self.remove(&self.values_outside(&kept)?)?;
        Ok(self.add_or_set_type(given, SET_GIVEN_TYPE)? || removed)
    }

    fn values_outside(self, kept: &HashSet<&str>) -> Result<Vec<Arc<str>>, Failure> {
        let mut statement = self.connection().prepare_cached(VALUES)?;
        let mut rows = statement.query([self.group])?;
        let mut outside = Vec::new();
        while let Some(row) = rows.next()? {
            let value = row.get_ref(0)?;
            if value.as_str().is_ok_and(|value| !kept.contains(value)) {
                outside.push(row.get(0)?);
            }
        }
        Ok(outside)
    }

    fn write_difference(self, before: &[Member], after: &[Member]) -> Result<bool, Failure> {
        let kept: HashSet<&str> = after.iter().map(|m| &*m.value).collect();
        let gone = before.iter().filter(|m| !kept.contains(&*m.value));
        let gone: Vec<Arc<str>> = gone.map(|m| Arc::clone(&m.value)).collect();
        let mut changed = self.remove(&gone)?;
        let types: HashMap<&str, &Option<Arc<str>>> =
            before.iter().map(|m| (&*m.value, &m.resource_type)).collect();
        let mut new = Vec::new();
        for member in after {
            match types.get(&*member.value) {
                None => new.push(member.clone()),
                Some(known) if **known != member.resource_type => {
                    let row =
                        (self.group, self.loader.tenant, &member.value, &member.resource_type);
                    changed |= self.connection().prepare_cached(SET_TYPE)?.execute(row)? > 0;
                }
                Some(_) => {}
            }
        }
        Ok(self.add(&new)? || changed)
    }

    /// How many members there are, counting no further than one beyond that many.
    pub(crate) fn up_to(self, many: usize) -> rusqlite::Result<usize> {
        let limit = i64::try_from(many).unwrap_or(i64::MAX).saturating_add(1);
        let mut statement = self.connection().prepare_cached(UP_TO)?;
        let found: i64 = statement.query_row((self.group, limit), |row| row.get(0))?;
        Ok(usize::try_from(found).unwrap_or(usize::MAX))
    }

    fn connection(self) -> &'a Connection {
        self.loader.connection
    }
}
