//! What can be wrong with a filter or a path.

use std::fmt::{self, Write as _};

use scim_core::schema::AttributeType;
use scim_core::{Quirks, ScimError, ScimType, shorten};

use crate::limits::Limits;
use crate::operator::Operator;

/// A filter or a PATCH path that can't be parsed.
///
/// The message names what was expected, where (in bytes from the beginning) and what was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {position}{}", Found(found.as_deref(), *kind))]
pub struct SyntaxError {
    kind: SyntaxErrorKind,
    position: usize,
    found: Option<Box<str>>,
    within_brackets: bool,
    fired: Quirks,
}

impl SyntaxError {
    pub(crate) fn new(
        source: &str,
        position: usize,
        kind: SyntaxErrorKind,
        within_brackets: bool,
    ) -> Self {
        let found = match kind {
            SyntaxErrorKind::TooLong { .. } => None,
            _ => source.get(position..).and_then(snippet).map(Box::from),
        };
        Self { kind, position, found, within_brackets, fired: Quirks::NONE }
    }

    /// The same, with the quirks that fired before it.
    pub(crate) fn after(mut self, fired: Quirks) -> Self {
        self.fired = fired;
        self
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> SyntaxErrorKind {
        self.kind
    }

    /// Where it is wrong, in bytes from the beginning of the text.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// What stands there, up to the next space and cut at 32 characters; `None` at the end of the
    /// text.
    #[must_use]
    pub fn found(&self) -> Option<&str> {
        self.found.as_deref()
    }

    /// Whether it is wrong inside the brackets of a value path, which makes a PATCH path an
    /// `invalidFilter` instead of an `invalidPath`.
    #[must_use]
    pub fn is_within_brackets(&self) -> bool {
        self.within_brackets
    }

    /// The quirks that were made use of until then.
    #[must_use]
    pub fn fired(&self) -> Quirks {
        self.fired
    }
}

impl From<SyntaxError> for ScimError {
    /// 400 `invalidFilter`, and `invalidValue` for a number out of range.
    fn from(error: SyntaxError) -> Self {
        match error.kind {
            SyntaxErrorKind::NumberOutOfRange => Self::invalid_value(format!("filter: {error}")),
            _ => Self::invalid_filter(format!("filter: {error}")),
        }
    }
}

impl SyntaxError {
    /// The SCIM error for the path of a PATCH operation: `invalidFilter` for what is wrong inside
    /// brackets, `invalidPath` for what is wrong elsewhere.
    #[must_use]
    pub fn into_path_error(self) -> ScimError {
        let scim_type = match (self.within_brackets, self.kind) {
            (_, SyntaxErrorKind::NumberOutOfRange) => ScimType::InvalidValue,
            (true, _) => ScimType::InvalidFilter,
            (false, _) => ScimType::InvalidPath,
        };
        ScimError::new(scim_type, format!("path: {self}"))
    }
}

/// The first token of `rest`, for an error message.
fn snippet(rest: &str) -> Option<&str> {
    let token = rest.get(..rest.find(' ').unwrap_or(rest.len())).unwrap_or(rest);
    let end = token.char_indices().nth(32).map_or(token.len(), |(end, _)| end);
    token.get(..end).filter(|token| !token.is_empty())
}

struct Found<'a>(Option<&'a str>, SyntaxErrorKind);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(Some(found), _) => {
                f.write_str(", found `")?;
                for c in found.chars() {
                    if c.is_control() {
                        write!(f, "{}", c.escape_default())?;
                    } else {
                        f.write_char(c)?;
                    }
                }
                f.write_char('`')
            }
            Self(None, SyntaxErrorKind::Expected(_)) => f.write_str(", found the end"),
            Self(None, _) => Ok(()),
        }
    }
}

/// The kinds of [`SyntaxError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyntaxErrorKind {
    /// Something else was expected.
    Expected(Expected),
    /// A string without closing quote.
    UnterminatedString,
    /// A string with an escape that JSON does not have, or with half a surrogate pair.
    InvalidEscape,
    /// A string with a control character, which JSON wants escaped.
    ControlCharacter,
    /// A string with U+0000, escaped or not.
    NulCharacter,
    /// An integer beyond 64 bits, or a decimal beyond the finite double-precision numbers.
    NumberOutOfRange,
    /// A value path inside the brackets of another.
    NestedValuePath,
    /// More bytes than [`Limits::bytes`].
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// Deeper nesting than [`Limits::depth`].
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// More terms than [`Limits::terms`].
    TooManyTerms {
        /// The limit.
        limit: usize,
    },
}

impl SyntaxErrorKind {
    pub(crate) fn too_long(limits: &Limits) -> Self {
        Self::TooLong { limit: limits.bytes }
    }
}

impl fmt::Display for SyntaxErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expected(expected) => write!(f, "expected {expected}"),
            Self::UnterminatedString => f.write_str("string without closing quote"),
            Self::InvalidEscape => f.write_str("string with an invalid escape"),
            Self::ControlCharacter => f.write_str("string with an unescaped control character"),
            Self::NulCharacter => f.write_str("string with U+0000"),
            Self::NumberOutOfRange => f.write_str("number out of range"),
            Self::NestedValuePath => f.write_str("value path inside another"),
            Self::TooLong { limit } => write!(f, "more than {limit} bytes"),
            Self::TooDeep { limit } => write!(f, "more than {limit} levels of nesting"),
            Self::TooManyTerms { limit } => write!(f, "more than {limit} terms"),
        }
    }
}

/// What the parser could have gone on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// An attribute path, `not` or `(`.
    Term,
    /// An attribute's name: a letter (after `$`, perhaps), then letters, digits, `-`, `_`, `$`.
    AttributeName,
    /// A URI before the last colon of an attribute path.
    SchemaUri,
    /// What can follow an attribute path: a sub-attribute, brackets, or a space and an operator.
    AfterAttributePath,
    /// An operator.
    Operator,
    /// A space.
    Space,
    /// An operand: a JSON string, number, `true`, `false` or `null`.
    Value,
    /// `and`, `or`, or the end of what a term can be part of.
    AfterTerm,
    /// `)`.
    ClosingParenthesis,
    /// `]`.
    ClosingBracket,
    /// The end of the text.
    End,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Term => "an attribute path, `not` or `(`",
            Self::AttributeName => "an attribute name",
            Self::SchemaUri => "a schema URI before the last colon",
            Self::AfterAttributePath => "`.`, `[` or a space and an operator",
            Self::Operator => "an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr)",
            Self::Space => "a space",
            Self::Value => "a JSON string or number, `true`, `false` or `null`",
            Self::AfterTerm => "`and`, `or` or the end",
            Self::ClosingParenthesis => "`)`",
            Self::ClosingBracket => "`]`",
            Self::End => "the end",
        })
    }
}

/// A filter that can be parsed but has no meaning for the resource type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` at byte {position}: {kind}", shorten(path))]
pub struct ResolveError {
    path: Box<str>,
    position: usize,
    kind: ResolveErrorKind,
    fired: Quirks,
}

impl ResolveError {
    pub(crate) fn new(path: &str, position: usize, kind: ResolveErrorKind) -> Self {
        Self { path: path.into(), position, kind, fired: Quirks::NONE }
    }

    /// The same, with more quirks that fired before it.
    pub(crate) fn after(mut self, fired: Quirks) -> Self {
        self.fired.extend(fired);
        self
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> ResolveErrorKind {
        self.kind
    }

    /// The attribute path that it is about, as written.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where it is wrong, in bytes from the beginning of the filter: the operand if that is at
    /// fault, else the attribute path.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// The quirks that were made use of until then: while resolving, and while parsing if that was
    /// done by [`ResolvedFilter::parse`](crate::ResolvedFilter::parse).
    #[must_use]
    pub fn fired(&self) -> Quirks {
        self.fired
    }
}

impl From<ResolveError> for ScimError {
    /// 400 `invalidFilter`; for an attribute that is never returned, 403 `sensitive` (RFC 7644
    /// §7.5.2, erratum 6893), which is 400 for a POST to `.search`.
    fn from(error: ResolveError) -> Self {
        let scim_type = match error.kind {
            ResolveErrorKind::Sensitive => ScimType::Sensitive,
            _ => ScimType::InvalidFilter,
        };
        Self::new(scim_type, format!("filter: {error}"))
    }
}

/// The kinds of [`ResolveError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResolveErrorKind {
    /// The attribute is never returned, so a filter must not tell its values either.
    Sensitive,
    /// No schema defines the attribute, and the profile validates that.
    UnknownAttribute,
    /// The path is the URN of a schema, without an attribute.
    NotAnAttribute,
    /// The attribute is complex and has no `value` to compare.
    NoValue,
    /// The attribute is followed by brackets and is neither complex nor multi-valued.
    NoElements,
    /// Values of this type can't be compared by this operator.
    UnsupportedOperator {
        /// The operator.
        operator: Operator,
        /// The attribute's type.
        attribute_type: AttributeType,
    },
    /// The operand is not of the attribute's type.
    OperandType {
        /// The attribute's type.
        attribute_type: AttributeType,
    },
    /// The operand is null, which only `eq` and `ne` can compare with.
    NullOperand {
        /// The operator.
        operator: Operator,
    },
}

impl fmt::Display for ResolveErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sensitive => f.write_str("never returned, so it can't be filtered by"),
            Self::UnknownAttribute => f.write_str("no such attribute"),
            Self::NotAnAttribute => f.write_str("names a schema, not an attribute"),
            Self::NoValue => {
                f.write_str("complex without a `value`; name one of its sub-attributes")
            }
            Self::NoElements => {
                f.write_str("neither complex nor multi-valued, so it has no brackets")
            }
            Self::UnsupportedOperator { operator, attribute_type } => {
                write!(f, "`{operator}` does not apply to type {}", name_of(*attribute_type))
            }
            Self::OperandType { attribute_type } => {
                write!(f, "the operand is not of type {}", name_of(*attribute_type))
            }
            Self::NullOperand { operator } => write!(f, "`{operator}` does not apply to null"),
        }
    }
}

/// The type's name in a schema.
fn name_of(attribute_type: AttributeType) -> &'static str {
    match attribute_type {
        AttributeType::String => "string",
        AttributeType::Boolean => "boolean",
        AttributeType::Decimal => "decimal",
        AttributeType::Integer => "integer",
        AttributeType::DateTime => "dateTime",
        AttributeType::Binary => "binary",
        AttributeType::Reference => "reference",
        AttributeType::Complex => "complex",
    }
}

/// A filter that can't be parsed or has no meaning for the resource type.
///
/// Exhaustive: these are the two steps there are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// It can't be parsed.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// It has no meaning for the resource type.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
}

impl FilterError {
    /// The quirks that were made use of until then.
    #[must_use]
    pub fn fired(&self) -> Quirks {
        match self {
            Self::Syntax(error) => error.fired(),
            Self::Resolve(error) => error.fired(),
        }
    }
}

impl From<FilterError> for ScimError {
    fn from(error: FilterError) -> Self {
        match error {
            FilterError::Syntax(error) => error.into(),
            FilterError::Resolve(error) => error.into(),
        }
    }
}
