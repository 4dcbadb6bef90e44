//! Tenants are apart, on every method.

use scim_server_adapters::{BackendError, Query, Start, WriteUnit};
use serde_json::json;

use super::breach::{Outcome, holds, same, some};
use super::check::{Check, Need};
use super::store::{
    Store, add, create_as, delete, filtered, ids, patch, query, remove, set, sorted,
};
use super::types::{ENTERPRISE, group, user};

pub(crate) fn checks() -> Vec<Check> {
    const APART: &str = "Every method acts within `cx.tenant` only; another tenant's id behaves as \
                         one that does not exist";
    let checks = [
        Check::new("tenants::ids", APART, ids_),
        Check::new("tenants::lists_and_filters", APART, lists_and_filters),
        Check::new("tenants::positions", APART, positions),
        Check::new("tenants::membership", APART, membership),
        Check::new("tenants::references", APART, references),
        Check::new(
            "tenants::unique_values",
            "Another tenant's values never conflict",
            unique_values,
        ),
        Check::new("tenants::names_are_told_apart", APART, names_are_told_apart),
    ];
    let mut checks: Vec<Check> =
        checks.into_iter().map(|check| check.needing(&[Need::Tenants])).collect();
    checks.push(
        Check::new("tenants::sorted_positions", APART, sorted_positions)
            .needing(&[Need::Tenants, Need::Sort]),
    );
    checks.push(Check::new("tenants::units", APART, units).needing(&[Need::Tenants, Need::Bulk]));
    checks
}

/// A tenant with data of its own, and one that never wrote.
async fn others(store: &Store) -> Outcome<[Store; 2]> {
    let other = store.other_tenant("b");
    other.create_user("hank").await?;
    Ok([other, store.other_tenant("c")])
}

async fn ids_(store: Store) -> Outcome {
    let id = store.create_user("bjensen").await?;
    let team = store.create_group("Guides", &[&id]).await?;
    let before = [store.shown(&user(), &id).await?, store.shown(&group(), &team).await?];
    for other in others(&store).await? {
        for (resource_type, id) in [(user(), &id), (group(), &team)] {
            other.get(&resource_type, id).await.not_found()?;
            other.delete(&resource_type, id).await.not_found()?;
            other.patch(&resource_type, id, set("displayName", "x")).await?.not_found()?;
        }
        other.replace(&user(), &id, json!({"userName": "x"})).await?.not_found()?;
        other.replace(&group(), &team, json!({"displayName": "x"})).await?.not_found()?;
        other.patch(&group(), &team, add(&["x"])).await?.not_found()?;
        other.patch(&group(), &team, remove(id.as_str())).await?.not_found()?;
        let all = json!([{"op": "remove", "path": "members"}]);
        other.patch(&group(), &team, all).await?.not_found()?;
    }
    let after = [store.shown(&user(), &id).await?, store.shown(&group(), &team).await?];
    same("what the other tenants wanted to change", after, before)
}

async fn lists_and_filters(store: Store) -> Outcome {
    let body = json!({
        "userName": "bjensen", "externalId": "7", "displayName": "Babs", "active": true,
        "emails": [{"value": "b@example.com", "type": "work"}],
        ENTERPRISE: {"employeeNumber": "7", "manager": {"value": "boss"}},
    });
    let id = store.create(&user(), body).await?.done()?.id;
    let team = store.create_group("Guides", &[&id]).await?;
    for other in others(&store).await? {
        let own = other.all_ids(&user()).await?;
        holds("no user of another tenant in a list", !own.contains(&id.to_string()), &own)?;
        let page = other.page(&query(&user())).await?;
        same("the total", page.total, u64::try_from(own.len()).ok())?;
        same("the groups", other.all_ids(&group()).await?, [""; 0])?;
        for text in [
            format!("id eq \"{id}\""),
            "userName eq \"bjensen\"".to_owned(),
            "userName sw \"b\"".to_owned(),
            "externalId eq \"7\"".to_owned(),
            "displayName eq \"babs\"".to_owned(),
            "active eq true".to_owned(),
            "emails.value eq \"b@example.com\"".to_owned(),
            "emails[type eq \"work\" and value eq \"b@example.com\"]".to_owned(),
            format!("{ENTERPRISE}:employeeNumber eq \"7\""),
            format!("{ENTERPRISE}:manager.value eq \"boss\""),
            format!("groups.value eq \"{team}\""),
            "groups.display eq \"guides\"".to_owned(),
        ] {
            other.selects(&user(), &text, &[""; 0]).await?;
        }
        for text in [
            format!("members.value eq \"{id}\""),
            format!("id eq \"{team}\""),
            "displayName eq \"guides\"".to_owned(),
            "displayName co \"guide\"".to_owned(),
        ] {
            other.selects(&group(), &text, &[""; 0]).await?;
        }
    }
    Ok(())
}

/// Ten users of a tenant, who are nobody else's to see.
async fn ten_users(store: &Store) -> Outcome<Vec<String>> {
    let mut users = Vec::new();
    for n in 0..10 {
        users.push(store.create_user(&format!("user{n}")).await?.to_string());
    }
    Ok(users)
}

/// A position of another tenant is refused or leads to the tenant's own resources.
async fn shows_none(other: &Store, query: &Query, users: &[String]) -> Outcome {
    let attempt = other.ask(query).await;
    if matches!(&attempt.result, Err(BackendError::Scim(error)) if error.status() == 400) {
        return Ok(());
    }
    let doing = attempt.doing.clone();
    let page = attempt.done()?;
    let found = ids(&page.resources);
    holds("none of another tenant's resources", !found.iter().any(|id| users.contains(id)), &found)
        .map_err(|breach| breach.while_doing(&doing))?;
    // The other tenant has a user or none.
    holds("the tenant's own total", page.total.is_some_and(|total| total <= 1), page.total)
        .map_err(|breach| breach.while_doing(doing))
}

async fn positions(store: Store) -> Outcome {
    let users = ten_users(&store).await?;
    let first = store.page(&Query { count: 5, ..query(&user()) }).await?;
    let start = Start::After(some("a next page", first.next)?);
    for other in others(&store).await? {
        let rest = Query { start: start.clone(), ..query(&user()) };
        shows_none(&other, &rest, &users).await?;
        let filtered = Query { start: start.clone(), ..filtered(&user(), "userName pr")? };
        if !matches!(other.ask(&filtered).await.result, Err(BackendError::Unsupported)) {
            shows_none(&other, &filtered, &users).await?;
        }
    }
    Ok(())
}

async fn sorted_positions(store: Store) -> Outcome {
    let users = ten_users(&store).await?;
    let by_name = sorted(&user(), "userName", scim_core::SortOrder::Ascending)?;
    let first = store.page(&Query { count: 5, ..by_name.clone() }).await?;
    let start = Start::After(some("a next page", first.next)?);
    for other in others(&store).await? {
        shows_none(&other, &Query { start: start.clone(), ..by_name.clone() }, &users).await?;
    }
    Ok(())
}

async fn membership(store: Store) -> Outcome {
    let body = json!({"userName": "bjensen", "displayName": "Babs"});
    let id = store.create(&user(), body).await?.done()?.id;
    let other = store.other_tenant("b");
    // A client may name an id of another tenant; to it, it names nothing.
    let spy = other.create_group("Spies", &[&id]).await?;
    let before = other.get(&group(), &spy).await.done()?;
    for member in some("`members` of a group, where wanted", before.members)?.list {
        holds("a member that dangles", !member.exists, &member)?;
        same("its display and type", (member.display, member.resource_type), (None, None))?;
    }
    same("the groups of the user", store.groups(&id).await?, [""; 0])?;
    let text = format!("groups.value eq \"{spy}\"");
    store.selects(&user(), &text, &[""; 0]).await?;
    other.selects(&user(), &text, &[""; 0]).await?;
    other.selects(&group(), "members.display eq \"babs\"", &[""; 0]).await?;
    // Deleting the resource touches no group of another tenant.
    store.later(60).delete(&user(), &id).await.done()?;
    let after = other.get(&group(), &spy).await.done()?;
    same("the version of the other tenant's group", after.version, before.version)?;
    same("its members", other.members(&spy).await?, [id.as_str()])
}

async fn references(store: Store) -> Outcome {
    let boss = store.create_user("boss").await?;
    let other = store.other_tenant("b");
    let body = json!({"userName": "x", ENTERPRISE: {"manager": {"value": boss.as_str()}}});
    let id = other.create(&user(), body).await?.done()?.id;
    let references = other.get(&user(), &id).await.done()?.references;
    holds("no reference to another tenant's resource", references.is_empty(), references)
}

async fn unique_values(store: Store) -> Outcome {
    let id = store.create_user("bjensen").await?;
    let other = store.other_tenant("b");
    let own = other.create_user("bjensen").await?;
    other.patch(&user(), &own, set("userName", "babs")).await?.done()?;
    other.patch(&user(), &own, set("userName", "BJENSEN")).await?.done()?;
    other.delete(&user(), &own).await.done()?;
    store.selects(&user(), "userName eq \"bjensen\"", &[id.as_str()]).await
}

async fn names_are_told_apart(store: Store) -> Outcome {
    store.create_user("bjensen").await?;
    let tenant = store.cx.tenant.to_string();
    for name in [
        tenant.to_uppercase(),
        format!("{tenant} "),
        format!("{tenant}/x"),
        format!("{tenant}%"),
        format!("{}_", tenant.get(..tenant.len() - 1).unwrap_or_default()),
    ] {
        let mut other = store.clone();
        other.cx.tenant = name.as_str().into();
        let found = other.all_ids(&user()).await?;
        same(format_args!("the users of tenant `{name}`"), found, [""; 0])?;
    }
    Ok(())
}

async fn units(store: Store) -> Outcome {
    let id = store.create_user("bjensen").await?;
    let team = store.create_group("Guides", &[]).await?;
    let before = [store.shown(&user(), &id).await?, store.shown(&group(), &team).await?];
    for other in others(&store).await? {
        let units = [
            delete(&user(), &id),
            patch(&user(), &id, set("title", "x"))?,
            patch(&group(), &team, add(&["x"]))?,
        ];
        let units = units.map(|write| WriteUnit { writes: vec![write], depends_on: vec![] });
        for outcome in other.write_all(units.into(), None).await? {
            let is_missing =
                matches!(&outcome, Err(failure) if matches!(failure.error, BackendError::NotFound));
            holds("BackendError::NotFound for each unit", is_missing, outcome)?;
        }
    }
    let after = [store.shown(&user(), &id).await?, store.shown(&group(), &team).await?];
    same("what the other tenants wanted to change", &after, &before)?;
    // An id of another tenant may be minted again or refused; the resource stays what it is.
    let other = store.other_tenant("d");
    let write = create_as(&id, &user(), json!({"userName": "other"}))?;
    let units = vec![WriteUnit { writes: vec![write], depends_on: vec![] }];
    other.write_all(units, None).await?;
    let [before, _] = before;
    same("the user", store.shown(&user(), &id).await?, before)
}
