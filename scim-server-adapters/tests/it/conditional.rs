//! ETags, `If-Match` and `If-None-Match` (RFC 7644 §3.14, RFC 9110 §13).

use serde_json::json;

use crate::client::{Client, PATCH_OP, USER};

#[tokio::test]
async fn a_get_with_the_present_version_is_304_with_the_etag() {
    let client = Client::new();
    let path = format!("/Users/{}", client.user("a").await);
    let etag = client.get(&path).await.header("etag").to_owned();
    let strong = etag.trim_start_matches("W/").to_owned();
    for tag in [etag.as_str(), &strong, "*", &format!("\"other\", {etag}")] {
        let answer = client.send("GET", &path, &[("if-none-match", tag)], "").await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (304, ""), "{tag}");
        assert_eq!(answer.header("etag"), etag);
    }
    let answer = client.send("GET", &path, &[("if-none-match", "\"other\"")], "").await;
    assert_eq!(answer.status, 200);
    let answer = client.send("GET", &path, &[("if-match", "\"other\"")], "").await;
    answer.assert_error(412, None);
}

#[tokio::test]
async fn a_write_with_another_version_is_412_and_changes_nothing() {
    let client = Client::new();
    let path = format!("/Users/{}", client.user("a").await);
    let before = client.get(&path).await.json();
    let put = json!({"schemas": [USER], "userName": "b"}).to_string();
    let patch = json!({"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "x"}]});
    let patch = patch.to_string();
    for header in [("if-match", "W/\"999\""), ("if-none-match", "*")] {
        for (method, body) in [("PUT", put.as_str()), ("PATCH", &patch), ("DELETE", "")] {
            let answer = client.send(method, &path, &[header], body.to_owned()).await;
            answer.assert_error(412, None);
        }
    }
    assert_eq!(client.get(&path).await.json(), before);
}

#[tokio::test]
async fn of_two_writers_that_saw_one_version_only_the_first_succeeds() {
    let client = Client::new();
    let path = format!("/Users/{}", client.user("a").await);
    let etag = client.get(&path).await.header("etag").to_owned();
    let body =
        |title: &str| json!({"schemas": [USER], "userName": "a", "title": title}).to_string();
    let first = client.send("PUT", &path, &[("if-match", &etag)], body("first")).await;
    assert_eq!(first.status, 200);
    client.send("PUT", &path, &[("if-match", &etag)], body("second")).await.assert_error(412, None);
    assert_eq!(client.get(&path).await.json()["title"], "first");
    let current = first.header("etag").to_owned();
    assert_eq!(client.send("DELETE", &path, &[("if-match", &current)], "").await.status, 204);
}

#[tokio::test]
async fn what_is_no_entity_tag_is_refused() {
    let client = Client::new();
    let path = format!("/Users/{}", client.user("a").await);
    client
        .send("GET", &path, &[("if-match", "3")], "")
        .await
        .assert_error(400, Some("invalidSyntax"));
}
