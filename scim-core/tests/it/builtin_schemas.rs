//! The schemas this crate embeds equal the JSON of RFC 7643, section 8.7, once
//! the corrections of [`schema_corrections`](crate::schema_corrections) are
//! applied to it.
//!
//! The proof has two halves. The figures of the RFC as published are held as
//! fixtures, so that the corrections can be checked anywhere; and where the
//! text of the RFC is at hand, the fixtures are checked against it.

use serde_json::{Map, Value, json};

use crate::corpus;
use crate::rfc_figures::{Wrapped, figure};
use crate::schema_corrections::{
    Correction, ENTERPRISE_USER, GROUP, RESOURCE_TYPE, SCHEMA, SERVICE_PROVIDER_CONFIG, Source,
    USER, corrections,
};

const EMBEDDED: &[(&str, &str)] = &[
    (USER, include_str!("../../schemas/user.json")),
    (GROUP, include_str!("../../schemas/group.json")),
    (ENTERPRISE_USER, include_str!("../../schemas/enterprise-user.json")),
    (SERVICE_PROVIDER_CONFIG, include_str!("../../schemas/service-provider-config.json")),
    (RESOURCE_TYPE, include_str!("../../schemas/resource-type.json")),
    (SCHEMA, include_str!("../../schemas/schema.json")),
];

const FIGURE_9: &str = include_str!("../fixtures/rfc7643/resource-schemas.json");
const FIGURE_10: &str = include_str!("../fixtures/rfc7643/service-provider-schemas.json");

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The six schemas as Figures 9 and 10 print them, in that order.
fn published() -> Vec<Value> {
    [FIGURE_9, FIGURE_10]
        .into_iter()
        .flat_map(|figure| match json_of(figure) {
            Value::Array(schemas) => schemas,
            other => panic!("not an array: {other}"),
        })
        .collect()
}

fn published_schema(id: &str) -> Value {
    published().into_iter().find(|schema| schema["id"] == id).unwrap()
}

#[test]
fn the_published_schemas_are_those_of_the_rfc() {
    let Some(rfc) = corpus::read("the schemas of RFC 7643", "rfc/rfc7643.txt") else {
        return;
    };
    assert_eq!(
        json_of(FIGURE_9),
        figure(&rfc, "8.7.1.  Resource Schema Representation", "Figure 9:", Wrapped::Prose)
    );
    assert_eq!(
        json_of(FIGURE_10),
        figure(
            &rfc,
            "8.7.2.  Service Provider Schema Representation",
            "Figure 10:",
            Wrapped::Prose
        )
    );
}

#[test]
fn the_embedded_schemas_are_the_published_ones_with_the_corrections() {
    let ids: Vec<Value> = published().iter().map(|schema| schema["id"].clone()).collect();
    let embedded: Vec<&str> = EMBEDDED.iter().map(|(id, _)| *id).collect();
    assert_eq!(json!(embedded), json!(ids), "each published schema is embedded");

    let corrections = corrections();
    for (id, text) in EMBEDDED {
        let mut expected = published_schema(id);
        for correction in corrections.iter().filter(|correction| correction.schema == *id) {
            correction.apply(&mut expected);
        }
        assert_same(&json_of(text), &expected, id);
    }
}

/// Compares attribute by attribute, so that a failure names the place rather
/// than printing two schemas.
fn assert_same(actual: &Value, expected: &Value, at: &str) {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => {
            let keys = |object: &Map<String, Value>| object.keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(actual), keys(expected), "{at}");
            for (key, value) in actual {
                assert_same(value, &expected[key], &format!("{at}/{key}"));
            }
        }
        (Value::Array(actual), Value::Array(expected)) => {
            assert_eq!(actual.len(), expected.len(), "{at}");
            for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
                assert_same(actual, expected, &format!("{at}/{index}"));
            }
        }
        _ => assert_eq!(actual, expected, "{at}"),
    }
}

#[test]
fn no_correction_can_be_left_out() {
    let corrections = corrections();
    for (left_out, row) in corrections.iter().enumerate() {
        let (_, text) = EMBEDDED.iter().find(|(id, _)| *id == row.schema).unwrap();
        let mut without = published_schema(row.schema);
        for (index, correction) in corrections.iter().enumerate() {
            if index != left_out && correction.schema == row.schema {
                correction.apply(&mut without);
            }
        }
        assert!(
            without != json_of(text),
            "{:?} changes nothing at `{}` of {}",
            row.source,
            row.attribute,
            row.schema
        );
    }
}

#[test]
fn each_correction_is_explained_beside_the_schemas() {
    let readme = include_str!("../../schemas/README.md");
    for Correction { source, .. } in corrections() {
        let name = match source {
            Source::Erratum(id) | Source::SameRule(id) | Source::Rfc(id) => id.to_string(),
            Source::Reading(name) => name.to_owned(),
        };
        assert!(
            readme.lines().any(|line| line.starts_with(&format!("| {name} |"))),
            "schemas/README.md does not explain {name}"
        );
    }
}

#[test]
fn an_embedded_schema_is_a_schema_resource() {
    for (id, text) in EMBEDDED {
        let schema = json_of(text);
        assert_eq!(schema["schemas"], json!([SCHEMA]));
        assert_eq!(schema["id"], *id);
        assert_eq!(
            schema["meta"],
            json!({"resourceType": "Schema", "location": format!("/v2/Schemas/{id}")})
        );
    }
}

/// RFC 7643, sections 2.3 and 7: which characteristics there are depends on
/// the type.
#[test]
fn an_attribute_states_each_characteristic_that_applies_to_its_type_and_no_other() {
    for (id, text) in EMBEDDED {
        let schema = json_of(text);
        let mut pending: Vec<(String, &Value)> = Vec::new();
        enter(&mut pending, id, &schema["attributes"]);
        while let Some((at, attribute)) = pending.pop() {
            check_characteristics(&at, attribute);
            if attribute["type"] == "complex" {
                enter(&mut pending, &at, &attribute["subAttributes"]);
            }
        }
    }
}

fn enter<'a>(pending: &mut Vec<(String, &'a Value)>, parent: &str, attributes: &'a Value) {
    let attributes = attributes.as_array().unwrap();
    assert!(!attributes.is_empty(), "{parent} has no attributes");
    for attribute in attributes {
        let name = attribute["name"].as_str().unwrap();
        pending.push((format!("{parent}:{name}"), attribute));
    }
}

fn check_characteristics(at: &str, attribute: &Value) {
    let mut applicable =
        vec!["name", "type", "multiValued", "description", "required", "mutability", "returned"];
    match attribute["type"].as_str().unwrap() {
        "string" => applicable.extend(["caseExact", "uniqueness"]),
        "reference" => applicable.extend(["caseExact", "uniqueness", "referenceTypes"]),
        "integer" => applicable.push("uniqueness"),
        "binary" => applicable.push("caseExact"),
        "complex" => applicable.push("subAttributes"),
        "boolean" => {}
        other => panic!("{at} has the type `{other}`, which no schema of RFC 7643 uses"),
    }
    if attribute.get("canonicalValues").is_some() {
        assert_eq!(attribute["type"], "string", "{at}");
        assert_ne!(attribute["canonicalValues"], json!([]), "{at}");
        applicable.push("canonicalValues");
    }
    applicable.sort_unstable();
    let stated: Vec<&str> = attribute.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(stated, applicable, "{at}");

    if ["reference", "binary"].iter().any(|exact| attribute["type"] == **exact) {
        assert_eq!(attribute["caseExact"], true, "{at}");
    }
    if attribute["type"] == "complex" && !at.starts_with(SCHEMA) {
        let nested = attribute["subAttributes"].as_array().unwrap();
        assert!(
            nested.iter().all(|nested| nested["type"] != "complex"),
            "{at} nests deeper than section 2.3.8 permits"
        );
    }
}
