//! What a store tells of the resources that others refer to.

use scim_core::{Member, Reference};
use scim_server_adapters::{BackendError, Members, Precondition, Write, WriteUnit};
use serde_json::{Value, json};

use super::breach::{Breach, Outcome, holds, same, same_list, some};
use super::check::{Check, Need};
use super::store::{Store, add, create, create_as, delete, new_id, nobody, patch, replace, set};
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
        Check::new("references::must_exist", MUST_EXIST, must_exist),
        Check::new("references::must_exist_in_the_tenant", MUST_EXIST, must_exist_in_the_tenant)
            .needing(&[Need::Tenants]),
        Check::new("references::must_exist_in_units", MUST_EXIST, must_exist_in_units)
            .needing(&[Need::Bulk]),
        Check::new(
            "references::must_exist_beside_deletes",
            "`Write::must_exist` is looked for in the same transaction as the write",
            must_exist_beside_deletes,
        ),
    ]
}

const MUST_EXIST: &str = "The resources of `Write::must_exist` are there, of whatever type, when the \
                          write happens; the first that is not is the error, and nothing has changed";

/// The same write, which demands that these resources exist.
fn demanding<S: AsRef<str>>(write: Write, ids: &[S]) -> Write {
    let must_exist = ids.iter().map(|id| Reference::new(&"members", id.as_ref())).collect();
    Write { must_exist, ..write }
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

async fn must_exist(store: Store) -> Outcome {
    let person = store.create_user("bjensen").await?;
    let inner = store.create_group("Inner", &[]).await?;
    let team = store.create_group("Outer", &[]).await?;
    let nobody = nobody()?;
    let (known, dangling) = ([&person, &inner], [&person, &nobody]);
    let body = |name: &str, members: &[&scim_core::ResourceId]| {
        let members: Vec<Value> = members.iter().map(|m| json!({"value": m.as_str()})).collect();
        json!({"displayName": name, "members": members})
    };
    let perform = async |write: Write| {
        let doing = format!("write that demands {:?}: {:?}", write.must_exist, write.change);
        store.perform(doing, write).await
    };
    let before = store.get(&group(), &team).await.done()?;
    for write in [
        create(&group(), body("New", &dangling))?,
        replace(&group(), &team, body("Replaced", &dangling))?,
        patch(&group(), &team, add(&dangling.map(|id| id.as_str())))?,
    ] {
        let attempt = perform(demanding(write, &dangling.map(|id| id.as_str()))).await;
        let wanted = Reference::new(&"members", nobody.as_str()).dangles();
        attempt.fails(
            "what `Reference::dangles` says of the one that is missing",
            |error| matches!(error, BackendError::Scim(error) if *error == wanted),
        )?;
    }
    let after = store.get(&group(), &team).await.done()?;
    same("the version of the group", after.version, before.version)?;
    same_list("the members", &store.members(&team).await?, &[""; 0])?;
    same("how many groups there are", store.all_ids(&group()).await?.len(), 2)?;
    // A resource that is not there, or has another version, is so first.
    let gone = demanding(patch(&group(), &nobody, add(&["x"]))?, &[nobody.as_str()]);
    perform(gone).await.not_found()?;
    let stale = Write {
        precondition: Precondition::version(store.get(&group(), &inner).await.done()?.version),
        ..demanding(patch(&group(), &inner, set("displayName", "x"))?, &[nobody.as_str()])
    };
    store.patch(&group(), &inner, set("displayName", "Inside")).await?.done()?;
    perform(stale).await.precondition_failed()?;
    // What is there may be of any type, and may be the resource itself.
    let ids = known.map(|id| id.as_str());
    let made = perform(demanding(create(&group(), body("New", &known))?, &ids)).await.done()?.id;
    same_list("the members", &store.members(&made).await?, &ids)?;
    let itself = [made.as_str(), person.as_str()];
    perform(demanding(patch(&group(), &made, add(&itself[..1]))?, &itself)).await.done()?;
    // Without the demand a member may dangle.
    perform(patch(&group(), &made, add(&[nobody.as_str()]))?).await.done()?;
    Ok(())
}

async fn must_exist_in_the_tenant(store: Store) -> Outcome {
    let person = store.create_user("bjensen").await?;
    let other = store.other_tenant("b");
    let body = json!({"displayName": "Guides", "members": [{"value": person.as_str()}]});
    let write = demanding(create(&group(), body)?, &[person.as_str()]);
    other
        .perform("create of a group with another tenant's user", write.clone())
        .await
        .refused(400)?;
    store.perform("create of a group with a user of its tenant", write).await.done()?;
    Ok(())
}

async fn must_exist_in_units(store: Store) -> Outcome {
    let unit = |write, depends_on| WriteUnit { writes: vec![write], depends_on };
    let (person, later) = (new_id("person")?, new_id("later")?);
    let named = |name: &str, member: &str| {
        let body = json!({"displayName": name, "members": [{"value": member}]});
        Ok::<_, Breach>(demanding(create(&group(), body)?, &[member]))
    };
    let units = vec![
        unit(create_as(&person, &user(), json!({"userName": "bjensen"}))?, vec![]),
        unit(named("Guides", person.as_str())?, vec![0]),
        unit(named("Early", later.as_str())?, vec![]),
        unit(create_as(&later, &user(), json!({"userName": "jsmith"}))?, vec![]),
        unit(delete(&user(), &person), vec![]),
        unit(named("Late", person.as_str())?, vec![]),
    ];
    let outcomes = store.write_all(units, None).await?;
    let seen: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
    same("which units succeed", seen, vec![true, true, false, true, true, false])
}

/// Adding a member and deleting it at once leaves nobody in the group who is gone, whichever of the
/// two is first.
async fn must_exist_beside_deletes(store: Store) -> Outcome {
    let team = store.create_group("Guides", &[]).await?;
    for round in 0..32 {
        let person = store.create_user(&format!("user{round}")).await?;
        let joins = demanding(patch(&group(), &team, add(&[person.as_str()]))?, &[person.as_str()]);
        let leaves = delete(&user(), &person);
        // Which task runs first is the runtime's affair, and often the one that was started last.
        let mut both = [joins, leaves];
        both.rotate_left(round % 2);
        let tasks = both.map(|write| {
            let store = store.clone();
            tokio::spawn(async move { store.perform("a write beside another", write).await })
        });
        for task in tasks {
            // Whether they could join depends on who was first.
            let _ = task.await.map_err(|panic| Breach::new("no panic", panic))?;
        }
        store.get(&user(), &person).await.not_found()?;
        let members = store.members(&team).await?;
        holds("nobody in the group who is deleted", members.is_empty(), members)?;
    }
    Ok(())
}
