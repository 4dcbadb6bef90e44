//! What the crate does, in the words of RFC 7644 with its errata.

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod evaluation;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod patch_paths;
#[cfg(test)]
mod printing;
#[cfg(test)]
mod quirks;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod resolution;
#[cfg(feature = "sql")]
#[cfg(test)]
mod sql;
#[cfg(test)]
mod syntax;
