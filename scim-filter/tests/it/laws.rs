//! Laws that hold for any filter and any resource.

use proptest::prelude::*;
use scim_core::{Profile, Quirks};
use scim_filter::{Filter, ParseOptions, ResolvedFilter};
use serde_json::{Map, Value};

use crate::reference::{self, everything, filters, resources, single_terms};

fn resolve(filter: &Filter<'_>) -> Option<ResolvedFilter> {
    filter.resolve(&everything(), &Profile::STRICT).ok()
}

fn holds(filter: &Filter<'_>, resource: &Map<String, Value>) -> Option<bool> {
    Some(resolve(filter)?.matches(resource))
}

fn not(filter: Filter<'_>) -> Filter<'_> {
    Filter::Not(Box::new(filter))
}

/// Pieces of filters in any order: most of them no filter, and many of them almost one.
fn token_soup() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "a",
        "emails",
        "value",
        "urn:x:y:",
        "a.b",
        "$ref",
        "1",
        "-",
        "1.5e3",
        "\"x\"",
        "\"\\u00e9\"",
        "\"",
        "\\",
        "true",
        "null",
        "True",
        "eq",
        "ne",
        "co",
        "PR",
        "pr",
        "gt",
        "and",
        "or",
        "not",
        "AND",
        "(",
        ")",
        "[",
        "]",
        ".",
        ":",
        " ",
        " ",
        " ",
        " ",
        "  ",
        "é",
        "\t",
        "'x'",
        "abc",
    ]);
    proptest::collection::vec(token, 0..14).prop_map(|tokens| tokens.concat())
}

/// Filters that are right but for spacing.
fn spaced_filters() -> impl Strategy<Value = String> {
    (filters(), any::<u64>()).prop_map(|(filter, seed)| {
        let mut state = seed | 1;
        let mut in_string = false;
        let mut spaced = String::new();
        for c in filter.to_string().chars() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            in_string ^= c == '"';
            spaced.push(c);
            if matches!(c, ' ' | '(' | '[') && !in_string {
                spaced.push_str(&" ".repeat((state >> 33) as usize % 3));
            }
        }
        spaced
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_evaluator_agrees_with_the_reference(filter in filters(), resource in resources()) {
        let expected = reference::matches(&filter, &Value::Object(resource.clone()));
        prop_assert_eq!(holds(&filter, &resource), expected, "{} {:?}", filter, resource);
    }

    #[test]
    fn the_evaluator_agrees_with_the_reference_on_single_terms(
        filter in single_terms(), resource in resources(),
    ) {
        let expected = reference::matches(&filter, &Value::Object(resource.clone()));
        prop_assert_eq!(holds(&filter, &resource), expected, "{} {:?}", filter, resource);
    }

    #[test]
    fn de_morgan(a in single_terms(), b in single_terms(), resource in resources()) {
        let and = not(Filter::And(vec![a.clone(), b.clone()]));
        let or = Filter::Or(vec![not(a.clone()), not(b.clone())]);
        prop_assert_eq!(holds(&and, &resource), holds(&or, &resource));
        let or_not = not(Filter::Or(vec![a.clone(), b.clone()]));
        let and_not = Filter::And(vec![not(a), not(b)]);
        prop_assert_eq!(holds(&or_not, &resource), holds(&and_not, &resource));
    }

    #[test]
    fn negation_is_plain(filter in filters(), resource in resources()) {
        let held = holds(&filter, &resource);
        prop_assert_eq!(holds(&not(filter.clone()), &resource), held.map(|held| !held));
        prop_assert_eq!(resolve(&not(not(filter.clone()))), resolve(&filter));
    }

    #[test]
    fn order_and_repetition_do_not_matter(
        a in single_terms(), b in single_terms(), resource in resources(),
    ) {
        let and = |x: &Filter<'static>, y: &Filter<'static>| Filter::And(vec![x.clone(), y.clone()]);
        let or = |x: &Filter<'static>, y: &Filter<'static>| Filter::Or(vec![x.clone(), y.clone()]);
        prop_assert_eq!(holds(&and(&a, &b), &resource), holds(&and(&b, &a), &resource));
        prop_assert_eq!(holds(&or(&a, &b), &resource), holds(&or(&b, &a), &resource));
        prop_assert_eq!(holds(&and(&a, &a), &resource), holds(&a, &resource));
        prop_assert_eq!(holds(&or(&a, &a), &resource), holds(&a, &resource));
    }

    #[test]
    fn what_is_printed_means_the_same(filter in filters(), resource in resources()) {
        let printed = filter.to_string();
        let parsed = Filter::parse(&printed).unwrap();
        prop_assert_eq!(&parsed, &filter);
        prop_assert_eq!(holds(&parsed, &resource), holds(&filter, &resource));
    }

    #[test]
    fn spacing_does_not_matter(text in spaced_filters()) {
        let parsed = Filter::parse(&text).unwrap();
        let printed = parsed.to_string();
        prop_assert_eq!(Filter::parse(&printed).unwrap(), parsed);
    }

    #[test]
    fn any_text_is_an_answer_or_an_error_with_a_position(text in token_soup()) {
        match Filter::parse(&text) {
            Ok(filter) => {
                let printed = filter.to_string();
                let again = Filter::parse(&printed).unwrap();
                prop_assert_eq!(&again, &filter);
                prop_assert_eq!(again.to_string(), printed);
            }
            Err(error) => {
                prop_assert!(text.is_char_boundary(error.position()));
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }

    #[test]
    fn quirks_never_touch_a_correct_filter(text in token_soup(), filter in filters()) {
        let lenient = ParseOptions::new().with_quirks(Quirks::ALL);
        for text in [text, filter.to_string()] {
            if let Ok(strict) = Filter::parse(&text) {
                let parsed = lenient.filter(&text).unwrap();
                prop_assert_eq!(parsed.fired, Quirks::NONE);
                prop_assert_eq!(parsed.value, strict);
            }
            if let Ok(strict) = ParseOptions::new().path(&text) {
                prop_assert_eq!(lenient.path(&text).unwrap(), strict);
            }
        }
    }

    #[test]
    fn what_a_quirk_reads_is_correct_once_printed(text in token_soup()) {
        if let Ok(parsed) = ParseOptions::new().with_quirks(Quirks::ALL).filter(&text) {
            let printed = parsed.value.to_string();
            prop_assert_eq!(Filter::parse(&printed).unwrap(), parsed.value);
        }
    }

    #[test]
    fn patch_paths_print_as_what_they_are(text in token_soup()) {
        if let Ok(path) = ParseOptions::new().path(&text) {
            let printed = path.value.to_string();
            prop_assert_eq!(ParseOptions::new().path(&printed).unwrap(), path);
        }
    }
}
