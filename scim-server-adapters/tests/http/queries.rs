//! The query of a URL (RFC 7644 §3.4.2), and its other form in a body (§3.4.3).

use crate::script::alike;
use crate::step::{Step, get, group, post, user};

fn three_users() -> Vec<Step> {
    vec![
        post("/scim/v2/Users", user("babs jensen"), 201).keep("babs"),
        post("/scim/v2/Users", user("a+b"), 201),
        post("/scim/v2/Users", user("jürgen"), 201),
    ]
}

fn after_three_users(script: impl IntoIterator<Item = Step>) {
    let mut all = three_users();
    all.extend(script);
    alike(&all);
}

#[test]
fn spaces_and_plus_signs() {
    after_three_users([
        get("/scim/v2/Users?filter=userName+eq+%22babs+jensen%22", 200),
        get("/scim/v2/Users?filter=userName%20eq%20%22babs%20jensen%22", 200),
        get("/scim/v2/Users?filter=userName%20eq%20%22babs+jensen%22", 200),
        get("/scim/v2/Users?filter=userName+eq+%22a%2Bb%22", 200),
        get("/scim/v2/Users?filter=userName+eq+%22a+b%22", 200),
        get("/scim/v2/Users?filter=userName+eq+%22j%C3%BCrgen%22", 200),
        get("/scim/v2/Users?filter=userName%09eq%09%22a%22", 400),
    ]);
}

#[test]
fn what_is_not_utf_8_or_not_encoded() {
    after_three_users([
        get("/scim/v2/Users?filter=%ff", 400),
        get("/scim/v2/Users?%ff=1", 400),
        get("/scim/v2/Users?filter=userName+eq+%22%00%22", 400),
        get("/scim/v2/Users?filter=%", 400),
        get("/scim/v2/Users?filter=%zz", 400),
        get("/scim/v2/Users?filter=userName+sw+%22%22+%zz", 400),
        // Characters that should have been encoded, and are understood all the same.
        get("/scim/v2/Users?filter=emails[type+eq+%22work%22]", 200),
        get("/scim/v2/Users?filter=(userName+eq+%22{a|b^c`d\\\\e}'~%22)", 200),
        // The fragment is the client's own, and no server sees what follows.
        get("/scim/v2/Users?count=1#count=nonsense", 200),
    ]);
}

/// HTTP itself has no place for them in a URL (RFC 3986 §2), so no request comes of it.
#[test]
fn quotes_that_are_not_encoded() {
    alike(&[
        get("/scim/v2/Users?filter=userName+eq+\"babs\"", 400).by_framework(),
        get("/scim/v2/Users?filter=userName+eq+<babs>", 400).by_framework(),
        get("/scim/v2/Users/`babs`", 400).by_framework(),
        get("/scim/v2/Users?filter=userName eq %22babs%22", 400).by_framework(),
    ]);
}

#[test]
fn separators_too_many() {
    after_three_users([
        get("/scim/v2/Users?", 200),
        get("/scim/v2/Users?&", 200),
        get("/scim/v2/Users?count=1&", 200),
        get("/scim/v2/Users?count=1?", 200),
        get("/scim/v2/Users?&&count=1&&startIndex=2&&", 200),
        get("/scim/v2/Users??count=1", 200),
        get("/scim/v2/Users?count=1&count=2", 400),
        get("/scim/v2/Users?count", 400),
        get("/scim/v2/Users?count=", 400),
        get("/scim/v2/Users?=1", 200),
        get("/scim/v2/Users/{babs.id}?", 200),
        get("/scim/v2/Users/?count=1", 200),
    ]);
}

#[test]
fn many_parameters_and_long_ones() {
    let many: String = (0..2_000).map(|i| format!("unknown{i}=x&")).collect();
    let attributes: String = "attributes=userName&".repeat(2_000);
    after_three_users([
        get(format!("/scim/v2/Users?{many}count=1"), 200),
        get(format!("/scim/v2/Users?{attributes}"), 200),
        get(format!("/scim/v2/Users?{}", "&".repeat(60 << 10)), 200),
        get(format!("/scim/v2/Users?filter={}", "(".repeat(60 << 10)), 400),
        get(format!("/scim/v2/Users?filter=title+pr{}", "+or+title+pr".repeat(1_000)), 200),
        get(format!("/scim/v2/Users?filter=userName+eq+%22{}%22", "a".repeat(60 << 10)), 200),
        get(format!("/scim/v2/Users?filter=userName+eq+%22{}%22", "a".repeat(1_000)), 200),
    ]);
}

#[test]
fn lists() {
    after_three_users([
        post("/scim/v2/Groups", group("Guides", "{babs.id}"), 201),
        get("/scim/v2/Users", 200),
        get("/scim/v2/Groups", 200),
        get("/scim/v2", 200),
        get("/scim/v2/Users?count=0", 200),
        get("/scim/v2/Users?startIndex=2&count=1", 200),
        get("/scim/v2/Users?startIndex=-5&count=-5", 200),
        get("/scim/v2/Users?startIndex=9", 200),
        get("/scim/v2/Users?count=many", 400),
        get("/scim/v2/Users?sortBy=userName&sortOrder=descending", 200),
        get("/scim/v2/Users?sortBy=userName&sortOrder=sideways", 400),
        get("/scim/v2/Users?attributes=userName,emails", 200),
        get("/scim/v2/Users?excludedAttributes=meta,displayName", 200),
        get("/scim/v2/Users?attributes=userName&excludedAttributes=emails", 400),
        get("/scim/v2/Users?filter=password+eq+%22x%22", 403),
        get("/scim/v2/Users?filter=userName+xx+%22x%22", 400),
        get("/scim/v2?filter=displayName+co+%22e%22", 200),
    ]);
}

#[test]
fn cursors() {
    after_three_users([
        get("/scim/v2/Users?cursor&count=2&sortBy=userName", 200).keep("page"),
        get("/scim/v2/Users?cursor={page.nextCursor}&count=2&sortBy=userName", 200),
        get("/scim/v2/Users?cursor={page.nextCursor}&count=1&sortBy=userName", 400),
        get("/scim/v2/Users?cursor={page.nextCursor}&count=2", 400),
        get("/scim/v2/Users?cursor=forged&count=2", 400),
        get("/scim/v2/Users?cursor=&count=2000", 400),
    ]);
}

#[test]
fn searches() {
    let search = |members: &str| {
        format!(
            r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],{members}}}"#
        )
    };
    after_three_users([
        post("/scim/v2/Users/.search", search(r#""filter":"userName eq \"a+b\"""#), 200),
        post("/scim/v2/.search", search(r#""attributes":["displayName"],"count":2"#), 200),
        post("/scim/v2/Users/.search", search(r#""filter":"password pr""#), 400),
        post("/scim/v2/Users/.search/", search(r#""sortBy":"userName""#), 200),
        post("/scim/v2/Users/%2Esearch", search(r#""count":1"#), 200),
        post("/scim/v2/Users/.search?count=1", search(r#""count":2"#), 200),
        post("/scim/v2/Users/.search", "", 400),
        post("/scim/v2/Users/.search", "[]", 400),
    ]);
}
