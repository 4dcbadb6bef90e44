//! Which attributes an answer holds: `returned`, `attributes` and `excludedAttributes`
//! (RFC 7643 §7, RFC 7644 §3.9).

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::error::{Result, ScimError};
use crate::path::Target;
use crate::resource_type::ResourceType;
use crate::schema::{Attribute, Returned, Schema};

/// The attributes that an answer is to hold, resolved against a resource type.
///
/// ```
/// use scim_core::{AttributeSet, ResourceType};
/// let user = ResourceType::user();
/// let set = AttributeSet::parse(&user, &["name.familyName"], &[])?;
/// let serde_json::Value::Object(resource) = serde_json::json!({
///     "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "1",
///     "userName": "bjensen", "name": {"familyName": "Jensen", "givenName": "Barbara"},
/// }) else { unreachable!() };
/// let projected = set.project(resource);
/// assert_eq!(projected["name"], serde_json::json!({"familyName": "Jensen"}));
/// assert!(projected.contains_key("id") && !projected.contains_key("userName"));
/// # Ok::<(), scim_core::ScimError>(())
/// ```
#[derive(Clone, Debug)]
pub struct AttributeSet {
    resource_type: Arc<ResourceType>,
    selection: Selection,
    sent: Vec<Target>,
}

#[derive(Clone, Debug)]
enum Selection {
    Default,
    Only(Vec<Target>),
    Except(Vec<Target>),
}

/// Which sub-attributes of an attribute are kept.
type Keeps<'a> = Box<dyn Fn(&Attribute) -> bool + 'a>;

/// How much of an attribute a list of targets names.
enum Named<'a> {
    Nothing,
    Whole,
    Parts(Vec<&'a str>),
}

impl AttributeSet {
    /// What is returned when the client asks for nothing in particular.
    #[must_use]
    pub fn default_for(resource_type: &Arc<ResourceType>) -> Self {
        Self {
            resource_type: Arc::clone(resource_type),
            selection: Selection::Default,
            sent: Vec::new(),
        }
    }

    /// What the parameters `attributes` and `excludedAttributes` ask for: paths with or without
    /// URN, or a bare URN for all that a schema defines. Names that no schema defines are ignored;
    /// two empty lists ask for nothing in particular.
    ///
    /// # Errors
    /// 400 `invalidValue` when both are given (RFC 7644 §3.9 makes them exclude each other).
    pub fn parse<S: AsRef<str>>(
        resource_type: &Arc<ResourceType>,
        attributes: &[S],
        excluded: &[S],
    ) -> Result<Self> {
        let resolve = |paths: &[S]| -> Vec<Target> {
            paths
                .iter()
                .map(|path| path.as_ref().trim())
                .filter_map(|path| {
                    resource_type.resolve(path).or_else(|| {
                        // `attributes=manager` can mean nothing else, and unknown names are
                        // ignored anyway.
                        resource_type.unqualified_extension_attribute(path).map(Target::Attribute)
                    })
                })
                .collect()
        };
        let selection = match (attributes.is_empty(), excluded.is_empty()) {
            (true, true) => Selection::Default,
            (false, true) => Selection::Only(resolve(attributes)),
            (true, false) => Selection::Except(resolve(excluded)),
            (false, false) => {
                return Err(ScimError::invalid_value(
                    "`attributes` and `excludedAttributes` cannot be used together",
                ));
            }
        };
        Ok(Self { resource_type: Arc::clone(resource_type), selection, sent: Vec::new() })
    }

    /// The same set for the answer to a write: what the client sent and is returned on request
    /// comes back too (RFC 7643 §7, `returned: request`).
    #[must_use]
    pub fn with_sent(mut self, sent: impl IntoIterator<Item = Target>) -> Self {
        self.sent.extend(sent);
        self
    }

    /// The resource type it was resolved against.
    #[must_use]
    pub fn resource_type(&self) -> &Arc<ResourceType> {
        &self.resource_type
    }

    /// Whether the client asked for particular attributes or excluded some.
    #[must_use]
    pub fn is_explicit(&self) -> bool {
        !matches!(self.selection, Selection::Default)
    }

    /// Whether the attribute of the core schema with that name may be in the answer. A store that
    /// sees `false` for `members` must touch no member row.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        let Some(reference) = self.resource_type.attribute(name) else {
            return false;
        };
        self.decide(reference.extension().map(|e| &**e), reference.attribute()).is_some()
    }

    /// Whether projecting changes nothing, whatever canonical document a store holds: then its
    /// text can be sent as it is.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        fn plain(attribute: &Arc<Attribute>) -> bool {
            matches!(attribute.returned, Returned::Always | Returned::Default)
                && attribute.sub_attributes.iter().all(plain)
        }
        let schemas = self.resource_type.extensions().iter().map(|e| &e.schema);
        matches!(self.selection, Selection::Default)
            && std::iter::once(self.resource_type.schema()).chain(schemas).all(|schema| {
                // A password is never in a document.
                schema.attributes().iter().all(|a| plain(a) || a.name == "password")
            })
    }

    /// The part of a whole resource in canonical JSON that is to be returned.
    #[must_use]
    pub fn project(&self, mut resource: Map<String, Value>) -> Map<String, Value> {
        let mut projected = Map::new();
        for attribute in self.resource_type.core_attributes() {
            if let Some(value) = resource.remove(&attribute.name) {
                let value = self.project_attribute(None, attribute, value);
                projected.extend(value.map(|v| (attribute.name.clone(), v)));
            }
        }
        for extension in self.resource_type.extensions() {
            let schema = &extension.schema;
            let Some(Value::Object(mut object)) = resource.remove(schema.id()) else {
                continue;
            };
            let mut kept = Map::new();
            for attribute in schema.attributes() {
                if let Some(value) = object.remove(&attribute.name) {
                    let value = self.project_attribute(Some(schema), attribute, value);
                    kept.extend(value.map(|v| (attribute.name.clone(), v)));
                }
            }
            if !kept.is_empty() {
                projected.insert(schema.id().to_owned(), Value::Object(kept));
            }
        }
        projected
    }

    fn project_attribute(
        &self,
        extension: Option<&Schema>,
        attribute: &Attribute,
        value: Value,
    ) -> Option<Value> {
        let keeps = self.decide(extension, attribute)?;
        if !attribute.is_complex() {
            return Some(value);
        }
        let part = |value: Value| match value {
            Value::Object(object) => {
                let kept = object.into_iter().filter(|(name, _)| {
                    attribute.sub_attribute(name).is_some_and(|sub| keeps(sub))
                });
                Value::Object(kept.collect())
            }
            other => other,
        };
        let projected = match value {
            Value::Array(elements) => {
                let elements: Vec<Value> = elements.into_iter().map(part).collect();
                let empty = |e: &Value| e.as_object().is_some_and(Map::is_empty);
                if !elements.is_empty() && elements.iter().all(empty) {
                    return None;
                }
                Value::Array(elements)
            }
            single => part(single),
        };
        let nothing_left = projected.as_object().is_some_and(Map::is_empty);
        (!nothing_left).then_some(projected)
    }

    /// Whether the attribute is kept and, if so, which of its sub-attributes are.
    fn decide(&self, extension: Option<&Schema>, attribute: &Attribute) -> Option<Keeps<'_>> {
        let sent = named(&self.sent, extension, attribute);
        let was_sent = move |sub: &Attribute| match &sent {
            Named::Nothing => false,
            Named::Whole => true,
            Named::Parts(parts) => parts.contains(&sub.name.as_str()),
        };
        let always = attribute.returned == Returned::Always;
        if attribute.returned == Returned::Never {
            return None;
        }
        let on_request = attribute.returned == Returned::Request;
        let attribute_was_sent = !matches!(named(&self.sent, extension, attribute), Named::Nothing);
        match &self.selection {
            Selection::Default => {
                if on_request && !attribute_was_sent {
                    return None;
                }
                Some(Box::new(move |sub| match sub.returned {
                    Returned::Always | Returned::Default => true,
                    Returned::Request => was_sent(sub),
                    Returned::Never => false,
                }))
            }
            Selection::Only(targets) => match named(targets, extension, attribute) {
                Named::Nothing if always => Some(Box::new(|sub| {
                    matches!(sub.returned, Returned::Always | Returned::Default)
                })),
                Named::Nothing => None,
                Named::Whole => Some(Box::new(|sub| {
                    matches!(sub.returned, Returned::Always | Returned::Default)
                })),
                Named::Parts(parts) => Some(Box::new(move |sub| match sub.returned {
                    Returned::Always => true,
                    Returned::Never => false,
                    _ => {
                        always && sub.returned == Returned::Default
                            || parts.contains(&sub.name.as_str())
                    }
                })),
            },
            Selection::Except(targets) => {
                let excluded = named(targets, extension, attribute);
                if !always && matches!(excluded, Named::Whole) {
                    return None;
                }
                if on_request && !attribute_was_sent {
                    return None;
                }
                Some(Box::new(move |sub| match (sub.returned, &excluded) {
                    (Returned::Always, _) => true,
                    (Returned::Never, _) => false,
                    (_, Named::Parts(parts)) if parts.contains(&sub.name.as_str()) => false,
                    (Returned::Request, _) => was_sent(sub),
                    (Returned::Default, _) => true,
                }))
            }
        }
    }
}

/// How much of `attribute` the targets name. A bare URN names all that its schema defines.
fn named<'a>(
    targets: &'a [Target],
    extension: Option<&Schema>,
    attribute: &Attribute,
) -> Named<'a> {
    let mut parts = Vec::new();
    for target in targets {
        match target {
            Target::Resource if extension.is_none() => return Named::Whole,
            Target::Extension(schema) if extension.is_some_and(|e| e.id() == schema.id()) => {
                return Named::Whole;
            }
            Target::Attribute(reference)
                if reference.attribute().name == attribute.name
                    && reference.extension().map(|e| e.id()) == extension.map(Schema::id) =>
            {
                match reference.sub_attribute() {
                    None => return Named::Whole,
                    Some(sub) => parts.push(sub.name.as_str()),
                }
            }
            _ => {}
        }
    }
    if parts.is_empty() { Named::Nothing } else { Named::Parts(parts) }
}
