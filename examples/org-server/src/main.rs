//! A SCIM 2.0 server for organisations: each is a tenant with an API key of its own, their users
//! and groups are in SQLite. `org-server --help` lists the flags.

#![forbid(unsafe_code)]

mod options;
mod organizations;

use std::io::IsTerminal as _;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use axum::Router;
use clap::Parser as _;
use scim_backend_sqlite::{SqliteBackend, SqliteOptions};
use scim_core::Registry;
use scim_server_adapters::axum::mount;
use scim_server_adapters::{MemoryBackend, ProvisioningBackend, ScimService, Tenancy};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use crate::options::{Database, Options};
use crate::organizations::Organizations;

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

    let backend: Arc<dyn ProvisioningBackend> = match &options.database {
        Database::Memory => Arc::new(MemoryBackend::new()),
        Database::Sqlite(file) => Arc::new(
            SqliteBackend::open(file, &Registry::builtin(), &SqliteOptions::default())
                .with_context(|| format!("cannot open the database {}", file.display()))?,
        ),
    };
    let file = match &options.database {
        Database::Sqlite(file) => Some(file.as_path()),
        Database::Memory => None,
    };
    let (organizations, announced) =
        Organizations::open(file, options.org_id.as_deref(), options.api_key.as_deref())?;

    let listener = TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("cannot listen on {}", options.listen))?;
    let base_url = match &options.base_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://{}", listener.local_addr()?),
    };
    let service = ScimService::builder(backend, Arc::new(organizations))
        .base_url(&format!("{base_url}/scim"))
        .tenancy(Tenancy::Path)
        .build();
    let app = Router::new().merge(mount("/scim", service));

    for organization in announced {
        println!("SCIM URL   {base_url}/scim/{}/v2", organization.id);
        match (organization.new_key, &options.api_key) {
            (Some(key), _) => println!("API key    {key}   (shown only now; its hash is kept)"),
            (None, Some(_)) => println!("API key    the one given"),
            (None, None) => println!("API key    as before (--api-key KEY sets another one)"),
        }
    }
    axum::serve(listener, app).with_graceful_shutdown(stop_signal()).await?;
    tracing::info!("stopped");
    Ok(())
}

/// Resolves at Ctrl-C and at SIGTERM; requests under way are finished.
async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
