//! Adding and removing one member, in groups of all sizes.

use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;
use rand::RngExt as _;
use scim_core::{AttributeSet, ResourceId};
use serde_json::json;
use std::sync::Arc;

use crate::client::Client;
use crate::people;
use crate::server::{Program, Server, authorized};
use crate::stats::{median, micros, show_micros, table, verdict};
use crate::store::{self, Database, Store};

const BAR: f64 = 1.5;

#[derive(Args, Debug)]
pub struct Options {
    /// Where the users are; filled when they are not there yet
    #[arg(long, default_value = store::DATABASE)]
    database: Database,
    /// How many members the groups have
    #[arg(long, value_delimiter = ',', default_values_t = [10, 1_000, 100_000, 1_000_000])]
    sizes: Vec<u64>,
    /// How often each is measured
    #[arg(long, default_value_t = 300)]
    rounds: usize,
    /// Through org-server over HTTP as well
    #[arg(long)]
    http: bool,
    #[command(flatten)]
    program: Program,
}

/// What is measured, in the order of the columns.
const WHAT: [&str; 3] = ["add one member", "remove one member", "GET without members"];

pub async fn run(options: &Options) -> Result<()> {
    let Some(&largest) = options.sizes.iter().max() else { bail!("no sizes") };
    let database = options.database.of(largest);
    store::fill(&database, largest).await?;
    let mut groups = Vec::new();
    {
        let store = Store::new(database.open(false).await?)?;
        for &size in &options.sizes {
            groups.push((size, store.group_of(&format!("flat {size}"), size).await?));
        }
    }
    for (is_durable, title) in
        [(true, "over the store, durable"), (false, "over the store, not synced")]
    {
        let store = Store::new(database.open_settled(is_durable).await?)?;
        over_store(&store, &groups, options.rounds, title).await?;
    }
    if options.http {
        over_http(options, &database, &groups)?;
    }
    Ok(())
}

/// Takes turns at the sizes, so that what else the machine does falls on all alike. What is added
/// was removed just before, so that the groups keep their sizes.
async fn over_store(
    store: &Store,
    groups: &[(u64, ResourceId)],
    rounds: usize,
    title: &str,
) -> Result<()> {
    let wanted = Arc::new(AttributeSet::parse(&store.group, &[] as &[&str], &["members"])?);
    let mut took = vec![[(); 3].map(|()| Vec::new()); groups.len()];
    for _ in 0..rounds {
        for ((size, id), took) in groups.iter().zip(&mut took) {
            let member = people::user_id(rand::rng().random_range(0..*size));
            let path = format!("members[value eq \"{member}\"]");
            let remove = store.patch_group(id, json!([{"op": "remove", "path": path}]))?;
            let value = json!([{"value": member, "type": "User"}]);
            let add = json!([{"op": "add", "path": "members", "value": value}]);
            let add = store.patch_group(id, add)?;
            for (place, write) in [(1, remove), (0, add)] {
                let started = Instant::now();
                let written = store.backend.write(&store.cx, write).await?;
                took[place].push(micros(started.elapsed()));
                if !written.changed {
                    bail!("a member of a group of {size} was not there as it should");
                }
            }
            let started = Instant::now();
            store.backend.get(&store.cx, &store.group, id, &wanted, 0).await?;
            took[2].push(micros(started.elapsed()));
        }
    }
    report(title, groups, &took);
    Ok(())
}

fn over_http(options: &Options, database: &Database, groups: &[(u64, ResourceId)]) -> Result<()> {
    let server = Server::start(&options.program, database)?;
    let mut client = Client::connect(server.address)?;
    let mut took = vec![[(); 3].map(|()| Vec::new()); groups.len()];
    for _ in 0..options.rounds {
        for ((size, id), took) in groups.iter().zip(&mut took) {
            let member = people::user_id(rand::rng().random_range(0..*size));
            let path = server.path(&format!("/Groups/{id}"));
            let remove =
                json!([{"op": "remove", "path": format!("members[value eq \"{member}\"]")}]);
            let value = json!([{"value": member, "type": "User"}]);
            let add = json!([{"op": "add", "path": "members", "value": value}]);
            let requests = [
                (1, authorized("PATCH", &path, Some(&crate::server::patch(&remove)))),
                (0, authorized("PATCH", &path, Some(&crate::server::patch(&add)))),
                (2, authorized("GET", &format!("{path}?excludedAttributes=members"), None)),
            ];
            for (place, request) in requests {
                let started = Instant::now();
                let answer = client.send(&request)?;
                took[place].push(micros(started.elapsed()));
                if !matches!(answer.status, 200 | 204) {
                    bail!("{} to a request on a group of {size}", answer.status);
                }
            }
        }
    }
    report("over HTTP, durable", groups, &took);
    Ok(())
}

fn report(title: &str, groups: &[(u64, ResourceId)], took: &[[Vec<f64>; 3]]) {
    println!("Medians {title}:");
    let medians: Vec<[f64; 3]> =
        took.iter().map(|took| [0, 1, 2].map(|place| median(&took[place]))).collect();
    let mut rows: Vec<[String; 4]> = groups
        .iter()
        .zip(&medians)
        .map(|((size, _), m)| {
            [size.to_string(), show_micros(m[0]), show_micros(m[1]), show_micros(m[2])]
        })
        .collect();
    if let (Some(first), Some(last)) = (medians.first(), medians.last()) {
        let ratio = |place: usize| verdict(last[place] / first[place], Some(BAR), None);
        rows.push(["last to first".to_owned(), ratio(0), ratio(1), ratio(2)]);
    }
    table(["members", WHAT[0], WHAT[1], WHAT[2]], rows);
}
