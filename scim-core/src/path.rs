//! Attribute paths resolved against a resource type (RFC 7644 §3.10).

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::schema::{Attribute, Schema};

/// What a path names once a resource type's schemas are known.
///
/// Exhaustive: a path names an attribute or, as a bare URN, a schema (errata.md P11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An attribute or a sub-attribute.
    Attribute(AttributeRef),
    /// The resource type's own schema, named by its bare URN: the resource as a whole.
    Resource,
    /// An extension, named by its bare URN: the whole extension object.
    Extension(Arc<Schema>),
}

/// A [`Target`] that borrows from its resource type, for look-ups that keep nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found<'a> {
    Attribute {
        extension: Option<&'a Arc<Schema>>,
        attribute: &'a Arc<Attribute>,
        sub_attribute: Option<&'a Arc<Attribute>>,
    },
    Resource,
    Extension(&'a Arc<Schema>),
}

impl From<Found<'_>> for Target {
    fn from(found: Found<'_>) -> Self {
        match found {
            Found::Attribute { extension, attribute, sub_attribute } => {
                Self::Attribute(AttributeRef {
                    extension: extension.cloned(),
                    attribute: Arc::clone(attribute),
                    sub_attribute: sub_attribute.cloned(),
                })
            }
            Found::Resource => Self::Resource,
            Found::Extension(schema) => Self::Extension(Arc::clone(schema)),
        }
    }
}

/// An attribute of a resource type, or a sub-attribute of one, with the extension it lives in.
///
/// It is made by [`ResourceType::resolve`](crate::ResourceType::resolve), so its names are in the
/// schema's spelling and every look-up with it is exact.
#[derive(Clone)]
pub struct AttributeRef {
    extension: Option<Arc<Schema>>,
    attribute: Arc<Attribute>,
    sub_attribute: Option<Arc<Attribute>>,
}

impl AttributeRef {
    /// The extension that the attribute belongs to; `None` for the core schema and for the common
    /// attributes.
    #[must_use]
    pub fn extension(&self) -> Option<&Arc<Schema>> {
        self.extension.as_ref()
    }

    /// The attribute.
    #[must_use]
    pub fn attribute(&self) -> &Arc<Attribute> {
        &self.attribute
    }

    /// The sub-attribute, when the path names one.
    #[must_use]
    pub fn sub_attribute(&self) -> Option<&Arc<Attribute>> {
        self.sub_attribute.as_ref()
    }

    /// The sub-attribute when there is one, else the attribute: the one whose type decides.
    #[must_use]
    pub fn leaf(&self) -> &Arc<Attribute> {
        self.sub_attribute.as_ref().unwrap_or(&self.attribute)
    }

    /// The same attribute with the sub-attribute of that name, without regard to case; `None` when
    /// there is no such sub-attribute or this already is one.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<Self> {
        if self.sub_attribute.is_some() {
            return None;
        }
        let sub = self.attribute.sub_attribute(name)?;
        Some(Self { sub_attribute: Some(Arc::clone(sub)), ..self.clone() })
    }

    /// The attribute without its sub-attribute.
    #[must_use]
    pub fn parent(&self) -> Self {
        Self { sub_attribute: None, ..self.clone() }
    }

    /// The attribute's value in a resource's canonical JSON: the whole attribute, whether or not
    /// the path goes on to a sub-attribute.
    #[must_use]
    pub fn attribute_value<'a>(&self, resource: &'a Map<String, Value>) -> Option<&'a Value> {
        let object = match &self.extension {
            Some(extension) => resource.get(extension.id())?.as_object()?,
            None => resource,
        };
        object.get(&self.attribute.name)
    }

    /// Every value that the path reaches in a resource's canonical JSON: the elements of a
    /// multi-valued attribute one by one, or their sub-attributes. No nulls.
    pub fn values<'a>(&self, resource: &'a Map<String, Value>) -> impl Iterator<Item = &'a Value> {
        let sub = self.sub_attribute.clone();
        elements(self.attribute_value(resource))
            .filter_map(move |value| match &sub {
                Some(sub) => value.as_object()?.get(&sub.name),
                None => Some(value),
            })
            .flat_map(|value| elements(Some(value)))
    }
}

/// The non-null values of an attribute: itself, or the elements of its array.
fn elements(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let (one, many) = match value {
        Some(Value::Array(many)) => (None, many.as_slice()),
        other => (other, [].as_slice()),
    };
    one.into_iter().chain(many).filter(|v| !v.is_null())
}

impl PartialEq for AttributeRef {
    fn eq(&self, other: &Self) -> bool {
        fn parts(r: &AttributeRef) -> (Option<&str>, &str, Option<&str>) {
            let extension = r.extension.as_ref().map(|e| e.id());
            (extension, &r.attribute.name, r.sub_attribute.as_ref().map(|s| s.name.as_str()))
        }
        parts(self) == parts(other)
    }
}

impl Eq for AttributeRef {}

/// Prints the path: with the URN for an extension's attribute, without it for others.
impl fmt::Display for AttributeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(extension) = &self.extension {
            write!(f, "{}:", extension.id())?;
        }
        f.write_str(&self.attribute.name)?;
        match &self.sub_attribute {
            Some(sub) => write!(f, ".{}", sub.name),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for AttributeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
