//! A PostgreSQL server for tests: the one that `SCIM_TEST_POSTGRES_URL` names, else one that is
//! started from installed binaries and goes when the test's process does. In front of a database
//! there can be an installed PgBouncer.
//!
//! Where there is none, that is said on one line, and tests that need it end there; with
//! `SCIM_TEST_NO_SKIP` set they fail.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! if let Some(database) = postgres_test_server::database("the contract")? {
//!     println!("an empty database at {}", database.url());
//! }
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod guarded;
mod installed;
mod pooler;

use std::path::PathBuf;
use std::process::Child;
use std::sync::LazyLock;

use anyhow::{Context as _, Result, anyhow, bail};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use installed::Started;
pub use pooler::Pooler;

const URL: &str = "SCIM_TEST_POSTGRES_URL";
const NO_SKIP: &str = "SCIM_TEST_NO_SKIP";

/// The server of this process: found or started once.
static SERVER: LazyLock<Result<Server, String>> =
    LazyLock::new(|| Server::find().map_err(|error| format!("{error:#}")));

/// A server, by the URL of a database in which others can be made.
#[derive(Debug)]
struct Server {
    url: String,
    /// The server ends when the input of this is closed, which the end of the process does.
    _guard: Option<Child>,
    binaries: Option<PathBuf>,
    data: Option<PathBuf>,
}

impl Server {
    fn find() -> Result<Self> {
        if let Ok(url) = std::env::var(URL) {
            return Ok(Self { url, _guard: None, binaries: None, data: None });
        }
        let Started { url, guard, binaries, data } = installed::start()?;
        Ok(Self { url, _guard: Some(guard), binaries: Some(binaries), data: Some(data) })
    }
}

/// An empty database. It is dropped with this.
#[derive(Debug)]
pub struct Database {
    url: String,
    name: String,
    server: &'static Server,
}

/// An empty database, for what is told in a skip's line; `None` where there is no server.
///
/// # Errors
/// When there is a server that makes none, or, with `SCIM_TEST_NO_SKIP`, when there is no server.
pub fn database(what: &str) -> Result<Option<Database>> {
    let server = match &*SERVER {
        Ok(server) => server,
        Err(reason) => return skip(&format!("{what}: no PostgreSQL server: {reason}")),
    };
    let name = format!("scim_test_{}", Uuid::new_v4().simple());
    server.run(&format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"))?;
    Ok(Some(Database { url: with_database(&server.url, &name)?, name, server }))
}

/// Says that something is skipped, and why.
fn skip<T>(what: &str) -> Result<Option<T>> {
    if std::env::var_os(NO_SKIP).is_some() {
        bail!("{what}");
    }
    eprintln!("skipped: {what}");
    Ok(None)
}

impl Database {
    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Runs statements in it.
    ///
    /// # Errors
    /// What the server says.
    pub fn run(&self, sql: &str) -> Result<()> {
        run(&self.url, sql)
    }

    /// Ends all connections to it, as an administrator would.
    ///
    /// # Errors
    /// What the server says.
    pub fn cut_connections(&self) -> Result<()> {
        self.server.run(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'",
            self.name
        ))
    }

    /// PgBouncer in front of it, for what is told in a skip's line; `None` where there is none, or
    /// none that gets to the server.
    ///
    /// # Errors
    /// With `SCIM_TEST_NO_SKIP`, when there is none.
    pub fn pooler(&self, what: &str) -> Result<Option<Pooler>> {
        match Pooler::start(&self.url) {
            Ok(pooler) => Ok(Some(pooler)),
            Err(reason) => skip(&format!("{what}: no PgBouncer: {reason:#}")),
        }
    }

    /// The folder of the server's binaries and that of its data, if it was started for this process.
    #[must_use]
    pub fn installation(&self) -> Option<(&std::path::Path, &std::path::Path)> {
        Some((self.server.binaries.as_deref()?, self.server.data.as_deref()?))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A server that is going anyway need not be tidy.
        let _ = self.server.run(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

impl Server {
    fn run(&self, sql: &str) -> Result<()> {
        run(&self.url, sql)
    }
}

/// On a thread of its own, since whoever calls may be in a runtime.
fn run(url: &str, sql: &str) -> Result<()> {
    std::thread::scope(|scope| {
        let work = scope.spawn(|| -> Result<()> {
            let runtime = runtime()?;
            runtime.block_on(async {
                let client = connect(url).await?;
                client.batch_execute(sql).await.with_context(|| sql.to_owned())
            })
        });
        work.join().map_err(|_| anyhow!("a thread panicked"))?
    })
}

fn runtime() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The URL with another database.
fn with_database(url: &str, name: &str) -> Result<String> {
    let (scheme, rest) = url.split_once("://").ok_or_else(|| anyhow!("{URL} is not a URL"))?;
    let (place, parameters) = match rest.split_once('?') {
        Some((place, parameters)) => (place, format!("?{parameters}")),
        None => (rest, String::new()),
    };
    let host = place.split('/').next().unwrap_or_default();
    Ok(format!("{scheme}://{host}/{name}{parameters}"))
}
