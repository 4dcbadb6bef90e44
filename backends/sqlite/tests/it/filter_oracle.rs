//! Any filter over any resources gives the same ids in the same order, and the same total, as the
//! memory backend, which evaluates filters as `scim-filter` defines them.

use std::sync::{Arc, LazyLock};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use scim_backend_sqlite::SqliteBackend;
use scim_core::{Profile, Registry, ResourceId, ResourceType, SortOrder};
use scim_filter::{Limits, ResolvedFilter};
use scim_server_adapters::{Change, MemoryBackend, Precondition, Query, Start};
use serde_json::{Value, json};

use crate::fixture::{Client, options, query, resource};

/// How many sets of resources there are; the environment may ask for more, which are other ones.
const DATA_SETS: usize = 112;
const MORE_DATA_SETS: &str = "SCIM_FILTER_ORACLE_DATA_SETS";

/// How many filters are asked of each.
const FILTERS: usize = 240;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const ASSET: &str = "urn:example:scim:schemas:Asset";
const AUDIT: &str = "urn:example:scim:schemas:extension:Audit";

/// A type of one's own with attributes of every kind, and an extension to it.
const ASSET_SCHEMA: &str = r#"{
    "id": "urn:example:scim:schemas:Asset",
    "name": "Asset",
    "attributes": [
        {"name": "serial", "uniqueness": "server"},
        {"name": "label", "caseExact": true},
        {"name": "flag", "type": "boolean"},
        {"name": "count", "type": "integer"},
        {"name": "weight", "type": "decimal"},
        {"name": "bought", "type": "dateTime"},
        {"name": "photo", "type": "binary"},
        {"name": "link", "type": "reference", "referenceTypes": ["external"]},
        {"name": "tags", "multiValued": true},
        {"name": "counts", "type": "integer", "multiValued": true},
        {"name": "weights", "type": "decimal", "multiValued": true},
        {"name": "times", "type": "dateTime", "multiValued": true},
        {"name": "place", "type": "complex", "subAttributes": [
            {"name": "value"}, {"name": "floor", "type": "integer"}
        ]},
        {"name": "parts", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "value"},
            {"name": "code", "caseExact": true},
            {"name": "flag", "type": "boolean"},
            {"name": "primary", "type": "boolean"},
            {"name": "size", "type": "integer"},
            {"name": "weight", "type": "decimal"},
            {"name": "made", "type": "dateTime"},
            {"name": "tags", "multiValued": true}
        ]}
    ]
}"#;

const AUDIT_SCHEMA: &str = r#"{
    "id": "urn:example:scim:schemas:extension:Audit",
    "name": "Audit",
    "attributes": [
        {"name": "note"},
        {"name": "at", "type": "dateTime"},
        {"name": "owner", "type": "complex", "subAttributes": [
            {"name": "value", "caseExact": true}, {"name": "since", "type": "dateTime"}
        ]}
    ]
}"#;

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let mut registry = Registry::builtin();
    registry.add_schema_json(ASSET_SCHEMA).unwrap();
    registry.add_schema_json(AUDIT_SCHEMA).unwrap();
    let definition = json!({"name": "Asset", "endpoint": "/Assets", "schema": ASSET,
        "schemaExtensions": [{"schema": AUDIT, "required": false}]});
    registry.add_resource_type_json(&definition.to_string()).unwrap();
    registry
});

const TEXTS: [&str; 20] = [
    "a",
    "A",
    "ab",
    "AB",
    "b",
    "ba",
    "%",
    "a%",
    "_",
    "a_",
    "\\",
    "'",
    "\"",
    "straße",
    "STRASSE",
    "é",
    "e\u{301}",
    "İ",
    "\u{d7ff}",
    "\u{10ffff}x",
];

const TIMES: [&str; 6] = [
    "2011-05-13T04:42:34Z",
    "2011-05-13T06:42:34+02:00",
    "2011-05-13T04:42:34.000001Z",
    "2011-05-13T04:42:35",
    "1969-12-31T23:59:59.5Z",
    "2011-05-12T24:00:00Z",
];

const NUMBERS: [&str; 9] = ["-2", "-0.5", "0", "0.1", "1", "1.5", "2", "9007199254740993", "1e300"];

fn text() -> BoxedStrategy<Value> {
    select(&TEXTS[..]).prop_map(Value::from).boxed()
}

/// Also the empty text, which counts as no value for `pr` alone.
fn any_text() -> BoxedStrategy<Value> {
    prop_oneof![9 => text(), 1 => Just(Value::from(""))].boxed()
}

fn time() -> BoxedStrategy<Value> {
    select(&TIMES[..]).prop_map(Value::from).boxed()
}

fn integer() -> BoxedStrategy<Value> {
    prop_oneof![8 => -2_i64..3, 1 => Just(i64::MAX), 1 => Just(i64::MIN)]
        .prop_map(Value::from)
        .boxed()
}

fn decimal() -> BoxedStrategy<Value> {
    select(&NUMBERS[..]).prop_map(|number| serde_json::from_str(number).unwrap()).boxed()
}

fn boolean() -> BoxedStrategy<Value> {
    any::<bool>().prop_map(Value::from).boxed()
}

fn list(element: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    vec(element, 0..3).prop_map(Value::from).boxed()
}

fn object(parts: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let parts: Vec<_> = parts
        .into_iter()
        .map(|(name, value)| {
            prop::option::weighted(0.6, value).prop_map(move |value| (name, value)).boxed()
        })
        .collect();
    parts
        .prop_map(|parts| {
            let there = parts.into_iter().filter_map(|(n, v)| Some((n.to_owned(), v?)));
            Value::Object(there.collect())
        })
        .boxed()
}

/// A resource, but for what must be there or unique.
fn users() -> BoxedStrategy<Value> {
    object(vec![
        ("externalId", text()),
        ("displayName", any_text()),
        ("nickName", any_text()),
        ("title", any_text()),
        ("active", boolean()),
        ("profileUrl", Just(Value::from("https://example.com/A")).boxed()),
        ("name", object(vec![("familyName", any_text()), ("givenName", text())])),
        (
            "emails",
            list(object(vec![("value", text()), ("type", text()), ("display", any_text())])),
        ),
        (
            ENTERPRISE,
            object(vec![
                ("employeeNumber", text()),
                ("costCenter", any_text()),
                ("manager", object(vec![("value", text())])),
            ]),
        ),
    ])
}

fn assets() -> BoxedStrategy<Value> {
    let parts = vec![
        ("value", any_text()),
        ("code", text()),
        ("flag", boolean()),
        ("size", integer()),
        ("weight", decimal()),
        ("made", time()),
        ("tags", list(any_text())),
    ];
    object(vec![
        ("label", any_text()),
        ("flag", boolean()),
        ("count", integer()),
        ("weight", decimal()),
        ("bought", time()),
        ("photo", select(&["YQ==", "YWI=", "QUI="][..]).prop_map(Value::from).boxed()),
        ("link", select(&["urn:A", "urn:a", "urn:ab"][..]).prop_map(Value::from).boxed()),
        ("tags", list(any_text())),
        ("counts", list(integer())),
        ("weights", list(decimal())),
        ("times", list(time())),
        ("place", object(vec![("value", any_text()), ("floor", integer())])),
        ("parts", list(object(parts))),
        (
            AUDIT,
            object(vec![
                ("note", any_text()),
                ("at", time()),
                ("owner", object(vec![("value", text()), ("since", time())])),
            ]),
        ),
    ])
}

/// The members of a group, by the number of the resource, or none that is there.
type Members = Vec<usize>;

#[derive(Clone, Debug)]
struct Data {
    users: Vec<Value>,
    groups: Vec<(Option<Value>, Members)>,
    assets: Vec<Value>,
}

fn data() -> impl Strategy<Value = Data> {
    let groups = vec((prop::option::of(text()), vec(0..8_usize, 0..5)), 0..4);
    (vec(users(), 0..6), groups, vec(assets(), 0..6)).prop_map(|(users, groups, assets)| Data {
        users,
        groups,
        assets,
    })
}

const USER_PATHS: [&str; 29] = [
    "id",
    "externalId",
    "userName",
    "displayName",
    "nickName",
    "title",
    "active",
    "profileUrl",
    "name",
    "name.familyName",
    "name.givenName",
    "emails",
    "emails.value",
    "emails.type",
    "emails.display",
    "emails.primary",
    "groups",
    "groups.value",
    "groups.display",
    "groups.type",
    "schemas",
    "meta.created",
    "meta.lastModified",
    "meta.resourceType",
    "meta.version",
    "ENTERPRISE:employeeNumber",
    "ENTERPRISE:costCenter",
    "ENTERPRISE:manager",
    "nope",
];

const GROUP_PATHS: [&str; 10] = [
    "id",
    "displayName",
    "externalId",
    "members",
    "members.value",
    "members.type",
    "members.display",
    "meta.lastModified",
    "meta.created",
    "nope.nope",
];

const ASSET_PATHS: [&str; 33] = [
    "id",
    "serial",
    "label",
    "flag",
    "count",
    "weight",
    "bought",
    "photo",
    "link",
    "tags",
    "tags.value",
    "counts",
    "weights",
    "times",
    "place",
    "place.value",
    "place.floor",
    "parts",
    "parts.value",
    "parts.code",
    "parts.flag",
    "parts.primary",
    "parts.size",
    "parts.weight",
    "parts.made",
    "parts.tags",
    "urn:example:scim:schemas:Asset:label",
    "AUDIT:note",
    "AUDIT:at",
    "AUDIT:owner",
    "AUDIT:owner.since",
    "meta.lastModified",
    "meta.created",
];

const PARTS: [&str; 14] = [
    "value",
    "type",
    "display",
    "primary",
    "code",
    "flag",
    "size",
    "weight",
    "made",
    "tags",
    "familyName",
    "floor",
    "since",
    "nope",
];

const OPERATORS: [&str; 11] = ["eq", "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"];

/// Operands by what they may be compared with; `#n` stands for the id of a resource.
fn operand() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => any_text().prop_map(|text| text.to_string()),
        3 => time().prop_map(|time| time.to_string()),
        // Of `meta`: the resources are made a second apart.
        3 => (0..8_u8).prop_map(|second| format!("\"2026-01-01T00:00:0{second}Z\"")),
        3 => decimal().prop_map(|number| number.to_string()),
        2 => integer().prop_map(|number| number.to_string()),
        3 => boolean().prop_map(|flag| flag.to_string()),
        3 => (0..8_usize).prop_map(|number| format!("\"#{number}#\"")),
        1 => Just("null".to_owned()),
        1 => select(&["\"urn:A\"", "\"YWI=\"", "\"User\"", "\"https://example.com/A\""][..])
            .prop_map(str::to_owned),
    ]
}

fn terms(paths: &'static [&'static str]) -> BoxedStrategy<String> {
    (select(paths), select(&OPERATORS[..]), operand())
        .prop_map(|(path, operator, operand)| match operator {
            "pr" => format!("{path} pr"),
            _ => format!("{path} {operator} {operand}"),
        })
        .boxed()
}

/// Most terms that are made at random are refused; these are filters over the type.
fn accepted(resource_type: &str, terms: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let resource_type = Arc::clone(REGISTRY.by_name(resource_type).unwrap());
    terms
        .prop_map(|term| in_full(&term))
        .prop_filter("refused", move |term| resolve(&resource_type, term).is_some())
        .boxed()
}

/// With the URNs of extensions.
fn in_full(text: &str) -> String {
    text.replace("ENTERPRISE", ENTERPRISE).replace("AUDIT", AUDIT)
}

fn chains(terms: BoxedStrategy<String>) -> BoxedStrategy<String> {
    terms
        .prop_recursive(3, 10, 3, |inner| {
            prop_oneof![
                3 => vec(inner.clone(), 2..4).prop_map(|terms| format!("({})", terms.join(" and "))),
                3 => vec(inner.clone(), 2..4).prop_map(|terms| format!("({})", terms.join(" or "))),
                2 => inner.prop_map(|inner| format!("not ({inner})")),
            ]
        })
        .boxed()
}

fn filters(
    resource_type: &'static str,
    paths: &'static [&'static str],
    brackets: &'static [&'static str],
) -> BoxedStrategy<String> {
    let value_paths = select(brackets).prop_flat_map(move |path| {
        let part = terms(&PARTS).prop_map(move |part| format!("{path}[{part}]"));
        let strip = |term: String| {
            let (_, inner) = term.split_once('[').unwrap();
            inner.strip_suffix(']').unwrap().to_owned()
        };
        chains(accepted(resource_type, part.boxed()).prop_map(strip).boxed())
            .prop_map(move |inner| format!("{path}[{inner}]"))
    });
    let terms = accepted(resource_type, terms(paths));
    chains(prop_oneof![3 => terms, 1 => value_paths].boxed())
}

fn resolve(resource_type: &Arc<ResourceType>, text: &str) -> Option<ResolvedFilter> {
    ResolvedFilter::parse(text, resource_type, &Profile::STRICT, &Limits::default()).ok()
}

/// Both backends with the same resources, which have the same ids.
struct Sides {
    sqlite: Client,
    memory: Client,
    ids: Vec<ResourceId>,
}

impl Sides {
    async fn new(data: &Data) -> Self {
        let sqlite = SqliteBackend::in_memory(&REGISTRY, &options()).unwrap();
        let mut sides = Self {
            sqlite: Client::new(sqlite),
            memory: Client::new(MemoryBackend::new()),
            ids: Vec::new(),
        };
        let of = |name| Arc::clone(REGISTRY.by_name(name).unwrap());
        // One kind after the other would hide an order by type.
        let mut made = Vec::new();
        for (number, user) in data.users.iter().enumerate() {
            let mut user = user.clone();
            user["userName"] = format!("{}{number}", TEXTS[number * 3 % TEXTS.len()]).into();
            made.push((number * 3, of("User"), user));
        }
        for (number, asset) in data.assets.iter().enumerate() {
            let mut asset = asset.clone();
            asset["serial"] = format!("{}{number}", TEXTS[number * 5 % TEXTS.len()]).into();
            made.push((number * 3 + 1, of("Asset"), asset));
        }
        for (number, (name, members)) in data.groups.iter().enumerate() {
            let mut group = json!({"displayName": name.clone().unwrap_or("g".into())});
            group["members"] = members.iter().map(|m| json!({"value": format!("#{m}#")})).collect();
            made.push((number * 3 + 5, of("Group"), group));
        }
        made.sort_by_key(|(place, ..)| *place);
        for (second, (_, resource_type, body)) in made.into_iter().enumerate() {
            let id = ResourceId::new(format!("id{second}")).unwrap();
            let body: Value = serde_json::from_str(&sides.named(&body.to_string())).unwrap();
            for side in [&sides.sqlite, &sides.memory] {
                let resource = resource(&resource_type, body.clone());
                let change = Change::Create { id: Some(id.clone()), resource, secret: None };
                side.later(i64::try_from(second).unwrap())
                    .write(&resource_type, change, Precondition::NONE, None)
                    .await
                    .unwrap();
            }
            sides.ids.push(id);
        }
        sides
    }

    /// With ids in the places of numbers; what is not made yet is nobody.
    fn named(&self, text: &str) -> String {
        (0..8).fold(text.to_owned(), |text, number| {
            let id = self.ids.get(number).map_or("nobody", |id| id.as_str());
            text.replace(&format!("#{number}#"), id)
        })
    }

    /// Asserts that a filter gives both ways the same, page by page and sorted. How many it gave.
    async fn compare(&self, resource_type: &Arc<ResourceType>, text: &str) -> usize {
        let text = self.named(&in_full(text));
        let filter = resolve(resource_type, &text).unwrap_or_else(|| panic!("{text}"));
        let mut asked = query(resource_type, None);
        asked.targets[0].filter = Some(filter);
        let found = self.both(&asked, &text).await.0;
        if found.len() > 1 {
            let (first, next) = self.both(&Query { count: 1, ..asked.clone() }, &text).await;
            let start = Start::After(next.expect("there is more"));
            let rest = Query { start, total: false, ..asked.clone() };
            let rest = self.both(&rest, &text).await.0;
            assert_eq!([first, rest].concat(), found, "{text}");
            asked.order = Some(SortOrder::Descending);
            asked.targets[0].sort = resource_type.attribute("meta.created");
            let mut sorted = self.both(&asked, &text).await.0;
            sorted.reverse();
            assert_eq!(sorted, found, "{text}");
        }
        found.len()
    }

    async fn both(
        &self,
        query: &Query,
        text: &str,
    ) -> (Vec<ResourceId>, Option<scim_server_adapters::Position>) {
        let ours = self.sqlite.query(query).await.unwrap();
        let theirs = self.memory.query(query).await.unwrap();
        let ids = |page: &scim_server_adapters::Page| -> Vec<ResourceId> {
            page.resources.iter().map(|r| r.id.clone()).collect()
        };
        assert_eq!((ids(&ours), ours.total), (ids(&theirs), theirs.total), "{text}");
        // The positions of one backend mean nothing to the other, but here both count from 1.
        assert_eq!(ours.next, theirs.next, "{text}");
        (ids(&ours), ours.next)
    }
}

/// Generated as proptest does, but many filters are asked of each data set, and nothing is
/// shrunk: a failure names its filter, and the seed is fixed.
#[test]
fn any_filter_selects_what_it_selects_in_memory() {
    let asked = std::env::var(MORE_DATA_SETS).ok().map(|sets| sets.parse().unwrap());
    let seed = if asked.is_some() { [8; 32] } else { [7; 32] };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let config = Config { max_local_rejects: u32::MAX, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, rng);
    let kinds = [
        ("User", filters("User", &USER_PATHS, &["emails", "groups", "name", "ENTERPRISE:manager"])),
        ("Group", filters("Group", &GROUP_PATHS, &["members"])),
        (
            "Asset",
            filters("Asset", &ASSET_PATHS, &["parts", "tags", "place", "counts", "AUDIT:owner"]),
        ),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (mut pairs, mut some) = (0, 0);
    for _ in 0..asked.unwrap_or(DATA_SETS) {
        let data = data().new_tree(&mut runner).unwrap().current();
        let sides = runtime.block_on(Sides::new(&data));
        for number in 0..FILTERS {
            let (name, filters) = &kinds[number % kinds.len()];
            let text = filters.new_tree(&mut runner).unwrap().current();
            let found = runtime.block_on(sides.compare(REGISTRY.by_name(name).unwrap(), &text));
            pairs += 1;
            some += usize::from(found > 0);
        }
    }
    assert!(pairs >= 20_000, "{pairs}");
    // Filters that select nothing say little.
    assert!(some * 3 > pairs, "{some} of {pairs}");
}
