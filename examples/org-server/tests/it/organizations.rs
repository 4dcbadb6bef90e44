//! Organisations and what is set for each, looked after beside a running server.

use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::database::{Database, on_each_that_lasts};
use crate::server::{KEY, Server, Stopped, command, org};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

fn start(folder: &Path, database: &Database, flags: &[&str]) -> Server {
    let mut command = command(folder);
    command.args(["--database", database.flag()]).args(flags);
    Server::start(command)
}

/// Asks again until the answer has that status, as whoever set something would; not for ever.
fn until(status: u16, ask: impl Fn() -> Answer) {
    let asked = (0..1200).any(|_| {
        let is_so = ask().status == status;
        if !is_so {
            thread::sleep(Duration::from_millis(50));
        }
        is_so
    });
    assert!(asked, "still not {status}");
}

/// The key that was made and shown.
fn made(stopped: &Stopped) -> &str {
    let told = stopped.stdout[1].strip_prefix("API key    ").unwrap();
    told.split_whitespace().next().unwrap()
}

fn at(server: &Server, organization: &str) -> Client {
    Client::new(&format!("http://{}/scim/{organization}/v2", server.address()), KEY)
}

/// Does something to organisations that must succeed.
fn done(folder: &Path, database: &Database, arguments: &[&str]) -> Stopped {
    let done = org(folder, database, arguments);
    assert!(done.status.success(), "{arguments:?}: {done:#?}");
    done
}

/// Does something to organisations that must fail; what it says.
fn refused(folder: &Path, database: &Database, arguments: &[&str]) -> String {
    let refused = org(folder, database, arguments);
    assert!(!refused.status.success() && refused.stdout.is_empty(), "{arguments:?}: {refused:#?}");
    refused.stderr.join("\n")
}

/// A user that the default, Entra's and OneLogin's preset take, but neither `strict` nor `okta`.
fn bent() -> Value {
    json!({"schemas": [USER], "userName": "bjensen", "emails": {"value": "b@example.com"}})
}

/// Two users of one name, the first of whom is deactivated.
fn comes_back(client: &Client, name: &str) -> Answer {
    let user = json!({"schemas": [USER], "userName": name, "active": false});
    client.post("/Users", &user).expect(201);
    client.post("/Users", &user)
}

fn of_nobody(client: &Client) -> Answer {
    let members = json!([{"value": "nobody"}]);
    client.post("/Groups", &json!({"schemas": [GROUP], "displayName": "G", "members": members}))
}

#[test]
fn two_organisations_on_one_server_are_each_as_is_set_for_it() {
    on_each_that_lasts("settings of organisations", |database| {
        let folder = tempfile::tempdir().unwrap();
        let run = |arguments: &[&str]| done(folder.path(), database, arguments);
        // Before any server ever was.
        run(&["add", "acme", "--api-key", KEY, "--profile", "strict"]);
        let settings = ["--demand", "existing-references", "--reactivate", "yes"];
        run(&[["add", "globex", "--api-key", KEY].as_slice(), &settings].concat());
        let server = start(folder.path(), database, &["--profile", "entra"]);
        let (acme, globex) = (at(&server, "acme"), at(&server, "globex"));

        acme.post("/Users", &bent()).expect(400);
        globex.post("/Users", &bent()).expect(201);
        comes_back(&acme, "jsmith").expect(409);
        comes_back(&globex, "jsmith").expect(201);
        of_nobody(&acme).expect(201);
        of_nobody(&globex).expect(400);

        // It is shown, and says what is its own.
        let shown = |lines: &[String], organization: &str| {
            let path = format!("/scim/{organization}/v2");
            let line = lines.iter().position(|line| line.ends_with(&path)).unwrap();
            let settings = lines[line..].iter().find_map(|line| line.strip_prefix("Settings   "));
            settings.unwrap().to_owned()
        };
        let listed = run(&["list"]).stdout;
        assert_eq!(listed.len(), 4, "{listed:#?}");
        assert_eq!(shown(&listed, "acme"), "profile strict; demand default; reactivate default");
        let own = "profile default; demand existing-references; reactivate yes";
        assert_eq!(shown(&listed, "globex"), own);

        // It is changed while the server runs, for the one and not for the other.
        let set = run(&["set", "acme", "--profile", "interop", "--reactivate", "yes"]).stdout;
        assert_eq!(shown(&set, "acme"), "profile interop; demand default; reactivate yes");
        until(201, || acme.post("/Users", &bent()));
        comes_back(&acme, "again").expect(201);
        run(&["set", "globex", "--profile", "okta", "--demand", "none", "--reactivate", "no"]);
        until(400, || globex.post("/Users", &bent()));
        comes_back(&globex, "again").expect(409);
        of_nobody(&globex).expect(201);

        // As the server's flags say again, and the same after a start.
        run(&["set", "globex", "--profile", "default", "--demand", "default"]);
        until(409, || globex.post("/Users", &bent()));
        let said = server.stop().stdout;
        let entra = "profile entra (default); demand existing-references; reactivate yes";
        assert_eq!(shown(&said, "globex"), entra);
        let server = start(folder.path(), database, &["--profile", "strict", "--reactivate"]);
        at(&server, "globex").post("/Users", &bent()).expect(400);
        comes_back(&at(&server, "globex"), "and again").expect(409);
        at(&server, "acme").post("/Users", &bent()).expect(409);
        let said = server.stop().stdout;
        let strict = "profile strict (default); demand none (default); reactivate no";
        assert_eq!(shown(&said, "globex"), strict);
    });
}

#[test]
fn by_the_user_agent_where_that_is_set() {
    on_each_that_lasts("an organisation's `auto`", |database| {
        let folder = tempfile::tempdir().unwrap();
        for (organization, profile) in [("acme", "auto"), ("globex", "default")] {
            let flags = ["add", organization, "--api-key", KEY, "--profile", profile];
            done(folder.path(), database, &flags);
        }
        let server = start(folder.path(), database, &[]);
        let body = bent().to_string();
        let okta = [("user-agent", "Okta SCIM Client 1.0.0")];
        for (organization, headers, expected) in [
            ("acme", okta.as_slice(), 400),
            ("acme", &[], 201),
            ("globex", &okta, 201),
            ("globex", &[], 409),
        ] {
            let client = at(&server, organization);
            let answer = client.send("POST", "/Users", headers, Some(body.as_bytes()));
            assert_eq!(answer.status, expected, "{organization} {headers:?}");
        }
    });
}

/// Whoever changes it, and wherever.
#[test]
fn all_servers_over_one_database_follow() {
    let Some(database) = Database::postgres("settings on two servers") else { return };
    let folder = tempfile::tempdir().unwrap();
    done(folder.path(), &database, &["add", "acme", "--api-key", KEY]);
    let servers = [(); 2].map(|()| start(folder.path(), &database, &[]));
    let clients = servers.each_ref().map(|server| at(server, "acme"));
    clients[0].post("/Users", &bent()).expect(201);
    clients[1].post("/Users", &bent()).expect(409);
    done(folder.path(), &database, &["set", "acme", "--profile", "strict"]);
    clients.iter().for_each(|client| until(400, || client.post("/Users", &bent())));
    let Database::Postgres(sql) = &database else { unreachable!() };
    sql.run("UPDATE org_server_organization SET profile = 'onelogin' WHERE id = 'acme'").unwrap();
    clients.iter().for_each(|client| until(409, || client.post("/Users", &bent())));
}

#[test]
fn a_running_server_follows_what_is_done_to_keys_and_organisations() {
    on_each_that_lasts("keys beside a running server", |database| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::acme(folder.path(), database.flag());
        let acme = server.client();
        done(folder.path(), database, &["add", "globex", "--api-key", KEY]);
        until(200, || at(&server, "globex").get("/Users"));
        let key = "the-new-key-of-acme";
        let set = done(folder.path(), database, &["set", "acme", "--api-key", key]);
        assert_eq!(set.stdout[1], "API key    the one given");
        until(200, || acme.with_key(key).get("/Users"));
        acme.get("/Users").expect(401);
        // One that is made, and kept only as a hash.
        let added = done(folder.path(), database, &["add", "initech"]);
        let initech = at(&server, "initech").with_key(made(&added));
        until(200, || initech.get("/Users"));
        assert_eq!(database.place_of(folder.path(), made(&added)), None);
        // And one that is made in its place.
        let set = done(folder.path(), database, &["set", "initech", "--new-key"]);
        assert_ne!(made(&set), made(&added));
        until(200, || initech.with_key(made(&set)).get("/Users"));
        initech.get("/Users").expect(401);
        // And one that is taken back.
        database.run(
            folder.path(),
            "DELETE FROM api_key WHERE organization = 'globex'",
            "DELETE FROM org_server_api_key WHERE organization = 'globex'",
        );
        until(401, || at(&server, "globex").get("/Users"));
        let set = done(folder.path(), database, &["set", "acme", "--profile", "okta"]).stdout;
        assert!(set[1].starts_with("API key    as before"), "{set:#?}");
        acme.with_key(key).get("/Users").expect(200);
    });
}

/// Nobody is served by a profile that is not the organisation's.
#[test]
fn what_a_server_does_not_know_the_meaning_of_it_does_not_serve() {
    on_each_that_lasts("unknown settings", |database| {
        let folder = tempfile::tempdir().unwrap();
        for organization in ["acme", "globex"] {
            done(folder.path(), database, &["add", organization, "--api-key", KEY]);
        }
        let server = start(folder.path(), database, &[]);
        let (acme, globex) = (at(&server, "acme"), at(&server, "globex"));
        acme.get("/Users").expect(200);
        for (column, value) in [("profile", "of-a-newer-version"), ("demands", "no-such-thing")] {
            database.run(
                folder.path(),
                &format!("UPDATE organization SET {column} = '{value}' WHERE id = 'acme'"),
                &format!(
                    "UPDATE org_server_organization SET {column} = '{value}' WHERE id = 'acme'"
                ),
            );
            until(503, || acme.get("/Users"));
            assert_eq!(acme.get("/Users").header("retry-after"), Some("1"));
            acme.with_key("another-key").get("/Users").expect(401);
            globex.get("/Users").expect(200);
            server
                .wait_for_log(|line| line.contains("`acme` is not served") && line.contains(value));
            let listed = done(folder.path(), database, &["list"]).stdout.concat();
            assert!(listed.contains("not served") && listed.contains(value), "{listed}");
            let mended = ["set", "acme", "--profile", "default", "--demand", "default"];
            done(folder.path(), database, &mended);
            until(200, || acme.get("/Users"));
        }
    });
}

/// A database of a version that knew no settings.
#[test]
fn a_database_from_before_is_taken_on() {
    on_each_that_lasts("a database without settings", |database| {
        let folder = tempfile::tempdir().unwrap();
        Server::acme(folder.path(), database.flag()).stop();
        database.run(
            folder.path(),
            "DROP TRIGGER organization_changed; DROP TRIGGER organization_gone;
             DROP TRIGGER api_key_made; DROP TRIGGER api_key_changed; DROP TRIGGER api_key_gone;
             DROP TABLE organization_revision;
             ALTER TABLE organization DROP COLUMN profile;
             ALTER TABLE organization DROP COLUMN demands;
             ALTER TABLE organization DROP COLUMN reactivate;",
            "DROP TRIGGER org_server_revise ON org_server_organization;
             ALTER TABLE org_server_organization
                 DROP COLUMN profile, DROP COLUMN demands, DROP COLUMN reactivate;",
        );
        // Looking changes nothing.
        assert_eq!(done(folder.path(), database, &["list"]).stdout.len(), 2);
        let server = start(folder.path(), database, &[]);
        let acme = at(&server, "acme");
        acme.post("/Users", &bent()).expect(201);
        done(folder.path(), database, &["set", "acme", "--profile", "strict"]);
        until(400, || acme.post("/Users", &bent()));
    });
}

#[test]
fn what_cannot_be_done_to_organisations_is_not() {
    on_each_that_lasts("refusals", |database| {
        let folder = tempfile::tempdir().unwrap();
        let refused = |arguments: &[&str]| refused(folder.path(), database, arguments);
        if let Database::Sqlite = database {
            for arguments in [["list"].as_slice(), &["set", "acme"]] {
                assert!(refused(arguments).contains("cannot open the database scim.db"));
            }
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a file was made");
        } else {
            assert!(done(folder.path(), database, &["list"]).stdout.is_empty());
            assert!(refused(&["set", "acme"]).contains("there is no organisation `acme`"));
        }
        done(folder.path(), database, &["add", "acme", "--api-key", KEY]);
        let before = done(folder.path(), database, &["list"]).stdout;
        for (arguments, said) in [
            (["add", "acme", "--profile", "okta"].as_slice(), "`acme` is there already"),
            (&["set", "globex", "--profile", "okta"], "there is no organisation `globex`"),
            (&["set", "acme", "--profile", "Okta"], "`entra-scim2`"),
            (&["set", "acme", "--profile", ""], "`default`"),
            (&["set", "acme", "--demand", "countries,more"], "`existing-references`"),
            (&["set", "acme", "--reactivate", "perhaps"], "`yes`"),
            (&["set", "a/b"], "letters"),
            (&["set", "acme", "--api-key", "short"], "at least 8"),
        ] {
            let refusal = refused(arguments);
            assert!(refusal.contains(said), "{arguments:?}: {refusal}");
        }
        assert_eq!(done(folder.path(), database, &["list"]).stdout, before);
    });
    let folder = tempfile::tempdir().unwrap();
    let said = refused(folder.path(), &Database::Memory, &["list"]);
    assert!(said.contains("in memory"), "{said}");
}

/// Nobody is let in by what was known long ago, and the file's troubles pass.
#[test]
fn a_file_whose_keys_cannot_be_read_lets_nobody_in() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::acme(folder.path(), Database::Sqlite.flag());
    let client = server.client();
    client.get("/Users").expect(200);
    let run = |sql: &str| Database::Sqlite.run(folder.path(), sql, "");
    run("ALTER TABLE api_key RENAME TO away");
    until(503, || client.get("/Users"));
    server.wait_for_log(|line| line.contains("the API keys cannot be looked up"));
    run("ALTER TABLE away RENAME TO api_key");
    until(200, || client.get("/Users"));
}
