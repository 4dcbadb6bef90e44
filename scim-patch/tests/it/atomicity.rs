//! "A PATCH request, regardless of the number of operations, SHALL be treated as atomic"; operations
//! "are applied sequentially in the order they appear" (RFC 7644 §3.5.2).

use scim_core::{Member, Profile, ScimType};
use scim_patch::{PatchPlan, apply_members};
use serde_json::json;

use crate::patching::{changed, group, object, planned, refused, unchanged, user};

#[test]
fn operations_are_applied_in_order() {
    let operations = json!([
        {"op": "add", "path": "emails", "value": {"value": "a@b.org", "type": "work"}},
        {"op": "replace", "path": r#"emails[type eq "work"].value"#, "value": "c@b.org"},
        {"op": "remove", "path": r#"emails[value eq "a@b.org"]"#},
        {"op": "add", "path": "emails", "value": {"value": "a@b.org", "type": "home"}},
    ]);
    assert_eq!(
        changed(&user(), &json!({}), &operations),
        json!({"emails": [{"value": "c@b.org", "type": "work"}, {"value": "a@b.org", "type": "home"}]})
    );
}

#[test]
fn an_error_in_the_last_operation_undoes_the_first() {
    let before = json!({"title": "Guide"});
    let operations = json!([
        {"op": "replace", "path": "title", "value": "Driver"},
        {"op": "replace", "path": r#"emails[type eq "work"].value"#, "value": "a@b.org"},
    ]);
    assert_eq!(refused(&user(), &before, &operations), ScimType::NoTarget);
    assert_eq!(before, json!({"title": "Guide"}));
}

#[test]
fn an_error_in_the_last_member_operation_undoes_the_first() {
    let operations = json!([
        {"op": "add", "path": "members", "value": [{"value": "b"}]},
        {"op": "replace", "path": r#"members[value eq "a"].type"#, "value": "Group"},
    ]);
    let planned = planned(&group(), &operations, &Profile::STRICT).unwrap();
    let a = Member { resource_type: Some("User".into()), ..Member::new("a") };
    let mut rows = vec![a.clone()];
    let error = apply_members(&planned.plan.members, &mut rows).unwrap_err();
    assert_eq!(error.scim_type(), Some(ScimType::Mutability));
    assert!(error.detail().starts_with("operation 2: "), "{error}");
    assert_eq!(rows, [a]);
}

#[test]
fn operations_that_cancel_out_are_no_change() {
    let before = json!({"title": "Guide"});
    unchanged(
        &user(),
        &before,
        &json!([
            {"op": "replace", "path": "title", "value": "Driver"},
            {"op": "replace", "path": "title", "value": "Guide"},
            {"op": "add", "path": "nickName", "value": "Babs"},
            {"op": "remove", "path": "nickName"},
        ]),
    );
}

#[test]
fn a_rename_and_a_membership_change_in_one_request_are_split() {
    let operations = json!([
        {"op": "add", "path": "members", "value": [{"value": "a"}]},
        {"op": "replace", "value": {"displayName": "Guides", "members": [{"value": "b"}]}},
        {"op": "remove", "path": r#"members[value eq "b"]"#},
    ]);
    let planned = planned(&group(), &operations, &Profile::STRICT).unwrap();
    assert_eq!(
        planned.plan.document.apply(object(&json!({"displayName": "Tour Guides"}))).unwrap(),
        Some(object(&json!({"displayName": "Guides"})).clone())
    );
    let mut rows = vec![Member::new("c")];
    assert_eq!(apply_members(&planned.plan.members, &mut rows), Ok(true));
    assert_eq!(rows, []);
}

#[test]
fn hostile_repetition_is_refused_in_bounded_work() {
    let values: Vec<_> = (0..3000).map(|n| json!({"value": format!("{n}@b.org")})).collect();
    let mut operations = vec![json!({"op": "add", "path": "emails", "value": values})];
    operations.extend((0..3000).map(|n| {
        json!({"op": "replace", "path": format!("emails[value eq \"{n}@b.org\"].type"), "value": "x"})
    }));
    assert_eq!(refused(&user(), &json!({}), &json!(operations)), ScimType::TooMany);
    // So is one long filter over many values.
    let path = format!("emails[{}]", vec!["type eq \"x\""; 4000].join(" or "));
    let long = json!([{"op": "remove", "path": path}]);
    assert_eq!(refused(&user(), &json!({"emails": values}), &long), ScimType::TooMany);
    // A list of that length in one operation is no matter.
    let operations = json!([{"op": "add", "path": "emails", "value": values}]);
    let after = changed(
        &user(),
        &json!({"emails": values}),
        &json!([
            {"op": "add", "path": "emails", "value": [{"value": "new@b.org"}]},
        ]),
    );
    assert_eq!(after["emails"].as_array().map(Vec::len), Some(3001));
    unchanged(&user(), &json!({"emails": values}), &operations);
}

#[test]
fn a_plan_moves_between_threads() {
    fn is_owned<T: Clone + Send + Sync + 'static>() {}
    is_owned::<PatchPlan>();
}
