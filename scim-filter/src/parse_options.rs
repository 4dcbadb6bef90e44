//! How to parse: bounds and quirks.

use scim_core::Quirks;

use crate::error::SyntaxError;
use crate::filter::Filter;
use crate::limits::Limits;
use crate::parser;
use crate::patch_path::PatchPath;

/// How to parse. By default: by the letter of the RFC, within the default [`Limits`].
///
/// ```
/// use scim_core::{Profile, Quirk};
/// use scim_filter::ParseOptions;
/// let options = ParseOptions::new().with_quirks(Profile::INTEROP.quirks());
/// let parsed = options.filter("externalId eq jyoung")?;
/// assert_eq!(parsed.value.to_string(), r#"externalId eq "jyoung""#);
/// assert!(parsed.fired.contains(Quirk::UnquotedFilterValues));
/// # Ok::<(), scim_filter::SyntaxError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParseOptions {
    limits: Limits,
    quirks: Quirks,
}

impl ParseOptions {
    /// No quirks, and the default limits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The same, tolerating those of `quirks` that concern the syntax:
    ///
    /// - [`Quirk::UnquotedFilterValues`]: bare words as an operand are a string. It reaches to the
    ///   next `)` or `]`, to an `and` or `or`, or to the end, and no operator is in it; quotes,
    ///   opening parentheses and brackets, backslashes and control characters can't be part of it. A
    ///   text in single quotes reaches to the next one.
    /// - [`Quirk::NotWithoutParentheses`]: `not` before a single term. A `not` before an operator
    ///   stays the name of an attribute.
    /// - [`Quirk::FilterSubAttribute`]: a test after brackets joins the tests inside, so
    ///   `emails[type eq "work"].value co "x"` is read as `emails[type eq "work" and value co
    ///   "x"]`; without a sub-attribute it tests the `value`.
    ///
    /// [`Quirk::UnquotedFilterValues`]: scim_core::Quirk::UnquotedFilterValues
    /// [`Quirk::NotWithoutParentheses`]: scim_core::Quirk::NotWithoutParentheses
    /// [`Quirk::FilterSubAttribute`]: scim_core::Quirk::FilterSubAttribute
    #[must_use]
    pub fn with_quirks(mut self, quirks: Quirks) -> Self {
        self.quirks = quirks;
        self
    }

    /// The limits.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// What is tolerated beyond the RFC.
    #[must_use]
    pub fn quirks(&self) -> Quirks {
        self.quirks
    }

    /// Parses a filter (RFC 7644 §3.4.2.2).
    ///
    /// Tokens are separated by one or more spaces (U+0020, as the grammar has it; no other white
    /// space), which may also stand at both ends and inside parentheses and brackets. `not` may
    /// touch its parenthesis (erratum 7319) and an operator the quote of its operand (as the RFC
    /// itself writes it in §3.5.2.2).
    ///
    /// # Errors
    /// [`SyntaxError`], with the position and what was expected there.
    pub fn filter<'a>(&self, text: &'a str) -> Result<Parsed<Filter<'a>>, SyntaxError> {
        parser::filter(text, self)
    }

    /// Parses the path of a PATCH operation (RFC 7644 §3.5.2).
    ///
    /// # Errors
    /// [`SyntaxError`], with the position and what was expected there.
    pub fn path<'a>(&self, text: &'a str) -> Result<Parsed<PatchPath<'a>>, SyntaxError> {
        parser::patch_path(text, self)
    }
}

/// What was parsed, and which quirks it took.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed<T> {
    /// The syntax tree.
    pub value: T,
    /// The quirks that the text made use of.
    pub fired: Quirks,
}
