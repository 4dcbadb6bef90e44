//! Stored resources as answers: URIs filled in, attributes projected, text written.

use std::sync::Arc;

use scim_core::schema::GROUP_URN;
use scim_core::{
    Attribute, AttributeSet, Member, Mutability, Registry, ResourceId, ResourceType,
    refers_to_resource,
};
use serde_json::{Map, Value};

use crate::backend::{BackendError, Body, DIRECT, Stored, row_json};
use crate::route::encode_segment;

/// Writes resources for one tenant, whose URIs begin with `base`.
#[derive(Debug)]
pub(crate) struct Renderer<'a> {
    registry: &'a Registry,
    base: String,
}

impl<'a> Renderer<'a> {
    /// `base` is the tenant's base URL up to and with the version, without a slash at the end.
    pub(crate) fn new(registry: &'a Registry, base: String) -> Self {
        Self { registry, base }
    }

    /// The URI below the base URL.
    pub(crate) fn uri(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The URI of a resource.
    pub(crate) fn location(&self, resource_type: &ResourceType, id: &ResourceId) -> String {
        format!("{}{}/{}", self.base, resource_type.endpoint(), encode_segment(id.as_str()))
    }

    /// Writes the part of a resource that is to be returned.
    pub(crate) fn resource(
        &self,
        out: &mut Vec<u8>,
        stored: &Stored,
        wanted: &AttributeSet,
    ) -> Result<(), BackendError> {
        match &stored.body {
            // Nothing is left out and nothing is put into the document: its text goes out as it is.
            Body::Json(text) if wanted.is_everything() && stored.references.is_empty() => {
                self.splice(out, stored, text.get())
            }
            _ => {
                let projected = wanted.project(self.complete(stored)?);
                write_ordered(out, &projected)
            }
        }
    }

    /// The document's text between the id and what is kept apart from it.
    fn splice(&self, out: &mut Vec<u8>, stored: &Stored, text: &str) -> Result<(), BackendError> {
        let inner = text
            .trim()
            .strip_prefix('{')
            .and_then(|t| t.strip_suffix('}'))
            .ok_or_else(|| BackendError::internal("a stored document is not a JSON object"))?;
        out.extend_from_slice(b"{\"id\":");
        json(out, stored.id.as_str())?;
        if !inner.trim().is_empty() {
            out.push(b',');
            out.extend_from_slice(inner.as_bytes());
        }
        if stored.members.is_some() {
            out.extend_from_slice(b",\"members\":");
            self.references(out, stored.all_members()?, None)?;
        }
        if let Some(groups) = stored.groups.as_ref().filter(|groups| !groups.is_empty()) {
            out.extend_from_slice(b",\"groups\":");
            self.references(out, groups, Some(DIRECT))?;
        }
        out.extend_from_slice(
            format!(
                ",\"meta\":{{\"created\":\"{}\",\"lastModified\":\"{}\",\"location\":",
                stored.created, stored.last_modified
            )
            .as_bytes(),
        );
        json(out, &self.location(&stored.resource_type, &stored.id))?;
        out.extend_from_slice(b",\"resourceType\":");
        json(out, stored.resource_type.name())?;
        out.extend_from_slice(b",\"version\":");
        json(out, &stored.version.to_string())?;
        out.extend_from_slice(b"}}");
        Ok(())
    }

    /// References with their URIs; `kind` stands for the resource type where `type` means something
    /// else.
    fn references(
        &self,
        out: &mut Vec<u8>,
        references: &[Member],
        kind: Option<&str>,
    ) -> Result<(), BackendError> {
        out.push(b'[');
        for (i, reference) in references.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            out.push(b'{');
            if let Some(uri) = self.reference_uri(reference) {
                out.extend_from_slice(b"\"$ref\":");
                json(out, &uri)?;
                out.push(b',');
            }
            if let Some(display) = &reference.display {
                out.extend_from_slice(b"\"display\":");
                json(out, display)?;
                out.push(b',');
            }
            if let Some(kind) = kind.or(reference.resource_type.as_deref()) {
                out.extend_from_slice(b"\"type\":");
                json(out, kind)?;
                out.push(b',');
            }
            out.extend_from_slice(b"\"value\":");
            json(out, &reference.value)?;
            out.push(b'}');
        }
        out.push(b']');
        Ok(())
    }

    /// The URI of a resource referred to, if it exists.
    fn reference_uri(&self, reference: &Member) -> Option<String> {
        let name = reference.resource_type.as_deref().filter(|_| reference.exists)?;
        let endpoint = self.registry.by_name(name)?.endpoint();
        Some(format!("{}{endpoint}/{}", self.base, encode_segment(&reference.value)))
    }

    /// The whole resource in JSON, with every URI.
    fn complete(&self, stored: &Stored) -> Result<Map<String, Value>, BackendError> {
        let mut resource = stored.to_json()?;
        let location = self.location(&stored.resource_type, &stored.id);
        if let Some(Value::Object(meta)) = resource.get_mut("meta") {
            meta.insert("location".to_owned(), location.into());
        }
        let members = stored.members.as_ref().map(|_| stored.all_members()).transpose()?;
        for (name, rows) in [("members", members), ("groups", stored.groups.as_deref())] {
            let Some(rows) = rows else { continue };
            if rows.is_empty() && name == "groups" {
                continue;
            }
            let elements = rows.iter().map(|row| {
                let mut element = row_json(row, name == "groups");
                if let Some(uri) = self.reference_uri(row) {
                    element.insert("$ref".to_owned(), uri.into());
                }
                Value::Object(element)
            });
            resource.insert(name.to_owned(), elements.collect());
        }
        self.refer(&mut resource, stored);
        Ok(resource)
    }

    /// Puts `$ref`, and the name where the schema has a readOnly place for it, beside the `value`
    /// of each reference to a resource that exists.
    fn refer(&self, resource: &mut Map<String, Value>, stored: &Stored) {
        if stored.references.is_empty() {
            return;
        }
        let in_rows = |a: &Attribute| {
            stored.resource_type.schema().id() == GROUP_URN && a.name == "members"
                || stored.resource_type.has_groups() && a.name == "groups"
        };
        let core = stored.resource_type.schema().attributes().iter().filter(|a| !in_rows(a));
        self.refer_in(resource, core, &stored.references);
        for extension in stored.resource_type.extensions() {
            if let Some(Value::Object(object)) = resource.get_mut(extension.schema.id()) {
                self.refer_in(object, extension.schema.attributes().iter(), &stored.references);
            }
        }
    }

    fn refer_in<'s>(
        &self,
        object: &mut Map<String, Value>,
        attributes: impl Iterator<Item = &'s Arc<Attribute>>,
        known: &[Member],
    ) {
        for attribute in attributes.filter(|a| refers_to_resource(a)) {
            let elements = match object.get_mut(&attribute.name) {
                Some(Value::Array(elements)) => elements.as_mut_slice(),
                Some(single) => std::slice::from_mut(single),
                None => continue,
            };
            for element in elements.iter_mut().filter_map(Value::as_object_mut) {
                let value = element.get("value").and_then(Value::as_str);
                let Some(reference) = known.iter().find(|k| Some(&*k.value) == value) else {
                    continue;
                };
                if let Some(uri) = self.reference_uri(reference) {
                    element.insert("$ref".to_owned(), uri.into());
                }
                let name = ["displayName", "display"].into_iter().find(|name| {
                    attribute
                        .sub_attribute(name)
                        .is_some_and(|sub| sub.mutability == Mutability::ReadOnly)
                });
                if let (Some(name), Some(display)) = (name, &reference.display) {
                    element.insert(name.to_owned(), (**display).into());
                }
            }
        }
    }
}

/// Writes an object as people expect to read it, and as [`Renderer::splice`] does: `id` and
/// `schemas` first, references to others and `meta` last.
fn write_ordered(out: &mut Vec<u8>, object: &Map<String, Value>) -> Result<(), BackendError> {
    const FIRST: [&str; 2] = ["id", "schemas"];
    const LAST: [&str; 3] = ["members", "groups", "meta"];
    let entry = |name| object.get_key_value(name);
    let middle = object
        .iter()
        .filter(|(name, _)| !FIRST.contains(&name.as_str()) && !LAST.contains(&name.as_str()));
    let first = FIRST.into_iter().filter_map(entry);
    let last = LAST.into_iter().filter_map(entry);
    let mut separator = b'{';
    for (name, value) in first.chain(middle).chain(last) {
        out.push(separator);
        separator = b',';
        json(out, name.as_str())?;
        out.push(b':');
        json(out, value)?;
    }
    if object.is_empty() {
        out.push(b'{');
    }
    out.push(b'}');
    Ok(())
}

pub(crate) fn json<T: serde::Serialize + ?Sized>(
    out: &mut Vec<u8>,
    value: &T,
) -> Result<(), BackendError> {
    serde_json::to_writer(out, value).map_err(BackendError::internal)
}
