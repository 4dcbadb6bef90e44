//! The normal form: one space, operators in lower case, parentheses where the grouping needs them.

use proptest::collection::vec;
use proptest::prelude::*;
use scim_filter::{AttributePath, Comparison, Filter, Literal, Operator, ValuePath};

fn normal(text: &str) -> String {
    Filter::parse(text).unwrap().to_string()
}

#[test]
fn spaces_and_operators_are_normalised_and_names_kept() {
    assert_eq!(normal("  Title   PR "), "Title pr");
    assert_eq!(
        normal(r#"a EQ"x" AND not( b Pr )OR"#.trim_end_matches("OR")),
        r#"a eq "x" and not (b pr)"#
    );
    assert_eq!(normal("emails[ Type  EQ true ]"), "emails[Type eq true]");
}

#[test]
fn parentheses_stay_where_they_matter() {
    assert_eq!(normal("((a pr) and (b pr)) or (c pr)"), "a pr and b pr or c pr");
    assert_eq!(normal("(a pr or b pr) and c pr"), "(a pr or b pr) and c pr");
    assert_eq!(normal("a pr and (b pr and c pr)"), "a pr and (b pr and c pr)");
    assert_eq!(normal("not ((a pr))"), "not (a pr)");
    assert_eq!(normal("a[(b pr)]"), "a[b pr]");
}

#[test]
fn literals_are_json() {
    assert_eq!(normal(r#"a eq "\u0041\/\u000a""#), r#"a eq "A/\n""#);
    assert_eq!(
        normal("a eq 2E2 and b eq 1.50 and c eq -0 and d eq -0.0"),
        "a eq 200.0 and b eq 1.5 and c eq 0 and d eq -0.0"
    );
}

fn paths() -> impl Strategy<Value = AttributePath<'static>> {
    // Leaked, so that the tree can borrow it: a few hundred kilobytes in all.
    "(urn:[a-z0-9][a-z0-9.:-]{0,12}:|https://[a-z]{1,5}/[a-zA-Z0-9._~%]{0,8}:)?\\$?[a-zA-Z][a-zA-Z0-9_$-]{0,6}(\\.\\$?[a-zA-Z][a-zA-Z0-9_$-]{0,6})?"
        .prop_map(|text| AttributePath::parse(text.leak()).unwrap())
}

fn names() -> impl Strategy<Value = AttributePath<'static>> {
    prop::sample::select(vec!["not", "and", "or", "pr", "eq", "NOT", "true", "null", "$ref", "n"])
        .prop_map(|name| AttributePath::parse(name).unwrap())
}

fn literals() -> impl Strategy<Value = Literal<'static>> {
    prop_oneof![
        any::<String>().prop_map(|text| Literal::from(text.replace('\0', ""))),
        "[\\x01-\\x7f]{0,8}".prop_map(Literal::from),
        any::<i64>().prop_map(Literal::from),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Literal::Decimal),
        any::<bool>().prop_map(Literal::from),
        Just(Literal::Null),
    ]
}

fn terms() -> BoxedStrategy<Filter<'static>> {
    let operators = prop::sample::select(&Operator::ALL[..]);
    let any_path = || prop_oneof![3 => paths(), 1 => names()];
    prop_oneof![
        1 => any_path().prop_map(Filter::Present),
        3 => (any_path(), operators, literals())
            .prop_map(|(path, operator, value)| Filter::Comparison(Comparison::new(path, operator, value))),
    ]
    .boxed()
}

fn trees(terms: BoxedStrategy<Filter<'static>>) -> BoxedStrategy<Filter<'static>> {
    terms
        .prop_recursive(5, 40, 4, |inner| {
            prop_oneof![
                vec(inner.clone(), 2..5).prop_map(Filter::And),
                vec(inner.clone(), 2..5).prop_map(Filter::Or),
                inner.prop_map(|inner| Filter::Not(Box::new(inner))),
            ]
        })
        .boxed()
}

fn filters() -> BoxedStrategy<Filter<'static>> {
    let brackets = (paths(), trees(terms()))
        .prop_map(|(path, filter)| Filter::ValuePath(ValuePath { path, filter: Box::new(filter) }));
    trees(prop_oneof![3 => terms(), 1 => brackets].boxed())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_is_printed_parses_to_the_same_tree(filter in filters()) {
        let printed = filter.to_string();
        let parsed = Filter::parse(&printed);
        prop_assert_eq!(parsed.as_ref(), Ok(&filter), "{}", printed);
        prop_assert_eq!(parsed.unwrap().to_string(), printed);
    }

    #[test]
    fn parentheses_are_no_more_than_needed(filter in filters()) {
        // Leaving out any pair that is not `not`'s own changes the tree or leaves no filter.
        let printed = filter.to_string();
        let mut open = Vec::new();
        let mut in_string = false;
        let mut escaped = false;
        for (index, c) in printed.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' if in_string => escaped = true,
                '"' => in_string = !in_string,
                '(' if !in_string => open.push(index),
                ')' if !in_string => {
                    let start = open.pop().unwrap();
                    let without = format!("{}{}{}", &printed[..start], &printed[start + 1..index], &printed[index + 1..]);
                    prop_assert!(Filter::parse(&without).ok().as_ref() != Some(&filter), "{}", printed);
                }
                _ => {}
            }
        }
    }
}
