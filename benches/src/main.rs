//! Measures stores and servers: each command answers one question, and prints tables. `README.md`
//! has the commands.

#![forbid(unsafe_code)]

mod bare;
mod bare_loop;
mod client;
mod crash;
mod flat;
mod framing;
mod import;
mod limit;
mod load;
mod lookups;
mod memory;
mod peers;
mod people;
mod process;
mod server;
mod stats;
mod store;
mod syncs;

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
    /// Users and groups by the hundred thousand, by the store and by bulk requests
    Import(import::Options),
    /// org-server beside servers in Python and Node
    Peers(peers::Options),
    /// The resident memory of org-server under load
    Memory(memory::Options),
    /// Servers that are killed under load, or lose their connections to the database
    Crash(crash::Options),
    /// That org-server on SQLite acknowledges no write before it is synced, by strace
    Syncs(syncs::Options),
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
        Command::Import(options) => import::run(&options).await,
        Command::Peers(options) => peers::run(&options),
        Command::Memory(options) => memory::run(&options).await,
        Command::Crash(options) => crash::run(&options),
        Command::Syncs(options) => syncs::run(&options),
        Command::Bare(options) => bare::run(&options).await,
    }
}
