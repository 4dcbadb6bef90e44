//! How near org-server comes to what its web framework and SQLite allow.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use rand::RngExt as _;

use crate::bare_loop::{Recording, commits};
use crate::client::Client;
use crate::import::remove;
use crate::load::{self, Load, Outcome};
use crate::people;
use crate::server::{Program, Server, authorized, encode, free_port, write_authorized};
use crate::stats::{median, show_micros, table, verdict};
use crate::store::{self, Database};

/// Bars: GET by id against the bare route, `userName eq` against GET by id, creates against the
/// bare loop.
const GET_BAR: f64 = 0.5;
const EQ_BAR: f64 = 0.7;
const CREATE_BAR: f64 = 0.5;

/// Requests that are made beforehand, of each kind.
const PREPARED: usize = 50_000;

#[derive(Args, Debug)]
pub struct Options {
    /// Where the users are; filled when they are not there yet
    #[arg(long, default_value = store::DATABASE)]
    database: Database,
    /// How many users there are
    #[arg(long, default_value_t = 1_000_000)]
    users: u64,
    /// Rounds, in each of which everything has its turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds that count in each turn
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Connections that read
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Connections that create
    #[arg(long, default_value_t = 64)]
    writers: usize,
    /// Threads of the load generator
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Only reads, or only creates
    #[arg(long)]
    only: Option<Part>,
    /// The folder for databases that are removed again
    #[arg(long, default_value = "target/bench-data")]
    folder: PathBuf,
    #[command(flatten)]
    program: Program,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Reads,
    Creates,
}

pub async fn run(options: &Options) -> Result<()> {
    std::fs::create_dir_all(&options.folder)?;
    if options.only != Some(Part::Creates) {
        store::fill(&options.database.of(options.users), options.users).await?;
        reads(options)?;
    }
    if options.only != Some(Part::Reads) {
        creates(options)?;
    }
    Ok(())
}

impl Options {
    fn load(&self, server: &Server, connections: usize) -> Load {
        Load {
            address: server.address,
            connections,
            threads: self.threads,
            warm_up: Duration::from_secs_f64(self.seconds / 5.0),
            time: Duration::from_secs_f64(self.seconds),
            most: u64::MAX,
        }
    }
}

fn reads(options: &Options) -> Result<()> {
    let database = options.database.of(options.users);
    database.settle()?;
    let server = Server::start(&options.program, &database)?;
    let any = |has_manager| {
        // Of two that follow each other one has a manager, from the second pair on.
        let n = rand::rng().random_range(1..options.users / 2) * 2;
        if has_manager { n } else { n + 1 }
    };
    let get = |n| authorized("GET", &server.path(&format!("/Users/{}", people::user_id(n))), None);
    let gets = prepared(|| get(any(false)));
    let with_manager = prepared(|| get(any(true)));
    let lookups = prepared(|| {
        let name = people::user_name(any(false));
        let filter = encode(&format!("userName eq \"{name}\""));
        authorized("GET", &server.path(&format!("/Users?filter={filter}")), None)
    });
    let first = gets.first().context("no requests")?;
    let answer = Client::connect(server.address)?.expect(200, first)?;
    anyhow::ensure!(answer.json()?.get("groups").is_some(), "a user without groups");
    let bare = bare(&options.folder, &answer.body)?;

    let mut turns = [
        Turn::new("bare axum route, the same bytes"),
        Turn::new("GET by id, authenticated, with groups"),
        Turn::new("the same of users with a manager"),
        Turn::new("userName eq"),
    ];
    for _ in 0..options.rounds {
        let takers =
            [(&bare, &gets), (&server, &gets), (&server, &with_manager), (&server, &lookups)];
        for ((server, requests), turn) in takers.into_iter().zip(&mut turns) {
            let before = server.cpu()?;
            let load = options.load(server, options.connections);
            let outcome = load::run(load, &|n, out| {
                out.extend_from_slice(&requests[n as usize % requests.len()]);
            })?;
            turn.add(&outcome, server.cpu()? - before);
        }
    }
    println!(
        "Reads, {} users, {} connections, medians of {} rounds of {} s:",
        options.users, options.connections, options.rounds, options.seconds
    );
    report(&turns);
    let rate = |place: usize| median(&turns[place].rates);
    println!("GET by id to the bare route: {}", verdict(rate(1) / rate(0), None, Some(GET_BAR)));
    println!("the same with a manager: {}", verdict(rate(2) / rate(0), None, Some(GET_BAR)));
    println!("userName eq to GET by id: {}\n", verdict(rate(3) / rate(1), None, Some(EQ_BAR)));
    Ok(())
}

fn prepared(request: impl Fn() -> Vec<u8>) -> Vec<Vec<u8>> {
    (0..PREPARED).map(|_| request()).collect()
}

/// This program as the bare server.
fn bare(folder: &Path, body: &[u8]) -> Result<Server> {
    let file = folder.join("bare-body.json");
    std::fs::write(&file, body)?;
    let port = free_port()?;
    let child = Command::new(std::env::current_exe()?)
        .arg("bare")
        .arg("--body")
        .arg(&file)
        .args(["--port", &port.to_string()])
        .stdin(Stdio::null())
        .spawn()?;
    Server::ready(child, ([127, 0, 0, 1], port).into(), "/scim/bench/v2".to_owned())
}

fn creates(options: &Options) -> Result<()> {
    let mut turns = [Turn::new("POST to org-server"), Turn::new("bare loop of inserts")];
    let mut batches = Vec::new();
    let mut ratios = Vec::new();
    for round in 0..options.rounds {
        let file = |who: &str| options.folder.join(format!("creates-{who}-{round}.db"));
        let (by_server, by_loop) = (file("server"), file("loop"));
        remove(&by_server);
        remove(&by_loop);
        let server = Server::start(&options.program, &Database::file(&by_server))?;
        let path = server.path("/Users");
        let (commits_before, cpu_before) = (commits(&by_server)?, server.cpu()?);
        let outcome = load::run(options.load(&server, options.writers), &|n, out| {
            let user = serde_json::Value::Object(people::user(n)).to_string();
            write_authorized(out, "POST", &path, Some(&user));
        })?;
        let cpu = server.cpu()? - cpu_before;
        let committed = commits(&by_server)?.wrapping_sub(commits_before);
        server.stop()?;
        turns[0].add(&outcome, cpu);

        let recording = Recording::read(&by_server)?;
        let batch = recording.resources() as f64 / f64::from(committed.max(1));
        batches.push(batch);
        let took = recording.replay(&by_loop, batch.round() as usize)?;
        let rate = recording.resources() as f64 / took.as_secs_f64();
        turns[1].rates.push(rate);
        ratios.push(outcome.per_second() / rate);
        remove(&by_server);
        remove(&by_loop);
    }
    println!(
        "Durable creates, {} clients, {:.1} to a commit, medians of {} rounds of {} s:",
        options.writers,
        median(&batches),
        options.rounds,
        options.seconds
    );
    report(&turns);
    println!("Creates to the bare loop: {}\n", verdict(median(&ratios), None, Some(CREATE_BAR)));
    Ok(())
}

/// Everything that was measured of one of those compared.
pub struct Turn {
    name: String,
    pub rates: Vec<f64>,
    medians: Vec<f64>,
    p99: Vec<f64>,
    failed: u64,
    /// Processor time of the server for each request, in microseconds.
    pub cpu: Vec<f64>,
}

impl Turn {
    pub fn new(name: &str) -> Self {
        let (rates, medians, p99, cpu) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { name: name.to_owned(), rates, medians, p99, failed: 0, cpu }
    }

    pub fn add(&mut self, outcome: &Outcome, cpu: Duration) {
        self.rates.push(outcome.per_second());
        self.medians.push(outcome.median());
        self.p99.push(outcome.p99());
        self.failed += outcome.failed;
        self.cpu.push(cpu.as_secs_f64() * 1e6 / outcome.in_all.max(1) as f64);
    }
}

/// Slow ones with their decimals.
fn show_rate(rate: f64) -> String {
    if rate < 10.0 { format!("{rate:.2}") } else { format!("{rate:.0}") }
}

pub fn report<'a>(turns: impl IntoIterator<Item = &'a Turn>) {
    let show = |values: &[f64]| {
        if values.is_empty() { "–".to_owned() } else { show_micros(median(values)) }
    };
    let rows = turns.into_iter().map(|turn| {
        [
            turn.name.clone(),
            show_rate(median(&turn.rates)),
            show(&turn.medians),
            show(&turn.p99),
            show(&turn.cpu),
            turn.failed.to_string(),
        ]
    });
    table(["", "per second", "median", "p99", "CPU of the server a request", "failed"], rows);
}
