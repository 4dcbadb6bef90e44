//! Filters (RFC 7644 §3.4.2.2): a backend that evaluates one selects what the evaluator does.

use std::sync::Arc;

use scim_core::ResourceType;
use scim_server_adapters::{BackendError, Query};
use serde_json::json;

use super::breach::{Attempt, Breach, Outcome, same};
use super::check::{Check, Need};
use super::store::{Store, filter, filtered, ids, query, sorted};
use super::types::{ASSET, ENTERPRISE, devices, group, user};

pub(crate) fn checks() -> Vec<Check> {
    const MEET: &str = "A page holds the resources that meet the query's filter, in the order of \
                        creation; or BackendError::Unsupported when it is beyond the backend";
    vec![
        Check::new("filters::of_users_and_groups", MEET, of_users_and_groups),
        Check::new("filters::of_custom_types", MEET, of_custom_types).needing(&[Need::CustomTypes]),
        Check::new(
            "filters::work_limit",
            "BackendError::TooMany when more than `work_limit` resources would have to be \
             examined: never a part of the answer",
            work_limit,
        ),
        Check::new(
            "filters::work_limit_of_sorting",
            "BackendError::TooMany when more than `work_limit` resources would have to be \
             examined: never a part of the answer",
            work_limit_of_sorting,
        )
        .needing(&[Need::Sort]),
    ]
}

/// Users and groups of many kinds.
async fn populate(store: &Store) -> Outcome {
    let mut users = Vec::new();
    for n in 0..24_i64 {
        let mut body = json!({
            "userName": format!("User{n}"),
            "externalId": format!("x{}", n % 5),
            "emails": [
                {"value": format!("u{n}@example.com"), "type": "work", "primary": n % 2 == 0},
                {"value": format!("U{}@example.org", n % 2), "type": "home"},
            ],
            ENTERPRISE: {"employeeNumber": format!("{n:03}"), "manager": {"value": "boss"}},
        });
        if let Some(object) = body.as_object_mut() {
            if n % 3 > 0 {
                object.insert("active".to_owned(), json!(n % 3 == 1));
            }
            if n % 4 > 0 {
                let titles = ["Tour Guide", "tour_guide", "100% Straße"];
                let title = titles.get(usize::try_from(n % 3).unwrap_or_default());
                object.insert("title".to_owned(), json!(title));
            }
            if n % 6 == 0 {
                object.insert("name".to_owned(), json!({"familyName": format!("O'Neill \"{n}\"")}));
            }
        }
        users.push(store.later(n).create(&user(), body).await?.done()?.id);
    }
    store.create_user("boss").await?;
    let even: Vec<_> = users.iter().step_by(2).collect();
    store.create_group("Even", &even).await?;
    store.create_group("First", &users.iter().take(1).collect::<Vec<_>>()).await?;
    store.create_group("None", &[]).await?;
    Ok(())
}

/// The filter selects what the evaluator selects out of all, if the backend evaluates it.
async fn agrees(store: &Store, resource_type: &Arc<ResourceType>, text: &str) -> Outcome {
    let oracle = filter(resource_type, text)?;
    let mut expected = Vec::new();
    for stored in store.walk(&query(resource_type)).await? {
        if oracle.matches(&stored.to_json()?) {
            expected.push(stored.id.to_string());
        }
    }
    store.selects(resource_type, text, &expected).await
}

async fn of_users_and_groups(store: Store) -> Outcome {
    populate(&store).await?;
    let users = store.all_ids(&user()).await?;
    let groups = store.all_ids(&group()).await?;
    let (Some(first), Some(team)) = (users.first(), groups.first()) else {
        return Err(Breach::new("users and groups", "none"));
    };
    for text in [
        "userName eq \"user7\"",
        "USERNAME EQ \"USER7\"",
        "userName eq \"nobody\"",
        "userName ne \"user7\"",
        "userName co \"ER1\"",
        "userName sw \"USER2\"",
        "userName ew \"2\"",
        "userName gt \"user2\"",
        "userName le \"user2\"",
        "externalId eq \"x1\"",
        "externalId eq \"X1\"",
        "externalId sw \"x\" and not (externalId eq \"x2\")",
        "title pr",
        "not (title pr)",
        "title ne \"tour guide\"",
        "title eq \"TOUR GUIDE\"",
        "title co \"_\"",
        "title co \"%\"",
        "title sw \"100%\"",
        "title ew \"STRASSE\"",
        "title eq null",
        "active eq true",
        "active eq false",
        "active ne true",
        "active pr",
        "name.familyName co \"'\"",
        "name.familyName co \"\\\"6\"",
        "emails eq \"U4@EXAMPLE.COM\"",
        "emails.value eq \"u1@example.org\"",
        "emails[type eq \"work\" and value eq \"u4@example.com\"]",
        "emails[type eq \"home\" and value eq \"u4@example.com\"]",
        "emails[type eq \"work\" and primary eq true]",
        "emails[not (type eq \"work\")]",
        "emails.type eq \"home\" and emails.value sw \"u1\"",
        "not (emails.primary eq true)",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq \"011\"",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber ge \"020\"",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq \"boss\"",
        "meta.created gt \"2026-01-01T00:00:05Z\"",
        "meta.lastModified le \"2026-01-01T01:00:05+01:00\"",
        "meta.resourceType eq \"User\"",
        "meta.resourceType eq \"Group\"",
        "groups pr",
        "not (groups pr)",
        "groups.display eq \"even\"",
        "undefined eq \"x\"",
        "undefined ne \"x\" and userName eq \"user1\"",
        "userName eq \"user1\" or userName eq \"user3\" and externalId eq \"x9\"",
        "(userName eq \"user1\" or userName eq \"user3\") and not (externalId eq \"x1\")",
    ] {
        agrees(&store, &user(), text).await?;
    }
    let upper = first.to_uppercase();
    for text in [
        format!("id eq \"{first}\""),
        format!("id eq \"{upper}\""),
        format!("id ne \"{first}\""),
        format!("groups.value eq \"{team}\""),
        format!("groups[value eq \"{team}\"] and active eq false"),
        format!("not (groups.value eq \"{team}\")"),
    ] {
        agrees(&store, &user(), &text).await?;
    }
    for text in [
        "displayName eq \"first\"".to_owned(),
        "displayName ne \"first\"".to_owned(),
        "members pr".to_owned(),
        "not (members pr)".to_owned(),
        format!("id eq \"{team}\""),
        format!("members.value eq \"{first}\""),
        format!("members eq \"{first}\""),
        format!("members[value eq \"{first}\" and type eq \"User\"]"),
        format!("members[value eq \"{first}\" and type eq \"Group\"]"),
        format!("members.value eq \"{first}\" and displayName eq \"even\""),
        "members.value eq \"nobody\"".to_owned(),
        "members.type eq \"user\"".to_owned(),
    ] {
        agrees(&store, &group(), &text).await?;
    }
    Ok(())
}

async fn of_custom_types(store: Store) -> Outcome {
    let [phone, laptop] = devices()?;
    for n in 0..12_i64 {
        let of = if n % 4 == 3 { &laptop } else { &phone };
        let body = json!({
            "serial": format!("s{n}"), "label": format!("L{n}"), "slot": n - 6,
            "weight": (n - 6) as f64 / 4.0, "lost": n % 2 == 0,
            "bought": format!("2020-01-{:02}T00:00:00{}", n + 1, if n % 2 == 0 { "Z" } else { "+02:00" }),
            "tags": [format!("t{}", n % 3), "all"],
            "ports": [{"mac": format!("00:{n:02}"), "label": "a"}, {"label": "b"}],
            ASSET: {"number": format!("N{n}"), "room": format!("{}", n % 2)},
        });
        store.create(of, body).await?.done()?;
    }
    for text in [
        "serial eq \"s1\"",
        "serial eq \"S1\"",
        "label eq \"l1\"",
        "slot eq -5",
        "slot lt 0",
        "slot ge -1 and slot le 1",
        "weight gt -0.5",
        "weight eq 0",
        "lost eq true",
        "bought gt \"2020-01-04T00:00:00Z\"",
        "bought eq \"2020-01-01T22:00:00Z\"",
        "tags eq \"T1\"",
        "tags pr and not (tags eq \"t1\")",
        "ports.mac eq \"00:02\"",
        "ports[mac eq \"00:02\" and label eq \"b\"]",
        "ports[label eq \"b\" and not (mac pr)]",
        "urn:example:conformance:Asset:number eq \"n2\"",
        "urn:example:conformance:Asset:room eq \"1\"",
        "not (urn:example:conformance:Asset:room eq \"1\")",
    ] {
        agrees(&store, &phone, text).await?;
        agrees(&store, &laptop, text).await?;
    }
    Ok(())
}

/// The answer must be whole, or else `TooMany`.
async fn whole_or_too_many(store: &Store, query: &Query) -> Outcome {
    let enough = Query { work_limit: usize::MAX, ..query.clone() };
    let attempt = store.ask(&enough).await;
    if matches!(attempt.result, Err(BackendError::Unsupported)) {
        return Ok(());
    }
    let all = attempt.done()?;
    for work_limit in 0..=30 {
        let Attempt { doing, result } = store.ask(&Query { work_limit, ..query.clone() }).await;
        match result {
            Ok(page) => {
                let seen = (ids(&page.resources), page.total, page.next.is_some());
                let expected = (ids(&all.resources), all.total, all.next.is_some());
                same("ids, total and whether there is more", seen, expected)
                    .map_err(|breach| breach.while_doing(doing))?;
            }
            // There are 25 users; enough work is allowed for all of them.
            Err(BackendError::TooMany) if work_limit < 25 => {}
            Err(error) => {
                let expected = "the whole answer, or TooMany with less than 25 for 25 users";
                return Err(Breach::new(expected, error).while_doing(doing));
            }
        }
    }
    Ok(())
}

async fn work_limit(store: Store) -> Outcome {
    populate(&store).await?;
    for text in
        ["userName eq \"user20\"", "userName ew \"2\"", "title co \"guide\"", "not (groups pr)"]
    {
        for (count, total) in [(100, true), (100, false), (2, true), (2, false), (0, true)] {
            let query = Query { count, total, ..filtered(&user(), text)? };
            whole_or_too_many(&store, &query).await?;
        }
    }
    whole_or_too_many(&store, &query(&user())).await
}

async fn work_limit_of_sorting(store: Store) -> Outcome {
    populate(&store).await?;
    for path in ["userName", "title", "meta.lastModified"] {
        let query = sorted(&user(), path, scim_core::SortOrder::Descending)?;
        whole_or_too_many(&store, &Query { count: 3, ..query.clone() }).await?;
        whole_or_too_many(&store, &query).await?;
    }
    Ok(())
}
