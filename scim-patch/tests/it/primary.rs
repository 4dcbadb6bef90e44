//! "a PATCH operation that sets a value's "primary" sub-attribute to "true" SHALL cause the server
//! to automatically set "primary" to "false" for any other values in the array" (RFC 7644 §3.5.2).

use scim_core::ScimType;
use serde_json::{Value, json};

use crate::patching::{changed, refused, user};

fn before() -> Value {
    json!({"emails": [
        {"value": "a@b.org", "type": "work", "primary": true},
        {"value": "c@b.org", "type": "home"},
        {"value": "d@b.org", "type": "other", "primary": false},
    ]})
}

#[test]
fn a_new_primary_takes_over_from_the_old_one() {
    let home = json!({"value": "c@b.org", "type": "home", "primary": true});
    for operation in [
        json!({"op": "add", "path": "emails", "value": [home]}),
        json!({"op": "add", "value": {"emails": [home]}}),
        json!({"op": "replace", "path": r#"emails[type eq "home"]"#, "value": home}),
        json!({"op": "add", "path": r#"emails[type eq "home"]"#, "value": {"primary": true}}),
        json!({"op": "replace", "path": r#"emails[type eq "home"].primary"#, "value": true}),
        json!({"op": "add", "path": r#"emails[type eq "home"].primary"#, "value": true}),
    ] {
        assert_eq!(
            changed(&user(), &before(), &json!([operation])),
            json!({"emails": [
                {"value": "a@b.org", "type": "work", "primary": false},
                home,
                {"value": "d@b.org", "type": "other", "primary": false},
            ]}),
            "{operation}"
        );
    }
}

#[test]
fn a_primary_that_is_appended_takes_over() {
    let operations =
        json!([{"op": "add", "path": "emails", "value": {"value": "e@b.org", "primary": true}}]);
    let after = changed(&user(), &before(), &operations);
    assert_eq!(after["emails"][0]["primary"], json!(false));
    assert_eq!(after["emails"][3], json!({"value": "e@b.org", "primary": true}));
}

#[test]
fn the_last_of_several_operations_wins() {
    let operations = json!([
        {"op": "replace", "path": r#"emails[type eq "home"].primary"#, "value": true},
        {"op": "replace", "path": r#"emails[type eq "other"].primary"#, "value": true},
    ]);
    assert_eq!(
        changed(&user(), &before(), &operations),
        json!({"emails": [
            {"value": "a@b.org", "type": "work", "primary": false},
            {"value": "c@b.org", "type": "home", "primary": false},
            {"value": "d@b.org", "type": "other", "primary": true},
        ]})
    );
}

#[test]
fn one_operation_can_not_make_two_primary() {
    // errata.md P12: never store two.
    let two = json!([{"value": "x@b.org", "primary": true}, {"value": "y@b.org", "primary": true}]);
    for operation in [
        json!({"op": "add", "path": "emails", "value": two}),
        json!({"op": "replace", "path": "emails", "value": two}),
        json!({"op": "replace", "value": {"emails": two}}),
        json!({"op": "replace", "path": "emails.primary", "value": true}),
        json!({"op": "replace", "path": "emails[type pr].primary", "value": true}),
        json!({"op": "add", "path": "emails[type pr]", "value": {"primary": true}}),
    ] {
        let refused = refused(&user(), &before(), &json!([operation]));
        assert_eq!(refused, ScimType::InvalidValue, "{operation}");
    }
    let addresses = json!({"addresses": [{"type": "work"}, {"type": "home"}]});
    let operations = json!([{
        "op": "replace", "path": "addresses[type pr]", "value": {"country": "US", "primary": true},
    }]);
    assert_eq!(refused(&user(), &addresses, &operations), ScimType::InvalidValue);
}

#[test]
fn values_that_become_one_can_be_primary() {
    let operations = json!([{
        "op": "replace", "path": "emails[type pr]", "value": {"value": "x@b.org", "primary": true},
    }]);
    assert_eq!(
        changed(&user(), &before(), &operations),
        json!({"emails": [{"value": "x@b.org", "primary": true}]})
    );
}

#[test]
fn setting_it_to_false_or_removing_it_leaves_the_others_alone() {
    for operation in [
        json!({"op": "remove", "path": "emails[primary eq true].primary"}),
        json!({"op": "replace", "path": r#"emails[type eq "work"].primary"#, "value": false}),
    ] {
        let after = changed(&user(), &before(), &json!([operation]));
        assert_eq!(after["emails"][1], before()["emails"][1]);
        assert_ne!(after["emails"][0].get("primary"), Some(&json!(true)));
    }
}
