//! References to other resources: the members of a group, the groups of a user (RFC 7643 §4.1.2,
//! §4.2).

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value};

/// A reference to another resource by its id.
///
/// Its `$ref` is not kept: it follows from the id, the type and the server's base URL.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Member {
    /// The id of the resource referred to; it need not exist.
    pub value: Arc<str>,
    /// The name of its resource type: what the client said, or what the store found. `None` for
    /// neither.
    pub resource_type: Option<Arc<str>>,
    /// Its name for people, where a store has it at hand:
    /// [`ResourceType::display_name`](crate::ResourceType::display_name). Only stores set it (it is
    /// readOnly, erratum 6011).
    pub display: Option<Arc<str>>,
    /// Whether the store found the resource: only then is there a `$ref`.
    pub exists: bool,
}

impl Member {
    /// A reference to that id, of which nothing else is known.
    #[must_use]
    pub fn new(value: impl Into<Arc<str>>) -> Self {
        Self { value: value.into(), resource_type: None, display: None, exists: false }
    }

    /// A reference from the canonical JSON of an element; `None` without a `value`.
    #[must_use]
    pub fn from_json(element: &Value) -> Option<Self> {
        let text = |name| element.get(name).and_then(Value::as_str);
        Some(Self { resource_type: text("type").map(Arc::from), ..Self::new(text("value")?) })
    }

    /// References from canonical elements, each `value` once: the first counts.
    #[must_use]
    pub fn list_from_json(elements: &[Value]) -> Vec<Self> {
        let mut seen = HashSet::new();
        let members = elements.iter().filter_map(Self::from_json);
        members.filter(|m| seen.insert(Arc::clone(&m.value))).collect()
    }

    /// The references as an array of elements.
    ///
    /// ```
    /// use scim_core::Member;
    /// use serde_json::json;
    ///
    /// let elements = json!([{"value": "42", "type": "User"}, {"value": "43"}]);
    /// let members = Member::list_from_json(elements.as_array().unwrap());
    /// assert_eq!(Member::list_to_json(&members), elements);
    /// ```
    #[must_use]
    pub fn list_to_json(members: &[Self]) -> Value {
        members.iter().map(Self::to_json).map(Value::Object).collect()
    }

    /// The element as JSON: `value`, and `type` and `display` where known. The service adds `$ref`.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        let mut element = Map::new();
        element.insert("value".to_owned(), (*self.value).into());
        if let Some(resource_type) = &self.resource_type {
            element.insert("type".to_owned(), (**resource_type).into());
        }
        if let Some(display) = &self.display {
            element.insert("display".to_owned(), (**display).into());
        }
        element
    }
}
