//! Every statement finds its rows by an index: what PostgreSQL says of the plans that are kept, made
//! over empty tables and over full ones.

use postgres_test_server::database;
use scim_backend_sql::{Lookup, TypeLayout};
use scim_core::{AttributeSet, Profile, Registry, ResourceType};
use scim_filter::{Limits, ResolvedFilter};
use tokio_postgres::{Client, NoTls};

use crate::load::Beside;
use crate::lookup::{Select, Window, mapping};
use crate::options::PostgresOptions;
use crate::session::SETTINGS;
use crate::{PostgresBackend, change, event, load, members, query, sweep};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Tables of which a scan is no matter: nothing in them, or one row, is what is looked for.
const SMALL: [&str; 2] = ["scim_fingerprint", "scim_sweep"];

/// 20,000 users of one tenant, 5 of another, and groups, as far as plans depend on them.
const FILL: &str = "
    INSERT INTO scim_tenant (name) SELECT 'tenant' || n FROM generate_series(1, 1000) n;
    INSERT INTO scim_resource (tenant, type, id, version, created, last_modified, external_id,
        user_name, display_name, active)
    SELECT CASE WHEN n <= 5 THEN 2 ELSE 1 END, 1 + n % 100 / 99, 'id' || n, 1, n, n, 'x' || n,
        'user' || n, 'name' || n, n % 50 > 0
    FROM generate_series(1, 20000) n;
    INSERT INTO scim_document SELECT key, '{}' FROM scim_resource;
    INSERT INTO scim_unique_value SELECT tenant, 1, 'tuser' || key, key FROM scim_resource;
    INSERT INTO scim_indexed_value
        SELECT tenant, 2, 'tuser' || key || '@example.com', key FROM scim_resource;
    INSERT INTO scim_member (group_key, tenant, value)
        SELECT g.key, g.tenant, 'id' || n
        FROM scim_resource g, generate_series(1, 100) n WHERE g.type = 2;
    INSERT INTO scim_event (tenant, type, id, kind, version, principal, time)
        SELECT tenant, type, id, 1, 1, 'p', 1 FROM scim_resource;
    INSERT INTO scim_sweep SELECT key FROM scim_resource WHERE type = 2;
    INSERT INTO scim_population VALUES (1, 1, 1, 1), (1, 2, 1, 1);
    ANALYZE";

/// The plan that is kept of a statement.
async fn plan(client: &Client, sql: &str) -> Vec<String> {
    client.batch_execute(&format!("PREPARE examined AS {sql}")).await.expect(sql);
    let parameters = "
        SELECT coalesce(array_length(parameter_types, 1), 0)::bigint
        FROM pg_prepared_statements WHERE name = 'examined'";
    let count: i64 = client.query_one(parameters, &[]).await.unwrap().get(0);
    let nulls = vec!["NULL"; usize::try_from(count).unwrap()].join(", ");
    let execute = match nulls.as_str() {
        "" => "EXPLAIN (COSTS OFF) EXECUTE examined".to_owned(),
        nulls => format!("EXPLAIN (COSTS OFF) EXECUTE examined({nulls})"),
    };
    let rows = client.simple_query(&execute).await.expect(sql);
    client.batch_execute("DEALLOCATE examined").await.unwrap();
    rows.iter()
        .filter_map(|row| match row {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
        .collect()
}

fn is_full_scan(step: &str) -> bool {
    step.contains("Seq Scan on scim_") && !SMALL.iter().any(|table| step.contains(table))
}

/// Whether an index is gone through without anything to look up.
fn has_unbound_index_scan(steps: &[String]) -> bool {
    steps.iter().zip(steps.iter().skip(1).map(Some).chain([None])).any(|(step, next)| {
        let is_scan = ["Index Scan using", "Index Only Scan using", "Bitmap Index Scan on"]
            .iter()
            .any(|kind| step.contains(kind));
        is_scan && !next.is_some_and(|next| next.trim().starts_with("Index Cond"))
    })
}

async fn assert_indexed(client: &Client, sql: &str) -> Vec<String> {
    let steps = plan(client, sql).await;
    assert!(!steps.iter().any(|step| is_full_scan(step)), "{sql}\n{steps:#?}");
    assert!(!has_unbound_index_scan(&steps), "{sql}\n{steps:#?}");
    steps
}

fn lookup(of_type: &TypeLayout, text: &str) -> Lookup {
    if text.is_empty() {
        return Lookup::ALL;
    }
    let (limits, profile) = (Limits::default(), Profile::STRICT);
    let filter = ResolvedFilter::parse(text, &of_type.resource_type, &profile, &limits).unwrap();
    Lookup::new(of_type, filter.expression(), || mapping(of_type))
}

/// Statements whose text does not depend on what is asked.
fn fixed() -> Vec<&'static str> {
    let mut all = Vec::new();
    all.extend(change::STATEMENTS);
    all.extend(members::STATEMENTS);
    all.extend(load::STATEMENTS);
    all.extend(query::STATEMENTS);
    all.extend([event::EVENTS, sweep::SWEEP]);
    all
}

/// `are_full` says whether the tables are, and known to be: of empty ones any index will do.
async fn all_find_their_rows_by_an_index(
    client: &Client,
    backend: &PostgresBackend,
    are_full: bool,
) {
    for sql in fixed() {
        assert_indexed(client, sql).await;
    }
    for resource_type in [ResourceType::user(), ResourceType::group()] {
        let of_type = backend.layout().of(&resource_type).unwrap();
        let all = Beside::new(of_type, &AttributeSet::default_for(&resource_type));
        for sql in [load::by_id(all), load::by_keys(all)] {
            assert_indexed(client, &sql).await;
        }
    }
    let employee = format!("{ENTERPRISE}:employeeNumber eq \"1\"");
    let (user, group) = (ResourceType::user(), ResourceType::group());
    for (resource_type, filter, index) in [
        (&user, "", "scim_resource_pkey"),
        (&user, "id eq \"x\"", "scim_resource_by_id"),
        (&user, "userName eq \"x\"", "scim_unique_value_pkey"),
        (&user, "externalId eq \"x\"", "scim_resource_by_external_id"),
        (&user, "displayName eq \"x\"", "scim_resource_by_display_name"),
        (&user, "active eq true", "scim_resource_by_active"),
        (&user, "emails.value eq \"x\"", "scim_indexed_value_pkey"),
        (&user, "emails[type eq \"work\" and value eq \"x\"]", "scim_indexed_value_pkey"),
        (&user, &employee, "scim_indexed_value_pkey"),
        (&group, "members.value eq \"x\"", "scim_member_by_value"),
        (
            &group,
            "displayName eq \"x\" and members.value eq \"y\"",
            "scim_resource_by_display_name",
        ),
        (
            &user,
            "active eq true and externalId eq \"x\" and groups.value eq \"y\"",
            "scim_resource_by_external_id",
        ),
        (&user, "active eq true and userName eq \"x\"", "scim_unique_value_pkey"),
        (&user, "meta.lastModified gt \"2026-01-01T00:00:00Z\"", "scim_resource_by_last_modified"),
        (
            &user,
            "meta.lastModified ge \"2026-01-01T00:00:00Z\" and active eq true and title pr",
            "scim_resource_by_last_modified",
        ),
        (
            &user,
            "title co \"x\" and not (emails pr) and groups.value ne \"x\" and meta.created pr",
            "scim_resource_pkey",
        ),
        (
            &group,
            "members[value sw \"x\" and type eq \"User\"] or displayName sw \"y\"",
            "scim_resource_pkey",
        ),
        (&user, "groups.value eq \"x\"", "scim_resource_by_id"),
        (&user, "groups.value eq \"x\" and active eq true", "scim_resource_by_id"),
    ] {
        let of_type = backend.layout().of(resource_type).unwrap();
        let lookup = lookup(of_type, filter);
        let window = Window { after: 0, skip: 0, limit: 100 };
        let keys = Select::keys(&lookup, 1, of_type, window).sql;
        let steps = assert_indexed(client, &keys).await;
        // What is asked first is the innermost step that has no other before it.
        let scans = steps.iter().filter(|step| step.contains("Scan using"));
        let first = scans.clone().next().unwrap();
        assert!(!are_full || first.contains(index), "{filter}\n{keys}\n{steps:#?}");
        let count = Select::count(&lookup, 1, of_type).sql;
        assert_indexed(client, &count).await;
        assert_indexed(client, &Select::tested(&lookup, 1, of_type, window).sql).await;
        let beside = Beside::new(of_type, &AttributeSet::default_for(resource_type));
        let resources = Select::resources(&lookup, 1, of_type, window, beside, 10).sql;
        assert_indexed(client, &resources).await;
    }
}

#[tokio::test]
async fn statements_find_their_rows_by_an_index() {
    let Some(database) = database("query plans of PostgreSQL").unwrap() else { return };
    let registry = Registry::builtin();
    let options = PostgresOptions::new();
    let backend = PostgresBackend::open(database.url(), &registry, &options).await.unwrap();
    let (client, connection) = tokio_postgres::connect(database.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(SETTINGS).await.unwrap();

    for sql in [
        "SELECT key FROM scim_resource WHERE display = $1",
        "SELECT count(*) FROM scim_member WHERE type = $1",
        "UPDATE scim_document SET text = $1 WHERE text = $2",
    ] {
        let steps = plan(&client, sql).await;
        let noticed = steps.iter().any(|s| is_full_scan(s)) || has_unbound_index_scan(&steps);
        assert!(noticed, "a statement without an index would be noticed: {steps:#?}");
    }
    all_find_their_rows_by_an_index(&client, &backend, false).await;
    database.run(FILL).unwrap();
    all_find_their_rows_by_an_index(&client, &backend, true).await;
}
