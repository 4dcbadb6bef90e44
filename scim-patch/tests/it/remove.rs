//! RFC 7644 §3.5.2.2, sentence by sentence.

use scim_core::{Profile, ScimType};
use serde_json::{Value, json};

use crate::patching::{ENTERPRISE, changed, device, refused, refused_under, unchanged, user};

fn remove(path: &str) -> Value {
    json!([{"op": "remove", "path": path}])
}

#[test]
fn without_a_path_there_is_no_target() {
    let before = json!({"title": "Guide"});
    for profile in [Profile::STRICT, Profile::INTEROP] {
        for operation in [
            json!({"op": "remove"}),
            json!({"op": "remove", "value": {"title": "Guide"}}),
            json!({"op": "remove", "path": "urn:ietf:params:scim:schemas:core:2.0:User"}),
        ] {
            let refused = refused_under(&profile, &user(), &before, &json!([operation]));
            assert_eq!(refused, ScimType::NoTarget);
        }
    }
}

#[test]
fn a_single_valued_attribute_is_unassigned() {
    let before = json!({"title": "Guide", "name": {"givenName": "Barbara"}});
    assert_eq!(changed(&user(), &before, &remove("title")), json!({"name": before["name"]}));
    assert_eq!(changed(&user(), &before, &remove("name")), json!({"title": "Guide"}));
    unchanged(&user(), &before, &remove("nickName"));
}

#[test]
fn a_multi_valued_attribute_without_filter_is_unassigned() {
    let before = json!({"emails": [{"value": "a@example.com"}, {"value": "b@example.com"}]});
    assert_eq!(changed(&user(), &before, &remove("emails")), json!({}));
}

#[test]
fn the_values_matched_by_a_filter_are_removed() {
    let before = json!({"emails": [
        {"value": "a@example.com", "type": "work"},
        {"value": "b@example.com", "type": "home"},
        {"value": "c@example.com", "type": "work"},
    ]});
    assert_eq!(
        changed(&user(), &before, &remove(r#"emails[type eq "work"]"#)),
        json!({"emails": [{"value": "b@example.com", "type": "home"}]})
    );
    assert_eq!(changed(&user(), &before, &remove(r#"emails[type pr]"#)), json!({}));
    let tags = json!({"tags": ["red", "green"]});
    assert_eq!(
        changed(&device(), &tags, &remove(r#"tags[value eq "RED"]"#)),
        json!({"tags": ["green"]})
    );
    assert_eq!(
        changed(&device(), &tags, &remove(r#"tags[value eq "RED"].value"#)),
        json!({"tags": ["green"]})
    );
}

#[test]
fn a_filter_that_matches_nothing_is_a_success_without_change() {
    // errata.md P1: the section, not Table 9.
    let before = json!({"emails": [{"value": "a@example.com", "type": "work"}]});
    unchanged(&user(), &before, &remove(r#"emails[type eq "home"]"#));
    unchanged(&user(), &before, &remove(r#"emails[type eq "home"].display"#));
    unchanged(&user(), &json!({}), &remove(r#"emails[type eq "home"]"#));
}

#[test]
fn a_sub_attribute_is_unassigned_in_each_match_and_what_is_left_empty_goes() {
    // errata.md P9.
    let before = json!({
        "name": {"givenName": "Barbara", "familyName": "Jensen"},
        "emails": [
            {"value": "a@example.com", "type": "work"},
            {"type": "home"},
            {"value": "c@example.com", "type": "home"},
        ],
    });
    assert_eq!(
        changed(&user(), &before, &remove(r#"emails[type eq "home"].type"#)),
        json!({
            "name": before["name"],
            "emails": [{"value": "a@example.com", "type": "work"}, {"value": "c@example.com"}],
        })
    );
    assert_eq!(
        changed(&user(), &before, &remove("emails.type")),
        json!({
            "name": before["name"],
            "emails": [{"value": "a@example.com"}, {"value": "c@example.com"}],
        })
    );
    let operations = json!([
        {"op": "remove", "path": "name.givenName"},
        {"op": "remove", "path": "name.familyName"},
        {"op": "remove", "path": "emails.type"},
        {"op": "remove", "path": "emails.value"},
    ]);
    assert_eq!(changed(&user(), &before, &operations), json!({}));
}

#[test]
fn removing_the_last_attribute_of_an_extension_removes_the_extension() {
    let before = json!({ENTERPRISE: {"department": "Tours", "division": "Park"}});
    let department = format!("{ENTERPRISE}:department");
    assert_eq!(
        changed(&user(), &before, &remove(&department)),
        json!({ENTERPRISE: {"division": "Park"}})
    );
    assert_eq!(
        changed(&user(), &json!({ENTERPRISE: {"department": "Tours"}}), &remove(&department)),
        json!({})
    );
    assert_eq!(changed(&user(), &before, &remove(ENTERPRISE)), json!({}));
    unchanged(&user(), &json!({}), &remove(ENTERPRISE));
    unchanged(&user(), &json!({}), &remove(&department));
}

#[test]
fn a_reference_without_its_value_is_none() {
    let before = json!({ENTERPRISE: {
        "department": "Tours",
        "manager": {"value": "26118915", "displayName": "John Smith"},
    }});
    assert_eq!(
        changed(&user(), &before, &remove(&format!("{ENTERPRISE}:manager.value"))),
        json!({ENTERPRISE: {"department": "Tours"}})
    );
    // What else was said of it goes too.
    let owners = json!({"owners": [{"value": "u1", "since": "2020"}, {"value": "u2"}]});
    assert_eq!(
        changed(&device(), &owners, &remove(r#"owners[value eq "u1"].value"#)),
        json!({"owners": [{"value": "u2"}]})
    );
    // `$ref` is computed from `value`: there is nothing of it to remove.
    unchanged(&user(), &before, &remove(&format!("{ENTERPRISE}:manager.$ref")));
}

#[test]
fn the_path_alone_says_what_to_remove_where_it_names_one_value() {
    let before = json!({"title": "Guide", "emails": [{"value": "a@b.org", "type": "work"}]});
    for operation in [
        json!({"op": "remove", "path": "title", "value": "Guide"}),
        json!({"op": "remove", "path": "title", "value": null}),
    ] {
        let after = json!({"emails": before["emails"]});
        assert_eq!(changed(&user(), &before, &json!([operation])), after);
    }
    let operation =
        json!([{"op": "remove", "path": r#"emails[type eq "work"].value"#, "value": "a@b.org"}]);
    assert_eq!(
        changed(&user(), &before, &operation),
        json!({"title": "Guide", "emails": [{"type": "work"}]})
    );
}

#[test]
fn with_a_value_it_never_empties_a_multi_valued_attribute() {
    // errata.md P8.
    let before = json!({"emails": [{"value": "a@example.com", "type": "work"}]});
    for value in [json!([{"value": "a@example.com"}]), json!([]), json!("a@example.com"), json!({})]
    {
        for path in ["emails", "emails.value"] {
            let operations = json!([{"op": "remove", "path": path, "value": value}]);
            assert_eq!(refused(&user(), &before, &operations), ScimType::InvalidSyntax, "{value}");
        }
    }
    // A null is no value.
    let operations = json!([{"op": "remove", "path": "emails", "value": null}]);
    assert_eq!(changed(&user(), &before, &operations), json!({}));
}
