//! Why a filter is not to be had in SQL.

use scim_core::AttributeRef;
use thiserror::Error;

/// Why a mapping cannot express a filter.
///
/// Non-exhaustive: mappings may come to have other limits.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SqlError {
    /// The mapping does not say where the attribute is.
    #[error("`{attribute}` is not mapped")]
    Unmapped {
        /// The path of the attribute.
        attribute: String,
    },
    /// The attribute is not `caseExact`, and what is mapped is text as it was sent, without a
    /// function that folds it.
    #[error(
        "`{attribute}` compares without regard to case, but is mapped to text that is not folded"
    )]
    NotFolded {
        /// The path of the attribute.
        attribute: String,
    },
    /// What is mapped does not hold what the comparison needs.
    #[error("`{attribute}` is not mapped to {needed}")]
    Form {
        /// The path of the attribute.
        attribute: String,
        /// What the comparison needs.
        needed: &'static str,
    },
    /// There are more operands than a statement can have parameters.
    #[error("the filter has more than {limit} operands")]
    TooManyOperands {
        /// How many there may be.
        limit: usize,
    },
}

impl SqlError {
    pub(super) fn unmapped(attribute: &AttributeRef) -> Self {
        Self::Unmapped { attribute: attribute.to_string() }
    }
}
