//! Pages, totals and walks (RFC 7644 §3.4.2.4, RFC 9865).

use std::sync::Arc;

use scim_core::ResourceId;
use scim_server_adapters::{BackendError, Position, Query, QueryTarget, Start};
use serde_json::{Value, json};

use super::breach::{Attempt, Breach, Outcome, holds, same, same_list, some};
use super::check::{Check, Need};
use super::store::{Store, add, everything, filter, filtered, ids, only, query, set, target};
use super::types::{group, user};

pub(crate) fn checks() -> Vec<Check> {
    const ORDER: &str = "One page of the resources that meet a query, in the order of their \
                         creation";
    const WALK: &str = "Walking the pages by `Page::next` gives every resource that is there \
                        throughout exactly once, whatever is added and removed meanwhile";
    vec![
        Check::new("pages::by_offset_and_by_position", ORDER, by_offset_and_by_position),
        Check::new("pages::order_is_that_of_creation", ORDER, order_is_that_of_creation),
        Check::new("pages::several_types", ORDER, several_types),
        Check::new(
            "pages::totals",
            "`Page::total` is how many there are over all pages, wherever the page begins; a count \
             of 0 asks for the total only",
            totals,
        ),
        Check::new(
            "pages::member_limit",
            "A page ends before the group that would exceed `member_limit`, but holds one resource \
             at least",
            member_limit,
        ),
        Check::new("pages::walk_during_writes", WALK, walk_during_writes),
        Check::new(
            "pages::strange_position",
            "A position is a place in the results of a query; what is none is refused",
            strange_position,
        ),
        Check::new(
            "pages::cursor_key_stays",
            "The key that cursors are sealed with opens them again",
            cursor_key_stays,
        )
        .needing(&[Need::Cursors]),
    ]
}

async fn create_users(store: &Store, number: usize) -> Outcome<Vec<String>> {
    let mut users = Vec::new();
    for n in 0..number {
        users.push(store.create_user(&format!("user{n}")).await?.to_string());
    }
    Ok(users)
}

/// The query without filter, and with ones that all users meet: as far as the backend does those.
async fn that_all_meet(store: &Store) -> Outcome<Vec<Query>> {
    let mut queries = vec![query(&user())];
    for text in ["userName sw \"user\"", "userName pr", "not (title pr) or active eq true"] {
        let query = filtered(&user(), text)?;
        if !matches!(store.ask(&query).await.result, Err(BackendError::Unsupported)) {
            queries.push(query);
        }
    }
    Ok(queries)
}

async fn by_offset_and_by_position(store: Store) -> Outcome {
    let users = create_users(&store, 23).await?;
    for query in that_all_meet(&store).await? {
        for count in [1, 5, 22, 23, 24] {
            let walk = Query { count, ..query.clone() };
            let found = ids(&store.walk(&walk).await?);
            same_list(format_args!("a walk by pages of {count}"), &found, &users)?;
            let found = ids(&store.walk(&Query { total: false, ..walk.clone() }).await?);
            same_list(format_args!("pages of {count} without totals"), &found, &users)?;
            let mut by_offset = Vec::new();
            while by_offset.len() < users.len() {
                let start = Start::Offset(by_offset.len() as u64);
                let Attempt { doing, result } =
                    store.ask(&Query { start, total: false, ..walk.clone() }).await;
                let page = Attempt { doing: doing.clone(), result }.done()?;
                let told = |breach: Breach| breach.while_doing(&doing);
                same("the total that was not asked for", page.total, None).map_err(told)?;
                let more = by_offset.len() + count < users.len();
                same("whether there is a next page", page.next.is_some(), more).map_err(told)?;
                holds("a page that is not empty", !page.resources.is_empty(), ()).map_err(told)?;
                by_offset.extend(ids(&page.resources));
            }
            same_list(format_args!("pages of {count} by offset"), &by_offset, &users)?;
        }
    }
    Ok(())
}

async fn order_is_that_of_creation(store: Store) -> Outcome {
    // Neither names nor times of creation nor changes decide.
    let mut users = Vec::new();
    for (n, name) in ["m", "z", "a", "Z2", "0"].into_iter().enumerate() {
        let earlier = store.later(-60 * i64::try_from(n).unwrap_or_default());
        users.push(earlier.create_user(name).await?);
    }
    for id in users.iter().rev() {
        store.later(60).patch(&user(), id, set("title", "x")).await?.done()?;
    }
    let expected: Vec<&str> = users.iter().map(ResourceId::as_str).collect();
    same("the users", store.all_ids(&user()).await?, expected.clone())?;
    store.selects(&user(), "title eq \"x\"", &expected).await
}

async fn several_types(store: Store) -> Outcome {
    let mut all = Vec::new();
    for n in 0..6 {
        let name = format!("n{n}");
        all.push(match n % 2 {
            0 => store.create_user(&name).await?.to_string(),
            _ => store.create_group(&name, &[]).await?.to_string(),
        });
    }
    let both = Query { targets: vec![target(&user()), target(&group())], ..query(&user()) };
    for count in [1, 2, 4, 6, 100] {
        let walk = Query { count, ..both.clone() };
        let found = store.walk(&walk).await?;
        same_list(format_args!("users and groups by pages of {count}"), &ids(&found), &all)?;
        for (n, stored) in found.iter().enumerate() {
            let expected = if n % 2 == 0 { user() } else { group() };
            same("the type of a resource", stored.resource_type.name(), expected.name())?;
            let is_group = expected.has_members();
            same("whether it has members", stored.members.is_some(), is_group)?;
            same("whether it has groups", stored.groups.is_some(), !is_group)?;
        }
        for offset in 0..=6 {
            let start = Start::Offset(offset as u64);
            let page = store.page(&Query { start, ..walk.clone() }).await?;
            let expected: Vec<&String> = all.iter().skip(offset).take(count).collect();
            same_list(
                format_args!("{count} from offset {offset}"),
                &ids(&page.resources),
                &expected,
            )?;
            same("the total", page.total, Some(6))?;
            same("whether there is a next page", page.next.is_some(), offset + count < 6)?;
        }
    }
    // Each type has its own filter.
    let with = |resource_type, text| -> Outcome<QueryTarget> {
        Ok(QueryTarget { filter: Some(filter(&resource_type, text)?), ..target(&resource_type) })
    };
    let targets =
        vec![with(user(), "userName eq \"n2\"")?, with(group(), "displayName ne \"n1\"")?];
    let attempt = store.ask(&Query { targets, ..query(&user()) }).await;
    if !matches!(attempt.result, Err(BackendError::Unsupported)) {
        let page = attempt.done()?;
        let expected: Vec<&String> = [2, 3, 5].into_iter().filter_map(|n| all.get(n)).collect();
        same_list("what two filters select", &ids(&page.resources), &expected)?;
        same("the total of two filters", page.total, Some(3))?;
    }
    Ok(())
}

async fn totals(store: Store) -> Outcome {
    let users = create_users(&store, 12).await?;
    store.create_group("not counted", &[]).await?;
    for query in that_all_meet(&store).await? {
        for offset in [0, 3, 11, 12, 13, 1_000, u64::MAX] {
            for count in [0, 1, 5, 100] {
                let page = Query { start: Start::Offset(offset), count, ..query.clone() };
                let doing = format!("a page of {count} from offset {offset}");
                let page = store.page(&page).await?;
                let told = |breach: Breach| breach.while_doing(&doing);
                same("the total", page.total, Some(12)).map_err(told)?;
                let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
                let expected: Vec<&String> = users.iter().skip(skipped).take(count).collect();
                same_list("the resources", &ids(&page.resources), &expected).map_err(told)?;
                if expected.is_empty() {
                    holds("no next page of nothing", page.next.is_none(), page.next)
                        .map_err(told)?;
                }
            }
        }
        let first = store.page(&Query { count: 5, ..query.clone() }).await?;
        let start = Start::After(some("a next page", first.next)?);
        let page = store.page(&Query { start, count: 5, ..query.clone() }).await?;
        same("the total, over all pages, after a position", page.total, Some(12))?;
    }
    // The total follows.
    let first = ResourceId::new(users.first().map(String::as_str).unwrap_or_default())?;
    store.delete(&user(), &first).await.done()?;
    let refused = store.create(&user(), json!({"userName": "user1"})).await?;
    holds("a conflict", refused.result.is_err(), refused.result)?;
    let page = store.page(&Query { count: 0, ..query(&user()) }).await?;
    same("the total after a delete", page.total, Some(11))
}

async fn member_limit(store: Store) -> Outcome {
    let mut groups = Vec::new();
    for (name, size) in [("a", 2), ("b", 3), ("c", 0), ("d", 9), ("e", 1), ("f", 0)] {
        let members: Vec<Value> =
            (0..size).map(|n| json!({"value": format!("{name}{n}")})).collect();
        let body = json!({"displayName": name, "members": members});
        groups.push(store.create(&group(), body).await?.done()?.id.to_string());
    }
    let limited = Query { member_limit: 5, ..query(&group()) };
    let mut sizes = Vec::new();
    let mut walked = Vec::new();
    let mut walk = limited.clone();
    for _ in 0..groups.len() {
        let page = store.page(&walk).await?;
        same("the total", page.total, Some(6))?;
        sizes.push(page.resources.len());
        walked.extend(ids(&page.resources));
        let Some(position) = page.next else { break };
        walk.start = Start::After(position);
    }
    // 2 + 3 + 0 fit; 9 are too many, yet a page holds one; 1 + 0 are left.
    same("the resources of each page", sizes, [3, 1, 2])?;
    same_list("the groups", &walked, &groups)?;
    // Members that are not wanted don't count.
    let mut limited = limited;
    for target in &mut limited.targets {
        target.wanted = only(&group(), &["displayName"])?;
    }
    let page = store.page(&Query { member_limit: 1, ..limited }).await?;
    same_list("a page without members", &ids(&page.resources), &groups)
}

async fn walk_during_writes(store: Store) -> Outcome {
    for unfiltered in [true, false] {
        let prefix = if unfiltered { "s" } else { "t" };
        let mut staying = Vec::new();
        let mut going = Vec::new();
        for n in 0..60 {
            let id = store.create_user(&format!("{prefix}{n}")).await?;
            if n % 3 == 1 { going.push(id) } else { staying.push(id) }
        }
        let text = format!("userName sw \"{prefix}\"");
        let mut query = if unfiltered { query(&user()) } else { filtered(&user(), &text)? };
        query = Query { count: 4, total: false, ..query };
        if matches!(store.ask(&query).await.result, Err(BackendError::Unsupported)) {
            continue;
        }
        let mut seen = Vec::new();
        for round in 0..1_000 {
            let page = store.page(&query).await?;
            seen.extend(ids(&page.resources));
            let Some(position) = page.next else { break };
            query.start = Start::After(position);
            // The one that the page ended with may go, others before and after it too, new ones
            // come, and some change.
            let last = page.resources.last().map(|r| r.id.clone());
            if let Some(place) = going.iter().position(|id| Some(id) == last.as_ref()) {
                store.delete(&user(), &going.swap_remove(place)).await.done()?;
            }
            if let Some(id) = going.pop() {
                store.delete(&user(), &id).await.done()?;
            }
            if round < 20 {
                store.create_user(&format!("{prefix}new{round}")).await?;
            }
            if let Some(id) = staying.get(round) {
                store.later(60).patch(&user(), id, set("title", "x")).await?.done()?;
            }
        }
        let stayed: Vec<&str> = staying.iter().map(ResourceId::as_str).collect();
        let (mut unique, mut once) = (seen.clone(), seen.clone());
        unique.sort();
        unique.dedup();
        once.retain(|id| stayed.contains(&id.as_str()));
        same("those that stayed, each once, in order", once, stayed)?;
        same("the number seen, none twice", seen.len(), unique.len())?;
        for id in store.all_ids(&user()).await? {
            store.delete(&user(), &ResourceId::new(id)?).await.done()?;
        }
    }
    Ok(())
}

async fn strange_position(store: Store) -> Outcome {
    create_users(&store, 3).await?;
    for bytes in [&b""[..], b"x", b"\xff\xfe\0\0", b"{\"key\":1}", &[0xff; 300]] {
        let start = Start::After(Position(bytes.into()));
        store.ask(&Query { start, ..query(&user()) }).await.refused(400)?;
    }
    Ok(())
}

async fn cursor_key_stays(store: Store) -> Outcome {
    let same_twice = store.capabilities() == store.later(60).capabilities();
    holds("the same capabilities twice", same_twice, ())?;
    // A page of a query with members: what a cursor's walk needs is in its position alone.
    let id = store.create_user("bjensen").await?;
    for n in 0..3 {
        let team = store.create_group(&format!("g{n}"), &[]).await?;
        store.patch(&group(), &team, add(&[id.as_str()])).await?.done()?;
    }
    let first = store.page(&Query { count: 1, ..query(&group()) }).await?;
    let start = Start::After(some("a next page", first.next)?);
    let mut rest = Query { start, ..query(&group()) };
    for target in &mut rest.targets {
        target.wanted = Arc::clone(&everything(&group()));
    }
    same("the rest", store.page(&rest).await?.resources.len(), 2)
}
