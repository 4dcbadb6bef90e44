//! Bearer tokens and challenges (RFC 7644 §2, RFC 6750).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use scim_server_adapters::{BearerTokens, MemoryBackend, ScimService};

use crate::client::{Client, builder};

#[tokio::test]
async fn without_credentials_there_is_a_plain_challenge() {
    let answer = Client::new().send("GET", "/Users", &[("authorization", "")], "").await;
    answer.assert_error(401, None);
    assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"scim\"");
}

#[tokio::test]
async fn a_wrong_token_an_unknown_tenant_and_an_unknown_endpoint_look_alike() {
    let (acme, _) = Client::acme_and_globex();
    let wrong = [("authorization", "Bearer wrong-key")];
    let answer = acme.send("GET", "/Users", &wrong, "").await;
    answer.assert_error(401, None);
    assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"scim\", error=\"invalid_token\"");
    let endpoint = acme.send("GET", "/Nothing", &wrong, "").await;
    assert_eq!((endpoint.status, &endpoint.text), (answer.status, &answer.text));
    let service = &acme.service;
    let request =
        http::Request::get("/nobody/v2/Users").header("authorization", "Bearer wrong-key");
    let unknown = service.handle(request.body(bytes::Bytes::new()).unwrap()).await;
    assert_eq!(unknown.status(), answer.status);
    assert_eq!(unknown.into_body().into_bytes().await.unwrap(), answer.text);
}

#[tokio::test]
async fn the_schemes_name_is_case_insensitive() {
    let answer =
        Client::new().send("GET", "/Users", &[("authorization", "bearer s3cret")], "").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn an_expired_token_is_refused() {
    let hour = Duration::from_secs(3600);
    for (expires, status) in [(SystemTime::now() + hour, 200), (SystemTime::now() - hour, 401)] {
        let tokens = BearerTokens::new().with_expiring_token("", "s3cret", "tests", expires);
        let service =
            ScimService::builder(Arc::new(MemoryBackend::new()), Arc::new(tokens)).build();
        assert_eq!(Client::of(service).get("/Users").await.status, status);
    }
}

#[tokio::test]
async fn discovery_needs_credentials_unless_it_is_set_open() {
    let nobody = [("authorization", "")];
    let closed = Client::new().send("GET", "/ServiceProviderConfig", &nobody, "").await;
    assert_eq!(closed.status, 401);
    let open = Client::of(builder().open_discovery(true).build());
    for path in ["/ServiceProviderConfig", "/Schemas", "/ResourceTypes/User"] {
        assert_eq!(open.send("GET", path, &nobody, "").await.status, 200);
    }
    assert_eq!(open.send("GET", "/Users", &nobody, "").await.status, 401);
}
