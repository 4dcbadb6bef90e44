//! The server as a stranger meets it: a process, started from the command line and spoken to over
//! HTTP.

#[cfg(test)]
mod captures;
#[cfg(test)]
mod client;
#[cfg(test)]
mod custom_types;
#[cfg(test)]
mod database;
#[cfg(test)]
mod http;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod nodes;
#[cfg(test)]
mod organizations;
#[cfg(test)]
mod profile;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod rfc;
#[cfg(test)]
mod server;
#[cfg(test)]
mod skip;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod wire;
