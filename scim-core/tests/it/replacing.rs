//! PUT (RFC 7644 §3.5.1): what a resource is after it was replaced.

use scim_core::schema::{ENTERPRISE_USER_URN, GROUP_URN, USER_URN};
use scim_core::{Ingest, Origin, Profile, Resource, ResourceType, Result, ScimType};
use serde_json::{Map, Value, json};
use std::sync::Arc;

use crate::device::{self, DEVICE, WARRANTY};

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("not an object: {other}"),
    }
}

fn put_to(
    resource_type: &Arc<ResourceType>,
    current: Value,
    given: Value,
) -> Result<Map<String, Value>> {
    let mut ingest = Ingest::new(resource_type, &Profile::STRICT, Origin::Request);
    let given = ingest.resource_from(object(given)).unwrap();
    given.replacing(&object(current)).map(Resource::into_attributes)
}

/// Replaces a device; both have a serial number.
fn put(current: Value, given: Value) -> Result<Value> {
    let mut current = object(current);
    let mut given = object(given);
    current.insert("serialNumber".into(), "SN-1".into());
    given.entry("serialNumber").or_insert("SN-1".into());
    given.insert("schemas".into(), json!([DEVICE]));
    let mut after = put_to(&device::resource_type(), current.into(), given.into())?;
    assert_eq!(after.remove("serialNumber").unwrap(), "SN-1");
    Ok(after.into())
}

fn refused(current: Value, given: Value) -> String {
    let error = put(current, given).unwrap_err();
    assert_eq!((error.status(), error.scim_type()), (400, Some(ScimType::Mutability)));
    error.detail().to_owned()
}

#[test]
fn what_is_absent_is_cleared_if_clients_write_it_and_kept_if_they_do_not() {
    let current = json!({
        "externalId": "x", "label": "l", "tags": ["a"], "location": {"building": "A"},
        "assetTag": "A-1", "pin": "0000", "installedAt": "2020-01-01T00:00:00Z",
        "batch": [{"value": "b"}],
        WARRANTY: {"contractNumber": "c", "claimCode": "1", "level": "gold"},
    });
    assert_eq!(
        put(current.clone(), json!({})).unwrap(),
        json!({
            "assetTag": "A-1", "pin": "0000", "installedAt": "2020-01-01T00:00:00Z",
            "batch": [{"value": "b"}],
            WARRANTY: {"claimCode": "1", "level": "gold"},
        })
    );
    assert_eq!(
        put(
            current,
            json!({
                "externalId": "y", "label": "m", "tags": ["b"], "assetTag": "A-2", "pin": "1111",
                "location": {"building": "B"}, WARRANTY: {"contractNumber": "d", "level": "none"},
            })
        )
        .unwrap(),
        json!({
            "externalId": "y", "label": "m", "tags": ["b"], "assetTag": "A-1", "pin": "1111",
            "location": {"building": "B"},
            "installedAt": "2020-01-01T00:00:00Z", "batch": [{"value": "b"}],
            WARRANTY: {"contractNumber": "d", "claimCode": "1", "level": "gold"},
        })
    );
}

#[test]
fn null_and_an_empty_array_clear_too() {
    let current = json!({"label": "l", "tags": ["a"], "assetTag": "A-1"});
    let given = json!({"label": null, "tags": [], "assetTag": null});
    assert_eq!(put(current, given).unwrap(), json!({"assetTag": "A-1"}));
}

#[test]
fn an_immutable_attribute_is_set_once() {
    let at = "2020-01-01T00:00:00Z";
    assert_eq!(put(json!({}), json!({"installedAt": at})).unwrap(), json!({"installedAt": at}));
    assert_eq!(
        refused(json!({"installedAt": at}), json!({"installedAt": "2021-01-01T00:00:00Z"})),
        "`installedAt` is immutable and has another value"
    );
    // "the input value(s) MUST match": as instants, here.
    let same = json!({"installedAt": "2020-01-01T01:00:00.0+01:00"});
    assert_eq!(put(json!({"installedAt": at}), same).unwrap(), json!({"installedAt": at}));

    assert!(refused(json!({}), json!({"serialNumber": "sn-1"})).starts_with("`serialNumber`"));
}

#[test]
fn many_immutable_values_match_in_any_order_and_by_their_types() {
    let batch = json!([
        {"value": "A", "at": "2020-01-01T00:00:00Z", "size": 1, "display": "first"},
        {"value": "B", "size": 2.5},
    ]);
    let current = json!({"batch": batch});
    let same = json!({"batch": [
        {"value": "b", "size": 2.5, "display": "ignored"},
        {"value": "a", "at": "2019-12-31T23:00:00-01:00", "size": 1.0},
    ]});
    assert_eq!(put(current.clone(), same).unwrap(), current);
    for given in [
        json!([{"value": "a", "at": "2020-01-01T00:00:00Z", "size": 1}]),
        json!([{"value": "b", "size": 2.5}, {"value": "b", "size": 2.5}]),
        json!([{"value": "a", "size": 1}, {"value": "b", "size": 2.5}]),
    ] {
        let detail = refused(current.clone(), json!({"batch": given}));
        assert_eq!(detail, "`batch` is immutable and has another value");
    }
}

#[test]
fn parts_of_a_complex_value_follow_their_own_mutability() {
    let surveyed = "2020-01-01T00:00:00Z";
    let current = json!({"location": {
        "building": "A", "floor": 1, "seal": "S", "door": "1234", "surveyedAt": surveyed,
    }});
    assert_eq!(
        put(current.clone(), json!({"location": {"building": "B"}})).unwrap(),
        json!({"location": {
            "building": "B", "seal": "S", "door": "1234", "surveyedAt": surveyed,
        }})
    );
    assert_eq!(
        refused(current.clone(), json!({"location": {"building": "A", "seal": "s"}})),
        "`location.seal` is immutable and has another value"
    );
    // The value as a whole is readWrite, and cleared as a whole.
    assert_eq!(put(current, json!({})).unwrap(), json!({}));
    let path = format!("`{WARRANTY}:supplier.since` is immutable and has another value");
    assert_eq!(
        refused(
            json!({WARRANTY: {"contractNumber": "c", "supplier": {"since": surveyed}}}),
            json!({WARRANTY: {"contractNumber": "c", "supplier": {"since": "2021-01-01T00:00:00Z"}}}),
        ),
        path
    );
}

/// errata.md P7: "Elements are added and removed whole […]. A PUT pairs elements by `value`."
#[test]
fn elements_are_paired_by_value() {
    let current = json!({"interfaces": [
        {"value": "eth0", "type": "wired", "display": "Left", "key": "k"},
        {"value": "wlan0", "type": "wireless", "display": "Air"},
        {"type": "wired", "display": "Nameless"},
    ]});
    let after = put(
        current.clone(),
        json!({"interfaces": [
            {"value": "wlan0"},
            {"value": "eth1", "type": "wired"},
            {"type": "wireless"},
            {"value": "eth0", "type": "WIRED", "primary": true},
        ]}),
    );
    assert_eq!(
        after.unwrap(),
        json!({"interfaces": [
            {"value": "wlan0", "type": "wireless", "display": "Air"},
            {"value": "eth1", "type": "wired"},
            {"type": "wireless"},
            {"value": "eth0", "type": "wired", "display": "Left", "key": "k", "primary": true},
        ]})
    );
    assert_eq!(
        refused(current, json!({"interfaces": [{"value": "eth0", "type": "wireless"}]})),
        "`interfaces.type` is immutable and has another value"
    );
}

#[test]
fn elements_with_one_value_are_told_apart_by_their_immutable_parts() {
    let current = json!({"interfaces": [
        {"value": "x", "type": "wired", "display": "1"},
        {"value": "x", "type": "wireless", "display": "2"},
    ]});
    let given = json!({"interfaces": [
        {"value": "x", "type": "wireless"},
        {"value": "x", "type": "wired"},
    ]});
    assert_eq!(
        put(current, given).unwrap(),
        json!({"interfaces": [
            {"value": "x", "type": "wireless", "display": "2"},
            {"value": "x", "type": "wired", "display": "1"},
        ]})
    );
}

#[test]
fn what_was_known_of_another_resource_goes_with_the_reference_to_it() {
    let current = json!({"owner": {"value": "1", "displayName": "Barbara"}});
    let put = |owner: Value| put(current.clone(), json!({"owner": owner})).unwrap();
    assert_eq!(put(json!({"value": "2"})), json!({"owner": {"value": "2"}}));
    assert_eq!(
        put(json!({"value": "1", "since": "2020-01-01T00:00:00Z"})),
        json!({"owner": {"value": "1", "displayName": "Barbara", "since": "2020-01-01T00:00:00Z"}})
    );
}

#[test]
fn a_user_stays_active_or_not_when_active_is_absent() {
    let user = ResourceType::user();
    let given = json!({"schemas": [USER_URN], "userName": "b"});
    for active in [true, false] {
        let current = json!({
            "userName": "a", "active": active, "title": "t",
            ENTERPRISE_USER_URN: {"department": "d"},
        });
        let after = put_to(&user, current, given.clone()).unwrap();
        assert_eq!(Value::from(after), json!({"userName": "b", "active": active}));
    }
    // Elsewhere `active` is as any other attribute; and so is a null for a user.
    let mut null = given;
    null["active"] = Value::Null;
    let after = put_to(&user, json!({"userName": "a", "active": false}), null).unwrap();
    assert_eq!(Value::from(after), json!({"userName": "b", "active": false}));
}

#[test]
fn the_members_of_a_group_are_those_given() {
    let group = ResourceType::group();
    let given = json!({
        "schemas": [GROUP_URN], "displayName": "g", "members": [{"value": "1", "type": "User"}],
    });
    let current = json!({"displayName": "g", "members": [{"value": "1", "type": "Group"}]});
    let after = put_to(&group, current, given).unwrap();
    assert_eq!(
        Value::from(after),
        json!({"displayName": "g", "members": [{"value": "1", "type": "User"}]})
    );
}

/// RFC 7644 §3.5.1 and DESIGN: an equal PUT changes nothing.
#[test]
fn putting_back_what_is_there_changes_nothing() {
    let current = json!({
        "label": "l", "assetTag": "A-1", "pin": "0000", "tags": ["a", "b"],
        "location": {"building": "A", "seal": "S", "surveyedAt": "2020-01-01T00:00:00Z"},
        "interfaces": [{"value": "eth0", "type": "wired", "display": "Left"}],
        "owner": {"value": "1", "displayName": "Barbara"},
        "batch": [{"value": "A", "display": "first"}],
        WARRANTY: {"contractNumber": "c", "level": "gold", "supplier": {"value": "s", "rating": "1"}},
    });
    assert_eq!(put(current.clone(), current.clone()).unwrap(), current);
}
