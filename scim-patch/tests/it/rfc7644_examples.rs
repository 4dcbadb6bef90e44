//! Every example of RFC 7644 §3.5.2 does what the text around it says. Values are the RFC's, errata
//! 8096 and P19 (missing braces) applied; "..." in ids is as printed.

use scim_core::{Member, Profile, ScimType};
use scim_patch::{MemberOp, apply_members};
use serde_json::{Value, json};

use crate::patching::{changed, group, planned, refused, unchanged, user};

const BABS: &str = "2819c223-7f76-453a-919d-413861904646";
const JAMES: &str = "08e1d05d-121c-4561-8b96-473d93df9210";

fn members(before: &[&str], operations: &Value) -> (Vec<String>, bool) {
    let planned = planned(&group(), operations, &Profile::STRICT).unwrap();
    assert!(planned.plan.document.is_empty(), "members are not in the document");
    assert!(planned.fired.is_empty());
    let mut rows: Vec<Member> = before.iter().map(|id| Member::new(*id)).collect();
    let changed = apply_members(&planned.plan.members, &mut rows).unwrap();
    (rows.iter().map(|m| m.value.to_string()).collect(), changed)
}

fn add_babs() -> Value {
    json!([{
        "op": "add",
        "path": "members",
        "value": [{
            "display": "Babs Jensen",
            "$ref": "https://example.com/v2/Users/2819c223...413861904646",
            "value": BABS,
        }],
    }])
}

#[test]
fn figure_6_and_3_5_2_1_add_a_member_to_a_group() {
    assert_eq!(members(&[JAMES], &add_babs()), (vec![JAMES.into(), BABS.into()], true));
}

#[test]
fn if_the_user_was_already_a_member_no_changes_should_be_made() {
    assert_eq!(members(&[BABS], &add_babs()), (vec![BABS.into()], false));
}

#[test]
fn figure_8_example_paths() {
    let before = json!({
        "name": {"familyName": "Jensen"},
        "addresses": [{"type": "work", "locality": "Hollywood"}, {"type": "home"}],
    });
    let operation = |path: &str| json!([{"op": "remove", "path": path}]);
    assert_eq!(
        changed(&user(), &before, &operation("name.familyName")),
        json!({"addresses": before["addresses"]})
    );
    assert_eq!(
        changed(&user(), &before, &operation(r#"addresses[type eq "work"]"#)),
        json!({"name": {"familyName": "Jensen"}, "addresses": [{"type": "home"}]})
    );
    assert_eq!(members(&[BABS, JAMES], &operation("members")), (vec![], true));
    let one = operation(r#"members[value eq "2819c223-7f76-453a-919d-413861904646"]"#);
    assert_eq!(members(&[BABS, JAMES], &one), (vec![JAMES.into()], true));
    // errata.md P17: members have no displayName.
    let none = operation(r#"members[value eq "2819c223-7f76-453a-919d-413861904646"].displayName"#);
    assert_eq!(refused(&group(), &json!({}), &none), ScimType::InvalidPath);
}

#[test]
fn adding_an_extension_attribute_by_its_urn_adds_the_extension_to_schemas() {
    let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let operation =
        json!([{"op": "add", "path": format!("{urn}:employeeNumber"), "value": "701984"}]);
    let after = changed(&user(), &json!({"userName": "bjensen"}), &operation);
    assert_eq!(after, json!({"userName": "bjensen", urn: {"employeeNumber": "701984"}}));
    let schemas: Vec<_> =
        scim_core::schemas_of(&user(), after.as_object().unwrap()).map(str::to_owned).collect();
    assert_eq!(schemas, ["urn:ietf:params:scim:schemas:core:2.0:User", urn]);
}

#[test]
fn add_attributes_without_a_path() {
    let operation = json!([{
        "op": "add",
        "value": {
            "emails": [{"value": "babs@jensen.org", "type": "home"}],
            "nickname": "Babs",
        },
    }]);
    let before = json!({
        "nickName": "Barbara",
        "emails": [{"value": "bjensen@example.com", "type": "work"}],
    });
    // "an additional value is added to the multi-valued attribute "emails""; "If the resource
    // already had an existing "nickname", the value is replaced". errata.md P18: the schema's
    // spelling.
    let after = json!({
        "nickName": "Babs",
        "emails": [
            {"value": "bjensen@example.com", "type": "work"},
            {"value": "babs@jensen.org", "type": "home"},
        ],
    });
    assert_eq!(changed(&user(), &before, &operation), after);
    unchanged(&user(), &after, &operation);
}

#[test]
fn remove_a_single_member_from_a_group() {
    let operation =
        json!([{"op": "remove", "path": r#"members[value eq "2819c223-7f76-...413861904646"]"#}]);
    let babs = "2819c223-7f76-...413861904646";
    assert_eq!(members(&[babs, JAMES], &operation), (vec![JAMES.into()], true));
    // "If the user was not a member of this group, no changes should be made".
    assert_eq!(members(&[JAMES], &operation), (vec![JAMES.into()], false));
}

#[test]
fn remove_all_members_of_a_group() {
    let operation = json!([{"op": "remove", "path": "members"}]);
    assert_eq!(members(&[BABS, JAMES], &operation), (vec![], true));
    assert_eq!(members(&[], &operation), (vec![], false));
}

#[test]
fn removal_of_a_value_from_a_complex_multi_valued_attribute() {
    let operation = json!([{
        "op": "remove",
        "path": r#"emails[type eq "work" and value ew "example.com"]"#,
    }]);
    let before = json!({"emails": [
        {"value": "bjensen@example.com", "type": "work"},
        {"value": "bjensen@example.com", "type": "home"},
        {"value": "babs@jensen.org", "type": "work"},
    ]});
    assert_eq!(
        changed(&user(), &before, &operation),
        json!({"emails": [
            {"value": "bjensen@example.com", "type": "home"},
            {"value": "babs@jensen.org", "type": "work"},
        ]})
    );
    // "If no other values remain [...] the multi-valued attribute SHALL be considered unassigned".
    let only = json!({"emails": [{"value": "bjensen@example.com", "type": "work"}]});
    assert_eq!(changed(&user(), &only, &operation), json!({}));
}

#[test]
fn remove_and_add_a_member() {
    let operations = json!([
        // Without a space before the quote, as the RFC prints it (errata.md F9).
        {"op": "remove", "path": r#"members[value eq"2819c223...919d-413861904646"]"#},
        {
            "op": "add",
            "path": "members",
            "value": [{
                "display": "James Smith",
                "$ref": "https://example.com/v2/Users/08e1d05d...473d93df9210",
                "value": "08e1d05d...473d93df9210",
            }],
        },
    ]);
    let (babs, james) = ("2819c223...919d-413861904646", "08e1d05d...473d93df9210");
    assert_eq!(members(&[babs], &operations), (vec![james.into()], true));
}

fn two_members() -> Value {
    json!([
        {
            "display": "Babs Jensen",
            "$ref": "https://example.com/v2/Users/2819c223...413861904646",
            "value": BABS,
        },
        {
            "display": "James Smith",
            "$ref": "https://example.com/v2/Users/08e1d05d...473d93df9210",
            "value": JAMES,
        },
    ])
}

#[test]
fn replace_all_members_by_removing_and_adding() {
    let operations = json!([
        {"op": "remove", "path": "members"},
        {"op": "add", "path": "members", "value": two_members()},
    ]);
    assert_eq!(members(&["another"], &operations), (vec![BABS.into(), JAMES.into()], true));
    assert!(!members(&[JAMES, BABS], &operations).1, "the same members as before");
}

#[test]
fn replace_all_members_in_a_single_operation() {
    let operations = json!([{"op": "replace", "path": "members", "value": two_members()}]);
    assert_eq!(members(&["another", JAMES], &operations), (vec![JAMES.into(), BABS.into()], true));
    let planned = planned(&group(), &operations, &Profile::STRICT).unwrap();
    assert!(matches!(&*planned.plan.members, [MemberOp::Replace(list)] if list.len() == 2));
}

#[test]
fn change_the_entire_work_address() {
    let work = json!({
        "type": "work",
        "streetAddress": "911 Universal City Plaza",
        "locality": "Hollywood",
        "region": "CA",
        "postalCode": "91608",
        "country": "US",
        "formatted": "911 Universal City Plaza\nHollywood, CA 91608 US",
        "primary": true,
    });
    let operations =
        json!([{"op": "replace", "path": r#"addresses[type eq "work"]"#, "value": work}]);
    let before = json!({"addresses": [
        {"type": "home", "streetAddress": "456 Hollywood Blvd", "primary": true},
        {"type": "work", "streetAddress": "100 Universal City Plaza"},
    ]});
    // "the service provider will reset "primary" to "false" for any other existing values".
    assert_eq!(
        changed(&user(), &before, &operations),
        json!({"addresses": [
            {"type": "home", "streetAddress": "456 Hollywood Blvd", "primary": false},
            work,
        ]})
    );
    // "no record match was made [...] 400 and a "scimType" error code of "noTarget"".
    assert_eq!(refused(&user(), &json!({}), &operations), ScimType::NoTarget);
}

#[test]
fn change_a_specific_sub_attribute_of_the_work_address() {
    let operations = json!([{
        "op": "replace",
        "path": r#"addresses[type eq "work"].streetAddress"#,
        "value": "1010 Broadway Ave",
    }]);
    let before = json!({"addresses": [
        {"type": "work", "streetAddress": "911 Universal City Plaza", "locality": "Hollywood"},
        {"type": "home", "streetAddress": "456 Hollywood Blvd"},
    ]});
    assert_eq!(
        changed(&user(), &before, &operations),
        json!({"addresses": [
            {"type": "work", "streetAddress": "1010 Broadway Ave", "locality": "Hollywood"},
            {"type": "home", "streetAddress": "456 Hollywood Blvd"},
        ]})
    );
}

#[test]
fn replace_all_values_of_one_or_more_attributes() {
    let operations = json!([{
        "op": "replace",
        "value": {
            "emails": [
                {"value": "bjensen@example.com", "type": "work", "primary": true},
                {"value": "babs@jensen.org", "type": "home"},
            ],
            "nickname": "Babs",
        },
    }]);
    let before = json!({
        "emails": [{"value": "old@example.com", "type": "other"}],
        "title": "Tour Guide",
    });
    // "Note that other attributes are unaffected."
    assert_eq!(
        changed(&user(), &before, &operations),
        json!({
            "emails": [
                {"value": "bjensen@example.com", "type": "work", "primary": true},
                {"value": "babs@jensen.org", "type": "home"},
            ],
            "nickName": "Babs",
            "title": "Tour Guide",
        })
    );
}
