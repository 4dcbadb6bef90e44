//! Resource types (RFC 7643 §6) and the registry of all that a server offers.

use std::fmt;
use std::sync::{Arc, LazyLock};

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::builtin;
use crate::definition;
use crate::error::{Result, ScimError, shorten};
use crate::path::{AttributeRef, Found, Target};
use crate::projection::Plan;
use crate::schema::{
    Attribute, AttributeType, GROUP_URN, RESOURCE_TYPE_URN, Schema, USER_URN, find,
};

/// An extension of a resource type (RFC 7643 §6, `schemaExtensions`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaExtension {
    /// The extension's schema.
    pub schema: Arc<Schema>,
    /// Whether every resource of the type must have it.
    pub required: bool,
}

/// A resource type with its schemas in hand (RFC 7643 §6).
///
/// The common attributes (§3.1) are part of every resource. A core schema that defines `schemas`,
/// `id` or `meta` again changes nothing; one that defines `externalId` as a single string may give
/// it further characteristics, such as `required` or `uniqueness`.
#[derive(Clone, PartialEq, Eq)]
pub struct ResourceType {
    name: Arc<str>,
    description: String,
    endpoint: String,
    schema: Arc<Schema>,
    extensions: Vec<SchemaExtension>,
    /// The common attributes and those of the core schema.
    core: Vec<Arc<Attribute>>,
    /// What is returned when a client asks for nothing in particular.
    default_plan: Arc<Plan>,
}

impl ResourceType {
    /// A resource type without extensions.
    ///
    /// # Errors
    /// 400 `invalidValue` when the name or the endpoint is empty, or the endpoint is not one path
    /// segment (a leading slash is put in front when it is missing, errata.md R8).
    pub fn new(name: &str, endpoint: &str, schema: Arc<Schema>) -> Result<Self> {
        let segment = endpoint.strip_prefix('/').unwrap_or(endpoint);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
        let dots = matches!(segment, "." | "..");
        if name.is_empty() || segment.is_empty() || dots || !segment.chars().all(plain) {
            return Err(ScimError::invalid_value(format!(
                "resource type `{}` with endpoint `{}`: both need a value, and the endpoint is one path segment",
                shorten(name),
                shorten(endpoint),
            )));
        }
        Ok(Self {
            name: name.into(),
            description: String::new(),
            endpoint: format!("/{segment}"),
            core: core_attributes(&schema),
            schema,
            extensions: Vec::new(),
            default_plan: Arc::default(),
        }
        .planned())
    }

    fn planned(mut self) -> Self {
        self.default_plan = Arc::new(Plan::default_for(&self));
        self
    }

    /// The same with a description for people.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// The same with one more extension.
    #[must_use]
    pub fn with_extension(mut self, schema: Arc<Schema>, required: bool) -> Self {
        self.extensions.push(SchemaExtension { schema, required });
        self.planned()
    }

    /// The name, which is also its id: `User`. Case-exact (erratum 8475).
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The description for people.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The endpoint below the base URL, with its leading slash: `/Users`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The core schema.
    #[must_use]
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The extensions, in the order of registration.
    #[must_use]
    pub fn extensions(&self) -> &[SchemaExtension] {
        &self.extensions
    }

    /// The extension with that URI, without regard to case.
    #[must_use]
    pub fn extension(&self, uri: &str) -> Option<&SchemaExtension> {
        self.extensions.iter().find(|e| e.schema.id().eq_ignore_ascii_case(uri))
    }

    /// Whether resources of this type hold a membership list that stores keep as rows: those whose
    /// core schema is Group's (RFC 7643 §4.2).
    #[must_use]
    pub fn has_members(&self) -> bool {
        self.schema.id() == GROUP_URN
    }

    /// Whether resources of this type show the groups they belong to: those whose core schema is
    /// User's (RFC 7643 §4.1.2).
    #[must_use]
    pub fn has_groups(&self) -> bool {
        self.schema.id() == USER_URN
    }

    /// What a reference to a resource of this type shows as its name (`members.display`,
    /// `groups.display`, `manager.displayName`): its `displayName` (RFC 7643 §4.3). `None` when it
    /// has none, whatever else it is called, or when its schema keeps it from being returned.
    #[must_use]
    pub fn display_name<'a>(&self, attributes: &'a Map<String, Value>) -> Option<&'a str> {
        let attribute = find(&self.core, "displayName").filter(|a| !a.is_never_returned())?;
        attributes.get(&attribute.name)?.as_str()
    }

    /// What `path` names: a path with or without URN, matched without regard to case
    /// (RFC 7644 §3.10). `None` when no schema of this type defines it.
    ///
    /// A URN is the longest registered one that the path begins with (errata.md F1), so URNs may
    /// hold dots and digits. `value` of a multi-valued attribute that is not complex is the
    /// attribute itself (RFC 7643 §2.4 gives `value` to every such attribute).
    ///
    /// ```
    /// use scim_core::{ResourceType, Target};
    /// let user = ResourceType::user();
    /// let path = "URN:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayname";
    /// let Some(Target::Attribute(attribute)) = user.resolve(path) else { panic!() };
    /// assert_eq!(
    ///     attribute.to_string(),
    ///     "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName",
    /// );
    /// ```
    #[must_use]
    pub fn resolve(&self, path: &str) -> Option<Target> {
        self.find(path).map(Target::from)
    }

    /// The attribute or sub-attribute that `path` names, when it names one: [`Self::resolve`]
    /// without the bare URNs.
    #[must_use]
    pub fn attribute(&self, path: &str) -> Option<AttributeRef> {
        match self.resolve(path)? {
            Target::Attribute(attribute) => Some(attribute),
            Target::Resource | Target::Extension(_) => None,
        }
    }

    /// The extension attribute that an unqualified `path` would name if the URN were put in front:
    /// the first extension that defines it. Some identity providers leave the URN out.
    #[must_use]
    pub fn unqualified_extension_attribute(&self, path: &str) -> Option<AttributeRef> {
        match Target::from(self.find_unqualified(path)?) {
            Target::Attribute(attribute) => Some(attribute),
            Target::Resource | Target::Extension(_) => None,
        }
    }

    /// [`Self::resolve`] without taking shares in what it finds.
    pub(crate) fn find(&self, path: &str) -> Option<Found<'_>> {
        if !path.contains(':') {
            return self.find_in(None, path);
        }
        let (schema, rest) = self.split_urn(path)?;
        let extension = (!Arc::ptr_eq(schema, &self.schema)).then_some(schema);
        match (rest, extension) {
            (Some(rest), extension) => self.find_in(extension, rest),
            (None, Some(extension)) => Some(Found::Extension(extension)),
            (None, None) => Some(Found::Resource),
        }
    }

    /// [`Self::unqualified_extension_attribute`] without taking shares in what it finds.
    pub(crate) fn find_unqualified(&self, path: &str) -> Option<Found<'_>> {
        let extensions = self.extensions.iter().filter(|_| !path.contains(':'));
        extensions.map(|e| &e.schema).find_map(|schema| self.find_in(Some(schema), path))
    }

    /// The longest schema URI that `path` begins with, and what follows its colon.
    fn split_urn<'a>(&self, path: &'a str) -> Option<(&Arc<Schema>, Option<&'a str>)> {
        std::iter::once(&self.schema)
            .chain(self.extensions.iter().map(|e| &e.schema))
            .filter_map(|schema| {
                let (head, tail) = path.split_at_checked(schema.id().len())?;
                if !head.eq_ignore_ascii_case(schema.id()) {
                    return None;
                }
                match tail.strip_prefix(':') {
                    Some(rest) => Some((schema, Some(rest))),
                    None => tail.is_empty().then_some((schema, None)),
                }
            })
            .max_by_key(|(schema, _)| schema.id().len())
    }

    /// The attribute that a path without URN names in an extension, or else in the core.
    pub(crate) fn find_in<'a>(
        &'a self,
        extension: Option<&'a Arc<Schema>>,
        path: &str,
    ) -> Option<Found<'a>> {
        let (name, sub) = match path.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (path, None),
        };
        let attribute = match extension {
            Some(extension) => extension.attribute(name)?,
            None => find(&self.core, name)?,
        };
        let sub_attribute = match sub {
            None => None,
            Some(sub) if attribute.is_complex() => Some(attribute.sub_attribute(sub)?),
            Some(sub) if attribute.multi_valued && sub.eq_ignore_ascii_case("value") => None,
            Some(_) => return None,
        };
        Some(Found::Attribute { extension, attribute, sub_attribute })
    }

    /// The common attributes (RFC 7643 §3.1) and those of the core schema that are not among them.
    pub fn core_attributes(&self) -> impl Iterator<Item = &Arc<Attribute>> {
        self.core.iter()
    }

    pub(crate) fn default_plan(&self) -> &Arc<Plan> {
        &self.default_plan
    }

    /// The built-in User with the enterprise extension, at `/Users` (RFC 7643 §4.1, §4.3).
    #[must_use]
    pub fn user() -> Arc<Self> {
        Arc::clone(&builtin::get().user)
    }

    /// The built-in Group, at `/Groups` (RFC 7643 §4.2).
    #[must_use]
    pub fn group() -> Arc<Self> {
        Arc::clone(&builtin::get().group)
    }

    /// The type of `/ServiceProviderConfig` (RFC 7643 §5).
    #[must_use]
    pub fn of_service_provider_config() -> Arc<Self> {
        Arc::clone(&builtin::get().service_provider_config)
    }

    /// The type of `/ResourceTypes` (RFC 7643 §6).
    #[must_use]
    pub fn of_resource_types() -> Arc<Self> {
        Arc::clone(&builtin::get().resource_type)
    }

    /// The type of `/Schemas` (RFC 7643 §7).
    #[must_use]
    pub fn of_schemas() -> Arc<Self> {
        Arc::clone(&builtin::get().schema)
    }
}

/// The attributes that every resource has (RFC 7643 §3, §3.1): `schemas`, `id`, `externalId`,
/// `meta`. The RFC gives them in prose only; the definitions are ours.
#[must_use]
pub fn common_attributes() -> &'static [Arc<Attribute>] {
    builtin::common()
}

/// RFC 7643 §3.1 prevails over a schema that defines the common attributes again (errata.md R9).
fn core_attributes(schema: &Schema) -> Vec<Arc<Attribute>> {
    let common = common_attributes();
    let own_external_id = schema.attribute("externalId").filter(|a| {
        a.attribute_type == AttributeType::String && !a.multi_valued && a.name == "externalId"
    });
    common
        .iter()
        .map(|a| own_external_id.filter(|own| own.name == a.name).unwrap_or(a))
        .chain(schema.attributes().iter().filter(|a| find(common, &a.name).is_none()))
        .map(Arc::clone)
        .collect()
}

impl fmt::Debug for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResourceType({})", self.name)
    }
}

impl Serialize for ResourceType {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Extension<'a> {
            schema: &'a str,
            required: bool,
        }
        let extensions: Vec<_> = self
            .extensions
            .iter()
            .map(|e| Extension { schema: e.schema.id(), required: e.required })
            .collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schemas", &[RESOURCE_TYPE_URN])?;
        map.serialize_entry("id", &self.name)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("description", &self.description)?;
        map.serialize_entry("endpoint", &self.endpoint)?;
        map.serialize_entry("schema", self.schema.id())?;
        map.serialize_entry("schemaExtensions", &extensions)?;
        map.end()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceTypeJson {
    name: String,
    endpoint: String,
    #[serde(default)]
    description: String,
    schema: String,
    #[serde(default)]
    schema_extensions: Vec<SchemaExtensionJson>,
}

#[derive(Deserialize)]
struct SchemaExtensionJson {
    schema: String,
    #[serde(default)]
    required: bool,
}

/// The schemas and resource types that a server offers: the built-in ones, and any others that
/// were loaded at run time from the JSON of RFC 7643 §6 and §7.
///
/// ```
/// use scim_core::Registry;
/// let mut registry = Registry::builtin();
/// registry.add_schema_json(r#"{
///     "id": "urn:example:scim:schemas:Device",
///     "name": "Device",
///     "attributes": [{"name": "serialNumber", "required": true, "uniqueness": "server"}]
/// }"#)?;
/// registry.add_resource_type_json(r#"{
///     "name": "Device", "endpoint": "/Devices", "schema": "urn:example:scim:schemas:Device"
/// }"#)?;
/// assert!(registry.by_endpoint("Devices").is_some());
/// # Ok::<(), scim_core::ScimError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Registry {
    schemas: Vec<Arc<Schema>>,
    resource_types: Vec<Arc<ResourceType>>,
}

impl Registry {
    /// Nothing registered.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// User with the enterprise extension, and Group.
    #[must_use]
    pub fn builtin() -> Self {
        static BUILTIN: LazyLock<Registry> = LazyLock::new(|| {
            let (user, group) = (ResourceType::user(), ResourceType::group());
            let enterprise = user.extensions.iter().map(|e| Arc::clone(&e.schema));
            Registry {
                schemas: [&user.schema, &group.schema]
                    .into_iter()
                    .map(Arc::clone)
                    .chain(enterprise)
                    .collect(),
                resource_types: vec![user, group],
            }
        });
        BUILTIN.clone()
    }

    /// Adds a schema that resource types may then refer to. A schema that is already there is left
    /// alone when it is equal.
    ///
    /// # Errors
    /// 409 `uniqueness` when another schema has the URI (compared without regard to case).
    pub fn add_schema(&mut self, schema: Schema) -> Result<Arc<Schema>> {
        self.share_schema(Arc::new(schema))
    }

    fn share_schema(&mut self, schema: Arc<Schema>) -> Result<Arc<Schema>> {
        if let Some(present) = self.present(&schema)? {
            return Ok(Arc::clone(present));
        }
        self.schemas.push(Arc::clone(&schema));
        Ok(schema)
    }

    /// The schema with the URI of `schema`, which must be an equal one.
    fn present(&self, schema: &Schema) -> Result<Option<&Arc<Schema>>> {
        match self.schema(schema.id()) {
            Some(present) if **present != *schema => Err(ScimError::uniqueness("schema id")),
            present => Ok(present),
        }
    }

    /// Adds a schema from its JSON (RFC 7643 §7).
    ///
    /// # Errors
    /// As [`Schema::from_json`] and [`Registry::add_schema`].
    pub fn add_schema_json(&mut self, json: &str) -> Result<Arc<Schema>> {
        self.add_schema(Schema::from_json(json)?)
    }

    /// Adds a resource type; its schemas are added with it. When it cannot be added, nothing is.
    ///
    /// # Errors
    /// 409 `uniqueness` when another resource type has the name or the endpoint (erratum 8475), the
    /// endpoint is one of the protocol's own, or the type has one schema twice; else as
    /// [`Registry::add_schema`].
    pub fn add_resource_type(&mut self, resource_type: ResourceType) -> Result<Arc<ResourceType>> {
        const RESERVED: [&str; 6] =
            ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/Bulk", "/Me", "/.search"];
        let taken = |t: &Arc<ResourceType>| {
            t.name == resource_type.name || t.endpoint == resource_type.endpoint
        };
        if self.resource_types.iter().any(taken) {
            return Err(ScimError::uniqueness("resource type name or endpoint"));
        }
        if RESERVED.contains(&resource_type.endpoint.as_str()) {
            return Err(ScimError::uniqueness("endpoint"));
        }
        let extensions = resource_type.extensions.iter().map(|e| &e.schema);
        let schemas: Vec<_> = std::iter::once(&resource_type.schema).chain(extensions).collect();
        for (i, schema) in schemas.iter().enumerate() {
            self.present(schema)?;
            let before = schemas.get(..i).unwrap_or_default();
            if before.iter().any(|s| s.id().eq_ignore_ascii_case(schema.id())) {
                return Err(ScimError::uniqueness("schema id of a resource type"));
            }
        }
        for schema in schemas {
            self.share_schema(Arc::clone(schema))?;
        }
        let resource_type = Arc::new(resource_type);
        self.resource_types.push(Arc::clone(&resource_type));
        Ok(resource_type)
    }

    /// Adds a resource type from its JSON (RFC 7643 §6); the schemas it names must be there.
    ///
    /// # Errors
    /// 400 `invalidSyntax` when the text is not a JSON object, 400 `invalidValue` when a value does
    /// not fit or a schema is not registered, else as [`ResourceType::new`] and
    /// [`Registry::add_resource_type`].
    pub fn add_resource_type_json(&mut self, json: &str) -> Result<Arc<ResourceType>> {
        let parts: ResourceTypeJson = definition::read(&ResourceType::of_resource_types(), json)
            .map_err(|e| e.within("resource type definition"))?;
        let schema = |uri: &str| {
            self.schema(uri).cloned().ok_or_else(|| {
                let (name, uri) = (shorten(&parts.name), shorten(uri));
                ScimError::invalid_value(format!(
                    "resource type `{name}` names schema `{uri}`, which is not registered"
                ))
            })
        };
        let mut resource_type =
            ResourceType::new(&parts.name, &parts.endpoint, schema(&parts.schema)?)?
                .with_description(parts.description);
        for extension in &parts.schema_extensions {
            resource_type =
                resource_type.with_extension(schema(&extension.schema)?, extension.required);
        }
        self.add_resource_type(resource_type)
    }

    /// The registered schemas, in the order of registration.
    #[must_use]
    pub fn schemas(&self) -> &[Arc<Schema>] {
        &self.schemas
    }

    /// The schema with that URI, without regard to case.
    #[must_use]
    pub fn schema(&self, uri: &str) -> Option<&Arc<Schema>> {
        self.schemas.iter().find(|s| s.id().eq_ignore_ascii_case(uri))
    }

    /// The registered resource types, in the order of registration.
    #[must_use]
    pub fn resource_types(&self) -> &[Arc<ResourceType>] {
        &self.resource_types
    }

    /// The resource type of that name, exactly (erratum 8475).
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Arc<ResourceType>> {
        self.resource_types.iter().find(|t| &*t.name == name)
    }

    /// The resource type at that endpoint, given without its leading slash and matched exactly
    /// (erratum 8475).
    #[must_use]
    pub fn by_endpoint(&self, segment: &str) -> Option<&Arc<ResourceType>> {
        self.resource_types.iter().find(|t| t.endpoint.strip_prefix('/') == Some(segment))
    }
}
