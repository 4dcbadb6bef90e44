//! The same requests to the service itself, through axum and through actix-web, the latter two over
//! a socket: whatever the way, status, headers and body are the same.
//!
//! Each script is a list of [`step::Step`]s: a request, byte for byte, and what must come of it.

#[cfg(test)]
mod bodies;
#[cfg(test)]
mod conditional;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod discovery;
#[cfg(test)]
mod large_groups;
#[cfg(test)]
mod methods;
#[cfg(test)]
mod mounts;
#[cfg(test)]
mod paths;
#[cfg(test)]
mod queries;
#[cfg(test)]
mod resources;
#[cfg(test)]
mod sameness;
#[cfg(test)]
mod script;
#[cfg(test)]
mod server;
#[cfg(test)]
mod step;
#[cfg(test)]
mod watched;
#[cfg(test)]
mod wire;
