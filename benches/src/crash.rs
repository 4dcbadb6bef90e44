//! Servers that are killed under load: what they acknowledged is there, and nothing is half there.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use rand::RngExt as _;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::import::remove;
use crate::people;
use crate::server::{Program, Server, authorized, encode, patch};
use crate::stats::{median, show_micros};
use crate::store::Database;

#[derive(Args, Debug)]
pub struct Options {
    /// An empty store; without it a file of SQLite's that is removed again
    #[arg(long)]
    database: Option<Database>,
    /// Rounds of load and a fault
    #[arg(long, default_value_t = 200)]
    rounds: usize,
    /// What goes wrong in each round
    #[arg(long, default_value_t = Fault::Kill)]
    fault: Fault,
    /// Servers over the one store, of which one is killed; more than one takes PostgreSQL
    #[arg(long, default_value_t = 1)]
    servers: usize,
    /// Connections that write
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// The longest time, in milliseconds, that a round's load goes on before the fault
    #[arg(long, default_value_t = 1_000)]
    load: u64,
    /// The folder for the file
    #[arg(long, default_value = "target/bench-data")]
    folder: PathBuf,
    #[command(flatten)]
    program: Program,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// SIGKILL to a server, which is started again
    Kill,
    /// All connections to PostgreSQL are cut, by `pg_terminate_backend` through psql
    Cut,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Kill => "kill",
            Self::Cut => "cut",
        })
    }
}

/// Groups that all connections add to.
const GROUPS: usize = 4;

/// Users of one connection that are checked after each round though nothing was done to them.
const SAMPLE: usize = 20;

/// How long a server may be without an answer to a read.
const PATIENCE: Duration = Duration::from_secs(20);

pub fn run(options: &Options) -> Result<()> {
    std::fs::create_dir_all(&options.folder)?;
    let file = options.folder.join("crash.db");
    remove(&file);
    let database = options.database.clone().unwrap_or_else(|| Database::file(&file));
    ensure!(options.servers == 1 || database.path().is_none(), "several servers need PostgreSQL");
    let start = || Server::start(&options.program, &database);
    let mut servers = (0..options.servers.max(1)).map(|_| start()).collect::<Result<Vec<_>>>()?;
    let mut state = State::new(&servers[0], options)?;
    let mut starts = Vec::new();
    for round in 0..options.rounds {
        let before = state.acknowledged();
        let victim = rand::rng().random_range(0..servers.len());
        let stop = AtomicBool::new(false);
        let wait = Duration::from_millis(rand::rng().random_range(20..=options.load.max(20)));
        let fault = || -> Result<()> {
            std::thread::sleep(wait);
            match options.fault {
                Fault::Kill => crate::process::end(servers[victim].pid()),
                Fault::Cut => cut(&database)?,
            }
            if options.fault == Fault::Cut || servers.len() > 1 {
                // The others go on for a while.
                std::thread::sleep(Duration::from_millis(200));
            }
            Ok(())
        };
        std::thread::scope(|scope| -> Result<()> {
            let workers: Vec<_> = state
                .workers
                .iter_mut()
                .enumerate()
                .map(|(place, worker)| {
                    let (groups, stop) = (&state.groups, &stop);
                    let server = &servers[place % servers.len()];
                    scope.spawn(move || worker.work(server, groups, stop))
                })
                .collect();
            let result = fault();
            stop.store(true, Ordering::Relaxed);
            for worker in workers {
                worker.join().map_err(|_| anyhow::anyhow!("a connection's thread panicked"))??;
            }
            result
        })?;
        if options.fault == Fault::Kill {
            let started = Instant::now();
            let again = start().with_context(|| format!("round {round}: it does not start"))?;
            starts.push(started.elapsed().as_secs_f64() * 1e6);
            servers[victim] = again;
        }
        // What a killed server had sent to a database server may still be on its way.
        if database.path().is_none() {
            std::thread::sleep(Duration::from_millis(200));
        }
        let checked = state.check(&servers[round % servers.len()], false);
        let checked = checked.with_context(|| format!("round {round}"))?;
        if (round + 1) % 20 == 0 || round + 1 == options.rounds {
            println!(
                "{:>4} rounds, {} writes acknowledged ({} in this one), {} cut off of which {} had \
                 happened; {checked} users checked",
                round + 1,
                state.acknowledged(),
                state.acknowledged() - before,
                state.cut_off(),
                state.happened(),
            );
        }
    }
    let checked = state.check(&servers[0], true)?;
    println!("at the end: {checked} users, all there as acknowledged, in every index and group");
    if !starts.is_empty() {
        println!(
            "started again by itself {} times, median {}",
            starts.len(),
            show_micros(median(&starts))
        );
    }
    for server in servers {
        server.stop()?;
    }
    if let Some(path) = database.path() {
        let connection = rusqlite::Connection::open(&path)?;
        let found: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        println!("PRAGMA integrity_check: {found}");
        ensure!(found == "ok", "the file is damaged");
    }
    if options.database.is_none() {
        remove(&file);
    }
    Ok(())
}

/// Cuts all connections to a database of PostgreSQL's.
fn cut(database: &Database) -> Result<()> {
    const CUT: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    ensure!(database.path().is_none(), "only connections to PostgreSQL can be cut");
    let status = Command::new("psql")
        .args([database.as_str(), "-qAtc", CUT])
        .stdout(Stdio::null())
        .status()
        .context("cannot run psql")?;
    ensure!(status.success(), "psql: {status}");
    Ok(())
}

/// What the store must hold, as far as it was acknowledged.
struct State {
    /// The ids of the groups.
    groups: Vec<String>,
    workers: Vec<Worker>,
}

/// A connection and the users that only it changes.
#[derive(Default)]
struct Worker {
    place: u64,
    made: u64,
    users: Vec<User>,
    /// What was asked for and not answered.
    pending: Option<Change>,
    /// The users that this round's changes were about.
    touched: BTreeSet<usize>,
    acknowledged: u64,
    cut_off: u64,
    happened: u64,
}

struct User {
    id: String,
    name: String,
    email: String,
    /// Names it had before.
    former: Vec<String>,
    groups: BTreeSet<usize>,
    is_there: bool,
}

#[derive(Clone, Debug)]
enum Change {
    Create {
        name: String,
        email: String,
        body: Value,
    },
    Rename {
        user: usize,
        to: String,
    },
    /// All of the users at once.
    Join {
        group: usize,
        users: Vec<usize>,
    },
    Leave {
        group: usize,
        users: Vec<usize>,
    },
    Delete {
        user: usize,
    },
}

impl State {
    fn new(server: &Server, options: &Options) -> Result<Self> {
        let mut client = Client::connect(server.address)?;
        let mut groups = Vec::new();
        for n in 0..GROUPS {
            let body = people::group_of(&format!("Shared {n}"), std::iter::empty());
            let request = authorized("POST", &server.path("/Groups"), Some(&body.into()));
            let made = client.expect(201, &request)?.json()?;
            groups.push(made["id"].as_str().context("a group without an id")?.to_owned());
        }
        let worker = |place| Worker { place, ..Worker::default() };
        let workers = (0..options.connections.max(1) as u64).map(worker).collect();
        Ok(Self { groups, workers })
    }

    fn acknowledged(&self) -> u64 {
        self.workers.iter().map(|worker| worker.acknowledged).sum()
    }

    fn cut_off(&self) -> u64 {
        self.workers.iter().map(|worker| worker.cut_off).sum()
    }

    fn happened(&self) -> u64 {
        self.workers.iter().map(|worker| worker.happened).sum()
    }

    /// Compares what a server says with what it must, and tells how many users were looked at: all,
    /// or those that were changed since the last time and some others.
    fn check(&mut self, server: &Server, all: bool) -> Result<usize> {
        let mut reader = Reader::new(server)?;
        for worker in &mut self.workers {
            worker.settle(&mut reader, &self.groups)?;
        }
        let mut checked = 0;
        for worker in &mut self.workers {
            let mut users = std::mem::take(&mut worker.touched);
            if all {
                users.extend(0..worker.users.len());
            } else if !worker.users.is_empty() {
                let random = || rand::rng().random_range(0..worker.users.len());
                users.extend((0..SAMPLE).map(|_| random()));
            }
            checked += users.len();
            for user in users {
                check_user(&mut reader, &worker.users[user], &self.groups)?;
            }
        }
        let there = || self.workers.iter().flat_map(|worker| &worker.users).filter(|u| u.is_there);
        for (place, group) in self.groups.iter().enumerate() {
            let found = reader.get(&format!("/Groups/{group}"))?.json()?;
            let found: BTreeSet<String> = values(&found["members"]);
            let expected: BTreeSet<String> =
                there().filter(|u| u.groups.contains(&place)).map(|u| u.id.clone()).collect();
            if found != expected {
                let lost: Vec<_> = expected.difference(&found).collect();
                let more: Vec<_> = found.difference(&expected).collect();
                bail!("group {place}: lost {lost:?}, and has {more:?} that it should not");
            }
        }
        let total = reader.get("/Users?count=0")?.json()?["totalResults"].as_u64();
        let expected = there().count() as u64;
        ensure!(total == Some(expected), "{total:?} users and not {expected}");
        Ok(checked)
    }
}

fn values(elements: &Value) -> BTreeSet<String> {
    let elements = elements.as_array().map(Vec::as_slice).unwrap_or_default();
    elements.iter().filter_map(|element| Some(element["value"].as_str()?.to_owned())).collect()
}

fn check_user(reader: &mut Reader<'_>, user: &User, groups: &[String]) -> Result<()> {
    let answer = reader.get(&format!("/Users/{}", user.id))?;
    if user.is_there {
        ensure!(answer.status == 200, "`{}` was lost: {}", user.name, answer.status);
        let found = answer.json()?;
        ensure!(found["userName"] == *user.name, "`{}` is `{}`", user.name, found["userName"]);
        let expected: BTreeSet<String> =
            user.groups.iter().map(|group| groups[*group].clone()).collect();
        let in_groups = values(&found["groups"]);
        ensure!(in_groups == expected, "`{}` is in {in_groups:?} and not {expected:?}", user.name);
    } else {
        ensure!(answer.status == 404, "`{}` was deleted: {}", user.name, answer.status);
    }
    let expected: Vec<&str> = if user.is_there { vec![&user.id] } else { Vec::new() };
    for filter in
        [format!("userName eq \"{}\"", user.name), format!("emails.value eq \"{}\"", user.email)]
    {
        let found = reader.find(&filter)?;
        ensure!(found == expected, "{filter} finds {found:?} and not {expected:?}");
    }
    for former in &user.former {
        let found = reader.find(&format!("userName eq \"{former}\""))?;
        ensure!(found.is_empty(), "`{former}`, which is `{}` now, is found", user.name);
    }
    Ok(())
}

/// Reads, and is patient with a server that is not ready yet.
struct Reader<'a> {
    server: &'a Server,
    client: Client,
}

impl<'a> Reader<'a> {
    fn new(server: &'a Server) -> Result<Self> {
        Ok(Self { server, client: Client::connect(server.address)? })
    }

    fn get(&mut self, rest: &str) -> Result<Answer> {
        let request = authorized("GET", &self.server.path(rest), None);
        let started = Instant::now();
        loop {
            match self.client.send(&request) {
                Ok(answer) if answer.status < 500 => return Ok(answer),
                Ok(answer) if started.elapsed() > PATIENCE => {
                    bail!("{} to GET {rest}", answer.status)
                }
                Ok(_) => std::thread::sleep(Duration::from_millis(50)),
                Err(error) => return Err(error.context(format!("GET {rest}"))),
            }
        }
    }

    /// The ids of the users that meet a filter.
    fn find(&mut self, filter: &str) -> Result<Vec<String>> {
        let found = self.get(&format!("/Users?filter={}", encode(filter)))?.json()?;
        let found = found["Resources"].as_array().context("no list")?;
        Ok(found.iter().filter_map(|user| Some(user["id"].as_str()?.to_owned())).collect())
    }
}

impl Worker {
    /// Writes until it is told to stop, or the connection breaks.
    fn work(&mut self, server: &Server, groups: &[String], stop: &AtomicBool) -> Result<()> {
        let Ok(mut client) = Client::connect(server.address) else { return Ok(()) };
        while !stop.load(Ordering::Relaxed) {
            let change = self.choose();
            let request = self.request(server, groups, &change);
            let Ok(answer) = client.send(&request) else {
                self.pending = Some(change);
                self.cut_off += 1;
                return Ok(());
            };
            match answer.status {
                200 | 201 | 204 => {
                    let id = match change {
                        Change::Create { .. } => answer.json()?["id"].as_str().map(str::to_owned),
                        _ => None,
                    };
                    self.acknowledged += 1;
                    self.apply(change, id)?;
                }
                // Not acknowledged: it may have happened or not.
                500..600 => {
                    self.pending = Some(change);
                    self.cut_off += 1;
                    let Ok(mut reader) = Reader::new(server) else { return Ok(()) };
                    if self.settle(&mut reader, groups).is_err() {
                        return Ok(());
                    }
                }
                status => {
                    let body = String::from_utf8_lossy(&answer.body);
                    bail!("{status} to {change:?}: {body}");
                }
            }
        }
        Ok(())
    }

    fn choose(&mut self) -> Change {
        let mut random = rand::rng();
        let there: Vec<usize> =
            (0..self.users.len()).filter(|user| self.users[*user].is_there).collect();
        let kind = random.random_range(0..100);
        if there.len() < 5 || kind < 35 {
            self.made += 1;
            let number = self.place * 1_000_000_000 + self.made;
            let body = Value::Object(people::user(number));
            let (name, email) = (people::user_name(number), people::work_email(number));
            return Change::Create { name, email, body };
        }
        let user = there[random.random_range(0..there.len())];
        let group = random.random_range(0..GROUPS);
        match kind {
            35..55 => {
                let number = self.users[user].former.len() + 1;
                let to = format!("renamed{number}.{}", self.users[user].email);
                Change::Rename { user, to }
            }
            55..75 => {
                let some = (0..3).map(|_| there[random.random_range(0..there.len())]);
                let users: BTreeSet<usize> = some.collect();
                Change::Join { group, users: users.into_iter().collect() }
            }
            75..90 => Change::Leave {
                group,
                users: there
                    .into_iter()
                    .filter(|u| self.users[*u].groups.contains(&group))
                    .take(2)
                    .collect(),
            },
            _ => Change::Delete { user },
        }
    }

    fn request(&self, server: &Server, groups: &[String], change: &Change) -> Vec<u8> {
        let user = |user: &usize| server.path(&format!("/Users/{}", self.users[*user].id));
        let group = |group: &usize| server.path(&format!("/Groups/{}", groups[*group]));
        match change {
            Change::Create { body, .. } => authorized("POST", &server.path("/Users"), Some(body)),
            Change::Rename { user: of, to } => {
                let replace = json!([{"op": "replace", "path": "userName", "value": to}]);
                authorized("PATCH", &user(of), Some(&patch(&replace)))
            }
            Change::Join { group: of, users } => {
                let members: Vec<Value> =
                    users.iter().map(|user| json!({"value": self.users[*user].id})).collect();
                let add = json!([{"op": "add", "path": "members", "value": members}]);
                authorized("PATCH", &group(of), Some(&patch(&add)))
            }
            Change::Leave { group: of, users } => {
                let operations: Vec<Value> =
                    users
                        .iter()
                        .map(|user| {
                            let path = format!("members[value eq \"{}\"]", self.users[*user].id);
                            json!({"op": "remove", "path": path})
                        })
                        // With nobody to leave, somebody who is not there.
                        .chain(users.is_empty().then(
                            || json!({"op": "remove", "path": "members[value eq \"nobody\"]"}),
                        ))
                        .collect();
                authorized("PATCH", &group(of), Some(&patch(&operations.into())))
            }
            Change::Delete { user: of } => authorized("DELETE", &user(of), None),
        }
    }

    /// Takes a change as done; `id` is that of the new user.
    fn apply(&mut self, change: Change, id: Option<String>) -> Result<()> {
        match change {
            Change::Create { name, email, .. } => {
                self.touched.insert(self.users.len());
                self.users.push(User {
                    id: id.context("a new user without an id")?,
                    name,
                    email,
                    former: Vec::new(),
                    groups: BTreeSet::new(),
                    is_there: true,
                });
            }
            Change::Rename { user, to } => {
                self.touched.insert(user);
                let former = std::mem::replace(&mut self.users[user].name, to);
                self.users[user].former.push(former);
            }
            Change::Join { group, users } => {
                for user in users {
                    self.touched.insert(user);
                    self.users[user].groups.insert(group);
                }
            }
            Change::Leave { group, users } => {
                for user in users {
                    self.touched.insert(user);
                    self.users[user].groups.remove(&group);
                }
            }
            Change::Delete { user } => {
                self.touched.insert(user);
                self.users[user].is_there = false;
                self.users[user].groups.clear();
            }
        }
        Ok(())
    }

    /// Finds out what became of the change that was not answered. That all of it happened or none
    /// is for the check to see, which compares everything it was about.
    fn settle(&mut self, reader: &mut Reader<'_>, groups: &[String]) -> Result<()> {
        let Some(change) = self.pending.clone() else { return Ok(()) };
        let mut get = |user: &usize| reader.get(&format!("/Users/{}", self.users[*user].id));
        let mut id = None;
        let has_happened = match &change {
            Change::Create { name, email, .. } => {
                id = reader.find(&format!("userName eq \"{name}\""))?.pop();
                let by_email = reader.find(&format!("emails.value eq \"{email}\""))?.pop();
                ensure!(id == by_email, "`{name}` is half there");
                id.is_some()
            }
            Change::Rename { user, to } => {
                let found = get(user)?.json()?;
                found["userName"] == **to
            }
            Change::Join { group, users } | Change::Leave { group, users } => {
                let is_join = matches!(change, Change::Join { .. });
                // One for whom it makes a difference tells it for all.
                let telling =
                    users.iter().find(|user| self.users[**user].groups.contains(group) != is_join);
                match telling {
                    Some(user) => {
                        let found = get(user)?.json()?;
                        values(&found["groups"]).contains(&groups[*group]) == is_join
                    }
                    None => false,
                }
            }
            Change::Delete { user } => get(user)?.status == 404,
        };
        self.pending = None;
        if has_happened {
            self.happened += 1;
            self.apply(change, id)?;
        } else {
            // It is checked that nothing happened.
            let about: Vec<usize> = match change {
                Change::Create { .. } => Vec::new(),
                Change::Rename { user, .. } | Change::Delete { user } => vec![user],
                Change::Join { users, .. } | Change::Leave { users, .. } => users,
            };
            self.touched.extend(about);
        }
        Ok(())
    }
}
