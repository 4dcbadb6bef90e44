//! What a client must send: the `required` characteristic (RFC 7643 §7, errata 8280 and 8281).

use serde_json::{Map, Value};

use crate::error::{Result, ScimError};
use crate::ingest::refers_to_resource;
use crate::resource_type::ResourceType;
use crate::schema::{Attribute, Mutability, Schema};

impl ResourceType {
    /// Checks that canonical attributes have a value for all that is required: of the core, of each
    /// extension that is present or required, and within each complex value that is present.
    ///
    /// [`Ingest`](crate::Ingest) does so for the body of a POST or PUT. A PATCH, whose values may
    /// be parts, is checked by what it results in. ReadOnly attributes are the service provider's
    /// to provide and are not looked at, nor is the `$ref` that it computes.
    ///
    /// # Errors
    /// 400 `invalidValue` with the path of the first that is missing, or holds an empty string.
    pub fn check_required(&self, attributes: &Map<String, Value>) -> Result<()> {
        for attribute in self.core_attributes() {
            // These three never are among the attributes of a resource.
            if !matches!(attribute.name.as_str(), "schemas" | "id" | "meta") {
                check(None, attribute, attributes)?;
            }
        }
        for extension in self.extensions() {
            let schema = &extension.schema;
            let present = attributes.get(schema.id()).and_then(Value::as_object);
            if present.is_none() && !extension.required {
                continue;
            }
            let nothing = Map::new();
            for attribute in schema.attributes() {
                check(Some(schema), attribute, present.unwrap_or(&nothing))?;
            }
            if present.is_none() {
                return Err(missing(format_args!("extension `{}`", schema.id())));
            }
        }
        Ok(())
    }
}

fn check(
    extension: Option<&Schema>,
    attribute: &Attribute,
    object: &Map<String, Value>,
) -> Result<()> {
    // Most are not required, nor is any of their parts: nothing to look for then.
    if !attribute.required && !attribute.sub_attributes.iter().any(|s| s.required) {
        return Ok(());
    }
    let (urn, colon) = extension.map_or(("", ""), |e| (e.id(), ":"));
    let name = &attribute.name;
    let value = object.get(name);
    if is_missing(attribute, value) {
        return Err(missing(format_args!("`{urn}{colon}{name}`")));
    }
    let (elements, many) = match value {
        Some(Value::Array(elements)) => (elements.as_slice(), true),
        Some(single) => (std::slice::from_ref(single), false),
        None => return Ok(()),
    };
    for sub in attribute.sub_attributes.iter().filter(|s| s.required) {
        if sub.name == "$ref" && refers_to_resource(attribute) {
            continue;
        }
        if let Some(index) = elements.iter().position(|e| is_missing(sub, e.get(&sub.name))) {
            let index = if many { format!("[{index}]") } else { String::new() };
            let sub = &sub.name;
            return Err(missing(format_args!("`{urn}{colon}{name}{index}.{sub}`")));
        }
    }
    Ok(())
}

fn is_missing(attribute: &Attribute, value: Option<&Value>) -> bool {
    attribute.required
        && attribute.mutability != Mutability::ReadOnly
        && value.is_none_or(|v| v.as_str() == Some(""))
}

fn missing(what: std::fmt::Arguments<'_>) -> ScimError {
    ScimError::invalid_value(format!("{what} is required"))
}
