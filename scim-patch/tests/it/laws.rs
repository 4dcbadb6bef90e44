//! What holds for every request: nothing by halves, nothing not canonical, members in rows as in a
//! document, and no panic.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use scim_core::{
    Ingest, Member, Origin, PatchOp, PatchOperation, PatchOperationKind, Profile, Quirks, Registry,
    ResourceType,
};
use scim_patch::{MemberOp, PatchPlan, apply_members};
use serde_json::{Map, Value, json};

use crate::patching::{ENTERPRISE, device, group, object, planned, user};

/// Any JSON, with the names and texts that this library knows among others.
fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        select(vec![
            "",
            "work",
            "home",
            "a@b.org",
            "u1",
            "g1",
            "User",
            "True",
            "2020-01-01T00:00:00Z",
            "AA==",
            r#"{"value":"u1"}"#,
            "https://example.com/v2/Users/u1",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,8}",
    ];
    let key = prop_oneof![
        select(vec![
            "value",
            "type",
            "primary",
            "display",
            "$ref",
            "userName",
            "title",
            "name",
            "givenName",
            "emails",
            "addresses",
            "members",
            "groups",
            "password",
            "id",
            "meta",
            "schemas",
            "active",
            "label",
            "serial",
            "firmware",
            "tags",
            "codes",
            "case",
            "marks",
            "ports",
            "owners",
            "lock",
            "name.givenName",
            "manager",
            "department",
            ENTERPRISE,
            "urn:example:scim:2.0:Warranty",
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "contract",
            "claims",
            "VALUE",
            "state",
        ])
        .prop_map(str::to_owned),
        "[a-z$.:]{0,6}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1.0e6..1.0e6).prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((key.clone(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_path() -> impl Strategy<Value = String> {
    let filter = select(vec![
        r#"type eq "work""#,
        r#"value eq "u1""#,
        r#"value eq "u1" or value eq "g1""#,
        r#"not (type pr)"#,
        "primary eq True",
        "value eq u1",
        r#"$ref eq "/Users/u1""#,
        r#"speed gt 1 and state ne "up""#,
        "value pr",
        "value gt 1",
        r#"display co "a""#,
        "(((",
    ]);
    let attribute = select(vec![
        "emails",
        "addresses",
        "members",
        "groups",
        "tags",
        "codes",
        "ports",
        "owners",
        "audits",
        "name",
        "title",
        "schemas",
        "manager",
        "roles",
        "x509Certificates",
        "id",
        "meta",
        "password",
        "case",
        "badge",
        "lock",
        "origins",
        "firmware",
        "serial",
        "userName",
        "active",
        ENTERPRISE,
        "urn:example:scim:2.0:Warranty",
        "urn:example:scim:2.0:Warranty:contract",
        "nothing",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
    ]);
    let part = select(vec![
        "",
        ".value",
        ".type",
        ".display",
        ".$ref",
        ".primary",
        ".givenName",
        ".protocols",
        ".state",
        ".address",
        ".number",
        ".nothing",
        ".batch",
    ]);
    prop_oneof![
        8 => (attribute.clone(), option::of(filter), part).prop_map(|(attribute, filter, part)| {
            match filter {
                Some(filter) => format!("{attribute}[{filter}]{part}"),
                None => format!("{attribute}{part}"),
            }
        }),
        1 => attribute.prop_map(|attribute| format!(r#"{attribute} eq "red""#)),
        1 => "\\PC{0,12}",
        1 => "[a-z\\[\\]()\". :$]{0,16}",
    ]
}

fn any_kind() -> impl Strategy<Value = PatchOperationKind> {
    select(vec![PatchOperationKind::Add, PatchOperationKind::Remove, PatchOperationKind::Replace])
}

fn any_operation() -> impl Strategy<Value = PatchOperation> {
    (any_kind(), option::weighted(0.8, any_path()), option::weighted(0.9, any_json()))
        .prop_map(|(kind, path, value)| PatchOperation { kind, path, value })
}

fn any_profile() -> impl Strategy<Value = Profile> {
    select(vec![Profile::STRICT, Profile::INTEROP])
}

fn any_type() -> impl Strategy<Value = Arc<ResourceType>> {
    select(vec![user(), group(), device()])
}

fn plan_of(
    resource_type: &Arc<ResourceType>,
    operations: &[PatchOperation],
    profile: &Profile,
) -> scim_core::Result<PatchPlan> {
    let patch = PatchOp { operations: operations.to_vec(), fired: Quirks::NONE };
    PatchPlan::new(resource_type, patch, profile).map(|planned| planned.plan)
}

/// Canonical attributes of a user: some of these.
fn any_user() -> impl Strategy<Value = Map<String, Value>> {
    some_of(&json!({
        "userName": "bjensen",
        "title": "Guide",
        "active": true,
        "name": {"givenName": "Barbara", "familyName": "Jensen"},
        "emails": [
            {"value": "a@b.org", "type": "work", "primary": true},
            {"value": "u1", "type": "home"},
            {"type": "other"},
        ],
        "addresses": [{"type": "work", "locality": "Hollywood"}, {"type": "home", "primary": true}],
        "roles": [{"value": "u1"}],
        ENTERPRISE: {"department": "Tours", "manager": {"value": "u1", "displayName": "John"}},
    }))
}

/// Canonical attributes of a device: some of these.
fn any_device() -> impl Strategy<Value = Map<String, Value>> {
    some_of(&json!({
        "label": "printer",
        "serial": "X1",
        "firmware": "1.0",
        "tags": ["red", "green"],
        "codes": [1, 2],
        "origins": ["factory"],
        "audits": ["2020"],
        "case": {"color": "grey", "batch": "B7", "inspector": "Ann", "marks": ["x"]},
        "badge": {"number": "7", "color": "red"},
        "ports": [
            {"value": "u1", "type": "work", "address": "aa", "state": "up", "protocols": ["ssh"]},
            {"value": "g1", "primary": true, "speed": 10},
        ],
        "owners": [{"value": "u1", "type": "User", "display": "Ann"}, {"value": "g1"}],
        "lock": {"vendor": "Acme"},
        "urn:example:scim:2.0:Warranty": {"contract": "W1", "notes": "n", "claims": 2},
        "urn:example:scim:2.0:Location": {"room": "12"},
    }))
}

fn some_of(document: &Value) -> impl Strategy<Value = Map<String, Value>> + use<> {
    let all: Vec<(String, Value)> =
        object(document).iter().map(|(k, v)| (k.clone(), v.clone())).collect();
    let count = all.len();
    subsequence(all, 0..=count).prop_map(|some| some.into_iter().collect())
}

fn any_resource() -> impl Strategy<Value = (Arc<ResourceType>, Map<String, Value>)> {
    prop_oneof![
        any_user().prop_map(|document| (user(), document)),
        any_device().prop_map(|document| (device(), document)),
    ]
}

fn ingested(
    resource_type: &Arc<ResourceType>,
    attributes: &Map<String, Value>,
) -> scim_core::Result<Map<String, Value>> {
    let mut document = attributes.clone();
    document.insert("schemas".to_owned(), json!([resource_type.schema().id()]));
    Ingest::new(resource_type, &Profile::STRICT, Origin::Representation)
        .resource_from(document)
        .map(scim_core::Resource::into_attributes)
}

/// Whether that name is part of the operation, in whatever case.
fn names(operation: &PatchOperation, name: &str) -> bool {
    let text = format!("{operation:?}").to_lowercase();
    text.contains(&name.to_lowercase())
}

/// Whether no attribute has two primary values.
fn at_most_one_primary(attributes: &Map<String, Value>) -> bool {
    attributes.values().all(|value| {
        let elements = value.as_array().map_or(&[][..], Vec::as_slice);
        elements.iter().filter(|e| e.get("primary") == Some(&json!(true))).count() <= 1
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever is asked, of whatever there is: an answer or an error, never a panic. What is there
    /// need not even be canonical, since a schema may have changed over a store.
    #[test]
    fn any_request_is_planned_or_refused(
        resource_type in any_type(),
        profile in any_profile(),
        operations in vec(any_operation(), 1..5),
        document in any_json(),
        members in vec("[ug][1-3]", 0..4),
    ) {
        if let Ok(plan) = plan_of(&resource_type, &operations, &profile) {
            let document = document.as_object().cloned().unwrap_or_default();
            if let Err(error) = plan.document.apply(&document) {
                prop_assert_eq!(error.status(), 400);
            }
            let mut rows: Vec<Member> = members.iter().map(|m| Member::new(m.as_str())).collect();
            let before = rows.clone();
            match apply_members(&plan.members, &mut rows) {
                Ok(changed) => prop_assert!(changed || rows == before),
                Err(_) => prop_assert_eq!(rows, before),
            }
        }
    }

    /// What a plan makes of a canonical document is canonical: read again, it is the same.
    #[test]
    fn the_result_is_canonical(
        (resource_type, before) in any_resource(),
        profile in any_profile(),
        operations in vec(any_operation(), 1..5),
    ) {
        prop_assert_eq!(ingested(&resource_type, &before), Ok(before.clone()));
        if let Ok(plan) = plan_of(&resource_type, &operations, &profile)
            && let Ok(Some(after)) = plan.document.apply(&before)
        {
            prop_assert!(at_most_one_primary(&after));
            prop_assert_ne!(&after, &before);
            prop_assert_eq!(ingested(&resource_type, &after), Ok(after));
        }
    }

    /// A request is the same as its operations one after the other, or nothing if one of them fails.
    /// (What is required is looked at only at the end, so it is left out here.)
    #[test]
    fn a_request_is_its_operations_in_order_or_nothing(
        before in any_user().prop_map(|mut user| {
            user.remove("userName");
            user
        }),
        profile in any_profile(),
        operations in vec(any_operation().prop_filter("required", |o| !names(o, "userName")), 1..5),
    ) {
        let together = plan_of(&user(), &operations, &profile)
            .and_then(|plan| plan.document.apply(&before))
            .map(|after| after.unwrap_or_else(|| before.clone()));
        let plans: Result<Vec<_>, _> = operations
            .iter()
            .map(|operation| plan_of(&user(), std::slice::from_ref(operation), &profile))
            .collect();
        let one_by_one = plans.and_then(|plans| {
            plans.iter().try_fold(before.clone(), |document, plan| {
                plan.document.apply(&document).map(|after| after.unwrap_or(document))
            })
        });
        match (together, one_by_one) {
            (Ok(together), Ok(one_by_one)) => prop_assert_eq!(together, one_by_one),
            (Err(together), Err(one_by_one)) => {
                prop_assert_eq!(together.scim_type(), one_by_one.scim_type());
            }
            (together, one_by_one) => prop_assert!(false, "{together:?} {one_by_one:?}"),
        }
    }

    /// Giving a resource what it has changes nothing, by `add` and by `replace`, with path and
    /// without.
    #[test]
    fn giving_what_is_there_is_no_change(
        (resource_type, before) in any_resource(),
        profile in any_profile(),
        kind in select(vec![PatchOperationKind::Add, PatchOperationKind::Replace]),
    ) {
        let whole =
            PatchOperation { kind, path: None, value: Some(Value::Object(before.clone())) };
        let each = before.iter().map(|(name, value)| PatchOperation {
            kind,
            path: Some(name.clone()),
            value: Some(value.clone()),
        });
        for operations in [vec![whole], each.collect()] {
            if operations.is_empty() {
                continue;
            }
            let plan = plan_of(&resource_type, &operations, &profile).unwrap();
            prop_assert_eq!(plan.document.apply(&before), Ok(None));
        }
    }

    /// `add` and `replace` of whole attributes say what is to be there, so saying it twice is saying
    /// it once.
    #[test]
    fn saying_it_twice_is_saying_it_once(
        (resource_type, before) in any_resource(),
        (_, given) in any_resource(),
        value in any_json(),
        kind in select(vec![PatchOperationKind::Add, PatchOperationKind::Replace]),
        profile in any_profile(),
    ) {
        for value in [Value::Object(given), value] {
            let operation = PatchOperation { kind, path: None, value: Some(value) };
            if let Ok(plan) = plan_of(&resource_type, &[operation], &profile)
                && let Ok(Some(after)) = plan.document.apply(&before)
            {
                prop_assert_eq!(plan.document.apply(&after), Ok(None));
            }
        }
    }
}

/// Group under another URI, so that nothing is known of its members: they are an attribute of the
/// document as any other.
fn inline_group() -> Arc<ResourceType> {
    static INLINE: LazyLock<Arc<ResourceType>> = LazyLock::new(|| {
        let mut schema = serde_json::to_value(&**group().schema()).unwrap();
        schema["id"] = json!("urn:example:scim:2.0:InlineGroup");
        let mut registry = Registry::empty();
        registry.add_schema_json(&schema.to_string()).unwrap();
        let resource_type = json!({
            "name": "InlineGroup", "endpoint": "/InlineGroups", "schema": schema["id"],
        });
        registry.add_resource_type_json(&resource_type.to_string()).unwrap()
    });
    assert!(!INLINE.has_members());
    Arc::clone(&INLINE)
}

/// The type that a member of that id has wherever it is given: it does not depend on who says it.
fn type_of(value: &str) -> &'static str {
    if value.starts_with('u') { "User" } else { "Group" }
}

fn element(value: &str, typed: bool) -> Value {
    if typed { json!({"value": value, "type": type_of(value)}) } else { json!({"value": value}) }
}

fn group_operation(typed: bool) -> impl Strategy<Value = Value> {
    let id = || "[ug][1-4]";
    let list = move || {
        vec(id(), 0..4)
            .prop_map(move |ids| ids.iter().map(|i| element(i, typed)).collect::<Value>())
    };
    let filter_by_value = move || {
        prop_oneof![
            id().prop_map(|id| format!("value eq \"{id}\"")),
            (id(), id()).prop_map(|(a, b)| format!("value eq \"{a}\" or value eq \"{b}\"")),
            id().prop_map(|id| format!("$ref eq \"https://example.com/v2/Users/{id}\"")),
            id().prop_map(|id| format!("not (value eq \"{id}\")")),
            Just("value sw \"u\"".to_owned()),
        ]
    };
    let filter = move || {
        prop_oneof![
            3 => filter_by_value(),
            1 => select(vec!["type eq \"User\"", "type eq \"group\"", "not (type pr)"])
                .prop_map(str::to_owned),
            1 => id().prop_map(|id| format!("value eq \"{id}\" and type eq \"{}\"", type_of(&id))),
        ]
    };
    // A member may be made with the type that the filter asks for; without types there is none.
    let making = move || if typed { filter().boxed() } else { filter_by_value().boxed() };
    let op = || select(vec!["add", "replace"]);
    prop_oneof![
        (op(), list()).prop_map(|(op, list)| json!({"op": op, "path": "members", "value": list})),
        (op(), list()).prop_map(
            |(op, list)| json!({"op": op, "value": {"members": list, "displayName": "b"}})
        ),
        Just(json!({"op": "remove", "path": "members"})),
        list().prop_map(|list| json!({"op": "remove", "path": "members", "value": list})),
        filter().prop_map(|f| json!({"op": "remove", "path": format!("members[{f}]")})),
        (making(), id()).prop_map(move |(f, id)| {
            let value = element(&id, typed);
            json!({"op": "replace", "path": format!("members[{f}]"), "value": value})
        }),
        (op(), making(), select(vec!["User", "Group"])).prop_map(move |(op, f, kind)| {
            // Without types there is none to be given.
            let part = if typed { "type" } else { "value" };
            json!({"op": op, "path": format!("members[{f}].{part}"), "value": kind})
        }),
        (filter(), select(vec!["type", "value", "display", "$ref"])).prop_map(|(f, part)| {
            json!({"op": "remove", "path": format!("members[{f}].{part}")})
        }),
        select(vec!["a", "b"])
            .prop_map(|name| json!({"op": "replace", "path": "displayName", "value": name})),
        Just(json!({"op": "remove", "path": "displayName"})),
    ]
}

fn by_value(elements: impl Iterator<Item = Map<String, Value>>) -> BTreeMap<String, Value> {
    elements.map(|e| (e["value"].as_str().unwrap_or_default().to_owned(), json!(e))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    /// Members in rows and a document without them come to the same as members in the document.
    #[test]
    fn rows_and_document_apart_are_the_document_with_members(
        (typed, before, operations) in any::<bool>().prop_flat_map(|typed| {
            (Just(typed), vec("[ug][1-4]", 0..5), vec(group_operation(typed), 1..6))
        }),
        profile in any_profile(),
    ) {
        let operations = json!(operations);
        let rows: Vec<Member> =
            Member::list_from_json(&before.iter().map(|id| element(id, typed)).collect::<Vec<_>>());
        let mut whole = Map::from_iter([("displayName".to_owned(), json!("a"))]);
        if !rows.is_empty() {
            let members: Vec<_> = rows.iter().map(Member::to_json).collect();
            whole.insert("members".to_owned(), json!(members));
        }
        let inline = planned(&inline_group(), &operations, &profile)
            .and_then(|planned| planned.plan.document.apply(&whole));

        let document = Map::from_iter([("displayName".to_owned(), json!("a"))]);
        let mut members = rows.clone();
        let apart = planned(&group(), &operations, &profile).and_then(|planned| {
            let document = planned.plan.document.apply(&document)?;
            let changed = apply_members(&planned.plan.members, &mut members)?;
            Ok((document, changed))
        });

        match (inline, apart) {
            (Ok(inline), Ok((document_after, changed))) => {
                let mut inline = inline.unwrap_or_else(|| whole.clone());
                let elements = inline.remove("members").unwrap_or_else(|| json!([]));
                let elements = elements.as_array().cloned().unwrap_or_default();
                let elements = elements.iter().map(|e| object(e).clone());
                prop_assert_eq!(inline, document_after.unwrap_or(document));
                prop_assert_eq!(by_value(elements), by_value(members.iter().map(Member::to_json)));
                prop_assert!(changed || members == rows);
            }
            (Err(inline), Err(apart)) => {
                // Both stop at a fault, though not always at the same one: the parts are apart.
                prop_assert_eq!(inline.status(), apart.status());
                prop_assert_eq!(members, rows);
            }
            (inline, apart) => prop_assert!(false, "{inline:?} {apart:?}"),
        }
    }

    /// A store that takes the operations one at a time comes to the same as all of them together,
    /// and no list names a member twice.
    #[test]
    fn member_operations_name_each_member_once(
        operations in vec(group_operation(true), 1..6),
        before in vec("[ug][1-4]", 0..5),
    ) {
        let Ok(planned) = planned(&group(), &json!(operations), &Profile::INTEROP) else {
            return Ok(());
        };
        let rows =
            Member::list_from_json(&before.iter().map(|id| element(id, true)).collect::<Vec<_>>());
        for operation in &*planned.plan.members {
            let mut values: Vec<&str> = match operation {
                MemberOp::Add(list) | MemberOp::Replace(list) => {
                    list.iter().map(|m| &*m.value).collect()
                }
                MemberOp::Remove(values) => values.iter().map(|v| &**v).collect(),
                MemberOp::Clear | MemberOp::Select(_) => continue,
            };
            prop_assert!(!values.is_empty());
            let given = values.len();
            values.sort_unstable();
            values.dedup();
            prop_assert_eq!(values.len(), given);
        }
        let mut together = rows.clone();
        let all = apply_members(&planned.plan.members, &mut together);
        let mut one_by_one = rows;
        let each: Result<Vec<bool>, _> = planned
            .plan
            .members
            .iter()
            .map(|operation| apply_members(std::slice::from_ref(operation), &mut one_by_one))
            .collect();
        match (all, each) {
            (Ok(changed), Ok(each)) => {
                prop_assert_eq!(changed, each.contains(&true));
                prop_assert_eq!(together, one_by_one);
            }
            (all, each) => prop_assert!(all.is_err() && each.is_err()),
        }
    }
}
