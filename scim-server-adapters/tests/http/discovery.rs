//! Discovery (RFC 7644 §4).

use crate::script::alike;
use crate::step::{get, post, step};

#[test]
fn reading() {
    alike(&[
        get("/scim/v2/ServiceProviderConfig", 200)
            .with("content-location", "https://example.com/scim/v2/ServiceProviderConfig"),
        get("/scim/v2/ResourceTypes", 200),
        get("/scim/v2/ResourceTypes/User", 200),
        get("/scim/v2/ResourceTypes/user", 404),
        get("/scim/v2/Schemas", 200),
        get("/scim/v2/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", 200),
        get("/scim/v2/Schemas/urn%3Aietf%3Aparams%3Ascim%3Aschemas%3Acore%3A2.0%3AUser", 200),
        get("/scim/v2/Schemas/urn:nothing", 404),
    ]);
}

#[test]
fn a_filter_is_403() {
    alike(&[
        get("/scim/v2/ServiceProviderConfig?filter=id+pr", 403),
        get("/scim/v2/ResourceTypes?filter=name+eq+%22User%22", 403),
        get("/scim/v2/Schemas?filter=id+pr", 403),
        get("/scim/v2/Schemas?count=1&", 200),
    ]);
}

#[test]
fn writing_is_405_with_allow() {
    let mut script = Vec::new();
    for path in ["ServiceProviderConfig", "ResourceTypes", "ResourceTypes/User", "Schemas"] {
        let url = format!("/scim/v2/{path}");
        script.push(post(url.as_str(), "{}", 405).with("allow", "GET, HEAD"));
        for method in ["PUT", "PATCH", "DELETE", "OPTIONS"] {
            script.push(step(method, url.as_str(), 405).with("allow", "GET, HEAD"));
        }
    }
    alike(&script);
}
