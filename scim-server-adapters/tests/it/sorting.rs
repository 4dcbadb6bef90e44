//! `sortBy` and `sortOrder` (RFC 7644 §3.4.2.3).

use scim_core::Registry;
use serde_json::{Value, json};

use crate::client::{Client, USER, builder};

async fn sorted(client: &Client, query: &str) -> Vec<String> {
    let answer = client.get(&format!("/Users?attributes=userName&{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let list = answer.json();
    let resources = list["Resources"].as_array().unwrap();
    resources.iter().map(|r| r["userName"].as_str().unwrap().to_owned()).collect()
}

async fn people() -> Client {
    let client = Client::new();
    for (name, title, emails) in [
        ("d", Some("boss"), json!([{"value": "z@x"}, {"value": "a@x", "primary": true}])),
        ("B", None, json!([])),
        ("a", Some("Boss"), json!([{"value": "b@x"}, {"value": "0@x"}])),
        ("C", Some("aide"), json!([{"value": "c@x"}])),
    ] {
        let mut user = json!({"schemas": [USER], "userName": name, "emails": emails});
        if let Some(title) = title {
            user["title"] = json!(title);
        }
        assert_eq!(client.post("/Users", user).await.status, 201);
    }
    client
}

#[tokio::test]
async fn the_attributes_case_rule_decides_and_ties_stay_in_the_order_of_creation() {
    let client = people().await;
    assert_eq!(sorted(&client, "sortBy=userName").await, ["a", "B", "C", "d"]);
    assert_eq!(sorted(&client, "sortBy=USERNAME&sortOrder=descending").await, ["d", "C", "B", "a"]);
    assert_eq!(sorted(&client, "sortBy=title").await, ["C", "d", "a", "B"]);
}

#[tokio::test]
async fn unassigned_values_are_last_ascending_and_first_descending() {
    let client = people().await;
    assert_eq!(sorted(&client, "sortBy=title&sortOrder=descending").await, ["B", "d", "a", "C"]);
}

#[tokio::test]
async fn of_many_values_the_primary_or_else_the_first_counts() {
    let client = people().await;
    assert_eq!(sorted(&client, "sortBy=emails.value").await, ["d", "a", "C", "B"]);
    assert_eq!(sorted(&client, "sortBy=emails").await, ["d", "a", "C", "B"]);
}

#[tokio::test]
async fn an_attribute_that_no_schema_defines_is_unassigned_for_all() {
    let client = people().await;
    assert_eq!(sorted(&client, "sortBy=unknown").await, ["d", "B", "a", "C"]);
}

#[tokio::test]
async fn pages_of_a_sorted_query_are_pages_of_the_sorted_whole() {
    let client = people().await;
    assert_eq!(sorted(&client, "sortBy=userName&startIndex=2&count=2").await, ["B", "C"]);
    let found = client.get("/Users?filter=title+pr&sortBy=userName&count=1").await.json();
    assert_eq!(
        (&found["totalResults"], &found["Resources"][0]["userName"]),
        (&json!(3), &json!("a"))
    );
}

#[tokio::test]
async fn a_complex_attribute_without_value_and_a_secret_one_are_refused() {
    let client = people().await;
    client.get("/Users?sortBy=name").await.assert_error(400, Some("invalidPath"));
    client.get("/Users?sortBy=password").await.assert_error(403, Some("sensitive"));
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "sortBy": "password",
    });
    client.post("/Users/.search", body).await.assert_error(400, Some("sensitive"));
}

/// RFC 7643 §7: values of a writeOnly attribute "SHALL NOT be returned", and an order tells of them.
#[tokio::test]
async fn what_is_write_only_is_no_order() {
    let mut registry = Registry::builtin();
    registry
        .add_schema_json(
            r#"{"id": "urn:example:Lock", "attributes": [{"name": "code", "mutability": "writeOnly"}]}"#,
        )
        .unwrap();
    registry
        .add_resource_type_json(
            r#"{"name": "Lock", "endpoint": "/Locks", "schema": "urn:example:Lock"}"#,
        )
        .unwrap();
    let client = Client::of(builder().registry(registry).build());
    client.get("/Locks?sortBy=code").await.assert_error(403, Some("sensitive"));
    client.get("/Locks?filter=code+pr").await.assert_error(403, Some("sensitive"));
}

#[tokio::test]
async fn times_sort_as_instants() {
    let client = people().await;
    let all = sorted(&client, "sortBy=meta.created").await;
    assert_eq!(all, ["d", "B", "a", "C"]);
    let _: Value = json!(all);
}
