//! The members of a team, as rows: a change costs what is changed.

use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};
use scim_core::Member;
use scim_patch::MemberOp;
use scim_server_adapters::Members;
use serde_json::json;

use crate::Result;

/// Puts members at the end. Of those that are there and that nobody else knows it sets the type, if
/// that was not known or, with ?3, even if it was.
const ADD: &str = "
    INSERT INTO team_members (team_id, member, kind)
    SELECT ?1, value ->> 'value', value ->> 'type' FROM json_each(?2) WHERE TRUE
    ON CONFLICT (team_id, member) DO UPDATE SET kind = excluded.kind
    WHERE excluded.kind IS NOT NULL AND excluded.kind IS NOT kind AND (?3 OR kind IS NULL)
        AND NOT EXISTS (SELECT 1 FROM scim_known WHERE id = member)";

const REMOVE: &str = "
    DELETE FROM team_members
    WHERE team_id = ?1 AND member IN (SELECT value FROM json_each(?2))";

const REMOVE_OTHERS: &str = "
    DELETE FROM team_members
    WHERE team_id = ?1 AND member NOT IN (SELECT value ->> 'value' FROM json_each(?2))";

const SOME: &str = "
    SELECT member, kind, display, is_known, place FROM scim_members
    WHERE team_id = ?1 AND place > ?2 ORDER BY place LIMIT ?3 + 1";

const TEAMS_OF: &str = "
    SELECT t.id, 'Group', t.name, TRUE FROM team_members m JOIN teams t ON t.id = m.team_id
    WHERE m.member = ?1 ORDER BY t.id";

/// Applies operations in order, and tells whether they changed anything.
pub(crate) fn apply(rows: &Connection, team: &str, operations: &[MemberOp]) -> Result<bool> {
    let mut changed = false;
    for operation in operations {
        changed |= match operation {
            MemberOp::Add(members) => add(rows, team, members, false)?,
            MemberOp::Remove(values) => {
                run(rows, REMOVE, params![team, json!(values).to_string()])?
            }
            MemberOp::Clear => replace(rows, team, &[])?,
            MemberOp::Replace(members) => replace(rows, team, members)?,
            // A filter other than by value: the only one that has to read the rows.
            MemberOp::Select(select) => {
                let mut members = some(rows, team, 0, usize::MAX)?.list;
                select.apply(&mut members)? && replace(rows, team, &members)?
            }
        };
    }
    Ok(changed)
}

fn add(rows: &Connection, team: &str, members: &[Member], anew: bool) -> Result<bool> {
    run(rows, ADD, params![team, Member::list_to_json(members).to_string(), anew])
}

/// Makes these the members; those that stay keep their places.
fn replace(rows: &Connection, team: &str, members: &[Member]) -> Result<bool> {
    let values = Member::list_to_json(members).to_string();
    let removed = run(rows, REMOVE_OTHERS, params![team, values])?;
    Ok(add(rows, team, members, true)? || removed)
}

fn run(rows: &Connection, sql: &str, values: &[&dyn ToSql]) -> Result<bool> {
    Ok(rows.prepare_cached(sql)?.execute(values)? > 0)
}

/// So many members after a place.
pub(crate) fn some(rows: &Connection, team: &str, after: i64, limit: usize) -> Result<Members> {
    let most = i64::try_from(limit).unwrap_or(i64::MAX - 1);
    let mut some = rows.prepare_cached(SOME)?;
    let found = some.query_map(params![team, after, most], |r| Ok((r.get(4)?, member(r)?)))?;
    Ok(Members::after(after, found.collect::<rusqlite::Result<_>>()?, limit)?)
}

/// The teams of a user.
pub(crate) fn teams_of(rows: &Connection, user: &str) -> Result<Vec<Member>> {
    let mut teams = rows.prepare_cached(TEAMS_OF)?;
    Ok(teams.query_map([user], member)?.collect::<rusqlite::Result<_>>()?)
}

/// Who an id is, if anybody: what members and managers refer to.
pub(crate) fn known(rows: &Connection, id: &str) -> Result<Option<Member>> {
    let sql = "SELECT id, kind, display, is_known FROM scim_known WHERE id = ?1";
    Ok(rows.prepare_cached(sql)?.query_row([id], member).optional()?)
}

fn member(row: &Row<'_>) -> rusqlite::Result<Member> {
    let (value, resource_type, display, exists) =
        (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
    Ok(Member { value, resource_type, display, exists })
}
