//! That a write is acknowledged only after a sync: the system calls of org-server on SQLite, as
//! strace saw them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;

use crate::import::remove;
use crate::load::{self, Load};
use crate::people;
use crate::server::{Program, Server, write_authorized};
use crate::stats::table;
use crate::store::Database;

#[derive(Args, Debug)]
pub struct Options {
    /// Users that are created, first by one connection and then by several
    #[arg(long, default_value_t = 500)]
    writes: u64,
    /// Connections of the second part
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// The folder for the database, which is removed again
    #[arg(long, default_value = "target/bench-data")]
    folder: PathBuf,
    #[command(flatten)]
    program: Program,
}

pub fn run(options: &Options) -> Result<()> {
    std::fs::create_dir_all(&options.folder)?;
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        println!("skipped: strace is not installed");
        return Ok(());
    }
    let mut rows = Vec::new();
    for connections in [1, options.connections] {
        let seen = watch(options, connections)?;
        ensure!(
            seen.acknowledged == options.writes,
            "{} of {} writes were acknowledged",
            seen.acknowledged,
            options.writes
        );
        rows.push([
            connections.to_string(),
            seen.acknowledged.to_string(),
            seen.syncs.to_string(),
            seen.early.to_string(),
        ]);
        ensure!(seen.early == 0, "{} writes were acknowledged before they were synced", seen.early);
        // One connection has one write under way, so each has a commit and a sync to itself.
        ensure!(
            connections > 1 || seen.syncs >= seen.acknowledged,
            "{} syncs for {} commits",
            seen.syncs,
            seen.acknowledged
        );
    }
    table(
        ["connections", "writes acknowledged", "syncs of the log", "acknowledged unsynced"],
        rows,
    );
    Ok(())
}

fn watch(options: &Options, connections: usize) -> Result<Seen> {
    let file = options.folder.join("syncs.db");
    let trace = options.folder.join("syncs.strace");
    remove(&file);
    let mut command = Command::new("strace");
    command
        .args(["-f", "-ttt", "-T", "-y", "-s", "16", "-o"])
        .arg(&trace)
        .args(["-e", "trace=fdatasync,fsync,pwrite64,read,recvfrom,write,writev,sendto,sendmsg"])
        .arg(options.program.find()?);
    let server = Server::start_with(command, "error", &Database::file(&file))?;
    let path = server.path("/Users");
    let load = Load {
        address: server.address,
        connections,
        threads: 1,
        warm_up: Duration::ZERO,
        time: Duration::from_secs(600),
        most: options.writes,
    };
    load::run(load, &|n, out| {
        let user = serde_json::Value::Object(people::user(n)).to_string();
        write_authorized(out, "POST", &path, Some(&user));
    })?;
    server.stop()?;
    let seen = Seen::read(&trace)?;
    remove(&file);
    let _ = std::fs::remove_file(trace);
    Ok(seen)
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    acknowledged: u64,
    syncs: u64,
    /// Writes that were acknowledged though no sync of the log lay between.
    early: u64,
}

/// A system call, from the time it began to the time it returned, in seconds.
#[derive(Clone, Debug)]
struct Call {
    begun: f64,
    ended: f64,
    name: String,
    /// What it was called with, as far as it is shown: `9<socket:[1]>, "POST /scim"...`.
    arguments: String,
    returned: i64,
}

impl Seen {
    fn read(trace: &Path) -> Result<Self> {
        let text = std::fs::read(trace)?;
        Self::of(&calls(&String::from_utf8_lossy(&text))?)
    }

    /// Every answer that acknowledges a write has to follow a sync of the log which ended before
    /// the answer was sent, and began after something was written to the log, after the request was
    /// read.
    fn of(calls: &[Call]) -> Result<Self> {
        let mut seen = Self::default();
        // When something was last read from a connection.
        let mut requests: HashMap<&str, f64> = HashMap::new();
        let mut log_writes: Vec<f64> = Vec::new();
        let mut syncs: Vec<(f64, f64)> = Vec::new();
        let mut answers: Vec<(f64, f64)> = Vec::new();
        for call in calls {
            let (fd, _) = call.arguments.split_once(',').unwrap_or((&call.arguments, ""));
            let is_log = fd.contains("-wal>");
            match call.name.as_str() {
                "fdatasync" | "fsync" if is_log && call.returned == 0 => {
                    syncs.push((call.begun, call.ended));
                }
                "pwrite64" | "write" if is_log => log_writes.push(call.ended),
                "read" | "recvfrom" if call.returned > 0 => {
                    requests.insert(fd, call.ended);
                }
                "write" | "writev" | "sendto" | "sendmsg"
                    if call.arguments.contains("\"HTTP/1.1 201") =>
                {
                    let read = requests.get(fd).context("an answer without a request")?;
                    answers.push((*read, call.begun));
                }
                _ => {}
            }
        }
        seen.syncs = syncs.len() as u64;
        for (read, sent) in answers {
            seen.acknowledged += 1;
            let is_synced = syncs.iter().any(|(begun, ended)| {
                ended <= &sent
                    && log_writes.iter().any(|written| read <= *written && written <= begun)
            });
            seen.early += u64::from(!is_synced);
        }
        Ok(seen)
    }
}

/// The calls of `strace -f -ttt -T`, in the order in which they returned.
fn calls(trace: &str) -> Result<Vec<Call>> {
    let mut calls = Vec::new();
    // By process: a call that others came between.
    let mut unfinished: HashMap<&str, (f64, &str)> = HashMap::new();
    for line in trace.lines() {
        let mut parts = line.trim_start().splitn(2, ' ');
        let (pid, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let Some((time, rest)) = rest.trim_start().split_once(' ') else { continue };
        let Ok(time) = time.parse::<f64>() else { continue };
        if let Some(begun) = rest.strip_suffix("<unfinished ...>") {
            unfinished.insert(pid, (time, begun));
            continue;
        }
        let (begun, text) = match rest.strip_prefix("<... ") {
            Some(resumed) => {
                let Some((begun, start)) = unfinished.remove(pid) else { continue };
                let (_, end) = resumed.split_once(" resumed>").context("a line of strace's")?;
                (begun, format!("{start}{end}"))
            }
            None => (time, rest.to_owned()),
        };
        // `name(arguments) = returned <duration>`; other lines tell of signals and exits.
        let Some((name, rest)) = text.split_once('(') else { continue };
        let Some((arguments, result)) = rest.rsplit_once(" = ") else { continue };
        let mut result = result.split_whitespace();
        let returned = result.next().and_then(|text| text.parse().ok()).unwrap_or(-1);
        let duration = result
            .last()
            .and_then(|text| text.strip_prefix('<')?.strip_suffix('>')?.parse::<f64>().ok());
        let Some(duration) = duration else { continue };
        calls.push(Call {
            begun,
            ended: begun + duration,
            name: name.to_owned(),
            arguments: arguments.trim_end().trim_end_matches(')').to_owned(),
            returned,
        });
    }
    if calls.is_empty() {
        bail!("strace saw nothing");
    }
    calls.sort_by(|a, b| a.ended.total_cmp(&b.ended));
    Ok(calls)
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: &str = r#"7 1.000000 recvfrom(9<socket:[1]>, "POST /scim/bench"..., 8192, 0, NULL, NULL) = 700 <0.000010>"#;
    const WRITTEN: &str = r#"8 1.100000 pwrite64(5</x.db-wal>, "\0\0"..., 24, 32) = 24 <0.000010>"#;
    const SYNC_BEGINS: &str = "8 1.200000 fdatasync(5</x.db-wal> <unfinished ...>";
    const SYNC_ENDS: &str = "8 1.300000 <... fdatasync resumed>) = 0 <0.100000>";
    const SENT: &str = r#"7 1.400000 writev(9<socket:[1]>, [{iov_base="HTTP/1.1 201 Cre"..., iov_len=300}], 1) = 900 <0.000010>"#;
    const SENT_EARLY: &str = r#"7 1.250000 writev(9<socket:[1]>, [{iov_base="HTTP/1.1 201 Cre"..., iov_len=300}], 1) = 900 <0.000010>"#;

    fn early(lines: &[&str]) -> Seen {
        Seen::of(&calls(&lines.join("\n")).unwrap()).unwrap()
    }

    #[test]
    fn an_answer_after_the_sync_is_not_early() {
        let seen = early(&[READ, WRITTEN, SYNC_BEGINS, SYNC_ENDS, SENT]);
        assert_eq!(seen, Seen { acknowledged: 1, syncs: 1, early: 0 });
    }

    #[test]
    fn an_answer_before_the_sync_has_ended_is_early() {
        let seen = early(&[READ, WRITTEN, SYNC_BEGINS, SENT_EARLY, SYNC_ENDS]);
        assert_eq!(seen, Seen { acknowledged: 1, syncs: 1, early: 1 });
    }

    #[test]
    fn a_sync_without_a_write_before_it_is_none() {
        let seen = early(&[READ, SYNC_BEGINS, SYNC_ENDS, SENT]);
        assert_eq!(seen, Seen { acknowledged: 1, syncs: 1, early: 1 });
    }
}
