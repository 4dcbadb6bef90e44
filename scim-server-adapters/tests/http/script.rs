//! Runs a script on each way to the service, and compares.

use std::collections::HashMap;
use std::net::SocketAddr;

use bytes::Bytes;
use scim_server_adapters::ScimService;
use serde_json::Value;

use crate::sameness::Names;
use crate::server::{actix_server, axum_server, service};
use crate::step::{Body, Request, Step};
use crate::wire::{Answer, Connection};

/// Runs the script directly, through axum and through actix-web, on a fresh store each, and
/// asserts that every answer is what its step says, and the same three times.
#[track_caller]
pub(crate) fn alike(script: &[Step]) {
    answers(script, service);
}

/// The same on services that are made so. Gives the answers in the form in which they can be
/// compared.
#[track_caller]
pub(crate) fn answers(script: &[Step], service: impl Fn() -> ScimService) -> Vec<Answer> {
    let mounted = service();
    let axum = axum_server(scim_server_adapters::axum::mount("/scim", mounted));
    let mounted = service();
    let actix = actix_server(move |config| {
        config.service(scim_server_adapters::actix::mount("/scim", mounted.clone()));
    });
    compared(script, "/scim", &service(), axum, actix)
}

/// The same with servers at hand, which have the service at `prefix`.
#[track_caller]
pub(crate) fn alike_at(script: &[Step], prefix: &str, axum: SocketAddr, actix: SocketAddr) {
    compared(script, prefix, &service(), axum, actix);
}

#[track_caller]
fn compared(
    script: &[Step],
    prefix: &str,
    direct: &ScimService,
    axum: SocketAddr,
    actix: SocketAddr,
) -> Vec<Answer> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let direct = run(script.iter().filter(|step| !step.by_framework), |request| {
        runtime.block_on(handle(direct, request, prefix))
    });
    for (name, address) in [("axum", axum), ("actix-web", actix)] {
        let answers = run(script, |request| Connection::to(address).last_exchange(request));
        let answers = script.iter().zip(answers).filter(|(step, _)| !step.by_framework);
        for ((step, answer), expected) in answers.zip(&direct) {
            assert_eq!(show(&answer), show(expected), "{name} answers differently to {step:?}");
        }
    }
    direct
}

/// Sends every request and asserts what its step says of the answer. Gives the answers in the form
/// in which they can be compared.
fn run<'s>(
    script: impl IntoIterator<Item = &'s Step>,
    mut exchange: impl FnMut(&Request) -> Answer,
) -> Vec<Answer> {
    let mut names = Names::default();
    let mut kept = HashMap::new();
    let mut answers = Vec::new();
    for step in script {
        let request = filled(&step.request, &kept);
        let answer = exchange(&request);
        check(step, &answer);
        answers.push(names.normal(&request, &answer));
        if let Some(name) = step.keep {
            kept.insert(name, answer);
        }
    }
    answers
}

fn check(step: &Step, answer: &Answer) {
    assert_eq!(answer.status, step.status, "{step:?}: {}", show(answer));
    if step.by_framework {
        return;
    }
    for (name, value) in &step.headers {
        assert_eq!(answer.header(name), *value, "{name} of the answer to {step:?}");
    }
    assert_ne!(answer.header("x-request-id"), None, "{step:?}");
    if answer.status == 204 || answer.status == 304 {
        assert_eq!(show_body(answer), "", "{step:?}");
        assert_eq!(answer.header("content-type"), None, "{step:?}");
        // RFC 9110 §8.6: not in a 204, and in a 304 only that of the 200 it stands for.
        assert_eq!(answer.header("content-length"), None, "{step:?}");
    } else {
        let json = answer.header("content-type").unwrap_or_default();
        assert!(["application/scim+json", "application/json"].contains(&json), "{step:?}: {json}");
        assert_eq!(answer.body.is_empty(), step.request.method == "HEAD", "{step:?}");
    }
}

/// The request with what earlier answers gave.
fn filled(request: &Request, kept: &HashMap<&str, Answer>) -> Request {
    let fill = |text: &str| {
        let mut text = text.to_owned();
        for (name, answer) in kept {
            let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            for member in ["id", "nextCursor"] {
                let value = body[member].as_str().unwrap_or("nothing");
                text = text.replace(&format!("{{{name}.{member}}}"), value);
            }
            let etag = answer.header("etag").unwrap_or("nothing");
            text = text.replace(&format!("{{{name}.etag}}"), etag);
        }
        text
    };
    let fill_bytes = |bytes: &Vec<u8>| match std::str::from_utf8(bytes) {
        Ok(text) => fill(text).into_bytes(),
        Err(_) => bytes.clone(),
    };
    Request {
        method: request.method,
        target: fill(&request.target),
        headers: request.headers.iter().map(|(name, value)| (*name, fill(value))).collect(),
        body: match &request.body {
            Body::None => Body::None,
            Body::Sized(body) => Body::Sized(fill_bytes(body)),
            Body::Chunked(body, size) => Body::Chunked(fill_bytes(body), *size),
        },
    }
}

/// The target without scheme and authority.
fn path(request: &Request) -> &str {
    match request.target.strip_prefix("http://") {
        Some(rest) => &rest[rest.find('/').unwrap()..],
        None => &request.target,
    }
}

async fn handle(service: &ScimService, request: &Request, prefix: &str) -> Answer {
    let below = path(request).strip_prefix(prefix).unwrap();
    let slash = if below.starts_with('/') { "" } else { "/" };
    let mut builder =
        http::Request::builder().method(request.method).uri(format!("{slash}{below}"));
    for (name, value) in &request.headers {
        builder = builder.header(*name, value.as_bytes());
    }
    let body = match &request.body {
        Body::None => Bytes::new(),
        Body::Sized(body) | Body::Chunked(body, _) => body.clone().into(),
    };
    let (parts, body) = service.handle(builder.body(body).unwrap()).await.into_parts();
    Answer {
        status: parts.status.as_u16(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
            .collect(),
        body: body.into_bytes().await.unwrap().to_vec(),
    }
}

fn show(answer: &Answer) -> String {
    let mut text = format!("{}\n", answer.status);
    for (name, value) in &answer.headers {
        text.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value)));
    }
    text + "\n" + &show_body(answer)
}

fn show_body(answer: &Answer) -> String {
    // Lossless for what is compared: no answer is anything but UTF-8, which `Names` sees to.
    String::from_utf8_lossy(&answer.body).into_owned()
}
