//! Microsoft Entra ID. Its documentation calls a user or group by another id on every page, so the
//! sequence is: a look at what is there, users, their managers and roles, groups.

use serde_json::{Value, json};

use crate::captures::Row;
use crate::captures::stage::{ENTERPRISE, GROUP, Stage, USER, enterprise, of_type, without};

pub(crate) const ROWS: [Row; 37] = [
    ("01-test-connection-random-guid", 200, lookup_of_nobody),
    ("03-lookup-user-userName", 200, lookup_by_user_name),
    ("05-lookup-user-externalId-unquoted", 200, lookup_by_external_id),
    ("07-create-user", 201, create_user),
    ("08-create-user-legacy-nulls", 201, create_user_with_nulls),
    ("09-get-user", 200, get_user),
    ("10-get-user-missing", 404, get_nobody),
    ("11-reference-check-manager-legacy", 200, manager_check),
    ("13-patch-user-userName", 200, rename_user),
    ("14-disable-user-bool", 200, disable_user),
    ("15-disable-user-string-False", 200, disable_user),
    ("17-patch-add-nickname", 200, add_nick_name),
    ("18-patch-multi-without-flag", 200, several_attributes),
    ("19-patch-multi-with-flag-dotted-keys", 200, several_attributes_under_dotted_keys),
    ("20-add-manager-array-ref", 200, manager_in_an_array),
    ("21-add-manager-bare-string", 200, manager_as_a_bare_string),
    ("22-roles-create-single", 201, create_with_role),
    ("23-roles-patch-json-in-string", 200, roles_as_json_texts),
    ("24-roles-patch-json-in-string-multi", 200, roles_as_json_texts),
    ("25-roles-assertive-replace", 200, roles_replaced),
    ("26-address-formatted-add-when-absent", 200, first_work_address),
    ("27-address-formatted-replace-when-absent", 200, first_work_address),
    ("28-patch-pathless-add-dotted", 200, dotted_keys),
    ("29-patch-pathless-replace-name", 200, dotted_keys),
    ("30-patch-displayName-leading-space", 200, display_name_with_a_space),
    ("31-delete-user", 204, delete_user),
    ("32-lookup-group-displayName", 200, lookup_group),
    ("33-get-group-exclude-members", 200, get_group_without_members),
    ("34-create-group", 201, create_group),
    ("35-create-group-members-empty", 201, create_group),
    ("36-rename-group", 200, rename_group),
    ("37-add-member", 200, add_member),
    ("38-remove-member-value-array", 200, remove_member),
    ("39-remove-member-value-array-noref", 200, remove_member_by_value_alone),
    ("40-remove-member-with-flag", 200, remove_member_by_filter),
    ("43-delete-group", 204, delete_group),
    ("45-patch-enterprise-department", 200, department),
];

/// What it sends only without `aadOptscim062020`: with it booleans are such, several attributes come in
/// one value, and members are removed by a filter.
pub(crate) const WITHOUT_THE_FLAG: [&str; 5] = [
    "15-disable-user-string-False",
    "17-patch-add-nickname",
    "18-patch-multi-without-flag",
    "38-remove-member-value-array",
    "39-remove-member-value-array-noref",
];

fn lookup_of_nobody(s: &mut Stage<'_>) {
    s.finds(&[]);
}

/// `userName` is compared without regard to case (RFC 7643 §4.1.1).
fn lookup_by_user_name(s: &mut Stage<'_>) {
    s.finds(&[]);
    let name = s.filter_value();
    s.create("Users", "looked up", json!({"userName": name.to_uppercase()}));
    s.create("Users", "similar", json!({"userName": format!("{name}x")}));
    s.finds(&["looked up"]);
    s.delete("Users", "looked up");
    s.delete("Users", "similar");
    s.finds(&[]);
}

/// `externalId` is compared exactly (RFC 7643 §3.1).
fn lookup_by_external_id(s: &mut Stage<'_>) {
    let id = s.filter_value();
    s.create("Users", "looked up", json!({"userName": "a", "externalId": id}));
    s.create("Users", "similar", json!({"userName": "b", "externalId": id.to_uppercase()}));
    s.finds(&["looked up"]);
    s.delete("Users", "looked up");
    s.delete("Users", "similar");
}

fn create_user(s: &mut Stage<'_>) {
    let created = s.creates("created", |user| {
        without(user, &["roles"]);
        // It has no attribute of the extension that it announces.
        user["schemas"] = json!([USER]);
    });
    assert_eq!(created["active"], true);
    s.send_expecting(409);
}

fn create_user_with_nulls(s: &mut Stage<'_>) {
    s.creates("created with nulls", |user| {
        without(user, &["addresses", "phoneNumbers", "preferredLanguage", "title"]);
        without(user, &["department", "manager"]);
        user["schemas"] = json!([USER]);
    });
}

fn get_user(s: &mut Stage<'_>) {
    let user = s.user("5d48a0a8e9f04aa38008");
    assert_eq!(s.send().json(), user);
}

fn get_nobody(s: &mut Stage<'_>) {
    let detail = s.send().json()["detail"].clone();
    assert!(detail.is_string(), "{detail}");
}

fn manager_check(s: &mut Stage<'_>) {
    let (user, manager) =
        ("54D382A4-2050-4C03-94D1-E769F1D15682", "2819c223-7f76-453a-919d-413861904646");
    s.user(user);
    s.user(manager);
    s.user("another manager");
    s.finds(&[]);
    let managed_by = |s: &Stage<'_>, manager: &str| {
        let path = format!("{ENTERPRISE}:manager");
        s.patch(
            "Users",
            user,
            json!([{"op": "replace", "path": path, "value": {"value": s.id(manager)}}]),
        );
    };
    managed_by(s, manager);
    // It asked for the id alone.
    let found = s.finds(&[user]);
    assert_eq!(found, [json!({"id": s.id(user), "schemas": found[0]["schemas"]})]);
    managed_by(s, "another manager");
    s.finds(&[]);
}

const LEAVER: &str = "5171a35d82074e068ce2";

fn rename_user(s: &mut Stage<'_>) {
    s.user(LEAVER);
    let name = s.value(0);
    s.changes(|user| user["userName"] = name);
    s.changes(|_| {});
}

fn disable_user(s: &mut Stage<'_>) {
    s.patch("Users", LEAVER, json!([{"op": "replace", "path": "active", "value": true}]));
    s.changes(|user| user["active"] = json!(false));
}

fn add_nick_name(s: &mut Stage<'_>) {
    let name = s.value(0);
    s.changes(|user| user["nickName"] = name);
}

fn several_attributes(s: &mut Stage<'_>) {
    let values: Vec<Value> = (0..6).map(|n| s.value(n)).collect();
    s.changes(|user| {
        let [display, email, given, family, external, employee] = &values[..] else { panic!() };
        user["displayName"] = display.clone();
        of_type(&mut user["emails"], "work")["value"] = email.clone();
        user["name"]["givenName"] = given.clone();
        user["name"]["familyName"] = family.clone();
        user["externalId"] = external.clone();
        enterprise(user)["employeeNumber"] = employee.clone();
    });
}

fn several_attributes_under_dotted_keys(s: &mut Stage<'_>) {
    let (email, values) = (s.value(0), s.value(1));
    s.changes(|user| {
        of_type(&mut user["emails"], "work")["value"] = email;
        user["displayName"] = values["displayName"].clone();
        user["name"]["givenName"] = values["name.givenName"].clone();
        user["name"]["familyName"] = values["name.familyName"].clone();
        let number = values[format!("{ENTERPRISE}:employeeNumber")].clone();
        assert!(number.is_string());
        enterprise(user)["employeeNumber"] = number;
    });
}

/// How a user refers to its manager.
fn manager(s: &mut Stage<'_>, placeholder: &str) -> Value {
    let manager = s.user(placeholder);
    json!({
        "value": manager["id"],
        "$ref": manager["meta"]["location"],
        "displayName": manager["displayName"],
    })
}

/// The `$ref` that is sent leads nowhere; the server knows better.
fn manager_in_an_array(s: &mut Stage<'_>) {
    s.user("a0a0a0a0-bbbb-cccc-dddd-e1e1e1e1e1e1");
    let manager = manager(s, "00aa00aa-bb11-cc22-dd33-44ee44ee44ee");
    s.changes(|user| enterprise(user)["manager"] = manager);
}

fn manager_as_a_bare_string(s: &mut Stage<'_>) {
    s.user("1");
    let manager = manager(s, "271");
    s.changes(|user| enterprise(user)["manager"] = manager);
}

fn create_with_role(s: &mut Stage<'_>) {
    let created = s.creates("with a role", |_| {});
    assert_eq!(created["roles"][0]["primary"], true);
}

/// The role's own value and name, not the text around them.
fn roles_as_json_texts(s: &mut Stage<'_>) {
    let sent = s.value(0);
    let texts = sent.as_array().unwrap().iter().map(|role| role["value"].as_str().unwrap());
    let roles: Vec<Value> = texts
        .map(|text| {
            let role: Value = serde_json::from_str(text).unwrap();
            json!({"value": role["value"], "display": role["displayName"]})
        })
        .collect();
    s.changes(|user| {
        let mut all = user["roles"].as_array().cloned().unwrap_or_default();
        all.extend(roles);
        user["roles"] = Value::Array(all);
    });
}

fn roles_replaced(s: &mut Stage<'_>) {
    let roles = s.value(0);
    s.changes(|user| user["roles"] = roles);
}

/// There is no work address to change, so one is made.
fn first_work_address(s: &mut Stage<'_>) {
    s.patch("Users", "1", json!([{"op": "remove", "path": "addresses"}]));
    let formatted = s.value(0);
    s.changes(|user| user["addresses"] = json!([{"type": "work", "formatted": formatted}]));
}

fn dotted_keys(s: &mut Stage<'_>) {
    let values = s.value(0);
    s.changes(|user| {
        for (key, value) in values.as_object().unwrap() {
            match key.split_once('.') {
                Some((name, part)) => user[name][part] = value.clone(),
                None => user[key] = value.clone(),
            }
        }
        assert_eq!(user["name"]["middleName"], "Middle", "what is not named stays");
    });
}

fn display_name_with_a_space(s: &mut Stage<'_>) {
    let name = s.value(0);
    assert!(name.as_str().unwrap().starts_with(' '));
    s.changes(|user| user["displayName"] = name);
}

fn delete_user(s: &mut Stage<'_>) {
    let group = s.group("left behind", &[LEAVER, "colleague"]);
    s.deletes();
    let after = s.get("Groups", "left behind");
    assert_eq!(after["members"], s.members(&["colleague"]));
    assert_ne!(after["meta"]["version"], group["meta"]["version"]);
    s.send_expecting(404);
}

const LOOKED_UP: &str = "40734ae655284ad3abcc";

fn lookup_group(s: &mut Stage<'_>) {
    s.finds(&[]);
    s.user("1");
    let members = json!([{"value": s.id("1")}]);
    let name = s.filter_value();
    let mut group = s.create("Groups", LOOKED_UP, json!({"displayName": name, "members": members}));
    without(&mut group, &["members"]);
    assert_eq!(s.finds(&[LOOKED_UP]), [group]);
}

fn get_group_without_members(s: &mut Stage<'_>) {
    let mut group = s.get("Groups", LOOKED_UP);
    without(&mut group, &["members"]);
    assert_eq!(s.send().json(), group);
    // The next request makes a group of that name, as Entra does when it found none.
    s.delete("Groups", LOOKED_UP);
}

fn create_group(s: &mut Stage<'_>) {
    s.creates("created group", |group| {
        group["schemas"] = json!([GROUP]);
        group["members"] = json!([]);
    });
    s.delete("Groups", "created group");
}

fn rename_group(s: &mut Stage<'_>) {
    s.group("fa2ce26709934589afc5", &["first", "second"]);
    let name = s.value(0);
    let group = s.changes(|group| group["displayName"] = name.clone());
    assert_eq!(group["members"], s.members(&["first", "second"]));
    let groups = s.get("Users", "second")["groups"].clone();
    let of_the_name = groups.as_array().unwrap().iter().filter(|g| g["display"] == name).count();
    assert_eq!(of_the_name, 1, "{groups}");
}

const CHANGING: &str = "a99962b9f99d4c4fac67";
const COMING_AND_GOING: &str = "f648f8d5ea4e4cd38e9c";

fn add_member(s: &mut Stage<'_>) {
    s.group(CHANGING, &["first", "second"]);
    s.user(COMING_AND_GOING);
    let members = s.members(&["first", "second", COMING_AND_GOING]);
    s.changes(|group| group["members"] = members);
    assert_eq!(s.groups_of(COMING_AND_GOING), [s.id(CHANGING)]);
    // Entra repeats itself.
    s.changes(|_| {});
}

fn remove_member(s: &mut Stage<'_>) {
    let members = s.members(&["first", "second"]);
    s.changes(|group| group["members"] = members);
    assert!(s.groups_of(COMING_AND_GOING).is_empty());
    s.changes(|_| {});
}

fn remove_member_by_value_alone(s: &mut Stage<'_>) {
    s.group("2752513", &["first", "2392066", "second"]);
    let members = s.members(&["first", "second"]);
    s.changes(|group| group["members"] = members);
    assert!(s.groups_of("2392066").is_empty());
}

fn remove_member_by_filter(s: &mut Stage<'_>) {
    let leaving = "7f4bc1a3-285e-48ae-8202-5accb43efb0e";
    s.user(leaving);
    // RFC 7644 §3.5.2.2: nothing matches, nothing happens (errata.md P1).
    s.changes(|_| {});
    let members = s.get("Groups", CHANGING)["members"].clone();
    assert!(members.as_array().unwrap().len() >= 2, "others stay");
    let add = json!([{"op": "add", "path": "members", "value": [{"value": s.id(leaving)}]}]);
    s.patch("Groups", CHANGING, add);
    s.changes(|group| group["members"] = members);
    assert!(s.groups_of(leaving).is_empty());
}

fn delete_group(s: &mut Stage<'_>) {
    let group = "cdb1ce18f65944079d37";
    s.group(group, &["first", "only here"]);
    let before = s.groups_of("first");
    assert!(before.iter().any(|g| g == s.id(group)));
    s.deletes();
    let mut after = before;
    after.retain(|g| g != s.id(group));
    assert_eq!(s.groups_of("first"), after);
    assert!(s.groups_of("only here").is_empty());
}

fn department(s: &mut Stage<'_>) {
    let department = s.value(0);
    s.changes(|user| enterprise(user)["department"] = department);
}
