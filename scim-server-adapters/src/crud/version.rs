//! The version of what has none: a hash of its content.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scim_core::{DateTime, Member, ResourceId, Version};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Bytes of the hash that make the version: chance does not make two of them equal.
const BYTES: usize = 15;

/// The version of that content. Members have no order, and what is theirs does not count.
pub(super) fn of_content(
    id: &ResourceId,
    last_modified: Option<DateTime>,
    attributes: &Map<String, Value>,
    members: &[Member],
) -> Version {
    let mut content = Value::Object(attributes.clone());
    // One content, one text: another crate of the build may have objects keep their order.
    content.sort_all_objects();
    let mut members: Vec<_> =
        members.iter().map(|m| (&*m.value, m.resource_type.as_deref())).collect();
    members.sort_unstable();
    let modified = last_modified.map(DateTime::as_micros);
    let content = serde_json::json!([id.as_str(), modified, content, members]);
    let hash = Sha256::digest(content.to_string().as_bytes());
    let text = URL_SAFE_NO_PAD.encode(hash.get(..BYTES).unwrap_or_default());
    // Text of base64 fits an ETag.
    Version::new(text).unwrap_or_else(|| Version::from(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(attributes: Value, members: &[&str]) -> Version {
        let Value::Object(attributes) = attributes else { unreachable!() };
        let members: Vec<Member> = members.iter().map(|m| Member::new(*m)).collect();
        of_content(&ResourceId::new("1").unwrap(), None, &attributes, &members)
    }

    #[test]
    fn one_content_has_one_version_and_another_has_another() {
        let content = serde_json::json!({"userName": "a", "name": {"givenName": "b"}});
        assert_eq!(version(content.clone(), &[]), version(content.clone(), &[]));
        assert_ne!(
            version(content.clone(), &[]),
            version(serde_json::json!({"userName": "a"}), &[])
        );
        assert_ne!(version(content.clone(), &[]), version(content.clone(), &["x"]));
        assert_eq!(version(content.clone(), &["x", "y"]), version(content, &["y", "x"]));
    }
}
