//! How the resources of each registered type lie in the tables: which values have a column, which
//! must be unique, which are indexed, which refer to other resources.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use scim_core::{
    Attribute, AttributeRef, AttributeType, FOLD_VERSION, Registry, ResourceType, Schema,
    Uniqueness, common_attributes, refers_to_resource,
};
use scim_server_adapters::BackendError;
use serde_json::{Map, Value};

use crate::indexing::{AttributeError, Indexing};
use crate::key::Key;

/// The version of [`TypeLayout::derive`]: it changes when the same document is to give other rows.
const DERIVATION: u32 = 2;

/// The layout of every registered resource type.
#[derive(Debug)]
pub struct Layout {
    types: HashMap<Arc<str>, Arc<TypeLayout>>,
    type_names: HashMap<i64, Arc<str>>,
}

/// The layout of one resource type.
#[derive(Debug)]
pub struct TypeLayout {
    /// The type.
    pub resource_type: Arc<ResourceType>,
    /// Its key in `scim_resource_type`.
    pub key: i64,
    /// What has a column.
    pub columns: Columns,
    /// What must be unique, in the order of the schemas.
    pub unique: Vec<KeyedAttribute>,
    /// What must be unique where a write demands it.
    pub on_demand: Vec<KeyedAttribute>,
    /// What else is indexed.
    pub indexed: Vec<KeyedAttribute>,
    /// The attributes whose `value` is the id of another resource, with the path by which a
    /// projection names them; not those that are rows.
    references: Vec<(AttributeRef, String)>,
}

/// The attributes that have a column each, where the schema defines them as one would expect.
#[derive(Debug, Default)]
pub struct Columns {
    /// `externalId`, of text.
    pub external_id: Option<AttributeRef>,
    /// `userName`, of text.
    pub user_name: Option<AttributeRef>,
    /// `displayName`, of text.
    pub display_name: Option<AttributeRef>,
    /// `active`, a boolean.
    pub active: Option<AttributeRef>,
}

/// An attribute with its key in `scim_attribute`.
#[derive(Clone, Debug)]
pub struct KeyedAttribute {
    /// The key.
    pub key: i64,
    /// The attribute.
    pub attribute: AttributeRef,
    /// The path with the URN of the schema, by which resource types share it.
    pub path: Arc<str>,
}

/// What a document puts into columns and index rows.
#[derive(Debug, Default, PartialEq)]
pub struct Derived {
    /// `externalId` as it compares.
    pub external_id: Option<String>,
    /// `userName` as it compares.
    pub user_name: Option<String>,
    /// `displayName` as it compares.
    pub display_name: Option<String>,
    /// `active`.
    pub active: Option<bool>,
    /// What a reference to the resource shows.
    pub display: Option<String>,
    /// The ids that the document refers to, a JSON array; `None` for none.
    pub refers_to: Option<String>,
    /// What must be unique: the key of the attribute, and the value.
    pub unique: BTreeSet<(i64, Key)>,
    /// What must be unique where a write demands it.
    pub on_demand: BTreeSet<(i64, Key)>,
    /// What else is indexed.
    pub indexed: BTreeSet<(i64, Key)>,
}

impl Layout {
    /// The layout of the registered types. `key_of` gives names their keys in the database; a name
    /// may be asked for more than once.
    ///
    /// # Errors
    /// [`AttributeError`], and what `key_of` gives.
    pub fn new<E: From<AttributeError>>(
        registry: &Registry,
        indexing: &Indexing,
        mut key_of: impl FnMut(Name, &str) -> Result<i64, E>,
    ) -> Result<Self, E> {
        let unique = indexing.unique(registry)?;
        let indexed = indexing.indexed(registry)?;
        let mut types = HashMap::new();
        let mut type_names = HashMap::new();
        for resource_type in registry.resource_types() {
            let layout = TypeLayout::new(resource_type, &unique, &indexed, &mut key_of)?;
            type_names.insert(layout.key, Arc::clone(resource_type.name()));
            types.insert(Arc::clone(resource_type.name()), Arc::new(layout));
        }
        Ok(Self { types, type_names })
    }

    /// The same with the keys of types that are not registered, but in the database.
    #[must_use]
    pub fn with_types(mut self, others: impl IntoIterator<Item = (i64, Arc<str>)>) -> Self {
        self.type_names.extend(others);
        self
    }

    /// The layout of a type.
    ///
    /// # Errors
    /// [`BackendError::Internal`] when the store was opened without it.
    pub fn of(&self, resource_type: &ResourceType) -> Result<&Arc<TypeLayout>, BackendError> {
        self.types.get(resource_type.name()).ok_or_else(|| {
            let name = resource_type.name();
            BackendError::internal(format!("the store was opened without resource type `{name}`"))
        })
    }

    /// The layout of the type with that key, if it is registered.
    pub fn by_key(&self, key: i64) -> Option<&Arc<TypeLayout>> {
        self.types.get(self.type_names.get(&key)?)
    }

    /// The name of a type, registered or not.
    pub fn type_name(&self, key: i64) -> Option<&Arc<str>> {
        self.type_names.get(&key)
    }

    /// The keys of attributes that must be unique where a write demands it.
    pub fn on_demand(&self) -> impl Iterator<Item = i64> {
        self.types.values().flat_map(|t| &t.on_demand).map(|keyed| keyed.key)
    }

    /// The attribute of that key, if it must be unique, always or on demand.
    pub fn unique_attribute(&self, key: i64) -> Option<&KeyedAttribute> {
        self.types.values().flat_map(|t| t.unique.iter().chain(&t.on_demand)).find(|a| a.key == key)
    }

    /// What the rows that are derived from documents depend on, as text.
    pub fn fingerprint(&self) -> String {
        let mut types: Vec<_> = self.types.values().collect();
        types.sort_by_key(|t| t.resource_type.name());
        let mut text = format!("derivation {DERIVATION}\nfold {FOLD_VERSION}\n");
        for layout in types {
            // Writing to a string cannot fail.
            let _ = layout.write_fingerprint(&mut text);
        }
        text
    }
}

impl TypeLayout {
    fn new<E>(
        resource_type: &Arc<ResourceType>,
        also_unique: &BTreeSet<String>,
        indexed: &BTreeSet<String>,
        key_of: &mut impl FnMut(Name, &str) -> Result<i64, E>,
    ) -> Result<Self, E> {
        let mut layout = Self {
            resource_type: Arc::clone(resource_type),
            key: key_of(Name::ResourceType, resource_type.name())?,
            columns: Columns::of(resource_type),
            unique: Vec::new(),
            on_demand: Vec::new(),
            indexed: Vec::new(),
            references: Vec::new(),
        };
        let display_name = full_path(resource_type.schema(), "displayName");
        for (path, attribute) in stored_attributes(resource_type) {
            if refers_to_resource(attribute.leaf()) {
                layout.references.push((attribute.clone(), path.clone()));
            }
            if attribute.leaf().is_complex() {
                continue;
            }
            let unique = is_unique(attribute.leaf()) || also_unique.contains(&path);
            if !unique && path == display_name {
                let key = key_of(Name::Attribute, &path)?;
                let attribute = attribute.clone();
                layout.on_demand.push(KeyedAttribute { key, attribute, path: path.clone().into() });
            }
            let list = if unique {
                &mut layout.unique
            } else if indexed.contains(&path) {
                &mut layout.indexed
            } else {
                continue;
            };
            let key = key_of(Name::Attribute, &path)?;
            list.push(KeyedAttribute { key, attribute, path: path.into() });
        }
        Ok(layout)
    }

    /// What a document puts into columns and index rows.
    pub fn derive(&self, attributes: &Map<String, Value>) -> Derived {
        let text = |column: &Option<AttributeRef>| column_key(column, attributes)?.into_text();
        let columns = &self.columns;
        let display = self.resource_type.display_name(attributes);
        Derived {
            external_id: text(&columns.external_id),
            user_name: text(&columns.user_name),
            display_name: text(&columns.display_name),
            active: column_key(&columns.active, attributes).map(|key| key == Key::Integer(1)),
            display: display.map(str::to_owned),
            refers_to: self.refers_to(attributes),
            unique: keys(&self.unique, attributes),
            on_demand: keys(&self.on_demand, attributes),
            indexed: keys(&self.indexed, attributes),
        }
    }

    fn refers_to(&self, attributes: &Map<String, Value>) -> Option<String> {
        let values = self.references.iter().flat_map(|(attribute, _)| attribute.values(attributes));
        let ids: BTreeSet<&str> =
            values.filter_map(|v| v.get("value").and_then(Value::as_str)).collect();
        if ids.is_empty() { None } else { serde_json::to_string(&ids).ok() }
    }

    /// Whether an answer needs to know which of the resources referred to exist.
    pub fn wants_references(&self, wanted: &scim_core::AttributeSet) -> bool {
        self.references.iter().any(|(_, path)| wanted.wants(path))
    }

    /// The attribute that must be unique or is indexed, and where its values are.
    pub fn valued(&self, attribute: &AttributeRef) -> Option<(ValueTable, i64)> {
        let find = |list: &[KeyedAttribute]| {
            list.iter().find(|keyed| keyed.attribute == *attribute).map(|keyed| keyed.key)
        };
        find(&self.unique)
            .map(|key| (ValueTable::Unique, key))
            .or_else(|| find(&self.indexed).map(|key| (ValueTable::Indexed, key)))
    }

    fn write_fingerprint(&self, text: &mut String) -> std::fmt::Result {
        fn shape(attribute: &AttributeRef) -> String {
            let leaf = attribute.leaf();
            let exact = if leaf.compares_exactly() { "exact" } else { "folded" };
            format!("{:?} {exact}", leaf.attribute_type)
        }
        writeln!(text, "type {}", self.resource_type.name())?;
        let Columns { external_id, user_name, display_name, active } = &self.columns;
        for column in [external_id, user_name, display_name, active].into_iter().flatten() {
            writeln!(text, "  column {column} {}", shape(column))?;
        }
        for (list, name) in [(&self.unique, "unique"), (&self.indexed, "indexed")] {
            for KeyedAttribute { attribute, path, .. } in list {
                writeln!(text, "  {name} {path} {}", shape(attribute))?;
            }
        }
        for (_, path) in &self.references {
            writeln!(text, "  refers {path}")?;
        }
        Ok(())
    }
}

/// A name that has a key in the database. Exhaustive: the names that many rows repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// That of a resource type.
    ResourceType,
    /// The path of an attribute.
    Attribute,
}

/// A table of values by attribute. Exhaustive: the two of the first migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueTable {
    /// Of values that must be unique.
    Unique,
    /// Of values that are indexed otherwise.
    Indexed,
}

impl Columns {
    fn of(resource_type: &ResourceType) -> Self {
        let column = |name: &str, is: AttributeType| {
            resource_type.attribute(name).filter(|found| {
                let attribute = found.attribute();
                attribute.attribute_type == is && !attribute.multi_valued
            })
        };
        Self {
            external_id: column("externalId", AttributeType::String),
            user_name: column("userName", AttributeType::String),
            display_name: column("displayName", AttributeType::String),
            active: column("active", AttributeType::Boolean),
        }
    }
}

fn column_key(column: &Option<AttributeRef>, attributes: &Map<String, Value>) -> Option<Key> {
    let column = column.as_ref()?;
    Key::new(column.leaf(), column.attribute_value(attributes)?)
}

fn keys(list: &[KeyedAttribute], attributes: &Map<String, Value>) -> BTreeSet<(i64, Key)> {
    list.iter()
        .flat_map(|keyed| {
            let leaf = Arc::clone(keyed.attribute.leaf());
            let values = keyed.attribute.values(attributes);
            values.filter_map(move |value| Some((keyed.key, Key::new(&leaf, value)?)))
        })
        .collect()
}

/// Every attribute and sub-attribute that documents of the type hold, with its path: the URN of its
/// schema in front, but for common attributes. `id`, `meta`, and what is rows are in no document.
pub(crate) fn stored_attributes(resource_type: &ResourceType) -> Vec<(String, AttributeRef)> {
    let rows = |core: bool, name: &str| {
        core && (name == "members" && resource_type.has_members()
            || name == "groups" && resource_type.has_groups()
            || matches!(name, "schemas" | "id" | "meta"))
    };
    let mut found = Vec::new();
    let mut add = |core: bool, attribute: &Attribute, path: String| {
        if rows(core, &attribute.name) {
            return;
        }
        let Some(simple) = resource_type.attribute(&path) else { return };
        for sub in &attribute.sub_attributes {
            found.extend(
                simple.child(&sub.name).map(|child| (format!("{path}.{}", sub.name), child)),
            );
        }
        found.push((path, simple));
    };
    let schemas = resource_type.extensions().iter().map(|e| &e.schema);
    for schema in std::iter::once(resource_type.schema()).chain(schemas) {
        let core = Arc::ptr_eq(schema, resource_type.schema());
        for attribute in schema.attributes() {
            add(core, attribute, full_path(schema, &attribute.name));
        }
    }
    for attribute in common_attributes() {
        if resource_type.schema().attribute(&attribute.name).is_none() {
            add(true, attribute, attribute.name.clone());
        }
    }
    found
}

fn full_path(schema: &Schema, name: &str) -> String {
    format!("{}:{name}", schema.id())
}

fn is_unique(attribute: &Attribute) -> bool {
    attribute.uniqueness != Uniqueness::None
}
