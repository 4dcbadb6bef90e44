//! Whatever the data and however the product lists: the answers are those of the memory backend.

use std::sync::Arc;

use proptest::prelude::*;
use scim_server_adapters::MemoryBackend;
use serde_json::{Value, json};

use super::table::{Listed, Table};
use super::{client, queries};
use crate::client::{Client, USER, over};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Users by title and by the groups they are in.
fn people() -> impl Strategy<Value = Vec<(Option<&'static str>, Vec<usize>)>> {
    let title = prop_oneof![Just(None), Just(Some("a")), Just(Some("B")), Just(Some("b"))];
    prop::collection::vec((title, prop::collection::vec(0..3usize, 0..3)), 0..12)
}

fn query() -> impl Strategy<Value = String> {
    let filter = prop_oneof![
        Just(""),
        Just("&filter=title+pr"),
        Just("&filter=not+(title+eq+%22b%22)"),
        Just("&filter=userName+eq+%22USER3%22"),
        Just("&filter=userName+eq+%22user1%22+or+title+gt+%22a%22"),
        Just("&filter=groups.display+eq+%22group1%22"),
        Just("&filter=groups+pr+and+title+pr"),
    ];
    let sort = prop_oneof![
        Just(""),
        Just("&sortBy=title"),
        Just("&sortBy=title&sortOrder=descending"),
        Just("&sortBy=userName&sortOrder=descending"),
        Just("&sortBy=groups.display"),
    ];
    (filter, sort).prop_map(|(filter, sort)| format!("{filter}{sort}"))
}

async fn populate(client: &Client, people: &[(Option<&str>, Vec<usize>)]) {
    let mut members = [Vec::new(), Vec::new(), Vec::new()];
    for (i, (title, groups)) in people.iter().enumerate() {
        let mut user = json!({"schemas": [USER], "userName": format!("user{i}")});
        if let Some(title) = title {
            user["title"] = json!(title);
        }
        let id = client.post("/Users", user).await.id();
        for group in groups {
            members[*group].push(id.clone());
        }
    }
    for (i, members) in members.iter().enumerate() {
        let members: Vec<&str> = members.iter().map(String::as_str).collect();
        client.group(&format!("group{i}"), &members).await;
    }
}

/// What a page says, but for ids, versions and dates.
fn shown(list: &Value) -> Value {
    let groups = |user: &Value| -> Vec<Value> {
        let groups = user["groups"].as_array().map(Vec::as_slice).unwrap_or_default();
        groups.iter().map(|g| g["display"].clone()).collect()
    };
    let resources = list["Resources"].as_array().unwrap();
    let users = resources.iter().map(|u| json!([u["userName"], u["title"], groups(u)]));
    json!([list["totalResults"], list["itemsPerPage"], users.collect::<Vec<_>>()])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_page_is_that_of_the_memory_backend(
        people in people(),
        query in query(),
        count in 1..6usize,
        listed in prop::sample::select(Listed::ALL.to_vec()),
    ) {
        block_on(async {
            let oracle = Client::of(over(Arc::new(MemoryBackend::new())).build());
            let client = client(Table::listed(listed), Table::listed(listed));
            populate(&oracle, &people).await;
            populate(&client, &people).await;
            for start in 1..=people.len() + 1 {
                let path = format!("/Users?startIndex={start}&count={count}{query}");
                let (ours, theirs) = (client.get(&path).await, oracle.get(&path).await);
                assert_eq!((ours.status, theirs.status), (200.try_into().unwrap(), 200.try_into().unwrap()), "{}", ours.text);
                assert_eq!(shown(&ours.json()), shown(&theirs.json()), "{listed:?} {path}");
            }
            let (mut walked, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = client.get(&format!("/Users?count={count}{query}&cursor={cursor}")).await.json();
                walked.extend(queries::names(&page));
                let Some(next) = page.get("nextCursor") else { break };
                cursor = next.as_str().unwrap().to_owned();
            }
            let whole = oracle.get(&format!("/Users?{}", query.trim_start_matches('&'))).await.json();
            assert_eq!(walked, queries::names(&whole), "{listed:?} {query}");
        });
    }

    /// PATCH and PUT through get and replace do what they do in a transaction.
    #[test]
    fn changes_give_what_they_give_in_the_memory_backend(
        changes in prop::collection::vec(change(), 1..8),
        listed in prop::sample::select(Listed::ALL.to_vec()),
    ) {
        block_on(async {
            let mut outcomes = Vec::new();
            for client in [
                Client::of(over(Arc::new(MemoryBackend::new())).build()),
                client(Table::listed(listed), Table::listed(listed)),
            ] {
                let users = [client.user("a").await, client.user("b").await];
                let group = client.group("Guides", &[&users[0]]).await;
                let mut outcome = Vec::new();
                for change in &changes {
                    let (user, method, body) = change;
                    let path = match user {
                        Some(user) => format!("/Users/{}", users[*user]),
                        None => format!("/Groups/{group}"),
                    };
                    let before = client.get(&path).await;
                    let body = replaced(body, &users);
                    let answer = client.send(method, &path, &[], body.to_string()).await;
                    let after = client.get(&path).await;
                    let changed = before.header("etag") != after.header("etag");
                    outcome.push(json!([answer.status.as_u16(), changed, anonymous(&after.text, &users, &group)]));
                }
                outcomes.push(outcome);
            }
            assert_eq!(outcomes[0], outcomes[1], "{changes:?}");
        });
    }
}

/// A change of a user or of the group: whose, by what method, and the body.
fn change() -> impl Strategy<Value = (Option<usize>, &'static str, Value)> {
    let patch =
        |operation: Value| json!({"schemas": [crate::client::PATCH_OP], "Operations": [operation]});
    let user = prop_oneof![
        Just(("PATCH", patch(json!({"op": "replace", "path": "title", "value": "x"})))),
        Just(("PATCH", patch(json!({"op": "remove", "path": "title"})))),
        Just((
            "PATCH",
            patch(
                json!({"op": "add", "path": "emails", "value": [{"value": "a@x", "type": "work"}]})
            )
        )),
        Just((
            "PATCH",
            patch(
                json!({"op": "replace", "path": "emails[type eq \"work\"].value", "value": "b@x"})
            )
        )),
        Just(("PATCH", patch(json!({"op": "replace", "path": "userName", "value": "taken"})))),
        Just(("PATCH", patch(json!({"op": "replace", "path": "groups", "value": []})))),
        Just(("PATCH", patch(json!({"op": "remove", "path": "userName"})))),
        Just(("PUT", json!({"schemas": [USER], "userName": "taken", "active": true}))),
        Just(("PUT", json!({"schemas": [USER], "userName": "free", "nickName": "f"}))),
    ];
    let group = prop_oneof![
        Just((
            "PATCH",
            patch(json!({"op": "add", "path": "members", "value": [{"value": "USER1"}]}))
        )),
        Just((
            "PATCH",
            patch(
                json!({"op": "add", "path": "members", "value": [{"value": "nobody"}, {"value": "USER0"}]})
            )
        )),
        Just(("PATCH", patch(json!({"op": "remove", "path": "members[value eq \"USER0\"]"})))),
        Just(("PATCH", patch(json!({"op": "remove", "path": "members"})))),
        Just((
            "PATCH",
            patch(
                json!({"op": "replace", "path": "members", "value": [{"value": "USER1"}, {"value": "USER0"}]})
            )
        )),
        Just(("PATCH", patch(json!({"op": "replace", "path": "displayName", "value": "Tours"})))),
        Just((
            "PUT",
            json!({"schemas": [crate::client::GROUP], "displayName": "Guides", "members": [{"value": "USER0"}]})
        )),
        Just(("PUT", json!({"schemas": [crate::client::GROUP], "displayName": "Guides"}))),
    ];
    prop_oneof![
        (0..2usize, user).prop_map(|(whose, (method, body))| (Some(whose), method, body)),
        group.prop_map(|(method, body)| (None, method, body)),
    ]
}

/// The body with the ids of the users in it.
fn replaced(body: &Value, users: &[String; 2]) -> Value {
    let text = body.to_string().replace("USER0", &users[0]).replace("USER1", &users[1]);
    serde_json::from_str(&text).unwrap()
}

/// A resource without what differs from one backend to another.
fn anonymous(text: &str, users: &[String; 2], group: &str) -> Value {
    let text = text.replace(&users[0], "USER0").replace(&users[1], "USER1").replace(group, "GROUP");
    let mut resource: Value = serde_json::from_str(&text).unwrap();
    resource.as_object_mut().unwrap().remove("meta");
    resource
}
