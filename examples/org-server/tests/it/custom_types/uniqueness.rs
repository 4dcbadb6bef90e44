//! Values that no two resources may have (RFC 7643 §7 `uniqueness`, erratum 8279).

use serde_json::{Value, json};

use super::museum::{INSURANCE, create, on_each_database, patch, specimen};

/// What the first specimen has, and what another may then not have.
fn taken() -> Vec<Value> {
    vec![
        json!({"catalogNumber": "N-amber"}),
        // Without regard to case.
        json!({"barcode": "bc-1"}),
        json!({"record": "urn:example:record:1"}),
        json!({"shelfmark": 17}),
        json!({"measures": [{"value": 3}, {"value": 9, "serial": "m-1"}]}),
        json!({INSURANCE: {"policy": "p-1"}}),
    ]
}

fn first() -> Value {
    json!({
        "barcode": "Bc-1", "record": "urn:example:record:1", "shelfmark": 17,
        "measures": [{"value": 1.5, "serial": "M-1"}], INSURANCE: {"policy": "P-1"},
    })
}

#[test]
fn what_is_taken_is_a_conflict_and_changes_nothing() {
    on_each_database(|client| {
        create(client, "amber", first());
        let path = create(client, "basalt", json!({INSURANCE: {"policy": "P-2"}}));
        let before = client.get(&path).json();
        for more in taken() {
            let mut body = specimen("coral", more.clone());
            let refused = client.post("/Specimens", &body).expect(409);
            assert_eq!(refused.scim_type().as_deref(), Some("uniqueness"), "POST {more}");
            if more.get("catalogNumber").is_some() {
                continue; // immutable
            }
            body["catalogNumber"] = before["catalogNumber"].clone();
            let refused = client.put(&path, &body).expect(409);
            assert_eq!(refused.scim_type().as_deref(), Some("uniqueness"), "PUT {more}");
            let operations = json!([
                {"op": "replace", "path": "name", "value": "Basalt"},
                {"op": "add", "value": more},
            ]);
            let refused = patch(client, &path, operations).expect(409);
            assert_eq!(refused.scim_type().as_deref(), Some("uniqueness"), "PATCH {more}");
        }
        assert_eq!(client.get(&path).json(), before);
        assert_eq!(client.get("/Specimens?count=0").json()["totalResults"], 2);
    });
}

#[test]
fn what_differs_is_none() {
    on_each_database(|client| {
        create(client, "amber", first());
        // caseExact, and a reference; one resource may have a value twice.
        create(
            client,
            "basalt",
            json!({
                "catalogNumber": "n-AMBER", "record": "urn:example:RECORD:1", "shelfmark": 18,
                "measures": [{"value": 1, "serial": "M-2"}, {"value": 2, "serial": "m-2"}],
            }),
        );
        // No value is not a value.
        create(client, "coral", json!({}));
        create(client, "dust", json!({"barcode": null, "measures": [{"value": 1}]}));
    });
}

/// Erratum 8279: over all resource types that share the schema.
#[test]
fn types_that_share_a_schema_share_its_values() {
    on_each_database(|client| {
        create(client, "amber", first());
        for more in taken() {
            let mut body = specimen("copy", more.clone());
            if body.get(INSURANCE).is_none() {
                body[INSURANCE] = json!({"policy": "P-copy"});
            }
            let refused = client.post("/Replicas", &body).expect(409);
            assert_eq!(refused.scim_type().as_deref(), Some("uniqueness"), "{more}");
        }
        let copy = specimen("copy", json!({INSURANCE: {"policy": "P-copy"}, "barcode": "Bc-2"}));
        client.post("/Replicas", &copy).expect(201);
        let refused = client.post("/Specimens", &specimen("dust", json!({"barcode": "BC-2"})));
        assert_eq!(refused.expect(409).scim_type().as_deref(), Some("uniqueness"));
    });
}

#[test]
fn what_is_given_up_can_be_taken() {
    on_each_database(|client| {
        let path = create(client, "amber", first());
        let remove = json!([
            {"op": "remove", "path": "barcode"},
            {"op": "remove", "path": "measures[serial eq \"M-1\"]"},
            {"op": "replace", "path": format!("{INSURANCE}:policy"), "value": "P-9"},
        ]);
        patch(client, &path, remove).expect(200);
        create(
            client,
            "basalt",
            json!({
                "barcode": "BC-1", "measures": [{"value": 1, "serial": "M-1"}],
                INSURANCE: {"policy": "p-1"},
            }),
        );
        let refused = client.post("/Specimens", &specimen("coral", json!({"shelfmark": 17})));
        refused.expect(409);
        client.delete(&path).expect(204);
        create(client, "coral", json!({"shelfmark": 17, "record": "urn:example:record:1"}));
    });
}
