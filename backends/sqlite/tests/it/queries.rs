//! Filters, pages and totals (RFC 7644 §3.4.2).

use scim_conformance::client::{Client, group, query, user};
use scim_core::ResourceId;
use scim_server_adapters::{BackendError, Query, Start};
use serde_json::json;

use crate::fixture::in_memory;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

async fn populated() -> (Client, Vec<ResourceId>) {
    let store = in_memory();
    let mut users = Vec::new();
    for n in 0..20 {
        let body = json!({
            "userName": format!("User{n}"),
            "externalId": format!("x{}", n % 5),
            "displayName": format!("Person {}", n % 4),
            "active": n % 3 != 0,
            "emails": [
                {"value": format!("u{n}@example.com"), "type": "work"},
                {"value": format!("U{}@example.org", n % 2), "type": "home"},
            ],
            ENTERPRISE: {"employeeNumber": format!("{n:03}"), "manager": {"value": "boss"}},
        });
        users.push(store.create(&user(), body).await.unwrap().id);
    }
    (store, users)
}

#[tokio::test]
async fn comparisons_that_indexes_answer_select_what_the_filter_says() {
    let (store, users) = populated().await;
    let even: Vec<&ResourceId> = users.iter().step_by(2).collect();
    let team = store.create_group("Even", &even).await;
    let other = store.create_group("First", &[&users[0]]).await;
    let pick = |numbers: &[usize]| -> Vec<String> {
        numbers.iter().map(|n| users[*n].to_string()).collect()
    };
    for (text, expected) in [
        ("userName eq \"user7\"".to_owned(), pick(&[7])),
        ("USERNAME EQ \"USER7\"".to_owned(), pick(&[7])),
        (format!("id eq \"{}\"", users[3]), pick(&[3])),
        (format!("id eq \"{}\"", users[3].as_str().to_uppercase()), pick(&[])),
        ("externalId eq \"x1\"".to_owned(), pick(&[1, 6, 11, 16])),
        ("externalId eq \"X1\"".to_owned(), pick(&[])),
        ("displayName eq \"person 2\"".to_owned(), pick(&[2, 6, 10, 14, 18])),
        ("active eq false".to_owned(), pick(&[0, 3, 6, 9, 12, 15, 18])),
        ("emails.value eq \"U4@EXAMPLE.COM\"".to_owned(), pick(&[4])),
        ("emails eq \"u4@example.com\"".to_owned(), pick(&[4])),
        ("emails[value eq \"u4@example.com\"]".to_owned(), pick(&[4])),
        ("emails[type eq \"work\" and value eq \"u4@example.com\"]".to_owned(), pick(&[4])),
        ("emails[type eq \"home\" and value eq \"u4@example.com\"]".to_owned(), pick(&[])),
        (format!("{ENTERPRISE}:employeeNumber eq \"011\""), pick(&[11])),
        (format!("groups.value eq \"{other}\""), pick(&[0])),
        (format!("groups[value eq \"{other}\"]"), pick(&[0])),
        (format!("groups.value eq \"{team}\" and active eq false"), pick(&[0, 6, 12, 18])),
        (
            format!("active eq true and groups.value eq \"{team}\" and externalId eq \"x4\""),
            pick(&[4, 14]),
        ),
        (format!("groups.value eq \"{team}\" and groups.value eq \"{other}\""), pick(&[0])),
        ("externalId eq \"x1\" and emails.value eq \"u1@example.org\"".to_owned(), pick(&[1, 11])),
        ("displayName eq \"person 1\" and externalId eq \"x1\"".to_owned(), pick(&[1])),
        ("userName eq \"user1\" and userName eq \"user2\"".to_owned(), pick(&[])),
        ("externalId eq \"x1\" and title pr".to_owned(), pick(&[])),
        ("externalId eq \"x1\" and not (title pr)".to_owned(), pick(&[1, 6, 11, 16])),
        ("undefined eq \"x\"".to_owned(), pick(&[])),
        ("undefined ne \"x\" and userName eq \"user1\"".to_owned(), pick(&[1])),
    ] {
        assert_eq!(store.select(&user(), &text).await, expected, "{text}");
    }
    for (text, expected) in [
        (format!("members.value eq \"{}\"", users[0]), vec![team.to_string(), other.to_string()]),
        (format!("members eq \"{}\"", users[2]), vec![team.to_string()]),
        (format!("members[value eq \"{}\"]", users[2]), vec![team.to_string()]),
        (
            format!("members[value eq \"{}\" and type eq \"User\"]", users[2]),
            vec![team.to_string()],
        ),
        (format!("members[value eq \"{}\" and type eq \"Group\"]", users[2]), vec![]),
        (
            format!("members.value eq \"{}\" and members.value eq \"{}\"", users[0], users[2]),
            vec![team.to_string()],
        ),
        (
            format!("displayName eq \"first\" and members.value eq \"{}\"", users[0]),
            vec![other.to_string()],
        ),
    ] {
        assert_eq!(store.select(&group(), &text).await, expected, "{text}");
    }
}

#[tokio::test]
async fn other_filters_are_evaluated_within_the_work_limit() {
    let (store, users) = populated().await;
    let member = &users[5];
    let team = store.create_group("Guides", &[member]).await;
    assert_eq!(store.select(&user(), "userName ew \"19\"").await, [users[19].as_str()]);
    assert_eq!(store.select(&user(), "groups.display eq \"guides\"").await, [member.as_str()]);
    assert_eq!(store.select(&group(), "members.display sw \"person\"").await, [team.as_str()]);
    assert_eq!(
        store.select(&user(), "meta.resourceType eq \"User\" and not (groups pr)").await.len(),
        19
    );

    let limited = |text, work_limit, total| Query {
        work_limit,
        total,
        count: 1,
        ..query(&user(), Some(text))
    };
    let too_many = |result| matches!(result, Err(BackendError::TooMany));
    assert!(too_many(store.query(&limited("userName ew \"19\"", 19, true)).await));
    assert!(store.query(&limited("userName ew \"19\"", 20, true)).await.is_ok());
    // Where no total is asked for, looking ends when the page is full and a next match is known.
    assert!(store.query(&limited("userName co \"user1\"", 11, false)).await.is_ok());
    assert!(too_many(store.query(&limited("userName co \"user1\"", 10, false)).await));
    // An index narrows what is examined; what it answers alone is not examined.
    let narrowed = "externalId eq \"x1\" and userName ew \"6\"";
    assert!(store.query(&limited(narrowed, 4, true)).await.is_ok());
    assert!(too_many(store.query(&limited(narrowed, 3, true)).await));
    assert!(store.query(&limited("active eq true", 0, true)).await.is_ok());
    let modified = "meta.lastModified gt \"2020-01-01T00:00:00Z\" and meta.lastModified lt \"2030-01-01T00:00:00Z\"";
    assert!(store.query(&limited(modified, 0, true)).await.is_ok());
}

#[tokio::test]
async fn totals_are_right_wherever_the_page_begins() {
    let (store, _) = populated().await;
    for text in [None, Some("active eq true"), Some("userName pr"), Some("externalId eq \"x1\"")] {
        let all = store.query(&query(&user(), text)).await.unwrap().total;
        for (offset, count) in
            [(0, 0), (0, 1), (3, 2), (3, 100), (20, 5), (1_000, 5), (u64::MAX, 1)]
        {
            let page = Query { start: Start::Offset(offset), count, ..query(&user(), text) };
            let page = store.query(&page).await.unwrap();
            assert_eq!(page.total, all, "{text:?} from {offset} by {count}");
        }
    }
}
