//! JSON text from outside, read strictly: what two readers could take in two ways is refused.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use crate::error::{Result, ScimError, shorten};

/// Reads JSON text, at most 128 levels deep.
///
/// # Errors
/// 400 `invalidSyntax`, with line and column, when it is not JSON in UTF-8, nests too deep, has a
/// lone surrogate or U+0000 in a string or key, a number beyond `f64`, or twice the same key in one
/// object: SCIM compares names without regard to case (RFC 7643 §2.1), and so does this.
pub fn parse(text: &[u8]) -> Result<Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    Strict
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|e| ScimError::invalid_syntax(format!("invalid JSON: {e}")))
}

/// Reads JSON text that must be an object; see [`parse`].
///
/// # Errors
/// 400 `invalidSyntax`.
pub fn parse_object(text: &[u8]) -> Result<Map<String, Value>> {
    match parse(text)? {
        Value::Object(map) => Ok(map),
        other => {
            let kind = kind_of(&other);
            Err(ScimError::invalid_syntax(format!(
                "invalid JSON: expected an object, found {kind}"
            )))
        }
    }
}

/// What kind of JSON value it is, for error messages.
#[must_use]
pub fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Number(v.into()))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(Value::Number(v.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<Value, E> {
        Number::from_f64(v).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<Value, E> {
        self.visit_string(v.to_owned())
    }

    fn visit_string<E: serde::de::Error>(self, v: String) -> Result<Value, E> {
        no_nul(&v)?;
        Ok(Value::String(v))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element_seed(Strict)? {
            elements.push(element);
        }
        Ok(Value::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            no_nul(&key)?;
            match map.entry(key) {
                Entry::Vacant(entry) => {
                    entry.insert(entries.next_value_seed(Strict)?);
                }
                Entry::Occupied(entry) => {
                    let key = shorten(entry.key());
                    return Err(A::Error::custom(format_args!("key `{key}` appears twice")));
                }
            }
        }
        if let Some(key) = twin(&map) {
            let key = shorten(&key);
            return Err(A::Error::custom(format_args!(
                "key `{key}` appears twice, in different case"
            )));
        }
        Ok(Value::Object(map))
    }
}

/// A key that differs from another in case only.
fn twin(map: &Map<String, Value>) -> Option<String> {
    /// Up to so many keys, comparing each with each is faster than sorting them.
    const FEW: usize = 24;
    if map.len() <= FEW {
        let mut keys = map.keys();
        while let Some(key) = keys.next() {
            if keys.clone().any(|other| other.eq_ignore_ascii_case(key)) {
                return Some(key.clone());
            }
        }
        return None;
    }
    let mut seen = HashSet::with_capacity(map.len());
    map.keys().find(|key| !seen.insert(key.to_ascii_lowercase())).cloned()
}

fn no_nul<E: serde::de::Error>(text: &str) -> Result<(), E> {
    if text.contains('\0') {
        return Err(E::custom("U+0000 is not allowed in text"));
    }
    Ok(())
}
