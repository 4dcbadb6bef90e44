//! Resource types from files (RFC 7643 §6, §7) are served as the built-in ones are: every attribute
//! type of §2.3 and every characteristic of §7, over HTTP, on SQLite and in memory.

mod discovery;
mod files;
mod filters;
mod museum;
mod patches;
mod projection;
mod queries;
mod sorting;
mod uniqueness;
mod values;
