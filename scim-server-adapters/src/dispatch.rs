//! From endpoint and method to the handler.

use std::sync::Arc;

use http::Method;
use scim_core::{ResourceId, ResourceType, ScimError};

use crate::exchange::{Answer, Exchange, Failure, located};
use crate::handlers;
use crate::route::Endpoint;

/// Handlers are boxed but for the most frequent one, GET of one resource: its future, which is made and
/// moved for every request, would else be as large as the largest of them.
pub(crate) async fn dispatch(x: &mut Exchange<'_>, endpoint: Endpoint) -> Answer {
    match endpoint {
        Endpoint::Root => match x.parts.method {
            Method::GET | Method::HEAD => {
                Box::pin(handlers::list(x, x.service.registry.resource_types().to_vec())).await
            }
            ref other => Err(Failure::method_not_allowed(other, "GET, HEAD")),
        },
        Endpoint::RootSearch => match x.parts.method {
            Method::POST => {
                Box::pin(handlers::search(x, x.service.registry.resource_types().to_vec())).await
            }
            ref other => Err(Failure::method_not_allowed(other, "POST")),
        },
        Endpoint::Bulk => match x.parts.method {
            Method::POST => Box::pin(handlers::bulk(x)).await,
            ref other => Err(Failure::method_not_allowed(other, "POST")),
        },
        Endpoint::Me => Box::pin(me(x)).await,
        Endpoint::TypeSearch(resource_type) => match x.parts.method {
            Method::POST => Box::pin(handlers::search(x, vec![resource_type])).await,
            ref other => Err(Failure::method_not_allowed(other, "POST")),
        },
        Endpoint::Type(resource_type) => match x.parts.method {
            Method::GET | Method::HEAD => Box::pin(handlers::list(x, vec![resource_type])).await,
            Method::POST => Box::pin(handlers::create(x, resource_type)).await,
            ref other => Err(Failure::method_not_allowed(other, "GET, HEAD, POST")),
        },
        Endpoint::Resource(resource_type, id) => resource(x, resource_type, id).await,
        Endpoint::ServiceProviderConfig => handlers::service_provider_config(x).await,
        Endpoint::ResourceTypes(name) => handlers::resource_types(x, name.as_deref()).await,
        Endpoint::Schemas(id) => handlers::schemas(x, id.as_deref()).await,
    }
}

async fn resource(
    x: &mut Exchange<'_>,
    resource_type: Arc<ResourceType>,
    id: ResourceId,
) -> Answer {
    match x.parts.method {
        Method::GET | Method::HEAD => handlers::get(x, resource_type, id).await,
        Method::PUT => Box::pin(handlers::replace(x, resource_type, id)).await,
        Method::PATCH => Box::pin(handlers::patch(x, resource_type, id)).await,
        Method::DELETE => Box::pin(handlers::delete(x, resource_type, id)).await,
        ref other => Err(Failure::method_not_allowed(other, "GET, HEAD, PUT, PATCH, DELETE")),
    }
}

/// `/Me`: the resource of whoever asks, as if it had been asked for by its own URI, which
/// `Location` gives in every answer (RFC 7644 §3.11).
async fn me(x: &mut Exchange<'_>) -> Answer {
    let Some((resource_type, id)) = x.me.clone() else {
        let error = ScimError::with_status(501, "`/Me`: the credentials belong to no resource");
        return Err(error.into());
    };
    let resource_type = x.service.registry.by_name(&resource_type).map(Arc::clone);
    let resource_type = resource_type
        .ok_or_else(|| ScimError::with_status(501, "`/Me`: the resource type is not served"))?;
    let location = x.renderer.location(&resource_type, &id);
    let answer = if x.parts.method == Method::POST {
        let error = ScimError::with_status(409, "`/Me`: the resource of these credentials exists");
        Err(error.into())
    } else {
        resource(x, resource_type, id).await
    };
    located(answer, &location)
}
