//! Cursor pagination (RFC 9865).

use scim_server_adapters::Limits;
use serde_json::{Value, json};

use crate::client::{Answer, Client, builder};

fn names(list: &Value) -> Vec<String> {
    let resources = list["Resources"].as_array().unwrap();
    resources.iter().map(|r| r["userName"].as_str().unwrap().to_owned()).collect()
}

/// Walks all pages of a query and gives back the names, page by page.
async fn walk(client: &Client, query: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let answer = client.get(&format!("/Users?{query}&cursor={cursor}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let list = answer.json();
        assert!(list.get("startIndex").is_none());
        assert_eq!(list["itemsPerPage"], list["Resources"].as_array().unwrap().len());
        pages.push(names(&list));
        match list.get("nextCursor") {
            Some(next) => cursor = next.as_str().unwrap().to_owned(),
            None => return pages,
        }
    }
}

async fn people(names: &[&str]) -> Client {
    let client = Client::new();
    for name in names {
        client.user(name).await;
    }
    client
}

async fn first(client: &Client, query: &str) -> (Answer, String) {
    let answer = client.get(&format!("/Users?{query}&cursor")).await;
    let cursor = answer.json()["nextCursor"].as_str().unwrap().to_owned();
    (answer, cursor)
}

#[tokio::test]
async fn every_page_but_the_last_has_a_next_cursor_of_unreserved_characters() {
    let client = people(&["c", "a", "e", "b", "d"]).await;
    assert_eq!(walk(&client, "count=2").await, [vec!["c", "a"], vec!["e", "b"], vec!["d"]]);
    assert_eq!(walk(&client, "count=5").await, [vec!["c", "a", "e", "b", "d"]]);
    assert_eq!(
        walk(&client, "count=2&sortBy=userName&sortOrder=descending").await,
        [vec!["e", "d"], vec!["c", "b"], vec!["a"]],
    );
    let (_, cursor) = first(&client, "count=1").await;
    assert!(cursor.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)));
}

#[tokio::test]
async fn index_pagination_stays_the_default() {
    let client = people(&["a", "b"]).await;
    let list = client.get("/Users?count=1").await.json();
    assert_eq!(list["startIndex"], 1);
    assert!(list.get("nextCursor").is_none());
}

#[tokio::test]
async fn rows_added_and_removed_meanwhile_skip_and_repeat_nothing() {
    let client = people(&["b", "d", "f", "h"]).await;
    for query in ["count=2", "count=2&sortBy=userName"] {
        let (page, cursor) = first(&client, query).await;
        assert_eq!(names(&page.json()), ["b", "d"]);
        // One goes before the cursor, one comes before it, and the last one seen goes.
        let removed = page.json()["Resources"][1]["id"].as_str().unwrap().to_owned();
        client.delete(&format!("/Users/{removed}")).await;
        let early = client.user("a").await;
        let page = client.get(&format!("/Users?{query}&cursor={cursor}")).await.json();
        assert_eq!(names(&page)[..2], ["f", "h"], "{query}");
        client.delete(&format!("/Users/{early}")).await;
        // Put things back for the next query, in the same order of names and of creation.
        for id in page["Resources"].as_array().unwrap().iter().filter(|r| r["userName"] != "a") {
            client.delete(&format!("/Users/{}", id["id"].as_str().unwrap())).await;
        }
        for name in ["d", "f", "h"] {
            client.user(name).await;
        }
    }
}

#[tokio::test]
async fn the_total_is_that_of_the_first_page() {
    let client = people(&["a", "b", "c"]).await;
    let (page, cursor) = first(&client, "count=1").await;
    assert_eq!(page.json()["totalResults"], 3);
    client.user("d").await;
    let page = client.get(&format!("/Users?count=1&cursor={cursor}")).await.json();
    assert_eq!(page["totalResults"], 3);
}

#[tokio::test]
async fn a_cursor_is_good_for_its_query_only() {
    let client = people(&["a", "b", "c"]).await;
    let (_, cursor) = first(&client, "count=1&filter=userName+pr").await;
    for query in [
        "count=1",
        "count=1&filter=title+pr",
        "count=1&filter=userName+pr&sortBy=userName",
        "count=1&filter=userName+pr&attributes=userName",
    ] {
        let answer = client.get(&format!("/Users?{query}&cursor={cursor}")).await;
        answer.assert_error(400, Some("invalidCursor"));
    }
    let answer = client.get(&format!("/Groups?count=1&filter=userName+pr&cursor={cursor}")).await;
    answer.assert_error(400, Some("invalidCursor"));
    let answer = client.get(&format!("/Users?count=2&filter=userName+pr&cursor={cursor}")).await;
    answer.assert_error(400, Some("invalidCount"));
    let (acme, globex) = Client::acme_and_globex();
    for client in [&acme, &globex] {
        client.user("a").await;
        client.user("b").await;
    }
    let (_, cursor) = first(&acme, "count=1").await;
    globex
        .get(&format!("/Users?count=1&cursor={cursor}"))
        .await
        .assert_error(400, Some("invalidCursor"));
}

#[tokio::test]
async fn forged_cursors_and_counts_out_of_range_are_refused() {
    let client = people(&["a"]).await;
    for cursor in ["x", "AAAA", "%00", "../../etc"] {
        let answer = client.get(&format!("/Users?cursor={cursor}")).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
    }
    client.get("/Users?cursor&count=1001").await.assert_error(400, Some("invalidCount"));
    let none = client.get("/Users?cursor&count=-1").await.json();
    assert_eq!((&none["totalResults"], &none["Resources"]), (&json!(1), &json!([])));
    assert!(none.get("nextCursor").is_none());
}

#[tokio::test]
async fn a_cursor_expires() {
    let limits = {
        let mut l = Limits::default();
        l.cursor_seconds = 0;
        l
    };
    let client = Client::of(builder().limits(limits).build());
    for name in ["a", "b"] {
        client.user(name).await;
    }
    let (_, cursor) = first(&client, "count=1").await;
    std::thread::sleep(std::time::Duration::from_millis(2));
    let answer = client.get(&format!("/Users?count=1&cursor={cursor}")).await;
    answer.assert_error(400, Some("expiredCursor"));
}

#[tokio::test]
async fn discovery_says_how_pages_are_made() {
    let config = Client::new().get("/ServiceProviderConfig").await.json();
    assert_eq!(
        config["pagination"],
        json!({
            "cursor": true, "index": true, "defaultPaginationMethod": "index",
            "defaultPageSize": 100, "maxPageSize": 1000, "cursorTimeout": 86400,
        }),
    );
    assert_eq!(config["sort"], json!({"supported": true}));
}
