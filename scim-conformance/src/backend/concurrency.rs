//! Many at once.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;

use scim_server_adapters::{BackendError, Precondition, Query, Start, Write};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::breach::{Breach, Outcome, holds, is_conflict, same, same_list, some};
use super::check::Check;
use super::store::{Store, add, ids, patch, query, remove, set};
use super::types::{USER, group, user};

pub(crate) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "concurrency::of_64_tasks_none_loses_a_member",
            "Each write is atomic; one that changes something gives the resource a version that it \
             never had before",
            of_64_tasks_none_loses_a_member,
        ),
        Check::new(
            "concurrency::of_64_creates_of_one_name_one_succeeds",
            "Uniqueness is enforced by the store, in the write: never by looking first",
            of_64_creates_of_one_name_one_succeeds,
        ),
        Check::new(
            "concurrency::of_writers_who_saw_one_version_one_succeeds",
            "The precondition is checked in the same transaction, so that of two writers who both \
             saw version 1 only one succeeds",
            of_writers_who_saw_one_version_one_succeeds,
        ),
        Check::new(
            "concurrency::changes_of_one_document_are_all_kept",
            "Each write is atomic: none undoes another",
            changes_of_one_document_are_all_kept,
        ),
        Check::new(
            "concurrency::walk_beside_writers",
            "Walking the pages by `Page::next` gives every resource that is there throughout \
             exactly once, whatever is added and removed meanwhile",
            walk_beside_writers,
        ),
    ]
}

const TASKS: usize = 64;

/// Runs tasks at once and collects what they give, in the order in which they were started.
pub(crate) async fn all_at_once<T: Send + 'static, F>(
    tasks: impl Iterator<Item = F>,
) -> Outcome<Vec<T>>
where
    F: Future<Output = Outcome<T>> + Send + 'static,
{
    let running: Vec<JoinHandle<Outcome<T>>> = tasks.map(tokio::spawn).collect();
    let mut done = Vec::with_capacity(running.len());
    for task in running {
        done.push(join(task).await?);
    }
    Ok(done)
}

pub(crate) async fn join<T>(task: JoinHandle<Outcome<T>>) -> Outcome<T> {
    task.await.map_err(|panic| Breach::new("no panic", panic))?
}

async fn of_64_tasks_none_loses_a_member(store: Store) -> Outcome {
    let leaving: Vec<String> = (0..TASKS).map(|n| format!("leaving{n}")).collect();
    let members: Vec<Value> = leaving.iter().map(|v| json!({"value": v})).collect();
    let body = json!({"displayName": "Guides", "members": members});
    let created = store.create(&group(), body).await?.done()?;
    let team = created.id;
    let writers = leaving.into_iter().enumerate().map(|(n, leaving)| {
        let (store, team) = (store.clone(), team.clone());
        async move {
            let joining = add(&[format!("joining{n}"), format!("also{n}")]);
            let joined = store.patch(&group(), &team, joining).await?.done()?;
            let left = store.patch(&group(), &team, remove(&leaving)).await?.done()?;
            holds(
                "both writes change something",
                joined.changed && left.changed,
                (&joined, &left),
            )?;
            Ok([joined.version, left.version])
        }
    });
    // A reader beside them must never see a version with other members than it had before.
    let reader = {
        let (store, team) = (store.clone(), team.clone());
        tokio::spawn(async move {
            let mut seen: HashMap<String, BTreeSet<String>> = HashMap::new();
            for _ in 0..TASKS {
                let stored = store.get(&group(), &team).await.done()?;
                let members = some("`members` of a group, where wanted", stored.members)?.list;
                let members: BTreeSet<String> =
                    members.iter().map(|m| m.value.to_string()).collect();
                for n in 0..TASKS {
                    let [one, also] = [format!("joining{n}"), format!("also{n}")]
                        .map(|value| members.contains(&value));
                    same("two members of one request, both or neither", one, also)?;
                }
                let version = stored.version.as_str().to_owned();
                let before = seen.entry(version).or_insert_with(|| members.clone());
                same("the members of one version", &members, before)?;
                tokio::task::yield_now().await;
            }
            Ok(())
        })
    };
    let mut versions = BTreeSet::from([created.version.as_str().to_owned()]);
    for pair in all_at_once(writers).await? {
        for version in pair {
            let is_new = versions.insert(version.as_str().to_owned());
            holds("a version for each write of its own", is_new, version)?;
        }
    }
    join(reader).await?;
    let stored = store.get(&group(), &team).await.done()?;
    let is_last = versions.contains(stored.version.as_str());
    holds("a version that a write gave", is_last, &stored.version)?;
    let members: BTreeSet<String> = store.members(&team).await?.into_iter().collect();
    let expected: BTreeSet<String> =
        (0..TASKS).flat_map(|n| [format!("joining{n}"), format!("also{n}")]).collect();
    let missing: Vec<_> = expected.difference(&members).collect();
    let left_over: Vec<_> = members.difference(&expected).collect();
    same("members lost", missing, Vec::<&String>::new())?;
    same("members that had left", left_over, Vec::<&String>::new())
}

async fn of_64_creates_of_one_name_one_succeeds(store: Store) -> Outcome {
    let creates = (0..TASKS).map(|n| {
        let store = store.clone();
        let name = if n % 2 == 0 { "BJensen" } else { "bjensen" };
        async move {
            let attempt = store.create(&user(), json!({"userName": name})).await?;
            match attempt.result {
                Ok(written) => Ok(Some(written.id)),
                Err(error) if is_conflict(&error, USER, "userName") => Ok(None),
                Err(error) => Err(Breach::new("success or a conflict of `userName`", error)),
            }
        }
    });
    let created: Vec<_> = all_at_once(creates).await?.into_iter().flatten().collect();
    same("how many of 64 creates of one name succeeded", created.len(), 1)?;
    let created: Vec<&str> = created.iter().map(|id| id.as_str()).collect();
    same("the users", store.all_ids(&user()).await?, created.clone())?;
    same("the total", store.page(&query(&user())).await?.total, Some(1))?;
    store.selects(&user(), "userName eq \"bJENSEN\"", &created).await
}

async fn of_writers_who_saw_one_version_one_succeeds(store: Store) -> Outcome {
    let created = store.create(&user(), json!({"userName": "bjensen"})).await?.done()?;
    let writers = (0..TASKS).map(|n| {
        let (store, id, version) = (store.clone(), created.id.clone(), created.version.clone());
        async move {
            let write = patch(&user(), &id, set("nickName", n.to_string()))?;
            let write = Write { precondition: Precondition::version(version), ..write };
            match store.perform("patch on a precondition", write).await.result {
                Ok(_) => Ok(Some(n)),
                Err(BackendError::PreconditionFailed) => Ok(None),
                Err(error) => Err(Breach::new("success or PreconditionFailed", error)),
            }
        }
    });
    let won: Vec<usize> = all_at_once(writers).await?.into_iter().flatten().collect();
    same("how many of 64 writers who saw one version succeeded", won.len(), 1)?;
    let stored = store.get(&user(), &created.id).await.done()?;
    let expected = won.first().map(|n| json!(n.to_string()));
    same("`nickName`", stored.attributes()?.get("nickName").cloned(), expected)
}

async fn changes_of_one_document_are_all_kept(store: Store) -> Outcome {
    let id = store.create_user("bjensen").await?;
    let writers = (0..TASKS).map(|n| {
        let (store, id) = (store.clone(), id.clone());
        async move {
            let email = json!([{"op": "add", "path": "emails", "value": [{"value": format!("{n}@example.com")}]}]);
            store.patch(&user(), &id, email).await?.done()?;
            Ok(())
        }
    });
    all_at_once(writers).await?;
    let stored = store.get(&user(), &id).await.done()?;
    let emails = stored.attributes()?.remove("emails");
    let mut seen: Vec<String> = some("emails", emails.as_ref().and_then(Value::as_array))?
        .iter()
        .filter_map(|email| email.get("value")?.as_str().map(str::to_owned))
        .collect();
    let mut expected: Vec<String> = (0..TASKS).map(|n| format!("{n}@example.com")).collect();
    seen.sort();
    expected.sort();
    same("the emails that 64 tasks added", seen, expected)
}

async fn walk_beside_writers(store: Store) -> Outcome {
    let mut staying = Vec::new();
    for n in 0..100 {
        staying.push(store.create_user(&format!("stays{n}")).await?.to_string());
    }
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for n in 0..50 {
                    let id = store.create_user(&format!("goes{writer}-{n}")).await?;
                    store.delete(&user(), &id).await.done()?;
                }
                Ok(())
            })
        })
        .collect();
    let mut walks = 0;
    while walks < 3 || (walks < 20 && !writers.iter().all(JoinHandle::is_finished)) {
        let mut query = Query { count: 7, total: false, ..query(&user()) };
        let mut seen = Vec::new();
        loop {
            let page = store.page(&query).await?;
            seen.extend(ids(&page.resources));
            match page.next {
                Some(position) => query.start = Start::After(position),
                None => break,
            }
        }
        seen.retain(|id| staying.contains(id));
        same_list("those that stay, each once, in order", &seen, &staying)?;
        walks += 1;
    }
    for writer in writers {
        join(writer).await?;
    }
    same_list("those that are left", &store.all_ids(&user()).await?, &staying)
}
