//! Schemas and resource types as the JSON of RFC 7643 §6 and §7 defines them.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Result, ScimError};
use crate::ingest::{Ingest, Origin};
use crate::json;
use crate::profile::Profile;
use crate::resource_type::ResourceType;

/// Reads a definition as a resource of the type that defines definitions, so that names in another
/// case, nulls and members that no RFC knows are met as they are in any other resource.
pub(crate) fn read<T: DeserializeOwned>(
    resource_type: &Arc<ResourceType>,
    text: &str,
) -> Result<T> {
    let mut object = json::parse_object(text.as_bytes())?;
    // Of no use here, and other servers put all sorts of things there.
    object.retain(|name, _| !name.eq_ignore_ascii_case("meta"));
    let mut ingest = Ingest::new(resource_type, &Profile::INTEROP, Origin::Representation);
    let definition = ingest.resource_from(object)?.to_json();
    serde_json::from_value(Value::Object(definition))
        .map_err(|e| ScimError::invalid_value(e.to_string()))
}
