//! A SCIM 2.0 server for organisations: each is a tenant with an API key of its own, their users
//! and groups are in SQLite, or in PostgreSQL for any number of servers. `org-server --help` lists
//! the flags, and `org-server org` looks after the organisations of a database.

#![forbid(unsafe_code)]

mod definitions;
mod options;
mod organizations;
mod settings;

use std::future::IntoFuture as _;
use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use axum::Router;
use clap::Parser as _;
use scim_backend_postgres::{PostgresBackend, PostgresOptions};
use scim_backend_sqlite::{SqliteBackend, SqliteOptions};
use scim_core::Registry;
use scim_server_adapters::axum::mount;
use scim_server_adapters::{MemoryBackend, ProvisioningBackend, ScimService, Tenancy};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_postgres::Config;
use tokio_postgres::config::Host;
use tracing_subscriber::EnvFilter;

use crate::options::{Command, Database, Options, OrgCommand};
use crate::organizations::{Announced, Asked, Key, Organizations};
use crate::settings::{Changes, Defaults, Kept};

/// What one thread allocates another frees here, with each request, which glibc's allocator does
/// under a lock.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    if let Some(Command::Org(command)) = &options.command {
        return look_after(&options.database, command).await;
    }
    // A slow terminal must not hold up requests; what is in the buffer is written at the end.
    let (log, _written_when_dropped) = tracing_appender::non_blocking(std::io::stderr());
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_env("ORG_SERVER_LOG").unwrap_or_else(|_| EnvFilter::new("info")),
        )
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(log)
        .init();

    let registry = definitions::registry(&options.schemas, &options.resource_types)?;
    let mut stop = stop_requests()?;
    // Before a key is made: one that could not be shown would be lost.
    let listener = TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("cannot listen on {}", options.listen))?;
    let address = listener.local_addr()?;
    tracing::info!("listening on {address}");

    let (backend, organizations, announced) = open(&options, &registry).await?;

    let base_url = match &options.base_url {
        Some(url) => url.clone(),
        None => format!("http://{address}"),
    };
    let (defaults, settings) = (options.defaults(), organizations.clone());
    let service = ScimService::builder(backend, Arc::new(organizations))
        .base_url(&format!("{base_url}/scim"))
        .tenancy(Tenancy::Path)
        .registry(registry)
        .profiles_by_request(move |organization, parts| {
            settings.settings(organization).profile(&defaults, parts)
        })
        .build();
    let app = Router::new().merge(mount("/scim", service));

    announce(&base_url, &announced, &options.defaults());
    let mut first = stop.clone();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        let _ = first.wait_for(|asked| *asked > 0).await;
    });
    tokio::select! {
        served = server.into_future() => served?,
        () = patience(&mut stop) => tracing::warn!("stopping with requests under way"),
    }
    tracing::info!("stopped");
    Ok(())
}

/// Opens the database: the resources, and the organisations whose they are.
async fn open(
    options: &Options,
    registry: &Registry,
) -> Result<(Arc<dyn ProvisioningBackend>, Organizations, Vec<Announced>)> {
    let asked = Asked {
        org_id: options.org_id.as_deref(),
        is_new: None,
        api_key: options.api_key.as_deref(),
        new_key: false,
        changes: Changes::default(),
    };
    let is_postgres = matches!(options.database, Database::Postgres(_));
    if !is_postgres && (options.database_connections.is_some() || options.transaction_pooling) {
        bail!("`--database-connections` and `--transaction-pooling` are for PostgreSQL");
    }
    if options.database_map > 0 && !matches!(options.database, Database::Sqlite(_)) {
        bail!("`--database-map` is for SQLite");
    }
    match &options.database {
        Database::Memory => {
            let (organizations, announced) = organizations::sqlite::in_memory(&asked)?;
            Ok((Arc::new(MemoryBackend::new()), organizations, announced))
        }
        Database::Sqlite(file) => {
            let settings = SqliteOptions::new().mapped_bytes(u64::from(options.database_map) << 20);
            let store = SqliteBackend::open(file, registry, &settings)
                .with_context(|| format!("cannot open the database {}", file.display()))?;
            let (organizations, announced) = organizations::sqlite::open(file, &asked).await?;
            Ok((Arc::new(store), organizations, announced))
        }
        Database::Postgres(url) => {
            let config = postgres(url)?;
            let context = || format!("cannot open the database {}", place(&config));
            let mut settings = PostgresOptions::new();
            if let Some(connections) = options.database_connections {
                settings = settings.connections(connections);
            }
            if options.transaction_pooling {
                settings = settings.transaction_pooling();
            }
            let store = PostgresBackend::open(url, registry, &settings).await;
            let store = store.with_context(context)?;
            let opened = organizations::postgres::open(&config, &asked).await;
            let (organizations, announced) = opened.with_context(context)?;
            Ok((Arc::new(store), organizations, announced))
        }
    }
}

fn postgres(url: &str) -> Result<Config> {
    // What is wrong with it is said without it, since it may hold a password.
    url.parse().context("the URL of `--database` cannot be read")
}

/// Where a PostgreSQL database is, without what gives access to it.
fn place(config: &Config) -> String {
    let hosts = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(folder) => folder.display().to_string(),
    });
    let hosts: Vec<String> = hosts.collect();
    format!("`{}` at {}", config.get_dbname().unwrap_or_default(), hosts.join(", "))
}

/// Says where each organisation is, what its key is and what is set for it.
fn announce(base_url: &str, organizations: &[Announced], defaults: &Defaults) {
    let lines = organizations.iter().map(|Announced { id, key, settings }| {
        format!(
            "SCIM URL   {base_url}/scim/{id}/v2\nAPI key    {}\nSettings   {}\n",
            told(key),
            described(settings, Some(defaults)),
        )
    });
    say(&lines.collect::<String>());
}

fn told(key: &Key) -> String {
    match key {
        Key::Made(key) => format!("{key}   (shown only now; its hash is kept)"),
        Key::Given => "the one given".to_owned(),
        Key::Kept => "as before (--api-key KEY sets another one)".to_owned(),
    }
}

fn described(settings: &Kept, defaults: Option<&Defaults>) -> String {
    match settings.read() {
        Ok(settings) => settings.described(defaults),
        Err(error) => format!("cannot be read, so that it is not served: {error}"),
    }
}

fn say(lines: &str) {
    // Nobody may be listening, which is no reason not to go on.
    let _ = std::io::stdout().write_all(lines.as_bytes());
}

/// Does what a subcommand asks for.
async fn look_after(database: &Database, command: &OrgCommand) -> Result<()> {
    let (is_new, arguments) = match command {
        OrgCommand::List => {
            let lines = list(database).await?.into_iter().map(|(id, settings)| {
                format!("Path       /scim/{id}/v2\nSettings   {}\n", described(&settings, None))
            });
            say(&lines.collect::<String>());
            return Ok(());
        }
        OrgCommand::Add(arguments) => (true, arguments),
        OrgCommand::Set(arguments) => (false, arguments),
    };
    let asked = Asked {
        org_id: Some(&arguments.id),
        is_new: Some(is_new),
        api_key: arguments.api_key.as_deref(),
        new_key: arguments.new_key,
        changes: arguments.changes.clone(),
    };
    let Announced { id, key, settings } = match database {
        Database::Memory => bail!(NOTHING_KEPT),
        Database::Sqlite(file) => organizations::sqlite::change(file, &asked)?,
        Database::Postgres(url) => {
            let config = postgres(url)?;
            let changed = organizations::postgres::change(&config, &asked).await;
            changed.with_context(|| format!("in the database {}", place(&config)))?
        }
    };
    say(&format!(
        "Path       /scim/{id}/v2\nAPI key    {}\nSettings   {}\n",
        told(&key),
        described(&settings, None),
    ));
    Ok(())
}

async fn list(database: &Database) -> Result<Vec<(String, Kept)>> {
    match database {
        Database::Memory => bail!(NOTHING_KEPT),
        Database::Sqlite(file) => organizations::sqlite::list(file),
        Database::Postgres(url) => {
            let config = postgres(url)?;
            let listed = organizations::postgres::list(&config).await;
            listed.with_context(|| format!("in the database {}", place(&config)))
        }
    }
}

const NOTHING_KEPT: &str = "what is in memory is known to its own server only";

/// How long requests under way are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Resolves when requests under way have had their time after the first request to stop, or at the
/// second.
async fn patience(stop: &mut watch::Receiver<u32>) {
    let _ = stop.wait_for(|asked| *asked > 0).await;
    let _ = tokio::time::timeout(PATIENCE, stop.wait_for(|asked| *asked > 1)).await;
}

/// Counts requests to stop: Ctrl-C and, where there is such a thing, SIGTERM.
fn stop_requests() -> Result<watch::Receiver<u32>> {
    let (count, stop) = watch::channel(0);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
            let (mut signals, count) = (signal(kind)?, count.clone());
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    count.send_modify(|asked| *asked += 1);
                }
            });
        }
    }
    #[cfg(not(unix))]
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            count.send_modify(|asked| *asked += 1);
        }
    });
    Ok(stop)
}
