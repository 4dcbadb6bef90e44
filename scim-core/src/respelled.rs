//! [`Quirk::SchemaSpellings`](crate::Quirk::SchemaSpellings): URIs of schemas as some clients spell
//! them.

use crate::resource_type::ResourceType;

/// What the URIs of the registry begin with (RFC 7643 §10.2.1).
const REGISTERED: &str = "urn:ietf:params:scim:schemas:";
/// What they began with before there was a registry.
const OF_DRAFTS: &str = "urn:scim:schemas:";

impl ResourceType {
    /// A path, key or URI that begins with another spelling of the URI of one of the type's schemas,
    /// with the schema's own in its place: the colon before the last part is missing, or the last
    /// part, or it is the URI that drafts and SCIM 1.1 used. `None` when it begins with none.
    ///
    /// ```
    /// use scim_core::ResourceType;
    /// assert_eq!(
    ///     ResourceType::user().respelled("urn:scim:schemas:extension:enterprise:1.0:department"),
    ///     Some("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department".to_owned()),
    /// );
    /// ```
    #[must_use]
    pub fn respelled(&self, path: &str) -> Option<String> {
        let after = strip(path, REGISTERED).or_else(|| strip(path, OF_DRAFTS))?;
        std::iter::once(self.schema())
            .chain(self.extensions().iter().map(|extension| &extension.schema))
            .find_map(|schema| {
                let tail = tail(after, schema.id())?;
                let respelled = match tail {
                    "" => schema.id().to_owned(),
                    tail => format!("{}:{tail}", schema.id()),
                };
                (respelled != path).then_some(respelled)
            })
    }
}

/// What follows the URI of a schema, however that is spelled: `after` is what follows the namespace.
fn tail<'p>(after: &'p str, id: &str) -> Option<&'p str> {
    let (family, last) = strip(id, REGISTERED)?.rsplit_once(':')?;
    let (name, version) = family.rsplit_once(':')?;
    let after = strip(strip(after, name)?, ":")?;
    let after = [version, "1.0", "2.0"].into_iter().find_map(|version| strip(after, version))?;
    let with_last = strip(strip(after, ":").unwrap_or(after), last).and_then(end_or_part);
    with_last.or_else(|| end_or_part(after))
}

/// Nothing, or what follows a separator.
fn end_or_part(rest: &str) -> Option<&str> {
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix([':', '.']) }
}

fn strip<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{ENTERPRISE_USER_URN, USER_URN};

    #[test]
    fn spellings_of_the_registered_uris() {
        let user = ResourceType::user();
        let enterprise = [
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0User",
            "URN:IETF:params:scim:schemas:extension:enterprise:2.0user",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0",
            "urn:scim:schemas:extension:enterprise:2.0",
            "urn:scim:schemas:extension:enterprise:1.0",
            "urn:scim:schemas:extension:enterprise:2.0:User",
        ];
        for spelling in enterprise {
            assert_eq!(
                user.respelled(spelling).as_deref(),
                Some(ENTERPRISE_USER_URN),
                "{spelling}"
            );
            let part = format!("{ENTERPRISE_USER_URN}:manager.value");
            for separator in [":", "."] {
                let path = format!("{spelling}{separator}manager.value");
                assert_eq!(user.respelled(&path), Some(part.clone()), "{path}");
            }
        }
        for spelling in ["urn:scim:schemas:core:1.0", "urn:scim:schemas:core:2.0:User"] {
            assert_eq!(user.respelled(spelling).as_deref(), Some(USER_URN), "{spelling}");
        }
    }

    #[test]
    fn what_is_no_spelling_of_them() {
        let user = ResourceType::user();
        for other in [
            USER_URN,
            "userName",
            "urn:ietf:params:scim:schemas:extension:enterprise",
            "urn:ietf:params:scim:schemas:extension:enterprise:3.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0Users",
            "urn:ietf:params:scim:schemas:core:2.0Group",
            "urn:example:scim:schemas:core:2.0",
        ] {
            assert_eq!(user.respelled(other), None, "{other}");
        }
    }
}
