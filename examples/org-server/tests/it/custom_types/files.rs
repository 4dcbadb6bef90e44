//! The files that `--schema` and `--resource-type` name.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::museum::{
    INSURANCE, RESOURCE_TYPES, SCHEMAS, USER, create, file, sent_part, serving, specimen,
};
use crate::database::{on_each, on_each_that_lasts};
use crate::server::{KEY, ORG, Server, command, refusal};

/// The example that comes with the server.
fn example(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("definitions").join(name)
}

#[test]
fn the_example_definitions_are_served() {
    const DEVICE: &str = "urn:example:params:scim:schemas:inventory:2.0:Device";
    on_each("the example definitions", |database| {
        let folder = tempfile::tempdir().unwrap();
        let mut command = serving(folder.path(), database.flag(), &[], &[]);
        command.arg("--schema").arg(example("device.schema.json"));
        command.arg("--resource-type").arg(example("device.resource-type.json"));
        let server = Server::start(command);
        let client = server.client();
        let babs = json!({"schemas": [USER], "userName": "babs", "displayName": "Babs Jensen"});
        let babs = client.post("/Users", &babs).expect(201).json();
        let device = json!({
            "schemas": [DEVICE], "serialNumber": "F-77", "displayName": "Front desk",
            "unlockCode": "0000", "memoryMegabytes": 8192, "owner": {"value": babs["id"]},
            "interfaces": [{"value": "02:00:00:00:00:01", "type": "wifi", "primary": true}],
        });
        let created = client.post("/Devices", &device).expect(201).json();
        assert!(created.get("unlockCode").is_none());
        assert_eq!(
            created["owner"],
            json!({"value": babs["id"], "$ref": babs["meta"]["location"], "displayName": "Babs Jensen"}),
        );
        let found = client
            .get("/Devices?filter=memoryMegabytes+gt+4096+and+interfaces%5Btype+eq+%22WIFI%22%5D");
        assert_eq!(found.resources(), [created]);
        let refused = client.post("/Devices", &device).expect(409);
        assert_eq!(refused.scim_type().as_deref(), Some("uniqueness"));
    });
}

#[test]
fn files_may_be_named_by_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = serving(folder.path(), "memory:", &[], &[]);
    let names = |names: &[&str]| {
        names.iter().map(|n| file(n).display().to_string()).collect::<Vec<_>>().join(",")
    };
    command.env("ORG_SERVER_SCHEMA", names(&SCHEMAS));
    command.env("ORG_SERVER_RESOURCE_TYPE", names(&RESOURCE_TYPES));
    let server = Server::start(command);
    create(&server.client(), "amber", json!({}));
    assert_eq!(server.client().get("/Replicas").expect(200).resources(), [json!(null); 0]);
}

/// A resource type that is called User stands in for the built-in one.
#[test]
fn users_may_have_an_extension_of_ones_own() {
    on_each("an extension of users", |database| {
        let folder = tempfile::tempdir().unwrap();
        let types = ["user.resource-type.json", "specimen.resource-type.json"];
        let server = Server::start(serving(folder.path(), database.flag(), &SCHEMAS, &types));
        let client = server.client();
        let all = client.get("/ResourceTypes").resources();
        let mut names: Vec<_> = all.iter().map(|t| t["name"].as_str().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, ["Group", "Specimen", "User"]);
        let mary = json!({
            "schemas": [USER, INSURANCE], "userName": "mary", "displayName": "Mary Anning",
            INSURANCE: {"policy": "P-1"},
        });
        let created = client.post("/Users", &mary).expect(201).json();
        assert_eq!(sent_part(created.clone()), mary);
        let group = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Staff",
            "members": [{"value": created["id"]}],
        });
        let group = client.post("/Groups", &group).expect(201).json();
        assert_eq!(group["members"][0]["$ref"], created["meta"]["location"]);
        let by_policy = client.get(&format!("/Users?filter={INSURANCE}:policy+eq+%22p-1%22"));
        assert_eq!(by_policy.resources()[0]["groups"][0]["value"], group["id"]);
        let insured = specimen("amber", json!({INSURANCE: {"policy": "P-1"}}));
        let refused = client.post("/Specimens", &insured).expect(409);
        assert_eq!(refused.scim_type().as_deref(), Some("uniqueness"));
    });
}

#[test]
fn specimens_are_there_after_a_restart_and_while_their_type_is() {
    on_each_that_lasts("a restart with other types", |database| {
        let folder = tempfile::tempdir().unwrap();
        let start = |schemas: &[&str], types: &[&str]| {
            Server::start(serving(folder.path(), database.flag(), schemas, types))
        };
        let server = start(&SCHEMAS, &RESOURCE_TYPES);
        let path = create(&server.client(), "amber", json!({"mass": 1.5, "barcode": "B-1"}));
        let before = server.client().get(&path).json();
        let version = before["meta"]["version"].clone();
        server.stop();

        let server = start(&[], &[]);
        server.client().get(&path).expect(404);
        assert_eq!(server.client().get("/?filter=id+pr").resources(), [json!(null); 0]);
        server.stop();

        let server = start(&SCHEMAS, &RESOURCE_TYPES);
        let client = server.client();
        let after = client.get(&path).expect(200).json();
        assert_eq!(
            (sent_part(after.clone()), &after["meta"]["version"]),
            (sent_part(before), &version)
        );
        assert_eq!(client.get("/Specimens?filter=mass+gt+1").resources(), [after]);
        client.post("/Specimens", &specimen("copy", json!({"barcode": "b-1"}))).expect(409);
    });
}

/// A schema that asks for uniqueness where there is none is not served.
#[test]
fn data_that_a_new_definition_does_not_admit_is_named() {
    on_each_that_lasts("a new definition", |database| {
        let folder = tempfile::tempdir().unwrap();
        let server =
            Server::start(serving(folder.path(), database.flag(), &SCHEMAS, &RESOURCE_TYPES));
        let client = server.client();
        let paths = ["amber", "basalt"].map(|name| create(&client, name, json!({"code": "same"})));
        server.stop();

        let schema = fs::read_to_string(file("specimen.schema.json")).unwrap();
        let plain = r#""name": "code", "type": "string", "caseExact": true"#;
        assert!(schema.contains(plain));
        let unique = schema.replace(plain, &format!("{plain}, \"uniqueness\": \"server\""));
        fs::write(folder.path().join("unique.json"), unique).unwrap();
        let start = || {
            let mut command =
                serving(folder.path(), database.flag(), &SCHEMAS[1..], &RESOURCE_TYPES);
            command.arg("--schema").arg("unique.json");
            command
        };
        let refused = refusal(start());
        let said = refused.stderr.join("\n");
        assert_eq!(refused.status.code(), Some(1), "{said}");
        let id = |path: &str| path.rsplit('/').next().unwrap().to_owned();
        assert!(said.contains("Specimen:code") && said.contains(&id(&paths[1])), "{said}");

        let server =
            Server::start(serving(folder.path(), database.flag(), &SCHEMAS, &RESOURCE_TYPES));
        server.client().delete(&paths[1]).expect(204);
        server.stop();
        let server = Server::start(start());
        let same = specimen("coral", json!({"code": "same"}));
        server.client().post("/Specimens", &same).expect(409);
    });
}

#[test]
fn a_file_that_cannot_be_served_is_named() {
    const ID: &str = r#""id": "urn:example:Thing""#;
    let schema = format!(r#"{{{ID}, "attributes": [{{"name": "size"}}]}}"#);
    let thing = r#"{"name": "Thing", "endpoint": "/Things", "schema": "urn:example:Thing"}"#;
    let complex_in_complex = format!(
        r#"{{{ID}, "attributes": [{{"name": "a", "type": "complex", "subAttributes": [
            {{"name": "b", "type": "complex", "subAttributes": [{{"name": "c"}}]}}]}}]}}"#
    );
    // The schema, the resource type, which of the two is at fault, and what is said of it.
    let cases: &[(&str, &str, &str, &str)] = &[
        ("{", thing, "schema", "invalid JSON: EOF while parsing an object at line 1 column 1"),
        ("[]", thing, "schema", "expected an object, found an array"),
        ("{}", thing, "schema", "id"),
        (r#"{"id": "Thing"}"#, thing, "schema", "`Thing` is not a URI"),
        (r#"{"id": "urn:a", "id": "urn:b"}"#, thing, "schema", "id"),
        (
            r#"{"id": "urn:a", "attributes": [{"name": "a", "type": "colour"}]}"#,
            thing,
            "schema",
            "`colour`",
        ),
        (r#"{"id": "urn:a", "attributes": [{"name": "1st"}]}"#, thing, "schema", "`1st`"),
        (
            r#"{"id": "urn:a", "attributes": [{"name": "a"}, {"name": "A"}]}"#,
            thing,
            "schema",
            "`A`",
        ),
        (&complex_in_complex, thing, "schema", "`b`"),
        (
            r#"{"id": "urn:ietf:params:scim:schemas:core:2.0:User", "attributes": [{"name": "a"}]}"#,
            thing,
            "schema",
            "schema id",
        ),
        (&schema, "", "type", "invalid JSON"),
        (&schema, r#"{"name": "Thing", "endpoint": "/Things"}"#, "type", "schema"),
        (
            &schema,
            r#"{"name": "Thing", "endpoint": "/Things", "schema": "urn:example:Other"}"#,
            "type",
            "`urn:example:Other`",
        ),
        (
            &schema,
            r#"{"name": "Thing", "endpoint": "/a/b", "schema": "urn:example:Thing"}"#,
            "type",
            "`/a/b`",
        ),
        (
            &schema,
            r#"{"name": "Thing", "endpoint": "/Bulk", "schema": "urn:example:Thing"}"#,
            "type",
            "endpoint",
        ),
        // Another one is there.
        (
            &schema,
            r#"{"name": "Thing", "endpoint": "/Users", "schema": "urn:example:Thing"}"#,
            "type",
            "endpoint",
        ),
    ];
    for (schema, resource_type, faulty, why) in cases {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thing.schema.json"), schema).unwrap();
        fs::write(folder.path().join("thing.type.json"), resource_type).unwrap();
        let mut command = with_flags(folder.path(), "thing.schema.json", "thing.type.json");
        command.args(["--database", "sqlite:scim.db"]);
        let refused = refusal(command);
        let said = refused.stderr.join("\n");
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("thing.{faulty}.json")), "{said}");
        assert!(said.contains(why), "{why}: {said}");
        // Before anything else is done.
        assert_eq!(refused.stdout, [] as [&str; 0]);
        assert!(!folder.path().join("scim.db").exists());
    }
}

fn with_flags(folder: &Path, schema: &str, resource_type: &str) -> Command {
    let mut command = command(folder);
    command.args(["--org-id", ORG, "--api-key", KEY]);
    command.args(["--schema", schema, "--resource-type", resource_type]);
    command
}

#[test]
fn a_file_that_is_missing_or_given_twice_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let refused = refusal(with_flags(folder.path(), "missing.json", "none.json"));
    let said = refused.stderr.join("\n");
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("missing.json") && said.contains("No such file"), "{said}");

    // A schema that is there already is the same schema; a resource type is not.
    let twice = [RESOURCE_TYPES[0], RESOURCE_TYPES[0]];
    let schemas = [SCHEMAS[0], SCHEMAS[1], SCHEMAS[0]];
    let refused = refusal(serving(folder.path(), "memory:", &schemas, &twice));
    let said = refused.stderr.join("\n");
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("specimen.resource-type.json"), "{said}");
    Server::start(serving(folder.path(), "memory:", &schemas, &twice[..1]));
}
