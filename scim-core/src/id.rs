//! Identifiers and versions, each a type of its own so that none passes for another.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use crate::error::{Result, ScimError, shorten};

/// The `id` that the service provider gave a resource (RFC 7643 §3.1): opaque, case-exact, never
/// chosen by a client.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ResourceId(Arc<str>);

impl ResourceId {
    /// An id from text.
    ///
    /// # Errors
    /// 400 `invalidValue` when it is empty, longer than 255 bytes, holds a control character, or
    /// holds the reserved word `bulkId` (RFC 7643 §3.1), in any case.
    pub fn new(id: impl Into<Arc<str>>) -> Result<Self> {
        let id = id.into();
        let reserved = id.as_bytes().windows(6).any(|w| w.eq_ignore_ascii_case(b"bulkId"));
        if id.is_empty() || id.len() > 255 || id.chars().any(char::is_control) || reserved {
            let id = shorten(&id);
            return Err(ScimError::invalid_value(format!("`{id}` cannot be a resource id")));
        }
        Ok(Self(id))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for ResourceId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ResourceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// The `externalId` that a provisioning client gave a resource (RFC 7643 §3.1): the client's own
/// name for it, never a [`ResourceId`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExternalId(Arc<str>);

impl ExternalId {
    /// An external id from text; any text is one.
    #[must_use]
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// The external id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The version of a resource (RFC 7644 §3.14), without the quotes and the `W/` of its ETag.
///
/// ```
/// use scim_core::Version;
/// let version = Version::from(7);
/// assert_eq!(version.to_string(), r#"W/"7""#);
/// assert_eq!(Version::from_etag(r#""7""#), Some(version));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version(Arc<str>);

impl Version {
    /// A version from its opaque text; `None` if an ETag could not hold it (RFC 9110 §8.8.3:
    /// visible ASCII without quotes, or bytes from 0x80).
    #[must_use]
    pub fn new(opaque: impl Into<Arc<str>>) -> Option<Self> {
        let opaque = opaque.into();
        let fits = opaque.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x7e | 0x80..));
        fits.then_some(Self(opaque))
    }

    /// The version that an ETag names, weak or strong: versions compare without `W/`
    /// (errata.md O5).
    #[must_use]
    pub fn from_etag(etag: &str) -> Option<Self> {
        let etag = etag.trim();
        let quoted = etag.strip_prefix("W/").unwrap_or(etag);
        Self::new(quoted.strip_prefix('"')?.strip_suffix('"')?)
    }

    /// The opaque text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<u64> for Version {
    fn from(number: u64) -> Self {
        Self(number.to_string().into())
    }
}

/// Prints the weak ETag.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "W/\"{}\"", self.0)
    }
}
