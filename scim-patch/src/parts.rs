//! What an operation does to the sub-attributes of a complex value.

use std::collections::HashSet;
use std::sync::Arc;

use scim_core::{Attribute, AttributeRef, Mutability, Result, ScimError, refers_to_resource};
use serde_json::{Map, Value};

use crate::sameness::{Key, Sameness, same_value};

/// Changes to sub-attributes; those that are not named stay as they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts(Vec<(Arc<Attribute>, PartChange)>);

/// What becomes of one sub-attribute.
#[derive(Clone, Debug)]
pub(crate) enum PartChange {
    Set(Value),
    /// For a sub-attribute that is multi-valued itself: what is not there yet is appended.
    Append(Vec<Value>),
    Clear,
}

impl Parts {
    pub(crate) fn one(part: &Arc<Attribute>, change: PartChange) -> Self {
        Self(vec![(Arc::clone(part), change)])
    }

    /// Merging a canonical value into what is there.
    pub(crate) fn merging(attribute: &Attribute, value: &Map<String, Value>) -> Self {
        let changes = value.iter().filter_map(|(name, value)| {
            let part = attribute.sub_attribute(name)?;
            let change = match value {
                Value::Array(values) if part.multi_valued => PartChange::Append(values.clone()),
                value => PartChange::Set(value.clone()),
            };
            Some((Arc::clone(part), change))
        });
        Self(changes.collect())
    }

    /// Replacing the named sub-attributes by those of a canonical value, and clearing others.
    pub(crate) fn replacing(
        attribute: &Attribute,
        value: Map<String, Value>,
        cleared: Vec<Arc<Attribute>>,
    ) -> Self {
        let set = value.into_iter().filter_map(|(name, value)| {
            Some((Arc::clone(attribute.sub_attribute(&name)?), PartChange::Set(value)))
        });
        let cleared = cleared.into_iter().map(|part| (part, PartChange::Clear));
        Self(set.chain(cleared).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sub-attributes that are changed.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Arc<Attribute>> {
        self.0.iter().map(|(part, _)| part)
    }

    /// What the sub-attribute of that name is set to.
    pub(crate) fn sets(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter_map(move |(part, change)| match change {
            PartChange::Set(value) if part.name == name => Some(value),
            _ => None,
        })
    }

    /// Whether the sub-attribute of that name is cleared.
    pub(crate) fn clears(&self, name: &str) -> bool {
        self.0.iter().any(|(part, change)| part.name == name && matches!(change, PartChange::Clear))
    }

    /// Whether it makes the element the primary one.
    pub(crate) fn sets_primary(&self) -> bool {
        self.0.iter().any(|(part, change)| {
            part.name == "primary" && matches!(change, PartChange::Set(Value::Bool(true)))
        })
    }

    /// Applies the changes to a value of `attribute`. A value left without content is empty.
    ///
    /// # Errors
    /// 400 `mutability` when a readOnly part, or an immutable one that has a value, would get
    /// another value or none.
    pub(crate) fn apply(
        &self,
        attribute: &AttributeRef,
        object: &mut Map<String, Value>,
    ) -> Result<()> {
        let reference = refers_to_resource(attribute.attribute());
        let mut unreferenced = false;
        for (part, change) in &self.0 {
            let present = object.get(&part.name);
            let Some(new) = change.of(part, present) else { continue };
            let refused = match part.mutability {
                Mutability::ReadOnly => Some("readOnly"),
                Mutability::Immutable if present.is_some() => Some("immutable"),
                _ => None,
            };
            if let Some(characteristic) = refused {
                return Err(ScimError::mutability(format!(
                    "`{attribute}.{}` is {characteristic} and has another value",
                    part.name
                )));
            }
            let is_target = reference && part.name == "value";
            if is_target {
                // The rest of what the server says about the resource referred to was about
                // another one.
                object.remove("$ref");
                object.retain(|name, _| {
                    let part = attribute.attribute().sub_attribute(name);
                    part.is_none_or(|p| p.mutability != Mutability::ReadOnly)
                });
            }
            match new {
                Some(value) => object.insert(part.name.clone(), value),
                None => {
                    unreferenced |= is_target;
                    object.remove(&part.name)
                }
            };
        }
        if unreferenced {
            // A reference to nothing: without its `value` nothing of it has a meaning.
            object.clear();
        }
        Ok(())
    }
}

impl PartChange {
    /// A complex value in which the sub-attribute is all there is.
    pub(crate) fn alone(&self, part: &Attribute) -> Map<String, Value> {
        let value = match self {
            Self::Set(value) => value.clone(),
            Self::Append(values) => Value::Array(values.clone()),
            Self::Clear => return Map::new(),
        };
        Map::from_iter([(part.name.clone(), value)])
    }

    /// The new value of a sub-attribute; the outer `None` when nothing changes.
    fn of(&self, part: &Attribute, present: Option<&Value>) -> Option<Option<Value>> {
        match (self, present) {
            (Self::Clear, present) => present.is_some().then_some(None),
            (Self::Set(value), Some(present)) if present == value => None,
            // What may not change does not change by being spelled otherwise.
            (Self::Set(value), Some(present))
                if matches!(part.mutability, Mutability::ReadOnly | Mutability::Immutable)
                    && same_value(part, present, value) =>
            {
                None
            }
            (Self::Set(value), _) => Some(Some(value.clone())),
            (Self::Append(values), present) => {
                let sameness = Sameness::of(part);
                let mut all = match present {
                    Some(Value::Array(present)) => present.clone(),
                    Some(other) => vec![other.clone()],
                    None => Vec::new(),
                };
                let before = all.len();
                let mut keys: HashSet<Key> = all.iter().map(|v| sameness.key(v)).collect();
                all.extend(values.iter().filter(|v| keys.insert(sameness.key(v))).cloned());
                (all.len() != before).then_some(Some(Value::Array(all)))
            }
        }
    }
}
