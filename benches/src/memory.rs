//! The resident memory of org-server under load.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use rand::RngExt as _;
use serde_json::json;

use crate::import::remove;
use crate::load::{self, Load};
use crate::people;
use crate::process;
use crate::server::{Program, Server, authorized, encode, patch, write_authorized};
use crate::stats::{median, table};
use crate::store::{self, Database};

#[derive(Args, Debug)]
pub struct Options {
    /// Where the users are; filled when they are not there yet
    #[arg(long, default_value = store::DATABASE)]
    database: Database,
    /// How many users there are
    #[arg(long, default_value_t = 1_000_000)]
    users: u64,
    /// Minutes of load
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Seconds between samples
    #[arg(long, default_value_t = 30)]
    every: u64,
    /// Connections
    #[arg(long, default_value_t = 32)]
    connections: usize,
    #[command(flatten)]
    program: Program,
}

pub async fn run(options: &Options) -> Result<()> {
    let database = options.database.of(options.users);
    store::fill(&database, options.users).await?;
    // The load changes users and groups, and others count on those of the file.
    let copy = database.path().map(|path| path.with_file_name("memory.db"));
    let database = match (&copy, database.path()) {
        (Some(copy), Some(path)) => {
            database.settle()?;
            std::fs::copy(path, copy)?;
            Database::file(copy)
        }
        _ => database,
    };
    let server = Server::start(&options.program, &database)?;
    println!("KiB resident, in all and without files:");
    let at_start = process::resident(server.pid())?;
    println!("{:>6} s {:>9} {:>9}", 0, at_start.0, at_start.1);
    let load = Load {
        address: server.address,
        connections: options.connections,
        threads: 1,
        warm_up: Duration::ZERO,
        time: Duration::from_secs_f64(options.minutes * 60.0),
        most: u64::MAX,
    };
    let done = AtomicBool::new(false);
    let (outcome, samples) = std::thread::scope(|scope| -> Result<_> {
        let sampler = scope.spawn(|| sample(&server, options.every, &done));
        let outcome = load::run(load, &|n, out| write_request(&server, options.users, n, out));
        done.store(true, Ordering::Relaxed);
        let samples = sampler.join().map_err(|_| anyhow::anyhow!("the sampler panicked"))?;
        Ok((outcome?, samples?))
    })?;
    // The first part is when caches fill.
    let third = samples.len() / 3;
    let own = |part: &[(u64, u64)]| {
        median(&part.iter().map(|(_, own)| *own as f64).collect::<Vec<_>>()) / 1024.0
    };
    let all: Vec<f64> = samples.iter().map(|(all, _)| *all as f64 / 1024.0).collect();
    let (middle, last) = (
        samples.get(third..2 * third).unwrap_or_default(),
        samples.get(2 * third..).unwrap_or_default(),
    );
    drop(server);
    copy.iter().for_each(|copy| remove(copy));
    println!("\n{} users, {} requests, {} failed:", options.users, outcome.in_all, outcome.failed);
    let row = |what: &str, mib: f64| [what.to_owned(), format!("{mib:.1} MiB")];
    table(
        ["resident memory", "median"],
        [
            row("at the start", at_start.0 as f64 / 1024.0),
            row("under load", median(&all)),
            row("its own, second third of the load", own(middle)),
            row("its own, last third of the load", own(last)),
        ],
    );
    Ok(())
}

fn sample(server: &Server, every: u64, done: &AtomicBool) -> Result<Vec<(u64, u64)>> {
    let started = Instant::now();
    let mut samples = Vec::new();
    while !done.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(200));
        if started.elapsed().as_secs() >= every * (samples.len() as u64 + 1) {
            let (all, own) = process::resident(server.pid())?;
            println!("{:>6} s {all:>9} {own:>9}", started.elapsed().as_secs());
            samples.push((all, own));
        }
    }
    Ok(samples)
}

/// What an identity provider asks for: mostly look-ups, now and then a page or a change.
fn write_request(server: &Server, users: u64, n: u64, out: &mut Vec<u8>) {
    let mut random = rand::rng();
    let user = random.random_range(0..users);
    let get = |rest: &str| authorized("GET", &server.path(rest), None);
    let filter = |text: &str| get(&format!("/Users?filter={}", encode(text)));
    let group = people::group_id(user / people::GROUP_SIZE);
    match n % 20 {
        0..8 => out.extend(get(&format!("/Users/{}", people::user_id(user)))),
        8..12 => out.extend(filter(&format!("userName eq \"{}\"", people::user_name(user)))),
        12 => out.extend(filter(&format!("externalId eq \"{}\"", people::external_id(user)))),
        13 => out.extend(filter(&format!("groups.value eq \"{group}\""))),
        14 => out.extend(get(&format!("/Groups/{group}"))),
        15 => out.extend(get("/Users?count=100&startIndex=1000")),
        16 | 17 => {
            let title = json!([{"op": "replace", "path": "title", "value": format!("Title {n}")}]);
            let path = server.path(&format!("/Users/{}", people::user_id(user)));
            write_authorized(out, "PATCH", &path, Some(&patch(&title).to_string()));
        }
        place => {
            let member = people::user_id(random.random_range(0..users));
            let change = if place == 18 {
                json!([{"op": "add", "path": "members", "value": [{"value": member}]}])
            } else {
                json!([{"op": "remove", "path": format!("members[value eq \"{member}\"]")}])
            };
            let path = server.path(&format!("/Groups/{group}"));
            write_authorized(out, "PATCH", &path, Some(&patch(&change).to_string()));
        }
    }
}
