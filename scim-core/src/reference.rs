//! The resources that a request refers to, by their ids (RFC 7643 §2.3.7).

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::error::{ScimError, shorten};
use crate::ingest::refers_to_resource;
use crate::resource_type::ResourceType;
use crate::schema::{Attribute, Mutability};

/// A resource that a client names as a member, a manager and the like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The attribute that it is named in, with the URN for one of an extension.
    pub attribute: Arc<str>,
    /// The id of the resource.
    pub value: Arc<str>,
}

impl Reference {
    /// A reference in that attribute.
    pub fn new(attribute: &dyn fmt::Display, value: impl Into<Arc<str>>) -> Self {
        Self { attribute: attribute.to_string().into(), value: value.into() }
    }

    /// What canonical attributes refer to, `members` included, each once. What is readOnly is not
    /// the client's to say.
    #[must_use]
    pub fn all_in(resource_type: &ResourceType, attributes: &Map<String, Value>) -> Vec<Self> {
        let mut found = Vec::new();
        collect("", resource_type.schema().attributes(), attributes, &mut found);
        for extension in resource_type.extensions() {
            let schema = &extension.schema;
            if let Some(Value::Object(object)) = attributes.get(schema.id()) {
                collect(&format!("{}:", schema.id()), schema.attributes(), object, &mut found);
            }
        }
        Self::once_each(found)
    }

    /// The same references without repetitions.
    #[must_use]
    pub fn once_each(mut references: Vec<Self>) -> Vec<Self> {
        let mut seen = HashSet::with_capacity(references.len());
        references.retain(|reference| seen.insert(reference.clone()));
        references
    }

    /// What a client is told when there is no such resource: 400 `invalidValue`.
    #[must_use]
    pub fn dangles(&self) -> ScimError {
        let value = shorten(&self.value);
        ScimError::invalid_value(format!("`{}`: there is no resource `{value}`", self.attribute))
    }
}

fn collect(
    prefix: &str,
    attributes: &[Arc<Attribute>],
    object: &Map<String, Value>,
    found: &mut Vec<Reference>,
) {
    let writable =
        |a: &&Arc<Attribute>| refers_to_resource(a) && a.mutability != Mutability::ReadOnly;
    for attribute in attributes.iter().filter(writable) {
        let elements = match object.get(&attribute.name) {
            None => continue,
            Some(Value::Array(elements)) => elements.as_slice(),
            Some(single) => std::slice::from_ref(single),
        };
        let path: Arc<str> = format!("{prefix}{}", attribute.name).into();
        found.extend(elements.iter().filter_map(|element| {
            let value = element.get("value")?.as_str()?;
            Some(Reference { attribute: Arc::clone(&path), value: value.into() })
        }));
    }
}
