//! From the path of a URL to what it names (RFC 7644 §3.2, §3.13).

use std::borrow::Cow;
use std::sync::Arc;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use scim_core::{Registry, ResourceId, ResourceType, ScimError, ScimType, shorten};

/// How tenants show in URLs. Exhaustive: none, or the segment before the version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tenancy {
    /// One tenant, with the empty name: `/v2/Users`.
    #[default]
    Single,
    /// The first segment names the tenant: `/<tenant>/v2/Users`.
    Path,
}

/// What a path names below the version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// The base URL itself: all resource types (RFC 7644 §3.4.2.1).
    Root,
    /// `/.search`: the same by POST.
    RootSearch,
    /// `/Users`.
    Type(Arc<ResourceType>),
    /// `/Users/.search`.
    TypeSearch(Arc<ResourceType>),
    /// `/Users/{id}`.
    Resource(Arc<ResourceType>, ResourceId),
    /// `/Bulk`.
    Bulk,
    /// `/Me`.
    Me,
    /// `/ServiceProviderConfig`.
    ServiceProviderConfig,
    /// `/ResourceTypes`, or one of them.
    ResourceTypes(Option<String>),
    /// `/Schemas`, or one of them.
    Schemas(Option<String>),
}

impl Endpoint {
    /// The endpoint without ids, for logs and metrics: few values.
    pub(crate) fn label(&self) -> Cow<'static, str> {
        match self {
            Self::Root => "/".into(),
            Self::RootSearch => "/.search".into(),
            Self::Bulk => "/Bulk".into(),
            Self::Me => "/Me".into(),
            Self::Type(resource_type) => resource_type.endpoint().to_owned().into(),
            Self::TypeSearch(resource_type) => {
                format!("{}/.search", resource_type.endpoint()).into()
            }
            Self::Resource(resource_type, _) => {
                format!("{}/{{id}}", resource_type.endpoint()).into()
            }
            Self::ServiceProviderConfig => "/ServiceProviderConfig".into(),
            Self::ResourceTypes(_) => "/ResourceTypes".into(),
            Self::Schemas(_) => "/Schemas".into(),
        }
    }

    /// The id of the resource that it names.
    pub(crate) fn resource_id(&self) -> Option<&str> {
        match self {
            Self::Resource(_, id) => Some(id.as_str()),
            _ => None,
        }
    }
}

/// A path, split: the tenant and the segments below the version.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Split<'a> {
    pub(crate) tenant: Cow<'a, str>,
    pub(crate) segments: Vec<Cow<'a, str>>,
}

/// Splits a path at its slashes, of which several count as one and one at the end as none.
///
/// A path without version means the newest one that is served (RFC 7644 §3.13), which is `v2`.
///
/// # Errors
/// 404 without tenant, 400 `invalidVers` for another version (RFC 7644 Table 9), 400
/// `invalidSyntax` when a segment is not percent-encoded UTF-8.
pub(crate) fn split(path: &str, tenancy: Tenancy) -> Result<Split<'_>, ScimError> {
    let nowhere =
        || ScimError::with_status(404, format!("`{}` is not a SCIM endpoint", shorten(path)));
    let mut segments = decoded(path);
    let tenant = match tenancy {
        Tenancy::Single => Cow::Borrowed(""),
        Tenancy::Path => segments.next().ok_or_else(nowhere)??,
    };
    let mut segments: Vec<_> = segments.collect::<Result<_, _>>()?;
    match segments.first().map(|first| &**first) {
        Some("v2") => {
            segments.remove(0);
        }
        Some(version) if is_version(version) => {
            let version = shorten(version);
            return Err(ScimError::new(
                ScimType::InvalidVers,
                format!("protocol version `{version}` is not supported; `v2` is"),
            ));
        }
        _ => {}
    }
    Ok(Split { tenant, segments })
}

/// The segments of a path that begins below the version, as bulk operations have it.
///
/// # Errors
/// 400 `invalidSyntax` when a segment is not percent-encoded UTF-8.
pub(crate) fn segments(path: &str) -> Result<Vec<Cow<'_, str>>, ScimError> {
    decoded(path).collect()
}

fn decoded(path: &str) -> impl Iterator<Item = Result<Cow<'_, str>, ScimError>> {
    path.split('/').filter(|s| !s.is_empty()).map(|segment| {
        percent_decode_str(segment)
            .decode_utf8()
            .map_err(|_| ScimError::invalid_syntax("the path is not percent-encoded UTF-8"))
    })
}

fn is_version(segment: &str) -> bool {
    segment
        .strip_prefix('v')
        .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// What the segments below the version name; `None` for nothing.
pub(crate) fn endpoint(registry: &Registry, segments: &[Cow<'_, str>]) -> Option<Endpoint> {
    let one = |rest: &[Cow<'_, str>]| match rest {
        [] => Some(None),
        [id] => Some(Some(id.clone().into_owned())),
        _ => None,
    };
    let Some((first, rest)) = segments.split_first() else { return Some(Endpoint::Root) };
    match &**first {
        ".search" if rest.is_empty() => Some(Endpoint::RootSearch),
        "Bulk" if rest.is_empty() => Some(Endpoint::Bulk),
        "Me" if rest.is_empty() => Some(Endpoint::Me),
        "ServiceProviderConfig" if rest.is_empty() => Some(Endpoint::ServiceProviderConfig),
        "ResourceTypes" => one(rest).map(Endpoint::ResourceTypes),
        "Schemas" => one(rest).map(Endpoint::Schemas),
        endpoint => {
            let resource_type = Arc::clone(registry.by_endpoint(endpoint)?);
            match one(rest)? {
                None => Some(Endpoint::Type(resource_type)),
                Some(id) if id == ".search" => Some(Endpoint::TypeSearch(resource_type)),
                // What cannot be an id names nothing.
                Some(id) => Some(Endpoint::Resource(resource_type, ResourceId::new(id).ok()?)),
            }
        }
    }
}

/// What a path segment may not hold as it is (RFC 3986 §3.3).
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A text as one segment of a URL.
pub(crate) fn encode_segment(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, SEGMENT).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubled_and_trailing_slashes_are_tolerated() {
        let split = split("//acme/v2//Users/1/", Tenancy::Path).unwrap();
        assert_eq!(split.tenant, "acme");
        assert_eq!(split.segments, ["Users", "1"]);
    }

    #[test]
    fn another_version_is_invalid_vers() {
        let error = split("/v1/Users", Tenancy::Single).unwrap_err();
        assert_eq!((error.status(), error.scim_type()), (400, Some(ScimType::InvalidVers)));
    }

    #[test]
    fn without_a_version_the_newest_is_meant() {
        for path in ["/v2/Users/1", "/Users/1"] {
            assert_eq!(split(path, Tenancy::Single).unwrap().segments, ["Users", "1"]);
        }
        let split = split("/acme/Users", Tenancy::Path).unwrap();
        assert_eq!((&*split.tenant, &*split.segments[0]), ("acme", "Users"));
    }

    #[test]
    fn an_encoded_slash_is_part_of_the_id() {
        let split = split("/v2/Users/a%2Fb", Tenancy::Single).unwrap();
        assert_eq!(split.segments, ["Users", "a/b"]);
        assert_eq!(encode_segment("a/b"), "a%2Fb");
    }
}
