//! What only shows over a socket: lengths, broken connections, many clients at once.

use std::sync::Barrier;
use std::thread;

use serde_json::json;
use tempfile::TempDir;

use crate::client::{Answer, SCIM_JSON};
use crate::database::{Database, on_each};
use crate::server::Server;
use crate::wire::Wire;

const MIB: usize = 1 << 20;
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

fn server() -> (TempDir, Server) {
    server_on(&Database::Sqlite)
}

fn server_on(database: &Database) -> (TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::acme(folder.path(), database.flag());
    (folder, server)
}

/// A body that creates a user, with spaces up to a length.
fn user_of_length(name: &str, length: usize) -> Vec<u8> {
    let mut body = json!({"schemas": [USER], "userName": name}).to_string().into_bytes();
    body.resize(length.max(body.len()), b' ');
    body
}

fn content_length(body: &[u8]) -> String {
    format!("Content-Length: {}", body.len())
}

// Lengths.

#[test]
fn a_url_of_60_kib_is_answered_in_scim() {
    let (_folder, server) = server();
    let client = server.client();
    let long = |of: &str| of.repeat(60 * 1024 / of.len());

    let open = client.get(&format!("/Users?filter={}", long("("))).expect(400);
    assert_eq!(open.scim_type().as_deref(), Some("invalidFilter"));
    client.get(&format!("/Users/{}", long("a"))).expect(404);
    client.get(&format!("/{}", long("a/"))).expect(404);
    client.get(&format!("/Users?filter=userName+eq+%22{}%22", long("a"))).expect(200);
    client.get(&format!("/Users?attributes={}", long("a,"))).expect(200);
}

/// That far nothing of SCIM is reached: the HTTP library answers by itself.
#[test]
fn a_url_beyond_64_kib_is_too_long() {
    let (_folder, server) = server();
    let mut wire = Wire::to(&server);
    let path = format!("/Users?filter={}", "a".repeat(66 * 1024));
    wire.send(&Wire::head(&server, "GET", &path, &[])).unwrap();
    assert_eq!(wire.reply().unwrap().status, 414);
    server.client().get("/Users").expect(200);
}

#[test]
fn a_body_of_the_largest_size_is_taken() {
    let (_folder, server) = server();
    let body = user_of_length("large", MIB);
    server.client().send("POST", "/Users", &[], Some(&body)).expect(201);
}

/// Most clients read no answer before they have sent everything, so they are let.
#[test]
fn a_larger_body_is_413_and_the_client_hears_of_it() {
    let (_folder, server) = server();
    for size in [MIB + 1, 2 * MIB, 8 * MIB] {
        let body = user_of_length("too large", size);
        server.client().send("POST", "/Users", &[], Some(&body)).expect(413);

        let mut wire = Wire::to(&server);
        wire.send(&Wire::head(&server, "POST", "/Users", &[&content_length(&body)])).unwrap();
        wire.send(&body).unwrap();
        assert_eq!(wire.reply().unwrap().status, 413, "{size}");
        // The connection is good for more.
        wire.send(&Wire::head(&server, "GET", "/Users", &[])).unwrap();
        assert_eq!(wire.reply().unwrap().json()["totalResults"], 0);
    }
}

#[test]
fn a_larger_body_is_413_in_chunks_too() {
    let (_folder, server) = server();
    let mut wire = Wire::to(&server);
    let headers = ["Transfer-Encoding: chunked"];
    wire.send(&Wire::head(&server, "POST", "/Users", &headers)).unwrap();
    let chunk = [b"10000\r\n", user_of_length("chunked", 0x10000).as_slice(), b"\r\n"].concat();
    for _ in 0..8 * MIB / 0x10000 {
        wire.send(&chunk).unwrap();
    }
    wire.send(b"0\r\n\r\n").unwrap();
    let reply = wire.reply().unwrap();
    assert_eq!(reply.status, 413);
    assert_eq!(reply.header("content-type"), Some(SCIM_JSON));
    assert_eq!(server.client().get("/Users").json()["totalResults"], 0);
}

/// A client that asks first need not send what will be refused (RFC 9110 §10.1.1).
#[test]
fn a_client_that_expects_to_be_refused_is_refused_before_it_sends() {
    let (_folder, server) = server();
    let mut wire = Wire::to(&server);
    let headers = ["Expect: 100-continue", &format!("Content-Length: {}", 8 * MIB)];
    wire.send(&Wire::head(&server, "POST", "/Users", &headers)).unwrap();
    assert_eq!(wire.reply().unwrap().status, 413);
}

#[test]
fn a_client_that_expects_to_go_on_goes_on() {
    let (_folder, server) = server();
    let mut wire = Wire::to(&server);
    let body = user_of_length("patient", 0);
    let headers = ["Expect: 100-continue", &content_length(&body)];
    wire.send(&Wire::head(&server, "POST", "/Users", &headers)).unwrap();
    assert_eq!(wire.reply().unwrap().status, 100);
    wire.send(&body).unwrap();
    assert_eq!(wire.reply().unwrap().status, 201);
}

// Connections.

#[test]
fn half_a_body_does_no_harm() {
    let (_folder, server) = server();
    for _ in 0..100 {
        let body = user_of_length("half", 0);
        let headers = [&*content_length(&body)];
        let mut wire = Wire::to(&server);
        wire.send(&Wire::head(&server, "POST", "/Users", &headers)).unwrap();
        wire.send(&body[..body.len() / 2]).unwrap();
    }
    // One that stops sending and still listens gets an answer, or is hung up on.
    let body = user_of_length("half", 0);
    let mut wire = Wire::to(&server);
    wire.send(&Wire::head(&server, "POST", "/Users", &[&content_length(&body)])).unwrap();
    wire.send(&body[..body.len() / 2]).unwrap();
    wire.finish_sending();
    assert!(wire.reply().is_none_or(|reply| reply.status == 400));

    let client = server.client();
    assert_eq!(client.get("/Users").json()["totalResults"], 0);
    client.send("POST", "/Users", &[], Some(&body)).expect(201);
}

#[test]
fn half_a_head_does_no_harm() {
    let (_folder, server) = server();
    let head = Wire::head(&server, "GET", "/Users", &[]);
    let mut open: Vec<_> = (0..100).map(|_| Wire::to(&server)).collect();
    for wire in &mut open {
        wire.send(&head[..head.len() / 2]).unwrap();
    }
    server.client().get("/Users").expect(200);
}

#[test]
fn what_is_no_http_is_turned_away() {
    let (_folder, server) = server();
    let mut wire = Wire::to(&server);
    wire.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n").unwrap();
    assert!(wire.reply().is_none_or(|reply| reply.status == 400));
    server.client().get("/Users").expect(200);
}

#[test]
fn a_connection_is_kept_for_the_next_request() {
    let (_folder, server) = server();
    let mut wire = Wire::to(&server);
    let body = user_of_length("kept", 0);
    let post = Wire::head(&server, "POST", "/Users", &[&content_length(&body)]);
    wire.send(&[post.as_slice(), &body].concat()).unwrap();
    assert_eq!(wire.reply().unwrap().status, 201);
    // After an error it is kept too.
    wire.send(&[post.as_slice(), &body].concat()).unwrap();
    assert_eq!(wire.reply().unwrap().status, 409);
    // Two at once are answered in turn.
    let (list, missing) = ("/Users", "/Users/missing");
    let get = |path| Wire::head(&server, "GET", path, &[]);
    wire.send(&[get(list), get(missing), get(list)].concat()).unwrap();
    let statuses = [(); 3].map(|()| wire.reply().unwrap().status);
    assert_eq!(statuses, [200, 404, 200]);
    // And closed when asked.
    wire.send(&Wire::head(&server, "GET", list, &["Connection: close"])).unwrap();
    assert_eq!(wire.reply().unwrap().status, 200);
    assert!(wire.is_at_end());
}

/// RFC 9110 §9.3.2: the same headers, and no body.
#[test]
fn head_is_get_without_the_body() {
    let (_folder, server) = server();
    let client = server.client();
    let user = client.post("/Users", &json!({"schemas": [USER], "userName": "head"})).expect(201);
    let paths = [
        "/Users".to_owned(),
        format!("/Users/{}", user.id()),
        "/Users/missing".to_owned(),
        "/ServiceProviderConfig".to_owned(),
        "/Schemas".to_owned(),
    ];
    let mut wire = Wire::to(&server);
    for path in &paths {
        let got = client.get(path);
        // The connection is good for the next request, so no body came.
        wire.send(&Wire::head(&server, "HEAD", path, &[])).unwrap();
        let head = wire.reply_to("HEAD").unwrap();
        assert_eq!(head.status, got.status, "{path}");
        for name in ["content-type", "etag", "content-location", "location", "content-length"] {
            assert_eq!(head.header(name), got.header(name), "{path}: {name}");
        }
        let length: usize = head.header("content-length").unwrap().parse().unwrap();
        assert_eq!(length, got.body.len(), "{path}");
    }
}

// Many at once.

const CLIENTS: usize = 64;

/// Lets that many clients send at the same moment, each on a connection of its own.
fn at_once(
    server: &Server,
    send: impl Fn(&crate::client::Client, usize) -> Answer + Sync,
) -> Vec<Answer> {
    let barrier = Barrier::new(CLIENTS);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|n| {
                let (send, barrier) = (&send, &barrier);
                scope.spawn(move || {
                    let client = server.client();
                    client.get("/ServiceProviderConfig").expect(200);
                    barrier.wait();
                    send(&client, n)
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    })
}

/// RFC 7643 §2.4 `uniqueness`: the name is one user's, and the others hear of it.
#[test]
fn one_of_many_that_create_a_user_at_once_succeeds() {
    on_each("many that create a user", |database| {
        let (_folder, server) = server_on(database);
        let answers = at_once(&server, |client, n| {
            // Whatever its case.
            let name = if n % 2 == 0 { "same" } else { "SAME" };
            client.post("/Users", &json!({"schemas": [USER], "userName": name}))
        });
        let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|a| a.status == 201);
        assert_eq!(made.len(), 1);
        assert!(refused.iter().all(|a| a.status == 409));
        assert!(refused.iter().all(|a| a.scim_type().as_deref() == Some("uniqueness")));
        let users = server.client().get("/Users").resources();
        assert_eq!(users, [made[0].json()]);
    });
}

/// Nobody reads the group to add to it, so nobody overwrites what another added.
#[test]
fn members_added_by_many_at_once_are_all_there() {
    on_each("many that add members", |database| {
        let (_folder, server) = server_on(database);
        let client = server.client();
        let group = json!({"schemas": [GROUP], "displayName": "All"});
        let group = format!("/Groups/{}", client.post("/Groups", &group).expect(201).id());
        let users: Vec<String> = (0..CLIENTS)
            .map(|n| {
                let user = json!({"schemas": [USER], "userName": format!("user-{n}")});
                client.post("/Users", &user).expect(201).id()
            })
            .collect();

        let change = |op: &str, id: &str| {
            let operation = match op {
                "add" => json!({"op": op, "path": "members", "value": [{"value": id}]}),
                _ => json!({"op": op, "path": format!("members[value eq \"{id}\"]")}),
            };
            json!({"schemas": [PATCH_OP], "Operations": [operation]})
        };
        let members = || {
            let group = client.get(&group).expect(200).json();
            let members = group["members"].as_array().unwrap().iter();
            let mut members: Vec<_> =
                members.map(|member| member["value"].as_str().unwrap().to_owned()).collect();
            members.sort_unstable();
            members
        };
        let sorted = |mut ids: Vec<String>| {
            ids.sort_unstable();
            ids
        };

        let answers = at_once(&server, |client, n| client.patch(&group, &change("add", &users[n])));
        assert!(answers.iter().all(|a| a.status == 200));
        let etags = answers.iter().map(|a| a.header("etag").unwrap().to_owned());
        let mut etags: Vec<_> = etags.collect();
        etags.sort_unstable();
        etags.dedup();
        assert_eq!(etags.len(), CLIENTS, "each change has a version of its own");
        assert_eq!(members(), sorted(users.clone()));

        // Half of them leave while the other half is added once more.
        let answers = at_once(&server, |client, n| {
            let op = if n % 2 == 0 { "remove" } else { "add" };
            client.patch(&group, &change(op, &users[n]))
        });
        assert!(answers.iter().all(|a| a.status == 200));
        let stayed = users.iter().skip(1).step_by(2).cloned().collect();
        assert_eq!(members(), sorted(stayed));
    });
}

/// RFC 7644 §3.14: of those that changed the same version, one was first.
#[test]
fn one_of_many_that_change_the_same_version_succeeds() {
    on_each("many that change a version", |database| {
        let (_folder, server) = server_on(database);
        let client = server.client();
        let user = client.post("/Users", &json!({"schemas": [USER], "userName": "versioned"}));
        let path = format!("/Users/{}", user.id());
        let etag = user.header("etag").unwrap().to_owned();
        let answers = at_once(&server, |client, n| {
            let body = json!({"schemas": [PATCH_OP], "Operations": [
                {"op": "replace", "path": "title", "value": format!("number {n}")},
            ]});
            client.send("PATCH", &path, &[("if-match", &etag)], Some(body.to_string().as_bytes()))
        });
        let (changed, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|a| a.status == 200);
        assert_eq!(changed.len(), 1);
        assert!(refused.iter().all(|a| a.status == 412));
        assert_eq!(client.get(&path).json(), changed[0].json());
    });
}
