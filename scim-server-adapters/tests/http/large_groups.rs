//! Groups whose members are sent while they are read: what is sent is the same as of a whole one,
//! and nothing is left behind when one side gives up.

use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use scim_server_adapters::{Limits, ScimService};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::script::answers;
use crate::server::{BODY_LIMIT, actix_server, axum_server, builder_over};
use crate::step::{Step, get, post, put, step, user};
use crate::watched::{Then, Watched};
use crate::wire::{Answer, Connection};

/// A service that reads so many members before it begins to answer.
fn service(backend: Arc<Watched>, at_once: usize) -> ScimService {
    let limits = {
        let mut limits = Limits::default();
        limits.body_bytes = BODY_LIMIT;
        limits.members_at_once = at_once;
        limits.page_members = at_once;
        limits
    };
    builder_over(backend).limits(limits).build()
}

fn group_of(name: &str, members: &[&str]) -> String {
    let members: Vec<String> =
        members.iter().map(|value| format!(r#"{{"value":"{value}"}}"#)).collect();
    format!(
        r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"{name}","members":[{}]}}"#,
        members.join(",")
    )
}

/// In `mixed`, those that exist come late: before them there is no `display`, `type` or `$ref`.
fn groups() -> Vec<Step> {
    let mixed = ["x", "y", "z", "{babs.id}", "u", "v", "{inner.id}"];
    let nobody = ["a", "b", "c", "d", "e", "f", "g"];
    vec![
        post("/scim/v2/Users", user("babs"), 201).keep("babs"),
        post("/scim/v2/Groups", group_of("Inner", &[]), 201).keep("inner"),
        post("/scim/v2/Groups", group_of("Mixed", &mixed), 201).keep("mixed"),
        post("/scim/v2/Groups", group_of("Nobody", &nobody), 201).keep("nobody"),
        put("/scim/v2/Groups/{mixed.id}", group_of("Mixed", &mixed), 200),
        step("PATCH", "/scim/v2/Groups/{mixed.id}?attributes=members", 200)
            .scim()
            .body(r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"members","value":[{"value":"last"}]}]}"#),
    ]
}

const PROJECTIONS: [&str; 11] = [
    "",
    "attributes=members",
    "attributes=members.value",
    "attributes=members.display",
    "attributes=members.type,members.$ref",
    "attributes=displayName",
    "attributes=displayName,members.display",
    "excludedAttributes=members",
    "excludedAttributes=members.value",
    "excludedAttributes=members.type,members.display",
    "excludedAttributes=displayName",
];

#[test]
fn what_is_sent_in_parts_is_what_is_sent_at_once() {
    let mut script = groups();
    for projection in PROJECTIONS {
        for name in ["mixed", "nobody", "inner"] {
            script.push(get(format!("/scim/v2/Groups/{{{name}.id}}?{projection}"), 200));
        }
        for name in ["Mixed", "Nobody", "Inner"] {
            // An answer that is found by its name is alone on its page.
            let filter = format!("filter=displayName+eq+%22{name}%22");
            script.push(get(format!("/scim/v2/Groups?{filter}&{projection}"), 200));
            script.push(get(format!("/scim/v2?{filter}&{projection}"), 200));
        }
    }
    let whole = answers(&script, || service(Arc::default(), 1_000));
    for at_once in [1, 2, 3, 4, 7, 8] {
        let parts = answers(&script, || service(Arc::default(), at_once));
        for ((step, whole), part) in script.iter().zip(&whole).zip(&parts) {
            assert_eq!(part.status, whole.status, "{at_once} at once: {step:?}");
            assert_eq!(part.headers, whole.headers, "{at_once} at once: {step:?}");
            let text = |answer: &Answer| String::from_utf8(answer.body.clone()).unwrap();
            assert_eq!(text(part), text(whole), "{at_once} at once: {step:?}");
        }
    }
}

#[test]
fn the_head_of_what_is_sent_in_parts() {
    let mut script = groups();
    script.push(step("HEAD", "/scim/v2/Groups/{mixed.id}", 200).without("content-length"));
    let list = "/scim/v2/Groups?filter=displayName+eq+%22Mixed%22";
    script.push(step("HEAD", list, 200).without("content-length"));
    script.push(
        step("HEAD", "/scim/v2/Groups/{mixed.id}", 304)
            .header("if-none-match", "*")
            .without("content-length"),
    );
    answers(&script, || service(Arc::default(), 3));
}

/// A backend with a group of a hundred, and the group's path.
fn hundred(then: Then) -> (Arc<Watched>, String) {
    let backend = Arc::new(Watched::new(Some(then)));
    let direct = service(Arc::clone(&backend), 3);
    let values: Vec<String> = (0..100).map(|n| format!("m{n}")).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let step = post("/v2/Groups", group_of("Hundred", &values), 201);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let answer = runtime.block_on(async {
        let crate::step::Body::Sized(body) = step.request.body else { panic!("a body") };
        let request = http::Request::post("/v2/Groups?attributes=id")
            .header("authorization", "Bearer s3cret")
            .body(body.into());
        direct.handle(request.unwrap()).await.into_body().into_bytes().await.unwrap()
    });
    let made: Value = serde_json::from_slice(&answer).unwrap();
    backend.reads.lock().unwrap().clear();
    (backend, format!("/scim/v2/Groups/{}", made["id"].as_str().unwrap()))
}

fn servers(service: &ScimService) -> [(&'static str, SocketAddr); 2] {
    let axum = axum_server(scim_server_adapters::axum::mount("/scim", service.clone()));
    let mounted = service.clone();
    let actix = actix_server(move |config| {
        config.service(scim_server_adapters::actix::mount("/scim", mounted.clone()));
    });
    [("axum", axum), ("actix-web", actix)]
}

/// RFC 9112 §8: a message in chunks that has no last one is incomplete.
#[test]
fn a_read_that_fails_breaks_the_connection_off() {
    let cases = [(Then::FailsAt(4), "\"m15\""), (Then::GoesRoundInCircles, "\"m3\"")];
    for (then, unsent) in cases {
        let (backend, path) = hundred(then);
        for (name, address) in servers(&service(Arc::clone(&backend), 3)) {
            backend.reads.lock().unwrap().clear();
            let mut stream = Connection::to(address).begin(&get(&path, 200).request);
            let mut all = Vec::new();
            // How it is closed is the server's affair.
            let _ = stream.read_to_end(&mut all);
            let text = String::from_utf8(all).unwrap();
            assert!(text.starts_with("HTTP/1.1 200 "), "{name}: {text}");
            assert!(text.contains("transfer-encoding: chunked"), "{name}: {text}");
            assert!(text.contains("\"m2\"") && !text.contains(unsent), "{name}: {text}");
            assert!(!text.ends_with("\r\n0\r\n\r\n"), "{name}: {text}");
        }
    }
}

#[test]
fn a_client_that_goes_away_ends_the_reading() {
    for server in 0..2 {
        let gate = Arc::new(Semaphore::new(2));
        let (sender, given_up) = channel();
        let (backend, path) = hundred(Then::Waits(Arc::clone(&gate), sender));
        let (name, address) = servers(&service(Arc::clone(&backend), 3))[server];
        let mut stream = Connection::to(address).begin(&get(path, 200).request);
        let mut some = [0; 16];
        stream.read_exact(&mut some).unwrap();
        drop(stream);
        // A server may notice when it has something to send.
        let mut let_through = 2;
        while given_up.recv_timeout(Duration::from_millis(100)).is_err() {
            gate.add_permits(1);
            let_through += 1;
            assert!(let_through < 30, "{name} reads on for nobody");
        }
    }
}
