//! What clients do beyond the RFC: refused by default, and named when it is tolerated.

use scim_core::{Profile, Quirk, Quirks, ResourceType};
use scim_filter::{Filter, Limits, ParseOptions, PatchPath, ResolvedFilter};

/// The text in its normal form, read with one quirk, after a check that it is refused without.
fn read_with(quirk: Quirk, text: &str) -> String {
    assert!(Filter::parse(text).is_err(), "{text} needs no quirk");
    let options = ParseOptions::new().with_quirks(Quirks::NONE.with(quirk));
    let parsed = options.filter(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(parsed.fired, Quirks::NONE.with(quirk), "{text}");
    parsed.value.to_string()
}

#[test]
fn unquoted_values_are_strings() {
    let read = |text| read_with(Quirk::UnquotedFilterValues, text);
    assert_eq!(read("externalId eq jyoung"), r#"externalId eq "jyoung""#);
    assert_eq!(
        read("id eq 54D382A4-2050-4C03-94D1-E769F1D15682 and manager eq 2819c223"),
        r#"id eq "54D382A4-2050-4C03-94D1-E769F1D15682" and manager eq "2819c223""#
    );
    assert_eq!(read("members[value eq 9a7b]"), r#"members[value eq "9a7b"]"#);
    assert_eq!(
        read("(a eq O'Malley) or b eq x@example.com"),
        r#"a eq "O'Malley" or b eq "x@example.com""#
    );
    assert_eq!(read("a eq True"), r#"a eq "True""#);
    assert_eq!(read("a eq 007"), r#"a eq "007""#);
    assert_eq!(read("a eq 'J Young' or b eq ''"), r#"a eq "J Young" or b eq """#);
    assert_eq!(read("emails[type eq 'work']"), r#"emails[type eq "work"]"#);
}

/// As the names of groups often are.
#[test]
fn unquoted_values_of_several_words_are_one_string() {
    let read = |text| read_with(Quirk::UnquotedFilterValues, text);
    assert_eq!(read("displayName eq Tour Guides"), r#"displayName eq "Tour Guides""#);
    assert_eq!(read("a eq 2024 Team 7 "), r#"a eq "2024 Team 7""#);
    assert_eq!(read("a eq true  believers"), r#"a eq "true  believers""#);
    assert_eq!(
        read("(a eq Tour Guides) or not (b co android orders AND c[d eq x y])"),
        r#"a eq "Tour Guides" or not (b co "android orders" and c[d eq "x y"])"#
    );
    // An operator says that a connective is missing.
    let options = ParseOptions::new().with_quirks(Quirks::ALL);
    for text in ["a eq b c pr", "a eq b c EQ d", "a eq b and c", "a eq b or", "a eq b (c)"] {
        let error = options.filter(text).map(|parsed| parsed.value.to_string());
        assert!(error.is_err(), "{text}: {error:?}");
    }
}

#[test]
fn unquoted_values_hold_no_delimiters_of_other_things() {
    let options = ParseOptions::new().with_quirks(Quirks::ALL);
    for text in [
        "a eq 'x",
        "a eq 'x\"y'",
        "a eq 'x\\y'",
        "a eq 'O'Malley'",
        "a eq (x)",
        "a eq x(y)",
        "a eq x\"y\"",
        "a eq x\\y",
        "a eq x\ty",
        "a eq",
        "a eq )",
        "a eq \"x",
    ] {
        assert!(options.filter(text).is_err(), "{text}");
    }
}

#[test]
fn json_literals_stay_what_they_are() {
    let options = ParseOptions::new().with_quirks(Quirks::ALL);
    let parsed = options.filter("a eq true and b eq 12 and c eq null and d eq 1e3").unwrap();
    assert_eq!(parsed.fired, Quirks::NONE);
    assert_eq!(parsed.value.to_string(), "a eq true and b eq 12 and c eq null and d eq 1000.0");
}

#[test]
fn an_unquoted_number_is_text_to_a_string() {
    let user = ResourceType::user();
    let resolve =
        |text: &str, profile| ResolvedFilter::parse(text, &user, &profile, &Limits::default());
    let quirk = Profile::STRICT.with(Quirk::UnquotedFilterValues);
    for number in ["12345", "1.10", "1e5", "-0"] {
        let text = format!("externalId eq {number}");
        assert!(resolve(&text, Profile::STRICT).is_err());
        let filter = resolve(&text, quirk).unwrap();
        assert_eq!(filter.fired(), Quirks::NONE.with(Quirk::UnquotedFilterValues));
        let resource = serde_json::json!({"externalId": number});
        assert!(filter.matches(resource.as_object().unwrap()), "{number}");
    }
    assert!(resolve("externalId eq true", quirk).is_err());
}

#[test]
fn not_without_parentheses_binds_to_the_term_that_follows() {
    let read = |text| read_with(Quirk::NotWithoutParentheses, text);
    assert_eq!(
        read(r#"not userName eq "x" and title pr"#),
        r#"not (userName eq "x") and title pr"#
    );
    assert_eq!(read("NOT not sw 1"), "not (not sw 1)");
    assert_eq!(read("not not not a pr"), "not (not (not (a pr)))");
    assert_eq!(read("emails[not type pr]"), "emails[not (type pr)]");
    assert_eq!(read("not emails[type pr]"), "not (emails[type pr])");
    let options = ParseOptions::new().with_quirks(Quirks::ALL);
    for text in ["not", "not ", "not )", "not and a pr", "nota pr b"] {
        assert!(options.filter(text).is_err(), "{text}");
    }
}

#[test]
fn a_test_after_brackets_joins_those_inside() {
    let read = |text| read_with(Quirk::FilterSubAttribute, text);
    assert_eq!(
        read(r#"emails[type eq "work"].value ew "@example.org""#),
        r#"emails[type eq "work" and value ew "@example.org"]"#
    );
    assert_eq!(
        read(r#"emails[type eq "work" or primary eq true].value pr and a pr"#),
        r#"emails[(type eq "work" or primary eq true) and value pr] and a pr"#
    );
    assert_eq!(
        read(r#"emails[type pr and primary pr].value pr"#),
        r#"emails[type pr and primary pr and value pr]"#
    );
    assert_eq!(
        read(r#"emails[type eq "work"] co "x""#),
        r#"emails[type eq "work" and value co "x"]"#
    );
    assert_eq!(read(r#"emails[type eq "work"] pr"#), r#"emails[type eq "work"]"#);
    let options = ParseOptions::new().with_quirks(Quirks::ALL);
    for text in ["a[b pr].c", "a[b pr].c[d pr]", "a[b pr]. pr", "a[b pr] xx 1", "a[b pr].c.d pr"] {
        assert!(options.filter(text).is_err(), "{text}");
    }
    let parsed = options.filter("a[b pr] and c[d pr]").unwrap();
    assert_eq!(parsed.fired, Quirks::NONE);
}

#[test]
fn the_two_tests_of_a_sub_attribute_have_to_hold_for_the_same_element() {
    let user = ResourceType::user();
    let filter = ResolvedFilter::parse(
        r#"emails[type eq "work"].value ew "@example.org""#,
        &user,
        &Profile::INTEROP,
        &Limits::default(),
    )
    .unwrap();
    assert_eq!(filter.fired(), Quirks::NONE.with(Quirk::FilterSubAttribute));
    let matches =
        |emails| filter.matches(serde_json::json!({ "emails": emails }).as_object().unwrap());
    assert!(matches(serde_json::json!([{"type": "work", "value": "a@example.org"}])));
    assert!(!matches(serde_json::json!([
        {"type": "work", "value": "a@example.com"},
        {"type": "home", "value": "a@example.org"}
    ])));
}

#[test]
fn boolean_strings_compare_with_booleans() {
    let user = ResourceType::user();
    let quirk = Profile::STRICT.with(Quirk::BooleanStrings);
    for (text, value) in [
        (r#"active eq "True""#, true),
        (r#"active eq "FALSE""#, false),
        (r#"active ne "false""#, true),
    ] {
        let filter = Filter::parse(text).unwrap();
        assert!(filter.resolve(&user, &Profile::STRICT).is_err());
        let filter = filter.resolve(&user, &quirk).unwrap();
        assert_eq!(filter.fired(), Quirks::NONE.with(Quirk::BooleanStrings));
        assert!(
            filter.matches(serde_json::json!({ "active": value }).as_object().unwrap()),
            "{text}"
        );
        assert!(
            !filter.matches(serde_json::json!({ "active": !value }).as_object().unwrap()),
            "{text}"
        );
    }
    assert!(Filter::parse(r#"active eq "yes""#).unwrap().resolve(&user, &quirk).is_err());
}

#[test]
fn an_extension_attribute_may_lack_its_urn() {
    let user = ResourceType::user();
    let quirk = Profile::STRICT.with(Quirk::UnqualifiedExtensionAttributes);
    let filter = Filter::parse(r#"department eq "Tour""#).unwrap();
    let resource = serde_json::json!({
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "tour"}
    });
    let resource = resource.as_object().unwrap();
    assert!(!filter.resolve(&user, &Profile::STRICT).unwrap().matches(resource));
    let lenient = filter.resolve(&user, &quirk).unwrap();
    assert!(lenient.matches(resource));
    assert_eq!(lenient.fired(), Quirks::NONE.with(Quirk::UnqualifiedExtensionAttributes));
}

#[test]
fn the_brackets_of_patch_paths_have_the_same_quirks() {
    let options = ParseOptions::new().with_quirks(Quirks::ALL);
    let parsed = options.path("members[not value eq 123abc].display").unwrap();
    assert_eq!(parsed.value.to_string(), r#"members[not (value eq "123abc")].display"#);
    assert_eq!(
        parsed.fired,
        Quirks::NONE.with(Quirk::UnquotedFilterValues).with(Quirk::NotWithoutParentheses)
    );
    assert!(matches!(parsed.value, PatchPath::ValuePath { sub_attribute: Some("display"), .. }));
}

/// What cannot be parsed says what was tolerated before that.
#[test]
fn a_syntax_error_tells_the_quirks_that_fired_before_it() {
    let options = ParseOptions::new().with_quirks(Quirks::ALL);
    for (text, fired) in [
        ("a eq b and", "UnquotedFilterValues"),
        ("not a eq \"b\" and", "NotWithoutParentheses"),
        ("not a b", "NotWithoutParentheses"),
        ("a[b eq \"c\"].d eq \"e\" or", "FilterSubAttribute"),
        ("a eq \"b\" and", ""),
        ("a[b eq \"c\"] and", ""),
    ] {
        assert_eq!(options.filter(text).unwrap_err().fired().to_string(), fired, "{text}");
    }
    let error = options.path("a[b eq c").unwrap_err();
    assert_eq!(error.fired(), Quirks::NONE.with(Quirk::UnquotedFilterValues));
    // Without the quirk nothing is tolerated.
    assert_eq!(Filter::parse("a eq b and").unwrap_err().fired(), Quirks::NONE);
}
