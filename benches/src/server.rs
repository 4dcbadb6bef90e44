//! Servers under test, as processes of their own.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use scim_core::messages::PATCH_OP_URN;
use serde_json::{Value, json};

use crate::process;
use crate::store::{Database, TENANT};

/// What requests authenticate with.
pub const KEY: &str = "bench-key-0123456789";

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which org-server to run.
#[derive(Args, Clone, Debug)]
pub struct Program {
    /// The org-server to run; without it, that of this repository is built for release
    #[arg(long, value_name = "FILE")]
    org_server: Option<PathBuf>,
    /// What org-server logs (ORG_SERVER_LOG); `info` is a line for each request, which none of what
    /// it is compared with writes
    #[arg(long, default_value = "warn")]
    log: String,
}

impl Program {
    /// The file to run, built if need be.
    pub fn find(&self) -> Result<PathBuf> {
        if let Some(file) = &self.org_server {
            return Ok(file.clone());
        }
        let repository = repository();
        let built = Command::new(env!("CARGO"))
            .args(["build", "--release", "--quiet", "-p", "org-server"])
            .current_dir(&repository)
            .status()?;
        if !built.success() {
            bail!("org-server does not build");
        }
        Ok(repository.join("target/release/org-server"))
    }
}

/// The folder of the workspace.
pub fn repository() -> PathBuf {
    let benches = Path::new(env!("CARGO_MANIFEST_DIR"));
    benches.parent().unwrap_or(benches).to_owned()
}

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// What comes before `/Users`.
    base: String,
}

impl Server {
    /// org-server on a database.
    pub fn start(program: &Program, database: &Database) -> Result<Self> {
        Self::start_with(Command::new(program.find()?), &program.log, database)
    }

    /// The same by a command of one's own, which gets org-server's flags.
    pub fn start_with(mut command: Command, log: &str, database: &Database) -> Result<Self> {
        let mut child = command
            .args(["--listen", "127.0.0.1:0", "--org-id", TENANT, "--api-key", KEY])
            .args(["--database", database.as_str()])
            .env("ORG_SERVER_LOG", log)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {command:?}"))?;
        let output = child.stdout.take().context("no standard output")?;
        let mut lines = BufReader::new(output).lines();
        let url = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let url = line.strip_prefix("SCIM URL")?.trim().to_owned();
            url.contains(&format!("/{TENANT}/")).then_some(url)
        });
        let Some(url) = url else {
            let _ = child.kill();
            bail!("org-server did not start: {}", child.wait()?);
        };
        // Others may follow, and nobody may be hindered in saying them.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let rest = url.strip_prefix("http://").context("not a URL")?;
        let (address, path) = rest.split_once('/').context("a URL without a path")?;
        Self::ready(child, address.parse()?, format!("/{path}"))
    }

    /// Any server that listens on an address, once it accepts connections.
    pub fn ready(child: Child, address: SocketAddr, base: String) -> Result<Self> {
        let mut server = Self { child, address, base };
        let started = Instant::now();
        loop {
            if TcpStream::connect(address).is_ok() {
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                bail!("the server ended: {status}");
            }
            if started.elapsed() > PATIENCE {
                bail!("the server does not listen on {address}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The path of something below the base URL, such as `/Users`.
    pub fn path(&self, rest: &str) -> String {
        format!("{}{rest}", self.base)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Processor time that it and its children have used.
    pub fn cpu(&self) -> Result<Duration> {
        process::cpu(self.pid())
    }

    /// Asks it to end and waits until it has.
    pub fn stop(mut self) -> Result<()> {
        process::terminate(self.pid());
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        process::end(self.pid());
        let _ = self.child.wait();
    }
}

/// A free port of the loopback interface.
pub fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A request with credentials.
pub fn authorized(method: &str, path: &str, body: Option<&Value>) -> Vec<u8> {
    let mut out = Vec::new();
    write_authorized(&mut out, method, path, body.map(Value::to_string).as_deref());
    out
}

/// The same, written to the end of a buffer.
pub fn write_authorized(out: &mut Vec<u8>, method: &str, path: &str, body: Option<&str>) {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {KEY}\r\n\
         Accept: application/scim+json\r\n"
    );
    out.extend_from_slice(head.as_bytes());
    match body {
        None => out.extend_from_slice(b"\r\n"),
        Some(body) => {
            let more = format!(
                "Content-Type: application/scim+json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            out.extend_from_slice(more.as_bytes());
        }
    }
}

/// The body of a PATCH.
pub fn patch(operations: &Value) -> Value {
    json!({"schemas": [PATCH_OP_URN], "Operations": operations})
}

/// Text as it stands in a query string.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
