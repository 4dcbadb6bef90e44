//! Comparison without regard to case: width, NFC, then Unicode case folding (RFC 7644 §5).

use proptest::prelude::*;
use scim_core::{FOLD_VERSION, fold, folded_eq};

#[test]
fn texts_that_differ_only_in_case_or_composition_are_equal() {
    for (a, b) in [
        ("bjensen", "BJENSEN"),
        ("Straße", "STRASSE"),
        ("STRAẞE", "strasse"),
        ("ﬁn", "FIN"),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("A\u{30a}", "å"),
        ("\u{212b}", "å"),
        ("J\u{30c}", "\u{1f0}"),
        ("\u{390}", "ϊ\u{301}"),
        ("\u{1fb3}", "ΑΙ"),
        ("\u{212a}elvin", "kelvin"),
        ("ＡＢＣ", "ａｂｃ"),
        // RFC 7613 §3.2.2, width mapping.
        ("ＢＪＥＮＳＥＮ＠ｅｘａｍｐｌｅ．ｃｏｍ", "bjensen@example.com"),
        ("ｶﾞｲﾄﾞ", "ガイド"),
        ("Ｓｔｒａßｅ", "strasse"),
        ("ДОМ", "дом"),
    ] {
        assert_eq!(fold(a), fold(b), "{a} {b}");
        assert!(folded_eq(a, b) && folded_eq(b, a), "{a} {b}");
    }
}

#[test]
fn texts_that_differ_otherwise_are_not() {
    for (a, b) in [
        ("a", "á"),
        ("a", "a "),
        ("", "a"),
        ("", "\u{200b}"),
        // Turkish dotted and dotless i are letters of their own without a locale.
        ("ı", "i"),
        ("İ", "i"),
        ("ss", "s"),
    ] {
        assert!(!folded_eq(a, b) && fold(a) != fold(b), "{a} {b}");
    }
}

#[test]
fn lower_case_ascii_is_not_copied() {
    assert!(matches!(fold("bjensen@example.com"), std::borrow::Cow::Borrowed(_)));
    assert!(matches!(fold("Bjensen"), std::borrow::Cow::Owned(_)));
    // Stores keep what it gives under this name: a change of the one must change the other.
    assert_eq!(FOLD_VERSION, "icu-2/width+nfc+fold");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn folding_again_changes_nothing(text in "\\PC{0,12}") {
        let folded = fold(&text);
        prop_assert_eq!(fold(&folded), folded.clone());
        prop_assert!(folded_eq(&text, &folded));
    }

    #[test]
    fn equality_is_equality_of_what_is_folded(a in "[a-cA-Cß\u{30c}jJ]{0,3}", b in "[a-cA-Cß\u{30c}jJ]{0,3}") {
        prop_assert_eq!(folded_eq(&a, &b), fold(&a) == fold(&b));
    }

    #[test]
    fn ascii_folds_to_lower_case(text in "[ -~]{0,20}") {
        prop_assert_eq!(fold(&text), text.to_ascii_lowercase());
    }
}
