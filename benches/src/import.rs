//! How long it takes to bring in everybody.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::client::Client;
use crate::load::{self, Load};
use crate::people::{self, GROUP_SIZE};
use crate::server::{Program, Server, authorized, write_authorized};
use crate::stats::table;
use crate::store::{Database, Store};

const BULK_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

#[derive(Args, Debug)]
pub struct Options {
    /// An empty store; without it a file of SQLite's that is removed again
    #[arg(long)]
    database: Option<Database>,
    /// How many users, and groups of a hundred of them
    #[arg(long, default_value_t = 1_000_000)]
    users: u64,
    /// By which way
    #[arg(long, value_delimiter = ',', default_values_t = [Way::Store, Way::Bulk])]
    by: Vec<Way>,
    /// Connections that send bulk requests
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Groups with their users in a bulk request: a hundred users are about 100 KiB
    #[arg(long, default_value_t = 5)]
    groups_a_request: u64,
    /// The folder for the file
    #[arg(long, default_value = "target/bench-data")]
    folder: PathBuf,
    #[command(flatten)]
    program: Program,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum Way {
    /// `write_all` of the store
    Store,
    /// `POST /Bulk` to org-server
    Bulk,
}

impl std::fmt::Display for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Store => "store",
            Self::Bulk => "bulk",
        })
    }
}

pub async fn run(options: &Options) -> Result<()> {
    let mut rows = Vec::new();
    for way in &options.by {
        let file = options.folder.join("import.db");
        let database = match &options.database {
            Some(database) => database.clone(),
            None => {
                std::fs::create_dir_all(&options.folder)?;
                remove(&file);
                Database::file(&file)
            }
        };
        match way {
            Way::Store => rows.extend(by_store(&database, options.users).await?),
            Way::Bulk => rows.push(by_bulk(&database, options)?),
        }
        if options.database.is_none() {
            remove(&file);
        }
    }
    println!("Imports, durable:");
    table(["what", "time", "a second"], rows);
    Ok(())
}

fn row(what: String, many: u64, took: Duration) -> [String; 3] {
    let seconds = took.as_secs_f64();
    [what, format!("{seconds:.1} s"), format!("{:.0}", many as f64 / seconds)]
}

async fn by_store(database: &Database, users: u64) -> Result<Vec<[String; 3]>> {
    let store = Store::new(database.open(true).await?)?;
    ensure!(store.population(&store.user).await? == 0, "there are users already");
    let started = Instant::now();
    let writing_users = store.create_users(0, users, users).await?;
    let writing_groups = store.create_groups(0, users / GROUP_SIZE).await?;
    let in_all = started.elapsed();
    let groups = users / GROUP_SIZE;
    Ok(vec![
        row(format!("{users} users, by the store"), users, writing_users),
        row(format!("{groups} groups of {GROUP_SIZE}, by the store"), groups, writing_groups),
        row("both, with making them up and checking them".to_owned(), users + groups, in_all),
    ])
}

/// Each request has some groups and the users in them, who are referred to by `bulkId`.
fn by_bulk(database: &Database, options: &Options) -> Result<[String; 3]> {
    let server = Server::start(&options.program, database)?;
    let path = server.path("/Bulk");
    let groups = options.users / GROUP_SIZE;
    let requests = groups.div_ceil(options.groups_a_request);
    let load = Load {
        address: server.address,
        connections: options.connections,
        threads: 1,
        warm_up: Duration::ZERO,
        time: Duration::from_secs(3_600),
        most: requests,
    };
    let started = Instant::now();
    let outcome = load::run(load, &|n, out| {
        let from = n * options.groups_a_request;
        let to = (from + options.groups_a_request).min(groups);
        let operations: Vec<Value> = (from..to).flat_map(operations).collect();
        let body = json!({"schemas": [BULK_URN], "Operations": operations});
        write_authorized(out, "POST", &path, Some(&body.to_string()));
    })?;
    let took = started.elapsed();
    ensure!(outcome.failed == 0, "{} bulk requests failed", outcome.failed);
    let mut client = Client::connect(server.address)?;
    for (endpoint, expected) in [("/Users", groups * GROUP_SIZE), ("/Groups", groups)] {
        let path = server.path(&format!("{endpoint}?count=0"));
        let total = client.expect(200, &authorized("GET", &path, None))?.json()?;
        let total = total["totalResults"].as_u64();
        ensure!(total == Some(expected), "{endpoint}: {total:?} and not {expected}");
    }
    let what = format!(
        "{} users and {groups} groups of {GROUP_SIZE}, by {requests} bulk requests on {} connections",
        groups * GROUP_SIZE,
        options.connections
    );
    Ok(row(what, groups * (GROUP_SIZE + 1), took))
}

fn operations(group: u64) -> Vec<Value> {
    let users = group * GROUP_SIZE..(group + 1) * GROUP_SIZE;
    let mut operations: Vec<Value> = users
        .clone()
        .map(|n| {
            json!({"method": "POST", "path": "/Users", "bulkId": format!("u{n}"),
                "data": people::user(n)})
        })
        .collect();
    let members: Vec<Value> = users.map(|n| json!({"value": format!("bulkId:u{n}")})).collect();
    let mut data = people::group_of(&format!("Team {group}"), std::iter::empty());
    data.insert("members".to_owned(), members.into());
    operations.push(json!({"method": "POST", "path": "/Groups", "bulkId": format!("g{group}"),
        "data": data}));
    operations
}

pub fn remove(database: &Path) {
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", database.display()));
    }
}
