//! Groups and their members (RFC 7643 §4.2, §4.1.2 `groups`).

use scim_conformance::client::{group, user};
use serde_json::{Value, json};

use crate::fixture::in_file;

#[tokio::test]
async fn deleting_a_group_with_many_members_leaves_nothing_to_see() {
    let (store, folder) = in_file();
    let id = store.create_user("bjensen").await;
    let mut members: Vec<Value> = (0..5_000).map(|n| json!({"value": format!("m{n}")})).collect();
    members.push(json!({"value": id.as_str()}));
    let body = json!({"displayName": "All", "members": members});
    let all = store.create(&group(), body).await.unwrap().id;
    assert_eq!(store.get(&user(), &id).await.unwrap().groups.unwrap().len(), 1);
    store.delete(&group(), &all).await.unwrap();
    assert_eq!(store.get(&user(), &id).await.unwrap().groups.unwrap(), []);
    assert_eq!(store.select(&user(), &format!("groups.value eq \"{all}\"")).await, [""; 0]);
    assert_eq!(store.select(&group(), "members.value eq \"m1\"").await, [""; 0]);
    // A new group doesn't inherit what may not be swept yet.
    let new = store.create_group("New", &[]).await;
    assert_eq!(store.members(&new).await, [""; 0]);
    drop(store);

    // The sweep goes on after a restart until no row is left.
    let store = crate::fixture::open(&folder, &crate::fixture::options());
    let connection = rusqlite::Connection::open(folder.path().join("scim.db")).unwrap();
    loop {
        let left: i64 =
            connection.query_row("SELECT count(*) FROM scim_member", [], |row| row.get(0)).unwrap();
        if left == 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
    drop(store);
}
