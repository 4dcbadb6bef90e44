//! `attributes` and `excludedAttributes` (RFC 7644 §3.9).

use serde_json::json;

use crate::client::{Client, ENTERPRISE, USER};

async fn user(client: &Client) -> String {
    let body = json!({
        "schemas": [USER], "userName": "bjensen", "title": "Guide",
        "name": {"givenName": "Barbara", "familyName": "Jensen"},
        ENTERPRISE: {"department": "Tours", "employeeNumber": "7"},
    });
    format!("/Users/{}", client.post("/Users", body).await.id())
}

#[tokio::test]
async fn attributes_gives_those_and_the_ones_always_returned() {
    let client = Client::new();
    let path = user(&client).await;
    let query = format!("{path}?attributes=NAME.familyname,{ENTERPRISE}:department,unknown");
    let got = client.get(&query).await.json();
    assert_eq!(got["name"], json!({"familyName": "Jensen"}));
    assert_eq!(got[ENTERPRISE], json!({"department": "Tours"}));
    assert!(got["id"].is_string() && got["schemas"].is_array());
    assert!(got.get("userName").is_none() && got.get("meta").is_none());
}

#[tokio::test]
async fn a_bare_urn_selects_the_extension() {
    let client = Client::new();
    let path = user(&client).await;
    let got = client.get(&format!("{path}?attributes={ENTERPRISE}")).await.json();
    assert_eq!(got[ENTERPRISE], json!({"department": "Tours", "employeeNumber": "7"}));
    let got = client.get(&format!("{path}?excludedAttributes={ENTERPRISE}")).await.json();
    assert!(got.get(ENTERPRISE).is_none());
}

#[tokio::test]
async fn excluded_attributes_cannot_take_away_what_is_always_returned() {
    let client = Client::new();
    let path = user(&client).await;
    let got =
        client.get(&format!("{path}?excludedAttributes=id,schemas,title,name.givenName")).await;
    let got = got.json();
    assert!(got["id"].is_string() && got["schemas"].is_array());
    assert!(got.get("title").is_none());
    assert_eq!(got["name"], json!({"familyName": "Jensen"}));
}

#[tokio::test]
async fn both_together_are_refused() {
    let client = Client::new();
    let path = user(&client).await;
    let answer = client.get(&format!("{path}?attributes=name&excludedAttributes=title")).await;
    answer.assert_error(400, Some("invalidValue"));
}

#[tokio::test]
async fn writes_are_projected_too() {
    let client = Client::new();
    let path = user(&client).await;
    let operations = json!([{"op": "replace", "path": "title", "value": "Lead"}]);
    let got = client.patch(&format!("{path}?attributes=title"), operations).await.json();
    assert_eq!(got["title"], "Lead");
    assert!(got.get("userName").is_none());
    let body = json!({"schemas": [USER], "userName": "second"});
    let got = client.post("/Users?excludedAttributes=meta", body).await.json();
    assert!(got.get("meta").is_none() && got["userName"] == "second");
}

#[tokio::test]
async fn a_group_without_its_members() {
    let client = Client::new();
    let group = client.group("Guides", &["x"]).await;
    let got = client.get(&format!("/Groups/{group}?excludedAttributes=members")).await.json();
    assert!(got.get("members").is_none());
    let got = client.get(&format!("/Groups/{group}?attributes=members.value")).await.json();
    assert_eq!(got["members"], json!([{"value": "x"}]));
}
