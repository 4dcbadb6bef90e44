//! What a path may be (RFC 7644 §3.5.2, Figure 7; §3.10), and which error it gives if it is none.

use scim_core::{PatchOp, PatchOperation, PatchOperationKind, Profile, Quirks, ScimType};
use scim_patch::PatchPlan;
use serde_json::json;

use crate::patching::{ENTERPRISE, changed, device, group, refused, user};

#[test]
fn names_and_urns_are_case_insensitive_and_stored_in_the_schemas_spelling() {
    let upper = ENTERPRISE.to_uppercase();
    for (path, after) in [
        ("NICKNAME".to_owned(), json!({"nickName": "x"})),
        ("Name.GIVENNAME".to_owned(), json!({"name": {"givenName": "x"}})),
        (format!("{upper}:DEPARTMENT"), json!({ENTERPRISE: {"department": "x"}})),
        (
            "URN:IETF:params:scim:schemas:core:2.0:user:NickName".to_owned(),
            json!({"nickName": "x"}),
        ),
    ] {
        let operations = json!([{"op": "add", "path": path, "value": "x"}]);
        assert_eq!(changed(&user(), &json!({}), &operations), after, "{path}");
    }
}

#[test]
fn a_fault_in_the_path_is_an_invalid_path() {
    for path in [
        "",
        " ",
        "shoeSize",
        "name.shoeSize",
        "name.givenName.first",
        "name.",
        ".givenName",
        "emails[",
        "emails]",
        "emails[type eq \"work\"]value",
        "emails[type eq \"work\"].shoeSize",
        "emails[type eq \"work\"].",
        "emails[0]x",
        "name[givenName eq \"x\"]",
        "title[value eq \"x\"]",
        "emails.type[value eq \"x\"]",
        "urn:example:unknown:title",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:shoeSize",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User[department eq \"x\"]",
        "department",
        "/title",
        "title eq \"x\"",
        "emails eq \"x\"",
        "emails.value pr",
        "members",
    ] {
        let operations = json!([{"op": "replace", "path": path, "value": "x"}]);
        let refused = refused(&user(), &json!({}), &operations);
        // What is wrong between brackets is a filter's fault.
        let expected = if matches!(path, "emails[" | "emails[0]x") {
            ScimType::InvalidFilter
        } else {
            ScimType::InvalidPath
        };
        assert_eq!(refused, expected, "{path}");
    }
}

#[test]
fn a_fault_inside_brackets_is_an_invalid_filter() {
    for filter in [
        "",
        "type",
        "type eq",
        "type eq work",
        "type xx \"work\"",
        "type eq \"work\" and",
        "(type eq \"work\"",
        "not type eq \"work\"",
        "shoeSize eq 9",
        "not (shoeSize eq 9)",
        "primary eq \"True\"",
        "primary gt true",
        "type co null",
        "emails[type eq \"work\"]",
    ] {
        let operations = json!([{"op": "remove", "path": format!("emails[{filter}]")}]);
        assert_eq!(refused(&user(), &json!({}), &operations), ScimType::InvalidFilter, "{filter}");
    }
}

#[test]
fn filters_have_their_full_grammar_inside_brackets() {
    let before = json!({"emails": [
        {"value": "a@b.org", "type": "work", "primary": true},
        {"value": "c@d.org", "type": "home"},
        {"value": "e@f.org"},
    ]});
    for (filter, left) in [
        (r#"(type eq "work" or type eq "home") and not (primary eq true)"#, ["a@b.org", "e@f.org"]),
        (r#"type ne "WORK" and value co "@F""#, ["a@b.org", "c@d.org"]),
        (r#"not(type pr)"#, ["a@b.org", "c@d.org"]),
        (r#"primary eq null and type pr"#, ["a@b.org", "e@f.org"]),
    ] {
        let operations = json!([{"op": "remove", "path": format!("emails[{filter}]")}]);
        let after = changed(&user(), &before, &operations);
        let values: Vec<_> = after["emails"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["value"].as_str().unwrap())
            .collect();
        assert_eq!(values, left, "{filter}");
    }
}

#[test]
fn erratum_7122_selects_values_of_an_attribute_that_is_not_complex() {
    let before = json!({"tags": ["red", "green"], "codes": [1, 2, 3]});
    for (path, after) in [
        (r#"tags eq "red""#, json!({"tags": ["green"], "codes": [1, 2, 3]})),
        ("codes gt 1", json!({"tags": ["red", "green"], "codes": [1]})),
        ("tags pr", json!({"codes": [1, 2, 3]})),
    ] {
        let operations = json!([{"op": "remove", "path": path}]);
        assert_eq!(changed(&device(), &before, &operations), after, "{path}");
    }
    // "On any other attribute 400 `invalidPath`".
    for path in [r#"label eq "x""#, r#"ports eq "1""#, r#"case.color eq "x""#, "badge pr"] {
        let operations = json!([{"op": "remove", "path": path}]);
        assert_eq!(refused(&device(), &before, &operations), ScimType::InvalidPath, "{path}");
    }
}

#[test]
fn members_are_not_told_apart_by_a_name_they_do_not_have() {
    let operations = json!([{"op": "remove", "path": r#"members[displayName eq "Babs"]"#}]);
    assert_eq!(refused(&group(), &json!({}), &operations), ScimType::InvalidFilter);
}

#[test]
fn an_error_names_the_operation_and_the_place() {
    let operations = vec![
        PatchOperation {
            kind: PatchOperationKind::Remove,
            path: Some("title".into()),
            value: None,
        },
        PatchOperation {
            kind: PatchOperationKind::Remove,
            path: Some("emails[type eq ]".into()),
            value: None,
        },
    ];
    let patch = PatchOp { operations, fired: Quirks::NONE };
    let error = PatchPlan::new(&user(), patch, &Profile::STRICT).unwrap_err();
    assert_eq!(error.scim_type(), Some(ScimType::InvalidFilter));
    let detail = error.detail();
    assert!(detail.starts_with("operation 2: path: expected "), "{detail}");
    assert!(detail.contains("at byte 15"), "{detail}");
}
