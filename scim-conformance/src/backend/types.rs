//! The resource types that the checks use.

use std::sync::Arc;

use scim_core::{Registry, ResourceType};

use super::breach::{Outcome, some};

pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const DEVICE: &str = "urn:example:conformance:Device";
pub(crate) const ASSET: &str = "urn:example:conformance:Asset";

const DEVICE_SCHEMA: &str = r#"{
    "id": "urn:example:conformance:Device", "name": "Device", "attributes": [
        {"name": "serial", "uniqueness": "server", "caseExact": true},
        {"name": "label", "uniqueness": "server"},
        {"name": "slot", "type": "integer", "uniqueness": "global"},
        {"name": "weight", "type": "decimal"},
        {"name": "bought", "type": "dateTime"},
        {"name": "photo", "type": "binary"},
        {"name": "manual", "type": "reference", "referenceTypes": ["uri"]},
        {"name": "lost", "type": "boolean"},
        {"name": "maker", "mutability": "immutable"},
        {"name": "tags", "multiValued": true},
        {"name": "ports", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "mac", "uniqueness": "server"}, {"name": "label"}
        ]}
    ]
}"#;

const ASSET_SCHEMA: &str = r#"{
    "id": "urn:example:conformance:Asset", "name": "Asset", "attributes": [
        {"name": "number", "uniqueness": "server"}, {"name": "room"}
    ]
}"#;

/// The resource types of the checks: the built-in ones, and `Phone` and `Laptop`, which share a
/// schema and an extension with all types of attributes and values that must be unique. Open your
/// store with it, if it wants to know its types.
///
/// # Panics
/// Never: what it reads is built in.
#[must_use]
#[expect(clippy::expect_used, reason = "what it reads is built in, and every test reads it")]
pub fn registry() -> Registry {
    let mut registry = Registry::builtin();
    for schema in [DEVICE_SCHEMA, ASSET_SCHEMA] {
        registry.add_schema_json(schema).expect("the built-in schema is valid");
    }
    for name in ["Phone", "Laptop"] {
        let json = format!(
            r#"{{"name": "{name}", "endpoint": "/{name}s", "schema": "{DEVICE}",
                "schemaExtensions": [{{"schema": "{ASSET}", "required": false}}]}}"#
        );
        registry.add_resource_type_json(&json).expect("the built-in resource type is valid");
    }
    registry
}

pub(crate) fn user() -> Arc<ResourceType> {
    ResourceType::user()
}

pub(crate) fn group() -> Arc<ResourceType> {
    ResourceType::group()
}

/// The types that share a schema.
pub(crate) fn devices() -> Outcome<[Arc<ResourceType>; 2]> {
    let registry = registry();
    let named = |name| some("a registered type", registry.by_name(name).cloned());
    Ok([named("Phone")?, named("Laptop")?])
}
