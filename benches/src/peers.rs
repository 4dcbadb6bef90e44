//! org-server beside servers in other languages: the same requests, connections and run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use rand::RngExt as _;
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::import::remove;
use crate::limit::{Turn, report};
use crate::load::{self, Load};
use crate::people;
use crate::server::{KEY, Program, Server, authorized, encode, free_port, patch, write_authorized};
use crate::stats::{median, table, verdict};
use crate::store::Database;

#[derive(Args, Debug)]
pub struct Options {
    /// How many users there are, and members of the group
    #[arg(long, default_value_t = 10_000)]
    users: u64,
    /// Rounds, in each of which everything has its turn
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds that count in each turn
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Connections that read and create
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Connections that change the group
    #[arg(long, default_value_t = 1)]
    group_connections: usize,
    /// The database of org-server; without it a file of SQLite's that is removed again
    #[arg(long)]
    database: Option<Database>,
    /// The folder that the peers are installed in, from PyPI and npm
    #[arg(long, default_value = "target/bench-peers")]
    folder: PathBuf,
    #[command(flatten)]
    program: Program,
}

const WHAT: [&str; 4] = ["GET by id", "userName eq", "POST", "one member into the group"];

/// How many times less processor time than the better peer.
const BARS: [f64; 4] = [20.0, 20.0, 6.0, 20.0];

pub fn run(options: &Options) -> Result<()> {
    let peers = std::path::absolute(&options.folder)?;
    install(&peers)?;
    let file = peers.join("org-server.db");
    remove(&file);
    let database = options.database.clone().unwrap_or_else(|| Database::file(&file));
    let mut servers = vec![
        Peer::new("org-server, SQLite, durable", Server::start(&options.program, &database)?),
        Peer::new("scim2-server 0.8.3, in memory", python(&peers)?),
        Peer::new("scimmy-routers 1.3.2, a Map", node(&peers)?),
    ];
    for peer in &mut servers {
        eprintln!("filling {} with {} users", peer.name, options.users);
        peer.fill(options.users).with_context(|| peer.name.clone())?;
    }
    for round in 0..options.rounds {
        for what in 0..WHAT.len() {
            for peer in &mut servers {
                peer.measure(options, round, what).with_context(|| peer.name.clone())?;
            }
        }
    }
    println!(
        "{} users, a group of as many, {} connections ({} for the group), medians of {} rounds of {} s:",
        options.users,
        options.connections,
        options.group_connections,
        options.rounds,
        options.seconds
    );
    let mut rows = Vec::new();
    for (what, name) in WHAT.iter().enumerate() {
        println!("\n{name}:");
        report(servers.iter().filter_map(|peer| peer.turns.get(what)));
        let cpu = |peer: &Peer| peer.turns.get(what).map_or(f64::NAN, |turn| median(&turn.cpu));
        let [ours, others @ ..] = servers.as_slice() else { bail!("no servers") };
        let better = others.iter().map(cpu).fold(f64::INFINITY, f64::min);
        rows.push([
            (*name).to_owned(),
            format!("{:.0} µs", cpu(ours)),
            format!("{better:.0} µs"),
            verdict(better / cpu(ours), None, BARS.get(what).copied()),
        ]);
    }
    table(["CPU of the server a request", "org-server", "the better peer", "times less"], rows);
    drop(servers);
    remove(&file);
    Ok(())
}

/// Pinned versions from the registries, once.
fn install(folder: &Path) -> Result<()> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    std::fs::create_dir_all(folder)?;
    for name in ["requirements.txt", "package.json", "scim2_app.py", "scimmy_server.js"] {
        std::fs::copy(sources.join(name), folder.join(name))?;
    }
    let run = |program: &str, arguments: &[&str]| -> Result<()> {
        eprintln!("{program} {}", arguments.join(" "));
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder).stdout(Stdio::null());
        let status = command.status().with_context(|| format!("cannot run {program}"))?;
        ensure!(status.success(), "{program}: {status}");
        Ok(())
    };
    if !folder.join("venv").exists() {
        run("python3", &["-m", "venv", "venv"])?;
    }
    run("venv/bin/pip", &["install", "--quiet", "-r", "requirements.txt"])?;
    run("npm", &["install", "--silent", "--no-audit", "--no-fund", "--omit=dev"])
}

fn python(folder: &Path) -> Result<Server> {
    let port = free_port()?;
    let child = Command::new(folder.join("venv/bin/python"))
        .args(["scim2_app.py", &port.to_string(), KEY])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()?;
    Server::ready(child, ([127, 0, 0, 1], port).into(), "/v2".to_owned())
}

fn node(folder: &Path) -> Result<Server> {
    let port = free_port()?;
    let child = Command::new("node")
        .args(["scimmy_server.js", &port.to_string(), KEY])
        .current_dir(folder)
        .env("NODE_ENV", "production")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .context("cannot run node")?;
    Server::ready(child, ([127, 0, 0, 1], port).into(), "/scim".to_owned())
}

struct Peer {
    name: String,
    server: Server,
    ids: Vec<String>,
    group: String,
    turns: Vec<Turn>,
    /// The number of the next user.
    next: u64,
}

impl Peer {
    fn new(name: &str, server: Server) -> Self {
        let turns = WHAT.iter().map(|_| Turn::new(name)).collect();
        let (ids, group) = (Vec::new(), String::new());
        Self { name: name.to_owned(), server, ids, group, turns, next: 0 }
    }

    fn fill(&mut self, users: u64) -> Result<()> {
        let mut client = Client::connect(self.server.address)?;
        for n in 0..users {
            let request = authorized("POST", &self.server.path("/Users"), Some(&user(n)));
            self.ids.push(id(&client.expect(201, &request)?.json()?)?);
        }
        self.next = users;
        let members: Vec<Value> = self.ids.iter().map(|id| json!({"value": id})).collect();
        let mut group = people::group_of("Everybody", std::iter::empty());
        group.insert("members".to_owned(), members.into());
        let request = authorized("POST", &self.server.path("/Groups"), Some(&group.into()));
        self.group = id(&client.expect(201, &request)?.json()?)?;
        // What is measured has to be what is meant.
        let one = client.expect(200, &self.lookup(users / 2))?.json()?;
        ensure!(one["totalResults"] == 1, "a userName is found {} times", one["totalResults"]);
        Ok(())
    }

    fn lookup(&self, n: u64) -> Vec<u8> {
        let filter = encode(&format!("userName eq \"{}\"", people::user_name(n)));
        authorized("GET", &self.server.path(&format!("/Users?filter={filter}")), None)
    }

    fn measure(&mut self, options: &Options, round: usize, what: usize) -> Result<()> {
        let load = Load {
            address: self.server.address,
            connections: if what == 3 { options.group_connections } else { options.connections },
            threads: 1,
            warm_up: Duration::from_secs_f64(options.seconds / 5.0),
            time: Duration::from_secs_f64(options.seconds),
            most: u64::MAX,
        };
        let users = self.ids.len();
        let cpu = self.server.cpu()?;
        let outcome = match what {
            0 | 1 => {
                let random = || rand::rng().random_range(0..users);
                let requests: Vec<Vec<u8>> = (0..users)
                    .map(|_| match what {
                        0 => {
                            let path = self.server.path(&format!("/Users/{}", self.ids[random()]));
                            authorized("GET", &path, None)
                        }
                        _ => self.lookup(random() as u64),
                    })
                    .collect();
                load::run(load, &|n, out| {
                    out.extend_from_slice(&requests[n as usize % requests.len()]);
                })?
            }
            2 => {
                let (path, next) = (self.server.path("/Users"), self.next);
                let outcome = load::run(load, &|n, out| {
                    write_authorized(out, "POST", &path, Some(&user(next + n).to_string()));
                })?;
                self.next += outcome.in_all;
                outcome
            }
            _ => {
                let path = self.server.path(&format!("/Groups/{}", self.group));
                load::run(load, &|n, out| {
                    let value = json!([{"value": format!("newcomer-{round}-{n}")}]);
                    let add = json!([{"op": "add", "path": "members", "value": value}]);
                    write_authorized(out, "PATCH", &path, Some(&patch(&add).to_string()));
                })?
            }
        };
        if let Some(turn) = self.turns.get_mut(what) {
            turn.add(&outcome, self.server.cpu()? - cpu);
        }
        Ok(())
    }
}

fn user(n: u64) -> Value {
    let mut user: Map<String, Value> = people::user(n);
    // The ids of others are the server's to choose, so nobody has a manager here.
    if let Some(Value::Object(enterprise)) = user.get_mut(scim_core::schema::ENTERPRISE_USER_URN) {
        enterprise.remove("manager");
    }
    user.into()
}

fn id(resource: &Value) -> Result<String> {
    Ok(resource["id"].as_str().context("a resource without an id")?.to_owned())
}
