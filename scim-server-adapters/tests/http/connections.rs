//! What only shows while a connection stays open.

use std::net::SocketAddr;

use crate::server::{BODY_LIMIT, actix_server, axum_server, service};
use crate::step::{get, post, step, user};
use crate::wire::{Connection, bytes};

fn on_both(test: impl Fn(&str, SocketAddr)) {
    test("axum", axum_server(scim_server_adapters::axum::mount("/scim", service())));
    let service = service();
    let actix = actix_server(move |config| {
        config.service(scim_server_adapters::actix::mount("/scim", service.clone()));
    });
    test("actix-web", actix);
}

/// Every answer ends where the next begins: those without a body have none, and a body that was
/// refused does not run into the next request.
#[test]
fn one_connection_for_many_requests() {
    on_both(|name, address| {
        let mut connection = Connection::to(address);
        let created = connection.exchange(&post("/scim/v2/Users", user("babs"), 201).request);
        assert_eq!(created.status, 201, "{name}");
        let id = serde_json::from_slice::<serde_json::Value>(&created.body).unwrap();
        let path = format!("/scim/v2/Users/{}", id["id"].as_str().unwrap());
        let path = path.as_str();
        for next in [
            get(path, 200),
            step("HEAD", path, 200),
            get(path, 304).header("if-none-match", "*"),
            step("BREW", path, 405).body("coffee"),
            get(path, 401).anonymous(),
            post("/scim/v2/Users", vec![b' '; BODY_LIMIT + 1], 413),
            step("POST", "/scim/v2/Users", 413).chunked(vec![b' '; 1 << 20], 10_000),
            step("HEAD", "/scim/v2/Users", 413).body(vec![b' '; BODY_LIMIT + 1]),
            step("POST", "/scim/v2/Users", 400).body("{"),
            step("DELETE", path, 204),
            get(path, 404),
        ] {
            assert_eq!(connection.exchange(&next.request).status, next.status, "{name}: {next:?}");
        }
    });
}

/// RFC 9112 §9.3.2: answers come in the order of the requests, however early those are sent.
#[test]
fn requests_sent_ahead() {
    on_both(|name, address| {
        let mut connection = Connection::to(address);
        let steps = [
            post("/scim/v2/Users", user("babs"), 201),
            get("/scim/v2/Users?count=0", 200),
            step("HEAD", "/scim/v2/Nothing", 404),
            get("/scim/v2/Users", 401).anonymous(),
        ];
        let ahead: Vec<u8> = steps.iter().flat_map(|step| bytes(&step.request)).collect();
        connection.send(&ahead);
        for step in &steps {
            let answer = connection.answer(step.request.method);
            assert_eq!(answer.status, step.status, "{name}: {step:?}");
        }
    });
}

/// RFC 9110 §10.1.1: a client may wait with the body until it is told to go on.
#[test]
fn a_client_that_waits_to_be_told_to_continue() {
    on_both(|name, address| {
        let expecting = post("/scim/v2/Users", user("babs"), 201).header("expect", "100-continue");
        let whole = bytes(&expecting.request);
        let head = whole.len() - user("babs").len();
        let mut connection = Connection::to(address);
        connection.send(&whole[..head]);
        assert_eq!(connection.any_answer("POST").status, 100, "{name}");
        connection.send(&whole[head..]);
        assert_eq!(connection.any_answer("POST").status, 201, "{name}");

        // One whose body is too large hears of it before it sends any, or after all of it.
        let large = post("/scim/v2/Users", vec![b' '; 1 << 20], 413);
        let whole = bytes(&large.header("expect", "100-continue").request);
        let (head, body) = whole.split_at(whole.len() - (1 << 20));
        let mut connection = Connection::to(address);
        connection.send(head);
        let mut answer = connection.any_answer("POST");
        if answer.status == 100 {
            connection.send(body);
            answer = connection.any_answer("POST");
            let next = connection.exchange(&get("/scim/v2/Users", 200).request);
            assert_eq!(next.status, 200, "{name}");
        }
        assert_eq!(answer.status, 413, "{name}");
    });
}

/// A body that breaks off changes nothing, and the server lives on.
#[test]
fn a_body_that_breaks_off() {
    on_both(|name, address| {
        let whole = bytes(&post("/scim/v2/Users", user("babs"), 201).request);
        for length in [1, 20, user("babs").len()] {
            let mut connection = Connection::to(address);
            connection.send(&whole[..whole.len() - length]);
            drop(connection);
        }
        let list = Connection::to(address).last_exchange(&get("/scim/v2/Users", 200).request);
        let list: serde_json::Value = serde_json::from_slice(&list.body).unwrap();
        assert_eq!(list["totalResults"], 0, "{name}");
    });
}
