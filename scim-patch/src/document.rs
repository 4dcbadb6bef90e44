//! What a PATCH does to the document of a resource.

use std::collections::HashSet;
use std::sync::Arc;

use scim_core::{
    Attribute, AttributeRef, Mutability, Reference, ResourceType, Result, Schema, ScimError,
};
use serde_json::{Map, Value};

use crate::change::{Action, AttributeChange};
use crate::elements::{ElementAction, ElementsChange};
use crate::work::Work;

/// The changes of a PATCH to a resource's attributes, in order, without those to members.
#[derive(Clone, Debug)]
pub struct DocumentPlan {
    resource_type: Arc<ResourceType>,
    steps: Vec<Step>,
}

/// One change, and the operation it comes from, counted from 1.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) operation: usize,
    pub(crate) change: DocumentChange,
}

#[derive(Clone, Debug)]
pub(crate) enum DocumentChange {
    Attribute(Box<AttributeChange>),
    /// The whole extension goes, but for what is readOnly in it.
    RemoveExtension(Arc<Schema>),
}

impl DocumentPlan {
    pub(crate) fn new(resource_type: Arc<ResourceType>, steps: Vec<Step>) -> Self {
        Self { resource_type, steps }
    }

    /// Whether there is nothing to do to the document, so that a store need not load it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The resources that it names in values to be set.
    pub(crate) fn references(&self) -> Vec<Reference> {
        let changes = self.steps.iter().filter_map(|step| match &step.change {
            DocumentChange::Attribute(change) => Some(change),
            DocumentChange::RemoveExtension(_) => None,
        });
        changes.flat_map(|change| change.references()).collect()
    }

    /// Applies all changes to canonical attributes: those of a document as stores keep it, without
    /// `id`, `meta`, `members` and `groups`, extensions under their URN. The result is canonical
    /// again. `None` when nothing changed, which calls for no new version and no new
    /// `meta.lastModified`.
    ///
    /// All or none: on an error nothing is given back. What is required is looked at after the last
    /// operation, so that a value may be removed and added again.
    ///
    /// # Errors
    /// 400 `noTarget` when a filter matches nothing and has to; 400 `mutability` when a readOnly
    /// or immutable value would change or a required one is gone; 400 `invalidValue` when a new
    /// value lacks a required part or two elements would be primary; 400 `tooMany` when operations
    /// times elements is more than the library does for one request.
    pub fn apply(&self, attributes: &Map<String, Value>) -> Result<Option<Map<String, Value>>> {
        if self.steps.is_empty() {
            return Ok(None);
        }
        let mut working = attributes.clone();
        let mut work = Work::new();
        for step in &self.steps {
            step.apply(&mut working, &mut work).map_err(|e| step.within(e))?;
        }
        self.check_required(attributes, &working, &mut work)?;
        Ok((working != *attributes).then_some(working))
    }

    /// RFC 7644 §3.5.2.2: what is required may not become unassigned. What was missing before is
    /// not this request's fault.
    fn check_required(
        &self,
        before: &Map<String, Value>,
        after: &Map<String, Value>,
        work: &mut Work,
    ) -> Result<()> {
        for extension in self.resource_type.extensions() {
            let schema = &extension.schema;
            self.check_extension(extension.required, schema, before, after).map_err(|error| {
                let last = self.steps.iter().rev().find(|step| step.extension() == Some(schema));
                match last {
                    Some(step) => step.within(error),
                    None => error,
                }
            })?;
        }
        let removed: HashSet<&str> =
            self.steps.iter().filter_map(Step::removed_extension).collect();
        for step in &self.steps {
            let DocumentChange::Attribute(change) = &step.change else { continue };
            let attribute = &change.attribute;
            let (old, new) = (attribute.attribute_value(before), attribute.attribute_value(after));
            // An extension may go with all that it requires.
            let went_along = attribute
                .extension()
                .is_some_and(|e| removed.contains(e.id()) && !after.contains_key(e.id()));
            if attribute.attribute().required && has_value(old) && !has_value(new) && !went_along {
                return Err(step.within(ScimError::mutability(format!(
                    "`{attribute}` is required and can't be removed"
                ))));
            }
            if let Some(part) = missing_part(attribute.attribute(), old, new, work)? {
                let error = if self.clears_part(attribute, part) {
                    ScimError::mutability(format!(
                        "`{attribute}.{}` is required and can't be removed",
                        part.name
                    ))
                } else {
                    ScimError::invalid_value(format!("`{attribute}.{}` is required", part.name))
                };
                return Err(step.within(error));
            }
        }
        Ok(())
    }

    fn check_extension(
        &self,
        required: bool,
        schema: &Schema,
        before: &Map<String, Value>,
        after: &Map<String, Value>,
    ) -> Result<()> {
        let id = schema.id();
        let (old, new) = (before.get(id), after.get(id));
        if required && old.is_some() && new.is_none() {
            return Err(ScimError::mutability(format!(
                "extension `{id}` is required and can't be removed"
            )));
        }
        let (None, Some(new)) = (old, new) else { return Ok(()) };
        let missing = |a: &&Arc<Attribute>| {
            a.required && a.mutability != Mutability::ReadOnly && !has_value(new.get(&a.name))
        };
        match schema.attributes().iter().find(missing) {
            Some(a) => Err(ScimError::invalid_value(format!("`{id}:{}` is required", a.name))),
            None => Ok(()),
        }
    }

    /// Whether an operation of the request unassigns that part of the attribute's values.
    fn clears_part(&self, attribute: &AttributeRef, part: &Attribute) -> bool {
        self.steps.iter().any(|step| match &step.change {
            DocumentChange::Attribute(change) if change.attribute == *attribute => {
                match &change.action {
                    Action::Parts(parts)
                    | Action::Elements(ElementsChange {
                        action: ElementAction::Change(parts),
                        ..
                    }) => parts.clears(&part.name),
                    _ => false,
                }
            }
            _ => false,
        })
    }
}

impl Step {
    fn removed_extension(&self) -> Option<&str> {
        match &self.change {
            DocumentChange::Attribute(_) => None,
            DocumentChange::RemoveExtension(schema) => Some(schema.id()),
        }
    }

    fn extension(&self) -> Option<&Arc<Schema>> {
        match &self.change {
            DocumentChange::Attribute(change) => change.attribute.extension(),
            DocumentChange::RemoveExtension(schema) => Some(schema),
        }
    }

    fn within(&self, error: ScimError) -> ScimError {
        error.within(format_args!("operation {}", self.operation))
    }

    fn apply(&self, attributes: &mut Map<String, Value>, work: &mut Work) -> Result<()> {
        match &self.change {
            DocumentChange::Attribute(change) => match change.attribute.extension() {
                None => apply_in(attributes, change, work),
                Some(schema) => {
                    let mut extension = match attributes.remove(schema.id()) {
                        Some(Value::Object(extension)) => extension,
                        _ => Map::new(),
                    };
                    apply_in(&mut extension, change, work)?;
                    // The extension is in `schemas` as long as it has a value.
                    if !extension.is_empty() {
                        attributes.insert(schema.id().to_owned(), Value::Object(extension));
                    }
                    Ok(())
                }
            },
            DocumentChange::RemoveExtension(schema) => {
                let Some(Value::Object(mut extension)) = attributes.remove(schema.id()) else {
                    return Ok(());
                };
                let fixed = extension.keys().find(|name| {
                    schema.attribute(name).is_some_and(|a| a.mutability == Mutability::Immutable)
                });
                if let Some(name) = fixed {
                    return Err(ScimError::mutability(format!(
                        "`{}:{name}` is immutable and can't be removed",
                        schema.id()
                    )));
                }
                extension.retain(|name, _| {
                    schema.attribute(name).is_some_and(|a| a.mutability == Mutability::ReadOnly)
                });
                if !extension.is_empty() {
                    attributes.insert(schema.id().to_owned(), Value::Object(extension));
                }
                Ok(())
            }
        }
    }
}

fn apply_in(
    object: &mut Map<String, Value>,
    change: &AttributeChange,
    work: &mut Work,
) -> Result<()> {
    let name = &change.attribute.attribute().name;
    let present = object.remove(name).filter(|v| !v.is_null());
    if let Some(value) = change.apply(present, work)? {
        object.insert(name.clone(), value);
    }
    Ok(())
}

/// As on POST, an empty text is no value where one is required.
fn has_value(value: Option<&Value>) -> bool {
    value.is_some_and(|v| !v.is_null() && v.as_str() != Some(""))
}

/// A required sub-attribute that a new value, or a new element, lacks.
fn missing_part<'a>(
    attribute: &'a Attribute,
    before: Option<&Value>,
    after: Option<&Value>,
    work: &mut Work,
) -> Result<Option<&'a Arc<Attribute>>> {
    for part in &attribute.sub_attributes {
        if !part.required || part.mutability == Mutability::ReadOnly {
            continue;
        }
        let lacks = |value: &&Value| value.get(&part.name).is_none();
        match after {
            Some(Value::Array(elements)) => {
                let present = before.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                work.spend(elements.len())?;
                for element in elements.iter().filter(lacks) {
                    work.spend(present.len())?;
                    if !present.contains(element) {
                        return Ok(Some(part));
                    }
                }
            }
            Some(value) if lacks(&value) && before.is_none_or(|b| b.get(&part.name).is_some()) => {
                return Ok(Some(part));
            }
            _ => {}
        }
    }
    Ok(None)
}
