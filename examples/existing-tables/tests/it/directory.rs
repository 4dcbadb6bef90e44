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
    BackendError, Change, Page, Precondition, ProvisioningBackend as _, Query, QueryTarget,
    RequestContext, Start, Write, Written,
};
use serde_json::{Value, json};

/// The contract of `ProvisioningBackend`, without exception. What there is not (tenants, types of
/// other schemas) is said; of sorting and bulk, which the capabilities do not name, nothing is
/// asked.
#[test]
fn the_contract_is_kept() {
    Contract::new(|| async { Directory::over(Connection::open_in_memory().unwrap()).unwrap() })
        .without_tenants()
        .without_custom_types()
        .run();
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

/// What identity providers ask is answered by an index: nothing that does not match is looked at.
#[tokio::test]
async fn what_clients_ask_for_reads_no_whole_table() {
    let directory = Directory::over(Connection::open_in_memory().unwrap()).unwrap();
    let (user, group) = (ResourceType::user(), ResourceType::group());
    let mut ids = Vec::new();
    for n in 0..20 {
        let body = json!({
            "userName": format!("User{n}"), "externalId": format!("x{n}"), "active": true,
            "displayName": format!("Straße {n}"),
            "emails": [{"value": format!("U{n}@example.com"), "type": "work"}],
        });
        ids.push(create(&directory, &user, body).await);
    }
    let members = json!([{"value": ids[7].as_str()}]);
    let body = json!({"displayName": "Seven", "externalId": "t", "members": members});
    let team = create(&directory, &group, body).await;

    let id = &ids[7];
    for filter in [
        "userName eq \"uSER7\"",
        "userName sw \"user7\"",
        "externalId eq \"x7\" and active eq true",
        "displayName eq \"STRASSE 7\"",
        "emails.value eq \"u7@EXAMPLE.com\"",
        "emails[type eq \"work\" and value eq \"u7@example.com\"]",
        &format!("id eq \"{id}\""),
        &format!("groups.value eq \"{team}\""),
        "meta.lastModified gt \"2020-01-01T00:00:00Z\" and userName eq \"user7\"",
    ] {
        let page =
            find(&directory, &user, filter, 0).await.unwrap_or_else(|e| panic!("{filter}: {e}"));
        let found: Vec<_> = page.resources.iter().map(|found| &found.id).collect();
        assert_eq!((found, page.total), (vec![id], Some(1)), "{filter}");
    }
    for filter in
        ["displayName eq \"seven\"", "externalId eq \"t\"", &format!("members.value eq \"{id}\"")]
    {
        let page = find(&directory, &group, filter, 0).await.unwrap();
        assert_eq!(page.resources.len(), 1, "{filter}");
    }
    assert_eq!(
        find(&directory, &user, "meta.lastModified gt \"2026-01-02T00:00:00Z\"", 0)
            .await
            .unwrap()
            .total,
        Some(0),
    );

    // What would read all is answered for as many as one allows, and refused beyond.
    for filter in ["userName co \"7\"", "not (title pr)", "emails.value ew \".com\""] {
        find(&directory, &user, filter, 20).await.unwrap();
        let refused = find(&directory, &user, filter, 19).await.unwrap_err();
        assert!(matches!(refused, BackendError::TooMany), "{filter}: {refused}");
    }
    // What no column holds is the service's to evaluate, within the same limit.
    let refused = find(&directory, &user, "nickName eq \"x\"", 20).await.unwrap_err();
    assert!(matches!(refused, BackendError::Unsupported), "{refused}");
}

/// SQLite counts its steps.
#[tokio::test]
async fn adding_a_member_costs_the_same_whatever_the_size_of_the_team() {
    static STEPS: AtomicU64 = AtomicU64::new(0);
    let mut connection = Connection::open_in_memory().unwrap();
    let count = || {
        STEPS.fetch_add(1, Ordering::Relaxed);
        false
    };
    connection.progress_handler(1, Some(count)).unwrap();
    let directory = Directory::over(connection).unwrap();
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
            let before = STEPS.load(Ordering::Relaxed);
            let change = Change::Patch { id: team.clone(), plan };
            assert!(write(&directory, &group, change).await.changed);
            costs.push(STEPS.load(Ordering::Relaxed) - before);
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
    let directory = Directory::open(&file).unwrap();
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
    assert_eq!(directory.who_may_sign_in().unwrap(), ["BJensen"]);

    // Another process, another connection: the cursors that it sealed are read here.
    let other = Directory::open(&file).unwrap();
    assert_eq!(directory.capabilities(&cx()), other.capabilities(&cx()));
}
