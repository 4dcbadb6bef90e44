//! Over a backend that evaluates no filters, the service does: all that a client sees is the same.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use scim_server_adapters::{Limits, MemoryBackend};
use serde_json::Value;

use crate::client::{Client, over};
use crate::watched::Watched;

/// The same people and groups over a backend that evaluates filters, and one that does not.
async fn both() -> [Client; 2] {
    let limits = {
        let mut limits = Limits::default();
        limits.page_members = 5;
        limits.work = 60;
        limits
    };
    let clients = [
        over(Arc::new(MemoryBackend::new())).limits(limits.clone()).build(),
        over(Arc::new(Watched { has_no_filters: true, ..Watched::default() }))
            .limits(limits)
            .build(),
    ]
    .map(Client::of);
    for client in &clients {
        for n in [5, 3, 9, 1, 7, 2, 8, 0, 6, 4] {
            client.user(&format!("user{n}{}", if n % 2 == 0 { "x" } else { "" })).await;
        }
        for n in 0..6 {
            let members: Vec<String> = (0..n).map(|m| format!("m{m}")).collect();
            let members: Vec<&str> = members.iter().map(String::as_str).collect();
            client
                .group(&format!("Group {n}{}", if n % 3 == 0 { "" } else { "x" }), &members)
                .await;
        }
    }
    clients
}

/// The names of a page, with the members of groups, and its total.
fn shown(list: &Value) -> (Vec<String>, Value) {
    let resources = list["Resources"].as_array().unwrap_or_else(|| panic!("{list}"));
    let name = |r: &Value| {
        let name = r.get("userName").unwrap_or(&r["displayName"]).to_string();
        let members = r["members"].as_array().into_iter().flatten();
        members.fold(name, |name, member| format!("{name} {}", member["value"]))
    };
    (resources.iter().map(name).collect(), list["totalResults"].clone())
}

#[tokio::test]
async fn pages_by_index_and_sorted_are_the_same() {
    let clients = both().await;
    for query in [
        "/Users?filter=userName+ew+%22x%22",
        "/Users?filter=userName+ew+%22x%22&count=2",
        "/Users?filter=userName+ew+%22x%22&count=2&startIndex=4",
        "/Users?filter=userName+ew+%22x%22&count=0",
        "/Users?filter=userName+ew+%22x%22&startIndex=40",
        "/Users?filter=userName+ew+%22x%22&sortBy=userName&count=3",
        "/Users?filter=userName+ew+%22x%22&sortBy=userName&sortOrder=descending&startIndex=2",
        "/Groups?filter=displayName+sw+%22group%22&attributes=displayName",
        "/Groups?filter=displayName+ew+%22x%22",
        "/Groups?filter=displayName+ew+%22x%22&startIndex=2",
        "/Groups?filter=displayName+pr&startIndex=3",
        "/Groups?filter=displayName+pr&startIndex=3&count=1",
        "/Groups?filter=displayName+pr&startIndex=6",
        "/Groups?filter=displayName+pr&sortBy=displayName",
        "/Groups?filter=displayName+pr&sortBy=displayName&count=2",
        "/Groups?filter=displayName+pr&sortBy=displayName&sortOrder=descending",
        "/Groups?filter=displayName+pr&sortBy=displayName&sortOrder=descending&startIndex=3",
        "/Groups?filter=displayName+pr&sortBy=displayName&count=0",
        "/Groups?filter=displayName+pr&sortBy=displayName&excludedAttributes=members",
        "/Groups?filter=members+eq+%22m2%22&sortBy=displayName&sortOrder=descending",
        "/Groups?filter=members+pr&startIndex=2",
        "/Groups?filter=members+pr",
        "/Groups?filter=members.value+eq+%22m1%22&excludedAttributes=members",
        "/?filter=displayName+pr+or+userName+pr&count=13&attributes=userName,displayName",
    ] {
        let [expected, found] =
            [clients[0].get(query).await.json(), clients[1].get(query).await.json()];
        assert_eq!(shown(&found), shown(&expected), "{query}");
    }
}

#[tokio::test]
async fn a_walk_by_cursor_gives_each_match_once() {
    let clients = both().await;
    for query in [
        "/Users?filter=userName+ew+%22x%22&count=2",
        "/Users?filter=userName+co+%22user%22&count=3",
        "/Users?filter=userName+ew+%22x%22&count=2&sortBy=userName&sortOrder=descending",
        "/Groups?filter=displayName+co+%22x%22&count=10",
        "/Groups?filter=displayName+sw+%22group%22&count=3",
        "/Groups?filter=displayName+pr&sortBy=displayName&sortOrder=descending",
        "/Groups?filter=members+pr&sortBy=displayName&count=2",
        "/?filter=displayName+pr+or+userName+pr&count=4&attributes=userName,displayName",
    ] {
        let mut walks = [Vec::new(), Vec::new()];
        for (client, walk) in clients.iter().zip(&mut walks) {
            let mut cursor = String::new();
            loop {
                let page = client.get(&format!("{query}&cursor={cursor}")).await.json();
                walk.extend(shown(&page).0);
                match page.get("nextCursor") {
                    Some(next) => cursor = next.as_str().unwrap().to_owned(),
                    None => break,
                }
            }
        }
        let [expected, found] = walks;
        assert_eq!(found, expected, "{query}");
        assert!(expected.len() > 3, "{query}");
    }
}

/// Members are read of the groups that are shown, and of those that the filter has to see.
#[tokio::test]
async fn members_are_not_read_for_nothing() {
    let backend = Arc::new(Watched { has_no_filters: true, ..Watched::default() });
    let client = Client::of(over(Arc::clone(&backend) as _).build());
    for n in 0..6 {
        let members: Vec<String> = (0..n).map(|m| format!("m{m}")).collect();
        let members: Vec<&str> = members.iter().map(String::as_str).collect();
        client.group(&format!("Group {n}"), &members).await;
    }
    for (query, read) in [
        ("filter=displayName+pr", 15),
        ("filter=displayName+pr&count=2", 1),
        ("filter=displayName+pr&count=0", 0),
        ("filter=displayName+pr&startIndex=4", 12),
        ("filter=displayName+pr&startIndex=4&count=1", 3),
        ("filter=displayName+pr&excludedAttributes=members", 0),
        ("filter=displayName+pr&sortBy=displayName", 15),
        ("filter=displayName+pr&sortBy=displayName&sortOrder=descending&count=2", 9),
        ("filter=displayName+pr&sortBy=displayName&count=0", 0),
        ("filter=displayName+pr&sortBy=displayName&excludedAttributes=members", 0),
        ("filter=members+pr&count=1", 15),
        ("filter=members+pr&count=1&excludedAttributes=members", 15),
        // Once to look at them, and once more of what is shown.
        ("filter=members+pr&sortBy=displayName&sortOrder=descending&count=1", 20),
        ("filter=members+pr&sortBy=displayName&excludedAttributes=members", 15),
    ] {
        backend.in_pages.store(0, Ordering::Relaxed);
        backend.reads.lock().unwrap().clear();
        let answer = client.get(&format!("/Groups?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text);
        let by_get: usize = backend.reads.lock().unwrap().iter().sum();
        assert_eq!(backend.in_pages.load(Ordering::Relaxed) + by_get, read, "{query}");
    }
}

#[tokio::test]
async fn a_walk_goes_on_beside_changes() {
    let [_, client] = both().await;
    let query = "/Users?filter=userName+ew+%22x%22&count=2";
    let page = client.get(&format!("{query}&cursor")).await.json();
    assert_eq!(shown(&page).0, ["\"user2x\"", "\"user8x\""]);
    // The last that was seen goes, and another comes.
    let gone = page["Resources"][1]["id"].as_str().unwrap();
    client.delete(&format!("/Users/{gone}")).await;
    client.user("latex").await;
    let cursor = page["nextCursor"].as_str().unwrap();
    let page = client.get(&format!("{query}&cursor={cursor}")).await.json();
    assert_eq!(shown(&page).0, ["\"user0x\"", "\"user6x\""]);
    let cursor = page["nextCursor"].as_str().unwrap();
    let page = client.get(&format!("{query}&cursor={cursor}")).await.json();
    assert_eq!(shown(&page).0, ["\"user4x\"", "\"latex\""]);
}

#[tokio::test]
async fn beyond_the_work_limit_it_is_too_many() {
    let [_, client] = both().await;
    for n in 0..60 {
        client.user(&format!("more{n}")).await;
    }
    for query in ["", "&sortBy=userName"] {
        let answer = client.get(&format!("/Users?filter=userName+ew+%22x%22{query}")).await;
        answer.assert_error(400, Some("tooMany"));
    }
}
