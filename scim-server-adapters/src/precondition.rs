//! Conditional requests: `If-Match` and `If-None-Match` (RFC 7644 §3.14, RFC 9110 §13).

use std::sync::Arc;

use http::header::{HeaderMap, IF_MATCH, IF_NONE_MATCH};
use scim_core::{ScimError, Version};

use crate::backend::BackendError;

/// What a request demands of the version of the resource.
///
/// Versions compare without `W/` (errata.md O5). A backend checks it inside the transaction of the
/// write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Precondition {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

/// Exhaustive: RFC 9110 §8.8.3 has these two forms.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Tags {
    Any,
    List(Arc<[Version]>),
}

impl Tags {
    fn matches(&self, version: &Version) -> bool {
        match self {
            Self::Any => true,
            Self::List(versions) => versions.contains(version),
        }
    }
}

impl Precondition {
    /// No demand.
    pub const NONE: Self = Self { if_match: None, if_none_match: None };

    /// The resource must have that version.
    #[must_use]
    pub fn version(version: Version) -> Self {
        Self { if_match: Some(Tags::List([version].into())), if_none_match: None }
    }

    /// Reads the headers of a request.
    ///
    /// # Errors
    /// 400 `invalidSyntax` when one of them holds something other than `*` or entity tags.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, ScimError> {
        let read = |name: &http::HeaderName| -> Result<Option<Tags>, ScimError> {
            let mut versions = Vec::new();
            let mut any = false;
            for value in headers.get_all(name) {
                let text = value.to_str().unwrap_or_default();
                if text.trim() == "*" {
                    any = true;
                    continue;
                }
                for tag in split_tags(text) {
                    let version = Version::from_etag(tag).ok_or_else(|| {
                        ScimError::invalid_syntax(format!("{name}: expected `*` or entity tags"))
                    })?;
                    versions.push(version);
                }
            }
            Ok(match (any, versions.is_empty()) {
                (true, _) => Some(Tags::Any),
                (false, false) => Some(Tags::List(versions.into())),
                (false, true) => None,
            })
        };
        Ok(Self { if_match: read(&IF_MATCH)?, if_none_match: read(&IF_NONE_MATCH)? })
    }

    /// Whether the demand is met by a resource of that version.
    #[must_use]
    pub fn holds(&self, version: &Version) -> bool {
        self.if_match_holds(version) && !self.if_none_match_hits(version)
    }

    /// The same as the end of a write that must not go on.
    ///
    /// # Errors
    /// [`BackendError::PreconditionFailed`] when the demand is not met.
    pub fn check(&self, version: &Version) -> Result<(), BackendError> {
        if self.holds(version) { Ok(()) } else { Err(BackendError::PreconditionFailed) }
    }

    /// Whether `If-Match` is met or absent: else every method answers 412.
    #[must_use]
    pub fn if_match_holds(&self, version: &Version) -> bool {
        self.if_match.as_ref().is_none_or(|tags| tags.matches(version))
    }

    /// Whether `If-None-Match` names the version: then a GET answers 304, and a write 412.
    #[must_use]
    pub fn if_none_match_hits(&self, version: &Version) -> bool {
        self.if_none_match.as_ref().is_some_and(|tags| tags.matches(version))
    }

    /// Whether the request demands anything.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }
}

/// Splits at the commas that stand outside quotes: an entity tag may hold one.
fn split_tags(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c| {
        if c == '"' {
            quoted = !quoted;
        }
        c == ',' && !quoted
    })
    .map(str::trim)
    .filter(|tag| !tag.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn precondition(name: http::HeaderName, value: &str) -> Precondition {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        Precondition::from_headers(&headers).unwrap()
    }

    #[test]
    fn weak_and_strong_tags_in_a_list_match_by_their_opaque_part() {
        let p = precondition(IF_MATCH, r#""1", W/"a,b" , "3""#);
        assert!(p.holds(&Version::from(3)));
        assert!(p.holds(&Version::new("a,b").unwrap()));
        assert!(!p.holds(&Version::from(2)));
        assert!(p.check(&Version::from(3)).is_ok());
        let refused = p.check(&Version::from(2));
        assert!(matches!(refused, Err(BackendError::PreconditionFailed)), "{refused:?}");
    }

    #[test]
    fn a_star_means_any_version() {
        assert!(precondition(IF_MATCH, "*").holds(&Version::from(9)));
        assert!(!precondition(IF_NONE_MATCH, "*").holds(&Version::from(9)));
    }

    #[test]
    fn what_is_no_entity_tag_is_refused() {
        let mut headers = HeaderMap::new();
        headers.insert(IF_MATCH, "3".parse().unwrap());
        assert_eq!(Precondition::from_headers(&headers).unwrap_err().status(), 400);
    }
}
