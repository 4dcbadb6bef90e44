//! `bulkId:…` where data refers to a resource, replaced by that resource's id (RFC 7644 §3.7.2).
//!
//! Only whole strings in reference positions are replaced, `value` and `$ref` of attributes that
//! refer to resources, never ordinary text (errata.md B10).

use scim_core::{ResourceType, ScimError, Target, refers_to_resource};
use serde_json::{Map, Value};

type Resolve<'a> = dyn FnMut(&str) -> Result<String, ScimError> + 'a;

/// The name in `bulkId:name`.
pub(super) fn bulk_id(text: &str) -> Option<&str> {
    let (prefix, name) = text.split_at_checked("bulkId:".len())?;
    prefix.eq_ignore_ascii_case("bulkId:").then_some(name)
}

/// In the data of a POST or PUT, and in a PATCH value without path.
pub(super) fn in_resource(
    resource_type: &ResourceType,
    data: &mut Map<String, Value>,
    resolve: &mut Resolve<'_>,
) -> Result<(), ScimError> {
    for (key, value) in data {
        match resource_type.resolve(key) {
            Some(Target::Extension(schema)) => {
                for (name, value) in value.as_object_mut().into_iter().flatten() {
                    if schema.attribute(name).is_some_and(|a| refers_to_resource(a)) {
                        in_reference(value, resolve)?;
                    }
                }
            }
            Some(Target::Attribute(attribute)) if refers_to_resource(attribute.attribute()) => {
                in_reference(value, resolve)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// In the operations of a PATCH: their values, and the literals of their path filters.
pub(super) fn in_patch(
    resource_type: &ResourceType,
    data: &mut Map<String, Value>,
    resolve: &mut Resolve<'_>,
) -> Result<(), ScimError> {
    let operations = data.iter_mut().find(|(key, _)| key.eq_ignore_ascii_case("Operations"));
    let operations = operations.and_then(|(_, value)| value.as_array_mut());
    for operation in operations.into_iter().flatten().filter_map(Value::as_object_mut) {
        let path = operation.iter_mut().find(|(key, _)| key.eq_ignore_ascii_case("path"));
        let refers = match path {
            None => None,
            Some((_, Value::String(path))) => {
                let attribute = path.split('[').next().unwrap_or_default();
                let refers = resource_type
                    .attribute(attribute)
                    .or_else(|| resource_type.unqualified_extension_attribute(attribute))
                    .is_some_and(|a| refers_to_resource(a.attribute()));
                if refers {
                    *path = in_literals(path, resolve)?;
                }
                Some(refers)
            }
            Some(_) => Some(false),
        };
        let value = operation.iter_mut().find(|(key, _)| key.eq_ignore_ascii_case("value"));
        let Some((_, value)) = value else { continue };
        match (refers, value) {
            (Some(true), value) => in_reference(value, resolve)?,
            (None, Value::Object(value)) => in_resource(resource_type, value, resolve)?,
            _ => {}
        }
    }
    Ok(())
}

/// In the value of an attribute that refers to resources: itself, or `value` and `$ref` of each of
/// its elements.
fn in_reference(value: &mut Value, resolve: &mut Resolve<'_>) -> Result<(), ScimError> {
    match value {
        Value::String(text) => {
            if let Some(name) = bulk_id(text) {
                *text = resolve(name)?;
            } else if let Some((before, last)) = text.rsplit_once('/')
                && let Some(name) = bulk_id(last)
            {
                *text = format!("{before}/{}", resolve(name)?);
            }
            Ok(())
        }
        Value::Array(elements) => {
            elements.iter_mut().try_for_each(|element| in_reference(element, resolve))
        }
        Value::Object(element) => element
            .iter_mut()
            .filter(|(key, _)| key.eq_ignore_ascii_case("value") || *key == "$ref")
            .try_for_each(|(_, value)| in_reference(value, resolve)),
        _ => Ok(()),
    }
}

/// In a path: each quoted literal that is `bulkId:…` as a whole.
fn in_literals(path: &str, resolve: &mut Resolve<'_>) -> Result<String, ScimError> {
    let mut resolved = String::with_capacity(path.len());
    for (i, part) in path.split('"').enumerate() {
        if i > 0 {
            resolved.push('"');
        }
        match bulk_id(part).filter(|_| i % 2 == 1) {
            Some(name) => resolved.push_str(&resolve(name)?),
            None => resolved.push_str(part),
        }
    }
    Ok(resolved)
}
