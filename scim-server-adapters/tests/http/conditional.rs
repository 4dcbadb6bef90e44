//! Conditional requests (RFC 7644 §3.14, RFC 9110 §13).

use crate::script::alike;
use crate::step::{get, patch, post, put, step, user};

#[test]
fn reading() {
    alike(&[
        post("/scim/v2/Users", user("babs"), 201).keep("babs").with("etag", "W/\"1\""),
        get("/scim/v2/Users/{babs.id}", 304)
            .header("if-none-match", "{babs.etag}")
            .with("etag", "W/\"1\""),
        get("/scim/v2/Users/{babs.id}", 304).header("if-none-match", "*"),
        get("/scim/v2/Users/{babs.id}", 304).header("if-none-match", "\"8\", \"1\""),
        // Twice the same header is one list (RFC 9110 §5.3).
        get("/scim/v2/Users/{babs.id}", 304)
            .header("if-none-match", "\"8\"")
            .header("if-none-match", "\"1\""),
        get("/scim/v2/Users/{babs.id}", 200).header("if-none-match", "\"8\""),
        get("/scim/v2/Users/{babs.id}", 412).header("if-match", "\"8\""),
        get("/scim/v2/Users/{babs.id}", 200).header("if-match", "\"1\""),
        get("/scim/v2/Users/{babs.id}", 200).header("if-match", ""),
        get("/scim/v2/Users/{babs.id}", 400).header("if-match", "no tag"),
        step("HEAD", "/scim/v2/Users/{babs.id}", 304).header("if-none-match", "*"),
    ]);
}

#[test]
fn writing() {
    let rename = r#"[{"op":"replace","path":"displayName","value":"Babs"}]"#;
    alike(&[
        post("/scim/v2/Users", user("babs"), 201).keep("babs"),
        put("/scim/v2/Users/{babs.id}", user("babs"), 412).header("if-match", "\"9\""),
        patch("/scim/v2/Users/{babs.id}", rename, 412).header("if-match", "\"9\""),
        step("DELETE", "/scim/v2/Users/{babs.id}", 412).header("if-match", "\"9\""),
        patch("/scim/v2/Users/{babs.id}", rename, 412).header("if-none-match", "*"),
        patch("/scim/v2/Users/{babs.id}", rename, 200)
            .header("if-match", "{babs.etag}")
            .with("etag", "W/\"2\""),
        put("/scim/v2/Users/{babs.id}", user("babs"), 412).header("if-match", "{babs.etag}"),
        step("DELETE", "/scim/v2/Users/{babs.id}", 204).header("if-match", "W/\"2\""),
        step("DELETE", "/scim/v2/Users/{babs.id}", 404).header("if-match", "*"),
    ]);
}
