//! What real clients send and the RFC does not provide for: what we do with the quirk, and what
//! without. The shapes are those of the vendors' documents; the values are our own.

use std::sync::Arc;

use scim_core::{Member, Profile, Quirk, Quirks, ResourceType, ScimType, Validation};
use scim_patch::{MemberOp, apply_members};
use serde_json::{Value, json};

use crate::patching::{ENTERPRISE, device, group, object, patched_under, planned, user};

/// Only this quirk, so that no other helps.
fn only(quirk: Quirk) -> Profile {
    Profile::STRICT.with(quirk)
}

struct Outcome {
    after: Option<Value>,
    fired: Quirks,
}

fn outcome(
    profile: &Profile,
    resource_type: &Arc<ResourceType>,
    before: &Value,
    operation: &Value,
) -> Result<Outcome, ScimType> {
    let planned = planned(resource_type, &json!([operation]), profile)
        .map_err(|e| e.scim_type().expect("a scimType"))?;
    let after = planned.plan.document.apply(object(before));
    let after = after.map_err(|e| e.scim_type().expect("a scimType"))?.map(Value::Object);
    Ok(Outcome { after, fired: planned.fired })
}

/// With the quirk alone it fires and gives `after`; without it, it is refused so.
fn tolerated(
    quirk: Quirk,
    resource_type: &Arc<ResourceType>,
    before: &Value,
    operation: &Value,
    after: Option<Value>,
    strict: ScimType,
) {
    let with = outcome(&only(quirk), resource_type, before, operation).expect("success");
    assert_eq!(with.after, after, "{operation}");
    assert_eq!(with.fired, Quirks::NONE.with(quirk), "{operation}");
    let interop = outcome(&Profile::INTEROP, resource_type, before, operation).expect("success");
    assert_eq!(interop.after, after, "{operation}");
    assert!(interop.fired.contains(quirk));
    let without = outcome(&Profile::STRICT, resource_type, before, operation);
    assert_eq!(without.err(), Some(strict), "{operation}");
    // Nor does another quirk do the same.
    if let Ok(unhelped) =
        outcome(&Profile::INTEROP.without(quirk), resource_type, before, operation)
    {
        assert_ne!(unhelped.after, after, "{operation}");
    }
}

#[test]
fn correct_requests_fire_nothing() {
    let operations = json!([
        {"op": "replace", "path": r#"emails[type eq "work" and primary eq true].value"#, "value": "b@b.org"},
        {"op": "add", "value": {"title": "x", ENTERPRISE: {"manager": {"value": "1"}}}},
        {"op": "remove", "path": "nickName"},
        {"op": "replace", "path": "active", "value": true},
    ]);
    let planned = planned(&user(), &operations, &Profile::INTEROP).unwrap();
    assert_eq!(planned.fired, Quirks::NONE);
}

#[test]
fn operation_case() {
    let operation = json!({"op": "Replace", "path": "title", "value": "x"});
    let after = Some(json!({"title": "x"}));
    tolerated(
        Quirk::OperationCase,
        &user(),
        &json!({}),
        &operation,
        after,
        ScimType::InvalidSyntax,
    );
}

#[test]
fn boolean_strings_as_values() {
    for value in ["False", "false", "FALSE"] {
        let operation = json!({"op": "replace", "path": "active", "value": value});
        let after = Some(json!({"active": false}));
        let before = json!({"active": true});
        tolerated(
            Quirk::BooleanStrings,
            &user(),
            &before,
            &operation,
            after,
            ScimType::InvalidValue,
        );
    }
}

#[test]
fn boolean_strings_in_filters() {
    let before = json!({"roles": [{"value": "a", "primary": true}, {"value": "b"}]});
    let operation =
        json!({"op": "replace", "path": r#"roles[primary eq "True"].value"#, "value": "c"});
    let after = Some(json!({"roles": [{"value": "c", "primary": true}, {"value": "b"}]}));
    tolerated(Quirk::BooleanStrings, &user(), &before, &operation, after, ScimType::InvalidFilter);
}

#[test]
fn unquoted_filter_values() {
    let before = json!({"emails": [{"value": "a@b.org", "type": "work"}, {"value": "12"}]});
    let operation = json!({"op": "remove", "path": "emails[type eq work]"});
    let after = Some(json!({"emails": [{"value": "12"}]}));
    tolerated(
        Quirk::UnquotedFilterValues,
        &user(),
        &before,
        &operation,
        after,
        ScimType::InvalidFilter,
    );
    let operation = json!({"op": "remove", "path": "emails[value eq 12]"});
    let after = Some(json!({"emails": [{"value": "a@b.org", "type": "work"}]}));
    tolerated(
        Quirk::UnquotedFilterValues,
        &user(),
        &before,
        &operation,
        after,
        ScimType::InvalidFilter,
    );

    for (path, value) in [("members[value eq a1b2]", "a1b2"), ("members[value eq 271]", "271")] {
        let operations = json!([{"op": "remove", "path": path}]);
        let planned = planned(&group(), &operations, &Profile::INTEROP).unwrap();
        assert_eq!(planned.fired, Quirks::NONE.with(Quirk::UnquotedFilterValues));
        let [MemberOp::Remove(values)] = &*planned.plan.members else { panic!("{path}") };
        assert_eq!(**values, [Arc::from(value)]);
    }
}

#[test]
fn not_without_parentheses() {
    let before = json!({"emails": [{"value": "a@b.org", "type": "work"}, {"value": "c@b.org"}]});
    let operation = json!({"op": "remove", "path": r#"emails[not type eq "work"]"#});
    let after = Some(json!({"emails": [{"value": "a@b.org", "type": "work"}]}));
    tolerated(
        Quirk::NotWithoutParentheses,
        &user(),
        &before,
        &operation,
        after,
        ScimType::InvalidFilter,
    );
}

#[test]
fn unqualified_extension_attributes_in_paths() {
    let operation = json!({"op": "add", "path": "department", "value": "Tours"});
    let after = Some(json!({ENTERPRISE: {"department": "Tours"}}));
    tolerated(
        Quirk::UnqualifiedExtensionAttributes,
        &user(),
        &json!({}),
        &operation,
        after,
        ScimType::InvalidPath,
    );
    let operation = json!({"op": "replace", "path": "manager.value", "value": "1"});
    let after = Some(json!({ENTERPRISE: {"manager": {"value": "1"}}}));
    tolerated(
        Quirk::UnqualifiedExtensionAttributes,
        &user(),
        &json!({}),
        &operation,
        after,
        ScimType::InvalidPath,
    );
}

#[test]
fn dotted_and_urn_keys_in_values_without_path() {
    let before = json!({"name": {"givenName": "B", "familyName": "J"}});
    let operation = json!({"op": "replace", "value": {
        "displayName": "x", "name.givenName": "Babs", "name.middleName": "Jane",
        format!("{ENTERPRISE}:employeeNumber"): "7",
    }});
    let after = json!({
        "displayName": "x",
        "name": {"givenName": "Babs", "familyName": "J", "middleName": "Jane"},
        ENTERPRISE: {"employeeNumber": "7"},
    });
    let with = outcome(&Profile::INTEROP, &user(), &before, &operation).unwrap();
    assert_eq!(with.after, Some(after));
    assert_eq!(with.fired, Quirks::NONE.with(Quirk::DottedKeys).with(Quirk::UrnKeys));
    // By the letter these are attributes that no schema defines, and ignored.
    let without = outcome(&Profile::STRICT, &user(), &before, &operation).unwrap();
    assert_eq!(without.after, Some(json!({"displayName": "x", "name": before["name"]})));
    // The same part twice is a contradiction.
    let operation =
        json!({"op": "add", "value": {"name": {"givenName": "a"}, "name.givenName": "b"}});
    assert_eq!(
        outcome(&Profile::INTEROP, &user(), &before, &operation).err(),
        Some(ScimType::InvalidSyntax)
    );
    // Part of many values: which?
    let operation = json!({"op": "replace", "value": {"emails.type": "work"}});
    assert_eq!(
        outcome(&Profile::INTEROP, &user(), &before, &operation).err(),
        Some(ScimType::InvalidValue)
    );
}

#[test]
fn array_for_singular() {
    let operation = json!({"op": "replace", "path": "preferredLanguage", "value": ["de"]});
    let after = Some(json!({"preferredLanguage": "de"}));
    tolerated(
        Quirk::ArrayForSingular,
        &user(),
        &json!({}),
        &operation,
        after,
        ScimType::InvalidValue,
    );
    let manager = format!("{ENTERPRISE}:manager");
    let operation = json!({"op": "add", "path": manager, "value": [{"$ref": "http://x/Users/7", "value": "7"}]});
    let after = Some(json!({ENTERPRISE: {"manager": {"value": "7"}}}));
    tolerated(
        Quirk::ArrayForSingular,
        &user(),
        &json!({}),
        &operation,
        after,
        ScimType::InvalidValue,
    );
    let operation = json!({"op": "replace", "path": manager, "value": []});
    let before = json!({ENTERPRISE: {"manager": {"value": "7"}}});
    tolerated(
        Quirk::ArrayForSingular,
        &user(),
        &before,
        &operation,
        Some(json!({})),
        ScimType::InvalidValue,
    );
    // An array of one for the one element that a filter selects.
    let before = json!({"emails": [{"value": "a@b.org", "type": "work"}]});
    let operation = json!({"op": "replace", "path": r#"emails[type eq "work"]"#, "value": [{"value": "c@b.org"}]});
    let after = Some(json!({"emails": [{"value": "c@b.org"}]}));
    tolerated(Quirk::ArrayForSingular, &user(), &before, &operation, after, ScimType::InvalidValue);
}

#[test]
fn bare_string_for_complex() {
    let operation = json!({"op": "add", "path": format!("{ENTERPRISE}:manager"), "value": "271"});
    let after = Some(json!({ENTERPRISE: {"manager": {"value": "271"}}}));
    tolerated(
        Quirk::BareStringForComplex,
        &user(),
        &json!({}),
        &operation,
        after,
        ScimType::InvalidValue,
    );
    let operation = json!({"op": "add", "path": "emails", "value": ["a@b.org"]});
    let after = Some(json!({"emails": [{"value": "a@b.org"}]}));
    tolerated(
        Quirk::BareStringForComplex,
        &user(),
        &json!({}),
        &operation,
        after,
        ScimType::InvalidValue,
    );
}

/// Values without path whose keys are paths.
#[test]
fn path_keys() {
    let before = json!({"emails": [{"value": "a@b.org", "type": "work"}], "title": "Guide"});
    for (op, emails) in [
        (
            "add",
            json!([{"value": "c@d.org", "type": "work"}, {"value": "h@b.org", "type": "home"}]),
        ),
        (
            "replace",
            json!([{"value": "c@d.org", "type": "work"}, {"value": "h@b.org", "type": "home"}]),
        ),
    ] {
        let operation = json!({"op": op, "value": {
            r#"emails[type eq "work"].value"#: "c@d.org",
            r#"Emails[type eq "home"].value"#: "h@b.org",
            "title": "Dr.",
            r#"groups[value eq "1"].display"#: "x",
            r#"nosuch[type eq "x"].value"#: "x",
            "emails[": "x",
        }});
        let with = outcome(&Profile::INTEROP, &user(), &before, &operation).unwrap();
        assert_eq!(with.after, Some(json!({"emails": emails, "title": "Dr."})), "{op}");
        assert!(with.fired.contains(Quirk::PathKeys));
        // By the letter such keys are attributes that no schema defines, and ignored.
        for profile in [Profile::STRICT, Profile::INTEROP.without(Quirk::PathKeys)] {
            let without = outcome(&profile, &user(), &before, &operation).unwrap();
            let title = json!({"emails": before["emails"], "title": "Dr."});
            assert_eq!((without.after, without.fired), (Some(title), Quirks::NONE));
        }
    }
    let operation = json!({"op": "add", "value": {r#"emails[type eq "work"].value"#: "c@d.org"}});
    let with = outcome(&only(Quirk::PathKeys), &user(), &before, &operation).unwrap();
    assert_eq!(with.after.unwrap()["emails"][0]["value"], "c@d.org");
    assert_eq!(with.fired, Quirks::NONE.with(Quirk::PathKeys));
}

#[test]
fn object_for_simple() {
    let operation =
        json!({"op": "replace", "path": "displayName", "value": {"$ref": null, "value": "Babs"}});
    let after = Some(json!({"displayName": "Babs"}));
    let (quirk, error) = (Quirk::ObjectForSimple, ScimType::InvalidValue);
    tolerated(quirk, &user(), &json!({}), &operation, after, error);
    let before = json!({"emails": [{"value": "a@b.org", "type": "work"}]});
    let path = r#"emails[type eq "work"].value"#;
    let operation = json!({"op": "replace", "path": path, "value": {"value": "c@d.org"}});
    let after = Some(json!({"emails": [{"value": "c@d.org", "type": "work"}]}));
    tolerated(quirk, &user(), &before, &operation, after, error);
}

#[test]
fn number_for_text() {
    let path = format!("{ENTERPRISE}:employeeNumber");
    let operation = json!({"op": "add", "path": path, "value": 701984});
    let after = Some(json!({ENTERPRISE: {"employeeNumber": "701984"}}));
    let error = ScimType::InvalidValue;
    tolerated(Quirk::NumberForText, &user(), &json!({}), &operation, after, error);
}

#[test]
fn json_text() {
    let (quirk, error) = (Quirk::JsonText, ScimType::InvalidValue);
    let roles = r#"[{"value": "25", "displayName": "Guide"}, {"value": "26"}]"#;
    let after = Some(json!({"roles": [{"value": "25", "display": "Guide"}, {"value": "26"}]}));
    let operation = json!({"op": "add", "path": "roles", "value": roles});
    tolerated(quirk, &user(), &json!({}), &operation, after, error);
    let operation =
        json!({"op": "replace", "value": r#"{"title": "Dr.", "name": {"givenName": "B"}}"#});
    let after = Some(json!({"title": "Dr.", "name": {"givenName": "B"}}));
    tolerated(quirk, &user(), &json!({}), &operation, after, error);
    let operations = json!([{"op": "add", "path": "members", "value": r#"[{"value": "1"}]"#}]);
    let planned = planned(&group(), &operations, &Profile::INTEROP).unwrap();
    let [MemberOp::Add(members)] = &*planned.plan.members else { panic!("{:?}", planned.plan) };
    assert_eq!(*members[0].value, *"1");
}

/// What would change the meaning of a correct request `INTEROP` does only in one that is not: here,
/// because of the operation's name.
fn only_in_bent_messages(
    operation: &Value,
    before: &Value,
    bent: Value,
    correct: Value,
    quirk: Quirk,
) {
    for profile in [Profile::STRICT, Profile::INTEROP] {
        let outcome = outcome(&profile, &user(), before, operation).unwrap();
        assert_eq!(outcome.after.as_ref(), Some(&correct), "{operation}");
        assert_eq!(outcome.fired, Quirks::NONE, "{operation}");
    }
    let mut capital = operation.clone();
    capital["op"] = json!(operation["op"].as_str().unwrap().to_uppercase());
    let fired = Quirks::NONE.with(Quirk::OperationCase).with(quirk);
    let outcome_of = |profile| outcome(&profile, &user(), before, &capital);
    let interop = outcome_of(Profile::INTEROP).unwrap();
    assert_eq!((interop.after, interop.fired), (Some(bent), fired), "{capital}");
    let without = outcome_of(Profile::INTEROP.without(quirk)).unwrap();
    assert_eq!(without.after, Some(correct), "{capital}");
    assert_eq!(outcome_of(Profile::STRICT).err(), Some(ScimType::InvalidSyntax));
}

#[test]
fn json_in_string() {
    let text = r#"{"id":"06b0","value":"25","displayName":"Tour Guide"}"#;
    let operation = json!({"op": "add", "path": "roles", "value": [{"value": text}]});
    let with = outcome(&only(Quirk::JsonInString), &user(), &json!({}), &operation).unwrap();
    assert_eq!(with.after, Some(json!({"roles": [{"value": "25", "display": "Tour Guide"}]})));
    assert_eq!(with.fired, Quirks::NONE.with(Quirk::JsonInString));
    only_in_bent_messages(
        &operation,
        &json!({}),
        json!({"roles": [{"value": "25", "display": "Tour Guide"}]}),
        json!({"roles": [{"value": text}]}),
        Quirk::JsonInString,
    );
    // And it is removed by the same text.
    let operation = json!({"op": "remove", "path": "roles", "value": [{"value": text}]});
    let before = json!({"roles": [{"value": "25", "display": "Tour Guide"}, {"value": "26"}]});
    let with = outcome(&Profile::ENTRA, &user(), &before, &operation).unwrap();
    assert_eq!(with.after, Some(json!({"roles": [{"value": "26"}]})));
}

#[test]
fn value_filter_creates() {
    let before = json!({"addresses": [{"type": "home", "locality": "Paris"}]});
    for op in ["add", "replace"] {
        let operations = json!([
            {"op": op, "path": r#"addresses[type eq "work"].formatted"#, "value": "1 Road"},
            {"op": op, "path": r#"addresses[type eq "work"].country"#, "value": "US"},
        ]);
        let planned = planned(&user(), &operations, &Profile::INTEROP).unwrap();
        assert_eq!(planned.fired, Quirks::NONE, "whether it fires depends on the resource");
        assert_eq!(planned.armed, Quirks::NONE.with(Quirk::ValueFilterCreates));
        assert_eq!(planned.late.fired(), Quirks::NONE);
        // One element, not two.
        assert_eq!(
            planned.plan.document.apply(object(&before)).unwrap().map(Value::Object),
            Some(json!({"addresses": [
                {"type": "home", "locality": "Paris"},
                {"type": "work", "formatted": "1 Road", "country": "US"},
            ]}))
        );
        assert_eq!(planned.late.fired(), planned.armed, "and so it has");
        let strict = patched_under(&Profile::STRICT, &user(), &before, &operations);
        assert_eq!(strict.unwrap_err().scim_type(), Some(ScimType::NoTarget));
    }
}

#[test]
fn value_filter_creates_from_equalities_joined_by_and_only() {
    let create = |path: &str, value: Value| {
        let operations = json!([{"op": "replace", "path": path, "value": value}]);
        patched_under(&Profile::INTEROP, &user(), &json!({}), &operations)
            .map_err(|e| e.scim_type().expect("a scimType"))
    };
    for (path, value, element) in [
        (
            r#"emails[type eq "work" and primary eq true].value"#,
            json!("a@b.org"),
            json!({"type": "work", "primary": true, "value": "a@b.org"}),
        ),
        (
            r#"emails[(type eq "work" and display eq "A")]"#,
            json!({"value": "a@b.org", "display": "B"}),
            json!({"type": "work", "display": "B", "value": "a@b.org"}),
        ),
        (
            r#"emails[primary eq "True"].value"#,
            json!("a@b.org"),
            json!({"primary": true, "value": "a@b.org"}),
        ),
        (
            r#"emails[type eq 42].value"#,
            json!("a@b.org"),
            json!({"type": "42", "value": "a@b.org"}),
        ),
    ] {
        assert_eq!(create(path, value), Ok(Some(json!({"emails": [element]}))), "{path}");
    }
    for path in [
        r#"emails[type eq "work" or type eq "home"].value"#,
        r#"emails[not (type eq "work")].value"#,
        r#"emails[type ne "work"].value"#,
        r#"emails[type eq "work" and type eq "home"].value"#,
        r#"emails[type eq null].value"#,
        r#"emails[type pr].value"#,
        r#"emails[type sw "work"].value"#,
    ] {
        assert_eq!(create(path, json!("a@b.org")), Err(ScimType::NoTarget), "{path}");
    }
    // Of "unassigned" there is nothing to make.
    assert_eq!(create(r#"emails[type eq "work"].value"#, json!(null)), Ok(None));
    assert_eq!(create(r#"emails[type eq "work"]"#, json!("")), Ok(None));
}

#[test]
fn value_filter_creates_a_value_of_a_simple_attribute_and_a_member() {
    let operations = json!([{"op": "add", "path": r#"tags[value eq "red"]"#, "value": "green"}]);
    assert_eq!(
        patched_under(&Profile::INTEROP, &device(), &json!({"tags": ["blue"]}), &operations),
        Ok(Some(json!({"tags": ["blue", "green"]})))
    );
    let operations =
        json!([{"op": "add", "path": r#"members[value eq "a"].type"#, "value": "User"}]);
    let planned_members = planned(&group(), &operations, &Profile::INTEROP).unwrap().plan.members;
    let mut members = Vec::new();
    assert_eq!(apply_members(&planned_members, &mut members), Ok(true));
    assert_eq!(members, [Member { resource_type: Some("User".into()), ..Member::new("a") }]);
    // But nobody is a member without a `value`.
    let operations =
        json!([{"op": "add", "path": r#"members[type eq "User"].display"#, "value": "x"}]);
    let planned_members = planned(&group(), &operations, &Profile::INTEROP).unwrap().plan.members;
    let error = apply_members(&planned_members, &mut Vec::new()).unwrap_err();
    assert_eq!(error.scim_type(), Some(ScimType::NoTarget));
}

#[test]
fn value_filter_creates_no_second_of_what_is_there() {
    let operations =
        json!([{"op": "add", "path": r#"owners[type eq "User"].value"#, "value": "u1"}]);
    assert_eq!(
        patched_under(
            &Profile::INTEROP,
            &device(),
            &json!({"owners": [{"value": "u1"}]}),
            &operations
        ),
        Ok(Some(json!({"owners": [{"value": "u1", "type": "User"}]})))
    );
}

#[test]
fn remove_with_value_removes_the_named_members() {
    for value in [
        json!([{"value": "a"}]),
        json!({"value": "a"}),
        json!([{"$ref": null, "value": "a"}]),
        json!([{"value": "a", "display": "A", "type": "Group"}]),
        json!([{"$ref": "https://example.com/Users/a"}]),
        json!(["a"]),
        json!("a"),
    ] {
        let operations = json!([{"op": "remove", "path": "members", "value": value}]);
        let planned = planned(&group(), &operations, &Profile::INTEROP).unwrap();
        assert!(planned.fired.contains(Quirk::RemoveWithValue));
        let [MemberOp::Remove(values)] = &*planned.plan.members else { panic!("{value}") };
        assert_eq!(**values, [Arc::from("a")], "{value}");
    }
    let operations = json!([{"op": "remove", "path": "members", "value": [{"value": "a"}]}]);
    let error = planned(&group(), &operations, &Profile::STRICT).unwrap_err();
    assert_eq!(error.scim_type(), Some(ScimType::InvalidSyntax));
}

#[test]
fn remove_with_value_never_empties() {
    for value in [json!([]), json!([{}]), json!(""), json!([null])] {
        let operations = json!([{"op": "remove", "path": "members", "value": value}]);
        let planned = planned(&group(), &operations, &Profile::INTEROP).unwrap();
        assert!(planned.plan.is_empty(), "{value}");
    }
    for value in [json!([{"display": "Babs"}]), json!([{"id": "a"}])] {
        let operations = json!([{"op": "remove", "path": "members", "value": value}]);
        let error = planned(&group(), &operations, &Profile::INTEROP).unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::InvalidValue), "{value}");
    }
}

#[test]
fn remove_with_value_selects_by_what_is_given_in_any_multi_valued_attribute() {
    let emails = json!({"emails": [
        {"value": "a@b.org", "type": "work"},
        {"value": "a@b.org", "type": "home"},
        {"value": "c@b.org", "type": "home"},
    ]});
    let left = |values: &[usize]| {
        let list: Vec<_> = values.iter().map(|i| emails["emails"][*i].clone()).collect();
        Some(json!({"emails": list}))
    };
    for (value, after) in [
        (json!([{"value": "A@B.ORG", "type": "work"}]), left(&[1, 2])),
        (json!({"type": "home"}), left(&[0])),
        (json!([{"value": "a@b.org"}]), left(&[2])),
        (json!([{"value": "a@b.org", "type": "work"}, {"value": "c@b.org"}]), left(&[1])),
        (json!([{"value": "x@b.org"}]), None),
        (json!([]), None),
    ] {
        let operation = json!({"op": "remove", "path": "emails", "value": value});
        tolerated(
            Quirk::RemoveWithValue,
            &user(),
            &emails,
            &operation,
            after,
            ScimType::InvalidSyntax,
        );
    }
    let operation = json!({"op": "remove", "path": "tags", "value": ["RED"]});
    let (before, after) = (json!({"tags": ["red", "green"]}), Some(json!({"tags": ["green"]})));
    tolerated(
        Quirk::RemoveWithValue,
        &device(),
        &before,
        &operation,
        after,
        ScimType::InvalidSyntax,
    );
    // A part of all values: of those that say so.
    let operation = json!({"op": "remove", "path": "emails.type", "value": "work"});
    let after = Some(json!({"emails": [
        {"value": "a@b.org"}, {"value": "a@b.org", "type": "home"}, {"value": "c@b.org", "type": "home"},
    ]}));
    tolerated(Quirk::RemoveWithValue, &user(), &emails, &operation, after, ScimType::InvalidSyntax);
}

#[test]
fn ignore_unknown_paths() {
    for path in [
        "companyName",
        "address.streetAddress",
        "name.shoeSize",
        "urn:example:custom:2.0:User:badge",
        r#"things[type eq "x"].value"#,
        r#"emails[type eq "work"].shoeSize"#,
    ] {
        let operations = json!([
            {"op": "replace", "path": path, "value": "x"},
            {"op": "add", "path": "title", "value": "y"},
        ]);
        let planned = planned(&user(), &operations, &only(Quirk::IgnoreUnknownPaths)).unwrap();
        assert_eq!(planned.fired, Quirks::NONE.with(Quirk::IgnoreUnknownPaths));
        assert_eq!(planned.touched.len(), 1);
        assert_eq!(
            planned.plan.document.apply(object(&json!({}))).unwrap().map(Value::Object),
            Some(json!({"title": "y"}))
        );
        let operation = json!({"op": "replace", "path": path, "value": "x"});
        tolerated(
            Quirk::IgnoreUnknownPaths,
            &user(),
            &json!({}),
            &operation,
            None,
            ScimType::InvalidPath,
        );
    }
    // Unless unknown attributes are to be refused.
    let operations = json!([{"op": "replace", "path": "companyName", "value": "x"}]);
    let profile = Profile::INTEROP.validating(Validation::UnknownAttributes);
    let error = planned(&user(), &operations, &profile).unwrap_err();
    assert_eq!(error.scim_type(), Some(ScimType::InvalidPath));
    // Nor does the schema define what the filter asks for.
    let operations = json!([
        {"op": "add", "path": r#"emails[companyType eq "x" or type eq "work"].value"#, "value": "x"},
        {"op": "remove", "path": r#"emails[not (companyType eq "x")]"#},
        {"op": "add", "path": "title", "value": "Dr."},
    ]);
    let before = json!({"emails": [{"value": "a@b.org", "type": "work"}]});
    let lenient = planned(&user(), &operations, &Profile::INTEROP).unwrap();
    let after = lenient.plan.document.apply(object(&before)).unwrap().unwrap();
    assert_eq!(Value::Object(after), json!({"emails": before["emails"], "title": "Dr."}));
    assert_eq!(lenient.fired, Quirks::NONE.with(Quirk::IgnoreUnknownPaths));
    let error = planned(&user(), &operations, &Profile::STRICT).unwrap_err();
    assert_eq!(error.scim_type(), Some(ScimType::InvalidFilter));
    // What is no path at all is an error, quirk or not.
    for path in ["emails[", "a b", "title]"] {
        let operations = json!([{"op": "replace", "path": path, "value": "x"}]);
        let error = planned(&user(), &operations, &Profile::INTEROP).unwrap_err();
        assert_eq!(error.status(), 400, "{path}");
    }
}

#[test]
fn empty_means_unassigned() {
    let before = json!({"title": "Guide", "emails": [{"value": "a@b.org"}]});
    for (operation, gone, by_the_letter) in [
        (json!({"op": "replace", "path": "title", "value": ""}), "title", json!("")),
        (json!({"op": "replace", "value": {"title": ""}}), "title", json!("")),
        (
            json!({"op": "replace", "path": "emails", "value": [{"value": ""}]}),
            "emails",
            json!([{"value": ""}]),
        ),
    ] {
        let (mut after, mut correct) = (before.clone(), before.clone());
        after.as_object_mut().unwrap().remove(gone);
        correct[gone] = by_the_letter;
        let quirk = Quirk::EmptyMeansUnassigned;
        let with = outcome(&only(quirk), &user(), &before, &operation).unwrap();
        assert_eq!(with.after.as_ref(), Some(&after), "{operation}");
        assert_eq!(with.fired, Quirks::NONE.with(quirk), "{operation}");
        only_in_bent_messages(&operation, &before, after, correct, quirk);
    }
}

/// No text belongs there, nor is an empty one the id of a resource.
#[test]
fn empty_where_no_text() {
    let manager = format!("{ENTERPRISE}:manager");
    let before = json!({"title": "Guide", "active": true, ENTERPRISE: {"manager": {"value": "1"}}});
    for (operation, gone) in [
        (json!({"op": "replace", "path": "active", "value": ""}), "active"),
        (json!({"op": "replace", "path": manager, "value": ""}), ENTERPRISE),
        (json!({"op": "replace", "path": manager, "value": {"value": ""}}), ENTERPRISE),
        (json!({"op": "replace", "path": format!("{manager}.value"), "value": ""}), ENTERPRISE),
        (json!({"op": "replace", "value": {ENTERPRISE: {"manager": {"VALUE": ""}}}}), ENTERPRISE),
    ] {
        let mut after = before.clone();
        after.as_object_mut().unwrap().remove(gone);
        tolerated(
            Quirk::EmptyWhereNoText,
            &user(),
            &before,
            &operation,
            Some(after),
            ScimType::InvalidValue,
        );
    }
    // Nobody is added to a group.
    for value in [json!([{"value": ""}]), json!([""])] {
        let operations = json!([{"op": "add", "path": "members", "value": value}]);
        let planned = planned(&group(), &operations, &Profile::INTEROP).unwrap();
        assert!(planned.plan.is_empty());
        assert_eq!(planned.fired, Quirks::NONE.with(Quirk::EmptyWhereNoText));
    }
    let operations = json!([{"op": "add", "path": "members", "value": [{"value": ""}]}]);
    let error = planned(&group(), &operations, &Profile::STRICT).unwrap_err();
    assert_eq!(
        error.detail(),
        "operation 1: `members[0].value` is empty, and no resource has such an id"
    );
}
