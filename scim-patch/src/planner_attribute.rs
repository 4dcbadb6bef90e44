//! What an operation on one attribute comes to: its value made canonical, its action chosen.

use std::sync::Arc;

use scim_core::{
    Attribute, AttributeRef, Ingest, Mutability, Origin, PatchOperationKind as Kind, Quirk, Result,
    ScimError, Target, refers_to_resource,
};
use serde_json::{Map, Value};

use crate::change::Action;
use crate::elements::{ElementAction, ElementsChange, NoMatch};
use crate::location::Elements;
use crate::parts::{PartChange, Parts};
use crate::planner::{Planner, is_read_only, says_unassigned};
use crate::selector::{Likeness, Selector};

impl Planner<'_> {
    /// An attribute or sub-attribute, without filter.
    pub(crate) fn attribute(
        &mut self,
        kind: Kind,
        target: AttributeRef,
        value: Option<Value>,
    ) -> Result<()> {
        self.touch(Target::Attribute(target.clone()));
        let multi_valued = target.attribute().multi_valued;
        match target.sub_attribute() {
            None if multi_valued => self.multi_valued(kind, target, value),
            None if target.attribute().is_complex() => self.complex(kind, target, value),
            None => self.simple(kind, target, value),
            Some(_) => {
                let Some((target, value)) = referenced(kind, target, value)? else {
                    return Ok(());
                };
                if multi_valued {
                    return self.part_of_all(kind, &target, value);
                }
                let change = self.part(kind, &target, value)?;
                match (change, target.sub_attribute()) {
                    (Some(change), Some(part)) => {
                        let parts = Parts::one(part, change);
                        self.push(target.parent(), Action::Parts(parts))
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    fn simple(&mut self, kind: Kind, target: AttributeRef, value: Option<Value>) -> Result<()> {
        let action = match (kind, self.canonical(&target, kind, value)?) {
            (Kind::Remove, _) | (Kind::Replace, None) => Action::Unset,
            (Kind::Add, None) => return Ok(()),
            (_, Some(value)) => Action::Set(value),
        };
        self.push(target, action)
    }

    /// A complex attribute that has one value: "Sub-attributes that are not specified in the
    /// "value" parameter are left unchanged" (RFC 7644 §3.5.2.3).
    fn complex(&mut self, kind: Kind, target: AttributeRef, value: Option<Value>) -> Result<()> {
        let definition = Arc::clone(target.attribute());
        let given = value.as_ref().and_then(|value| self.only_element(value).as_object());
        let is_object = given.is_some();
        let mut cleared = given.map(|given| cleared_parts(&definition, given)).unwrap_or_default();
        let canonical = match self.canonical(&target, kind, value)? {
            Some(Value::Object(object)) => Some(object),
            _ => None,
        };
        let action = match (kind, canonical) {
            (Kind::Remove, _) => Action::Unset,
            (Kind::Add, Some(object)) => Action::Parts(Parts::merging(&definition, &object)),
            (Kind::Replace, None) if !is_object => Action::Unset,
            (Kind::Replace, object) => {
                let object = object.unwrap_or_default();
                cleared.retain(|part| !object.contains_key(&part.name));
                Action::Parts(Parts::replacing(&definition, object, cleared))
            }
            (Kind::Add, None) => return Ok(()),
        };
        match action {
            // Nothing in it that a client may say.
            Action::Parts(parts) if parts.is_empty() => Ok(()),
            action => self.push(target, action),
        }
    }

    /// All values of a multi-valued attribute.
    fn multi_valued(
        &mut self,
        kind: Kind,
        target: AttributeRef,
        value: Option<Value>,
    ) -> Result<()> {
        let action = match (kind, value) {
            (Kind::Remove, Some(value)) => return self.remove_named(target, value),
            (Kind::Remove, None) => Action::Unset,
            (Kind::Add | Kind::Replace, value) => {
                let value = value.unwrap_or_default();
                let unassigned = says_unassigned(&value);
                let given = values_of(&value).filter(|v| !says_unassigned(v)).count();
                let elements = self.canonical_elements(&target, value)?;
                if elements.len() < given && refers_to_resource(target.attribute()) {
                    return Err(without_value(&target));
                }
                match (kind, elements.is_empty()) {
                    (Kind::Add, true) => return Ok(()),
                    (Kind::Add, false) => Action::Append(elements),
                    (_, false) => Action::ReplaceAll(elements),
                    (_, true) if unassigned => Action::Unset,
                    (_, true) => return Err(nothing_to_set(&target)),
                }
            }
        };
        self.push(target, action)
    }

    /// `remove` with a `value`, which RFC 7644 §3.5.2.2 does not provide for: never all.
    fn remove_named(&mut self, target: AttributeRef, value: Value) -> Result<()> {
        self.tolerate_remove_with_value(&target)?;
        let unassigned = says_unassigned(&value);
        let given = self.canonical_elements(&target, value)?;
        if given.is_empty() {
            return if unassigned { Ok(()) } else { Err(nothing_named(&target)) };
        }
        let selector = Selector::Like(Likeness::new(target.attribute(), given));
        let (action, no_match) = (ElementAction::Remove, NoMatch::Nothing);
        self.push(target, Action::Elements(ElementsChange { selector, action, no_match }))
    }

    pub(crate) fn tolerate_remove_with_value(&mut self, target: &AttributeRef) -> Result<()> {
        if self.ingest.tolerate(Quirk::RemoveWithValue) {
            return Ok(());
        }
        Err(ScimError::invalid_syntax(format!(
            "`remove` takes no `value`; to remove some values of `{target}`, select them by a filter in the path"
        )))
    }

    /// A sub-attribute of a multi-valued attribute, without filter: that of all its values.
    fn part_of_all(
        &mut self,
        kind: Kind,
        target: &AttributeRef,
        value: Option<Value>,
    ) -> Result<()> {
        let Some(part) = target.sub_attribute() else { return Ok(()) };
        let mut selector = Selector::All;
        if kind == Kind::Remove
            && let Some(value) = &value
        {
            self.tolerate_remove_with_value(target)?;
            let mut given = Vec::new();
            for value in values_of(value) {
                given.extend(self.read(target, value.clone())?);
            }
            if given.is_empty() {
                return if says_unassigned(value) { Ok(()) } else { Err(nothing_named(target)) };
            }
            selector = Selector::Like(Likeness::of_part(part, given));
        }
        let Some(change) = self.part(kind, target, value)? else { return Ok(()) };
        let parent = target.parent();
        // RFC 7644 §3.5.2.1: "the attribute is added with the new value". A reference is not made
        // of anything but its `value`.
        let no_match = match &change {
            PartChange::Clear => NoMatch::Nothing,
            _ if is_read_only(target) => NoMatch::NoTarget,
            _ if refers_to_resource(parent.attribute()) && part.name != "value" => {
                NoMatch::NoTarget
            }
            change => NoMatch::Create(Value::Object(change.alone(part))),
        };
        let action = ElementAction::Change(Parts::one(part, change));
        self.push(parent, Action::Elements(ElementsChange { selector, action, no_match }))
    }

    /// Values that a filter in the path selects, or a sub-attribute of them.
    pub(crate) fn elements(
        &mut self,
        kind: Kind,
        elements: Elements,
        value: Option<Value>,
    ) -> Result<()> {
        let Elements { attribute, mut filter, part } = elements;
        let target = part.unwrap_or_else(|| attribute.clone());
        self.touch(Target::Attribute(target.clone()));
        let (action, addition) = if target.sub_attribute().is_some() {
            let Some((target, value)) = referenced(kind, target, value)? else { return Ok(()) };
            let Some(part) = target.sub_attribute() else { return Ok(()) };
            let Some(change) = self.part(kind, &target, value)? else { return Ok(()) };
            if is_read_only(&target) {
                // Nothing is made of what only the server may say.
                filter.equalities = None;
            }
            let addition = match &change {
                PartChange::Clear => None,
                change => Some(Value::Object(change.alone(part))),
            };
            (ElementAction::Change(Parts::one(part, change)), addition)
        } else {
            match (kind, self.element(kind, &target, value)?) {
                (Kind::Remove, _) => (ElementAction::Remove, None),
                (Kind::Add, None) => return Ok(()),
                (Kind::Add, Some(Value::Object(object))) => {
                    let parts = Parts::merging(target.attribute(), &object);
                    (ElementAction::Change(parts), Some(Value::Object(object)))
                }
                (Kind::Replace, None) => (ElementAction::Remove, None),
                (_, Some(value)) => (ElementAction::Replace(value.clone()), Some(value)),
            }
        };
        let no_match = match kind {
            Kind::Remove => NoMatch::Nothing,
            _ => self.no_match(&attribute, filter.equalities.take(), addition),
        };
        let selector = Selector::Filter(filter);
        self.push(attribute, Action::Elements(ElementsChange { selector, action, no_match }))
    }

    /// What happens when `add` or `replace` finds no element that the filter selects.
    fn no_match(
        &mut self,
        attribute: &AttributeRef,
        equalities: Option<Map<String, Value>>,
        addition: Option<Value>,
    ) -> NoMatch {
        if !self.profile.tolerates(Quirk::ValueFilterCreates) {
            return NoMatch::NoTarget;
        }
        let Some(mut element) = equalities else { return NoMatch::NoTarget };
        self.armed.insert(Quirk::ValueFilterCreates);
        let Some(addition) = addition else {
            // "Unassigned", of what is not there.
            return NoMatch::Tolerated(self.late.clone(), None);
        };
        let element = match addition {
            Value::Object(parts) => {
                element.extend(parts);
                if refers_to_resource(attribute.attribute()) && !element.contains_key("value") {
                    return NoMatch::NoTarget;
                }
                Value::Object(element)
            }
            simple => simple,
        };
        NoMatch::Tolerated(self.late.clone(), Some(element))
    }

    /// The canonical element that an operation gives for those that a filter selects; `None` when
    /// it gives none or says "unassigned".
    fn element(
        &mut self,
        kind: Kind,
        target: &AttributeRef,
        value: Option<Value>,
    ) -> Result<Option<Value>> {
        let (Kind::Add | Kind::Replace, Some(value)) = (kind, value) else { return Ok(None) };
        let value = match value {
            Value::Array(mut elements)
                if elements.len() == 1 && self.ingest.tolerate(Quirk::ArrayForSingular) =>
            {
                elements.pop().unwrap_or_default()
            }
            value => value,
        };
        let unassigned = says_unassigned(&value);
        let element = match value {
            // As for an attribute: an empty array is no value (RFC 7643 §2.5).
            Value::Array(elements) if elements.is_empty() => None,
            value if is_read_only(target) => self.read_kept(|i| i.element(target, value))?,
            value => self.ingest.element(target, value)?,
        };
        match &element {
            None if kind == Kind::Replace && !unassigned => Err(nothing_to_set(target)),
            Some(element)
                if kind == Kind::Replace
                    && refers_to_resource(target.attribute())
                    && element.get("value").is_none() =>
            {
                Err(without_value(target))
            }
            _ => Ok(element),
        }
    }

    /// What an operation does to a sub-attribute; `None` for nothing.
    fn part(
        &mut self,
        kind: Kind,
        target: &AttributeRef,
        value: Option<Value>,
    ) -> Result<Option<PartChange>> {
        Ok(match (kind, self.canonical(target, kind, value)?) {
            (Kind::Remove, _) | (Kind::Replace, None) => Some(PartChange::Clear),
            (Kind::Add, None) => None,
            (Kind::Add, Some(Value::Array(values))) => Some(PartChange::Append(values)),
            (_, Some(value)) => Some(PartChange::Set(value)),
        })
    }

    /// The canonical form of an operation's value; `None` when it says "unassigned", and for a
    /// `remove`, whose target the path alone decides.
    fn canonical(
        &mut self,
        target: &AttributeRef,
        kind: Kind,
        value: Option<Value>,
    ) -> Result<Option<Value>> {
        match value {
            Some(value) if kind != Kind::Remove => self.read(target, value),
            _ => Ok(None),
        }
    }

    fn canonical_elements(&mut self, target: &AttributeRef, value: Value) -> Result<Vec<Value>> {
        Ok(match self.read(target, value)? {
            Some(Value::Array(elements)) => elements,
            _ => Vec::new(),
        })
    }

    fn read(&mut self, target: &AttributeRef, value: Value) -> Result<Option<Value>> {
        if is_read_only(target) {
            return self.read_kept(|ingest| ingest.value(target, value));
        }
        self.ingest.value(target, value)
    }

    /// Reads a value of a readOnly attribute, to be compared with what is there.
    fn read_kept<T>(&mut self, read: impl FnOnce(&mut Ingest<'_>) -> Result<T>) -> Result<T> {
        let mut ingest = Ingest::new(self.resource_type, self.profile, Origin::Representation);
        let value = read(&mut ingest)?;
        for quirk in ingest.fired().iter() {
            self.ingest.tolerate(quirk);
        }
        Ok(value)
    }

    /// The value in an array of one that stands for it ([`Quirk::ArrayForSingular`]), else itself.
    fn only_element<'v>(&self, value: &'v Value) -> &'v Value {
        match value.as_array().map(Vec::as_slice) {
            Some([one]) if self.profile.tolerates(Quirk::ArrayForSingular) => one,
            _ => value,
        }
    }
}

/// `$ref` of a reference is the server's to compute from `value`: giving it means giving the
/// resource that its last segment names, and removing it means nothing.
fn referenced(
    kind: Kind,
    target: AttributeRef,
    value: Option<Value>,
) -> Result<Option<(AttributeRef, Option<Value>)>> {
    let computed = target.sub_attribute().is_some_and(|part| part.name == "$ref")
        && refers_to_resource(target.attribute());
    let Some(named) = target.parent().child("value").filter(|_| computed) else {
        return Ok(Some((target, value)));
    };
    match value {
        _ if kind == Kind::Remove => Ok(None),
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(reference)) => match resource_named(&reference) {
            Some(id) => Ok(Some((named, Some(Value::from(id))))),
            None => Err(ScimError::invalid_value(format!("`{target}` names no resource"))),
        },
        Some(_) => Err(ScimError::invalid_value(format!("`{target}`: expected a URI as a string"))),
    }
}

/// The id of the resource that a `$ref` refers to: its last segment.
pub(crate) fn resource_named(reference: &str) -> Option<&str> {
    reference.rsplit('/').find(|segment| !segment.is_empty())
}

/// The sub-attributes that a value says are unassigned.
fn cleared_parts(attribute: &Attribute, given: &Map<String, Value>) -> Vec<Arc<Attribute>> {
    let reference = refers_to_resource(attribute);
    given
        .iter()
        .filter(|(_, value)| says_unassigned(value))
        .filter_map(|(name, _)| attribute.sub_attribute(name))
        .filter(|part| part.mutability != Mutability::ReadOnly)
        .filter(|part| !(reference && part.name == "$ref"))
        .cloned()
        .collect()
}

/// The values that a value for a multi-valued attribute stands for (errata.md P4).
fn values_of(value: &Value) -> std::slice::Iter<'_, Value> {
    match value {
        Value::Array(values) => values.iter(),
        one => std::slice::from_ref(one).iter(),
    }
}

fn nothing_to_set(target: &AttributeRef) -> ScimError {
    ScimError::invalid_value(format!("`{target}`: `value` holds nothing that can be set"))
}

fn nothing_named(target: &AttributeRef) -> ScimError {
    ScimError::invalid_value(format!("`{target}`: `value` names nothing that can be removed"))
}

fn without_value(target: &AttributeRef) -> ScimError {
    ScimError::invalid_value(format!(
        "`{target}`: a reference is made by its `value`, which is missing"
    ))
}
