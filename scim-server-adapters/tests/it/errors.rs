//! What clients get wrong, and what they are told.

use serde_json::json;

use crate::client::{Client, USER};

#[tokio::test]
async fn values_that_do_not_fit_are_named_with_their_place() {
    let client = Client::new();
    for (body, place) in [
        (json!({"userName": true}), "userName"),
        (json!({"userName": "a", "emails": [{"value": "x"}, {"value": {}}]}), "emails[1].value"),
        (json!({"userName": "a", "active": "perhaps"}), "active"),
        (json!({"userName": "a", "name": "Barbara"}), "name"),
        (
            json!({"userName": "a", "x509Certificates": [{"value": "not base64!"}]}),
            "x509Certificates[0].value",
        ),
        (
            json!({"userName": "a", "emails": [{"value": "x", "primary": true}, {"value": "y", "primary": true}]}),
            "emails",
        ),
    ] {
        let mut body = body;
        body["schemas"] = json!([USER]);
        let answer = client.post("/Users", body).await;
        answer.assert_error(400, Some("invalidValue"));
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(place), "{detail} names {place}");
    }
}

#[tokio::test]
async fn patch_faults_have_their_scim_types() {
    let client = Client::new();
    let path = format!("/Users/{}", client.user("a").await);
    for (operation, scim_type) in [
        (json!({"op": "remove"}), "noTarget"),
        (json!({"op": "replace", "path": "emails[", "value": 1}), "invalidFilter"),
        (json!({"op": "replace", "path": "name..x", "value": 1}), "invalidPath"),
        (
            json!({"op": "replace", "path": "emails[type zz \"x\"].value", "value": "x"}),
            "invalidFilter",
        ),
        (json!({"op": "replace", "path": "id", "value": "x"}), "mutability"),
        (json!({"op": "replace", "path": "active", "value": 3}), "invalidValue"),
        (json!({"op": "move", "path": "active"}), "invalidSyntax"),
        (json!({"path": "active", "value": true}), "invalidSyntax"),
    ] {
        let answer = client.patch(&path, json!([operation])).await;
        answer.assert_error(400, Some(scim_type));
    }
    client.patch(&path, json!([])).await.assert_error(400, Some("invalidSyntax"));
}

#[tokio::test]
async fn parameters_that_are_no_numbers_are_invalid_values() {
    let client = Client::new();
    for query in ["count=ten", "startIndex=1.5", "sortOrder=up", "count=1&count=2"] {
        client.get(&format!("/Users?{query}")).await.assert_error(400, Some("invalidValue"));
    }
}
