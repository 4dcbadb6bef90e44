//! [`Quirk::Scim1Patch`](crate::Quirk::Scim1Patch): the PATCH of SCIM 1.1, as operations of RFC 7644.
//!
//! Its body is a part of a resource. What it holds is set, or added where it is an array; elements
//! with `"operation": "delete"` are removed, by their `value`; what `meta.attributes` names is
//! removed first (SCIM 1.1 protocol, §3.3.2).

use serde_json::{Map, Value};

use super::{PatchOperation, PatchOperationKind as Kind};
use crate::error::{Result, ScimError, shorten};
use crate::messages::PATCH_OP_URN;

/// Whether a body is such a PATCH: it does not say that it is one of RFC 7644, and it holds
/// something.
pub(super) fn is_patch(body: &Map<String, Value>) -> bool {
    let is = |key: &str, name: &str| key.eq_ignore_ascii_case(name);
    let of_rfc_7644 = |schemas: &Value| {
        let uris = schemas.as_array().map(Vec::as_slice).unwrap_or_default();
        uris.iter().any(|u| u.as_str().is_some_and(|u| u.eq_ignore_ascii_case(PATCH_OP_URN)))
    };
    let mut holds_something = false;
    for (key, value) in body {
        if is(key, "Operations") || is(key, "schemas") && of_rfc_7644(value) {
            return false;
        }
        holds_something |= !is(key, "schemas");
    }
    holds_something
}

/// The operations that do what the body says.
///
/// # Errors
/// 400 `invalidValue` when an element is to be deleted and has no `value` to find it by.
pub(super) fn operations(body: Map<String, Value>) -> Result<Vec<PatchOperation>> {
    let (mut operations, mut set, mut added) = (Vec::new(), Map::new(), Map::new());
    for (key, value) in body {
        match value {
            _ if key.eq_ignore_ascii_case("schemas") => {}
            Value::Object(meta) if key.eq_ignore_ascii_case("meta") => {
                operations.splice(0..0, unassigned(meta));
            }
            Value::Array(elements) => {
                let mut kept = Vec::with_capacity(elements.len());
                for element in elements {
                    match element {
                        Value::Object(element) if operation_of(&element) == Some("delete") => {
                            operations.push(deletion(&key, &element)?);
                        }
                        Value::Object(mut element) => {
                            element.retain(|name, _| !name.eq_ignore_ascii_case("operation"));
                            kept.push(Value::Object(element));
                        }
                        simple => kept.push(simple),
                    }
                }
                if !kept.is_empty() {
                    added.insert(key, Value::Array(kept));
                }
            }
            value => {
                set.insert(key, value);
            }
        }
    }
    for (kind, object) in [(Kind::Replace, set), (Kind::Add, added)] {
        if !object.is_empty() {
            operations.push(PatchOperation {
                kind,
                path: None,
                value: Some(Value::Object(object)),
            });
        }
    }
    Ok(operations)
}

/// What `meta.attributes` names is to have no value.
fn unassigned(meta: Map<String, Value>) -> Vec<PatchOperation> {
    let names = meta.into_iter().filter(|(key, _)| key.eq_ignore_ascii_case("attributes"));
    let names = names.filter_map(|(_, names)| match names {
        Value::Array(names) => Some(names),
        _ => None,
    });
    let names = names.flatten().filter_map(|name| match name {
        Value::String(name) => Some(name),
        _ => None,
    });
    names.map(|name| PatchOperation { kind: Kind::Remove, path: Some(name), value: None }).collect()
}

fn operation_of(element: &Map<String, Value>) -> Option<&str> {
    let (_, operation) = element.iter().find(|(name, _)| name.eq_ignore_ascii_case("operation"))?;
    operation.as_str()
}

fn deletion(attribute: &str, element: &Map<String, Value>) -> Result<PatchOperation> {
    let value = element.iter().find(|(name, _)| name.eq_ignore_ascii_case("value"));
    let Some((_, value @ Value::String(_))) = value else {
        return Err(ScimError::invalid_value(format!(
            "`{}`: an element to delete is named by its `value`",
            shorten(attribute)
        )));
    };
    // JSON's strings are those of filters too.
    let path = format!("{attribute}[value eq {value}]");
    Ok(PatchOperation { kind: Kind::Remove, path: Some(path), value: None })
}
