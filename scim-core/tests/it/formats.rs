//! The formats that RFC 7643 demands of values beyond their types: checked by `STRICT`, and by any
//! profile that is told to.

use scim_core::schema::USER_URN;
use scim_core::{Ingest, Origin, Profile, Resource, ResourceType, Result, ScimType, Validation};
use serde_json::{Value, json};

fn user(profile: &Profile, origin: Origin, more: &Value) -> Result<Resource> {
    let mut user = json!({"schemas": [USER_URN], "userName": "bjensen"});
    user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let resource_type = ResourceType::user();
    Ingest::new(&resource_type, profile, origin).resource(user.to_string().as_bytes())
}

/// STRICT refuses the value with this detail; without the validation it is taken as it is, and so
/// it is from a store.
fn check(validation: Validation, body: &Value, detail: &str) {
    let only = Profile::INTEROP.validating(validation);
    for profile in [Profile::STRICT, only] {
        let error = user(&profile, Origin::Request, body).unwrap_err();
        assert_eq!((error.scim_type(), error.detail()), (Some(ScimType::InvalidValue), detail));
        assert!(user(&profile, Origin::Patch, body).is_err());
        assert!(user(&profile, Origin::Representation, body).is_ok());
    }
    for profile in [Profile::INTEROP, Profile::STRICT.not_validating(validation)] {
        let taken = user(&profile, Origin::Request, body).unwrap();
        for (name, value) in body.as_object().unwrap() {
            assert_eq!(taken.get(name), Some(value));
        }
    }
}

fn taken_by_strict(body: &Value) {
    let taken = user(&Profile::STRICT, Origin::Request, body).unwrap();
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(taken.get(name), Some(value));
    }
}

/// RFC 7643 §4.1.2: "the value MUST be in ISO 3166-1 "alpha-2" code format".
#[test]
fn the_country_of_an_address() {
    taken_by_strict(&json!({"addresses": [{"country": "US"}, {"country": "SE"}]}));
    check(
        Validation::Countries,
        &json!({"addresses": [{"country": "US"}, {"country": "USA"}]}),
        "`addresses[1].country`: `USA` is not an ISO 3166-1 alpha-2 code",
    );
}

/// RFC 7643 §4.1.2: "Each value contains exactly one DER-encoded X.509 certificate".
#[test]
fn a_certificate_is_one_in_der() {
    // The least that has the parts of a certificate: 30 07 (30 00, 30 00, 03 01 00).
    let one = "MAcwADAAAwEA";
    taken_by_strict(&json!({"x509Certificates": [{"value": one}]}));
    let detail = "`x509Certificates[0].value` is not one X.509 certificate in DER";
    for text in ["aGVsbG8=", "MAcwADAAAwEAMAcwADAAAwEA", "MAkwBzAAMAADAQA="] {
        check(Validation::Certificates, &json!({"x509Certificates": [{"value": text}]}), detail);
    }
}

/// RFC 7643 §2.3.7: "The value MUST be the absolute or relative URI of the target resource."
#[test]
fn a_reference_is_a_uri() {
    for uri in ["https://example.com/babs", "../photos/1.png", "urn:example:babs"] {
        taken_by_strict(&json!({"profileUrl": uri}));
    }
    check(
        Validation::References,
        &json!({"profileUrl": "my page"}),
        "`profileUrl`: `my page` is not a URI",
    );
    check(
        Validation::References,
        &json!({"photos": [{"value": "<img>"}]}),
        "`photos[0].value`: `<img>` is not a URI",
    );
}

/// Attributes of the same names elsewhere have no such format.
#[test]
fn other_types_have_no_formats_but_that_of_references() {
    let mut registry = scim_core::Registry::builtin();
    registry
        .add_schema_json(
            r#"{"id": "urn:example:Place", "attributes": [
                {"name": "addresses", "type": "complex", "multiValued": true,
                 "subAttributes": [{"name": "country"}]},
                {"name": "x509Certificates", "type": "complex", "multiValued": true,
                 "subAttributes": [{"name": "value", "type": "binary"}]}]}"#,
        )
        .unwrap();
    let place = registry
        .add_resource_type_json(
            r#"{"name": "Place", "endpoint": "/Places", "schema": "urn:example:Place"}"#,
        )
        .unwrap();
    let body = json!({
        "schemas": ["urn:example:Place"],
        "addresses": [{"country": "Sweden"}], "x509Certificates": [{"value": "aGVsbG8="}],
    });
    let taken = Ingest::new(&place, &Profile::STRICT, Origin::Request)
        .resource(body.to_string().as_bytes())
        .unwrap();
    assert_eq!(taken.get("addresses"), Some(&body["addresses"]));
    assert_eq!(taken.get("x509Certificates"), Some(&body["x509Certificates"]));
}
