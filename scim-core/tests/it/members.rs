//! References to other resources, identities and metadata, as stores and the service use them.

use scim_core::schema::{GROUP_URN, USER_URN};
use scim_core::{
    Ingest, Member, Meta, Origin, Profile, Resource, ResourceId, ResourceType, is_primary,
    parse_boolean, refers_to_resource,
};
use serde_json::{Value, json};

fn group(members: Value) -> Resource {
    let body = json!({"schemas": [GROUP_URN], "displayName": "g", "members": members});
    let group = ResourceType::group();
    let mut ingest = Ingest::new(&group, &Profile::STRICT, Origin::Request);
    ingest.resource(body.to_string().as_bytes()).unwrap()
}

#[test]
fn a_membership_list_holds_each_member_once() {
    let mut group = group(json!([
        {"value": "1", "type": "User", "display": "readOnly"},
        {"value": "2", "$ref": "https://example.com/v2/Groups/2"},
        {"value": "1", "type": "Group"},
        {"$ref": "https://example.com/v2/Users/3"},
        {"type": "User"},
    ]));
    let members = group.take_members();
    let values: Vec<&str> = members.iter().map(|m| &*m.value).collect();
    assert_eq!(values, ["1", "2", "3"]);
    assert_eq!(members[0].resource_type.as_deref(), Some("User"));
    assert!(members.iter().all(|m| m.display.is_none() && !m.exists));
    assert!(group.take_members().is_empty());
    assert_eq!(
        group.to_document_text(),
        format!(r#"{{"schemas":["{GROUP_URN}"],"displayName":"g"}}"#)
    );
}

#[test]
fn a_member_writes_what_is_known_of_it() {
    assert_eq!(Value::from(Member::new("1").to_json()), json!({"value": "1"}));
    let member = Member {
        resource_type: Some("User".into()),
        display: Some("Babs".into()),
        exists: true,
        ..Member::new("1")
    };
    let json = Value::from(member.to_json());
    assert_eq!(json, json!({"value": "1", "type": "User", "display": "Babs"}));
    let read = Member::from_json(&json).unwrap();
    assert_eq!(read, Member { resource_type: Some("User".into()), ..Member::new("1") });
    assert_eq!(Member::from_json(&json!({"type": "User"})), None);
    assert_eq!(Member::from_json(&json!("1")), None);
}

#[test]
fn attributes_that_refer_to_resources_have_a_value_and_a_ref_to_a_resource_type() {
    let user = ResourceType::user();
    let refers = |path: &str| {
        let found = user.attribute(path).or_else(|| user.unqualified_extension_attribute(path));
        refers_to_resource(found.unwrap().attribute())
    };
    assert!(refers("groups") && refers("manager"));
    assert!(!refers("emails") && !refers("photos") && !refers("name") && !refers("userName"));
    assert!(refers_to_resource(ResourceType::group().attribute("members").unwrap().attribute()));
}

#[test]
fn a_secret_leaves_the_resource_and_does_not_print() {
    let user = ResourceType::user();
    let body = json!({"schemas": [USER_URN], "userName": "b", "password": "t1meMa$heen"});
    let mut ingest = Ingest::new(&user, &Profile::STRICT, Origin::Request);
    let mut resource = ingest.resource(body.to_string().as_bytes()).unwrap();
    let secret = resource.take_secret().unwrap();
    assert!(!format!("{secret:?}").contains("t1me"));
    assert!(resource.take_secret().is_none());
    assert!(!resource.to_document_text().contains("password"));
}

#[test]
fn a_resource_is_identified_by_its_service_provider() {
    let meta = Meta {
        resource_type: Some("Group".into()),
        created: Some("2020-01-01T00:00:00+01:00".parse().unwrap()),
        version: Some("W/\"7\"".into()),
        ..Meta::default()
    };
    let resource = group(json!([])).identified(ResourceId::new("17").unwrap(), meta);
    assert_eq!(
        Value::from(resource.to_json()),
        json!({
            "schemas": [GROUP_URN], "id": "17", "displayName": "g",
            "meta": {"resourceType": "Group", "created": "2019-12-31T23:00:00Z", "version": "W/\"7\""},
        })
    );
    assert_eq!(resource.meta().unwrap().version(), Some(7.into()));
    assert_eq!(resource.external_id(), None);
    // They are not among the attributes.
    assert_eq!(
        (resource.get("id"), resource.get("meta"), resource.get("schemas")),
        (None, None, None)
    );
    let canonical = Resource::from_canonical(ResourceType::group(), resource.to_json());
    assert_eq!(canonical.attributes(), resource.attributes());
    assert!(canonical.id().is_none() && canonical.meta().is_none());
}

#[test]
fn booleans_are_read_in_any_case_and_nothing_else_is_one() {
    assert_eq!(["true", "TRUE", "False"].map(parse_boolean), [Some(true), Some(true), Some(false)]);
    assert_eq!(["", "1", "yes", "true ", "ｔｒｕｅ"].map(parse_boolean), [None; 5]);
    assert!(is_primary(&json!({"primary": true})));
    for element in [json!({"primary": false}), json!({"primary": "true"}), json!({}), json!(true)] {
        assert!(!is_primary(&element));
    }
}
