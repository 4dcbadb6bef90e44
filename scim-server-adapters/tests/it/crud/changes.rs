//! Changes: versions, preconditions, and several at once (RFC 7644 §3.5.2, §3.14).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use scim_core::{Group, ResourceId, User};
use scim_server_adapters::crud::{CrudBackend, ListRequest, Listing, New, ResourceStore, Result};
use scim_server_adapters::{BackendError, RequestContext};
use serde_json::json;

use super::client;
use super::table::Table;
use crate::client::{Client, PATCH_OP, USER, over};

#[tokio::test]
async fn a_version_stays_while_nothing_changes() {
    let users = Table::new();
    let log = users.log();
    let client = client(users.clone(), Table::new());
    let body = json!({"schemas": [USER], "userName": "a", "title": "x",
        "emails": [{"value": "a@example.com", "type": "work"}]});
    let created = client.post("/Users", body.clone()).await;
    let path = format!("/Users/{}", created.id());
    let etag = created.header("etag").to_owned();
    for operations in [
        json!([{"op": "replace", "path": "title", "value": "x"}]),
        json!([{"op": "add", "path": "emails", "value": [{"value": "a@example.com", "type": "work"}]}]),
        json!([{"op": "remove", "path": "nickName"}]),
    ] {
        let answer = client.patch(&path, operations).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("etag")),
            (200, &*etag),
            "{}",
            answer.text
        );
    }
    assert_eq!(client.put(&path, body).await.header("etag"), etag);
    assert_eq!(log.replaces(), 0, "what changes nothing is not written");
    let read = client.send("GET", &path, &[("if-none-match", &etag)], "").await;
    assert_eq!(read.status, 304);
    // A change by the product itself is a change too.
    users.edit(&created.id(), |user| user.title = Some("y".to_owned())).await;
    assert_ne!(client.get(&path).await.header("etag"), etag);
}

#[tokio::test]
async fn a_write_with_another_version_is_412_and_changes_nothing() {
    let client = client(Table::new(), Table::new());
    let path = format!("/Users/{}", client.user("a").await);
    let before = client.get(&path).await;
    let etag = before.header("etag").to_owned();
    let put = json!({"schemas": [USER], "userName": "b"}).to_string();
    let patch = json!({"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "x"}]});
    let patch = patch.to_string();
    for header in [("if-match", "W/\"999\""), ("if-none-match", "*"), ("if-none-match", &etag)] {
        for (method, body) in [("PUT", put.as_str()), ("PATCH", &patch), ("DELETE", "")] {
            let answer = client.send(method, &path, &[header], body.to_owned()).await;
            answer.assert_error(412, None);
        }
    }
    assert_eq!(client.get(&path).await.json(), before.json());
    let answer = client.send("PATCH", &path, &[("if-match", &etag)], patch.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    client.send("DELETE", &path, &[("if-match", &etag)], "").await.assert_error(412, None);
    let etag = answer.header("etag").to_owned();
    assert_eq!(client.send("DELETE", &path, &[("if-match", &etag)], "").await.status, 204);
}

/// Adds a member by each of many requests at once, spread over the clients, and removes some.
async fn contend(clients: Vec<Client>, users: usize) -> (usize, Vec<String>) {
    let clients: Vec<Arc<Client>> = clients.into_iter().map(Arc::new).collect();
    let group = clients[0].group("Guides", &["first"]).await;
    let mut tasks = Vec::new();
    for i in 0..users {
        let (client, path) = (Arc::clone(&clients[i % clients.len()]), format!("/Groups/{group}"));
        tasks.push(tokio::spawn(async move {
            let operations = json!([
                {"op": "add", "path": "members", "value": [{"value": format!("m{i}")}]},
                {"op": "remove", "path": format!("members[value eq \"{}\"]", if i == 0 { "first" } else { "nobody" })},
            ]);
            loop {
                let answer = client.patch(&path, operations.clone()).await;
                match answer.status.as_u16() {
                    200 => return 0,
                    // Told to try again later, a client does.
                    503 => assert_eq!(answer.header("retry-after"), "1"),
                    _ => panic!("{}", answer.text),
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let mut members = clients[0].members(&group).await;
    members.sort();
    (users, members)
}

fn expected(users: usize) -> Vec<String> {
    let mut expected: Vec<String> = (0..users).map(|i| format!("m{i}")).collect();
    expected.sort();
    expected
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_member_is_lost_when_many_are_added_at_once() {
    let groups = Table::new();
    let log = groups.log();
    let (users, members) = contend(vec![client(Table::new(), groups)], 60).await;
    assert_eq!(members, expected(users));
    assert_eq!(log.refused(), 0, "in one process they wait for each other");
}

/// Two services over one table, as two nodes have it: neither knows what the other does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_member_is_lost_when_two_nodes_add_them_at_once() {
    let groups = Table::new();
    let log = groups.log();
    let nodes = vec![client(Table::new(), groups.clone()), client(Table::new(), groups)];
    let (users, members) = contend(nodes, 60).await;
    assert_eq!(members, expected(users));
    assert!(log.refused() > 0, "nobody met anybody: this shows nothing");
}

/// Users that somebody else changes between each read and the write that follows, so many times.
#[derive(Clone)]
struct Restless {
    table: Table<User>,
    times: Arc<AtomicUsize>,
}

impl Restless {
    fn new(times: usize) -> Self {
        Self { table: Table::new(), times: Arc::new(AtomicUsize::new(times)) }
    }

    async fn disturb(&self, id: &ResourceId) {
        let left = self.times.load(Ordering::Relaxed);
        if left > 0 {
            self.times.store(left - 1, Ordering::Relaxed);
            let name = format!("changed {left}");
            self.table.edit(id.as_str(), |user| user.nick_name = Some(name)).await;
        }
    }
}

impl ResourceStore<User> for Restless {
    async fn create(&self, cx: &RequestContext, new: New<User>) -> Result<User> {
        self.table.create(cx, new).await
    }

    async fn get(&self, cx: &RequestContext, id: &ResourceId) -> Result<Option<User>> {
        self.table.get(cx, id).await
    }

    async fn list(&self, cx: &RequestContext, request: &ListRequest) -> Result<Listing<User>> {
        self.table.list(cx, request).await
    }

    async fn replace(&self, cx: &RequestContext, current: &User, new: New<User>) -> Result<User> {
        self.disturb(&new.id).await;
        self.table.replace(cx, current, new).await
    }

    async fn delete(&self, cx: &RequestContext, id: &ResourceId, current: &User) -> Result<()> {
        self.disturb(id).await;
        self.table.delete(cx, id, current).await
    }
}

async fn restless(times: usize) -> (Client, String, String) {
    let store = Restless::new(times);
    let client = Client::of(over(Arc::new(CrudBackend::new().users(store))).build());
    let created = client.post("/Users", json!({"schemas": [USER], "userName": "a"})).await;
    let etag = created.header("etag").to_owned();
    (client, format!("/Users/{}", created.id()), etag)
}

#[tokio::test]
async fn a_change_that_met_another_is_made_again_on_what_is_there_then() {
    let (client, path, _) = restless(3).await;
    let answer = client.patch(&path, json!([{"op": "add", "path": "title", "value": "x"}])).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let user = client.get(&path).await.json();
    assert_eq!((&user["title"], &user["nickName"]), (&json!("x"), &json!("changed 1")));
    let (client, path, _) = restless(2).await;
    assert_eq!(client.delete(&path).await.status, 204);
    client.get(&path).await.assert_error(404, None);
}

#[tokio::test]
async fn with_if_match_a_change_that_met_another_is_412() {
    let patch = json!({"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "x"}]});
    let put = json!({"schemas": [USER], "userName": "b"});
    for (method, body) in
        [("PATCH", patch.to_string()), ("PUT", put.to_string()), ("DELETE", String::new())]
    {
        let (client, path, etag) = restless(1).await;
        let answer = client.send(method, &path, &[("if-match", &etag)], body).await;
        answer.assert_error(412, None);
        let user = client.get(&path).await.json();
        assert_eq!(
            (&user["userName"], &user["nickName"]),
            (&json!("a"), &json!("changed 1")),
            "{method}"
        );
    }
}

#[tokio::test]
async fn who_is_always_too_late_is_told_to_try_again_later() {
    let (client, path, _) = restless(usize::MAX).await;
    let answer = client.patch(&path, json!([{"op": "add", "path": "title", "value": "x"}])).await;
    answer.assert_error(503, None);
    assert_eq!(answer.header("retry-after"), "1");
}

/// Groups that are gone when they are to be written.
struct Vanishing(Table<Group>);

impl ResourceStore<Group> for Vanishing {
    async fn create(&self, cx: &RequestContext, new: New<Group>) -> Result<Group> {
        self.0.create(cx, new).await
    }

    async fn get(&self, cx: &RequestContext, id: &ResourceId) -> Result<Option<Group>> {
        self.0.get(cx, id).await
    }

    async fn list(&self, cx: &RequestContext, request: &ListRequest) -> Result<Listing<Group>> {
        self.0.list(cx, request).await
    }

    async fn replace(&self, _: &RequestContext, _: &Group, _: New<Group>) -> Result<Group> {
        Err(BackendError::NotFound)
    }

    async fn delete(&self, _: &RequestContext, _: &ResourceId, _: &Group) -> Result<()> {
        Err(BackendError::NotFound)
    }
}

#[tokio::test]
async fn what_is_gone_when_it_is_written_is_not_found() {
    let backend = CrudBackend::new().groups(Vanishing(Table::new()));
    let client = Client::of(over(Arc::new(backend)).build());
    let path = format!("/Groups/{}", client.group("Guides", &[]).await);
    let rename = json!([{"op": "replace", "path": "displayName", "value": "x"}]);
    client.patch(&path, rename).await.assert_error(404, None);
    client.delete(&path).await.assert_error(404, None);
}

#[tokio::test]
async fn a_patch_that_fails_in_part_changes_nothing() {
    let groups = Table::new();
    let log = groups.log();
    let client = client(Table::new(), groups);
    let path = format!("/Groups/{}", client.group("Guides", &["a"]).await);
    let before = client.get(&path).await.json();
    let operations = json!([
        {"op": "add", "path": "members", "value": [{"value": "b"}]},
        {"op": "remove", "path": "displayName"},
    ]);
    client.patch(&path, operations).await.assert_error(400, Some("mutability"));
    assert_eq!((client.get(&path).await.json(), log.replaces()), (before, 0));
}
