//! The rows of a group's members. Whoever changes them has locked the row of the group.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use scim_core::{Member, ScimError};
use scim_patch::MemberOp;
use tokio_postgres::types::Type;

use crate::error::Failure;
use crate::load::{Loader, one_more};
use crate::query::UP_TO;

/// Bytes that a member's `value` may have: more than an id has, and less than an index can take.
const LONGEST_VALUE: usize = 1_000;

/// Puts members at the end, in their order. Those that are there already stay where they are.
const ADD: &str = "
    INSERT INTO scim_member (group_key, tenant, value, type)
    SELECT $1, $2, g.value, g.type
    FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS g (value, type, place)
    ORDER BY g.place
    ON CONFLICT (tenant, value, group_key) DO NOTHING";

/// Sets the type of members of which none is known: the client said none, and no resource tells.
const SET_UNKNOWN_TYPES: &str = "
    UPDATE scim_member m SET type = g.type
    FROM unnest($3::text[], $4::text[]) AS g (value, type)
    WHERE m.tenant = $2 AND m.value = g.value AND m.group_key = $1 AND m.type IS NULL
        AND NOT EXISTS (SELECT 1 FROM scim_resource r WHERE r.tenant = $2 AND r.id = g.value)";

/// Sets the types of members to those given, unless a resource tells another.
const SET_GIVEN_TYPES: &str = "
    UPDATE scim_member m SET type = g.type
    FROM unnest($3::text[], $4::text[]) AS g (value, type)
    WHERE m.tenant = $2 AND m.value = g.value AND m.group_key = $1
        AND m.type IS DISTINCT FROM g.type
        AND NOT EXISTS (SELECT 1 FROM scim_resource r WHERE r.tenant = $2 AND r.id = g.value)";

const SET_TYPES: &str = "
    UPDATE scim_member m SET type = g.type
    FROM unnest($3::text[], $4::text[]) AS g (value, type)
    WHERE m.tenant = $2 AND m.value = g.value AND m.group_key = $1";

const REMOVE: &str =
    "DELETE FROM scim_member WHERE tenant = $2 AND value = ANY ($3) AND group_key = $1";

const CLEAR: &str = "DELETE FROM scim_member WHERE group_key = $1";

const VALUES: &str = "SELECT value FROM scim_member WHERE group_key = $1";

/// All of them, for the test of their plans.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 7] =
    [ADD, SET_UNKNOWN_TYPES, SET_GIVEN_TYPES, SET_TYPES, REMOVE, CLEAR, VALUES];

/// The member rows of one group, for writing.
#[derive(Clone, Copy)]
pub(crate) struct MemberRows<'a> {
    pub(crate) loader: Loader<'a>,
    /// The group's key.
    pub(crate) group: i64,
}

impl MemberRows<'_> {
    /// Applies operations in order, as [`scim_patch::apply_members`] does to a list, and tells
    /// whether one of them changed anything. Only [`MemberOp::Replace`] and [`MemberOp::Select`]
    /// read rows other than those they name.
    pub(crate) async fn apply(self, operations: &[MemberOp]) -> Result<bool, Failure> {
        let mut changed = false;
        for operation in operations {
            changed |= match operation {
                MemberOp::Add(given) => self.add(given).await?,
                MemberOp::Remove(values) => self.remove(values).await?,
                MemberOp::Clear => self.clear().await?,
                MemberOp::Replace(given) => self.replace(given).await?,
                MemberOp::Select(select) => {
                    let before = self.loader.all_members(self.group).await?;
                    let mut after = before.clone();
                    select.apply(&mut after)? && self.write_difference(&before, &after).await?
                }
            };
        }
        Ok(changed)
    }

    /// Makes these members, at the end of the list and in their order.
    pub(crate) async fn add(self, given: &[Member]) -> Result<bool, Failure> {
        self.add_or_set_type(given, SET_UNKNOWN_TYPES).await
    }

    async fn add_or_set_type(self, given: &[Member], set_types: &str) -> Result<bool, Failure> {
        if given.is_empty() {
            return Ok(false);
        }
        check(given)?;
        let Loader { session, tenant, .. } = self.loader;
        let (values, types) = columns(given);
        let add = async {
            let parameters: [_; 4] = [
                (&self.group as _, Type::INT8),
                (&tenant as _, Type::INT8),
                (&values as _, Type::TEXT_ARRAY),
                (&types as _, Type::TEXT_ARRAY),
            ];
            session.execute(ADD, &parameters).await
        };
        let typed: Vec<&Member> = given.iter().filter(|m| m.resource_type.is_some()).collect();
        let set = async {
            if typed.is_empty() {
                return Ok(0);
            }
            let (values, types) = columns(typed.iter().copied());
            let parameters: [_; 4] = [
                (&self.group as _, Type::INT8),
                (&tenant as _, Type::INT8),
                (&values as _, Type::TEXT_ARRAY),
                (&types as _, Type::TEXT_ARRAY),
            ];
            session.execute(set_types, &parameters).await
        };
        // Those that are new have their type already, so the second leaves them alone.
        let (added, set) = tokio::try_join!(biased; add, set)?;
        Ok(added + set > 0)
    }

    async fn remove(self, values: &[Arc<str>]) -> Result<bool, Failure> {
        if values.is_empty() {
            return Ok(false);
        }
        let values: Vec<&str> = values.iter().map(|value| &**value).collect();
        let parameters: [_; 3] = [
            (&self.group as _, Type::INT8),
            (&self.loader.tenant as _, Type::INT8),
            (&values as _, Type::TEXT_ARRAY),
        ];
        Ok(self.loader.session.execute(REMOVE, &parameters).await? > 0)
    }

    async fn clear(self) -> Result<bool, Failure> {
        Ok(self.loader.session.execute(CLEAR, &[(&self.group, Type::INT8)]).await? > 0)
    }

    /// Makes these the members and no others; those that stay keep their rows, with the type that
    /// is given.
    pub(crate) async fn replace(self, given: &[Member]) -> Result<bool, Failure> {
        if given.is_empty() {
            return self.clear().await;
        }
        let kept: HashSet<&str> = given.iter().map(|m| &*m.value).collect();
        let removed = self.remove(&self.values_outside(&kept).await?).await?;
        Ok(self.add_or_set_type(given, SET_GIVEN_TYPES).await? || removed)
    }

    async fn values_outside(self, kept: &HashSet<&str>) -> Result<Vec<Arc<str>>, Failure> {
        let rows = self.loader.session.query(VALUES, &[(&self.group, Type::INT8)]).await?;
        let mut outside = Vec::new();
        for row in &rows {
            let value: &str = row.try_get(0)?;
            if !kept.contains(value) {
                outside.push(value.into());
            }
        }
        Ok(outside)
    }

    async fn write_difference(self, before: &[Member], after: &[Member]) -> Result<bool, Failure> {
        let kept: HashSet<&str> = after.iter().map(|m| &*m.value).collect();
        let gone = before.iter().filter(|m| !kept.contains(&*m.value));
        let gone: Vec<Arc<str>> = gone.map(|m| Arc::clone(&m.value)).collect();
        let mut changed = self.remove(&gone).await?;
        let types: HashMap<&str, &Option<Arc<str>>> =
            before.iter().map(|m| (&*m.value, &m.resource_type)).collect();
        let (mut new, mut other_type) = (Vec::new(), Vec::new());
        for member in after {
            match types.get(&*member.value) {
                None => new.push(member.clone()),
                Some(known) if **known != member.resource_type => other_type.push(member),
                Some(_) => {}
            }
        }
        if !other_type.is_empty() {
            let (values, types) = columns(other_type);
            let parameters: [_; 4] = [
                (&self.group as _, Type::INT8),
                (&self.loader.tenant as _, Type::INT8),
                (&values as _, Type::TEXT_ARRAY),
                (&types as _, Type::TEXT_ARRAY),
            ];
            changed |= self.loader.session.execute(SET_TYPES, &parameters).await? > 0;
        }
        Ok(self.add(&new).await? || changed)
    }

    /// How many members there are, counting no further than one beyond that many.
    pub(crate) async fn up_to(self, many: usize) -> Result<usize, Failure> {
        let limit = one_more(many);
        let parameters: [_; 2] = [(&self.group as _, Type::INT8), (&limit as _, Type::INT8)];
        let rows = self.loader.session.query(UP_TO, &parameters).await?;
        let found: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
        Ok(usize::try_from(found).unwrap_or(usize::MAX))
    }
}

/// # Errors
/// 400 `invalidValue` for what the index of members cannot take, which can be nobody's id.
pub(crate) fn check(given: &[Member]) -> Result<(), ScimError> {
    match given.iter().find(|member| member.value.len() > LONGEST_VALUE) {
        Some(_) => Err(ScimError::invalid_value(format!(
            "`members`: the `value` of a member is longer than {LONGEST_VALUE} bytes, \
             which no id of a resource is"
        ))),
        None => Ok(()),
    }
}

/// The values and the types of members, as two arrays.
pub(crate) fn columns<'m>(
    given: impl IntoIterator<Item = &'m Member>,
) -> (Vec<&'m str>, Vec<Option<&'m str>>) {
    given.into_iter().map(|m| (&*m.value, m.resource_type.as_deref())).unzip()
}
