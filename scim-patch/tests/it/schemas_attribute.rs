//! `schemas` follows from the content (RFC 7643 §3; RFC 7644 §3.5.2; erratum 7122).

use scim_core::{Profile, ScimType};
use serde_json::json;

use crate::patching::{ENTERPRISE, changed, patched_under, refused, unchanged, user};

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

#[test]
fn adding_a_schema_of_the_type_changes_nothing_by_itself() {
    for operation in [
        json!({"op": "add", "path": "schemas", "value": [ENTERPRISE]}),
        json!({"op": "replace", "path": "schemas", "value": [CORE, ENTERPRISE]}),
        json!({"op": "replace", "value": {"schemas": [CORE]}}),
    ] {
        unchanged(
            &user(),
            &json!({"title": "x", ENTERPRISE: {"department": "y"}}),
            &json!([operation]),
        );
    }
}

#[test]
fn a_schema_that_the_type_does_not_have_is_refused() {
    let operations = json!([{"op": "add", "path": "schemas", "value": ["urn:example:other"]}]);
    assert_eq!(refused(&user(), &json!({}), &operations), ScimType::InvalidValue);
    assert_eq!(patched_under(&Profile::INTEROP, &user(), &json!({}), &operations), Ok(None));
}

#[test]
fn removing_an_extensions_uri_removes_the_extension() {
    let before = json!({"title": "x", ENTERPRISE: {"department": "y"}});
    for path in
        [format!(r#"schemas eq "{ENTERPRISE}""#), format!(r#"schemas[value eq "{ENTERPRISE}"]"#)]
    {
        let operations = json!([{"op": "remove", "path": path}]);
        assert_eq!(changed(&user(), &before, &operations), json!({"title": "x"}));
    }
    let named = json!([{"op": "remove", "path": "schemas", "value": [ENTERPRISE]}]);
    assert_eq!(
        patched_under(&Profile::INTEROP, &user(), &before, &named),
        Ok(Some(json!({"title": "x"})))
    );
    unchanged(
        &user(),
        &before,
        &json!([{"op": "remove", "path": r#"schemas eq "urn:example:other""#}]),
    );
}

#[test]
fn the_core_schema_stays() {
    let before = json!({"title": "x"});
    for operation in [
        json!({"op": "remove", "path": "schemas"}),
        json!({"op": "remove", "path": format!(r#"schemas eq "{CORE}""#)}),
        json!({"op": "remove", "path": "schemas pr"}),
        json!({"op": "replace", "path": "schemas", "value": []}),
        json!({"op": "replace", "path": format!(r#"schemas eq "{CORE}""#), "value": "urn:x"}),
    ] {
        let refused = refused(&user(), &before, &json!([operation]));
        assert_eq!(refused, ScimType::Mutability, "{operation}");
    }
}
