//! The schema model: attributes and their characteristics (RFC 7643 §2 and §7), as data.

use std::fmt;
use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::definition;
use crate::error::{Result, ScimError, shorten};
use crate::resource_type::ResourceType;

/// URN of the core User schema (RFC 7643 §4.1).
pub const USER_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// URN of the core Group schema (RFC 7643 §4.2).
pub const GROUP_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// URN of the enterprise User extension (RFC 7643 §4.3).
pub const ENTERPRISE_USER_URN: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// URN of the service provider configuration schema (RFC 7643 §5).
pub const SERVICE_PROVIDER_CONFIG_URN: &str =
    "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
/// URN of the resource type schema (RFC 7643 §6).
pub const RESOURCE_TYPE_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
/// URN of the schema of schemas (RFC 7643 §7).
pub const SCHEMA_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// The data types of RFC 7643 §2.3.
///
/// Exhaustive: the RFC closes the list (erratum 8435 adds `binary`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum AttributeType {
    /// Unicode text (§2.3.1), the default.
    #[default]
    String,
    /// `true` or `false` (§2.3.2).
    Boolean,
    /// A real number (§2.3.3), a finite `f64` here.
    Decimal,
    /// A whole number (§2.3.4), an `i64` here.
    Integer,
    /// An instant as `xsd:dateTime` (§2.3.5).
    DateTime,
    /// Base64 text (§2.3.6).
    Binary,
    /// A URI (§2.3.7).
    Reference,
    /// An object of sub-attributes (§2.3.8).
    Complex,
}

impl AttributeType {
    const KEYWORDS: [(&'static str, Self); 8] = [
        ("string", Self::String),
        ("boolean", Self::Boolean),
        ("decimal", Self::Decimal),
        ("integer", Self::Integer),
        ("dateTime", Self::DateTime),
        ("binary", Self::Binary),
        ("reference", Self::Reference),
        ("complex", Self::Complex),
    ];
}

/// Unlike the other keywords of a schema, these are read in any case (errata.md R18).
impl<'de> Deserialize<'de> for AttributeType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let known = Self::KEYWORDS.into_iter().find(|(word, _)| word.eq_ignore_ascii_case(&text));
        known.map(|(_, attribute_type)| attribute_type).ok_or_else(|| {
            let text = shorten(&text);
            serde::de::Error::custom(format_args!("`{text}` is not an attribute type"))
        })
    }
}

/// Who may set an attribute, and when (RFC 7643 §7). Exhaustive: the RFC closes the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mutability {
    /// Only the service provider sets it.
    ReadOnly,
    /// Set and read at any time, the default.
    #[default]
    ReadWrite,
    /// Set once, at creation or while it has no value.
    Immutable,
    /// Set at any time, never read.
    WriteOnly,
}

/// When an attribute is part of an answer (RFC 7643 §7). Exhaustive: the RFC closes the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Returned {
    /// In every answer.
    Always,
    /// In no answer.
    Never,
    /// Unless the client asks for other attributes or excludes it, the default.
    #[default]
    Default,
    /// When the client asks for it, or has just sent it.
    Request,
}

/// How far a value is unique (RFC 7643 §7). Exhaustive: the RFC closes the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Uniqueness {
    /// Values need not be unique, the default.
    #[default]
    None,
    /// Unique within the tenant, over all resource types that share the schema (erratum 8279).
    Server,
    /// Unique everywhere; a server enforces it as far as it can see, which is the tenant.
    Global,
}

/// An attribute or sub-attribute with all its characteristics (RFC 7643 §7).
///
/// What a definition leaves out has the defaults of RFC 7643 §2.2.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attribute {
    /// The name in the schema's spelling; compared without regard to case (§2.1).
    pub name: String,
    /// The data type.
    #[serde(rename = "type", default)]
    pub attribute_type: AttributeType,
    /// Whether it holds an array of values (§2.4).
    #[serde(default)]
    pub multi_valued: bool,
    /// A description for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Whether clients must send it (erratum 8281).
    #[serde(default)]
    pub required: bool,
    /// Suggested values, such as `work` and `home`; empty means none are suggested (R16).
    #[serde(default)]
    pub canonical_values: Vec<String>,
    /// Whether strings compare with regard to case.
    #[serde(default)]
    pub case_exact: bool,
    /// Who may set it.
    #[serde(default)]
    pub mutability: Mutability,
    /// When it is returned.
    #[serde(default)]
    pub returned: Returned,
    /// How far its values are unique.
    #[serde(default)]
    pub uniqueness: Uniqueness,
    /// For references, the resource types referred to, or `external` or `uri`.
    #[serde(default)]
    pub reference_types: Vec<String>,
    /// The parts of a complex attribute.
    #[serde(default)]
    pub sub_attributes: Vec<Arc<Attribute>>,
}

impl Attribute {
    /// The sub-attribute of that name, without regard to case.
    #[must_use]
    pub fn sub_attribute(&self, name: &str) -> Option<&Arc<Attribute>> {
        find(&self.sub_attributes, name)
    }

    /// Whether it is of type complex.
    #[must_use]
    pub fn is_complex(&self) -> bool {
        self.attribute_type == AttributeType::Complex
    }

    /// Whether it is in no answer: `returned` never, or writeOnly, whose values "SHALL NOT be
    /// returned" whatever else the schema says (RFC 7643 §7).
    #[must_use]
    pub fn is_never_returned(&self) -> bool {
        self.returned == Returned::Never || self.mutability == Mutability::WriteOnly
    }

    /// Whether text compares exactly: what the schema says, except that references and binary
    /// values always do (RFC 7643 §2.3.6, §2.3.7).
    #[must_use]
    pub fn compares_exactly(&self) -> bool {
        self.case_exact
            || matches!(self.attribute_type, AttributeType::Reference | AttributeType::Binary)
    }

    fn check(&self, nested: bool, schema: &str) -> Result<()> {
        let refuse = |what: &str| {
            let name = shorten(&self.name);
            Err(ScimError::invalid_value(format!("schema `{schema}`: attribute `{name}` {what}")))
        };
        if !is_attribute_name(&self.name) {
            return refuse("has a name that is not an ATTRNAME of RFC 7643 §2.1");
        }
        if self.is_complex() && self.sub_attributes.is_empty() {
            return refuse("is complex and has no subAttributes");
        }
        if !self.is_complex() && !self.sub_attributes.is_empty() {
            return refuse("has subAttributes and is not complex");
        }
        // RFC 7643 §2.3.8, erratum 8415. The schema of schemas is the one exception, since
        // `attributes.subAttributes` is itself a list of attributes.
        if nested && self.is_complex() && schema != SCHEMA_URN {
            return refuse("is complex inside a complex attribute");
        }
        check_names(&self.sub_attributes, schema)?;
        self.sub_attributes.iter().try_for_each(|sub| sub.check(true, schema))
    }
}

/// Every characteristic that applies to the type is written out (errata.md R10).
impl Serialize for Attribute {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("type", &self.attribute_type)?;
        if !self.sub_attributes.is_empty() {
            map.serialize_entry("subAttributes", &self.sub_attributes)?;
        }
        map.serialize_entry("multiValued", &self.multi_valued)?;
        map.serialize_entry("description", &self.description)?;
        map.serialize_entry("required", &self.required)?;
        if !self.canonical_values.is_empty() {
            map.serialize_entry("canonicalValues", &self.canonical_values)?;
        }
        if matches!(
            self.attribute_type,
            AttributeType::String | AttributeType::Reference | AttributeType::Binary
        ) {
            map.serialize_entry("caseExact", &self.compares_exactly())?;
        }
        map.serialize_entry("mutability", &self.mutability)?;
        map.serialize_entry("returned", &self.returned)?;
        if !matches!(
            self.attribute_type,
            AttributeType::Complex | AttributeType::Boolean | AttributeType::Binary
        ) {
            map.serialize_entry("uniqueness", &self.uniqueness)?;
        }
        if !self.reference_types.is_empty() {
            map.serialize_entry("referenceTypes", &self.reference_types)?;
        }
        map.end()
    }
}

/// A schema: a URI and the attributes it defines (RFC 7643 §7).
#[derive(Clone, PartialEq, Eq)]
pub struct Schema {
    id: String,
    name: String,
    description: String,
    attributes: Vec<Arc<Attribute>>,
}

#[derive(Deserialize)]
struct SchemaJson {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    attributes: Vec<Arc<Attribute>>,
}

impl Schema {
    /// A schema from its parts.
    ///
    /// # Errors
    /// 400 `invalidValue` when the URI is not a URN or URL, a name is not an `ATTRNAME`
    /// (RFC 7643 §2.1), two names differ only in case, or a complex attribute has a complex
    /// sub-attribute (§2.3.8).
    pub fn new(
        id: impl Into<String>,
        name: impl Into<String>,
        description: impl Into<String>,
        attributes: Vec<Arc<Attribute>>,
    ) -> Result<Self> {
        let schema =
            Self { id: id.into(), name: name.into(), description: description.into(), attributes };
        if !schema.id.contains(':')
            || schema.id.chars().any(|c| c.is_whitespace() || c.is_control())
        {
            let id = shorten(&schema.id);
            return Err(ScimError::invalid_value(format!("schema id `{id}` is not a URI")));
        }
        check_names(&schema.attributes, &schema.id)?;
        schema.attributes.iter().try_for_each(|a| a.check(false, &schema.id))?;
        Ok(schema)
    }

    /// A schema from the JSON of a Schema resource (RFC 7643 §7, §8.7). It is read as any other
    /// resource is: names in any case, null for what has no value; what it leaves out has the
    /// defaults of §2.2. Members that §7 does not define are ignored, and so is `meta`.
    ///
    /// # Errors
    /// 400 `invalidSyntax` when the text is not a JSON object, 400 `invalidValue` when a value does
    /// not fit, else as [`Schema::new`].
    pub fn from_json(json: &str) -> Result<Self> {
        let parts: SchemaJson = definition::read(&ResourceType::of_schemas(), json)
            .map_err(|e| e.within("schema definition"))?;
        Self::new(parts.id, parts.name, parts.description, parts.attributes)
    }

    /// A schema from JSON in canonical form, as the built-in ones are: [`Schema::from_json`] needs
    /// the schema of schemas to be there already.
    pub(crate) fn from_canonical_json(json: &str) -> Result<Self> {
        let parts: SchemaJson = serde_json::from_str(json)
            .map_err(|e| ScimError::invalid_syntax(format!("schema definition: {e}")))?;
        Self::new(parts.id, parts.name, parts.description, parts.attributes)
    }

    /// The URI that identifies the schema.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The description for people.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The attributes, in the order of the definition.
    #[must_use]
    pub fn attributes(&self) -> &[Arc<Attribute>] {
        &self.attributes
    }

    /// The attribute of that name, without regard to case (RFC 7643 §2.1).
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Arc<Attribute>> {
        find(&self.attributes, name)
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schema({})", self.id)
    }
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schemas", &[SCHEMA_URN])?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("description", &self.description)?;
        map.serialize_entry("attributes", &self.attributes)?;
        map.end()
    }
}

/// Lists are short (the longest of the RFC has 21 names), so a scan that looks at the length first
/// beats hashing a folded name.
pub(crate) fn find<'a>(attributes: &'a [Arc<Attribute>], name: &str) -> Option<&'a Arc<Attribute>> {
    attributes.iter().find(|a| a.name.eq_ignore_ascii_case(name))
}

fn check_names(attributes: &[Arc<Attribute>], schema: &str) -> Result<()> {
    for (i, attribute) in attributes.iter().enumerate() {
        if find(attributes.get(..i).unwrap_or_default(), &attribute.name).is_some() {
            let name = shorten(&attribute.name);
            return Err(ScimError::invalid_value(format!(
                "schema `{schema}`: attribute `{name}` is defined twice"
            )));
        }
    }
    Ok(())
}

/// `ATTRNAME = ["$"] ALPHA *nameChar` (RFC 7643 §2.1 with erratum 8924).
fn is_attribute_name(name: &str) -> bool {
    let rest = name.strip_prefix('$').unwrap_or(name);
    rest.starts_with(|c: char| c.is_ascii_alphabetic())
        && rest.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '$' | '-' | '_'))
}
