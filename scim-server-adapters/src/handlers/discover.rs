//! What the service provider offers (RFC 7644 §4, RFC 7643 §5 to §7), made from what is true.

use http::header::{CONTENT_LOCATION, HeaderValue, LOCATION};
use http::{Method, StatusCode};
use scim_core::schema::{RESOURCE_TYPE_URN, SCHEMA_URN, SERVICE_PROVIDER_CONFIG_URN};
use scim_core::{ListResponse, ResourceType, ScimError, shorten};
use serde::Serialize;
use serde_json::{Value, json};

use crate::backend::BackendError;
use crate::exchange::{Answer, Exchange, Failure};
use crate::params;
use crate::policy::ActionKind;

pub(crate) async fn service_provider_config(x: &mut Exchange<'_>) -> Answer {
    guard(x).await?;
    let limits = &x.service.limits;
    let capabilities = x.service.backend.capabilities(&x.cx);
    let cursor = capabilities.cursor_key.is_some();
    let mut pagination = json!({
        "cursor": cursor,
        "index": true,
        "defaultPaginationMethod": "index",
        "defaultPageSize": limits.default_page_size.min(limits.max_page_size),
        "maxPageSize": limits.max_page_size,
    });
    if let Some(pagination) = pagination.as_object_mut().filter(|_| cursor) {
        pagination.insert("cursorTimeout".to_owned(), limits.cursor_seconds.into());
    }
    let config = json!({
        "schemas": [SERVICE_PROVIDER_CONFIG_URN],
        "patch": {"supported": true},
        "bulk": {
            "supported": true,
            "maxOperations": limits.bulk_operations,
            "maxPayloadSize": limits.body_bytes,
        },
        "filter": {"supported": true, "maxResults": limits.max_page_size},
        "changePassword": {"supported": capabilities.change_password},
        "sort": {"supported": capabilities.sort},
        "etag": {"supported": true},
        "pagination": pagination,
        "authenticationSchemes": x.service.authenticator.schemes(),
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": x.renderer.uri("/ServiceProviderConfig"),
        },
    });
    one(x, &config)
}

pub(crate) async fn resource_types(x: &mut Exchange<'_>, name: Option<&str>) -> Answer {
    guard(x).await?;
    let registry = &x.service.registry;
    match name {
        None => {
            let all = registry.resource_types().iter().map(|t| resource_type(x, t)).collect();
            answer(x, &whole_list(all))
        }
        Some(name) => match registry.by_name(name) {
            Some(found) => one(x, &resource_type(x, found)),
            None => Err(ScimError::not_found(name).into()),
        },
    }
}

pub(crate) async fn schemas(x: &mut Exchange<'_>, id: Option<&str>) -> Answer {
    guard(x).await?;
    // RFC 7643 §8.7.2: the schemas of discovery are listed like any other.
    let discovery = [
        ResourceType::of_service_provider_config(),
        ResourceType::of_resource_types(),
        ResourceType::of_schemas(),
    ];
    let registered = x.service.registry.schemas().iter();
    let mut all = registered.chain(discovery.iter().map(|t| t.schema()));
    match id {
        None => {
            let all = all.map(|s| located(x, &**s, SCHEMA_URN, "Schemas", s.id())).collect();
            answer(x, &whole_list(all))
        }
        Some(id) => match all.find(|s| s.id().eq_ignore_ascii_case(id)) {
            Some(found) => one(x, &located(x, &**found, SCHEMA_URN, "Schemas", found.id())),
            None => {
                Err(ScimError::with_status(404, format!("schema `{}` not found", shorten(id)))
                    .into())
            }
        },
    }
}

fn resource_type(x: &Exchange<'_>, resource_type: &ResourceType) -> Value {
    located(x, resource_type, RESOURCE_TYPE_URN, "ResourceTypes", resource_type.name())
}

/// Discovery is read only, and a filter on it is refused (RFC 7644 §4).
async fn guard(x: &Exchange<'_>) -> Result<(), Failure> {
    x.admit(ActionKind::Discover, None, None).await?;
    let method = &x.parts.method;
    if *method != Method::GET && *method != Method::HEAD {
        return Err(Failure::method_not_allowed(method, "GET, HEAD"));
    }
    let params = params::parse(x.parts.uri.query().unwrap_or_default())?;
    if params.filter.is_some() {
        return Err(ScimError::with_status(403, "a filter on discovery is not permitted").into());
    }
    Ok(())
}

fn located<T: Serialize>(
    x: &Exchange<'_>,
    resource: &T,
    schema: &str,
    endpoint: &str,
    id: &str,
) -> Value {
    let mut value = serde_json::to_value(resource).unwrap_or_default();
    let name = schema.rsplit(':').next().unwrap_or_default();
    if let Value::Object(object) = &mut value {
        object.insert(
            "meta".to_owned(),
            json!({"resourceType": name, "location": x.renderer.uri(&format!("/{endpoint}/{id}"))}),
        );
    }
    value
}

fn whole_list(resources: Vec<Value>) -> ListResponse<Value> {
    ListResponse::indexed(resources.len() as u64, 1, resources)
}

/// One resource, with where it lies (RFC 7643 §3.1: `meta.location` is the `Content-Location`).
fn one(x: &Exchange<'_>, resource: &Value) -> Answer {
    let mut response = answer(x, resource)?;
    let location = resource.pointer("/meta/location").and_then(Value::as_str);
    if let Some(location) = location.and_then(|l| HeaderValue::from_str(l).ok()) {
        response.headers_mut().insert(CONTENT_LOCATION, location.clone());
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

fn answer<T: Serialize>(x: &Exchange<'_>, value: &T) -> Answer {
    let body =
        serde_json::to_vec(value).map_err(|e| x.failed(&BackendError::internal(e), "discovery"))?;
    Ok(x.ok(StatusCode::OK, body))
}
