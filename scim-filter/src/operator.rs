//! The attribute operators of RFC 7644 Table 3 that take an operand.

use std::fmt;

/// An attribute operator that compares with an operand (RFC 7644 §3.4.2.2, Table 3). `pr`, which
/// takes none, is [`Filter::Present`](crate::Filter::Present).
///
/// Exhaustive: a server must refuse operators that it does not know (RFC 7644 §3.4.2.2), so a new
/// one would be a change for every user of this type anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `eq`: the values are identical.
    Equal,
    /// `ne`: the values are not identical.
    NotEqual,
    /// `co`: the operand is a substring of the value.
    Contains,
    /// `sw`: the value starts with the operand.
    StartsWith,
    /// `ew`: the value ends with the operand.
    EndsWith,
    /// `gt`: the value is greater than the operand.
    GreaterThan,
    /// `ge`: the value is greater than the operand or equal to it.
    GreaterOrEqual,
    /// `lt`: the value is less than the operand.
    LessThan,
    /// `le`: the value is less than the operand or equal to it.
    LessOrEqual,
}

impl Operator {
    /// Every operator, in the order of Table 3 (without `pr`).
    pub const ALL: [Self; 9] = [
        Self::Equal,
        Self::NotEqual,
        Self::Contains,
        Self::StartsWith,
        Self::EndsWith,
        Self::GreaterThan,
        Self::GreaterOrEqual,
        Self::LessThan,
        Self::LessOrEqual,
    ];

    /// The operator as it is written in a filter, in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::Contains => "co",
            Self::StartsWith => "sw",
            Self::EndsWith => "ew",
            Self::GreaterThan => "gt",
            Self::GreaterOrEqual => "ge",
            Self::LessThan => "lt",
            Self::LessOrEqual => "le",
        }
    }

    /// The operator that two letters in lower case spell.
    pub(crate) const fn from_lower(letters: [u8; 2]) -> Option<Self> {
        Some(match &letters {
            b"eq" => Self::Equal,
            b"ne" => Self::NotEqual,
            b"co" => Self::Contains,
            b"sw" => Self::StartsWith,
            b"ew" => Self::EndsWith,
            b"gt" => Self::GreaterThan,
            b"ge" => Self::GreaterOrEqual,
            b"lt" => Self::LessThan,
            b"le" => Self::LessOrEqual,
            _ => return None,
        })
    }

    /// Whether it looks for a substring (`co`, `sw`, `ew`).
    #[must_use]
    pub const fn is_substring(self) -> bool {
        matches!(self, Self::Contains | Self::StartsWith | Self::EndsWith)
    }

    /// Whether it needs an order among values (`gt`, `ge`, `lt`, `le`).
    #[must_use]
    pub const fn is_ordering(self) -> bool {
        matches!(
            self,
            Self::GreaterThan | Self::GreaterOrEqual | Self::LessThan | Self::LessOrEqual
        )
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
