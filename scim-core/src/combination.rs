//! The same (type, value) combination is held once (RFC 7643 §2.4).

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use crate::fold::{fold, folded_eq};
use crate::schema::Attribute;

/// Up to so many elements are compared with each other; more are looked up.
const FEW: usize = 16;

/// Puts elements with the same `value` and `type` together, in the place of the first, where what a
/// later one says counts, as when a PATCH adds it. Elements without a `value`, and attributes without
/// `type`, stay as they are.
pub(crate) fn once_each(attribute: &Attribute, elements: &mut Vec<Value>) {
    let (Some(value), Some(kind)) =
        (attribute.sub_attribute("value"), attribute.sub_attribute("type"))
    else {
        return;
    };
    if elements.len() < 2 {
        return;
    }
    let mut kept: Vec<Value> = Vec::with_capacity(elements.len());
    let many = elements.len() > FEW;
    let mut positions: HashMap<(String, Option<String>), usize> = HashMap::new();
    for element in elements.drain(..) {
        let Some(own) = element.get("value") else {
            kept.push(element);
            continue;
        };
        let before = if many {
            let key = (
                normal(value, own).into_owned(),
                element.get("type").map(|own| normal(kind, own).into_owned()),
            );
            let next = kept.len();
            let position = *positions.entry(key).or_insert(next);
            (position < next).then_some(position)
        } else {
            kept.iter().position(|present| {
                present.get("value").is_some_and(|present| same(value, present, own))
                    && match (present.get("type"), element.get("type")) {
                        (Some(present), Some(own)) => same(kind, present, own),
                        (present, own) => present == own,
                    }
            })
        };
        match before.and_then(|position| kept.get_mut(position)) {
            Some(present) => merge(present, element),
            None => kept.push(element),
        }
    }
    *elements = kept;
}

fn merge(present: &mut Value, again: Value) {
    if let (Value::Object(present), Value::Object(again)) = (present, again) {
        present.extend(again);
    }
}

fn same(attribute: &Attribute, a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) if !attribute.compares_exactly() => folded_eq(a, b),
        (a, b) => a == b,
    }
}

/// A text that is equal for what [`same`] calls so.
fn normal<'v>(attribute: &Attribute, value: &'v Value) -> Cow<'v, str> {
    match value {
        Value::String(text) if attribute.compares_exactly() => text.into(),
        Value::String(text) => fold(text),
        other => other.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ResourceType;

    fn emails(mut elements: Vec<Value>) -> Vec<Value> {
        let user = ResourceType::user();
        let emails = user.attribute("emails").unwrap();
        once_each(emails.attribute(), &mut elements);
        elements
    }

    #[test]
    fn one_of_a_combination_stays_with_what_each_says() {
        let given = vec![
            json!({"value": "a@example.com", "type": "work", "display": "1"}),
            json!({"value": "a@example.com", "type": "home"}),
            json!({"value": "a@example.com"}),
            json!({"value": "A@Example.com", "type": "Work", "display": "2", "primary": true}),
            json!({"type": "work"}),
            json!({"type": "work"}),
            json!({"value": "a@example.com", "primary": false}),
        ];
        let expected = [
            json!({"value": "A@Example.com", "type": "Work", "display": "2", "primary": true}),
            json!({"value": "a@example.com", "type": "home"}),
            json!({"value": "a@example.com", "primary": false}),
            json!({"type": "work"}),
            json!({"type": "work"}),
        ];
        assert_eq!(emails(given), expected);
    }

    #[test]
    fn few_and_many_are_treated_alike() {
        let element = |i: usize| {
            let value = ["ａ", "A", "b", "straße", "STRASSE", "c"][i % 6];
            match i % 4 {
                0 => json!({"value": value, "type": "work"}),
                1 => json!({"value": value, "type": "Work", "display": i}),
                2 => json!({"value": value}),
                _ => json!({"display": i}),
            }
        };
        for length in 0..=FEW {
            let few: Vec<Value> = (0..length).map(element).collect();
            let distinct = (0..=FEW).map(|i| json!({"value": format!("distinct {i}")}));
            let many: Vec<Value> = few.iter().cloned().chain(distinct.clone()).collect();
            let mut expected = emails(few);
            expected.extend(distinct);
            assert_eq!(emails(many), expected);
        }
    }
}
