//! The contract, what filters and members cost, and that the tables are still the product's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use existing_tables::Directory;
use rusqlite::Connection;
use scim_conformance::backend::Contract;
use scim_core::{
    AttributeSet, DateTime, Ingest, Origin, PatchOp, Profile, ResourceId, ResourceType,
};
use scim_filter::{Limits, ResolvedFilter};
use scim_patch::PatchPlan;
use scim_server_adapters::{
    BackendError, Change, CursorKey, Page, Precondition, ProvisioningBackend as _, Query,
    QueryTarget, RequestContext, Start, Write, Written,
};
use serde_json::{Value, json};

/// The contract of `ProvisioningBackend`, without exception. What there is not (tenants, types of
/// other schemas) is said; of sorting and bulk, which the capabilities do not name, nothing is
/// asked.
#[test]
fn the_contract_is_kept() {
    Contract::new(|| async { over(Connection::open_in_memory().unwrap()) })
        .without_tenants()
        .without_custom_types()
        .run();
}

fn over(connection: Connection) -> Directory {
    Directory::new(connection, CursorKey::generate()).unwrap()
}

/// SQLite counts its steps.
fn counting() -> (Directory, Arc<AtomicU64>) {
    let mut connection = Connection::open_in_memory().unwrap();
    let steps = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&steps);
    let count = move || {
        counter.fetch_add(1, Ordering::Relaxed);
        false
    };
    connection.progress_handler(1, Some(count)).unwrap();
    (over(connection), steps)
}

fn cx() -> RequestContext {
    let now = DateTime::from_micros(1_767_225_600_000_000).unwrap();
    RequestContext { tenant: "".into(), principal: "test".into(), request_id: "1".into(), now }
}

async fn write(directory: &Directory, of: &Arc<ResourceType>, change: Change) -> Written {
    let write = Write {
        resource_type: Arc::clone(of),
        change,
        precondition: Precondition::NONE,
        returning: None,
        unique_display_name: false,
        must_exist: Vec::new(),
    };
    directory.write(&cx(), write).await.unwrap()
}

async fn create(directory: &Directory, of: &Arc<ResourceType>, mut body: Value) -> ResourceId {
    body["schemas"] = json!([of.schema().id()]);
    let profile = &Profile::STRICT;
    let mut ingest = Ingest::new(of, profile, Origin::Request);
    let resource = ingest.resource(body.to_string().as_bytes()).unwrap();
    write(directory, of, Change::Create { id: None, resource, secret: None }).await.id
}

async fn find(
    directory: &Directory,
    of: &Arc<ResourceType>,
    filter: &str,
    work_limit: usize,
) -> Result<Page, BackendError> {
    let parsed = ResolvedFilter::parse(filter, of, &Profile::STRICT, &Limits::default()).unwrap();
    let target = QueryTarget {
        resource_type: Arc::clone(of),
        filter: Some(parsed),
        sort: None,
        wanted: Arc::new(AttributeSet::default_for(of)),
    };
    let query = Query {
        targets: vec![target],
        order: None,
        start: Start::Offset(0),
        count: 10,
        total: true,
        work_limit,
        member_limit: 1_000,
    };
    directory.query(&cx(), &query).await
}

/// Users and a team with one of them, and what identity providers ask about those two.
async fn populate(directory: &Directory, users: usize) -> (ResourceId, ResourceId, [String; 14]) {
    let mut ids = Vec::new();
    for n in 0..users {
        let body = json!({
            "userName": format!("User{n}x"), "externalId": format!("x{n}"), "active": true,
            "displayName": format!("Straße {n}"),
            "emails": [
                {"value": format!("U{n}@example.com"), "type": "work"},
                {"value": format!("{n}@home.example.com"), "type": "home"},
            ],
        });
        ids.push(create(directory, &ResourceType::user(), body).await);
    }
    let user = ids.swap_remove(7);
    let members = json!([{"value": user.as_str()}]);
    let body = json!({"displayName": "Seven", "externalId": "t", "members": members});
    let team = create(directory, &ResourceType::group(), body).await;
    let filters = [
        "userName eq \"uSER7X\"".to_owned(),
        "userName sw \"user7x\"".to_owned(),
        "externalId eq \"x7\" and active eq true".to_owned(),
        "userName eq \"user7x\" and displayName eq \"STRASSE 7\"".to_owned(),
        "emails.value eq \"u7@EXAMPLE.com\"".to_owned(),
        "emails[type eq \"work\" and value eq \"u7@example.com\"]".to_owned(),
        "userName eq \"user7x\" or emails.value eq \"7@home.example.com\"".to_owned(),
        "meta.lastModified gt \"2020-01-01T00:00:00Z\" and userName eq \"user7x\"".to_owned(),
        format!("id eq \"{user}\""),
        format!("groups.value eq \"{team}\""),
        "displayName eq \"seven\"".to_owned(),
        "externalId eq \"t\"".to_owned(),
        "externalId eq \"t\" or displayName sw \"seve\"".to_owned(),
        format!("members.value eq \"{user}\""),
    ];
    (user, team, filters)
}

/// What identity providers ask is answered by an index: it costs the same among any number of users.
#[tokio::test]
async fn what_clients_ask_for_reads_no_whole_table() {
    let mut costs = Vec::new();
    for users in [20, 2_000] {
        let (directory, steps) = counting();
        let (user, team, filters) = populate(&directory, users).await;
        for (n, filter) in filters.iter().enumerate() {
            let (of, id) =
                if n < 10 { (ResourceType::user(), &user) } else { (ResourceType::group(), &team) };
            let before = steps.load(Ordering::Relaxed);
            let page = find(&directory, &of, filter, 0).await.unwrap();
            costs.push((filter.clone(), steps.load(Ordering::Relaxed) - before));
            let found: Vec<_> = page.resources.iter().map(|found| &found.id).collect();
            assert_eq!((found, page.total), (vec![id], Some(1)), "{filter}");
        }
        let later = "meta.lastModified gt \"2026-01-02T00:00:00Z\"";
        let page = find(&directory, &ResourceType::user(), later, 0).await.unwrap();
        assert_eq!(page.total, Some(0));
    }
    let (few, many) = costs.split_at(costs.len() / 2);
    for ((filter, few), (_, many)) in few.iter().zip(many) {
        assert!(many <= &(few + few / 2), "{filter}: {few}, then {many} steps");
    }
}

#[tokio::test]
async fn what_reads_a_whole_table_is_bounded() {
    let directory = over(Connection::open_in_memory().unwrap());
    let user = ResourceType::user();
    populate(&directory, 20).await;
    for filter in
        ["userName co \"7\"", "not (displayName pr)", "emails.value ew \".com\"", "active eq true"]
    {
        find(&directory, &user, filter, 20).await.unwrap();
        let refused = find(&directory, &user, filter, 19).await.unwrap_err();
        assert!(matches!(refused, BackendError::TooMany), "{filter}: {refused}");
    }
    // What no column holds is the service's to evaluate, within the same limit.
    let refused = find(&directory, &user, "nickName eq \"x\"", 20).await.unwrap_err();
    assert!(matches!(refused, BackendError::Unsupported), "{refused}");
}

#[tokio::test]
async fn adding_a_member_costs_the_same_whatever_the_size_of_the_team() {
    let (directory, steps) = counting();
    let group = ResourceType::group();
    let mut costs = Vec::new();
    for size in [10, 20_000] {
        let members: Vec<Value> = (0..size).map(|n| json!({"value": format!("m{n}")})).collect();
        let body = json!({"displayName": "Team", "members": members});
        let team = create(&directory, &group, body).await;
        for operation in [
            json!({"op": "add", "path": "members", "value": [{"value": "one more"}]}),
            json!({"op": "remove", "path": "members[value eq \"m3\"]"}),
        ] {
            let body = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [operation],
            });
            let request = PatchOp::parse(body.to_string().as_bytes(), &Profile::STRICT).unwrap();
            let plan = PatchPlan::new(&group, request, &Profile::STRICT).unwrap().plan;
            let before = steps.load(Ordering::Relaxed);
            let change = Change::Patch { id: team.clone(), plan };
            assert!(write(&directory, &group, change).await.changed);
            costs.push(steps.load(Ordering::Relaxed) - before);
        }
    }
    let [add_to_few, remove_from_few, add_to_many, remove_from_many] = costs[..] else {
        panic!("{costs:?}")
    };
    assert!(add_to_few > 0 && remove_from_few > 0);
    assert_eq!((add_to_few, remove_from_few), (add_to_many, remove_from_many));
}

/// The tables are the product's: what it writes is what SCIM shows, and the other way round.
#[tokio::test]
async fn the_product_and_scim_see_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("product.db");
    let directory = over(Connection::open(&file).unwrap());
    let product = Connection::open(&file).unwrap();
    product
        .execute_batch(
            "INSERT INTO users (id, login, login_folded, display_name, enabled, created_at, changed_at)
             VALUES ('01900000-0000-7000-8000-000000000001', 'BJensen', 'bjensen', 'Babs', 1, 0, 0)",
        )
        .unwrap();
    let user = ResourceType::user();
    let page = find(&directory, &user, "userName eq \"bjensen\"", 0).await.unwrap();
    let babs = page.resources[0].to_json().unwrap();
    assert_eq!(babs["userName"], "BJensen");
    assert_eq!(babs["meta"]["version"], "W/\"1\"");

    // An attribute that has no column is kept beside those that have one.
    let body = json!({"userName": "jsmith", "active": false, "nickName": "Johnny"});
    let id = create(&directory, &user, body).await;
    let row: (String, bool, String) = product
        .query_row("SELECT login, enabled, rest FROM users WHERE id = ?1", [id.as_str()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(row, ("jsmith".into(), false, r#"{"nickName":"Johnny"}"#.into()));

    // The addresses of the product are in its own table; what it has no column for stays.
    let emails =
        json!([{"value": "j@example.com", "type": "work", "primary": true}, {"value": "x"}]);
    let body = json!({"userName": "j", "active": true, "emails": emails});
    let id = create(&directory, &user, body).await;
    product
        .execute("UPDATE user_emails SET address = 'j@example.org' WHERE place = 0", [])
        .unwrap();
    let page = find(&directory, &user, &format!("id eq \"{id}\""), 0).await.unwrap();
    let user = page.resources[0].to_json().unwrap();
    assert_eq!(user["emails"][0]["value"], "j@example.org");
    assert_eq!(user["emails"][0]["primary"], true);
    assert_eq!(user["emails"].as_array().unwrap().len(), 2);
    assert_eq!(user["active"], true);
}
