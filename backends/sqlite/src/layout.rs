//! How the resources of each registered type lie in the tables: which values have a column, which
//! must be unique, which are indexed, which refer to other resources.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};
use scim_core::{
    Attribute, AttributeRef, AttributeType, FOLD_VERSION, Registry, ResourceType, Schema, Target,
    Uniqueness, common_attributes, refers_to_resource,
};
use scim_server_adapters::BackendError;
use serde_json::{Map, Value};

use crate::error::OpenError;
use crate::key::Key;
use crate::options::{DEFAULT_INDEXED, SqliteOptions};

/// The version of [`TypeLayout::derive`]: it changes when the same document is to give other rows.
const DERIVATION: u32 = 2;

/// The layout of every registered resource type.
#[derive(Debug)]
pub(crate) struct Layout {
    types: HashMap<Arc<str>, Arc<TypeLayout>>,
    type_names: HashMap<i64, Arc<str>>,
}

/// The layout of one resource type.
#[derive(Debug)]
pub(crate) struct TypeLayout {
    pub(crate) resource_type: Arc<ResourceType>,
    /// Its key in `scim_resource_type`.
    pub(crate) key: i64,
    pub(crate) columns: Columns,
    /// What must be unique, in the order of the schemas.
    pub(crate) unique: Vec<KeyedAttribute>,
    /// What must be unique where a write demands it.
    pub(crate) on_demand: Vec<KeyedAttribute>,
    /// What else is indexed.
    pub(crate) indexed: Vec<KeyedAttribute>,
    /// The attributes whose `value` is the id of another resource, with the path by which a
    /// projection names them; not those that are rows.
    references: Vec<(AttributeRef, String)>,
}

/// The attributes that have a column each, where the schema defines them as one would expect.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    pub(crate) external_id: Option<AttributeRef>,
    pub(crate) user_name: Option<AttributeRef>,
    pub(crate) display_name: Option<AttributeRef>,
    pub(crate) active: Option<AttributeRef>,
}

/// An attribute with its key in `scim_attribute`.
#[derive(Clone, Debug)]
pub(crate) struct KeyedAttribute {
    pub(crate) key: i64,
    pub(crate) attribute: AttributeRef,
    /// The path with the URN of the schema, by which resource types share it.
    pub(crate) path: Arc<str>,
}

/// What a document puts into columns and index rows.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Derived {
    pub(crate) external_id: Option<String>,
    pub(crate) user_name: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) active: Option<bool>,
    pub(crate) display: Option<String>,
    /// JSON array of ids.
    pub(crate) refers_to: Option<String>,
    pub(crate) unique: BTreeSet<(i64, Key)>,
    /// What must be unique where a write demands it.
    pub(crate) on_demand: BTreeSet<(i64, Key)>,
    pub(crate) indexed: BTreeSet<(i64, Key)>,
}

impl Layout {
    /// The layout of the registered types; names get their keys in the database.
    pub(crate) fn new(
        connection: &Connection,
        registry: &Registry,
        options: &SqliteOptions,
    ) -> Result<Self, OpenError> {
        let also_unique = resolve_all(registry, &options.unique)?;
        let indexed = match &options.indexed {
            Some(paths) => resolve_all(registry, paths)?,
            None => DEFAULT_INDEXED
                .iter()
                .filter_map(|(schema, path)| {
                    registry.schema(schema).map(|_| format!("{schema}:{path}"))
                })
                .collect(),
        };
        let mut types = HashMap::new();
        for resource_type in registry.resource_types() {
            let layout = TypeLayout::new(connection, resource_type, &also_unique, &indexed)?;
            types.insert(Arc::clone(resource_type.name()), Arc::new(layout));
        }
        let mut statement = connection.prepare("SELECT key, name FROM scim_resource_type")?;
        let type_names = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(Self { types, type_names })
    }

    /// The layout of a type.
    ///
    /// # Errors
    /// [`BackendError::Internal`] when the store was opened without it.
    pub(crate) fn of(
        &self,
        resource_type: &ResourceType,
    ) -> Result<&Arc<TypeLayout>, BackendError> {
        self.types.get(resource_type.name()).ok_or_else(|| {
            let name = resource_type.name();
            BackendError::internal(format!("the store was opened without resource type `{name}`"))
        })
    }

    pub(crate) fn by_key(&self, key: i64) -> Option<&Arc<TypeLayout>> {
        self.types.get(self.type_names.get(&key)?)
    }

    /// The name of a type, registered or not.
    pub(crate) fn type_name(&self, key: i64) -> Option<&Arc<str>> {
        self.type_names.get(&key)
    }

    /// The keys of attributes that must be unique where a write demands it.
    pub(crate) fn on_demand(&self) -> impl Iterator<Item = i64> {
        self.types.values().flat_map(|t| &t.on_demand).map(|keyed| keyed.key)
    }

    /// The attribute of that key, if it must be unique, always or on demand.
    pub(crate) fn unique_attribute(&self, key: i64) -> Option<&KeyedAttribute> {
        self.types.values().flat_map(|t| t.unique.iter().chain(&t.on_demand)).find(|a| a.key == key)
    }

    /// What the rows that are derived from documents depend on, as text.
    pub(crate) fn fingerprint(&self) -> String {
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
    fn new(
        connection: &Connection,
        resource_type: &Arc<ResourceType>,
        also_unique: &BTreeSet<String>,
        indexed: &BTreeSet<String>,
    ) -> Result<Self, OpenError> {
        let mut layout = Self {
            resource_type: Arc::clone(resource_type),
            key: intern(connection, Interned::ResourceType, resource_type.name())?,
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
                let key = intern(connection, Interned::Attribute, &path)?;
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
            let key = intern(connection, Interned::Attribute, &path)?;
            list.push(KeyedAttribute { key, attribute, path: path.into() });
        }
        Ok(layout)
    }

    /// What a document puts into columns and index rows.
    pub(crate) fn derive(&self, attributes: &Map<String, Value>) -> Derived {
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
    pub(crate) fn wants_references(&self, wanted: &scim_core::AttributeSet) -> bool {
        self.references.iter().any(|(_, path)| wanted.wants(path))
    }

    /// The attribute that must be unique or is indexed, and where its values are.
    pub(crate) fn valued(&self, attribute: &AttributeRef) -> Option<(ValueTable, i64)> {
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

/// A table of values by attribute. Exhaustive: the two of the first migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueTable {
    Unique,
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
fn stored_attributes(resource_type: &ResourceType) -> Vec<(String, AttributeRef)> {
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

/// The paths of options as the schemas spell them.
fn resolve_all(registry: &Registry, paths: &[String]) -> Result<BTreeSet<String>, OpenError> {
    paths.iter().map(|path| resolve(registry, path)).collect()
}

fn resolve(registry: &Registry, path: &str) -> Result<String, OpenError> {
    let refused = |reason| OpenError::Attribute { path: path.to_owned(), reason };
    let mut reason = "no registered schema defines it";
    for resource_type in registry.resource_types() {
        let Some(Target::Attribute(attribute)) = resource_type.resolve(path) else { continue };
        if attribute.leaf().is_complex() {
            return Err(refused("it is complex; name a sub-attribute"));
        }
        let stored = stored_attributes(resource_type);
        let Some((spelt, _)) = stored.into_iter().find(|(_, a)| *a == attribute) else {
            return Err(refused("the store keeps it outside the document, and indexed already"));
        };
        if spelt.contains(':') && !path.contains(':') {
            reason = "it needs the URN of its schema in front";
            continue;
        }
        return Ok(spelt);
    }
    Err(refused(reason))
}

/// Tables that give names a key.
#[derive(Clone, Copy, Debug)]
enum Interned {
    ResourceType,
    Attribute,
}

fn intern(connection: &Connection, table: Interned, name: &str) -> rusqlite::Result<i64> {
    let (find, add) = match table {
        Interned::ResourceType => (
            "SELECT key FROM scim_resource_type WHERE name = ?1",
            "INSERT INTO scim_resource_type (name) VALUES (?1) RETURNING key",
        ),
        Interned::Attribute => (
            "SELECT key FROM scim_attribute WHERE path = ?1",
            "INSERT INTO scim_attribute (path) VALUES (?1) RETURNING key",
        ),
    };
    let found = connection.query_row(find, [name], |row| row.get(0)).optional()?;
    found.map_or_else(|| connection.query_row(add, [name], |row| row.get(0)), Ok)
}
