//! Typed views of the built-in resources, for product code: [`User`] with [`EnterpriseUser`], and
//! [`Group`].
//!
//! They convert to and from [`Resource`] and drop nothing: attributes that a server adds to the
//! built-in schemas, and other extensions, are in `other`. What `other` holds must be known to the
//! resource type on the way back, or there is an error.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Result, ScimError};
use crate::ingest::{Ingest, Origin};
use crate::profile::{Profile, Validation};
use crate::resource::{Meta, Resource};
use crate::resource_type::ResourceType;
use crate::{DateTime, ExternalId, ResourceId};

/// A user account (RFC 7643 §4.1).
///
/// ```
/// use scim_core::{Resource, User};
/// let user = User { user_name: "bjensen".into(), active: Some(true), ..User::default() };
/// let resource: Resource = user.to_resource()?;
/// assert_eq!(resource.get("userName").unwrap(), "bjensen");
/// assert_eq!(User::from_resource(&resource)?, user);
/// # Ok::<(), scim_core::ScimError>(())
/// ```
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The service provider's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<ResourceId>,
    /// The client's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// The metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
    /// The name the user signs in with, unique in the tenant.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user_name: String,
    /// The parts of the real name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The name to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The casual name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nick_name: Option<String>,
    /// A page about the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile_url: Option<String>,
    /// The job title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How the user relates to the organisation, such as `Contractor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_type: Option<String>,
    /// Languages in order of preference, as in `Accept-Language`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_language: Option<String>,
    /// The locale for dates and numbers, such as `en-US`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The time zone, in the form of the IANA database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Whether the account may be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// The password, in requests only; never in what a server returns, nor in what `Debug` prints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// E-mail addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<MultiValue>,
    /// Phone numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phone_numbers: Vec<MultiValue>,
    /// Addresses for instant messages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ims: Vec<MultiValue>,
    /// Photos, as URIs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub photos: Vec<MultiValue>,
    /// Postal addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    /// The groups the user belongs to (readOnly).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<MultiValue>,
    /// Things the user has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entitlements: Vec<MultiValue>,
    /// What the user is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<MultiValue>,
    /// Certificates, as base64 of DER.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub x509_certificates: Vec<MultiValue>,
    /// The enterprise extension.
    #[serde(
        rename = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        skip_serializing_if = "Option::is_none"
    )]
    pub enterprise: Option<EnterpriseUser>,
    /// What the built-in schemas do not define: attributes a server added, other extensions.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The parts of a name (RFC 7643 §4.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Name {
    /// The whole name as it is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    /// The last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// The first name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// The names in between.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    /// A title before the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub honorific_prefix: Option<String>,
    /// A suffix behind the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub honorific_suffix: Option<String>,
    /// Sub-attributes that the built-in schema does not define.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// One value of a multi-valued attribute with the sub-attributes of RFC 7643 §2.4.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MultiValue {
    /// The value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Its name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// What it is for, such as `work`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Whether it is the preferred one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
    /// The URI of the resource that the value names.
    #[serde(rename = "$ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Sub-attributes that the built-in schema does not define.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A postal address (RFC 7643 §4.1.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// The whole address as it is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    /// Street, house, apartment; may hold line breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street_address: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    /// State or region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Country, in two letters (ISO 3166-1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// What it is for, such as `work`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Whether it is the preferred one (erratum 6005).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
    /// Sub-attributes that the built-in schema does not define.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The enterprise extension of a user (RFC 7643 §4.3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnterpriseUser {
    /// The number or code that the organisation gave the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employee_number: Option<String>,
    /// The cost centre.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_center: Option<String>,
    /// The organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The division.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub division: Option<String>,
    /// The department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// The manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manager: Option<Manager>,
    /// Attributes that the built-in schema does not define.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A user's manager (RFC 7643 §4.3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manager {
    /// The manager's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The manager's URI; the server computes it.
    #[serde(rename = "$ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The manager's name (readOnly).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Sub-attributes that the built-in schema does not define.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A group (RFC 7643 §4.2).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The service provider's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<ResourceId>,
    /// The client's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// The metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
    /// The name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// The members.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<MultiValue>,
    /// What the built-in schema does not define: attributes a server added, extensions.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl User {
    /// The typed view of a resource whose core schema is User's.
    ///
    /// # Errors
    /// 400 `invalidValue` when a value does not have the type of the built-in schema, which can
    /// only be with a User schema of the server's own.
    pub fn from_resource(resource: &Resource) -> Result<Self> {
        from_resource(resource)
    }

    /// The resource, of the built-in type.
    ///
    /// # Errors
    /// 400 `invalidValue` when a value does not fit the schema: two primary values, or an attribute
    /// in `other` that the schemas do not define ([`User::to_resource_of`] takes other schemas).
    pub fn to_resource(&self) -> Result<Resource> {
        self.to_resource_of(&ResourceType::user())
    }

    /// The resource, of a type whose core schema is the server's own version of User's, or which
    /// has other extensions.
    ///
    /// # Errors
    /// As [`User::to_resource`].
    pub fn to_resource_of(&self, resource_type: &Arc<ResourceType>) -> Result<Resource> {
        to_resource(self, resource_type)
    }

    /// When the resource was last changed, once it has metadata.
    #[must_use]
    pub fn last_modified(&self) -> Option<DateTime> {
        self.meta.as_ref()?.last_modified
    }

    /// The primary e-mail address, else the first.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        let primary = self.emails.iter().find(|e| e.primary == Some(true));
        primary.or(self.emails.first())?.value.as_deref()
    }
}

/// Prints what the user has as JSON, but for the password.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.clone();
        if let Some(password) = &mut shown.password {
            "…".clone_into(password);
        }
        match serde_json::to_value(&shown) {
            Ok(json) => f.debug_tuple("User").field(&json).finish(),
            Err(_) => f.debug_struct("User").finish_non_exhaustive(),
        }
    }
}

impl Group {
    /// The typed view of a resource whose core schema is Group's; see [`User::from_resource`].
    ///
    /// # Errors
    /// As [`User::from_resource`].
    pub fn from_resource(resource: &Resource) -> Result<Self> {
        from_resource(resource)
    }

    /// The resource, of the built-in type.
    ///
    /// # Errors
    /// As [`User::to_resource`].
    pub fn to_resource(&self) -> Result<Resource> {
        self.to_resource_of(&ResourceType::group())
    }

    /// The resource, of a type of the server's own; see [`User::to_resource_of`].
    ///
    /// # Errors
    /// As [`User::to_resource`].
    pub fn to_resource_of(&self, resource_type: &Arc<ResourceType>) -> Result<Resource> {
        to_resource(self, resource_type)
    }
}

fn from_resource<T: DeserializeOwned>(resource: &Resource) -> Result<T> {
    let mut json = resource.to_json();
    // `schemas` follows from the content, on the way back too.
    json.remove("schemas");
    serde_json::from_value(Value::Object(json)).map_err(|e| {
        let name = resource.resource_type().name();
        ScimError::invalid_value(format!("resource type `{name}`, as a typed view: {e}"))
    })
}

fn to_resource<T: Serialize>(typed: &T, resource_type: &Arc<ResourceType>) -> Result<Resource> {
    const PROFILE: Profile = Profile::STRICT.validating(Validation::UnknownAttributes);
    match serde_json::to_value(typed) {
        Ok(Value::Object(mut json)) => {
            json.insert("schemas".to_owned(), vec![resource_type.schema().id()].into());
            Ingest::new(resource_type, &PROFILE, Origin::Representation).resource_from(json)
        }
        Ok(_) => Err(ScimError::invalid_value("a typed view is an object")),
        Err(e) => Err(ScimError::invalid_value(format!("a typed view cannot be written: {e}"))),
    }
}
