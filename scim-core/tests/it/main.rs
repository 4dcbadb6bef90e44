//! The public behaviour of `scim-core`, and the proof that the data it embeds
//! is what RFC 7643 says.

#[cfg(test)]
mod builtin_schemas;
#[cfg(test)]
mod choices;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod custom_schema;
#[cfg(test)]
mod dates;
#[cfg(test)]
mod device;
#[cfg(test)]
mod folding;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod ingest_laws;
#[cfg(test)]
mod members;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod paths;
#[cfg(test)]
mod projection;
#[cfg(test)]
mod quirks;
#[cfg(test)]
mod replacing;
#[cfg(test)]
mod rfc7643_examples;
#[cfg(test)]
mod rfc_figures;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod schema_corrections;
#[cfg(test)]
mod versions;
