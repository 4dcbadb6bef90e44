//! Where an application puts the mount, and what it hands on to the service.

use std::sync::Arc;

use actix_web::dev::Service as _;
use actix_web::{HttpMessage as _, web};
use async_trait::async_trait;
use axum::{Extension, Router};
use http::request::Parts;
use scim_server_adapters::{
    Authenticator, BackendError, MemoryBackend, Principal, ScimService, actix, axum as for_axum,
};

use crate::script::alike_at;
use crate::server::{actix_server, axum_server, service};
use crate::step::{Step, get, post, step, user};
use crate::wire::Connection;

fn script(prefix: &str) -> Vec<Step> {
    let below = |path: &str| format!("{prefix}{path}");
    vec![
        post(below("/v2/Users"), user("babs"), 201).keep("babs"),
        get(below("/v2/Users/{babs.id}"), 200),
        get(below("//v2//Users//{babs.id}//?attributes=userName&"), 200),
        get(below("/v2/Users/a%2Fb"), 404),
        get(below("/v2/%55sers/{babs.id}"), 200),
        get(below("/v2/Users/%ff"), 400),
        get(below("/%76%32/Users%2F"), 404),
        step("HEAD", below("/v2/Users?attributes=userName"), 200),
        get(below("/"), 200),
        get(below("/?count=1"), 200),
        post(below("/v2/Users"), "{", 400),
    ]
}

fn script_without_slash(prefix: &str) -> Vec<Step> {
    let mut script = script(prefix);
    script.extend([get(prefix, 200), get(format!("{prefix}?count=1"), 200)]);
    script
}

#[test]
fn at_the_root() {
    for root in ["", "/"] {
        let axum = axum_server(for_axum::mount(root, service()));
        let service = service();
        let actix = actix_server(move |config| {
            config.service(actix::mount(root, service.clone()));
        });
        alike_at(&script(""), "", axum, actix);
    }
}

#[test]
fn a_slash_at_the_end_of_the_path_makes_no_difference() {
    let axum = axum_server(for_axum::mount("/scim/", service()));
    let service = service();
    let actix = actix_server(move |config| {
        config.service(actix::mount("/scim/", service.clone()));
    });
    alike_at(&script_without_slash("/scim"), "/scim", axum, actix);
}

#[test]
fn below_another_mount() {
    let axum = axum_server(
        Router::new()
            .nest("/api", Router::new().nest("/people", for_axum::mount("/scim", service()))),
    );
    let service = service();
    let actix = actix_server(move |config| {
        let people = web::scope("/people").service(actix::mount("/scim", service.clone()));
        config.service(web::scope("/api").service(people));
    });
    alike_at(&script_without_slash("/api/people/scim"), "/api/people/scim", axum, actix);
}

#[test]
fn below_a_segment_of_the_clients() {
    let axum = axum_server(for_axum::mount("/{realm}/scim", service()));
    let service = service();
    let actix = actix_server(move |config| {
        config.service(actix::mount("/{realm}/scim", service.clone()));
    });
    alike_at(&script_without_slash("/a%20%C3%BCb/scim"), "/a%20%C3%BCb/scim", axum, actix);
}

#[test]
fn beside_the_products_own_routes() {
    let product = axum::routing::get(|| async { "the product" });
    let axum =
        axum_server(Router::new().route("/", product).merge(for_axum::mount("/scim", service())));
    let service = service();
    let actix = actix_server(move |config| {
        config
            .route("/", web::get().to(|| async { "the product" }))
            .service(actix::mount("/scim", service.clone()));
    });
    for address in [axum, actix] {
        let answer = Connection::to(address).last_exchange(&get("/", 200).request);
        assert_eq!((answer.status, answer.body), (200, b"the product".to_vec()));
    }
    alike_at(&script_without_slash("/scim"), "/scim", axum, actix);
}

/// Whom a middleware found a client certificate to name.
#[derive(Clone)]
struct Certified(&'static str);

/// Believes the middleware.
struct ByCertificate;

#[async_trait]
impl Authenticator for ByCertificate {
    async fn authenticate(
        &self,
        _: &str,
        request: &Parts,
    ) -> Result<Option<Principal>, BackendError> {
        Ok(request.extensions.get().map(|Certified(name)| Principal::new(*name)))
    }
}

#[test]
fn a_middleware_has_something_for_the_authenticator() {
    let service =
        || ScimService::builder(Arc::new(MemoryBackend::new()), Arc::new(ByCertificate)).build();
    let axum = axum_server(
        for_axum::mount("/scim", service())
            .layer(Extension(Certified("okta")))
            .merge(for_axum::mount("/open", service())),
    );
    let service = service();
    let actix = actix_server(move |config| {
        let certified = actix::mount("/scim", service.clone()).wrap_fn(|request, next| {
            let mut extensions = http::Extensions::new();
            extensions.insert(Certified("okta"));
            request.extensions_mut().insert(extensions);
            next.call(request)
        });
        config.service(certified).service(actix::mount("/open", service.clone()));
    });
    for address in [axum, actix] {
        for (path, status) in [("/scim/v2/Users", 200), ("/open/v2/Users", 401)] {
            let request = get(path, status).anonymous().request;
            assert_eq!(Connection::to(address).last_exchange(&request).status, status, "{path}");
        }
    }
}
