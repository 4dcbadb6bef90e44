//! What clients send beyond the RFC, and what the RFC allows though servers stumble over it: for
//! each input the state afterwards under `INTEROP`, and what `STRICT` does with it.
//!
//! The people and values are this file's own; the shapes are those of the identity providers that
//! `docs/interop.md` names.

use scim_core::Profile;
use serde_json::{Map, Value, json};

use crate::client::{Client, ENTERPRISE, GROUP, PATCH_OP, USER, builder};

/// What `STRICT` makes of an input.
enum Strict {
    /// The same.
    Same,
    /// It is refused with this `scimType`, and nothing changes.
    Refuses(&'static str),
    /// Success, and these attributes instead.
    Keeps(Value),
}
use Strict::{Keeps, Refuses, Same};

fn with(profile: Profile) -> Client {
    Client::of(builder().profile(profile).build())
}

/// What a resource holds beside what a server says of it.
fn content(mut resource: Value) -> Value {
    let object = resource.as_object_mut().unwrap();
    for own in ["id", "meta", "schemas", "groups"] {
        object.remove(own);
    }
    if let Some(members) = object.get_mut("members").and_then(Value::as_array_mut) {
        *members = members.iter().map(|member| member["value"].clone()).collect();
    }
    resource
}

/// `before` with `edit` merged over it: null takes away.
fn edited(before: &Value, edit: &Value) -> Value {
    let mut object = before.as_object().unwrap().clone();
    for (name, value) in edit.as_object().unwrap() {
        if value.is_null() {
            object.remove(name);
        } else {
            object.insert(name.clone(), value.clone());
        }
    }
    Value::Object(object)
}

/// Sends a PATCH body to a user, under both profiles; `edit` is what is then different.
#[track_caller]
fn patch_body(before: &Value, body: &Value, edit: Value, strict: Strict) {
    patch_under([(Profile::INTEROP, Same), (Profile::STRICT, strict)], before, body, edit);
}

#[track_caller]
fn patch_under<const N: usize>(
    cases: [(Profile, Strict); N],
    before: &Value,
    body: &Value,
    edit: Value,
) {
    for (profile, outcome) in cases {
        let (status, error, after, original) = block_on(async {
            let client = with(profile);
            let mut user = before.as_object().unwrap().clone();
            user.insert("schemas".into(), json!([USER, ENTERPRISE]));
            user.insert("userName".into(), json!("bjensen"));
            let created = client.post("/Users", Value::Object(user)).await;
            assert_eq!(created.status, 201, "{}", created.text);
            let path = format!("/Users/{}", created.id());
            let answer = client.send("PATCH", &path, &[], body.to_string()).await;
            let after = client.get(&path).await.json();
            (answer.status.as_u16(), answer.text, content(after), content(created.json()))
        });
        let name = profile.name();
        match outcome {
            Same => {
                assert_eq!(status, 200, "{name}: {body}: {error}");
                assert_eq!(after, edited(&original, &edit), "{name}: {body}");
            }
            Keeps(edit) => {
                assert_eq!(status, 200, "{name}: {body}: {error}");
                assert_eq!(after, edited(&original, &edit), "{name}: {body}");
            }
            Refuses(scim_type) => {
                assert_eq!(status, 400, "{name}: {body}: {after}");
                let error: Value = serde_json::from_str(&error).unwrap();
                assert_eq!(error["scimType"], scim_type, "{name}: {body}: {error}");
                assert_eq!(after, original, "{name}: {body}");
            }
        }
    }
}

#[track_caller]
fn patch(before: Value, operations: Value, edit: Value, strict: Strict) {
    patch_body(&before, &json!({"schemas": [PATCH_OP], "Operations": operations}), edit, strict);
}

/// Sends the body of a POST: what the user then holds beside its `userName`.
#[track_caller]
fn post(more: Value, expected: Value, strict: Strict) {
    let mut body = json!({"schemas": [USER], "userName": "bjensen"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    for (profile, outcome) in [(Profile::INTEROP, Same), (Profile::STRICT, strict)] {
        let (answer, stored) = block_on(async {
            let client = with(profile);
            let answer = client.post("/Users", body.clone()).await;
            let list = client.get("/Users").await.json();
            (answer, list["Resources"].as_array().unwrap().clone())
        });
        let name = profile.name();
        let expected = match &outcome {
            Same => &expected,
            Keeps(other) => other,
            Refuses(scim_type) => {
                answer.assert_error(400, Some(scim_type));
                assert!(stored.is_empty(), "{name}");
                continue;
            }
        };
        assert_eq!(answer.status, 201, "{name}: {body}: {}", answer.text);
        let wanted = edited(&json!({"userName": "bjensen"}), expected);
        assert_eq!(content(stored[0].clone()), wanted, "{name}: {body}");
    }
}

/// Sends a PATCH to a group of `bjensen` and `jsmith`, whose ids stand for `$b` and `$j`, and that of
/// `tjones`, who is in no group, for `$t`. `members` are then in it.
#[track_caller]
fn patch_group(body: Value, members: &[&str], strict: Strict) {
    for (profile, outcome) in [(Profile::INTEROP, Same), (Profile::STRICT, strict)] {
        block_on(async {
            let client = with(profile);
            let mut ids = Map::new();
            for (name, user) in [("$b", "bjensen"), ("$j", "jsmith"), ("$t", "tjones")] {
                ids.insert(name.to_owned(), json!(client.user(user).await));
            }
            let id = |name: &str| ids[name].as_str().unwrap();
            let group = client.group("Guides", &[id("$b"), id("$j")]).await;
            let mut text = body.to_string();
            for name in ["$b", "$j", "$t"] {
                text = text.replace(name, id(name));
            }
            let answer = client.send("PATCH", &format!("/Groups/{group}"), &[], text.clone()).await;
            let wanted: Vec<&str> = match &outcome {
                Same => members.iter().map(|name| id(name)).collect(),
                Keeps(other) => {
                    let names = other.as_array().unwrap().iter();
                    names.map(|name| id(name.as_str().unwrap())).collect()
                }
                Refuses(scim_type) => {
                    answer.assert_error(400, Some(scim_type));
                    vec![id("$b"), id("$j")]
                }
            };
            if !matches!(outcome, Refuses(_)) {
                assert_eq!(answer.status, 200, "{}: {text}: {}", profile.name(), answer.text);
            }
            assert_eq!(client.members(&group).await, wanted, "{}: {text}", profile.name());
        });
    }
}

fn operations(operations: Value) -> Value {
    json!({"schemas": [PATCH_OP], "Operations": operations})
}

/// The users that a filter finds, of `bjensen` (active, with all there is) and `jsmith`.
#[track_caller]
fn finds(filter: &str, found: &[&str], strict: Strict) {
    for (profile, outcome) in [(Profile::INTEROP, Same), (Profile::STRICT, strict)] {
        let answer = block_on(async {
            let client = with(profile);
            let babs = json!({
                "schemas": [USER, ENTERPRISE], "userName": "bjensen", "externalId": "701984",
                "active": true, "title": "Guide",
                "emails": [{"value": "b@work.example", "type": "work", "primary": true}],
                "roles": [{"value": "admin", "primary": true}],
                ENTERPRISE: {"department": "Tours", "manager": {"value": "26118915"}},
            });
            assert_eq!(client.post("/Users", babs).await.status, 201);
            let john = json!({"schemas": [USER], "userName": "jsmith", "active": false});
            assert_eq!(client.post("/Users", john).await.status, 201);
            let filter: String = filter
                .bytes()
                .map(|byte| match byte {
                    b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
                    b => format!("%{b:02X}"),
                })
                .collect();
            client.get(&format!("/Users?filter={filter}")).await
        });
        let wanted = match &outcome {
            Same => json!(found),
            Keeps(other) => other.clone(),
            Refuses(scim_type) => {
                answer.assert_error(400, Some(scim_type));
                continue;
            }
        };
        assert_eq!(answer.status, 200, "{}: {filter}: {}", profile.name(), answer.text);
        let list = answer.json();
        let names: Vec<&Value> =
            list["Resources"].as_array().unwrap().iter().map(|user| &user["userName"]).collect();
        assert_eq!(json!(names), wanted, "{}: {filter}", profile.name());
        assert_eq!(list["totalResults"], names.len());
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

// The envelope.

#[test]
fn op_in_any_case() {
    for op in ["Replace", "REPLACE", "rEPLACE"] {
        let operation = json!([{"op": op, "path": "title", "value": "Dr."}]);
        patch(json!({}), operation, json!({"title": "Dr."}), Refuses("invalidSyntax"));
    }
    for op in ["Add", "ADD"] {
        let operation = json!([{"op": op, "path": "title", "value": "Dr."}]);
        patch(json!({}), operation, json!({"title": "Dr."}), Refuses("invalidSyntax"));
    }
    let operation = json!([{"op": "Remove", "path": "title"}]);
    patch(json!({"title": "Ms."}), operation, json!({"title": null}), Refuses("invalidSyntax"));
}

/// RFC 7643 §2.1: names are compared without regard to case.
#[test]
fn keys_of_the_message_in_any_case() {
    for (operations, op) in [("operations", "op"), ("OPERATIONS", "OP"), ("Operations", "Op")] {
        let body = json!({
            "schemas": [PATCH_OP],
            operations: [{op: "add", "Path": "title", "VALUE": "Dr."}],
        });
        patch_body(&json!({}), &body, json!({"title": "Dr."}), Same);
    }
}

#[test]
fn a_patch_op_without_schemas() {
    for body in [
        json!({"Operations": [{"op": "add", "path": "title", "value": "Dr."}]}),
        json!({"schemas": [], "Operations": [{"op": "add", "path": "title", "value": "Dr."}]}),
        json!({"schemas": [USER], "Operations": [{"op": "add", "path": "title", "value": "Dr."}]}),
    ] {
        patch_body(&json!({}), &body, json!({"title": "Dr."}), Refuses("invalidSyntax"));
    }
}

#[test]
fn extra_keys_in_an_operation_are_ignored() {
    let operation =
        json!([{"op": "add", "path": "title", "value": "Dr.", "name": "addTitle", "from": 1}]);
    patch(json!({}), operation, json!({"title": "Dr."}), Same);
}

// Values without path.

#[test]
fn dotted_and_urn_keys_without_path() {
    let before = json!({"name": {"familyName": "Jensen", "givenName": "B."}});
    let named = json!({"name": {"familyName": "Jensen", "givenName": "Barbara"}});
    for op in ["add", "replace"] {
        let operation = json!([{"op": op, "value": {"name.givenName": "Barbara"}}]);
        patch(before.clone(), operation, named.clone(), Keeps(json!({})));
        let urn = format!("{ENTERPRISE}:employeeNumber");
        let operation = json!([{"op": op, "value": {urn: "701984", "title": "Dr."}}]);
        let edit = json!({ENTERPRISE: {"employeeNumber": "701984"}, "title": "Dr."});
        patch(json!({}), operation, edit, Keeps(json!({"title": "Dr."})));
    }
}

/// As Entra's validator of SCIM servers sends it.
#[test]
fn paths_with_filters_as_keys_without_path() {
    let email = |value: &str| json!({"value": value, "type": "work", "primary": true});
    for op in ["add", "replace"] {
        let operation = json!([{"op": op, "value": {
            r#"emails[type eq "work"].value"#: "b@example.com",
            r#"addresses[type eq "work"].country"#: "US",
            "title": "Dr.",
        }}]);
        let edit = json!({
            "emails": [email("b@example.com")],
            "addresses": [{"type": "work", "country": "US"}],
            "title": "Dr.",
        });
        let before = json!({"emails": [email("a@example.com")]});
        patch(before, operation, edit, Keeps(json!({"title": "Dr."})));
    }
}

/// What only the server says is ignored in a value without path (errata.md P6).
#[test]
fn id_schemas_and_meta_without_path() {
    let value = json!({
        "id": "another", "schemas": [USER], "title": "Dr.", "groups": [{"value": "1"}],
        "meta": {"resourceType": "Group", "lastModified": "1970-01-01T00:00:00Z"},
    });
    for op in ["add", "replace"] {
        let operation = json!([{"op": op, "value": value}]);
        patch(json!({}), operation, json!({"title": "Dr."}), Same);
    }
}

/// A correct request means what it says; Entra's are not correct, for their operation names begin
/// with a capital. Its preset has the quirk for every request.
#[test]
fn json_text_inside_a_string() {
    let text = r#"{"id":"25","value":"25","displayName":"Tour Guide"}"#;
    let role = json!({"roles": [{"value": "25", "display": "Tour Guide"}]});
    for op in ["Add", "Replace"] {
        let operation = json!([{"op": op, "path": "roles", "value": [{"value": text}]}]);
        patch(json!({}), operation, role.clone(), Refuses("invalidSyntax"));
    }
    let operation = json!([{"op": "add", "path": "roles", "value": [{"value": text}]}]);
    patch(json!({}), operation.clone(), json!({"roles": [{"value": text}]}), Same);
    let entra = [(Profile::ENTRA, Same), (Profile::ENTRA_SCIM2, Same)];
    patch_under(entra, &json!({}), &operations(operation), role);
    post(json!({"roles": [{"value": text}]}), json!({"roles": [{"value": text}]}), Same);
}

// Shapes of values.

#[test]
fn booleans_as_strings() {
    for (text, boolean) in [("True", true), ("False", false), ("false", false), ("TRUE", true)] {
        post(json!({"active": text}), json!({"active": boolean}), Refuses("invalidValue"));
        let operation = json!([{"op": "replace", "path": "active", "value": text}]);
        patch(
            json!({"active": !boolean}),
            operation,
            json!({"active": boolean}),
            Refuses("invalidValue"),
        );
        let operation = json!([{"op": "replace", "value": {"active": text}}]);
        patch(
            json!({"active": !boolean}),
            operation,
            json!({"active": boolean}),
            Refuses("invalidValue"),
        );
    }
    for text in ["yes", "1", "Truee"] {
        let operation = json!([{"op": "replace", "path": "active", "value": text}]);
        let client = with(Profile::INTEROP);
        block_on(async {
            let path = format!("/Users/{}", client.user("bjensen").await);
            client.patch(&path, operation.clone()).await.assert_error(400, Some("invalidValue"));
        });
    }
}

#[test]
fn a_boolean_as_a_string_in_the_filter_of_a_path() {
    let before = json!({"roles": [{"value": "admin", "primary": true}, {"value": "user"}]});
    let edit = json!({"roles": [{"value": "owner", "primary": true}, {"value": "user"}]});
    let path = r#"roles[primary eq "True"].value"#;
    let operation = json!([{"op": "replace", "path": path, "value": "owner"}]);
    patch(before, operation, edit, Refuses("invalidFilter"));
}

#[test]
fn a_scalar_in_an_array_and_an_element_without_one() {
    let email = json!({"value": "b@example.com", "type": "work"});
    let operation = json!([{"op": "replace", "path": "title", "value": ["Dr."]}]);
    patch(json!({}), operation, json!({"title": "Dr."}), Refuses("invalidValue"));
    post(json!({"title": ["Dr."]}), json!({"title": "Dr."}), Refuses("invalidValue"));
    post(json!({"emails": email}), json!({"emails": [email]}), Refuses("invalidValue"));
    // One value for an array is the RFC's own way in a PATCH (errata.md P4).
    for op in ["add", "replace"] {
        let operation = json!([{"op": op, "path": "emails", "value": email}]);
        patch(json!({}), operation, json!({"emails": [email]}), Same);
    }
    // Two are not one.
    let client = with(Profile::INTEROP);
    block_on(async {
        let path = format!("/Users/{}", client.user("bjensen").await);
        let two = json!([{"op": "replace", "path": "title", "value": ["Dr.", "Ms."]}]);
        client.patch(&path, two).await.assert_error(400, Some("invalidValue"));
    });
}

#[test]
fn a_bare_string_for_a_complex_attribute() {
    let edit = json!({ENTERPRISE: {"manager": {"value": "26118915"}}});
    let path = format!("{ENTERPRISE}:manager");
    for value in [json!("26118915"), json!([{"value": "26118915"}]), json!(["26118915"])] {
        let operation = json!([{"op": "add", "path": path, "value": value}]);
        patch(json!({}), operation, edit.clone(), Refuses("invalidValue"));
    }
    let operation = json!([{"op": "add", "path": path, "value": {"value": "26118915"}}]);
    patch(json!({}), operation, edit.clone(), Same);
    let operation = json!([{"op": "add", "path": "manager", "value": "26118915"}]);
    patch(json!({}), operation, edit, Refuses("invalidPath"));
    let add = json!([{"op": "add", "path": "members", "value": ["$t"]}]);
    patch_group(operations(add), &["$b", "$j", "$t"], Refuses("invalidValue"));
}

#[test]
fn an_object_for_an_attribute_that_is_not_complex() {
    let title = json!({"title": "Dr."});
    for value in [json!({"value": "Dr."}), json!([{"$ref": null, "value": "Dr."}])] {
        let operation = json!([{"op": "replace", "path": "title", "value": value}]);
        patch(json!({}), operation, title.clone(), Refuses("invalidValue"));
        post(json!({"title": value}), title.clone(), Refuses("invalidValue"));
    }
    let operation =
        json!([{"op": "replace", "path": "active", "value": [{"$ref": null, "value": "False"}]}]);
    let active = json!({"active": false});
    patch(json!({"active": true}), operation, active, Refuses("invalidValue"));
}

#[test]
fn a_number_for_a_text() {
    let edit = json!({ENTERPRISE: {"employeeNumber": "701984"}});
    post(json!({ENTERPRISE: {"employeeNumber": 701984}}), edit.clone(), Refuses("invalidValue"));
    let path = format!("{ENTERPRISE}:employeeNumber");
    let operation = json!([{"op": "add", "path": path, "value": 701984}]);
    patch(json!({}), operation, edit, Refuses("invalidValue"));
}

/// Arrays and objects as JSON texts, where no text belongs.
#[test]
fn json_text_in_place_of_a_value() {
    let roles = json!({"roles": [{"value": "25", "display": "Guide"}]});
    let role = r#"{"id": "x", "value": "25", "displayName": "Guide"}"#;
    for value in [json!(role), json!([role]), json!(format!("[{role}]"))] {
        let operation = json!([{"op": "add", "path": "roles", "value": value}]);
        patch(json!({}), operation, roles.clone(), Refuses("invalidValue"));
    }
    let operation = json!([{"op": "replace", "value": r#"{"title": "Dr."}"#}]);
    patch(json!({}), operation, json!({"title": "Dr."}), Refuses("invalidValue"));
    let add = json!([{"op": "add", "path": "members", "value": r#"[{"value": "$t"}]"#}]);
    let text = operations(add).to_string();
    patch_group(serde_json::from_str(&text).unwrap(), &["$b", "$j", "$t"], Refuses("invalidValue"));
}

#[test]
fn empty_values_as_remove() {
    let title = json!({"title": "Dr."});
    for nothing in [json!(null), json!([])] {
        let operation = json!([{"op": "replace", "path": "emails", "value": nothing}]);
        let before = json!({"emails": [{"value": "b@example.com"}]});
        patch(before, operation, json!({"emails": null}), Same);
    }
    let operation = json!([{"op": "replace", "path": "title", "value": null}]);
    patch(title.clone(), operation, json!({"title": null}), Same);
    // An empty text is a text in a correct request, and means none in Entra's.
    let operation = json!([{"op": "replace", "path": "title", "value": ""}]);
    patch(title.clone(), operation.clone(), json!({"title": ""}), Same);
    let entra = [(Profile::ENTRA, Same), (Profile::ENTRA_SCIM2, Same)];
    patch_under(entra, &title, &operations(operation.clone()), json!({"title": null}));
    let others = [
        (Profile::OKTA, Same),
        (Profile::ONELOGIN, Same),
        (Profile::JUMPCLOUD, Same),
        (Profile::AUTHENTIK, Same),
        (Profile::KEYCLOAK, Same),
    ];
    patch_under(others, &title, &operations(operation), json!({"title": ""}));
    let operation = json!([{"op": "Replace", "path": "title", "value": ""}]);
    patch(title.clone(), operation, json!({"title": null}), Refuses("invalidSyntax"));
    let body = json!({"Operations": [{"op": "replace", "value": {"title": ""}}]});
    patch_body(&title, &body, json!({"title": null}), Refuses("invalidSyntax"));
    // Elsewhere it is none, whoever sends it: no boolean, and no id.
    let operation = json!([{"op": "replace", "path": "active", "value": ""}]);
    patch(json!({"active": true}), operation, json!({"active": null}), Refuses("invalidValue"));
    let before = json!({ENTERPRISE: {"manager": {"value": "26118915"}, "department": "Tours"}});
    let edit = json!({ENTERPRISE: {"department": "Tours"}});
    let path = format!("{ENTERPRISE}:manager");
    let operation = json!([{"op": "replace", "path": path, "value": {"value": ""}}]);
    patch(before.clone(), operation, edit.clone(), Refuses("invalidValue"));
    let operation = json!([{"op": "replace", "path": path, "value": ""}]);
    patch(before.clone(), operation, edit.clone(), Refuses("invalidValue"));
    let operation = json!([{"op": "replace", "path": path, "value": null}]);
    patch(before, operation, edit, Same);
    // RFC 7643 §2.5: null and an empty array are no value.
    post(json!({"title": null, "emails": [], "roles": null}), json!({}), Same);
    post(json!({"title": ""}), json!({"title": ""}), Same);
    let nobody = json!({ENTERPRISE: {"manager": {"value": ""}}});
    post(nobody, json!({}), Refuses("invalidValue"));
    let members = json!([{"op": "add", "path": "members", "value": [{"value": ""}]}]);
    patch_group(operations(members), &["$b", "$j"], Refuses("invalidValue"));
}

// Filters that match nothing.

#[test]
fn a_value_filter_that_matches_nothing_creates_the_element() {
    let home = json!({"type": "home", "locality": "Paris"});
    for op in ["add", "replace"] {
        let path = r#"addresses[type eq "work"]"#;
        let operation = json!([
            {"op": op, "path": format!("{path}.streetAddress"), "value": "1 Road"},
            {"op": op, "path": format!("{path}.country"), "value": "US"},
            {"op": op, "path": format!("{path}.locality"), "value": "Lyon"},
        ]);
        let work = json!({
            "type": "work", "streetAddress": "1 Road", "country": "US", "locality": "Lyon",
        });
        let edit = json!({"addresses": [home, work]});
        patch(json!({"addresses": [home]}), operation, edit, Refuses("noTarget"));
        let both = r#"emails[type eq "work" and primary eq true].value"#;
        let operation = json!([{"op": op, "path": both, "value": "b@example.com"}]);
        let email = json!({"type": "work", "primary": true, "value": "b@example.com"});
        patch(json!({}), operation, json!({"emails": [email]}), Refuses("noTarget"));
    }
    // What says more than equalities tells no element to make.
    let client = with(Profile::INTEROP);
    block_on(async {
        let path = format!("/Users/{}", client.user("bjensen").await);
        let or = r#"emails[type eq "work" or type eq "home"].value"#;
        let operation = json!([{"op": "replace", "path": or, "value": "b@example.com"}]);
        client.patch(&path, operation).await.assert_error(400, Some("noTarget"));
    });
}

// Members.

#[test]
fn remove_members_with_a_value_removes_those_and_only_those() {
    let remove =
        |value: Value| operations(json!([{"op": "remove", "path": "members", "value": value}]));
    for value in
        [json!([{"value": "$b"}]), json!({"value": "$b"}), json!([{"value": "$b", "$ref": null}])]
    {
        patch_group(remove(value), &["$j"], Refuses("invalidSyntax"));
    }
    patch_group(remove(json!([{"value": "$b"}, {"value": "$j"}])), &[], Refuses("invalidSyntax"));
    // Who is not in it, and nobody, take nobody with them.
    patch_group(remove(json!([{"value": "$t"}])), &["$b", "$j"], Refuses("invalidSyntax"));
    patch_group(remove(json!([])), &["$b", "$j"], Refuses("invalidSyntax"));
    // Null is no value, and the path alone means all (RFC 7644 §3.5.2.2).
    patch_group(remove(Value::Null), &[], Same);
    patch_group(operations(json!([{"op": "remove", "path": "members"}])), &[], Same);
}

#[test]
fn a_member_by_a_filter_in_any_case_of_value() {
    for name in ["value", "VALUE", "Value"] {
        let path = format!(r#"members[{name} eq "$b"]"#);
        patch_group(operations(json!([{"op": "remove", "path": path}])), &["$j"], Same);
        let path = format!(r#"Members[{name} EQ "$t"]"#);
        patch_group(operations(json!([{"op": "remove", "path": path}])), &["$b", "$j"], Same);
    }
}

#[test]
fn repeated_adds_and_add_with_remove_in_one_request() {
    let add = |who: &str| json!({"op": "add", "path": "members", "value": [{"value": who}]});
    let remove =
        |who: &str| json!({"op": "remove", "path": format!("members[value eq \"{who}\"]")});
    patch_group(operations(json!([add("$b")])), &["$b", "$j"], Same);
    patch_group(operations(json!([add("$t"), add("$t")])), &["$b", "$j", "$t"], Same);
    patch_group(operations(json!([add("$t"), remove("$t")])), &["$b", "$j"], Same);
    patch_group(operations(json!([remove("$b"), add("$b")])), &["$j", "$b"], Same);
    patch_group(operations(json!([remove("$t"), remove("$t")])), &["$b", "$j"], Same);
    let value = json!({"members": [{"value": "$t", "$ref": null}, {"value": "$b"}]});
    patch_group(operations(json!([{"op": "add", "value": value}])), &["$b", "$j", "$t"], Same);
    for nobody in [json!([]), json!(null)] {
        let operation = json!([{"op": "replace", "path": "members", "value": nobody}]);
        patch_group(operations(operation), &[], Same);
        let operation = json!([{"op": "add", "path": "members", "value": nobody}]);
        patch_group(operations(operation), &["$b", "$j"], Same);
    }
}

#[test]
fn the_patch_of_scim_1() {
    let body =
        |members: Value| json!({"schemas": ["urn:scim:schemas:core:1.0"], "members": members});
    let delete = json!([{"value": "$b", "operation": "delete"}, {"value": "$t"}]);
    patch_group(body(delete), &["$j", "$t"], Refuses("invalidSyntax"));
    let add = json!([{"value": "$t", "operation": "add"}]);
    patch_group(json!({"members": add}), &["$b", "$j", "$t"], Refuses("invalidSyntax"));
}

// Filters of queries.

#[test]
fn filters_beyond_the_grammar() {
    finds("externalId eq 701984", &["bjensen"], Refuses("invalidFilter"));
    finds("userName eq bjensen", &["bjensen"], Refuses("invalidFilter"));
    finds("userName eq 'bjensen'", &["bjensen"], Refuses("invalidFilter"));
    finds(r#"active eq "True""#, &["bjensen"], Refuses("invalidFilter"));
    finds(r#"roles[primary eq "True"].value eq "admin""#, &["bjensen"], Refuses("invalidFilter"));
    finds(
        r#"emails[type eq "work"].value eq "b@work.example""#,
        &["bjensen"],
        Refuses("invalidFilter"),
    );
    finds(r#"emails[type eq "home"].value eq "b@work.example""#, &[], Refuses("invalidFilter"));
    finds(r#"not userName eq "bjensen""#, &["jsmith"], Refuses("invalidFilter"));
    finds(r#"department eq "Tours""#, &["bjensen"], Keeps(json!([])));
    finds(r#"manager eq "26118915""#, &["bjensen"], Keeps(json!([])));
    for urn in [
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0User",
        "urn:scim:schemas:extension:enterprise:2.0",
        "urn:scim:schemas:extension:enterprise:1.0",
    ] {
        finds(&format!(r#"{urn}:department eq "Tours""#), &["bjensen"], Keeps(json!([])));
    }
    finds(r#"urn:scim:schemas:core:1.0:userName eq "bjensen""#, &["bjensen"], Keeps(json!([])));
}

/// Lookups of what does not exist are empty lists, and an unknown attribute has no value.
#[test]
fn correct_filters_and_lookups_of_nothing() {
    finds(r#"userName eq "nobody""#, &[], Same);
    finds(r#"USERNAME EQ "BJENSEN""#, &["bjensen"], Same);
    finds(&format!(r#"{ENTERPRISE}:department eq "tours""#), &["bjensen"], Same);
    finds(r#"nosuch eq "x""#, &[], Same);
    for profile in [Profile::INTEROP, Profile::STRICT] {
        block_on(async {
            let client = with(profile);
            client.get("/Users/nobody").await.assert_error(404, None);
            let id = client.user("bjensen").await;
            client.get(&format!("/Groups/{id}")).await.assert_error(404, None);
            let again = json!({"schemas": [USER], "userName": "BJENSEN"});
            client.post("/Users", again).await.assert_error(409, Some("uniqueness"));
        });
    }
}

// Schemas and attributes that are unknown.

#[test]
fn unknown_attributes_and_schema_uris() {
    let other = "http://schemas.example.com/2006/11/User";
    post(json!({"nosuch": 1, "nick": {"a": []}}), json!({}), Same);
    post(json!({other: {"x": 1}}), json!({}), Same);
    post(json!({"schemas": [USER, other]}), json!({}), Refuses("invalidValue"));
    post(json!({"schemas": []}), json!({}), Refuses("invalidValue"));
    let operation = json!([
        {"op": "add", "path": "nosuch", "value": "x"},
        {"op": "add", "path": "title", "value": "Dr."},
    ]);
    patch(json!({}), operation, json!({"title": "Dr."}), Refuses("invalidPath"));
    let operation = json!([{"op": "add", "value": {"nosuch": "x", "title": "Dr."}}]);
    patch(json!({}), operation, json!({"title": "Dr."}), Same);
    let operation = json!([
        {"op": "add", "path": r#"emails[nosuch eq "work"].value"#, "value": "x"},
        {"op": "add", "path": "title", "value": "Dr."},
    ]);
    patch(json!({}), operation, json!({"title": "Dr."}), Refuses("invalidFilter"));
}

#[test]
fn a_second_schema_uri_of_a_group() {
    for (profile, status) in [(Profile::INTEROP, 201), (Profile::STRICT, 400)] {
        block_on(async {
            let client = with(profile);
            let body = json!({
                "schemas": [GROUP, "http://schemas.example.com/2006/11/ResourceManagement/Group"],
                "displayName": "Guides",
            });
            let answer = client.post("/Groups", body).await;
            assert_eq!(answer.status, status, "{}", answer.text);
            if status == 201 {
                assert_eq!(answer.json()["schemas"], json!([GROUP]));
            }
        });
    }
}

/// Data under another spelling of the enterprise schema is kept.
#[test]
fn other_spellings_of_the_enterprise_schema() {
    for urn in [
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0User",
        "urn:scim:schemas:extension:enterprise:2.0",
        "urn:scim:schemas:extension:enterprise:1.0",
    ] {
        let edit = json!({ENTERPRISE: {"department": "Tours"}});
        post(json!({urn: {"department": "Tours"}}), edit.clone(), Keeps(json!({})));
        let schemas = json!({"schemas": [USER, urn], urn: {"department": "Tours"}});
        post(schemas, edit.clone(), Refuses("invalidValue"));
        let path = format!("{urn}:department");
        let operation = json!([{"op": "add", "path": path, "value": "Tours"}]);
        patch(json!({}), operation, edit.clone(), Refuses("invalidPath"));
        let operation = json!([{"op": "add", "value": {urn: {"department": "Tours"}}}]);
        patch(json!({}), operation, edit.clone(), Keeps(json!({})));
    }
}

/// What only the server says, and the client's own id: ignored, equal or different, on POST and PUT.
#[test]
fn read_only_attributes_echoed_back() {
    for profile in [Profile::INTEROP, Profile::STRICT] {
        block_on(async {
            let client = with(profile);
            let body = json!({
                "schemas": [USER], "userName": "bjensen", "id": "mine", "externalId": "mine",
                "meta": {"resourceType": "Group", "version": "W/\"9\""}, "groups": [{"value": "1"}],
            });
            let created = client.post("/Users", body).await;
            assert_eq!(created.status, 201, "{}", created.text);
            let user = created.json();
            assert_ne!(user["id"], "mine");
            assert_eq!(user["externalId"], "mine");
            assert_eq!((&user["meta"]["resourceType"], user.get("groups")), (&json!("User"), None));
            let path = format!("/Users/{}", created.id());
            // Echoed back as it is, it changes nothing.
            assert_eq!(client.put(&path, user.clone()).await.json(), user);
            let mut other = user.clone();
            other["id"] = json!("another");
            other["meta"]["created"] = json!("1970-01-01T00:00:00Z");
            other["groups"] = json!([{"value": "1"}]);
            assert_eq!(client.put(&path, other).await.json(), user, "{}", profile.name());
            // By a path of its own it is an error, unless it is what it is.
            for (path_of, value) in [("id", json!("another")), ("meta.version", json!("W/\"9\""))] {
                let operation = json!([{"op": "replace", "path": path_of, "value": value}]);
                client.patch(&path, operation).await.assert_error(400, Some("mutability"));
            }
            assert_eq!(client.get(&path).await.json(), user);
        });
    }
}
