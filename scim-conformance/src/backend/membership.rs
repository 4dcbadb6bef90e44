//! Groups and their members, as rows (RFC 7643 §4.2, §4.1.2 `groups`).

use std::sync::Arc;

use scim_core::{Member, ResourceId};
use scim_patch::{MemberOp, PatchPlan, apply_members};
use scim_server_adapters::Change;
use serde_json::{Value, json};

use super::breach::{Outcome, holds, same, some};
use super::check::Check;
use super::store::{Store, add, plan, remove, set, write};
use super::types::{group, user};

pub(crate) fn checks() -> Vec<Check> {
    const ROWS: &str = "Membership is a set of rows, by `value`; what the operations do to them says \
                        `scim_patch::apply_members`";
    vec![
        Check::new("membership::operations", ROWS, operations),
        Check::new("membership::operations_of_one_request", ROWS, operations_of_one_request),
        Check::new("membership::created_with_a_group", ROWS, created_with_a_group),
        Check::new(
            "membership::groups_are_computed",
            "`Stored::groups` is computed from the rows, direct groups only",
            groups_are_computed,
        ),
        Check::new(
            "membership::joining_is_the_groups_change",
            "A write gives the resource that it is about a version: joining and leaving give one to \
             the group and none to the user",
            joining_is_the_groups_change,
        ),
        Check::new(
            "membership::delete_leaves_groups",
            "Deleting a resource removes its memberships and gives those groups a new version",
            delete_leaves_groups,
        ),
        Check::new(
            "membership::deleted_group",
            "Deleting a group leaves nothing of its memberships to see, however many",
            deleted_group,
        ),
    ]
}

/// People and a group that exist, each with a name or not.
struct Cast {
    known: Vec<Member>,
}

impl Cast {
    async fn assemble(store: &Store) -> Outcome<Self> {
        let named = json!({"userName": "named", "displayName": "Babs Jensen"});
        let [named, plain, inner] = [
            store.create(&user(), named).await?.done()?.id,
            store.create_user("plain").await?,
            store.create_group("Inner", &[]).await?,
        ];
        let member = |id: &ResourceId, of: &str, display: Option<&str>| Member {
            value: id.as_str().into(),
            resource_type: Some(of.into()),
            display: display.map(Arc::from),
            exists: true,
        };
        let known = vec![
            member(&named, "User", Some("Babs Jensen")),
            member(&plain, "User", None),
            member(&inner, "Group", Some("Inner")),
        ];
        Ok(Self { known })
    }

    fn find(&self, value: &str) -> Option<&Member> {
        self.known.iter().find(|member| &*member.value == value)
    }

    /// The operations with what the store knows of the members, which it knows better than the
    /// client.
    fn known_operations(&self, operations: &[MemberOp]) -> Vec<MemberOp> {
        let known = |members: &[Member]| {
            let members = members.iter().map(|m| self.find(&m.value).unwrap_or(m).clone());
            members.collect()
        };
        let operations = operations.iter().map(|operation| match operation {
            MemberOp::Add(members) => MemberOp::Add(known(members)),
            MemberOp::Replace(members) => MemberOp::Replace(known(members)),
            other => other.clone(),
        });
        operations.collect()
    }
}

/// Applies a plan to the rows of a group in the store and to the same rows in memory.
async fn apply_to_both(
    store: &Store,
    cast: &Cast,
    team: &ResourceId,
    operations: &Value,
) -> Outcome {
    let before = store.get(&group(), team).await.done()?;
    let rows = some("`members` of a group, where wanted", before.members)?.list;
    let plan: PatchPlan = plan(&group(), operations.clone())?;
    let mut expected = rows.clone();
    let outcome = apply_members(&cast.known_operations(&plan.members), &mut expected);
    let change = Change::Patch { id: team.clone(), plan };
    let doing = format!("patch the members {} by {operations}", brief(&rows));
    let attempt = store.perform(&doing, write(&group(), change)).await;
    let changed = match outcome {
        Ok(by_reference) => Some((by_reference, attempt.done()?.changed)),
        Err(error) => {
            attempt.refused(error.status())?;
            None
        }
    };
    let after = store.get(&group(), team).await.done()?;
    let seen = some("`members` of a group, where wanted", after.members)?.list;
    let describe = |breach: super::breach::Breach| breach.while_doing(&doing);
    same("the members", brief(&seen), brief(&expected)).map_err(describe)?;
    same("the members, in full", &seen, &expected).map_err(describe)?;
    let is_new = after.version != before.version;
    let Some((by_reference, changed)) = changed else {
        return same("whether a refusal gives a new version", is_new, false).map_err(describe);
    };
    // Where rows came and went within one request and all is as it was, a store that counts what it
    // did and one that compares may differ.
    let is_as_before = brief(&rows) == brief(&expected);
    let allowed = if by_reference && is_as_before { changed } else { by_reference };
    same("`changed`", changed, allowed).map_err(describe)?;
    same("whether there is a new version", is_new, changed).map_err(describe)
}

fn brief(members: &[Member]) -> String {
    let members = members.iter().map(|m| {
        let of = m.resource_type.as_deref().unwrap_or("?");
        format!("{} ({of}{})", m.value, if m.exists { ", exists" } else { "" })
    });
    format!("[{}]", members.collect::<Vec<_>>().join(", "))
}

async fn operations(store: Store) -> Outcome {
    let cast = Cast::assemble(&store).await?;
    let [named, plain, inner] = cast.known.as_slice() else { return Ok(()) };
    let (named, plain, inner) = (&*named.value, &*plain.value, &*inner.value);
    let team = store.create_group("Guides", &[]).await?;
    let op = |op: &str, members: Value| json!([{"op": op, "path": "members", "value": members}]);
    let at = |path: &str| json!([{"op": "remove", "path": path}]);
    for operations in [
        op("add", json!([{"value": "x"}, {"value": named}, {"value": "y", "type": "User"}])),
        op("add", json!([{"value": "x"}])),
        // A type that nobody knew is set; one that is known is not changed by adding again.
        op("add", json!([{"value": "x", "type": "Group"}])),
        op("add", json!([{"value": "x", "type": "User"}, {"value": named, "type": "User"}])),
        op("add", json!([{"value": "z"}, {"value": plain, "type": "User"}, {"value": inner}])),
        op("add", json!([])),
        remove("y"),
        remove("y"),
        op("remove", json!([{"value": "z"}, {"value": "nobody"}])),
        // Replacing keeps the place of those that stay, sets types, and keeps those not given.
        op("replace", json!([{"value": "z"}, {"value": "x", "type": "User"}, {"value": named}])),
        op("replace", json!([{"value": "x"}, {"value": "z"}, {"value": named, "type": "User"}])),
        op("replace", json!([{"value": "x"}, {"value": "z", "type": "Group"}])),
        op("replace", json!([{"value": "x", "type": "Group"}, {"value": "z", "type": "Group"}])),
        op("add", json!([{"value": plain}, {"value": inner}, {"value": named}])),
        // Selections that have to look at the rows.
        at("members[type eq \"Group\"]"),
        at("members[type eq \"Group\"]"),
        at("members[display eq \"babs jensen\"]"),
        json!([{"op": "replace", "path": format!("members[value eq \"{plain}\"].type"), "value": "Group"}]),
        json!([{"op": "add", "path": "members[value eq \"nobody\"].type", "value": "User"}]),
        op("add", json!([{"value": "x"}, {"value": "y"}])),
        json!([{"op": "add", "path": "members[value eq \"x\"].type", "value": "User"}]),
        at("members[value eq \"y\" or value eq \"x\"]"),
        at("members[not (value eq \"x\")]"),
        op("replace", json!([{"value": "x"}])),
        op("replace", json!([])),
        at("members"),
        op("add", json!([{"value": "x"}])),
        at("members"),
        op("replace", json!([{"value": "y"}, {"value": "x"}])),
    ] {
        apply_to_both(&store, &cast, &team, &operations).await?;
    }
    Ok(())
}

async fn operations_of_one_request(store: Store) -> Outcome {
    let cast = Cast::assemble(&store).await?;
    let team = store.create_group("Guides", &[]).await?;
    let known = cast.known.iter().map(|member| &*member.value);
    let values: Vec<&str> = known.chain(["x", "y", "z"]).collect();
    // Any mixture will do, as long as it is the same in every run.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap_or_default() % below
    };
    for _ in 0..100 {
        let mut operations = Vec::new();
        for _ in 0..=next(4) {
            let value = |n: usize| values.get(n).copied().unwrap_or("x");
            let mut members = Vec::new();
            for _ in 0..=next(3) {
                let named = value(next(values.len()));
                let of = if next(2) == 0 { "User" } else { "Group" };
                members.push(match next(3) {
                    0 => json!({"value": named, "type": of}),
                    _ => json!({"value": named}),
                });
            }
            let one = value(next(values.len()));
            operations.push(match next(9) {
                0..=2 => json!({"op": "add", "path": "members", "value": members}),
                3 => json!({"op": "replace", "path": "members", "value": members}),
                4 | 5 => json!({"op": "remove", "path": format!("members[value eq \"{one}\"]")}),
                6 => json!({"op": "remove", "path": "members[type eq \"Group\"]"}),
                7 => json!({"op": "remove", "path": format!("members[value ne \"{one}\"]")}),
                _ => json!({"op": "remove", "path": "members"}),
            });
        }
        apply_to_both(&store, &cast, &team, &Value::from(operations)).await?;
    }
    Ok(())
}

async fn created_with_a_group(store: Store) -> Outcome {
    let [a, b] = [store.create_user("a").await?, store.create_user("b").await?];
    let members = json!([
        {"value": b.as_str()}, {"value": "x", "type": "User"}, {"value": a.as_str()},
        {"value": b.as_str()},
    ]);
    let body = json!({"displayName": "Team", "members": members});
    let team = store.create(&group(), body).await?.done()?.id;
    let expected = [b.as_str(), "x", a.as_str()];
    same("the members in the order given, each once", store.members(&team).await?, expected)?;
    same("the groups of a member", store.groups(&a).await?, [team.as_str()])
}

async fn groups_are_computed(store: Store) -> Outcome {
    let id = store.create_user("bjensen").await?;
    same("the groups of a new user", store.groups(&id).await?, [""; 0])?;
    let inner = store.create_group("Inner", &[&id]).await?;
    let outer = store.create_group("Outer", &[&inner]).await?;
    let both = store.create_group("Both", &[]).await?;
    same("the groups, direct ones only", store.groups(&id).await?, [inner.as_str()])?;
    store.patch(&group(), &both, add(&[id.as_str()])).await?.done()?;
    same("the groups after joining", store.groups(&id).await?, [inner.as_str(), both.as_str()])?;
    store.patch(&group(), &both, set("displayName", "Renamed")).await?.done()?;
    let stored = store.get(&user(), &id).await.done()?;
    let groups = some("`groups` of a user, where wanted", stored.groups)?;
    let display: Vec<_> = groups.iter().map(|g| g.display.as_deref()).collect();
    same("`display` of the groups", display, [Some("Inner"), Some("Renamed")])?;
    store.patch(&group(), &inner, remove(id.as_str())).await?.done()?;
    same("the groups after leaving", store.groups(&id).await?, [both.as_str()])?;
    store.selects(&user(), &format!("groups.value eq \"{both}\""), &[id.as_str()]).await?;
    store.selects(&user(), &format!("groups.value eq \"{inner}\""), &[""; 0]).await?;
    store.delete(&group(), &both).await.done()?;
    same("the groups after the group went", store.groups(&id).await?, [""; 0])?;
    same("the members of the outer group", store.members(&outer).await?, [inner.as_str()])
}

async fn joining_is_the_groups_change(store: Store) -> Outcome {
    let id = store.create_user("bjensen").await?;
    let team = store.create_group("Guides", &[]).await?;
    let before = store.get(&user(), &id).await.done()?;
    let later = store.later(60);
    for operations in [add(&[id.as_str()]), remove(id.as_str())] {
        let old = store.get(&group(), &team).await.done()?.version;
        let written = later.patch(&group(), &team, operations).await?.done()?;
        holds("a new version of the group", written.version != old, &written.version)?;
    }
    let after = store.get(&user(), &id).await.done()?;
    same("the version of the user", after.version, before.version)?;
    same("`last_modified` of the user", after.last_modified, before.last_modified)
}

async fn delete_leaves_groups(store: Store) -> Outcome {
    let id = store.create_user("bjensen").await?;
    let other = store.create_user("jsmith").await?;
    let inner = store.create_group("Inner", &[&other]).await?;
    let with = store.create_group("With", &[&id, &other, &inner]).await?;
    let without = store.create_group("Without", &[&other]).await?;
    let untouched = store.shown(&group(), &without).await?;
    for (n, (resource_type, gone, left)) in [
        (user(), &id, vec![other.as_str(), inner.as_str()]),
        (group(), &inner, vec![other.as_str()]),
    ]
    .into_iter()
    .enumerate()
    {
        let later = store.later(60 * (1 + i64::try_from(n).unwrap_or_default()));
        let before = store.get(&group(), &with).await.done()?;
        later.delete(&resource_type, gone).await.done()?;
        same("the members left", store.members(&with).await?, left)?;
        let after = store.get(&group(), &with).await.done()?;
        holds("a new version of the group", after.version != before.version, &after.version)?;
        same("`last_modified` of the group", after.last_modified, later.cx.now)?;
        same("`created` of the group", after.created, before.created)?;
        store.selects(&group(), &format!("members.value eq \"{gone}\""), &[""; 0]).await?;
    }
    same("the group that it was not in", store.shown(&group(), &without).await?, untouched)
}

async fn deleted_group(store: Store) -> Outcome {
    let id = store.create_user("bjensen").await?;
    let mut members: Vec<Value> = (0..2_000).map(|n| json!({"value": format!("m{n}")})).collect();
    members.push(json!({"value": id.as_str()}));
    let body = json!({"displayName": "All", "members": members});
    let all = store.create(&group(), body).await?.done()?.id;
    same("the number of members", store.members(&all).await?.len(), 2_001)?;
    let before = store.get(&user(), &id).await.done()?.version;
    store.delete(&group(), &all).await.done()?;
    same("the groups of the user", store.groups(&id).await?, [""; 0])?;
    same("the version of the user", store.get(&user(), &id).await.done()?.version, before)?;
    store.selects(&user(), &format!("groups.value eq \"{all}\""), &[""; 0]).await?;
    store.selects(&group(), "members.value eq \"m1\"", &[""; 0]).await?;
    let new = store.create_group("All", &[]).await?;
    same("the members of a new group", store.members(&new).await?, [""; 0])
}
