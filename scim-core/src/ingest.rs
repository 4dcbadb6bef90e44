//! Incoming JSON made canonical: the schema's spelling, the schema's types, nothing unknown.
//!
//! After this, names are exact, values have their types, unassigned values are absent, and nothing
//! downstream checks again (RFC 7643 §2.1, §2.5).

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

use crate::error::{Result, ScimError, shorten};
use crate::json::{self, kind_of};
use crate::path::{AttributeRef, Target};
use crate::profile::{Profile, Quirk, Quirks, Validation};
use crate::resource::{Meta, Resource};
use crate::resource_type::ResourceType;
use crate::schema::{Attribute, AttributeType, Mutability};
use crate::{DateTime, ResourceId};

/// Where the JSON comes from, which decides what becomes of readOnly values.
///
/// Exhaustive: these are the ways by which a resource or a part of one comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The body of a POST or PUT: readOnly values are dropped (RFC 7644 §3.3, §3.5.1), required
    /// ones demanded.
    Request,
    /// The value of a PATCH operation: readOnly parts are dropped, one value may stand for an
    /// array (errata.md P4), and required attributes are not demanded.
    Patch,
    /// A whole resource as a service provider sent or stored it: everything is kept.
    Representation,
}

/// Makes incoming JSON canonical against a resource type, under a [`Profile`].
///
/// ```
/// use scim_core::{Ingest, Origin, Profile, ResourceType};
/// let user = ResourceType::user();
/// let mut ingest = Ingest::new(&user, &Profile::INTEROP, Origin::Request);
/// let resource = ingest.resource(br#"{
///     "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
///     "USERNAME": "bjensen", "active": "True"
/// }"#)?;
/// assert_eq!(resource.attributes()["userName"], "bjensen");
/// assert_eq!(resource.attributes()["active"], true);
/// assert_eq!(ingest.fired().to_string(), "BooleanStrings");
/// # Ok::<(), scim_core::ScimError>(())
/// ```
#[derive(Debug)]
pub struct Ingest<'a> {
    resource_type: &'a Arc<ResourceType>,
    profile: &'a Profile,
    origin: Origin,
    fired: Quirks,
}

impl<'a> Ingest<'a> {
    /// For JSON of that origin.
    #[must_use]
    pub fn new(resource_type: &'a Arc<ResourceType>, profile: &'a Profile, origin: Origin) -> Self {
        Self { resource_type, profile, origin, fired: Quirks::NONE }
    }

    /// The quirks that fired so far.
    #[must_use]
    pub fn fired(&self) -> Quirks {
        self.fired
    }

    /// Whether the profile tolerates `quirk`; if it does, the quirk is noted as fired.
    pub fn tolerate(&mut self, quirk: Quirk) -> bool {
        let tolerated = self.profile.tolerates(quirk);
        if tolerated {
            self.fired.insert(quirk);
        }
        tolerated
    }

    /// A resource from the text of a request or response body.
    ///
    /// # Errors
    /// 400 `invalidSyntax` when it is not a JSON object or holds two keys that differ only in
    /// case; 400 `invalidValue` when a value does not fit its attribute, a required one is
    /// missing, or more than one element is primary.
    pub fn resource(&mut self, body: &[u8]) -> Result<Resource> {
        self.resource_from(json::parse_object(body)?)
    }

    /// A resource from JSON that is parsed already; see [`Ingest::resource`].
    ///
    /// # Errors
    /// As [`Ingest::resource`].
    pub fn resource_from(&mut self, body: Map<String, Value>) -> Result<Resource> {
        let mut attributes = Map::new();
        self.object(body, &mut attributes)?;
        self.check_schemas(attributes.remove("schemas"))?;
        let keep = self.origin == Origin::Representation;
        let id = match attributes.remove("id").filter(|_| keep) {
            Some(Value::String(id)) => Some(ResourceId::new(id)?),
            _ => None,
        };
        let meta = attributes.remove("meta").filter(|_| keep).map(Meta::from_json).transpose()?;
        if self.origin == Origin::Request {
            self.check_required(&attributes)?;
        }
        Ok(Resource::from_parts(Arc::clone(self.resource_type), id, meta, attributes))
    }

    /// What the key of an object at the top of a resource, or of a PATCH value without path,
    /// names; `None` when no schema defines it and it is to be ignored.
    ///
    /// # Errors
    /// 400 `invalidValue` when the profile refuses unknown attributes.
    pub fn key(&mut self, key: &str) -> Result<Option<Target>> {
        let quirk = if key.contains(':') {
            Some(Quirk::UrnKeys)
        } else if key.contains('.') {
            Some(Quirk::DottedKeys)
        } else {
            None
        };
        match (self.resource_type.resolve(key), quirk) {
            (Some(target @ Target::Extension(_)), _) | (Some(target), None) => {
                return Ok(Some(target));
            }
            (Some(target), Some(quirk)) if self.tolerate(quirk) => return Ok(Some(target)),
            _ => {}
        }
        if let Some(found) = self.resource_type.unqualified_extension_attribute(key)
            && self.tolerate(Quirk::UnqualifiedExtensionAttributes)
        {
            return Ok(Some(Target::Attribute(found)));
        }
        if self.profile.validates(Validation::UnknownAttributes) {
            return Err(unknown(&key));
        }
        Ok(None)
    }

    /// The canonical form of a value for an attribute, or `None` when it says "unassigned": null,
    /// an empty array, an object without values (RFC 7643 §2.5).
    ///
    /// # Errors
    /// 400 `invalidValue` when the value does not fit.
    pub fn value(&mut self, attribute: &AttributeRef, value: Value) -> Result<Option<Value>> {
        self.attribute(attribute.leaf(), &At::Path(attribute), value)
    }

    /// The canonical form of one element of a multi-valued attribute; see [`Ingest::value`].
    ///
    /// # Errors
    /// 400 `invalidValue` when the value does not fit.
    pub fn element(&mut self, attribute: &AttributeRef, value: Value) -> Result<Option<Value>> {
        self.single(attribute.leaf(), &At::Path(attribute), value)
    }

    /// Puts the members of `object` into `attributes`, under canonical names.
    fn object(
        &mut self,
        object: Map<String, Value>,
        attributes: &mut Map<String, Value>,
    ) -> Result<()> {
        for (key, value) in object {
            match self.key(&key)? {
                None => {}
                Some(Target::Attribute(attribute)) => self.place(&attribute, value, attributes)?,
                Some(Target::Resource) => match value {
                    Value::Object(object) => self.object(object, attributes)?,
                    other => return Err(mismatch(&key, "an object", &other)),
                },
                Some(Target::Extension(schema)) => match value {
                    Value::Null => {}
                    Value::Object(object) => {
                        for (name, value) in object {
                            let path = format!("{}:{name}", schema.id());
                            match self.resource_type.attribute(&path) {
                                Some(attribute) if !name.contains('.') => {
                                    self.place(&attribute, value, attributes)?;
                                }
                                Some(attribute) if self.tolerate(Quirk::DottedKeys) => {
                                    self.place(&attribute, value, attributes)?;
                                }
                                _ if self.profile.validates(Validation::UnknownAttributes) => {
                                    return Err(unknown(&path));
                                }
                                _ => {}
                            }
                        }
                    }
                    other => return Err(mismatch(&key, "an object", &other)),
                },
            }
        }
        Ok(())
    }

    /// Puts one canonical value where it belongs; the same attribute twice is an error.
    fn place(
        &mut self,
        attribute: &AttributeRef,
        value: Value,
        attributes: &mut Map<String, Value>,
    ) -> Result<()> {
        let read_only = attribute.attribute().mutability == Mutability::ReadOnly
            || attribute.leaf().mutability == Mutability::ReadOnly;
        if read_only && self.origin != Origin::Representation {
            return Ok(());
        }
        let Some(value) = self.value(attribute, value)? else {
            return Ok(());
        };
        let mut object = attributes;
        if let Some(extension) = attribute.extension() {
            object = object_at(object, extension.id());
        }
        let name = &attribute.attribute().name;
        if attribute.attribute().multi_valued && attribute.sub_attribute().is_some() {
            return Err(ScimError::invalid_value(format!(
                "`{attribute}` names a part of many values; give the values as an array"
            )));
        }
        match attribute.sub_attribute() {
            Some(sub) => insert_once(object_at(object, name), &sub.name, value, attribute),
            None => match (object.get_mut(name), value) {
                // `name.givenName` and `name` in one object: the parts complete each other.
                (Some(Value::Object(present)), Value::Object(parts))
                    if attribute.leaf().is_complex() =>
                {
                    parts
                        .into_iter()
                        .try_for_each(|(sub, value)| insert_once(present, &sub, value, attribute))
                }
                (_, value) => insert_once(object, name, value, attribute),
            },
        }
    }

    fn attribute(
        &mut self,
        attribute: &Attribute,
        at: &At<'_>,
        value: Value,
    ) -> Result<Option<Value>> {
        if value.is_null() {
            return Ok(None);
        }
        if !attribute.multi_valued {
            return match value {
                Value::Array(mut elements)
                    if elements.len() <= 1 && self.tolerate(Quirk::ArrayForSingular) =>
                {
                    elements.pop().map_or(Ok(None), |value| self.attribute(attribute, at, value))
                }
                value => self.single(attribute, at, value),
            };
        }
        let elements = match value {
            Value::Array(elements) => elements,
            one if self.origin == Origin::Patch || self.tolerate(Quirk::SingularForArray) => {
                vec![one]
            }
            other => return Err(mismatch(at, "an array", &other)),
        };
        let mut canonical = Vec::with_capacity(elements.len());
        for (index, element) in elements.into_iter().enumerate() {
            canonical.extend(self.single(attribute, &At::Index(at, index), element)?);
        }
        // RFC 7643 §2.4: "The primary attribute value "true" MUST appear no more than once."
        if canonical.iter().filter(|e| is_primary(e)).count() > 1 {
            return Err(ScimError::invalid_value(format!(
                "`{at}` has more than one primary value"
            )));
        }
        Ok((!canonical.is_empty()).then_some(Value::Array(canonical)))
    }

    fn single(
        &mut self,
        attribute: &Attribute,
        at: &At<'_>,
        value: Value,
    ) -> Result<Option<Value>> {
        if value.is_null() {
            return Ok(None);
        }
        if value.as_str() == Some("") && self.tolerate(Quirk::EmptyMeansUnassigned) {
            return Ok(None);
        }
        let canonical = match (attribute.attribute_type, value) {
            (AttributeType::Complex, value) => return self.complex(attribute, at, value),
            (AttributeType::String | AttributeType::Reference, value @ Value::String(_)) => value,
            (AttributeType::Boolean, value @ Value::Bool(_)) => value,
            (AttributeType::Boolean, Value::String(text)) => match parse_boolean(&text) {
                Some(boolean) if self.tolerate(Quirk::BooleanStrings) => Value::Bool(boolean),
                _ => return Err(mismatch(at, "a boolean", &Value::String(text))),
            },
            (AttributeType::Decimal, value @ Value::Number(_)) => value,
            (AttributeType::Integer, Value::Number(number)) => match number.as_i64() {
                Some(integer) => Value::from(integer),
                None => {
                    return Err(ScimError::invalid_value(format!(
                        "`{at}`: `{number}` is not a whole number of 64 bits"
                    )));
                }
            },
            (AttributeType::DateTime, Value::String(text)) => {
                text.parse::<DateTime>().map_err(|e| e.within(format_args!("`{at}`")))?;
                Value::String(text)
            }
            (AttributeType::Binary, Value::String(text)) => {
                if BASE64.decode(&text).is_err() {
                    return Err(ScimError::invalid_value(format!("`{at}` is not base64")));
                }
                Value::String(text)
            }
            (expected, other) => return Err(mismatch(at, expected_json(expected), &other)),
        };
        if self.profile.validates(Validation::CanonicalValues) {
            check_canonical(attribute, at, &canonical)?;
        }
        Ok(Some(canonical))
    }

    fn complex(
        &mut self,
        attribute: &Attribute,
        at: &At<'_>,
        value: Value,
    ) -> Result<Option<Value>> {
        let object = match value {
            Value::Object(object) => object,
            Value::String(text)
                if attribute.sub_attribute("value").is_some()
                    && self.tolerate(Quirk::BareStringForComplex) =>
            {
                Map::from_iter([("value".to_owned(), Value::String(text))])
            }
            other => return Err(mismatch(at, "an object", &other)),
        };
        let object = self.unpack_json_in_string(attribute, object);
        let mut canonical = Map::new();
        for (key, value) in object {
            let Some(sub) = attribute.sub_attribute(&key) else {
                if self.profile.validates(Validation::UnknownAttributes) {
                    return Err(unknown(&At::Sub(at, &key)));
                }
                continue;
            };
            if sub.mutability == Mutability::ReadOnly && self.origin != Origin::Representation {
                continue;
            }
            if let Some(value) = self.attribute(sub, &At::Sub(at, &sub.name), value)?
                && canonical.insert(sub.name.clone(), value).is_some()
            {
                return Err(twice(&At::Sub(at, &sub.name)));
            }
        }
        if refers_to_resource(attribute) && self.origin != Origin::Representation {
            // The server computes `$ref` from `value` (errata.md, 8359); a client that sends only
            // `$ref` names the resource by its last segment.
            let reference = canonical.remove("$ref");
            if let Some(Value::String(reference)) = reference
                && !canonical.contains_key("value")
                && let Some(id) = reference.rsplit('/').find(|s| !s.is_empty())
            {
                canonical.insert("value".to_owned(), Value::String(id.to_owned()));
            }
        }
        if canonical.is_empty() {
            return Ok(None);
        }
        if self.origin != Origin::Representation {
            for sub in attribute.sub_attributes.iter().filter(|s| s.required) {
                if sub.mutability != Mutability::ReadOnly && !canonical.contains_key(&sub.name) {
                    let at = At::Sub(at, &sub.name);
                    return Err(ScimError::invalid_value(format!("`{at}` is required")));
                }
            }
        }
        Ok(Some(Value::Object(canonical)))
    }

    /// [`Quirk::JsonInString`]: the object inside the text takes the element's place, its
    /// `displayName` as `display`; what the element has beside it is kept.
    fn unpack_json_in_string(
        &mut self,
        attribute: &Attribute,
        mut object: Map<String, Value>,
    ) -> Map<String, Value> {
        if !attribute.multi_valued || !self.profile.tolerates(Quirk::JsonInString) {
            return object;
        }
        let inner = match object.get("value") {
            Some(Value::String(text)) if text.trim_start().starts_with('{') => {
                json::parse_object(text.as_bytes()).ok()
            }
            _ => None,
        };
        let Some(mut inner) = inner.filter(|i| i.get("value").is_some_and(Value::is_string)) else {
            return object;
        };
        self.tolerate(Quirk::JsonInString);
        if attribute.sub_attribute("displayName").is_none()
            && let Some(display) = inner.remove("displayName")
        {
            inner.entry("display").or_insert(display);
        }
        object.remove("value");
        for (key, value) in inner {
            object.entry(key).or_insert(value);
        }
        object
    }

    /// `schemas` must name the core schema and only schemas of this type (RFC 7643 §3). What the
    /// resource says afterwards is computed from its content.
    fn check_schemas(&mut self, schemas: Option<Value>) -> Result<()> {
        let core = self.resource_type.schema().id();
        let uris: Vec<&str> = match &schemas {
            Some(Value::Array(uris)) => uris.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if let Some(uri) = uris.iter().find(|uri| {
            !uri.eq_ignore_ascii_case(core) && self.resource_type.extension(uri).is_none()
        }) && !self.tolerate(Quirk::UnknownSchemaUris)
        {
            let (uri, name) = (shorten(uri), self.resource_type.name());
            return Err(ScimError::invalid_value(format!(
                "`schemas`: `{uri}` is not a schema of resource type `{name}`"
            )));
        }
        if !uris.iter().any(|uri| uri.eq_ignore_ascii_case(core))
            && !self.tolerate(Quirk::MissingSchemas)
        {
            return Err(ScimError::invalid_value(format!("`schemas` must hold `{core}`")));
        }
        Ok(())
    }

    /// Erratum 8281: what is required must be sent, and have a value.
    fn check_required(&self, attributes: &Map<String, Value>) -> Result<()> {
        let missing = |attribute: &&Arc<Attribute>, object: Option<&Map<String, Value>>| {
            let value = object.and_then(|o| o.get(&attribute.name));
            attribute.required
                && attribute.mutability != Mutability::ReadOnly
                && value.is_none_or(|v| v.as_str() == Some(""))
        };
        if let Some(attribute) =
            self.resource_type.schema().attributes().iter().find(|a| missing(a, Some(attributes)))
        {
            return Err(ScimError::invalid_value(format!("`{}` is required", attribute.name)));
        }
        for extension in self.resource_type.extensions() {
            let id = extension.schema.id();
            let object = attributes.get(id).and_then(Value::as_object);
            if object.is_none() && !extension.required {
                continue;
            }
            if let Some(a) = extension.schema.attributes().iter().find(|a| missing(a, object)) {
                return Err(ScimError::invalid_value(format!("`{id}:{}` is required", a.name)));
            }
            if object.is_none() {
                return Err(ScimError::invalid_value(format!("extension `{id}` is required")));
            }
        }
        Ok(())
    }
}

/// Where a value stands, for error messages: `emails[1].type`.
enum At<'a> {
    Path(&'a AttributeRef),
    Index(&'a At<'a>, usize),
    Sub(&'a At<'a>, &'a str),
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => fmt::Display::fmt(path, f),
            Self::Index(at, index) => write!(f, "{at}[{index}]"),
            Self::Sub(at, name) => write!(f, "{at}.{}", shorten(name)),
        }
    }
}

/// Standard alphabet, padding optional (errata.md R5).
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// `true` or `false` in any case.
#[must_use]
pub fn parse_boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// Whether the element says `primary: true` (RFC 7643 §2.4).
#[must_use]
pub fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}

/// Whether a complex attribute refers to another resource by `value`, with a `$ref` that the server
/// computes: `members`, `groups`, `manager` and their like (RFC 7643 §2.4).
#[must_use]
pub fn refers_to_resource(attribute: &Attribute) -> bool {
    attribute.sub_attribute("value").is_some()
        && attribute.sub_attribute("$ref").is_some_and(|reference| {
            let types = &reference.reference_types;
            !types.is_empty() && !types.iter().any(|t| t == "external" || t == "uri")
        })
}

fn object_at<'m>(object: &'m mut Map<String, Value>, key: &str) -> &'m mut Map<String, Value> {
    let entry = object.entry(key).or_insert_with(|| Value::Object(Map::new()));
    if !entry.is_object() {
        *entry = Value::Object(Map::new());
    }
    match entry {
        Value::Object(object) => object,
        _ => unreachable!("just made an object"),
    }
}

fn insert_once(
    object: &mut Map<String, Value>,
    name: &str,
    value: Value,
    at: &dyn fmt::Display,
) -> Result<()> {
    if object.contains_key(name) {
        return Err(twice(at));
    }
    object.insert(name.to_owned(), value);
    Ok(())
}

fn twice(at: &dyn fmt::Display) -> ScimError {
    ScimError::invalid_syntax(format!(
        "`{at}` appears twice; attribute names are compared without regard to case"
    ))
}

fn unknown(at: &dyn fmt::Display) -> ScimError {
    let at = at.to_string();
    ScimError::invalid_value(format!("no schema defines an attribute `{}`", shorten(&at)))
}

fn mismatch(at: &dyn fmt::Display, expected: &str, found: &Value) -> ScimError {
    ScimError::invalid_value(format!("`{at}`: expected {expected}, found {}", kind_of(found)))
}

fn expected_json(attribute_type: AttributeType) -> &'static str {
    match attribute_type {
        AttributeType::String => "a string",
        AttributeType::Boolean => "a boolean",
        AttributeType::Decimal => "a number",
        AttributeType::Integer => "a whole number",
        AttributeType::DateTime => "an xsd:dateTime as a string",
        AttributeType::Binary => "base64 as a string",
        AttributeType::Reference => "a URI as a string",
        AttributeType::Complex => "an object",
    }
}

fn check_canonical(attribute: &Attribute, at: &At<'_>, value: &Value) -> Result<()> {
    let Some(text) = value.as_str().filter(|_| !attribute.canonical_values.is_empty()) else {
        return Ok(());
    };
    let allowed = attribute.canonical_values.iter().any(|allowed| {
        if attribute.compares_exactly() { allowed == text } else { crate::folded_eq(allowed, text) }
    });
    if allowed {
        return Ok(());
    }
    Err(ScimError::invalid_value(format!(
        "`{at}`: `{}` is none of the canonical values {}",
        shorten(text),
        attribute.canonical_values.join(", "),
    )))
}
