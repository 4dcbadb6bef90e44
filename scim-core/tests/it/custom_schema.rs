//! A schema loaded from JSON at run time works as a built-in one does: each data type of RFC 7643
//! §2.3 and each characteristic of §7.

use std::sync::Arc;

use scim_core::{
    AttributeSet, AttributeType, Ingest, Mutability, Origin, Profile, Registry, Resource,
    ResourceType, Result, Returned, Schema, ScimError, ScimType, Uniqueness, Validation,
    common_attributes,
};
use serde_json::{Map, Value, json};

use crate::device::{self, DEVICE, DEVICE_JSON, RESOURCE_TYPE_JSON, WARRANTY};

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("not an object: {other}"),
    }
}

/// A device with what is required, and `more`.
fn device(more: Value) -> Map<String, Value> {
    let mut json = object(json!({"schemas": [DEVICE], "serialNumber": "SN-1"}));
    json.extend(object(more));
    json
}

fn request(profile: &Profile, json: Map<String, Value>) -> Result<Resource> {
    Ingest::new(&device::resource_type(), profile, Origin::Request).resource_from(json)
}

fn refused(json: Map<String, Value>) -> ScimError {
    request(&Profile::STRICT, json).unwrap_err()
}

#[test]
fn what_a_definition_leaves_out_has_the_defaults_of_section_2_2() {
    let device = device::resource_type();
    let label = device.attribute("label").unwrap();
    let label = label.attribute();
    assert_eq!(label.attribute_type, AttributeType::String);
    assert_eq!(label.mutability, Mutability::ReadWrite);
    assert_eq!(label.returned, Returned::Default);
    assert_eq!(label.uniqueness, Uniqueness::None);
    assert!(!label.multi_valued && !label.required && !label.case_exact);
    assert!(label.canonical_values.is_empty() && label.sub_attributes.is_empty());
    assert_eq!(label.description, "What a person calls it.");
}

#[test]
fn each_data_type_takes_its_values_and_refuses_others() {
    let cases: [(&str, &[Value], &[Value]); 8] = [
        (
            "label",
            &[json!("x"), json!(""), json!("\u{1f600}")],
            &[json!(1), json!(true), json!({})],
        ),
        ("enabled", &[json!(true), json!(false)], &[json!("true"), json!(0), json!([])]),
        (
            "weight",
            &[json!(1), json!(-1.5), json!(1e300), json!(u64::MAX)],
            &[json!("1"), json!(true)],
        ),
        (
            "slots",
            &[json!(0), json!(i64::MIN), json!(i64::MAX)],
            &[json!(1.5), json!(1.0), json!(u64::MAX), json!(1e3), json!("1")],
        ),
        (
            "installedAt",
            &[json!("2020-02-29T00:00:00Z"), json!("2020-01-01T24:00:00.000+14:00")],
            &[json!("2020-01-01"), json!("yesterday"), json!("2021-02-29T00:00:00Z"), json!(0)],
        ),
        (
            "firmware",
            &[json!("aGk="), json!("aGk"), json!("+/+/")],
            &[json!("a"), json!("-_-_"), json!("a b="), json!(1)],
        ),
        (
            "manual",
            &[json!("https://example.com/m"), json!("../Manuals/1"), json!("urn:example:m")],
            &[json!(1), json!({"value": "x"}), json!("no uri")],
        ),
        (
            "location",
            &[json!({"building": "A", "floor": 1})],
            &[json!("A"), json!(["A"]), json!({"building": {"x": 1}}), json!(1)],
        ),
    ];
    for (name, good, bad) in cases {
        for value in good {
            let resource = request(&Profile::STRICT, device(json!({name: value}))).unwrap();
            assert_eq!(resource.get(name), Some(value), "{name}");
        }
        for value in bad {
            let error = refused(device(json!({name: value})));
            assert_eq!(error.scim_type(), Some(ScimType::InvalidValue), "{name}: {value}");
            assert!(error.detail().contains(&format!("`{name}")), "{error}");
        }
    }
}

#[test]
fn minus_zero_is_a_whole_number() {
    let body = format!(r#"{{"schemas":["{DEVICE}"],"serialNumber":"1","slots":-0,"weight":-0.0}}"#);
    let device = device::resource_type();
    let mut ingest = Ingest::new(&device, &Profile::STRICT, Origin::Request);
    let resource = ingest.resource(body.as_bytes()).unwrap();
    assert_eq!(resource.get("slots").unwrap().to_string(), "0");
}

#[test]
fn multi_valued_attributes_hold_arrays_of_their_type() {
    let resource = request(
        &Profile::STRICT,
        device(json!({
            "tags": ["a", null, "a"],
            "ports": [80, 443],
            "interfaces": [{"value": "eth0", "rates": [1, 2.5]}, null, {}],
        })),
    )
    .unwrap();
    // RFC 7643 §2.5: null is no value.
    assert_eq!(resource.get("tags"), Some(&json!(["a", "a"])));
    assert_eq!(resource.get("ports"), Some(&json!([80, 443])));
    assert_eq!(resource.get("interfaces"), Some(&json!([{"value": "eth0", "rates": [1, 2.5]}])));

    let cases = [
        (json!({"tags": "a"}), "`tags`: expected an array"),
        (json!({"tags": ["a", 1]}), "`tags[1]`: expected a string"),
        (json!({"tags": [["a"]]}), "`tags[0]`: expected a string"),
        (json!({"ports": [1, 2, "3"]}), "`ports[2]`: expected a whole number"),
        (
            json!({"interfaces": [{"rates": [1, "x"]}]}),
            "`interfaces[0].rates[1]`: expected a number",
        ),
        (json!({"interfaces": {"value": "eth0"}}), "`interfaces`: expected an array"),
        (json!({"label": ["a"]}), "`label`: expected a string, found an array"),
    ];
    for (json, detail) in cases {
        let error = refused(device(json));
        assert!(error.detail().starts_with(detail), "{error}");
    }
}

/// RFC 7643 §2.5: null, an empty array and an object without values say "unassigned".
#[test]
fn unassigned_values_are_absent() {
    let resource = request(
        &Profile::STRICT,
        device(json!({
            "label": null, "tags": [], "ports": [null], "location": {}, "owner": {"value": null},
            "interfaces": [{"value": null}], WARRANTY: {"expiresAt": null},
        })),
    )
    .unwrap();
    assert_eq!(resource.attributes(), &object(json!({"serialNumber": "SN-1"})));
    // An extension without a value is not in use (§3).
    assert_eq!(resource.schemas(), [DEVICE]);
}

/// RFC 7643 §2.4: "The primary attribute value "true" MUST appear no more than once."
#[test]
fn at_most_one_element_is_primary() {
    let two = json!([{"value": "a", "primary": true}, {"value": "b", "primary": true}]);
    let error = refused(device(json!({"interfaces": two})));
    assert_eq!(error.detail(), "`interfaces` has more than one primary value");
    let one = json!([{"value": "a", "primary": true}, {"value": "b", "primary": false}]);
    assert!(request(&Profile::STRICT, device(json!({"interfaces": one}))).is_ok());
}

/// Erratum 8281: what is required must be sent in POST and PUT.
#[test]
fn required_attributes_and_sub_attributes_are_demanded_of_requests_only() {
    let extension = |more: Value| {
        let mut json = device(json!({}));
        json.insert(WARRANTY.to_owned(), more);
        json
    };
    let cases = [
        (object(json!({"schemas": [DEVICE]})), "`serialNumber` is required".to_owned()),
        (device(json!({"serialNumber": ""})), "`serialNumber` is required".to_owned()),
        (device(json!({"serialNumber": null})), "`serialNumber` is required".to_owned()),
        (device(json!({"location": {"floor": 1}})), "`location.building` is required".to_owned()),
        (extension(json!({"terms": "t"})), format!("`{WARRANTY}:contractNumber` is required")),
        (
            extension(json!({"contractNumber": "c", "contacts": [{"value": "v"}, {"type": "t"}]})),
            format!("`{WARRANTY}:contacts[1].value` is required"),
        ),
    ];
    for (json, detail) in cases {
        let error = refused(json.clone());
        assert_eq!((error.scim_type(), error.detail()), (Some(ScimType::InvalidValue), &*detail));
        let resource_type = device::resource_type();
        for origin in [Origin::Patch, Origin::Representation] {
            let resource =
                Ingest::new(&resource_type, &Profile::STRICT, origin).resource_from(json.clone());
            let resource = resource.unwrap();
            // What a PATCH results in is checked by the same rule.
            let error = resource_type.check_required(resource.attributes()).unwrap_err();
            assert_eq!(error.detail(), detail);
        }
    }
    // The `$ref` of a reference is the service provider's to compute, whatever the schema says.
    assert!(request(&Profile::STRICT, device(json!({"owner": {"value": "1"}}))).is_ok());
    assert!(request(&Profile::STRICT, extension(json!({}))).is_ok());
}

#[test]
fn a_required_extension_is_demanded() {
    let mut registry = device::registry();
    let json = RESOURCE_TYPE_JSON
        .replace("\"False\"", "true")
        .replace("\"Device\"", "\"Insured\"")
        .replace("\"Devices\"", "\"Insured\"");
    let insured = registry.add_resource_type_json(&json).unwrap();
    assert!(insured.extensions()[0].required);
    let post = |json| Ingest::new(&insured, &Profile::STRICT, Origin::Request).resource_from(json);
    let error = post(device(json!({}))).unwrap_err();
    assert_eq!(error.detail(), format!("`{WARRANTY}:contractNumber` is required"));
    assert!(post(device(json!({WARRANTY: {"contractNumber": "c"}}))).is_ok());
}

/// RFC 7644 §3.3: readOnly values in a request are ignored, whatever they are.
#[test]
fn read_only_attributes_and_sub_attributes_are_dropped_from_requests() {
    let json = device(json!({
        "id": 17, "meta": "nonsense", "assetTag": {"no": "string"},
        "location": {"building": "A", "surveyedAt": "never"},
        "interfaces": [{"value": "eth0", "display": ["x"]}],
        "owner": {"displayName": "Barbara"},
        WARRANTY: {"contractNumber": "c", "level": 9, "supplier": {"value": "s", "rating": 5}},
    }));
    let resource = request(&Profile::STRICT, json).unwrap();
    let expected = json!({
        "serialNumber": "SN-1",
        "location": {"building": "A"},
        "interfaces": [{"value": "eth0"}],
        WARRANTY: {"contractNumber": "c", "supplier": {"value": "s"}},
    });
    assert_eq!(resource.attributes(), &object(expected));
    assert!(resource.id().is_none() && resource.meta().is_none());
    assert_eq!(resource.schemas(), [DEVICE, WARRANTY]);
}

#[test]
fn a_representation_keeps_what_is_read_only() {
    let json = device(json!({
        "schemas": [DEVICE, WARRANTY],
        "id": "17", "assetTag": "A-1",
        "meta": {"resourceType": "Device", "created": "2020-01-01T00:00:00Z", "version": "W/\"1\""},
        "location": {"building": "A", "surveyedAt": "2020-01-01T00:00:00Z"},
        "owner": {"value": "1", "$ref": "../Users/1", "displayName": "Barbara"},
        WARRANTY: {"contractNumber": "c", "level": "gold"},
    }));
    let resource = Resource::from_json(&device::resource_type(), json.clone()).unwrap();
    assert_eq!(resource.to_json(), json);
    assert_eq!(resource.id().unwrap().as_str(), "17");
    assert_eq!(resource.meta().unwrap().version().unwrap().as_str(), "1");
}

#[test]
fn a_reference_to_a_resource_is_kept_by_its_value() {
    let owner = |owner: Value| {
        let json = device(json!({"owner": owner}));
        request(&Profile::STRICT, json).unwrap().get("owner").cloned()
    };
    let value = Some(json!({"value": "17"}));
    assert_eq!(owner(json!({"value": "17", "$ref": "https://example.com/v2/Users/18"})), value);
    assert_eq!(owner(json!({"$ref": "https://example.com/v2/Users/17"})), value);
    assert_eq!(owner(json!({"$ref": "../Users/17/"})), value);
    assert_eq!(owner(json!({"$ref": "17?x=1#y"})), value);
    assert_eq!(owner(json!({"$ref": null})), None);
    assert_eq!(owner(json!({"$ref": "/"})), None);
    let no_uri = device(json!({"owner": {"$ref": "no uri"}}));
    let lenient = Profile::STRICT.not_validating(Validation::References);
    assert_eq!(request(&lenient, no_uri.clone()).unwrap().get("owner"), None);
    assert_eq!(refused(no_uri).detail(), "`owner.$ref`: `no uri` is not a URI");
}

#[test]
fn canonical_values_are_suggestions_unless_the_profile_validates_them() {
    let validating = Profile::STRICT.validating(Validation::CanonicalValues);
    for (json, path, allowed) in [
        (json!({"colour": "white"}), "colour", true),
        (json!({"colour": "Red"}), "colour", false),
        (json!({"interfaces": [{"type": "wired"}]}), "interfaces[0].type", true),
        (json!({"interfaces": [{"type": "optical"}]}), "interfaces[0].type", false),
        // R16: an empty list suggests nothing and forbids nothing.
        (json!({"ports": [1]}), "ports", true),
    ] {
        assert!(request(&Profile::STRICT, device(json.clone())).is_ok());
        match request(&validating, device(json)) {
            Ok(_) => assert!(allowed, "{path}"),
            Err(error) => {
                assert!(!allowed, "{error}");
                assert!(error.detail().starts_with(&format!("`{path}`: `")), "{error}");
            }
        }
    }
}

#[test]
fn attributes_that_no_schema_defines_are_ignored_unless_the_profile_refuses_them() {
    let refusing = Profile::STRICT.validating(Validation::UnknownAttributes);
    for (json, path) in [
        (json!({"size": 1}), "size".to_owned()),
        (json!({"urn:example:other": {}}), "urn:example:other".to_owned()),
        (json!({"location": {"building": "A", "room": 1}}), "location.room".to_owned()),
        (json!({"interfaces": [{"speed": 1}]}), "interfaces[0].speed".to_owned()),
        (json!({WARRANTY: {"contractNumber": "c", "x": 1}}), format!("{WARRANTY}:x")),
        (json!({"location.floor": 1}), "location.floor".to_owned()),
    ] {
        let ignored = request(&Profile::STRICT, device(json.clone())).unwrap();
        assert_eq!(ignored.get("size"), None);
        let error = request(&refusing, device(json)).unwrap_err();
        assert_eq!(error.detail(), format!("no schema defines an attribute `{path}`"));
    }
}

/// RFC 7643 §3: `schemas` holds the core schema, and only schemas of the resource type.
#[test]
fn schemas_must_be_those_of_the_type() {
    for (schemas, detail) in [
        (json!([]), format!("`schemas` must hold `{DEVICE}`")),
        (json!([WARRANTY]), format!("`schemas` must hold `{DEVICE}`")),
        (
            json!([DEVICE, "urn:x:y"]),
            "`schemas`: `urn:x:y` is not a schema of resource type `Device`".to_owned(),
        ),
        (json!(DEVICE), "`schemas`: expected an array, found a string".to_owned()),
    ] {
        let error = refused(device(json!({"schemas": schemas})));
        assert_eq!(error.detail(), detail);
    }
    // What a resource says of itself afterwards follows from its content.
    let json = device(json!({"schemas": [DEVICE.to_uppercase(), WARRANTY]}));
    assert_eq!(request(&Profile::STRICT, json).unwrap().schemas(), [DEVICE]);
    let json = device(json!({WARRANTY: {"contractNumber": "c"}}));
    assert_eq!(request(&Profile::STRICT, json).unwrap().schemas(), [DEVICE, WARRANTY]);
}

#[test]
fn membership_and_passwords_of_other_types_stay_in_the_resource() {
    let json = device(json!({"members": ["a"], "password": "secret"}));
    let mut resource = request(&Profile::STRICT, json).unwrap();
    assert!(resource.take_members().is_empty());
    assert!(resource.take_secret().is_none());
    assert_eq!(resource.get("members"), Some(&json!(["a"])));
    assert!(resource.to_document_text().contains("members"));
    // Which is why such a document must not be sent as it is.
    let set = AttributeSet::default_for(&device::resource_type());
    assert!(!set.is_everything());
    assert!(!set.wants("password") && !set.wants("pin") && set.wants("members"));
    assert!(!set.project(resource.into_attributes()).contains_key("password"));
}

/// RFC 7643 §4.3: "the displayName of the User's manager", and so with any reference.
#[test]
fn a_reference_shows_the_display_name_when_it_may_be_returned() {
    let attributes = object(json!({"userName": "bjensen", "displayName": "Babs Jensen"}));
    assert_eq!(ResourceType::user().display_name(&attributes), Some("Babs Jensen"));
    let nameless = object(json!({"userName": "bjensen"}));
    assert_eq!(ResourceType::user().display_name(&nameless), None);
    for (returned, expected) in
        [("always", Some("x")), ("default", Some("x")), ("request", Some("x")), ("never", None)]
    {
        let mut registry = Registry::empty();
        let schema = json!({"id": "urn:example:own",
            "attributes": [{"name": "displayName", "returned": returned}]});
        registry.add_schema_json(&schema.to_string()).unwrap();
        let own = json!({"name": "Own", "endpoint": "/Own", "schema": "urn:example:own"});
        let own = registry.add_resource_type_json(&own.to_string()).unwrap();
        assert_eq!(own.display_name(&object(json!({"displayName": "x"}))), expected, "{returned}");
    }
    // Of a type that defines no such attribute it says nothing.
    assert_eq!(device::resource_type().display_name(&attributes), None);
}

#[test]
fn what_is_never_returned_is_in_no_debug_output() {
    let json = device(json!({
        "pin": "s3cret", "password": "s3cret", "location": {"building": "A", "door": "s3cret"},
        "interfaces": [{"value": "eth0", "key": "s3cret"}],
        WARRANTY: {"contractNumber": "c", "claimCode": "s3cret"},
    }));
    let printed = format!("{:?}", request(&Profile::STRICT, json).unwrap());
    assert!(!printed.contains("s3cret") && printed.contains("eth0"), "{printed}");
}

/// RFC 7643 §3.1 prevails over a schema that defines the common attributes again (R9).
#[test]
fn the_common_attributes_stay_what_they_are() {
    let mut registry = Registry::empty();
    let schema = json!({"id": "urn:example:own", "attributes": [
        {"name": "ID", "mutability": "readWrite", "returned": "never", "required": true},
        {"name": "meta", "type": "string", "required": true},
        {"name": "schemas", "type": "string", "returned": "never"},
        {"name": "externalId", "required": true, "caseExact": true, "uniqueness": "server"},
        {"name": "other"},
    ]});
    registry.add_schema_json(&schema.to_string()).unwrap();
    let own = json!({"name": "Own", "endpoint": "/Own", "schema": "urn:example:own"});
    let own = registry.add_resource_type_json(&own.to_string()).unwrap();
    let names: Vec<&str> = own.core_attributes().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["schemas", "id", "externalId", "meta", "other"]);
    for common in common_attributes() {
        let found = own.attribute(&common.name).unwrap();
        // Only `externalId` may say more of itself than the RFC does.
        assert_eq!(found.attribute() == common, common.name != "externalId", "{}", common.name);
    }
    let post = |json| Ingest::new(&own, &Profile::STRICT, Origin::Request).resource_from(json);
    let json = object(json!({"schemas": ["urn:example:own"], "id": "1", "externalId": "x"}));
    let resource = post(json.clone()).unwrap();
    assert_eq!(resource.attributes(), &object(json!({"externalId": "x"})));
    let mut without = json.clone();
    without.remove("externalId");
    assert_eq!(post(without).unwrap_err().detail(), "`externalId` is required");
    let kept = Resource::from_json(&own, json.clone()).unwrap();
    let set = AttributeSet::parse(&own, &["other"], &[]).unwrap();
    assert_eq!(
        set.project(kept.to_json()),
        object(json!({"schemas": ["urn:example:own"], "id": "1"}))
    );
}

#[test]
fn a_users_own_schema_may_add_attributes() {
    let mut schema: Value = serde_json::from_str(include_str!("../../schemas/user.json")).unwrap();
    let attributes = schema["attributes"].as_array_mut().unwrap();
    attributes.push(json!({"name": "hobbies", "multiValued": true}));
    // The built-in registry has the built-in schema under the URN.
    let error = Registry::builtin().add_schema_json(&schema.to_string()).unwrap_err();
    assert_eq!(error.status(), 409);

    let mut registry = Registry::empty();
    registry.add_schema_json(&schema.to_string()).unwrap();
    registry.add_schema_json(include_str!("../../schemas/enterprise-user.json")).unwrap();
    let user = registry
        .add_resource_type_json(&serde_json::to_string(&*ResourceType::user()).unwrap())
        .unwrap();
    assert!(user.has_groups() && user.attribute("hobbies").is_some());
    let body = json!({
        "schemas": [user.schema().id()], "userName": "b", "hobbies": ["chess"], "password": "s",
    });
    let mut ingest = Ingest::new(&user, &Profile::STRICT, Origin::Request);
    let mut resource = ingest.resource_from(object(body)).unwrap();
    assert!(resource.take_secret().is_some());
    assert_eq!(resource.attributes(), &object(json!({"userName": "b", "hobbies": ["chess"]})));
    assert!(AttributeSet::default_for(&user).is_everything());
}

#[test]
fn definitions_that_break_the_rules_of_the_schema_are_refused() {
    let schema = |attributes: Value| {
        Schema::from_json(&json!({"id": "urn:x:y", "attributes": attributes}).to_string())
    };
    for (attributes, detail) in [
        (json!([{"type": "string"}]), "missing field `name`"),
        (json!([{"name": "a b"}]), "not an ATTRNAME"),
        (json!([{"name": "1a"}]), "not an ATTRNAME"),
        (json!([{"name": "a"}, {"name": "A"}]), "defined twice"),
        (json!([{"name": "a", "type": "text"}]), "`text` is not an attribute type"),
        (json!([{"name": "a", "mutability": "READONLY"}]), "unknown variant `READONLY`"),
        (json!([{"name": "a", "type": "complex"}]), "has no subAttributes"),
        (json!([{"name": "a", "subAttributes": [{"name": "b"}]}]), "is not complex"),
        (
            json!([{"name": "a", "type": "complex", "subAttributes": [
                {"name": "b", "type": "complex", "subAttributes": [{"name": "c"}]}
            ]}]),
            "is complex inside a complex attribute",
        ),
        (
            json!([{"name": "a", "type": "complex", "subAttributes": [
                {"name": "b"}, {"name": "B"}
            ]}]),
            "defined twice",
        ),
        (json!([{"name": "a", "required": 1}]), "expected a boolean"),
        (json!([7]), "expected an object"),
    ] {
        let error = schema(attributes).unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::InvalidValue), "{error}");
        assert!(error.detail().contains(detail), "{error}");
    }
    assert!(schema(json!([{"name": "$ref"}, {"name": "a-b_c$1"}])).is_ok());
    for id in ["", "no-uri", "urn:with space", "urn:with\nbreak"] {
        let error =
            Schema::from_json(&json!({"id": id, "attributes": []}).to_string()).unwrap_err();
        assert_eq!(error.status(), 400, "{id:?}");
    }
    for text in ["", "[]", "{", "{\"id\": \"urn:x:y\", \"ID\": \"urn:x:y\"}"] {
        let error = Schema::from_json(text).unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::InvalidSyntax), "{error}");
        assert!(error.detail().starts_with("schema definition: "), "{error}");
    }
}

#[test]
fn a_registry_holds_each_name_endpoint_and_urn_once() {
    let mut registry = device::registry();
    let count = (registry.schemas().len(), registry.resource_types().len());
    assert_eq!(count, (5, 3));
    // The same again is no conflict.
    registry.add_schema_json(DEVICE_JSON).unwrap();
    let conflict = |registry: &mut Registry, name: &str, endpoint: &str, schema: &str| {
        let json = json!({"name": name, "endpoint": endpoint, "schema": schema});
        registry.add_resource_type_json(&json.to_string()).unwrap_err()
    };
    for (name, endpoint) in [
        ("Device", "/Other"),
        ("Other", "/Devices"),
        ("Other", "Devices"),
        ("Other", "/Me"),
        ("Other", "/Bulk"),
        ("Other", "/.search"),
        ("Other", "/Schemas"),
    ] {
        let error = conflict(&mut registry, name, endpoint, DEVICE);
        assert_eq!(error.scim_type(), Some(ScimType::Uniqueness), "{name} {endpoint}");
    }
    for (name, endpoint, schema) in [
        ("", "/Other", DEVICE),
        ("Other", "", DEVICE),
        ("Other", "/", DEVICE),
        ("Other", "/..", DEVICE),
        ("Other", "/a/b", DEVICE),
        ("Other", "/a?b", DEVICE),
        ("Other", "/Other", "urn:not:registered"),
    ] {
        let error = conflict(&mut registry, name, endpoint, schema);
        assert_eq!(error.scim_type(), Some(ScimType::InvalidValue), "{name} {endpoint} {schema}");
    }
    assert_eq!((registry.schemas().len(), registry.resource_types().len()), count);

    // Erratum 8475: both are matched exactly.
    assert!(registry.by_name("Device").is_some() && registry.by_name("device").is_none());
    assert!(registry.by_endpoint("Devices").is_some() && registry.by_endpoint("devices").is_none());
    assert!(registry.schema(&DEVICE.to_lowercase()).is_some());
}

#[test]
fn a_resource_type_that_cannot_be_added_leaves_nothing_behind() {
    let schema = |id: &str, attribute: &str| {
        let json = json!({"id": id, "attributes": [{"name": attribute}]});
        Arc::new(Schema::from_json(&json.to_string()).unwrap())
    };
    let mut registry = Registry::builtin();
    let before = registry.schemas().len();
    let other_enterprise = schema(scim_core::schema::ENTERPRISE_USER_URN, "x");
    let thing = |extension| {
        let core = schema("urn:example:thing", "a");
        ResourceType::new("Thing", "/Things", core).unwrap().with_extension(extension, false)
    };
    assert!(registry.add_resource_type(thing(other_enterprise)).is_err());
    assert!(registry.add_resource_type(thing(schema("URN:EXAMPLE:THING", "a"))).is_err());
    assert_eq!(registry.schemas().len(), before);
    let added = registry.add_resource_type(thing(schema("urn:example:more", "b"))).unwrap();
    assert!(Arc::ptr_eq(registry.schema("urn:example:thing").unwrap(), added.schema()));
}
