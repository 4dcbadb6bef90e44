//! From the first start to the last, crashes included.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use serde_json::{Value, json};

use crate::captures::file_with;
use crate::client::Client;
use crate::database::on_each_that_lasts;
use crate::server::{KEY, ORG, Server, bare_command, command, refusal};
use crate::wire::Wire;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const SQLITE: &str = "sqlite:scim.db";

fn with(folder: &Path, flags: &[&str]) -> Command {
    let mut command = command(folder);
    command.args(flags);
    command
}

fn user(name: &str) -> Value {
    json!({"schemas": [USER], "userName": name})
}

// The first start and the next.

#[test]
fn the_first_start_makes_an_organisation_and_shows_its_key_once() {
    let folder = tempfile::tempdir().unwrap();
    let first = Server::start(command(folder.path()));
    let url = first.scim_url().to_owned();
    let path = url.strip_prefix(&format!("http://{}/scim/", first.address())).unwrap();
    let organization = path.strip_suffix("/v2").unwrap().to_owned();
    let announced = first.announced("API key");
    let key = announced.split_whitespace().next().unwrap();

    let client = Client::new(&url, key);
    let secret = "correct horse battery staple";
    let mut bjensen = user("bjensen");
    bjensen["password"] = json!(secret);
    let created = client.post("/Users", &bjensen).expect(201).json();
    client.with_key("another-key").get("/Users").expect(401);
    client.with_key(&key[1..]).get("/Users").expect(401);
    for text in [key, secret] {
        assert_eq!(file_with(folder.path(), text), None, "while it runs");
    }
    let stopped = first.stop();
    assert!(stopped.status.success(), "{stopped:#?}");
    assert_eq!(stopped.stdout.len(), 3, "{stopped:#?}");
    assert!(stopped.stdout[0].starts_with("SCIM URL   http://"), "{stopped:#?}");
    assert!(stopped.stdout[1].starts_with(&format!("API key    {key}")), "{stopped:#?}");
    let told = stopped.stderr.iter().find(|line| line.contains(key) || line.contains(secret));
    assert_eq!(told, None, "the log tells a secret");
    for text in [key, secret] {
        assert_eq!(file_with(folder.path(), text), None, "afterwards");
    }
    assert!(folder.path().join("org-server.db").is_file(), "where the flags' default says");

    let second = Server::start(command(folder.path()));
    assert!(second.scim_url().ends_with(&format!("/scim/{organization}/v2")));
    let client = Client::new(second.scim_url(), key);
    let found = client.get("/Users").expect(200).resources();
    assert_eq!(found[0]["id"], created["id"]);
    let stopped = second.stop();
    let said = [stopped.stdout.clone(), stopped.stderr].concat().join("\n");
    assert!(!said.contains(key), "{said}");
    assert_eq!(stopped.stdout.len(), 3, "{said}");
}

#[test]
fn the_same_flags_carry_on() {
    on_each_that_lasts("the same flags", |database| {
        let folder = tempfile::tempdir().unwrap();
        let first = Server::acme(folder.path(), database.flag());
        assert_eq!(first.announced("API key"), "the one given");
        let id = first.client().post("/Users", &user("bjensen")).expect(201).id();
        assert!(first.stop().status.success());
        for _ in 0..2 {
            let again = Server::acme(folder.path(), database.flag());
            assert!(again.scim_url().ends_with(&format!("/scim/{ORG}/v2")));
            let bjensen = again.client().get(&format!("/Users/{id}")).expect(200);
            assert_eq!(bjensen.json()["userName"], "bjensen");
            again.client().post("/Users", &user("BJensen")).expect(409);
            assert!(again.stop().status.success());
        }
        assert_eq!(database.place_of(folder.path(), KEY), None);
    });
}

#[test]
fn organisations_are_kept_apart() {
    on_each_that_lasts("organisations", |database| {
        let folder = tempfile::tempdir().unwrap();
        assert!(Server::acme(folder.path(), database.flag()).stop().status.success());
        let other = "the-key-of-globex";
        let flags = ["--database", database.flag(), "--org-id", "globex", "--api-key", other];
        let server = Server::start(with(folder.path(), &flags));
        server.announced("API key");
        let at = |organization: &str, key: &str| {
            Client::new(&format!("http://{}/scim/{organization}/v2", server.address()), key)
        };

        // The same name in both, since they know nothing of each other.
        let acme = at(ORG, KEY).post("/Users", &user("bjensen")).expect(201).id();
        let globex = at("globex", other).post("/Users", &user("bjensen")).expect(201).id();
        at(ORG, other).get("/Users").expect(401);
        at("globex", KEY).get("/Users").expect(401);
        at("initech", KEY).get("/Users").expect(401);
        let list = at("globex", other).get("/Users").resources();
        assert_eq!(list.iter().map(|u| u["id"].clone()).collect::<Vec<_>>(), [json!(globex)]);
        at("globex", other).get(&format!("/Users/{acme}")).expect(404);
        at("globex", other).delete(&format!("/Users/{acme}")).expect(404);
        at(ORG, KEY).get(&format!("/Users/{acme}")).expect(200);

        // It says of each where it is, and of the key only what is true of it.
        let said = server.stop().stdout;
        let acme = said.iter().position(|line| line.ends_with("/scim/acme/v2")).unwrap();
        let globex = said.iter().position(|line| line.ends_with("/scim/globex/v2")).unwrap();
        assert!(said[acme + 1].starts_with("API key    as before"), "{said:#?}");
        assert_eq!(said[globex + 1], "API key    the one given");
        assert_eq!(said.len(), 6);
    });
}

#[test]
fn a_key_alone_is_for_the_organisation_there_is() {
    on_each_that_lasts("a key alone", |database| {
        let folder = tempfile::tempdir().unwrap();
        let start = |flags: &[&str]| {
            let mut command = with(folder.path(), &["--database", database.flag()]);
            command.args(flags);
            Server::start(command)
        };
        let first = start(&[]);
        let (url, lost) = (first.scim_url().to_owned(), first.announced("API key"));
        first.stop();
        let server = start(&["--api-key", KEY]);
        assert_eq!(server.announced("API key"), "the one given");
        let organization = |url: &str| url.split('/').nth(4).unwrap().to_owned();
        assert_eq!(organization(server.scim_url()), organization(&url));
        server.client().get("/Users").expect(200);
        // An organisation has one key: a new one takes the place of a key that was lost or leaked.
        assert!(!server.announced("API key").contains(&lost));
        Client::new(server.scim_url(), &lost).get("/Users").expect(401);
    });
}

#[test]
fn in_memory_everything_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::acme(folder.path(), "memory:");
    let id = server.client().post("/Users", &user("bjensen")).expect(201).id();
    server.client().get(&format!("/Users/{id}")).expect(200);
    assert!(server.stop().status.success());
    let server = Server::acme(folder.path(), "memory:");
    server.client().get(&format!("/Users/{id}")).expect(404);
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "no file is made");
}

#[test]
fn two_servers_on_one_database_agree() {
    on_each_that_lasts("two servers that start at once", |database| {
        let folder = tempfile::tempdir().unwrap();
        let servers = thread::scope(|scope| {
            let start = || scope.spawn(|| Server::acme(folder.path(), database.flag()));
            let started = [start(), start()];
            started.map(|server| server.join().unwrap())
        });
        let [one, other] = servers.each_ref().map(Server::client);
        let id = one.post("/Users", &user("bjensen")).expect(201).id();
        other.post("/Users", &user("bjensen")).expect(409);
        other.delete(&format!("/Users/{id}")).expect(204);
        one.get(&format!("/Users/{id}")).expect(404);
    });
}

// Flags.

#[test]
fn every_flag_is_also_an_environment_variable() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = bare_command(folder.path());
    command.envs([
        ("ORG_SERVER_LISTEN", "127.0.0.1:0"),
        ("ORG_SERVER_BASE_URL", "https://scim.example.com/"),
        ("ORG_SERVER_DATABASE", "sqlite:from-the-environment.db"),
        ("ORG_SERVER_ORG_ID", "globex"),
        ("ORG_SERVER_API_KEY", "key-from-the-environment"),
        ("ORG_SERVER_LOG", "debug"),
    ]);
    let server = Server::start(command);
    assert_eq!(server.scim_url(), "https://scim.example.com/scim/globex/v2");
    assert_eq!(server.announced("API key"), "the one given");
    assert!(folder.path().join("from-the-environment.db").is_file());
    let stopped = server.stop();
    assert!(stopped.status.success(), "{stopped:#?}");
    let told = stopped.stderr.iter().find(|line| line.contains("key-from-the-environment"));
    assert_eq!(told, None);
}

#[test]
fn a_flag_comes_before_its_environment_variable() {
    let folder = tempfile::tempdir().unwrap();
    let mut command =
        with(folder.path(), &["--database", "memory:", "--org-id", ORG, "--api-key", KEY]);
    command.envs([
        ("ORG_SERVER_LISTEN", "256.0.0.1:0"),
        ("ORG_SERVER_DATABASE", "sqlite:unused.db"),
        ("ORG_SERVER_ORG_ID", "globex"),
        ("ORG_SERVER_API_KEY", "key-from-the-environment"),
    ]);
    let server = Server::start(command);
    server.client().get("/Users").expect(200);
    assert!(!folder.path().join("unused.db").exists());
}

#[test]
fn help_names_every_flag_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = bare_command(folder.path());
    command.arg("--help").env("ORG_SERVER_API_KEY", "key-from-the-environment");
    command.env("ORG_SERVER_DATABASE", "postgres://scim:password-from-the-environment@host/scim");
    let help = refusal(command);
    assert!(help.status.success());
    let help = help.stdout.join("\n");
    for flag in [
        "listen",
        "base-url",
        "database",
        "database-map",
        "database-connections",
        "transaction-pooling",
        "org-id",
        "api-key",
        "profile",
        "demand",
        "reactivate",
        "schema",
        "resource-type",
    ] {
        let variable = format!("ORG_SERVER_{}", flag.replace('-', "_").to_uppercase());
        assert!(help.contains(&format!("--{flag} ")), "{help}");
        assert!(help.contains(&variable), "{help}");
    }
    assert!(!help.contains("from-the-environment"), "{help}");
}

#[test]
fn a_flag_that_cannot_be_is_refused_by_name() {
    for (flag, value, why) in [
        ("--listen", "8080", "socket address"),
        ("--listen", "localhost", "socket address"),
        ("--base-url", "scim.example.com", "http://"),
        ("--base-url", "ftp://scim.example.com", "http://"),
        ("--base-url", "https://", "http://"),
        ("--base-url", "https://scim.example.com/?a=b", "http://"),
        ("--database", "mysql://localhost/scim", "sqlite:FILE"),
        ("--database", "postgres:scim", "postgres://"),
        ("--database-connections", "0", "0"),
        ("--database", "sqlite:", "sqlite:FILE"),
        ("--database", "scim.db", "sqlite:FILE"),
        ("--org-id", "", "letters"),
        ("--org-id", "a/b", "letters"),
        ("--org-id", "..", "letters"),
        ("--org-id", "acmé", "letters"),
        ("--api-key", "short", "at least 8"),
        ("--api-key", "with spaces in it", "at least 8"),
        ("--no-such-flag", "1", "unexpected argument"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = bare_command(folder.path());
        command.arg(format!("{flag}={value}"));
        let refused = refusal(command);
        let said = refused.stderr.join("\n");
        assert_eq!(refused.status.code(), Some(2), "{flag} {value}: {said}");
        assert!(said.contains(flag) && said.contains(why), "{flag} {value}: {said}");
        assert_eq!(refused.stdout, [] as [&str; 0]);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0, "no file is made");
    }
}

#[test]
fn a_database_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("letter.txt"), "Dear Sir or Madam, ".repeat(100)).unwrap();
    std::fs::create_dir(folder.path().join("folder.db")).unwrap();
    for file in ["letter.txt", "folder.db", "nowhere/scim.db"] {
        let refused = refusal(with(folder.path(), &["--database", &format!("sqlite:{file}")]));
        let said = refused.stderr.join("\n");
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains("cannot open the database") && said.contains(file), "{said}");
        assert_eq!(refused.stdout, [] as [&str; 0]);
    }
}

/// What is wrong is said without the password.
#[test]
fn a_server_of_databases_that_cannot_be_used_is_named() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, why) in [
        (format!("postgres://scim:s3cret-word@{nobody}/customers"), "`customers` at 127.0.0.1"),
        ("postgresql://scim:s3cret-word@127.0.0.1:port/scim".to_owned(), "`port`"),
        ("postgres://scim:s3cret-word@127.0.0.1/scim?sslmode=maybe".to_owned(), "`sslmode`"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let refused = refusal(with(folder.path(), &["--database", &url]));
        let said = refused.stderr.join("\n");
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains(why) && !said.contains("s3cret-word"), "{said}");
        assert_eq!(refused.stdout, [] as [&str; 0]);
    }
}

#[test]
fn flags_of_another_database_are_refused() {
    for (database, flags, theirs) in [
        (SQLITE, ["--transaction-pooling"].as_slice(), "PostgreSQL"),
        (SQLITE, &["--database-connections", "4"], "PostgreSQL"),
        ("postgres://scim@127.0.0.1/scim", &["--database-map", "64"], "SQLite"),
        ("memory:", &["--database-map", "64"], "SQLite"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = with(folder.path(), &["--database", database]);
        command.args(flags);
        let refused = refusal(command);
        let said = refused.stderr.join("\n");
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains(flags[0]) && said.contains(theirs), "{said}");
        assert!(!folder.path().join("scim.db").exists());
    }
}

/// A key that was made and could not be shown would be lost.
#[test]
fn a_busy_port_is_named_and_costs_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = bare_command(folder.path());
    command.args(["--listen", &address]);
    let refused = refusal(command);
    let said = refused.stderr.join("\n");
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("cannot listen on {address}")), "{said}");
    assert!(said.contains("in use"), "{said}");
    assert_eq!(refused.stdout, [] as [&str; 0]);

    drop(taken);
    let server = Server::start({
        let mut command = bare_command(folder.path());
        command.args(["--listen", &address]);
        command
    });
    assert_eq!(server.scim_url().split('/').nth(2), Some(&*address));
    let announced = server.announced("API key");
    let key = announced.split_whitespace().next().unwrap();
    Client::new(server.scim_url(), key).get("/Users").expect(200);
}

/// Every URI begins with the public URL, whatever the request was sent to.
#[test]
fn uris_begin_with_the_base_url() {
    let folder = tempfile::tempdir().unwrap();
    let mut command =
        with(folder.path(), &["--database", "memory:", "--org-id", ORG, "--api-key", KEY]);
    command.args(["--base-url", "https://scim.example.com/idp/"]);
    let server = Server::start(command);
    assert_eq!(server.scim_url(), "https://scim.example.com/idp/scim/acme/v2");
    let client = Client::new(&format!("http://{}/scim/acme/v2", server.address()), KEY);
    let body = user("bjensen").to_string();
    let headers = [("host", "evil.example.com"), ("x-forwarded-host", "evil.example.com")];
    let answer = client.try_send("POST", "/Users", &headers, Some(body.as_bytes())).unwrap();
    let id = answer.id();
    let location = format!("https://scim.example.com/idp/scim/acme/v2/Users/{id}");
    assert_eq!(answer.header("location"), Some(&*location));
    assert_eq!(answer.header("content-location"), Some(&*location));
    assert_eq!(answer.json()["meta"]["location"], location);
}

// The end.

/// Connects until nobody listens any more, which is how it shows that it is about to stop.
fn until_closed(server: &Server) {
    while std::net::TcpStream::connect(server.address()).is_ok() {
        thread::yield_now();
    }
}

#[test]
fn a_request_under_way_is_finished_before_it_stops() {
    on_each_that_lasts("a request under way", |database| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::acme(folder.path(), database.flag());
        let body = user("bjensen").to_string();
        let mut wire = Wire::to(&server);
        let headers = ["Expect: 100-continue", &format!("Content-Length: {}", body.len())];
        wire.send(&Wire::head(&server, "POST", "/Users", &headers)).unwrap();
        // The server is at it.
        assert_eq!(wire.reply().unwrap().status, 100);
        let mut idle = Wire::to(&server);
        idle.send(&Wire::head(&server, "GET", "/Users", &[])).unwrap();
        assert_eq!(idle.reply().unwrap().status, 200);

        server.terminate();
        until_closed(&server);
        // Nobody waits for those who have nothing to ask.
        assert!(idle.is_at_end());
        wire.send(body.as_bytes()).unwrap();
        let created = wire.reply().unwrap();
        assert_eq!(created.status, 201);
        let stopped = server.wait();
        assert!(stopped.status.success(), "{stopped:#?}");
        assert!(stopped.stderr.last().unwrap().contains("stopped"), "{stopped:#?}");

        let server = Server::acme(folder.path(), database.flag());
        let id = created.json()["id"].as_str().unwrap().to_owned();
        server.client().get(&format!("/Users/{id}")).expect(200);
    });
}

/// Who never finishes a request is not waited for once somebody insists.
#[test]
fn the_second_signal_stops_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::acme(folder.path(), SQLITE);
    let mut wire = Wire::to(&server);
    let headers = ["Expect: 100-continue", "Content-Length: 100"];
    wire.send(&Wire::head(&server, "POST", "/Users", &headers)).unwrap();
    assert_eq!(wire.reply().unwrap().status, 100);
    server.terminate();
    until_closed(&server);
    server.terminate();
    let stopped = server.wait();
    assert!(stopped.status.success(), "{stopped:#?}");
    assert!(wire.reply().is_none());
}

/// What a writer was told, and whether its connection broke before it was told more.
struct Acknowledged {
    user: String,
    name: String,
    member: bool,
}

/// Writes until the server is gone: users, and each of them into the group.
fn write(client: &Client, group: &str, writer: &str, told: &mpsc::Sender<Acknowledged>) {
    for n in 0.. {
        let name = format!("{writer}-{n}");
        let body = user(&name).to_string();
        let Ok(made) = client.try_send("POST", "/Users", &[], Some(body.as_bytes())) else {
            return;
        };
        let id = made.expect(201).id();
        let body = json!({"schemas": [PATCH_OP], "Operations": [
            {"op": "add", "path": "members", "value": [{"value": id}]},
        ]});
        let added = client.try_send("PATCH", group, &[], Some(body.to_string().as_bytes()));
        let member = added.map(|answer| assert!(matches!(answer.status, 200 | 204))).is_ok();
        let _ = told.send(Acknowledged { user: id, name, member });
        if !member {
            return;
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_it_is_killed() {
    on_each_that_lasts("a server that is killed", |database| {
        const WRITERS: usize = 8;
        const ROUNDS: usize = 4;
        let folder = tempfile::tempdir().unwrap();
        let server = Server::acme(folder.path(), database.flag());
        let group = json!({"schemas": [GROUP], "displayName": "All"});
        let group = format!("/Groups/{}", server.client().post("/Groups", &group).expect(201).id());
        server.kill();

        let mut acknowledged: Vec<Acknowledged> = Vec::new();
        for round in 0..ROUNDS {
            let server = Server::acme(folder.path(), database.flag());
            let (tell, told) = mpsc::channel();
            let writers: Vec<_> = (0..WRITERS)
                .map(|n| {
                    let (client, group, tell) = (server.client(), group.clone(), tell.clone());
                    thread::spawn(move || write(&client, &group, &format!("{round}-{n}"), &tell))
                })
                .collect();
            drop(tell);
            acknowledged.extend(told.iter().take(100));
            server.kill();
            writers.into_iter().for_each(|writer| writer.join().unwrap());
            acknowledged.extend(told);
        }

        let server = Server::acme(folder.path(), database.flag());
        let client = server.client();
        let names: BTreeSet<String> = acknowledged.iter().map(|a| a.name.clone()).collect();
        assert!(names.len() >= ROUNDS * 100);
        for Acknowledged { user: id, name, .. } in &acknowledged {
            let found = client.get(&format!("/Users/{id}")).expect(200).json();
            assert_eq!(found["userName"], **name);
            // The indexes know it too.
            let by_name =
                client.get(&format!("/Users?filter=userName+eq+%22{name}%22")).resources();
            assert_eq!(by_name[0]["id"], **id);
        }
        let last = &acknowledged.last().unwrap().name;
        client.post("/Users", &user(last)).expect(409);

        let members = client.get(&group).expect(200).json()["members"].clone();
        let members: BTreeSet<String> =
            members.as_array().unwrap().iter().map(member_value).collect();
        let told = |a: &&Acknowledged| a.member;
        let missing =
            acknowledged.iter().filter(told).filter(|a| !members.contains(&a.user)).count();
        assert_eq!(missing, 0, "of {} members", members.len());

        // Of what was not acknowledged, each writer may have left one user behind, and no halves.
        let total = client.get("/Users?count=0").json()["totalResults"].as_u64().unwrap();
        let total = usize::try_from(total).unwrap();
        assert!((names.len()..=names.len() + ROUNDS * WRITERS).contains(&total), "{total} users");
        let mut start = 1;
        let mut listed = BTreeSet::new();
        while start <= total {
            let page = client.get(&format!("/Users?startIndex={start}&count=1000")).resources();
            start += page.len();
            listed.extend(page.iter().map(|user| user["userName"].as_str().unwrap().to_owned()));
        }
        assert_eq!(listed.len(), total);
        assert!(names.is_subset(&listed));

        // It goes on as if nothing had been.
        let id = client.post("/Users", &user("afterwards")).expect(201).id();
        let add = json!({"op": "add", "path": "members", "value": [{"value": id}]});
        let add = json!({"schemas": [PATCH_OP], "Operations": [add]});
        assert!(matches!(client.patch(&group, &add).status, 200 | 204));
        client.delete(&group).expect(204);
        client.delete(&format!("/Users/{id}")).expect(204);
        assert!(server.stop().status.success());
    });
}

fn member_value(member: &Value) -> String {
    member["value"].as_str().unwrap().to_owned()
}

// The log.

#[test]
fn each_request_is_a_line_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::acme(folder.path(), "memory:");
    let client = server.client();
    let body = json!({"schemas": [USER], "userName": "bjensen", "active": "True"}).to_string();
    let post =
        |id: &str| client.send("POST", "/Users", &[("x-request-id", id)], Some(body.as_bytes()));
    post("first").expect(201);
    post("second").expect(409);
    let get = |client: &Client, path: &str, id: &str| {
        client.send("GET", path, &[("x-request-id", id)], None)
    };
    get(&client, "/Users?filter=userName+eq+%22private%22", "third").expect(200);
    get(&client.with_key("a-wrong-key"), "/Users", "fourth").expect(401);
    get(&client, &format!("/Users/{}", "x".repeat(5000)), "fifth").expect(404);
    // Nobody writes lines of their own.
    let injecting = Client::new(
        &format!("http://{}/scim/a%0A2026-11-23T00:00:00Z%20INFO%20b/v2", server.address()),
        KEY,
    );
    get(&injecting, "/Users%0Ac", "sixth").expect(401);
    let large = vec![b' '; (1 << 20) + 1];
    client.send("PUT", "/Users/1", &[("x-request-id", "seventh")], Some(&large)).expect(413);

    let line = |id: &str| server.wait_for_log(|line| line.contains(&format!("\"{id}\"")));
    for (id, expected) in [
        ("first", ["method=POST", "/v2/Users", "status=201", "BooleanStrings"]),
        ("second", ["method=POST", "/v2/Users", "status=409", "acme"]),
        ("third", ["method=GET", "/v2/Users", "status=200", "acme"]),
        ("fourth", ["method=GET", "/v2/Users", "status=401", "acme"]),
        ("fifth", ["method=GET", "/v2/Users/xxx", "status=404", "acme"]),
        ("sixth", ["method=GET", "/v2/Users", "status=401", "INFO"]),
        ("seventh", ["method=PUT", "/v2/Users/1", "status=413", ""]),
    ] {
        let line = line(id);
        assert!(expected.iter().all(|part| line.contains(part)), "{line}");
        assert!(line.len() < 1000, "{line}");
    }
    let log = server.log();
    let requests = log.iter().filter(|line| line.contains("scim::request")).count();
    // And the one that says where it listens.
    assert_eq!((requests, log.len()), (7, 8), "{log:#?}");
    let told = |secret: &str| log.iter().any(|line| line.contains(secret));
    assert!(!told(KEY) && !told("a-wrong-key") && !told("private") && !told("bjensen"), "{log:#?}");
}
