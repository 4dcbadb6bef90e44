//! Units of writes (RFC 7644 §3.7).

use scim_server_adapters::{BackendError, Write, WriteUnit};
use serde_json::json;

use super::breach::{Outcome, holds, same, some};
use super::check::{Check, Need};
use super::store::{
    Store, add, create, create_as, delete, everything, new_id, nobody, patch, query, replace,
    returning, set,
};
use super::types::{group, user};

pub(crate) fn checks() -> Vec<Check> {
    let checks = [
        Check::new("bulk::in_order", "Performs units of writes in their order", in_order),
        Check::new("bulk::units_are_atomic", "Each unit is atomic on its own", units_are_atomic),
        Check::new(
            "bulk::dependencies",
            "A unit that depends on one that failed is not tried and fails with \
             BackendError::Dependency",
            dependencies,
        ),
        Check::new(
            "bulk::max_errors",
            "After `max_errors` failed writes nothing further is tried, and the answer is shorter \
             than the question",
            max_errors,
        ),
        Check::new(
            "bulk::minted_ids",
            "`Change::Create` honours an id that the service minted, so that resources can refer to \
             each other beforehand",
            minted_ids,
        ),
        Check::new(
            "bulk::minted_id_that_is_taken",
            "An id is of one resource: another with it is a conflict, and changes nothing",
            minted_id_that_is_taken,
        ),
        Check::new(
            "bulk::returning",
            "`Written::returned` is the resource as it is now, where it was asked for",
            returning_,
        ),
        Check::new("bulk::nothing", "Performs units of writes: also none", nothing),
    ];
    checks.into_iter().map(|check| check.needing(&[Need::Bulk])).collect()
}

fn unit(writes: Vec<Write>, depends_on: &[usize]) -> WriteUnit {
    WriteUnit { writes, depends_on: depends_on.to_vec() }
}

fn named(name: &str) -> Outcome<Write> {
    create(&user(), json!({"userName": name}))
}

/// Each unit's outcome in short.
async fn outcomes(
    store: &Store,
    units: Vec<WriteUnit>,
    max_errors: Option<usize>,
) -> Outcome<Vec<String>> {
    let outcomes = store.write_all(units, max_errors).await?;
    let outcomes = outcomes.into_iter().map(|outcome| match outcome {
        Ok(written) => format!("{} done", written.len()),
        Err(failure) => match failure.error {
            BackendError::Conflict { .. } => format!("write {} conflicts", failure.write),
            BackendError::Dependency => "depends on a failure".to_owned(),
            BackendError::NotFound => format!("write {} finds nothing", failure.write),
            error => format!("write {}: {error}", failure.write),
        },
    });
    Ok(outcomes.collect())
}

async fn names(store: &Store) -> Outcome<Vec<String>> {
    let mut names = Vec::new();
    for stored in store.walk(&query(&user())).await? {
        let name = stored.attributes()?.remove("userName");
        names.extend(name.as_ref().and_then(|name| name.as_str()).map(str::to_owned));
    }
    Ok(names)
}

async fn in_order(store: Store) -> Outcome {
    let id = store.create_user("bjensen").await?;
    let team = store.create_group("Guides", &[]).await?;
    let later = store.later(60);
    let units = vec![
        unit(vec![patch(&user(), &id, set("title", "a"))?], &[]),
        unit(vec![replace(&user(), &id, json!({"userName": "b", "nickName": "n"}))?], &[]),
        unit(
            vec![
                patch(&user(), &id, set("title", "c"))?,
                patch(&group(), &team, add(&[id.as_str()]))?,
            ],
            &[0],
        ),
        unit(vec![named("first")?], &[]),
        unit(vec![named("second")?], &[]),
    ];
    let written = later.write_all(units, None).await?;
    let sizes: Vec<_> =
        written.iter().map(|w| w.as_ref().map(Vec::len).unwrap_or_default()).collect();
    same("the writes done of each unit", sizes, [1, 1, 2, 1, 1])?;
    let stored = store.get(&user(), &id).await.done()?;
    let attributes = stored.attributes()?;
    let seen = ["userName", "title", "nickName"].map(|name| attributes.get(name).cloned());
    same("name, title and nickName", seen, ["b", "c", "n"].map(|text| Some(json!(text))))?;
    same("`last_modified`", stored.last_modified, later.cx.now)?;
    let versions: Vec<_> = written
        .iter()
        .flatten()
        .flatten()
        .filter(|w| w.id == id)
        .map(|w| w.version.as_str().to_owned())
        .collect();
    let mut distinct = versions.clone();
    distinct.sort();
    distinct.dedup();
    same("a version for each write", distinct.len(), 3)?;
    same("the last of them", versions.last().map(String::as_str), Some(stored.version.as_str()))?;
    same("the users in order of creation", names(&store).await?, ["b", "first", "second"])?;
    same("the members", store.members(&team).await?, [id.as_str()])
}

async fn units_are_atomic(store: Store) -> Outcome {
    let id = store.create_user("bjensen").await?;
    let other = store.create_user("jsmith").await?;
    let team = store.create_group("Guides", &[&other]).await?;
    let before = (
        store.shown(&user(), &id).await?,
        store.shown(&user(), &other).await?,
        store.shown(&group(), &team).await?,
        names(&store).await?,
    );
    let nobody = nobody()?;
    let later = store.later(60);
    let units = vec![unit(
        vec![
            patch(&user(), &id, set("title", "x"))?,
            named("new")?,
            patch(&group(), &team, add(&[id.as_str()]))?,
            delete(&user(), &other),
            delete(&user(), &nobody),
            patch(&user(), &id, set("title", "y"))?,
        ],
        &[],
    )];
    same("the outcome", outcomes(&later, units, None).await?, ["write 4 finds nothing"])?;
    let after = (
        store.shown(&user(), &id).await?,
        store.shown(&user(), &other).await?,
        store.shown(&group(), &team).await?,
        names(&store).await?,
    );
    same("users and group after a failed unit", after, before)?;
    same("the total", store.page(&query(&user())).await?.total, Some(2))?;
    store.selects(&user(), "title pr", &[""; 0]).await?;
    store.create_user("new").await?;
    Ok(())
}

async fn dependencies(store: Store) -> Outcome {
    let units = vec![
        unit(vec![named("a")?], &[]),
        unit(vec![named("b")?, named("A")?], &[]),
        unit(vec![named("c")?], &[1]),
        unit(vec![named("d")?], &[0]),
        unit(vec![named("e")?], &[2]),
        unit(vec![named("b")?], &[0, 3]),
        unit(vec![named("f")?], &[0, 4]),
    ];
    let expected = [
        "1 done",
        "write 1 conflicts",
        "depends on a failure",
        "1 done",
        "depends on a failure",
        "1 done",
        "depends on a failure",
    ];
    same("the outcomes", outcomes(&store, units, None).await?, expected)?;
    same("the users", names(&store).await?, ["a", "d", "b"])
}

async fn max_errors(store: Store) -> Outcome {
    let nobody = nobody()?;
    let failing = || unit(vec![delete(&user(), &nobody)], &[]);
    for (max, expected) in [
        (Some(1), vec!["1 done", "write 0 finds nothing"]),
        (Some(2), vec!["1 done", "write 0 finds nothing", "1 done", "write 0 finds nothing"]),
        (
            Some(3),
            vec!["1 done", "write 0 finds nothing", "1 done", "write 0 finds nothing", "1 done"],
        ),
        (
            None,
            vec!["1 done", "write 0 finds nothing", "1 done", "write 0 finds nothing", "1 done"],
        ),
    ] {
        let prefix = max.unwrap_or_default();
        let before = names(&store).await?.len();
        let units = vec![
            unit(vec![named(&format!("a{prefix}"))?], &[]),
            failing(),
            unit(vec![named(&format!("b{prefix}"))?], &[]),
            failing(),
            unit(vec![named(&format!("c{prefix}"))?], &[]),
        ];
        let seen = outcomes(&store, units, max).await?;
        same(format_args!("the outcomes with max_errors {max:?}"), &seen, &expected)?;
        let done = expected.iter().filter(|outcome| **outcome == "1 done").count();
        same("the users made", names(&store).await?.len() - before, done)?;
    }
    Ok(())
}

async fn minted_ids(store: Store) -> Outcome {
    let (a, b, boss) = (new_id("a")?, new_id("b")?, new_id("u")?);
    let team = |own, member: &scim_core::ResourceId| {
        let body = json!({"displayName": "x", "members": [{"value": member.as_str()}]});
        create_as(own, &group(), body)
    };
    let units = vec![
        unit(vec![team(&a, &b)?, team(&b, &a)?], &[]),
        unit(vec![create_as(&boss, &user(), json!({"userName": "boss"}))?], &[]),
        unit(vec![patch(&group(), &a, add(&[boss.as_str()]))?], &[0, 1]),
    ];
    same("the outcomes", outcomes(&store, units, None).await?, ["2 done", "1 done", "1 done"])?;
    for (own, expected) in [(&a, vec![b.as_str(), boss.as_str()]), (&b, vec![a.as_str()])] {
        let stored = store.get(&group(), own).await.done()?;
        let members = some("`members` of a group, where wanted", stored.members)?.list;
        let all_exist = members.iter().all(|m| m.exists);
        holds("members that exist", all_exist, &members)?;
        same("the members", members.iter().map(|m| &*m.value).collect::<Vec<_>>(), expected)?;
    }
    same("the groups of the user", store.groups(&boss).await?, [a.as_str()])
}

async fn minted_id_that_is_taken(store: Store) -> Outcome {
    let id = store.create_user("bjensen").await?;
    let before = store.shown(&user(), &id).await?;
    let units = vec![
        unit(vec![create_as(&id, &user(), json!({"userName": "other"}))?], &[]),
        unit(vec![create_as(&id, &group(), json!({"displayName": "other"}))?], &[]),
        unit(vec![named("other")?], &[]),
    ];
    let expected = ["write 0 conflicts", "write 0 conflicts", "1 done"];
    same("the outcomes", outcomes(&store, units, None).await?, expected)?;
    same("the user", store.shown(&user(), &id).await?, before)?;
    same("the users", names(&store).await?, ["bjensen", "other"])
}

async fn returning_(store: Store) -> Outcome {
    let id = new_id("u")?;
    let wanted = everything(&user());
    let first = create_as(&id, &user(), json!({"userName": "bjensen"}))?;
    let second = patch(&user(), &id, set("title", "x"))?;
    let units = vec![unit(
        vec![
            returning(first, &wanted, None),
            returning(second, &wanted, None),
            delete(&user(), &id),
        ],
        &[],
    )];
    let mut written = Vec::new();
    for outcome in store.write_all(units, None).await? {
        written.extend(
            outcome.map_err(|failure| super::breach::Breach::new("success", failure.error))?,
        );
    }
    let mut titles = Vec::new();
    for written in &written {
        titles.push(match &written.returned {
            Some(stored) => {
                same("the version returned", &stored.version, &written.version)?;
                Some(stored.attributes()?.get("title").cloned())
            }
            None => None,
        });
    }
    same(
        "`title` after create, patch and delete",
        titles,
        [Some(None), Some(Some(json!("x"))), None],
    )
}

async fn nothing(store: Store) -> Outcome {
    same("the outcomes of no units", outcomes(&store, vec![], None).await?, [""; 0])?;
    let empty = outcomes(&store, vec![unit(vec![], &[])], Some(1)).await?;
    same("the outcome of an empty unit", empty, ["0 done"])
}
