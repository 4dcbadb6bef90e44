//! The examples of RFC 7643 §8 go through ingest and back, and through the typed views, without
//! loss.

use std::sync::Arc;

use scim_core::{
    Attribute, DateTime, Group, Ingest, Mutability, Origin, Profile, Resource, ResourceType,
    Schema, User,
};
use serde_json::{Map, Value, json};

const MINIMAL_USER: &str = include_str!("../fixtures/rfc7643/minimal-user.json");
const FULL_USER: &str = include_str!("../fixtures/rfc7643/full-user.json");
const ENTERPRISE_USER: &str = include_str!("../fixtures/rfc7643/enterprise-user.json");
const GROUP: &str = include_str!("../fixtures/rfc7643/group.json");
const SERVICE_PROVIDER_CONFIG: &str =
    include_str!("../fixtures/rfc7643/service-provider-config.json");
const RESOURCE_TYPES: &str = include_str!("../fixtures/rfc7643/resource-types.json");
const BUILTIN_SCHEMAS: [&str; 6] = [
    include_str!("../../schemas/user.json"),
    include_str!("../../schemas/group.json"),
    include_str!("../../schemas/enterprise-user.json"),
    include_str!("../../schemas/service-provider-config.json"),
    include_str!("../../schemas/resource-type.json"),
    include_str!("../../schemas/schema.json"),
];

fn object(text: &str) -> Map<String, Value> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => object,
        other => panic!("not an object: {other:?}"),
    }
}

fn array(text: &str) -> Vec<Map<String, Value>> {
    serde_json::from_str(text).unwrap()
}

fn examples() -> Vec<(Arc<ResourceType>, Map<String, Value>)> {
    let users = [MINIMAL_USER, FULL_USER, ENTERPRISE_USER];
    let mut examples: Vec<_> =
        users.into_iter().map(|text| (ResourceType::user(), object(text))).collect();
    examples.push((ResourceType::group(), object(GROUP)));
    examples.push((ResourceType::of_service_provider_config(), object(SERVICE_PROVIDER_CONFIG)));
    let resource_types = array(RESOURCE_TYPES).into_iter();
    examples.extend(resource_types.map(|example| (ResourceType::of_resource_types(), example)));
    let schemas = BUILTIN_SCHEMAS.into_iter().map(object);
    examples.extend(schemas.map(|example| (ResourceType::of_schemas(), example)));
    examples
}

fn ingest(
    resource_type: &Arc<ResourceType>,
    profile: &Profile,
    origin: Origin,
    json: &Map<String, Value>,
) -> Resource {
    let body = serde_json::to_vec(json).unwrap();
    Ingest::new(resource_type, profile, origin).resource(&body).unwrap()
}

#[test]
fn every_example_of_section_8_is_the_same_after_ingest() {
    let examples = examples();
    assert_eq!(examples.len(), 4 + 1 + 2 + 6);
    for (resource_type, example) in examples {
        for profile in [Profile::STRICT, Profile::INTEROP] {
            let resource = ingest(&resource_type, &profile, Origin::Representation, &example);
            assert_eq!(Value::from(resource.to_json()), Value::from(example.clone()));
        }
    }
}

#[test]
fn an_example_printed_in_other_case_becomes_the_example() {
    fn shout(value: &Value) -> Value {
        match value {
            Value::Object(object) => {
                object.iter().map(|(k, v)| (k.to_ascii_uppercase(), shout(v))).collect()
            }
            Value::Array(elements) => elements.iter().map(shout).collect(),
            other => other.clone(),
        }
    }
    for (resource_type, example) in examples() {
        let Value::Object(shouted) = shout(&Value::from(example.clone())) else { panic!() };
        let resource = ingest(&resource_type, &Profile::STRICT, Origin::Representation, &shouted);
        assert_eq!(Value::from(resource.to_json()), Value::from(example));
    }
}

/// RFC 7644 §3.3 and §3.5.1: values of readOnly attributes in the body of a POST or PUT are
/// ignored.
#[test]
fn an_example_as_a_request_loses_what_is_read_only_and_nothing_else() {
    fn without_read_only(attributes: &[Arc<Attribute>], object: &Map<String, Value>) -> Value {
        let kept = object.iter().filter_map(|(name, value)| {
            let attribute = attributes.iter().find(|a| a.name == *name)?;
            let part = |value: &Value| match value {
                Value::Object(object) => without_read_only(&attribute.sub_attributes, object),
                other => other.clone(),
            };
            let value = match value {
                Value::Array(elements) => elements.iter().map(part).collect(),
                single => part(single),
            };
            // The URI of a resource referred to is the service provider's to know (8359).
            let computed = name == "$ref";
            (attribute.mutability != Mutability::ReadOnly && !computed)
                .then(|| (name.clone(), value))
        });
        kept.collect()
    }

    for (resource_type, example) in examples() {
        let core: Vec<_> = resource_type.core_attributes().cloned().collect();
        let Value::Object(mut expected) = without_read_only(&core, &example) else { panic!() };
        for extension in resource_type.extensions() {
            let id = extension.schema.id();
            if let Some(Value::Object(object)) = example.get(id) {
                let attributes = extension.schema.attributes();
                expected.insert(id.to_owned(), without_read_only(attributes, object));
            }
        }
        let resource = ingest(&resource_type, &Profile::STRICT, Origin::Request, &example);
        assert!(resource.id().is_none() && resource.meta().is_none());
        assert_eq!(Value::from(resource.to_json()), Value::from(expected));
    }

    let full = ingest(&ResourceType::user(), &Profile::STRICT, Origin::Request, &object(FULL_USER));
    assert!(full.get("password").is_some() && full.get("groups").is_none());
}

#[test]
fn the_users_of_section_8_go_through_the_typed_view_and_back() {
    for text in [MINIMAL_USER, FULL_USER, ENTERPRISE_USER] {
        let resource = Resource::from_json(&ResourceType::user(), object(text)).unwrap();
        let user = User::from_resource(&resource).unwrap();
        assert!(user.other.is_empty(), "{:?}", user.other);
        assert_eq!(user.to_resource().unwrap(), resource);
        // The view is JSON of a user itself, but for `schemas`.
        let mut json = serde_json::to_value(&user).unwrap();
        json["schemas"] = json!(resource.schemas());
        assert_eq!(json, serde_json::from_str::<Value>(text).unwrap());
    }
}

#[test]
fn the_typed_view_names_what_the_full_user_has() {
    let resource = Resource::from_json(&ResourceType::user(), object(ENTERPRISE_USER)).unwrap();
    let user = User::from_resource(&resource).unwrap();
    assert_eq!(user.user_name, "bjensen@example.com");
    assert_eq!(user.email(), Some("bjensen@example.com"));
    assert_eq!(user.name.as_ref().unwrap().honorific_suffix.as_deref(), Some("III"));
    assert_eq!(user.phone_numbers[1].kind.as_deref(), Some("mobile"));
    assert_eq!(user.addresses[0].primary, Some(true));
    assert_eq!(user.groups.len(), 3);
    assert_eq!(user.x509_certificates.len(), 1);
    let created: DateTime = "2010-01-23T04:56:22Z".parse().unwrap();
    assert_eq!(user.meta.as_ref().unwrap().created, Some(created));
    assert_eq!(user.last_modified().unwrap().to_string(), "2011-05-13T04:42:34Z");
    let enterprise = user.enterprise.unwrap();
    assert_eq!(enterprise.employee_number.as_deref(), Some("701984"));
    let manager = enterprise.manager.unwrap();
    assert_eq!(manager.display_name.as_deref(), Some("John Smith"));
    assert_eq!(manager.reference.as_deref(), Some("../Users/26118915-6090-4610-87e4-49d8ca9f808d"));
}

#[test]
fn the_group_of_section_8_goes_through_the_typed_view_and_back() {
    let resource = Resource::from_json(&ResourceType::group(), object(GROUP)).unwrap();
    let group = Group::from_resource(&resource).unwrap();
    assert_eq!(group.display_name, "Tour Guides");
    assert_eq!(group.members[1].display.as_deref(), Some("Mandy Pepperidge"));
    assert!(group.other.is_empty());
    assert_eq!(group.to_resource().unwrap(), resource);
}

#[test]
fn a_password_is_in_no_debug_output() {
    let resource = Resource::from_json(&ResourceType::user(), object(FULL_USER)).unwrap();
    let password = resource.get("password").unwrap().as_str().unwrap().to_owned();
    let user = User::from_resource(&resource).unwrap();
    for printed in [format!("{resource:?}"), format!("{user:?}"), format!("{user:#?}")] {
        assert!(!printed.contains(&password), "{printed}");
        assert!(printed.contains("bjensen"), "{printed}");
    }
}

/// A server may add attributes to User's schema, and extensions of its own.
#[test]
fn a_typed_view_drops_nothing_of_a_servers_own_user() {
    let mut schema = object(BUILTIN_SCHEMAS[0]);
    let attributes = schema["attributes"].as_array_mut().unwrap();
    attributes.push(json!({"name": "shoeSize", "type": "decimal"}));
    for attribute in attributes.iter_mut().filter(|a| a["name"] == "name" || a["name"] == "emails")
    {
        let parts = attribute["subAttributes"].as_array_mut().unwrap();
        parts.push(json!({"name": "script"}));
    }
    let schema = Schema::from_json(&Value::from(schema).to_string()).unwrap();
    let extension = Schema::from_json(
        r#"{"id": "urn:example:badge", "attributes": [{"name": "colour", "multiValued": true}]}"#,
    )
    .unwrap();
    let own = ResourceType::new("Person", "/People", Arc::new(schema)).unwrap();
    let own = Arc::new(own.with_extension(Arc::new(extension), false));
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:example:badge"],
        "userName": "bjensen",
        "shoeSize": 38.5,
        "name": {"givenName": "Barbara", "script": "Latn"},
        "emails": [{"value": "bjensen@example.com", "script": "Latn"}],
        "urn:example:badge": {"colour": ["red", "green"]},
    });
    let Value::Object(body) = body else { panic!() };
    let resource = Resource::from_json(&own, body.clone()).unwrap();
    assert_eq!(resource.to_json(), body);

    let user = User::from_resource(&resource).unwrap();
    assert_eq!(user.other["shoeSize"], 38.5);
    assert_eq!(user.name.as_ref().unwrap().other["script"], "Latn");
    assert_eq!(user.to_resource_of(&own).unwrap(), resource);
    // The built-in type knows nothing of these, and says so instead of dropping them.
    let error = user.to_resource().unwrap_err();
    assert!(error.detail().contains("no schema defines"), "{error}");
}

#[test]
fn a_typed_view_adds_nothing() {
    let empty = User::default().to_resource().unwrap();
    assert!(empty.attributes().is_empty());
    assert!(Group::default().to_resource().unwrap().attributes().is_empty());
    assert_eq!(User::from_resource(&empty).unwrap(), User::default());
}

/// RFC 7643 §7: what the crate says about its schemas is their JSON.
#[test]
fn a_schema_writes_the_json_it_was_read_from() {
    for text in BUILTIN_SCHEMAS {
        let mut expected = object(text);
        expected.remove("meta");
        let schema = Schema::from_json(text).unwrap();
        assert_eq!(serde_json::to_value(&schema).unwrap(), Value::from(expected));
    }
}

#[test]
fn the_resource_types_of_section_8_write_their_json() {
    let examples = array(RESOURCE_TYPES);
    for (resource_type, mut example) in
        [ResourceType::user(), ResourceType::group()].into_iter().zip(examples)
    {
        example.remove("meta");
        // The enterprise extension is not required (errata.md O11), and none is an empty list (R11).
        let mut extensions = example.remove("schemaExtensions").unwrap_or(json!([]));
        for extension in extensions.as_array_mut().unwrap() {
            extension["required"] = json!(false);
        }
        example.insert("schemaExtensions".to_owned(), extensions);
        assert_eq!(serde_json::to_value(&*resource_type).unwrap(), Value::from(example));
    }
}

#[test]
fn the_document_is_the_resource_without_what_stores_keep_apart() {
    let resource = Resource::from_json(&ResourceType::user(), object(ENTERPRISE_USER)).unwrap();
    let text = resource.to_document_text();
    let mut expected = object(ENTERPRISE_USER);
    for apart in ["id", "meta", "groups"] {
        expected.remove(apart).unwrap();
    }
    assert_eq!(Value::from(object(&text)), Value::from(expected.clone()));
    assert!(text.starts_with(r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","#));
    let kept = Resource::from_canonical(ResourceType::user(), object(&text));
    expected.remove("schemas");
    assert_eq!(*kept.attributes(), expected);

    let mut group = Resource::from_json(&ResourceType::group(), object(GROUP)).unwrap();
    assert_eq!(
        object(&group.to_document_text()).keys().collect::<Vec<_>>(),
        ["displayName", "schemas"]
    );
    let members = group.take_members();
    assert_eq!(members.len(), 2);
    assert_eq!(&*members[0].value, "2819c223-7f76-453a-919d-413861904646");
    assert!(group.get("members").is_none());
}
