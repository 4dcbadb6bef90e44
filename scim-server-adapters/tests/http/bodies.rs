//! Bodies and their media types: what is missing, broken or too large (RFC 7644 §3.1, §8.1).

use crate::script::alike;
use crate::server::BODY_LIMIT;
use crate::step::{get, post, step, user};

#[test]
fn missing_and_empty() {
    alike(&[
        step("POST", "/scim/v2/Users", 400),
        step("POST", "/scim/v2/Users", 400).scim(),
        step("POST", "/scim/v2/Users", 400).scim().body(""),
        step("POST", "/scim/v2/Users", 400).scim().chunked("", 1),
        post("/scim/v2/Users", " ", 400),
        post("/scim/v2/Users", user("babs"), 201).keep("babs"),
        step("PUT", "/scim/v2/Users/{babs.id}", 400),
        step("PATCH", "/scim/v2/Users/{babs.id}", 400),
        step("POST", "/scim/v2/Bulk", 400),
        // A body that means nothing is no fault (RFC 9110 §9.3.1, §9.3.5).
        get("/scim/v2/Users/{babs.id}", 200).body("not asked for"),
        get("/scim/v2/Users/{babs.id}", 200).chunked("not asked for", 5),
        step("HEAD", "/scim/v2/Users?attributes=userName", 200).body("not asked for"),
        step("DELETE", "/scim/v2/Users/{babs.id}", 204).body("not asked for"),
    ]);
}

#[test]
fn media_types() {
    alike(&[
        step("POST", "/scim/v2/Users", 201).body(user("a")),
        step("POST", "/scim/v2/Users", 201).header("content-type", "").body(user("b")),
        step("POST", "/scim/v2/Users", 201)
            .header("content-type", "application/json; charset=utf-8")
            .body(user("c")),
        step("POST", "/scim/v2/Users", 201)
            .header("content-type", "Application/SCIM+JSON")
            .body(user("d")),
        step("POST", "/scim/v2/Users", 415).header("content-type", "text/plain").body(user("e")),
        step("POST", "/scim/v2/Users", 415)
            .header("content-type", "application/x-www-form-urlencoded")
            .body("userName=e"),
        step("POST", "/scim/v2/Users", 415)
            .header("content-type", "multipart/form-data; boundary=x")
            .body("--x--"),
        step("POST", "/scim/v2/Users", 415).header("content-type", "text/plain"),
        step("POST", "/scim/v2/Users", 201)
            .header("content-type", "\u{fc}")
            .body(user("no text, so no media type")),
        get("/scim/v2/Users?count=0", 200).header("content-type", "text/plain"),
        get("/scim/v2/Users?count=0", 200)
            .header("accept", "application/json")
            .with("content-type", "application/json"),
        get("/scim/v2/Users?count=0", 200)
            .header("accept", "text/html")
            .header("accept", "application/json;q=0.5")
            .header("accept", "application/scim+json")
            .with("content-type", "application/scim+json"),
        get("/scim/v2/Users/nobody", 404)
            .header("accept", "application/json")
            .with("content-type", "application/json"),
        // Nothing is compressed, whatever a client takes.
        get("/scim/v2/Schemas", 200)
            .header("accept-encoding", "gzip, br")
            .without("content-encoding"),
    ]);
}

#[test]
fn broken() {
    let mut script = Vec::new();
    for body in [
        &b"{"[..],
        b"[]",
        b"null",
        b"{\"userName\":\"a\",\"USERNAME\":\"b\"}",
        b"{\"userName\":\"\xff\xfe\"}",
        b"\xff\xfe{\0}\0",
        b"{\"userName\":\"\\ud800\"}",
        b"\xef\xbb\xbf",
        b"{\"userName\":\"a\0b\"}",
    ] {
        script.push(post("/scim/v2/Users", body, 400));
        script.push(step("POST", "/scim/v2/Users", 400).scim().chunked(body, 1));
    }
    alike(&script);
}

/// A user of exactly that many bytes.
fn user_of(name: &str, bytes: usize) -> Vec<u8> {
    let mut body = user(name).into_bytes();
    body.resize(bytes, b' ');
    body
}

#[test]
fn as_large_as_may_be_and_larger() {
    alike(&[
        post("/scim/v2/Users", user_of("a", BODY_LIMIT), 201),
        step("POST", "/scim/v2/Users", 201).scim().chunked(user_of("b", BODY_LIMIT), 1000),
        step("POST", "/scim/v2/Users", 201).scim().chunked(user_of("c", BODY_LIMIT), 7),
        post("/scim/v2/Users", user_of("d", BODY_LIMIT + 1), 413),
        step("POST", "/scim/v2/Users", 413).scim().chunked(user_of("e", BODY_LIMIT + 1), 1000),
        step("POST", "/scim/v2/Users", 413).scim().chunked(user_of("f", BODY_LIMIT + 1), 7),
        post("/scim/v2/Users", user_of("g", 4 << 20), 413),
        step("POST", "/scim/v2/Users", 413).scim().chunked(user_of("h", 4 << 20), 100_000),
        step("PUT", "/scim/v2/Users/nobody", 413).body(vec![b' '; BODY_LIMIT + 1]),
        get("/scim/v2/Users?count=0", 413)
            .header("accept", "application/json")
            .header("x-request-id", "too-large-1")
            .body(vec![b' '; BODY_LIMIT + 1])
            .with("content-type", "application/json")
            .with("x-request-id", "too-large-1"),
        step("HEAD", "/scim/v2/Users", 413).body(vec![b' '; BODY_LIMIT + 1]),
        get("/scim/v2/Users?attributes=userName", 200),
    ]);
}
