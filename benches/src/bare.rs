//! What our servers are compared with: the same bytes without any work behind them.

use std::path::PathBuf;

use anyhow::Result;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use clap::Args;

#[derive(Args, Debug)]
pub struct Options {
    /// A file with the body of every answer
    #[arg(long)]
    body: PathBuf,
    #[arg(long)]
    port: u16,
}

/// A bare axum route that answers with bytes from memory.
pub async fn run(options: &Options) -> Result<()> {
    let body = axum::body::Bytes::from(std::fs::read(&options.body)?);
    let answer = move || {
        let body = body.clone();
        async move { ([(CONTENT_TYPE, "application/scim+json")], body) }
    };
    let app = Router::new().route("/scim/{tenant}/v2/Users/{id}", get(answer));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", options.port)).await?;
    axum::serve(listener, app).await?;
    Ok(())
}
