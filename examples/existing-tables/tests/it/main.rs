//! What the tables behind SCIM promise.

#[cfg(test)]
mod directory;
