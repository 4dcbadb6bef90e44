//! Programs that run in a folder of their own, and go with the process that started them.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

/// Starts a program and waits until its own input is closed; then stops the program and removes the
/// folder. So both go with the process that started them, however that ends.
const GUARD: &str = r#"
folder=$1 signal=$2
shift 2
"$@" >"$folder/log" 2>&1 </dev/null &
program=$!
trap '' INT TERM HUP
cat >/dev/null
kill -"$signal" "$program" 2>/dev/null
wait "$program"
rm -rf "$folder"
"#;

/// How long a program may take until it answers.
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder, and the user whose it is.
pub(crate) struct Folder {
    path: PathBuf,
    user: Option<(u32, u32)>,
}

impl Folder {
    /// A new one. Nobody else may look into it.
    pub(crate) fn new(prefix: &str) -> Result<Self> {
        let path = tempfile::Builder::new().prefix(prefix).tempdir()?.keep();
        let user = user_for(&path)?;
        Ok(Self { path, user })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A program that runs as the folder's user.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command.current_dir("/");
        command
    }

    /// A program, whose arguments are still to be added, and which is stopped by a signal when the
    /// input of what is then spawned is closed. What it says is in the folder's `log`.
    pub(crate) fn guard(&self, signal: &str, program: &Path) -> Command {
        let mut guard = self.command("sh");
        guard.args(["-c", GUARD, "guard"]).arg(&self.path).arg(signal).arg(program);
        // A group of its own: Ctrl-C in a terminal must reach it by its input only.
        guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        guard
    }

    /// Waits until the guarded program answers at a URL of PostgreSQL's.
    pub(crate) fn await_answer(&self, url: &str) -> Result<()> {
        let asked = Instant::now();
        loop {
            match crate::run(url, "SELECT 1") {
                Ok(()) => return Ok(()),
                Err(error) if asked.elapsed() > PATIENCE => {
                    let log = fs::read_to_string(self.path.join("log")).unwrap_or_default();
                    let log = log.trim().replace('\n', "; ");
                    return Err(error.context(format!("it does not answer: {log}")));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

/// The user to be when this one is root, whom the servers refuse; the folder becomes that user's.
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
