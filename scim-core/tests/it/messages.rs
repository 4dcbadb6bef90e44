//! The messages of RFC 7644 §3 and §8.2: what is written can be read, and what is read is checked.

use proptest::prelude::*;
use scim_core::messages::{
    BULK_REQUEST_URN, BULK_RESPONSE_URN, BulkMethod, BulkOperation, BulkOperationResponse,
    BulkRequest, BulkResponse, LIST_RESPONSE_URN, PATCH_OP_URN, SEARCH_REQUEST_URN,
};
use scim_core::{
    ListResponse, PatchOp, PatchOperation, PatchOperationKind, Profile, Quirks, ScimError,
    ScimType, SearchRequest, SortOrder,
};
use serde_json::{Value, json};

fn text(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

/// The first PATCH example of RFC 7644 §3.5.2.1, in other case.
#[test]
fn a_patch_is_read_without_regard_to_the_case_of_names() {
    let patch = PatchOp::parse(
        br#"{"SCHEMAS": ["URN:ietf:params:scim:api:messages:2.0:patchop"],
             "operations": [{"OP": "add", "PATH": "members", "Value": [{"value": "1"}]},
                            {"op": "remove", "path": "nickName"},
                            {"op": "replace", "path": "title", "value": null}]}"#,
        &Profile::STRICT,
    )
    .unwrap();
    let operation =
        |kind, path: &str, value| PatchOperation { kind, path: Some(path.into()), value };
    assert_eq!(
        patch.operations,
        [
            operation(PatchOperationKind::Add, "members", Some(json!([{"value": "1"}]))),
            operation(PatchOperationKind::Remove, "nickName", None),
            operation(PatchOperationKind::Replace, "title", Some(Value::Null)),
        ]
    );
    assert_eq!(patch.fired, Quirks::NONE);
}

/// errata.md P16: `invalidSyntax` for a malformed PatchOp.
#[test]
fn what_is_not_a_patch_is_refused() {
    let message = |operations: Value| json!({"schemas": [PATCH_OP_URN], "Operations": operations});
    for (body, detail) in [
        (json!([]), "expected an object"),
        (json!({"schemas": [PATCH_OP_URN]}), "`Operations` must hold an operation"),
        (json!({"schemas": ["urn:x:y"], "Operations": [{"op": "add"}]}), "`schemas` must hold"),
        (message(json!([])), "`Operations` must hold an operation"),
        (message(json!({})), "`Operations`: expected an array, found an object"),
        (message(json!([7])), "operation 1: PatchOp: `Operations`: expected an object"),
        (message(json!([{"op": "add"}, {}])), "operation 2: PatchOp: `op` is missing"),
        (message(json!([{"op": "copy"}])), "`op` is `copy`, not one of `add`, `remove`, `replace`"),
        (message(json!([{"op": 1}])), "`op`: expected a string, found a number"),
        (message(json!([{"op": "add", "path": ["a"]}])), "`path`: expected a string"),
    ] {
        let error = PatchOp::parse(
            &text(&body),
            &Profile::INTEROP.without(scim_core::Quirk::MissingSchemas),
        )
        .unwrap_err();
        assert_eq!((error.status(), error.scim_type()), (400, Some(ScimType::InvalidSyntax)));
        assert!(error.detail().contains(detail), "{error}");
    }
}

#[test]
fn a_name_that_comes_twice_is_refused_however_the_message_came() {
    let mut operation = serde_json::Map::new();
    operation.insert("op".into(), "add".into());
    operation.insert("OP".into(), "remove".into());
    let mut body = serde_json::Map::new();
    body.insert("schemas".into(), json!([PATCH_OP_URN]));
    body.insert("Operations".into(), Value::from(vec![Value::from(operation)]));
    let error = PatchOp::from_json(body, &Profile::INTEROP).unwrap_err();
    assert_eq!(error.detail(), "operation 1: PatchOp: `op` appears twice");
}

/// The example of RFC 7644 §3.4.3.
#[test]
fn a_search_request_is_read() {
    let search = SearchRequest::parse(
        &text(&json!({
            "schemas": [SEARCH_REQUEST_URN],
            "attributes": ["displayName", "userName"],
            "filter": "displayName sw \"smith\"",
            "startIndex": 1,
            "count": 10,
            "sortBy": null,
            "unknown": {},
        })),
        &Profile::STRICT,
    )
    .unwrap();
    assert_eq!(
        search,
        SearchRequest {
            attributes: vec!["displayName".into(), "userName".into()],
            filter: Some("displayName sw \"smith\"".into()),
            start_index: Some(1),
            count: Some(10),
            ..SearchRequest::default()
        }
    );
    for (name, value) in [
        ("sortOrder", json!("up")),
        ("attributes", json!("userName")),
        ("attributes", json!([1])),
        ("filter", json!({})),
        ("count", json!("10")),
        ("count", json!(1.5)),
        ("startIndex", json!(u64::MAX)),
        ("cursor", json!(1)),
    ] {
        let body = json!({"schemas": [SEARCH_REQUEST_URN], name: value});
        let error = SearchRequest::parse(&text(&body), &Profile::INTEROP).unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::InvalidSyntax));
        assert!(error.detail().contains(&format!("`{name}`")), "{error}");
    }
    let body = json!({"schemas": [SEARCH_REQUEST_URN], "sortOrder": "DESCENDING"});
    let search = SearchRequest::parse(&text(&body), &Profile::STRICT).unwrap();
    assert_eq!(search.sort_order, Some(SortOrder::Descending));
}

/// RFC 7644 §3.7, errata.md B4 and B6.
#[test]
fn what_is_not_a_bulk_request_is_refused() {
    let bulk = |operations: Value| json!({"schemas": [BULK_REQUEST_URN], "Operations": operations});
    let post = json!({"method": "POST", "path": "/Users", "bulkId": "a", "data": {}});
    for (body, detail) in [
        (bulk(json!([])), "`Operations` must hold an operation"),
        (bulk(json!([{"path": "/Users"}])), "operation 1: BulkRequest: `method` is missing"),
        (bulk(json!([{"method": "GET", "path": "/Users"}])), "`method` is `GET`"),
        (bulk(json!([{"method": "DELETE"}])), "`path` is missing"),
        (bulk(json!([{"method": "PUT", "path": "/Users/1"}])), "`data` is missing"),
        (bulk(json!([post, post])), "operation 2: `bulkId` appears twice"),
        (bulk(json!([post, 1])), "operation 2: BulkRequest: `Operations`: expected an object"),
    ] {
        let error = BulkRequest::parse(&text(&body), &Profile::INTEROP).unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::InvalidSyntax));
        assert!(error.detail().contains(detail), "{error}");
    }
    for errors in [0, -1] {
        let body =
            json!({"schemas": [BULK_REQUEST_URN], "failOnErrors": errors, "Operations": [post]});
        let error = BulkRequest::parse(&text(&body), &Profile::INTEROP).unwrap_err();
        assert_eq!(error.detail(), "`failOnErrors` must be at least 1");
        assert_eq!(error.scim_type(), Some(ScimType::InvalidValue));
    }
    let delete = json!({"method": "delete", "path": "/Users/1", "version": "W/\"1\""});
    let read = BulkRequest::parse(&text(&bulk(json!([delete]))), &Profile::STRICT).unwrap();
    assert_eq!(read.operations[0].method, BulkMethod::Delete);
    assert_eq!(read.operations[0].version.as_deref(), Some("W/\"1\""));
}

/// errata.md B1: `status` is a string; B6: what was not run is not there.
#[test]
fn a_bulk_response_writes_its_statuses_as_strings() {
    let failed = ScimError::uniqueness("userName");
    let response = BulkResponse {
        operations: vec![
            BulkOperationResponse {
                method: BulkMethod::Post,
                bulk_id: Some("a".into()),
                version: Some("W/\"1\"".into()),
                location: Some("https://example.com/v2/Users/1".into()),
                status: 201,
                response: None,
            },
            BulkOperationResponse {
                method: BulkMethod::Post,
                bulk_id: None,
                version: None,
                location: None,
                status: failed.status(),
                response: Some(failed),
            },
        ],
    };
    let json = serde_json::to_value(&response).unwrap();
    assert_eq!(
        json,
        json!({"schemas": [BULK_RESPONSE_URN], "Operations": [
            {
                "method": "POST", "bulkId": "a", "version": "W/\"1\"",
                "location": "https://example.com/v2/Users/1", "status": "201",
            },
            {
                "method": "POST", "status": "409",
                "response": {
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
                    "status": "409", "scimType": "uniqueness",
                    "detail": "the value of `userName` is already in use by another resource",
                },
            },
        ]})
    );
    assert_eq!(serde_json::from_value::<BulkResponse>(json).unwrap(), response);
}

/// errata.md O7: `Resources` is there even when it is empty.
#[test]
fn a_list_response_writes_what_index_pagination_needs() {
    let list = ListResponse::indexed(0, 1, Vec::<Value>::new());
    let json = serde_json::to_value(&list).unwrap();
    assert_eq!(
        json,
        json!({
            "schemas": [LIST_RESPONSE_URN], "totalResults": 0, "startIndex": 1, "itemsPerPage": 0,
            "Resources": [],
        })
    );
    assert_eq!(serde_json::from_value::<ListResponse<Value>>(json).unwrap(), list);

    // RFC 9865 §2.
    let page = ListResponse {
        total_results: None,
        items_per_page: 1,
        start_index: None,
        next_cursor: Some("n".into()),
        previous_cursor: Some("p".into()),
        resources: vec![json!({"id": "1"})],
    };
    let json = serde_json::to_value(&page).unwrap();
    assert_eq!(
        json,
        json!({
            "schemas": [LIST_RESPONSE_URN], "itemsPerPage": 1, "nextCursor": "n",
            "previousCursor": "p", "Resources": [{"id": "1"}],
        })
    );
    assert_eq!(serde_json::from_value::<ListResponse<Value>>(json).unwrap(), page);

    // What other servers leave out.
    let sparse: ListResponse<Value> = serde_json::from_value(json!({"totalResults": 0})).unwrap();
    assert_eq!((sparse.total_results, sparse.resources.len()), (Some(0), 0));
}

/// RFC 7644 Table 9, with erratum 6893, and RFC 9865 §3.
#[test]
fn every_scim_type_has_its_keyword_and_status() {
    let table = [
        ("invalidFilter", 400),
        ("tooMany", 400),
        ("uniqueness", 409),
        ("mutability", 400),
        ("invalidSyntax", 400),
        ("invalidPath", 400),
        ("noTarget", 400),
        ("invalidValue", 400),
        ("invalidVers", 400),
        ("sensitive", 403),
        ("invalidCursor", 400),
        ("expiredCursor", 400),
        ("invalidCount", 400),
    ];
    assert_eq!(table.len(), ScimType::ALL.len());
    for ((keyword, status), scim_type) in table.into_iter().zip(ScimType::ALL) {
        assert_eq!((scim_type.as_str(), scim_type.status()), (keyword, status));
        assert_eq!(ScimType::from_keyword(keyword), Some(scim_type));
        let error = ScimError::new(scim_type, "why");
        let json = serde_json::to_value(&error).unwrap();
        assert_eq!(
            json,
            json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
                "status": status.to_string(), "scimType": keyword, "detail": "why",
            })
        );
        assert_eq!(serde_json::from_value::<ScimError>(json).unwrap(), error);
        assert_eq!(error.to_string(), format!("{status} {keyword}: why"));
    }
    assert_eq!(ScimType::from_keyword("INVALIDFILTER"), None);
}

#[test]
fn an_error_of_another_server_is_read_as_far_as_it_goes() {
    for (json, expected) in [
        (json!({"status": 404}), ScimError::with_status(404, "")),
        (json!({"status": "404", "detail": null}), ScimError::with_status(404, "")),
        (json!({"status": "400", "scimType": "own"}), ScimError::with_status(400, "")),
    ] {
        assert_eq!(serde_json::from_value::<ScimError>(json).unwrap(), expected);
    }
    for json in [json!({}), json!({"status": "x"}), json!({"status": -1})] {
        assert!(serde_json::from_value::<ScimError>(json).is_err());
    }
}

#[test]
fn what_a_client_sent_is_cut_short_in_an_error() {
    let error = ScimError::not_found(&"ü".repeat(1_000)).within("operation 3");
    assert_eq!(error.detail().chars().count(), "operation 3: resource `` not found".len() + 129);
    assert_eq!(error.and_status(410).status(), 410);
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[^\\x00]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,4}", inner, 0..4)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

fn words() -> impl Strategy<Value = String> {
    "[^\\x00]{0,12}"
}

proptest! {
    #[test]
    fn a_patch_that_is_written_is_read_again(
        operations in prop::collection::vec(
            (0..3_usize, prop::option::of(words()), prop::option::of(json_value())), 1..5,
        ),
    ) {
        let kinds =
            [PatchOperationKind::Add, PatchOperationKind::Remove, PatchOperationKind::Replace];
        let operations = operations
            .into_iter()
            .map(|(kind, path, value)| PatchOperation { kind: kinds[kind], path, value })
            .collect();
        let patch = PatchOp { operations, fired: Quirks::NONE };
        prop_assert_eq!(PatchOp::parse(&text(&patch), &Profile::STRICT).unwrap(), patch);
    }

    #[test]
    fn a_search_request_that_is_written_is_read_again(
        attributes in prop::collection::vec(words(), 0..3),
        excluded_attributes in prop::collection::vec(words(), 0..3),
        filter in prop::option::of(words()),
        sort_by in prop::option::of(words()),
        descending in prop::option::of(any::<bool>()),
        start_index in any::<Option<i64>>(),
        count in any::<Option<i64>>(),
        cursor in prop::option::of(words()),
    ) {
        let sort_order = descending
            .map(|d| if d { SortOrder::Descending } else { SortOrder::Ascending });
        let search = SearchRequest {
            attributes, excluded_attributes, filter, sort_by, sort_order, start_index, count, cursor,
            fired: Quirks::NONE,
        };
        prop_assert_eq!(SearchRequest::parse(&text(&search), &Profile::STRICT).unwrap(), search);
    }

    #[test]
    fn a_bulk_request_that_is_written_is_read_again(
        fail_on_errors in prop::option::of(1..1_000_usize),
        operations in prop::collection::vec(
            (0..4_usize, prop::option::of(words()), words(), json_value()), 1..5,
        ),
    ) {
        let methods = [BulkMethod::Post, BulkMethod::Put, BulkMethod::Patch, BulkMethod::Delete];
        let operations = operations.into_iter().enumerate().map(|(i, (method, version, path, data))| {
            let method = methods[method];
            BulkOperation {
                method,
                bulk_id: (method == BulkMethod::Post).then(|| i.to_string()),
                version,
                path,
                data: (method != BulkMethod::Delete)
                    .then_some(if data.is_null() { json!({}) } else { data }),
            }
        }).collect();
        let bulk = BulkRequest { fail_on_errors, operations, fired: Quirks::NONE };
        prop_assert_eq!(BulkRequest::parse(&text(&bulk), &Profile::STRICT).unwrap(), bulk);
    }
}
