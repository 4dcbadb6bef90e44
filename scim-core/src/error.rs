//! SCIM errors: the HTTP status, the `scimType` and a detail that says what was wrong and where
//! (RFC 7644 §3.12, RFC 9865 §3).

use std::borrow::Cow;
use std::fmt;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::messages::ERROR_URN;

/// A result whose error is a [`ScimError`].
pub type Result<T, E = ScimError> = std::result::Result<T, E>;

/// The detail error keywords of RFC 7644 Table 9 and of RFC 9865 §3.
///
/// Non-exhaustive, since later RFCs add keywords.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScimType {
    /// The filter is malformed, or compares an attribute with an operator it does not support.
    InvalidFilter,
    /// The query yields more results, or would cost more work, than the server is willing to give.
    TooMany,
    /// A value is already in use by another resource or is reserved.
    Uniqueness,
    /// The modification is at odds with the attribute's mutability or with its present state.
    Mutability,
    /// The structure of the request body is invalid.
    InvalidSyntax,
    /// The `path` of a PATCH operation is malformed or names an attribute that does not exist.
    InvalidPath,
    /// The `path` of a PATCH operation yields nothing to operate on.
    NoTarget,
    /// A required value is missing, or a value does not fit the attribute's type.
    InvalidValue,
    /// The protocol version asked for is not supported.
    InvalidVers,
    /// The request would disclose sensitive information in a URI.
    Sensitive,
    /// The cursor is unknown, forged, or belongs to another query (RFC 9865 §3).
    InvalidCursor,
    /// The cursor was valid once and is no longer (RFC 9865 §3).
    ExpiredCursor,
    /// `count` is out of range or not the one the cursor was made with (RFC 9865 §3).
    InvalidCount,
}

impl ScimType {
    /// Every keyword, in the order of the tables.
    pub const ALL: [Self; 13] = [
        Self::InvalidFilter,
        Self::TooMany,
        Self::Uniqueness,
        Self::Mutability,
        Self::InvalidSyntax,
        Self::InvalidPath,
        Self::NoTarget,
        Self::InvalidValue,
        Self::InvalidVers,
        Self::Sensitive,
        Self::InvalidCursor,
        Self::ExpiredCursor,
        Self::InvalidCount,
    ];

    /// The keyword as it stands in an error message.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::Sensitive => "sensitive",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
        }
    }

    /// The status that goes with the keyword: 409 for `uniqueness` (RFC 7644 §3.3.1), 403 for
    /// `sensitive` (§7.5.2, erratum 6893), else 400.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Uniqueness => 409,
            Self::Sensitive => 403,
            _ => 400,
        }
    }

    /// The keyword that `text` spells, if it is one.
    #[must_use]
    pub fn from_keyword(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.as_str() == text)
    }
}

impl fmt::Display for ScimType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error as a SCIM client sees it (RFC 7644 §3.12).
///
/// It serialises as the `urn:ietf:params:scim:api:messages:2.0:Error` message, with `status` as a
/// string.
///
/// ```
/// use scim_core::{ScimError, ScimType};
/// let error = ScimError::new(ScimType::InvalidValue, "`userName` is required");
/// assert_eq!(error.status(), 400);
/// assert_eq!(
///     serde_json::to_value(&error).unwrap(),
///     serde_json::json!({
///         "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
///         "status": "400",
///         "scimType": "invalidValue",
///         "detail": "`userName` is required",
///     }),
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimError {
    status: u16,
    scim_type: Option<ScimType>,
    detail: Cow<'static, str>,
}

impl ScimError {
    /// An error of the given kind, with the status that goes with it.
    #[must_use]
    pub fn new(scim_type: ScimType, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status: scim_type.status(), scim_type: Some(scim_type), detail: detail.into() }
    }

    /// An error without `scimType`, for the statuses of RFC 7644 Table 8 that have none.
    #[must_use]
    pub fn with_status(status: u16, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, scim_type: None, detail: detail.into() }
    }

    /// The same error under another HTTP status (a sensitive filter is 403 in a GET and 400 in a
    /// POST, for example).
    #[must_use]
    pub fn and_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// 404 for a resource that does not exist (RFC 7644 §3.12).
    #[must_use]
    pub fn not_found(id: &str) -> Self {
        Self::with_status(404, format!("resource `{}` not found", shorten(id)))
    }

    /// 400 `invalidSyntax`.
    #[must_use]
    pub fn invalid_syntax(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ScimType::InvalidSyntax, detail)
    }

    /// 400 `invalidValue`.
    #[must_use]
    pub fn invalid_value(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ScimType::InvalidValue, detail)
    }

    /// 400 `invalidFilter`.
    #[must_use]
    pub fn invalid_filter(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ScimType::InvalidFilter, detail)
    }

    /// 400 `invalidPath`.
    #[must_use]
    pub fn invalid_path(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ScimType::InvalidPath, detail)
    }

    /// 400 `noTarget`.
    #[must_use]
    pub fn no_target(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ScimType::NoTarget, detail)
    }

    /// 400 `mutability`.
    #[must_use]
    pub fn mutability(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ScimType::Mutability, detail)
    }

    /// 409 `uniqueness`, naming the attribute whose value is taken.
    #[must_use]
    pub fn uniqueness(attribute: &str) -> Self {
        Self::new(
            ScimType::Uniqueness,
            format!("the value of `{attribute}` is already in use by another resource"),
        )
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The `scimType`, where the error has one.
    #[must_use]
    pub fn scim_type(&self) -> Option<ScimType> {
        self.scim_type
    }

    /// What was wrong, for a person to read.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The same error, its detail preceded by where it happened: ``operation 3: …``.
    #[must_use]
    pub fn within(mut self, place: impl fmt::Display) -> Self {
        self.detail = Cow::Owned(format!("{place}: {}", self.detail));
        self
    }
}

impl fmt::Display for ScimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scim_type {
            Some(scim_type) => write!(f, "{} {scim_type}: {}", self.status, self.detail),
            None => write!(f, "{}: {}", self.status, self.detail),
        }
    }
}

impl std::error::Error for ScimError {}

impl Serialize for ScimError {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schemas", &[ERROR_URN])?;
        map.serialize_entry("status", &self.status.to_string())?;
        if let Some(scim_type) = self.scim_type {
            map.serialize_entry("scimType", scim_type.as_str())?;
        }
        map.serialize_entry("detail", &*self.detail)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for ScimError {
    /// Reads an error message; `status` may be a string or a number, and a keyword that is not
    /// known is dropped.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Message {
            status: StatusText,
            scim_type: Option<String>,
            detail: Option<String>,
        }
        let message = Message::deserialize(deserializer)?;
        Ok(Self {
            status: message.status.0,
            scim_type: message.scim_type.as_deref().and_then(ScimType::from_keyword),
            detail: Cow::Owned(message.detail.unwrap_or_default()),
        })
    }
}

/// An HTTP status as messages hold it: as text, or as the number that some servers write.
pub(crate) struct StatusText(pub(crate) u16);

impl<'de> Deserialize<'de> for StatusText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Status {
            Text(String),
            Number(u16),
        }
        match Status::deserialize(deserializer)? {
            Status::Number(status) => Ok(Self(status)),
            Status::Text(text) => text.parse().map(Self).map_err(serde::de::Error::custom),
        }
    }
}

/// User input as an error message quotes it: cut at 128 characters, so that a hostile value is not
/// sent back in full.
#[must_use]
pub fn shorten(input: &str) -> Cow<'_, str> {
    match input.char_indices().nth(128) {
        Some((end, _)) => Cow::Owned(format!("{}…", input.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(input),
    }
}
