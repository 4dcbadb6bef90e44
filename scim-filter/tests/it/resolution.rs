//! Attributes looked up and operands given their types; what has no meaning is refused
//! (RFC 7644 §3.4.2.2 with errata F1 to F6, §7.5.2).

use std::sync::Arc;

use scim_core::schema::{AttributeType, USER_URN};
use scim_core::{Profile, Registry, ResourceType, ScimError, ScimType, Validation};
use scim_filter::{
    Expression, Filter, FilterError, Limits, Operator, ResolveErrorKind, ResolvedFilter, Subject,
    Test,
};

use crate::reference::everything;

fn resolve(text: &str) -> ResolvedFilter {
    resolve_for(text, &ResourceType::user())
}

fn resolve_for(text: &str, resource_type: &ResourceType) -> ResolvedFilter {
    Filter::parse(text)
        .unwrap()
        .resolve(resource_type, &Profile::STRICT)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str) -> (usize, ResolveErrorKind) {
    refused_for(text, &ResourceType::user())
}

fn refused_for(text: &str, resource_type: &ResourceType) -> (usize, ResolveErrorKind) {
    let error = Filter::parse(text).unwrap().resolve(resource_type, &Profile::STRICT);
    let error = error.expect_err(text);
    (error.position(), error.kind())
}

fn constant(text: &str) -> Option<bool> {
    match resolve(text).expression() {
        Expression::Constant(value) => Some(*value),
        _ => None,
    }
}

#[test]
fn names_are_found_in_any_case_with_and_without_urn() {
    for text in [
        r#"userName eq "x""#,
        r#"USERNAME eq "x""#,
        r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "x""#,
        r#"URN:IETF:params:scim:schemas:core:2.0:user:username eq "X""#,
    ] {
        assert_eq!(resolve(text), resolve(r#"userName eq "x""#), "{text}");
    }
    let text =
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName eq "x""#;
    let filter = resolve(text);
    let Expression::Compare(Subject::Attribute(attribute), _) = filter.expression() else {
        panic!()
    };
    assert_eq!(attribute.to_string(), text.split(' ').next().unwrap());
}

#[test]
fn an_attribute_that_no_schema_defines_has_no_value() {
    assert_eq!(constant("nope pr"), Some(false));
    assert_eq!(constant("nope eq null"), Some(true));
    assert_eq!(constant("nope ne null"), Some(false));
    assert_eq!(constant(r#"nope eq "x""#), Some(false));
    assert_eq!(constant(r#"nope ne "x""#), Some(true));
    assert_eq!(constant("nope gt 1 or nope co 1"), Some(false));
    assert_eq!(constant(r#"not (nope eq "x")"#), Some(true));
    assert_eq!(constant("nope[value pr]"), Some(false));
    assert_eq!(constant(r#"nope[value ne "x"]"#), Some(false));
    assert_eq!(constant("userName.nope pr"), Some(false));
    assert_eq!(constant("emails.nope pr"), Some(false));
    assert_eq!(constant("emails[nope pr]"), Some(false));
    assert_eq!(constant("emails[emails.type pr]"), Some(false));
    assert_eq!(constant("urn:example:unknown:userName pr"), Some(false));
    let refusing = Profile::STRICT.validating(Validation::UnknownAttributes);
    for text in ["nope pr", "emails[nope pr]", "nope[x pr]"] {
        let error = Filter::parse(text).unwrap().resolve(&ResourceType::user(), &refusing);
        assert_eq!(error.unwrap_err().kind(), ResolveErrorKind::UnknownAttribute, "{text}");
    }
}

#[test]
fn tests_of_unknown_attributes_fall_out_of_chains() {
    assert_eq!(resolve("title pr and not (nope pr)"), resolve("title pr"));
    assert_eq!(resolve("title pr or nope pr"), resolve("title pr"));
    assert_eq!(constant("title pr and nope pr"), Some(false));
    assert_eq!(constant("title pr or not (nope pr)"), Some(true));
    assert_eq!(resolve("not (not (title pr))"), resolve("title pr"));
    assert_eq!(
        resolve("title pr and (userName pr and id pr)"),
        resolve("title pr and userName pr and id pr")
    );
    assert_eq!(
        resolve("title pr or (userName pr or id pr)"),
        resolve("title pr or userName pr or id pr")
    );
    // Any element will do.
    assert!(matches!(
        resolve(r#"emails[nope ne "x"]"#).expression(),
        Expression::Elements(_, inner) if **inner == Expression::Constant(true)
    ));
}

#[test]
fn the_bare_name_of_a_complex_attribute_means_its_value() {
    assert_eq!(resolve(r#"emails co "x""#), resolve(r#"emails.value co "x""#));
    let manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
    assert_eq!(
        resolve(&format!(r#"{manager} eq "26118915""#)),
        resolve(&format!(r#"{manager}.value eq "26118915""#))
    );
    // Presence is that of the whole, and so is the comparison with null.
    assert_ne!(resolve("emails pr"), resolve("emails.value pr"));
    assert_eq!(resolve("emails ne null"), resolve("emails pr"));
    assert_eq!(refused(r#"name eq "x""#), (0, ResolveErrorKind::NoValue));
    assert_eq!(refused(r#"title pr and addresses co "x""#), (13, ResolveErrorKind::NoValue));
    assert_eq!(resolve("name eq null"), resolve("not (name pr)"));
}

#[test]
fn null_can_be_equal_and_no_more() {
    assert_eq!(resolve("title eq null"), resolve("not (title pr)"));
    assert_eq!(resolve("title ne null"), resolve("title pr"));
    assert_eq!(resolve("emails[type eq null]"), resolve("emails[not (type pr)]"));
    for operator in Operator::ALL.into_iter().filter(|o| o.is_ordering() || o.is_substring()) {
        for path in ["title", "active", "nope", "emails"] {
            assert_eq!(
                refused(&format!("{path} {operator} null")),
                (0, ResolveErrorKind::NullOperand { operator })
            );
        }
    }
}

#[test]
fn each_type_has_its_operators_and_operands() {
    use AttributeType as T;
    let sample = |t: AttributeType| match t {
        T::Boolean => "true",
        T::Integer => "12",
        T::Decimal => "1.5",
        T::DateTime => r#""2011-05-13T04:42:34Z""#,
        _ => r#""text""#,
    };
    let rt = everything();
    for (path, attribute_type) in [
        ("text", T::String),
        ("flag", T::Boolean),
        ("count", T::Integer),
        ("amount", T::Decimal),
        ("at", T::DateTime),
        ("blob", T::Binary),
        ("link", T::Reference),
    ] {
        for operator in Operator::ALL {
            let applies = match attribute_type {
                T::Boolean => !operator.is_ordering() && !operator.is_substring(),
                T::Integer | T::Decimal => !operator.is_substring(),
                T::Binary => !operator.is_ordering(),
                _ => true,
            };
            let text = format!("{path} {operator} {}", sample(attribute_type));
            if applies {
                resolve_for(&text, &rt);
            } else {
                let kind = ResolveErrorKind::UnsupportedOperator { operator, attribute_type };
                assert_eq!(refused_for(&text, &rt), (0, kind), "{text}");
            }
        }
        for operand in ["true", "12", "1.5", r#""text""#] {
            let fits = match attribute_type {
                T::Boolean => operand == "true",
                T::Integer | T::Decimal => operand == "12" || operand == "1.5",
                T::DateTime => false,
                _ => operand == r#""text""#,
            };
            let text = format!("{path} eq {operand}");
            if fits {
                resolve_for(&text, &rt);
            } else {
                let kind = ResolveErrorKind::OperandType { attribute_type };
                assert_eq!(refused_for(&text, &rt), (path.len() + 4, kind), "{text}");
            }
        }
    }
}

#[test]
fn brackets_follow_what_has_elements() {
    let rt = everything();
    assert_eq!(refused_for("text[value pr]", &rt), (0, ResolveErrorKind::NoElements));
    assert_eq!(refused_for("items.flag[value pr]", &rt), (0, ResolveErrorKind::NoElements));
    for text in ["tags[value pr]", "items[value pr]", "single[text pr]", "items.tags[value pr]"] {
        resolve_for(text, &rt);
    }
}

#[test]
fn a_urn_alone_is_no_attribute() {
    assert_eq!(refused(&format!("{USER_URN} pr")), (0, ResolveErrorKind::NotAnAttribute));
    let extension = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    assert_eq!(refused(&format!("{extension} pr")), (0, ResolveErrorKind::NotAnAttribute));
}

#[test]
fn what_is_never_returned_cannot_be_filtered_by() {
    let rt = everything();
    for (text, position) in [
        ("secret pr", 0),
        (r#"text pr or SECRET eq "x""#, 11),
        ("secret eq null", 0),
        ("not (secret pr)", 5),
        ("items[hidden pr]", 6),
        ("items.hidden pr", 0),
        (r#"vault eq "x""#, 0),
    ] {
        assert_eq!(refused_for(text, &rt), (position, ResolveErrorKind::Sensitive), "{text}");
    }
    assert_eq!(refused(r#"password eq "x""#), (0, ResolveErrorKind::Sensitive));
}

/// RFC 7643 §7: values of a writeOnly attribute "SHALL NOT be returned", whatever `returned` says.
#[test]
fn what_is_write_only_cannot_be_filtered_by() {
    let mut registry = Registry::empty();
    registry
        .add_schema_json(
            r#"{"id": "urn:example:Lock", "attributes": [
                {"name": "code", "mutability": "writeOnly"},
                {"name": "doors", "type": "complex", "multiValued": true, "subAttributes": [
                    {"name": "value"}, {"name": "key", "mutability": "writeOnly"}]}]}"#,
        )
        .unwrap();
    let lock = r#"{"name": "Lock", "endpoint": "/Locks", "schema": "urn:example:Lock"}"#;
    let lock = registry.add_resource_type_json(lock).unwrap();
    for (text, position) in
        [("code pr", 0), (r#"code sw "1""#, 0), ("doors.key pr", 0), (r#"doors[key eq "1"]"#, 6)]
    {
        assert_eq!(refused_for(text, &lock), (position, ResolveErrorKind::Sensitive), "{text}");
    }
}

#[test]
fn errors_become_scim_errors() {
    let scim = |text: &str| {
        let user = ResourceType::user();
        let error = ResolvedFilter::parse(text, &user, &Profile::STRICT, &Limits::default());
        let error: FilterError = error.unwrap_err();
        ScimError::from(error)
    };
    let error = scim(r#"password eq "x""#);
    assert_eq!((error.status(), error.scim_type()), (403, Some(ScimType::Sensitive)));
    assert_eq!(error.and_status(400).status(), 400);
    for text in ["a eq", "active gt true", "name eq \"x\"", "userName eq 1", "title co null"] {
        let error = scim(text);
        assert_eq!(
            (error.status(), error.scim_type()),
            (400, Some(ScimType::InvalidFilter)),
            "{text}"
        );
    }
    assert_eq!(scim("a eq 1e999").scim_type(), Some(ScimType::InvalidValue));
    assert_eq!(
        scim("active gt true").detail(),
        "filter: `active` at byte 0: `gt` does not apply to type boolean"
    );
    assert_eq!(
        scim("title pr and userName eq 1").detail(),
        "filter: `userName` at byte 25: the operand is not of type string"
    );
    assert_eq!(
        scim("title pr and").detail(),
        "filter: expected an attribute path, `not` or `(` at byte 12, found the end"
    );
}

#[test]
fn operands_are_folded_as_values_will_be() {
    let operand = |text: &str| {
        let filter = resolve_for(text, &everything());
        match filter.expression() {
            Expression::Compare(_, Test::Text { operand, is_folded, .. }) => {
                (operand.to_string(), *is_folded)
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(operand(r#"text eq "ÄSSE""#), ("ässe".into(), true));
    assert_eq!(operand(r#"exact eq "ÄSSE""#), ("ÄSSE".into(), false));
    assert_eq!(operand(r#"link eq "https://A""#), ("https://A".into(), false));
    assert_eq!(operand(r#"blob eq "QUJD""#), ("QUJD".into(), false));
}

#[test]
fn a_decimal_operand_of_an_integer_becomes_an_integer() {
    let rt = everything();
    let same = |a: &str, b: &str| assert_eq!(resolve_for(a, &rt), resolve_for(b, &rt), "{a} | {b}");
    for operator in ["eq", "ne", "gt", "ge", "lt", "le"] {
        same(&format!("count {operator} 2.0"), &format!("count {operator} 2"));
        same(&format!("count {operator} -2e1"), &format!("count {operator} -20"));
    }
    for (text, meaning) in [
        ("count gt 1.5", "count gt 1"),
        ("count ge 1.5", "count gt 1"),
        ("count lt 1.5", "count le 1"),
        ("count le 1.5", "count le 1"),
        ("count gt -1.5", "count gt -2"),
        ("count lt -1.5", "count le -2"),
        ("count lt 1e30", "count le 9223372036854775807"),
        ("count gt -1e30", "count ge -9223372036854775808"),
        ("count eq 1.5", "nope pr"),
        ("count ne 1.5", "not (nope pr)"),
        ("count ne 1e30", "not (nope pr)"),
        ("count gt 1e30", "nope pr"),
        ("count le -1e30", "nope pr"),
        ("count gt 9223372036854775807.0", "nope pr"),
        ("count ge -9223372036854775808.0", "count ge -9223372036854775808"),
    ] {
        same(text, meaning);
    }
}

#[test]
fn resolved_filters_cross_threads_and_share_what_they_hold() {
    fn check<T: Send + Sync + Clone + 'static>(_: &T) {}
    let filter = resolve("title pr or userName pr");
    check(&filter);
    let members = Arc::new(ResourceType::group().attribute("members").unwrap());
    let value_filter = Filter::parse("value pr")
        .unwrap()
        .resolve_for_elements(&members, &Profile::STRICT)
        .unwrap();
    check(&value_filter);
    assert!(std::ptr::eq(filter.expression(), filter.clone().expression()));
    assert!(std::ptr::eq(value_filter.expression(), value_filter.clone().expression()));
    assert_eq!(value_filter.attribute(), &*members);
}
