//! The service from outside: HTTP requests in, HTTP responses out, over the memory backend.

#[cfg(test)]
mod authentication;
#[cfg(test)]
mod bulk;
#[cfg(test)]
mod client;
#[cfg(test)]
mod conditional;
#[cfg(test)]
mod crud;
#[cfg(test)]
mod cursors;
#[cfg(test)]
mod discovery;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod existence;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod http_details;
#[cfg(test)]
mod interop;
#[cfg(test)]
mod interop_docs;
#[cfg(test)]
mod interop_laws;
#[cfg(test)]
mod large_groups;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod me;
#[cfg(all(test, feature = "metrics"))]
mod metrics;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod profiles;
#[cfg(test)]
mod projection;
#[cfg(test)]
mod resources;
#[cfg(test)]
mod rfc;
#[cfg(test)]
mod rfc_coverage;
#[cfg(test)]
mod searches;
#[cfg(test)]
mod sorting;
#[cfg(test)]
mod tenants;
#[cfg(test)]
#[path = "../http/watched.rs"]
mod watched;
#[cfg(test)]
mod without_filters;
