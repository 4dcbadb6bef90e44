//! PgBouncer in front of a test's database.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;

use anyhow::{Context as _, Result, anyhow, bail};
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::guarded::Folder;

/// PgBouncer in transaction mode, with four connections to the server, which transactions get in
/// turn. It ends with this, or with the process.
#[derive(Debug)]
pub struct Pooler {
    url: String,
    guard: Child,
}

impl Pooler {
    /// How many connections to the server it has at most.
    pub const CONNECTIONS: usize = 4;

    /// The URL of the database behind it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn start(url: &str) -> Result<Self> {
        let binary = binary()?;
        let server: Config = url.parse()?;
        let name = server.get_dbname().ok_or_else(|| anyhow!("{url} names no database"))?;
        let folder = Folder::new("scim-pgbouncer-")?;
        let file = folder.path().join("pgbouncer.ini");
        fs::write(&file, settings(&binary, &server, name, folder.path())?)?;
        // It keeps nothing that would be worth a farewell, and versions differ in what they take for
        // one.
        let mut guard = folder.guard("KILL", &binary);
        let guard = guard.arg(&file).spawn().context("PgBouncer cannot be started")?;
        // A socket in the folder cannot be anybody else's, as a port that was free can be by now.
        let url = format!("postgres://scim@{}:{PORT}/{name}", encoded(folder.path()));
        let pooler = Self { url, guard };
        folder.await_answer(&pooler.url)?;
        Ok(pooler)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // This closes the guard's input first.
        let _ = self.guard.wait();
    }
}

/// It is part of the name of the socket.
const PORT: u16 = 6432;

/// The installed program: by the path, or where distributions put it.
fn binary() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders
        .map(|folder| folder.join("pgbouncer"))
        .find(|binary| binary.is_file())
        .ok_or_else(|| anyhow!("pgbouncer is not installed"))
}

/// Its configuration file.
fn settings(binary: &Path, server: &Config, name: &str, folder: &Path) -> Result<String> {
    let host = match server.get_hosts() {
        [Host::Tcp(host)] => host.clone(),
        [Host::Unix(folder)] => folder.display().to_string(),
        hosts => bail!("it is started before one host only, not {}", hosts.len()),
    };
    let mut database = format!("{name} = dbname={} host={}", quoted(name), quoted(&host));
    if let Some(port) = server.get_ports().first() {
        write!(database, " port={port}")?;
    }
    if let Some(user) = server.get_user() {
        write!(database, " user={}", quoted(user))?;
    }
    if let Some(password) = server.get_password() {
        write!(database, " password={}", quoted(&String::from_utf8_lossy(password)))?;
    }
    let (size, folder) = (Pooler::CONNECTIONS, folder.display());
    // `any` lets in whoever can reach the socket, as the user that is named above.
    let mut settings = format!(
        "[databases]
{database}
[pgbouncer]
unix_socket_dir = {folder}
listen_port = {PORT}
auth_type = any
pool_mode = transaction
default_pool_size = {size}
server_round_robin = 1
max_client_conn = 500
query_wait_timeout = 30
"
    );
    if prepares(binary)? {
        settings.push_str("max_prepared_statements = 0\n");
    }
    Ok(settings)
}

/// Whether this version (1.21 or newer) knows prepared statements, which it may then prepare again
/// wherever they are used. Older ones refuse the setting that turns this off.
fn prepares(binary: &Path) -> Result<bool> {
    let output = std::process::Command::new(binary).arg("--version").output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let version = || {
        let mut numbers = said.split_whitespace().nth(1)?.split('.').map(str::parse::<u32>);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    };
    Ok(version().ok_or_else(|| anyhow!("pgbouncer has no version: {}", said.trim()))? >= (1, 21))
}

/// A value in a connection string.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// A path where a URL has the host.
fn encoded(path: &Path) -> String {
    path.as_os_str().as_encoded_bytes().iter().fold(String::new(), |mut encoded, byte| {
        // Writing to a text cannot fail.
        let _ = match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => write!(encoded, "{}", char::from(*byte)),
            _ => write!(encoded, "%{byte:02X}"),
        };
        encoded
    })
}
