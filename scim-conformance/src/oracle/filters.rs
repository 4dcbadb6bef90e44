//! Any filter over any resources selects, page by page and sorted, what it selects in the memory
//! backend, which evaluates filters as `scim-filter` defines them.

use std::future::Future;
use std::sync::{Arc, LazyLock};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use scim_core::{Profile, Registry, ResourceId, ResourceType, SortOrder};
use scim_filter::{Limits, ResolvedFilter};
use scim_server_adapters::{
    BackendError, MemoryBackend, Page, Position, ProvisioningBackend, Query, Start,
};
use serde_json::{Value, json};

use crate::backend::Opened;
use crate::backend::breach::{Breach, Outcome, same, some};
use crate::backend::store::{Store, create_as, ids, query};
use crate::backend::types::ENTERPRISE;

/// How many filters are asked of each set of resources.
const FILTERS: usize = 240;

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

/// The resource types of the oracle of filters: the built-in ones, and `Asset`, with attributes of
/// every type and an extension. Open your store with it, if it wants to know its types.
///
/// # Panics
/// Never: what it reads is built in.
#[must_use]
#[expect(clippy::expect_used, reason = "what it reads is built in, and every test reads it")]
pub fn registry() -> Registry {
    let mut registry = Registry::builtin();
    for schema in [ASSET_SCHEMA, AUDIT_SCHEMA] {
        registry.add_schema_json(schema).expect("the built-in schema is valid");
    }
    let definition = json!({"name": "Asset", "endpoint": "/Assets", "schema": ASSET,
        "schemaExtensions": [{"schema": AUDIT, "required": false}]});
    let definition = definition.to_string();
    registry.add_resource_type_json(&definition).expect("the built-in resource type is valid");
    registry
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(registry);

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
    select(&NUMBERS[..]).prop_map(|number| serde_json::from_str(number).unwrap_or_default()).boxed()
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
fn accepted(resource_type: &'static str, terms: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let is_filter = move |term: &String| {
        REGISTRY.by_name(resource_type).is_some_and(|of| resolve(of, term).is_some())
    };
    terms.prop_map(|term| in_full(&term)).prop_filter("refused", is_filter).boxed()
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
        let strip = move |term: String| {
            let inner = term.strip_prefix(&in_full(path)).and_then(|t| t.strip_prefix('['));
            inner.and_then(|inner| inner.strip_suffix(']')).unwrap_or(&term).to_owned()
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

fn of(name: &str) -> Outcome<Arc<ResourceType>> {
    some("a registered type", REGISTRY.by_name(name).cloned())
}

/// Both backends with the same resources, which have the same ids.
struct Sides {
    ours: Store,
    memory: Store,
    ids: Vec<ResourceId>,
}

impl Sides {
    async fn new(ours: Arc<dyn ProvisioningBackend>, data: &Data) -> Outcome<Self> {
        let mut sides = Self {
            ours: Store::new(Opened::without_events(ours), true),
            memory: Store::new(Opened::without_events(Arc::new(MemoryBackend::new())), true),
            ids: Vec::new(),
        };
        // One kind after the other would hide an order by type.
        let mut made = Vec::new();
        for (number, user) in data.users.iter().enumerate() {
            let name = TEXTS.iter().cycle().nth(number * 3).unwrap_or(&"");
            let user = with(user, "userName", format!("{name}{number}"));
            made.push((number * 3, of("User")?, user));
        }
        for (number, asset) in data.assets.iter().enumerate() {
            let serial = TEXTS.iter().cycle().nth(number * 5).unwrap_or(&"");
            let asset = with(asset, "serial", format!("{serial}{number}"));
            made.push((number * 3 + 1, of("Asset")?, asset));
        }
        for (number, (name, members)) in data.groups.iter().enumerate() {
            let members: Value =
                members.iter().map(|m| json!({"value": format!("#{m}#")})).collect();
            let group = json!({"displayName": name.clone().unwrap_or("g".into())});
            made.push((number * 3 + 5, of("Group")?, with(&group, "members", members)));
        }
        made.sort_by_key(|(place, ..)| *place);
        for (second, (_, resource_type, body)) in (0..).zip(made) {
            let id = ResourceId::new(format!("id{second}"))?;
            let body: Value = serde_json::from_str(&sides.named(&body.to_string()))
                .map_err(|error| Breach::new("JSON of the oracle's", error))?;
            for side in [&sides.ours, &sides.memory] {
                let write = create_as(&id, &resource_type, body.clone())?;
                side.later(second).perform(format_args!("create {body}"), write).await.done()?;
            }
            sides.ids.push(id);
        }
        Ok(sides)
    }

    /// With ids in the places of numbers; what is not made yet is nobody.
    fn named(&self, text: &str) -> String {
        (0..8).fold(text.to_owned(), |text, number| {
            let id = self.ids.get(number).map_or("nobody", |id| id.as_str());
            text.replace(&format!("#{number}#"), id)
        })
    }

    /// A filter must give both ways the same, page by page and sorted. How many it gave; `None` for
    /// one that the backend leaves to the service.
    async fn compare(
        &self,
        resource_type: &Arc<ResourceType>,
        text: &str,
    ) -> Outcome<Option<usize>> {
        let filter = some("a filter that is valid", resolve(resource_type, text))?;
        let mut asked = query(resource_type);
        for target in &mut asked.targets {
            target.filter = Some(filter.clone());
        }
        let Some((found, _)) = self.both(&asked).await? else { return Ok(None) };
        if found.len() > 1 {
            let first = Query { count: 1, ..asked.clone() };
            let Some((first, next)) = self.both(&first).await? else { return Ok(None) };
            let [ours, theirs] = next.map(|next| some("where the next page begins", next));
            let rest = [ours?, theirs?].map(|next| Query {
                start: Start::After(next),
                total: false,
                ..asked.clone()
            });
            let Some((rest, _)) = self.each(&rest).await? else { return Ok(None) };
            same("the pages one after the other", [first, rest].concat(), found.clone())?;
            asked.order = Some(SortOrder::Descending);
            for target in &mut asked.targets {
                target.sort = resource_type.attribute("meta.created");
            }
            let Some((mut sorted, _)) = self.both(&asked).await? else { return Ok(None) };
            sorted.reverse();
            same("the sorted ids in reverse", sorted, found.clone())?;
        }
        Ok(Some(found.len()))
    }

    async fn both(&self, query: &Query) -> Outcome<Option<Both>> {
        self.each(&[query.clone(), query.clone()]).await
    }

    /// Each side is asked the same; only a position is its own.
    async fn each(&self, [ours, theirs]: &[Query; 2]) -> Outcome<Option<Both>> {
        let ours = self.ours.ask(ours).await;
        if matches!(ours.result, Err(BackendError::Unsupported)) {
            return Ok(None);
        }
        let (ours, theirs) = (ours.done()?, self.memory.ask(theirs).await.done()?);
        let shown = |page: &Page| (ids(&page.resources), page.total, page.next.is_some());
        same("ids, total, and whether there are more", shown(&ours), shown(&theirs))?;
        Ok(Some((ids(&ours.resources), [ours.next, theirs.next])))
    }
}

/// The ids that both sides gave, and where the next page of each begins.
type Both = (Vec<String>, [Option<Position>; 2]);

fn with(object: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut object = object.as_object().cloned().unwrap_or_default();
    object.insert(name.to_owned(), value.into());
    Value::Object(object)
}

/// What was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compared {
    /// Pairs of a filter and a set of resources.
    pub pairs: usize,
    /// Those in which the filter selected something.
    pub selective: usize,
    /// Those that the backend left to the service ([`BackendError::Unsupported`]).
    pub unsupported: usize,
}

/// Asks 240 generated filters of each of many generated sets of resources, of the backend and of
/// the memory backend: the same ids in the same order, and the same total, page by page and sorted.
///
/// All operators, types, value filters, negation, nesting, extensions, a type of one's own, Unicode
/// and missing values occur. `open` opens the backend for each set, with the types of
/// [`registry`]; it may be the same database, since each set is another tenant. The same `seed`
/// generates the same.
///
/// It starts a runtime of its own, so call it from a plain `#[test]`, not from an async one.
///
/// # Panics
/// When the backend gives something else; the message names the filter. Nothing is shrunk.
pub fn any_filter<B, F>(open: impl Fn() -> F, data_sets: usize, seed: u8) -> Compared
where
    B: ProvisioningBackend,
    F: Future<Output = B>,
{
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
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
    let runtime = super::start_runtime();
    let mut compared = Compared::default();
    for _ in 0..data_sets {
        let data = generate(&data(), &mut runner);
        let backend = Arc::new(runtime.block_on(open()));
        let sides = super::kept(runtime.block_on(Sides::new(backend, &data)));
        for (name, filters) in kinds.iter().cycle().take(FILTERS) {
            let text = sides.named(&in_full(&generate(filters, &mut runner)));
            let compare = async { sides.compare(&of(name)?, &text).await };
            let found = runtime.block_on(compare);
            let found = found.map_err(|breach| breach.while_doing(format_args!("{name}, {text}")));
            compared.pairs += 1;
            match super::kept(found) {
                Some(found) => compared.selective += usize::from(found > 0),
                None => compared.unsupported += 1,
            }
        }
    }
    compared
}

#[expect(clippy::expect_used, reason = "the strategies reject nothing for ever")]
fn generate<S: Strategy>(strategy: &S, runner: &mut TestRunner) -> S::Value {
    strategy.new_tree(runner).expect("a value is generated").current()
}
