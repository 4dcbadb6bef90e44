//! The members of a group, some at a time.

use std::sync::Arc;

use scim_core::{Member, ResourceId};
use scim_server_adapters::{Members, Position, Query, Start, Stored};
use serde_json::{Value, json};

use super::breach::{Attempt, Breach, Outcome, holds, same, some};
use super::check::{Check, Need};
use super::store::{Store, add, everything, nobody, patch, query, remove, returning, set};
use super::types::{group, user};

pub(crate) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "members::first_by_get",
            "Of the members of a group the first `member_limit` at most are read; `members` gives \
             the rest, in the order in which they were added",
            first_by_get,
        ),
        Check::new(
            "members::first_in_a_page",
            "If a page holds one group with more members than `member_limit`, it holds as many of \
             them",
            first_in_a_page,
        ),
        Check::new(
            "members::first_from_a_write",
            "Of a group that a write gives back, `member_limit` members at most",
            first_from_a_write,
        ),
        Check::new(
            "members::walk_during_writes",
            "Going on from position to position gives every member that is there throughout exactly \
             once, whatever is added and removed meanwhile; a position stays good when the member is \
             gone that it was taken at",
            walk_during_writes,
        ),
        Check::new(
            "members::of_a_group_that_is_gone",
            "BackendError::NotFound when the tenant has no group of that type and id, or no longer",
            of_a_group_that_is_gone,
        ),
        Check::new(
            "members::of_another_tenants_group",
            "Another tenant's id behaves as one that does not exist",
            of_another_tenants_group,
        )
        .needing(&[Need::Tenants]),
        Check::new(
            "members::strange_position",
            "Any error for a position that is none of the backend's",
            strange_position,
        ),
    ]
}

/// A group of seven: some that exist, some that do not.
async fn seven(store: &Store) -> Outcome<ResourceId> {
    let babs = json!({"userName": "bjensen", "displayName": "Babs"});
    let babs = store.create(&user(), babs).await?.done()?.id;
    let inner = store.create_group("Inner", &[]).await?;
    let members = json!([
        {"value": "x"}, {"value": babs.as_str()}, {"value": "c", "type": "User"},
        {"value": inner.as_str()}, {"value": "b"}, {"value": "a"},
    ]);
    let body = json!({"displayName": "Seven", "members": members});
    let team = store.create(&group(), body).await?.done()?.id;
    // Neighbours, so that a group's members are told from those of others.
    store.create_group("Before", &[&babs, &inner]).await?;
    store.patch(&group(), &team, add(&["last"])).await?.done()?;
    store.create_group("After", &[&babs]).await?;
    Ok(team)
}

async fn get(store: &Store, id: &ResourceId, limit: usize) -> Outcome<Members> {
    let wanted = everything(&group());
    let found = store.backend.get(&store.cx, &group(), id, &wanted, limit).await;
    let doing = format!("get Group `{id}`, member_limit {limit}");
    let stored = Attempt { doing, result: found }.done()?;
    some("`members` of a group, where wanted", stored.members)
}

async fn next(store: &Store, id: &ResourceId, after: &Position, limit: usize) -> Attempt<Members> {
    let result = store.backend.members(&store.cx, &group(), id, after, limit).await;
    Attempt { doing: format!("members of Group `{id}` after {after:?}, limit {limit}"), result }
}

/// The first members, which must be so many of all, and the rest that follows them.
async fn first_and_rest(
    store: &Store,
    id: &ResourceId,
    all: &[Member],
    first: Members,
    limit: usize,
) -> Outcome {
    let expected = all.get(..limit).unwrap_or(all);
    same(format_args!("the first {limit} members"), first.list.as_slice(), expected)?;
    same("whether there are more", first.next.is_some(), limit < all.len())?;
    for at_once in [1, 2, 3, 100] {
        let mut walked = first.clone();
        // Each gives one at least.
        for _ in 0..=all.len() {
            let Some(position) = walked.next.take() else { break };
            let part = next(store, id, &position, at_once).await.done()?;
            let read = part.list.len();
            holds(format_args!("1 to {at_once} members"), (1..=at_once).contains(&read), read)?;
            walked.list.extend(part.list);
            walked.next = part.next;
        }
        same(format_args!("all members, {at_once} at once"), walked.list.as_slice(), all)?;
        same("the end", walked.next, None)?;
    }
    Ok(())
}

async fn first_by_get(store: Store) -> Outcome {
    let team = seven(&store).await?;
    let all = get(&store, &team, usize::MAX).await?;
    same("the number of members", all.list.len(), 7)?;
    same("whether there are more", all.next, None)?;
    for limit in [0, 1, 3, 6, 7, 8] {
        let first = get(&store, &team, limit).await?;
        first_and_rest(&store, &team, &all.list, first, limit).await?;
    }
    let empty = store.create_group("Empty", &[]).await?;
    for limit in [0, 1] {
        same("no members", get(&store, &empty, limit).await?, Members::default())?;
    }
    Ok(())
}

async fn first_in_a_page(store: Store) -> Outcome {
    let team = seven(&store).await?;
    let all = get(&store, &team, usize::MAX).await?.list;
    for member_limit in [1, 3, 6, 7] {
        let mut asked = Query { member_limit, ..query(&group()) };
        let mut listed: Vec<Stored> = Vec::new();
        for _ in 0..10 {
            let page = store.page(&asked).await?;
            let held = page.resources.iter().filter_map(|stored| stored.members.as_ref());
            let held: usize = held.map(|members| members.list.len()).sum();
            holds(
                format_args!("at most {member_limit} members in a page"),
                held <= member_limit,
                held,
            )?;
            listed.extend(page.resources);
            let Some(position) = page.next else { break };
            asked.start = Start::After(position);
        }
        same("the number of groups", listed.len(), 4)?;
        let found = listed.into_iter().find(|stored| stored.id == team);
        let found = some("the group in the list", found)?;
        let first = some("`members` of a group, where wanted", found.members)?;
        first_and_rest(&store, &team, &all, first, member_limit).await?;
    }
    Ok(())
}

async fn first_from_a_write(store: Store) -> Outcome {
    let team = seven(&store).await?;
    let all = get(&store, &team, usize::MAX).await?.list;
    for (n, member_limit) in [0, 2, 7].into_iter().enumerate() {
        let write = patch(&group(), &team, set("displayName", format!("{n}")))?;
        let mut write = returning(write, &everything(&group()), None);
        if let Some(returning) = &mut write.returning {
            returning.member_limit = member_limit;
        }
        let doing = format!("patch, returning, member_limit {member_limit}");
        let written = store.perform(doing, write).await.done()?;
        let returned = some("the group that a write returns", written.returned)?;
        let first = some("`members` of a group, where wanted", returned.members)?;
        first_and_rest(&store, &team, &all, first, member_limit).await?;
    }
    Ok(())
}

async fn walk_during_writes(store: Store) -> Outcome {
    let value = |n: usize| format!("m{n}");
    let stays = |n: usize| n % 3 != 1;
    let count = 60;
    let members = (0..count).map(|n| {
        let of = if n % 6 == 4 { "Group" } else { "User" };
        json!({"value": value(n), "type": of})
    });
    let body = json!({"displayName": "Team", "members": members.collect::<Vec<Value>>()});
    let team = store.create(&group(), body).await?.done()?.id;
    let staying: Vec<String> = (0..count).filter(|n| stays(*n)).map(value).collect();
    let mut seen: Vec<Arc<str>> = Vec::new();
    let mut part = get(&store, &team, 2).await?;
    for round in 0.. {
        seen.extend(part.list.iter().map(|member| Arc::clone(&member.value)));
        let Some(position) = part.next else { break };
        // The one that it was read up to may go, others before and after it too, new ones come.
        if let Some(last) = seen.last().filter(|last| !staying.iter().any(|s| **s == ***last)) {
            store.patch(&group(), &team, remove(last)).await?.done()?;
        }
        let change = match round {
            0..5 => add(&[format!("new{round}")]),
            5 => remove(&value(1)),
            6 => remove(&value(count - 2)),
            // One that the walk comes to later leaves and joins again.
            7 => json!([
                {"op": "remove", "path": "members[value eq \"m52\"]"},
                {"op": "add", "path": "members", "value": [{"value": "m52", "type": "User"}]},
            ]),
            8 => json!([{"op": "remove", "path": "members[type eq \"Group\"]"}]),
            9 => {
                let kept = staying.iter().rev().map(|v| json!({"value": v, "type": "User"}));
                let kept: Vec<Value> = kept.chain([json!({"value": "put"})]).collect();
                let body = json!({"displayName": "Team", "members": kept});
                store.replace(&group(), &team, body).await?.done()?;
                set("displayName", "Renamed")
            }
            10..20 => add(&[format!("new{round}")]),
            1_000.. => return Err(Breach::new("a walk that ends", "1,000 rounds")),
            _ => set("displayName", format!("Team {round}")),
        };
        store.patch(&group(), &team, change).await?.done()?;
        part = next(&store, &team, &position, 2).await.done()?;
    }
    let mut once = seen.clone();
    once.retain(|value| staying.iter().any(|s| **s == **value));
    let once: Vec<&str> = once.iter().map(|value| &**value).collect();
    same("those that stayed, each once, in order", once, staying)
}

async fn of_a_group_that_is_gone(store: Store) -> Outcome {
    let team = seven(&store).await?;
    let position = some("a position", get(&store, &team, 2).await?.next)?;
    let nobody = nobody()?;
    next(&store, &nobody, &position, 2).await.not_found()?;
    let id = store.create_user("x").await?;
    next(&store, &id, &position, 2).await.not_found()?;
    store.delete(&group(), &team).await.done()?;
    next(&store, &team, &position, 2).await.not_found()
}

async fn of_another_tenants_group(store: Store) -> Outcome {
    let team = seven(&store).await?;
    let position = some("a position", get(&store, &team, 2).await?.next)?;
    let empty = store.other_tenant("b");
    next(&empty, &team, &position, 2).await.not_found()?;
    let other = store.other_tenant("c");
    let own = other.create_group("Own", &[&team]).await?;
    next(&other, &team, &position, 2).await.not_found()?;
    // A position is a place, not a permission.
    if let Ok(members) = next(&other, &own, &position, 100).await.result {
        let foreign = members.list.iter().any(|member| *member.value != *team.as_str());
        holds("none but the group's own members", !foreign, members)?;
    }
    Ok(())
}

async fn strange_position(store: Store) -> Outcome {
    let team = seven(&store).await?;
    for bytes in [&b""[..], b"x", b"\xff\xfe\0\0", b"{\"key\":1}", &[0xff; 300]] {
        let attempt = next(&store, &team, &Position(bytes.into()), 2).await;
        attempt.fails("an error", |_| true)?;
    }
    Ok(())
}
