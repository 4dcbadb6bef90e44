//! Bodies made to hurt: each is a SCIM error, on the 2 MiB stack that a server's threads have.

use std::thread;

use scim_core::messages::BulkRequest;
use scim_core::schema::{ENTERPRISE_USER_URN, USER_URN};
use scim_core::{
    Ingest, Origin, PatchOp, Profile, Registry, ResourceType, Schema, ScimError, ScimType,
    SearchRequest, json,
};

fn on_a_small_stack(check: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(2 << 20).spawn(check).unwrap();
    thread.join().unwrap();
}

/// Every way in for bytes from outside.
fn every_reader(body: &[u8]) -> Vec<Result<(), ScimError>> {
    let user = ResourceType::user();
    let mut results = Vec::new();
    for profile in [Profile::STRICT, Profile::INTEROP] {
        for origin in [Origin::Request, Origin::Patch, Origin::Representation] {
            let mut ingest = Ingest::new(&user, &profile, origin);
            results.push(ingest.resource(body).map(drop));
        }
        results.push(PatchOp::parse(body, &profile).map(drop));
        results.push(SearchRequest::parse(body, &profile).map(drop));
        results.push(BulkRequest::parse(body, &profile).map(drop));
    }
    if let Ok(text) = std::str::from_utf8(body) {
        results.push(Schema::from_json(text).map(drop));
        results.push(Registry::builtin().add_resource_type_json(text).map(drop));
    }
    results.push(json::parse(body).map(drop));
    results
}

fn refused(body: impl AsRef<[u8]>, detail: &str) {
    let body = body.as_ref().to_vec();
    let detail = detail.to_owned();
    on_a_small_stack(move || {
        for result in every_reader(&body) {
            let error = result.unwrap_err();
            assert_eq!((error.status(), error.scim_type()), (400, Some(ScimType::InvalidSyntax)));
            assert!(error.detail().contains(&detail), "`{detail}` is not in: {error}");
            // Nothing hostile is sent back in full.
            assert!(error.detail().len() < 400, "{error}");
        }
    });
}

fn user(member: &str) -> String {
    format!(r#"{{"schemas": ["{USER_URN}"], "userName": "bjensen", {member}}}"#)
}

#[test]
fn json_nested_10_000_deep() {
    for (open, middle, close) in
        [("[", "1", "]"), (r#"{"a":"#, "1", "}"), ("[", "", ""), ("[[{\"a\":", "", "")]
    {
        let nested = format!("{}{middle}{}", open.repeat(10_000), close.repeat(10_000));
        refused(&nested, "recursion limit exceeded");
        refused(user(&format!(r#""name": {nested}"#)), "recursion limit exceeded");
        refused(user(&format!(r#""unknown": {nested}"#)), "recursion limit exceeded");
        refused(user(&format!(r#""meta": {nested}"#)), "recursion limit exceeded");
    }
    refused("[".repeat(1 << 20), "recursion limit exceeded");
    refused(r#"{"":"#.repeat(1 << 20), "recursion limit exceeded");
}

#[test]
fn json_nested_as_deep_as_is_allowed() {
    on_a_small_stack(|| {
        let deep = format!("{}1{}", "[".repeat(126), "]".repeat(126));
        assert!(json::parse(user(&format!(r#""unknown": {deep}"#)).as_bytes()).is_ok());
        let urns = format!(r#"{{"{USER_URN}":"#);
        let deep = format!("{}{{\"title\": \"x\"}}{}", urns.repeat(120), "}".repeat(120));
        let user = ResourceType::user();
        for body in [&deep, &self::user(&format!(r#""unknown": {deep}"#))] {
            let mut ingest = Ingest::new(&user, &Profile::INTEROP, Origin::Patch);
            assert!(ingest.resource(body.as_bytes()).is_ok());
        }
        for _ in every_reader(deep.as_bytes()) {}
    });
}

#[test]
fn text_that_is_not_json() {
    for (body, detail) in [
        ("", "EOF"),
        (" \n ", "EOF"),
        ("{", "EOF"),
        ("nul", "EOF"),
        ("{} {}", "trailing characters at line 1 column 4"),
        ("{\"a\": 1,}", "trailing comma"),
        ("{'a': 1}", "key must be a string"),
        ("\u{feff}{}", "expected value"),
        ("// x\n{}", "expected value"),
        ("{\"a\": NaN}", "expected value"),
        ("{\"a\": Infinity}", "expected value"),
        ("{\"a\": 01}", "invalid number"),
        ("{\"a\": \"\n\"}", "control character"),
    ] {
        refused(body, detail);
    }
    for body in ["[]", "1", "\"x\"", "null", "true"] {
        on_a_small_stack(move || {
            // It is JSON, and no object.
            let mut results = every_reader(body.as_bytes());
            assert!(results.pop().unwrap().is_ok());
            for result in results {
                assert!(result.unwrap_err().detail().contains("expected an object"));
            }
        });
    }
}

#[test]
fn text_that_is_not_unicode() {
    for bytes in [&b"\xff"[..], b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xc0\x80"] {
        let [before, after] = [&b"{\"userName\": \""[..], b"\"}"];
        refused([before, bytes, after].concat(), "invalid unicode code point");
        refused([&b"{\""[..], bytes, b"\": 1}"].concat(), "invalid unicode code point");
        refused([&b"{"[..], bytes, b"}"].concat(), "key must be a string");
    }
    for escape in ["\\ud800", "\\udc00", "\\ud800\\u0041", "\\ud800\\ud800", "\\udbffx"] {
        refused(user(&format!(r#""title": "{escape}""#)), "hex escape");
        refused(user(&format!(r#""unknown": ["{escape}"]"#)), "hex escape");
        refused(user(&format!(r#""{escape}": 1"#)), "hex escape");
    }
    on_a_small_stack(|| {
        let body = user(r#""title": "\ud83d\ude00""#);
        let user = ResourceType::user();
        let mut ingest = Ingest::new(&user, &Profile::STRICT, Origin::Request);
        let resource = ingest.resource(body.as_bytes()).unwrap();
        assert_eq!(resource.get("title").unwrap(), "\u{1f600}");
    });
}

#[test]
fn u_0000_in_keys_and_strings() {
    let detail = "U+0000 is not allowed in text";
    refused(user(r#""title": "a\u0000b""#), detail);
    refused(user(r#""unknown": [{"x": "\u0000"}]"#), detail);
    refused(user(r#""a\u0000": 1"#), detail);
    refused(user(r#""name": {"\u0000": 1}"#), detail);
    refused(user("\"title\": \"a\0b\""), "control character");
}

#[test]
fn keys_that_come_twice() {
    let detail = "key `title` appears twice";
    refused(user(r#""title": "a", "title": "b""#), detail);
    refused(user(r#""title": "a", "title": "a""#), detail);
    refused(user(r#""title": null, "title": "b""#), detail);
    refused(user(r#""unknown": [{"title": 1, "title": 2}]"#), detail);
    refused(user(r#""title": 1, "\u0074itle": 2"#), detail);
    let key = "k".repeat(100_000);
    refused(format!(r#"{{"{key}": 1, "{key}": 2}}"#), "… appears twice".trim_start_matches("… "));
}

#[test]
fn keys_that_differ_only_in_case() {
    let detail = "appears twice, in different case";
    refused(user(r#""title": "a", "TITLE": "b""#), detail);
    // Whatever they hold, and wherever they stand.
    refused(user(r#""title": null, "Title": null"#), detail);
    refused(user(r#""ID": "1", "id": "2""#), detail);
    refused(user(r#""unknown": 1, "Unknown": 2"#), detail);
    refused(user(r#""name": {"givenName": "a", "givenname": "b"}"#), detail);
    refused(user(r#""emails": [{"value": "a", "VALUE": "b"}]"#), detail);
    let urn = ENTERPRISE_USER_URN;
    refused(user(&format!(r#""{urn}": {{}}, "{}": {{}}"#, urn.to_uppercase())), detail);
    // Among many.
    let many: Vec<String> = (0..100_000).map(|i| format!(r#""key{i}": {i}"#)).collect();
    refused(user(&format!(r#"{}, "KEY77777": 1"#, many.join(", "))), detail);
    on_a_small_stack(move || {
        let body = user(&many.join(", "));
        let user = ResourceType::user();
        let mut ingest = Ingest::new(&user, &Profile::INTEROP, Origin::Request);
        assert_eq!(ingest.resource(body.as_bytes()).unwrap().attributes().len(), 1);
    });
}

#[test]
fn numbers_that_no_computer_holds() {
    for number in ["1e999", "-1e999", "1e999999999999999999999"] {
        refused(user(&format!(r#""unknown": {number}"#)), "number out of range");
    }
    let digits = "9".repeat(400);
    refused(user(&format!(r#""unknown": [{digits}]"#)), "number out of range");
    refused(user(&format!(r#""unknown": -{digits}.5"#)), "number out of range");
    on_a_small_stack(|| {
        // A number that is one, and too large for the attribute, is a fault of the value.
        let device = crate::device::resource_type();
        for number in ["9223372036854775808", "99999999999999999999", "1e300", "0.5"] {
            let body = format!(r#"{{"slots": {number}}}"#);
            let mut ingest = Ingest::new(&device, &Profile::INTEROP, Origin::Patch);
            let error = ingest.resource(body.as_bytes()).unwrap_err();
            assert_eq!(error.scim_type(), Some(ScimType::InvalidValue), "{error}");
            assert!(error.detail().starts_with("`slots`: `"), "{error}");
        }
    });
}

/// Text within text within text, and objects of a great many keys within text.
#[test]
fn json_in_strings_without_end() {
    on_a_small_stack(|| {
        let mut inner = r#"{"value": "x"}"#.to_owned();
        for _ in 0..14 {
            inner = format!(r#"{{"value": {}}}"#, serde_json::Value::from(inner));
        }
        let many: Vec<String> = (0..50_000).map(|i| format!(r#""key{i}": {i}"#)).collect();
        let broad = format!(r#"{{"value": "x", {}}}"#, many.join(", "));
        for text in [inner, broad] {
            let text = serde_json::Value::from(text);
            let outer = many.join(", ");
            let body = user(&format!(r#""roles": [{{"value": {text}, {outer}}}]"#));
            let user = ResourceType::user();
            let mut ingest = Ingest::new(&user, &Profile::ENTRA, Origin::Request);
            let resource = ingest.resource(body.as_bytes()).unwrap();
            assert_eq!(resource.get("roles.value").unwrap(), "x");
        }
        // In place of the elements, too.
        let deep = format!("{}{}", "[".repeat(1 << 20), "]".repeat(1 << 20));
        let text = serde_json::Value::from(deep.as_str());
        let body = user(&format!(r#""roles": {text}"#));
        let user_type = ResourceType::user();
        let mut ingest = Ingest::new(&user_type, &Profile::ENTRA, Origin::Patch);
        let resource = ingest.resource(body.as_bytes()).unwrap();
        assert_eq!(resource.get("roles.value"), Some(&text));
        // Not even JSON at the bottom: it stays text.
        let text = serde_json::Value::from("{".repeat(1 << 20));
        let body = user(&format!(r#""roles": [{{"value": {text}}}]"#));
        let user = ResourceType::user();
        let mut ingest = Ingest::new(&user, &Profile::ENTRA, Origin::Request);
        let resource = ingest.resource(body.as_bytes()).unwrap();
        assert_eq!(resource.get("roles.value"), Some(&text));
    });
}
