//! readOnly and immutable attributes (RFC 7644 §3.5.2, RFC 7643 §7, errata.md P6 and P7).

use scim_core::{Profile, ScimType};
use serde_json::{Value, json};

use crate::patching::{changed, device, group, refused, refused_under, unchanged, user};

fn device_before() -> Value {
    json!({
        "label": "printer",
        "serial": "X1",
        "firmware": "1.0",
        "case": {"color": "grey", "batch": "B7", "inspector": "Ann"},
        "ports": [
            {"value": "1", "speed": 10, "address": "aa:bb", "state": "up"},
            {"value": "2", "speed": 10},
        ],
        "origins": ["factory"],
        "audits": ["2020"],
        "lock": {"vendor": "Acme"},
        "urn:example:scim:2.0:Warranty": {"contract": "W1", "claims": 2, "began": "2020"},
        "urn:example:scim:2.0:Location": {"room": "12"},
    })
}

const WARRANTY: &str = "urn:example:scim:2.0:Warranty";

#[test]
fn a_path_to_a_read_only_attribute_with_another_value_is_refused() {
    for operation in [
        json!({"op": "add", "path": "firmware", "value": "2.0"}),
        json!({"op": "replace", "path": "firmware", "value": "2.0"}),
        json!({"op": "replace", "path": "firmware", "value": null}),
        json!({"op": "remove", "path": "firmware"}),
        json!({"op": "replace", "path": "case.inspector", "value": "Bob"}),
        json!({"op": "remove", "path": "case.inspector"}),
        json!({"op": "replace", "path": "ports[value eq \"1\"].state", "value": "down"}),
        json!({"op": "remove", "path": "ports.state"}),
        json!({"op": "add", "path": "audits", "value": ["2021"]}),
        json!({"op": "remove", "path": "audits[value eq \"2020\"]"}),
        json!({"op": "replace", "path": format!("{WARRANTY}:claims"), "value": 3}),
    ] {
        let refused = refused(&device(), &device_before(), &json!([operation]));
        assert_eq!(refused, ScimType::Mutability, "{operation}");
    }
}

#[test]
fn a_path_to_a_read_only_attribute_with_its_own_value_changes_nothing() {
    for operation in [
        json!({"op": "replace", "path": "firmware", "value": "1.0"}),
        json!({"op": "add", "path": "firmware", "value": null}),
        json!({"op": "replace", "path": "case.inspector", "value": "ann"}),
        json!({"op": "replace", "path": "ports[value eq \"1\"].state", "value": "up"}),
        json!({"op": "remove", "path": "ports[value eq \"2\"].state"}),
        json!({"op": "add", "path": "audits", "value": ["2020"]}),
        json!({"op": "replace", "path": "audits", "value": ["2020"]}),
        json!({"op": "remove", "path": "audits[value eq \"2021\"]"}),
        json!({"op": "replace", "path": format!("{WARRANTY}:claims"), "value": 2}),
    ] {
        unchanged(&device(), &device_before(), &json!([operation]));
    }
    // Nothing there, nothing removed.
    unchanged(&device(), &json!({}), &json!([{"op": "remove", "path": "firmware"}]));
    unchanged(&device(), &json!({}), &json!([{"op": "remove", "path": "case.inspector"}]));
}

#[test]
fn read_only_parts_of_a_value_are_ignored() {
    for operation in [
        json!({"op": "replace", "value": {"firmware": "2.0", "audits": [], "id": "x", "meta": {}}}),
        json!({"op": "replace", "path": "case", "value": {"inspector": "Bob"}}),
        json!({"op": "replace", "path": "case", "value": {"inspector": null}}),
        json!({"op": "add", "path": "ports", "value": {"value": "1", "state": "down"}}),
        json!({"op": "replace", "path": WARRANTY, "value": {"claims": 9}}),
    ] {
        unchanged(&device(), &device_before(), &json!([operation]));
    }
}

#[test]
fn what_the_server_says_of_a_value_survives_its_replacement() {
    let mut expected = device_before();
    expected["ports"][0] = json!({"value": "1", "speed": 20, "state": "up"});
    for operation in [
        json!({"op": "replace", "path": r#"ports[value eq "1"]"#, "value": {"value": "1", "speed": 20}}),
        json!({"op": "replace", "path": "ports", "value": [
            {"value": "1", "speed": 20}, {"value": "2", "speed": 10},
        ]}),
    ] {
        assert_eq!(changed(&device(), &device_before(), &json!([operation])), expected);
    }
    // Another `value` is about something else.
    expected["ports"][0] = json!({"value": "3"});
    let operation =
        json!([{"op": "replace", "path": r#"ports[value eq "1"]"#, "value": {"value": "3"}}]);
    assert_eq!(changed(&device(), &device_before(), &operation), expected);
}

#[test]
fn what_the_server_keeps_elsewhere_can_not_be_named_by_a_path() {
    // errata.md P6; whether the value is the present one can't be seen in the document.
    for profile in [Profile::STRICT, Profile::INTEROP] {
        for operation in [
            json!({"op": "replace", "path": "id", "value": "x"}),
            json!({"op": "remove", "path": "id"}),
            json!({"op": "add", "path": "meta", "value": {"version": "x"}}),
            json!({"op": "replace", "path": "meta.location", "value": "x"}),
            json!({"op": "add", "path": "groups", "value": [{"value": "x"}]}),
            json!({"op": "replace", "path": "groups", "value": []}),
            json!({"op": "remove", "path": r#"groups[value eq "x"]"#}),
            json!({"op": "remove", "path": "groups.display"}),
        ] {
            let refused = refused_under(&profile, &user(), &json!({}), &json!([operation]));
            assert_eq!(refused, ScimType::Mutability, "{operation}");
        }
    }
    let value = json!({"id": "x", "meta": {"version": "x"}, "groups": [], "schemas": ["urn:x"]});
    unchanged(&user(), &json!({}), &json!([{"op": "replace", "value": value}]));
    unchanged(&group(), &json!({}), &json!([{"op": "replace", "value": {"id": "x"}}]));
}

#[test]
fn an_immutable_attribute_may_be_set_while_it_has_no_value() {
    let operations = json!([
        {"op": "add", "path": "serial", "value": "X1"},
        {"op": "add", "path": "case", "value": {"batch": "B7"}},
        {"op": "add", "path": "lock", "value": {"vendor": "Acme", "model": "K"}},
        {"op": "add", "path": "origins", "value": ["factory"]},
        {"op": "add", "path": r#"ports[value eq "2"].address"#, "value": "cc:dd"},
    ]);
    let after = changed(&device(), &json!({"ports": [{"value": "2"}]}), &operations);
    assert_eq!(
        after,
        json!({
            "serial": "X1",
            "case": {"batch": "B7"},
            "lock": {"vendor": "Acme", "model": "K"},
            "origins": ["factory"],
            "ports": [{"value": "2", "address": "cc:dd"}],
        })
    );
}

#[test]
fn a_set_immutable_attribute_may_be_given_again_but_not_otherwise() {
    for operation in [
        json!({"op": "replace", "path": "serial", "value": "X1"}),
        json!({"op": "add", "value": {"serial": "X1", "lock": {"vendor": "Acme"}}}),
        json!({"op": "replace", "path": "case.batch", "value": "b7"}),
        json!({"op": "add", "path": "origins", "value": ["Factory"]}),
    ] {
        unchanged(&device(), &device_before(), &json!([operation]));
    }
    for operation in [
        json!({"op": "replace", "path": "serial", "value": "x1"}),
        json!({"op": "replace", "value": {"serial": "X2"}}),
        json!({"op": "remove", "path": "serial"}),
        json!({"op": "replace", "path": "serial", "value": null}),
        json!({"op": "replace", "path": "case", "value": {"batch": "B8"}}),
        json!({"op": "remove", "path": "case.batch"}),
        json!({"op": "add", "path": "lock.model", "value": "K"}),
        json!({"op": "add", "path": "origins", "value": ["shop"]}),
        json!({"op": "replace", "path": "ports[value eq \"1\"].address", "value": "cc:dd"}),
        json!({"op": "add", "path": "ports", "value": {"value": "1", "address": "cc:dd"}}),
        json!({"op": "remove", "path": WARRANTY}),
    ] {
        let refused = refused(&device(), &device_before(), &json!([operation]));
        assert_eq!(refused, ScimType::Mutability, "{operation}");
    }
}

#[test]
fn elements_with_immutable_parts_are_added_and_removed_whole() {
    // errata.md P7.
    for operation in [
        json!({"op": "remove", "path": r#"ports[value eq "1"]"#}),
        json!({"op": "replace", "path": r#"ports[value eq "1"]"#, "value": {"value": "1", "address": "ee"}}),
        json!({"op": "replace", "path": "ports", "value": [{"value": "1", "address": "ee"}]}),
    ] {
        changed(&device(), &device_before(), &json!([operation]));
    }
}

#[test]
fn the_known_type_of_a_reference_is_not_changed_by_who_mentions_it() {
    let before = json!({"owners": [{"value": "u1", "type": "User"}, {"value": "u2"}]});
    unchanged(
        &device(),
        &before,
        &json!([{"op": "add", "path": "owners", "value": [{"value": "u1", "type": "Group"}]}]),
    );
    assert_eq!(
        changed(
            &device(),
            &before,
            &json!([{"op": "add", "path": "owners", "value": [
                {"value": "u1", "type": "Group", "since": "2020"}, {"value": "u2", "type": "User"},
            ]}])
        ),
        json!({"owners": [
            {"value": "u1", "type": "User", "since": "2020"}, {"value": "u2", "type": "User"},
        ]})
    );
    // Named by a path, it is refused.
    let operations =
        json!([{"op": "replace", "path": r#"owners[value eq "u1"].type"#, "value": "Group"}]);
    assert_eq!(refused(&device(), &before, &operations), ScimType::Mutability);
}

#[test]
fn a_reference_that_is_replaced_with_all_the_others_keeps_its_type_unless_another_is_given() {
    let before =
        json!({"owners": [{"value": "u1", "type": "User"}, {"value": "u2", "type": "User"}]});
    let operations = json!([{"op": "replace", "path": "owners", "value": [
        {"value": "u1"}, {"value": "u2", "type": "Group"}, {"value": "u3"},
    ]}]);
    assert_eq!(
        changed(&device(), &before, &operations),
        json!({"owners": [
            {"value": "u1", "type": "User"}, {"value": "u2", "type": "Group"}, {"value": "u3"},
        ]})
    );
}

#[test]
fn removing_an_extension_keeps_what_is_the_servers() {
    let before = json!({WARRANTY: {"contract": "W1", "notes": "n", "claims": 2}});
    let operations = json!([{"op": "remove", "path": format!("{WARRANTY}:notes")}]);
    assert_eq!(
        changed(&device(), &before, &operations),
        json!({WARRANTY: {"contract": "W1", "claims": 2}})
    );
    let operations = json!([{"op": "remove", "path": WARRANTY}]);
    let before = json!({WARRANTY: {"contract": "W1", "notes": "n"}});
    assert_eq!(changed(&device(), &before, &operations), json!({}));
}
