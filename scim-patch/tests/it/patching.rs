//! What the tests share: a resource type with an attribute of every kind, and a PATCH in one call.

use std::sync::{Arc, LazyLock};

use scim_core::{PatchOp, Profile, Registry, ResourceType, ScimError, ScimType};
use scim_patch::{PatchPlan, Planned};
use serde_json::{Map, Value, json};

pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A resource type whose attributes cover what the built-in ones do not: readOnly and immutable
/// ones in the document, required sub-attributes, extensions with required attributes.
pub(crate) fn device() -> Arc<ResourceType> {
    static DEVICE: LazyLock<Arc<ResourceType>> = LazyLock::new(|| {
        let mut registry = Registry::empty();
        for schema in [
            include_str!("../fixtures/device.json"),
            include_str!("../fixtures/warranty.json"),
            include_str!("../fixtures/location.json"),
        ] {
            registry.add_schema_json(schema).unwrap();
        }
        let device = r#"{
            "name": "Device", "endpoint": "/Devices", "schema": "urn:example:scim:2.0:Device",
            "schemaExtensions": [
                {"schema": "urn:example:scim:2.0:Warranty", "required": false},
                {"schema": "urn:example:scim:2.0:Location", "required": true}
            ]
        }"#;
        registry.add_resource_type_json(device).unwrap()
    });
    Arc::clone(&DEVICE)
}

pub(crate) fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an object")
}

/// The message of a request with these operations.
pub(crate) fn message(operations: &Value, profile: &Profile) -> Result<PatchOp, ScimError> {
    let message = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": operations,
    });
    PatchOp::parse(message.to_string().as_bytes(), profile)
}

pub(crate) fn planned(
    resource_type: &Arc<ResourceType>,
    operations: &Value,
    profile: &Profile,
) -> Result<Planned, ScimError> {
    PatchPlan::new(resource_type, message(operations, profile)?, profile)
}

/// The attributes after the operations; `None` when nothing changed.
pub(crate) fn patched_under(
    profile: &Profile,
    resource_type: &Arc<ResourceType>,
    before: &Value,
    operations: &Value,
) -> Result<Option<Value>, ScimError> {
    let planned = planned(resource_type, operations, profile)?;
    assert!(planned.plan.members.is_empty(), "member operations are tested apart");
    Ok(planned.plan.document.apply(object(before))?.map(Value::Object))
}

/// The same by the letter of the RFC, which has to succeed and change something.
pub(crate) fn changed(
    resource_type: &Arc<ResourceType>,
    before: &Value,
    operations: &Value,
) -> Value {
    patched_under(&Profile::STRICT, resource_type, before, operations)
        .expect("success")
        .expect("a change")
}

/// The same, which has to succeed and change nothing.
pub(crate) fn unchanged(resource_type: &Arc<ResourceType>, before: &Value, operations: &Value) {
    let after = patched_under(&Profile::STRICT, resource_type, before, operations);
    assert_eq!(after, Ok(None));
}

/// The same, which has to fail: the `scimType`.
pub(crate) fn refused(
    resource_type: &Arc<ResourceType>,
    before: &Value,
    operations: &Value,
) -> ScimType {
    refused_under(&Profile::STRICT, resource_type, before, operations)
}

pub(crate) fn refused_under(
    profile: &Profile,
    resource_type: &Arc<ResourceType>,
    before: &Value,
    operations: &Value,
) -> ScimType {
    let error = patched_under(profile, resource_type, before, operations).expect_err("an error");
    assert_eq!(error.status(), 400, "{error}");
    let count = operations.as_array().map_or(0, Vec::len);
    let prefixes: Vec<String> = (1..=count).map(|n| format!("operation {n}: ")).collect();
    assert!(prefixes.iter().any(|p| error.detail().starts_with(p)), "{error}");
    error.scim_type().expect("a scimType")
}

pub(crate) fn user() -> Arc<ResourceType> {
    ResourceType::user()
}

pub(crate) fn group() -> Arc<ResourceType> {
    ResourceType::group()
}
