//! The mount for axum.

use ::axum::Router;

use crate::service::ScimService;

/// A router that serves SCIM under `path`, such as `/scim`; under `/` it serves every path that
/// nothing else does. Give the service the matching
/// [`base_url`](crate::ScimServiceBuilder::base_url).
///
/// ```
/// use std::sync::Arc;
/// use scim_server_adapters::{BearerTokens, MemoryBackend, ScimService};
/// let tokens = BearerTokens::new().with_token("", "secret", "okta");
/// let service = ScimService::builder(Arc::new(MemoryBackend::new()), Arc::new(tokens))
///     .base_url("https://example.com/scim")
///     .build();
/// let app: axum::Router = axum::Router::new().merge(scim_server_adapters::axum::mount("/scim", service));
/// ```
pub fn mount<S: Clone + Send + Sync + 'static>(path: &str, service: ScimService) -> Router<S> {
    // axum would match a slash at the end literally, and miss the path without it.
    match path.trim_end_matches('/') {
        "" => Router::new().fallback_service(service),
        // Not `nest`, which would miss the path with a slash at its end.
        path => Router::new().nest_service(path, service),
    }
}
