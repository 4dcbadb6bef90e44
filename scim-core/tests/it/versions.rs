//! Identifiers and versions (RFC 7643 §3.1, RFC 7644 §3.14).

use scim_core::{ExternalId, ResourceId, Version};

/// errata.md O5: versions compare by the opaque part.
#[test]
fn weak_and_strong_etags_name_the_same_version() {
    let version = Version::new("3694e05e9dff590").unwrap();
    assert_eq!(version.to_string(), r#"W/"3694e05e9dff590""#);
    for etag in [r#"W/"3694e05e9dff590""#, r#""3694e05e9dff590""#, "  W/\"3694e05e9dff590\"\t"] {
        assert_eq!(Version::from_etag(etag), Some(version.clone()), "{etag}");
    }
    assert_eq!(Version::from(7).as_str(), "7");
    assert_eq!(Version::from_etag("\"\"").unwrap().as_str(), "");
}

#[test]
fn what_is_not_one_etag_names_no_version() {
    for etag in [
        "",
        "\"",
        "W/",
        "W/\"",
        "7",
        "W/7",
        "w/\"7\"",
        "W/ \"7\"",
        "*",
        "'7'",
        "\"7",
        "7\"",
        "\"a\",\"b\"",
        "\"a b\"",
        "\"a\"b\"",
        "\"a\u{7f}\"",
        "\"a\nb\"",
    ] {
        assert_eq!(Version::from_etag(etag), None, "{etag:?}");
    }
    assert_eq!(Version::new("a b"), None);
    assert!(Version::new("\u{fc}").is_some());
}

/// RFC 7643 §3.1: "The string "bulkId" is a reserved keyword and MUST NOT be used within any unique
/// identifier value".
#[test]
fn some_texts_cannot_be_an_id() {
    let long = "x".repeat(256);
    for id in ["", "bulkId", "BULKID", "bulkId:q", "mybulkID1", "a\nb", "a\u{0}", &long] {
        assert!(ResourceId::new(id).is_err(), "{id}");
        assert!(serde_json::from_value::<ResourceId>(id.into()).is_err(), "{id}");
    }
    for id in ["1", "bulk-Id", "bulk", "a/b?c", "ü", "urn:x:y", &"x".repeat(255)] {
        let parsed = ResourceId::new(id).unwrap();
        assert_eq!(parsed.as_str(), id);
        assert_eq!(serde_json::to_value(&parsed).unwrap(), id);
    }
}

#[test]
fn any_text_is_an_external_id() {
    for id in ["", "bulkId", "ü", " "] {
        let parsed = ExternalId::new(id);
        assert_eq!((parsed.as_str(), &*parsed.to_string()), (id, id));
        assert_eq!(serde_json::from_value::<ExternalId>(id.into()).unwrap(), parsed);
    }
}
