//! The resource type of `tests/fixtures/device`, loaded from its JSON at run time.

use std::sync::Arc;

use scim_core::{Registry, ResourceType};

pub(crate) const DEVICE: &str = "urn:example:params:scim:schemas:core:1.0:Device";
pub(crate) const WARRANTY: &str = "urn:example:params:scim:schemas:extension:warranty:1.0:Device";

pub(crate) const DEVICE_JSON: &str = include_str!("../fixtures/device/device.json");
pub(crate) const WARRANTY_JSON: &str = include_str!("../fixtures/device/warranty.json");
pub(crate) const RESOURCE_TYPE_JSON: &str = include_str!("../fixtures/device/resource-type.json");

pub(crate) fn registry() -> Registry {
    let mut registry = Registry::builtin();
    registry.add_schema_json(DEVICE_JSON).unwrap();
    registry.add_schema_json(WARRANTY_JSON).unwrap();
    registry.add_resource_type_json(RESOURCE_TYPE_JSON).unwrap();
    registry
}

pub(crate) fn resource_type() -> Arc<ResourceType> {
    Arc::clone(registry().by_endpoint("Devices").unwrap())
}
