//! Sorted results (RFC 7644 §3.4.2.3).

use std::cmp::Ordering;
use std::sync::Arc;

use scim_core::{ResourceId, ResourceType, SortOrder};
use scim_server_adapters::{BackendError, Query, QueryTarget, SortKey, Start};
use serde_json::{Value, json};

use super::breach::{Outcome, same, same_list, some};
use super::check::{Check, Need};
use super::store::{Store, filter, ids, query, set, sorted, target};
use super::types::{devices, group, user};

pub(crate) fn checks() -> Vec<Check> {
    const ORDER: &str = "One page of the resources that meet a query, in the order asked for; \
                         `SortKey` says how resources are sorted";
    vec![
        Check::new("sorting::by_any_attribute", ORDER, by_any_attribute).needing(&[Need::Sort]),
        Check::new("sorting::by_typed_attributes", ORDER, by_typed_attributes)
            .needing(&[Need::Sort, Need::CustomTypes]),
        Check::new("sorting::with_filter_and_several_types", ORDER, with_filter_and_several_types)
            .needing(&[Need::Sort]),
        Check::new(
            "sorting::walk_during_writes",
            "Walking the pages by `Page::next` gives every resource that is there throughout, its \
             sort value unchanged, exactly once, whatever is added and removed meanwhile",
            walk_during_writes,
        )
        .needing(&[Need::Sort]),
    ]
}

const ORDERS: [SortOrder; 2] = [SortOrder::Ascending, SortOrder::Descending];

/// The ids in the order that `SortKey` gives those that came in the order of creation.
async fn expected(
    store: &Store,
    resource_type: &Arc<ResourceType>,
    path: &str,
    order: SortOrder,
) -> Outcome<Vec<String>> {
    let attribute = some("an attribute to sort by", resource_type.attribute(path))?;
    let mut keyed = Vec::new();
    for stored in store.walk(&query(resource_type)).await? {
        keyed.push((SortKey::of(&attribute, &stored.to_json()?), stored.id.to_string()));
    }
    keyed.sort_by(|(a, _), (b, _)| directed(a.cmp(b), order));
    Ok(keyed.into_iter().map(|(_, id)| id).collect())
}

fn directed(ordering: Ordering, order: SortOrder) -> Ordering {
    match order {
        SortOrder::Ascending => ordering,
        SortOrder::Descending => ordering.reverse(),
    }
}

/// All pages of a sorted query, by position and by offset.
async fn sorts(store: &Store, resource_type: &Arc<ResourceType>, path: &str) -> Outcome {
    for order in ORDERS {
        let expected = expected(store, resource_type, path, order).await?;
        for count in [1, 4, expected.len(), 100] {
            let sorted = Query { count, ..sorted(resource_type, path, order)? };
            let what = format!("by `{path}` {order:?}, pages of {count}");
            let walked = ids(&store.walk(&sorted).await?);
            same_list(format_args!("{what}, by position"), &walked, &expected)?;
            let start = Start::Offset(3);
            let page = store.page(&Query { start, ..sorted }).await?;
            let rest: Vec<&String> = expected.iter().skip(3).take(count).collect();
            same_list(format_args!("{what}, from offset 3"), &ids(&page.resources), &rest)?;
            same(
                format_args!("{what}, the total"),
                page.total,
                u64::try_from(expected.len()).ok(),
            )?;
            let more = 3 + count < expected.len();
            same(format_args!("{what}, whether there is more"), page.next.is_some(), more)?;
        }
    }
    Ok(())
}

async fn by_any_attribute(store: Store) -> Outcome {
    let long = "ß".repeat(200);
    let mut created = Vec::new();
    for (n, (name, more)) in [
        ("zoe", json!({"title": "b", "active": true})),
        ("Adam", json!({"title": "B", "name": {"familyName": "Ödland"}})),
        ("émile", json!({"active": false, "emails": [{"value": "z@x"}, {"value": "a@x", "primary": true}]})),
        ("Emile2", json!({"title": "a", "emails": [{"value": "m@x"}]})),
        ("straße", json!({"title": format!("{long}b"), "active": true})),
        ("STRASSF", json!({"title": format!("{long}a"), "name": {"familyName": "Zu"}})),
        ("_", json!({"title": "", "externalId": "b"})),
        ("10", json!({"externalId": "B", "emails": [{"value": "B@x", "type": "work"}]})),
        ("9", json!({"externalId": "a", "name": {"familyName": "ödland"}})),
        ("z", json!({"title": "\u{10ffff}"})),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = more;
        if let Value::Object(object) = &mut body {
            object.insert("userName".to_owned(), name.into());
        }
        let at = store.later(-i64::try_from(n % 4).unwrap_or_default());
        created.push(at.create(&user(), body).await?.done()?.id);
    }
    if let Some(id) = created.get(2) {
        store.later(60).patch(&user(), id, set("nickName", "x")).await?.done()?;
    }
    let teams: Vec<&ResourceId> = created.iter().take(3).collect();
    store.create_group("b", &teams).await?;
    for path in [
        "userName",
        "title",
        "active",
        "name.familyName",
        "emails.value",
        "emails.type",
        "externalId",
        "id",
        "meta.created",
        "meta.lastModified",
        "nickName",
        "groups.display",
    ] {
        sorts(&store, &user(), path).await?;
    }
    Ok(())
}

async fn by_typed_attributes(store: Store) -> Outcome {
    let [phone, _] = devices()?;
    for body in [
        json!({"slot": 10, "weight": 1.5, "bought": "2020-01-01T00:00:00Z", "serial": "b"}),
        json!({"slot": 9, "weight": -2, "bought": "2020-01-01T01:00:00+02:00", "serial": "B"}),
        json!({"slot": -1, "weight": 1e300, "bought": "2019-12-31T23:59:59.999999Z"}),
        json!({"slot": i64::MIN, "weight": 0.0, "lost": true, "tags": ["b", "a"]}),
        json!({"slot": i64::MAX, "weight": -1e-9, "lost": false, "tags": ["B"]}),
        json!({"weight": -1e300, "bought": "1960-01-01T00:00:00Z", "serial": "a"}),
        json!({}),
        json!({"slot": 0, "weight": 10}),
    ] {
        store.create(&phone, body).await?.done()?;
    }
    for path in ["slot", "weight", "bought", "lost", "serial", "tags"] {
        sorts(&store, &phone, path).await?;
    }
    Ok(())
}

async fn with_filter_and_several_types(store: Store) -> Outcome {
    for (name, title) in [("d", "x"), ("b", "y"), ("c", "x"), ("a", "x")] {
        let body = json!({"userName": name, "title": title, "displayName": name});
        store.create(&user(), body).await?.done()?;
    }
    for name in ["b", "e"] {
        store.create_group(name, &[]).await?;
    }
    let order = SortOrder::Ascending;
    let names = async |query: &Query| -> Outcome<Vec<String>> {
        let mut names = Vec::new();
        for stored in store.walk(query).await? {
            let name =
                stored.attributes()?.get("displayName").and_then(Value::as_str).map(str::to_owned);
            names.push(format!("{}:{}", stored.resource_type.name(), name.unwrap_or_default()));
        }
        Ok(names)
    };
    let by_name = |resource_type: &Arc<ResourceType>| QueryTarget {
        sort: resource_type.attribute("displayName"),
        ..target(resource_type)
    };
    let targets = vec![by_name(&user()), by_name(&group())];
    let both = Query { targets, order: Some(order), count: 2, ..query(&user()) };
    let expected = ["User:a", "User:b", "Group:b", "User:c", "User:d", "Group:e"];
    same("users and groups by name", names(&both).await?, expected)?;
    // Without the attribute, a type comes last, in the order of creation.
    let targets = vec![QueryTarget { sort: None, ..by_name(&user()) }, by_name(&group())];
    let expected = ["Group:b", "Group:e", "User:d", "User:b", "User:c", "User:a"];
    same(
        "groups by name, users by none",
        names(&Query { targets, ..both.clone() }).await?,
        expected,
    )?;
    let targets =
        vec![QueryTarget { filter: Some(filter(&user(), "title eq \"x\"")?), ..by_name(&user()) }];
    let filtered = Query { targets, ..both };
    if !matches!(store.ask(&filtered).await.result, Err(BackendError::Unsupported)) {
        same("a filter", names(&filtered).await?, ["User:a", "User:c", "User:d"])?;
        same("the total with a filter", store.page(&filtered).await?.total, Some(3))?;
    }
    Ok(())
}

async fn walk_during_writes(store: Store) -> Outcome {
    for order in ORDERS {
        let mut staying = Vec::new();
        let mut going = Vec::new();
        for n in 0..45 {
            // Ties among the titles, and users without.
            let title = ["m", "a", "z", ""].into_iter().cycle().nth(n).unwrap_or_default();
            let body = match title {
                "" => json!({"userName": format!("u{n}")}),
                title => json!({"userName": format!("u{n}"), "title": title}),
            };
            let id = store.create(&user(), body).await?.done()?.id;
            if n % 3 == 1 { going.push(id) } else { staying.push(id) }
        }
        let mut expected = expected(&store, &user(), "title", order).await?;
        let mut query = Query { count: 4, total: false, ..sorted(&user(), "title", order)? };
        let mut seen = Vec::new();
        for round in 0..1_000 {
            let page = store.page(&query).await?;
            seen.extend(ids(&page.resources));
            let Some(position) = page.next else { break };
            query.start = Start::After(position);
            let last = page.resources.last().map(|r| r.id.clone());
            if let Some(place) = going.iter().position(|id| Some(id) == last.as_ref()) {
                store.delete(&user(), &going.swap_remove(place)).await.done()?;
            }
            if let Some(id) = going.pop() {
                store.delete(&user(), &id).await.done()?;
            }
            if round < 20 {
                let title = if round % 2 == 0 { "a" } else { "y" };
                let body = json!({"userName": format!("new{round}"), "title": title});
                store.create(&user(), body).await?.done()?;
            }
            if let Some(id) = staying.get(round) {
                store.patch(&user(), id, set("nickName", "x")).await?.done()?;
            }
        }
        let stayed: Vec<&str> = staying.iter().map(ResourceId::as_str).collect();
        expected.retain(|id| stayed.contains(&id.as_str()));
        let mut once = seen.clone();
        once.retain(|id| stayed.contains(&id.as_str()));
        same_list(format_args!("those that stayed, each once, {order:?}"), &once, &expected)?;
        for id in store.all_ids(&user()).await? {
            store.delete(&user(), &ResourceId::new(id)?).await.done()?;
        }
    }
    Ok(())
}
