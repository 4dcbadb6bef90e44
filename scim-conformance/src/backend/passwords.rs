//! Passwords come beside the resource and never enter a document.

use serde_json::{Value, json};

use super::breach::{Outcome, holds, same};
use super::check::{Check, Need};
use super::store::{Store, everything, patch, returning, set};
use super::types::user;

pub(crate) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "passwords::never_in_a_document",
            "Passwords come as a `Secret` beside the resource",
            never_in_a_document,
        ),
        Check::new(
            "passwords::ignored_where_none_are_kept",
            "A store that keeps no passwords ignores them: nothing is changed",
            ignored_where_none_are_kept,
        )
        .needing(&[Need::NoPasswords]),
        Check::new(
            "passwords::accepted_where_kept",
            "A store that says `change_password` takes new ones, alone or with other changes",
            accepted_where_kept,
        )
        .needing(&[Need::Passwords]),
    ]
}

const SECRET: &str = "correct horse battery staple";

async fn never_in_a_document(store: Store) -> Outcome {
    let body = json!({"userName": "bjensen", "password": SECRET});
    let id = store.create(&user(), body.clone()).await?.done()?.id;
    let change = json!({"userName": "bjensen", "password": SECRET, "title": "x"});
    store.replace(&user(), &id, change).await?.done()?;
    let both = json!([
        {"op": "replace", "path": "password", "value": SECRET},
        {"op": "replace", "path": "title", "value": "y"},
    ]);
    let write = returning(patch(&user(), &id, both)?, &everything(&user()), None);
    let returned = store.perform("patch password and title", write).await.done()?.returned;
    let stored = store.get(&user(), &id).await.done()?;
    for stored in returned.iter().chain([&stored]) {
        let text = Value::Object(stored.to_json()?).to_string();
        let is_hidden = !text.contains(SECRET) && !text.contains("password");
        holds("a resource without password", is_hidden, "a password in the resource")?;
        same("`title`", stored.attributes()?.get("title"), Some(&json!("y")))?;
    }
    Ok(())
}

async fn ignored_where_none_are_kept(store: Store) -> Outcome {
    let id = store.create_user("bjensen").await?;
    let before = store.shown(&user(), &id).await?;
    let later = store.later(60);
    let written = later.patch(&user(), &id, set("password", SECRET)).await?.done()?;
    same("`changed`", written.changed, false)?;
    let body = json!({"userName": "bjensen", "password": SECRET});
    same("`changed`", later.replace(&user(), &id, body).await?.done()?.changed, false)?;
    same("the user", store.shown(&user(), &id).await?, before)
}

async fn accepted_where_kept(store: Store) -> Outcome {
    let id = store.create_user("bjensen").await?;
    store.patch(&user(), &id, set("password", SECRET)).await?.done()?;
    let body = json!({"userName": "babs", "password": "another one"});
    same("`changed`", store.replace(&user(), &id, body).await?.done()?.changed, true)
}
