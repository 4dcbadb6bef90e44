//! Input made to exhaust: an error, or an answer, on a stack of 2 MiB.

use scim_core::{Profile, Quirks, ResourceType};
use scim_filter::{Filter, Limits, ParseOptions, PatchPath, ResolvedFilter, SyntaxErrorKind};
use serde_json::json;

fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(test).unwrap();
    thread.join().unwrap();
}

/// No limit but those that can't be lifted, and every quirk.
fn unlimited() -> ParseOptions {
    ParseOptions::new()
        .with_limits(Limits { depth: usize::MAX, terms: usize::MAX, bytes: usize::MAX })
        .with_quirks(Quirks::ALL)
}

#[test]
fn nesting_is_refused_before_it_recurses() {
    on_a_small_stack(|| {
        let deep = [
            "(".repeat(1 << 20),
            "not(".repeat(100_000),
            "not (".repeat(100_000),
            "not ".repeat(100_000),
            "a[(".repeat(100_000),
            "(a pr and ".repeat(100_000),
            "((a pr) or ".repeat(100_000),
            format!("{}a pr{}", "(".repeat(100_000), ")".repeat(100_000)),
        ];
        for text in &deep {
            let error = Filter::parse(text).unwrap_err();
            assert_eq!(error.kind(), SyntaxErrorKind::TooLong { limit: 65_536 });
            assert!(unlimited().filter(text).is_err());
            assert!(unlimited().path(&format!("a[{text}")).is_err());
        }
        let error = unlimited().filter(&deep[0]).unwrap_err();
        assert_eq!(error.kind(), SyntaxErrorKind::TooDeep { limit: Limits::MAX_DEPTH });
        assert_eq!(error.position(), Limits::MAX_DEPTH);
    });
}

#[test]
fn the_default_depth_is_64() {
    let nested = |depth: usize| format!("{}a pr{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(&nested(64)).is_ok());
    assert_eq!(
        Filter::parse(&nested(65)).unwrap_err().kind(),
        SyntaxErrorKind::TooDeep { limit: 64 }
    );
    let brackets = |depth: usize| format!("a[{}b pr{}]", "not (".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(&brackets(63)).is_ok());
    assert!(Filter::parse(&brackets(64)).is_err());
}

#[test]
fn the_greatest_depth_goes_through_every_step() {
    on_a_small_stack(|| {
        let depth = Limits::MAX_DEPTH;
        let text = (0..depth)
            .fold("title pr".to_owned(), |inner, _| format!("not (userName pr and {inner})"));
        let parsed = unlimited().filter(&text).unwrap().value;
        assert_eq!(parsed.to_string(), text);
        assert_eq!(parsed.clone(), parsed);
        let resolved = parsed.resolve(&ResourceType::user(), &Profile::STRICT).unwrap();
        let user = json!({"userName": "bjensen", "title": "Tour Guide"});
        assert!(resolved.matches(user.as_object().unwrap()));
        let user = json!({"userName": "bjensen"});
        assert!(!resolved.matches(user.as_object().unwrap()));
        assert_eq!(resolved.expression().terms(), depth + 1);
        assert!(format!("{resolved:?}").len() > depth);
        assert_eq!(resolved.clone(), resolved);
    });
}

#[test]
fn long_chains_are_flat_and_bounded() {
    on_a_small_stack(|| {
        let chain =
            |terms: usize, connective: &str| vec!["userType eq \"x\""; terms].join(connective);
        for connective in [" or ", " and "] {
            let text = chain(1_000, connective);
            let filter = ResolvedFilter::parse(
                &text,
                &ResourceType::user(),
                &Profile::STRICT,
                &Limits::default(),
            )
            .unwrap();
            assert!(filter.matches(json!({"userType": "X"}).as_object().unwrap()));
            assert_eq!(filter.expression().terms(), 1_000);
            let error = unlimited()
                .with_limits(Limits { bytes: usize::MAX, ..Limits::default() })
                .filter(&chain(100_000, connective))
                .unwrap_err();
            assert_eq!(error.kind(), SyntaxErrorKind::TooManyTerms { limit: 4096 });
            assert!(unlimited().filter(&chain(100_000, connective)).is_ok());
        }
        let exactly = |terms| vec!["a pr"; terms].join(" or ");
        assert!(Filter::parse(&exactly(4096)).is_ok());
        assert!(Filter::parse(&exactly(4097)).is_err());
        // Brackets are a term, and so are those inside.
        let few = ParseOptions::new().with_limits(Limits { terms: 2, ..Limits::default() });
        assert!(few.filter("a[b pr]").is_ok());
        assert!(few.filter("a[b pr or c pr]").is_err());
    });
}

#[test]
fn no_operand_is_read_twice() {
    // A parser that tries one alternative after another reads this 2^60 times.
    let text = format!("{}a pr{}", "(".repeat(60), " and b pr)".repeat(60));
    assert!(Filter::parse(&text).is_ok());
    let text = format!("{}a pr{}", "(".repeat(60), ")x".repeat(60));
    assert!(Filter::parse(&text).is_err());
}

#[test]
fn lengths_are_looked_at_first() {
    let name = "a".repeat(65_536 - 3);
    assert!(Filter::parse(&format!("{name} pr")).is_ok());
    assert_eq!(
        Filter::parse(&format!("{name}a pr")).unwrap_err().kind(),
        SyntaxErrorKind::TooLong { limit: 65_536 }
    );
    assert!(PatchPath::parse(&format!("{name}aaaa")).is_err());
    for text in [" ".repeat(60_000), "\\".repeat(60_000), "é".repeat(30_000), ":".repeat(60_000)] {
        assert!(Filter::parse(&text).is_err());
        assert!(Filter::parse(&format!("a eq \"{text}")).is_err());
        assert!(unlimited().filter(&format!("a eq {text}[")).is_err());
    }
}

#[test]
fn messages_stay_short() {
    let long = "x".repeat(60_000);
    for text in [format!("a eq {long}"), format!("{long}.1 pr"), format!("a {long}")] {
        assert!(Filter::parse(&text).unwrap_err().to_string().len() < 200);
    }
    let filter = format!("{}[x pr]", "userName");
    let error = Filter::parse(&filter).unwrap().resolve(&ResourceType::user(), &Profile::STRICT);
    assert!(error.unwrap_err().to_string().len() < 200);
    let name = format!("urn:{long}:x");
    let refusing = Profile::STRICT.validating(scim_core::Validation::UnknownAttributes);
    let text = format!("{name} pr");
    let error =
        Filter::parse(&text).unwrap().resolve(&ResourceType::user(), &refusing).unwrap_err();
    assert!(error.to_string().len() < 200);
}

#[test]
fn cut_anywhere_a_filter_is_an_answer_or_an_error() {
    let text = r#"urn:x:y:a.b eq "é\ud83d\ude00" and not (c[d gt -1.5e3 or e pr] or f ne null)"#;
    for end in 0..=text.len() {
        for start in 0..end {
            if let Some(part) = text.get(start..end) {
                for options in [ParseOptions::new(), unlimited()] {
                    if let Err(error) = options.filter(part) {
                        assert!(part.is_char_boundary(error.position()), "{part}");
                    }
                    if let Err(error) = options.path(part) {
                        assert!(part.is_char_boundary(error.position()), "{part}");
                    }
                }
            }
        }
    }
}
