//! What a filter means (RFC 7644 §3.4.2.2, Tables 3 to 5, with errata F1 to F7), shown on resources.

use scim_core::{Profile, ResourceType};
use scim_filter::{Filter, Limits, ResolvedFilter};
use serde_json::{Value, json};

use crate::reference::everything;

fn resolve(text: &str, resource_type: &ResourceType) -> ResolvedFilter {
    ResolvedFilter::parse(text, resource_type, &Profile::STRICT, &Limits::default())
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn user_matches(text: &str, user: &Value) -> bool {
    resolve(text, &ResourceType::user()).matches(user.as_object().unwrap())
}

/// For a resource of the type that has attributes of every kind.
fn matches(text: &str, resource: Value) -> bool {
    resolve(text, &everything()).matches(resource.as_object().unwrap())
}

/// An employee and an intern, for the filters of Figure 2.
fn people() -> [Value; 2] {
    [
        json!({
            "schemas": [
                "urn:ietf:params:scim:schemas:core:2.0:User",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
            ],
            "id": "1",
            "userName": "bjensen",
            "name": {"familyName": "Jensen-O'Malley", "givenName": "Barbara"},
            "title": "Tour Guide",
            "userType": "Employee",
            "emails": [
                {"value": "bjensen@example.com", "type": "work", "primary": true},
                {"value": "babs@jensen.org", "type": "home"}
            ],
            "ims": [{"value": "someone@bar.com", "type": "xmpp"}],
            "meta": {"resourceType": "User", "lastModified": "2011-05-13T04:42:34Z"},
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": "701984"}
        }),
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "id": "2",
            "userName": "Jsmith",
            "userType": "Intern",
            "emails": [
                {"value": "jsmith@school.example.org", "type": "work"},
                {"value": "js@example.com", "type": "home"}
            ],
            "ims": [{"value": "js@foo.com", "type": "xmpp"}],
            "meta": {"resourceType": "User", "lastModified": "2012-01-01T00:00:00.5Z"}
        }),
    ]
}

#[test]
fn every_filter_of_figure_2() {
    let people = people();
    for (text, expected) in [
        (r#"userName eq "bjensen""#, [true, false]),
        (r#"name.familyName co "O'Malley""#, [true, false]),
        (r#"userName sw "J""#, [false, true]),
        (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#, [false, true]),
        ("title pr", [true, false]),
        (r#"meta.lastModified gt "2011-05-13T04:42:34Z""#, [false, true]),
        (r#"meta.lastModified ge "2011-05-13T04:42:34Z""#, [true, true]),
        (r#"meta.lastModified lt "2011-05-13T04:42:34Z""#, [false, false]),
        (r#"meta.lastModified le "2011-05-13T04:42:34Z""#, [true, false]),
        (r#"title pr and userType eq "Employee""#, [true, false]),
        (r#"title pr or userType eq "Intern""#, [true, true]),
        (
            r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#,
            [true, false],
        ),
        (
            r#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#,
            [true, false],
        ),
        (
            r#"userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")"#,
            [false, false],
        ),
        (r#"userType eq "Employee" and (emails.type eq "work")"#, [true, false]),
        (
            r#"userType eq "Employee" and emails[type eq "work" and value co "@example.com"]"#,
            [true, false],
        ),
        (
            r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]"#,
            [true, true],
        ),
    ] {
        let held = people.each_ref().map(|user| user_matches(text, user));
        assert_eq!(held, expected, "{text}");
    }
}

#[test]
fn a_multi_valued_attribute_matches_if_any_value_does() {
    let [user, _] = people();
    assert!(user_matches(r#"emails.type eq "home""#, &user));
    assert!(user_matches(r#"emails.type eq "work""#, &user));
    assert!(!user_matches(r#"emails.type eq "other""#, &user));
    // Each test on its own may be met by another element; in brackets one has to meet all.
    assert!(user_matches(r#"emails.type eq "home" and emails.value co "@example.com""#, &user));
    assert!(!user_matches(r#"emails[type eq "home" and value co "@example.com"]"#, &user));
}

#[test]
fn ne_asks_for_a_value_that_differs_and_not_eq_for_none_that_is_equal() {
    let one = json!({"emails": [{"type": "work"}]});
    let two = json!({"emails": [{"type": "work"}, {"type": "home"}]});
    assert!(!user_matches(r#"emails.type ne "work""#, &one));
    assert!(user_matches(r#"emails.type ne "work""#, &two));
    assert!(!user_matches(r#"not (emails.type eq "work")"#, &one));
    assert!(!user_matches(r#"not (emails.type eq "work")"#, &two));
}

#[test]
fn no_value_counts_as_one_null() {
    for user in [json!({}), json!({"title": null}), json!({"emails": []}), json!({"emails": [{}]})]
    {
        assert!(user_matches(r#"title ne "x""#, &user));
        assert!(user_matches(r#"emails.value ne "x""#, &user));
        assert!(user_matches(r#"emails ne "x""#, &user));
        assert!(user_matches("active ne true", &user));
        assert!(user_matches(r#"meta.created ne "2011-05-13T04:42:34Z""#, &user));
        assert!(user_matches("title eq null and emails eq null and active eq null", &user));
        for operator in ["eq", "co", "sw", "ew", "gt", "ge", "lt", "le"] {
            assert!(!user_matches(&format!(r#"title {operator} """#), &user), "{operator}");
            assert!(user_matches(&format!(r#"not (title {operator} "")"#), &user), "{operator}");
        }
        assert!(!user_matches("title pr or title ne null", &user));
    }
}

#[test]
fn an_empty_string_counts_as_no_value_for_pr_and_null_only() {
    let user = json!({"title": "", "emails": [{"value": ""}]});
    assert!(!user_matches("title pr", &user));
    assert!(user_matches("title eq null", &user));
    assert!(!user_matches("title ne null", &user));
    assert!(!user_matches("emails pr", &user));
    assert!(user_matches(r#"title eq """#, &user));
    assert!(!user_matches(r#"title ne """#, &user));
    assert!(user_matches(r#"title ne "x" and title lt "x" and title sw """#, &user));
}

#[test]
fn pr_looks_into_complex_attributes() {
    assert!(user_matches("name pr", &json!({"name": {"givenName": "B"}})));
    assert!(!user_matches("name pr", &json!({"name": {}})));
    assert!(!user_matches("name pr", &json!({"name": {"givenName": "", "familyName": null}})));
    assert!(user_matches("emails pr", &json!({"emails": [{}, {"primary": false}]})));
    assert!(!user_matches("emails.value pr", &json!({"emails": [{"primary": false}]})));
}

#[test]
fn inside_brackets_it_goes_element_by_element() {
    let none = json!({});
    // No elements, no match.
    assert!(!user_matches(r#"emails[value ne "x"]"#, &none));
    assert!(!user_matches("emails[type eq null]", &none));
    assert!(user_matches(r#"not (emails[value ne "x"])"#, &none));
    assert!(!user_matches(r#"emails[nope ne "x"]"#, &none));
    let one = json!({"emails": [{"value": "a"}]});
    assert!(user_matches(r#"emails[type ne "work"]"#, &one));
    assert!(user_matches("emails[type eq null]", &one));
    assert!(user_matches(r#"emails[nope ne "x"]"#, &one));
    assert!(user_matches(r#"emails[not (type eq "work")]"#, &one));
    assert!(!user_matches("emails[nope pr]", &one));
}

#[test]
fn brackets_on_other_than_complex_multi_valued_attributes() {
    // The value of an attribute that is not complex is the element itself.
    let resource = json!({"tags": ["a", "b"], "single": {"text": "x", "count": 1}});
    assert!(matches(r#"tags[value eq "A"]"#, resource.clone()));
    assert!(matches(r#"tags[value sw "b" and value ne "a"]"#, resource.clone()));
    assert!(!matches(r#"tags[value eq "a" and value eq "b"]"#, resource.clone()));
    assert!(matches(r#"tags.value eq "a" and tags eq "b""#, resource.clone()));
    // A singular complex attribute is one element.
    assert!(matches(r#"single[text eq "x" and count eq 1]"#, resource.clone()));
    assert!(!matches(r#"single[text eq "x" and count eq 2]"#, resource));
    assert!(!matches("single[text ne \"x\"]", json!({})));
    let items = json!({"items": [{"tags": ["a"]}, {"tags": ["b", "c"]}]});
    assert!(matches(r#"items.tags[value eq "c"]"#, items.clone()));
    assert!(matches(r#"items[tags eq "b" and tags eq "c"]"#, items.clone()));
    assert!(!matches(r#"items[tags eq "a" and tags eq "c"]"#, items));
}

#[test]
fn case_exact_decides_how_strings_compare() {
    let resource = json!({"text": "Straße", "exact": "Straße"});
    for text in [
        r#"text eq "STRASSE""#,
        r#"text co "ASS""#,
        r#"text sw "sTR""#,
        r#"text ew "SSE""#,
        r#"text gt "strasS""#,
        r#"text le "STRASSE""#,
        r#"exact eq "Straße""#,
        r#"exact co "aß""#,
        r#"exact sw "Str""#,
        r#"exact ew "e""#,
        r#"exact gt "STRASSE""#,
    ] {
        assert!(matches(text, resource.clone()), "{text}");
    }
    for text in [
        r#"text ne "strasse""#,
        r#"exact eq "straße""#,
        r#"exact co "SS""#,
        r#"exact sw "str""#,
        r#"exact lt "STRASSE""#,
    ] {
        assert!(!matches(text, resource.clone()), "{text}");
    }
}

#[test]
fn folding_is_of_the_composed_form() {
    let decomposed = json!({"text": "E\u{301}clair", "exact": "E\u{301}clair"});
    assert!(matches("text eq \"éclair\"", decomposed.clone()));
    assert!(matches("text sw \"\u{c9}\"", decomposed.clone()));
    assert!(!matches("exact eq \"Éclair\"", decomposed));
}

#[test]
fn references_and_binary_values_compare_exactly() {
    let resource = json!({"link": "https://Example.com/A", "blob": "QUJD"});
    assert!(matches(r#"link eq "https://Example.com/A" and link sw "https://""#, resource.clone()));
    assert!(!matches(r#"link eq "https://example.com/a""#, resource.clone()));
    assert!(matches(r#"blob eq "QUJD" and blob ne "qujd""#, resource.clone()));
    assert!(matches(r#"link gt "https://A" and link lt "https://Z""#, resource));
}

#[test]
fn dates_compare_as_instants_and_their_parts_as_text() {
    let at = |text: &str| json!({ "at": text });
    for same in ["2011-05-13T06:42:34+02:00", "2011-05-13T04:42:34.000000Z", "2011-05-13T04:42:34"]
    {
        assert!(matches(r#"at eq "2011-05-13T04:42:34Z""#, at(same)), "{same}");
        assert!(!matches(r#"at ne "2011-05-13T04:42:34Z""#, at(same)));
        assert!(matches(
            r#"at ge "2011-05-13T04:42:34Z" and at le "2011-05-13T04:42:34Z""#,
            at(same)
        ));
    }
    assert!(matches(r#"at gt "2011-05-13T04:42:34Z""#, at("2011-05-13T04:42:34.000001Z")));
    // Later as an instant, earlier as text.
    assert!(matches(r#"at gt "2011-05-13T05:00:00Z""#, at("2011-05-13T01:00:00-05:00")));
    assert!(matches(
        r#"at sw "2011-05" and at co "13T" and at ew "Z""#,
        at("2011-05-13T04:42:34Z")
    ));
    assert!(!matches(r#"at ew "z""#, at("2011-05-13T04:42:34Z")));
}

#[test]
fn numbers_compare_by_value() {
    let resource = json!({"count": 10, "amount": 2.5, "counts": [1, 20]});
    for text in [
        "count eq 10",
        "count eq 1e1",
        "count gt 9",
        "count gt 9.5",
        "count lt 10.5",
        "count ne 10.5",
        "count le 1e300",
        "amount eq 2.5",
        "amount gt 2",
        "amount lt 3",
        "amount ne 2",
        "counts gt 19 and counts lt 2",
        "counts ne 1",
    ] {
        assert!(matches(text, resource.clone()), "{text}");
    }
    for text in ["count gt 10", "count eq 10.5", "count gt 1e300", "amount eq 2", "counts eq 2"] {
        assert!(!matches(text, resource.clone()), "{text}");
    }
    assert!(matches("amount eq 2", json!({"amount": 2})));
    assert!(matches("amount eq 2.0", json!({"amount": 2})));
    assert!(matches("amount eq -0.0", json!({"amount": 0})));
}

#[test]
fn integers_are_exact_to_their_ends() {
    let resource = json!({"count": i64::MAX});
    assert!(matches("count eq 9223372036854775807", resource.clone()));
    assert!(!matches("count eq 9223372036854775806", resource.clone()));
    assert!(matches("count gt 9223372036854775806", resource.clone()));
    assert!(matches("count lt 9223372036854775808.0", resource));
    let resource = json!({"count": 9_007_199_254_740_993_i64});
    assert!(matches("count gt 9007199254740992.0 and count ne 9007199254740992", resource));
}

#[test]
fn booleans_are_equal_or_not() {
    assert!(user_matches("active eq true and active ne false", &json!({"active": true})));
    assert!(!user_matches("active eq true or active ne false", &json!({"active": false})));
    assert!(user_matches("emails[primary ne true]", &json!({"emails": [{"value": "x"}]})));
}

/// RFC 7643 §2.4: "If not specified, the value of "primary" SHALL be assumed to be "false"."
#[test]
fn an_element_that_does_not_say_is_not_primary() {
    let one = json!({"emails": [{"value": "a", "primary": true}]});
    let other = json!({"emails": [{"value": "a", "primary": true}, {"value": "b"}]});
    let silent = json!({"emails": [{"value": "a"}]});
    let none = json!({});
    for (text, expected) in [
        ("emails[primary eq false]", [false, true, true, false]),
        ("emails[primary ne true]", [false, true, true, false]),
        ("emails[primary eq true]", [true, true, false, false]),
        ("emails[primary ne false]", [true, true, false, false]),
        (r#"emails[value eq "b" and primary eq false]"#, [false, true, false, false]),
        ("emails.primary eq false", [false, true, true, false]),
        ("emails.primary eq true", [true, true, false, false]),
        // Without an element there is no value, which differs from every operand.
        ("emails.primary ne true", [false, true, true, true]),
        ("emails.primary ne false", [true, true, false, true]),
        ("emails.primary pr", [true, true, false, false]),
    ] {
        let found = [&one, &other, &silent, &none].map(|user| user_matches(text, user));
        assert_eq!(found, expected, "{text}");
    }
    let emails = ResourceType::user().attribute("emails").unwrap();
    let filter = Filter::parse("primary eq false").unwrap();
    let filter = filter.resolve_for_elements(&emails, &Profile::STRICT).unwrap();
    assert!(filter.matches(&json!({"value": "b"})));
    assert!(!filter.matches(&json!({"value": "b", "primary": true})));
}

#[test]
fn an_extension_attribute_is_found_under_its_urn() {
    let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let user = json!({ urn: {"department": "Tours", "manager": {"value": "26118915"}} });
    assert!(user_matches(&format!(r#"{urn}:department eq "tours""#), &user));
    assert!(user_matches(&format!(r#"{urn}:manager eq "26118915""#), &user));
    assert!(user_matches(&format!(r#"{urn}:manager.value eq "26118915""#), &user));
    assert!(user_matches(&format!(r#"{urn}:manager[value eq "26118915"]"#), &user));
    assert!(!user_matches(&format!("{urn}:manager pr"), &json!({})));
    assert!(!user_matches(r#"department eq "tours""#, &user));
}

#[test]
fn an_undefined_attribute_is_treated_as_without_value() {
    // RFC 7644 §3.4.2.1, of a query over more than one resource type.
    let group = ResourceType::group();
    let filter = resolve(r#"userName eq "x" or displayName eq "Guides""#, &group);
    assert!(filter.matches(json!({"displayName": "guides"}).as_object().unwrap()));
    assert!(!resolve("userName pr", &group).matches(json!({"userName": "x"}).as_object().unwrap()));
    let filter = resolve(r#"meta.resourceType eq "User""#, &group);
    assert!(!filter.matches(json!({"meta": {"resourceType": "Group"}}).as_object().unwrap()));
}

#[test]
fn values_of_another_type_count_as_none() {
    let odd =
        json!({"text": 1, "flag": "true", "count": 1.5, "at": "yesterday", "items": ["x", null]});
    for text in [
        r#"text eq "1""#,
        "flag eq true",
        "count eq 1",
        "count gt 0",
        r#"at gt "1970-01-01T00:00:00Z""#,
        r#"items.value eq "x""#,
        r#"items[value eq "x"]"#,
    ] {
        assert!(!matches(text, odd.clone()), "{text}");
    }
    assert!(matches("flag ne true and count ne 1", odd));
}

#[test]
fn a_filter_for_elements_is_evaluated_for_one() {
    let members = ResourceType::group().attribute("members").unwrap();
    let filter = Filter::parse(r#"value eq "a" or not (type eq "User")"#).unwrap();
    let filter = filter.resolve_for_elements(&members, &Profile::STRICT).unwrap();
    assert!(filter.matches(&json!({"value": "a", "type": "User"})));
    assert!(filter.matches(&json!({"value": "b", "type": "Group"})));
    assert!(filter.matches(&json!({"value": "b"})));
    assert!(!filter.matches(&json!({"value": "A", "type": "user"})));
}
