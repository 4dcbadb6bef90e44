//! Resources from their creation to their end (RFC 7644 §3.3 to §3.7).

use crate::script::alike;
use crate::step::{get, group, patch, post, put, step, user};

#[test]
fn a_user() {
    let title = r#"[{"op":"add","path":"title","value":"Guide"}]"#;
    alike(&[
        post("/scim/v2/Users", user("babs"), 201)
            .keep("babs")
            .with("etag", "W/\"1\"")
            .with("content-type", "application/scim+json"),
        post("/scim/v2/Users", user("BABS"), 409),
        post("/scim/v2/Users?attributes=userName", user("jim"), 201),
        post("/scim/v2/Users", "{\"schemas\":[]}", 400),
        get("/scim/v2/Users/{babs.id}", 200),
        get("/scim/v2/Users/{babs.id}?attributes=userName", 200),
        put("/scim/v2/Users/{babs.id}", user("barbara"), 200).with("etag", "W/\"2\""),
        put("/scim/v2/Users/nobody", user("x"), 404),
        patch("/scim/v2/Users/{babs.id}", title, 200).with("etag", "W/\"3\""),
        patch("/scim/v2/Users/{babs.id}", r#"[{"op":"replace","path":"id","value":"1"}]"#, 400),
        patch("/scim/v2/Users/{babs.id}", r#"[{"op":"remove"}]"#, 400),
        step("DELETE", "/scim/v2/Users/{babs.id}", 204).without("etag"),
        step("DELETE", "/scim/v2/Users/{babs.id}", 404),
        get("/scim/v2/Users/{babs.id}", 404),
    ]);
}

#[test]
fn a_group() {
    alike(&[
        post("/scim/v2/Users", user("babs"), 201).keep("babs"),
        post("/scim/v2/Groups", group("Guides", "{babs.id}"), 201).keep("guides"),
        get("/scim/v2/Groups/{guides.id}", 200),
        get("/scim/v2/Users/{babs.id}", 200),
        // Patching a group answers 204 here, unless attributes are asked for.
        patch("/scim/v2/Groups/{guides.id}", r#"[{"op":"remove","path":"members"}]"#, 204)
            .with("etag", "W/\"2\""),
        patch(
            "/scim/v2/Groups/{guides.id}?attributes=members",
            r#"[{"op":"add","path":"members","value":[{"value":"{babs.id}"}]}]"#,
            200,
        ),
        step("DELETE", "/scim/v2/Users/{babs.id}", 204),
        get("/scim/v2/Groups/{guides.id}", 200).with("etag", "W/\"4\""),
    ]);
}

#[test]
fn several_at_once() {
    let bulk = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[
        {"method":"POST","path":"/Groups","bulkId":"g","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName":"Guides","members":[{"value":"bulkId:u"}]}},
        {"method":"POST","path":"/Users","bulkId":"u","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"babs"}},
        {"method":"DELETE","path":"/Users/nobody"}]}"#;
    alike(&[
        post("/scim/v2/Bulk", bulk, 200),
        post("/scim/v2/Bulk/", "{}", 400),
        get("/scim/v2", 200),
    ]);
}

/// No answer is cut, however many buffers it fills.
#[test]
fn many() {
    let mut script: Vec<_> =
        (0..200).map(|i| post("/scim/v2/Users", user(&format!("user{i:03}")), 201)).collect();
    script.push(get("/scim/v2/Users?count=200", 200));
    alike(&script);
}
