//! A throw-away cluster from installed binaries.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Child;

use anyhow::{Context as _, Result, anyhow, bail};

use crate::guarded::Folder;

/// A server that was started.
pub(crate) struct Started {
    pub(crate) url: String,
    pub(crate) guard: Child,
    pub(crate) binaries: PathBuf,
    pub(crate) data: PathBuf,
}

pub(crate) fn start() -> Result<Started> {
    let binaries = binaries()?;
    let folder = Folder::new("scim-postgres-")?;
    let mut initdb = folder.command(binaries.join("initdb"));
    initdb.arg("-D").arg(folder.path());
    initdb.args(["-U", "scim", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
    let made = initdb.output().context("initdb cannot be run")?;
    if !made.status.success() {
        bail!("initdb failed: {}", String::from_utf8_lossy(&made.stderr).trim());
    }
    let port = free_port()?.to_string();
    let mut guard = folder.guard("INT", &binaries.join("postgres"));
    guard.arg("-D").arg(folder.path()).args(["-p", &port, "-k"]).arg(folder.path());
    guard.args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"]);
    let guard = guard.spawn().context("the server cannot be started")?;
    let url = format!("postgres://scim@127.0.0.1:{port}/postgres");
    folder.await_answer(&url)?;
    Ok(Started { url, guard, binaries, data: folder.path().to_owned() })
}

/// The folder of the newest installed server: by the path, or where distributions put it.
fn binaries() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut versions: Vec<(u32, PathBuf)> = Vec::new();
    for parent in ["/usr/lib/postgresql", "/usr/local/lib/postgresql", "/opt/homebrew/opt"] {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let version = name.trim_start_matches("postgresql@").parse();
            versions.extend(version.ok().map(|version| (version, entry.path().join("bin"))));
        }
    }
    versions.sort();
    found.extend(versions.into_iter().rev().map(|(_, folder)| folder));
    let whole = |folder: &PathBuf| ["initdb", "postgres"].iter().all(|b| folder.join(b).is_file());
    found.into_iter().find(whole).ok_or_else(|| {
        anyhow!("SCIM_TEST_POSTGRES_URL is not set, and initdb and postgres are not installed")
    })
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
