//! Filters as SQL: its text in both dialects, and that SQLite selects what the evaluator selects.

use proptest::prelude::*;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, params_from_iter};
use scim_core::{AttributeRef, DateTime, Profile, ResourceType, fold};
use scim_filter::sql::{Bind, Column, Condition, Dialect, Form, Mapping, Rows, SqlError};
use scim_filter::{Expression, Filter, Limits, ResolvedFilter};
use serde_json::{Map, Value, json};

use crate::reference::{everything, filters, resources};

const MORE: &str = "urn:example:scim:schemas:extension:2.0:More";

fn user_filter(text: &str) -> ResolvedFilter {
    let limits = Limits { depth: Limits::MAX_DEPTH, ..Limits::default() };
    ResolvedFilter::parse(text, &ResourceType::user(), &Profile::STRICT, &limits).unwrap()
}

fn at(path: &str) -> AttributeRef {
    ResourceType::user().attribute(path).unwrap()
}

fn users(dialect: Dialect) -> Mapping {
    let created = match dialect {
        Dialect::Sqlite => Form::Micros,
        Dialect::Postgres => Form::Timestamp,
    };
    Mapping::new(dialect)
        .column(at("id"), Column::new("u.id", Form::Text))
        .column(at("userName"), Column::new("u.login", Form::Folded))
        .column(at("externalId"), Column::new("u.external_id", Form::Text))
        .column(at("active"), Column::new("u.enabled", Form::Boolean))
        .column(at("meta.created"), Column::new("u.created", created))
        .column(at("title"), Column::new("u.title", Form::Text))
        .without(at("nickName"))
        .object(at("name"), "u.family IS NOT NULL")
        .column(at("name.familyName"), Column::new("u.family", Form::Folded))
        .rows(
            at("emails"),
            Rows::new("email e", "e.user_id = u.id")
                .part("value", Column::new("e.address", Form::Folded))
                .part("type", Column::new("e.kind", Form::Folded))
                .without_part("display"),
        )
        .rows(
            at("groups"),
            Rows::new("membership m", "m.user_id = u.id")
                .part("value", Column::new("m.group_id", Form::Text))
                .never_empty(),
        )
}

fn condition(dialect: Dialect, text: &str) -> (String, Vec<Bind>) {
    let Condition { sql, binds } =
        users(dialect).translate(user_filter(text).expression(), 0).unwrap();
    (sql, binds)
}

fn text(text: &str) -> Bind {
    Bind::Text(text.to_owned())
}

#[test]
fn every_operator_of_text_in_both_dialects() {
    for (filter, sqlite, postgres, binds) in [
        (
            "userName eq \"B\"",
            "(u.login IS NOT NULL AND u.login COLLATE BINARY = ?1)",
            "(u.login IS NOT NULL AND u.login = $1::text)",
            vec![text("b")],
        ),
        (
            "userName ne \"B\"",
            "(u.login IS NULL OR u.login COLLATE BINARY <> ?1)",
            "(u.login IS NULL OR u.login <> $1::text)",
            vec![text("b")],
        ),
        (
            "externalId gt \"B\"",
            "(u.external_id IS NOT NULL AND u.external_id COLLATE BINARY > ?1)",
            "(u.external_id IS NOT NULL AND u.external_id COLLATE \"C\" > $1::text)",
            vec![text("B")],
        ),
        (
            "externalId sw \"a%_\"",
            "(u.external_id IS NOT NULL AND (u.external_id COLLATE BINARY >= ?1 \
             AND u.external_id COLLATE BINARY < ?2))",
            "(u.external_id IS NOT NULL AND (u.external_id COLLATE \"C\" >= $1::text \
             AND u.external_id COLLATE \"C\" < $2::text))",
            vec![text("a%_"), text("a%`")],
        ),
        (
            "externalId co \"%\"",
            "(u.external_id IS NOT NULL AND instr(u.external_id, ?1) > 0)",
            "(u.external_id IS NOT NULL AND strpos(u.external_id COLLATE \"C\", $1::text) > 0)",
            vec![text("%")],
        ),
        (
            "externalId ew \"_x\"",
            "(u.external_id IS NOT NULL AND substr(u.external_id, -length(?1)) = ?1)",
            "(u.external_id IS NOT NULL AND \
             right(u.external_id, char_length($1::text)) = $1::text)",
            vec![text("_x")],
        ),
        (
            "externalId co \"\"",
            "(u.external_id IS NOT NULL AND TRUE)",
            "(u.external_id IS NOT NULL AND TRUE)",
            vec![],
        ),
        (
            "userName pr",
            "(u.login IS NOT NULL AND u.login <> '')",
            "(u.login IS NOT NULL AND u.login <> '')",
            vec![],
        ),
    ] {
        assert_eq!(condition(Dialect::Sqlite, filter), (sqlite.to_owned(), binds.clone()));
        assert_eq!(condition(Dialect::Postgres, filter), (postgres.to_owned(), binds));
    }
}

#[test]
fn values_are_bound_with_their_type() {
    let created: DateTime = "2011-05-13T04:42:34Z".parse().unwrap();
    let filter = "active eq true and meta.created ge \"2011-05-13T06:42:34+02:00\"";
    assert_eq!(
        condition(Dialect::Sqlite, filter),
        (
            "((u.enabled IS NOT NULL AND u.enabled = ?1) AND \
             (u.created IS NOT NULL AND u.created >= ?2))"
                .to_owned(),
            vec![Bind::Boolean(true), Bind::Integer(created.as_micros())],
        )
    );
    assert_eq!(
        condition(Dialect::Postgres, filter),
        (
            "((u.enabled IS NOT NULL AND u.enabled = $1::boolean) AND \
             (u.created IS NOT NULL AND u.created >= $2::timestamptz))"
                .to_owned(),
            vec![Bind::Boolean(true), Bind::Instant(created)],
        )
    );
}

#[test]
fn brackets_speak_of_one_row() {
    assert_eq!(
        condition(Dialect::Sqlite, "emails[type eq \"work\" and not (value ew \".org\")]").0,
        "EXISTS (SELECT 1 FROM email e WHERE e.user_id = u.id AND \
         ((e.kind IS NOT NULL AND e.kind COLLATE BINARY = ?1) AND \
         NOT ((e.address IS NOT NULL AND substr(e.address, -length(?2)) = ?2))))",
    );
    assert_eq!(
        condition(Dialect::Postgres, "emails.value ne \"x\"").0,
        "(EXISTS (SELECT 1 FROM email e WHERE e.user_id = u.id AND \
         (e.address IS NOT NULL AND e.address <> $1::text)) OR \
         NOT EXISTS (SELECT 1 FROM email e WHERE e.user_id = u.id AND e.address IS NOT NULL))",
    );
    assert_eq!(
        condition(Dialect::Sqlite, "name[familyName sw \"\"]").0,
        "((u.family IS NOT NULL) IS TRUE AND (u.family IS NOT NULL AND TRUE))",
    );
    assert_eq!(
        condition(Dialect::Sqlite, "groups pr").0,
        "EXISTS (SELECT 1 FROM membership m WHERE m.user_id = u.id AND TRUE)",
    );
}

/// What a mapping says that indexes find is where the statement begins: SQLite says so.
#[test]
fn what_is_indexed_is_found() {
    let database = Connection::open_in_memory().unwrap();
    database
        .execute_batch(
            "CREATE TABLE users (
                 id INTEGER PRIMARY KEY, login TEXT, created INTEGER, family TEXT, enabled INTEGER);
             CREATE TABLE email (user_id INTEGER NOT NULL, address TEXT, kind TEXT);
             CREATE INDEX users_by_login ON users (login);
             CREATE INDEX users_by_creation ON users (created);
             CREATE INDEX users_by_family ON users (family);
             CREATE INDEX email_by_user ON email (user_id);
             CREATE INDEX email_by_address ON email (address);",
        )
        .unwrap();
    let rows = Rows::new("email e", "e.user_id = u.id")
        .part("value", Column::new("e.address", Form::Folded))
        .part("type", Column::new("e.kind", Form::Folded))
        .indexed(["value"], "e.user_id", "u.id")
        .never_empty();
    let mapping = Mapping::new(Dialect::Sqlite)
        .rows(at("emails"), rows)
        .column(at("userName"), Column::new("u.login", Form::Folded).indexed())
        .column(at("meta.created"), Column::new("u.created", Form::Micros).indexed())
        .object(at("name"), "u.family IS NOT NULL")
        .column(at("name.familyName"), Column::new("u.family", Form::Folded).indexed())
        .column(at("active"), Column::new("u.enabled", Form::Boolean))
        // It compares without regard to case, which is not what the index is in order of.
        .column(at("title"), Column::new("u.login", Form::Text).indexed())
        .fold_function("lower")
        .without(at("nickName"));
    for (filter, is_found) in [
        ("userName eq \"a\"", true),
        ("userName sw \"a\"", true),
        ("userName gt \"a\" and active eq true", true),
        ("userName le \"a\"", true),
        ("userName eq \"a\" or name.familyName eq \"a\"", true),
        ("userName sw \"a\" or name.familyName sw \"a\" or emails.value eq \"a\"", true),
        (
            "(userName eq \"a\" or active eq true) and meta.created gt \"2011-05-13T04:42:34Z\"",
            true,
        ),
        ("userName eq \"a\" or emails.value eq \"a\"", true),
        ("(userName eq \"a\" or userName eq \"b\") and active eq true", true),
        ("meta.created lt \"2011-05-13T04:42:34Z\"", true),
        ("name.familyName eq \"a\"", true),
        ("name[familyName eq \"a\" and not (familyName ew \"b\")]", true),
        ("nickName eq \"a\" and userName eq \"a\"", true),
        ("userName ne \"a\"", false),
        ("userName co \"a\"", false),
        ("userName sw \"\"", false),
        ("userName pr", false),
        ("userName ew \"a\"", false),
        ("not (userName eq \"a\")", false),
        ("active eq true", false),
        ("userName eq \"a\" or active eq true", false),
        ("userName gt \"a\" or userName gt \"b\" or userName gt \"c\"", false),
        (
            "(userName gt \"a\" or userName lt \"b\" or name.familyName le \"c\") and active eq true",
            false,
        ),
        ("title eq \"a\"", false),
        ("nickName ne \"a\"", false),
        ("nickName eq \"a\" or userName eq \"a\"", false),
        ("emails eq \"a\"", true),
        ("emails.value eq \"a\"", true),
        ("emails[value eq \"a\"]", true),
        ("emails[type eq \"work\" and value eq \"a\"]", true),
        // These may be met by most rows.
        ("emails[value eq \"a\" or type eq \"work\"]", false),
        ("emails.type eq \"work\"", false),
        ("emails.value co \"a\"", false),
        ("emails[not (value eq \"a\")]", false),
        ("emails pr", false),
    ] {
        let filter = user_filter(filter);
        assert_eq!(mapping.finds(filter.expression()), is_found, "{filter:?}");
        let Condition { sql, .. } = mapping.translate(filter.expression(), 0).unwrap();
        let explain = format!("EXPLAIN QUERY PLAN SELECT 1 FROM users u WHERE {sql}");
        let mut explain = database.prepare(&explain).unwrap();
        let mut steps = explain.raw_query();
        let mut plan = Vec::new();
        while let Some(step) = steps.next().unwrap() {
            plan.push(step.get::<_, String>(3).unwrap());
        }
        let scans = plan.iter().any(|step| step.starts_with("SCAN"));
        // Of a column, SQLite may find what is not null, and look at all of that.
        if is_found || !sql.contains("login IS NOT NULL") {
            assert_eq!(!scans, is_found, "{sql}: {plan:?}");
        }
    }
    // Nothing is looked at, though the plan does not say so.
    assert!(mapping.finds(user_filter("undefined eq \"a\"").expression()));
}

#[test]
fn a_document_is_read_by_paths_that_are_bound() {
    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let mapping = |dialect| Mapping::new(dialect).document("d.text").fold_function("scim_fold");
    let filter = user_filter(&format!("{ENTERPRISE}:costCenter eq \"A\""));
    let sqlite = mapping(Dialect::Sqlite).translate(filter.expression(), 2).unwrap();
    assert_eq!(sqlite.sql, "COALESCE(scim_fold(json_extract(d.text, ?3)) = ?4, FALSE)");
    assert_eq!(sqlite.binds, [text(&format!("$.\"{ENTERPRISE}\".\"costCenter\"")), text("a")]);
    let postgres = mapping(Dialect::Postgres).translate(filter.expression(), 2).unwrap();
    assert_eq!(
        postgres.sql,
        "COALESCE(scim_fold((d.text -> $3::text ->> $4::text)) = $5::text, FALSE)"
    );
    assert_eq!(postgres.binds, [text(ENTERPRISE), text("costCenter"), text("a")]);
    let filter = user_filter("emails[primary eq true]");
    let postgres = mapping(Dialect::Postgres).translate(filter.expression(), 0).unwrap();
    assert_eq!(
        postgres.sql,
        "EXISTS (SELECT 1 FROM jsonb_array_elements(CASE jsonb_typeof(d.text -> $1::text) \
         WHEN 'array' THEN d.text -> $1::text ELSE '[]' END) AS scim_element (value) \
         WHERE jsonb_typeof(scim_element.value) <> 'null' AND \
         COALESCE((scim_element.value ->> $2::text)::boolean = $3::boolean, FALSE))"
    );
}

#[test]
fn what_cannot_be_expressed_is_an_error() {
    let refused = |filter: &str| {
        users(Dialect::Sqlite).translate(user_filter(filter).expression(), 0).unwrap_err()
    };
    let attribute = |path: &str| path.to_owned();
    assert_eq!(
        refused("userType eq \"x\""),
        SqlError::Unmapped { attribute: attribute("userType") }
    );
    assert_eq!(
        refused("userName eq \"a\" or emails.primary eq true"),
        SqlError::Unmapped { attribute: attribute("emails.primary") }
    );
    assert_eq!(
        refused("title eq \"x\"").to_string(),
        "`title` compares without regard to case, but is mapped to text that is not folded"
    );
    assert_eq!(
        refused("meta.created sw \"2011\"").to_string(),
        "`meta.created` is not mapped to text as it was sent"
    );
    // Text that is not folded is still there or not.
    assert_eq!(condition(Dialect::Sqlite, "title pr").1, []);
    // The caller's own parameters count.
    let filter = user_filter("userName eq \"a\"");
    let error = users(Dialect::Sqlite).translate(filter.expression(), 32_000).unwrap_err();
    assert_eq!(error.to_string(), "the filter has more than 32000 operands");
}

/// What SQL can do of a filter, and what is left, as the filters that are these.
fn narrowed(filter: &str) -> (Option<String>, Option<ResolvedFilter>) {
    let mapping = Mapping::new(Dialect::Sqlite)
        .column(at("userName"), Column::new("u.login", Form::Folded))
        .column(at("externalId"), Column::new("u.external_id", Form::Text))
        .rows(
            at("emails.value"),
            Rows::new("email e", "e.user_id = u.id").value(Column::new("e.address", Form::Folded)),
        );
    let narrowed = mapping.narrow(user_filter(filter).expression(), 0);
    let remainder = narrowed.remainder.map(|left| {
        // As nothing prints an expression, it is compared with that of the whole.
        let whole = user_filter(filter);
        assert!(contains(whole.expression(), &left), "{left:?}");
        whole
    });
    (narrowed.condition.map(|condition| condition.sql), remainder)
}

fn contains(whole: &Expression, part: &Expression) -> bool {
    match (whole, part) {
        (Expression::And(whole), Expression::And(part)) => {
            part.iter().all(|term| whole.contains(term))
        }
        (Expression::And(whole), term) if whole.contains(term) => true,
        _ => whole == part,
    }
}

#[test]
fn what_is_pushed_down_is_implied_and_the_rest_is_left() {
    let name = "(u.login IS NOT NULL AND u.login COLLATE BINARY = ?1)";
    let email = |number: u8| {
        format!(
            "EXISTS (SELECT 1 FROM email e WHERE e.user_id = u.id AND \
             (e.address IS NOT NULL AND e.address COLLATE BINARY = ?{number}))"
        )
    };
    for (filter, sql, is_left) in [
        ("userName eq \"a\"", Some(name.to_owned()), false),
        ("userName eq \"a\" and title pr", Some(name.to_owned()), true),
        ("title pr", None, true),
        ("userName eq \"a\" or title pr", None, true),
        ("not (userName eq \"a\" and title pr)", None, true),
        ("emails[value eq \"x\"]", Some(email(1)), false),
        ("emails[type eq \"work\" and value eq \"x\"]", Some(email(1)), true),
        ("emails[value ne \"x\"]", None, true),
        (
            "userName eq \"a\" or emails[type eq \"work\" and value eq \"x\"]",
            Some(format!("({name} OR {})", email(2))),
            true,
        ),
        (
            "(userName eq \"a\" and title pr) or (emails.value eq \"x\" and userType pr)",
            Some(format!("({name} OR {})", email(2))),
            true,
        ),
    ] {
        let (pushed, left) = narrowed(filter);
        assert_eq!((pushed, left.is_some()), (sql, is_left), "{filter}");
    }
}

/// A database whose connection knows what the evaluator does.
fn database() -> Connection {
    let database = Connection::open_in_memory().unwrap();
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    database
        .create_scalar_function("scim_fold", 1, flags, |context| {
            let text: Option<String> = context.get(0)?;
            Ok(text.map(|text| fold(&text).into_owned()))
        })
        .unwrap();
    database
        .create_scalar_function("scim_instant", 1, flags, |context| {
            let text: Option<String> = context.get(0)?;
            Ok(text.and_then(|text| text.parse().ok()).map(DateTime::as_micros))
        })
        .unwrap();
    database
        .execute_batch(
            "CREATE TABLE resource (
                key INTEGER PRIMARY KEY, document TEXT, id TEXT, text TEXT COLLATE NOCASE,
                exact TEXT COLLATE NOCASE, flag INTEGER, count INTEGER, amount REAL, at INTEGER,
                single_text TEXT, single TEXT, boss TEXT, more TEXT
            ) STRICT;
            CREATE TABLE tag (resource INTEGER, value TEXT) STRICT;
            CREATE TABLE item (
                resource INTEGER, value TEXT, exact TEXT, flag INTEGER, is_primary INTEGER,
                at INTEGER
            ) STRICT;",
        )
        .unwrap();
    database
}

fn text_of(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn folded(value: &Value) -> Option<String> {
    value.as_str().map(|text| fold(text).into_owned())
}

fn micros(value: &Value) -> Option<i64> {
    value.as_str().map(|text| text.parse::<DateTime>().unwrap().as_micros())
}

fn insert(database: &Connection, key: usize, resource: &Map<String, Value>) {
    let key = i64::try_from(key).unwrap();
    let whole = Value::Object(resource.clone());
    database
        .prepare_cached("INSERT INTO resource VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .unwrap()
        .execute((
            key,
            whole.to_string(),
            text_of(&whole["id"]),
            folded(&whole["text"]),
            text_of(&whole["exact"]),
            whole["flag"].as_bool(),
            whole["count"].as_i64(),
            whole["amount"].as_f64(),
            micros(&whole["at"]),
            folded(&whole["single"]["text"]),
            whole.get("single").map(Value::to_string),
            text_of(&whole["boss"]["value"]),
            text_of(&whole[MORE]["text"]),
        ))
        .unwrap();
    for tag in whole["tags"].as_array().into_iter().flatten() {
        let mut add = database.prepare_cached("INSERT INTO tag VALUES (?, ?)").unwrap();
        add.execute((key, folded(tag))).unwrap();
    }
    for item in whole["items"].as_array().into_iter().flatten() {
        database
            .prepare_cached("INSERT INTO item VALUES (?, ?, ?, ?, ?, ?)")
            .unwrap()
            .execute((
                key,
                folded(&item["value"]),
                text_of(&item["exact"]),
                item["flag"].as_bool(),
                item["primary"].as_bool(),
                micros(&item["at"]),
            ))
            .unwrap();
    }
}

fn of_everything(path: &str) -> AttributeRef {
    everything().attribute(path).unwrap()
}

/// All in the document.
fn document() -> Mapping {
    Mapping::new(Dialect::Sqlite)
        .document("r.document")
        .fold_function("scim_fold")
        .instant_function("scim_instant")
}

/// Columns and rows, and no functions.
fn columns() -> Mapping {
    let at = of_everything;
    Mapping::new(Dialect::Sqlite)
        .column(at("id"), Column::new("r.id", Form::Text))
        .column(at("text"), Column::new("r.text", Form::Folded))
        .column(at("exact"), Column::new("r.exact", Form::Text))
        .column(at("flag"), Column::new("r.flag", Form::Boolean))
        .column(at("count"), Column::new("r.count", Form::Integer))
        .column(at("amount"), Column::new("r.amount", Form::Decimal))
        .column(at("at"), Column::new("r.at", Form::Micros))
        .object(at("single"), "r.single IS NOT NULL")
        .column(at("single.text"), Column::new("r.single_text", Form::Folded))
        .column(at("boss.value"), Column::new("r.boss", Form::Text))
        .column(at(&format!("{MORE}:text")), Column::new("r.more", Form::Text))
        .out_of_reach(at("blob"))
        .rows(at("tags"), tags())
        .rows(at("items"), items())
}

fn tags() -> Rows {
    Rows::new("tag t", "t.resource = r.key").value(Column::new("t.value", Form::Folded))
}

fn items() -> Rows {
    Rows::new("item i", "i.resource = r.key")
        .part("value", Column::new("i.value", Form::Folded))
        .part("exact", Column::new("i.exact", Form::Text))
        .part("flag", Column::new("i.flag", Form::Boolean))
        .part("primary", Column::new("i.is_primary", Form::Boolean))
        .part("at", Column::new("i.at", Form::Micros))
}

/// The same, with rows that are found by what they hold.
fn indexed() -> Mapping {
    let items = items().indexed(["value", "exact", "primary", "at"], "i.resource", "r.key");
    // These columns, unlike others, have the collation that an index by code points has.
    columns()
        .column(of_everything("id"), Column::new("r.id", Form::Text).indexed())
        .column(of_everything("single.text"), Column::new("r.single_text", Form::Folded).indexed())
        .column(of_everything("count"), Column::new("r.count", Form::Integer).indexed())
        .rows(of_everything("tags"), tags().indexed(["value"], "t.resource", "r.key"))
        .rows(of_everything("items"), items)
}

/// The document, but for what narrows: values of items without what else is in their element.
fn mixed() -> Mapping {
    columns().document("r.document").rows(
        of_everything("items.value"),
        Rows::new("item i", "i.resource = r.key").value(Column::new("i.value", Form::Folded)),
    )
}

fn select(database: &Connection, condition: &Condition) -> Vec<usize> {
    let sql = format!("SELECT key FROM resource r WHERE {} ORDER BY key", condition.sql);
    let binds = condition.binds.iter().map(|bind| match bind {
        Bind::Text(text) => SqlValue::Text(text.clone()),
        Bind::Integer(number) => SqlValue::Integer(*number),
        Bind::Real(number) => SqlValue::Real(*number),
        Bind::Boolean(flag) => SqlValue::Integer((*flag).into()),
        Bind::Instant(_) => panic!("SQLite has no such type"),
    });
    let mut statement = database.prepare(&sql).unwrap();
    let keys = statement.query_map(params_from_iter(binds), |row| row.get::<_, i64>(0)).unwrap();
    keys.map(|key| usize::try_from(key.unwrap()).unwrap()).collect()
}

/// Asserts that a mapping selects what the evaluator does; whether it did so without it.
fn check(
    database: &Connection,
    mapping: &Mapping,
    filter: &ResolvedFilter,
    resources: &[Map<String, Value>],
) -> bool {
    let expected: Vec<usize> =
        (0..resources.len()).filter(|key| filter.matches(&resources[*key])).collect();
    let narrowed = mapping.narrow(filter.expression(), 0);
    let candidates = match &narrowed.condition {
        Some(condition) => select(database, condition),
        None => (0..resources.len()).collect(),
    };
    let is_left = |key: &usize| {
        narrowed.remainder.as_ref().is_none_or(|remainder| remainder.matches(&resources[*key]))
    };
    let found: Vec<usize> = candidates.into_iter().filter(is_left).collect();
    assert_eq!(found, expected, "{filter:?}\n{narrowed:?}\n{resources:?}");
    // The one way is complete if and only if the other leaves nothing.
    match mapping.translate(filter.expression(), 0) {
        Ok(condition) => {
            assert_eq!(narrowed.remainder, None, "{filter:?}");
            assert_eq!(select(database, &condition), expected, "{filter:?}\n{condition:?}");
            true
        }
        Err(error) => {
            assert!(narrowed.remainder.is_some(), "{filter:?}\n{error}");
            false
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn sqlite_selects_what_the_evaluator_selects(
        resources in proptest::collection::vec(resources(), 1..8),
        filters in proptest::collection::vec(filters(), 32),
    ) {
        let database = database();
        for (key, resource) in resources.iter().enumerate() {
            insert(&database, key, resource);
        }
        for filter in &filters {
            let Ok(filter) = filter.resolve(&everything(), &Profile::STRICT) else { continue };
            for mapping in [document(), columns(), indexed(), mixed()] {
                check(&database, &mapping, &filter, &resources);
            }
        }
    }
}

#[test]
fn a_document_needs_the_evaluator_for_decimals_alone() {
    let database = database();
    let resource = json!({"amount": 1.5, "items": [{"tags": ["A", "b"]}, {"value": "x"}],
        "counts": [1, 2], "single": {}, "at": "2011-05-13T04:42:34"});
    let resources = [resource.as_object().unwrap().clone(), Map::new()];
    for (key, resource) in resources.iter().enumerate() {
        insert(&database, key, resource);
    }
    for (filter, is_whole) in [
        ("amount gt 1", false),
        ("amount pr and flag eq true", true),
        ("items.tags eq \"a\"", true),
        ("items[tags eq \"B\" and not (value pr)]", true),
        ("items.tags ne \"z\"", true),
        ("counts gt 1", true),
        ("counts[value lt 2]", true),
        ("single[not (text pr)]", true),
        ("items pr", true),
        ("single pr", true),
        ("at eq \"2011-05-13T06:42:34.000+02:00\"", true),
        ("at sw \"2011\"", true),
        ("at ge \"2012-01-01T00:00:00Z\" or not (at pr)", true),
    ] {
        let filter = Filter::parse(filter).unwrap();
        let filter = filter.resolve(&everything(), &Profile::STRICT).unwrap();
        assert_eq!(check(&database, &document(), &filter, &resources), is_whole, "{filter:?}");
    }
}

#[test]
fn a_filter_of_any_length_and_depth_is_a_statement() {
    let database = database();
    database.execute_batch("CREATE TABLE person (login TEXT) STRICT").unwrap();
    let mapping =
        Mapping::new(Dialect::Sqlite).column(at("userName"), Column::new("u.login", Form::Folded));
    let terms: Vec<String> = (0..4000).map(|n| format!("userName eq \"u{n}\"")).collect();
    let depth = Limits::MAX_DEPTH - 8;
    let mut deep = "userName eq \"a\"".to_owned();
    for level in 0..depth {
        deep = match level % 3 {
            0 => format!("not ({deep})"),
            1 => format!("({deep} and userName pr)"),
            _ => format!("({deep} or userName eq \"b\")"),
        };
    }
    for filter in [terms.join(" or "), deep] {
        let limits = Limits { depth: Limits::MAX_DEPTH, bytes: 1 << 20, ..Limits::default() };
        let filter =
            ResolvedFilter::parse(&filter, &ResourceType::user(), &Profile::STRICT, &limits);
        let condition = mapping.translate(filter.unwrap().expression(), 0).unwrap();
        let sql = format!("SELECT 1 FROM person u WHERE {}", condition.sql);
        assert!(database.prepare(&sql).is_ok(), "{:?}", database.prepare(&sql).err());
    }
}
