//! Paths: what the client sent is what the service sees, percent-encoding and slashes included.

use crate::script::alike;
use crate::step::{get, post, step, user};

#[test]
fn an_encoded_slash_belongs_to_the_id() {
    alike(&[
        post("/scim/v2/Users", user("babs"), 201).keep("babs"),
        get("/scim/v2/Users/a%2Fb", 404),
        get("/scim/v2/Users/a%2fb", 404),
        get("/scim/v2/Users/..%2FUsers%2F{babs.id}", 404),
        get("/scim/v2/Users%2F{babs.id}", 404),
        get("/scim/v2%2FUsers/{babs.id}", 404),
        get("/scim/v2/Users/%2F", 404),
        get("/scim/v2/Users/a/b", 404),
    ]);
}

#[test]
fn encoded_characters() {
    alike(&[
        post("/scim/v2/Users", user("babs"), 201).keep("babs"),
        // RFC 3986 §6.2.2.2: an encoded letter is that letter.
        get("/scim/v2/%55sers/{babs.id}", 200),
        get("/scim/%762/Users/{babs.id}", 200),
        get("/scim/v2/Users/a%20b", 404),
        get("/scim/v2/Users/a+b", 404),
        get("/scim/v2/Users/a%2Bb", 404),
        get("/scim/v2/Users/a%252Fb", 404),
        get("/scim/v2/Users/%C3%BC", 404),
        get("/scim/v2/Users/%", 404),
        get("/scim/v2/Users/%zz", 404),
        get("/scim/v2/Users/%3F", 404),
        get("/scim/v2/Users/%23", 404),
        get("/scim/v2/Users/a;b=c", 404),
        get("/scim/v2/Users/{babs.id};b=c", 404),
        get("/scim/v2/Users/{}|^\\[]\"'~", 404),
    ]);
}

#[test]
fn what_is_not_utf_8_or_holds_controls() {
    alike(&[
        get("/scim/v2/Users/%ff", 400),
        get("/scim/v2/Users/%C3%28", 400),
        get("/scim/%ff/Users", 400),
        // Overlong for `/`: no slash to anyone.
        get("/scim/v2/Users/%c0%af", 400),
        get("/scim/v2/Users/%00", 404),
        get("/scim/v2/Users/a%0d%0ab", 404),
    ]);
}

#[test]
fn slashes_doubled_trailing_and_dots() {
    alike(&[
        post("/scim/v2/Users", user("babs"), 201).keep("babs"),
        get("/scim/v2/Users/", 200),
        get("/scim/v2/Users//", 200),
        get("/scim/v2//Users", 200),
        get("/scim//v2/Users", 200),
        get("/scim///v2///Users///{babs.id}///", 200),
        get("/scim/v2/Users/{babs.id}/", 200),
        post("/scim/v2/Users/", user("jim"), 201),
        step("DELETE", "/scim//v2//Users//{babs.id}//", 204),
        get("/scim/v2/", 200),
        get("/scim/v2", 200),
        // Dots are no segments to leave out: nothing climbs.
        get("/scim/v2/./Users", 404),
        get("/scim/v2/Groups/../Users", 404),
        get("/scim/v2/../v2/Users", 404),
        get("/scim/v2/%2e%2e/v2/Users", 404),
    ]);
}

#[test]
fn versions_and_endpoints() {
    alike(&[
        post("/scim/v2/Users", user("babs"), 201).keep("babs"),
        // RFC 7644 §3.13: without a version the newest is meant.
        get("/scim", 200),
        get("/scim/", 200),
        get("/scim//", 200),
        get("/scim?", 200),
        get("/scim?count=0", 200),
        get("/scim/?count=0", 200),
        get("/scim/Users", 200),
        get("/scim/Users/{babs.id}", 200),
        get("/scim/v1/Users", 400),
        get("/scim/v20/Users", 400),
        get("/scim/V2/Users", 404),
        get("/scim/v2/v2/Users", 404),
        get("/scim/v2/users", 404),
        get("/scim/v2/USERS", 404),
        get("/scim/v2/Nothing", 404),
        get("/scim/v2/Users/1/2", 404),
        get("/scim/v2/ServiceProviderConfigs", 404),
        get("/scim/v2/Nothing", 401).anonymous(),
        get("/scim", 401).anonymous(),
    ]);
}

#[test]
fn outside_the_mount_the_framework_answers() {
    alike(&[
        get("/v2/Users", 404).by_framework(),
        get("/", 404).by_framework(),
        get("/scimitar/v2/Users", 404).by_framework(),
        get("//scim/v2/Users", 404).by_framework(),
        get("/SCIM/v2/Users", 404).by_framework(),
        post("/v2/Users", user("babs"), 404).by_framework(),
    ]);
}

/// RFC 9112 §3.2.2: servers take the absolute form too. The authority has no say.
#[test]
fn the_absolute_form() {
    alike(&[
        post("http://other.example/scim/v2/Users", user("babs"), 201).keep("babs"),
        get("http://other.example/scim/v2/Users/{babs.id}?attributes=userName", 200),
        get("http://other.example/scim/v2//Users/a%2Fb", 404),
    ]);
}

#[test]
fn long_paths() {
    alike(&[
        get(format!("/scim/v2/Users/{}", "x".repeat(60 << 10)), 404),
        get(format!("/scim/v2/Users/{}", "%2F".repeat(20 << 10)), 404),
        get(format!("/scim/v2/{}", "a/".repeat(30 << 10)), 404),
        get(format!("/scim{}/v2/Users", "/".repeat(60 << 10)), 200),
    ]);
}
