//! OneLogin, JumpCloud, authentik, the SCIM plug-ins of Keycloak, and single requests of others.

use serde_json::{Value, json};

use crate::captures::Row;
use crate::captures::stage::{GROUP, Stage, USER, without};

/// The requests of a client.
pub(crate) struct Table {
    pub(crate) client: &'static str,
    pub(crate) rows: &'static [Row],
}

pub(crate) const TABLES: [Table; 5] = [
    Table {
        client: "onelogin",
        rows: &[
            ("01-test-connection-missing-user", 200, lookup_of_nobody),
            ("02-lookup-user", 200, lookup_by_user_name),
            ("03-put-user-non-ietf-urns", 200, put_with_other_urns),
            ("05-patch-group-add-member-v1", 200, add_member_by_scim_1),
            ("06-patch-group-remove-member-v1", 200, remove_member_by_scim_1),
            ("08-emails-as-object", 201, emails_as_an_object),
        ],
    },
    Table {
        client: "jumpcloud",
        rows: &[
            ("02-put-user-full", 200, put_user),
            ("03-put-user-minimal-null-emails", 200, put_user),
            ("07-activation-lists-users", 200, list_users),
        ],
    },
    Table {
        client: "authentik",
        rows: &[
            ("01-service-provider-config", 200, service_provider_config),
            ("02-create-user", 201, create_user),
            ("04-conflict-lookup", 200, conflict_lookup),
            ("05-put-user", 200, put_what_was_created),
            ("06-delete-user", 204, delete_user),
            ("07-create-group", 201, create_group),
            ("08-add-members-one-op-each", 200, add_members),
            ("09-remove-member-value", 200, remove_member),
            ("11-update-group-pathless-no-schemas", 200, update_group),
            ("12-get-group-after-patch", 200, get_group),
            ("13-list-groups-page", 200, list_groups),
        ],
    },
    Table {
        client: "keycloak",
        rows: &[
            ("01-mitodl-create-user", 201, create_user),
            ("02-mitodl-patch-user-active-string", 200, deactivate_by_text),
            ("03-sdk-133-scalar-wrapped", 200, language_in_an_array),
            ("04-mitodl-replace-members", 200, replace_members),
            ("05-mitodl-remove-members-null-value", 200, remove_all_members),
            ("08-little-auth-set-active", 200, deactivate),
            ("09-little-auth-put-if-match", 200, put_if_match),
        ],
    },
    Table {
        client: "other",
        rows: &[
            ("azure-duplicate-member-add", 200, add_a_member_again),
            ("keyspider-add-members-pathless", 200, add_member_without_path),
            ("pingidentity-remove-all-members", 200, replace_members_by_none),
            ("sailpoint-delta-aggregation", 200, modified_since),
            ("sailpoint-resource-type-group", 200, resource_type),
            ("sailpoint-resource-type-user", 200, resource_type),
            ("wso2-add-members-pathless", 200, add_a_member_again_without_path),
        ],
    },
];

fn lookup_of_nobody(s: &mut Stage<'_>) {
    s.finds(&[]);
}

fn lookup_by_user_name(s: &mut Stage<'_>) {
    s.finds(&[]);
    let name = s.filter_value();
    s.create("Users", "looked up", json!({"userName": name}));
    s.finds(&["looked up"]);
    s.delete("Users", "looked up");
}

fn put_with_other_urns(s: &mut Stage<'_>) {
    s.user("e90ef750-39cc-4062-8c35-ab6375bc455e");
    let sent = s.body();
    s.changes(|user| {
        let before = user.take();
        *user = json!({
            "id": before["id"], "meta": before["meta"], "schemas": [USER],
            "userName": sent["userName"], "name": sent["name"], "active": before["active"],
        });
    });
}

fn emails_as_an_object(s: &mut Stage<'_>) {
    s.creates("J", |user| user["emails"] = json!([user["emails"]]));
}

fn add_member_by_scim_1(s: &mut Stage<'_>) {
    s.group("1", &["first"]);
    s.user("2");
    let members = s.members(&["first", "2"]);
    s.changes(|group| group["members"] = members);
    s.changes(|_| {});
}

fn remove_member_by_scim_1(s: &mut Stage<'_>) {
    let members = s.members(&["first"]);
    s.changes(|group| group["members"] = members);
    s.changes(|_| {});
}

fn put_user(s: &mut Stage<'_>) {
    let id = s.body()["id"].as_str().unwrap().to_owned();
    s.user(&id);
    let sent = s.body();
    s.changes(|user| {
        let before = user.take();
        let given = |(_, value): &(&String, &Value)| {
            !value.is_null() && value.as_array().is_none_or(|values| !values.is_empty())
        };
        let given = sent.as_object().unwrap().iter().filter(given);
        *user = given.map(|(name, value)| (name.clone(), value.clone())).collect();
        user["id"] = before["id"].clone();
        user["meta"] = before["meta"].clone();
        // The schema of the type first, whatever the order they were sent in.
        let mut schemas: Vec<Value> = user["schemas"].as_array().unwrap().clone();
        schemas.sort_by_key(|schema| schema != USER);
        user["schemas"] = Value::Array(schemas);
    });
    s.changes(|_| {});
}

fn list_users(s: &mut Stage<'_>) {
    let users = s.send().resources();
    assert_eq!(users.len(), 3);
    assert_eq!(users, s.all("Users"));
}

fn service_provider_config(s: &mut Stage<'_>) {
    let config = s.send().json();
    assert_eq!(config["patch"]["supported"], true);
    assert_eq!(config["filter"]["supported"], true);
    assert_eq!(config["authenticationSchemes"][0]["type"], "oauthbearertoken");
}

fn create_user(s: &mut Stage<'_>) {
    s.creates("1", |user| {
        user.as_object_mut().unwrap().remove("roles");
    });
    s.send_expecting(409);
}

/// Whoever finds the name taken adopts the user that has it.
fn conflict_lookup(s: &mut Stage<'_>) {
    s.finds(&["1"]);
}

fn put_what_was_created(s: &mut Stage<'_>) {
    s.changes(|_| {});
    s.patch("Users", "1", json!([{"op": "add", "value": {"title": "Dr.", "active": false}}]));
    s.changes(|user| {
        without(user, &["title"]);
        user["active"] = json!(true);
    });
}

fn delete_user(s: &mut Stage<'_>) {
    s.deletes();
    s.send_expecting(404);
    s.forget("1");
}

fn create_group(s: &mut Stage<'_>) {
    s.creates("1", |group| group["members"] = json!([]));
}

fn add_members(s: &mut Stage<'_>) {
    s.user("u1");
    s.user("u2");
    let members = s.members(&["u1", "u2"]);
    s.changes(|group| group["members"] = members);
    s.changes(|_| {});
}

fn remove_member(s: &mut Stage<'_>) {
    let members = s.members(&["u2"]);
    s.changes(|group| group["members"] = members);
    s.changes(|_| {});
}

fn update_group(s: &mut Stage<'_>) {
    let before = json!([{"op": "replace", "value": {"displayName": "Before", "externalId": "b"}}]);
    s.patch("Groups", "1", before);
    let value = s.value(0);
    let group = s.changes(|group| {
        group["displayName"] = value["displayName"].clone();
        group["externalId"] = value["externalId"].clone();
    });
    assert_eq!(group["schemas"], json!([GROUP]));
    assert_eq!(group["members"], s.members(&["u2"]));
}

/// An array always: authentik counts on it.
fn get_group(s: &mut Stage<'_>) {
    assert_eq!(s.send().json()["members"], s.members(&["u2"]));
    s.patch("Groups", "1", json!([{"op": "remove", "path": "members"}]));
    assert_eq!(s.send().json()["members"], json!([]));
}

fn list_groups(s: &mut Stage<'_>) {
    let groups = s.finds(&["bystanders", "1"]);
    assert_eq!(groups, s.all("Groups"));
}

fn deactivate_by_text(s: &mut Stage<'_>) {
    s.changes(|user| user["active"] = json!(false));
    s.changes(|_| {});
}

fn language_in_an_array(s: &mut Stage<'_>) {
    let [language] = <[Value; 1]>::try_from(s.value(0).as_array().unwrap().clone()).unwrap();
    s.changes(|user| user["preferredLanguage"] = language);
    // The user's name is wanted again.
    s.delete("Users", "1");
    s.forget("1");
}

fn replace_members(s: &mut Stage<'_>) {
    s.group("1", &["u2", "u3"]);
    s.user("u1");
    let (members, name, external) = (s.members(&["u1"]), s.value(1), s.value(2));
    s.changes(|group| {
        group["members"] = members;
        group["displayName"] = name;
        group["externalId"] = external;
    });
    assert!(s.groups_of("u2").is_empty());
}

fn remove_all_members(s: &mut Stage<'_>) {
    s.changes(|group| group["members"] = json!([]));
    assert!(s.groups_of("u1").is_empty());
    s.forget("1");
}

fn deactivate(s: &mut Stage<'_>) {
    s.user("1");
    s.changes(|user| user["active"] = json!(false));
    s.delete("Users", "1");
    s.forget("1");
}

/// The version that it read is the version there is, and the second time it is not.
fn put_if_match(s: &mut Stage<'_>) {
    let user = s.user("1");
    assert_eq!(s.header("If-Match"), user["meta"]["version"].as_str());
    let sent = s.body();
    let after = s.changes(|user| {
        let before = user.take();
        *user = sent;
        user["id"] = before["id"].clone();
        user["meta"] = before["meta"].clone();
    });
    s.send_expecting(412);
    assert_eq!(s.get("Users", "1"), after);
}

fn add_a_member_again(s: &mut Stage<'_>) {
    s.group("1", &["first", "u1"]);
    s.changes(|_| {});
    s.forget("1");
}

fn add_member_without_path(s: &mut Stage<'_>) {
    let member = "f648f8d5ea4e4cd38e9c";
    s.group("1", &["first"]);
    s.user(member);
    let members = s.members(&["first", member]);
    s.changes(|group| group["members"] = members);
    s.changes(|_| {});
    s.forget("1");
}

fn replace_members_by_none(s: &mut Stage<'_>) {
    s.group("1", &["first", "u1"]);
    s.changes(|group| group["members"] = json!([]));
}

fn modified_since(s: &mut Stage<'_>) {
    let modified = s.send().resources();
    assert_eq!(modified, s.all("Users"));
}

fn resource_type(s: &mut Stage<'_>) {
    let found = s.send().json();
    let name = found["name"].as_str().unwrap();
    assert_eq!(found["endpoint"], format!("/{name}s"));
    let schema = if name == "User" { USER } else { GROUP };
    assert_eq!(found["schema"], schema);
}

/// Once more is no error and no second member. The `$ref` is another server's.
fn add_a_member_again_without_path(s: &mut Stage<'_>) {
    let (group, member) =
        ("5c4d7483-c4cc-42a8-968e-48723584b0c7", "aa2757ce-4df7-450b-9e69-f37c94fcca7d");
    s.group(group, &["first"]);
    s.user(member);
    let members = s.members(&["first", member]);
    s.changes(|group| group["members"] = members);
    s.changes(|_| {});
}
