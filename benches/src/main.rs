//! Measures stores and servers: each command answers one question, and prints tables. `README.md`
//! has the commands.

#![forbid(unsafe_code)]

mod bare;
mod bare_loop;
mod client;
mod flat;
mod framing;
mod limit;
mod load;
mod lookups;
mod people;
mod process;
mod server;
mod stats;
mod store;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(about)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// One member more or less, and a GET without members, in groups of all sizes
    Flat(flat::Options),
    /// Finding a few resources among many
    Lookups(lookups::Options),
    /// org-server against a bare route and a bare loop of inserts
    Limit(limit::Options),
    /// The bare route that `limit` compares with
    #[command(hide = true)]
    Bare(bare::Options),
}

#[tokio::main]
async fn main() -> Result<()> {
    match Options::parse().command {
        Command::Flat(options) => flat::run(&options).await,
        Command::Lookups(options) => lookups::run(&options).await,
        Command::Limit(options) => limit::run(&options).await,
        Command::Bare(options) => bare::run(&options).await,
    }
}
