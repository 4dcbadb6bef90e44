//! Queries on a resource type (RFC 7644 §3.4.2).

use serde_json::{Value, json};

use crate::client::{Client, ENTERPRISE, USER, builder};
use scim_server_adapters::Limits;

async fn names(client: &Client, query: &str) -> Vec<String> {
    let answer = client.get(&format!("/Users?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let list = answer.json();
    let resources = list["Resources"].as_array().unwrap();
    resources.iter().map(|r| r["userName"].as_str().unwrap().to_owned()).collect()
}

async fn five() -> Client {
    let client = Client::new();
    for name in ["a", "b", "c", "d", "e"] {
        client.user(name).await;
    }
    client
}

#[tokio::test]
async fn an_empty_list_still_has_resources_total_and_index() {
    let list = Client::new().get("/Users").await.json();
    assert_eq!(
        list,
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": [],
        }),
    );
}

#[tokio::test]
async fn pages_come_in_the_order_of_creation_and_items_per_page_counts_what_is_there() {
    let client = five().await;
    assert_eq!(names(&client, "startIndex=2&count=2").await, ["b", "c"]);
    let page = client.get("/Users?startIndex=5&count=2").await.json();
    assert_eq!(
        (&page["totalResults"], &page["startIndex"], &page["itemsPerPage"]),
        (&json!(5), &json!(5), &json!(1)),
    );
}

#[tokio::test]
async fn a_start_index_below_one_is_one_and_a_count_below_zero_is_zero() {
    let client = five().await;
    assert_eq!(names(&client, "startIndex=0&count=1").await, ["a"]);
    assert_eq!(names(&client, "startIndex=-9&count=1").await, ["a"]);
    let page = client.get("/Users?count=-1").await.json();
    assert_eq!((&page["totalResults"], &page["Resources"]), (&json!(5), &json!([])));
    let page = client.get("/Users?count=0").await.json();
    assert_eq!((&page["totalResults"], &page["Resources"]), (&json!(5), &json!([])));
    let beyond = client.get("/Users?startIndex=9").await.json();
    assert_eq!((&beyond["totalResults"], &beyond["Resources"]), (&json!(5), &json!([])));
}

#[tokio::test]
async fn a_count_beyond_the_largest_page_is_cut_to_it() {
    let limits = {
        let mut l = Limits::default();
        l.max_page_size = 2;
        l
    };
    let client = Client::of(builder().limits(limits).build());
    for name in ["a", "b", "c"] {
        client.user(name).await;
    }
    let page = client.get("/Users?count=9999999999").await.json();
    assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&json!(3), &json!(2)));
    let page = client.get("/Users").await.json();
    assert_eq!(page["itemsPerPage"], 2);
}

#[tokio::test]
async fn filters_select_by_attribute_value_path_extension_and_group() {
    let client = Client::new();
    let body = json!({
        "schemas": [USER], "userName": "bjensen", "active": true,
        "emails": [{"value": "b@example.com", "type": "work"}, {"value": "b@home.net", "type": "home"}],
        ENTERPRISE: {"department": "Tours"},
    });
    let id = client.post("/Users", body).await.id();
    client.user("jsmith").await;
    client.group("Guides", &[&id]).await;
    for filter in [
        "userName eq \"BJENSEN\"",
        "emails[type eq \"work\" and value co \"@example.com\"]",
        &format!("{ENTERPRISE}:department eq \"tours\""),
        "groups.display eq \"Guides\"",
        "active eq true",
        "title pr or not (userName sw \"j\")",
        &format!("id eq \"{id}\""),
        "meta.resourceType eq \"User\" and userName ew \"sen\"",
    ] {
        let query: String =
            percent_encoding::utf8_percent_encode(filter, percent_encoding::NON_ALPHANUMERIC)
                .collect();
        assert_eq!(names(&client, &format!("filter={query}")).await, ["bjensen"], "{filter}");
    }
}

#[tokio::test]
async fn totals_are_of_what_meets_the_filter() {
    let client = five().await;
    let page = client.get("/Users?filter=userName%20gt%20%22b%22&count=1").await.json();
    assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&json!(3), &json!(1)));
}

#[tokio::test]
async fn a_filter_that_cannot_be_read_is_invalid_filter_with_the_position() {
    let client = five().await;
    for filter in
        ["userName", "userName+eq", "userName+zz+%22x%22", "(userName+pr", "active+co+%22t%22"]
    {
        let answer = client.get(&format!("/Users?filter={filter}")).await;
        answer.assert_error(400, Some("invalidFilter"));
    }
}

#[tokio::test]
async fn a_sensitive_attribute_in_the_filter_of_a_url_is_forbidden() {
    let answer = Client::new().get("/Users?filter=password+eq+%22x%22").await;
    answer.assert_error(403, Some("sensitive"));
}

#[tokio::test]
async fn a_query_that_would_examine_too_much_is_too_many() {
    let limits = {
        let mut l = Limits::default();
        l.work = 3;
        l
    };
    let client = Client::of(builder().limits(limits).build());
    for name in ["a", "b", "c", "d"] {
        client.user(name).await;
    }
    client.get("/Users?filter=title+pr").await.assert_error(400, Some("tooMany"));
    assert_eq!(
        client.get("/Users?count=2").await.status,
        200,
        "without a filter nothing is examined"
    );
}

#[tokio::test]
async fn a_list_projects_each_resource() {
    let client = five().await;
    let list = client.get("/Users?attributes=userName&count=1").await.json();
    let user = list["Resources"][0].as_object().unwrap().clone();
    let keys: Vec<&String> = user.keys().collect();
    assert_eq!(keys, ["id", "schemas", "userName"]);
    let _: Value = list;
}

#[tokio::test]
async fn a_page_of_large_groups_ends_before_it_holds_too_many_members() {
    let limits = {
        let mut l = Limits::default();
        l.page_members = 5;
        l
    };
    let client = Client::of(builder().limits(limits).build());
    for (name, members) in [("a", 3), ("b", 2), ("c", 9), ("d", 1)] {
        let ids: Vec<String> = (0..members).map(|i| format!("{name}{i}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        client.group(name, &ids).await;
    }
    let mut pages = Vec::new();
    for sort in ["", "&sortBy=displayName"] {
        let mut cursor = String::new();
        loop {
            let page = client.get(&format!("/Groups?cursor={cursor}{sort}")).await.json();
            let names = page["Resources"].as_array().unwrap().iter();
            let names: String = names.map(|g| g["displayName"].as_str().unwrap()).collect();
            assert_eq!(page["totalResults"], 4);
            pages.push(names);
            match page.get("nextCursor") {
                Some(next) => cursor = next.as_str().unwrap().to_owned(),
                None => break,
            }
        }
    }
    assert_eq!(pages, ["ab", "c", "d", "ab", "c", "d"]);
    let all = client.get("/Groups?excludedAttributes=members").await.json();
    assert_eq!(all["itemsPerPage"], 4);
}
