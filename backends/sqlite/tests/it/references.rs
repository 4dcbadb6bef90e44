//! What a document refers to.

use scim_conformance::client::{only, user};
use serde_json::json;

use crate::fixture::in_memory;

#[tokio::test]
async fn references_are_looked_up_only_where_they_are_wanted() {
    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let store = in_memory();
    let boss = store.create_user("boss").await;
    let body = json!({"userName": "x", ENTERPRISE: {"manager": {"value": boss.as_str()}}});
    let id = store.create(&user(), body).await.unwrap().id;
    assert_eq!(store.get(&user(), &id).await.unwrap().references.len(), 1);
    let names = only(&user(), &["userName"]);
    let stored = store.backend.get(&store.cx, &user(), &id, &names, 0).await.unwrap();
    assert!(stored.references.is_empty());
}
