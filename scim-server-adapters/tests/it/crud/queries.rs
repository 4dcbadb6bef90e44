//! Queries over lists (RFC 7644 §3.4.2, RFC 9865), however the product lists.

use scim_core::{Group, User};
use scim_server_adapters::Limits;
use scim_server_adapters::crud::CrudBackend;
use serde_json::{Value, json};
use std::sync::Arc;

use super::client;
use super::table::{Listed, Table};
use crate::client::{Client, USER, over};

pub(super) fn names(list: &Value) -> Vec<String> {
    let resources = list["Resources"].as_array().unwrap();
    resources.iter().map(|r| r["userName"].as_str().unwrap().to_owned()).collect()
}

async fn list(client: &Client, query: &str) -> Value {
    let answer = client.get(&format!("/Users?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    answer.json()
}

async fn five(listed: Listed) -> Client {
    let client = client(Table::listed(listed), Table::listed(listed));
    for (name, title) in
        [("c", Some("boss")), ("A", None), ("e", Some("aide")), ("b", Some("Boss")), ("d", None)]
    {
        let mut user = json!({"schemas": [USER], "userName": name});
        if let Some(title) = title {
            user["title"] = json!(title);
        }
        assert_eq!(client.post("/Users", user).await.status, 201);
    }
    client
}

#[tokio::test]
async fn lists_are_in_the_order_of_ids_with_total_and_pages() {
    for listed in Listed::ALL {
        let client = five(listed).await;
        let whole = list(&client, "").await;
        assert_eq!(names(&whole), ["c", "A", "e", "b", "d"], "{listed:?}");
        assert_eq!((&whole["totalResults"], &whole["itemsPerPage"]), (&json!(5), &json!(5)));
        let page = list(&client, "startIndex=2&count=2").await;
        assert_eq!(
            (names(&page), &page["totalResults"]),
            (vec!["A".into(), "e".into()], &json!(5))
        );
        let page = list(&client, "startIndex=5&count=2").await;
        assert_eq!((names(&page), &page["totalResults"]), (vec!["d".into()], &json!(5)));
        for query in ["startIndex=6", "startIndex=99999", "count=0"] {
            let page = list(&client, query).await;
            assert_eq!((names(&page), &page["totalResults"]), (vec![], &json!(5)), "{query}");
        }
    }
}

#[tokio::test]
async fn filters_are_those_of_any_backend() {
    for listed in Listed::ALL {
        let client = five(listed).await;
        for (filter, expected) in [
            ("userName+eq+%22a%22", vec!["A"]),
            ("userName+eq+%22nobody%22", vec![]),
            ("userName+eq+%22A%22+and+title+pr", vec![]),
            ("title+eq+%22BOSS%22", vec!["c", "b"]),
            ("not+(title+pr)", vec!["A", "d"]),
            ("userName+gt+%22b%22", vec!["c", "e", "d"]),
            ("userName+eq+%22a%22+or+userName+eq+%22b%22", vec!["A", "b"]),
            ("meta.resourceType+eq+%22User%22", vec!["c", "A", "e", "b", "d"]),
            ("unknown+eq+%22x%22", vec![]),
        ] {
            let found = list(&client, &format!("filter={filter}")).await;
            assert_eq!(names(&found), expected, "{listed:?} {filter}");
            assert_eq!(found["totalResults"], expected.len());
        }
        let page = list(&client, "filter=title+pr&startIndex=2&count=1").await;
        assert_eq!((names(&page), &page["totalResults"]), (vec!["e".into()], &json!(3)));
        let answer = client.get("/Users?filter=userName+eq").await;
        answer.assert_error(400, Some("invalidFilter"));
    }
}

#[tokio::test]
async fn a_look_up_that_the_product_has_an_index_for_reads_what_it_finds() {
    let users: Table<User> = Table::listed(Listed::Index);
    let log = users.log();
    let client = client(users, Table::new());
    let mut ids = Vec::new();
    for i in 0..30 {
        ids.push(client.user(&format!("user{i}")).await);
    }
    let before = (log.lists(), log.given());
    let found = list(&client, "filter=userName+eq+%22USER7%22").await;
    assert_eq!((names(&found), &found["totalResults"]), (vec!["user7".into()], &json!(1)));
    assert_eq!((log.lists() - before.0, log.given() - before.1), (1, 1));
    // An id is a `get`, with whatever else is asked.
    let before = (log.lists(), log.gets());
    let found = list(&client, &format!("filter=id+eq+%22{}%22+and+userName+pr", ids[3])).await;
    assert_eq!(names(&found), ["user3"]);
    assert_eq!(list(&client, "filter=id+eq+%22absent%22").await["totalResults"], 0);
    assert_eq!((log.lists() - before.0, log.gets() - before.1), (0, 2));
}

#[tokio::test]
async fn a_page_reads_no_more_than_it_shows_and_one() {
    let users: Table<User> = Table::listed(Listed::Pages);
    let log = users.log();
    let client = client(users, Table::new());
    for i in 0..30 {
        client.user(&format!("user{i}")).await;
    }
    let before = log.given();
    assert_eq!(list(&client, "startIndex=11&count=5").await["totalResults"], 30);
    assert_eq!(log.given() - before, 6);
}

#[tokio::test]
async fn beyond_the_work_limit_a_filter_is_too_many() {
    for listed in Listed::ALL {
        let limits = {
            let mut limits = Limits::default();
            limits.work = 5;
            limits
        };
        let backend = CrudBackend::new().users(Table::listed(listed));
        let client = Client::of(over(Arc::new(backend)).limits(limits).build());
        for name in ["a", "b", "c", "d", "e"] {
            client.user(name).await;
        }
        assert_eq!(list(&client, "filter=title+pr").await["totalResults"], 0);
        client.user("f").await;
        for query in ["filter=title+pr", "sortBy=userName"] {
            let answer = client.get(&format!("/Users?{query}")).await;
            answer.assert_error(400, Some("tooMany"));
        }
        let found = client.get("/Users?filter=userName+eq+%22f%22").await;
        match listed {
            Listed::Index => assert_eq!(found.json()["totalResults"], 1),
            _ => found.assert_error(400, Some("tooMany")),
        }
        let whole = client.get("/Users").await;
        match listed {
            Listed::PagesOnly => assert_eq!(whole.json()["totalResults"], 6, "the page tells"),
            _ => assert_eq!(whole.json()["totalResults"], 6),
        }
        let first = client.get("/Users?count=1").await;
        match listed {
            // Counting them is work.
            Listed::PagesOnly => first.assert_error(400, Some("tooMany")),
            _ => assert_eq!(first.json()["totalResults"], 6),
        }
    }
}

#[tokio::test]
async fn results_are_sorted_and_ties_stay_in_the_order_of_creation() {
    for listed in Listed::ALL {
        let client = five(listed).await;
        for (query, expected) in [
            ("sortBy=userName", ["A", "b", "c", "d", "e"]),
            ("sortBy=userName&sortOrder=descending", ["e", "d", "c", "b", "A"]),
            ("sortBy=title", ["e", "c", "b", "A", "d"]),
            ("sortBy=title&sortOrder=descending", ["A", "d", "c", "b", "e"]),
            ("sortBy=unknown", ["c", "A", "e", "b", "d"]),
        ] {
            assert_eq!(names(&list(&client, query).await), expected, "{listed:?} {query}");
        }
        let page = list(&client, "filter=title+pr&sortBy=userName&startIndex=2&count=1").await;
        assert_eq!((names(&page), &page["totalResults"]), (vec!["c".into()], &json!(3)));
    }
}

/// RFC 9865: what is there throughout comes once, whatever comes and goes in between.
#[tokio::test]
async fn rows_added_and_removed_meanwhile_skip_and_repeat_nothing() {
    for listed in Listed::ALL {
        for query in ["count=2", "count=2&sortBy=userName", "count=2&filter=userName+pr"] {
            let client = client(Table::listed(listed), Table::listed(listed));
            for name in ["b", "d", "f", "h"] {
                client.user(name).await;
            }
            let page = list(&client, &format!("{query}&cursor")).await;
            assert_eq!(names(&page), ["b", "d"]);
            assert_eq!(page["totalResults"], 4);
            let cursor = page["nextCursor"].as_str().unwrap();
            // One goes that came before, the last one seen goes, and others come.
            for resource in page["Resources"].as_array().unwrap() {
                client.delete(&format!("/Users/{}", resource["id"].as_str().unwrap())).await;
            }
            for name in ["a", "g"] {
                client.user(name).await;
            }
            let (mut seen, mut cursor) = (Vec::new(), Some(cursor.to_owned()));
            while let Some(at) = cursor {
                let page = list(&client, &format!("{query}&cursor={at}")).await;
                assert_eq!(page["totalResults"], 4, "that of the first page");
                seen.extend(names(&page));
                cursor = page.get("nextCursor").map(|c| c.as_str().unwrap().to_owned());
            }
            seen.retain(|name| name == "f" || name == "h");
            assert_eq!(seen, ["f", "h"], "{listed:?} {query}");
        }
    }
}

#[tokio::test]
async fn a_cursor_works_on_another_node_with_the_same_key() {
    use scim_server_adapters::CursorKey;
    let users: Table<User> = Table::new();
    let node = |key: &CursorKey| {
        let backend = CrudBackend::new().users(users.clone()).cursor_key(key.clone());
        Client::of(over(Arc::new(backend)).build())
    };
    let key = CursorKey::generate();
    let (one, two, stranger) = (node(&key), node(&key), node(&CursorKey::generate()));
    for name in ["a", "b"] {
        one.user(name).await;
    }
    let page = list(&one, "count=1&cursor").await;
    let query = format!("count=1&cursor={}", page["nextCursor"].as_str().unwrap());
    assert_eq!(names(&list(&two, &query).await), ["b"]);
    let answer = stranger.get(&format!("/Users?{query}")).await;
    answer.assert_error(400, Some("invalidCursor"));
}

/// What is found by an id is found once, though two types break the rule that ids are unique.
#[tokio::test]
async fn an_id_that_two_types_have_finds_each_of_them_once() {
    let (users, groups): (Table<User>, Table<Group>) = (Table::numbered(), Table::numbered());
    let client = client(users, groups);
    client.user("a").await;
    client.group("A", &[]).await;
    let query = "filter=id+eq+%22u1%22&count=1";
    let page = client.get(&format!("/?{query}&cursor")).await.json();
    assert_eq!(page["totalResults"], 2);
    let query = format!("{query}&cursor={}", page["nextCursor"].as_str().unwrap());
    let page = client.get(&format!("/?{query}")).await.json();
    assert_eq!(page["Resources"][0]["displayName"], "A");
    assert!(page.get("nextCursor").is_none());
}

#[tokio::test]
async fn a_filter_walks_all_pages_of_a_long_list() {
    for listed in Listed::ALL {
        let groups: Table<Group> = Table::listed(listed);
        let log = groups.log();
        let client = client(Table::new(), groups);
        for i in 0..1001 {
            client.group(&format!("Group {i}"), &[]).await;
        }
        let before = log.given();
        let found = client.get("/Groups?filter=displayName+ew+%221%22&count=0").await.json();
        assert_eq!(found["totalResults"], 100, "{listed:?}");
        assert_eq!(log.given() - before, 1001, "each is read once");
        let last = client.get("/Groups?filter=displayName+eq+%22group+1000%22").await.json();
        assert_eq!(last["totalResults"], 1, "{listed:?}");
    }
}

/// A query on the root goes through one type after the other, by index and by cursor.
#[tokio::test]
async fn a_query_over_all_types_pages_through_them() {
    for listed in Listed::ALL {
        let client = client(Table::listed(listed), Table::listed(listed));
        let mut ids = Vec::new();
        for name in ["a", "b", "c"] {
            ids.push(client.user(name).await);
        }
        for name in ["A", "B"] {
            ids.push(client.group(name, &[]).await);
        }
        let ids_of = |list: &Value| -> Vec<String> {
            let resources = list["Resources"].as_array().unwrap();
            resources.iter().map(|r| r["id"].as_str().unwrap().to_owned()).collect()
        };
        for filter in ["", "&filter=meta.created+pr"] {
            for count in 1..=6 {
                let (mut by_index, mut by_cursor, mut cursor) =
                    (Vec::new(), Vec::new(), String::new());
                for start in (1..=5).step_by(count) {
                    let path = format!("/?startIndex={start}&count={count}{filter}");
                    let page = client.get(&path).await.json();
                    assert_eq!(page["totalResults"], 5, "{listed:?} {path}");
                    by_index.extend(ids_of(&page));
                }
                loop {
                    let path = format!("/?count={count}{filter}&cursor={cursor}");
                    let page = client.get(&path).await.json();
                    by_cursor.extend(ids_of(&page));
                    let Some(next) = page.get("nextCursor") else { break };
                    cursor = next.as_str().unwrap().to_owned();
                }
                assert_eq!(by_index, ids, "{listed:?} {count} {filter}");
                assert_eq!(by_cursor, ids, "{listed:?} {count} {filter}");
            }
        }
    }
}

#[tokio::test]
async fn a_page_is_bounded_by_the_members_it_holds() {
    for listed in Listed::ALL {
        let limits = {
            let mut limits = Limits::default();
            limits.page_members = 3;
            limits
        };
        let groups: Table<Group> = Table::listed(listed);
        let backend = CrudBackend::new().groups(groups);
        let client = Client::of(over(Arc::new(backend)).limits(limits).build());
        for (name, members) in [("A", vec!["1", "2"]), ("B", vec!["3", "4"]), ("C", vec![])] {
            client.group(name, &members).await;
        }
        let page = client.get("/Groups?cursor").await.json();
        assert_eq!((&page["itemsPerPage"], &page["totalResults"]), (&json!(1), &json!(3)));
        let next = page["nextCursor"].as_str().unwrap();
        let page = client.get(&format!("/Groups?cursor={next}")).await.json();
        assert_eq!(page["itemsPerPage"], 2);
        let page = client.get("/Groups?excludedAttributes=members").await.json();
        assert_eq!(page["itemsPerPage"], 3);
    }
}

#[tokio::test]
async fn a_search_by_post_is_the_same_query() {
    let client = five(Listed::Pages).await;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": "title pr", "sortBy": "userName", "count": 2, "attributes": ["userName"],
    });
    let found = client.post("/Users/.search", body).await.json();
    assert_eq!((names(&found), &found["totalResults"]), (vec!["b".into(), "c".into()], &json!(3)));
    assert!(found["Resources"][0].get("title").is_none());
}
