//! RFC 7644 §3.4.2.2, Figure 1 with its errata: what is a filter, what it reads as, and where it
//! stops being one.

use scim_filter::{
    AttributePath, Expected, Filter, Limits, Literal, Operator, ParseOptions, SyntaxErrorKind,
};

/// Every operator in a term of its own, so that a tree can be told from its printed form.
fn shape(text: &str) -> String {
    fn of(filter: &Filter<'_>) -> String {
        let list = |terms: &[Filter<'_>]| terms.iter().map(of).collect::<Vec<_>>().join(" ");
        match filter {
            Filter::And(terms) => format!("(and {})", list(terms)),
            Filter::Or(terms) => format!("(or {})", list(terms)),
            Filter::Not(inner) => format!("(not {})", of(inner)),
            Filter::Comparison(c) => format!("({} {} {:?})", c.operator, c.path, c.value),
            Filter::Present(path) => format!("(pr {path})"),
            Filter::ValuePath(value_path) => {
                format!("([] {} {})", value_path.path, of(&value_path.filter))
            }
        }
    }
    of(&Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")))
}

fn refused(text: &str) -> (usize, SyntaxErrorKind) {
    let error = Filter::parse(text).expect_err(text);
    (error.position(), error.kind())
}

fn expected(position: usize, expected: Expected) -> (usize, SyntaxErrorKind) {
    (position, SyntaxErrorKind::Expected(expected))
}

#[test]
fn a_comparison_is_a_path_an_operator_and_a_json_literal() {
    for operator in Operator::ALL {
        let text = format!(r#"userName {operator} "bjensen""#);
        let Filter::Comparison(comparison) = Filter::parse(&text).unwrap() else {
            panic!("{text}")
        };
        assert_eq!(comparison.path, AttributePath::parse("userName").unwrap());
        assert_eq!(comparison.operator, operator);
        assert_eq!(comparison.value, Literal::from("bjensen"));
        assert_eq!(comparison.value_position(), 12);
        assert_eq!(comparison.value_source(), Some(r#""bjensen""#));
    }
}

#[test]
fn names_and_operators_and_connectives_are_case_insensitive() {
    assert_eq!(
        shape("Title PR AND NOT (x Eq 1) oR y pR"),
        shape("Title pr and not (x eq 1) or y pr")
    );
    assert_eq!(shape("Title pr"), "(pr Title)");
}

#[test]
fn comparison_binds_tightest_then_not_then_and_then_or() {
    assert_eq!(shape("a pr or b pr and c pr"), "(or (pr a) (and (pr b) (pr c)))");
    assert_eq!(shape("a pr and b pr or c pr"), "(or (and (pr a) (pr b)) (pr c))");
    assert_eq!(
        shape("a pr or b pr and c pr and d pr or e pr"),
        "(or (pr a) (and (pr b) (pr c) (pr d)) (pr e))"
    );
    assert_eq!(shape("not (a pr) and b pr"), "(and (not (pr a)) (pr b))");
    assert_eq!(shape("not (a pr and b pr)"), "(not (and (pr a) (pr b)))");
}

#[test]
fn parentheses_group_and_leave_no_other_trace() {
    assert_eq!(shape("(a pr or b pr) and c pr"), "(and (or (pr a) (pr b)) (pr c))");
    assert_eq!(shape("((a pr))"), "(pr a)");
    assert_eq!(shape("(a pr and b pr) and c pr"), "(and (and (pr a) (pr b)) (pr c))");
    assert_eq!(shape("a pr or (b pr or c pr)"), "(or (pr a) (or (pr b) (pr c)))");
}

#[test]
fn chains_are_flat() {
    assert_eq!(shape("a pr and b pr and c pr"), "(and (pr a) (pr b) (pr c))");
    assert_eq!(shape("a pr or b pr or c pr"), "(or (pr a) (pr b) (pr c))");
}

#[test]
fn erratum_7319_not_may_touch_its_parenthesis() {
    assert_eq!(shape("not(a pr)"), "(not (pr a))");
    assert_eq!(shape("not (a pr)"), "(not (pr a))");
    assert_eq!(shape("not   ( a pr )"), "(not (pr a))");
    assert_eq!(shape("not (not (a pr))"), "(not (not (pr a)))");
}

#[test]
fn keywords_can_be_attribute_names_where_the_grammar_leaves_no_doubt() {
    assert_eq!(shape("not pr"), "(pr not)");
    assert_eq!(shape("not eq 1"), "(eq not Integer(1))");
    assert_eq!(shape("pr pr"), "(pr pr)");
    assert_eq!(shape("and pr and or pr or notes pr"), "(or (and (pr and) (pr or)) (pr notes))");
    assert_eq!(refused("not a pr"), expected(4, Expected::Operator));
}

#[test]
fn errata_4690_and_7322_brackets_hold_full_expressions_without_brackets() {
    assert_eq!(
        shape(r#"emails[type eq "work" and not (value pr or primary eq true)]"#),
        r#"([] emails (and (eq type String("work")) (not (or (pr value) (eq primary Boolean(true))))))"#
    );
    assert_eq!(shape("a[b pr] or c pr"), "(or ([] a (pr b)) (pr c))");
    assert_eq!(shape("a.b[c pr]"), "([] a.b (pr c))");
    assert_eq!(refused("a[b[c pr]]"), (3, SyntaxErrorKind::NestedValuePath));
    assert_eq!(refused("a[x pr or (b[c pr])]"), (12, SyntaxErrorKind::NestedValuePath));
    assert_eq!(shape("a[b pr] and c[d pr]"), "(and ([] a (pr b)) ([] c (pr d)))");
}

#[test]
fn nothing_follows_brackets_in_a_filter() {
    assert_eq!(refused(r#"a[b pr].c eq "x""#), expected(7, Expected::AfterTerm));
    assert_eq!(refused("a[b pr] pr"), expected(8, Expected::AfterTerm));
}

#[test]
fn brackets_stand_immediately_after_their_attribute() {
    assert_eq!(refused("emails [type pr]"), expected(7, Expected::Operator));
    assert_eq!(refused("[type pr]"), expected(0, Expected::Term));
    assert_eq!(refused("emails[]"), expected(7, Expected::Term));
}

#[test]
fn spaces_may_be_several_and_stand_at_ends_and_inside_parentheses_and_brackets() {
    assert_eq!(
        shape("  a   eq    1   and  ( b  pr )  or  c[  d   pr  ] "),
        shape("a eq 1 and (b pr) or c[d pr]")
    );
}

#[test]
fn an_operand_may_touch_its_operator_with_its_quote_as_in_rfc_7644_3_5_2_2() {
    assert_eq!(shape(r#"value eq"2819c223""#), shape(r#"value eq "2819c223""#));
    assert_eq!(refused("value eq1"), expected(6, Expected::Operator));
}

#[test]
fn white_space_is_the_space_alone() {
    assert_eq!(refused("a\teq 1"), expected(1, Expected::AfterAttributePath));
    assert_eq!(refused("a eq\n1"), expected(2, Expected::Operator));
    assert_eq!(refused("a pr\u{a0}"), expected(2, Expected::Operator));
}

#[test]
fn connectives_stand_between_spaces() {
    assert_eq!(refused("a pr and(b pr)"), expected(8, Expected::Space));
    assert_eq!(refused("(a pr)and (b pr)"), expected(6, Expected::AfterTerm));
    assert_eq!(refused(r#"a eq "x"or b pr"#), expected(8, Expected::AfterTerm));
    assert_eq!(refused("a pr android pr"), expected(5, Expected::AfterTerm));
}

#[test]
fn errors_say_where_and_what_was_expected() {
    assert_eq!(refused(""), expected(0, Expected::Term));
    assert_eq!(refused("   "), expected(3, Expected::Term));
    assert_eq!(refused("()"), expected(1, Expected::Term));
    assert_eq!(refused("foo"), expected(3, Expected::AfterAttributePath));
    assert_eq!(refused("foo "), expected(4, Expected::Operator));
    assert_eq!(refused("a lte 1"), expected(2, Expected::Operator));
    assert_eq!(refused("a prx"), expected(2, Expected::Operator));
    assert_eq!(refused("a eq"), expected(4, Expected::Value));
    assert_eq!(refused("a eq )"), expected(5, Expected::Value));
    assert_eq!(refused("a pr 1"), expected(5, Expected::AfterTerm));
    assert_eq!(refused("a pr and"), expected(8, Expected::Term));
    assert_eq!(refused("a pr and "), expected(9, Expected::Term));
    assert_eq!(refused("a pr or or b pr"), expected(11, Expected::Operator));
    assert_eq!(refused("(a pr"), expected(5, Expected::ClosingParenthesis));
    assert_eq!(refused("(a pr]"), expected(5, Expected::ClosingParenthesis));
    assert_eq!(refused("a pr)"), expected(4, Expected::End));
    assert_eq!(refused("a[b pr"), expected(6, Expected::ClosingBracket));
    assert_eq!(refused("a[b pr)"), expected(6, Expected::ClosingBracket));
    assert_eq!(refused("a[(b pr])"), expected(7, Expected::ClosingParenthesis));
}

#[test]
fn messages_are_for_people() {
    let message = |text: &str| Filter::parse(text).unwrap_err().to_string();
    assert_eq!(
        message("a eq"),
        "expected a JSON string or number, `true`, `false` or `null` at byte 4, found the end"
    );
    assert_eq!(
        message("a regex \"x\""),
        "expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr) at byte 2, found `regex`"
    );
    assert_eq!(
        message(&format!("a {} b", "x".repeat(200))),
        format!(
            "expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr) at byte 2, found `{}`",
            "x".repeat(32)
        )
    );
    assert_eq!(message("a eq \"x"), "string without closing quote at byte 5, found `\"x`");
    let few = ParseOptions::new().with_limits(Limits { bytes: 3, ..Limits::default() });
    assert_eq!(few.filter("a pr").unwrap_err().to_string(), "more than 3 bytes at byte 0");
}

#[test]
fn strings_are_json_strings() {
    let value = |text: &str| {
        let text = format!("a eq {text}");
        match Filter::parse(&text).unwrap() {
            Filter::Comparison(comparison) => comparison.value.to_value(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(value(r#""O'Malley (x) [y] é €""#), "O'Malley (x) [y] é €");
    assert_eq!(value(r#""""#), "");
    assert_eq!(value(r#""\"\\\/\b\f\n\r\t""#), "\"\\/\u{8}\u{c}\n\r\t");
    assert_eq!(value(r#""\u00e9\u20AC\uD83D\ude00!""#), "é€😀!");
    let refused = |text: &str| refused(&format!("a eq {text}"));
    assert_eq!(refused(r#""x"#), (5, SyntaxErrorKind::UnterminatedString));
    assert_eq!(refused(r#""x\"#), (5, SyntaxErrorKind::UnterminatedString));
    assert_eq!(refused(r#""x\""#), (5, SyntaxErrorKind::UnterminatedString));
    assert_eq!(refused(r#""\a""#), (5, SyntaxErrorKind::InvalidEscape));
    assert_eq!(refused(r#""\u12""#), (5, SyntaxErrorKind::InvalidEscape));
    assert_eq!(refused("\"x\ty\""), (7, SyntaxErrorKind::ControlCharacter));
    assert_eq!(refused("\"\\n\u{1f}\""), (8, SyntaxErrorKind::ControlCharacter));
    assert_eq!(refused("'x'"), expected(5, Expected::Value));
}

#[test]
fn lone_surrogates_and_nul_are_refused() {
    for text in [r#"a eq "\ud800""#, r#"a eq "\udc00 x""#, r#"a eq "\ud800\u0041""#] {
        assert_eq!(refused(text), (5, SyntaxErrorKind::InvalidEscape), "{text}");
    }
    assert_eq!(refused(r#"a eq "x\u0000y""#), (5, SyntaxErrorKind::NulCharacter));
    assert_eq!(refused("a eq \"x\0y\""), (7, SyntaxErrorKind::NulCharacter));
    assert_eq!(refused("a eq \"\\n\0y\""), (8, SyntaxErrorKind::NulCharacter));
}

#[test]
fn numbers_are_json_numbers() {
    let value = |text: &str| match Filter::parse(&format!("a eq {text}")).unwrap() {
        Filter::Comparison(comparison) => match comparison.value {
            Literal::Integer(number) => Literal::Integer(number),
            Literal::Decimal(number) => Literal::Decimal(number),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(value("0"), Literal::Integer(0));
    assert_eq!(value("-12"), Literal::Integer(-12));
    assert_eq!(value("9223372036854775807"), Literal::Integer(i64::MAX));
    assert_eq!(value("-9223372036854775808"), Literal::Integer(i64::MIN));
    assert_eq!(value("1.50"), Literal::Decimal(1.5));
    assert_eq!(value("-0.0"), Literal::Decimal(-0.0));
    assert_eq!(value("2e2"), Literal::Decimal(200.0));
    assert_eq!(value("1E-2"), Literal::Decimal(0.01));
    for text in
        ["01", "+1", ".5", "1.", "1e", "-", "--1", "0x10", "1_000", "NaN", "Infinity", "123abc"]
    {
        assert_eq!(refused(&format!("a eq {text}")), expected(5, Expected::Value), "{text}");
    }
    for text in ["9223372036854775808", "-9223372036854775809", "1e400", "-1.0e999"] {
        assert_eq!(
            refused(&format!("a eq {text}")),
            (5, SyntaxErrorKind::NumberOutOfRange),
            "{text}"
        );
    }
}

#[test]
fn true_false_and_null_are_lower_case() {
    assert_eq!(
        shape("a eq true and b eq false and c eq null"),
        "(and (eq a Boolean(true)) (eq b Boolean(false)) (eq c Null))"
    );
    for text in ["True", "FALSE", "Null", "truely", "nul"] {
        assert_eq!(refused(&format!("a eq {text}")), expected(5, Expected::Value), "{text}");
    }
}

#[test]
fn attribute_paths_split_at_the_last_colon() {
    for (text, uri, name, sub_attribute) in [
        ("userName", None, "userName", None),
        ("name.familyName", None, "name", Some("familyName")),
        ("$ref", None, "$ref", None),
        ("members.$ref", None, "members", Some("$ref")),
        ("a$b-c_d9", None, "a$b-c_d9", None),
        (
            "urn:ietf:params:scim:schemas:core:2.0:User:userName",
            Some("urn:ietf:params:scim:schemas:core:2.0:User"),
            "userName",
            None,
        ),
        ("urn:example:my.schema:1.0:a.b", Some("urn:example:my.schema:1.0"), "a", Some("b")),
        (
            "https://example.com/schemas/v2.0/Badge:colour",
            Some("https://example.com/schemas/v2.0/Badge"),
            "colour",
            None,
        ),
    ] {
        let path = AttributePath::parse(text).unwrap();
        assert_eq!(path.as_str(), text);
        assert_eq!((path.uri(), path.name(), path.sub_attribute()), (uri, name, sub_attribute));
        assert!(Filter::parse(&format!("{text} pr")).is_ok());
    }
}

#[test]
fn what_is_no_attribute_path() {
    assert_eq!(refused("1st pr"), expected(0, Expected::Term));
    assert_eq!(refused("-a pr"), expected(0, Expected::Term));
    assert_eq!(refused("$1 pr"), expected(0, Expected::Term));
    assert_eq!(refused("a..b pr"), expected(2, Expected::AttributeName));
    assert_eq!(refused("a.1 pr"), expected(2, Expected::AttributeName));
    assert_eq!(refused("a.b.c pr"), expected(3, Expected::AfterAttributePath));
    assert_eq!(refused("a@b pr"), expected(1, Expected::AfterAttributePath));
    assert_eq!(refused("é pr"), expected(0, Expected::Term));
    assert_eq!(refused("User:userName pr"), expected(0, Expected::SchemaUri));
    assert_eq!(refused("1rn:x:userName pr"), expected(0, Expected::SchemaUri));
    assert_eq!(refused("urn:x: pr"), expected(6, Expected::AttributeName));
    assert_eq!(refused("urn:x:2.0 pr"), expected(6, Expected::AttributeName));
}

#[test]
fn positions_count_bytes_of_the_whole_text() {
    let text = r#"  a eq "é" and urn:x:y:b.c pr"#;
    let Filter::And(terms) = Filter::parse(text).unwrap() else { panic!() };
    let [Filter::Comparison(first), Filter::Present(second)] = terms.as_slice() else { panic!() };
    assert_eq!((first.path.position(), first.value_position()), (2, 7));
    assert_eq!(second.position(), text.find("urn").unwrap());
}
