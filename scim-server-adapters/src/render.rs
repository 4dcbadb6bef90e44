//! Stored resources as answers: URIs filled in, attributes projected, text written.

use std::borrow::Cow;
use std::fmt;
use std::io::Write as _;
use std::sync::Arc;

use scim_core::schema::GROUP_URN;
use scim_core::{
    Attribute, AttributeSet, Member, Mutability, Registry, ResourceId, ResourceType, Schema,
    refers_to_resource,
};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::backend::{BackendError, Body, DIRECT, Members, Stored, Wanted, row_json};
use crate::route::encode_segment;
use crate::stream::Rest;

/// An answer that is being written.
#[derive(Default)]
pub(crate) struct Text {
    pub(crate) bytes: Vec<u8>,
    /// Where members go that are not read yet, from the first place to the last.
    pub(crate) gaps: Vec<(usize, Rest)>,
}

/// What is written so far of the `members` of a group.
///
/// The attribute begins with the first element that has something to be returned: whether any has,
/// a later part may tell.
#[derive(Default)]
pub(crate) struct MemberList {
    is_open: bool,
    /// Whether the group has any members.
    has_some: bool,
}

impl MemberList {
    fn begin_element(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.is_open { b"," } else { b",\"members\":[" });
        self.is_open = true;
    }

    pub(crate) fn end(&self, out: &mut Vec<u8>) {
        if self.is_open {
            out.push(b']');
        } else if !self.has_some {
            // An empty list has nothing to hide, and some clients want to see it.
            out.extend_from_slice(b",\"members\":[]");
        }
    }
}

/// Writes resources for one tenant, whose URIs begin with `base`.
#[derive(Debug)]
pub(crate) struct Renderer<'a> {
    registry: &'a Registry,
    pub(crate) base: String,
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

    /// Writes the part of a resource that is to be returned; `location` is its URI.
    pub(crate) fn resource(
        &self,
        out: &mut Text,
        stored: &Stored,
        wanted: &Wanted,
        location: &str,
    ) -> Result<(), BackendError> {
        match &stored.body {
            // Nothing is left out: the document's text goes out as it is, but for the attributes
            // that refer to other resources.
            Body::Json(text) if wanted.is_everything() => {
                if stored.references.is_empty() {
                    self.splice(out, stored, wanted, location, text)
                } else {
                    self.splice(out, stored, wanted, location, &self.referring(stored, text)?)
                }
            }
            _ => self.project(out, stored, wanted, location),
        }
    }

    /// The document's text with what [`Renderer::refer`] puts into it; what does not refer to other
    /// resources is copied, not parsed.
    fn referring(&self, stored: &Stored, text: &str) -> Result<String, BackendError> {
        let resource_type = &stored.resource_type;
        let mut out = Vec::with_capacity(text.len() + 256);
        each(&mut out, text, |out, name, value| {
            let extension = resource_type.extensions().iter().find(|e| e.schema.id() == name);
            let Some(extension) = extension else {
                return self.referring_attribute(out, stored, resource_type.schema(), name, value);
            };
            each(out, value.get(), |out, name, value| {
                self.referring_attribute(out, stored, &extension.schema, name, value)
            })
        })?;
        String::from_utf8(out).map_err(BackendError::internal)
    }

    fn referring_attribute(
        &self,
        out: &mut Vec<u8>,
        stored: &Stored,
        schema: &Schema,
        name: &str,
        value: &RawValue,
    ) -> Result<(), BackendError> {
        // What is stored has the schema's spelling.
        let attribute = || schema.attributes().iter().find(|attribute| attribute.name == name);
        let is_complex = value.get().starts_with(['{', '[']);
        match is_complex.then(attribute).flatten().filter(|a| refers_to_resource(a)) {
            Some(attribute) => {
                let mut value =
                    serde_json::from_str(value.get()).map_err(BackendError::internal)?;
                self.refer_in(&mut value, attribute, &stored.references);
                json(out, &value)
            }
            None => {
                out.extend_from_slice(value.get().as_bytes());
                Ok(())
            }
        }
    }

    /// The document's text between the id and what is kept apart from it.
    fn splice(
        &self,
        text: &mut Text,
        stored: &Stored,
        wanted: &Wanted,
        location: &str,
        document: &str,
    ) -> Result<(), BackendError> {
        let inner = document
            .trim()
            .strip_prefix('{')
            .and_then(|t| t.strip_suffix('}'))
            .ok_or_else(|| BackendError::internal("a stored document is not a JSON object"))?;
        let out = &mut text.bytes;
        out.reserve(inner.len() + 512);
        out.extend_from_slice(b"{\"id\":");
        json(out, stored.id.as_str())?;
        if !inner.trim().is_empty() {
            out.push(b',');
            out.extend_from_slice(inner.as_bytes());
        }
        self.first_members(text, stored, wanted)?;
        let out = &mut text.bytes;
        if let Some(groups) = stored.groups.as_ref().filter(|groups| !groups.is_empty()) {
            out.extend_from_slice(b",\"groups\":");
            for (i, group) in groups.iter().enumerate() {
                out.push(if i == 0 { b'[' } else { b',' });
                self.reference(out, group, Some(DIRECT))?;
            }
            out.push(b']');
        }
        write!(
            out,
            ",\"meta\":{{\"created\":\"{}\",\"lastModified\":\"{}\",\"location\":",
            stored.created, stored.last_modified
        )
        .map_err(BackendError::internal)?;
        json(out, location)?;
        out.extend_from_slice(b",\"resourceType\":");
        json(out, stored.resource_type.name())?;
        out.extend_from_slice(b",\"version\":");
        json(out, &stored.version.to_string())?;
        out.extend_from_slice(b"}}");
        Ok(())
    }

    /// The members of a group that were read. For those that were not, a gap is left.
    fn first_members(
        &self,
        out: &mut Text,
        stored: &Stored,
        wanted: &Wanted,
    ) -> Result<(), BackendError> {
        let Some(Members { list: first, next }) = &stored.members else { return Ok(()) };
        if !wanted.is_everything() && !wanted.wants("members") {
            return Ok(());
        }
        let mut list = MemberList::default();
        self.members(&mut out.bytes, &mut list, first, wanted)?;
        match next {
            None => list.end(&mut out.bytes),
            Some(next) => {
                let rest = Rest {
                    resource_type: Arc::clone(&stored.resource_type),
                    id: stored.id.clone(),
                    after: next.clone(),
                    wanted: Arc::clone(wanted),
                    list,
                };
                out.gaps.push((out.bytes.len(), rest));
            }
        }
        Ok(())
    }

    /// Writes what is to be returned of some members, behind those that were written before.
    pub(crate) fn members(
        &self,
        out: &mut Vec<u8>,
        list: &mut MemberList,
        members: &[Member],
        wanted: &AttributeSet,
    ) -> Result<(), BackendError> {
        list.has_some |= !members.is_empty();
        if wanted.is_everything() {
            return members.iter().try_for_each(|member| {
                list.begin_element(out);
                self.reference(out, member, None)
            });
        }
        let elements = members.iter().map(|member| self.row(member, false)).collect();
        let whole = Map::from_iter([("members".to_owned(), Value::Array(elements))]);
        let projected = wanted.project(whole);
        let elements = projected.get("members").and_then(Value::as_array);
        elements.into_iter().flatten().try_for_each(|element| {
            list.begin_element(out);
            json(out, element)
        })
    }

    /// A reference with its URI; `kind` stands for the resource type where `type` means something
    /// else.
    fn reference(
        &self,
        out: &mut Vec<u8>,
        reference: &Member,
        kind: Option<&str>,
    ) -> Result<(), BackendError> {
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
        Ok(())
    }

    /// The same as a value.
    fn row(&self, reference: &Member, is_group_of_user: bool) -> Value {
        let mut element = row_json(reference, is_group_of_user);
        if let Some(uri) = self.reference_uri(reference) {
            element.insert("$ref".to_owned(), uri.into());
        }
        Value::Object(element)
    }

    /// The URI of a resource referred to, if it exists.
    fn reference_uri(&self, reference: &Member) -> Option<String> {
        let name = reference.resource_type.as_deref().filter(|_| reference.exists)?;
        let endpoint = self.registry.by_name(name)?.endpoint();
        Some(format!("{}{endpoint}/{}", self.base, encode_segment(&reference.value)))
    }

    /// Writes what is to be returned as people expect to read it, and as [`Renderer::splice`] does:
    /// `id` and `schemas` first, references to others and `meta` last.
    fn project(
        &self,
        text: &mut Text,
        stored: &Stored,
        wanted: &Wanted,
        location: &str,
    ) -> Result<(), BackendError> {
        const FIRST: [&str; 2] = ["id", "schemas"];
        const LAST: [&str; 3] = ["members", "groups", "meta"];
        let object = wanted.project(self.complete(stored, location)?);
        let entry = |name| object.get_key_value(name);
        let middle = object
            .iter()
            .filter(|(name, _)| !FIRST.contains(&name.as_str()) && !LAST.contains(&name.as_str()));
        let mut separator = b'{';
        for (name, value) in FIRST.into_iter().filter_map(entry).chain(middle) {
            write_entry(&mut text.bytes, separator, name, value)?;
            separator = b',';
        }
        // The id is always there, so something is before them.
        self.first_members(text, stored, wanted)?;
        for (name, value) in LAST.into_iter().filter_map(entry) {
            write_entry(&mut text.bytes, b',', name, value)?;
        }
        text.bytes.push(b'}');
        Ok(())
    }

    /// The whole resource in JSON, with every URI, but for the members of a group.
    fn complete(
        &self,
        stored: &Stored,
        location: &str,
    ) -> Result<Map<String, Value>, BackendError> {
        let mut resource = stored.to_json_with(&[])?;
        if let Some(Value::Object(meta)) = resource.get_mut("meta") {
            meta.insert("location".to_owned(), location.into());
        }
        if let Some(groups) = stored.groups.as_ref().filter(|groups| !groups.is_empty()) {
            let elements = groups.iter().map(|group| self.row(group, true)).collect();
            resource.insert("groups".to_owned(), elements);
        }
        self.refer(&mut resource, stored);
        Ok(resource)
    }

    /// Puts `$ref`, and the name where the schema has a readOnly place for it, beside the `value`
    /// of each reference to a resource that exists. `members` and `groups` have theirs already.
    fn refer(&self, resource: &mut Map<String, Value>, stored: &Stored) {
        if stored.references.is_empty() {
            return;
        }
        let in_rows = |a: &Attribute| {
            stored.resource_type.schema().id() == GROUP_URN && a.name == "members"
                || stored.resource_type.has_groups() && a.name == "groups"
        };
        let refer = |object: &mut Map<String, Value>, attribute: &Attribute| {
            if let Some(value) = object.get_mut(&attribute.name)
                && refers_to_resource(attribute)
            {
                self.refer_in(value, attribute, &stored.references);
            }
        };
        let core = stored.resource_type.schema().attributes().iter().filter(|a| !in_rows(a));
        core.for_each(|attribute| refer(resource, attribute));
        for extension in stored.resource_type.extensions() {
            if let Some(Value::Object(object)) = resource.get_mut(extension.schema.id()) {
                extension.schema.attributes().iter().for_each(|a| refer(object, a));
            }
        }
    }

    /// The same in the value of one attribute.
    fn refer_in(&self, value: &mut Value, attribute: &Attribute, known: &[Member]) {
        let elements = match value {
            Value::Array(elements) => elements.as_mut_slice(),
            single => std::slice::from_mut(single),
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

fn write_entry(
    out: &mut Vec<u8>,
    separator: u8,
    name: &str,
    value: &Value,
) -> Result<(), BackendError> {
    out.push(separator);
    json(out, name)?;
    out.push(b':');
    json(out, value)
}

/// Copies a JSON object, the value of each of its members as `write` writes it.
fn each<'t>(
    out: &mut Vec<u8>,
    object: &'t str,
    mut write: impl FnMut(&mut Vec<u8>, &str, &'t RawValue) -> Result<(), BackendError>,
) -> Result<(), BackendError> {
    let Object(members) = serde_json::from_str(object).map_err(BackendError::internal)?;
    let mut separator = b'{';
    for (name, value) in members {
        out.push(separator);
        separator = b',';
        json(out, &*name)?;
        out.push(b':');
        write(out, &name, value)?;
    }
    if separator == b'{' {
        out.push(b'{');
    }
    out.push(b'}');
    Ok(())
}

/// The members of a JSON object in their order, their values as text.
struct Object<'t>(Vec<(Cow<'t, str>, &'t RawValue)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(16);
                while let Some(Name(name)) = map.next_key()? {
                    members.push((name, map.next_value()?));
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

/// A name, which is copied only if it has escapes.
#[derive(serde::Deserialize)]
struct Name<'t>(#[serde(borrow)] Cow<'t, str>);

pub(crate) fn json<T: serde::Serialize + ?Sized>(
    out: &mut Vec<u8>,
    value: &T,
) -> Result<(), BackendError> {
    serde_json::to_writer(out, value).map_err(BackendError::internal)
}
