//! The public behaviour of `scim-core`, and the proof that the data it embeds
//! is what RFC 7643 says.

#[cfg(test)]
mod builtin_schemas;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod rfc7643_examples;
#[cfg(test)]
mod rfc_figures;
#[cfg(test)]
mod schema_corrections;
