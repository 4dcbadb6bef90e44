//! A resource: the schema-driven document that the protocol works on (RFC 7643 §3).

use std::fmt;
use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::error::{Result, ScimError};
use crate::ingest::{Ingest, Origin};
use crate::member::Member;
use crate::path::Target;
use crate::profile::Profile;
use crate::resource_type::ResourceType;
use crate::schema::{Attribute, USER_URN};
use crate::{DateTime, ExternalId, ResourceId, Version};

/// A password or the like: it never prints, and is wiped when dropped.
///
/// It reaches a store beside the resource and never as part of it.
pub type Secret = secrecy::SecretString;

/// The metadata of a resource (RFC 7643 §3.1), all of it the service provider's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    /// The name of the resource type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// When the resource was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<DateTime>,
    /// When it was last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<DateTime>,
    /// Its URI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Its version, as an ETag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl Meta {
    pub(crate) fn from_json(meta: Value) -> Result<Self> {
        serde_json::from_value(meta)
            .map_err(|e| ScimError::invalid_value(format!("`meta` cannot be read: {e}")))
    }

    /// The version that the ETag names.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        Version::from_etag(self.version.as_deref()?)
    }
}

/// A resource in canonical form, made by [`Ingest`].
///
/// Its attributes are under the schema's spelling, extensions under their URN; unassigned values
/// are absent. `schemas` is not stored but computed from the content, so it is always true.
#[derive(Clone, PartialEq)]
pub struct Resource {
    resource_type: Arc<ResourceType>,
    id: Option<ResourceId>,
    meta: Option<Meta>,
    attributes: Map<String, Value>,
}

impl Resource {
    pub(crate) fn from_parts(
        resource_type: Arc<ResourceType>,
        id: Option<ResourceId>,
        meta: Option<Meta>,
        attributes: Map<String, Value>,
    ) -> Self {
        Self { resource_type, id, meta, attributes }
    }

    /// A resource from a whole representation, as a service provider sends or stores it: readOnly
    /// attributes, `id` and `meta` are kept.
    ///
    /// # Errors
    /// As [`Ingest::resource`].
    pub fn from_json(
        resource_type: &Arc<ResourceType>,
        representation: Map<String, Value>,
    ) -> Result<Self> {
        Ingest::new(resource_type, &Profile::STRICT, Origin::Representation)
            .resource_from(representation)
    }

    /// A resource from attributes that are canonical already, such as a document that a store
    /// kept. `schemas`, `id` and `meta` among them are dropped.
    #[must_use]
    pub fn from_canonical(
        resource_type: Arc<ResourceType>,
        mut attributes: Map<String, Value>,
    ) -> Self {
        for name in ["schemas", "id", "meta"] {
            attributes.remove(name);
        }
        Self { resource_type, id: None, meta: None, attributes }
    }

    /// The resource type.
    #[must_use]
    pub fn resource_type(&self) -> &Arc<ResourceType> {
        &self.resource_type
    }

    /// The service provider's id, once it has one.
    #[must_use]
    pub fn id(&self) -> Option<&ResourceId> {
        self.id.as_ref()
    }

    /// The metadata, once it has any.
    #[must_use]
    pub fn meta(&self) -> Option<&Meta> {
        self.meta.as_ref()
    }

    /// The client's id.
    #[must_use]
    pub fn external_id(&self) -> Option<ExternalId> {
        Some(ExternalId::new(self.attributes.get("externalId")?.as_str()?))
    }

    /// The same resource with the service provider's id and metadata.
    #[must_use]
    pub fn identified(self, id: ResourceId, meta: Meta) -> Self {
        Self { id: Some(id), meta: Some(meta), ..self }
    }

    /// The attributes in canonical form, without `schemas`, `id` and `meta`.
    #[must_use]
    pub fn attributes(&self) -> &Map<String, Value> {
        &self.attributes
    }

    /// The same resource with other attributes, made of its own.
    pub(crate) fn with_attributes(
        self,
        change: impl FnOnce(&ResourceType, Map<String, Value>) -> Result<Map<String, Value>>,
    ) -> Result<Self> {
        let Self { resource_type, id, meta, attributes } = self;
        let attributes = change(&resource_type, attributes)?;
        Ok(Self { resource_type, id, meta, attributes })
    }

    /// The attributes in canonical form; see [`Resource::attributes`].
    #[must_use]
    pub fn into_attributes(self) -> Map<String, Value> {
        self.attributes
    }

    /// The value of an attribute by its path, with or without URN, in any case; for a
    /// sub-attribute of a multi-valued attribute, the first that has one.
    ///
    /// `schemas`, `id` and `meta` are not among the attributes; [`Resource::schemas`],
    /// [`Resource::id`] and [`Resource::meta`] have them.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Value> {
        match self.resource_type.resolve(path)? {
            Target::Attribute(attribute) if attribute.sub_attribute().is_none() => {
                attribute.attribute_value(&self.attributes)
            }
            Target::Attribute(attribute) => attribute.values(&self.attributes).next(),
            Target::Extension(schema) => self.attributes.get(schema.id()),
            Target::Resource => None,
        }
    }

    /// Takes the membership list out of the resource, each member once. Empty for types without
    /// one.
    #[must_use]
    pub fn take_members(&mut self) -> Vec<Member> {
        if !self.resource_type.has_members() {
            return Vec::new();
        }
        match self.attributes.remove("members") {
            Some(Value::Array(elements)) => Member::list_from_json(&elements),
            _ => Vec::new(),
        }
    }

    /// Takes the password of a User out of the resource, so that it reaches the store beside it.
    #[must_use]
    pub fn take_secret(&mut self) -> Option<Secret> {
        if self.resource_type.schema().id() != USER_URN {
            return None;
        }
        match self.attributes.remove("password")? {
            Value::String(password) => Some(Secret::from(password)),
            _ => None,
        }
    }

    /// The URIs of the schemas in use: the core schema, and each extension that has a value
    /// (RFC 7643 §3).
    #[must_use]
    pub fn schemas(&self) -> Vec<&str> {
        schemas_of(&self.resource_type, &self.attributes).collect()
    }

    /// The text to store: `schemas` and the attributes as one JSON object, without `id`, `meta`,
    /// `members` and `groups`, which are columns and rows and are spliced in on the way out.
    #[must_use]
    pub fn to_document_text(&self) -> String {
        document_text(&self.resource_type, &self.attributes)
    }

    /// The whole resource as JSON, with `schemas`, and `id` and `meta` where it has them.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        let mut json = self.attributes.clone();
        json.insert("schemas".to_owned(), self.schemas().into());
        if let Some(id) = &self.id {
            json.insert("id".to_owned(), id.as_str().into());
        }
        if let Some(meta) = self.meta.as_ref().and_then(|m| serde_json::to_value(m).ok()) {
            json.insert("meta".to_owned(), meta);
        }
        json
    }
}

/// What is never returned prints as `"…"`, so that no password reaches a log.
impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.to_json();
        redact(self.resource_type.schema().attributes(), &mut shown);
        for extension in self.resource_type.extensions() {
            if let Some(Value::Object(object)) = shown.get_mut(extension.schema.id()) {
                redact(extension.schema.attributes(), object);
            }
        }
        f.debug_tuple("Resource").field(&self.resource_type).field(&shown).finish()
    }
}

fn redact(attributes: &[Arc<Attribute>], object: &mut Map<String, Value>) {
    for attribute in attributes {
        let Some(value) = object.get_mut(&attribute.name) else { continue };
        if attribute.is_never_returned() {
            *value = Value::from("…");
            continue;
        }
        let elements = match value {
            Value::Array(elements) => elements.as_mut_slice(),
            single => std::slice::from_mut(single),
        };
        for element in elements.iter_mut().filter_map(Value::as_object_mut) {
            redact(&attribute.sub_attributes, element);
        }
    }
}

/// The URIs of the schemas that a resource's attributes use: the core schema, and each extension
/// that has a value (RFC 7643 §3).
pub fn schemas_of<'a>(
    resource_type: &'a ResourceType,
    attributes: &Map<String, Value>,
) -> impl Iterator<Item = &'a str> {
    let extensions = resource_type.extensions().iter().map(|e| e.schema.id());
    std::iter::once(resource_type.schema().id())
        .chain(extensions.filter(|id| attributes.get(*id).is_some_and(|e| !e.is_null())))
}

/// The JSON text that a store keeps of canonical attributes: `schemas` first, then the attributes,
/// without `id`, `meta`, `members` and `groups`.
#[must_use]
pub fn document_text(resource_type: &ResourceType, attributes: &Map<String, Value>) -> String {
    // Strings and JSON values always serialise.
    serde_json::to_string(&Document { resource_type, attributes }).unwrap_or_default()
}

struct Document<'a> {
    resource_type: &'a ResourceType,
    attributes: &'a Map<String, Value>,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Self { resource_type, attributes } = *self;
        let mut map = serializer.serialize_map(None)?;
        let schemas: Vec<&str> = schemas_of(resource_type, attributes).collect();
        map.serialize_entry("schemas", &schemas)?;
        for (name, value) in attributes {
            let apart = match name.as_str() {
                "schemas" | "id" | "meta" => true,
                "members" => resource_type.has_members(),
                "groups" => resource_type.has_groups(),
                _ => false,
            };
            if !apart {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}
