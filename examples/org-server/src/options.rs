//! The command line.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand};
use scim_core::Validation;

use crate::settings::{Changes, Defaults, Demands, ProfileChoice, Reactivate, validation};

/// A SCIM 2.0 server for organisations: each is a tenant with an API key of its own.
#[derive(Debug, Parser)]
#[command(version, about, args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// The address to listen on
    #[arg(long, env = "ORG_SERVER_LISTEN", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,

    /// The public URL of this server, when it is not `http://` and the address it listens on
    #[arg(long, env = "ORG_SERVER_BASE_URL", value_name = "URL", value_parser = base_url)]
    pub(crate) base_url: Option<String>,

    /// Where to keep everything: `sqlite:FILE`, `postgres://USER:PASSWORD@HOST/DATABASE` for any
    /// number of servers over one database (`?sslmode=require` at its end for TLS, with a certificate
    /// that is verified), or `memory:` to forget it at the end
    #[arg(
        long,
        env = "ORG_SERVER_DATABASE",
        default_value = "sqlite:org-server.db",
        hide_env_values = true,
        global = true
    )]
    pub(crate) database: Database,

    /// SQLite: read so many MiB of the file by mapping it into memory, which is faster, but an error of
    /// the disk then ends the server
    #[arg(long, env = "ORG_SERVER_DATABASE_MAP", value_name = "MIB", default_value_t = 0)]
    pub(crate) database_map: u32,

    /// PostgreSQL: how many connections to make at most, beside the one that looks after the keys
    /// [default: 16]
    #[arg(long, env = "ORG_SERVER_DATABASE_CONNECTIONS", value_name = "NUMBER")]
    pub(crate) database_connections: Option<NonZeroUsize>,

    /// PostgreSQL: say that a pooler in transaction mode, such as PgBouncer, is in between
    #[arg(
        long,
        env = "ORG_SERVER_TRANSACTION_POOLING",
        value_parser = BoolishValueParser::new()
    )]
    pub(crate) transaction_pooling: bool,

    /// An organisation that must exist; it is made when it does not
    #[arg(long, env = "ORG_SERVER_ORG_ID", value_name = "ID", value_parser = org_id)]
    pub(crate) org_id: Option<String>,

    /// Its API key; without one a key is made with the organisation and shown once
    #[arg(long, env = "ORG_SERVER_API_KEY", value_name = "KEY", value_parser = api_key, hide_env_values = true)]
    pub(crate) api_key: Option<String>,

    /// What is tolerated of clients beyond the RFC: `interop`, `strict`, an identity provider
    /// (`entra`, `entra-scim2`, `okta`, `onelogin`, `jumpcloud`, `authentik`, `keycloak`), or `auto`
    /// for that which the User-Agent of each request names (Okta's and authentik's do), else `interop`.
    /// It is for organisations that have none of their own, as `org set ID --profile NAME` gives them;
    /// the same holds for `--demand` and `--reactivate`
    #[arg(long, env = "ORG_SERVER_PROFILE", value_name = "NAME", default_value = "interop")]
    pub(crate) profile: ProfileChoice,

    /// What is demanded beyond the profile: `canonical-values`, `unknown-attributes`, `countries`,
    /// `certificates`, `references`, `unique-group-names`, `existing-references` (whoever is named as
    /// a member or manager exists); can be repeated, or given with commas
    #[arg(
        long = "demand",
        env = "ORG_SERVER_DEMAND",
        value_name = "NAME",
        value_delimiter = ',',
        value_parser = validation
    )]
    pub(crate) demands: Vec<Validation>,

    /// Let a POST of a deactivated user make that one anew, instead of answering 409
    #[arg(long, env = "ORG_SERVER_REACTIVATE")]
    pub(crate) reactivate: bool,

    /// A file with a schema (JSON of RFC 7643 §7) for the resource types to use; can be repeated,
    /// in the variable with commas
    #[arg(long = "schema", env = "ORG_SERVER_SCHEMA", value_name = "FILE", value_delimiter = ',')]
    pub(crate) schemas: Vec<PathBuf>,

    /// A file with a resource type (JSON of RFC 7643 §6) to serve beside users and groups, or
    /// instead of those if it is named `User` or `Group`; can be repeated likewise
    #[arg(
        long = "resource-type",
        env = "ORG_SERVER_RESOURCE_TYPE",
        value_name = "FILE",
        value_delimiter = ','
    )]
    pub(crate) resource_types: Vec<PathBuf>,
}

impl Options {
    /// What is so for organisations that have no setting of their own.
    pub(crate) fn defaults(&self) -> Defaults {
        Defaults {
            profile: self.profile,
            demands: Demands(self.demands.clone()),
            reactivate: Reactivate(self.reactivate),
        }
    }
}

/// What to do instead of serving.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look after the organisations of a database. Servers that run over it follow within a second
    #[command(subcommand)]
    Org(OrgCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum OrgCommand {
    /// List the organisations and their settings
    List,
    /// Make an organisation; without a key one is made and shown once
    Add(OrgArguments),
    /// Change what is given of an organisation
    Set(OrgArguments),
}

#[derive(Debug, Args)]
pub(crate) struct OrgArguments {
    /// The organisation
    #[arg(value_parser = org_id)]
    pub(crate) id: String,

    /// Its API key
    #[arg(long, value_name = "KEY", value_parser = api_key)]
    pub(crate) api_key: Option<String>,

    /// Make a new API key, which is shown once; the one before is not honoured any longer
    #[arg(long, conflicts_with = "api_key")]
    pub(crate) new_key: bool,

    #[command(flatten)]
    pub(crate) changes: Changes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite(PathBuf),
    /// The URL. It is parsed when it is used: clap would show one that is wrong with its password.
    Postgres(String),
    Memory,
}

impl FromStr for Database {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("sqlite", file)) if !file.is_empty() => Ok(Self::Sqlite(file.into())),
            Some(("postgres" | "postgresql", place)) if place.starts_with("//") => {
                Ok(Self::Postgres(text.to_owned()))
            }
            Some(("memory", "")) => Ok(Self::Memory),
            _ => Err("expected `sqlite:FILE`, `postgres://…` or `memory:`".to_owned()),
        }
    }
}

/// A URL that paths can be appended to; without the slash at its end.
fn base_url(text: &str) -> Result<String, String> {
    let wanted = || "expected `http://` or `https://`, a host and perhaps a path".to_owned();
    let url: http::Uri = text.parse().map_err(|_| wanted())?;
    let web = matches!(url.scheme_str(), Some("http" | "https"));
    let host = url.host().is_some_and(|host| !host.is_empty());
    if !web || !host || url.query().is_some() || text.contains('#') {
        return Err(wanted());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// An organisation's id is a segment of its URL.
fn org_id(text: &str) -> Result<String, String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if !(1..=64).contains(&text.len()) || !text.bytes().all(plain) || text.starts_with('.') {
        return Err("expected 1 to 64 letters, digits, `-`, `_` or `.`".to_owned());
    }
    Ok(text.to_owned())
}

/// What fits into an `Authorization` header (RFC 6750 §2.1), and is no toy.
fn api_key(text: &str) -> Result<String, String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    if text.len() < 8 || !text.bytes().all(plain) {
        return Err("expected at least 8 letters, digits or `-._~+/=`".to_owned());
    }
    Ok(text.to_owned())
}
