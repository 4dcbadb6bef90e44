//! Pages, queries over several types, and bulk (RFC 7644 §3.4, §3.7, RFC 9865).

use serde_json::json;

use super::museum::{
    INSURANCE, SPECIMEN, USER, collection, create, encoded, initials, on_each_database, specimen,
};

#[test]
fn pages_are_pages_of_the_whole() {
    on_each_database(|client| {
        collection(client);
        for sort in ["", "&sortBy=mass", "&sortBy=tags&sortOrder=descending"] {
            let whole = initials(&client.get(&format!("/Specimens?filter=name+pr{sort}")));
            assert_eq!(whole.len(), 4);
            for count in 1..=4 {
                let mut by_index = String::new();
                while by_index.len() < whole.len() {
                    let start = by_index.len() + 1;
                    let page = client
                        .get(&format!("/Specimens?startIndex={start}&count={count}{sort}"))
                        .expect(200);
                    assert_eq!(page.json()["totalResults"], 4);
                    by_index.push_str(&initials(&page));
                }
                assert_eq!(by_index, whole, "{count} at a time{sort}");

                let mut by_cursor = String::new();
                let mut cursor = String::new();
                loop {
                    let query = format!("/Specimens?cursor={cursor}&count={count}{sort}");
                    let page = client.try_send("GET", &query, &[], None).unwrap().expect(200);
                    by_cursor.push_str(&initials(&page));
                    match page.json()["nextCursor"].as_str() {
                        Some(next) => next.clone_into(&mut cursor),
                        None => break,
                    }
                }
                assert_eq!(by_cursor, whole, "{count} at a time{sort}, by cursor");
            }
        }
    });
}

/// RFC 7644 §3.4.2.1: a query of the root is about resources of all types.
#[test]
fn the_root_has_resources_of_every_type() {
    on_each_database(|client| {
        create(client, "amber", json!({"mass": 5}));
        let copy = specimen("copy", json!({"mass": 6, INSURANCE: {"policy": "P"}}));
        client.post("/Replicas", &copy).expect(201);
        client.post("/Users", &json!({"schemas": [USER], "userName": "mary"})).expect(201);
        let found = client.get(&format!("/?filter={}", encoded("mass gt 4 or userName pr")));
        let mut types: Vec<_> = found
            .resources()
            .iter()
            .map(|r| r["meta"]["resourceType"].as_str().unwrap().to_owned())
            .collect();
        types.sort();
        assert_eq!(types, ["Replica", "Specimen", "User"]);
        let only = encoded(r#"meta.resourceType eq "Replica""#);
        assert_eq!(initials(&client.get(&format!("/?filter={only}"))), "c");
    });
}

/// RFC 7644 §3.7.2: a bulkId in a reference of a custom type is resolved too.
#[test]
fn bulk_creates_a_specimen_and_its_collector() {
    on_each_database(|client| {
        let answer = client.post(
            "/Bulk",
            &json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                "Operations": [
                    {"method": "POST", "path": "/Specimens", "bulkId": "s",
                     "data": specimen("amber", json!({"collector": {"value": "bulkId:u"}}))},
                    {"method": "POST", "path": "/Users", "bulkId": "u",
                     "data": {"schemas": [USER], "userName": "mary", "displayName": "Mary Anning"}},
                    {"method": "PATCH", "path": "/Specimens/bulkId:s", "data": {
                        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                        "Operations": [{"op": "add", "path": "mass", "value": 2}]}},
                    {"method": "POST", "path": "/Specimens", "bulkId": "t",
                     "data": {"schemas": [SPECIMEN], "name": "without a number"}},
                ],
            }),
        );
        let operations = answer.expect(200).json()["Operations"].clone();
        let statuses: Vec<&str> =
            operations.as_array().unwrap().iter().map(|o| o["status"].as_str().unwrap()).collect();
        assert_eq!(statuses, ["201", "201", "200", "400"]);
        let found = client.get("/Specimens").resources();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0]["collector"]["displayName"], "Mary Anning");
        assert_eq!(found[0]["collector"]["$ref"], operations[1]["location"]);
        assert_eq!(found[0]["mass"], 2);
    });
}
