//! What has to change in the JSON of RFC 7643, section 8.7, for it to say what
//! the RFC and its errata mean: one row a change, with the authority for it.
//!
//! `schemas/README.md` explains the rows to those who read the schemas.

use serde_json::{Map, Value, json};

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const ENTERPRISE_USER: &str =
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub(crate) const SERVICE_PROVIDER_CONFIG: &str =
    "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
pub(crate) const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
pub(crate) const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// On what authority a correction is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Source {
    /// The erratum of RFC 7643 with this number says so.
    Erratum(u16),
    /// The erratum states a rule, and this place breaks it too without being
    /// named there.
    SameRule(u16),
    /// No erratum: RFC 7643 contradicts itself, and this is how we read it.
    Reading(&'static str),
    /// A later RFC adds it.
    Rfc(u16),
}
use Source::{Erratum, Reading, Rfc, SameRule};

/// What a correction does to the schema or attribute it names.
///
/// Every edit says what it expects to find, so that none can be applied to the
/// wrong place, or twice.
pub(crate) enum Edit {
    /// The characteristic has the first value in the RFC, and is given the second.
    Change(&'static str, Value, Value),
    /// The characteristic is missing in the RFC.
    Add(&'static str, Value),
    /// The characteristic has this value in the RFC, and does not belong there.
    Drop(&'static str, Value),
    /// The description holds the first text once, and is given the second instead.
    Reword(&'static str, &'static str),
    /// The (sub-)attributes lack this one, which belongs after the one named,
    /// or before all others.
    Insert(Option<&'static str>, Value),
    /// The (sub-)attributes list this one, which does not belong there.
    Delete(&'static str),
}
use Edit::{Add, Change, Delete, Drop, Insert, Reword};

pub(crate) struct Correction {
    pub(crate) source: Source,
    pub(crate) schema: &'static str,
    /// The attribute by name, sub-attributes after a dot; empty for the Schema
    /// resource itself.
    pub(crate) attribute: &'static str,
    edit: Edit,
}

/// All corrections, in the order in which they are applied.
pub(crate) fn corrections() -> Vec<Correction> {
    let mut all = Vec::new();
    for (schema, rows) in [
        (USER, user()),
        (GROUP, group()),
        (ENTERPRISE_USER, enterprise_user()),
        (SERVICE_PROVIDER_CONFIG, service_provider_config()),
        (RESOURCE_TYPE, resource_type()),
        (SCHEMA, schema()),
    ] {
        all.extend(rows.into_iter().map(|(source, attribute, edit)| Correction {
            source,
            schema,
            attribute,
            edit,
        }));
    }
    all
}

type Rows = Vec<(Source, &'static str, Edit)>;

fn user() -> Rows {
    vec![
        (Erratum(5999), "", add_schemas()),
        // Complex attributes have neither uniqueness nor case sensitivity (section 2.3.8).
        (Erratum(6004), "name", Drop("uniqueness", json!("none"))),
        (Erratum(6004), "emails", Drop("uniqueness", json!("none"))),
        (Erratum(6004), "addresses", Drop("uniqueness", json!("none"))),
        (Reading("R17"), "x509Certificates", Drop("caseExact", json!(false))),
        // References are case exact (section 2.3.7), and so is binary (2.3.6), which has
        // no uniqueness either.
        (Erratum(6001), "profileUrl", case_exact()),
        (Erratum(6001), "photos.value", case_exact()),
        (Erratum(6001), "groups.$ref", case_exact()),
        (Erratum(6000), "x509Certificates.value", case_exact()),
        (Erratum(8470), "x509Certificates.value", Drop("uniqueness", json!("none"))),
        // Ids are case exact (section 3.1), so what holds an id is.
        (SameRule(8472), "groups.value", case_exact()),
        (
            Erratum(8471),
            "groups.$ref",
            Change("referenceTypes", json!(["User", "Group"]), json!(["Group"])),
        ),
        // The examples of section 8.2 give addresses a primary.
        (
            Erratum(6005),
            "addresses",
            Insert(
                Some("type"),
                json!({
                    "name": "primary",
                    "type": "boolean",
                    "multiValued": false,
                    "description": "A Boolean value indicating the 'primary' or preferred \
                        attribute value for this attribute, e.g., the preferred mailing address \
                        or primary email address.  The primary attribute value 'true' MUST \
                        appear no more than once.",
                    "required": false,
                    "mutability": "readWrite",
                    "returned": "default"
                }),
            ),
        ),
        (Erratum(6007), "preferredLanguage", Reword("'en_US'", "'en-US'")),
        // Only groups.display is read-only; the others say so of themselves wrongly.
        (Erratum(8358), "emails.display", Reword("  READ-ONLY.", "")),
        (Erratum(8358), "phoneNumbers.display", Reword("  READ-ONLY.", "")),
        (Erratum(8358), "ims.display", Reword("  READ-ONLY.", "")),
        (Erratum(8358), "photos.display", Reword("  READ-ONLY.", "")),
        (Erratum(8358), "entitlements.display", Reword("  READ-ONLY.", "")),
        (Erratum(8358), "roles.display", Reword("  READ-ONLY.", "")),
        (Erratum(8358), "x509Certificates.display", Reword("  READ-ONLY.", "")),
        // Equality of passwords is that of their salted hashes (section 4.1.1).
        (Reading("R14"), "password", case_exact()),
        // Section 4.1.2 has the value "other" too.
        (
            Reading("R15"),
            "ims.type",
            Change(
                "canonicalValues",
                json!(["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"]),
                json!(["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo", "other"]),
            ),
        ),
        // No canonical values are no restriction, rather than one that nothing meets.
        (Reading("R16"), "roles.type", Drop("canonicalValues", json!([]))),
        (Reading("R16"), "x509Certificates.type", Drop("canonicalValues", json!([]))),
    ]
}

fn group() -> Rows {
    vec![
        (Erratum(5999), "", add_schemas()),
        (Erratum(5368), "displayName", Change("required", json!(false), json!(true))),
        (SameRule(8472), "members.value", case_exact()),
        (SameRule(6001), "members.$ref", case_exact()),
        (
            Erratum(6011),
            "members",
            Insert(
                Some("type"),
                json!({
                    "name": "display",
                    "type": "string",
                    "multiValued": false,
                    "description": "A human-readable name, primarily used for display purposes.",
                    "required": false,
                    "caseExact": false,
                    "mutability": "readOnly",
                    "returned": "default",
                    "uniqueness": "none"
                }),
            ),
        ),
    ]
}

fn enterprise_user() -> Rows {
    vec![
        (Erratum(5999), "", add_schemas()),
        (Erratum(8472), "manager.value", case_exact()),
        (SameRule(6001), "manager.$ref", case_exact()),
        (Erratum(8359), "manager.value", Change("required", json!(false), json!(true))),
        // The erratum would require $ref as well. Many clients send the value alone, and
        // the service provider can compute the URI, so its description yields instead.
        (Reading("8359"), "manager.$ref", Reword("  REQUIRED.", "")),
    ]
}

fn service_provider_config() -> Rows {
    vec![
        (Erratum(8417), "", add_schemas()),
        (Erratum(8417), "", add_meta(SERVICE_PROVIDER_CONFIG)),
        (SameRule(6001), "documentationUri", case_exact()),
        (SameRule(6001), "authenticationSchemes.specUri", case_exact()),
        (SameRule(6001), "authenticationSchemes.documentationUri", case_exact()),
        // The erratum also gives the complex and the boolean attribute a caseExact, which
        // neither can have (sections 2.3.2 and 2.3.8).
        (
            Erratum(9018),
            "",
            Insert(
                Some("sort"),
                json!({
                    "name": "etag",
                    "type": "complex",
                    "multiValued": false,
                    "description": "A complex type that specifies ETag configuration options.",
                    "required": true,
                    "mutability": "readOnly",
                    "returned": "default",
                    "subAttributes": [{
                        "name": "supported",
                        "type": "boolean",
                        "multiValued": false,
                        "description": "A Boolean value specifying whether or not the operation \
                            is supported.",
                        "required": true,
                        "mutability": "readOnly",
                        "returned": "default"
                    }]
                }),
            ),
        ),
        // As section 5 defines it.
        (
            Erratum(8011),
            "authenticationSchemes",
            Insert(
                None,
                json!({
                    "name": "type",
                    "type": "string",
                    "multiValued": false,
                    "description": "The authentication scheme.  This specification defines the \
                        values 'oauth', 'oauth2', 'oauthbearertoken', 'httpbasic', and \
                        'httpdigest'.",
                    "required": true,
                    "caseExact": false,
                    "canonicalValues": [
                        "oauth", "oauth2", "oauthbearertoken", "httpbasic", "httpdigest"
                    ],
                    "mutability": "readOnly",
                    "returned": "default",
                    "uniqueness": "none"
                }),
            ),
        ),
        // The example of section 8.5 has it. An erratum that called this a mistake was
        // rejected: section 2.4 defines it for every multi-valued attribute.
        (
            Reading("7921"),
            "authenticationSchemes",
            Insert(
                Some("documentationUri"),
                json!({
                    "name": "primary",
                    "type": "boolean",
                    "multiValued": false,
                    "description": "A Boolean value indicating the 'primary' or preferred \
                        attribute value for this attribute.  The primary attribute value 'true' \
                        MUST appear no more than once.",
                    "required": false,
                    "mutability": "readOnly",
                    "returned": "default"
                }),
            ),
        ),
        (Rfc(9865), "", Insert(Some("authenticationSchemes"), pagination())),
    ]
}

/// The attribute that RFC 9865, section 4, adds, described in our words.
fn pagination() -> Value {
    let boolean = |name: &str, description: &str| {
        json!({
            "name": name,
            "type": "boolean",
            "multiValued": false,
            "description": description,
            "required": true,
            "mutability": "readOnly",
            "returned": "default"
        })
    };
    let integer = |name: &str, description: &str| {
        json!({
            "name": name,
            "type": "integer",
            "multiValued": false,
            "description": description,
            "required": false,
            "mutability": "readOnly",
            "returned": "default",
            "uniqueness": "none"
        })
    };
    json!({
        "name": "pagination",
        "type": "complex",
        "multiValued": false,
        "description": "A complex type that specifies pagination configuration options.",
        "required": false,
        "mutability": "readOnly",
        "returned": "default",
        "subAttributes": [
            boolean(
                "cursor",
                "A Boolean value specifying whether or not cursor-based pagination is supported.",
            ),
            boolean(
                "index",
                "A Boolean value specifying whether or not index-based pagination is supported.",
            ),
            {
                "name": "defaultPaginationMethod",
                "type": "string",
                "multiValued": false,
                "description": "The pagination method used when the client names none, 'cursor' \
                    or 'index'.",
                "required": false,
                "canonicalValues": ["cursor", "index"],
                "caseExact": false,
                "mutability": "readOnly",
                "returned": "default",
                "uniqueness": "none"
            },
            integer(
                "defaultPageSize",
                "An integer value specifying the number of resources in a page when the client \
                 gives no count.",
            ),
            integer(
                "maxPageSize",
                "An integer value specifying the maximum number of resources in a page, whatever \
                 count the client gives.",
            ),
            integer(
                "cursorTimeout",
                "An integer value specifying the minimum number of seconds for which a cursor \
                 stays valid between page requests.",
            ),
        ]
    })
}

fn resource_type() -> Rows {
    vec![
        (Erratum(8417), "", add_schemas()),
        (Erratum(8417), "", add_meta(RESOURCE_TYPE)),
        // A common attribute, with the characteristics of section 3.1.
        (Erratum(8419), "", Delete("id")),
        (Erratum(8475), "name", case_exact()),
        (Erratum(8475), "name", Change("uniqueness", json!("none"), json!("server"))),
        (Erratum(8475), "endpoint", case_exact()),
        (Erratum(8475), "endpoint", Change("uniqueness", json!("none"), json!("server"))),
        (Erratum(7522), "schemaExtensions", Change("multiValued", json!(false), json!(true))),
        // Section 6 calls it optional, and the Group of section 8.6 has none.
        (Reading("R11"), "schemaExtensions", Change("required", json!(true), json!(false))),
    ]
}

fn schema() -> Rows {
    let types = ["string", "complex", "boolean", "decimal", "integer", "dateTime", "reference"];
    vec![
        (Erratum(8417), "", add_schemas()),
        (Erratum(8417), "", add_meta(SCHEMA)),
        // A common attribute, with the characteristics of section 3.1.
        (Erratum(8418), "", Delete("id")),
        (
            Erratum(6727),
            "description",
            Change(
                "description",
                json!(
                    "The schema's human-readable name.  When applicable, service providers MUST \
                     specify the name, e.g., 'User'."
                ),
                json!(
                    "The schema's human-readable description.  When applicable, service providers \
                     MUST specify the description."
                ),
            ),
        ),
        (
            Erratum(5606),
            "attributes.type",
            Change(
                "canonicalValues",
                json!(types),
                json!([
                    "string",
                    "complex",
                    "boolean",
                    "decimal",
                    "integer",
                    "dateTime",
                    "reference",
                    "binary"
                ]),
            ),
        ),
        (Erratum(5606), "attributes.type", Reword("'reference'.", "'reference', 'binary'.")),
        // Besides, nothing nests deeper than one level (section 2.3.8).
        (
            Erratum(8415),
            "attributes.subAttributes.type",
            Change(
                "canonicalValues",
                json!(types),
                json!([
                    "string",
                    "boolean",
                    "decimal",
                    "integer",
                    "dateTime",
                    "reference",
                    "binary"
                ]),
            ),
        ),
        (
            Erratum(8415),
            "attributes.subAttributes.type",
            Reword("'string', 'complex', 'boolean',", "'string', 'boolean',"),
        ),
        (
            Erratum(8415),
            "attributes.subAttributes.type",
            Reword("'reference'.", "'reference', 'binary'."),
        ),
        (
            Erratum(5607),
            "attributes.subAttributes.referenceTypes",
            Change("multiValued", json!(false), json!(true)),
        ),
    ]
}

fn add_schemas() -> Edit {
    Add("schemas", json!([SCHEMA]))
}

fn add_meta(id: &str) -> Edit {
    Add("meta", json!({"resourceType": "Schema", "location": format!("/v2/Schemas/{id}")}))
}

fn case_exact() -> Edit {
    Change("caseExact", json!(false), json!(true))
}

impl Correction {
    /// Makes the edit in a Schema resource of the RFC, and fails if the resource
    /// does not hold what the edit expects.
    pub(crate) fn apply(&self, schema: &mut Value) {
        let at = format!("{:?} at `{}` of {}", self.source, self.attribute, self.schema);
        let target = self.attribute.split('.').filter(|name| !name.is_empty()).fold(
            schema,
            |parent, name| {
                let attributes = attributes_mut(parent);
                let index = position(attributes, name).unwrap_or_else(|| panic!("{at}: none"));
                &mut attributes[index]
            },
        );
        match &self.edit {
            Change(key, from, to) => {
                let replaced = target[*key].take();
                assert_eq!(replaced, *from, "{at}");
                target[*key] = to.clone();
            }
            Add(key, value) => {
                let replaced = object_mut(target).insert((*key).to_owned(), value.clone());
                assert_eq!(replaced, None, "{at}");
            }
            Drop(key, was) => {
                let removed = object_mut(target).remove(*key);
                assert_eq!(removed.as_ref(), Some(was), "{at}");
            }
            Reword(from, to) => {
                let description = target["description"].as_str().unwrap();
                assert_eq!(description.matches(from).count(), 1, "{at}: {description}");
                target["description"] = json!(description.replace(from, to));
            }
            Insert(after, attribute) => {
                let attributes = attributes_mut(target);
                let name = attribute["name"].as_str().unwrap();
                assert_eq!(position(attributes, name), None, "{at}");
                let index = match after {
                    Some(after) => position(attributes, after).unwrap() + 1,
                    None => 0,
                };
                attributes.insert(index, attribute.clone());
            }
            Delete(name) => {
                let attributes = attributes_mut(target);
                let index = position(attributes, name).unwrap_or_else(|| panic!("{at}: none"));
                attributes.remove(index);
            }
        }
    }
}

fn object_mut(value: &mut Value) -> &mut Map<String, Value> {
    value.as_object_mut().unwrap()
}

/// The attributes of a Schema resource, or the sub-attributes of an attribute.
fn attributes_mut(parent: &mut Value) -> &mut Vec<Value> {
    let key = if parent.get("attributes").is_some() { "attributes" } else { "subAttributes" };
    parent[key].as_array_mut().unwrap()
}

fn position(attributes: &[Value], name: &str) -> Option<usize> {
    attributes.iter().position(|attribute| attribute["name"] == name)
}
