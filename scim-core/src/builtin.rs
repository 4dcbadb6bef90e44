//! The definitions of RFC 7643 §8.7, read once from the JSON files beside this crate.

use std::sync::{Arc, LazyLock};

use crate::resource_type::ResourceType;
use crate::schema::{Attribute, Schema};

pub(crate) struct Builtin {
    pub(crate) user: Arc<ResourceType>,
    pub(crate) group: Arc<ResourceType>,
    pub(crate) service_provider_config: Arc<ResourceType>,
    pub(crate) resource_type: Arc<ResourceType>,
    pub(crate) schema: Arc<ResourceType>,
}

pub(crate) fn get() -> &'static Builtin {
    &BUILTIN
}

static BUILTIN: LazyLock<Builtin> = LazyLock::new(|| {
    let resource_type = |name, endpoint, description, schema| {
        known(ResourceType::new(name, endpoint, schema)).with_description(description)
    };
    let enterprise = schema(include_str!("../schemas/enterprise-user.json"));
    Builtin {
        user: Arc::new(
            resource_type(
                "User",
                "/Users",
                "User Account",
                schema(include_str!("../schemas/user.json")),
            )
            .with_extension(enterprise, false),
        ),
        group: Arc::new(resource_type(
            "Group",
            "/Groups",
            "Group",
            schema(include_str!("../schemas/group.json")),
        )),
        service_provider_config: Arc::new(resource_type(
            "ServiceProviderConfig",
            "/ServiceProviderConfig",
            "Service Provider Configuration",
            schema(include_str!("../schemas/service-provider-config.json")),
        )),
        resource_type: Arc::new(resource_type(
            "ResourceType",
            "/ResourceTypes",
            "Resource Type",
            schema(include_str!("../schemas/resource-type.json")),
        )),
        schema: Arc::new(resource_type(
            "Schema",
            "/Schemas",
            "Schema",
            schema(include_str!("../schemas/schema.json")),
        )),
    }
});

pub(crate) fn common() -> &'static [Arc<Attribute>] {
    &COMMON
}

// Apart from the others, since making a resource type needs it.
static COMMON: LazyLock<Vec<Arc<Attribute>>> =
    LazyLock::new(|| known(serde_json::from_str(include_str!("../schemas/common.json"))));

fn schema(json: &str) -> Arc<Schema> {
    Arc::new(known(Schema::from_canonical_json(json)))
}

#[expect(
    clippy::expect_used,
    reason = "the files are part of the crate, and every test reads them"
)]
fn known<T, E: std::fmt::Debug>(result: Result<T, E>) -> T {
    result.expect("a built-in definition is valid")
}
