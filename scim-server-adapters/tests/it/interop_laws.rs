//! A tolerance never changes the meaning of a correct request: what `STRICT` takes, `INTEROP` takes
//! likewise, and no quirk fires. So does every preset, but for two quirks that are in Entra's;
//! these, and where `INTEROP` answers otherwise than with an error of the RFC's, are shown at the end.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use scim_core::{Choice, Profile, Quirk, Validation};
use serde_json::{Map, Value, json};

use crate::client::{Client, ENTERPRISE, GROUP, PATCH_OP, USER, builder};

/// A request, in which `$0` is the id of the first resource that was made, and so on.
#[derive(Clone, Debug)]
struct Request {
    method: &'static str,
    path: String,
    body: Option<Value>,
}

/// Texts, among them those that mean something elsewhere.
fn text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "True",
        "false",
        "null",
        "{}",
        "[]",
        "[\"a\"]",
        "{\"a\":1}",
        "a.b",
        "not",
        "1",
        "-0",
        " x ",
        "\"quoted\"",
        "Replace",
        "name.givenName",
        "urn:scim:schemas:core:1.0",
        "",
        r#"{"value":"1"}"#,
        r#"{"id":"25","value":"25","displayName":"Tour Guide"}"#,
        "ÄÖ",
        "Straße",
    ]);
    prop_oneof![odd.prop_map(str::to_owned), "[a-c]{1,3}"]
}

fn element() -> impl Strategy<Value = Value> {
    let kind = prop::option::of(prop::sample::select(vec!["work", "home", "other"]));
    (text(), kind, any::<Option<bool>>()).prop_map(|(value, kind, primary)| {
        let mut element = json!({"value": value});
        if let Some(kind) = kind {
            element["type"] = json!(kind);
        }
        // Several primary ones are an error.
        if primary == Some(false) {
            element["primary"] = json!(false);
        }
        element
    })
}

fn elements() -> impl Strategy<Value = Value> {
    prop::collection::vec(element(), 0..3).prop_map(Value::Array)
}

fn name() -> impl Strategy<Value = Value> {
    (text(), prop::option::of(text())).prop_map(|(given, family)| match family {
        Some(family) => json!({"givenName": given, "familyName": family}),
        None => json!({"givenName": given}),
    })
}

/// An attribute and a value of its type, with `null` and `[]` where they are values.
fn attribute() -> impl Strategy<Value = (String, Value)> {
    let named = |name: &'static str| move |value: Value| (name.to_owned(), value);
    let texts = prop::sample::select(vec!["title", "displayName", "nickName", "externalId"]);
    prop_oneof![
        (texts, text()).prop_map(|(name, text)| (name.to_owned(), json!(text))),
        any::<bool>().prop_map(|b| ("active".to_owned(), json!(b))),
        name().prop_map(named("name")),
        elements().prop_map(named("emails")),
        elements().prop_map(named("roles")),
        Just(("title".to_owned(), Value::Null)),
        Just(("emails".to_owned(), json!([]))),
        (text(), 0..3usize).prop_map(|(department, manager)| {
            let manager = format!("${manager}");
            (
                ENTERPRISE.to_owned(),
                json!({"department": department, "manager": {"value": manager}}),
            )
        }),
    ]
}

/// Attribute names in the case of the schema and in others (RFC 7643 §2.1).
fn spelt(name: String, upper: bool) -> String {
    if upper && !name.contains(':') { name.to_uppercase() } else { name }
}

fn object() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec((attribute(), any::<bool>()), 0..4).prop_map(|attributes| {
        let mut object = Map::new();
        for ((name, value), upper) in attributes {
            if !object.keys().any(|key: &String| key.eq_ignore_ascii_case(&name)) {
                object.insert(spelt(name, upper), value);
            }
        }
        object
    })
}

fn user() -> impl Strategy<Value = Value> {
    (object(), 0..5u8).prop_map(|(mut object, n)| {
        object.insert("userName".into(), json!(format!("user{n}")));
        let mut schemas = vec![USER];
        if object.contains_key(ENTERPRISE) {
            schemas.push(ENTERPRISE);
        }
        object.insert("schemas".into(), json!(schemas));
        Value::Object(object)
    })
}

fn user_operation() -> impl Strategy<Value = Value> {
    let op = prop::sample::select(vec!["add", "replace"]);
    let paths = vec![
        "title",
        "name",
        "name.familyName",
        "emails",
        "roles",
        "emails.display",
        "active",
        r#"emails[type eq "work"]"#,
        r#"emails[value co "a"].display"#,
        r#"roles[not (value eq "a")]"#,
        r#"emails[type eq "work" and value sw "b"].type"#,
    ];
    let inner = prop::sample::select(vec![
        (r#"emails[type eq "work"].value"#, "x"),
        (r#"emails[type ne "home"].display"#, "True"),
        (r#"roles[value eq "a"].display"#, "{}"),
        ("name.givenName", "false"),
    ]);
    prop_oneof![
        (op.clone(), attribute())
            .prop_map(|(op, (path, value))| { json!({"op": op, "path": path, "value": value}) }),
        (op.clone(), object()).prop_map(|(op, value)| json!({"op": op, "value": value})),
        (op, inner).prop_map(|(op, (path, value))| json!({"op": op, "path": path, "value": value})),
        prop::sample::select(paths).prop_map(|path| json!({"op": "remove", "path": path})),
        Just(json!({"op": "remove", "path": format!("{ENTERPRISE}:manager")})),
        Just(json!({"op": "remove", "path": ENTERPRISE})),
    ]
}

fn group_operation() -> impl Strategy<Value = Value> {
    let members = prop::collection::vec(0..5usize, 0..3);
    let members = members.prop_map(|members| {
        members.iter().map(|n| json!({"value": format!("${n}")})).collect::<Value>()
    });
    let op = prop::sample::select(vec!["add", "replace"]);
    prop_oneof![
        (op.clone(), members.clone())
            .prop_map(|(op, members)| json!({"op": op, "path": "members", "value": members})),
        (op.clone(), members)
            .prop_map(|(op, members)| json!({"op": op, "value": {"members": members}})),
        (op, text()).prop_map(|(op, t)| json!({"op": op, "path": "displayName", "value": t})),
        (0..5usize)
            .prop_map(|n| json!({"op": "remove", "path": format!("members[value eq \"${n}\"]")})),
        Just(json!({"op": "remove", "path": "members"})),
    ]
}

fn filter() -> impl Strategy<Value = String> {
    let operand = text().prop_map(|text| Value::String(text).to_string()).boxed();
    let texts =
        prop::sample::select(vec!["userName", "title", "emails.value", "emails", "externalId"]);
    let operator = prop::sample::select(vec!["eq", "ne", "co", "sw", "ew"]);
    let simple = prop_oneof![
        (texts.clone(), operator, operand.clone()).prop_map(|(a, o, v)| format!("{a} {o} {v}")),
        texts.prop_map(|a| format!("{a} pr")),
        any::<bool>().prop_map(|b| format!("active eq {b}")),
        operand.clone().prop_map(|v| format!(r#"emails[type eq "work" and value eq {v}]"#)),
        operand.prop_map(|v| format!("{ENTERPRISE}:department eq {v}")),
        Just("title eq null".to_owned()),
    ]
    .boxed();
    (simple.clone(), simple, 0..4u8).prop_map(|(a, b, form)| match form {
        0 => a,
        1 => format!("not ({a})"),
        2 => format!("{a} and ({b} or {a})"),
        _ => format!("{a} or {b}"),
    })
}

fn request() -> impl Strategy<Value = Request> {
    let new = |method, path: String, body| Request { method, path, body };
    let message = |operations: Vec<Value>| json!({"schemas": [PATCH_OP], "Operations": operations});
    prop_oneof![
        2 => user().prop_map(move |body| new("POST", "/Users".into(), Some(body))),
        1 => (text(), prop::collection::vec(0..4usize, 0..3)).prop_map(move |(name, members)| {
            let members: Value = members.iter().map(|n| json!({"value": format!("${n}")})).collect();
            let body = json!({"schemas": [GROUP], "displayName": name, "members": members});
            new("POST", "/Groups".into(), Some(body))
        }),
        2 => (0..4usize, user()).prop_map(move |(n, body)| new("PUT", format!("/Users/${n}"), Some(body))),
        5 => (0..4usize, prop::collection::vec(user_operation(), 1..4))
            .prop_map(move |(n, o)| new("PATCH", format!("/Users/${n}"), Some(message(o)))),
        3 => (0..4usize, prop::collection::vec(group_operation(), 1..4))
            .prop_map(move |(n, o)| new("PATCH", format!("/Groups/${n}"), Some(message(o)))),
        1 => (0..4usize).prop_map(move |n| new("DELETE", format!("/Users/${n}"), None)),
        2 => filter().prop_map(move |filter| {
            let body = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": filter,
            });
            new("POST", "/Users/.search".into(), Some(body))
        }),
    ]
}

/// A server under a profile, and the ids it gave.
struct Side {
    client: Client,
    ids: Vec<String>,
    fired: Arc<Mutex<Vec<String>>>,
}

impl Side {
    fn new(profile: Profile) -> Self {
        let fired: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = Arc::clone(&fired);
        let service = builder()
            .profile(profile)
            .on_quirks(move |t| heard.lock().unwrap().push(t.quirks.to_string()))
            .build();
        Self { client: Client::of(service), ids: Vec::new(), fired }
    }

    /// The status, and the answer with `$n` for ids and without dates.
    async fn send(&mut self, request: &Request) -> (u16, String) {
        let mut path = request.path.clone();
        let mut body = request.body.as_ref().map(Value::to_string).unwrap_or_default();
        for (n, id) in self.ids.iter().enumerate() {
            path = path.replace(&format!("${n}"), id);
            body = body.replace(&format!("${n}"), id);
        }
        let answer = self.client.send(request.method, &path, &[], body).await;
        let mut json = if answer.text.is_empty() { Value::Null } else { answer.json() };
        if answer.status == 201 {
            self.ids.push(answer.id());
        }
        without_dates(&mut json);
        let mut text = json.to_string();
        for (n, id) in self.ids.iter().enumerate() {
            text = text.replace(id, &format!("${n}"));
        }
        (answer.status.as_u16(), text)
    }
}

fn without_dates(json: &mut Value) {
    match json {
        Value::Object(object) => {
            object.remove("created");
            object.remove("lastModified");
            object.values_mut().for_each(without_dates);
        }
        Value::Array(elements) => elements.iter_mut().for_each(without_dates),
        _ => {}
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Runs the requests under `STRICT`, and those it takes under the other; how many there were.
async fn run(profile: Profile, requests: &[Request]) -> usize {
    let (mut strict, mut other) = (Side::new(Profile::STRICT), Side::new(profile));
    let mut taken = 0;
    for request in requests {
        let by_strict = strict.send(request).await;
        if by_strict.0 >= 300 {
            continue;
        }
        taken += 1;
        let by_other = other.send(request).await;
        assert_eq!(by_other, by_strict, "{}: {request:?}", profile.name());
    }
    assert!(strict.fired.lock().unwrap().is_empty());
    let fired = other.fired.lock().unwrap().clone();
    assert!(fired.is_empty(), "{}: {fired:?} fired for {requests:?}", profile.name());
    taken
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_strict_takes_interop_takes_likewise(requests in prop::collection::vec(request(), 1..14)) {
        block_on(run(Profile::INTEROP, &requests));
    }

    /// But for what a preset means beyond quirks, and for the quirks that `INTEROP` has for bent
    /// requests only.
    #[test]
    fn what_strict_takes_every_preset_takes_likewise(
        requests in prop::collection::vec(request(), 1..8),
    ) {
        for preset in Profile::PRESETS {
            let apart = Profile::INTEROP.quirks_of_bent_messages();
            let plain = apart
                .iter()
                .fold(preset, Profile::without)
                .not_validating(Validation::UniqueGroupNames)
                .not_choosing(Choice::GroupPatchNoContent);
            block_on(run(plain, &requests));
        }
    }
}

/// The generator makes what `STRICT` takes, of every kind: the laws are not about nothing.
#[test]
fn the_generator_makes_requests_that_are_taken() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let (mut sent, mut taken) = (0, 0);
    for _ in 0..100 {
        let tree = prop::collection::vec(request(), 1..14).new_tree(&mut runner).unwrap();
        let requests = tree.current();
        sent += requests.len();
        taken += block_on(run(Profile::INTEROP, &requests));
    }
    assert!(taken * 3 > sent, "{taken} of {sent}");
}

/// Sends the PATCH of one operation to a new user: the answer, and what fired.
fn patched(profile: Profile, operation: &Value) -> ((u16, String), Vec<String>) {
    let user = Request {
        method: "POST",
        path: "/Users".into(),
        body: Some(json!({"schemas": [USER], "userName": "bjensen"})),
    };
    let patch = Request {
        method: "PATCH",
        path: "/Users/$0".into(),
        body: Some(json!({"schemas": [PATCH_OP], "Operations": [operation]})),
    };
    let mut side = Side::new(profile);
    block_on(side.send(&user));
    let answer = block_on(side.send(&patch));
    let fired = side.fired.lock().unwrap().clone();
    (answer, fired)
}

/// Where a client that is correct to the letter gets something else from a profile than the RFC says.
/// No others are known. Whoever is hurt chooses the profile without the quirk.
#[track_caller]
fn hurts(profile: Profile, quirk: Quirk, operation: &Value, by_strict: u16) {
    let [strict, ours, without] =
        [Profile::STRICT, profile, profile.without(quirk)].map(|p| patched(p, operation));
    assert_eq!(strict.0.0, by_strict, "{quirk}");
    assert_ne!(ours.0, strict.0, "{quirk}");
    assert_eq!(ours.1, [quirk.to_string()]);
    assert_eq!(without, strict, "{quirk}");
}

/// `INTEROP` alters no success of the RFC's; it has these instead of two errors.
#[test]
fn what_interop_takes_where_the_rfc_has_an_error() {
    let unmatched = json!({"op": "add", "path": "emails[type eq \"work\"].value", "value": "x"});
    hurts(Profile::INTEROP, Quirk::ValueFilterCreates, &unmatched, 400);
    let unknown = json!({"op": "add", "path": "nosuch", "value": "x"});
    hurts(Profile::INTEROP, Quirk::IgnoreUnknownPaths, &unknown, 400);
}

/// The two quirks that alter correct requests: in Entra's presets, and under `INTEROP` in requests that
/// are not correct.
#[test]
fn what_some_presets_alter() {
    let empty = json!({"op": "add", "path": "title", "value": ""});
    let json = json!({"op": "add", "path": "roles", "value": [{"value": "{\"value\":\"1\"}"}]});
    let plain = Profile::ENTRA.not_choosing(Choice::GroupPatchNoContent);
    for (quirk, operation) in [(Quirk::EmptyMeansUnassigned, empty), (Quirk::JsonInString, json)] {
        hurts(plain, quirk, &operation, 200);
        assert_eq!(patched(Profile::INTEROP, &operation), patched(Profile::STRICT, &operation));
        let mut capital = operation;
        capital["op"] = json!("Add");
        let (answer, fired) = patched(Profile::INTEROP, &capital);
        assert_eq!(fired, [format!("OperationCase,{quirk}")]);
        assert_eq!(answer, patched(plain, &capital).0);
        assert_eq!(patched(Profile::STRICT, &capital).0.0, 400);
    }
}
