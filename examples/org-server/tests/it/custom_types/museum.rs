//! A museum's server: `Specimen`, which has everything that a schema can define, and its specimens.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::client::{Answer, Client};
use crate::database::on_each;
use crate::server::{KEY, ORG, Server, command};

pub(super) const SPECIMEN: &str = "urn:example:params:scim:schemas:museum:2.0:Specimen";
pub(super) const INSURANCE: &str = "urn:example:params:scim:schemas:museum:2.0:Insurance";
pub(super) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

pub(super) const SCHEMAS: [&str; 2] = ["specimen.schema.json", "insurance.schema.json"];
pub(super) const RESOURCE_TYPES: [&str; 2] =
    ["specimen.resource-type.json", "replica.resource-type.json"];

/// The file of one of the museum's definitions.
pub(super) fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/custom_types/definitions").join(name)
}

/// One of the museum's definitions.
pub(super) fn definition(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(file(name)).unwrap()).unwrap()
}

/// The command that serves the organisation `acme` with these definitions.
pub(super) fn serving(
    folder: &Path,
    database: &str,
    schemas: &[&str],
    resource_types: &[&str],
) -> Command {
    let mut command = command(folder);
    command.args(["--database", database, "--org-id", ORG, "--api-key", KEY]);
    for name in schemas {
        command.arg("--schema").arg(file(name));
    }
    for name in resource_types {
        command.arg("--resource-type").arg(file(name));
    }
    command
}

/// Runs a test of the museum's server on each database.
pub(super) fn on_each_database(test: impl Fn(&Client)) {
    on_each("a museum", |database| {
        let folder = tempfile::tempdir().unwrap();
        let serving = serving(folder.path(), database.flag(), &SCHEMAS, &RESOURCE_TYPES);
        test(&Server::start(serving).client());
    });
}

/// A specimen with what is required, and `more`.
pub(super) fn specimen(name: &str, more: Value) -> Value {
    let mut body = Map::new();
    body.insert("schemas".into(), json!([SPECIMEN]));
    body.insert("catalogNumber".into(), format!("N-{name}").into());
    body.insert("name".into(), name.into());
    let Value::Object(more) = more else { panic!("not an object: {more}") };
    if more.contains_key(INSURANCE) {
        body.insert("schemas".into(), json!([SPECIMEN, INSURANCE]));
    }
    body.extend(more);
    Value::Object(body)
}

/// Creates a specimen and gives its path.
pub(super) fn create(client: &Client, name: &str, more: Value) -> String {
    let answer = client.post("/Specimens", &specimen(name, more)).expect(201);
    format!("/Specimens/{}", answer.id())
}

/// Applies operations of a PATCH.
pub(super) fn patch(client: &Client, path: &str, operations: Value) -> Answer {
    client.patch(path, &json!({"schemas": [PATCH_OP], "Operations": operations}))
}

/// A specimen in which every attribute that a client may set has a value.
pub(super) fn everything(client: &Client) -> Value {
    let body = json!({"schemas": [USER], "userName": "mary", "displayName": "Mary Anning"});
    let collector = client.post("/Users", &body).expect(201).id();
    specimen(
        "amber",
        json!({
            "externalId": "museum/1",
            "barcode": "Bc-1",
            "code": "Ab1",
            "condition": "whole",
            "onDisplay": true,
            "mass": 1.5,
            "pieces": 3,
            "collectedAt": "2020-01-01T02:00:00+02:00",
            "print": "AQID",
            "depiction": "https://example.com/a",
            "record": "urn:example:record:1",
            "shelfmark": 17,
            "origin": "Kaliningrad",
            "accessionCode": "s3cret",
            "lock": "s3cret",
            "estimate": 1000.5,
            "remarks": "found by accident",
            "tags": ["Fossil", "resin"],
            "checks": [true, false],
            "readings": [0.5, 2.5],
            "depths": [10, 20],
            "loans": ["2021-05-01T00:00:00Z", "2022-05-01T00:00:00Z"],
            "scans": ["AQID", "BAUG"],
            "sources": ["urn:example:a", "https://example.com/b"],
            "place": {
                "room": "East 1", "shelf": 4, "height": 1.25, "sealed": false,
                "since": "2019-01-01T00:00:00Z", "stamp": "AQ==", "plan": "https://example.com/plan",
                "shelves": [4, 5],
            },
            "measures": [
                {"value": 1.5, "type": "length", "primary": true, "by": "Ida", "count": 2,
                 "takenAt": "2020-02-01T00:00:00Z", "trace": "AQID", "sheet": "https://example.com/1",
                 "serial": "M-1", "notes": "twice", "raw": "s3cret"},
                {"value": 0.25, "type": "width", "by": "ida"},
            ],
            "collector": {"value": collector},
            INSURANCE: {"policy": "P-1", "sum": 250.75, "until": "2030-01-01T00:00:00Z",
                        "secret": "s3cret"},
        }),
    )
}

/// What a creation answers: what was sent, but for what is never returned, with what the server
/// knows of the collector.
pub(super) fn everything_returned(client: &Client, sent: &Value) -> Value {
    let mut expected = sent.clone();
    let object = expected.as_object_mut().unwrap();
    for never in ["accessionCode", "lock", "estimate"] {
        object.remove(never);
    }
    object["measures"][0].as_object_mut().unwrap().remove("raw");
    object[INSURANCE].as_object_mut().unwrap().remove("secret");
    let id = object["collector"]["value"].as_str().unwrap().to_owned();
    object["collector"]["$ref"] = format!("{}/Users/{id}", client.scim_url()).into();
    object["collector"]["displayName"] = "Mary Anning".into();
    expected
}

/// What any GET shows: all but what is returned on request.
pub(super) fn everything_by_default(client: &Client, sent: &Value) -> Value {
    let mut expected = everything_returned(client, sent);
    expected.as_object_mut().unwrap().remove("remarks");
    expected["measures"][0].as_object_mut().unwrap().remove("notes");
    expected
}

/// A resource without what the server adds: `id` and `meta`.
pub(super) fn sent_part(mut resource: Value) -> Value {
    let object = resource.as_object_mut().unwrap();
    assert!(object.remove("id").is_some_and(|id| id.is_string()));
    assert!(object.remove("meta").is_some_and(|meta| meta.is_object()));
    resource
}

/// Encodes a value of a query parameter.
pub(super) fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes()
        .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

/// The initials of the specimens that a query finds, in its order.
pub(super) fn initials(answer: &Answer) -> String {
    let found = answer.resources();
    found.iter().map(|r| r["name"].as_str().unwrap().chars().next().unwrap()).collect()
}

/// The specimens that filters and sort orders tell apart, in the order of their creation: amber,
/// Basalt, coral, and dust, which has nothing but a name.
pub(super) fn collection(client: &Client) {
    let id = |name: &str| {
        let body = json!({"schemas": [USER], "userName": name});
        client.post("/Users", &body).expect(201).id()
    };
    let mary = id("mary");
    client.post("/Specimens", &specimen("amber", json!({
        "externalId": "x-1", "code": "Ab1", "condition": "whole", "onDisplay": true, "mass": 1.5,
        "pieces": 3, "collectedAt": "2020-01-01T00:00:00Z", "print": "AQID",
        "depiction": "https://example.com/a", "lock": "s3cret",
        "tags": ["Fossil", "resin"], "checks": [true, false], "readings": [0.5, 2.5],
        "depths": [10, 20], "loans": ["2021-05-01T00:00:00Z", "2022-05-01T00:00:00Z"],
        "scans": ["AQID", "BAUG"], "sources": ["urn:example:a", "urn:example:c"],
        "place": {"room": "East 1", "shelf": 4, "height": 1.25, "sealed": false,
                  "since": "2019-01-01T00:00:00Z", "stamp": "AQ==", "plan": "urn:example:P"},
        "measures": [
            {"value": 1.5, "type": "length", "primary": true, "by": "Ida", "count": 2,
             "takenAt": "2020-02-01T00:00:00Z", "trace": "AQID", "sheet": "urn:example:1"},
            {"value": 0.25, "type": "width", "by": "ida", "notes": "later"},
        ],
        "collector": {"value": mary},
        INSURANCE: {"policy": "P-1", "sum": 250.75, "until": "2030-01-01T00:00:00Z"},
    }))).expect(201);
    client.post("/Specimens", &specimen("Basalt", json!({
        "externalId": "X-1", "code": "ab1", "onDisplay": false, "mass": -2, "pieces": 12,
        "collectedAt": "2020-01-01T02:00:00+01:00", "print": "aqid",
        "depiction": "https://example.com/A",
        "tags": ["rock"], "checks": [false], "readings": [3], "depths": [30],
        "loans": ["2023-05-01T00:00:00Z"], "scans": ["aqid"], "sources": ["urn:example:b"],
        "place": {"room": "west 2", "shelf": 10, "height": 0.5, "sealed": true,
                  "since": "2018-12-31T23:30:00-01:00", "stamp": "Aq==", "plan": "urn:example:p"},
        "measures": [{"value": 40, "type": "length", "by": "Kim"}],
        INSURANCE: {"policy": "p-2", "sum": 1000, "until": "2029-01-01T00:00:00Z"},
    }))).expect(201);
    client
        .post(
            "/Specimens",
            &specimen(
                "coral",
                json!({
                    "code": "zz", "mass": 10, "pieces": -1, "collectedAt": "2019-12-31T23:59:59.5Z",
                    "tags": ["fossil", "reef"],
                    "measures": [
                        {"value": 9, "type": "width", "by": "Kim", "count": 1},
                        {"value": 0.5, "type": "length", "primary": true, "by": "Kim",
                         "takenAt": "2020-01-01T00:00:00Z"},
                    ],
                }),
            ),
        )
        .expect(201);
    client.post("/Specimens", &specimen("dust", json!({}))).expect(201);
}
