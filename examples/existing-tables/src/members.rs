//! The members of a team, as rows: a change costs what is changed.

use rusqlite::{Connection, OptionalExtension as _, params};
use scim_core::{Member, ScimError, ScimType};
use scim_patch::MemberOp;
use scim_server_adapters::{Members, Position};
use serde_json::json;

use crate::error::Fault;

/// Puts a member at the end. Of one that is there it sets the type, if that was not known or, with
/// ?4, even if it was.
const ADD: &str = "
    INSERT INTO team_members (team_id, place, member, kind) VALUES (?1,
        (SELECT coalesce(max(place), 0) + 1 FROM team_members WHERE team_id = ?1), ?2, ?3)
    ON CONFLICT (team_id, member) DO UPDATE SET kind = excluded.kind
    WHERE excluded.kind IS NOT NULL AND excluded.kind IS NOT kind AND (?4 OR kind IS NULL)";

const REMOVE: &str = "DELETE FROM team_members WHERE team_id = ?1 AND member = ?2";

/// Removes all but those in an array.
const REMOVE_OTHERS: &str = "
    DELETE FROM team_members
    WHERE team_id = ?1 AND member NOT IN (SELECT value FROM json_each(?2))";

const SOME: &str = "
    SELECT m.place, m.member, m.kind, u.id IS NOT NULL, u.display_name, t.id IS NOT NULL, t.name
    FROM team_members m LEFT JOIN users u ON u.id = m.member LEFT JOIN teams t ON t.id = m.member
    WHERE m.team_id = ?1 AND m.place > ?2 ORDER BY m.place LIMIT ?3";

const KNOWN: &str = "
    SELECT 'User', display_name FROM users WHERE id = ?1
    UNION ALL SELECT 'Group', name FROM teams WHERE id = ?1";

/// Who an id is, if anybody: what members and managers refer to.
pub(crate) fn known(connection: &Connection, id: &str) -> rusqlite::Result<Option<Member>> {
    let mut statement = connection.prepare_cached(KNOWN)?;
    let found = statement.query_row([id], |row| {
        let (kind, display) = (row.get(0)?, row.get(1)?);
        Ok(Member { value: id.into(), resource_type: Some(kind), display, exists: true })
    });
    found.optional()
}

/// Adds members; `replacing` them also changes the types that are known.
pub(crate) fn add(
    connection: &Connection,
    team: &str,
    members: &[Member],
    replacing: bool,
) -> rusqlite::Result<bool> {
    let mut add = connection.prepare_cached(ADD)?;
    let mut changed = false;
    for member in members {
        // Of somebody who is here, the tables tell the type.
        let is_known = known(connection, &member.value)?.is_some();
        let kind = member.resource_type.as_ref().filter(|_| !is_known);
        changed |= add.execute(params![team, member.value, kind, replacing])? > 0;
    }
    Ok(changed)
}

/// Makes these the members; those that stay keep their places.
pub(crate) fn replace(
    connection: &Connection,
    team: &str,
    members: &[Member],
) -> rusqlite::Result<bool> {
    let values: Vec<&str> = members.iter().map(|member| &*member.value).collect();
    let mut remove = connection.prepare_cached(REMOVE_OTHERS)?;
    let removed = remove.execute(params![team, json!(values).to_string()])? > 0;
    Ok(add(connection, team, members, true)? || removed)
}

/// Applies the operations of a PATCH in order, and tells whether they changed anything.
pub(crate) fn apply(
    connection: &Connection,
    team: &str,
    operations: &[MemberOp],
) -> Result<bool, Fault> {
    let mut changed = false;
    for operation in operations {
        changed |= match operation {
            MemberOp::Add(members) => add(connection, team, members, false)?,
            MemberOp::Remove(values) => {
                let mut remove = connection.prepare_cached(REMOVE)?;
                let mut removed = 0;
                for value in values {
                    removed += remove.execute(params![team, value])?;
                }
                removed > 0
            }
            MemberOp::Clear => replace(connection, team, &[])?,
            MemberOp::Replace(members) => replace(connection, team, members)?,
            // A filter other than by value: the only one that has to read the rows.
            MemberOp::Select(select) => {
                let mut members = some(connection, team, 0, usize::MAX)?.list;
                select.apply(&mut members)? && replace(connection, team, &members)?
            }
        };
    }
    Ok(changed)
}

/// So many members after a place.
pub(crate) fn some(
    connection: &Connection,
    team: &str,
    after: i64,
    limit: usize,
) -> rusqlite::Result<Members> {
    let mut statement = connection.prepare_cached(SOME)?;
    let one_more = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![team, after, one_more])?;
    let (mut list, mut last) = (Vec::new(), after);
    while let Some(row) = rows.next()? {
        if list.len() == limit {
            return Ok(Members { list, next: Some(Position(last.to_be_bytes().into())) });
        }
        last = row.get(0)?;
        let (is_user, is_team) = (row.get(3)?, row.get(5)?);
        let (resource_type, display) = match (is_user, is_team) {
            (true, _) => (Some("User".into()), row.get(4)?),
            (false, true) => (Some("Group".into()), row.get(6)?),
            (false, false) => (row.get(2)?, None),
        };
        let exists = is_user || is_team;
        list.push(Member { value: row.get(1)?, resource_type, display, exists });
    }
    Ok(Members::to_the_end(list))
}

/// The place that a position of `some` names.
pub(crate) fn place(position: &Position) -> Result<i64, ScimError> {
    let bytes = <[u8; 8]>::try_from(&*position.0);
    let bytes = bytes.map_err(|_| ScimError::new(ScimType::InvalidCursor, "no such position"))?;
    Ok(i64::from_be_bytes(bytes))
}
