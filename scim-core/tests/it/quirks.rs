//! What real clients send beyond the RFC: each quirk of ingest and of the messages fires under
//! `INTEROP`, alone where it should, and what `STRICT` does.

use scim_core::messages::BulkRequest;
use scim_core::schema::{ENTERPRISE_USER_URN, USER_URN};
use scim_core::{
    Ingest, Origin, PatchOp, Profile, Quirk, Quirks, Resource, ResourceType, Result, SearchRequest,
};
use serde_json::{Map, Value, json};

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("not an object: {other}"),
    }
}

fn ingest(profile: &Profile, json: Value) -> (Result<Resource>, Quirks) {
    let user = ResourceType::user();
    let mut ingest = Ingest::new(&user, profile, Origin::Request);
    let resource = ingest.resource(json.to_string().as_bytes());
    (resource, ingest.fired())
}

/// What `STRICT` makes of the same body.
enum Strict {
    /// It is refused with this detail.
    Refuses(&'static str),
    /// It is taken for something else.
    Keeps(Value),
}
use Strict::{Keeps, Refuses};

/// Adds to a correct user.
fn with(more: Value) -> Value {
    let mut user = object(json!({"schemas": [USER_URN], "userName": "bjensen"}));
    user.extend(object(more));
    Value::Object(user)
}

fn check(quirk: Quirk, body: Value, expected: Value, strict: Strict) {
    check_under(&Profile::INTEROP, quirk, body, expected, strict);
}

fn check_under(profile: &Profile, quirk: Quirk, body: Value, expected: Value, strict: Strict) {
    let expected = object(expected);
    let (resource, fired) = ingest(profile, body.clone());
    assert_eq!(resource.unwrap().attributes(), &expected, "{quirk}: {body}");
    assert_eq!(fired.iter().collect::<Vec<_>>(), [quirk], "{body}");
    // No other quirk is needed for it.
    let (resource, fired) = ingest(&Profile::STRICT.with(quirk), body.clone());
    assert_eq!(resource.unwrap().attributes(), &expected, "{quirk}: {body}");
    assert_eq!(fired, Quirks::NONE.with(quirk));
    for profile in [Profile::STRICT, profile.without(quirk)] {
        match (ingest(&profile, body.clone()), &strict) {
            ((Err(error), fired), Refuses(detail)) => {
                assert!(error.detail().contains(detail), "{quirk}: {error}");
                assert!(!fired.contains(quirk));
            }
            ((Ok(resource), fired), Keeps(kept)) => {
                assert_eq!(resource.attributes(), &object(kept.clone()), "{quirk}");
                assert!(fired.is_empty(), "{fired}");
            }
            ((result, _), _) => panic!("{quirk}: {body}: {result:?}"),
        }
    }
}

#[test]
fn missing_schemas() {
    let refuses = || Refuses("`schemas` must hold");
    let user = json!({"userName": "bjensen"});
    check(Quirk::MissingSchemas, user.clone(), user.clone(), refuses());
    for schemas in [json!([]), json!(null), json!([ENTERPRISE_USER_URN])] {
        let body = json!({"userName": "bjensen", "schemas": schemas});
        check(Quirk::MissingSchemas, body, user.clone(), refuses());
    }
}

#[test]
fn unknown_schema_uris() {
    for uri in [
        "urn:example:params:scim:schemas:extension:enterprise:2.0User",
        "http://schemas.example.com/2006/11/Group",
    ] {
        check(
            Quirk::UnknownSchemaUris,
            with(json!({"schemas": [USER_URN, uri]})),
            json!({"userName": "bjensen"}),
            Refuses("is not a schema of resource type `User`"),
        );
    }
}

/// The data under it is kept; by the RFC it is that of an unknown attribute.
#[test]
fn schema_spellings() {
    for uri in [
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0User",
        "urn:scim:schemas:extension:enterprise:2.0",
        "urn:scim:schemas:extension:enterprise:1.0",
    ] {
        let user = json!({"userName": "bjensen", ENTERPRISE_USER_URN: {"costCenter": "4130"}});
        check(
            Quirk::SchemaSpellings,
            with(json!({uri: {"costCenter": "4130"}})),
            user.clone(),
            Keeps(json!({"userName": "bjensen"})),
        );
        // In `schemas` it is no unknown one.
        let body = with(json!({"schemas": [USER_URN, uri], uri: {"costCenter": "4130"}}));
        let (resource, fired) = ingest(&Profile::STRICT.with(Quirk::SchemaSpellings), body.clone());
        assert_eq!(resource.unwrap().attributes(), &object(user));
        assert_eq!(fired, Quirks::NONE.with(Quirk::SchemaSpellings));
        let error = ingest(&Profile::STRICT, body).0.unwrap_err();
        assert!(error.detail().contains("is not a schema of resource type `User`"), "{error}");
        // Under both its names it is one extension.
        let (resource, _) = ingest(
            &Profile::INTEROP,
            with(json!({uri: {"costCenter": "4130"}, ENTERPRISE_USER_URN: {"division": "x"}})),
        );
        let both = json!({"costCenter": "4130", "division": "x"});
        assert_eq!(resource.unwrap().attributes()[ENTERPRISE_USER_URN], both);
    }
    let body = with(json!({"schemas": ["urn:scim:schemas:core:1.0"]}));
    let (resource, fired) = ingest(&Profile::INTEROP, body.clone());
    assert_eq!(resource.unwrap().attributes(), &object(json!({"userName": "bjensen"})));
    assert_eq!(fired, Quirks::NONE.with(Quirk::SchemaSpellings));
    assert!(ingest(&Profile::STRICT, body).0.is_err());
}

#[test]
fn the_patch_of_scim_1() {
    let body = json!({
        "schemas": ["urn:scim:schemas:core:1.0"],
        "displayName": "Guides",
        "meta": {"attributes": ["externalId"]},
        "members": [
            {"value": "1", "operation": "delete"},
            {"value": "2", "operation": "add"},
            {"value": "3"},
        ],
    });
    let patch = PatchOp::parse(body.to_string().as_bytes(), &Profile::INTEROP).unwrap();
    assert_eq!(patch.fired, Quirks::NONE.with(Quirk::Scim1Patch));
    let operations: Vec<Value> =
        patch.operations.iter().map(|o| serde_json::to_value(o).unwrap()).collect();
    assert_eq!(
        Value::Array(operations),
        json!([
            {"op": "remove", "path": "externalId"},
            {"op": "remove", "path": "members[value eq \"1\"]"},
            {"op": "replace", "value": {"displayName": "Guides"}},
            {"op": "add", "value": {"members": [{"value": "2"}, {"value": "3"}]}},
        ])
    );
    assert!(PatchOp::parse(body.to_string().as_bytes(), &Profile::STRICT).is_err());
    for body in [
        json!({"schemas": ["urn:scim:schemas:core:1.0"]}),
        json!({"schemas": [scim_core::messages::PATCH_OP_URN], "displayName": "Guides"}),
        json!({"members": [{"display": "Babs", "operation": "delete"}]}),
    ] {
        let refused = PatchOp::parse(body.to_string().as_bytes(), &Profile::INTEROP);
        assert!(refused.is_err(), "{body}");
    }
}

#[test]
fn boolean_strings() {
    for (text, boolean) in [("True", true), ("False", false), ("true", true), ("FALSE", false)] {
        check(
            Quirk::BooleanStrings,
            with(json!({"active": text, "emails": [{"value": "b@example.com", "primary": text}]})),
            json!({
                "userName": "bjensen", "active": boolean,
                "emails": [{"value": "b@example.com", "primary": boolean}],
            }),
            Refuses("`active`: expected a boolean, found a string"),
        );
    }
    for text in ["yes", "1", " true"] {
        assert!(ingest(&Profile::INTEROP, with(json!({"active": text}))).0.is_err(), "{text}");
    }
}

#[test]
fn unqualified_extension_attributes() {
    check(
        Quirk::UnqualifiedExtensionAttributes,
        with(json!({"department": "Sales", "MANAGER": {"value": "17"}})),
        json!({
            "userName": "bjensen",
            ENTERPRISE_USER_URN: {"department": "Sales", "manager": {"value": "17"}},
        }),
        Keeps(json!({"userName": "bjensen"})),
    );
}

#[test]
fn dotted_keys() {
    check(
        Quirk::DottedKeys,
        with(
            json!({"name.givenName": "Barbara", "NAME.FAMILYNAME": "Jensen", "name.formatted": null}),
        ),
        json!({"userName": "bjensen", "name": {"givenName": "Barbara", "familyName": "Jensen"}}),
        Keeps(json!({"userName": "bjensen"})),
    );
    // The parts complete what is there already, wherever it stands in the object.
    for name in ["Name", "name", "naMe"] {
        check(
            Quirk::DottedKeys,
            with(json!({"name.givenName": "Barbara", name: {"familyName": "Jensen"}})),
            json!({"userName": "bjensen", "name": {"givenName": "Barbara", "familyName": "Jensen"}}),
            Keeps(json!({"userName": "bjensen", "name": {"familyName": "Jensen"}})),
        );
    }
    check(
        Quirk::DottedKeys,
        with(json!({ENTERPRISE_USER_URN: {"manager.value": "17", "manager.displayName": "x"}})),
        json!({"userName": "bjensen", ENTERPRISE_USER_URN: {"manager": {"value": "17"}}}),
        Keeps(json!({"userName": "bjensen"})),
    );
    // `value` of a multi-valued attribute that is not complex is the attribute itself.
    let body = json!({"schemas.value": [USER_URN], "userName": "bjensen"});
    let (resource, fired) = ingest(&Profile::INTEROP, body);
    assert_eq!(resource.unwrap().attributes(), &object(json!({"userName": "bjensen"})));
    assert_eq!(fired, Quirks::NONE.with(Quirk::DottedKeys));
    for (body, detail) in [
        (json!({"name.givenName": "a", "name": {"givenName": "b"}}), "appears twice"),
        (json!({"name.givenName": "a", "name": {"GIVENNAME": "b"}}), "appears twice"),
        (json!({"name.givenName": "a", "name": "Barbara"}), "appears twice"),
        (json!({"emails.value": "a"}), "names a part of many values"),
        (json!({"name.givenName": true}), "`name.givenName`: expected a string"),
    ] {
        let error = ingest(&Profile::INTEROP, with(body)).0.unwrap_err();
        assert!(error.detail().contains(detail), "{error}");
    }
}

/// A value whose required part comes as a dotted key has it.
#[test]
fn dotted_keys_count_as_parts_of_the_value() {
    let body = json!({
        "schemas": [crate::device::DEVICE], "serialNumber": "1",
        "location.building": "A", "location": {"floor": 1},
    });
    let device = crate::device::resource_type();
    let mut ingest = Ingest::new(&device, &Profile::INTEROP, Origin::Request);
    let resource = ingest.resource_from(object(body)).unwrap();
    assert_eq!(resource.get("location"), Some(&json!({"building": "A", "floor": 1})));
}

#[test]
fn urn_keys() {
    check(
        Quirk::UrnKeys,
        with(json!({
            format!("{USER_URN}:nickName"): "Babs",
            format!("{ENTERPRISE_USER_URN}:EmployeeNumber"): "701984",
            ENTERPRISE_USER_URN: {"department": "Sales"},
        })),
        json!({
            "userName": "bjensen", "nickName": "Babs",
            ENTERPRISE_USER_URN: {"employeeNumber": "701984", "department": "Sales"},
        }),
        Keeps(json!({"userName": "bjensen", ENTERPRISE_USER_URN: {"department": "Sales"}})),
    );
    check(
        Quirk::UrnKeys,
        with(json!({USER_URN: {"nickName": "Babs"}})),
        json!({"userName": "bjensen", "nickName": "Babs"}),
        Keeps(json!({"userName": "bjensen"})),
    );
    for body in [
        json!({"nickName": "a", format!("{USER_URN}:nickName"): "b"}),
        json!({"nickName": "a", USER_URN: {"nickName": "b"}}),
        json!({"name": {"givenName": "a"}, format!("{USER_URN}:name"): {"familyName": "b"}}),
        json!({
            ENTERPRISE_USER_URN: {"department": "a"},
            format!("{ENTERPRISE_USER_URN}:department"): "b",
        }),
    ] {
        let error = ingest(&Profile::INTEROP, with(body)).0.unwrap_err();
        assert!(error.detail().contains("appears twice"), "{error}");
    }
}

#[test]
fn a_key_may_need_two_quirks() {
    let both = Quirks::NONE.with(Quirk::UrnKeys).with(Quirk::DottedKeys);
    let body = with(json!({format!("{ENTERPRISE_USER_URN}:manager.value"): "17"}));
    let expected =
        json!({"userName": "bjensen", ENTERPRISE_USER_URN: {"manager": {"value": "17"}}});
    let (resource, fired) = ingest(&Profile::INTEROP, body.clone());
    assert_eq!(resource.unwrap().attributes(), &object(expected.clone()));
    assert_eq!(fired, both);
    for quirk in both.iter() {
        let (resource, fired) = ingest(&Profile::STRICT.with(quirk), body.clone());
        assert_eq!(resource.unwrap().attributes(), &object(json!({"userName": "bjensen"})));
        assert_eq!(fired, Quirks::NONE);
    }

    let (resource, fired) = ingest(&Profile::INTEROP, with(json!({"manager.value": "17"})));
    assert_eq!(resource.unwrap().attributes(), &object(expected));
    assert_eq!(fired.to_string(), "UnqualifiedExtensionAttributes,DottedKeys");
}

#[test]
fn array_for_singular() {
    check(
        Quirk::ArrayForSingular,
        with(json!({
            "displayName": ["Barbara"], "title": [],
            ENTERPRISE_USER_URN: {"manager": [{"value": ["17"]}]},
        })),
        json!({
            "userName": "bjensen", "displayName": "Barbara",
            ENTERPRISE_USER_URN: {"manager": {"value": "17"}},
        }),
        Refuses("expected a string, found an array"),
    );
    for value in [json!(["a", "b"]), json!([["a"]]), json!([{}])] {
        assert!(ingest(&Profile::INTEROP, with(json!({"title": value}))).0.is_err());
    }
}

#[test]
fn singular_for_array() {
    check(
        Quirk::SingularForArray,
        with(json!({"emails": {"value": "b@example.com"}})),
        json!({"userName": "bjensen", "emails": [{"value": "b@example.com"}]}),
        Refuses("`emails`: expected an array, found an object"),
    );
}

#[test]
fn bare_string_for_complex() {
    check(
        Quirk::BareStringForComplex,
        with(json!({"roles": ["admin", "staff"], ENTERPRISE_USER_URN: {"manager": "17"}})),
        json!({
            "userName": "bjensen",
            "roles": [{"value": "admin"}, {"value": "staff"}],
            ENTERPRISE_USER_URN: {"manager": {"value": "17"}},
        }),
        Refuses("expected an object, found a string"),
    );
    // A complex attribute without `value` has no place for it.
    let (resource, _) = ingest(&Profile::INTEROP, with(json!({"name": "Barbara"})));
    assert_eq!(resource.unwrap_err().detail(), "`name`: expected an object, found a string");
}

#[test]
fn object_for_simple() {
    check(
        Quirk::ObjectForSimple,
        with(json!({"title": {"$ref": null, "VALUE": "Dr."}, "active": {"value": true}})),
        json!({"userName": "bjensen", "title": "Dr.", "active": true}),
        Refuses("expected a boolean, found an object"),
    );
    // What it holds may be bent likewise, and no value.
    let body =
        with(json!({"active": [{"$ref": null, "value": "False"}], "title": {"value": null}}));
    let (resource, fired) = ingest(&Profile::INTEROP, body);
    assert_eq!(
        resource.unwrap().attributes(),
        &object(json!({"userName": "bjensen", "active": false}))
    );
    assert_eq!(fired.to_string(), "BooleanStrings,ArrayForSingular,ObjectForSimple");
    for value in
        [json!({"displayName": "x"}), json!({"value": {"value": "x"}}), json!({"value": ["x"]})]
    {
        assert!(ingest(&Profile::INTEROP, with(json!({"title": value}))).0.is_err(), "{value}");
    }
}

#[test]
fn number_for_text() {
    check(
        Quirk::NumberForText,
        with(
            json!({"externalId": 7, ENTERPRISE_USER_URN: {"employeeNumber": 701984, "costCenter": 1.5}}),
        ),
        json!({
            "userName": "bjensen", "externalId": "7",
            ENTERPRISE_USER_URN: {"employeeNumber": "701984", "costCenter": "1.5"},
        }),
        Refuses("expected a string, found a number"),
    );
    // A number is no date, and no boolean.
    for more in [json!({"active": 1}), json!({"title": true})] {
        assert!(ingest(&Profile::INTEROP, with(more.clone())).0.is_err(), "{more}");
    }
}

#[test]
fn json_text() {
    let role = json!({"value": "25", "displayName": "Admin", "id": "x"}).to_string();
    let roles = json!([{"value": "25", "display": "Admin"}]);
    for given in [json!([role]), json!(format!(" [{role}]"))] {
        let (resource, fired) =
            ingest(&Profile::STRICT.with(Quirk::JsonText), with(json!({"roles": given})));
        assert_eq!(resource.unwrap().get("roles"), Some(&roles), "{given}");
        assert_eq!(fired, Quirks::NONE.with(Quirk::JsonText));
        let (resource, fired) = ingest(&Profile::INTEROP, with(json!({"roles": given})));
        assert_eq!(resource.unwrap().get("roles"), Some(&roles), "{given}");
        assert_eq!(fired, Quirks::NONE.with(Quirk::JsonText));
        assert!(ingest(&Profile::STRICT, with(json!({"roles": given}))).0.is_err());
    }
    check(
        Quirk::JsonText,
        with(json!({"name": r#"{"givenName": "Barbara"}"#})),
        json!({"userName": "bjensen", "name": {"givenName": "Barbara"}}),
        Refuses("`name`: expected an object, found a string"),
    );
    // Its own `display` counts, and other text stays what it is.
    let both = json!({"value": "25", "displayName": "a", "display": "b"}).to_string();
    let (resource, _) = ingest(&Profile::INTEROP, with(json!({"roles": [both, "[", "{x}"]})));
    let expected = json!([{"value": "25", "display": "b"}, {"value": "["}, {"value": "{x}"}]);
    assert_eq!(resource.unwrap().get("roles"), Some(&expected));
    // Where a text belongs, JSON is a text.
    let title = json!({"title": "{\"value\": \"x\"}"});
    let (resource, fired) = ingest(&Profile::INTEROP, with(title.clone()));
    assert_eq!((resource.unwrap().get("title"), fired), (title.get("title"), Quirks::NONE));
}

#[test]
fn json_in_string() {
    let role =
        json!({"value": "25", "displayName": "Admin", "id": "x", "type": "inner"}).to_string();
    check_under(
        &Profile::ENTRA,
        Quirk::JsonInString,
        with(json!({"roles": [{"VALUE": role, "Type": "outer", "primary": true}]})),
        json!({
            "userName": "bjensen",
            "roles": [{"value": "25", "display": "Admin", "type": "outer", "primary": true}],
        }),
        Keeps(json!({
            "userName": "bjensen",
            "roles": [{"value": role, "type": "outer", "primary": true}],
        })),
    );
    // Text that is not such an object is text.
    for text in ["{", "{}", "{\"value\": 1}", "{\"value\": \"a\", \"VALUE\": \"b\"}", "[1]", "x"] {
        let (resource, fired) = ingest(&Profile::ENTRA, with(json!({"roles": [{"value": text}]})));
        assert_eq!(resource.unwrap().get("roles"), Some(&json!([{"value": text}])));
        assert_eq!(fired, Quirks::NONE, "{text}");
    }
    // Layer upon layer, so that reading the result again changes nothing.
    let twice = json!({"value": json!({"value": "25"}).to_string()}).to_string();
    let (resource, _) = ingest(&Profile::ENTRA, with(json!({"roles": [{"value": twice}]})));
    assert_eq!(resource.unwrap().get("roles"), Some(&json!([{"value": "25"}])));
}

/// An empty text that is no text anyway, nor the id of a resource.
#[test]
fn empty_where_no_text() {
    let user = json!({"userName": "bjensen"});
    for (more, detail) in [
        (json!({"active": ""}), "`active`: expected a boolean, found a string"),
        (json!({"name": ""}), "`name`: expected an object, found a string"),
        (json!({"addresses": [""]}), "`addresses[0]`: expected an object, found a string"),
        (json!({"emails": [{"primary": ""}]}), "expected a boolean, found a string"),
        (json!({ENTERPRISE_USER_URN: {"manager": {"VALUE": ""}}}), "manager.value` is empty"),
    ] {
        check(Quirk::EmptyWhereNoText, with(more), user.clone(), Refuses(detail));
    }
    let body = with(json!({ENTERPRISE_USER_URN: {"manager": ""}, "roles": [""]}));
    let (resource, fired) = ingest(&Profile::INTEROP, body);
    assert_eq!(resource.unwrap().attributes(), &object(user));
    assert_eq!(fired, Quirks::NONE.with(Quirk::EmptyWhereNoText));
    // Stored ones are told as they are.
    let stored = json!({ENTERPRISE_USER_URN: {"manager": {"value": ""}}});
    let resource_type = ResourceType::user();
    let mut ingest = Ingest::new(&resource_type, &Profile::INTEROP, Origin::Representation);
    let read = ingest.resource_from(object(with(stored.clone()))).unwrap();
    assert_eq!(read.get(ENTERPRISE_USER_URN), stored.get(ENTERPRISE_USER_URN));
}

#[test]
fn empty_means_unassigned() {
    check_under(
        &Profile::ENTRA,
        Quirk::EmptyMeansUnassigned,
        with(json!({"title": "", "name": {"givenName": ""}, "emails": [{"value": ""}]})),
        json!({"userName": "bjensen"}),
        Keeps(json!({
            "userName": "bjensen", "title": "", "name": {"givenName": ""}, "emails": [{"value": ""}],
        })),
    );
}

#[test]
fn the_quirks_add_up() {
    let (resource, fired) = ingest(
        &Profile::INTEROP,
        json!({
            "username": "bjensen", "active": "True", "manager": ["17"], "emails": "b@example.com",
            "addresses": null, "name": "",
        }),
    );
    let expected = json!({
        "userName": "bjensen", "active": true, "emails": [{"value": "b@example.com"}],
        ENTERPRISE_USER_URN: {"manager": {"value": "17"}},
    });
    assert_eq!(resource.unwrap().attributes(), &object(expected));
    assert_eq!(
        fired.to_string(),
        "MissingSchemas,BooleanStrings,UnqualifiedExtensionAttributes,ArrayForSingular,\
         SingularForArray,BareStringForComplex,EmptyWhereNoText"
    );
}

#[test]
fn a_correct_request_fires_no_quirk() {
    for text in [
        include_str!("../fixtures/rfc7643/minimal-user.json"),
        include_str!("../fixtures/rfc7643/full-user.json"),
        include_str!("../fixtures/rfc7643/enterprise-user.json"),
    ] {
        let (resource, fired) = ingest(&Profile::INTEROP, serde_json::from_str(text).unwrap());
        assert!(resource.is_ok());
        assert_eq!(fired, Quirks::NONE);
    }
}

/// errata.md P4: in a PATCH, one value may stand for an array by the RFC's own examples.
#[test]
fn one_value_for_an_array_is_no_quirk_in_a_patch() {
    let group = ResourceType::group();
    let members = group.attribute("members").unwrap();
    let mut ingest = Ingest::new(&group, &Profile::STRICT, Origin::Patch);
    let value = ingest.value(&members, json!({"value": "17", "display": "dropped"})).unwrap();
    assert_eq!(value, Some(json!([{"value": "17"}])));
    assert_eq!(
        ingest.element(&members, json!({"value": "17"})).unwrap(),
        Some(json!({"value": "17"}))
    );
    assert_eq!(ingest.fired(), Quirks::NONE);
}

#[test]
fn messages_without_schemas_and_with_operations_in_other_case() {
    let body = json!({"Operations": [{"op": "Replace", "path": "active", "value": false}]});
    let body = body.to_string();
    let patch = PatchOp::parse(body.as_bytes(), &Profile::INTEROP).unwrap();
    assert_eq!(patch.fired.to_string(), "OperationCase,MissingSchemas");
    let error = PatchOp::parse(body.as_bytes(), &Profile::STRICT).unwrap_err();
    assert!(error.detail().contains("`schemas` must hold"), "{error}");
    let profile = Profile::STRICT.with(Quirk::MissingSchemas);
    let error = PatchOp::parse(body.as_bytes(), &profile).unwrap_err();
    assert!(error.detail().contains("`op` is `Replace`"), "{error}");

    let search = SearchRequest::parse(b"{}", &Profile::INTEROP).unwrap();
    assert_eq!(search.fired, Quirks::NONE.with(Quirk::MissingSchemas));
    assert!(SearchRequest::parse(b"{}", &Profile::STRICT).is_err());
}

/// errata.md B4.
#[test]
fn missing_bulk_id() {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [{"method": "POST", "path": "/Groups", "data": {"displayName": "x"}}],
    });
    let body = body.to_string();
    let bulk = BulkRequest::parse(body.as_bytes(), &Profile::INTEROP).unwrap();
    assert_eq!(bulk.fired, Quirks::NONE.with(Quirk::MissingBulkId));
    assert_eq!(bulk.operations[0].bulk_id, None);
    let error = BulkRequest::parse(body.as_bytes(), &Profile::STRICT).unwrap_err();
    assert_eq!(error.detail(), "operation 1: BulkRequest: `bulkId` is missing");
}

#[test]
fn a_set_of_quirks_knows_its_quirks() {
    assert_eq!(Quirks::ALL.iter().count(), Quirk::ALL.len());
    for quirk in Quirk::ALL {
        let bent = Quirks::NONE.with(Quirk::OperationCase);
        let interop = Profile::INTEROP.for_message(bent);
        assert!(interop.tolerates(quirk) && !Profile::STRICT.for_message(bent).tolerates(quirk));
        assert!(!Profile::INTEROP.without(quirk).for_message(bent).tolerates(quirk));
        let one = Quirks::NONE.with(quirk);
        assert_eq!(one.iter().collect::<Vec<_>>(), [quirk]);
        assert_eq!(one.to_string(), format!("{quirk:?}"));
        assert!(Quirks::ALL.contains_all(one) && !Quirks::NONE.contains_all(one));
    }
    // What changes the meaning of a correct request is for those that are not.
    let apart = Profile::INTEROP.quirks_of_bent_messages();
    assert_eq!(
        apart.iter().collect::<Vec<_>>(),
        [Quirk::JsonInString, Quirk::EmptyMeansUnassigned]
    );
    assert!(apart.iter().all(|quirk| !Profile::INTEROP.tolerates(quirk)));
    let always = |preset: &Profile| apart.iter().any(|quirk| preset.tolerates(quirk));
    let presets = Profile::PRESETS.into_iter().filter(always).map(|preset| preset.name());
    assert_eq!(presets.collect::<Vec<_>>(), ["entra", "entra-scim2"]);
    assert_eq!(Profile::INTEROP.for_message(Quirks::NONE), Profile::INTEROP);
    assert!(Quirks::NONE.is_empty() && Quirks::NONE.contains_all(Quirks::NONE));
    assert_eq!(Profile::default(), Profile::INTEROP);
}

#[test]
fn presets_are_found_by_their_names() {
    for preset in Profile::PRESETS {
        assert_eq!(Profile::preset(preset.name()), Some(preset));
        // None tolerates what INTEROP never does.
        let mut all = Profile::INTEROP.quirks();
        all.extend(Profile::INTEROP.quirks_of_bent_messages());
        assert!(all.contains_all(preset.quirks()), "{}", preset.name());
    }
    assert_eq!(Profile::preset("auto"), None);
    assert_eq!(Profile::for_user_agent("authentik@2026.2.0"), Some(Profile::AUTHENTIK));
    assert_eq!(Profile::for_user_agent("OKTA SCIM client 1.2.3"), Some(Profile::OKTA));
    // OneLogin's is empty; a word in the middle is not who sends it.
    for agent in ["", "python-requests/2 (okta scim client)", "Apache-HttpClient/4.5"] {
        assert_eq!(Profile::for_user_agent(agent), None, "{agent}");
    }
}
