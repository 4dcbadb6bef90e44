//! What is required may not become unassigned: looked at after the last operation (errata.md P10).

use scim_core::{Profile, ScimType};
use serde_json::{Value, json};

use crate::patching::{changed, device, refused, refused_under, unchanged, user};

const WARRANTY: &str = "urn:example:scim:2.0:Warranty";
const LOCATION: &str = "urn:example:scim:2.0:Location";

#[test]
fn a_required_attribute_can_not_be_removed() {
    let before = json!({"userName": "bjensen", "title": "Guide"});
    for operation in [
        json!({"op": "remove", "path": "userName"}),
        json!({"op": "replace", "path": "userName", "value": null}),
        json!({"op": "replace", "path": "userName", "value": ""}),
        json!({"op": "replace", "value": {"userName": null}}),
        json!({"op": "replace", "value": {"userName": "", "title": "x"}}),
    ] {
        for profile in [Profile::STRICT, Profile::INTEROP] {
            let refused = refused_under(&profile, &user(), &before, &json!([operation]));
            assert_eq!(refused, ScimType::Mutability, "{operation}");
        }
    }
    let before = json!({"codes": [1, 2]});
    for operation in [
        json!({"op": "remove", "path": "codes"}),
        json!({"op": "replace", "path": "codes", "value": []}),
        json!({"op": "remove", "path": "codes[value gt 0]"}),
    ] {
        let refused = refused(&device(), &before, &json!([operation]));
        assert_eq!(refused, ScimType::Mutability, "{operation}");
    }
}

#[test]
fn removing_and_adding_again_is_a_success() {
    let before = json!({"userName": "bjensen"});
    let operations = |name: &str| {
        json!([
            {"op": "remove", "path": "userName"},
            {"op": "add", "path": "userName", "value": name},
        ])
    };
    assert_eq!(changed(&user(), &before, &operations("babs")), json!({"userName": "babs"}));
    unchanged(&user(), &before, &operations("bjensen"));
}

#[test]
fn what_was_missing_before_is_not_this_requests_fault() {
    unchanged(&user(), &json!({"title": "x"}), &json!([{"op": "remove", "path": "userName"}]));
    let before = json!({"title": "x", "badge": {"color": "red"}, "ports": [{"speed": 1}]});
    let operations = json!([
        {"op": "add", "path": "badge.color", "value": "blue"},
        {"op": "add", "path": "ports", "value": {"value": "1"}},
    ]);
    assert_eq!(
        changed(&device(), &before, &operations),
        json!({"title": "x", "badge": {"color": "blue"}, "ports": [{"speed": 1}, {"value": "1"}]})
    );
}

#[test]
fn a_new_value_needs_its_required_parts() {
    for operation in [
        json!({"op": "add", "path": "badge", "value": {"color": "red"}}),
        json!({"op": "add", "path": "badge.color", "value": "red"}),
        json!({"op": "add", "path": "ports", "value": [{"speed": 10}]}),
        json!({"op": "replace", "path": r#"ports[value eq "1"]"#, "value": {"speed": 10}}),
        json!({"op": "replace", "path": format!("{WARRANTY}:notes"), "value": "n"}),
    ] {
        let before = json!({"ports": [{"value": "1"}]});
        let refused = refused(&device(), &before, &json!([operation]));
        assert_eq!(refused, ScimType::InvalidValue, "{operation}");
    }
    let operations = json!([
        {"op": "add", "path": "badge.color", "value": "red"},
        {"op": "add", "path": "badge.number", "value": "7"},
        {"op": "add", "path": format!("{WARRANTY}:notes"), "value": "n"},
        {"op": "add", "path": WARRANTY, "value": {"contract": "W1"}},
    ]);
    assert_eq!(
        changed(&device(), &json!({}), &operations),
        json!({
            "badge": {"color": "red", "number": "7"},
            WARRANTY: {"contract": "W1", "notes": "n"},
        })
    );
}

#[test]
fn a_required_part_can_not_be_removed() {
    let before =
        json!({"badge": {"number": "7", "color": "red"}, "ports": [{"value": "1", "speed": 1}]});
    for operation in [
        json!({"op": "remove", "path": "badge.number"}),
        json!({"op": "replace", "path": "badge", "value": {"number": null}}),
        json!({"op": "remove", "path": "ports.value"}),
        json!({"op": "replace", "path": r#"ports[value eq "1"].value"#, "value": null}),
    ] {
        let refused = refused(&device(), &before, &json!([operation]));
        assert_eq!(refused, ScimType::Mutability, "{operation}");
    }
    let operations = json!([{"op": "remove", "path": "badge"}, {"op": "remove", "path": "ports"}]);
    assert_eq!(changed(&device(), &before, &operations), json!({}));
}

#[test]
fn a_complex_value_may_be_given_in_part_where_the_rest_is_there() {
    let before = json!({"badge": {"number": "7"}, "ports": [{"value": "1"}]});
    let operations = json!([
        {"op": "replace", "path": "badge", "value": {"color": "red"}},
        {"op": "add", "path": r#"ports[value eq "1"]"#, "value": {"speed": 10}},
    ]);
    assert_eq!(
        changed(&device(), &before, &operations),
        json!({"badge": {"number": "7", "color": "red"}, "ports": [{"value": "1", "speed": 10}]})
    );
}

#[test]
fn extensions_and_what_they_require() {
    let before = json!({LOCATION: {"room": "12"}, WARRANTY: {"contract": "W1", "notes": "n"}});
    for operation in [
        json!({"op": "remove", "path": LOCATION}),
        json!({"op": "remove", "path": format!("{LOCATION}:room")}),
        json!({"op": "replace", "value": {LOCATION: null}}),
        json!({"op": "remove", "path": format!("{WARRANTY}:contract")}),
    ] {
        let refused = refused(&device(), &before, &json!([operation]));
        assert_eq!(refused, ScimType::Mutability, "{operation}");
    }
    let both: Value = json!([
        {"op": "remove", "path": format!("{WARRANTY}:contract")},
        {"op": "remove", "path": WARRANTY},
        {"op": "replace", "path": LOCATION, "value": {"room": null, "floor": 2}},
    ]);
    assert_eq!(changed(&device(), &before, &both), json!({LOCATION: {"floor": 2}}));
}
