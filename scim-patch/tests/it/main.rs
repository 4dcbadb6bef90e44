//! The public behaviour of `scim-patch`.

#[cfg(test)]
mod add;
#[cfg(test)]
mod atomicity;
#[cfg(test)]
mod captures;
#[cfg(test)]
mod corpora;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod members;
#[cfg(test)]
mod mutability;
#[cfg(test)]
mod password;
#[cfg(test)]
mod patching;
#[cfg(test)]
mod paths;
#[cfg(test)]
mod primary;
#[cfg(test)]
mod quirks;
#[cfg(test)]
mod remove;
#[cfg(test)]
mod replace;
#[cfg(test)]
mod required;
#[cfg(test)]
mod rfc7644_examples;
#[cfg(test)]
mod schemas_attribute;
