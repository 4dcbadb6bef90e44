//! The order of sorted results (RFC 7644 §3.4.2.3).

use std::cmp::Ordering;

use scim_core::{
    AttributeRef, AttributeType, DateTime, ResourceType, Result, ScimError, ScimType, SortOrder,
    fold, is_primary, shorten,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::backend::{BackendError, Position, Query, Start};

/// Text is told apart by this many bytes of its folded form; what is equal so far stays in the
/// order of creation. It bounds the size of a cursor.
const TEXT_BYTES: usize = 256;

/// What a resource is sorted by: the value of one attribute, in a form that compares.
///
/// Unassigned is greater than any value: last when ascending, first when descending.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SortKey {
    /// A boolean; `false` comes first.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A decimal, as a whole number in the same order.
    Decimal(i64),
    /// An instant in microseconds.
    Instant(i64),
    /// Text, folded unless the attribute is `caseExact`, cut at 256 bytes.
    Text(String),
    /// No value.
    Unassigned,
}

impl SortKey {
    /// The key of a resource in canonical JSON: its value of the attribute; of several, the primary
    /// one or else the first.
    #[must_use]
    pub fn of(attribute: &AttributeRef, resource: &Map<String, Value>) -> Self {
        let value = match attribute.attribute_value(resource) {
            Some(Value::Array(elements)) => {
                elements.iter().find(|e| is_primary(e)).or(elements.first())
            }
            single => single,
        };
        let value = match attribute.sub_attribute() {
            Some(sub) => value.and_then(|v| v.get(&sub.name)),
            None => value,
        };
        let leaf = attribute.leaf();
        let key = match (leaf.attribute_type, value) {
            (_, None | Some(Value::Null)) => None,
            (AttributeType::Boolean, Some(value)) => value.as_bool().map(Self::Boolean),
            (AttributeType::Integer, Some(value)) => value.as_i64().map(Self::Integer),
            (AttributeType::Decimal, Some(value)) => value.as_f64().map(|n| {
                // The bits of floats order like whole numbers once those of negative ones are
                // turned round; adding zero makes -0 into 0.
                let bits = (n + 0.0).to_bits().cast_signed();
                Self::Decimal(bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed())
            }),
            (AttributeType::DateTime, Some(value)) => {
                let instant = value.as_str().and_then(|t| t.parse::<DateTime>().ok());
                instant.map(|t| Self::Instant(t.as_micros()))
            }
            (_, Some(value)) => value.as_str().map(|text| {
                let text = if leaf.compares_exactly() { text.into() } else { fold(text) };
                let end =
                    (0..=TEXT_BYTES.min(text.len())).rev().find(|i| text.is_char_boundary(*i));
                Self::Text(text.get(..end.unwrap_or(0)).unwrap_or_default().to_owned())
            }),
        };
        key.unwrap_or(Self::Unassigned)
    }
}

/// What `sortBy` names; `None` when no schema of the type defines it: then it has no value.
///
/// # Errors
/// 400 `invalidPath` for a complex attribute without a `value` (errata.md F2 says the same of
/// filters), `sensitive` for one that is never returned.
pub(crate) fn resolve(resource_type: &ResourceType, sort_by: &str) -> Result<Option<AttributeRef>> {
    let Some(mut attribute) = resource_type
        .attribute(sort_by)
        .or_else(|| resource_type.unqualified_extension_attribute(sort_by))
    else {
        return Ok(None);
    };
    if attribute.leaf().is_complex() {
        attribute = attribute.child("value").ok_or_else(|| {
            ScimError::invalid_path(format!(
                "`sortBy`: `{}` is complex; name one of its sub-attributes",
                shorten(sort_by)
            ))
        })?;
    }
    if attribute.attribute().is_never_returned() || attribute.leaf().is_never_returned() {
        return Err(ScimError::new(
            ScimType::Sensitive,
            format!("`sortBy`: `{}` is never returned", shorten(sort_by)),
        ));
    }
    Ok(Some(attribute))
}

/// A page of a sorted query: the items, and where the next page begins.
#[derive(Debug)]
pub struct SortedPage<T> {
    /// The items of the page, in order.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<Position>,
    /// How many matches there are over all pages.
    pub total: u64,
}

/// Where a page of a sorted query ended.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place<S> {
    key: SortKey,
    sequence: S,
}

/// The page that a sorted query asks for, out of all its matches: each with its key, and a sequence
/// that is unique and grows with the time of creation, such as a number. For backends that have
/// nothing better than to sort in memory.
///
/// Results that compare equal stay in the order of creation, whichever way one sorts. `members`
/// tells how many members of an item the page will hold; see [`Query::member_limit`].
///
/// # Errors
/// 400 `invalidCursor` when the position is not one of a sorted query; what `members` gives.
pub fn sorted_page<S, T, E>(
    matches: Vec<(SortKey, S, T)>,
    order: SortOrder,
    query: &Query,
    mut members: impl FnMut(&T) -> Result<usize, E>,
) -> Result<SortedPage<T>, E>
where
    S: Ord + Serialize + DeserializeOwned,
    E: From<BackendError>,
{
    let total = matches.len() as u64;
    let rest = from_start(matches, order, &query.start)?;
    let (mut items, mut last, mut held) = (Vec::new(), None, 0);
    let mut more = false;
    for (key, sequence, item) in rest {
        let added = if items.len() < query.count { members(&item)? } else { 0 };
        more =
            items.len() >= query.count || (!items.is_empty() && held + added > query.member_limit);
        if more {
            break;
        }
        held += added;
        items.push(item);
        last = Some((key, sequence));
    }
    let next = match last {
        Some((key, sequence)) if more => Some(position_after(key, sequence)?),
        _ => None,
    };
    Ok(SortedPage { items, next, total })
}

/// The position after the match with that key and sequence.
pub(crate) fn position_after<S: Serialize>(
    key: SortKey,
    sequence: S,
) -> Result<Position, BackendError> {
    Position::of(&Place { key, sequence })
}

/// The matches in order, from where a page begins.
///
/// # Errors
/// 400 `invalidCursor` when the position is not one of a sorted query.
pub(crate) fn from_start<S, T>(
    mut matches: Vec<(SortKey, S, T)>,
    order: SortOrder,
    start: &Start,
) -> Result<impl Iterator<Item = (SortKey, S, T)>, BackendError>
where
    S: Ord + DeserializeOwned,
{
    let compare = |a: (&SortKey, &S), b: (&SortKey, &S)| {
        let by_key = match order {
            SortOrder::Ascending => a.0.cmp(b.0),
            SortOrder::Descending => b.0.cmp(a.0),
        };
        by_key.then(a.1.cmp(b.1))
    };
    matches.sort_unstable_by(|a, b| compare((&a.0, &a.1), (&b.0, &b.1)));
    let first = match start {
        Start::Offset(offset) => usize::try_from(*offset).unwrap_or(usize::MAX),
        Start::After(position) => {
            let place: Place<S> = position.read()?;
            let after = (&place.key, &place.sequence);
            matches.partition_point(|m| compare((&m.0, &m.1), after) != Ordering::Greater)
        }
    };
    Ok(matches.into_iter().skip(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(n: f64) -> SortKey {
        let resource_type = {
            let mut registry = scim_core::Registry::empty();
            registry
                .add_schema_json(
                    r#"{"id": "urn:t", "attributes": [{"name": "n", "type": "decimal"}]}"#,
                )
                .unwrap();
            registry
                .add_resource_type_json(r#"{"name": "T", "endpoint": "/T", "schema": "urn:t"}"#)
                .unwrap()
        };
        let Value::Object(resource) = serde_json::json!({"n": n}) else { unreachable!() };
        SortKey::of(&resource_type.attribute("n").unwrap(), &resource)
    }

    #[test]
    fn decimals_order_as_numbers() {
        let numbers = [-1e300, -2.5, -1.0, -0.0, 1e-300, 1.0, 2.5, 1e300];
        for pair in numbers.windows(2) {
            assert!(decimal(pair[0]) < decimal(pair[1]), "{pair:?}");
        }
        assert_eq!(decimal(-0.0), decimal(0.0));
    }

    #[test]
    fn what_has_no_value_is_last() {
        assert!(SortKey::Text("\u{10ffff}".to_owned()) < SortKey::Unassigned);
    }
}
