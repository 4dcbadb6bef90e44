//! Several servers over one PostgreSQL database.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, mpsc};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::database::Database;
use crate::server::{KEY, ORG, Server, command};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

fn start(folder: &std::path::Path, database: &Database, flags: &[&str]) -> Server {
    let mut command = command(folder);
    command.args(["--database", database.flag()]).args(flags);
    Server::start(command)
}

/// Asks again until the answer has that status, as whoever set a key would.
fn until(status: u16, ask: impl Fn() -> Answer) {
    while ask().status != status {
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_one_does_to_keys_and_organisations_the_other_honours() {
    let Some(database) = Database::postgres("keys on two servers") else { return };
    let folder = tempfile::tempdir().unwrap();
    let one = Server::acme(folder.path(), database.flag());
    let at = |organization: &str, key: &str| {
        Client::new(&format!("http://{}/scim/{organization}/v2", one.address()), key)
    };
    at(ORG, KEY).get("/Users").expect(200);

    // Another organisation, by a server that then is gone.
    let globex = "the-key-of-globex";
    start(folder.path(), &database, &["--org-id", "globex", "--api-key", globex]).stop();
    until(200, || at("globex", globex).get("/Users"));
    at("globex", KEY).get("/Users").expect(401);

    // Another key.
    let new = "the-new-key-of-acme";
    let two = start(folder.path(), &database, &["--org-id", ORG, "--api-key", new]);
    two.client().with_key(new).get("/Users").expect(200);
    two.client().get("/Users").expect(401);
    until(200, || at(ORG, new).get("/Users"));
    at(ORG, KEY).get("/Users").expect(401);
    assert_eq!(two.stop().stdout.len(), 6);

    // A key that an administrator takes back.
    let Database::Postgres(sql) = &database else { unreachable!() };
    sql.run("DELETE FROM org_server_api_key WHERE organization = 'globex'").unwrap();
    until(401, || at("globex", globex).get("/Users"));
    at(ORG, new).get("/Users").expect(200);
}

/// Nobody is let in by what was known long ago.
#[test]
fn keys_are_honoured_again_when_connections_were_cut_and_not_without_the_database() {
    let Some(database) = Database::postgres("keys and cut connections") else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = Server::acme(folder.path(), database.flag());
    let client = server.client();
    let Database::Postgres(sql) = &database else { unreachable!() };
    sql.cut_connections().unwrap();
    // The tables move away: the connection is good, and the keys cannot be read.
    sql.run("ALTER TABLE org_server_api_key RENAME TO away").unwrap();
    until(503, || client.get("/ServiceProviderConfig"));
    let refused = client.get("/ServiceProviderConfig").expect(503);
    assert_eq!(refused.header("retry-after"), Some("1"));
    server.wait_for_log(|line| line.contains("the API keys cannot be looked up"));
    sql.run("ALTER TABLE away RENAME TO org_server_api_key").unwrap();
    until(200, || client.get("/ServiceProviderConfig"));
    client.get("/Users").expect(200);
}

#[test]
fn a_few_connections_and_a_pooler_in_between_will_do() {
    let Some(database) = Database::postgres("few connections") else { return };
    let folder = tempfile::tempdir().unwrap();
    let flags = ["--org-id", ORG, "--api-key", KEY, "--database-connections", "2"];
    let pooled =
        start(folder.path(), &database, &[flags.as_slice(), &["--transaction-pooling"]].concat());
    let other = start(folder.path(), &database, &flags);
    thread::scope(|scope| {
        for n in 0..16 {
            let client = if n % 2 == 0 { pooled.client() } else { other.client() };
            scope.spawn(move || {
                let user = json!({"schemas": [USER], "userName": format!("user-{n}")});
                let id = client.post("/Users", &user).expect(201).id();
                client.get(&format!("/Users/{id}")).expect(200);
            });
        }
    });
    let all =
        |server: &Server| server.client().get("/Users?count=0").json()["totalResults"].clone();
    assert_eq!((all(&pooled), all(&other)), (json!(16), json!(16)));
    let Database::Postgres(sql) = &database else { unreachable!() };
    sql.run(
        "DO $$ BEGIN IF (SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()) > 6
         THEN RAISE EXCEPTION 'more than two connections each, and one each for the keys'; END IF;
         END $$",
    )
    .unwrap();
}

/// What servers acknowledged, and what was under way when one was killed.
#[derive(Default)]
struct Told {
    /// Users that were made, with the title that was set last.
    titles: BTreeMap<String, String>,
    members: BTreeSet<String>,
    deleted: BTreeSet<String>,
    /// Users of which a request got no answer, so that nobody knows.
    unsure: BTreeSet<String>,
    /// How often the number was counted up.
    counted: usize,
    /// How often nobody knows whether it was.
    perhaps: usize,
}

/// What all that write share.
struct Site {
    /// The path of the group.
    group: String,
    /// The path of the user whose title is a number that all count up.
    counter: String,
    told: Mutex<Told>,
    stop: AtomicBool,
}

fn patch(
    client: &Client,
    path: &str,
    headers: &[(&str, &str)],
    operation: Value,
) -> Option<Answer> {
    let body = json!({"schemas": [PATCH_OP], "Operations": [operation]}).to_string();
    client.try_send("PATCH", path, headers, Some(body.as_bytes())).ok()
}

impl Site {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }

    /// Writes until it is told to stop or the server is gone.
    fn work(&self, client: &Client, worker: &str, progress: &mpsc::Sender<()>) {
        for n in 0.. {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let user = json!({"schemas": [USER], "userName": format!("{worker}-{n}")}).to_string();
            let Ok(made) = client.try_send("POST", "/Users", &[], Some(user.as_bytes())) else {
                return;
            };
            let id = made.expect(201).id();
            self.told().titles.insert(id.clone(), String::new());
            if self.live(client, &id, n).is_none() {
                self.told().unsure.insert(id);
                return;
            }
            if self.count_up(client).is_none() {
                self.told().perhaps += 1;
                return;
            }
            self.told().counted += 1;
            let _ = progress.send(());
        }
    }

    /// A user gets a title and joins the group; some leave, and some are deleted. `None` when a
    /// request got no answer.
    fn live(&self, client: &Client, id: &str, n: usize) -> Option<()> {
        let path = format!("/Users/{id}");
        let title = format!("title {n}");
        let set = json!({"op": "replace", "path": "title", "value": title});
        patch(client, &path, &[], set)?.expect(200);
        self.told().titles.insert(id.to_owned(), title);

        let add = json!({"op": "add", "path": "members", "value": [{"value": id}]});
        let added = patch(client, &self.group, &[], add)?;
        assert!(matches!(added.status, 200 | 204), "{added:?}");
        self.told().members.insert(id.to_owned());
        if n.is_multiple_of(3) {
            let remove = json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")});
            let removed = patch(client, &self.group, &[], remove)?;
            assert!(matches!(removed.status, 200 | 204), "{removed:?}");
            self.told().members.remove(id);
        }
        if n.is_multiple_of(5) {
            client.try_send("DELETE", &path, &[], None).ok()?.expect(204);
            self.told().deleted.insert(id.to_owned());
        }
        Some(())
    }

    /// Adds one to the number: reads it, and writes it if nobody did meanwhile (RFC 7644 §3.14).
    fn count_up(&self, client: &Client) -> Option<()> {
        loop {
            let read = client.try_send("GET", &self.counter, &[], None).ok()?.expect(200);
            let etag = read.header("etag").unwrap().to_owned();
            let next = json!({"op": "replace", "path": "title", "value": next(&read).to_string()});
            let written = patch(client, &self.counter, &[("if-match", &etag)], next)?;
            match written.status {
                200 => return Some(()),
                412 => {}
                _ => panic!("{written:?}"),
            }
        }
    }

    /// What was acknowledged is what a server tells.
    fn check(&self, client: &Client) {
        let told = self.told();
        let group = client.get(&self.group).expect(200).json();
        let members = group["members"].as_array().unwrap().iter();
        let members: BTreeSet<&str> = members.map(|m| m["value"].as_str().unwrap()).collect();
        for (id, title) in told.titles.iter().filter(|(id, _)| !told.unsure.contains(*id)) {
            let found = client.get(&format!("/Users/{id}"));
            if told.deleted.contains(id) {
                found.expect(404);
                assert!(!members.contains(&**id), "{id} is deleted");
            } else {
                assert_eq!(found.expect(200).json()["title"], **title);
                assert_eq!(members.contains(&**id), told.members.contains(id), "{id}");
            }
        }
        let number = next(&client.get(&self.counter).expect(200)) - 1;
        let (counted, perhaps) = (told.counted, told.perhaps);
        let possible = counted..=counted + perhaps;
        assert!(possible.contains(&number), "{number}, told {counted}, perhaps {perhaps} more");
    }
}

/// The number after that in the title.
fn next(counter: &Answer) -> usize {
    counter.json()["title"].as_str().unwrap().parse::<usize>().unwrap() + 1
}

#[test]
fn no_update_is_lost_when_one_of_two_is_killed_and_started_again() {
    const WORKERS: usize = 4;
    const ROUNDS: usize = 3;
    let Some(database) = Database::postgres("two servers, one of them killed") else { return };
    let folder = tempfile::tempdir().unwrap();
    let steady = Server::acme(folder.path(), database.flag());
    let client = steady.client();
    let group = json!({"schemas": [GROUP], "displayName": "All"});
    let counter = json!({"schemas": [USER], "userName": "counter", "title": "0"});
    let site = Site {
        group: format!("/Groups/{}", client.post("/Groups", &group).expect(201).id()),
        counter: format!("/Users/{}", client.post("/Users", &counter).expect(201).id()),
        told: Mutex::default(),
        stop: AtomicBool::new(false),
    };
    thread::scope(|scope| {
        let begin = |server: &Server, name: &str| {
            let (tell, progress) = mpsc::channel();
            for n in 0..WORKERS {
                let (client, tell, worker) = (server.client(), tell.clone(), format!("{name}-{n}"));
                let site = &site;
                scope.spawn(move || site.work(&client, &worker, &tell));
            }
            progress
        };
        let going_on = begin(&steady, "steady");
        for round in 0..ROUNDS {
            let shaky = Server::acme(folder.path(), database.flag());
            let progress = begin(&shaky, &format!("shaky-{round}"));
            // Amid their work.
            assert_eq!(progress.iter().take(20).count(), 20);
            shaky.kill();
            // The other did not mind.
            assert_eq!(going_on.iter().take(20).count(), 20);
        }
        let again = Server::acme(folder.path(), database.flag());
        let progress = begin(&again, "again");
        assert_eq!(progress.iter().take(20).count(), 20);
        site.stop.store(true, Ordering::Relaxed);
        // It must live until its workers are done.
        while progress.recv().is_ok() {}
    });
    {
        let told = site.told();
        assert!(told.counted >= 2 * 20 * ROUNDS && !told.deleted.is_empty());
        assert!(!told.unsure.is_empty() || told.perhaps > 0, "none was killed at work");
    }
    site.check(&client);
    site.check(&Server::acme(folder.path(), database.flag()).client());
}
