//! Which values of a resource must be unique (RFC 7643 §7, `uniqueness`; erratum 8279).

use scim_core::{Attribute, ResourceType, Schema, Uniqueness, fold};
use serde_json::{Map, Value};

/// A value that no other resource of the tenant may have.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UniqueValue {
    /// The attribute with the URN of its schema: uniqueness reaches over all resource types that
    /// share the schema.
    pub attribute: String,
    /// The value: text folded unless the attribute is `caseExact`, anything else as JSON.
    pub value: String,
}

/// The values of canonical attributes that must be unique: those of attributes and sub-attributes
/// that the schemas call `server` or `global` unique. `id` is not among them; every store keys its
/// resources by it.
#[must_use]
pub fn unique_values(
    resource_type: &ResourceType,
    attributes: &Map<String, Value>,
) -> Vec<UniqueValue> {
    let mut found = Vec::new();
    collect(resource_type.schema(), attributes, &mut found);
    for extension in resource_type.extensions() {
        if let Some(Value::Object(object)) = attributes.get(extension.schema.id()) {
            collect(&extension.schema, object, &mut found);
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The `displayName` of a resource as a value that must be unique, which the schema does not ask
/// for ([`Write::unique_display_name`](crate::Write::unique_display_name)); `None` without one.
#[must_use]
pub fn unique_display_name(
    resource_type: &ResourceType,
    attributes: &Map<String, Value>,
) -> Option<UniqueValue> {
    let schema = resource_type.schema();
    let attribute = schema.attribute("displayName")?;
    let path = format!("{}:{}", schema.id(), attribute.name);
    unique_value(attribute, path, attributes.get(&attribute.name)?)
}

fn collect(schema: &Schema, object: &Map<String, Value>, found: &mut Vec<UniqueValue>) {
    for attribute in schema.attributes() {
        let Some(value) = object.get(&attribute.name) else { continue };
        if attribute.name == "id" {
            continue;
        }
        for element in each(value) {
            push(attribute, format!("{}:{}", schema.id(), attribute.name), element, found);
            for sub in &attribute.sub_attributes {
                for value in element.get(&sub.name).into_iter().flat_map(each) {
                    let path = format!("{}:{}.{}", schema.id(), attribute.name, sub.name);
                    push(sub, path, value, found);
                }
            }
        }
    }
}

fn push(attribute: &Attribute, path: String, value: &Value, found: &mut Vec<UniqueValue>) {
    if attribute.uniqueness != Uniqueness::None {
        found.extend(unique_value(attribute, path, value));
    }
}

fn unique_value(attribute: &Attribute, path: String, value: &Value) -> Option<UniqueValue> {
    if attribute.is_complex() {
        return None;
    }
    let value = match value {
        Value::String(text) if attribute.compares_exactly() => text.clone(),
        Value::String(text) => fold(text).into_owned(),
        other => other.to_string(),
    };
    Some(UniqueValue { attribute: path, value })
}

fn each(value: &Value) -> &[Value] {
    match value {
        Value::Array(elements) => elements,
        single => std::slice::from_ref(single),
    }
}
