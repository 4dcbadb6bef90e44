//! What was stored is there, and only what is asked for is read.

use serde_json::{Value, json};

use super::breach::{Outcome, holds, same, some};
use super::check::{Check, Need};
use super::store::{
    Store, add, attributes, everything, ids, nobody, only, query, replace, resource, returning,
    set, shown,
};
use super::types::{ASSET, DEVICE, ENTERPRISE, devices, group, user};

pub(crate) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "reads::created_is_there",
            "What a write did is there for every read after it; `created` and `last_modified` of a \
             new resource are `cx.now`",
            created_is_there,
        ),
        Check::new(
            "reads::values_of_all_types",
            "A stored document has the canonical attributes that were given, value for value",
            values_of_all_types,
        )
        .needing(&[Need::CustomTypes]),
        Check::new(
            "reads::body_is_the_document_alone",
            "`Stored::body` is the document of a stored resource, without `id`, `meta`, `members` \
             and `groups`",
            body_is_the_document_alone,
        ),
        Check::new(
            "reads::what_is_not_there",
            "BackendError::NotFound when the tenant has no resource of that type and id",
            what_is_not_there,
        ),
        Check::new(
            "reads::id_of_another_type",
            "BackendError::NotFound when the tenant has no resource of that type and id",
            id_of_another_type,
        ),
        Check::new(
            "reads::rows_only_where_wanted",
            "Membership rows are read only when they are wanted: `members` and `groups` are `None` \
             where they were not wanted, or the type has none",
            rows_only_where_wanted,
        ),
        Check::new(
            "reads::each_resources_own_rows_in_a_list",
            "The resources of a page have the members and groups that they have by themselves",
            each_resources_own_rows_in_a_list,
        ),
    ]
}

fn bjensen() -> Value {
    json!({
        "userName": "bjensen",
        "externalId": "701984",
        "name": {"givenName": "Bárbara", "familyName": "Jensen", "formatted": "Ms. \"B\" Jensen\n"},
        "displayName": "芭芭拉 🦀",
        "active": false,
        "emails": [
            {"value": "bjensen@example.com", "type": "work", "primary": true},
            {"value": "babs@example.org", "type": "home"},
        ],
        "phoneNumbers": [{"value": "tel:+1-201-555-0123", "type": "work"}],
        ENTERPRISE: {"employeeNumber": "701984", "department": "Tours"},
    })
}

async fn created_is_there(store: Store) -> Outcome {
    let given = resource(&user(), bjensen())?.into_attributes();
    let written = store.create(&user(), bjensen()).await?.done()?;
    same("`changed` of a create", written.changed, true)?;
    let stored = store.get(&user(), &written.id).await.done()?;
    same("the id", stored.id.as_str(), written.id.as_str())?;
    same("the version", &stored.version, &written.version)?;
    same("`created`", stored.created, store.cx.now)?;
    same("`last_modified`", stored.last_modified, store.cx.now)?;
    same("the type", stored.resource_type.name(), user().name())?;
    same("the attributes", attributes(&stored)?, given.clone())?;
    let schemas = stored.to_json()?.get("schemas").cloned();
    same("`schemas`", schemas, Some(json!([user().schema().id(), ENTERPRISE])))?;
    let page = store.page(&query(&user())).await?;
    same("the ids in a list", ids(&page.resources), [written.id.as_str()])?;
    for stored in &page.resources {
        same("the attributes in a list", attributes(stored)?, given.clone())?;
        same("the version in a list", &stored.version, &written.version)?;
        same("`created` in a list", stored.created, store.cx.now)?;
    }
    let other = store.create_user("other").await?;
    holds("another id for another resource", other != written.id, other)
}

async fn values_of_all_types(store: Store) -> Outcome {
    let [phone, _] = devices()?;
    for body in [
        json!({
            "serial": "A1", "label": "Straße", "slot": i64::MAX, "weight": 0.1,
            "bought": "2011-05-13T04:42:34.123456+02:00", "photo": "/+8=",
            "manual": "https://example.com/a?b=c#d", "lost": true, "maker": "é",
            "tags": ["b", "a", "", "B"], "ports": [{"mac": "00:01", "label": "x"}, {"label": "y"}],
            ASSET: {"number": "1", "room": " a\tb "},
        }),
        json!({"slot": i64::MIN, "weight": -1.5e300, "lost": false}),
        json!({"slot": 0, "weight": 7}),
        json!({"label": "x".repeat(100_000)}),
        json!({}),
    ] {
        let given = resource(&phone, body.clone())?.into_attributes();
        let id = store.create(&phone, body.clone()).await?.done()?.id;
        same("the attributes", attributes(&store.get(&phone, &id).await.done()?)?, given.clone())?;
        // The way through a replacement is another one.
        let other = store.create(&phone, json!({})).await?.done()?.id;
        store.delete(&phone, &id).await.done()?;
        store.replace(&phone, &other, body).await?.done()?;
        same("the attributes", attributes(&store.get(&phone, &other).await.done()?)?, given)?;
        store.delete(&phone, &other).await.done()?;
    }
    let id = store.create(&phone, json!({"serial": "s"})).await?.done()?.id;
    let schemas = store.get(&phone, &id).await.done()?.to_json()?.get("schemas").cloned();
    same("`schemas` without an extension", schemas, Some(json!([DEVICE])))
}

async fn body_is_the_document_alone(store: Store) -> Outcome {
    let id = store.create(&user(), bjensen()).await?.done()?.id;
    let team = store.create_group("Guides", &[&id]).await?;
    for stored in [store.get(&user(), &id).await.done()?, store.get(&group(), &team).await.done()?]
    {
        let body = stored.attributes()?;
        for name in ["id", "meta", "members", "groups", "password"] {
            holds(format_args!("a body without `{name}`"), !body.contains_key(name), &body)?;
        }
    }
    Ok(())
}

async fn what_is_not_there(store: Store) -> Outcome {
    // In a tenant that is not there either, and in one that is.
    for tenant_exists in [false, true] {
        if tenant_exists {
            store.create_user("bjensen").await?;
        }
        let nobody = nobody()?;
        for resource_type in [user(), group()] {
            store.get(&resource_type, &nobody).await.not_found()?;
            store.delete(&resource_type, &nobody).await.not_found()?;
            store.patch(&resource_type, &nobody, set("externalId", "x")).await?.not_found()?;
        }
        store.patch(&group(), &nobody, add(&["x"])).await?.not_found()?;
        store.replace(&user(), &nobody, json!({"userName": "x"})).await?.not_found()?;
        let found = store.all_ids(&user()).await?.len();
        same("the number of users", found, usize::from(tenant_exists))?;
    }
    let id = store.create_user("leaving").await?;
    store.delete(&user(), &id).await.done()?;
    store.get(&user(), &id).await.not_found()?;
    store.delete(&user(), &id).await.not_found()
}

async fn id_of_another_type(store: Store) -> Outcome {
    let id = store.create_user("bjensen").await?;
    let before = store.shown(&user(), &id).await?;
    store.get(&group(), &id).await.not_found()?;
    store.patch(&group(), &id, add(&["x"])).await?.not_found()?;
    store.patch(&group(), &id, set("displayName", "x")).await?.not_found()?;
    store.replace(&group(), &id, json!({"displayName": "x"})).await?.not_found()?;
    store.delete(&group(), &id).await.not_found()?;
    store.selects(&group(), &format!("id eq \"{id}\""), &[""; 0]).await?;
    same("the user", store.shown(&user(), &id).await?, before)
}

async fn rows_only_where_wanted(store: Store) -> Outcome {
    let id = store.create_user("bjensen").await?;
    let team = store.create_group("Guides", &[&id]).await?;
    for (resource_type, id, wanted, is_wanted) in [
        (user(), &id, everything(&user()), true),
        (user(), &id, only(&user(), &["groups"])?, true),
        (user(), &id, only(&user(), &["userName"])?, false),
        (group(), &team, everything(&group()), true),
        (group(), &team, only(&group(), &["members.value"])?, true),
        (group(), &team, only(&group(), &["displayName"])?, false),
    ] {
        let name = resource_type.name();
        let expected = is_wanted.then_some(1);
        let (members, groups) =
            if resource_type.has_members() { (expected, None) } else { (None, expected) };
        let rows = |stored: &scim_server_adapters::Stored| {
            let members = stored.members.as_ref().map(|members| members.list.len());
            (members, stored.groups.as_ref().map(Vec::len))
        };
        let got = store.get_wanting(&resource_type, id, &wanted).await.done()?;
        same(format_args!("members and groups of {name} by get"), rows(&got), (members, groups))?;
        let mut list = query(&resource_type);
        for target in &mut list.targets {
            target.wanted = std::sync::Arc::clone(&wanted);
        }
        let page = store.page(&list).await?;
        let listed = some("the resource in a list", page.resources.first())?;
        same(
            format_args!("members and groups of {name} in a list"),
            rows(listed),
            (members, groups),
        )?;
        let body = if resource_type.has_members() {
            json!({"displayName": "Guides", "members": [{"value": "x"}]})
        } else {
            json!({"userName": "bjensen", "title": "Guide"})
        };
        let write = returning(replace(&resource_type, id, body)?, &wanted, None);
        let written = store.perform("replace, returning", write).await.done()?;
        let returned = some("the resource that a write returns", written.returned)?;
        let seen = rows(&returned);
        same(format_args!("members and groups of {name} from a write"), seen, (members, groups))?;
        if resource_type.has_members() {
            let body = json!({"displayName": "Guides", "members": [{"value": id.as_str()}]});
            store.replace(&resource_type, id, body).await?.done()?;
        }
    }
    Ok(())
}

async fn each_resources_own_rows_in_a_list(store: Store) -> Outcome {
    let [a, b] = [store.create_user("a").await?, store.create_user("b").await?];
    store.create_group("Both", &[&b, &a]).await?;
    store.create_group("None", &[]).await?;
    store.create_group("One", &[&a]).await?;
    for resource_type in [user(), group()] {
        let listed = store.walk(&query(&resource_type)).await?;
        for stored in &listed {
            let alone = store.shown(&resource_type, &stored.id).await?;
            same("a resource in a list, as by itself", shown(stored)?, alone)?;
        }
        let rows = listed.iter().map(|stored| {
            let members = stored.members.as_ref().map(|members| &members.list);
            members.or(stored.groups.as_ref()).map_or(0, Vec::len)
        });
        let expected = if resource_type.has_members() { vec![2, 0, 1] } else { vec![2, 1] };
        let name = resource_type.name();
        same(format!("members or groups of each {name}"), rows.collect::<Vec<_>>(), expected)?;
    }
    Ok(())
}
