//! The syntax tree of a filter.

use crate::attribute_path::AttributePath;
use crate::error::SyntaxError;
use crate::literal::Literal;
use crate::operator::Operator;
use crate::parse_options::ParseOptions;

/// A filter as written (RFC 7644 §3.4.2.2), borrowing from its text.
///
/// A chain of `and` or of `or` is one flat node of two or more terms; parentheses leave no trace
/// but the grouping they make. Its [`Display`](std::fmt::Display) is the normal form: one space
/// between tokens, operators in lower case, parentheses where the grouping needs them. What it
/// prints parses to an equal tree; positions do not take part in equality.
///
/// Exhaustive: the grammar names these forms and no others.
///
/// ```
/// use scim_filter::Filter;
/// let filter = Filter::parse(r#"userType  NE "Employee" and NOT(title pr)"#)?;
/// assert_eq!(filter.to_string(), r#"userType ne "Employee" and not (title pr)"#);
/// # Ok::<(), scim_filter::SyntaxError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Filter<'a> {
    /// Terms joined by `and`: two or more.
    And(Vec<Filter<'a>>),
    /// Terms joined by `or`: two or more.
    Or(Vec<Filter<'a>>),
    /// `not (…)`.
    Not(Box<Filter<'a>>),
    /// A comparison with an operand: `userName eq "bjensen"`.
    Comparison(Comparison<'a>),
    /// A test for presence: `title pr`.
    Present(AttributePath<'a>),
    /// A test that one and the same element has to pass: `emails[type eq "work" and primary eq
    /// true]`.
    ValuePath(ValuePath<'a>),
}

impl<'a> Filter<'a> {
    /// Parses a filter by the letter of the RFC, within the default [`Limits`](crate::Limits). For
    /// other limits, or clients with quirks, see [`ParseOptions`].
    ///
    /// # Errors
    /// [`SyntaxError`], with the position and what was expected there.
    pub fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        ParseOptions::new().filter(text).map(|parsed| parsed.value)
    }

    /// The comparisons that it is made of, if it is one comparison by `eq` or several joined by
    /// `and`. An object that meets the filter can then be built from it.
    #[must_use]
    pub fn equalities(&self) -> Option<Vec<&Comparison<'a>>> {
        match self {
            Self::Comparison(comparison) if comparison.operator == Operator::Equal => {
                Some(vec![comparison])
            }
            Self::And(terms) => {
                let equalities: Option<Vec<_>> = terms.iter().map(Self::equalities).collect();
                equalities.map(|equalities| equalities.concat())
            }
            _ => None,
        }
    }
}

impl<'a> TryFrom<&'a str> for Filter<'a> {
    type Error = SyntaxError;

    fn try_from(text: &'a str) -> Result<Self, SyntaxError> {
        Self::parse(text)
    }
}

/// A comparison of an attribute with an operand: `path operator value`.
///
/// Equality goes by these three, not by where the comparison was found.
#[derive(Clone, Debug)]
pub struct Comparison<'a> {
    /// The attribute.
    pub path: AttributePath<'a>,
    /// The operator.
    pub operator: Operator,
    /// The operand.
    pub value: Literal<'a>,
    /// The operand as it was written; empty if the comparison was not parsed.
    source: &'a str,
    /// Where the operand begins, in bytes.
    value_position: u32,
}

impl<'a> Comparison<'a> {
    /// A comparison that no text was parsed for.
    #[must_use]
    pub fn new(path: AttributePath<'a>, operator: Operator, value: Literal<'a>) -> Self {
        Self { path, operator, value, source: "", value_position: 0 }
    }

    pub(crate) fn parsed(
        path: AttributePath<'a>,
        operator: Operator,
        value: Literal<'a>,
        source: &'a str,
        value_position: u32,
    ) -> Self {
        Self { path, operator, value, source, value_position }
    }

    /// Where the operand begins, in bytes from the beginning of the filter; 0 if the comparison was
    /// not parsed.
    #[must_use]
    pub fn value_position(&self) -> usize {
        self.value_position as usize
    }

    /// The operand as it was written, which for a number may be more than its value
    /// (`1.10`); `None` if the comparison was not parsed.
    #[must_use]
    pub fn value_source(&self) -> Option<&'a str> {
        (!self.source.is_empty()).then_some(self.source)
    }
}

impl PartialEq for Comparison<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path && self.operator == other.operator && self.value == other.value
    }
}

/// A filter over the elements of an attribute: `path[filter]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ValuePath<'a> {
    /// The attribute whose elements are looked at.
    pub path: AttributePath<'a>,
    /// What an element has to meet. Its paths are sub-attributes of the element; it holds no value
    /// path itself (errata 4690, 7322).
    pub filter: Box<Filter<'a>>,
}
