//! Values on their way in and out: POST, GET, PUT, DELETE (RFC 7643 §2, RFC 7644 §3.3, §3.5.1).

use serde_json::{Value, json};

use super::museum::{
    INSURANCE, SPECIMEN, create, everything, everything_by_default, everything_returned,
    on_each_database, sent_part, specimen,
};

#[test]
fn every_type_goes_in_and_comes_out_as_it_was() {
    on_each_database(|client| {
        let sent = everything(client);
        let created = client.post("/Specimens", &sent).expect(201);
        let path = format!("/Specimens/{}", created.id());
        assert_eq!(created.json()["meta"]["resourceType"], "Specimen");
        let location = format!("{}{path}", client.scim_url());
        assert_eq!(created.json()["meta"]["location"], location);
        assert_eq!(sent_part(created.json()), everything_returned(client, &sent));
        let shown = client.get(&path).expect(200).json();
        assert_eq!(sent_part(shown.clone()), everything_by_default(client, &sent));

        // Giving back what was shown changes nothing: what is never returned, or on request only,
        // is not cleared unless it is readWrite (RFC 7644 §3.5.1).
        let mut again = shown.clone();
        again["remarks"] = sent["remarks"].clone();
        again["estimate"] = sent["estimate"].clone();
        again["measures"][0]["notes"] = sent["measures"][0]["notes"].clone();
        let replaced = client.put(&path, &again).expect(200).json();
        assert_eq!(replaced["meta"], shown["meta"]);

        let fewer = specimen("amber", json!({"mass": 2}));
        let replaced = client.put(&path, &fewer).expect(200).json();
        assert_ne!(replaced["meta"]["version"], shown["meta"]["version"]);
        // What is immutable keeps its value, and so do writeOnly values, of which the client may not
        // know (RFC 7644 §3.5.1): the extension has one still.
        let mut kept = specimen("amber", json!({"mass": 2, "origin": "Kaliningrad"}));
        kept["schemas"] = json!([SPECIMEN, INSURANCE]);
        assert_eq!(sent_part(client.get(&path).expect(200).json()), kept);
        client.delete(&path).expect(204);
        client.get(&path).expect(404);
    });
}

#[test]
fn names_come_back_in_the_spelling_of_the_schema() {
    on_each_database(|client| {
        let answer = client.post(
            "/Specimens",
            &json!({
                "SCHEMAS": [SPECIMEN.to_uppercase()], "CATALOGNUMBER": "1", "Name": "amber",
                "PLACE": {"Room": "East"}, "measures": [{"VALUE": 1}],
                INSURANCE.to_lowercase(): {"POLICY": "P"},
            }),
        );
        assert_eq!(
            sent_part(answer.expect(201).json()),
            json!({
                "schemas": [SPECIMEN, INSURANCE], "catalogNumber": "1", "name": "amber",
                "place": {"room": "East"}, "measures": [{"value": 1}],
                INSURANCE: {"policy": "P"},
            }),
        );
    });
}

/// RFC 7643 §7: readOnly values that a client sends are ignored.
#[test]
fn what_is_read_only_is_ignored() {
    on_each_database(|client| {
        let path = create(
            client,
            "amber",
            json!({
                "id": "own", "curator": "me", "meta": {"version": "W/\"9\""},
                "measures": [{"value": 1, "device": "mine"}],
                "collector": {"value": "nobody", "displayName": "Nobody", "$ref": "../Users/nobody"},
            }),
        );
        let shown = client.get(&path).expect(200).json();
        assert_ne!(shown["id"], "own");
        assert_eq!(shown["meta"]["version"], "W/\"1\"");
        let expected = specimen(
            "amber",
            json!({
                "measures": [{"value": 1}],
                // It does not exist, so that nothing is known of it.
                "collector": {"value": "nobody"},
            }),
        );
        assert_eq!(sent_part(shown), expected);
    });
}

#[test]
fn what_is_required_must_be_there() {
    on_each_database(|client| {
        for body in [
            json!({"schemas": [SPECIMEN], "name": "amber"}),
            json!({"schemas": [SPECIMEN], "catalogNumber": "1"}),
            json!({"schemas": [SPECIMEN], "catalogNumber": "1", "name": null}),
            specimen("amber", json!({"place": {"shelf": 1}})),
            specimen("amber", json!({INSURANCE: {"sum": 1}})),
        ] {
            let refused = client.post("/Specimens", &body).expect(400);
            assert_eq!(refused.scim_type().as_deref(), Some("invalidValue"), "{body}");
        }
        // Of a Replica the extension is required.
        let refused = client.post("/Replicas", &specimen("amber", json!({}))).expect(400);
        assert_eq!(refused.scim_type().as_deref(), Some("invalidValue"));
        let insured = specimen("amber", json!({INSURANCE: {"policy": "P"}}));
        client.post("/Replicas", &insured).expect(201);
        let path = create(client, "basalt", json!({}));
        let refused =
            client.put(&path, &json!({"schemas": [SPECIMEN], "catalogNumber": "N-basalt"}));
        assert_eq!(refused.expect(400).scim_type().as_deref(), Some("invalidValue"));
        assert_eq!(client.get("/Specimens?count=0").json()["totalResults"], 1);
    });
}

#[test]
fn values_have_the_type_that_the_schema_says() {
    let cases: &[(&str, &[Value])] = &[
        ("code", &[json!(true), json!({}), json!(["a", "b"])]),
        ("onDisplay", &[json!(1), json!("yes"), json!({}), json!([true, false])]),
        ("mass", &[json!("heavy"), json!(true), json!({}), json!([1, 2])]),
        ("pieces", &[json!(1.5), json!("many"), json!(1e30), json!([1, 2])]),
        (
            "collectedAt",
            &[json!("yesterday"), json!("2020-01-01"), json!(0), json!("2020-13-01T00:00:00Z")],
        ),
        ("print", &[json!("not base64!"), json!(1), json!({})]),
        ("depiction", &[json!(1), json!({})]),
        ("tags", &[json!([true]), json!([["a"]]), json!([{"x": 1}])]),
        ("checks", &[json!(["maybe"]), json!([1])]),
        ("readings", &[json!([true]), json!(["x"])]),
        ("depths", &[json!([0.5]), json!(["x"])]),
        ("loans", &[json!(["never"]), json!([1])]),
        ("scans", &[json!(["***"])]),
        ("sources", &[json!([1])]),
        (
            "place",
            &[
                json!("East"),
                json!([{"room": "a"}, {"room": "b"}]),
                json!({"room": true}),
                json!({"room": "a", "shelf": 0.5}),
                json!({"room": "a", "since": "now"}),
                json!({"room": "a", "shelves": [1, "x"]}),
            ],
        ),
        (
            "measures",
            &[
                json!([1.5]),
                json!("x"),
                json!([{"value": "long"}]),
                json!([{"value": 1, "primary": true}, {"value": 2, "primary": true}]),
            ],
        ),
        (
            INSURANCE,
            &[
                json!("x"),
                json!([1]),
                json!({"policy": true}),
                json!({"policy": "a", "until": "x"}),
            ],
        ),
    ];
    on_each_database(|client| {
        let path = create(client, "amber", json!({}));
        for (name, values) in cases {
            for value in *values {
                let body = specimen("basalt", json!({*name: value}));
                let refused = client.post("/Specimens", &body);
                let said = (refused.status, refused.scim_type());
                assert_eq!(said, (400, Some("invalidValue".into())), "POST {name}: {value}");
                let refused = client.put(&path, &specimen("amber", json!({*name: value})));
                let said = (refused.status, refused.scim_type());
                assert_eq!(said, (400, Some("invalidValue".into())), "PUT {name}: {value}");
            }
        }
        assert_eq!(client.get("/Specimens?count=0").json()["totalResults"], 1);
    });
}

/// RFC 7643 §7: `canonicalValues` are suggestions.
#[test]
fn other_values_than_the_canonical_ones_are_taken() {
    on_each_database(|client| {
        let more = json!({"condition": "polished", "measures": [{"type": "girth", "value": 3}]});
        let path = create(client, "amber", more.clone());
        assert_eq!(sent_part(client.get(&path).json()), specimen("amber", more));
    });
}

#[test]
fn an_immutable_value_stays_what_it_is() {
    on_each_database(|client| {
        let path = create(client, "amber", json!({"origin": "Kaliningrad"}));
        for body in [
            specimen("amber", json!({"origin": "Riga"})),
            specimen("amber", json!({"catalogNumber": "another"})),
            // It is caseExact.
            specimen("amber", json!({"catalogNumber": "n-amber"})),
        ] {
            let refused = client.put(&path, &body).expect(400);
            assert_eq!(refused.scim_type().as_deref(), Some("mutability"), "{body}");
        }
        // This one is not.
        client.put(&path, &specimen("amber", json!({"origin": "KALININGRAD"}))).expect(200);
    });
}
