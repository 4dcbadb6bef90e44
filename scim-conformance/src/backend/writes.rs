//! Atomicity, versions and dates (RFC 7644 §3.3, §3.5, §3.6).

use std::collections::HashSet;

use serde_json::{Value, json};

use super::breach::{Outcome, holds, same, some};
use super::check::{Check, Need};
use super::store::{
    Store, add, attributes, create, everything, only, patch, query, remove, replace, returning,
    set, shown,
};
use super::types::{USER, devices, group, user};

pub(crate) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "writes::change_gives_version_and_date",
            "A write that changes something gives the resource a version that it never had before \
             and `last_modified = cx.now`",
            change_gives_version_and_date,
        ),
        Check::new(
            "writes::nothing_changed",
            "A write that changes nothing changes neither version nor `last_modified`; `changed` \
             says which",
            nothing_changed,
        ),
        Check::new(
            "writes::replace",
            "What stays of a replaced resource says `Resource::replacing`; its membership list is \
             the one given",
            replace_,
        ),
        Check::new(
            "writes::patch_of_document_and_members",
            "Each write is atomic: a PATCH of document and members is one change with one version",
            patch_of_document_and_members,
        ),
        Check::new(
            "writes::failure_leaves_nothing",
            "Each write is atomic: all of it happens or none of it",
            failure_leaves_nothing,
        ),
        Check::new(
            "writes::immutable",
            "BackendError::Scim for what applying a plan or replacing refuses; nothing has changed \
             then",
            immutable,
        )
        .needing(&[Need::CustomTypes]),
        Check::new(
            "writes::delete",
            "A delete takes the resource away; its `Written::version` is the last it had",
            delete,
        ),
        Check::new(
            "writes::returning",
            "`Written::returned` is the resource as it is now, where it was asked for",
            returning_,
        ),
        Check::new(
            "writes::returning_max_members",
            "Nothing is given back when the resource has more members than `max_members`",
            returning_max_members,
        ),
    ]
}

async fn change_gives_version_and_date(store: Store) -> Outcome {
    let member = store.create_user("jsmith").await?;
    let user_ = store.create_user("bjensen").await?;
    let team = store.create_group("Guides", &[]).await?;
    let value = member.as_str();
    for (resource_type, id, changes) in [
        // There and back again: the version is new all the same.
        (
            user(),
            &user_,
            vec![
                patch(&user(), &user_, set("title", "a"))?,
                patch(&user(), &user_, set("title", "b"))?,
                patch(&user(), &user_, set("title", "a"))?,
                replace(&user(), &user_, json!({"userName": "bjensen"}))?,
                replace(&user(), &user_, json!({"userName": "bjensen", "title": "a"}))?,
            ],
        ),
        (
            group(),
            &team,
            vec![
                patch(&group(), &team, add(&[value]))?,
                patch(&group(), &team, remove(value))?,
                patch(&group(), &team, add(&[value]))?,
                patch(&group(), &team, json!([{"op": "remove", "path": "members"}]))?,
                replace(
                    &group(),
                    &team,
                    json!({"displayName": "Guides", "members": [{"value": value}]}),
                )?,
                replace(&group(), &team, json!({"displayName": "Guides"}))?,
            ],
        ),
    ] {
        let before = store.get(&resource_type, id).await.done()?;
        let mut versions = HashSet::from([before.version.as_str().to_owned()]);
        for (n, change) in changes.into_iter().enumerate() {
            let later = store.later(60 + i64::try_from(n).unwrap_or_default());
            let doing = format!("change {} of {}", n + 1, resource_type.name());
            let written = later.perform(&doing, change).await.done()?;
            same(format_args!("`changed` of {doing}"), written.changed, true)?;
            let version = written.version.as_str().to_owned();
            let expected = format!("a version after {doing} that was not among {versions:?}");
            holds(expected, versions.insert(version), &written.version)?;
            let after = store.get(&resource_type, id).await.done()?;
            same(format_args!("the version after {doing}"), &after.version, &written.version)?;
            same(format_args!("`last_modified` after {doing}"), after.last_modified, later.cx.now)?;
            same(format_args!("`created` after {doing}"), after.created, before.created)?;
        }
    }
    Ok(())
}

async fn nothing_changed(store: Store) -> Outcome {
    let body = json!({
        "userName": "bjensen", "title": "Guide", "active": true,
        "emails": [{"value": "b@example.com", "type": "work"}],
    });
    let id = store.create(&user(), body.clone()).await?.done()?.id;
    let member = store.create_user("jsmith").await?;
    let value = member.as_str();
    let team = store.create_group("Guides", &[&member]).await?;
    let with_type =
        json!([{"op": "add", "path": "members", "value": [{"value": value, "type": "User"}]}]);
    let email = json!([{"op": "add", "path": "emails", "value": [{"value": "b@example.com", "type": "work"}]}]);
    let same_group = json!({"displayName": "Guides", "members": [{"value": value}]});
    let typed_group =
        json!({"displayName": "Guides", "members": [{"value": value, "type": "User"}]});
    let same_list =
        json!([{"op": "replace", "path": "members", "value": [{"value": value, "type": "User"}]}]);
    let before = [store.shown(&user(), &id).await?, store.shown(&group(), &team).await?];
    let later = store.later(60);
    for (doing, resource_type, id, write) in [
        ("set what is set", user(), &id, patch(&user(), &id, set("title", "Guide"))?),
        ("add an element that is there", user(), &id, patch(&user(), &id, email)?),
        (
            "remove what is not there",
            user(),
            &id,
            patch(&user(), &id, json!([{"op": "remove", "path": "nickName"}]))?,
        ),
        ("replace by the same", user(), &id, replace(&user(), &id, body)?),
        ("add a member that is one", group(), &team, patch(&group(), &team, add(&[value]))?),
        (
            "add a member that is one, with its type",
            group(),
            &team,
            patch(&group(), &team, with_type)?,
        ),
        ("remove a member that is none", group(), &team, patch(&group(), &team, remove("nobody"))?),
        ("replace the members by the same", group(), &team, patch(&group(), &team, same_list)?),
        ("replace by the same group", group(), &team, replace(&group(), &team, same_group)?),
        (
            "replace by the same group, with types",
            group(),
            &team,
            replace(&group(), &team, typed_group)?,
        ),
    ] {
        let stored = store.get(&resource_type, id).await.done()?;
        let written = later
            .perform(doing, returning(write, &everything(&resource_type), None))
            .await
            .done()?;
        same(format_args!("`changed` of {doing}"), written.changed, false)?;
        same(format_args!("the version after {doing}"), &written.version, &stored.version)?;
        let returned = some("the resource, also where nothing changed", written.returned)?;
        same(format_args!("the resource after {doing}"), shown(&returned)?, shown(&stored)?)?;
    }
    let after = [store.shown(&user(), &id).await?, store.shown(&group(), &team).await?];
    same("the resources", after, before)
}

async fn replace_(store: Store) -> Outcome {
    let body = json!({"userName": "bjensen", "title": "Guide", "active": false});
    let id = store.create(&user(), body).await?.done()?.id;
    store.replace(&user(), &id, json!({"userName": "babs"})).await?.done()?;
    let stored = attributes(&store.get(&user(), &id).await.done()?)?;
    let expected = json!({"userName": "babs", "active": false});
    same("the attributes, `active` kept", Value::Object(stored), expected)?;
    store.selects(&user(), "active eq false", &[id.as_str()]).await?;
    store.selects(&user(), "title pr", &[""; 0]).await?;

    let [a, b, c] = [
        store.create_user("a").await?,
        store.create_user("b").await?,
        store.create_user("c").await?,
    ];
    let team = store.create_group("Team", &[&a, &b]).await?;
    let body =
        json!({"displayName": "Team", "members": [{"value": c.as_str()}, {"value": b.as_str()}]});
    store.replace(&group(), &team, body).await?.done()?;
    let members = store.members(&team).await?;
    same("the members, those that stay in place", members, [b.as_str(), c.as_str()])?;
    same("the groups of who left", store.groups(&a).await?, [""; 0])?;
    same("the groups of who joined", store.groups(&c).await?, [team.as_str()])?;
    store.replace(&group(), &team, json!({"displayName": "Team"})).await?.done()?;
    same("the members when none are given", store.members(&team).await?, [""; 0])
}

async fn patch_of_document_and_members(store: Store) -> Outcome {
    let id = store.create_user("bjensen").await?;
    let team = store.create_group("Guides", &[]).await?;
    let operations = json!([
        {"op": "add", "path": "members", "value": [{"value": id.as_str()}, {"value": "x"}]},
        {"op": "replace", "path": "displayName", "value": "Tour Guides"},
        {"op": "remove", "path": "members[value eq \"x\"]"},
    ]);
    let later = store.later(60);
    let written = later.patch(&group(), &team, operations).await?.done()?;
    same("the members", store.members(&team).await?, [id.as_str()])?;
    let stored = store.get(&group(), &team).await.done()?;
    same("the name", attributes(&stored)?.get("displayName"), Some(&json!("Tour Guides")))?;
    same("the version", &stored.version, &written.version)?;
    same("`last_modified`", stored.last_modified, later.cx.now)
}

async fn failure_leaves_nothing(store: Store) -> Outcome {
    store.create_user("taken").await?;
    let id = store.create(&user(), json!({"userName": "b", "title": "t"})).await?.done()?.id;
    let team = store.create_group("Guides", &[&id]).await?;
    let before = (
        store.shown(&user(), &id).await?,
        store.shown(&group(), &team).await?,
        store.page(&query(&user())).await?.total,
    );
    let later = store.later(60);
    let body = json!({"userName": "Taken", "title": "x"});
    later.create(&user(), body.clone()).await?.conflicts(USER, "userName")?;
    later.replace(&user(), &id, body).await?.conflicts(USER, "userName")?;
    let operations = json!([
        {"op": "replace", "path": "title", "value": "x"},
        {"op": "replace", "path": "userName", "value": "TAKEN"},
    ]);
    later.patch(&user(), &id, operations).await?.conflicts(USER, "userName")?;
    // The document part is fine; only the rows tell that the other is not.
    let operations = json!([
        {"op": "replace", "path": "displayName", "value": "Elsewhere"},
        {"op": "add", "path": "members", "value": [{"value": "x"}]},
        {"op": "replace", "path": format!("members[value eq \"{id}\"].type"), "value": "Group"},
    ]);
    later.patch(&group(), &team, operations).await?.refused(400)?;
    let after = (
        store.shown(&user(), &id).await?,
        store.shown(&group(), &team).await?,
        store.page(&query(&user())).await?.total,
    );
    same("user, group and number of users after failed writes", after, before)?;
    store.selects(&user(), "title eq \"x\"", &[""; 0]).await?;
    store.selects(&group(), "displayName eq \"elsewhere\"", &[""; 0]).await?;
    store.selects(&group(), "members.value eq \"x\"", &[""; 0]).await
}

async fn immutable(store: Store) -> Outcome {
    let [phone, _] = devices()?;
    let id = store.create(&phone, json!({"maker": "a", "label": "x"})).await?.done()?.id;
    let before = store.shown(&phone, &id).await?;
    let later = store.later(60);
    later.replace(&phone, &id, json!({"maker": "b", "label": "y"})).await?.refused(400)?;
    later.patch(&phone, &id, set("maker", "b")).await?.refused(400)?;
    same("the resource", store.shown(&phone, &id).await?, before)?;
    later.replace(&phone, &id, json!({"maker": "a", "label": "y"})).await?.done()?;
    Ok(())
}

async fn delete(store: Store) -> Outcome {
    let id = store.create_user("bjensen").await?;
    let version = store.patch(&user(), &id, set("title", "x")).await?.done()?.version;
    let written = store.delete(&user(), &id).await.done()?;
    same("the version that a delete gives", &written.version, &version)?;
    same("`changed` of a delete", written.changed, true)?;
    holds("nothing returned by a delete", written.returned.is_none(), &written.returned)?;
    store.get(&user(), &id).await.not_found()?;
    let page = store.page(&query(&user())).await?;
    same("resources in a list, and the total", (page.resources.len(), page.total), (0, Some(0)))?;
    store.selects(&user(), &format!("id eq \"{id}\""), &[""; 0]).await?;
    store.selects(&user(), "userName eq \"bjensen\"", &[""; 0]).await?;
    store.selects(&user(), "title pr", &[""; 0]).await
}

async fn returning_(store: Store) -> Outcome {
    let wanted = everything(&user());
    let write = returning(create(&user(), json!({"userName": "bjensen"}))?, &wanted, None);
    let created = store.perform("create, returning", write).await.done()?;
    let team = store.create_group("Guides", &[&created.id]).await?;
    let returned = shown(&some("the created resource", created.returned)?)?;
    let change = patch(&user(), &created.id, set("title", "x"))?;
    let name = returned.get("resource").and_then(|r| r.get("userName"));
    same("`userName` of the created resource", name, Some(&json!("bjensen")))?;
    for (doing, write) in [
        ("patch, returning", change),
        ("replace, returning", replace(&user(), &created.id, json!({"userName": "babs"}))?),
    ] {
        let later = store.later(60);
        let written = later.perform(doing, returning(write, &wanted, None)).await.done()?;
        let returned = some(doing, written.returned)?;
        same(format_args!("what {doing} gives"), &returned.version, &written.version)?;
        let now = store.shown(&user(), &created.id).await?;
        same(format_args!("what {doing} gives, like a get"), shown(&returned)?, now)?;
    }
    same("the groups of the user", store.groups(&created.id).await?, [team.as_str()])?;
    let silent = store.patch(&user(), &created.id, set("title", "y")).await?.done()?;
    holds(
        "nothing returned where nothing was asked for",
        silent.returned.is_none(),
        silent.returned,
    )
}

async fn returning_max_members(store: Store) -> Outcome {
    let team = store.create_group("Guides", &[]).await?;
    let wanted = only(&group(), &["displayName", "members"])?;
    for (members, max, is_returned) in
        [(1, Some(0), false), (2, Some(2), true), (3, Some(2), false), (4, None, true)]
    {
        let value = format!("m{members}");
        let write = returning(patch(&group(), &team, add(&[value]))?, &wanted, max);
        let written = store.perform("add a member, returning", write).await.done()?;
        let seen = written.returned.map(|r| r.members.map_or(0, |m| m.list.len()));
        let what = format!("the members returned of {members}, max_members {max:?}");
        same(what, seen, is_returned.then_some(members))?;
    }
    let write = returning(
        create(&group(), json!({"displayName": "x", "members": [{"value": "a"}]}))?,
        &wanted,
        Some(0),
    );
    let written =
        store.perform("create with a member, returning, max_members 0", write).await.done()?;
    holds("nothing returned", written.returned.is_none(), written.returned)?;
    // Users have no members to be too many.
    let write =
        returning(create(&user(), json!({"userName": "x"}))?, &everything(&user()), Some(0));
    let written = store.perform("create a user, returning, max_members 0", write).await.done()?;
    holds("the user returned", written.returned.is_some(), written.returned)
}
