//! What an operation does to the elements of a multi-valued attribute (RFC 7644 §3.5.2).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use scim_core::{Attribute, AttributeRef, Mutability, Result, ScimError, is_primary};
use serde_json::{Map, Value};

use crate::late::LateQuirks;
use crate::parts::Parts;
use crate::sameness::{Key, Sameness};
use crate::selector::Selector;
use crate::work::Work;

/// A change to the elements that a selector selects.
#[derive(Clone, Debug)]
pub(crate) struct ElementsChange {
    pub(crate) selector: Selector,
    pub(crate) action: ElementAction,
    pub(crate) no_match: NoMatch,
}

/// What becomes of each selected element.
#[derive(Clone, Debug)]
pub(crate) enum ElementAction {
    Remove,
    /// The whole element gives way to this one (errata.md P5).
    Replace(Value),
    /// Sub-attributes change, the others stay.
    Change(Parts),
}

/// What to do when no element is selected.
#[derive(Clone, Debug)]
pub(crate) enum NoMatch {
    /// Success, nothing changed (errata.md P1).
    Nothing,
    /// 400 `noTarget` (RFC 7644 §3.5.2.3, errata.md P2).
    NoTarget,
    /// This element is made.
    Create(Value),
    /// This element, if any, is made by [`Quirk::ValueFilterCreates`], which then has fired.
    ///
    /// [`Quirk::ValueFilterCreates`]: scim_core::Quirk::ValueFilterCreates
    Tolerated(LateQuirks, Option<Value>),
}

impl ElementsChange {
    /// The `value`s of the elements that it removes, when it does that and nothing else.
    pub(crate) fn removed_values(&self) -> Option<&[Arc<str>]> {
        match self.action {
            ElementAction::Remove => self.selector.values(),
            _ => None,
        }
    }

    /// The `value`s that elements get by it, or have that it makes.
    pub(crate) fn set_values(&self) -> Vec<Value> {
        let of = |element: &Value| element.get("value").cloned();
        let mut values: Vec<Value> = match &self.action {
            ElementAction::Remove => Vec::new(),
            ElementAction::Replace(element) => of(element).into_iter().collect(),
            ElementAction::Change(parts) => parts.sets("value").cloned().collect(),
        };
        values.extend(match &self.no_match {
            NoMatch::Create(element) | NoMatch::Tolerated(_, Some(element)) => of(element),
            NoMatch::Nothing | NoMatch::NoTarget | NoMatch::Tolerated(_, None) => None,
        });
        values
    }

    /// Whether it looks at the sub-attribute of that name.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        let changed = match &self.action {
            ElementAction::Change(parts) => parts.names().any(|part| part.name == name),
            ElementAction::Remove | ElementAction::Replace(_) => false,
        };
        changed || self.selector.mentions(name)
    }

    /// # Errors
    /// 400 `noTarget`, `mutability`, or `invalidValue` when more than one element would be primary.
    pub(crate) fn apply(
        &self,
        attribute: &AttributeRef,
        elements: &mut Vec<Value>,
        work: &mut Work,
    ) -> Result<()> {
        let selected = self.selector.select(attribute.attribute(), elements, work)?;
        if selected.is_empty() {
            return match &self.no_match {
                NoMatch::Nothing => Ok(()),
                NoMatch::NoTarget => {
                    Err(ScimError::no_target(format!("no value of `{attribute}` matches the path")))
                }
                // By another part of it than the filter asks for, it may be there already.
                NoMatch::Create(element) => {
                    append(attribute, std::slice::from_ref(element), elements, work)
                }
                NoMatch::Tolerated(late, element) => {
                    late.fire();
                    append(attribute, element.as_slice(), elements, work)
                }
            };
        }
        let several_primary = || {
            ScimError::invalid_value(format!(
                "`{attribute}` would have more than one primary value"
            ))
        };
        match &self.action {
            ElementAction::Remove => {
                let gone: HashSet<usize> = selected.into_iter().collect();
                let mut position = 0;
                elements.retain(|_| {
                    position += 1;
                    !gone.contains(&(position - 1))
                });
            }
            ElementAction::Replace(new) => {
                for position in &selected {
                    if let Some(element) = elements.get_mut(*position) {
                        *element = replacement(attribute.attribute(), element, new);
                    }
                }
                once_each(attribute.attribute(), elements);
                if is_primary(new) {
                    let mut primaries = elements.iter().enumerate().filter(|(_, e)| {
                        is_primary(e) && same_but_read_only(attribute.attribute(), e, new)
                    });
                    let primary = primaries.next().map(|(position, _)| position);
                    if primaries.next().is_some() {
                        return Err(several_primary());
                    }
                    settle_primary(elements, primary);
                }
            }
            ElementAction::Change(parts) => {
                for position in &selected {
                    if let Some(Value::Object(object)) = elements.get_mut(*position) {
                        parts.apply(attribute, object)?;
                    }
                }
                if parts.sets_primary() {
                    match selected.as_slice() {
                        [one] => settle_primary(elements, Some(*one)),
                        _ => return Err(several_primary()),
                    }
                }
                elements.retain(|e| e.as_object().is_none_or(|object| !object.is_empty()));
            }
        }
        Ok(())
    }
}

/// `add`: what is there already is merged into, the rest is appended.
///
/// # Errors
/// 400 `mutability` when merging would change an immutable part.
pub(crate) fn append(
    attribute: &AttributeRef,
    given: &[Value],
    elements: &mut Vec<Value>,
    work: &mut Work,
) -> Result<()> {
    work.spend(elements.len().saturating_add(given.len()))?;
    let sameness = Sameness::of(attribute.attribute());
    let mut positions: HashMap<Key, usize> = HashMap::with_capacity(elements.len() + given.len());
    for (position, element) in elements.iter().enumerate() {
        positions.entry(sameness.key(element)).or_insert(position);
    }
    let mut primary = None;
    for element in given {
        let position = match positions.get(&sameness.key(element)) {
            Some(position) => {
                if let Some(present) = elements.get_mut(*position) {
                    merge(attribute, present, element)?;
                }
                *position
            }
            None => {
                positions.insert(sameness.key(element), elements.len());
                elements.push(element.clone());
                elements.len() - 1
            }
        };
        if is_primary(element) {
            primary = Some(position);
        }
    }
    settle_primary(elements, primary);
    Ok(())
}

/// `replace` of the whole attribute: the elements are those given, each once. One that was there
/// before keeps what only the server says about it, and a reference its type unless another is
/// given.
///
/// # Errors
/// 400 `mutability` when two given elements are the same and differ in an immutable part.
pub(crate) fn replace_all(
    attribute: &AttributeRef,
    given: &[Value],
    present: &[Value],
    work: &mut Work,
) -> Result<Vec<Value>> {
    let mut elements = Vec::with_capacity(given.len());
    append(attribute, given, &mut elements, work)?;
    work.spend(present.len())?;
    let definition = attribute.attribute();
    let sameness = Sameness::of(definition);
    let mut before: HashMap<Key, &Value> = HashMap::with_capacity(present.len());
    for element in present {
        before.entry(sameness.key(element)).or_insert(element);
    }
    for element in &mut elements {
        if let (Some(Value::Object(before)), Value::Object(object)) =
            (before.get(&sameness.key(element)), element)
        {
            keep_read_only(definition, before, object);
            if let Some(kind) = known_type(definition, before) {
                object.entry("type").or_insert_with(|| kind.clone());
            }
        }
    }
    Ok(elements)
}

/// Merges a given element into the one that is the same.
fn merge(attribute: &AttributeRef, present: &mut Value, given: &Value) -> Result<()> {
    let (Value::Object(present), Value::Object(given)) = (present, given) else {
        // Simple values that are the same: it is there already (RFC 7644 §3.5.2.1).
        return Ok(());
    };
    let definition = attribute.attribute();
    if known_type(definition, present).is_some() && given.contains_key("type") {
        let mut given = given.clone();
        given.remove("type");
        return Parts::merging(definition, &given).apply(attribute, present);
    }
    Parts::merging(definition, given).apply(attribute, present)
}

/// The type of the resource that a reference is known to refer to. Where it is immutable, a client
/// that gives the reference again with another type does not change it: what is known of a resource
/// does not depend on who mentions it.
fn known_type<'v>(attribute: &Attribute, element: &'v Map<String, Value>) -> Option<&'v Value> {
    let kind = attribute.sub_attribute("type")?;
    if kind.mutability != Mutability::Immutable || !Sameness::of(attribute).is_reference() {
        return None;
    }
    element.get(&kind.name)
}

/// The element that takes the place of `present`: the given one, with the readOnly parts of the
/// other unless it has another `value` and so is about something else.
fn replacement(attribute: &Attribute, present: &Value, given: &Value) -> Value {
    let mut element = given.clone();
    if let (Value::Object(present), Value::Object(object)) = (present, &mut element)
        && (object.get("value").is_none() || object.get("value") == present.get("value"))
    {
        keep_read_only(attribute, present, object);
    }
    element
}

fn keep_read_only(attribute: &Attribute, from: &Map<String, Value>, to: &mut Map<String, Value>) {
    for part in attribute.sub_attributes.iter().filter(|s| s.mutability == Mutability::ReadOnly) {
        if let Some(value) = from.get(&part.name) {
            to.insert(part.name.clone(), value.clone());
        }
    }
}

fn same_but_read_only(attribute: &Attribute, element: &Value, given: &Value) -> bool {
    let (Value::Object(element), Value::Object(given)) = (element, given) else {
        return element == given;
    };
    given.iter().all(|(name, value)| element.get(name) == Some(value))
        && element.keys().all(|name| {
            given.contains_key(name)
                || attribute
                    .sub_attribute(name)
                    .is_some_and(|s| s.mutability == Mutability::ReadOnly)
        })
}

/// Keeps the first of elements that have a `value` in common, and a `type` where it counts
/// (RFC 7643 §2.4: the same combination should not be returned twice).
fn once_each(attribute: &Attribute, elements: &mut Vec<Value>) {
    let sameness = Sameness::of(attribute);
    let mut seen = HashSet::with_capacity(elements.len());
    elements.retain(|element| match sameness.key(element) {
        Key::Whole(_) => true,
        key => seen.insert(key),
    });
}

/// RFC 7644 §3.5.2: setting `primary` to true on one value sets it to false on the others.
fn settle_primary(elements: &mut [Value], primary: Option<usize>) {
    let Some(primary) = primary else { return };
    for (position, element) in elements.iter_mut().enumerate() {
        if position != primary
            && is_primary(element)
            && let Value::Object(object) = element
        {
            object.insert("primary".to_owned(), Value::Bool(false));
        }
    }
}
