//! Values that must be unique (RFC 7643 §7; erratum 8279).

use scim_server_adapters::{Write, WriteUnit};
use serde_json::{Value, json};

use super::breach::{Breach, Outcome, is_conflict, same};
use super::check::{Check, Need};
use super::store::{Store, create, delete, patch, replace, set};
use super::types::{ASSET, DEVICE, GROUP, USER, devices, group, user};

pub(crate) fn checks() -> Vec<Check> {
    const COVERS: &str = "Uniqueness covers attributes that the schema calls `server` or `global` \
                          unique, folded unless they are `caseExact`, within the tenant";
    vec![
        Check::new("uniqueness::folded", COVERS, folded),
        Check::new("uniqueness::own_value_is_no_conflict", COVERS, own_value_is_no_conflict),
        Check::new("uniqueness::freed_by_rename_and_delete", COVERS, freed_by_rename_and_delete),
        Check::new("uniqueness::failed_write_claims_nothing", COVERS, failed_write_claims_nothing)
            .needing(&[Need::CustomTypes]),
        Check::new("uniqueness::of_custom_schemas", COVERS, of_custom_schemas)
            .needing(&[Need::CustomTypes]),
        Check::new(
            "uniqueness::over_types_that_share_a_schema",
            "Uniqueness reaches over all types that share the schema (erratum 8279)",
            over_types_that_share_a_schema,
        )
        .needing(&[Need::CustomTypes]),
        Check::new(
            "uniqueness::of_display_names",
            "Uniqueness covers `displayName` where `Write::unique_display_name` says so, among the \
             resources that were made or changed by such writes",
            of_display_names,
        ),
        Check::new(
            "uniqueness::inside_units",
            "Uniqueness is enforced by the store, in the write: also among the writes of a unit",
            inside_units,
        )
        .needing(&[Need::Bulk]),
    ]
}

async fn folded(store: Store) -> Outcome {
    // The last is in another normalisation form: é as one character, and as two.
    for (name, alike) in [
        ("bjensen", "BJensen"),
        ("STRASSE", "straße"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("ren\u{e9}", "RENE\u{301}"),
    ] {
        store.create_user(name).await?;
        store.create(&user(), json!({"userName": alike})).await?.conflicts(USER, "userName")?;
        store.create(&user(), json!({"userName": name})).await?.conflicts(USER, "userName")?;
    }
    // No collation, no LIKE: these are different names.
    for name in ["bjensen ", "bjense_", "bjensen%", "bjënsen", "rene"] {
        store.create_user(name).await?;
    }
    Ok(())
}

async fn own_value_is_no_conflict(store: Store) -> Outcome {
    let id = store.create_user("bjensen").await?;
    let written = store.patch(&user(), &id, set("userName", "BJensen")).await?.done()?;
    same("`changed` of another spelling", written.changed, true)?;
    let body = json!({"userName": "BJENSEN", "title": "x"});
    store.replace(&user(), &id, body).await?.done()?;
    let stored = store.get(&user(), &id).await.done()?;
    same("`userName`", stored.attributes()?.get("userName"), Some(&json!("BJENSEN")))?;
    store.create(&user(), json!({"userName": "bjensen"})).await?.conflicts(USER, "userName")
}

async fn freed_by_rename_and_delete(store: Store) -> Outcome {
    let first = store.create_user("bjensen").await?;
    let second = store.create_user("jsmith").await?;
    let rename = |name: &str| set("userName", name);
    store.patch(&user(), &second, rename("BJENSEN")).await?.conflicts(USER, "userName")?;
    store
        .replace(&user(), &second, json!({"userName": "bjensen"}))
        .await?
        .conflicts(USER, "userName")?;
    store.patch(&user(), &first, rename("babs")).await?.done()?;
    store.patch(&user(), &second, rename("bjensen")).await?.done()?;
    // The name that a failed rename wanted to leave is still taken; the one left is free.
    store.create(&user(), json!({"userName": "babs"})).await?.conflicts(USER, "userName")?;
    store.create_user("jsmith").await?;
    store.delete(&user(), &second).await.done()?;
    let third = store.create_user("bjensen").await?;
    store.replace(&user(), &third, json!({"userName": "third"})).await?.done()?;
    store.create_user("bjensen").await?;
    Ok(())
}

async fn failed_write_claims_nothing(store: Store) -> Outcome {
    let [phone, _] = devices()?;
    store.create(&phone, json!({"slot": 1})).await?.done()?;
    let id = store.create(&phone, json!({"serial": "mine"})).await?.done()?.id;
    store.create(&phone, json!({"serial": "free", "slot": 1})).await?.conflicts(DEVICE, "slot")?;
    store
        .replace(&phone, &id, json!({"label": "free", "slot": 1}))
        .await?
        .conflicts(DEVICE, "slot")?;
    // What the failed writes would have taken is free; what one would have left is not.
    store.create(&phone, json!({"serial": "free", "label": "free"})).await?.done()?;
    store.create(&phone, json!({"serial": "mine"})).await?.conflicts(DEVICE, "serial")
}

async fn of_custom_schemas(store: Store) -> Outcome {
    let [phone, _] = devices()?;
    let ports = |macs: &[&str]| json!({"ports": macs.iter().map(|mac| json!({"mac": mac})).collect::<Vec<Value>>()});
    store.create(&phone, json!({"serial": "a1", "label": "a1", "slot": 1})).await?.done()?;
    store.create(&phone, ports(&["00:01", "00:0a"])).await?.done()?;
    store.create(&phone, json!({ASSET: {"number": "N1", "room": "1"}})).await?.done()?;
    for (body, schema, path) in [
        (json!({"serial": "a1"}), DEVICE, "serial"),
        (json!({"label": "A1"}), DEVICE, "label"),
        (json!({"slot": 1}), DEVICE, "slot"),
        (ports(&["00:02", "00:0A"]), DEVICE, "ports.mac"),
        (json!({ASSET: {"number": "n1"}}), ASSET, "number"),
    ] {
        store.create(&phone, body).await?.conflicts(schema, path)?;
    }
    for body in [
        // `serial` is caseExact.
        json!({"serial": "A1"}),
        // One attribute's value is another's as well, and twice in one resource is no conflict.
        json!({"label": "1", "serial": "00:01"}),
        ports(&["00:05", "00:05"]),
        // Not unique.
        json!({ASSET: {"room": "1"}, "tags": ["a1"], "ports": [{"label": "a1"}]}),
        json!({}),
        json!({}),
    ] {
        store.create(&phone, body).await?.done()?;
    }
    Ok(())
}

async fn over_types_that_share_a_schema(store: Store) -> Outcome {
    let [phone, laptop] = devices()?;
    let body = json!({"serial": "a1", "label": "x", ASSET: {"number": "n1"}});
    let id = store.create(&phone, body).await?.done()?.id;
    for (body, schema, path) in [
        (json!({"serial": "a1"}), DEVICE, "serial"),
        (json!({"label": "X"}), DEVICE, "label"),
        (json!({ASSET: {"number": "N1"}}), ASSET, "number"),
    ] {
        store.create(&laptop, body).await?.conflicts(schema, path)?;
    }
    // The types stay apart in all else.
    store.get(&laptop, &id).await.not_found()?;
    store.selects(&laptop, "serial eq \"a1\"", &[""; 0]).await?;
    store.selects(&phone, "serial eq \"a1\"", &[id.as_str()]).await?;
    store.delete(&phone, &id).await.done()?;
    store.create(&laptop, json!({"serial": "a1", ASSET: {"number": "n1"}})).await?.done()?;
    Ok(())
}

async fn of_display_names(store: Store) -> Outcome {
    let demanding = async |write: Write| {
        let doing = format!("write with unique_display_name: {:?}", write.change);
        store.perform(doing, Write { unique_display_name: true, ..write }).await
    };
    let named = |name: &str| create(&group(), json!({"displayName": name}));
    // Without the demand, names are not unique.
    store.create_group("Twice", &[]).await?;
    let second = store.create_group("Twice", &[]).await?;
    let first = demanding(named("Guides")?).await.done()?.id;
    demanding(named("GUIDES")?).await.conflicts(GROUP, "displayName")?;
    let rename = patch(&group(), &second, set("displayName", "guides"))?;
    demanding(rename.clone()).await.conflicts(GROUP, "displayName")?;
    let body = json!({"displayName": "guides", "externalId": "x"});
    demanding(replace(&group(), &second, body)?).await.conflicts(GROUP, "displayName")?;
    // The name of a user is another attribute's.
    let person = create(&user(), json!({"userName": "a", "displayName": "Guides"}))?;
    demanding(person).await.done()?;
    demanding(patch(&group(), &first, set("displayName", "Pilots"))?).await.done()?;
    demanding(rename).await.done()?;
    demanding(delete(&group(), &second)).await.done()?;
    demanding(named("Guides")?).await.done()?;
    Ok(())
}

async fn inside_units(store: Store) -> Outcome {
    let unit = |writes| WriteUnit { writes, depends_on: vec![] };
    let named = |name: &str| create(&user(), json!({"userName": name}));
    let first = store.create_user("first").await?;
    let rename = patch(&user(), &first, set("userName", "renamed"))?;
    let units = vec![
        // Two of one name in one unit: neither stays.
        unit(vec![named("twice")?, named("Twice")?]),
        // Freed and taken in one unit, and a later unit sees it.
        unit(vec![rename, named("first")?]),
        unit(vec![named("FIRST")?]),
        unit(vec![delete(&user(), &first), named("renamed")?]),
        unit(vec![named("twice")?]),
    ];
    let mut seen = Vec::new();
    for outcome in store.write_all(units, None).await? {
        seen.push(match outcome {
            Ok(written) => format!("{} done", written.len()),
            Err(failure) if is_conflict(&failure.error, USER, "userName") => {
                format!("write {} conflicts", failure.write)
            }
            Err(failure) => {
                return Err(Breach::new("success or a conflict of `userName`", failure.error));
            }
        });
    }
    let expected = ["write 1 conflicts", "2 done", "write 0 conflicts", "2 done", "1 done"];
    same("the outcomes of the units", seen, expected)?;
    let mut names = Vec::new();
    for stored in store.walk(&super::store::query(&user())).await? {
        names.extend(stored.attributes()?.remove("userName"));
    }
    same("the names", names, ["first", "renamed", "twice"])
}
