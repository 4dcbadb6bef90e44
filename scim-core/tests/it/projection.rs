//! What an answer holds: `returned` (RFC 7643 §7), `attributes` and `excludedAttributes`
//! (RFC 7644 §3.9).

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use scim_core::schema::{ENTERPRISE_USER_URN, USER_URN};
use scim_core::{AttributeSet, Registry, ResourceType, Target};
use serde_json::{Map, Value, json};

use crate::choices::Choices;
use crate::device::{self, DEVICE, WARRANTY};

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("not an object: {other}"),
    }
}

fn enterprise_user() -> Map<String, Value> {
    serde_json::from_str(include_str!("../fixtures/rfc7643/enterprise-user.json")).unwrap()
}

fn only(names: &[&str]) -> Value {
    let set = AttributeSet::parse(&ResourceType::user(), names, &[]).unwrap();
    assert!(set.is_explicit());
    set.project(enterprise_user()).into()
}

fn except(names: &[&str]) -> Map<String, Value> {
    let set = AttributeSet::parse(&ResourceType::user(), &[], names).unwrap();
    assert!(set.is_explicit());
    set.project(enterprise_user())
}

fn minimum(more: Value) -> Value {
    let user = enterprise_user();
    let mut minimum = object(json!({"schemas": user["schemas"], "id": user["id"]}));
    minimum.extend(object(more));
    minimum.into()
}

/// The example of RFC 7644 §3.9.
#[test]
fn attributes_gives_the_minimum_and_what_is_named() {
    assert_eq!(only(&["userName"]), minimum(json!({"userName": "bjensen@example.com"})));
    assert_eq!(
        only(&["userName", " NAME.familyname ", "displayName"]),
        minimum(json!({
            "userName": "bjensen@example.com", "displayName": "Babs Jensen",
            "name": {"familyName": "Jensen"},
        }))
    );
    assert_eq!(only(&["emails.display"]), minimum(json!({})));
    assert_eq!(
        only(&["emails.type", "emails.value"])["emails"],
        json!([
            {"value": "bjensen@example.com", "type": "work"},
            {"value": "babs@jensen.org", "type": "home"},
        ])
    );
    // An element that has none of the parts asked for is no element.
    assert_eq!(only(&["emails.primary"])["emails"], json!([{"primary": true}]));
    assert_eq!(
        only(&["meta.lastModified"]),
        minimum(json!({"meta": {"lastModified": "2011-05-13T04:42:34Z"}}))
    );
}

#[test]
fn names_may_have_urns_and_a_urn_alone_is_what_its_schema_defines() {
    let manager = enterprise_user()[ENTERPRISE_USER_URN]["manager"].clone();
    for name in [
        format!("{ENTERPRISE_USER_URN}:manager"),
        format!("{ENTERPRISE_USER_URN}:Manager").to_uppercase(),
        // It can mean nothing else.
        "manager".to_owned(),
    ] {
        let expected = json!({ENTERPRISE_USER_URN: {"manager": manager}});
        assert_eq!(only(&[&name]), minimum(expected), "{name}");
    }
    assert_eq!(
        only(&[&format!("{ENTERPRISE_USER_URN}:manager.displayName")]),
        minimum(json!({ENTERPRISE_USER_URN: {"manager": {"displayName": "John Smith"}}}))
    );
    assert_eq!(
        only(&[ENTERPRISE_USER_URN]),
        minimum(json!({ENTERPRISE_USER_URN: enterprise_user()[ENTERPRISE_USER_URN]}))
    );
    let mut core = enterprise_user();
    core.remove(ENTERPRISE_USER_URN);
    core.remove("password");
    assert_eq!(only(&[USER_URN]), Value::from(core));
    assert_eq!(only(&[&format!("{USER_URN}:title")]), minimum(json!({"title": "Tour Guide"})));
}

#[test]
fn unknown_names_are_ignored() {
    assert_eq!(only(&["nothing", "name.nothing", "urn:x:y:z"]), minimum(json!({})));
    let all = except(&["nothing", ""]);
    let mut expected = enterprise_user();
    expected.remove("password");
    assert_eq!(all, expected);
}

#[test]
fn no_name_at_all_asks_for_nothing_in_particular() {
    for names in [[].as_slice(), &[""], &[" ", ""]] {
        let set = AttributeSet::parse(&ResourceType::user(), names, names).unwrap();
        assert!(!set.is_explicit() && set.is_everything());
    }
}

#[test]
fn excluded_attributes_takes_away_what_is_named() {
    let mut expected = enterprise_user();
    for name in ["password", "emails", "addresses", ENTERPRISE_USER_URN] {
        expected.remove(name).unwrap();
    }
    expected["name"].as_object_mut().unwrap().remove("formatted").unwrap();
    let projected = except(&["EMAILS", "addresses", "name.formatted", ENTERPRISE_USER_URN]);
    assert_eq!(projected, expected);

    let mut expected = enterprise_user();
    expected.remove("password").unwrap();
    expected[ENTERPRISE_USER_URN].as_object_mut().unwrap().remove("costCenter").unwrap();
    assert_eq!(except(&[&format!("{ENTERPRISE_USER_URN}:costCenter")]), expected);
    assert_eq!(except(&["costCenter"]), expected);
}

/// RFC 7644 §3.9: "each resource returned MUST contain the minimum set of resource attributes".
#[test]
fn schemas_and_id_cannot_be_excluded() {
    assert_eq!(
        Value::from(except(&[USER_URN, ENTERPRISE_USER_URN, "id", "schemas"])),
        minimum(json!({}))
    );
}

#[test]
fn a_password_is_never_returned() {
    for set in [
        AttributeSet::default_for(&ResourceType::user()),
        AttributeSet::parse(&ResourceType::user(), &["password", USER_URN], &[]).unwrap(),
        AttributeSet::parse(&ResourceType::user(), &[], &["title"]).unwrap(),
    ] {
        assert!(!set.wants("password"));
        assert!(!set.project(enterprise_user()).contains_key("password"));
    }
}

#[test]
fn both_parameters_at_once_are_an_error() {
    let error = AttributeSet::parse(&ResourceType::user(), &["id"], &["name"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "400 invalidValue: `attributes` and `excludedAttributes` cannot be used together"
    );
}

#[test]
fn a_store_learns_what_it_need_not_read() {
    let group = ResourceType::group();
    let wants = |attributes: &[&str], excluded: &[&str]| {
        AttributeSet::parse(&group, attributes, excluded).unwrap().wants("members")
    };
    assert!(wants(&[], &[]) && wants(&["members"], &[]) && wants(&["Members.value"], &[]));
    assert!(wants(&[], &["displayName"]) && wants(&[], &["members.display"]));
    assert!(!wants(&[], &["members"]) && !wants(&["displayName"], &[]));
    let set = AttributeSet::default_for(&group);
    assert!(!set.wants("groups") && !set.wants("nothing"));
    assert!(AttributeSet::default_for(&ResourceType::user()).wants("groups"));
    let manager = format!("{ENTERPRISE_USER_URN}:manager");
    assert!(AttributeSet::default_for(&ResourceType::user()).wants(&manager));
    assert!(!AttributeSet::parse(&ResourceType::user(), &["title"], &[]).unwrap().wants(&manager));
}

#[test]
fn an_empty_membership_list_stays_to_be_seen() {
    let group = object(json!({"schemas": [], "id": "1", "displayName": "g", "members": []}));
    for set in [
        AttributeSet::default_for(&ResourceType::group()),
        AttributeSet::parse(&ResourceType::group(), &["members.value", "displayName"], &[])
            .unwrap(),
    ] {
        assert_eq!(set.project(group.clone()), group);
    }
}

/// RFC 7643 §7, `request`: returned when asked for by name, and on a write when it was sent.
#[test]
fn what_is_returned_on_request_has_to_be_named_or_sent() {
    let device = device::resource_type();
    let stored = object(json!({
        "schemas": [DEVICE, WARRANTY], "id": "1", "serialNumber": "SN", "notes": "n",
        "location": {"building": "A", "directions": "d", "door": "secret"},
        "interfaces": [{"value": "eth0", "comment": "c", "key": "secret"}],
        WARRANTY: {"contractNumber": "c", "terms": "t", "level": "gold", "claimCode": "secret"},
    }));
    let default = object(json!({
        "schemas": [DEVICE, WARRANTY], "id": "1", "serialNumber": "SN",
        "location": {"building": "A"}, "interfaces": [{"value": "eth0"}],
        WARRANTY: {"contractNumber": "c", "level": "gold"},
    }));
    let set = AttributeSet::default_for(&device);
    assert_eq!(set.project(stored.clone()), default);

    let named = |names: &[&str]| {
        let set = AttributeSet::parse(&device, names, &[]).unwrap();
        Value::from(set.project(stored.clone()))
    };
    assert_eq!(named(&["notes"])["notes"], "n");
    // Naming what it is in is not naming it.
    assert_eq!(named(&["location"])["location"], json!({"building": "A"}));
    assert_eq!(named(&[WARRANTY])[WARRANTY], json!({"contractNumber": "c", "level": "gold"}));
    assert_eq!(named(&[DEVICE]).get("notes"), None);
    assert_eq!(
        named(&["location", "location.directions"])["location"],
        json!({"building": "A", "directions": "d"})
    );
    // `building` is always returned with its location, and `level` with any answer.
    assert_eq!(
        named(&["location.directions", &format!("{WARRANTY}:terms")]),
        json!({
            "schemas": [DEVICE, WARRANTY], "id": "1", "serialNumber": "SN",
            "location": {"building": "A", "directions": "d"},
            WARRANTY: {"terms": "t", "level": "gold"},
        })
    );
    assert_eq!(
        named(&["label"]),
        json!({
            "schemas": [DEVICE, WARRANTY], "id": "1", "serialNumber": "SN",
            WARRANTY: {"level": "gold"},
        })
    );

    let sent = |paths: &[&str]| -> Vec<Target> {
        paths.iter().map(|path| device.resolve(path).unwrap()).collect()
    };
    let written = |set: AttributeSet, paths: &[&str]| {
        Value::from(set.with_sent(sent(paths)).project(stored.clone()))
    };
    let mut expected = Value::from(default.clone());
    expected["notes"] = json!("n");
    expected["location"]["directions"] = json!("d");
    assert_eq!(written(set.clone(), &["notes", "location"]), expected);
    expected["location"].as_object_mut().unwrap().remove("directions");
    expected[WARRANTY]["terms"] = json!("t");
    assert_eq!(written(set.clone(), &["notes", WARRANTY]), expected);
    // What a client sent and excludes, or does not ask for, stays out.
    let excluding = AttributeSet::parse(&device, &[], &["notes", "location.directions"]).unwrap();
    let projected = written(excluding, &["notes", "location", "interfaces.comment"]);
    assert_eq!(projected.get("notes"), None);
    assert_eq!(projected["location"], json!({"building": "A"}));
    assert_eq!(projected["interfaces"], json!([{"value": "eth0", "comment": "c"}]));
    let naming = AttributeSet::parse(&device, &["label"], &[]).unwrap();
    assert_eq!(written(naming, &["notes"]).get("notes"), None);
}

/// RFC 7643 §7: values of writeOnly attributes "SHALL NOT be returned", also where a schema does
/// not say `returned: never`.
#[test]
fn what_is_write_only_is_never_returned() {
    let mut registry = Registry::empty();
    let schema = json!({"id": "urn:x:y", "attributes": [
        {"name": "a", "mutability": "writeOnly"},
        {"name": "b", "type": "complex", "subAttributes": [
            {"name": "c", "mutability": "writeOnly", "returned": "always"}, {"name": "d"},
        ]},
    ]});
    registry.add_schema_json(&schema.to_string()).unwrap();
    let thing = json!({"name": "Thing", "endpoint": "/Things", "schema": "urn:x:y"});
    let thing = registry.add_resource_type_json(&thing.to_string()).unwrap();
    let stored = object(json!({"id": "1", "a": "secret", "b": {"c": "secret", "d": "x"}}));
    for names in [[].as_slice(), &["a", "b", "b.c"]] {
        let set = AttributeSet::parse(&thing, names, &[]).unwrap();
        assert!(!set.is_everything());
        assert_eq!(set.project(stored.clone()), object(json!({"id": "1", "b": {"d": "x"}})));
    }
}

#[test]
fn what_no_schema_defines_is_not_returned() {
    let mut stored = enterprise_user();
    stored.remove("password");
    let expected = stored.clone();
    stored.insert("unknown".into(), json!(1));
    stored.insert("urn:x:y".into(), json!({"a": 1}));
    stored[ENTERPRISE_USER_URN]["unknown"] = json!(1);
    let set = AttributeSet::default_for(&ResourceType::user());
    assert_eq!(set.project(stored), expected);
}

// ---------------------------------------------------------------------------
// A reference that knows nothing but the JSON of the schemas, over generated schemas, resources
// and lists of names.

const RETURNED: [&str; 5] = ["default", "default", "always", "request", "never"];
const CORE: &str = "urn:example:core:2.0:Thing";
const EXTENSIONS: [&str; 2] = ["urn:example:ext:1.0:Thing", "urn:example:ext:1.0:Thing:More"];

fn schema(choices: &mut Choices, id: &str, names: &[&str]) -> Value {
    let attributes = names.iter().map(|name| {
        let mut attribute = json!({
            "name": name, "returned": choices.pick(&RETURNED), "multiValued": choices.one_in(2),
        });
        if choices.one_in(12) {
            attribute["mutability"] = json!("writeOnly");
        }
        if choices.one_in(2) {
            attribute["type"] = json!("complex");
            let parts = ["value", "kind", "note"].map(|name| {
                let mut part = json!({"name": name, "returned": choices.pick(&RETURNED)});
                if choices.one_in(12) {
                    part["mutability"] = json!("writeOnly");
                }
                part
            });
            attribute["subAttributes"] = json!(parts);
        }
        attribute
    });
    json!({"id": id, "attributes": attributes.collect::<Vec<_>>()})
}

fn schemas(choices: &mut Choices) -> [Value; 3] {
    [
        schema(choices, CORE, &["alpha", "beta", "gamma", "delta"]),
        // `alpha` is in the core too, which goes first where a name has no URN.
        schema(choices, EXTENSIONS[0], &["alpha", "epsilon", "zeta"]),
        schema(choices, EXTENSIONS[1], &["eta", "zeta"]),
    ]
}

fn attributes_of(schema: &Value) -> &[Value] {
    schema["attributes"].as_array().unwrap()
}

fn parts_of(attribute: &Value) -> &[Value] {
    attribute["subAttributes"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap()
}

fn values(choices: &mut Choices, schema: &Value) -> Map<String, Value> {
    let mut object = Map::new();
    for attribute in attributes_of(schema) {
        let single = |choices: &mut Choices| {
            if attribute["type"] != "complex" {
                return json!(choices.below(9));
            }
            let mut parts: Map<String, Value> = parts_of(attribute)
                .iter()
                .filter(|_| choices.one_in(2))
                .map(|part| (text(part, "name").to_owned(), json!("x")))
                .collect();
            if parts.is_empty() {
                parts.insert("kind".into(), json!("y"));
            }
            Value::Object(parts)
        };
        if choices.one_in(4) {
            continue;
        }
        let value = if attribute["multiValued"] == true {
            (0..choices.below(4)).map(|_| single(choices)).collect()
        } else {
            single(choices)
        };
        object.insert(text(attribute, "name").to_owned(), value);
    }
    object
}

fn resource(choices: &mut Choices, schemas: &[Value; 3]) -> Map<String, Value> {
    let mut resource = values(choices, &schemas[0]);
    for extension in &schemas[1..] {
        let object = values(choices, extension);
        if !object.is_empty() {
            resource.insert(text(extension, "id").to_owned(), object.into());
        }
    }
    resource.insert("schemas".into(), json!([CORE]));
    resource.insert("id".into(), json!("1"));
    resource.insert("externalId".into(), json!("e"));
    resource.insert("meta".into(), json!({"version": "v", "location": "l"}));
    resource
}

/// All that a name can mean, first what goes first: the name in lower case, and what it names.
fn meanings(schemas: &[Value; 3]) -> Vec<(String, String)> {
    let mut qualified = vec![(CORE.to_owned(), CORE.to_owned())];
    let mut unqualified = Vec::new();
    let common = [
        json!({"name": "schemas", "multiValued": true}),
        json!({"name": "id"}),
        json!({"name": "externalId"}),
        json!({"name": "meta", "subAttributes": [
            {"name": "resourceType"}, {"name": "created"}, {"name": "lastModified"},
            {"name": "location"}, {"name": "version"},
        ]}),
    ];
    for (index, schema) in schemas.iter().enumerate() {
        let id = text(schema, "id");
        qualified.push((id.to_owned(), id.to_owned()));
        let common = common.iter().filter(|_| index == 0);
        for attribute in common.chain(attributes_of(schema)) {
            let name = text(attribute, "name");
            let mut tails = vec![(name.to_owned(), name.to_owned())];
            for part in parts_of(attribute) {
                let path = format!("{name}.{}", text(part, "name"));
                tails.push((path.clone(), path));
            }
            if attribute["multiValued"] == true && parts_of(attribute).is_empty() {
                tails.push((format!("{name}.value"), name.to_owned()));
            }
            for (tail, named) in tails {
                let target = format!("{id}:{named}");
                qualified.push((format!("{id}:{tail}"), target.clone()));
                unqualified.push((tail, target));
            }
        }
    }
    qualified.extend(unqualified);
    qualified.into_iter().map(|(name, target)| (name.to_lowercase(), target)).collect()
}

fn names(choices: &mut Choices, schemas: &[Value; 3]) -> Vec<String> {
    let meanings = meanings(schemas);
    (0..choices.below(6))
        .map(|_| {
            if choices.one_in(8) {
                return choices.pick(&["nothing", "alpha.nothing", "", "urn:x:y"]).to_owned();
            }
            let (name, _) = &meanings[choices.below(meanings.len())];
            choices.in_odd_case(name)
        })
        .collect()
}

enum Mode {
    Default,
    Only,
    Except,
}

struct Reference {
    mode: Mode,
    named: BTreeSet<String>,
    sent: BTreeSet<String>,
}

impl Reference {
    fn project(&self, schemas: &[Value; 3], resource: &Map<String, Value>) -> Value {
        let mut projected = Map::new();
        for (name, returned, parts) in [
            ("schemas", "always", json!([])),
            ("id", "always", json!([])),
            ("externalId", "default", json!([])),
            ("meta", "default", json!([{"name": "version"}, {"name": "location"}])),
        ] {
            let attribute = json!({"name": name, "returned": returned, "subAttributes": parts});
            self.copy(CORE, &attribute, resource, &mut projected);
        }
        for (index, schema) in schemas.iter().enumerate() {
            let id = text(schema, "id");
            if index == 0 {
                for attribute in attributes_of(schema) {
                    self.copy(id, attribute, resource, &mut projected);
                }
            } else if let Some(Value::Object(object)) = resource.get(id) {
                let mut kept = Map::new();
                for attribute in attributes_of(schema) {
                    self.copy(id, attribute, object, &mut kept);
                }
                if !kept.is_empty() {
                    projected.insert(id.to_owned(), kept.into());
                }
            }
        }
        projected.into()
    }

    fn copy(
        &self,
        urn: &str,
        attribute: &Value,
        from: &Map<String, Value>,
        to: &mut Map<String, Value>,
    ) {
        let name = text(attribute, "name");
        let path = format!("{urn}:{name}");
        let returned = attribute["returned"].as_str().unwrap_or("default");
        let Some(value) = from.get(name) else { return };
        if !self.keeps(urn, &path, returned, attribute) {
            return;
        }
        // The attribute itself is wanted, and not only a part of it.
        let itself = returned == "always"
            || self.named.contains(&path)
            || self.named.contains(urn) && returned == "default";
        let trim = |value: &Value| -> Value {
            let Value::Object(object) = value else { return value.clone() };
            let mut kept = Map::new();
            for part in parts_of(attribute) {
                let part_name = text(part, "name");
                let path_of_part = format!("{path}.{part_name}");
                let named = self.named.contains(&path_of_part);
                let sent = [urn, &path, &path_of_part].iter().any(|p| self.sent.contains(*p));
                let keep = match part["returned"].as_str().unwrap_or("default") {
                    _ if part["mutability"] == "writeOnly" => false,
                    "never" => false,
                    "always" => true,
                    "default" => match self.mode {
                        Mode::Default => true,
                        Mode::Only => itself || named,
                        Mode::Except => !named,
                    },
                    _ => match self.mode {
                        Mode::Default => sent,
                        Mode::Only => named,
                        Mode::Except => sent && !named,
                    },
                };
                if let Some(value) = object.get(part_name).filter(|_| keep) {
                    kept.insert(part_name.to_owned(), value.clone());
                }
            }
            kept.into()
        };
        let empty = |value: &Value| value.as_object().is_some_and(Map::is_empty);
        let trimmed = match value {
            Value::Array(elements) => {
                let kept: Vec<_> = elements.iter().map(trim).filter(|e| !empty(e)).collect();
                if kept.is_empty() && !elements.is_empty() {
                    return;
                }
                kept.into()
            }
            single => trim(single),
        };
        if !empty(&trimmed) {
            to.insert(name.to_owned(), trimmed);
        }
    }

    fn keeps(&self, urn: &str, path: &str, returned: &str, attribute: &Value) -> bool {
        let below = |set: &BTreeSet<String>| {
            parts_of(attribute).iter().any(|p| set.contains(&format!("{path}.{}", text(p, "name"))))
        };
        let named = self.named.contains(path);
        let by_urn = self.named.contains(urn);
        let sent = self.sent.contains(path) || self.sent.contains(urn) || below(&self.sent);
        if attribute["mutability"] == "writeOnly" {
            return false;
        }
        match (&self.mode, returned) {
            (_, "never") => false,
            (_, "always") => true,
            (Mode::Default, "default") => true,
            (Mode::Default, _) => sent,
            (Mode::Only, "default") => named || by_urn || below(&self.named),
            (Mode::Only, _) => named || below(&self.named),
            (Mode::Except, "default") => !named && !by_urn,
            (Mode::Except, _) => sent && !named && !by_urn,
        }
    }
}

fn resource_type(schemas: &[Value; 3]) -> Arc<ResourceType> {
    let mut registry = Registry::empty();
    for schema in schemas {
        registry.add_schema_json(&schema.to_string()).unwrap();
    }
    let extensions = EXTENSIONS.map(|id| json!({"schema": id}));
    let json = json!({
        "name": "Thing", "endpoint": "/Things", "schema": CORE, "schemaExtensions": extensions,
    });
    registry.add_resource_type_json(&json.to_string()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn projection_is_that_of_a_naive_reference(
        bytes in prop::collection::vec(any::<u8>(), 400),
        mode in 0..3_usize,
    ) {
        let mut choices = Choices::new(bytes);
        let schemas = schemas(&mut choices);
        let resource_type = resource_type(&schemas);
        let resource = resource(&mut choices, &schemas);
        let (names, sent) = (names(&mut choices, &schemas), names(&mut choices, &schemas));

        let meanings = meanings(&schemas);
        let meaning = |name: &String| {
            let name = name.to_lowercase();
            meanings.iter().find(|(known, _)| *known == name).map(|(_, target)| target.clone())
        };
        let (mode, attributes, excluded) = match mode {
            0 => (Mode::Default, vec![], vec![]),
            _ if names.iter().all(String::is_empty) => (Mode::Default, names.clone(), vec![]),
            1 => (Mode::Only, names.clone(), vec![]),
            _ => (Mode::Except, vec![], names.clone()),
        };
        let named = match mode {
            Mode::Default => BTreeSet::new(),
            _ => names.iter().filter_map(meaning).collect(),
        };
        let reference = Reference { mode, named, sent: sent.iter().filter_map(meaning).collect() };
        let expected = reference.project(&schemas, &resource);

        let targets = sent.iter().filter_map(|path| {
            resource_type.resolve(path).or_else(|| {
                resource_type.unqualified_extension_attribute(path).map(Target::Attribute)
            })
        });
        let set = AttributeSet::parse(&resource_type, &attributes, &excluded).unwrap();
        let set = set.with_sent(targets);
        let projected = set.project(resource.clone());
        prop_assert_eq!(Value::from(projected.clone()), expected, "{:?} {:?}", names, sent);

        // Projecting again changes nothing.
        prop_assert_eq!(set.project(projected.clone()), projected.clone());
        // What is not wanted is not there, and what is everything changes nothing.
        for name in ["alpha", "beta", "gamma", "delta", "externalId", "meta", "id"] {
            prop_assert!(set.wants(name) || !projected.contains_key(name), "{}", name);
        }
        if set.is_everything() {
            prop_assert_eq!(projected, resource);
        }
    }
}
