//! Queries on the root, and queries by POST (RFC 7644 §3.4.2.1, §3.4.3).

use serde_json::{Value, json};

use crate::client::Client;

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

async fn two_and_one() -> Client {
    let client = Client::new();
    let id = client.user("bjensen").await;
    client.group("Guides", &[&id]).await;
    client.user("jsmith").await;
    client
}

fn types(list: &Value) -> Vec<&str> {
    let resources = list["Resources"].as_array().unwrap();
    resources.iter().map(|r| r["meta"]["resourceType"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_root_is_queried_across_resource_types() {
    let client = two_and_one().await;
    let all = client.get("/").await.json();
    assert_eq!(types(&all), ["User", "Group", "User"]);
    assert_eq!(all["totalResults"], 3);
    let groups = client.get("?filter=meta.resourceType+eq+%22Group%22").await.json();
    assert_eq!(types(&groups), ["Group"]);
    // An attribute that a type does not have has no value there.
    let named = client.get("/?filter=userName+pr+or+displayName+eq+%22guides%22").await.json();
    assert_eq!(named["totalResults"], 3);
    let page = client.get("/?startIndex=2&count=1").await.json();
    assert_eq!((types(&page), &page["totalResults"]), (vec!["Group"], &json!(3)));
}

#[tokio::test]
async fn search_by_post_says_the_same_as_get() {
    let client = two_and_one().await;
    let body = json!({
        "schemas": [SEARCH], "filter": "userName sw \"j\"", "attributes": ["userName"],
        "sortBy": "userName", "sortOrder": "descending", "startIndex": 1, "count": 10,
    });
    let posted = client.post("/Users/.search", body.clone()).await;
    assert_eq!(posted.status, 200, "{}", posted.text);
    let query = "filter=userName+sw+%22j%22&attributes=userName&sortBy=userName&sortOrder=descending&startIndex=1&count=10";
    assert_eq!(posted.json(), client.get(&format!("/Users?{query}")).await.json());
    let root = client.post("/.search", body).await.json();
    assert_eq!(root["Resources"], posted.json()["Resources"]);
}

#[tokio::test]
async fn a_search_can_be_walked_by_cursor() {
    let client = two_and_one().await;
    let mut body = json!({"schemas": [SEARCH], "count": 2, "cursor": ""});
    let first = client.post("/.search", body.clone()).await.json();
    assert_eq!(types(&first), ["User", "Group"]);
    body["cursor"] = first["nextCursor"].clone();
    let last = client.post("/.search", body).await.json();
    assert_eq!((types(&last), last.get("nextCursor")), (vec!["User"], None));
}

#[tokio::test]
async fn a_search_that_is_malformed_or_sensitive_is_refused() {
    let client = two_and_one().await;
    for (body, scim_type) in [
        (json!({"schemas": [SEARCH], "filter": 7}), "invalidSyntax"),
        (json!({"schemas": [SEARCH], "filter": "userName"}), "invalidFilter"),
        (json!({"schemas": [SEARCH], "filter": "password eq \"x\""}), "sensitive"),
        (
            json!({"schemas": [SEARCH], "attributes": ["id"], "excludedAttributes": ["id"]}),
            "invalidValue",
        ),
    ] {
        client.post("/Users/.search", body).await.assert_error(400, Some(scim_type));
    }
    let answer = client.get("/.search").await;
    answer.assert_error(405, None);
    assert_eq!(answer.header("allow"), "POST");
}
