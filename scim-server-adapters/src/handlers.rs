//! The requests on resources, a file a verb.

mod bulk;
mod create;
mod delete;
mod discover;
mod get;
mod patch;
mod query;
mod reactivate;
mod replace;

pub(crate) use bulk::bulk;
pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use discover::{resource_types, schemas, service_provider_config};
pub(crate) use get::get;
pub(crate) use patch::patch;
pub(crate) use query::{list, search};
pub(crate) use replace::replace;
