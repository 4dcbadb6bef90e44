//! A user's password goes beside the document, never into it.

use scim_core::{Profile, Target};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::patching::{changed, device, object, planned, user};

fn password(operations: &Value) -> Option<String> {
    let planned = planned(&user(), operations, &Profile::STRICT).unwrap();
    assert!(planned.plan.is_empty(), "the password is no change to the document");
    assert_eq!(planned.plan.document.apply(object(&json!({"userName": "x"}))), Ok(None));
    assert!(!format!("{planned:?}").contains("t1meMa$heen"));
    let target = user().attribute("password").map(Target::Attribute).unwrap();
    assert_eq!(planned.touched, [target]);
    planned.plan.secret.map(|secret| secret.expose_secret().to_owned())
}

#[test]
fn it_is_set_by_path_and_without() {
    for operation in [
        json!({"op": "add", "path": "password", "value": "t1meMa$heen"}),
        json!({"op": "replace", "path": "PASSWORD", "value": "t1meMa$heen"}),
        json!({"op": "replace", "value": {"password": "t1meMa$heen"}}),
    ] {
        assert_eq!(password(&json!([operation])).as_deref(), Some("t1meMa$heen"));
    }
}

#[test]
fn the_last_operation_counts() {
    let operations = json!([
        {"op": "add", "path": "password", "value": "t1meMa$heen"},
        {"op": "replace", "path": "password", "value": "another"},
    ]);
    assert_eq!(password(&operations).as_deref(), Some("another"));
    let operations = json!([
        {"op": "add", "path": "password", "value": "t1meMa$heen"},
        {"op": "remove", "path": "password"},
    ]);
    assert_eq!(password(&operations), None);
}

#[test]
fn taking_it_away_alone_changes_nothing() {
    assert_eq!(password(&json!([{"op": "remove", "path": "password"}])), None);
    assert_eq!(password(&json!([{"op": "replace", "path": "password", "value": null}])), None);
}

#[test]
fn the_rest_of_the_request_goes_to_the_document() {
    let operations = json!([{"op": "replace", "value": {"password": "x", "title": "Guide"}}]);
    assert_eq!(changed(&user(), &json!({}), &operations), json!({"title": "Guide"}));
}

#[test]
fn a_write_only_attribute_of_another_type_is_part_of_its_document() {
    let operations = json!([{"op": "add", "path": "pin", "value": "1234"}]);
    assert_eq!(changed(&device(), &json!({}), &operations), json!({"pin": "1234"}));
}
