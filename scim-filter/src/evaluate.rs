//! Evaluation in memory, which is what every store has to agree with.

use std::cmp::Ordering;

use scim_core::{AttributeRef, DateTime, fold};
use serde_json::{Map, Value};

use crate::expression::{Expression, Subject, Test};
use crate::operator::Operator;

/// What an expression is evaluated for.
#[derive(Clone, Copy)]
pub(crate) enum Candidate<'a> {
    /// A resource in canonical JSON, as it is sent out.
    Resource(&'a Map<String, Value>),
    /// One element of an attribute.
    Element(&'a Value),
}

impl Expression {
    /// Whether it holds for a resource of the type that it was resolved for, given in canonical
    /// JSON as a whole: with `id` and `meta`, and its extensions under their URN.
    #[must_use]
    pub fn matches(&self, resource: &Map<String, Value>) -> bool {
        self.holds(Candidate::Resource(resource))
    }

    pub(crate) fn holds(&self, candidate: Candidate<'_>) -> bool {
        match self {
            Self::Constant(value) => *value,
            Self::And(terms) => terms.iter().all(|term| term.holds(candidate)),
            Self::Or(terms) => terms.iter().any(|term| term.holds(candidate)),
            Self::Not(inner) => !inner.holds(candidate),
            Self::Present(subject) => candidate.any(subject, is_not_empty).is_some_and(|met| met),
            Self::Compare(subject, test) => candidate
                .any(subject, |value| test.holds(value))
                .unwrap_or_else(|| test.takes_no_value()),
            Self::Elements(attribute, inner) => candidate
                .any_of(attribute, |element| inner.holds(Candidate::Element(element)))
                .is_some_and(|met| met),
        }
    }
}

impl<'a> Candidate<'a> {
    /// Whether any of the subject's values meets the condition; `None` if it has no values.
    fn any(self, subject: &Subject, condition: impl Fn(&'a Value) -> bool) -> Option<bool> {
        match (subject, self) {
            (Subject::Attribute(attribute), _) => self.any_of(attribute, condition),
            (Subject::Element, Self::Element(element)) => any(elements(Some(element)), condition),
            // Resolution makes this subject for elements only.
            (Subject::Element, Self::Resource(_)) => None,
        }
    }

    /// The same for the values of an attribute.
    fn any_of(
        self,
        attribute: &AttributeRef,
        condition: impl Fn(&'a Value) -> bool,
    ) -> Option<bool> {
        match self {
            Self::Resource(resource) => any(attribute.values(resource), condition),
            Self::Element(element) => any(elements(element.get(&attribute.leaf().name)), condition),
        }
    }
}

fn any<'a>(
    mut values: impl Iterator<Item = &'a Value>,
    condition: impl Fn(&'a Value) -> bool,
) -> Option<bool> {
    let first = values.next()?;
    Some(condition(first) || values.any(condition))
}

/// The values that are not null: the value itself, or the elements of an array.
fn elements(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value
        .map_or(&[][..], |value| match value {
            Value::Array(elements) => elements,
            one => std::slice::from_ref(one),
        })
        .iter()
        .filter(|value| !value.is_null())
}

/// Whether there is anything in it (RFC 7644 Table 3, `pr`).
fn is_not_empty(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => elements.iter().any(is_not_empty),
        Value::Object(parts) => parts.values().any(is_not_empty),
    }
}

impl Test {
    /// Whether a value that is not null meets the test.
    fn holds(&self, value: &Value) -> bool {
        match self {
            Self::Text { operator, operand, is_folded } => {
                value.as_str().map(|text| compare_text(text, *operator, operand, *is_folded))
            }
            Self::Boolean { is_negated, operand } => {
                value.as_bool().map(|value| (value == *operand) != *is_negated)
            }
            Self::Integer { operator, operand } => {
                value.as_i64().map(|value| is_met(*operator, Some(value.cmp(operand))))
            }
            Self::Decimal { operator, operand } => {
                value.as_f64().map(|value| is_met(*operator, value.partial_cmp(operand)))
            }
            Self::Instant { operator, operand } => value
                .as_str()
                .and_then(|text| text.parse::<DateTime>().ok())
                .map(|value| is_met(*operator, Some(value.cmp(operand)))),
        }
        .unwrap_or_else(|| self.takes_no_value())
    }
}

fn compare_text(value: &str, operator: Operator, operand: &str, is_folded: bool) -> bool {
    let value = match (is_folded, operator) {
        (false, _) => value.into(),
        // What `fold` does to ASCII, without a copy.
        (true, Operator::Equal) if value.is_ascii() => return value.eq_ignore_ascii_case(operand),
        (true, Operator::NotEqual) if value.is_ascii() => {
            return !value.eq_ignore_ascii_case(operand);
        }
        (true, _) => fold(value),
    };
    match operator {
        Operator::Contains => value.contains(operand),
        Operator::StartsWith => value.starts_with(operand),
        Operator::EndsWith => value.ends_with(operand),
        _ => is_met(operator, Some((*value).cmp(operand))),
    }
}

/// Whether a value that compares so with the operand meets the operator; `None` for values without
/// an order.
fn is_met(operator: Operator, ordering: Option<Ordering>) -> bool {
    match operator {
        Operator::Equal => ordering == Some(Ordering::Equal),
        Operator::NotEqual => ordering != Some(Ordering::Equal),
        Operator::GreaterThan => ordering == Some(Ordering::Greater),
        Operator::GreaterOrEqual => ordering.is_some_and(Ordering::is_ge),
        Operator::LessThan => ordering == Some(Ordering::Less),
        Operator::LessOrEqual => ordering.is_some_and(Ordering::is_le),
        // Only text has parts.
        Operator::Contains | Operator::StartsWith | Operator::EndsWith => false,
    }
}
