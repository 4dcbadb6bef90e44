//! The forms in which a product takes and gives resources.

use std::sync::Arc;

use scim_core::{Group, Resource, ResourceId, ResourceType, ScimError, User};

/// A form of resources that product code works with: [`User`], [`Group`], any [`Resource`], or a
/// type of the product's own for a resource type of its own.
///
/// ```
/// use std::sync::Arc;
///
/// use scim_core::{Resource, ResourceId, ResourceType, ScimError};
/// use scim_server_adapters::crud::View;
/// use serde::{Deserialize, Serialize};
/// use serde_json::{Map, Value};
///
/// #[derive(Clone, Serialize, Deserialize)]
/// #[serde(rename_all = "camelCase")]
/// struct Device {
///     id: Option<ResourceId>,
///     serial_number: String,
/// }
///
/// impl View for Device {
///     fn id(&self) -> Option<&ResourceId> {
///         self.id.as_ref()
///     }
///
///     fn from_resource(resource: &Resource) -> Result<Self, ScimError> {
///         serde_json::from_value(Value::Object(resource.to_json()))
///             .map_err(|e| ScimError::invalid_value(format!("a device: {e}")))
///     }
///
///     fn to_resource_of(&self, resource_type: &Arc<ResourceType>) -> Result<Resource, ScimError> {
///         let mut json = Map::new();
///         json.insert("schemas".to_owned(), vec![resource_type.schema().id()].into());
///         json.insert("serialNumber".to_owned(), self.serial_number.as_str().into());
///         json.extend(self.id.iter().map(|id| ("id".to_owned(), id.as_str().into())));
///         Resource::from_json(resource_type, json)
///     }
/// }
/// ```
pub trait View: Send + Sync + Sized + 'static {
    /// The id of the resource. What a store gives has one.
    fn id(&self) -> Option<&ResourceId>;

    /// The form of a resource that comes in, with its id and metadata.
    ///
    /// # Errors
    /// When it cannot be had in this form; the client is told.
    fn from_resource(resource: &Resource) -> Result<Self, ScimError>;

    /// The resource, with its id, and with metadata where the product has any.
    ///
    /// # Errors
    /// When it does not fit the schemas. That is a fault of the product: 500, and a line in the log.
    fn to_resource_of(&self, resource_type: &Arc<ResourceType>) -> Result<Resource, ScimError>;
}

impl View for User {
    fn id(&self) -> Option<&ResourceId> {
        self.id.as_ref()
    }

    fn from_resource(resource: &Resource) -> Result<Self, ScimError> {
        Self::from_resource(resource)
    }

    fn to_resource_of(&self, resource_type: &Arc<ResourceType>) -> Result<Resource, ScimError> {
        self.to_resource_of(resource_type)
    }
}

impl View for Group {
    fn id(&self) -> Option<&ResourceId> {
        self.id.as_ref()
    }

    fn from_resource(resource: &Resource) -> Result<Self, ScimError> {
        Self::from_resource(resource)
    }

    fn to_resource_of(&self, resource_type: &Arc<ResourceType>) -> Result<Resource, ScimError> {
        self.to_resource_of(resource_type)
    }
}

impl View for Resource {
    fn id(&self) -> Option<&ResourceId> {
        self.id()
    }

    fn from_resource(resource: &Resource) -> Result<Self, ScimError> {
        Ok(resource.clone())
    }

    fn to_resource_of(&self, _: &Arc<ResourceType>) -> Result<Resource, ScimError> {
        Ok(self.clone())
    }
}
