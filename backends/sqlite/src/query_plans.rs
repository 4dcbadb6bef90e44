//! Every statement finds its rows by an index: what SQLite says of its plans.

use rusqlite::Connection;
use scim_backend_sql::{Layout, Lookup};
use scim_core::{Profile, Registry, ResourceType};
use scim_filter::{Limits, ResolvedFilter};

use crate::database::connect_memory;
use crate::lookup::{Select, Window};
use crate::mapping::mapping;
use crate::options::SqliteOptions;
use crate::{change, event, load, members, migration, names, query, sweep, values};

fn database() -> (Connection, Layout) {
    let mut connection = connect_memory().unwrap();
    migration::run(&mut connection).unwrap();
    let layout =
        names::layout(&connection, &Registry::builtin(), &SqliteOptions::new().indexing).unwrap();
    (connection, layout)
}

/// The steps of a plan, as SQLite words them.
fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    // Parameters that are not bound are null.
    let mut rows = statement.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get(3).unwrap());
    }
    assert!(!steps.is_empty(), "{sql}");
    steps
}

/// Whether a step goes through a whole table of the store's. `json_each` gives what was asked
/// about, and a subquery what its own steps found.
fn is_full_scan(step: &str) -> bool {
    step.starts_with("SCAN")
        && ![
            "SCAN k VIRTUAL TABLE",
            // The elements of an array in a document.
            "SCAN scim_element VIRTUAL TABLE",
            "SCAN scim_part VIRTUAL TABLE",
            // The candidates that a look-up found.
            "SCAN c",
            "SCAN (subquery",
            "SCAN CONSTANT ROW",
        ]
        .iter()
        .any(|known| step.starts_with(known))
}

fn assert_indexed(connection: &Connection, sql: &str) {
    let steps = plan(connection, sql);
    assert!(!steps.iter().any(|step| is_full_scan(step)), "{sql}\n{steps:#?}");
}

#[test]
fn a_statement_without_an_index_would_be_noticed() {
    let (connection, _) = database();
    for sql in [
        "SELECT key FROM scim_resource WHERE display = ?1",
        "SELECT count(*) FROM scim_member WHERE value = ?1",
        "UPDATE scim_resource SET document = ?1 WHERE document = ?2",
    ] {
        assert!(plan(&connection, sql).iter().any(|step| is_full_scan(step)), "{sql}");
    }
}

#[test]
fn fixed_statements_find_their_rows_by_an_index() {
    let (connection, _) = database();
    for sql in [
        load::FIND,
        load::BY_ID,
        load::BY_KEY,
        load::BY_KEYS,
        load::MEMBERS,
        load::MEMBERS_OF_MANY,
        load::GROUPS,
        load::GROUPS_OF_MANY,
        load::EXISTING,
        members::ADD,
        members::SET_UNKNOWN_TYPE,
        members::SET_GIVEN_TYPE,
        members::SET_TYPE,
        members::REMOVE,
        members::CLEAR,
        members::VALUES,
        members::SWEEP,
        members::UP_TO,
        values::REMOVE_UNIQUE,
        values::REMOVE_INDEXED,
        change::DOCUMENT,
        change::UPDATE_DOCUMENT,
        change::UPDATE_COLUMNS,
        change::TOUCH,
        change::TOUCH_GROUPS,
        change::LEAVE_GROUPS,
        change::DEPOPULATE,
        event::EVENTS,
        event::NEWEST,
        query::POPULATION,
    ] {
        assert_indexed(&connection, sql);
    }
    // The one table whose first row, whichever it is, is what is wanted.
    assert_eq!(plan(&connection, sweep::NEXT), ["SCAN scim_sweep"]);
    // And the one whose first rows are, as many as a batch has.
    let steps = [
        "SEARCH scim_event USING INTEGER PRIMARY KEY (rowid=?)",
        "LIST SUBQUERY 1",
        "SCAN scim_event",
        "SCALAR SUBQUERY 2",
        "SEARCH scim_event",
    ];
    assert_eq!(plan(&connection, sweep::FORGET), steps);
}

/// The plans are for any number of resources. Somebody may have had SQLite count them (`ANALYZE`) when
/// they were few, and it would still go by that when they are many.
fn database_counted_when_small(resources: i64) -> Connection {
    let (connection, _) = database();
    for n in 0..resources {
        let sql = "INSERT INTO scim_resource
            (tenant, type, id, version, created, last_modified, document) VALUES (1, 1, ?1, 1, 0, 0, '')";
        connection.execute(sql, [n.to_string()]).unwrap();
        let sql =
            "INSERT INTO scim_member (group_key, position, tenant, value) VALUES (1, ?1, 1, ?1)";
        connection.execute(sql, [n]).unwrap();
    }
    connection.execute_batch("ANALYZE").unwrap();
    connection
}

#[test]
fn what_is_known_by_its_id_is_found_by_it() {
    let connections = [0, 1, 2, 3, 10].map(database_counted_when_small);
    for (sql, step) in [
        (
            load::FIND,
            "SEARCH scim_resource USING INDEX scim_resource_by_id (tenant=? AND id=? AND type=?)",
        ),
        (
            load::BY_ID,
            "SEARCH scim_resource USING INDEX scim_resource_by_id (tenant=? AND id=? AND type=?)",
        ),
        (load::EXISTING, "SEARCH r USING COVERING INDEX scim_resource_by_id (tenant=? AND id=?)"),
        (
            load::MEMBERS,
            "SEARCH r USING COVERING INDEX scim_resource_by_id (tenant=? AND id=?) LEFT-JOIN",
        ),
        (
            load::MEMBERS_OF_MANY,
            "SEARCH r USING COVERING INDEX scim_resource_by_id (tenant=? AND id=?) LEFT-JOIN",
        ),
        (
            change::INSERT,
            "SEARCH scim_resource USING COVERING INDEX scim_resource_by_id (tenant=? AND id=?)",
        ),
    ] {
        for connection in &connections {
            let steps = plan(connection, sql);
            assert!(steps.iter().any(|found| found == step), "{sql}\n{steps:#?}");
        }
    }
}

#[test]
fn lists_come_in_order_without_sorting() {
    let (connection, _) = database();
    for sql in [load::MEMBERS, load::GROUPS, event::EVENTS] {
        let steps = plan(&connection, sql);
        assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{sql}\n{steps:#?}");
    }
}

#[test]
fn lookups_use_the_index_of_their_most_selective_term() {
    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let (connection, layout) = database();
    let user = ResourceType::user();
    let group = ResourceType::group();
    let employee = format!("{ENTERPRISE}:employeeNumber eq \"1\"");
    for (resource_type, filter, index, is_sorted) in [
        (&user, "", "SEARCH r USING COVERING INDEX scim_resource_by_type", true),
        (&user, "id eq \"x\"", "SEARCH r USING COVERING INDEX scim_resource_by_id", false),
        (
            &user,
            "userName eq \"x\"",
            "SEARCH v USING PRIMARY KEY (tenant=? AND attribute=? AND value=?)",
            true,
        ),
        (
            &user,
            "externalId eq \"x\"",
            "SEARCH r USING COVERING INDEX scim_resource_by_external_id",
            true,
        ),
        (
            &user,
            "displayName eq \"x\"",
            "SEARCH r USING COVERING INDEX scim_resource_by_display_name",
            true,
        ),
        (&user, "active eq true", "SEARCH r USING COVERING INDEX scim_resource_by_active", true),
        (
            &user,
            "emails.value eq \"x\"",
            "SEARCH v USING PRIMARY KEY (tenant=? AND attribute=? AND value=?",
            true,
        ),
        (
            &user,
            "emails[type eq \"work\" and value eq \"x\"]",
            "SEARCH v USING PRIMARY KEY (tenant=? AND attribute=? AND value=?",
            true,
        ),
        (
            &user,
            &employee,
            "SEARCH v USING PRIMARY KEY (tenant=? AND attribute=? AND value=?",
            true,
        ),
        (
            &group,
            "members.value eq \"x\"",
            "SEARCH m USING COVERING INDEX scim_member_by_value",
            true,
        ),
        (
            &group,
            "displayName eq \"x\" and members.value eq \"y\"",
            "SEARCH r USING COVERING INDEX scim_resource_by_display_name",
            true,
        ),
        (
            &user,
            "active eq true and externalId eq \"x\" and groups.value eq \"y\"",
            "SEARCH r USING INDEX scim_resource_by_external_id",
            true,
        ),
        (
            &user,
            "active eq true and userName eq \"x\"",
            "SEARCH v USING PRIMARY KEY (tenant=? AND attribute=? AND value=?)",
            true,
        ),
        // What was modified comes in the order of modification.
        (
            &user,
            "meta.lastModified gt \"2026-01-01T00:00:00Z\"",
            "SEARCH r USING COVERING INDEX scim_resource_by_last_modified \
             (tenant=? AND type=? AND last_modified>? AND last_modified<?)",
            false,
        ),
        (
            &user,
            "meta.lastModified ge \"2026-01-01T00:00:00Z\" and active eq true and title pr",
            "SEARCH r USING INDEX scim_resource_by_last_modified",
            false,
        ),
        // What no index answers is asked of candidates.
        (
            &user,
            "title co \"x\" and not (emails pr) and groups.value ne \"x\" and meta.created pr",
            "SEARCH r USING COVERING INDEX scim_resource_by_type",
            true,
        ),
        (
            &group,
            "members[value sw \"x\" and type eq \"User\"] or displayName sw \"y\"",
            "SEARCH r USING COVERING INDEX scim_resource_by_type",
            true,
        ),
        // A group's members come in the order they were added, not that of their creation.
        (
            &user,
            "groups.value eq \"x\"",
            "SEARCH g USING COVERING INDEX scim_resource_by_id",
            false,
        ),
        (
            &user,
            "groups.value eq \"x\" and active eq true",
            "SEARCH g USING COVERING INDEX scim_resource_by_id",
            false,
        ),
    ] {
        let of_type = layout.of(resource_type).unwrap();
        let lookup = match filter {
            "" => Lookup::ALL,
            text => {
                let limits = Limits::default();
                let resolved =
                    ResolvedFilter::parse(text, resource_type, &Profile::STRICT, &limits).unwrap();
                Lookup::new(of_type, resolved.expression(), || mapping(of_type))
            }
        };
        let window = Window { after: 0, skip: 0, limit: 100 };
        let keys = Select::keys(&lookup, 1, of_type, window).sql;
        let steps = plan(&connection, &keys);
        assert!(steps[0].starts_with(index), "{filter}\n{keys}\n{steps:#?}");
        assert_indexed(&connection, &keys);
        // By an index, but that of all of the type.
        let all =
            |step: &String| step.contains("scim_resource_by_type") && !step.contains("rowid=?");
        assert_eq!(steps.iter().any(all), lookup.is_all(), "{filter}\n{keys}\n{steps:#?}");
        let sorts = steps.iter().any(|step| step.contains("TEMP B-TREE"));
        assert_eq!(sorts, !is_sorted, "{filter}\n{keys}\n{steps:#?}");
        assert_indexed(&connection, &Select::count(&lookup, 1, of_type).sql);
        assert_indexed(&connection, &Select::tested(&lookup, 1, of_type, window).sql);
    }
}
