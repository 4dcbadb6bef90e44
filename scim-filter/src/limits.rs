//! Bounds on what a filter may ask the parser to do.

/// Bounds on a filter or a PATCH path, held while parsing.
///
/// The length is looked at first; the number of terms and the depth are looked at before the parser
/// goes on or recurses, so that a hostile filter costs no more than a permitted one, in time and in
/// stack, whether it is refused or not.
///
/// ```
/// use scim_filter::{Limits, ParseOptions};
/// let strict = ParseOptions::new().with_limits(Limits { terms: 2, ..Limits::default() });
/// assert!(strict.filter("title pr or userType pr").is_ok());
/// assert!(strict.filter("title pr or userType pr or nickName pr").is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How deep parentheses, `not` and brackets may nest: 64 by default. Values beyond
    /// [`Limits::MAX_DEPTH`] count as that, so that no setting lets a filter exhaust the stack.
    pub depth: usize,
    /// How many terms (comparisons, `pr` tests and value paths) a filter may have: 4,096 by
    /// default.
    pub terms: usize,
    /// How many bytes of UTF-8 a filter or path may have: 65,536 by default. Values beyond
    /// `u32::MAX` count as that.
    pub bytes: usize,
}

impl Limits {
    /// The greatest depth that [`Limits::depth`] can ask for. Filters of this depth can be parsed,
    /// printed, resolved, evaluated and dropped on a stack of 2 MiB.
    pub const MAX_DEPTH: usize = 256;
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 64, terms: 4096, bytes: 65_536 }
    }
}
