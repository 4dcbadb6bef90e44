//! Who asks, and whether they may (RFC 7644 §2, RFC 6750, RFC 6585 §4).

use crate::script::alike;
use crate::step::{Step, get, post, step, user};

const MISSING: &str = "Bearer realm=\"scim\"";
const INVALID: &str = "Bearer realm=\"scim\", error=\"invalid_token\"";

fn with(authorization: &str, status: u16) -> Step {
    get("/scim/v2/Users", status).anonymous().header("authorization", authorization)
}

#[test]
fn missing_and_wrong() {
    alike(&[
        get("/scim/v2/Users", 401).anonymous().with("www-authenticate", MISSING),
        post("/scim/v2/Users", user("babs"), 401).anonymous().with("www-authenticate", MISSING),
        step("DELETE", "/scim/v2/Users/1", 401).anonymous(),
        get("/scim/v2/Schemas", 401).anonymous(),
        with("Bearer wrong", 401).with("www-authenticate", INVALID),
        with("Basic czNjcmV0OnMzY3JldA==", 401).with("www-authenticate", MISSING),
        with("Bearer", 401).with("www-authenticate", MISSING),
        with("Bearer ", 401),
        with("", 401),
        with("Bearer s3cret\u{fc}", 401),
        with("s3cret", 401),
        with("bearer s3cret", 200),
        with("Bearer  s3cret ", 200),
        get("/scim/v2/Users?access_token=s3cret", 401).anonymous(),
    ]);
}

#[test]
fn what_the_policy_says() {
    alike(&[
        with("Bearer too-fast", 429).with("retry-after", "7"),
        with("Bearer denied", 403).without("retry-after"),
        with("Bearer unlucky", 503).with("retry-after", "9"),
    ]);
}

#[test]
fn the_requests_id() {
    alike(&[
        get("/scim/v2/Users", 200)
            .header("x-request-id", "a-1.b:2_c")
            .with("x-request-id", "a-1.b:2_c"),
        get("/scim/v2/Users", 401)
            .anonymous()
            .header("x-request-id", "refused")
            .with("x-request-id", "refused"),
    ]);
}
