//! The command line.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Parser;
use clap::builder::BoolishValueParser;
use scim_core::{Choice, Profile, Validation};

/// A SCIM 2.0 server for organisations: each is a tenant with an API key of its own.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Options {
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
        hide_env_values = true
    )]
    pub(crate) database: Database,

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
    /// for that which the User-Agent of each request names (Okta's and authentik's do), else `interop`;
    /// it is for all organisations of this server
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
    /// A profile with what is asked for beside it.
    pub(crate) fn completed(&self, profile: Profile) -> Profile {
        let profile = self.demands.iter().copied().fold(profile, Profile::validating);
        if self.reactivate { profile.choosing(Choice::Reactivate) } else { profile }
    }
}

/// How the profile of a request is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProfileChoice {
    /// It is this one.
    Fixed(Profile),
    /// By its User-Agent.
    Auto,
}

impl FromStr for ProfileChoice {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if name == "auto" {
            return Ok(Self::Auto);
        }
        Profile::preset(name).map(Self::Fixed).ok_or_else(|| {
            let names = Profile::PRESETS.map(|preset| preset.name()).join("`, `");
            format!("expected `{names}` or `auto`")
        })
    }
}

fn validation(name: &str) -> Result<Validation, String> {
    Validation::ALL.into_iter().find(|validation| validation.name() == name).ok_or_else(|| {
        let names = Validation::ALL.map(Validation::name).join("`, `");
        format!("expected one of `{names}`")
    })
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
