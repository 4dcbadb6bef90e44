//! Which attributes a store is told to keep unique, or to index.

use std::collections::BTreeSet;

use scim_core::schema::{ENTERPRISE_USER_URN, USER_URN};
use scim_core::{Registry, Target};
use thiserror::Error;

use crate::layout::stored_attributes;

/// What is indexed by default: attribute and the URN of its schema.
const DEFAULT_INDEXED: [(&str, &str); 3] = [
    (USER_URN, "emails.value"),
    (ENTERPRISE_USER_URN, "employeeNumber"),
    (ENTERPRISE_USER_URN, "manager.value"),
];

/// The attributes that a store keeps unique, or indexes, beyond what the schemas ask for.
///
/// Paths have the URN of the schema in front, or are those of common attributes (`externalId`).
#[derive(Clone, Debug, Default)]
pub struct Indexing {
    /// What must be unique.
    pub unique: Vec<String>,
    /// What is indexed; `None` for the default set, of which only what the schemas define is:
    /// `emails.value`, and the enterprise extension's `employeeNumber` and `manager.value`.
    pub indexed: Option<Vec<String>>,
}

/// An option names an attribute that cannot be unique or indexed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("attribute `{path}` cannot be unique or indexed: {reason}")]
pub struct AttributeError {
    /// The path as the option gives it.
    pub path: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Indexing {
    /// The paths of what must be unique as the schemas spell them.
    pub(crate) fn unique(&self, registry: &Registry) -> Result<BTreeSet<String>, AttributeError> {
        resolve_all(registry, &self.unique)
    }

    /// The paths of what is indexed as the schemas spell them.
    pub(crate) fn indexed(&self, registry: &Registry) -> Result<BTreeSet<String>, AttributeError> {
        match &self.indexed {
            Some(paths) => resolve_all(registry, paths),
            None => Ok(DEFAULT_INDEXED
                .iter()
                .filter_map(|(schema, path)| {
                    registry.schema(schema).map(|_| format!("{schema}:{path}"))
                })
                .collect()),
        }
    }
}

fn resolve_all(registry: &Registry, paths: &[String]) -> Result<BTreeSet<String>, AttributeError> {
    paths.iter().map(|path| resolve(registry, path)).collect()
}

fn resolve(registry: &Registry, path: &str) -> Result<String, AttributeError> {
    let refused = |reason| AttributeError { path: path.to_owned(), reason };
    let mut reason = "no registered schema defines it";
    for resource_type in registry.resource_types() {
        let Some(Target::Attribute(attribute)) = resource_type.resolve(path) else { continue };
        if attribute.leaf().is_complex() {
            return Err(refused("it is complex; name a sub-attribute"));
        }
        let stored = stored_attributes(resource_type);
        let Some((spelt, _)) = stored.into_iter().find(|(_, a)| *a == attribute) else {
            return Err(refused("the store keeps it outside the document, and indexed already"));
        };
        if spelt.contains(':') && !path.contains(':') {
            reason = "it needs the URN of its schema in front";
            continue;
        }
        return Ok(spelt);
    }
    Err(refused(reason))
}
