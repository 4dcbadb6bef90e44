//! The future of a write may be dropped at any await point.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::breach::{Outcome, holds, same};
use super::check::Check;
use super::store::{Store, query, set};
use super::types::user;

pub(crate) fn checks() -> Vec<Check> {
    vec![Check::new(
        "cancellation::write_happens_or_does_not",
        "The future may be dropped at any await point; a write then either happens or does not",
        write_happens_or_does_not,
    )]
}

async fn write_happens_or_does_not(store: Store) -> Outcome {
    let lasting = store.create_user("lasting").await?;
    for n in 0..50 {
        let (creating, changing) = (store.clone(), store.clone());
        let id = lasting.clone();
        let tasks = [
            tokio::spawn(async move {
                let body = json!({"userName": format!("user{n}"), "nickName": "n"});
                let _ = creating.create(&user(), body).await;
            }),
            tokio::spawn(async move {
                let operations = json!([
                    {"op": "replace", "path": "title", "value": n.to_string()},
                    {"op": "replace", "path": "nickName", "value": n.to_string()},
                ]);
                let _ = changing.patch(&user(), &id, operations).await;
            }),
        ];
        // Each round gives up a little later.
        for _ in 0..n % 5 {
            tokio::task::yield_now().await;
        }
        for task in tasks {
            task.abort();
            let _ = task.await;
        }
    }
    // The store goes on, and a write after them sees them all or not at all.
    store.patch(&user(), &lasting, set("displayName", "x")).await?.done()?;
    let mut names = BTreeSet::new();
    for stored in store.walk(&query(&user())).await? {
        let attributes = stored.attributes()?;
        if stored.id == lasting {
            same(
                "`title` and `nickName`, set together",
                attributes.get("title"),
                attributes.get("nickName"),
            )?;
            continue;
        }
        same("`nickName` of a user", attributes.get("nickName"), Some(&json!("n")))?;
        let name = attributes.get("userName").and_then(Value::as_str).unwrap_or_default();
        holds("each user once", names.insert(name.to_owned()), name)?;
    }
    // A name is taken exactly where there is a user.
    for n in 0..50 {
        let name = format!("user{n}");
        let attempt = store.create(&user(), json!({"userName": name})).await?;
        let is_taken = names.contains(&name);
        same(format_args!("whether `{name}` is taken"), attempt.result.is_err(), is_taken)?;
    }
    Ok(())
}
