//! The membership of a group: operations on rows, whatever the request looks like.

use std::sync::Arc;

use scim_core::{Member, Profile, Registry, ScimError, ScimType};
use scim_patch::{MemberOp, apply_members};
use serde_json::{Value, json};

use crate::patching::{group, planned};

fn operations_under(profile: &Profile, operations: &Value) -> Result<Arc<[MemberOp]>, ScimError> {
    let planned = planned(&group(), operations, profile)?;
    assert!(planned.plan.document.is_empty(), "members never are in the document");
    Ok(planned.plan.members)
}

fn operations(operations: &Value) -> Arc<[MemberOp]> {
    operations_under(&Profile::STRICT, operations).unwrap()
}

fn rows(members: &[(&str, Option<&str>)]) -> Vec<Member> {
    let member = |(value, kind): &(&str, Option<&str>)| Member {
        resource_type: kind.map(Arc::from),
        ..Member::new(*value)
    };
    members.iter().map(member).collect()
}

/// The rows after the operations, and whether these changed anything.
fn after(before: &[(&str, Option<&str>)], patch: &Value) -> Result<(Vec<Member>, bool), ScimError> {
    let mut members = rows(before);
    let changed = apply_members(&operations_under(&Profile::STRICT, patch)?, &mut members)?;
    Ok((members, changed))
}

fn refused(before: &[(&str, Option<&str>)], patch: &Value) -> Option<ScimType> {
    let error = after(before, patch).expect_err("an error");
    assert!(error.detail().starts_with("operation 1: "), "{error}");
    error.scim_type()
}

fn values(list: &[Member]) -> Vec<&str> {
    list.iter().map(|m| &*m.value).collect()
}

#[test]
fn adding_is_an_operation_on_the_rows_given_and_no_others() {
    for operation in [
        json!({"op": "add", "path": "members", "value": [{"value": "a"}, {"value": "b"}]}),
        json!({"op": "add", "value": {"members": [{"value": "a"}, {"value": "b"}]}}),
        json!({"op": "add", "path": "MEMBERS", "value": [
            {"value": "a"}, {"VALUE": "b", "display": "B", "$ref": "https://example.com/Users/b"},
        ]}),
    ] {
        let operations = operations(&json!([operation]));
        let [MemberOp::Add(list)] = &*operations else { panic!("{operations:?}") };
        assert_eq!(*list, rows(&[("a", None), ("b", None)]));
    }
}

#[test]
fn a_member_that_is_there_already_stays_as_it_is() {
    let add = |kind: Value| json!([{"op": "add", "path": "members", "value": [{"value": "a", "type": kind}]}]);
    let user = [("a", Some("User"))];
    assert_eq!(after(&user, &add(json!("User"))), Ok((rows(&user), false)));
    assert_eq!(after(&user, &add(json!(null))), Ok((rows(&user), false)));
    // `type` is immutable; what is known of the member counts.
    assert_eq!(after(&user, &add(json!("Group"))), Ok((rows(&user), false)));
    assert_eq!(after(&[("a", None)], &add(json!("User"))), Ok((rows(&user), true)));
    // Ids are exact.
    assert_eq!(
        after(&[("A", None)], &add(json!(null))),
        Ok((rows(&[("A", None), ("a", None)]), true))
    );
}

#[test]
fn what_a_store_knows_of_a_member_is_kept() {
    let known = Member {
        display: Some("Babs".into()),
        exists: true,
        resource_type: Some("User".into()),
        ..Member::new("a")
    };
    for patch in [
        json!([{"op": "replace", "path": "members", "value": [{"value": "b"}, {"value": "a"}]}]),
        json!([{"op": "add", "path": r#"members[value eq "a"].type"#, "value": "user"},
               {"op": "add", "path": "members", "value": [{"value": "b"}]}]),
    ] {
        let mut members = vec![known.clone()];
        apply_members(&operations(&patch), &mut members).unwrap();
        assert_eq!(members, [known.clone(), Member::new("b")]);
    }
}

#[test]
fn a_filter_by_value_removes_by_value() {
    for (filter, expected) in [
        (r#"value eq "a""#, vec!["a"]),
        (r#"VALUE EQ "a" or value eq "b" OR (value eq "c")"#, vec!["a", "b", "c"]),
        (r#"$ref eq "https://example.com/v2/Users/a""#, vec!["a"]),
    ] {
        let operations =
            operations(&json!([{"op": "remove", "path": format!("members[{filter}]")}]));
        let [MemberOp::Remove(values)] = &*operations else { panic!("{operations:?}") };
        assert_eq!(values.iter().map(|v| &**v).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_filter_by_value_looks_at_the_rows_where_case_does_not_count() {
    let mut schema = serde_json::to_value(&**group().schema()).unwrap();
    schema["attributes"][1]["subAttributes"][0]["caseExact"] = json!(false);
    assert_eq!(schema["attributes"][1]["subAttributes"][0]["name"], "value");
    let mut registry = Registry::empty();
    registry.add_schema_json(&schema.to_string()).unwrap();
    let resource_type = json!({"name": "Group", "endpoint": "/Groups", "schema": schema["id"]});
    let resource_type = registry.add_resource_type_json(&resource_type.to_string()).unwrap();
    let patch = json!([{"op": "remove", "path": r#"members[value eq "AB"]"#}]);
    let plan = planned(&resource_type, &patch, &Profile::STRICT).unwrap().plan;
    let mut members = rows(&[("Ab", None), ("c", None)]);
    assert_eq!(apply_members(&plan.members, &mut members), Ok(true));
    assert_eq!(values(&members), ["c"]);
}

#[test]
fn any_other_filter_looks_at_the_rows() {
    let before = [("a", Some("User")), ("b", Some("Group")), ("c", None)];
    for (filter, left) in [
        (r#"type eq "group""#, vec!["a", "c"]),
        (r#"value eq "a" and type eq "User""#, vec!["b", "c"]),
        (r#"value eq "a" and type eq "Group""#, vec!["a", "b", "c"]),
        (r#"not (value eq "a")"#, vec!["a"]),
        (r#"$ref ne "/Users/a""#, vec!["a"]),
        (r#"value pr"#, vec![]),
        (r#"type eq null"#, vec!["a", "b"]),
    ] {
        let patch = json!([{"op": "remove", "path": format!("members[{filter}]")}]);
        assert!(matches!(&*operations(&patch), [MemberOp::Select(_)]), "{filter}");
        let (members, changed) = after(&before, &patch).unwrap();
        assert_eq!(values(&members), left, "{filter}");
        assert_eq!(changed, left.len() < before.len());
    }
}

#[test]
fn a_ref_is_computed_and_can_only_be_compared_with_one() {
    for filter in ["$ref eq null", "$ref pr", r#"$ref co "Users""#, r#"$ref eq "/""#] {
        let patch = json!([{"op": "remove", "path": format!("members[{filter}]")}]);
        assert_eq!(refused(&[("a", None)], &patch), Some(ScimType::InvalidFilter), "{filter}");
    }
}

#[test]
fn a_filter_by_display_asks_for_the_rows_with_their_display() {
    let select = |path: &str| {
        let operations = operations(&json!([{"op": "remove", "path": path}]));
        let [MemberOp::Select(select)] = &*operations else { panic!("{operations:?}") };
        (select.needs_display(), select.operation())
    };
    assert_eq!(select(r#"members[display eq "Babs"]"#), (true, 1));
    assert_eq!(select(r#"members[value eq "a"].display"#), (true, 1));
    assert_eq!(select(r#"members[type eq "User"]"#), (false, 1));
    let babs = Member { display: Some("Babs".into()), ..Member::new("a") };
    let mut members = vec![babs, Member::new("b")];
    let patch = json!([{"op": "remove", "path": r#"members[display eq "babs"]"#}]);
    assert_eq!(apply_members(&operations(&patch), &mut members), Ok(true));
    assert_eq!(values(&members), ["b"]);
}

#[test]
fn removing_the_attribute_clears_the_group() {
    for operation in [
        json!({"op": "remove", "path": "members"}),
        json!({"op": "remove", "path": "members", "value": null}),
        json!({"op": "replace", "path": "members", "value": []}),
        json!({"op": "replace", "path": "members", "value": null}),
        json!({"op": "replace", "value": {"members": []}}),
    ] {
        assert!(matches!(&*operations(&json!([operation])), [MemberOp::Clear]), "{operation}");
    }
}

#[test]
fn removing_with_a_value_never_clears_the_group() {
    // errata.md P8.
    for value in
        [json!([{"value": "a"}]), json!([]), json!([{}]), json!("a"), json!([{"display": "x"}])]
    {
        let patch = json!([{"op": "remove", "path": "members", "value": value}]);
        assert_eq!(refused(&[("a", None)], &patch), Some(ScimType::InvalidSyntax), "{value}");
    }
}

#[test]
fn replacing_keeps_those_that_stay() {
    let replace = |kind: Value| {
        json!([{"op": "replace", "path": "members", "value": [
            {"value": "b", "type": kind}, {"value": "c"}, {"value": "b"},
        ]}])
    };
    let before = [("a", None), ("b", Some("User"))];
    let untyped = replace(json!(null));
    assert_eq!(after(&before, &untyped), Ok((rows(&[("b", Some("User")), ("c", None)]), true)));
    // Given whole, with another type.
    let group = replace(json!("Group"));
    assert_eq!(after(&before, &group), Ok((rows(&[("b", Some("Group")), ("c", None)]), true)));
    let same = [("c", None), ("b", Some("Group"))];
    assert_eq!(after(&same, &group), Ok((rows(&same), false)));
    assert_eq!(after(&same, &untyped), Ok((rows(&same), false)));
}

#[test]
fn a_member_is_named_by_its_value() {
    for operation in [
        json!({"op": "add", "path": "members", "value": [{"type": "User"}]}),
        json!({"op": "add", "path": "members", "value": [{"display": "Babs"}]}),
        json!({"op": "replace", "path": "members", "value": [{"value": "a"}, {"display": "Babs"}]}),
        json!({"op": "replace", "value": {"members": [{"type": "User"}]}}),
        json!({"op": "replace", "path": r#"members[value eq "a"]"#, "value": {"type": "User"}}),
    ] {
        assert_eq!(refused(&[("a", None)], &json!([operation])), Some(ScimType::InvalidValue));
    }
    let by_ref = json!([{"op": "add", "path": "members", "value": {"$ref": "/v2/Users/a"}}]);
    assert_eq!(after(&[], &by_ref), Ok((rows(&[("a", None)]), true)));
}

#[test]
fn a_path_into_a_member_may_set_what_is_unset_and_nothing_else() {
    // errata.md P7.
    let before = [("a", Some("User")), ("b", None)];
    let set = |path: &str, value: &str| json!([{"op": "replace", "path": path, "value": value}]);
    for (path, value) in [
        (r#"members[value eq "a"].type"#, "Group"),
        (r#"members[value eq "a"].value"#, "c"),
        (r#"members[value eq "a"].$ref"#, "https://example.com/Users/c"),
        (r#"members[value eq "a"].display"#, "Babs"),
        ("members.value", "a"),
    ] {
        assert_eq!(refused(&before, &set(path, value)), Some(ScimType::Mutability), "{path}");
    }
    for (path, value) in [
        (r#"members[value eq "a"].type"#, "User"),
        (r#"members[value eq "a"].value"#, "a"),
        (r#"members[value eq "a"].$ref"#, "https://example.com/Users/a"),
    ] {
        assert_eq!(after(&before, &set(path, value)), Ok((rows(&before), false)), "{path}");
    }
    assert_eq!(
        after(&before, &set(r#"members[value eq "b"].type"#, "Group")),
        Ok((rows(&[("a", Some("User")), ("b", Some("Group"))]), true))
    );
    for path in ["members.value", "members.type", r#"members[value eq "a"].value"#] {
        let patch = json!([{"op": "remove", "path": path}]);
        assert_eq!(refused(&before, &patch), Some(ScimType::Mutability), "{path}");
    }
    let no_such = json!([{"op": "remove", "path": r#"members[value eq "a"].displayName"#}]);
    assert_eq!(refused(&before, &no_such), Some(ScimType::InvalidPath));
}

#[test]
fn a_selected_member_is_replaced_whole() {
    let patch = |filter: &str| json!([{"op": "replace", "path": format!("members[{filter}]"), "value": {"value": "c"}}]);
    let before = [("a", Some("User")), ("b", Some("User"))];
    assert_eq!(
        after(&before, &patch(r#"value eq "a""#)),
        Ok((rows(&[("c", None), ("b", Some("User"))]), true))
    );
    assert_eq!(after(&before, &patch("type pr")), Ok((rows(&[("c", None)]), true)));
    assert_eq!(refused(&before, &patch(r#"value eq "x""#)), Some(ScimType::NoTarget));
}

#[test]
fn neighbouring_operations_are_joined() {
    let add = |value: &str| json!({"op": "add", "path": "members", "value": [{"value": value}]});
    let remove =
        |value: &str| json!({"op": "remove", "path": format!("members[value eq \"{value}\"]")});
    let clear = json!({"op": "remove", "path": "members"});
    let summary = |patch: Value| {
        let part = |op: &MemberOp| match op {
            MemberOp::Add(list) => format!("add {}", values(list).join(" ")),
            MemberOp::Remove(list) => format!("remove {}", list.join(" ")),
            MemberOp::Clear => "clear".to_owned(),
            MemberOp::Replace(list) => format!("replace {}", values(list).join(" ")),
            MemberOp::Select(_) => "select".to_owned(),
        };
        operations(&patch).iter().map(part).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(summary(json!([add("a"), add("b"), add("a")])), "add a b");
    assert_eq!(summary(json!([remove("a"), remove("b"), remove("a")])), "remove a b");
    assert_eq!(summary(json!([remove("a"), add("a"), remove("a")])), "remove a, add a, remove a");
    assert_eq!(summary(json!([add("a"), remove("b"), clear])), "clear");
    assert_eq!(summary(json!([clear, add("a"), add("b")])), "replace a b");
    assert_eq!(summary(json!([clear, add("a"), add("b"), remove("a")])), "replace b");
    assert_eq!(summary(json!([clear, add("a"), remove("a")])), "clear");
    assert_eq!(summary(json!([clear, add("a"), remove("a"), add("b")])), "replace b");
    // What the first did not know of a member the second may.
    let typed = json!({"op": "add", "path": "members", "value": [{"value": "a", "type": "User"}]});
    let joined = operations(&json!([add("a"), typed]));
    let [MemberOp::Add(list)] = &*joined else { panic!("{joined:?}") };
    assert_eq!(*list, rows(&[("a", Some("User"))]));
    // A selection may fail, so it stays.
    let select =
        json!({"op": "replace", "path": r#"members[type eq "User"].type"#, "value": "User"});
    assert_eq!(summary(json!([add("a"), select, add("b"), clear])), "add a, select, clear");
}

#[test]
fn many_members_cost_what_is_given_and_what_is_there() {
    let list: Vec<_> = (0..20_000).map(|n| json!({"value": n.to_string()})).collect();
    let one_each: Vec<_> = list
        .iter()
        .map(|member| json!({"op": "add", "path": "members", "value": [member]}))
        .collect();
    let operations = operations(&json!(one_each));
    let [MemberOp::Add(joined)] = &*operations else { panic!("one operation") };
    assert_eq!(joined.len(), 20_000);
    let mut members = Vec::new();
    assert_eq!(apply_members(&operations, &mut members), Ok(true));
    assert_eq!(apply_members(&operations, &mut members), Ok(false));
    assert_eq!(members.len(), 20_000);
}
