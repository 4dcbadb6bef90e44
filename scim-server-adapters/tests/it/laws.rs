//! Laws that hold whatever the data: of pages, and of bulk requests.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use proptest::prelude::*;
use scim_server_adapters::MemoryBackend;
use serde_json::{Value, json};

use crate::bulk::OwnIds;
use crate::client::{Client, GROUP, USER, over};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Users whose titles repeat, are missing, and differ in case.
fn titles() -> impl Strategy<Value = Vec<Option<&'static str>>> {
    let title = prop_oneof![
        Just(None),
        Just(Some("a")),
        Just(Some("B")),
        Just(Some("b")),
        Just(Some("Émile")),
        Just(Some("z")),
    ];
    prop::collection::vec(title, 0..14)
}

fn query() -> impl Strategy<Value = String> {
    let filter = prop_oneof![
        Just(""),
        Just("&filter=title+pr"),
        Just("&filter=not+(title+eq+%22b%22)"),
        Just("&filter=title+gt+%22a%22+or+userName+ew+%221%22"),
    ];
    let sort = prop_oneof![
        Just(""),
        Just("&sortBy=title"),
        Just("&sortBy=title&sortOrder=descending"),
        Just("&sortBy=userName&sortOrder=descending"),
    ];
    (filter, sort).prop_map(|(filter, sort)| format!("{filter}{sort}"))
}

async fn populate(client: &Client, titles: &[Option<&str>]) {
    for (i, title) in titles.iter().enumerate() {
        let mut user = json!({"schemas": [USER], "userName": format!("user{i}")});
        if let Some(title) = title {
            user["title"] = json!(title);
        }
        assert_eq!(client.post("/Users", user).await.status, 201);
    }
}

fn ids(list: &Value) -> Vec<String> {
    let resources = list["Resources"].as_array().unwrap();
    resources.iter().map(|r| r["id"].as_str().unwrap().to_owned()).collect()
}

async fn list(client: &Client, query: &str) -> Value {
    let answer = client.get(&format!("/Users?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    answer.json()
}

/// All pages by cursor; `between` runs after each page.
async fn walk(client: &Client, query: &str, mut between: impl AsyncFnMut(usize)) -> Vec<String> {
    let (mut found, mut cursor, mut page) = (Vec::new(), String::new(), 0);
    loop {
        let list = list(client, &format!("{query}&cursor={cursor}")).await;
        found.extend(ids(&list));
        let Some(next) = list.get("nextCursor") else { return found };
        cursor = next.as_str().unwrap().to_owned();
        between(page).await;
        page += 1;
    }
}

/// A user or a group that a bulk request makes, with the others it refers to.
#[derive(Clone, Debug)]
struct Node {
    is_group: bool,
    refers_to: Vec<usize>,
}

fn graph() -> impl Strategy<Value = Vec<Node>> {
    (1usize..8).prop_flat_map(|n| {
        let node = (any::<bool>(), prop::collection::vec(0..n, 0..4))
            .prop_map(|(is_group, refers_to)| Node { is_group, refers_to });
        prop::collection::vec(node, n)
    })
}

fn body(node: &Node, index: usize, id_of: impl Fn(usize) -> Option<String>) -> Value {
    if node.is_group {
        let members: Vec<Value> =
            node.refers_to.iter().filter_map(|r| Some(json!({"value": id_of(*r)?}))).collect();
        json!({"schemas": [GROUP], "displayName": format!("group{index}"), "members": members})
    } else {
        let mut user = json!({"schemas": [USER], "userName": format!("user{index}")});
        if let Some(manager) = node.refers_to.first().and_then(|r| id_of(*r)) {
            user[crate::client::ENTERPRISE] = json!({"manager": {"value": manager}});
        }
        user
    }
}

fn path(node: &Node) -> &'static str {
    if node.is_group { "/Groups" } else { "/Users" }
}

/// What is there, with ids replaced by names, and members as sets.
async fn state(
    client: &Client,
    nodes: &[Node],
    ids: &HashMap<usize, String>,
) -> BTreeMap<usize, Value> {
    let mut state = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        let mut resource = client.get(&format!("{}/{}", path(node), ids[&index])).await.json();
        resource.as_object_mut().unwrap().remove("meta");
        for list in ["members", "groups"] {
            if let Some(elements) = resource[list].as_array_mut() {
                elements.sort_by_key(|e| {
                    let value = e["value"].as_str().unwrap();
                    ids.iter().find(|(_, id)| *id == value).map(|(index, _)| *index)
                });
            }
        }
        let mut text = resource.to_string();
        for (index, id) in ids {
            text = text.replace(id, &format!("#{index}"));
        }
        state.insert(index, serde_json::from_str(&text).unwrap());
    }
    state
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_pages_of_a_query_are_the_query(
        titles in titles(), query in query(), size in 1usize..6,
    ) {
        block_on(async {
            let client = Client::new();
            populate(&client, &titles).await;
            let whole = list(&client, &format!("count=1000{query}")).await;
            let mut paged = Vec::new();
            loop {
                let start = paged.len() + 1;
                let page = list(&client, &format!("startIndex={start}&count={size}{query}")).await;
                assert_eq!(page["totalResults"], whole["totalResults"]);
                let found = ids(&page);
                if found.is_empty() {
                    break;
                }
                paged.extend(found);
            }
            assert_eq!(paged, ids(&whole));
            let walked = walk(&client, &format!("count={size}{query}"), async |_| {}).await;
            assert_eq!(walked, ids(&whole));
        });
    }

    #[test]
    fn a_walk_by_cursor_gives_what_is_there_throughout_exactly_once(
        titles in titles(), query in query(), size in 1usize..4,
        deleted in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        added in prop::collection::vec(prop_oneof![Just(None), Just(Some("a")), Just(Some("z"))], 0..4),
    ) {
        block_on(async {
            let client = Client::new();
            populate(&client, &titles).await;
            let all = ids(&list(&client, &format!("count=1000{query}")).await);
            let mut gone = Vec::new();
            let walked = walk(&client, &format!("count={size}{query}"), async |page| {
                if let (Some(index), false) = (deleted.get(page), all.is_empty()) {
                    let id = index.get(&all);
                    client.delete(&format!("/Users/{id}")).await;
                    gone.push(id.clone());
                }
                if let Some(title) = added.get(page) {
                    let mut user = json!({"schemas": [USER], "userName": format!("new{page}1")});
                    if let Some(title) = title {
                        user["title"] = json!(title);
                    }
                    client.post("/Users", user).await;
                }
            })
            .await;
            let throughout: Vec<&String> = all.iter().filter(|id| !gone.contains(id)).collect();
            let seen: Vec<&String> = walked.iter().filter(|id| throughout.contains(id)).collect();
            assert_eq!(seen, throughout, "in order, none skipped, none repeated");
        });
    }

    #[test]
    fn a_bulk_graph_makes_the_resources_that_single_requests_make(
        nodes in graph(), own_ids in any::<bool>(),
    ) {
        block_on(async {
            let bulk = if own_ids {
                let backend = OwnIds(MemoryBackend::new());
                Client::of(over(Arc::new(backend)).build())
            } else {
                Client::new()
            };
            let operations: Vec<Value> = nodes
                .iter()
                .enumerate()
                .map(|(i, node)| {
                    let data = body(node, i, |r| Some(format!("bulkId:n{r}")));
                    json!({"method": "POST", "path": path(node), "bulkId": format!("n{i}"), "data": data})
                })
                .collect();
            let request = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                "Operations": operations,
            });
            let answer = bulk.post("/Bulk", request).await.json();
            let mut bulk_ids = HashMap::new();
            for (i, operation) in answer["Operations"].as_array().unwrap().iter().enumerate() {
                assert_eq!(operation["status"], "201", "{operation}");
                let location = operation["location"].as_str().unwrap();
                bulk_ids.insert(i, location.rsplit('/').next().unwrap().to_owned());
            }

            // One by one: first without references, then with them.
            let single = Client::new();
            let mut ids = HashMap::new();
            for (i, node) in nodes.iter().enumerate() {
                ids.insert(i, single.post(path(node), body(node, i, |_| None)).await.id());
            }
            for (i, node) in nodes.iter().enumerate() {
                let data = body(node, i, |r| Some(ids[&r].clone()));
                let answer = single.put(&format!("{}/{}", path(node), ids[&i]), data).await;
                assert_eq!(answer.status, 200, "{}", answer.text);
            }
            assert_eq!(state(&bulk, &nodes, &bulk_ids).await, state(&single, &nodes, &ids).await);
        });
    }
}
