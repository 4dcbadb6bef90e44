//! Methods: the usual, HEAD, and those that nobody has heard of (RFC 7644 §3.2, RFC 9110 §9).

use crate::script::alike;
use crate::step::{get, post, step, user};

#[test]
fn head_is_get_without_the_body() {
    alike(&[
        post("/scim/v2/Users", user("babs"), 201).keep("babs"),
        // The answers whose length does not depend on the time, so that `Content-Length` compares.
        step("HEAD", "/scim/v2/Users/{babs.id}?attributes=userName", 200).with("etag", "W/\"1\""),
        step("HEAD", "/scim/v2/Users?attributes=userName", 200),
        step("HEAD", "/scim/v2?attributes=userName", 200),
        step("HEAD", "/scim/v2/ServiceProviderConfig", 200),
        step("HEAD", "/scim/v2/Schemas", 200),
        step("HEAD", "/scim/v2/Users/nobody", 404),
        step("HEAD", "/scim/v2/Users", 401).anonymous(),
        step("HEAD", "/scim/v2/Users/{babs.id}", 304)
            .header("if-none-match", "{babs.etag}")
            .without("content-length"),
        step("HEAD", "/scim/v2/Users/{babs.id}", 412).header("if-match", "\"9\""),
        step("HEAD", "/scim/v2/Bulk", 405).with("allow", "POST"),
        step("HEAD", "/scim/v2/Nothing", 404),
    ]);
}

#[test]
fn unknown_methods_are_405_with_allow() {
    let mut script = vec![post("/scim/v2/Users", user("babs"), 201).keep("babs")];
    for method in ["BREW", "OPTIONS", "TRACE", "PROPFIND", "get", "M-SEARCH", "QUERY"] {
        script.extend([
            step(method, "/scim/v2/Users", 405).with("allow", "GET, HEAD, POST"),
            step(method, "/scim/v2/Users/{babs.id}", 405)
                .with("allow", "GET, HEAD, PUT, PATCH, DELETE"),
            step(method, "/scim/v2/Schemas", 405).with("allow", "GET, HEAD"),
            step(method, "/scim/v2/.search", 405).with("allow", "POST"),
            step(method, "/scim/v2/Nothing", 404),
            step(method, "/scim/v2/Users", 401).anonymous(),
            step(method, "/scim/v2/Users", 405).body(user("babs")),
        ]);
    }
    alike(&script);
}

#[test]
fn known_methods_where_they_do_not_belong() {
    alike(&[
        step("PUT", "/scim/v2/Users", 405).with("allow", "GET, HEAD, POST"),
        step("PATCH", "/scim/v2/Users", 405),
        step("DELETE", "/scim/v2/Users", 405),
        post("/scim/v2/Users/1", user("babs"), 405).with("allow", "GET, HEAD, PUT, PATCH, DELETE"),
        post("/scim/v2", user("babs"), 405).with("allow", "GET, HEAD"),
        get("/scim/v2/Bulk", 405).with("allow", "POST"),
        get("/scim/v2/Users/.search", 405).with("allow", "POST"),
        get("/scim/v2/Me", 501),
        post("/scim/v2/Me", user("babs"), 501),
    ]);
}

/// The override that some frameworks know is none here.
#[test]
fn a_method_in_a_header_changes_nothing() {
    alike(&[
        post("/scim/v2/Users", user("babs"), 201).keep("babs"),
        get("/scim/v2/Users/{babs.id}", 200).header("x-http-method-override", "DELETE"),
        get("/scim/v2/Users/{babs.id}", 200),
    ]);
}
