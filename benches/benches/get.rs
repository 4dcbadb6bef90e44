//! What a GET by id costs without HTTP around it: the service over SQLite, and the store alone.
//! Users are in one group each; every other one has a manager.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::Request;
use criterion::{Criterion, criterion_group, criterion_main};
use scim_backend_sqlite::{SqliteBackend, SqliteOptions};
use scim_core::{
    AttributeSet, DateTime, Ingest, Origin, Profile, Registry, ResourceId, ResourceType,
};
use scim_server_adapters::{
    BearerTokens, Change, Precondition, ProvisioningBackend, RequestContext, ScimService, Write,
};
use serde_json::{Map, Value};

#[path = "../src/people.rs"]
#[expect(dead_code, reason = "the load tool uses the rest")]
mod people;

const USERS: u64 = 10_000;

fn get(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let folder = std::env::temp_dir().join(format!("scim-bench-get-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let store = Arc::new(
        SqliteBackend::open(folder.join("get.db"), &Registry::builtin(), &SqliteOptions::new())
            .unwrap(),
    );
    let cx = RequestContext {
        tenant: "".into(),
        principal: "bench".into(),
        request_id: "1".into(),
        now: DateTime::now(),
    };
    let (user, group) = (ResourceType::user(), ResourceType::group());
    let create = |resource_type: &Arc<ResourceType>, id: String, body: Map<String, Value>| {
        let resource = Ingest::new(resource_type, &Profile::INTEROP, Origin::Request)
            .resource_from(body)
            .unwrap();
        let id = Some(ResourceId::new(id).unwrap());
        Write {
            resource_type: Arc::clone(resource_type),
            change: Change::Create { id, resource, secret: None },
            precondition: Precondition::NONE,
            returning: None,
            unique_display_name: false,
            must_exist: Vec::new(),
        }
    };
    let users = (0..USERS).map(|n| create(&user, people::user_id(n), people::user(n)));
    let groups = (0..USERS / people::GROUP_SIZE)
        .map(|n| create(&group, people::group_id(n), people::group(n)));
    let unit =
        |write| scim_server_adapters::WriteUnit { writes: vec![write], depends_on: Vec::new() };
    let written = store.write_all(&cx, users.chain(groups).map(unit).collect(), None);
    assert!(runtime.block_on(written).unwrap().iter().all(Result::is_ok));

    let tokens = BearerTokens::new().with_token("", "bench-key-0123456789", "bench");
    let backend: Arc<dyn ProvisioningBackend> = Arc::clone(&store) as _;
    let service = ScimService::builder(backend, Arc::new(tokens))
        .base_url("https://example.com/scim")
        .build();
    let wanted = Arc::new(AttributeSet::default_for(&user));
    for (name, odd) in [("user", 1), ("user with a manager", 0)] {
        let mut bench = criterion.benchmark_group(format!("get/{name}"));
        let mut n = 0;
        let mut next = move || {
            n = (n + 7_918) % USERS;
            n - n % 2 + odd + if n < 2 { 2 } else { 0 }
        };
        bench.bench_function("store", |b| {
            b.iter(|| {
                let id = ResourceId::new(people::user_id(next())).unwrap();
                runtime.block_on(store.get(&cx, &user, &id, &wanted, 0)).unwrap()
            })
        });
        bench.bench_function("service", |b| {
            b.iter(|| {
                let request = Request::get(format!("/v2/Users/{}", people::user_id(next())))
                    .header("Authorization", "Bearer bench-key-0123456789")
                    .body(Bytes::new())
                    .unwrap();
                let response = runtime.block_on(service.handle(request));
                assert_eq!(response.status(), 200);
                response
            })
        });
        bench.finish();
    }
    drop((service, store));
    let _ = std::fs::remove_dir_all(folder);
}

criterion_group!(benches, get);
criterion_main!(benches);
