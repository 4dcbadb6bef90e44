//! Which attributes an answer holds: `returned`, `attributes` and `excludedAttributes`
//! (RFC 7643 §7, RFC 7644 §3.9).

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::error::{Result, ScimError};
use crate::path::{Found, Target};
use crate::resource_type::ResourceType;
use crate::schema::{Attribute, Returned, Schema, USER_URN};

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
    plan: Arc<Plan>,
}

#[derive(Clone, Debug)]
enum Selection {
    Default,
    Only(Vec<Target>),
    Except(Vec<Target>),
}

impl AttributeSet {
    /// What is returned when the client asks for nothing in particular.
    #[must_use]
    pub fn default_for(resource_type: &Arc<ResourceType>) -> Self {
        Self {
            plan: Arc::clone(resource_type.default_plan()),
            resource_type: Arc::clone(resource_type),
            selection: Selection::Default,
            sent: Vec::new(),
        }
    }

    /// What the parameters `attributes` and `excludedAttributes` ask for: paths with or without
    /// URN, or a bare URN for what its schema defines. Names that no schema defines are ignored;
    /// two lists without a name ask for nothing in particular.
    ///
    /// To name an attribute, or a schema by its URN, asks for what is in it and `returned` always
    /// or by default: a part that is `returned: request` has to be named itself.
    ///
    /// # Errors
    /// 400 `invalidValue` when both are given (RFC 7644 §3.9 makes them exclude each other).
    pub fn parse<S: AsRef<str>>(
        resource_type: &Arc<ResourceType>,
        attributes: &[S],
        excluded: &[S],
    ) -> Result<Self> {
        let given = |names: &[S]| names.iter().any(|name| !name.as_ref().trim().is_empty());
        let resolve = |paths: &[S]| -> Vec<Target> {
            paths
                .iter()
                .map(|path| path.as_ref().trim())
                // `attributes=manager` can mean nothing else than the extension's, and unknown
                // names are ignored anyway.
                .filter_map(|path| {
                    resource_type.find(path).or_else(|| resource_type.find_unqualified(path))
                })
                .map(Target::from)
                .collect()
        };
        let selection = match (given(attributes), given(excluded)) {
            (false, false) => return Ok(Self::default_for(resource_type)),
            (true, false) => Selection::Only(resolve(attributes)),
            (false, true) => Selection::Except(resolve(excluded)),
            (true, true) => {
                return Err(ScimError::invalid_value(
                    "`attributes` and `excludedAttributes` cannot be used together",
                ));
            }
        };
        let plan = Arc::new(Plan::new(resource_type, &selection, &[]));
        Ok(Self { resource_type: Arc::clone(resource_type), selection, sent: Vec::new(), plan })
    }

    /// The same set for the answer to a write: what the client sent and is returned on request
    /// comes back too (RFC 7643 §7, `returned: request`), unless the client asked for particular
    /// attributes.
    #[must_use]
    pub fn with_sent(mut self, sent: impl IntoIterator<Item = Target>) -> Self {
        if self.resource_type.default_plan().on_request {
            self.sent.extend(sent);
            self.plan = Arc::new(Plan::new(&self.resource_type, &self.selection, &self.sent));
        }
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

    /// Whether the attribute that the path names, or a part of it, may be in the answer. A store
    /// that sees `false` for `members` must touch no member row.
    #[must_use]
    pub fn wants(&self, path: &str) -> bool {
        match self.resource_type.find(path) {
            Some(Found::Attribute { extension, attribute, .. }) => {
                self.plan.keep(&self.resource_type, extension.map(|e| &**e), attribute)
                    != Some(&Keep::Nothing)
            }
            _ => false,
        }
    }

    /// Whether projecting changes nothing, whatever canonical document a store holds: then its
    /// text can be sent as it is.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.plan.everything
    }

    /// The part of a whole resource in canonical JSON that is to be returned.
    #[must_use]
    pub fn project(&self, mut resource: Map<String, Value>) -> Map<String, Value> {
        let Plan { core, extensions, .. } = &*self.plan;
        resource.retain(|name, value| {
            let attributes = self.resource_type.core_attributes();
            if let Some((attribute, keep)) = attributes.zip(core).find(|(a, _)| a.name == *name) {
                return keep.apply(attribute, value);
            }
            let mut extensions = self.resource_type.extensions().iter().zip(extensions);
            match (extensions.find(|(e, _)| e.schema.id() == name), value) {
                (Some((extension, keeps)), Value::Object(object)) => {
                    object.retain(|name, value| {
                        let attributes = extension.schema.attributes().iter();
                        attributes
                            .zip(keeps)
                            .find(|(a, _)| a.name == *name)
                            .is_some_and(|(attribute, keep)| keep.apply(attribute, value))
                    });
                    !object.is_empty()
                }
                _ => false,
            }
        });
        resource
    }
}

/// An [`AttributeSet`] worked out: what is kept of each attribute, in the order of
/// [`ResourceType::core_attributes`] and of each extension's attributes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    core: Vec<Keep>,
    extensions: Vec<Vec<Keep>>,
    everything: bool,
    /// Whether any attribute is `returned: request`.
    on_request: bool,
}

/// What is kept of one attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Keep {
    Nothing,
    Whole,
    /// The sub-attributes that are marked, in the order of the definition.
    Parts(Vec<bool>),
}

impl Plan {
    pub(crate) fn default_for(resource_type: &ResourceType) -> Self {
        Self::new(resource_type, &Selection::Default, &[])
    }

    fn new(resource_type: &ResourceType, selection: &Selection, sent: &[Target]) -> Self {
        let selected = match selection {
            Selection::Default => [].as_slice(),
            Selection::Only(targets) | Selection::Except(targets) => targets,
        };
        let (selected, sent) = (Marks::of(resource_type, selected), Marks::of(resource_type, sent));
        let decide = |(attribute, (selected, sent)): (&Arc<Attribute>, (&Mark, &Mark))| {
            keep(selection, attribute, selected, sent)
        };
        let core: Vec<Keep> = resource_type
            .core_attributes()
            .zip(selected.core.iter().zip(&sent.core))
            .map(decide)
            .collect();
        let extensions: Vec<Vec<Keep>> = resource_type
            .extensions()
            .iter()
            .zip(selected.extensions.iter().zip(&sent.extensions))
            .map(|(extension, (selected, sent))| {
                let attributes = extension.schema.attributes().iter();
                attributes.zip(selected.iter().zip(sent)).map(decide).collect()
            })
            .collect();
        // A user's password is never in a document.
        let is_user = resource_type.schema().id() == USER_URN;
        let everything = resource_type
            .core_attributes()
            .zip(&core)
            .all(|(a, keep)| *keep == Keep::Whole || is_user && a.name == "password")
            && extensions.iter().flatten().all(|keep| *keep == Keep::Whole);
        let on_request = resource_type
            .core_attributes()
            .chain(resource_type.extensions().iter().flat_map(|e| e.schema.attributes()))
            .any(|a| {
                std::iter::once(a).chain(&a.sub_attributes).any(|a| a.returned == Returned::Request)
            });
        Self { core, extensions, everything, on_request }
    }

    /// What is kept of an attribute of the resource type.
    fn keep(
        &self,
        resource_type: &ResourceType,
        extension: Option<&Schema>,
        attribute: &Attribute,
    ) -> Option<&Keep> {
        let named = |(a, _): &(&Arc<Attribute>, &Keep)| a.name == attribute.name;
        let (_, keep) = match extension {
            None => resource_type.core_attributes().zip(&self.core).find(named)?,
            Some(schema) => {
                let mut extensions = resource_type.extensions().iter().zip(&self.extensions);
                let (_, keeps) = extensions.find(|(e, _)| e.schema.id() == schema.id())?;
                schema.attributes().iter().zip(keeps).find(named)?
            }
        };
        Some(keep)
    }
}

impl Keep {
    /// Leaves of a value what is kept, and says whether anything is.
    fn apply(&self, attribute: &Attribute, value: &mut Value) -> bool {
        let kept = match self {
            Self::Nothing => return false,
            Self::Whole => return true,
            Self::Parts(kept) => kept,
        };
        let part = |value: &mut Value| match value {
            Value::Object(object) => {
                object.retain(|name, _| {
                    let parts = attribute.sub_attributes.iter().zip(kept);
                    parts.into_iter().any(|(sub, kept)| *kept && sub.name == *name)
                });
                !object.is_empty()
            }
            // A complex value is an object; of anything else nothing is known to be returnable.
            _ => false,
        };
        match value {
            // An empty list has nothing to hide, and some clients want to see it.
            Value::Array(elements) if elements.is_empty() => true,
            Value::Array(elements) => {
                elements.retain_mut(part);
                !elements.is_empty()
            }
            single => part(single),
        }
    }
}

/// How a list of targets names one attribute.
#[derive(Clone, Default)]
struct Mark {
    /// By its own name.
    whole: bool,
    /// By the URN of its schema.
    contained: bool,
    /// By the names of sub-attributes: one mark each, or none at all.
    parts: Vec<bool>,
}

impl Mark {
    fn any(&self) -> bool {
        self.whole || self.contained || !self.parts.is_empty()
    }

    fn part(&self, index: usize) -> bool {
        self.parts.get(index).copied().unwrap_or_default()
    }
}

/// How a list of targets names each attribute, in the order of [`Plan`].
struct Marks {
    core: Vec<Mark>,
    extensions: Vec<Vec<Mark>>,
}

impl Marks {
    fn of(resource_type: &ResourceType, targets: &[Target]) -> Self {
        let extensions = resource_type.extensions();
        let mut marks = Self {
            core: vec![Mark::default(); resource_type.core_attributes().count()],
            extensions: extensions
                .iter()
                .map(|e| vec![Mark::default(); e.schema.attributes().len()])
                .collect(),
        };
        for target in targets {
            match target {
                Target::Resource => marks.core.iter_mut().for_each(|m| m.contained = true),
                Target::Extension(schema) => {
                    let of_extension = extensions.iter().zip(&mut marks.extensions);
                    of_extension
                        .filter(|(e, _)| e.schema.id() == schema.id())
                        .flat_map(|(_, marks)| marks)
                        .for_each(|m| m.contained = true);
                }
                Target::Attribute(reference) => {
                    let name = &reference.attribute().name;
                    let mark = match reference.extension() {
                        None => resource_type
                            .core_attributes()
                            .zip(&mut marks.core)
                            .find(|(a, _)| a.name == *name),
                        Some(schema) => extensions
                            .iter()
                            .zip(&mut marks.extensions)
                            .find(|(e, _)| e.schema.id() == schema.id())
                            .and_then(|(e, marks)| {
                                e.schema
                                    .attributes()
                                    .iter()
                                    .zip(marks)
                                    .find(|(a, _)| a.name == *name)
                            }),
                    };
                    let Some((attribute, mark)) = mark else { continue };
                    match reference.sub_attribute() {
                        None => mark.whole = true,
                        Some(sub) => {
                            mark.parts.resize(attribute.sub_attributes.len(), false);
                            let parts = attribute.sub_attributes.iter().zip(&mut mark.parts);
                            parts.filter(|(s, _)| s.name == sub.name).for_each(|(_, m)| *m = true);
                        }
                    }
                }
            }
        }
        marks
    }
}

/// What a selection keeps of an attribute (RFC 7643 §7, RFC 7644 §3.9).
fn keep(selection: &Selection, attribute: &Attribute, selected: &Mark, sent: &Mark) -> Keep {
    let always = attribute.returned == Returned::Always;
    let on_request = attribute.returned == Returned::Request;
    let wanted = always || selected.whole || selected.contained && !on_request;
    let kept = !attribute.is_never_returned()
        && match selection {
            Selection::Default => !on_request || sent.any(),
            Selection::Only(_) => wanted || !selected.parts.is_empty(),
            Selection::Except(_) => {
                let excluded = !always && (selected.whole || selected.contained);
                !excluded && (!on_request || sent.any())
            }
        };
    if !kept {
        return Keep::Nothing;
    }
    let keeps_part = |(index, sub): (usize, &Arc<Attribute>)| {
        let named = selected.part(index);
        let was_sent = sent.whole || sent.contained || sent.part(index);
        !sub.is_never_returned()
            && match (sub.returned, selection) {
                (Returned::Never, _) => false,
                (Returned::Always, _) | (Returned::Default, Selection::Default) => true,
                (Returned::Default, Selection::Only(_)) => wanted || named,
                (Returned::Default, Selection::Except(_)) => !named,
                (Returned::Request, Selection::Default) => was_sent,
                (Returned::Request, Selection::Only(_)) => named,
                (Returned::Request, Selection::Except(_)) => !named && was_sent,
            }
    };
    let parts: Vec<bool> = attribute.sub_attributes.iter().enumerate().map(keeps_part).collect();
    if parts.iter().all(|kept| *kept) { Keep::Whole } else { Keep::Parts(parts) }
}
