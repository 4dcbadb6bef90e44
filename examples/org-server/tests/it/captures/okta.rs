//! Okta: users, then groups, then requests that came from particular customers' servers.

use serde_json::{Value, json};

use crate::captures::Row;
use crate::captures::stage::{Stage, ids, without};

pub(crate) const ROWS: [Row; 25] = [
    ("01-lookup-user", 200, lookup_of_nobody),
    ("02-create-user", 201, create_user),
    ("03-create-user-without-externalId", 201, create_user_again),
    ("04-import-users-page1", 200, import_users),
    ("05-get-user", 200, get_user),
    ("07-put-user", 200, put_user),
    ("08-deactivate-patch-pathless", 200, deactivate),
    ("09-deactivate-put-full", 200, put_user),
    ("11-password-sync-patch", 200, sync_password),
    ("20-create-group", 201, create_group),
    ("21-import-groups-page1", 200, import_groups),
    ("22-lookup-group", 200, lookup_group),
    ("23-get-group", 200, get_group),
    ("24-rename-group-pathless-with-id", 200, rename_group),
    ("25-membership-remove-and-add", 200, remove_and_add_members),
    ("26-put-group-members", 200, put_group),
    ("30-test-connection-users-count2", 200, two_users),
    ("31-list-groups-real-headers", 200, import_groups),
    ("32-add-member-no-type", 200, add_member_without_type),
    ("33-push-now-empty-group", 200, push_empty_group),
    ("34-replace-pathless-members-empty", 200, empty_and_rename_group),
    ("35-replace-pathless-id-mismatch", 200, empty_and_rename_group_of_another_id),
    ("36-patch-no-schemas-deactivate", 200, deactivate_another),
    ("37-patch-mixed-path-and-pathless", 200, rename_and_deactivate),
    ("38-patch-unknown-attributes", 200, unknown_attributes),
];

const USER: &str = "23a35c27-23d3-4c03-b4c5-6443c09e7173";
const GROUP: &str = "abf4dd94-a4c0-4f67-89c9-76b03340cb9b";

fn lookup_of_nobody(s: &mut Stage<'_>) {
    s.finds(&[]);
}

fn create_user(s: &mut Stage<'_>) {
    let password = s.body()["password"].clone();
    s.keep_secret(&password);
    s.creates(USER, |user| without(user, &["groups", "password"]));
    let refused = s.send_expecting(409);
    assert_eq!(refused.scim_type().as_deref(), Some("uniqueness"));
}

fn create_user_again(s: &mut Stage<'_>) {
    s.delete("Users", USER);
    create_user(s);
}

fn import_users(s: &mut Stage<'_>) {
    let users = s.finds(&["bystander", USER]);
    assert_eq!(users, s.all("Users"));
}

fn get_user(s: &mut Stage<'_>) {
    let user = s.get("Users", USER);
    assert_eq!(s.send().json(), user);
}

/// What is left out is cleared, what a client has no say in stays, and `groups: []` is none of its
/// business.
fn put_user(s: &mut Stage<'_>) {
    s.group("keepers", &[USER]);
    s.patch("Users", USER, json!([
        {"op": "replace", "path": "active", "value": true},
        {"op": "add", "value": {"displayName": "Test User", "locale": "en-US", "nickName": "T"}},
    ]));
    let sent = s.body();
    let put = s.changes(|user| {
        let before = user.take();
        *user = sent;
        for name in ["id", "meta", "groups"] {
            assert!(before[name].is_string() || !before[name].is_null(), "{name}");
            user[name] = before[name].clone();
        }
    });
    assert_eq!(put["active"], s.body()["active"]);
    assert_eq!(s.get("Groups", "keepers")["members"], s.members(&[USER]));
    s.changes(|_| {});
}

fn deactivate(s: &mut Stage<'_>) {
    s.changes(|user| user["active"] = json!(false));
    s.changes(|_| {});
}

/// The store keeps no passwords: success, and no change.
fn sync_password(s: &mut Stage<'_>) {
    let password = s.value(0)["password"].clone();
    s.keep_secret(&password);
    s.changes(|_| {});
}

fn create_group(s: &mut Stage<'_>) {
    let created = s.creates(GROUP, |_| {});
    assert_eq!(created["members"], json!([]));
}

fn import_groups(s: &mut Stage<'_>) {
    let groups = s.finds(&["bystanders", "keepers", GROUP]);
    assert_eq!(groups, s.all("Groups"));
    assert!(groups.iter().all(|group| group["members"].is_array()));
}

fn lookup_group(s: &mut Stage<'_>) {
    let group = s.get("Groups", GROUP);
    assert_eq!(s.finds(&[GROUP]), [group]);
}

fn get_group(s: &mut Stage<'_>) {
    let group = s.get("Groups", GROUP);
    assert_eq!(s.send().json(), group);
}

const LEAVER: &str = "89bb1940-b905-4575-9e7f-6f887cfb368e";

fn rename_group(s: &mut Stage<'_>) {
    for member in ["stays", LEAVER] {
        s.user(member);
        let member = json!({"value": s.id(member)});
        s.patch("Groups", GROUP, json!([{"op": "add", "path": "members", "value": [member]}]));
    }
    let name = json!([{"op": "replace", "path": "displayName", "value": "Before"}]);
    s.patch("Groups", GROUP, name);
    let name = s.value(0)["displayName"].clone();
    let group = s.changes(|group| group["displayName"] = name);
    assert_eq!(group["members"], s.members(&["stays", LEAVER]));
    // It comes with every change of members.
    s.changes(|_| {});
}

fn remove_and_add_members(s: &mut Stage<'_>) {
    let members = s.members(&["stays", USER]);
    s.changes(|group| group["members"] = members);
    assert!(s.groups_of(LEAVER).is_empty());
    assert_eq!(s.groups_of(USER), [s.id("keepers"), s.id(GROUP)]);
    s.changes(|_| {});
}

fn put_group(s: &mut Stage<'_>) {
    let members = s.members(&[USER]);
    s.changes(|group| group["members"] = members);
    assert!(s.groups_of("stays").is_empty());
    s.changes(|_| {});
}

fn two_users(s: &mut Stage<'_>) {
    let all = s.all("Users");
    assert!(all.len() > 2);
    let page = s.send();
    assert_eq!(ids(&page.resources()), ids(&all[..2]));
    let page = page.json();
    let counts = ["totalResults", "startIndex", "itemsPerPage"].map(|name| page[name].clone());
    assert_eq!(counts, [json!(all.len()), json!(1), json!(2)]);
}

fn add_member_without_type(s: &mut Stage<'_>) {
    let (group, user) =
        ("47381c23-a95a-4341-b653-8674c974805b", "2900df44-a197-4ca6-bad2-3c1b5641ac8e");
    s.group(group, &["stays"]);
    s.user(user);
    let members = s.members(&["stays", user]);
    assert_eq!(members[1]["type"], "User");
    s.changes(|group| group["members"] = members);
}

fn push_empty_group(s: &mut Stage<'_>) {
    s.group("1", &["stays", USER]);
    s.changes(|group| group["members"] = json!([]));
    s.changes(|_| {});
    let of_the_group = |groups: Vec<String>, id: &str| groups.iter().any(|g| g == id);
    assert!(!of_the_group(s.groups_of("stays"), s.id("1")));
}

fn empty_and_rename_group(s: &mut Stage<'_>) {
    s.group("org-cd1:viewer", &["stays", USER]);
    let name = s.value(0)["displayName"].clone();
    s.changes(|group| {
        group["members"] = json!([]);
        group["displayName"] = name;
    });
}

/// RFC 7644 §3.5.2 lets a readOnly value inside a larger one be ignored (errata.md P6): the path
/// says which group is meant.
fn empty_and_rename_group_of_another_id(s: &mut Stage<'_>) {
    s.group("org-cd-1:admin", &["stays"]);
    let name = s.value(0)["displayName"].clone();
    s.changes(|group| {
        group["members"] = json!([]);
        group["displayName"] = name;
    });
}

fn deactivate_another(s: &mut Stage<'_>) {
    s.forget("1");
    s.user("1");
    deactivate(s);
}

fn rename_and_deactivate(s: &mut Stage<'_>) {
    s.patch("Users", "1", json!([{"op": "replace", "path": "active", "value": true}]));
    let (given, family) = (s.value(0), s.value(1));
    s.changes(|user: &mut Value| {
        user["name"]["givenName"] = given;
        user["name"]["familyName"] = family;
        user["active"] = json!(false);
    });
}

/// They are left out; what comes with them is applied.
fn unknown_attributes(s: &mut Stage<'_>) {
    s.changes(|_| {});
    let mut operations = s.body()["Operations"].take();
    let title = json!({"op": "replace", "path": "title", "value": "Dr."});
    operations.as_array_mut().unwrap().insert(1, title);
    s.patch("Users", "1", operations);
    assert_eq!(s.get("Users", "1")["title"], "Dr.");
}
