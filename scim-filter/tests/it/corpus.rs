//! The filters of other projects' test suites, when the folder with them is at hand: every one is
//! run, and where our answer differs from the suite's there is a reason in a table here.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;

use scim_core::{Profile, ResourceType};
use scim_filter::{Filter, FilterError, Limits, ResolvedFilter};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A file of the folder that `SCIM_CORPUS_DIR` names. Without it the test is skipped, unless
/// `SCIM_TEST_NO_SKIP` says that this is a failure.
fn corpus<T: serde::de::DeserializeOwned>(test: &str, file: &str) -> Option<T> {
    let Some(folder) = std::env::var_os("SCIM_CORPUS_DIR") else {
        assert!(
            std::env::var_os("SCIM_TEST_NO_SKIP").is_none(),
            "SCIM_CORPUS_DIR is not set, and SCIM_TEST_NO_SKIP is"
        );
        // Past the test harness, which would keep it to itself.
        let line = format!("skipped: {test} needs SCIM_CORPUS_DIR, the folder with the corpora\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return None;
    };
    let path = PathBuf::from(folder).join("corpus").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Some(serde_json::from_str(&text).unwrap())
}

#[derive(Deserialize)]
struct Corpus<T> {
    cases: Vec<T>,
}

#[derive(Deserialize)]
struct ParseCase {
    src: String,
    filter: String,
    valid: bool,
}

#[derive(Deserialize)]
struct EvalCase {
    filter: String,
    resource: Map<String, Value>,
    #[serde(rename = "match")]
    matches: bool,
}

/// Why our answer to a filter differs from the suite's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// The suite takes an operand without quotes that is no JSON literal (Figure 1, `compValue`).
    Unquoted,
    /// The suite takes a `not` without parentheses (Figure 1; errata F8, 7319).
    Not,
    /// Both of the above.
    UnquotedAndNot,
    /// The suite takes a test after brackets (errata F12).
    AfterBrackets,
    /// The suite takes that and a `not` without parentheses.
    AfterBracketsAndNot,
    /// The suite takes that, and compares a complex attribute that has no `value` (errata F2).
    AfterBracketsAndNoValue,
    /// The suite takes brackets after brackets (Figure 1: a value path has one pair).
    BracketsAfterBrackets,
    /// The suite takes brackets inside brackets (errata 4690, 7322).
    NestedBrackets,
    /// The suite takes an attribute name that does not begin with a letter (Figure 1, `ATTRNAME`).
    Name,
    /// The suite takes a backslash that is no JSON escape.
    Escape,
    /// The suite takes tabs or line breaks, raw inside strings, which JSON forbids, and between
    /// tokens, where Figure 1 has spaces.
    ControlCharacters,
    /// The suite takes quotes inside a string, unescaped.
    Quotes,
    /// The suite refuses brackets after a sub-attribute, which Figure 1 allows (`valuePath` begins
    /// with an `attrPath`), and which a multi-valued sub-attribute gives a meaning to. This one no
    /// schema defines, so it has no value.
    SubAttributeBrackets,
}

/// How the filters that the suites call valid and the RFC does not fare with every quirk: which
/// reasons quirks make up for.
fn a_quirk_takes_it(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Unquoted
            | Reason::Not
            | Reason::UnquotedAndNot
            | Reason::AfterBrackets
            | Reason::AfterBracketsAndNot
            | Reason::SubAttributeBrackets
    )
}

/// Filters whose verdict is another here: the index, the fingerprint of the filter, and why.
const DIFFERENCES: &[(usize, u32, Reason)] = &[
    (82, 0xac8f0043, Reason::Name),
    (85, 0xb5aa0660, Reason::Unquoted),
    (87, 0xef3fab9e, Reason::Unquoted),
    (88, 0x9f54c976, Reason::Unquoted),
    (89, 0x7a093d7b, Reason::Not),
    (94, 0x5a10bb7f, Reason::Not),
    (95, 0x2bce079d, Reason::Not),
    (96, 0xd7216956, Reason::Not),
    (97, 0x859ad219, Reason::Not),
    (101, 0x5b69b027, Reason::Not),
    (103, 0x3c7438a2, Reason::AfterBrackets),
    (105, 0x8f86485a, Reason::AfterBrackets),
    (109, 0xdac80d87, Reason::BracketsAfterBrackets),
    (110, 0xeb4d62df, Reason::BracketsAfterBrackets),
    (111, 0x33a95e74, Reason::BracketsAfterBrackets),
    (112, 0x13c4be8c, Reason::BracketsAfterBrackets),
    (113, 0x45520ab7, Reason::AfterBrackets),
    (114, 0xfd6cf45f, Reason::AfterBracketsAndNot),
    (115, 0x04c40d34, Reason::AfterBracketsAndNot),
    (116, 0xdbcbeb3a, Reason::AfterBrackets),
    (117, 0x9832d5b1, Reason::AfterBracketsAndNot),
    (118, 0x7c468058, Reason::AfterBracketsAndNot),
    (120, 0xe4cdb7d0, Reason::AfterBrackets),
    (124, 0x9ffef397, Reason::AfterBrackets),
    (125, 0x2a6b782b, Reason::AfterBrackets),
    (126, 0x8e780c43, Reason::AfterBrackets),
    (127, 0x4e6946ea, Reason::AfterBrackets),
    (184, 0xfb5afef2, Reason::NestedBrackets),
    (196, 0x53f6c093, Reason::Escape),
    (210, 0x89b88815, Reason::Not),
    (211, 0xf6b3abc1, Reason::Not),
    (212, 0x1b44a49d, Reason::Not),
    (242, 0x68e0a7d4, Reason::AfterBrackets),
    (243, 0xf7d652c6, Reason::AfterBracketsAndNoValue),
    (244, 0x731dd691, Reason::NestedBrackets),
    (245, 0x771e21b6, Reason::Name),
    (289, 0xdc4a5134, Reason::ControlCharacters),
    (290, 0xd0ab1b17, Reason::ControlCharacters),
    (291, 0xb189f15e, Reason::ControlCharacters),
    (292, 0x4f250289, Reason::ControlCharacters),
    (293, 0x30b81b3a, Reason::ControlCharacters),
    (294, 0xd66e8e41, Reason::ControlCharacters),
    (295, 0x226aa5f2, Reason::ControlCharacters),
    (296, 0x8e03c1e9, Reason::ControlCharacters),
    (297, 0x8786d7c0, Reason::ControlCharacters),
    (298, 0x4489738b, Reason::ControlCharacters),
    (299, 0x326ffb68, Reason::ControlCharacters),
    (300, 0x47891bb7, Reason::ControlCharacters),
    (301, 0xa5af8114, Reason::ControlCharacters),
    (302, 0xe84b60fb, Reason::ControlCharacters),
    (305, 0x2d388bb3, Reason::ControlCharacters),
    (306, 0x0c731108, Reason::ControlCharacters),
    (307, 0xfb7cde35, Reason::ControlCharacters),
    (308, 0x39ac3bf2, Reason::ControlCharacters),
    (309, 0xd47c899d, Reason::ControlCharacters),
    (310, 0x46de031e, Reason::ControlCharacters),
    (311, 0x51a43095, Reason::ControlCharacters),
    (312, 0x097e1476, Reason::ControlCharacters),
    (313, 0x03b03f97, Reason::ControlCharacters),
    (314, 0x13054d44, Reason::ControlCharacters),
    (315, 0x2e865f93, Reason::ControlCharacters),
    (316, 0x8490e88c, Reason::ControlCharacters),
    (317, 0x9aec8907, Reason::ControlCharacters),
    (318, 0x26cccdd8, Reason::ControlCharacters),
    (321, 0x2150b9b5, Reason::Not),
    (322, 0x8791864d, Reason::Not),
    (323, 0x7632cd11, Reason::ControlCharacters),
    (324, 0x2b03a3f8, Reason::UnquotedAndNot),
    (325, 0xdd9a87e3, Reason::ControlCharacters),
    (328, 0xb13b73be, Reason::ControlCharacters),
    (329, 0x91172ca8, Reason::UnquotedAndNot),
    (433, 0xbfdacdef, Reason::SubAttributeBrackets),
    (436, 0xc9a09cd3, Reason::Quotes),
    (438, 0x78428189, Reason::AfterBrackets),
    (441, 0x93173071, Reason::AfterBrackets),
    (445, 0xeb316b20, Reason::AfterBrackets),
];

/// Filters that the suites refuse, and so do we by the letter of the RFC, which a quirk takes.
const TAKEN_BY_A_QUIRK: &[usize] = &[46, 50, 60, 422, 423, 424, 425, 431, 432];

/// What the verdict is about: that the filter can be parsed, and has a meaning for a user. An
/// attribute that a user does not have is no fault.
fn verdict(text: &str, profile: &Profile) -> Result<ResolvedFilter, FilterError> {
    ResolvedFilter::parse(text, &ResourceType::user(), profile, &Limits::default())
}

/// FNV-1a, so that a row is about the filter that it was written for.
fn fingerprint(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[test]
fn verdicts_on_455_filters() {
    let Some(corpus) = corpus::<Corpus<ParseCase>>("verdicts_on_455_filters", "filters-parse.json")
    else {
        return;
    };
    assert_eq!(corpus.cases.len(), 455);
    let mut agreed = 0;
    let mut differing = Vec::new();
    let mut quirky = Vec::new();
    for (index, case) in corpus.cases.iter().enumerate() {
        let strict = verdict(&case.filter, &Profile::STRICT);
        let lenient = verdict(&case.filter, &Profile::INTEROP);
        let row = DIFFERENCES.iter().find(|(row, ..)| *row == index);
        let at = format!("{index} ({}) {:?}", case.src, case.filter);
        if strict.is_ok() == case.valid {
            agreed += 1;
            assert!(row.is_none(), "{at}: the row is stale, {strict:?}");
            if !case.valid && lenient.is_ok() {
                quirky.push(index);
            }
            assert!(!case.valid || lenient.is_ok(), "{at}: quirks refuse it, {lenient:?}");
            continue;
        }
        let Some((_, hash, reason)) = row else {
            panic!("{at}: the suite says {}, we say {strict:?}, and no row says why", case.valid)
        };
        assert_eq!(*hash, fingerprint(&case.filter), "{at}: the row is about another filter");
        assert_eq!(lenient.is_ok(), a_quirk_takes_it(*reason), "{at}: {lenient:?}");
        differing.push((index, *reason));
    }
    let rows: Vec<_> = DIFFERENCES.iter().map(|(index, _, reason)| (*index, *reason)).collect();
    assert_eq!(differing, rows);
    assert_eq!(quirky, TAKEN_BY_A_QUIRK);
    assert_eq!((agreed, differing.len()), (379, 76));
    // With every quirk, of 331 filters that the suites call valid this many are taken.
    let valid = corpus.cases.iter().filter(|case| case.valid);
    let taken =
        valid.clone().filter(|case| verdict(&case.filter, &Profile::INTEROP).is_ok()).count();
    assert_eq!((valid.count(), taken), (331, 289));
}

#[test]
fn what_parses_also_prints() {
    let Some(corpus) = corpus::<Corpus<ParseCase>>("what_parses_also_prints", "filters-parse.json")
    else {
        return;
    };
    let mut printed = 0;
    for case in &corpus.cases {
        if let Ok(filter) = Filter::parse(&case.filter) {
            let text = filter.to_string();
            assert_eq!(Filter::parse(&text).as_ref(), Ok(&filter), "{text}");
            printed += 1;
        }
    }
    assert_eq!(printed, 264);
}

/// Evaluations whose outcome is another here: the index, the fingerprint of the filter, and why.
const OTHER_OUTCOMES: &[(usize, u32, &str)] = &[
    (4, 0x53f6c093, "the backslash in the filter is no JSON escape, so this is no filter"),
    (20, 0x97300561, "no schema defines the attribute, so it has no value"),
    (
        25,
        0xbca94128,
        "the suite sets caseExact for all; the schema of a user says otherwise of this attribute",
    ),
    (26, 0xbca94128, "as the one before"),
];

#[test]
fn outcomes_of_35_evaluations() {
    let Some(corpus) =
        corpus::<Corpus<EvalCase>>("outcomes_of_35_evaluations", "filters-eval.json")
    else {
        return;
    };
    assert_eq!(corpus.cases.len(), 35);
    let mut differing = BTreeSet::new();
    for (index, case) in corpus.cases.iter().enumerate() {
        let outcome = verdict(&case.filter, &Profile::STRICT).map(|f| f.matches(&case.resource));
        let row = OTHER_OUTCOMES.iter().find(|(row, ..)| *row == index);
        match (outcome == Ok(case.matches), row) {
            (true, None) => {}
            (true, Some(_)) => panic!("{index}: the row is stale"),
            (false, None) => panic!("{index} {:?}: {outcome:?}, and no row says why", case.filter),
            (false, Some((_, hash, _))) => {
                assert_eq!(
                    *hash,
                    fingerprint(&case.filter),
                    "{index}: the row is about another filter"
                );
                differing.insert(index);
            }
        }
    }
    assert_eq!(differing, OTHER_OUTCOMES.iter().map(|(index, ..)| *index).collect());
}
