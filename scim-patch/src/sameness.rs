//! When two values are the same value, and two elements of an attribute the same element.

use scim_core::{Attribute, AttributeType, DateTime, Mutability, fold, refers_to_resource};
use serde_json::{Map, Value};

/// What makes an element of a multi-valued attribute the one it is.
///
/// RFC 7643 §2.4 asks that no (`type`, `value`) combination be returned twice, so these two name an
/// element; a reference to another resource is named by its `value` alone. An element without
/// `value` is named by all that it holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// `value`, and `type` where the element has one.
    Value(String, Option<String>),
    /// The whole element, without its readOnly parts, which no client can give.
    Whole(String),
}

/// How the elements of one multi-valued attribute are told apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sameness<'a> {
    attribute: &'a Attribute,
    value: Option<&'a Attribute>,
    kind: Option<&'a Attribute>,
    reference: bool,
}

impl<'a> Sameness<'a> {
    pub(crate) fn of(attribute: &'a Attribute) -> Self {
        let reference = refers_to_resource(attribute);
        let part = |name| attribute.sub_attribute(name).map(|sub| &**sub);
        Self {
            attribute,
            value: part("value"),
            kind: if reference { None } else { part("type") },
            reference,
        }
    }

    /// Whether the elements refer to other resources.
    pub(crate) fn is_reference(&self) -> bool {
        self.reference
    }

    pub(crate) fn key(&self, element: &Value) -> Key {
        let Value::Object(object) = element else {
            return Key::Value(normal(self.attribute, element), None);
        };
        let part = |sub: Option<&Attribute>| {
            sub.and_then(|sub| object.get(&sub.name).map(|value| normal(sub, value)))
        };
        match part(self.value) {
            Some(value) => Key::Value(value, part(self.kind)),
            None => Key::Whole(Value::Object(self.without_read_only(object)).to_string()),
        }
    }

    fn without_read_only(&self, object: &Map<String, Value>) -> Map<String, Value> {
        let given = |name: &str| {
            self.attribute.sub_attribute(name).is_none_or(|s| s.mutability != Mutability::ReadOnly)
        };
        object.iter().filter(|(k, _)| given(k)).map(|(k, v)| (k.clone(), v.clone())).collect()
    }
}

/// Whether two values of a simple attribute are the same value: text with or without regard to
/// case, as the schema has it, and dates as instants.
pub(crate) fn same_value(attribute: &Attribute, a: &Value, b: &Value) -> bool {
    a == b || (!attribute.is_complex() && normal(attribute, a) == normal(attribute, b))
}

/// A text that is equal for the same values of an attribute and for no others.
fn normal(attribute: &Attribute, value: &Value) -> String {
    match value {
        // Instants, whatever the zone, as filters have it.
        Value::String(text) if attribute.attribute_type == AttributeType::DateTime => {
            text.parse::<DateTime>().map_or_else(|_| text.clone(), |at| at.as_micros().to_string())
        }
        Value::String(text) if attribute.compares_exactly() => text.clone(),
        Value::String(text) => fold(text).into_owned(),
        // 1 and 1.0 are one decimal, and so are 0 and -0.
        Value::Number(number) if attribute.attribute_type == AttributeType::Decimal => {
            (number.as_f64().unwrap_or_default() + 0.0).to_string()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use scim_core::ResourceType;
    use serde_json::json;

    use super::*;

    fn same(attribute: &str, a: &Value, b: &Value) -> bool {
        let user = ResourceType::user();
        let group = ResourceType::group();
        let found = user.attribute(attribute).or_else(|| group.attribute(attribute)).unwrap();
        let sameness = Sameness::of(found.attribute());
        sameness.key(a) == sameness.key(b)
    }

    #[test]
    fn emails_go_by_value_and_type() {
        let work = json!({"value": "babs@example.com", "type": "work"});
        assert!(same("emails", &work, &json!({"value": "Babs@Example.com", "type": "Work"})));
        assert!(same(
            "emails",
            &work,
            &json!({"value": "babs@example.com", "type": "work", "primary": true})
        ));
        assert!(!same("emails", &work, &json!({"value": "babs@example.com", "type": "home"})));
        assert!(!same("emails", &work, &json!({"value": "babs@example.com"})));
    }

    #[test]
    fn dates_are_instants_and_decimals_numbers() {
        let of = |attribute_type| -> Attribute {
            serde_json::from_value(json!({"name": "a", "type": attribute_type})).unwrap()
        };
        let at = json!("2021-05-01T00:00:00Z");
        assert!(same_value(&of("dateTime"), &at, &json!("2021-05-01T02:00:00.000+02:00")));
        assert!(!same_value(&of("dateTime"), &at, &json!("2021-05-01T00:00:00.001Z")));
        assert!(!same_value(&of("string"), &at, &json!("2021-05-01T02:00:00+02:00")));
        assert!(same_value(&of("decimal"), &json!(1), &json!(1.0)));
        assert!(same_value(&of("decimal"), &json!(0), &json!(-0.0)));
        assert!(!same_value(&of("decimal"), &json!(1), &json!(1.5)));
    }

    #[test]
    fn members_go_by_value_alone_and_exactly() {
        let member = json!({"value": "ab12", "type": "User"});
        assert!(same("members", &member, &json!({"value": "ab12", "type": "Group"})));
        assert!(!same("members", &member, &json!({"value": "AB12", "type": "User"})));
    }

    #[test]
    fn addresses_have_no_value_and_go_by_all_they_hold() {
        let work = json!({"type": "work", "locality": "Hollywood"});
        assert!(same("addresses", &work, &work.clone()));
        assert!(!same("addresses", &work, &json!({"type": "work"})));
    }
}
