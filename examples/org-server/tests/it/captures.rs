//! What identity providers send, replayed as sequences: after each request the state is what its
//! sender meant.
//!
//! The requests are read from `idp-captures/<client>/` below the folder that `SCIM_CORPUS_DIR`
//! names. Each has a row in a table: the file, the status that it gets, and a function that makes
//! what the request needs, sends it and looks at what became of it. A file without a row and a row
//! without a file fail.

mod entra;
mod okta;
mod others;
mod stage;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use scim_core::Quirk;
use serde_json::json;

use crate::captures::stage::{Capture, Stage};
use crate::database::Database;
use crate::server::{KEY, Server};
use crate::skip::skip;

/// A request: its file (without `.json`), the status it gets, and what is to be seen.
pub(crate) type Row = (&'static str, u16, fn(&mut Stage<'_>));

#[test]
fn entra_on_sqlite() {
    replay("entra", &entra::ROWS, &Database::Sqlite);
}

#[test]
fn entra_on_postgres() {
    let Some(database) = Database::postgres("the captures of entra") else { return };
    replay("entra", &entra::ROWS, &database);
}

#[test]
fn entra_in_memory() {
    replay("entra", &entra::ROWS, &Database::Memory);
}

#[test]
fn okta_on_sqlite() {
    replay("okta", &okta::ROWS, &Database::Sqlite);
}

#[test]
fn okta_on_postgres() {
    let Some(database) = Database::postgres("the captures of okta") else { return };
    replay("okta", &okta::ROWS, &database);
}

#[test]
fn okta_in_memory() {
    replay("okta", &okta::ROWS, &Database::Memory);
}

#[test]
fn others_on_sqlite() {
    for table in others::TABLES {
        replay(table.client, table.rows, &Database::Sqlite);
    }
}

#[test]
fn others_on_postgres() {
    for table in others::TABLES {
        let what = format!("the captures of {}", table.client);
        let Some(database) = Database::postgres(&what) else { return };
        replay(table.client, table.rows, &database);
    }
}

#[test]
fn others_in_memory() {
    for table in others::TABLES {
        replay(table.client, table.rows, &Database::Memory);
    }
}

/// The preset of a client does for it what the default does.
#[test]
fn each_client_under_its_own_preset() {
    replay_under("entra", "entra", &entra::ROWS, &Database::Sqlite);
    replay_under("okta", "okta", &okta::ROWS, &Database::Sqlite);
    for table in others::TABLES.iter().filter(|table| table.client != "other") {
        replay_under(table.client, table.client, table.rows, &Database::Sqlite);
    }
}

/// Entra with `aadOptscim062020` at the end of the tenant URL sends what it sends without, but for what
/// that changes.
#[test]
fn entra_with_its_flag_under_the_preset_for_it() {
    let sent = |file: &str| !entra::WITHOUT_THE_FLAG.contains(&file);
    for database in [Database::Sqlite, Database::Memory] {
        let fired = replay_those("entra-scim2", "entra", &entra::ROWS, sent, &database);
        let Some(fired) = fired else { return };
        assert!(fired.contains_key("19-patch-multi-with-flag-dotted-keys"), "{fired:?}");
    }
    let rows = entra::ROWS.map(|(file, ..)| file);
    assert!(entra::WITHOUT_THE_FLAG.iter().all(|file| rows.contains(file)));
}

/// Okta is the one that says who it is.
#[test]
fn okta_under_auto() {
    replay_under("auto", "okta", &okta::ROWS, &Database::Memory);
}

/// What the documentation of each quirk says of captures is so.
#[test]
fn each_quirk_names_a_capture_that_shows_it() {
    let others = others::TABLES.iter().map(|table| (table.client, table.rows));
    let tables = [("entra", &entra::ROWS[..]), ("okta", &okta::ROWS[..])].into_iter().chain(others);
    let mut fired = BTreeMap::new();
    for (client, rows) in tables {
        let Some(quirks) = replay(client, rows, &Database::Memory) else { return };
        fired.extend(quirks.into_iter().map(|(file, quirks)| (format!("{client}/{file}"), quirks)));
    }
    let source = include_str!("../../../../scim-core/src/profile.rs");
    let (_, table) = source.split_once("pub enum Quirk {").unwrap();
    for quirk in Quirk::ALL.map(|quirk| quirk.to_string()) {
        let (before, _) = table.split_once(&format!("\n    {quirk},")).expect("it is in the table");
        let comment = before.lines().rev().take_while(|line| line.starts_with("    ///"));
        let named: Vec<&str> = comment
            .filter_map(|line| line.strip_prefix("    /// Capture: `")?.strip_suffix("`."))
            .collect();
        let shown = |file: &str| fired.get(file).is_some_and(|quirks| quirks.contains(&quirk));
        match named[..] {
            [] => {
                let shows = fired.keys().find(|file| shown(file));
                assert_eq!(shows, None, "{quirk} could name it");
            }
            [file] => assert!(shown(file), "{quirk} does not fire in {file}"),
            _ => panic!("{quirk} names several"),
        }
    }
}

/// Replays a client's requests in the order of their files, on a server of their own.
fn replay(client: &str, rows: &[Row], database: &Database) -> Option<Fired> {
    replay_under("interop", client, rows, database)
}

/// The quirks that fired in each file's request.
type Fired = BTreeMap<String, BTreeSet<String>>;

fn replay_under(profile: &str, client: &str, rows: &[Row], database: &Database) -> Option<Fired> {
    replay_those(profile, client, rows, |_| true, database)
}

/// The same, of the files that are sent.
fn replay_those(
    profile: &str,
    client: &str,
    rows: &[Row],
    is_sent: impl Fn(&str) -> bool,
    database: &Database,
) -> Option<Fired> {
    let Some(corpus) = env::var_os("SCIM_CORPUS_DIR") else {
        skip(&format!("the captures of {client}"), "SCIM_CORPUS_DIR is not set");
        return None;
    };
    let captures = read(&corpus, client);
    let files: BTreeSet<String> = captures.iter().map(|c| c.file.clone()).collect();
    let in_table: BTreeSet<String> = rows.iter().map(|(file, ..)| (*file).to_owned()).collect();
    assert_eq!(in_table.len(), rows.len(), "{client}: a file has two rows");
    assert_eq!(files, in_table, "{client}: files on the left, rows on the right");

    let folder = tempfile::tempdir().unwrap();
    let flag = database.flag();
    let server = Server::acme_with(folder.path(), flag, profile);
    let http = server.client();
    let mut stage = Stage::new(&http);
    // What no request of the sequence has in mind.
    let bystander = json!({
        "userName": "bystander", "displayName": "By Stander", "title": "Bystander",
        "active": true, "emails": [{"value": "bystander@example.org", "type": "work"}],
    });
    stage.create("Users", "bystander", bystander);
    stage.group("bystanders", &["bystander"]);
    let before = stage.bystanders();

    for capture in captures.into_iter().filter(|capture| is_sent(&capture.file)) {
        println!("{client}/{}", capture.file);
        let (_, status, row) = rows.iter().find(|(file, ..)| capture.file == *file).unwrap();
        let status = match *status {
            200 if profile.starts_with("entra") && capture.is_patch_of("/Groups/") => 204,
            status => status,
        };
        assert!(capture.takes(status), "what the source expects of {status}");
        stage.present(capture, status);
        row(&mut stage);
        assert!(stage.was_sent(), "the row does not send its request");
        assert_eq!(stage.bystanders(), before, "something else changed");
    }

    let secrets = stage.secrets();
    let held: Vec<_> = ["/Users", "/Groups"].map(|path| http.get(path).expect(200).json()).into();
    let stopped = server.stop();
    assert!(stopped.status.success(), "{stopped:#?}");
    let fired = fired(&stopped.stderr, &files);
    for secret in secrets.iter().map(String::as_str).chain([KEY]) {
        let said = stopped.stderr.iter().find(|line| line.contains(secret));
        assert_eq!(said, None, "{client}: the log tells a secret");
    }
    if !matches!(database, Database::Memory) {
        // What is no secret is found.
        assert!(database.place_of(folder.path(), "bystander@example.org").is_some());
        for secret in secrets.iter().map(String::as_str).chain([KEY]) {
            let kept = database.place_of(folder.path(), secret);
            assert_eq!(kept, None, "{client}: a secret is kept");
        }
        // What was acknowledged is what a new process finds, to the letter but for the port.
        let server = Server::acme(folder.path(), flag);
        let again = server.client();
        for (path, held) in ["/Users", "/Groups"].into_iter().zip(held) {
            let moved = held.to_string().replace(http.scim_url(), again.scim_url());
            assert_eq!(again.get(path).expect(200).json().to_string(), moved, "{client}: {path}");
        }
    }
    Some(fired)
}

/// The quirks that fired in each capture, by what the log says.
fn fired(log: &[String], files: &BTreeSet<String>) -> Fired {
    let field = |line: &str, name: &str| {
        let (_, rest) = line.split_once(&format!("{name}="))?;
        Some(rest.split(' ').next().unwrap_or_default().trim_matches('"').to_owned())
    };
    let mut fired = Fired::new();
    for line in log {
        let Some(file) = field(line, "request_id").filter(|id| files.contains(id)) else {
            continue;
        };
        let quirks = field(line, "quirks").unwrap_or_default();
        let quirks = quirks.split(',').filter(|quirk| !quirk.is_empty()).map(str::to_owned);
        fired.entry(file).or_default().extend(quirks);
    }
    fired.retain(|_, quirks| !quirks.is_empty());
    fired
}

fn read(corpus: &OsString, client: &str) -> Vec<Capture> {
    let folder = Path::new(corpus).join("idp-captures").join(client);
    let entries = fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("`{}` cannot be read: {e}", folder.display()));
    let mut captures: Vec<_> = entries.map(|entry| Capture::read(&entry.unwrap().path())).collect();
    captures.sort_by(|a, b| a.file.cmp(&b.file));
    captures
}

/// The file below a folder that holds a text, in whatever encoding of its own.
pub(crate) fn file_with(folder: &Path, text: &str) -> Option<String> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    let mut found = files.filter(|file| holds(&fs::read(file).unwrap()));
    found.next().map(|file| file.display().to_string())
}
