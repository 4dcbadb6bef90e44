//! Which attributes are returned (RFC 7643 §7 `returned`, RFC 7644 §3.9).

use serde_json::{Map, Value, json};

use super::museum::{
    INSURANCE, SPECIMEN, everything, everything_by_default, on_each_database, patch, sent_part,
};

/// The part of a resource that these names of attributes and sub-attributes choose, with what is
/// always returned.
fn chosen(whole: &Value, id: &str, names: &[&str]) -> Value {
    let mut part = Map::new();
    part.insert("id".into(), id.into());
    for name in ["schemas", "catalogNumber"] {
        part.insert(name.into(), whole[name].clone());
    }
    for name in names {
        match name.split_once('.').filter(|_| !name.contains(':')) {
            None => {
                part.insert((*name).into(), whole[*name].clone());
            }
            Some((name, sub)) => {
                let of = |value: &Value| json!({sub: value[sub]});
                let value = match &whole[name] {
                    Value::Array(elements) => {
                        elements.iter().filter(|e| e.get(sub).is_some()).map(of).collect()
                    }
                    single => of(single),
                };
                part.insert(name.into(), value);
            }
        }
    }
    Value::Object(part)
}

#[test]
fn a_client_gets_what_it_asks_for() {
    on_each_database(|client| {
        let sent = everything(client);
        let id = client.post("/Specimens", &sent).expect(201).id();
        let path = format!("/Specimens/{id}");
        let whole = {
            let mut whole = everything_by_default(client, &sent);
            whole["remarks"] = sent["remarks"].clone();
            whole["measures"][0]["notes"] = sent["measures"][0]["notes"].clone();
            whole
        };
        for (asked, names) in [
            ("name", vec!["name"]),
            ("NAME,mass", vec!["name", "mass"]),
            ("tags,depths,loans", vec!["tags", "depths", "loans"]),
            ("place.room", vec!["place.room"]),
            ("place", vec!["place"]),
            ("measures.value", vec!["measures.value"]),
            ("measures.by,code", vec!["measures.by", "code"]),
            ("measures.notes", vec!["measures.notes"]),
            ("remarks", vec!["remarks"]),
            ("collector.displayName", vec!["collector.displayName"]),
            ("collector.$ref", vec!["collector.$ref"]),
            ("urn:example:params:scim:schemas:museum:2.0:Specimen:print", vec!["print"]),
            (INSURANCE, vec![INSURANCE]),
            // What is never returned cannot be asked for.
            ("accessionCode,lock,estimate,measures.raw,name", vec!["name"]),
            ("unknown", vec![]),
            ("curator", vec![]),
        ] {
            let expected = chosen(&whole, &id, &names);
            let got = client.get(&format!("{path}?attributes={asked}")).expect(200).json();
            assert_eq!(got, expected, "{asked}");
            let listed = client.get(&format!("/Specimens?attributes={asked}")).resources();
            assert_eq!(listed, [expected], "{asked}, in a list");
        }
        let got = client.get(&format!("{path}?attributes={INSURANCE}:sum")).json();
        assert_eq!(got[INSURANCE], json!({"sum": 250.75}));
    });
}

#[test]
fn a_client_gets_all_but_what_it_excludes() {
    on_each_database(|client| {
        let sent = everything(client);
        let created = client.post("/Specimens", &sent).expect(201).json();
        let path = format!("/Specimens/{}", created["id"].as_str().unwrap());
        let whole = everything_by_default(client, &sent);
        let without = |names: &[&str]| {
            let mut rest = whole.clone();
            names.iter().for_each(|name| drop(rest.as_object_mut().unwrap().remove(*name)));
            rest
        };
        for (excluded, expected) in [
            ("mass,TAGS,place,collector", without(&["mass", "tags", "place", "collector"])),
            (INSURANCE, without(&[INSURANCE])),
            // Always returned, and never returned, whatever is excluded.
            ("catalogNumber,id,schemas,lock", whole.clone()),
            ("unknown", whole.clone()),
        ] {
            let got = client.get(&format!("{path}?excludedAttributes={excluded}")).expect(200);
            assert_eq!(sent_part(got.json()), expected, "{excluded}");
        }
        let got = client.get(&format!("{path}?excludedAttributes=measures.by,place.room")).json();
        assert_eq!(got["measures"][1], json!({"value": 0.25, "type": "width"}));
        assert!(got["place"].get("room").is_none() && got["place"]["shelf"] == 4);
        client.get(&format!("{path}?attributes=name&excludedAttributes=mass")).expect(400);
    });
}

/// RFC 7643 §7: `request` comes back on a write that the client put it into.
#[test]
fn what_is_returned_on_request_comes_back_where_it_was_sent() {
    on_each_database(|client| {
        let sent = everything(client);
        let created = client.post("/Specimens", &sent).expect(201);
        let path = format!("/Specimens/{}", created.id());
        assert_eq!(created.json()["remarks"], "found by accident");
        let rename = json!([{"op": "replace", "path": "name", "value": "Amber"}]);
        assert!(patch(client, &path, rename).expect(200).json().get("remarks").is_none());
        let remark = json!([{"op": "replace", "path": "remarks", "value": "by a dog"}]);
        assert_eq!(patch(client, &path, remark).expect(200).json()["remarks"], "by a dog");
        let code = json!([{"op": "add", "path": "accessionCode", "value": "an0ther"}]);
        assert!(patch(client, &path, code).expect(200).json().get("accessionCode").is_none());
    });
}

/// RFC 7644 §3.9: `attributes` on a write too.
#[test]
fn a_write_answers_with_what_is_asked_for() {
    on_each_database(|client| {
        let sent = everything(client);
        let created = client.post("/Specimens?attributes=mass", &sent).expect(201).json();
        let names: Vec<&String> = created.as_object().unwrap().keys().collect();
        assert_eq!(names, ["catalogNumber", "id", "mass", "schemas"]);
        assert_eq!(created["schemas"], json!([SPECIMEN, INSURANCE]));
    });
}
