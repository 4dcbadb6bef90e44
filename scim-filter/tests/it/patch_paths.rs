//! RFC 7644 §3.5.2, Figure 7 with erratum 7122: the paths of PATCH operations.

use scim_core::{Profile, ResourceType, ScimType};
use scim_filter::{Expected, Filter, Literal, Operator, PatchPath, SyntaxErrorKind};
use serde_json::json;

#[test]
fn the_examples_of_figure_8() {
    assert!(
        matches!(PatchPath::parse("members"), Ok(PatchPath::Attribute(path)) if path.name() == "members")
    );
    let Ok(PatchPath::Attribute(path)) = PatchPath::parse("name.familyName") else { panic!() };
    assert_eq!((path.name(), path.sub_attribute()), ("name", Some("familyName")));
    let Ok(PatchPath::ValuePath { value_path, sub_attribute: None }) =
        PatchPath::parse(r#"addresses[type eq "work"]"#)
    else {
        panic!()
    };
    assert_eq!(value_path.path.as_str(), "addresses");
    assert_eq!(*value_path.filter, Filter::parse(r#"type eq "work""#).unwrap());
    let text = r#"members[value eq "2819c223-7f76-453a-919d-413861904646"].displayName"#;
    let Ok(PatchPath::ValuePath { sub_attribute: Some("displayName"), .. }) =
        PatchPath::parse(text)
    else {
        panic!()
    };
}

#[test]
fn a_remove_of_rfc_7644_3_5_2_2_writes_no_space_before_the_quote() {
    let Ok(PatchPath::ValuePath { value_path, .. }) =
        PatchPath::parse(r#"members[value eq"2819c223"]"#)
    else {
        panic!()
    };
    assert_eq!(value_path.filter.to_string(), r#"value eq "2819c223""#);
}

#[test]
fn the_bare_urn_of_an_extension_is_a_path() {
    for text in [
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "urn:example:badge:2.0",
        "urn:example:badge:2",
    ] {
        let Ok(PatchPath::Attribute(path)) = PatchPath::parse(text) else { panic!("{text}") };
        assert_eq!(path.as_str(), text);
    }
    let text = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value";
    let Ok(PatchPath::Attribute(path)) = PatchPath::parse(text) else { panic!() };
    assert_eq!((path.name(), path.sub_attribute()), ("manager", Some("value")));
}

#[test]
fn erratum_7122_a_path_may_be_a_comparison() {
    let Ok(PatchPath::Comparison(comparison)) = PatchPath::parse(r#"schemas eq "urn:example:a""#)
    else {
        panic!()
    };
    assert_eq!(comparison.path.name(), "schemas");
    assert_eq!(
        (comparison.operator, comparison.value),
        (Operator::Equal, Literal::from("urn:example:a"))
    );
    assert!(matches!(PatchPath::parse("schemas pr"), Ok(PatchPath::Present(_))));
}

#[test]
fn a_path_is_one_term() {
    for text in [
        "a pr and b pr",
        "a, b",
        "not (a pr)",
        "(a)",
        "a[b pr] or c",
        "a[b pr].c.d",
        "a[b pr].",
        "a[b pr]c",
        "",
        ".a",
        "/Users",
        "a[b pr",
        "urn:x: ",
    ] {
        assert!(PatchPath::parse(text).is_err(), "{text}");
    }
    assert!(PatchPath::parse("  members ").is_ok());
}

#[test]
fn a_fault_inside_brackets_is_invalid_filter_and_elsewhere_invalid_path() {
    let fault = |text| {
        let error = PatchPath::parse(text).unwrap_err();
        (error.position(), error.kind(), error.into_path_error().scim_type().unwrap())
    };
    let expected = SyntaxErrorKind::Expected;
    assert_eq!(fault("a[b xx 1]"), (4, expected(Expected::Operator), ScimType::InvalidFilter));
    assert_eq!(fault("a[b pr"), (6, expected(Expected::ClosingBracket), ScimType::InvalidFilter));
    assert_eq!(fault("a[b[c pr]]"), (3, SyntaxErrorKind::NestedValuePath, ScimType::InvalidFilter));
    assert_eq!(fault("a..b"), (2, expected(Expected::AttributeName), ScimType::InvalidPath));
    assert_eq!(fault("a[b pr].1"), (8, expected(Expected::AttributeName), ScimType::InvalidPath));
    assert_eq!(
        fault("a[b eq 1e999]"),
        (7, SyntaxErrorKind::NumberOutOfRange, ScimType::InvalidValue)
    );
}

#[test]
fn the_filter_of_a_path_picks_elements() {
    let user = ResourceType::user();
    let picks = |attribute: &str, path: &str, element: serde_json::Value| {
        let attribute = user.attribute(attribute).unwrap();
        let filter = PatchPath::parse(path).unwrap().resolve_filter(&attribute, &Profile::STRICT);
        filter.unwrap().unwrap().matches(&element)
    };
    let work = json!({"type": "work", "value": "bj@example.com", "primary": true});
    assert!(picks("emails", r#"emails[type eq "WORK" and primary eq true].value"#, work.clone()));
    assert!(!picks("emails", r#"emails[not (value ew "example.com")]"#, work));
    // `value` of an attribute that is not complex is the element itself; erratum 7122 says the same
    // without brackets.
    for path in [r#"schemas[value eq "urn:a"]"#, r#"schemas eq "urn:a""#] {
        assert!(picks("schemas", path, json!("urn:a")), "{path}");
        assert!(!picks("schemas", path, json!("urn:b")), "{path}");
    }
    assert!(picks("schemas", "schemas pr", json!("urn:a")));
    let emails = user.attribute("emails").unwrap();
    assert_eq!(
        PatchPath::parse("emails").unwrap().resolve_filter(&emails, &Profile::STRICT),
        Ok(None)
    );
}

#[test]
fn a_filter_that_asks_for_values_tells_which() {
    let group = ResourceType::group();
    let members = group.attribute("members").unwrap();
    let equal_to = |text: &str| {
        let filter = Filter::parse(text).unwrap();
        let filter = filter.resolve_for_elements(&members, &Profile::STRICT).unwrap();
        filter.equal_to("value").map(|values| values.join(" "))
    };
    assert_eq!(equal_to(r#"value eq "A""#).as_deref(), Some("A"));
    assert_eq!(equal_to(r#"value eq "A" or VALUE eq "b""#).as_deref(), Some("A b"));
    assert_eq!(equal_to(r#"value ne "A""#), None);
    assert_eq!(equal_to(r#"value eq "A" and type eq "User""#), None);
    assert_eq!(equal_to(r#"type eq "User""#), None);
}

#[test]
fn a_conjunction_of_equalities_can_be_built() {
    let equalities = |text| {
        let filter: Filter<'static> = Filter::parse(text).unwrap();
        let equalities = filter.equalities()?;
        Some(
            equalities.iter().map(|c| (c.path.to_string(), c.value.to_value())).collect::<Vec<_>>(),
        )
    };
    assert_eq!(
        equalities(r#"type eq "work" and (primary eq true and rank eq 1)"#),
        Some(vec![
            ("type".into(), json!("work")),
            ("primary".into(), json!(true)),
            ("rank".into(), json!(1))
        ])
    );
    assert_eq!(equalities(r#"type eq "work" or primary eq true"#), None);
    assert_eq!(equalities(r#"type ne "work""#), None);
    assert_eq!(equalities(r#"type eq "work" and value pr"#), None);
}
