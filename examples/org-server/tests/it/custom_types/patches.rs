//! PATCH of each attribute type and characteristic (RFC 7644 §3.5.2).

use serde_json::{Value, json};

use super::museum::{INSURANCE, create, on_each_database, patch, sent_part, specimen};

/// A value of each attribute that holds one, then another.
fn singles() -> Vec<(&'static str, Value, Value)> {
    vec![
        ("barcode", json!("B-1"), json!("B-2")),
        ("code", json!("a"), json!("A")),
        ("condition", json!("whole"), json!("mended")),
        ("onDisplay", json!(true), json!(false)),
        ("mass", json!(1.5), json!(-2)),
        ("pieces", json!(3), json!(4)),
        ("collectedAt", json!("2020-01-01T00:00:00Z"), json!("2020-01-01T00:00:00.5Z")),
        ("print", json!("AQID"), json!("aqid")),
        ("depiction", json!("https://example.com/a"), json!("https://example.com/A")),
        ("record", json!("urn:example:1"), json!("urn:example:2")),
        ("shelfmark", json!(1), json!(2)),
        ("place.room", json!("East"), json!("West")),
        ("place.shelf", json!(1), json!(2)),
        ("place.height", json!(0.5), json!(0.75)),
        ("place.sealed", json!(true), json!(false)),
        ("place.since", json!("2020-01-01T00:00:00Z"), json!("2021-01-01T00:00:00Z")),
        ("place.stamp", json!("AQ=="), json!("Ag==")),
        ("place.plan", json!("urn:example:a"), json!("urn:example:b")),
    ]
}

fn get<'v>(resource: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(resource, |value, name| value.get(name))
}

#[test]
fn one_value_is_added_replaced_and_removed() {
    on_each_database(|client| {
        let path = create(client, "amber", json!({"place": {"room": "Hall"}}));
        let value = |operations| {
            let answer = patch(client, &path, operations).expect(200);
            assert_eq!(answer.json(), client.get(&path).json());
            answer.json()
        };
        for (name, first, second) in singles() {
            let add = value(json!([{"op": "add", "path": name, "value": first}]));
            assert_eq!(get(&add, name), Some(&first));
            // The same again is no change, nor a version (RFC 7644 §3.5.2.1).
            let same = value(json!([{"op": "replace", "path": name, "value": first}]));
            assert_eq!(same["meta"], add["meta"], "{name}");
            let other = value(json!([{"op": "replace", "path": name, "value": second}]));
            assert_eq!(get(&other, name), Some(&second));
            assert_ne!(other["meta"]["version"], add["meta"]["version"], "{name}");
            if name == "place.room" {
                continue; // required
            }
            let removed = value(json!([{"op": "remove", "path": name}]));
            assert_eq!(get(&removed, name), None);
        }
    });
}

/// RFC 7644 §3.5.2.1: values that are there already are not added again.
#[test]
fn many_values_are_added_replaced_and_removed() {
    let cases = [
        ("tags", json!(["Fossil", "resin"]), json!(["FOSSIL", "new"]), json!("new"), "\"new\""),
        ("checks", json!([true]), json!([true, false]), json!(false), "false"),
        ("readings", json!([0.5, 2.5]), json!([0.5, 3.25]), json!(3.25), "3.25"),
        ("depths", json!([10, 20]), json!([20, 30]), json!(30), "30"),
        (
            "loans",
            json!(["2021-05-01T00:00:00Z"]),
            json!(["2021-05-01T02:00:00+02:00", "2022-05-01T00:00:00Z"]),
            json!("2022-05-01T00:00:00Z"),
            "\"2022-05-01T00:00:00Z\"",
        ),
        ("scans", json!(["AQID"]), json!(["AQID", "aqid"]), json!("aqid"), "\"aqid\""),
        (
            "sources",
            json!(["urn:example:a"]),
            json!(["urn:example:a", "urn:example:A"]),
            json!("urn:example:A"),
            "\"urn:example:A\"",
        ),
    ];
    on_each_database(|client| {
        let path = create(client, "amber", json!({}));
        for (name, first, more, new, literal) in &cases {
            let value = |operation: Value| {
                let answer = patch(client, &path, json!([operation])).expect(200);
                answer.json().get(*name).cloned()
            };
            assert_eq!(
                value(json!({"op": "add", "path": name, "value": first})).as_ref(),
                Some(first)
            );
            let mut all = first.as_array().unwrap().clone();
            all.push(new.clone());
            let added = value(json!({"op": "add", "path": name, "value": more}));
            assert_eq!(added, Some(all.into()), "{name}");
            let filter = format!("{name}[value eq {literal}]");
            let removed = value(json!({"op": "remove", "path": filter}));
            assert_eq!(removed.as_ref(), Some(first), "{name}");
            let replaced = value(json!({"op": "replace", "path": name, "value": [new]}));
            assert_eq!(replaced, Some(json!([new])), "{name}");
            assert_eq!(value(json!({"op": "remove", "path": name})), None, "{name}");
        }
    });
}

#[test]
fn complex_values_are_chosen_by_filters() {
    on_each_database(|client| {
        let path = create(
            client,
            "amber",
            json!({"measures": [
                {"value": 1.5, "type": "length", "primary": true, "by": "Ida", "count": 2,
                 "takenAt": "2020-02-01T00:00:00Z"},
                {"value": 0.25, "type": "width", "by": "ida"},
            ]}),
        );
        let measures = |operation: Value| {
            let answer = patch(client, &path, json!([operation])).expect(200);
            assert_eq!(answer.json(), client.get(&path).json());
            answer.json().get("measures").cloned().unwrap_or_default()
        };
        let length = json!({"value": 1.5, "type": "length", "primary": true, "by": "Ida",
            "count": 2, "takenAt": "2020-02-01T00:00:00Z"});
        let after = measures(json!({"op": "replace", "path": "measures[by eq \"ida\"].value",
            "value": 0.5}));
        assert_eq!(after, json!([length, {"value": 0.5, "type": "width", "by": "ida"}]));
        let after =
            measures(json!({"op": "add", "path": "measures[value lt 1].count", "value": 7}));
        assert_eq!(after[1]["count"], 7);
        // A new primary takes it from the one that had it (RFC 7644 §3.5.2).
        let after = measures(json!({"op": "add", "path": "measures",
            "value": [{"value": 9, "type": "girth", "primary": true}]}));
        assert_eq!(after[0]["primary"], false);
        assert_eq!(after[2], json!({"value": 9, "type": "girth", "primary": true}));
        let after = measures(json!({"op": "remove",
            "path": "measures[takenAt ge \"2020-02-01T01:00:00+01:00\"].count"}));
        assert!(after[0].get("count").is_none() && after[1]["count"] == 7);
        let after = measures(json!({"op": "replace",
            "path": "measures[type eq \"GIRTH\" and primary eq true]",
            "value": {"value": 10, "type": "girth"}}));
        assert_eq!(after[2], json!({"value": 10, "type": "girth"}));
        let after = measures(json!({"op": "remove", "path": "measures[value gt 1 or count eq 7]"}));
        assert_eq!(after, Value::Null);
    });
}

#[test]
fn an_extension_and_several_attributes_at_once() {
    on_each_database(|client| {
        let path = create(client, "amber", json!({}));
        let whole = |operations| sent_part(patch(client, &path, operations).expect(200).json());
        let sum = format!("{INSURANCE}:sum");
        let after = whole(json!([
            {"op": "add", "path": format!("{INSURANCE}:policy"), "value": "P-1"},
            {"op": "add", "path": sum, "value": 5},
        ]));
        let insured = |insurance: Value| specimen("amber", json!({INSURANCE: insurance}));
        assert_eq!(after, insured(json!({"policy": "P-1", "sum": 5})));
        let after = whole(json!([{"op": "replace", "path": INSURANCE, "value": {"sum": 6.5}}]));
        assert_eq!(after, insured(json!({"policy": "P-1", "sum": 6.5})));
        let after = whole(json!([{"op": "remove", "path": sum}]));
        assert_eq!(after, insured(json!({"policy": "P-1"})));
        let after = whole(json!([{"op": "replace", "value": {
            "mass": 2, "tags": ["a"], "place": {"room": "Hall"}, INSURANCE: {"policy": "P-2"},
        }}]));
        let mut expected = insured(json!({"policy": "P-2"}));
        expected["mass"] = 2.into();
        expected["tags"] = json!(["a"]);
        expected["place"] = json!({"room": "Hall"});
        assert_eq!(after, expected);
        let after = whole(json!([
            {"op": "remove", "path": INSURANCE}, {"op": "remove", "path": "mass"},
            {"op": "remove", "path": "tags"}, {"op": "remove", "path": "place"},
        ]));
        assert_eq!(after, specimen("amber", json!({})));
    });
}

#[test]
fn what_a_characteristic_forbids_is_refused_and_nothing_of_the_request_is_done() {
    on_each_database(|client| {
        let path = create(
            client,
            "amber",
            json!({
                "origin": "Kaliningrad", "place": {"room": "Hall", "shelf": 1},
                "measures": [{"value": 1}],
            }),
        );
        let before = client.get(&path).json();
        for (operation, scim_type) in [
            // Immutable, and has a value.
            (json!({"op": "replace", "path": "catalogNumber", "value": "x"}), "mutability"),
            (json!({"op": "replace", "path": "origin", "value": "Riga"}), "mutability"),
            (json!({"op": "remove", "path": "origin"}), "mutability"),
            // readOnly.
            (json!({"op": "add", "path": "curator", "value": "me"}), "mutability"),
            (json!({"op": "add", "path": "measures.device", "value": "me"}), "mutability"),
            (json!({"op": "replace", "path": "id", "value": "me"}), "mutability"),
            // Required.
            (json!({"op": "remove", "path": "name"}), "mutability"),
            (json!({"op": "replace", "path": "name", "value": null}), "mutability"),
            (json!({"op": "remove", "path": "place.room"}), "mutability"),
            // Not of the type.
            (json!({"op": "add", "path": "mass", "value": "heavy"}), "invalidValue"),
            (json!({"op": "add", "path": "pieces", "value": 0.5}), "invalidValue"),
            (json!({"op": "add", "path": "collectedAt", "value": "now"}), "invalidValue"),
            (json!({"op": "add", "path": "print", "value": "***"}), "invalidValue"),
            (json!({"op": "add", "path": "depths", "value": ["deep"]}), "invalidValue"),
            (json!({"op": "add", "path": "measures", "value": [{"value": "x"}]}), "invalidValue"),
            (
                json!({"op": "add", "path": "measures[value eq 1].count", "value": "x"}),
                "invalidValue",
            ),
            // Nowhere.
            (
                json!({"op": "replace", "path": "measures[value gt 2].count", "value": 1}),
                "noTarget",
            ),
            (json!({"op": "remove"}), "noTarget"),
            (json!({"op": "add", "path": "1st", "value": 1}), "invalidPath"),
            (json!({"op": "add", "path": "place..room", "value": 1}), "invalidPath"),
            (json!({"op": "remove", "path": "measures[value co 1]"}), "invalidFilter"),
        ] {
            let operations = json!([{"op": "add", "path": "pieces", "value": 99}, operation]);
            let refused = patch(client, &path, operations);
            let said = (refused.status, refused.scim_type());
            assert_eq!(said, (400, Some(scim_type.to_owned())), "{operation}");
        }
        assert_eq!(client.get(&path).json(), before);
        // While it has no value, what is immutable can be set.
        let path = create(client, "basalt", json!({}));
        let set = json!([{"op": "add", "path": "origin", "value": "Riga"}]);
        assert_eq!(patch(client, &path, set).expect(200).json()["origin"], "Riga");
    });
}

/// RFC 7644 §3.5.2: writeOnly values are set and never shown; If-Match holds for any type (§3.14).
#[test]
fn secrets_and_versions() {
    on_each_database(|client| {
        let path = create(client, "amber", json!({"accessionCode": "first"}));
        let change = json!([
            {"op": "replace", "path": "accessionCode", "value": "second"},
            {"op": "add", "path": "lock", "value": "third"},
        ]);
        let answer = patch(client, &path, change).expect(200);
        assert_eq!(sent_part(answer.json()), specimen("amber", json!({})));
        assert_eq!(answer.json()["meta"]["version"], "W/\"2\"");
        let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "add", "path": "pieces", "value": 1}]});
        let body = body.to_string();
        let with =
            |version| client.send("PATCH", &path, &[("if-match", version)], Some(body.as_bytes()));
        with("W/\"1\"").expect(412);
        with("W/\"2\"").expect(200);
        client.send("GET", &path, &[("if-none-match", "W/\"3\"")], None).expect(304);
    });
}
