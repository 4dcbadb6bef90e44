//! Methods, media types, slashes and the like.

use serde_json::json;

use crate::client::{BASE, Client, USER, builder};
use scim_server_adapters::Limits;

#[tokio::test]
async fn media_types_in() {
    let client = Client::new();
    let cases = [
        ("a", "application/scim+json", 201),
        ("b", "application/json; charset=utf-8", 201),
        ("c", "APPLICATION/SCIM+JSON", 201),
        ("d", "text/plain", 415),
        ("e", "application/x-www-form-urlencoded", 415),
    ];
    for (name, media_type, status) in cases {
        let body = json!({"schemas": [USER], "userName": name}).to_string();
        let answer = client.send("POST", "/Users", &[("content-type", media_type)], body).await;
        assert_eq!(answer.status, status, "{media_type}: {}", answer.text);
    }
}

#[tokio::test]
async fn media_types_out() {
    let client = Client::new();
    for (accept, expected) in [
        ("application/scim+json", "application/scim+json"),
        ("application/json", "application/json"),
        ("application/json, application/scim+json", "application/scim+json"),
        ("*/*", "application/scim+json"),
        ("text/html", "application/scim+json"),
    ] {
        let answer = client.send("GET", "/Users", &[("accept", accept)], "").await;
        assert_eq!(answer.header("content-type"), expected, "{accept}");
    }
}

#[tokio::test]
async fn methods_that_an_endpoint_lacks_are_405_with_allow() {
    let client = Client::new();
    let answer = client.send("DELETE", "/Users", &[], "").await;
    answer.assert_error(405, None);
    assert_eq!(answer.header("allow"), "GET, HEAD, POST");
    let answer = client.send("POST", "/Users/1", &[], "{}").await;
    answer.assert_error(405, None);
    assert_eq!(answer.header("allow"), "GET, HEAD, PUT, PATCH, DELETE");
    client.send("BREW", "/Users", &[], "").await.assert_error(405, None);
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let client = Client::new();
    let path = format!("/Users/{}", client.user("a").await);
    let (get, head) = (client.get(&path).await, client.send("HEAD", &path, &[], "").await);
    assert_eq!((head.status, head.text.as_str()), (get.status, ""));
    assert_eq!(head.header("etag"), get.header("etag"));
    assert_eq!(head.header("content-length"), get.text.len().to_string());
}

#[tokio::test]
async fn slashes_ampersands_and_question_marks_too_many_are_tolerated() {
    let client = Client::new();
    let id = client.user("a").await;
    for path in [format!("//Users//{id}/"), format!("/Users/{id}?"), format!("/Users/{id}?&")] {
        assert_eq!(client.get(&path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn what_is_no_endpoint_is_404_and_another_version_invalid_vers() {
    let client = Client::new();
    for path in ["/Nothing", "/Users/1/2", "/users", "/ServiceProviderConfigs"] {
        client.get(path).await.assert_error(404, None);
    }
    let request = http::Request::get("/v1/Users").header("authorization", "Bearer s3cret");
    let answer = client.service.handle(request.body(bytes::Bytes::new()).unwrap()).await;
    assert_eq!(answer.status(), 400);
    let body = answer.into_body().into_bytes().await.unwrap();
    assert!(String::from_utf8_lossy(&body).contains("invalidVers"));
}

/// RFC 7644 §3.13: "When omitted, service providers SHOULD perform the operation using the most
/// recent SCIM protocol version supported".
#[tokio::test]
async fn without_a_version_the_newest_answers_and_gives_its_own_uris() {
    let client = Client::new();
    let id = client.user("a").await;
    let request =
        http::Request::get(format!("/Users/{id}")).header("authorization", "Bearer s3cret");
    let answer = client.service.handle(request.body(bytes::Bytes::new()).unwrap()).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["location"], format!("{BASE}/Users/{id}"));
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_413() {
    let limits = {
        let mut l = Limits::default();
        l.body_bytes = 64;
        l
    };
    let client = Client::of(builder().limits(limits).build());
    let body = json!({"schemas": [USER], "userName": "a".repeat(64)});
    client.post("/Users", body).await.assert_error(413, None);
}

#[tokio::test]
async fn the_requests_id_is_given_back_or_made() {
    let client = Client::new();
    let answer = client.send("GET", "/Users", &[("x-request-id", "abc-123")], "").await;
    assert_eq!(answer.header("x-request-id"), "abc-123");
    assert_eq!(client.get("/Users").await.header("x-request-id").len(), 36);
}

#[tokio::test]
async fn bodies_that_are_missing_or_not_an_object() {
    let client = Client::new();
    for body in ["", "[]", "null", "\"x\"", "{", "{\"userName\":}"] {
        let answer = client.send("POST", "/Users", &[], body.to_owned()).await;
        answer.assert_error(400, Some("invalidSyntax"));
    }
}

#[tokio::test]
async fn the_tower_service_reads_the_body_up_to_the_limit() {
    use http_body_util::Full;
    use tower_service::Service as _;
    let limits = {
        let mut l = Limits::default();
        l.body_bytes = 128;
        l
    };
    let mut service = builder().limits(limits).build();
    for (name, status) in [("a".to_owned(), 201), ("a".repeat(200), 413)] {
        let body = json!({"schemas": [USER], "userName": name}).to_string();
        let request = http::Request::post("/v2/Users").header("authorization", "Bearer s3cret");
        let response =
            service.call(request.body(Full::<bytes::Bytes>::from(body)).unwrap()).await.unwrap();
        assert_eq!(response.status(), status);
    }
}
