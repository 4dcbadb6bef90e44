//! The service under test, and the two servers around it.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};
use async_trait::async_trait;
use axum::Router;
use scim_server_adapters::{
    Action, BackendError, BearerTokens, Limits, MemoryBackend, Policy, ProvisioningBackend,
    RequestContext, ScimService, ScimServiceBuilder, Verdict,
};

/// The largest body of a request, in bytes.
pub(crate) const BODY_LIMIT: usize = 4096;

/// A service of its own store.
pub(crate) fn service() -> ScimService {
    builder().build()
}

pub(crate) fn builder() -> ScimServiceBuilder {
    builder_over(Arc::new(MemoryBackend::new()))
}

pub(crate) fn builder_over(backend: Arc<dyn ProvisioningBackend>) -> ScimServiceBuilder {
    let tokens = BearerTokens::new()
        .with_token("", "s3cret", "identity provider")
        .with_token("", "too-fast", "too fast")
        .with_token("", "denied", "denied")
        .with_token("", "unlucky", "unlucky");
    let limits = {
        let mut limits = Limits::default();
        limits.body_bytes = BODY_LIMIT;
        limits
    };
    ScimService::builder(backend, Arc::new(tokens))
        .base_url("https://example.com/scim")
        .limits(limits)
        .policy(Arc::new(ByName))
        .patch_answers_no_content("Group")
}

/// Decides by the name of the principal.
struct ByName;

#[async_trait]
impl Policy for ByName {
    async fn decide(&self, cx: &RequestContext, _: &Action<'_>) -> Result<Verdict, BackendError> {
        match &*cx.principal {
            "too fast" => Ok(Verdict::SlowDown(Duration::from_secs(7))),
            "denied" => Ok(Verdict::Deny("not for you".to_owned())),
            "unlucky" => {
                Err(BackendError::Unavailable { retry_after: Some(Duration::from_secs(9)) })
            }
            _ => Ok(Verdict::Allow),
        }
    }
}

/// Serves an axum application until the tests end.
pub(crate) fn axum_server(app: Router) -> SocketAddr {
    let (listener, address) = listener();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, app).await.unwrap();
        });
    });
    address
}

/// Serves an actix-web application until the tests end.
pub(crate) fn actix_server(
    app: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> SocketAddr {
    let (listener, address) = listener();
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async {
            let server = HttpServer::new(move || App::new().configure(app.clone()))
                .workers(1)
                .disable_signals()
                .listen(listener);
            server.unwrap().run().await.unwrap();
        });
    });
    address
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}
