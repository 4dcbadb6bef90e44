//! What finding a few resources costs among many.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use rand::RngExt as _;
use scim_core::AttributeSet;
use scim_server_adapters::{BackendError, Query, Start};

use crate::people;
use crate::stats::{median, micros, show_micros, table, verdict};
use crate::store::{self, Database, LATEST, LATEST_AFTER, Store};

const BAR: f64 = 2.0;

/// Resources that a page holds.
const PAGE: usize = 100;

#[derive(Args, Debug)]
pub struct Options {
    /// Where the users are; filled when they are not there yet
    #[arg(long, default_value = store::DATABASE)]
    database: Database,
    /// How many users there are
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 100_000, 1_000_000])]
    sizes: Vec<u64>,
    /// How often each is measured
    #[arg(long, default_value_t = 300)]
    rounds: usize,
    /// How often what looks at all users is measured
    #[arg(long, default_value_t = 5)]
    scans: usize,
}

/// What is looked up. In the order of the table.
const LOOKUPS: [&str; 7] = [
    "GET by id",
    "userName eq",
    "externalId eq",
    "emails[type eq \"work\" and value eq …]",
    "groups.value eq (100 found)",
    "meta.lastModified gt (100 found)",
    "page of 100 in the middle, by cursor",
];

struct Place {
    users: u64,
    store: Store,
    /// A page in the middle.
    middle: Query,
}

pub async fn run(options: &Options) -> Result<()> {
    let mut places = Vec::new();
    for &users in &options.sizes {
        let database = options.database.of(users);
        store::fill(&database, users).await?;
        let store = Store::new(database.open_settled(true).await?)?;
        let before = store.query(&store.user, None, Start::Offset(users / 2), 1)?;
        let position = store.backend.query(&store.cx, &before).await?.next;
        let position = position.context("no page after the one in the middle")?;
        let mut middle = store.query(&store.user, None, Start::After(position), PAGE)?;
        // As it is for all pages by cursor but the first.
        middle.total = false;
        places.push(Place { users, store, middle });
    }
    lookups(&places, options.rounds).await?;
    scans(&places, options.scans).await
}

async fn lookups(places: &[Place], rounds: usize) -> Result<()> {
    let mut took = vec![[(); LOOKUPS.len()].map(|()| Vec::new()); places.len()];
    for _ in 0..rounds {
        for (place, took) in places.iter().zip(&mut took) {
            for (what, took) in took.iter_mut().enumerate() {
                took.push(
                    lookup(place, what)
                        .await
                        .with_context(|| format!("{} at {} users", LOOKUPS[what], place.users))?,
                );
            }
        }
    }
    let medians: Vec<Vec<f64>> =
        took.iter().map(|took| took.iter().map(|took| median(took)).collect()).collect();
    let head = |place: Option<&Place>| place.map_or(String::new(), |p| p.users.to_string());
    let rows = LOOKUPS.iter().enumerate().map(|(what, name)| {
        let of = |place: usize| medians.get(place).map_or(f64::NAN, |medians| medians[what]);
        let all: Vec<String> = (0..places.len()).map(|place| show_micros(of(place))).collect();
        let ratio = of(places.len() - 1) / of(0);
        [(*name).to_owned(), all.join(" / "), verdict(ratio, Some(BAR), None)]
    });
    let sizes: Vec<String> = places.iter().map(|place| head(Some(place))).collect();
    println!("Medians over the store at {} users:", sizes.join(" / "));
    table(["look-up", "median", "last to first"], rows);
    Ok(())
}

/// Looks something up at random and tells how long it took, in microseconds.
async fn lookup(place: &Place, what: usize) -> Result<f64> {
    let Place { users, store, middle } = place;
    let n = rand::rng().random_range(0..*users);
    let Store { backend, cx, user, .. } = store;
    if what == 0 {
        let (id, wanted) = (people::id(people::user_id(n))?, AttributeSet::default_for(user));
        let wanted = Arc::new(wanted);
        let started = Instant::now();
        let stored = backend.get(cx, user, &id, &wanted, 0).await?;
        let took = micros(started.elapsed());
        if stored.groups.is_none_or(|groups| groups.is_empty()) {
            bail!("a user without groups");
        }
        return Ok(took);
    }
    let (filter, found) = match what {
        1 => (format!("userName eq \"{}\"", people::user_name(n)), 1),
        2 => (format!("externalId eq \"{}\"", people::external_id(n)), 1),
        3 => {
            let email = people::work_email(n);
            (format!("emails[type eq \"work\" and value eq \"{email}\"]"), 1)
        }
        4 => {
            let group = people::group_id(n / people::GROUP_SIZE);
            (format!("groups.value eq \"{group}\""), people::GROUP_SIZE as usize)
        }
        5 => (format!("meta.lastModified gt \"{LATEST_AFTER}\""), LATEST as usize),
        _ => return timed(store, middle, PAGE).await,
    };
    let query = store.query(user, Some(&filter), Start::Offset(0), PAGE)?;
    timed(store, &query, found).await
}

/// How long a query takes that finds so many.
async fn timed(store: &Store, query: &Query, found: usize) -> Result<f64> {
    let started = Instant::now();
    let page = store.backend.query(&store.cx, query).await?;
    let took = micros(started.elapsed());
    if page.resources.len() != found {
        bail!("found {} and not {found}", page.resources.len());
    }
    Ok(took)
}

/// What costs the more the more there is.
async fn scans(places: &[Place], rounds: usize) -> Result<()> {
    const FILTER: &str = "nickName eq \"nobody\"";
    let mut rows = Vec::new();
    for Place { users, store, .. } in places {
        let deep = Start::Offset(users - PAGE as u64);
        let deep = store.query(&store.user, None, deep, PAGE)?;
        let within = store.query(&store.user, Some(FILTER), Start::Offset(0), PAGE)?;
        let mut without = within.clone();
        without.work_limit = usize::MAX;
        let (mut deeply, mut all, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            deeply.push(timed(store, &deep, PAGE).await?);
            all.push(timed(store, &without, 0).await?);
            let started = Instant::now();
            match store.backend.query(&store.cx, &within).await {
                Err(BackendError::TooMany) => refused.push(micros(started.elapsed())),
                page => drop(page?),
            }
        }
        rows.push([
            users.to_string(),
            show_micros(median(&deeply)),
            show_micros(median(&all)),
            if refused.is_empty() { "answered".to_owned() } else { show_micros(median(&refused)) },
        ]);
    }
    println!("What costs in proportion to what is there, medians of {rounds}:");
    let head = [
        "users",
        "last page of 100 by startIndex",
        "unindexed filter, no work limit",
        "the same until refused (10,000 examined)",
    ];
    table(head, rows);
    Ok(())
}
