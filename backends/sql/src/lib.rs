//! What the SQL stores of `scim-server-adapters` share: which values of a document have columns and
//! index rows, and what of a filter those answer.
//!
//! It is made for `scim-backend-sqlite` and `scim-backend-postgres`, and changes with them. For a
//! product's own tables see `scim_filter::sql`.
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use scim_backend_sql::{AttributeError, Indexing, Key, Layout};
//! use scim_core::{Registry, ResourceType};
//! use serde_json::{Value, json};
//!
//! // A store keeps the keys of names in a table.
//! let mut names = BTreeMap::new();
//! let layout = Layout::new(&Registry::builtin(), &Indexing::default(), |name, text| {
//!     let key = 1 + i64::try_from(names.len()).unwrap_or(i64::MAX);
//!     Ok::<_, AttributeError>(*names.entry((name, text.to_owned())).or_insert(key))
//! })?;
//!
//! let Value::Object(user) = json!({"userName": "BJensen", "active": true}) else { unreachable!() };
//! let derived = layout.of(&ResourceType::user()).expect("it is registered").derive(&user);
//! assert_eq!(derived.user_name.as_deref(), Some("bjensen"));
//! assert_eq!(derived.active, Some(true));
//! assert_eq!(derived.unique.into_iter().map(|(_, key)| key).collect::<Vec<_>>(), [
//!     Key::Text("bjensen".to_owned()),
//! ]);
//! # Ok::<(), AttributeError>(())
//! ```

#![forbid(unsafe_code)]

mod conflict;
mod event;
mod indexing;
mod key;
mod layout;
mod lookup;
mod mapping;
mod position;
mod target;

pub use conflict::{UniqueConflict, UniqueConflicts};
pub use event::{event_code, event_kind};
pub use indexing::{AttributeError, Indexing};
pub use key::Key;
pub use layout::{Columns, Derived, KeyedAttribute, Layout, Name, TypeLayout, ValueTable};
pub use lookup::{Lookup, Term};
pub use mapping::mapping;
pub use position::{number_of, position_of};
pub use target::{Target, whole};
