//! Attribute notation (RFC 7644 §3.10), with and without URN.

use scim_core::schema::{ENTERPRISE_USER_URN, USER_URN};
use scim_core::{AttributeRef, ResourceType, Schema, Target};
use serde_json::{Value, json};

use crate::device::{self, DEVICE, WARRANTY};

#[test]
fn a_path_names_an_attribute_with_or_without_its_urn_in_any_case() {
    let user = ResourceType::user();
    let manager = format!("{ENTERPRISE_USER_URN}:manager");
    for (path, canonical) in [
        ("userName", "userName"),
        ("USERNAME", "userName"),
        ("name.familyname", "name.familyName"),
        ("emails", "emails"),
        ("Emails.Value", "emails.value"),
        ("groups.$ref", "groups.$ref"),
        ("x509Certificates.value", "x509Certificates.value"),
        ("id", "id"),
        ("Meta.LastModified", "meta.lastModified"),
        ("schemas", "schemas"),
        // RFC 7643 §2.4 gives every multi-valued attribute a `value`.
        ("schemas.value", "schemas"),
        ("urn:ietf:params:scim:schemas:core:2.0:User:userName", "userName"),
        ("URN:IETF:PARAMS:SCIM:SCHEMAS:CORE:2.0:USER:NAME.GIVENNAME", "name.givenName"),
        ("urn:ietf:params:scim:schemas:core:2.0:User:externalId", "externalId"),
        (&manager, &manager),
        (&format!("{manager}.DisplayName"), &format!("{manager}.displayName")),
        (&format!("{manager}.$REF"), &format!("{manager}.$ref")),
        (&manager.to_uppercase(), &manager),
    ] {
        let found = user.attribute(path).unwrap_or_else(|| panic!("`{path}` names nothing"));
        assert_eq!(found.to_string(), canonical, "{path}");
        assert_eq!(user.attribute(canonical), Some(found), "{path}");
    }
}

#[test]
fn a_path_that_no_schema_defines_names_nothing() {
    let user = ResourceType::user();
    for path in [
        "",
        ".",
        ":",
        "name.",
        ".givenName",
        "name.givenName.more",
        "nick name",
        "userName.value",
        "emails.nothing",
        "members",
        // Without its URN, an extension's attribute is a matter of a quirk.
        "manager",
        "urn:ietf:params:scim:schemas:core:2.0:Group:displayName",
        "urn:ietf:params:scim:schemas:core:2.0:User:",
        "urn:ietf:params:scim:schemas:core:2.0:Users:userName",
        "urn:ietf:params:scim:schemas:core:2.0:UseruserName",
        "urn:ietf:params:scim:schemas:core:2.0:User.userName",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:userName",
        "ietf:params:scim:schemas:core:2.0:User:userName",
        "user\u{17f}name",
    ] {
        assert_eq!(user.resolve(path), None, "{path}");
    }
}

#[test]
fn a_bare_urn_names_the_resource_or_the_extension() {
    let user = ResourceType::user();
    assert_eq!(user.resolve(USER_URN), Some(Target::Resource));
    assert_eq!(user.resolve(&USER_URN.to_lowercase()), Some(Target::Resource));
    for urn in [ENTERPRISE_USER_URN.to_owned(), ENTERPRISE_USER_URN.to_uppercase()] {
        let Some(Target::Extension(schema)) = user.resolve(&urn) else { panic!("{urn}") };
        assert_eq!(schema.id(), ENTERPRISE_USER_URN);
        assert_eq!(user.attribute(&urn), None);
    }
}

/// errata.md F1: where one URN begins with another, the longest that is registered counts, and dots
/// and digits in it do not end it.
#[test]
fn the_longest_registered_urn_wins() {
    let schema = |json: Value| Schema::from_json(&json.to_string()).unwrap().into();
    let short = "urn:example:v1.0";
    let long = "urn:example:v1.0:more.of:2.5";
    let core = schema(json!({"id": "http://example.com/scim/1.1", "attributes": [{"name": "a"}]}));
    let resource_type = ResourceType::new("Thing", "/Things", core)
        .unwrap()
        .with_extension(
            schema(json!({"id": short, "attributes": [
                {"name": "more", "type": "complex", "subAttributes": [{"name": "of"}]}
            ]})),
            false,
        )
        .with_extension(schema(json!({"id": long, "attributes": [{"name": "b"}]})), false);
    let name = |path: &str| resource_type.attribute(path).as_ref().map(AttributeRef::to_string);
    assert_eq!(name("http://example.com/scim/1.1:a").as_deref(), Some("a"));
    assert_eq!(name(&format!("{short}:more.of")), Some(format!("{short}:more.of")));
    assert_eq!(name(&format!("{long}:b")), Some(format!("{long}:b")));
    assert_eq!(name(&format!("{short}:b")), None);
    assert_eq!(name(&format!("{long}:more.of")), None);
    assert!(matches!(resource_type.resolve(long), Some(Target::Extension(e)) if e.id() == long));
}

#[test]
fn the_paths_of_a_loaded_type_work_as_those_of_a_built_in_one() {
    let device = device::resource_type();
    for (path, canonical) in [
        ("LABEL", "label".to_owned()),
        ("location.floor", "location.floor".to_owned()),
        ("tags.value", "tags".to_owned()),
        ("owner.$ref", "owner.$ref".to_owned()),
        (&format!("{DEVICE}:interfaces.VALUE"), "interfaces.value".to_owned()),
        (&format!("{WARRANTY}:supplier.SINCE"), format!("{WARRANTY}:supplier.since")),
        (&format!("{}:contacts", WARRANTY.to_uppercase()), format!("{WARRANTY}:contacts")),
    ] {
        assert_eq!(device.attribute(path).map(|a| a.to_string()), Some(canonical), "{path}");
    }
    assert_eq!(device.resolve(DEVICE), Some(Target::Resource));
    let terms = device.unqualified_extension_attribute("Terms").unwrap();
    assert_eq!(terms.to_string(), format!("{WARRANTY}:terms"));
    assert_eq!(device.unqualified_extension_attribute("label"), None);
}

#[test]
fn a_reference_gives_the_values_it_reaches() {
    let device = device::resource_type();
    let json = json!({
        "label": "x",
        "tags": ["a", null, "b"],
        "location": {"floor": 3},
        "interfaces": [{"value": "1", "rates": [1, 2]}, {"type": "wired"}, {"value": "2", "rates": [3]}],
        WARRANTY: {"supplier": {"value": "s"}},
    });
    let json = json.as_object().unwrap();
    let values = |path: &str| -> Vec<Value> {
        device.attribute(path).unwrap().values(json).cloned().collect()
    };
    assert_eq!(values("label"), [json!("x")]);
    assert_eq!(values("tags"), [json!("a"), json!("b")]);
    assert_eq!(values("location.floor"), [json!(3)]);
    assert_eq!(values("interfaces.value"), [json!("1"), json!("2")]);
    assert_eq!(values("interfaces.rates"), [json!(1), json!(2), json!(3)]);
    assert_eq!(values("interfaces").len(), 3);
    assert_eq!(values(&format!("{WARRANTY}:supplier.value")), [json!("s")]);
    assert_eq!(values("colour"), [] as [Value; 0]);

    let interfaces = device.attribute("interfaces").unwrap();
    let part = interfaces.child("TYPE").unwrap();
    assert_eq!(part.to_string(), "interfaces.type");
    assert_eq!(part.parent(), interfaces);
    assert_ne!(part, interfaces);
    assert_eq!(part.child("value"), None);
    assert_eq!(interfaces.child("nothing"), None);
}
