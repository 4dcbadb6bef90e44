//! RFC 7644 §3.5.2.3, sentence by sentence.

use scim_core::ScimType;
use serde_json::{Value, json};

use crate::patching::{ENTERPRISE, changed, device, refused, unchanged, user};

fn replace(path: &str, value: Value) -> Value {
    json!([{"op": "replace", "path": path, "value": value}])
}

#[test]
fn without_a_path_the_value_contains_the_attributes_to_be_replaced() {
    let before =
        json!({"title": "Guide", "nickName": "Babs", "emails": [{"value": "a@example.com"}]});
    let operations = json!([{"op": "replace", "value": {
        "title": "Driver", "emails": [{"value": "b@example.com"}], "active": true,
    }}]);
    assert_eq!(
        changed(&user(), &before, &operations),
        json!({
            "title": "Driver", "nickName": "Babs", "active": true,
            "emails": [{"value": "b@example.com"}],
        })
    );
}

#[test]
fn a_single_valued_attribute_is_replaced() {
    let before = json!({"title": "Guide"});
    assert_eq!(
        changed(&user(), &before, &replace("title", json!("Driver"))),
        json!({"title": "Driver"})
    );
    unchanged(&user(), &before, &replace("title", json!("Guide")));
    // Spelling is content.
    assert_eq!(
        changed(&user(), &before, &replace("title", json!("GUIDE"))),
        json!({"title": "GUIDE"})
    );
}

#[test]
fn a_multi_valued_attribute_without_filter_is_replaced_with_all_its_values() {
    let before = json!({"emails": [{"value": "a@example.com"}, {"value": "b@example.com"}]});
    assert_eq!(
        changed(&user(), &before, &replace("emails", json!([{"value": "c@example.com"}]))),
        json!({"emails": [{"value": "c@example.com"}]})
    );
    unchanged(&user(), &before, &replace("emails", before["emails"].clone()));
}

#[test]
fn what_does_not_exist_is_added() {
    for (path, value, after) in [
        ("title", json!("Guide"), json!({"title": "Guide"})),
        ("name.givenName", json!("Barbara"), json!({"name": {"givenName": "Barbara"}})),
        ("emails", json!({"value": "a@b.org"}), json!({"emails": [{"value": "a@b.org"}]})),
        ("emails.value", json!("a@b.org"), json!({"emails": [{"value": "a@b.org"}]})),
    ] {
        assert_eq!(changed(&user(), &json!({}), &replace(path, value)), after);
    }
}

#[test]
fn sub_attributes_of_a_complex_attribute_that_are_not_specified_are_left_unchanged() {
    let before = json!({"name": {"givenName": "Barbara", "familyName": "Jensen"}});
    let after =
        json!({"name": {"givenName": "Babs", "familyName": "Jensen", "middleName": "Jane"}});
    let value = json!({"givenName": "Babs", "middleName": "Jane"});
    assert_eq!(changed(&user(), &before, &replace("name", value.clone())), after);
    let pathless = json!([{"op": "replace", "value": {"name": value}}]);
    assert_eq!(changed(&user(), &before, &pathless), after);
    unchanged(&user(), &before, &replace("name", json!({})));
}

#[test]
fn all_records_that_a_filter_matches_are_replaced_whole() {
    // errata.md P5.
    let before = json!({"addresses": [
        {"type": "work", "locality": "Hollywood", "country": "US"},
        {"type": "home", "locality": "Paris"},
    ]});
    assert_eq!(
        changed(
            &user(),
            &before,
            &replace(r#"addresses[type eq "work"]"#, json!({"type": "work", "locality": "Rome"}))
        ),
        json!({"addresses": [{"type": "work", "locality": "Rome"}, {"type": "home", "locality": "Paris"}]})
    );
    assert_eq!(
        changed(&user(), &before, &replace("addresses[type pr]", json!({"locality": "Rome"}))),
        json!({"addresses": [{"locality": "Rome"}, {"locality": "Rome"}]})
    );
    // The same `value` and `type` is kept once (RFC 7643 §2.4).
    let emails = json!({"emails": [{"value": "a@b.org"}, {"value": "c@b.org"}, {"value": "d@b.org", "type": "work"}]});
    assert_eq!(
        changed(&user(), &emails, &replace("emails[not (type pr)]", json!({"value": "e@b.org"}))),
        json!({"emails": [{"value": "e@b.org"}, {"value": "d@b.org", "type": "work"}]})
    );
    let tags = json!({"tags": ["red", "green"]});
    assert_eq!(
        changed(&device(), &tags, &replace(r#"tags[value eq "red"]"#, json!("blue"))),
        json!({"tags": ["blue", "green"]})
    );
}

#[test]
fn the_matching_sub_attribute_of_all_matching_records_is_replaced() {
    let before = json!({"emails": [
        {"value": "a@b.org", "type": "work"},
        {"value": "c@b.org", "type": "work", "display": "C"},
        {"value": "d@b.org", "type": "home"},
    ]});
    assert_eq!(
        changed(&user(), &before, &replace(r#"emails[type eq "work"].display"#, json!("W"))),
        json!({"emails": [
            {"value": "a@b.org", "type": "work", "display": "W"},
            {"value": "c@b.org", "type": "work", "display": "W"},
            {"value": "d@b.org", "type": "home"},
        ]})
    );
    assert_eq!(
        changed(&user(), &before, &replace("emails.type", json!("other"))),
        json!({"emails": [
            {"value": "a@b.org", "type": "other"},
            {"value": "c@b.org", "type": "other", "display": "C"},
            {"value": "d@b.org", "type": "other"},
        ]})
    );
}

#[test]
fn a_filter_without_a_match_has_no_target() {
    // errata.md P2: also when the attribute has no values at all.
    let home = json!({"emails": [{"value": "a@b.org", "type": "home"}]});
    for before in [home, json!({})] {
        for (path, value) in [
            (r#"emails[type eq "work"]"#, json!({"value": "c@b.org"})),
            (r#"emails[type eq "work"].value"#, json!("c@b.org")),
            (r#"emails[type eq "work"].value"#, json!(null)),
            (r#"emails[type eq "work"]"#, json!(null)),
        ] {
            assert_eq!(refused(&user(), &before, &replace(path, value)), ScimType::NoTarget);
        }
    }
}

#[test]
fn null_and_the_empty_array_clear() {
    let before = json!({
        "title": "Guide",
        "name": {"givenName": "Barbara", "familyName": "Jensen"},
        "emails": [{"value": "a@b.org", "type": "work"}, {"value": "c@b.org", "type": "home"}],
        ENTERPRISE: {"department": "Tours", "manager": {"value": "1"}},
    });
    let without = |pointer: &str| {
        let mut after = before.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        after.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
        after
    };
    let home = json!([{"value": "c@b.org", "type": "home"}]);
    let only_home = || {
        let mut after = before.clone();
        after["emails"] = home.clone();
        after
    };
    for (path, value, after) in [
        ("title", json!(null), without("/title")),
        ("emails", json!([]), without("/emails")),
        ("emails", json!(null), without("/emails")),
        ("emails", json!([null, {}]), without("/emails")),
        ("name", json!(null), without("/name")),
        ("name", json!({"givenName": null}), without("/name/givenName")),
        ("name.givenName", json!(null), without("/name/givenName")),
        (r#"emails[type eq "work"]"#, json!(null), only_home()),
        (r#"emails[type eq "work"]"#, json!([]), only_home()),
        (r#"emails[type eq "work"]"#, json!({}), only_home()),
        (ENTERPRISE, json!(null), without(&format!("/{ENTERPRISE}"))),
        (ENTERPRISE, json!({"department": null}), without(&format!("/{ENTERPRISE}/department"))),
        (
            &format!("{ENTERPRISE}:manager"),
            json!({"value": null}),
            without(&format!("/{ENTERPRISE}/manager")),
        ),
    ] {
        assert_eq!(
            changed(&user(), &before, &replace(path, value.clone())),
            after,
            "{path} {value}"
        );
    }
    let pathless = json!([{"op": "replace", "value": {
        "title": null, "emails": [], "name": {"givenName": null}, ENTERPRISE: null,
    }}]);
    assert_eq!(changed(&user(), &before, &pathless), json!({"name": {"familyName": "Jensen"}}));
}

#[test]
fn a_value_without_anything_that_can_be_set_does_not_clear() {
    let before = json!({"emails": [{"value": "a@b.org"}], ENTERPRISE: {"manager": {"value": "1"}}});
    for (path, value) in [
        ("emails", json!([{"address": "c@b.org"}])),
        (r#"emails[value pr]"#, json!({"address": "c@b.org"})),
    ] {
        let operations = replace(path, value);
        assert_eq!(refused(&user(), &before, &operations), ScimType::InvalidValue);
    }
    unchanged(
        &user(),
        &before,
        &replace(&format!("{ENTERPRISE}:manager"), json!({"displayName": "J"})),
    );
    unchanged(&user(), &before, &replace(ENTERPRISE, json!({"shoeSize": 9})));
}

#[test]
fn the_value_must_be_given_and_fit() {
    let before = json!({"emails": [{"value": "a@b.org"}]});
    assert_eq!(
        refused(&user(), &before, &json!([{"op": "replace", "path": "title"}])),
        ScimType::InvalidValue
    );
    for (path, value) in [
        ("active", json!("yes")),
        ("emails", json!(["a@b.org"])),
        (r#"emails[value pr]"#, json!("a@b.org")),
        (r#"emails[value pr]"#, json!([{"value": "a@b.org"}, {"value": "c@b.org"}])),
        (r#"emails[value pr].primary"#, json!(1)),
    ] {
        assert_eq!(refused(&user(), &before, &replace(path, value)), ScimType::InvalidValue);
    }
}

#[test]
fn a_reference_is_given_by_its_ref_as_well() {
    let manager = format!("{ENTERPRISE}:manager");
    let after = json!({ENTERPRISE: {"manager": {"value": "26118915"}}});
    let uri = json!("https://example.com/v2/Users/26118915");
    for (path, value) in [
        (manager.clone(), json!({"$ref": uri})),
        (
            manager.clone(),
            json!({"$ref": "https://example.com/v2/Users/other", "value": "26118915"}),
        ),
        (format!("{manager}.$ref"), uri),
    ] {
        assert_eq!(changed(&user(), &json!({}), &replace(&path, value)), after);
    }
    let operations = replace(&format!("{manager}.$ref"), json!("/"));
    assert_eq!(refused(&user(), &json!({}), &operations), ScimType::InvalidValue);
    unchanged(&user(), &after, &replace(&format!("{manager}.$ref"), json!(null)));
}

#[test]
fn a_reference_to_another_resource_loses_what_was_said_of_the_first() {
    let before = json!({ENTERPRISE: {"manager": {
        "value": "1", "$ref": "https://example.com/v2/Users/1", "displayName": "John",
    }}});
    let operations = replace(&format!("{ENTERPRISE}:manager"), json!({"value": "2"}));
    assert_eq!(
        changed(&user(), &before, &operations),
        json!({ENTERPRISE: {"manager": {"value": "2"}}})
    );
    unchanged(&user(), &before, &replace(&format!("{ENTERPRISE}:manager.value"), json!("1")));
}
