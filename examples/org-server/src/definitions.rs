//! Schemas and resource types from files (RFC 7643 §6, §7).

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use scim_core::{Registry, ResourceType, Schema, ScimError};

/// What is served: User and Group, and what the files define. A resource type of a file that is
/// called `User` or `Group` is served instead of the built-in one, so that a file can give users an
/// extension of one's own.
///
/// # Errors
/// Each names its file: it cannot be read, is not a definition, or is at odds with another one.
pub(crate) fn registry(schemas: &[PathBuf], resource_types: &[PathBuf]) -> Result<Registry> {
    let builtin = Registry::builtin();
    let mut known = Registry::empty();
    for schema in builtin.schemas() {
        known.add_schema(Schema::clone(schema)).context("the built-in schemas")?;
    }
    for file in schemas {
        define(file, "schema", |json| known.add_schema_json(json).map(drop))?;
    }

    let mut defined: Vec<(&Path, Arc<ResourceType>)> = Vec::new();
    let mut types = known.clone();
    for file in resource_types {
        define(file, "resource type", |json| {
            defined.push((file, types.add_resource_type_json(json)?));
            Ok(())
        })?;
    }

    let names: HashSet<&str> = defined.iter().map(|(_, own)| &**own.name()).collect();
    let kept = builtin.resource_types().iter().filter(|t| !names.contains(&**t.name()));
    for resource_type in kept {
        known
            .add_resource_type(ResourceType::clone(resource_type))
            .context("the built-in types")?;
    }
    for (file, own) in &defined {
        known
            .add_resource_type(ResourceType::clone(own))
            .map_err(|e| refused(file, "resource type", &e))?;
    }
    Ok(known)
}

fn define(file: &Path, what: &str, add: impl FnOnce(&str) -> Result<(), ScimError>) -> Result<()> {
    let json = fs::read_to_string(file)
        .with_context(|| format!("cannot read the {what} in {}", file.display()))?;
    add(&json).map_err(|e| refused(file, what, &e))
}

fn refused(file: &Path, what: &str, error: &ScimError) -> anyhow::Error {
    anyhow::anyhow!("the {what} in {}: {}", file.display(), error.detail())
}
