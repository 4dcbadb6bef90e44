//! What an operation does to one attribute.

use scim_core::{AttributeRef, Mutability, Reference, Result, ScimError, refers_to_resource};
use serde_json::{Map, Value};

use crate::elements::{self, ElementsChange};
use crate::parts::Parts;
use crate::sameness::same_value;
use crate::work::Work;

/// What an operation does to one attribute: its path resolved, its value canonical, so that nothing
/// is left to look up in a schema but mutability and sameness.
#[derive(Clone, Debug)]
pub(crate) struct AttributeChange {
    /// The attribute, without sub-attribute.
    pub(crate) attribute: AttributeRef,
    pub(crate) action: Action,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// The value of a simple attribute.
    Set(Value),
    /// The sub-attributes of a complex attribute that has one value.
    Parts(Parts),
    /// No value any more, be it one or many.
    Unset,
    /// `add` to a multi-valued attribute.
    Append(Vec<Value>),
    /// `replace` of a multi-valued attribute.
    ReplaceAll(Vec<Value>),
    /// A change to some elements, or to a sub-attribute of all.
    Elements(ElementsChange),
}

impl AttributeChange {
    /// The resources that it names in values to be set.
    pub(crate) fn references(&self) -> Vec<Reference> {
        let attribute = self.attribute.attribute();
        if !refers_to_resource(attribute) || attribute.mutability == Mutability::ReadOnly {
            return Vec::new();
        }
        let of = |element: &Value| element.get("value").cloned();
        let values: Vec<Value> = match &self.action {
            Action::Set(_) | Action::Unset => Vec::new(),
            Action::Parts(parts) => parts.sets("value").cloned().collect(),
            Action::Append(elements) | Action::ReplaceAll(elements) => {
                elements.iter().filter_map(of).collect()
            }
            Action::Elements(change) => change.set_values(),
        };
        let texts = values.iter().filter_map(Value::as_str);
        texts.map(|value| Reference::new(&self.attribute, value)).collect()
    }

    /// The value that the attribute has after the change, from the one it had before.
    ///
    /// # Errors
    /// 400 `mutability`, `noTarget`, `invalidValue`; 400 `tooMany` when it costs too much.
    pub(crate) fn apply(&self, present: Option<Value>, work: &mut Work) -> Result<Option<Value>> {
        let fixed = match self.attribute.attribute().mutability {
            Mutability::ReadOnly => Some("readOnly"),
            // It may be set while it has no value (RFC 7644 §3.5.2).
            Mutability::Immutable if present.is_some() => Some("immutable"),
            _ => None,
        };
        let Some(characteristic) = fixed else {
            return self.changed(present, work);
        };
        let after = self.changed(present.clone(), work)?;
        let same = match (&present, &after) {
            (Some(a), Some(b)) => same_value(self.attribute.attribute(), a, b),
            (a, b) => a == b,
        };
        if same {
            return Ok(present);
        }
        let attribute = &self.attribute;
        Err(ScimError::mutability(format!(
            "`{attribute}` is {characteristic} and has another value"
        )))
    }

    fn changed(&self, present: Option<Value>, work: &mut Work) -> Result<Option<Value>> {
        let attribute = &self.attribute;
        let elements = match &self.action {
            Action::Set(value) => return Ok(Some(value.clone())),
            Action::Unset => return Ok(None),
            Action::Parts(parts) => {
                let mut object = match present {
                    Some(Value::Object(object)) => object,
                    _ => Map::new(),
                };
                parts.apply(attribute, &mut object)?;
                return Ok((!object.is_empty()).then_some(Value::Object(object)));
            }
            Action::Append(given) => {
                let mut elements = elements_of(present);
                elements::append(attribute, given, &mut elements, work)?;
                elements
            }
            Action::ReplaceAll(given) => {
                elements::replace_all(attribute, given, &elements_of(present), work)?
            }
            Action::Elements(change) => {
                let mut elements = elements_of(present);
                change.apply(attribute, &mut elements, work)?;
                elements
            }
        };
        // RFC 7644 §3.5.2.2: without values, the attribute is unassigned.
        Ok((!elements.is_empty()).then_some(Value::Array(elements)))
    }
}

fn elements_of(value: Option<Value>) -> Vec<Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(elements)) => elements,
        Some(one) => vec![one],
    }
}
