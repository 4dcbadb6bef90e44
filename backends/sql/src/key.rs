//! Values as they compare, which is how columns and index rows hold them.

use std::cmp::Ordering;

use scim_core::{Attribute, AttributeType, DateTime, fold};
use serde_json::Value;

/// A value such that two values of one attribute are `eq` (RFC 7644 Table 3) when their keys are.
#[derive(Clone, Debug)]
pub enum Key {
    /// Text, folded unless it compares exactly.
    Text(String),
    /// An integer; an instant in microseconds; 0 or 1 for a boolean.
    Integer(i64),
    /// A decimal. Never negative zero, which equals zero.
    Real(f64),
}

impl Key {
    /// The key of a canonical value; `None` for what no key stands for: a complex value, or one
    /// that is not of the attribute's type.
    pub fn new(attribute: &Attribute, value: &Value) -> Option<Self> {
        match attribute.attribute_type {
            AttributeType::String | AttributeType::Reference | AttributeType::Binary => {
                Some(Self::text(attribute, value.as_str()?))
            }
            AttributeType::Boolean => Some(Self::Integer(value.as_bool()?.into())),
            AttributeType::Integer => Some(Self::Integer(value.as_i64()?)),
            AttributeType::Decimal => Some(Self::real(value.as_f64()?)),
            AttributeType::DateTime => {
                Some(Self::Integer(value.as_str()?.parse::<DateTime>().ok()?.as_micros()))
            }
            AttributeType::Complex => None,
        }
    }

    /// The key of text in an attribute of text.
    pub fn text(attribute: &Attribute, text: &str) -> Self {
        Self::Text(if attribute.compares_exactly() {
            text.to_owned()
        } else {
            fold(text).into_owned()
        })
    }

    /// The key of a number in an attribute of decimals.
    pub fn real(number: f64) -> Self {
        Self::Real(number + 0.0)
    }

    /// The text of a text key.
    pub fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Integer(_) | Self::Real(_) => None,
        }
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        const fn rank(key: &Key) -> u8 {
            match key {
                Key::Integer(_) => 0,
                Key::Real(_) => 1,
                Key::Text(_) => 2,
            }
        }
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Integer(a), Self::Integer(b)) => a.cmp(b),
            (Self::Real(a), Self::Real(b)) => a.total_cmp(b),
            _ => rank(self).cmp(&rank(other)),
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Key {}

#[cfg(test)]
mod tests {
    use scim_core::ResourceType;
    use serde_json::json;

    use super::*;

    fn key(path: &str, value: &Value) -> Option<Key> {
        Key::new(ResourceType::user().attribute(path).unwrap().leaf(), value)
    }

    #[test]
    fn text_folds_unless_the_schema_says_case_exact() {
        assert_eq!(key("userName", &json!("STRASSE")), key("userName", &json!("Straße")));
        assert_ne!(key("externalId", &json!("A")), key("externalId", &json!("a")));
        assert_ne!(key("profileUrl", &json!("u:A")), key("profileUrl", &json!("u:a")));
    }

    #[test]
    fn the_same_instant_has_one_key() {
        let key = |text: &str| key("meta.created", &json!(text));
        assert_eq!(key("2011-05-13T04:42:34Z"), key("2011-05-13T06:42:34.000+02:00"));
        assert_ne!(key("2011-05-13T04:42:34Z"), key("2011-05-13T04:42:34.000001Z"));
    }

    #[test]
    fn zero_has_one_key() {
        assert_eq!(Key::real(-0.0), Key::real(0.0));
    }

    #[test]
    fn a_complex_value_and_a_value_of_another_type_have_no_key() {
        assert_eq!(key("name", &json!({"givenName": "Barbara"})), None);
        assert_eq!(key("userName", &json!(1)), None);
    }
}
