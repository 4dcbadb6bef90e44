//! Incoming JSON made canonical: the schema's spelling, the schema's types, nothing unknown.
//!
//! After this, names are exact, values have their types, unassigned values are absent, and nothing
//! downstream checks again (RFC 7643 §2.1, §2.5).

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Number, Value};

use crate::combination;
use crate::error::{Result, ScimError, shorten};
use crate::format;
use crate::json::{self, kind_of};
use crate::path::{AttributeRef, Found, Target};
use crate::profile::{Profile, Quirk, Quirks, Validation};
use crate::resource::{Meta, Resource};
use crate::resource_type::ResourceType;
use crate::schema::{Attribute, AttributeType, Mutability, SCHEMA_URN, Schema};
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
    /// array (errata.md P4), and what is required is not demanded, since a value may be merged into
    /// one that has it: [`ResourceType::check_required`] checks the result.
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
        let schemas = attributes.remove("schemas");
        if self.origin != Origin::Patch || schemas.is_some() {
            self.check_schemas(schemas)?;
        }
        let keep = self.origin == Origin::Representation;
        let id = match attributes.remove("id").filter(|_| keep) {
            Some(Value::String(id)) => Some(ResourceId::new(id)?),
            _ => None,
        };
        let meta = attributes.remove("meta").filter(|_| keep).map(Meta::from_json).transpose()?;
        if self.origin == Origin::Request {
            self.resource_type.check_required(&attributes)?;
        }
        Ok(Resource::from_parts(Arc::clone(self.resource_type), id, meta, attributes))
    }

    /// What the key of an object at the top of a resource, or of a PATCH value without path,
    /// names; `None` when no schema defines it and it is to be ignored.
    ///
    /// # Errors
    /// 400 `invalidValue` when the profile refuses unknown attributes.
    pub fn key(&mut self, key: &str) -> Result<Option<Target>> {
        Ok(self.find(key)?.map(Target::from))
    }

    fn find(&mut self, key: &str) -> Result<Option<Found<'a>>> {
        let resource_type: &'a ResourceType = self.resource_type;
        let mut needed = Quirks::NONE;
        let found = resource_type.find(key).or_else(|| {
            needed = Quirks::NONE.with(Quirk::UnqualifiedExtensionAttributes);
            resource_type.find_unqualified(key)
        });
        let found = found.or_else(|| {
            needed = Quirks::NONE.with(Quirk::SchemaSpellings);
            resource_type.find(&resource_type.respelled(key)?)
        });
        match found {
            Some(Found::Attribute { .. }) => {
                if key.contains(':') {
                    needed.insert(Quirk::UrnKeys);
                }
                if is_dotted(key) {
                    needed.insert(Quirk::DottedKeys);
                }
            }
            Some(Found::Resource) => needed.insert(Quirk::UrnKeys),
            Some(Found::Extension(_)) | None => {}
        }
        if found.is_some() && self.profile.quirks().contains_all(needed) {
            self.fired.extend(needed);
            return Ok(found);
        }
        self.unknown(&key)
    }

    /// What becomes of something that no schema defines.
    fn unknown<T>(&self, at: &dyn fmt::Display) -> Result<Option<T>> {
        if !self.profile.validates(Validation::UnknownAttributes) {
            return Ok(None);
        }
        let at = at.to_string();
        Err(ScimError::invalid_value(format!("no schema defines an attribute `{}`", shorten(&at))))
    }

    /// The canonical form of a value for an attribute, or `None` when it says "unassigned": null,
    /// an empty array, an object without values (RFC 7643 §2.5).
    ///
    /// # Errors
    /// 400 `invalidValue` when the value does not fit.
    pub fn value(&mut self, attribute: &AttributeRef, value: Value) -> Result<Option<Value>> {
        let at = At::Path(attribute);
        let canonical = self.attribute(attribute.leaf(), &at, value)?;
        if let (Some(sub), Some(value)) = (attribute.sub_attribute(), &canonical)
            && self.is_no_id(attribute.attribute(), sub, &at, value)?
        {
            return Ok(None);
        }
        Ok(canonical)
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
        let object = self.nest_dotted(object, |ingest, key| ingest.find(key))?;
        for (key, value) in object {
            match self.find(&key)? {
                // Parts of a value are in it by now.
                None | Some(Found::Attribute { sub_attribute: Some(_), .. }) => {}
                Some(Found::Attribute { extension: None, attribute, .. }) => {
                    self.place(None, attribute, key, value, attributes)?;
                }
                Some(Found::Attribute { extension: Some(extension), attribute, .. }) => {
                    let name = attribute.name.clone();
                    within(extension, attributes, |object| {
                        self.place(Some(extension), attribute, name, value, object)
                    })?;
                }
                Some(Found::Resource) => match value {
                    Value::Object(object) => self.object(object, attributes)?,
                    other => return Err(mismatch(&key, "an object", &other)),
                },
                Some(Found::Extension(extension)) => match value {
                    Value::Null => {}
                    Value::Object(given) => within(extension, attributes, |object| {
                        self.extension(extension, given, object)
                    })?,
                    other => return Err(mismatch(&key, "an object", &other)),
                },
            }
        }
        Ok(())
    }

    /// Puts the members of an extension's object into `attributes`, under canonical names.
    fn extension(
        &mut self,
        extension: &'a Arc<Schema>,
        object: Map<String, Value>,
        attributes: &mut Map<String, Value>,
    ) -> Result<()> {
        let find = |ingest: &mut Self, key: &str| {
            let resource_type: &'a ResourceType = ingest.resource_type;
            resource_type
                .find_in(Some(extension), key)
                .filter(|_| !is_dotted(key) || ingest.tolerate(Quirk::DottedKeys))
        };
        let object = self.nest_dotted(object, |ingest, key| Ok(find(ingest, key)))?;
        for (key, value) in object {
            match find(self, &key) {
                Some(Found::Attribute { attribute, sub_attribute: None, .. }) => {
                    self.place(Some(extension), attribute, key, value, attributes)?;
                }
                _ => {
                    self.unknown::<()>(&format_args!("{}:{key}", extension.id()))?;
                }
            }
        }
        Ok(())
    }

    /// [`Quirk::DottedKeys`]: `"name.givenName": …` becomes a part of `"name": {…}`, so that all
    /// parts of a value are looked at together.
    fn nest_dotted(
        &mut self,
        mut object: Map<String, Value>,
        find: impl Fn(&mut Self, &str) -> Result<Option<Found<'a>>>,
    ) -> Result<Map<String, Value>> {
        if !object.keys().any(|key| is_dotted(key)) {
            return Ok(object);
        }
        let dotted: Vec<String> = object.keys().filter(|key| is_dotted(key)).cloned().collect();
        for key in dotted {
            let Some(Found::Attribute { attribute, sub_attribute: Some(sub), .. }) =
                find(self, &key)?
            else {
                continue;
            };
            let (Some(value), Some((parent, _))) = (object.remove(&key), key.rsplit_once('.'))
            else {
                continue;
            };
            if value.is_null() {
                continue;
            }
            if attribute.multi_valued {
                return Err(ScimError::invalid_value(format!(
                    "`{}` names a part of many values; give the values as an array",
                    shorten(&key)
                )));
            }
            let present = object.keys().find(|k| k.eq_ignore_ascii_case(parent)).cloned();
            let parts = object.entry(present.unwrap_or_else(|| parent.to_owned()));
            let parts = parts.or_insert(Value::Null);
            if parts.is_null() {
                *parts = Value::Object(Map::new());
            }
            match parts {
                Value::Object(parts) if !parts.contains_key(&sub.name) => {
                    parts.insert(sub.name.clone(), value);
                }
                _ => return Err(twice(&key)),
            }
        }
        Ok(object)
    }

    /// Puts one canonical value where it belongs; the same attribute twice is an error.
    fn place(
        &mut self,
        extension: Option<&Schema>,
        attribute: &Attribute,
        key: String,
        value: Value,
        object: &mut Map<String, Value>,
    ) -> Result<()> {
        if attribute.mutability == Mutability::ReadOnly && self.origin != Origin::Representation {
            return Ok(());
        }
        let at = At::Name(extension, &attribute.name);
        match self.attribute(attribute, &at, value)? {
            Some(value) => insert_once(object, key, &attribute.name, value, &at),
            None => Ok(()),
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
                    elements.pop().map_or(Ok(None), |value| self.single(attribute, at, value))
                }
                value => self.single(attribute, at, value),
            };
        }
        let elements = match self.array_in_text(attribute, value) {
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
        if attribute.sub_attribute("primary").is_some()
            && canonical.iter().filter(|e| is_primary(e)).count() > 1
        {
            return Err(ScimError::invalid_value(format!(
                "`{at}` has more than one primary value"
            )));
        }
        // Members are rows, each once (`Resource::take_members`); what a PATCH gives is merged into
        // what is there.
        let are_rows = self.resource_type.has_members() && attribute.name == "members";
        if self.origin == Origin::Request && !are_rows {
            combination::once_each(attribute, &mut canonical);
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
        if value.as_str() == Some("") {
            let quirk = match attribute.attribute_type {
                AttributeType::String | AttributeType::Reference | AttributeType::Binary => {
                    Quirk::EmptyMeansUnassigned
                }
                _ => Quirk::EmptyWhereNoText,
            };
            if self.tolerate(quirk) {
                return Ok(None);
            }
        }
        let canonical = match (attribute.attribute_type, value) {
            (AttributeType::Complex, value) => return self.complex(attribute, at, value),
            (AttributeType::String | AttributeType::Reference, value @ Value::String(_)) => value,
            (AttributeType::String, Value::Number(number))
                if self.tolerate(Quirk::NumberForText) =>
            {
                Value::String(number.to_string())
            }
            (AttributeType::Boolean, value @ Value::Bool(_)) => value,
            (AttributeType::Boolean, Value::String(text)) => match parse_boolean(&text) {
                Some(boolean) if self.tolerate(Quirk::BooleanStrings) => Value::Bool(boolean),
                _ => return Err(mismatch(at, "a boolean", &Value::String(text))),
            },
            (AttributeType::Decimal, value @ Value::Number(_)) => value,
            (AttributeType::Integer, Value::Number(number)) => match whole(&number) {
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
                let Ok(bytes) = BASE64.decode(&text) else {
                    return Err(ScimError::invalid_value(format!("`{at}` is not base64")));
                };
                if self.demands(Validation::Certificates, at, "x509Certificates", "value")
                    && !format::is_certificate(&bytes)
                {
                    return Err(ScimError::invalid_value(format!(
                        "`{at}` is not one X.509 certificate in DER"
                    )));
                }
                Value::String(text)
            }
            (_, Value::Object(mut object))
                if has_simple_value(&object) && self.tolerate(Quirk::ObjectForSimple) =>
            {
                let value = take(&mut object, "value").unwrap_or_default();
                return self.single(attribute, at, value);
            }
            (expected, other) => return Err(mismatch(at, expected_json(expected), &other)),
        };
        self.check_format(attribute, at, &canonical)?;
        Ok(Some(canonical))
    }

    /// What the profile demands of a value beyond its type; certificates are looked at where they
    /// are decoded.
    fn check_format(&self, attribute: &Attribute, at: &At<'_>, value: &Value) -> Result<()> {
        if self.origin == Origin::Representation {
            return Ok(());
        }
        if self.profile.validates(Validation::CanonicalValues) {
            check_canonical(attribute, at, value)?;
        }
        let Some(text) = value.as_str() else { return Ok(()) };
        let fault = if attribute.name == "country"
            && self.demands(Validation::Countries, at, "addresses", "country")
            && !format::is_country(text)
        {
            "an ISO 3166-1 alpha-2 code"
        } else if attribute.attribute_type == AttributeType::Reference
            && self.profile.validates(Validation::References)
            && !format::is_uri_reference(text)
        {
            "a URI"
        } else {
            return Ok(());
        };
        Err(ScimError::invalid_value(format!("`{at}`: `{}` is not {fault}", shorten(text))))
    }

    /// Whether the profile demands something of this sub-attribute of a user's attribute, which is
    /// what stands there.
    fn demands(&self, validation: Validation, at: &At<'_>, name: &str, sub: &str) -> bool {
        self.origin != Origin::Representation
            && self.profile.validates(validation)
            && self.resource_type.has_groups()
            && at.is_part(name, sub)
    }

    fn complex(
        &mut self,
        attribute: &Attribute,
        at: &At<'_>,
        value: Value,
    ) -> Result<Option<Value>> {
        let object = match value {
            Value::Object(object) => object,
            Value::String(text) => match self.object_in_text(&text) {
                Some(mut object) => {
                    name_display(attribute, &mut object);
                    object
                }
                None if attribute.sub_attribute("value").is_some()
                    && self.tolerate(Quirk::BareStringForComplex) =>
                {
                    Map::from_iter([("value".to_owned(), Value::String(text))])
                }
                None => return Err(mismatch(at, "an object", &Value::String(text))),
            },
            other => return Err(mismatch(at, "an object", &other)),
        };
        let mut canonical = Map::new();
        for (key, value) in object {
            let sub = attribute.sub_attribute(&key).map(|sub| &**sub);
            let Some(sub) = sub.or_else(|| self.nested_definition(attribute, &key)) else {
                self.unknown::<()>(&At::Sub(at, &key))?;
                continue;
            };
            let at = At::Sub(at, &sub.name);
            if let Some(value) = self.part(sub, &at, value)?
                && !self.is_no_id(attribute, sub, &at, &value)?
            {
                insert_once(&mut canonical, key, &sub.name, value, &at)?;
            }
        }
        if attribute.multi_valued && self.profile.tolerates(Quirk::JsonInString) {
            self.unpack_json_in_string(attribute, at, &mut canonical)?;
        }
        if self.origin != Origin::Representation
            && canonical.contains_key("$ref")
            && refers_to_resource(attribute)
        {
            // The server computes `$ref` from `value` (errata.md, 8359); a client that sends only
            // `$ref` names the resource by its last segment.
            if let Some(Value::String(reference)) = canonical.remove("$ref")
                && !canonical.contains_key("value")
                && let Some(id) = last_segment(&reference)
            {
                canonical.insert("value".to_owned(), Value::String(id.to_owned()));
            }
        }
        Ok((!canonical.is_empty()).then_some(Value::Object(canonical)))
    }

    /// Whether a reference to a resource has an empty text for the id of that, and the profile takes it
    /// for none: an id is never empty (RFC 7643 §3.1).
    fn is_no_id(
        &mut self,
        attribute: &Attribute,
        sub: &Attribute,
        at: &At<'_>,
        value: &Value,
    ) -> Result<bool> {
        let is_id = sub.name == "value" && refers_to_resource(attribute);
        if value != "" || !is_id || self.origin == Origin::Representation {
            return Ok(false);
        }
        if self.tolerate(Quirk::EmptyWhereNoText) {
            return Ok(true);
        }
        Err(ScimError::invalid_value(format!("`{at}` is empty, and no resource has such an id")))
    }

    /// The schema of schemas leaves out that `subAttributes` have the parts of `attributes`, among
    /// them `subAttributes` (errata.md R12); yet its own definition has such.
    fn nested_definition<'t>(&self, attribute: &'t Attribute, key: &str) -> Option<&'t Attribute> {
        let recurs = attribute.name == "subAttributes"
            && key.eq_ignore_ascii_case("subAttributes")
            && self.resource_type.schema().id() == SCHEMA_URN;
        recurs.then_some(attribute)
    }

    /// The canonical form of a sub-attribute's value.
    fn part(&mut self, sub: &Attribute, at: &At<'_>, value: Value) -> Result<Option<Value>> {
        if sub.mutability == Mutability::ReadOnly && self.origin != Origin::Representation {
            return Ok(None);
        }
        self.attribute(sub, at, value)
    }

    /// The object that a text holds where an object belongs ([`Quirk::JsonText`]).
    pub fn object_in_text(&mut self, text: &str) -> Option<Map<String, Value>> {
        if !self.profile.tolerates(Quirk::JsonText) || !text.trim_start().starts_with('{') {
            return None;
        }
        let object = json::parse_object(text.as_bytes()).ok()?;
        self.fired.insert(Quirk::JsonText);
        Some(object)
    }

    /// The array that a text holds where an array of complex values belongs ([`Quirk::JsonText`]);
    /// any other value as it is.
    fn array_in_text(&mut self, attribute: &Attribute, value: Value) -> Value {
        let text = value.as_str().filter(|text| {
            attribute.is_complex()
                && self.profile.tolerates(Quirk::JsonText)
                && text.trim_start().starts_with('[')
        });
        match text.map(|text| json::parse(text.as_bytes())) {
            Some(Ok(mut array)) => {
                self.fired.insert(Quirk::JsonText);
                let elements = array.as_array_mut().into_iter().flatten();
                for object in elements.filter_map(Value::as_object_mut) {
                    name_display(attribute, object);
                }
                array
            }
            _ => value,
        }
    }

    /// [`Quirk::JsonInString`]: what the object inside the text has of the attribute's parts takes
    /// the text's place, its `displayName` as `display`; what stands beside the text is kept.
    fn unpack_json_in_string(
        &mut self,
        attribute: &Attribute,
        at: &At<'_>,
        canonical: &mut Map<String, Value>,
    ) -> Result<()> {
        // Each round takes off one layer of quotes, so the text gets shorter.
        while let Some(mut inner) = canonical.get("value").and_then(json_in_string) {
            self.fired.insert(Quirk::JsonInString);
            canonical.remove("value");
            name_display(attribute, &mut inner);
            // What else is inside, such as an `id`, is the client's own.
            for sub in &attribute.sub_attributes {
                if let Some(value) = take(&mut inner, &sub.name)
                    && !canonical.contains_key(&sub.name)
                    && let Some(value) = self.part(sub, &At::Sub(at, &sub.name), value)?
                {
                    canonical.insert(sub.name.clone(), value);
                }
            }
        }
        Ok(())
    }

    /// `schemas` must name the core schema and only schemas of this type (RFC 7643 §3). What the
    /// resource says afterwards is computed from its content.
    fn check_schemas(&mut self, schemas: Option<Value>) -> Result<()> {
        let core = self.resource_type.schema().id();
        let known = |uri: &str| {
            uri.eq_ignore_ascii_case(core) || self.resource_type.extension(uri).is_some()
        };
        let mut uris: Vec<Cow<'_, str>> = match &schemas {
            Some(Value::Array(uris)) => {
                uris.iter().filter_map(Value::as_str).map(Cow::from).collect()
            }
            _ => Vec::new(),
        };
        let mut respelled = Quirks::NONE;
        if self.profile.tolerates(Quirk::SchemaSpellings) {
            for uri in uris.iter_mut().filter(|uri| !known(uri)) {
                if let Some(own) = self.resource_type.respelled(uri) {
                    *uri = Cow::Owned(own);
                    respelled.insert(Quirk::SchemaSpellings);
                }
            }
        }
        let unknown = uris.iter().find(|uri| !known(uri));
        self.fired.extend(respelled);
        if let Some(uri) = unknown
            && !self.tolerate(Quirk::UnknownSchemaUris)
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
}

/// Where a value stands, for error messages: `emails[1].type`.
enum At<'a> {
    Path(&'a AttributeRef),
    Name(Option<&'a Schema>, &'a str),
    Index(&'a At<'a>, usize),
    Sub(&'a At<'a>, &'a str),
}

impl At<'_> {
    /// Whether it is that sub-attribute of that attribute of the core schema.
    fn is_part(&self, name: &str, sub: &str) -> bool {
        match self {
            Self::Path(path) => {
                path.extension().is_none()
                    && path.attribute().name == name
                    && path.sub_attribute().is_some_and(|own| own.name == sub)
            }
            Self::Sub(parent, own) => *own == sub && parent.is_attribute(name),
            Self::Index(..) | Self::Name(..) => false,
        }
    }

    /// Whether it is that attribute of the core schema, or an element of it.
    fn is_attribute(&self, name: &str) -> bool {
        match self {
            Self::Path(path) => {
                path.extension().is_none()
                    && path.attribute().name == name
                    && path.sub_attribute().is_none()
            }
            Self::Name(extension, own) => extension.is_none() && *own == name,
            Self::Index(at, _) => at.is_attribute(name),
            Self::Sub(..) => false,
        }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => fmt::Display::fmt(path, f),
            Self::Name(None, name) => f.write_str(name),
            Self::Name(Some(extension), name) => write!(f, "{}:{name}", extension.id()),
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

/// Whether a key holds a dot where an attribute's name would be: not in its URN.
fn is_dotted(key: &str) -> bool {
    key.rsplit(':').next().is_some_and(|name| name.contains('.'))
}

/// Fills the object of an extension, which stands in `attributes` only while it has a value.
fn within(
    extension: &Schema,
    attributes: &mut Map<String, Value>,
    fill: impl FnOnce(&mut Map<String, Value>) -> Result<()>,
) -> Result<()> {
    let (id, mut object) = match attributes.remove_entry(extension.id()) {
        Some((id, Value::Object(object))) => (id, object),
        _ => (extension.id().to_owned(), Map::new()),
    };
    fill(&mut object)?;
    if !object.is_empty() {
        attributes.insert(id, Value::Object(object));
    }
    Ok(())
}

/// The last segment of a URI's path, if it is one.
fn last_segment(uri: &str) -> Option<&str> {
    let path = uri.split(['?', '#']).next()?;
    let segment = path.rsplit('/').find(|segment| !segment.is_empty())?;
    let outside_of_uris =
        |c: char| c.is_whitespace() || c.is_control() || "\"<>\\^`{|}".contains(c);
    (!segment.contains(outside_of_uris)).then_some(segment)
}

/// Puts a value under its canonical name, which is `key` itself when a client spells as the schema
/// does.
fn insert_once(
    object: &mut Map<String, Value>,
    key: String,
    name: &str,
    value: Value,
    at: &At<'_>,
) -> Result<()> {
    let name = if key == name { key } else { name.to_owned() };
    if object.insert(name, value).is_some() {
        return Err(twice(at));
    }
    Ok(())
}

/// What came inside a text calls `displayName` what is the `display` of the attribute.
fn name_display(attribute: &Attribute, object: &mut Map<String, Value>) {
    let named = |name| attribute.sub_attribute(name).is_some();
    if !named("display") || named("displayName") {
        return;
    }
    let display = take(object, "displayName");
    if let Some(display) = display
        && !object.keys().any(|key| key.eq_ignore_ascii_case("display"))
    {
        object.insert("display".to_owned(), display);
    }
}

/// Whether it has a `value` that is neither an object nor an array.
fn has_simple_value(object: &Map<String, Value>) -> bool {
    let value = object.iter().find(|(name, _)| name.eq_ignore_ascii_case("value"));
    value.is_some_and(|(_, value)| !value.is_object() && !value.is_array())
}

/// Takes out the member of that name, without regard to case.
fn take(object: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let key = object.keys().find(|k| k.eq_ignore_ascii_case(name)).cloned()?;
    object.remove(&key)
}

/// The object that a text holds, if that has a text as `value` in turn.
fn json_in_string(text: &Value) -> Option<Map<String, Value>> {
    let text = text.as_str().filter(|t| t.trim_start().starts_with('{'))?;
    let inner = json::parse_object(text.as_bytes()).ok()?;
    let value = inner.iter().find(|(k, _)| k.eq_ignore_ascii_case("value"));
    value.is_some_and(|(_, v)| v.is_string()).then_some(inner)
}

/// A JSON number as a whole one of 64 bits; `-0`, which JSON readers take for a float, is 0.
fn whole(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let zero = number.as_f64().is_some_and(|f| f == 0.0 && f.is_sign_negative());
        zero.then_some(0)
    })
}

fn twice(at: &dyn fmt::Display) -> ScimError {
    ScimError::invalid_syntax(format!(
        "`{at}` appears twice; attribute names are compared without regard to case"
    ))
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
