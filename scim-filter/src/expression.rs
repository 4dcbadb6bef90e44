//! A filter whose names and operands are those of a resource type.

use scim_core::{AttributeRef, DateTime};

use crate::operator::Operator;

/// A filter whose attributes are looked up and whose operands have the attributes' types.
///
/// What it means is said here once, and [`ResolvedFilter::matches`] and [`ValueFilter::matches`]
/// do it in memory; a store that translates it into queries of its own has to give the same answer.
///
/// It is evaluated for a resource, or, inside [`Elements`](Self::Elements) and in a
/// [`ValueFilter`], for one element of an attribute. It is in simplest form: [`Constant`] stands
/// only at the root or in [`Elements`](Self::Elements), a chain has two or more terms of which none
/// is a chain of the same kind, and a negation is never of a negation.
///
/// Exhaustive: whoever translates it must know all of it.
///
/// [`ResolvedFilter::matches`]: crate::ResolvedFilter::matches
/// [`ValueFilter`]: crate::ValueFilter
/// [`ValueFilter::matches`]: crate::ValueFilter::matches
/// [`Constant`]: Self::Constant
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// Always or never, as after a test of an attribute that no schema defines.
    Constant(bool),
    /// All hold.
    And(Vec<Expression>),
    /// At least one holds.
    Or(Vec<Expression>),
    /// It does not hold.
    Not(Box<Expression>),
    /// At least one of the values is not empty. Empty are the empty string, and an object or array
    /// with nothing in it that is not empty.
    Present(Subject),
    /// At least one of the values meets the test. If there are no values, what counts is whether
    /// the test takes none: [`Test::takes_no_value`].
    Compare(Subject, Test),
    /// At least one of the attribute's values meets the inner expression, which is evaluated for it
    /// as an element.
    Elements(AttributeRef, Box<Expression>),
}

impl Expression {
    /// Whether it looks at the attribute of that name of the core schema, or at a part of it.
    #[must_use]
    pub fn looks_at(&self, name: &str) -> bool {
        let is_it = |attribute: &AttributeRef| {
            attribute.extension().is_none() && attribute.attribute().name == name
        };
        match self {
            Self::And(terms) | Self::Or(terms) => terms.iter().any(|term| term.looks_at(name)),
            Self::Not(inner) => inner.looks_at(name),
            Self::Present(Subject::Attribute(attribute))
            | Self::Compare(Subject::Attribute(attribute), _)
            | Self::Elements(attribute, _) => is_it(attribute),
            Self::Constant(_)
            | Self::Present(Subject::Element)
            | Self::Compare(Subject::Element, _) => false,
        }
    }
}

/// Where the values of a test come from.
///
/// The values are those that are not null: of a multi-valued attribute its elements, and of a
/// sub-attribute of one those of all elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An attribute, or a sub-attribute. For an element it is a sub-attribute of that element,
    /// given by its full path.
    Attribute(AttributeRef),
    /// The element itself: `value` in the brackets of an attribute that is not complex.
    Element,
}

/// A comparison with an operand of the attribute's type. A value that is not of that type, which
/// canonical JSON never holds, is treated as none.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// Of strings, references and binary values, and of the text of a dateTime by `co`, `sw` and
    /// `ew`. The order is that of Unicode code points.
    Text {
        /// Any operator.
        operator: Operator,
        /// The operand, put through [`fold`](scim_core::fold) if values are.
        operand: Box<str>,
        /// Whether a value is put through [`fold`](scim_core::fold) before it is compared, since
        /// the attribute is not `caseExact`.
        is_folded: bool,
    },
    /// Of booleans.
    Boolean {
        /// Whether the value has to differ (`ne`) rather than be equal (`eq`).
        is_negated: bool,
        /// The operand.
        operand: bool,
    },
    /// Of integers.
    Integer {
        /// Any operator but `co`, `sw` and `ew`.
        operator: Operator,
        /// The operand.
        operand: i64,
    },
    /// Of decimals.
    Decimal {
        /// Any operator but `co`, `sw` and `ew`.
        operator: Operator,
        /// The operand, which is finite.
        operand: f64,
    },
    /// Of dateTimes, as instants.
    Instant {
        /// Any operator but `co`, `sw` and `ew`.
        operator: Operator,
        /// The operand.
        operand: DateTime,
    },
}

impl Test {
    /// Whether no value at all meets the test. That is so for `ne` alone: no value counts as one
    /// null, which differs from every operand (errata F4).
    #[must_use]
    pub fn takes_no_value(&self) -> bool {
        match self {
            Self::Text { operator, .. }
            | Self::Integer { operator, .. }
            | Self::Decimal { operator, .. }
            | Self::Instant { operator, .. } => *operator == Operator::NotEqual,
            Self::Boolean { is_negated, .. } => *is_negated,
        }
    }
}

impl Expression {
    /// How many comparisons, tests for presence and tests of elements it has: what evaluating it
    /// once costs at most, for a work budget.
    #[must_use]
    pub fn terms(&self) -> usize {
        match self {
            Self::Constant(_) => 0,
            Self::And(terms) | Self::Or(terms) => terms.iter().map(Self::terms).sum(),
            Self::Not(inner) => inner.terms(),
            Self::Present(_) | Self::Compare(..) => 1,
            Self::Elements(_, inner) => 1 + inner.terms(),
        }
    }

    /// All of them, in simplest form.
    pub(crate) fn all(terms: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(terms, true)
    }

    /// Any of them, in simplest form.
    pub(crate) fn any(terms: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(terms, false)
    }

    /// A chain of `and`, whose neutral term is true, or of `or`, whose neutral term is false.
    fn joined(terms: impl IntoIterator<Item = Self>, neutral: bool) -> Self {
        let mut joined = Vec::new();
        for term in terms {
            match term {
                Self::Constant(value) if value == neutral => {}
                Self::Constant(_) => return Self::Constant(!neutral),
                Self::And(inner) if neutral => joined.extend(inner),
                Self::Or(inner) if !neutral => joined.extend(inner),
                other => joined.push(other),
            }
        }
        match (joined.pop(), joined.is_empty()) {
            (None, _) => Self::Constant(neutral),
            (Some(only), true) => only,
            (Some(last), false) => {
                joined.push(last);
                if neutral { Self::And(joined) } else { Self::Or(joined) }
            }
        }
    }

    /// Its negation, in simplest form.
    pub(crate) fn negated(self) -> Self {
        match self {
            Self::Constant(value) => Self::Constant(!value),
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }
}
