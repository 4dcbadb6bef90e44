//! What the system knows of a process and its children.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};

/// The process and all its descendants.
fn tree(root: u32) -> Vec<u32> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        if let Some(parent) = stat(pid).and_then(|fields| fields.get(1)?.parse::<u32>().ok()) {
            parents.push((pid, parent));
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found
}

/// The fields of `/proc/PID/stat` from the third on: what comes before may hold spaces.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    Some(rest.split(' ').map(str::to_owned).collect())
}

/// Processor time, in user and system mode, of a process and its descendants.
pub fn cpu(root: u32) -> Result<Duration> {
    let ticks_a_second = rustix::param::clock_ticks_per_second() as f64;
    let mut ticks = 0;
    for pid in tree(root) {
        let Some(fields) = stat(pid) else { continue };
        // utime, stime: the 14th and 15th field.
        for field in [11, 12] {
            ticks += fields.get(field).context("a short stat")?.parse::<u64>()?;
        }
    }
    Ok(Duration::from_secs_f64(ticks as f64 / ticks_a_second))
}

/// Resident memory in KiB, in all and of the process's own (not of files).
pub fn resident(root: u32) -> Result<(u64, u64)> {
    let (mut all, mut own) = (0, 0);
    for pid in tree(root) {
        let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else { continue };
        for line in status.lines() {
            let kib = |line: &str| {
                line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0)
            };
            if line.starts_with("VmRSS:") {
                all += kib(line);
            } else if line.starts_with("RssAnon:") {
                own += kib(line);
            }
        }
    }
    Ok((all, own))
}

/// Asks a process to end, or that which it runs: strace ends with what it watches.
pub fn terminate(root: u32) {
    let last = tree(root).last().copied();
    if let Some(pid) = last.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?)) {
        let _ = kill_process(pid, Signal::TERM);
    }
}

/// Kills a process and its descendants.
pub fn end(root: u32) {
    for pid in tree(root) {
        if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}
