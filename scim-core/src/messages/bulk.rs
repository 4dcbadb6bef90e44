//! Many operations in one request (RFC 7644 §3.7).

use std::collections::HashSet;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::{BULK_REQUEST_URN, BULK_RESPONSE_URN, Message};
use crate::error::{Result, ScimError, StatusText};
use crate::json;
use crate::profile::{Profile, Quirk, Quirks};

/// The HTTP method of a bulk operation. Exhaustive: the RFC closes the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum BulkMethod {
    /// Creates a resource.
    Post,
    /// Replaces one.
    Put,
    /// Changes one.
    Patch,
    /// Deletes one.
    Delete,
}

impl BulkMethod {
    /// The method's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// One operation of a bulk request, its data not yet looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkOperation {
    /// The method.
    pub method: BulkMethod,
    /// The client's name for the resource that a POST creates.
    pub bulk_id: Option<String>,
    /// The version that the resource must have.
    pub version: Option<String>,
    /// The path relative to the base URL: `/Users`, `/Users/{id}`, `/Users/bulkId:{bulkId}`.
    pub path: String,
    /// The body of the single request (erratum 5050); `None` for DELETE.
    pub data: Option<Value>,
}

/// A bulk request.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkRequest {
    /// Stop after that many errors; `None` to go on to the end.
    pub fail_on_errors: Option<usize>,
    /// The operations, in the order in which they are carried out.
    pub operations: Vec<BulkOperation>,
    /// The quirks that fired while reading.
    pub fired: Quirks,
}

impl BulkRequest {
    /// Reads the body of `POST /Bulk`.
    ///
    /// # Errors
    /// 400 `invalidSyntax` when it is not such a message, and when a POST lacks a `bulkId` (unless
    /// the profile tolerates [`Quirk::MissingBulkId`]), a method other than DELETE lacks `data`, or
    /// a `bulkId` appears twice (errata.md B4); 400 `invalidValue` when `failOnErrors` is below 1
    /// (B6).
    pub fn parse(body: &[u8], profile: &Profile) -> Result<Self> {
        Self::noting(json::parse_object(body)?, profile, &mut Quirks::default())
    }

    /// The same from JSON that is parsed already, and whether it succeeds or not, `fired` gets the
    /// quirks that fired.
    ///
    /// # Errors
    /// As [`BulkRequest::parse`].
    pub fn noting(body: Map<String, Value>, profile: &Profile, fired: &mut Quirks) -> Result<Self> {
        let mut own = Quirks::NONE;
        let read = Self::read(body, profile, &mut own);
        fired.extend(own);
        Ok(Self { fired: own, ..read? })
    }

    fn read(body: Map<String, Value>, profile: &Profile, fired: &mut Quirks) -> Result<Self> {
        let mut message = Message::new(body, "BulkRequest", BULK_REQUEST_URN, profile, fired)?;
        let fail_on_errors = match message.take_integer("failOnErrors")? {
            None => None,
            Some(n) => match usize::try_from(n) {
                Ok(n) if n > 0 => Some(n),
                _ => {
                    return Err(ScimError::invalid_value("`failOnErrors` must be at least 1"));
                }
            },
        };
        let elements = message.take_array("Operations")?.unwrap_or_default();
        if elements.is_empty() {
            return Err(ScimError::invalid_syntax(
                "BulkRequest: `Operations` must hold an operation",
            ));
        }
        let mut operations = Vec::with_capacity(elements.len());
        let mut bulk_ids = HashSet::new();
        for (index, element) in elements.into_iter().enumerate() {
            let within = |e: ScimError| e.within(format_args!("operation {}", index + 1));
            let Value::Object(members) = element else {
                return Err(within(message.mismatch("Operations", "an object", &element)));
            };
            let mut part = Message::part(members, "BulkRequest", profile, message.fired);
            let operation = operation(&mut part).map_err(within)?;
            if let Some(bulk_id) = &operation.bulk_id
                && !bulk_ids.insert(bulk_id.clone())
            {
                return Err(within(ScimError::invalid_syntax("`bulkId` appears twice")));
            }
            operations.push(operation);
        }
        Ok(Self { fail_on_errors, operations, fired: Quirks::NONE })
    }
}

impl Serialize for BulkOperation {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("method", &self.method)?;
        for (name, text) in [("bulkId", &self.bulk_id), ("version", &self.version)] {
            if let Some(text) = text {
                map.serialize_entry(name, text)?;
            }
        }
        map.serialize_entry("path", &self.path)?;
        if let Some(data) = &self.data {
            map.serialize_entry("data", data)?;
        }
        map.end()
    }
}

impl Serialize for BulkRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schemas", &[BULK_REQUEST_URN])?;
        if let Some(errors) = self.fail_on_errors {
            map.serialize_entry("failOnErrors", &errors)?;
        }
        map.serialize_entry("Operations", &self.operations)?;
        map.end()
    }
}

fn operation(message: &mut Message<'_>) -> Result<BulkOperation> {
    const METHODS: [BulkMethod; 4] =
        [BulkMethod::Post, BulkMethod::Put, BulkMethod::Patch, BulkMethod::Delete];
    let missing = |name| ScimError::invalid_syntax(format!("BulkRequest: `{name}` is missing"));
    let word = message.take_string("method")?.ok_or_else(|| missing("method"))?;
    // "method" is a case-exact keyword in no text of RFC 7644; HTTP's methods are upper case, and
    // no two differ in case only.
    let method = METHODS.into_iter().find(|m| m.as_str().eq_ignore_ascii_case(&word));
    let method = method
        .ok_or_else(|| message.unknown_word("method", &word, "`POST`, `PUT`, `PATCH`, `DELETE`"))?;
    let operation = BulkOperation {
        method,
        bulk_id: message.take_string("bulkId")?,
        version: message.take_string("version")?,
        path: message.take_string("path")?.ok_or_else(|| missing("path"))?,
        data: message.take("data")?,
    };
    if method == BulkMethod::Post
        && operation.bulk_id.is_none()
        && !message.tolerate(Quirk::MissingBulkId)
    {
        return Err(missing("bulkId"));
    }
    if method != BulkMethod::Delete && operation.data.is_none() {
        return Err(missing("data"));
    }
    Ok(operation)
}

/// What became of one operation (RFC 7644 §3.7.3).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BulkOperationResponse {
    /// The method of the operation.
    pub method: BulkMethod,
    /// The `bulkId` of the operation, where it had one.
    pub bulk_id: Option<String>,
    /// The resource's version afterwards, as an ETag.
    pub version: Option<String>,
    /// The resource's URI; for a failed PUT, PATCH or DELETE the one asked for (errata.md B13).
    pub location: Option<String>,
    /// The HTTP status that the single request would have had; a string on the wire (B1).
    #[serde(deserialize_with = "status")]
    pub status: u16,
    /// The error, for statuses from 400.
    pub response: Option<ScimError>,
}

fn status<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<u16, D::Error> {
    StatusText::deserialize(deserializer).map(|status| status.0)
}

impl Serialize for BulkOperationResponse {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("method", &self.method)?;
        if let Some(bulk_id) = &self.bulk_id {
            map.serialize_entry("bulkId", bulk_id)?;
        }
        if let Some(version) = &self.version {
            map.serialize_entry("version", version)?;
        }
        if let Some(location) = &self.location {
            map.serialize_entry("location", location)?;
        }
        map.serialize_entry("status", &self.status.to_string())?;
        if let Some(response) = &self.response {
            map.serialize_entry("response", response)?;
        }
        map.end()
    }
}

/// The answer to a bulk request; operations that were not run are left out (errata.md B6).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct BulkResponse {
    /// One answer for each operation that was run, in order.
    #[serde(rename = "Operations", default)]
    pub operations: Vec<BulkOperationResponse>,
}

impl Serialize for BulkResponse {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schemas", &[BULK_RESPONSE_URN])?;
        map.serialize_entry("Operations", &self.operations)?;
        map.end()
    }
}
