//! What a PUT leaves of the resource that it replaces (RFC 7644 §3.5.1).

use std::collections::HashMap;
use std::fmt;

use serde_json::{Map, Value};

use crate::DateTime;
use crate::error::{Result, ScimError};
use crate::fold::fold;
use crate::ingest::refers_to_resource;
use crate::resource::Resource;
use crate::schema::{Attribute, AttributeType, Mutability, USER_URN};

impl Resource {
    /// What replacing `current` by this resource gives (PUT, RFC 7644 §3.5.1).
    ///
    /// An absent readWrite attribute is cleared; an absent `active` of a user, and absent
    /// writeOnly and immutable attributes, keep their value, as readOnly ones always do. `members`
    /// of a group are taken as they are: stores keep them as rows.
    ///
    /// The same holds for the sub-attributes of a complex value that is given. Elements of a
    /// multi-valued attribute are paired with the present ones by their `value` (errata.md P7);
    /// when the value that refers to another resource changes, what the service provider knew of
    /// the former one goes with it.
    ///
    /// # Errors
    /// 400 `mutability` when an immutable attribute that has a value is given one that does not
    /// match: values match as filters compare them, and many values in any order.
    pub fn replacing(self, current: &Map<String, Value>) -> Result<Self> {
        self.with_attributes(|resource_type, mut attributes| {
            let keeps_active = resource_type.schema().id() == USER_URN;
            for attribute in resource_type.core_attributes() {
                let name = attribute.name.as_str();
                if matches!(name, "schemas" | "id" | "meta")
                    || name == "members" && resource_type.has_members()
                {
                    continue;
                }
                let present = current.get(name);
                let mut given = attributes.remove_entry(name);
                if given.is_none() && keeps_active && name == "active" {
                    given = present.map(|v| (name.to_owned(), v.clone()));
                }
                put(attribute, &name, present, given, &mut attributes)?;
            }
            for extension in resource_type.extensions() {
                let id = extension.schema.id();
                let (key, mut object) = match attributes.remove_entry(id) {
                    Some((key, Value::Object(object))) => (key, object),
                    _ => (id.to_owned(), Map::new()),
                };
                let present = current.get(id).and_then(Value::as_object);
                for attribute in extension.schema.attributes() {
                    let name = attribute.name.as_str();
                    let given = object.remove_entry(name);
                    let present = present.and_then(|p| p.get(name));
                    put(attribute, &format_args!("{id}:{name}"), present, given, &mut object)?;
                }
                if !object.is_empty() {
                    attributes.insert(key, Value::Object(object));
                }
            }
            Ok(attributes)
        })
    }
}

/// Puts the value that an attribute has after a PUT into `object`, if it has one.
fn put(
    attribute: &Attribute,
    at: &dyn fmt::Display,
    present: Option<&Value>,
    given: Option<(String, Value)>,
    object: &mut Map<String, Value>,
) -> Result<()> {
    let present = present.filter(|v| !v.is_null());
    let (name, value) = match (attribute.mutability, present, given) {
        (Mutability::ReadOnly, Some(present), _) => (attribute.name.clone(), present.clone()),
        (Mutability::ReadOnly, None, _) => return Ok(()),
        (Mutability::Immutable, Some(present), Some((name, given))) => {
            if *present != given && comparable(attribute, present) != comparable(attribute, &given)
            {
                return Err(ScimError::mutability(format!(
                    "`{at}` is immutable and has another value"
                )));
            }
            (name, present.clone())
        }
        (Mutability::Immutable | Mutability::WriteOnly, Some(present), None) => {
            (attribute.name.clone(), present.clone())
        }
        (_, Some(present), Some((name, given))) => {
            (name, keep_parts(attribute, at, present, given)?)
        }
        (_, None, Some(given)) => given,
        (_, _, None) => return Ok(()),
    };
    object.insert(name, value);
    Ok(())
}

/// A given complex value with what the present one keeps.
fn keep_parts(
    attribute: &Attribute,
    at: &dyn fmt::Display,
    present: &Value,
    given: Value,
) -> Result<Value> {
    if attribute.sub_attributes.iter().all(|s| s.mutability == Mutability::ReadWrite) {
        return Ok(given);
    }
    match (given, present) {
        (Value::Object(given), Value::Object(present)) => {
            let other = refers_to_resource(attribute) && given.get("value") != present.get("value");
            let nothing = Map::new();
            let present = if other { &nothing } else { present };
            Ok(Value::Object(merged(attribute, at, present, given)?))
        }
        (Value::Array(given), Value::Array(present)) => {
            let pairs = Pairs::of(attribute, present);
            let elements = given.into_iter().map(|element| match element {
                Value::Object(element) => match pairs.find(attribute, &element) {
                    Some(pair) => Ok(Value::Object(merged(attribute, at, pair, element)?)),
                    None => Ok(Value::Object(element)),
                },
                other => Ok(other),
            });
            Ok(Value::Array(elements.collect::<Result<_>>()?))
        }
        (given, _) => Ok(given),
    }
}

/// The elements that a resource has, to be found by `value`. Several may have one value: then the
/// one is meant whose immutable parts match.
struct Pairs<'p> {
    by_value: HashMap<String, &'p Map<String, Value>>,
    by_all: HashMap<String, &'p Map<String, Value>>,
}

impl<'p> Pairs<'p> {
    fn of(attribute: &Attribute, elements: &'p [Value]) -> Self {
        let mut pairs = Self { by_value: HashMap::new(), by_all: HashMap::new() };
        for element in elements.iter().filter_map(Value::as_object) {
            if let Some(value) = element.get("value") {
                pairs.by_value.entry(value.to_string()).or_insert(element);
                pairs.by_all.entry(identity(attribute, value, element)).or_insert(element);
            }
        }
        pairs
    }

    fn find(
        &self,
        attribute: &Attribute,
        element: &Map<String, Value>,
    ) -> Option<&'p Map<String, Value>> {
        let value = element.get("value")?;
        let first = self.by_value.get(&value.to_string())?;
        Some(self.by_all.get(&identity(attribute, value, element)).unwrap_or(first))
    }
}

fn identity(attribute: &Attribute, value: &Value, element: &Map<String, Value>) -> String {
    let mut identity = value.to_string();
    for sub in attribute.sub_attributes.iter().filter(|s| s.mutability == Mutability::Immutable) {
        identity.push(',');
        if let Some(value) = element.get(&sub.name) {
            identity.push_str(&comparable(sub, value).to_string());
        }
    }
    identity
}

/// The sub-attributes after a PUT.
fn merged(
    attribute: &Attribute,
    at: &dyn fmt::Display,
    present: &Map<String, Value>,
    mut given: Map<String, Value>,
) -> Result<Map<String, Value>> {
    for sub in attribute.sub_attributes.iter().filter(|s| s.mutability != Mutability::ReadWrite) {
        let value = given.remove_entry(&sub.name);
        put(sub, &format_args!("{at}.{}", sub.name), present.get(&sub.name), value, &mut given)?;
    }
    Ok(given)
}

/// A form of a value in which two values that match are equal: text folded where the attribute is
/// not case-exact, dates as instants, numbers as floats, many values sorted, and without what only
/// the service provider sets.
fn comparable(attribute: &Attribute, value: &Value) -> Value {
    match value {
        Value::Array(elements) => {
            let mut elements: Vec<Value> =
                elements.iter().map(|e| comparable(attribute, e)).collect();
            elements.sort_by_cached_key(Value::to_string);
            Value::Array(elements)
        }
        Value::Object(object) => {
            let refers = refers_to_resource(attribute);
            let parts = object.iter().filter_map(|(name, value)| {
                let sub = attribute.sub_attribute(name)?;
                let computed = sub.mutability == Mutability::ReadOnly || refers && name == "$ref";
                (!computed).then(|| (name.clone(), comparable(sub, value)))
            });
            Value::Object(parts.collect())
        }
        Value::String(text) if attribute.attribute_type == AttributeType::DateTime => {
            text.parse::<DateTime>().map_or_else(|_| value.clone(), |at| at.as_micros().into())
        }
        Value::String(text) if !attribute.compares_exactly() => fold(text).into(),
        Value::Number(number) if attribute.attribute_type == AttributeType::Decimal => {
            number.as_f64().map_or_else(|| value.clone(), Value::from)
        }
        other => other.clone(),
    }
}
