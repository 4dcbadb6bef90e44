//! The process: started, listened to, stopped.

use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use crate::client::Client;
use crate::database::Database;

/// The organisation of most tests, and its key.
pub(crate) const ORG: &str = "acme";
pub(crate) const KEY: &str = "the-key.of_acme~0123+/=";

const LISTENING: &str = "listening on ";

/// A running `org-server`. Dropping it kills it.
pub(crate) struct Server {
    child: Child,
    scim_url: String,
    address: String,
    stdout: Lines,
    stderr: Lines,
}

/// What a server left behind.
#[derive(Debug)]
pub(crate) struct Stopped {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: Vec<String>,
}

/// The command with nothing but a working folder and a free port.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = bare_command(folder);
    command.args(["--listen", "127.0.0.1:0"]);
    command
}

/// The command without flags, and without what the environment might add.
pub(crate) fn bare_command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_org-server"));
    for name in [
        "LISTEN",
        "BASE_URL",
        "DATABASE",
        "DATABASE_CONNECTIONS",
        "TRANSACTION_POOLING",
        "ORG_ID",
        "API_KEY",
        "PROFILE",
        "DEMAND",
        "REACTIVATE",
        "SCHEMA",
        "RESOURCE_TYPE",
        "LOG",
    ] {
        command.env_remove(format!("ORG_SERVER_{name}"));
    }
    command.current_dir(folder).stdin(Stdio::null());
    command
}

impl Server {
    /// Starts the organisation `acme` on a database, as `--database` names it.
    pub(crate) fn acme(folder: &Path, database: &str) -> Self {
        Self::acme_with(folder, database, "interop")
    }

    /// The same with a profile.
    pub(crate) fn acme_with(folder: &Path, database: &str, profile: &str) -> Self {
        let mut command = command(folder);
        command.args(["--database", database, "--org-id", ORG, "--api-key", KEY]);
        command.args(["--profile", profile]);
        Self::start(command)
    }

    /// Starts a command and waits for it to say where it listens.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let stdout = Lines::of(child.stdout.take().expect("it is piped"));
        let stderr = Lines::of(child.stderr.take().expect("it is piped"));
        let Some(line) = stdout.wait_for(|line| line.starts_with("SCIM URL")) else {
            let status = child.wait().expect("it can be waited for");
            panic!("org-server ended with {status} before it listened: {:#?}", stderr.to_end());
        };
        let scim_url = line.trim_start_matches("SCIM URL").trim().to_owned();
        let listening = stderr.wait_for(|line| line.contains(LISTENING)).expect("it says where");
        let (_, address) = listening.split_once(LISTENING).expect("it says where");
        Self { child, scim_url, address: address.to_owned(), stdout, stderr }
    }

    /// The URL below which an identity provider finds `/Users`.
    pub(crate) fn scim_url(&self) -> &str {
        &self.scim_url
    }

    /// The host and port it listens on.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// A client with the key of `acme`.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.scim_url, KEY)
    }

    /// The rest of the first line on standard output that begins with `label`.
    pub(crate) fn announced(&self, label: &str) -> String {
        let line = self.stdout.wait_for(|line| line.starts_with(label));
        let line = line.unwrap_or_else(|| panic!("nothing is said of `{label}`"));
        line.trim_start_matches(label).trim().to_owned()
    }

    /// Waits for a line of the log.
    pub(crate) fn wait_for_log(&self, wanted: impl Fn(&str) -> bool) -> String {
        self.stderr.wait_for(wanted).expect("the log ended before that")
    }

    /// What was logged up to now.
    pub(crate) fn log(&self) -> Vec<String> {
        self.stderr.so_far()
    }

    /// Asks it to stop (SIGTERM) without waiting for it.
    pub(crate) fn terminate(&self) {
        let kill = format!("kill -s TERM {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status().expect("there is a shell");
        assert!(status.success(), "`{kill}` failed");
    }

    /// Asks it to stop and waits until it has.
    pub(crate) fn stop(self) -> Stopped {
        self.terminate();
        self.wait()
    }

    /// Waits until it has stopped.
    pub(crate) fn wait(mut self) -> Stopped {
        let status = self.child.wait().expect("it can be waited for");
        Stopped { status, stdout: self.stdout.to_end(), stderr: self.stderr.to_end() }
    }

    /// Kills it on the spot (SIGKILL), as a crash would.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it can be waited for");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Does something to the organisations of a database, beside servers that may run.
pub(crate) fn org(folder: &Path, database: &Database, arguments: &[&str]) -> Stopped {
    let mut command = bare_command(folder);
    command.arg("org").args(arguments).args(["--database", database.flag()]);
    to_end(command)
}

/// Runs a command that is to refuse to start.
pub(crate) fn refusal(command: Command) -> Stopped {
    to_end(command)
}

/// Runs a command that ends by itself.
fn to_end(mut command: Command) -> Stopped {
    let output = command.output().expect("it starts");
    let lines = |bytes: &[u8]| String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect();
    Stopped { status: output.status, stdout: lines(&output.stdout), stderr: lines(&output.stderr) }
}

/// What a process writes to a pipe, line by line. A thread reads it, so that the process never
/// waits for a reader.
struct Lines {
    shared: Arc<(Mutex<Written>, Condvar)>,
}

#[derive(Default)]
struct Written {
    lines: Vec<String>,
    ended: bool,
}

impl Lines {
    fn of(pipe: impl Read + Send + 'static) -> Self {
        let shared = Arc::new((Mutex::new(Written::default()), Condvar::new()));
        let (written, more) = (Arc::clone(&shared), BufReader::new(pipe));
        thread::spawn(move || {
            for line in more.lines().map_while(Result::ok) {
                written.0.lock().unwrap().lines.push(line);
                written.1.notify_all();
            }
            written.0.lock().unwrap().ended = true;
            written.1.notify_all();
        });
        Self { shared }
    }

    /// The first line of that kind, waiting for it; `None` when the pipe ends without it.
    fn wait_for(&self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let mut written = self.shared.0.lock().unwrap();
        let mut seen = 0;
        loop {
            if let Some(line) = written.lines.iter().skip(seen).find(|line| wanted(line)) {
                return Some(line.clone());
            }
            seen = written.lines.len();
            if written.ended {
                return None;
            }
            written = self.shared.1.wait(written).unwrap();
        }
    }

    fn so_far(&self) -> Vec<String> {
        self.shared.0.lock().unwrap().lines.clone()
    }

    /// All lines, once the pipe has ended.
    fn to_end(&self) -> Vec<String> {
        let written = self.shared.0.lock().unwrap();
        let written = self.shared.1.wait_while(written, |w| !w.ended).unwrap();
        written.lines.clone()
    }
}
