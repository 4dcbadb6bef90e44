//! A throw-away cluster from installed binaries.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};

/// A server that was started.
pub(crate) struct Started {
    pub(crate) url: String,
    pub(crate) lifeline: ChildStdin,
    pub(crate) binaries: PathBuf,
    pub(crate) data: PathBuf,
}

/// Waits until its input is closed, then stops the server and removes its data. So the server goes
/// with the process that started it, however that ends.
const GUARD: &str = r#"
"$1/postgres" -D "$2" -p "$3" -k "$2" -c listen_addresses=127.0.0.1 -c max_connections=200 \
    >"$2/log" 2>&1 </dev/null &
server=$!
trap '' INT TERM HUP
cat >/dev/null
kill -INT "$server" 2>/dev/null
wait "$server"
rm -rf "$2"
"#;

/// How long the server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn start() -> Result<Started> {
    let binaries = binaries()?;
    let folder = tempfile::Builder::new().prefix("scim-postgres-").tempdir()?.keep();
    let user = user_for(&folder)?;
    let as_user = |command: &mut Command| {
        if let Some((uid, gid)) = user {
            command.uid(uid).gid(gid);
        }
        command.current_dir("/");
    };
    let mut initdb = Command::new(binaries.join("initdb"));
    initdb.arg("-D").arg(&folder);
    initdb.args(["-U", "scim", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
    as_user(&mut initdb);
    let made = initdb.output().context("initdb cannot be run")?;
    if !made.status.success() {
        bail!("initdb failed: {}", String::from_utf8_lossy(&made.stderr).trim());
    }
    let port = free_port()?;
    let mut guard = Command::new("sh");
    guard.args(["-c", GUARD, "guard"]).arg(&binaries).arg(&folder).arg(port.to_string());
    // A group of its own: Ctrl-C in a terminal must reach it by its input only.
    guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    as_user(&mut guard);
    let mut guard = guard.spawn().context("the server cannot be started")?;
    let lifeline = guard.stdin.take().ok_or_else(|| anyhow!("the server has no input"))?;
    let url = format!("postgres://scim@127.0.0.1:{port}/postgres");
    await_answer(&url, &folder)?;
    Ok(Started { url, lifeline, binaries, data: folder })
}

fn await_answer(url: &str, folder: &Path) -> Result<()> {
    let asked = Instant::now();
    loop {
        match crate::run(url, "SELECT 1") {
            Ok(()) => return Ok(()),
            Err(error) if asked.elapsed() > PATIENCE => {
                let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
                return Err(error.context(format!("the server does not answer: {}", log.trim())));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
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

/// The user to be when this one is root, whom the server refuses; the folder becomes that user's.
fn user_for(folder: &Path) -> Result<Option<(u32, u32)>> {
    if fs::metadata(folder)?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let ids = |name: &str| -> Option<(u32, u32)> {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    let (uid, gid) = ["postgres", "nobody"]
        .into_iter()
        .find_map(ids)
        .ok_or_else(|| anyhow!("this is root, and there is no user `postgres` or `nobody`"))?;
    chown(folder, Some(uid), Some(gid))?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    Ok(Some((uid, gid)))
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
