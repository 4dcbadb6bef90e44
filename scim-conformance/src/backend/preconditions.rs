//! Preconditions are checked inside the write (RFC 7644 §3.14).

use http::{HeaderMap, HeaderValue, header};
use scim_core::{ResourceId, Version};
use scim_server_adapters::{Precondition, Write};
use serde_json::json;

use super::breach::{Outcome, same};
use super::check::{Check, Need};
use super::store::{Store, delete, nobody, patch, replace, set};
use super::types::user;

pub(crate) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "preconditions::version",
            "BackendError::PreconditionFailed when the precondition does not hold; nothing has \
             changed then",
            version,
        ),
        Check::new(
            "preconditions::if_none_match",
            "A precondition holds both of If-Match and If-None-Match",
            if_none_match,
        ),
        Check::new(
            "preconditions::missing_resource",
            "BackendError::NotFound when the tenant has no resource of that type and id",
            missing_resource,
        ),
        Check::new(
            "preconditions::in_units",
            "The precondition is checked in the same transaction, also of a unit's later writes",
            in_units,
        )
        .needing(&[Need::Bulk]),
    ]
}

fn when(precondition: Precondition, write: Write) -> Write {
    Write { precondition, ..write }
}

fn unless_version(tag: &str) -> Outcome<Precondition> {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(tag) {
        headers.insert(header::IF_NONE_MATCH, value);
    }
    Ok(Precondition::from_headers(&headers)?)
}

/// Every kind of write to a resource that there is.
fn writes(id: &ResourceId) -> Outcome<Vec<(&'static str, Write)>> {
    Ok(vec![
        ("patch", patch(&user(), id, set("title", "x"))?),
        ("patch that changes nothing", patch(&user(), id, set("userName", "bjensen"))?),
        ("replace", replace(&user(), id, json!({"userName": "other"}))?),
        ("delete", delete(&user(), id)),
    ])
}

async fn version(store: Store) -> Outcome {
    let created = store.create(&user(), json!({"userName": "bjensen"})).await?.done()?;
    let id = created.id;
    let first = Precondition::version(created.version);
    let write = when(first.clone(), patch(&user(), &id, set("nickName", "Babs"))?);
    let second = store.perform("patch the version that is there", write).await.done()?.version;
    let before = store.shown(&user(), &id).await?;
    let never = Precondition::version(Version::from(u64::MAX));
    for precondition in [first, never] {
        for (doing, write) in writes(&id)? {
            let doing = format!("{doing} on the precondition {precondition:?}");
            let write = when(precondition.clone(), write);
            store.later(60).perform(doing, write).await.precondition_failed()?;
        }
    }
    same("the resource after failed preconditions", store.shown(&user(), &id).await?, before)?;
    let write = when(Precondition::version(second), delete(&user(), &id));
    store.perform("delete the version that is there", write).await.done()?;
    store.get(&user(), &id).await.not_found()
}

async fn if_none_match(store: Store) -> Outcome {
    let created = store.create(&user(), json!({"userName": "bjensen"})).await?.done()?;
    let before = store.shown(&user(), &created.id).await?;
    for tag in ["*".to_owned(), format!("\"zzz\", W/\"{}\"", created.version.as_str())] {
        for (doing, write) in writes(&created.id)? {
            let doing = format!("{doing} with If-None-Match: {tag}");
            store.perform(doing, when(unless_version(&tag)?, write)).await.precondition_failed()?;
        }
    }
    same("the resource", store.shown(&user(), &created.id).await?, before)?;
    let write = when(unless_version("\"zzz\"")?, patch(&user(), &created.id, set("title", "x"))?);
    store.perform("patch with If-None-Match: \"zzz\"", write).await.done()?;
    Ok(())
}

async fn missing_resource(store: Store) -> Outcome {
    store.create_user("bjensen").await?;
    let first = Precondition::version(Version::from(1));
    for (doing, write) in writes(&nobody()?)? {
        store.perform(doing, when(first.clone(), write)).await.not_found()?;
    }
    Ok(())
}

async fn in_units(store: Store) -> Outcome {
    let created = store.create(&user(), json!({"userName": "bjensen"})).await?.done()?;
    let first = Precondition::version(created.version);
    let change = |title: &str| -> Outcome<_> {
        let write = when(first.clone(), patch(&user(), &created.id, set("title", title))?);
        Ok(scim_server_adapters::WriteUnit { writes: vec![write], depends_on: vec![] })
    };
    let outcomes = store.write_all(vec![change("a")?, change("b")?], None).await?;
    let kinds: Vec<String> = outcomes
        .into_iter()
        .map(|o| {
            o.map_or_else(|f| format!("write {}: {}", f.write, f.error), |_| "done".to_owned())
        })
        .collect();
    same(
        "what two changes of version 1 become",
        kinds,
        ["done", "write 0: the resource has another version"],
    )?;
    let stored = store.get(&user(), &created.id).await.done()?;
    same("`title`", stored.attributes()?.get("title"), Some(&json!("a")))
}
