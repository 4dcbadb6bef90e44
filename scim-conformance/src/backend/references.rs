//! What a store tells of the resources that others refer to.

use scim_core::Member;
use scim_server_adapters::Members;
use serde_json::json;

use super::breach::{Outcome, same, some};
use super::check::Check;
use super::store::{Store, set};
use super::types::{ENTERPRISE, group, user};

pub(crate) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "references::members_show_what_they_name",
            "A member shows type and `displayName` of the resource that it names, and whether it \
             exists; one that dangles is kept",
            members_show_what_they_name,
        ),
        Check::new(
            "references::only_those_that_exist",
            "`Stored::references` are those of the resources that the document refers to by `value` \
             which exist",
            only_those_that_exist,
        ),
    ]
}

fn reference(value: &str, of: Option<&str>, display: Option<&str>, exists: bool) -> Member {
    Member {
        value: value.into(),
        resource_type: of.map(Into::into),
        display: display.map(Into::into),
        exists,
    }
}

async fn members_show_what_they_name(store: Store) -> Outcome {
    let body = json!({"userName": "bjensen", "displayName": "Babs Jensen"});
    let babs = store.create(&user(), body).await?.done()?.id;
    let plain = store.create_user("jsmith").await?;
    let inner = store.create_group("Inner", &[]).await?;
    let members = json!([
        {"value": babs.as_str()},
        {"value": plain.as_str(), "type": "User"},
        {"value": inner.as_str()},
        {"value": "nobody", "type": "User"},
        {"value": "nothing"},
    ]);
    let body = json!({"displayName": "Outer", "members": members});
    let outer = store.create(&group(), body).await?.done()?.id;
    let stored = store.get(&group(), &outer).await.done()?;
    let expected = vec![
        reference(babs.as_str(), Some("User"), Some("Babs Jensen"), true),
        reference(plain.as_str(), Some("User"), None, true),
        reference(inner.as_str(), Some("Group"), Some("Inner"), true),
        reference("nobody", Some("User"), None, false),
        reference("nothing", None, None, false),
    ];
    same("the members", stored.members, Some(Members::to_the_end(expected)))?;
    let groups = store.get(&user(), &babs).await.done()?.groups;
    let expected = vec![reference(outer.as_str(), Some("Group"), Some("Outer"), true)];
    same("the groups", groups, Some(expected))?;
    // It is looked up at reading, so a new name shows without a new version of the group.
    store.patch(&user(), &babs, set("displayName", "Barbara")).await?.done()?;
    let after = store.get(&group(), &outer).await.done()?;
    let members = some("`members` of a group, where wanted", after.members)?.list;
    let display = members.first().and_then(|m| m.display.as_deref());
    same("`display` after a rename", display, Some("Barbara"))?;
    same("the version of the group", after.version, stored.version)
}

async fn only_those_that_exist(store: Store) -> Outcome {
    let body = json!({"userName": "jsmith", "displayName": "John Smith"});
    let boss = store.create(&user(), body).await?.done()?.id;
    let managed_by = |id: &str| json!({"userName": id, ENTERPRISE: {"manager": {"value": id}}});
    let known = store.create(&user(), managed_by(boss.as_str())).await?.done()?.id;
    let dangling = store.create(&user(), managed_by("nobody")).await?.done()?.id;
    let expected = [reference(boss.as_str(), Some("User"), Some("John Smith"), true)];
    same("the references", store.get(&user(), &known).await.done()?.references, expected)?;
    let none: [Member; 0] = [];
    let stored = store.get(&user(), &dangling).await.done()?;
    same("the references, one dangling", stored.references.clone(), none.clone())?;
    let manager = stored.attributes()?.get(ENTERPRISE).and_then(|e| e.get("manager")).cloned();
    same("the manager, who dangles", manager, Some(json!({"value": "nobody"})))?;
    let before = store.get(&user(), &known).await.done()?;
    store.delete(&user(), &boss).await.done()?;
    let after = store.get(&user(), &known).await.done()?;
    same("the references after it was deleted", after.references, none)?;
    same("the version of who referred to it", after.version, before.version)
}
