//! Which elements of a multi-valued attribute an operation is about.

use std::collections::HashSet;
use std::sync::Arc;

use scim_core::{Attribute, Result};
use scim_filter::ValueFilter;
use serde_json::{Map, Value};

use crate::sameness::{Key, Sameness, same_value};
use crate::work::Work;

/// Which elements of a multi-valued attribute an operation is about.
#[derive(Clone, Debug)]
pub(crate) enum Selector {
    /// All: the path has no filter.
    All,
    /// Those that the filter in the path's brackets holds for.
    Filter(ElementFilter),
    /// Those that a `remove` names in its `value`
    /// ([`Quirk::RemoveWithValue`](scim_core::Quirk::RemoveWithValue)).
    Like(Likeness),
}

impl Selector {
    /// The positions of the selected elements, in order.
    pub(crate) fn select(
        &self,
        attribute: &Attribute,
        elements: &[Value],
        work: &mut Work,
    ) -> Result<Vec<usize>> {
        let positions = |selected: &dyn Fn(&Value) -> bool| {
            elements.iter().enumerate().filter(|(_, e)| selected(e)).map(|(i, _)| i).collect()
        };
        work.spend(elements.len())?;
        Ok(match self {
            Self::All => (0..elements.len()).collect(),
            Self::Filter(filter) => {
                work.spend(elements.len().saturating_mul(filter.terms))?;
                positions(&|element| filter.filter.matches(element))
            }
            Self::Like(likeness) => {
                work.spend(elements.len().saturating_mul(likeness.partial.len()))?;
                let sameness = Sameness::of(attribute);
                positions(&|element| likeness.holds_for(attribute, sameness, element))
            }
        })
    }

    /// The `value`s that select, when an element is selected by its `value` and nothing else.
    pub(crate) fn values(&self) -> Option<&[Arc<str>]> {
        match self {
            Self::All => None,
            Self::Filter(filter) => filter.values.as_deref(),
            Self::Like(likeness) => likeness.values.as_deref(),
        }
    }

    /// Whether it looks at the sub-attribute of that name.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        match self {
            Self::All => false,
            Self::Filter(filter) => filter.parts.iter().any(|part| part == name),
            Self::Like(likeness) => likeness.partial.iter().any(|given| given.contains_key(name)),
        }
    }
}

/// The filter in the brackets of a path, with what is to know of it without an element.
#[derive(Clone, Debug)]
pub(crate) struct ElementFilter {
    pub(crate) filter: ValueFilter,
    /// How many terms it has, each of which an evaluation may look at.
    pub(crate) terms: usize,
    /// The names of the sub-attributes it looks at, in the schema's spelling.
    pub(crate) parts: Vec<String>,
    /// The operands, when it is `value eq "…"` or such terms joined by `or`.
    pub(crate) values: Option<Vec<Arc<str>>>,
    /// What it says of an element, when it is `eq` terms joined by `and`: an element made of it
    /// meets it.
    pub(crate) equalities: Option<Map<String, Value>>,
}

/// What a `remove` says about the elements to remove: an element is meant when all that one of the
/// given values says holds for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Likeness {
    /// Given values that name one element: simple values, and references by their `value`.
    named: HashSet<Key>,
    /// Given values that may mean several.
    partial: Vec<Map<String, Value>>,
    /// The `value`s, when all given are references by their `value`.
    values: Option<Vec<Arc<str>>>,
}

impl Likeness {
    /// From canonical elements.
    pub(crate) fn new(attribute: &Attribute, given: Vec<Value>) -> Self {
        let sameness = Sameness::of(attribute);
        let reference = |element: &Value| match element.get("value") {
            Some(Value::String(value)) if sameness.is_reference() => Some(Arc::from(&**value)),
            _ => None,
        };
        let mut likeness =
            Self { values: given.iter().map(reference).collect(), ..Self::default() };
        for element in given {
            match element {
                Value::Object(object)
                    if !(sameness.is_reference() && object.contains_key("value")) =>
                {
                    likeness.partial.push(object);
                }
                element => {
                    likeness.named.insert(sameness.key(&element));
                }
            }
        }
        likeness
    }

    /// From the values of one sub-attribute.
    pub(crate) fn of_part(part: &Attribute, given: Vec<Value>) -> Self {
        let object = |value| Map::from_iter([(part.name.clone(), value)]);
        Self { partial: given.into_iter().map(object).collect(), ..Self::default() }
    }

    fn holds_for(&self, attribute: &Attribute, sameness: Sameness<'_>, element: &Value) -> bool {
        let named = !self.named.is_empty() && self.named.contains(&sameness.key(element));
        named
            || self.partial.iter().any(|given| {
                given.iter().all(|(name, value)| {
                    match (attribute.sub_attribute(name), element.get(name)) {
                        (Some(part), Some(present)) => same_value(part, present, value),
                        _ => false,
                    }
                })
            })
    }
}
