//! What reads and writes cost and touch, and what happens when there is no room for them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::hooks::{Action, AuthAction, AuthContext, Authorization};
use scim_core::{
    AttributeSet, DateTime, Ingest, Origin, PatchOp, Profile, Registry, Resource, ResourceId,
    ResourceType,
};
use scim_patch::PatchPlan;
use scim_server_adapters::{BackendError, Change, Precondition, RequestContext, Write, Written};
use serde_json::{Value, json};

use crate::change::Job;
use crate::database::{WriteConnection, connect_memory};
use crate::load::Loader;
use crate::options::SqliteOptions;
use crate::tenants::Tenants;
use crate::writer::{JobUnit, Writer};
use crate::{fingerprint, migration, names, sweep};
use scim_backend_sql::Layout;

struct Database {
    connection: Connection,
    layout: Arc<Layout>,
    tenants: Arc<Tenants>,
}

fn database() -> Database {
    let mut connection = connect_memory().unwrap();
    migration::run(&mut connection).unwrap();
    let layout =
        names::layout(&connection, &Registry::builtin(), &SqliteOptions::new().indexing).unwrap();
    fingerprint::settle(&connection, &layout).unwrap();
    Database { connection, layout: Arc::new(layout), tenants: Arc::default() }
}

fn job(layout: &Layout, resource_type: &Arc<ResourceType>, change: Change) -> Job {
    let cx = RequestContext {
        tenant: "acme".into(),
        principal: "test".into(),
        request_id: "1".into(),
        now: DateTime::now(),
    };
    let precondition = Precondition::NONE;
    let resource_type = Arc::clone(resource_type);
    let of_type = Arc::clone(layout.of(&resource_type).unwrap());
    Job::new(
        &cx,
        &of_type,
        Write {
            resource_type,
            change,
            precondition,
            returning: None,
            unique_display_name: false,
            must_exist: Vec::new(),
        },
    )
    .unwrap()
}

fn resource(resource_type: &Arc<ResourceType>, mut body: Value) -> Resource {
    body["schemas"] = json!([resource_type.schema().id()]);
    let Value::Object(body) = body else { panic!("an object") };
    Ingest::new(resource_type, &Profile::STRICT, Origin::Request).resource_from(body).unwrap()
}

fn create(resource_type: &Arc<ResourceType>, body: Value) -> Change {
    Change::Create { id: None, resource: resource(resource_type, body), secret: None }
}

fn patch(id: &ResourceId, operations: Value) -> Change {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations,
    });
    let patch = PatchOp::parse(body.to_string().as_bytes(), &Profile::STRICT).unwrap();
    let plan = PatchPlan::new(&ResourceType::group(), patch, &Profile::STRICT).unwrap().plan;
    Change::Patch { id: id.clone(), plan }
}

fn add(id: &ResourceId, member: &str) -> Change {
    patch(id, json!([{"op": "add", "path": "members", "value": [{"value": member}]}]))
}

fn remove(id: &ResourceId, member: &str) -> Change {
    patch(id, json!([{"op": "remove", "path": format!("members[value eq \"{member}\"]")}]))
}

impl Database {
    fn perform(&self, resource_type: &Arc<ResourceType>, change: Change) -> Written {
        let job = job(&self.layout, resource_type, change);
        job.perform(&self.connection, &self.layout, &self.tenants).unwrap()
    }

    fn group(&self, members: usize) -> ResourceId {
        let members: Vec<Value> = (0..members).map(|n| json!({"value": format!("m{n}")})).collect();
        let body = json!({"displayName": format!("{} members", members.len()), "members": members});
        self.perform(&ResourceType::group(), create(&ResourceType::group(), body)).id
    }

    /// How many instructions SQLite's machine executes for a change: one that goes through rows
    /// executes some for each.
    fn instructions(&mut self, change: Change) -> u64 {
        let job = job(&self.layout, &ResourceType::group(), change);
        let (written, count) = self.counted(|database| {
            job.perform(&database.connection, &database.layout, &database.tenants).unwrap()
        });
        assert!(written.changed);
        count
    }

    /// What is done, and how many instructions it takes.
    fn counted<T>(&mut self, work: impl FnOnce(&Self) -> T) -> (T, u64) {
        let count = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&count);
        let every = move || {
            *counted.lock().unwrap() += 1;
            false
        };
        self.connection.progress_handler(1, Some(every)).unwrap();
        let done = work(self);
        self.connection.progress_handler(0, None::<fn() -> bool>).unwrap();
        let count = *count.lock().unwrap();
        assert!(count > 0);
        (done, count)
    }

    /// Writes that many events.
    fn changes(&self, count: usize) {
        let id = self.group(0);
        for n in 1..count {
            let operations =
                json!([{"op": "replace", "path": "displayName", "value": n.to_string()}]);
            self.perform(&ResourceType::group(), patch(&id, operations));
        }
    }

    /// The positions of events, in order.
    fn events(&self) -> Vec<i64> {
        let mut statement =
            self.connection.prepare("SELECT position FROM scim_event ORDER BY position").unwrap();
        let positions = statement.query_map([], |row| row.get(0)).unwrap();
        positions.map(Result::unwrap).collect()
    }
}

#[test]
fn what_was_read_or_written_once_is_prepared() {
    let mut database = database();
    let prepared = Arc::new(Mutex::new(0));
    let counting = Arc::clone(&prepared);
    let authorize = move |_: AuthContext<'_>| {
        *counting.lock().unwrap() += 1;
        Authorization::Allow
    };
    database.connection.authorizer(Some(authorize)).unwrap();
    let (user, group) = (ResourceType::user(), ResourceType::group());
    for round in 0..3 {
        let body = json!({"userName": format!("user{round}"), "externalId": "x"});
        let id = database.perform(&user, create(&user, body)).id;
        let team = database.group(2);
        for change in [add(&team, id.as_str()), remove(&team, "m1")] {
            database.perform(&group, change);
        }
        let Database { connection, layout, .. } = &database;
        let loader = Loader { connection, layout, tenant: 1 };
        for (resource_type, id) in [(&user, &id), (&group, &team)] {
            let wanted = AttributeSet::default_for(resource_type);
            let of_type = layout.of(resource_type).unwrap();
            loader.by_id(of_type, resource_type, id.as_str(), &wanted, 10).unwrap();
        }
        database.perform(&group, Change::Delete { id: team });
        database.perform(&user, Change::Delete { id });
        let prepared = std::mem::take(&mut *prepared.lock().unwrap());
        assert_eq!(prepared > 0, round == 0, "round {round}: {prepared}");
    }
}

#[test]
fn adding_and_removing_a_member_costs_the_same_in_groups_of_all_sizes() {
    let mut database = database();
    let [small, large] = [database.group(10), database.group(20_000)];
    for id in [&small, &large] {
        // The first time, statements are prepared.
        database.instructions(add(id, "first"));
        database.instructions(remove(id, "first"));
    }
    let mut cost =
        |id| [database.instructions(add(id, "x")), database.instructions(remove(id, "m5"))];
    assert_eq!(cost(&small), cost(&large));
}

#[test]
fn reading_some_members_costs_the_same_wherever_they_are() {
    let mut database = database();
    let [small, large] = [database.group(200), database.group(20_000)];
    let mut cost = |id: &ResourceId, after: i64| {
        let (members, count) = database.counted(|Database { connection, layout, .. }| {
            let loader = Loader { connection, layout, tenant: 1 };
            let of_type = layout.of(&ResourceType::group()).unwrap();
            let (group, _) = loader.find(of_type, id.as_str()).unwrap();
            loader.members(group, after, 100).unwrap()
        });
        assert_eq!(members.list.len(), 100);
        assert_eq!(*members.list[0].value, format!("m{after}"));
        assert!(members.next.is_some());
        count
    };
    // The first time, statements are prepared.
    cost(&small, 0);
    let expected = cost(&small, 50);
    for after in [0, 50, 10_000, 19_800] {
        assert_eq!(cost(&large, after), expected, "after {after}");
    }
}

#[test]
fn deleting_a_group_costs_no_more_beyond_some_hundred_members() {
    let mut database = database();
    let mut cost = |members| {
        let id = database.group(members);
        database.instructions(Change::Delete { id })
    };
    cost(1);
    let few = cost(600);
    let many = cost(20_000);
    assert!(many < few + few / 10, "{few} instructions for 600 members, {many} for 20,000");
    let mut batches = 0;
    while sweep::members(&database.connection).unwrap() {
        batches += 1;
    }
    assert!(batches >= 20, "in batches: {batches}");
    let left: i64 = database
        .connection
        .query_row(
            "SELECT (SELECT count(*) FROM scim_member) + (SELECT count(*) FROM scim_sweep)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(left, 0);
}

#[test]
fn events_go_in_batches_at_the_same_cost_however_many_are_left() {
    let mut database = database();
    database.changes(9_000);
    let forget = |database: &Database| sweep::events(&database.connection, Duration::ZERO).unwrap();
    let mut batches = Vec::new();
    loop {
        let (more, cost) = database.counted(forget);
        batches.push(cost);
        if !more {
            break;
        }
    }
    let [_, second, third, fourth, _] = batches[..] else { panic!("{batches:?}") };
    assert_eq!([second, second], [third, fourth], "the cost of a batch");
    assert_eq!(database.events(), [9_000], "all but the newest");
    database.changes(1);
    assert_eq!(database.events(), [9_000, 9_001], "no position is given twice");
}

#[test]
fn events_stay_for_as_long_as_they_are_kept() {
    let database = database();
    database.changes(10);
    let hour = Duration::from_secs(3_600);
    sweep::events(&database.connection, hour).unwrap();
    sweep::events(&database.connection, Duration::MAX).unwrap();
    assert_eq!(database.events().len(), 10);
    // A clock that was wrong once does not keep what follows.
    let tomorrow = "UPDATE scim_event SET time = time + 86400000000 WHERE position IN (1, 5)";
    database.connection.execute(tomorrow, []).unwrap();
    let yesterday =
        "UPDATE scim_event SET time = time - 86400000000 WHERE position NOT IN (1, 5, 9)";
    database.connection.execute(yesterday, []).unwrap();
    sweep::events(&database.connection, hour).unwrap();
    assert_eq!(database.events(), [1, 5, 9, 10], "and the newest");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_while_the_writer_is_idle() {
    let Database { connection, layout, tenants } = database();
    let connection = Arc::new(Mutex::new(connection));
    let shared = WriteConnection::Shared(Arc::clone(&connection));
    let retention = Some(Duration::from_millis(1));
    let writer = Writer::start(shared, Arc::clone(&layout), tenants, retention).unwrap();
    let group = ResourceType::group();
    let left = || -> (i64, i64) {
        let connection = connection.lock().unwrap();
        let sql = "SELECT count(*), max(position) FROM scim_event";
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    };
    // Also those that came after it has looked for the first time.
    for written in [10, 20] {
        for _ in 0..10 {
            let job = job(&layout, &group, create(&group, json!({"displayName": "Guides"})));
            writer.perform(job).await.unwrap();
        }
        while left() != (1, written) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[test]
fn events_go_while_the_writer_is_never_idle() {
    let database = database();
    database.changes(9_000);
    let Database { mut connection, layout, tenants } = database;
    let log = Arc::new(Mutex::new(Vec::new()));
    let logging = Arc::clone(&log);
    let record = move |action: Action, _: &str, table: &str, _: i64| {
        if table == "scim_event" {
            logging.lock().unwrap().push(action);
        }
    };
    connection.update_hook(Some(record)).unwrap();
    let connection = Arc::new(Mutex::new(connection));
    let shared = WriteConnection::Shared(Arc::clone(&connection));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let group = ResourceType::group();

    // The writer waits for the connection, and the queue is filled meanwhile, for four batches.
    let waiting = connection.lock().unwrap();
    let retention = Some(Duration::ZERO);
    let writer = Writer::start(shared, Arc::clone(&layout), tenants, retention).unwrap();
    let writer = Arc::new(writer);
    let asked = Arc::new(AtomicUsize::new(0));
    let requests: Vec<_> = (0..1_024)
        .map(|_| {
            let jobs = (0..4)
                .map(|_| job(&layout, &group, create(&group, json!({"displayName": "Guides"}))));
            let unit = JobUnit { jobs: jobs.collect(), depends_on: Vec::new() };
            let writer = Arc::clone(&writer);
            let asked = Arc::clone(&asked);
            runtime.spawn(async move {
                asked.fetch_add(1, Ordering::Relaxed);
                writer.perform_all(vec![unit], None).await.unwrap()
            })
        })
        .collect();
    while asked.load(Ordering::Relaxed) < requests.len() {
        runtime.block_on(tokio::task::yield_now());
    }
    drop(waiting);
    for request in requests {
        assert!(runtime.block_on(request).unwrap()[0].is_ok());
    }

    let log = log.lock().unwrap();
    let is_written = |action: &Action| *action == Action::SQLITE_INSERT;
    let first = log.iter().position(is_written).unwrap();
    let last = log.iter().rposition(is_written).unwrap();
    let runs = log[first..=last].chunk_by(|a, b| a == b);
    let removed: Vec<usize> = runs.filter(|run| !is_written(&run[0])).map(<[_]>::len).collect();
    assert!(removed.starts_with(&[2_000, 2_000]), "more than a batch writes: {removed:?}");
}

#[test]
fn a_patch_of_members_neither_reads_nor_writes_the_document() {
    let mut database = database();
    let id = database.group(10);
    // Statements that were prepared before would not be seen.
    database.connection.flush_prepared_statement_cache();
    let (read, written) = (Arc::new(Mutex::new(BTreeSet::new())), Arc::new(Mutex::new(Vec::new())));
    let (reading, writing) = (Arc::clone(&read), Arc::clone(&written));
    let authorize = move |context: AuthContext<'_>| {
        if let AuthAction::Read { table_name, column_name } = context.action {
            reading.lock().unwrap().insert(format!("{table_name}.{column_name}"));
        }
        Authorization::Allow
    };
    database.connection.authorizer(Some(authorize)).unwrap();
    let record = move |action: Action, _: &str, table: &str, _: i64| {
        writing.lock().unwrap().push((action, table.to_owned()));
    };
    database.connection.update_hook(Some(record)).unwrap();
    for change in [add(&id, "x"), remove(&id, "x"), remove(&id, "m1")] {
        assert!(database.perform(&ResourceType::group(), change).changed);
    }
    let read = read.lock().unwrap();
    let reads = |column: &str| read.contains(column);
    assert!(reads("scim_member.value") && reads("scim_resource.version"), "{read:?}");
    assert!(!reads("scim_resource.document"), "{read:?}");
    // SQLite's hook is silent about tables without rowid, which the member rows are in.
    let each = [(Action::SQLITE_UPDATE, "scim_resource"), (Action::SQLITE_INSERT, "scim_event")];
    let each = each.map(|(action, table)| (action, table.to_owned()));
    assert_eq!(*written.lock().unwrap(), [each.clone(), each.clone(), each].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_makes_writes_unavailable_and_loses_nothing() {
    let Database { connection, layout, tenants } = database();
    let connection = Arc::new(Mutex::new(connection));
    let shared = WriteConnection::Shared(Arc::clone(&connection));
    let writer = Arc::new(Writer::start(shared, Arc::clone(&layout), tenants, None).unwrap());
    let pages = |change: i64| {
        let connection = connection.lock().unwrap();
        let pages: i64 =
            connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        connection.pragma_update(None, "max_page_count", pages + change).unwrap();
    };
    pages(10);
    let user = ResourceType::user();
    let create_some = async |from: usize| {
        let tasks = (from..from + 200).map(|n| {
            let body = json!({"userName": format!("user{n}"), "title": "x".repeat(1_000)});
            let job = job(&layout, &user, create(&user, body));
            let writer = Arc::clone(&writer);
            tokio::spawn(async move { writer.perform(job).await })
        });
        let (mut created, mut refused) = (Vec::new(), 0);
        for task in tasks.collect::<Vec<_>>() {
            match task.await.unwrap() {
                Ok(written) => created.push(written.id),
                Err(BackendError::Unavailable { retry_after: Some(_) }) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        (created, refused)
    };
    let (mut created, refused) = create_some(0).await;
    assert!(refused > 0);
    pages(10_000);
    let (more, refused) = create_some(200).await;
    assert_eq!((more.len(), refused), (200, 0), "it goes on when there is room");
    created.extend(more);

    let connection = connection.lock().unwrap();
    let count = |table: &str| -> usize {
        let sql = format!("SELECT count(*) FROM {table}");
        let rows: i64 = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
        rows.try_into().unwrap()
    };
    for table in ["scim_resource", "scim_unique_value", "scim_event"] {
        assert_eq!(count(table), created.len(), "{table}");
    }
    let check: String =
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}
