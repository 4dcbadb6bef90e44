//! A SCIM 2.0 server for organisations: each is a tenant with an API key of its own, their users
//! and groups are in SQLite, or in PostgreSQL for any number of servers. `org-server --help` lists
//! the flags.

#![forbid(unsafe_code)]

mod definitions;
mod options;
mod organizations;

use std::future::IntoFuture as _;
use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use axum::Router;
use clap::Parser as _;
use http::header::USER_AGENT;
use http::request::Parts;
use scim_backend_postgres::{PostgresBackend, PostgresOptions};
use scim_backend_sqlite::{SqliteBackend, SqliteOptions};
use scim_core::{Profile, Registry};
use scim_server_adapters::axum::mount;
use scim_server_adapters::{MemoryBackend, ProvisioningBackend, ScimService, Tenancy};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_postgres::Config;
use tokio_postgres::config::Host;
use tracing_subscriber::EnvFilter;

use crate::options::{Database, Options, ProfileChoice};
use crate::organizations::{Announced, Asked, Key, Organizations};

/// What one thread allocates another frees here, with each request, which glibc's allocator does
/// under a lock.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
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
    let service = ScimService::builder(backend, Arc::new(organizations))
        .base_url(&format!("{base_url}/scim"))
        .tenancy(Tenancy::Path)
        .registry(registry)
        .profiles_by_request(move |_, parts| {
            options.completed(match &options.profile {
                ProfileChoice::Fixed(profile) => *profile,
                ProfileChoice::Auto => by_user_agent(parts),
            })
        })
        .build();
    let app = Router::new().merge(mount("/scim", service));

    announce(&base_url, &announced);
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
    let asked = Asked { org_id: options.org_id.as_deref(), api_key: options.api_key.as_deref() };
    let is_postgres = matches!(options.database, Database::Postgres(_));
    if !is_postgres && (options.database_connections.is_some() || options.transaction_pooling) {
        bail!("`--database-connections` and `--transaction-pooling` are for PostgreSQL");
    }
    match &options.database {
        Database::Memory => {
            let (organizations, announced) = organizations::sqlite::open(None, asked)?;
            Ok((Arc::new(MemoryBackend::new()), organizations, announced))
        }
        Database::Sqlite(file) => {
            let store = SqliteBackend::open(file, registry, &SqliteOptions::default())
                .with_context(|| format!("cannot open the database {}", file.display()))?;
            let (organizations, announced) = organizations::sqlite::open(Some(file), asked)?;
            Ok((Arc::new(store), organizations, announced))
        }
        Database::Postgres(url) => {
            // What is wrong with it is said without it, since it may hold a password.
            let config: Config = url.parse().context("the URL of `--database` cannot be read")?;
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
            let opened = organizations::postgres::open(&config, asked).await;
            let (organizations, announced) = opened.with_context(context)?;
            Ok((Arc::new(store), organizations, announced))
        }
    }
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

/// The profile that the client's own word for itself calls for.
fn by_user_agent(parts: &Parts) -> Profile {
    let user_agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
    user_agent.and_then(Profile::for_user_agent).unwrap_or_default()
}

/// Says where each organisation is and what its key is.
fn announce(base_url: &str, organizations: &[Announced]) {
    let lines = organizations.iter().map(|Announced { id, key }| {
        let key = match key {
            Key::Made(key) => format!("{key}   (shown only now; its hash is kept)"),
            Key::Given => "the one given".to_owned(),
            Key::Kept => "as before (--api-key KEY sets another one)".to_owned(),
        };
        format!("SCIM URL   {base_url}/scim/{id}/v2\nAPI key    {key}\n")
    });
    // Nobody may be listening, which is no reason not to serve.
    let _ = std::io::stdout().write_all(lines.collect::<String>().as_bytes());
}

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
