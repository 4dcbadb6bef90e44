//! `/ResourceTypes` and `/Schemas` show what was loaded (RFC 7644 §4, RFC 7643 §6, §7).

use serde_json::{Value, json};

use super::museum::{INSURANCE, SPECIMEN, USER, definition, on_each_database};

/// An attribute as it is shown, with what the definition leaves to the defaults of RFC 7643 §2.2.
fn shown(attribute: &Value) -> Value {
    let object = attribute.as_object().unwrap();
    let of_type = object.get("type").and_then(Value::as_str).unwrap_or("string");
    let mut shown = object.clone();
    let mut default = |name: &str, value: Value| {
        shown.entry(name.to_owned()).or_insert(value);
    };
    default("type", "string".into());
    default("multiValued", false.into());
    default("description", "".into());
    default("required", false.into());
    default("mutability", "readWrite".into());
    default("returned", "default".into());
    // Where they mean something (errata.md R10); references and binary values are caseExact.
    if ["string", "reference", "binary"].contains(&of_type) {
        default("caseExact", (of_type != "string").into());
    }
    if !["complex", "boolean", "binary"].contains(&of_type) {
        default("uniqueness", "none".into());
    }
    if let Some(subs) = object.get("subAttributes") {
        shown["subAttributes"] = subs.as_array().unwrap().iter().map(self::shown).collect();
    }
    Value::Object(shown)
}

#[test]
fn a_schema_is_shown_with_every_characteristic() {
    on_each_database(|client| {
        for (name, id) in [("specimen.schema.json", SPECIMEN), ("insurance.schema.json", INSURANCE)]
        {
            let given = definition(name);
            let got = client.get(&format!("/Schemas/{id}")).expect(200).json();
            let attributes = given["attributes"].as_array().unwrap().iter().map(shown).collect();
            let expected = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
                "id": id,
                "name": given["name"],
                "description": given.get("description").cloned().unwrap_or_else(|| "".into()),
                "attributes": Value::Array(attributes),
                "meta": {
                    "resourceType": "Schema",
                    "location": format!("{}/Schemas/{id}", client.scim_url()),
                },
            });
            assert_eq!(got, expected);
            let all = client.get("/Schemas").resources();
            assert_eq!(all.iter().filter(|s| s["id"] == id).collect::<Vec<_>>(), [&got]);
        }
    });
}

#[test]
fn a_resource_type_is_shown_beside_the_built_in_ones() {
    on_each_database(|client| {
        let all = client.get("/ResourceTypes").resources();
        let names: Vec<_> = all.iter().map(|t| t["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["User", "Group", "Specimen", "Replica"]);
        let extension = |required| json!([{"schema": INSURANCE, "required": required}]);
        for (name, description, endpoint, required) in [
            ("Specimen", "What the museum keeps", "/Specimens", false),
            ("Replica", "", "/Replicas", true),
        ] {
            let expected = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
                "id": name, "name": name, "description": description, "endpoint": endpoint,
                "schema": SPECIMEN, "schemaExtensions": extension(required),
                "meta": {
                    "resourceType": "ResourceType",
                    "location": format!("{}/ResourceTypes/{name}", client.scim_url()),
                },
            });
            assert_eq!(client.get(&format!("/ResourceTypes/{name}")).expect(200).json(), expected);
            assert!(all.contains(&expected));
        }
        let user = all.iter().find(|t| t["name"] == "User").unwrap();
        assert_eq!(user["schema"], USER);
    });
}

/// RFC 7644 §3.2: what an endpoint of a resource type offers.
#[test]
fn an_endpoint_says_what_it_allows() {
    on_each_database(|client| {
        let collection = client.send("DELETE", "/Specimens", &[], None).expect(405);
        assert_eq!(collection.header("allow"), Some("GET, HEAD, POST"));
        let one = client.send("POST", "/Specimens/1", &[], Some(b"{}")).expect(405);
        assert_eq!(one.header("allow"), Some("GET, HEAD, PUT, PATCH, DELETE"));
        client.get("/Specimens/nobody").expect(404);
        // Resource types are matched exactly (erratum 8475).
        client.get("/specimens").expect(404);
    });
}
