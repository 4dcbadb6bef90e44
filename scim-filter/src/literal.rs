//! The operand of a comparison.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

/// The operand of a comparison: a JSON literal (RFC 7644 §3.4.2.2, `compValue`).
///
/// Exhaustive: the grammar names these and no others. A number is an [`Integer`](Self::Integer) if
/// it was written without fraction and exponent, so `1` and `1.0` are different literals; what they
/// mean to an attribute is for resolution to say.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal<'a> {
    /// A string, its escapes resolved; borrowed where it had none. It holds no U+0000.
    String(Cow<'a, str>),
    /// A number without fraction and exponent.
    Integer(i64),
    /// A number with fraction or exponent. Finite, as JSON has no other numbers.
    Decimal(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// `null`.
    Null,
}

impl Literal<'_> {
    /// The literal as a JSON value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::String(text) => Value::from(&**text),
            Self::Integer(number) => Value::from(*number),
            Self::Decimal(number) => Value::from(*number),
            Self::Boolean(value) => Value::from(*value),
            Self::Null => Value::Null,
        }
    }
}

impl fmt::Display for Literal<'_> {
    /// The literal as JSON. A decimal keeps a fraction or an exponent, so that it is read back as
    /// one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => {
                f.write_str(&serde_json::to_string(text).map_err(|_| fmt::Error)?)
            }
            Self::Integer(number) => write!(f, "{number}"),
            // `Debug` prints the shortest digits that read back as the same number, and never
            // without fraction or exponent.
            Self::Decimal(number) => write!(f, "{number:?}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Null => f.write_str("null"),
        }
    }
}

impl<'a> From<&'a str> for Literal<'a> {
    fn from(text: &'a str) -> Self {
        Self::String(Cow::Borrowed(text))
    }
}

impl From<String> for Literal<'_> {
    fn from(text: String) -> Self {
        Self::String(Cow::Owned(text))
    }
}

impl From<i64> for Literal<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for Literal<'_> {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}
