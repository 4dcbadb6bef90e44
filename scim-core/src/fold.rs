//! The one function by which text compares without regard to case.
//!
//! Stores keep what it gives, so a change of what it gives must change [`FOLD_VERSION`].

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;

use crate::width;

/// The version of [`fold`]'s output: stores keep it beside folded values and rebuild those when it
/// differs.
pub const FOLD_VERSION: &str = "icu-2/width+nfc+fold";

/// `text` with fullwidth and halfwidth forms replaced, in Unicode normalisation form C, and then
/// case-folded (full folding): the form in which attributes that are not `caseExact` compare
/// (RFC 7643 §2.2), after the comparison rules that RFC 7644 §5 names for user names.
///
/// ASCII text that holds no capital is returned as it is.
///
/// ```
/// assert_eq!(scim_core::fold("BJensen@Example.COM"), "bjensen@example.com");
/// assert_eq!(scim_core::fold("Straße"), scim_core::fold("STRASSE"));
/// assert_eq!(scim_core::fold("A\u{30a}ngstro\u{308}m"), scim_core::fold("ångström"));
/// assert_eq!(scim_core::fold("ＢＪｅｎｓｅｎ"), "bjensen");
/// ```
#[must_use]
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return if text.bytes().any(|b| b.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        };
    }
    let text = width::map(text);
    let composed = ComposingNormalizer::new_nfc().normalize(&text);
    Cow::Owned(CaseMapper::new().fold_string(&composed).into_owned())
}

/// Whether two texts are equal once folded, without allocating when both are ASCII.
#[must_use]
pub fn folded_eq(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() { a.eq_ignore_ascii_case(b) } else { fold(a) == fold(b) }
}
