//! Filters: each operator on each attribute type, single, of many, and in complex attributes
//! (RFC 7644 §3.4.2.2).

use super::museum::{INSURANCE, SPECIMEN, collection, encoded, initials, on_each_database};
use crate::client::Client;

fn found(client: &Client, filter: &str) -> String {
    let answer = client.get(&format!("/Specimens?filter={}", encoded(filter)));
    assert_eq!(answer.status, 200, "{filter}: {}", answer.json());
    initials(&answer)
}

/// Filters with the initials of those they find: **a**mber, **B**asalt, **c**oral, **d**ust. What
/// has no value meets `ne` only (errata.md F4).
const FOUND: &[(&str, &str)] = &[
    // String, without regard to case.
    (r#"name eq "BASALT""#, "B"),
    (r#"name ne "AMBER""#, "Bcd"),
    (r#"name co "A""#, "aBc"),
    (r#"name sw "b""#, "B"),
    (r#"name ew "L""#, "c"),
    (r#"name gt "AMBER""#, "Bcd"),
    (r#"name ge "AMBER""#, "aBcd"),
    (r#"name lt "CORAL""#, "aB"),
    (r#"name le "CORAL""#, "aBc"),
    ("name pr", "aBcd"),
    (r#"name eq "bas""#, ""),
    // String, caseExact.
    (r#"code eq "ab1""#, "B"),
    (r#"code ne "ab1""#, "acd"),
    (r#"code co "b""#, "aB"),
    (r#"code co "A""#, "a"),
    (r#"code sw "A""#, "a"),
    (r#"code ew "1""#, "aB"),
    (r#"code gt "Ab1""#, "Bc"),
    (r#"code ge "ab1""#, "Bc"),
    (r#"code lt "ab1""#, "a"),
    (r#"code le "ab1""#, "aB"),
    ("code pr", "aBc"),
    // Boolean.
    ("onDisplay eq true", "a"),
    ("onDisplay eq false", "B"),
    ("onDisplay ne true", "Bcd"),
    ("onDisplay pr", "aB"),
    ("not (onDisplay pr)", "cd"),
    // Decimal.
    ("mass eq 1.5", "a"),
    ("mass eq 10.0", "c"),
    ("mass ne 1.5", "Bcd"),
    ("mass gt 1.5", "c"),
    ("mass ge 1.5", "ac"),
    ("mass lt 0", "B"),
    ("mass le 1.5", "aB"),
    ("mass gt -1e3", "aBc"),
    ("mass pr", "aBc"),
    // Integer.
    ("pieces eq 12", "B"),
    ("pieces ne 3", "Bcd"),
    ("pieces gt 3", "B"),
    ("pieces ge 3", "aB"),
    ("pieces lt 3", "c"),
    ("pieces le 3", "ac"),
    ("pieces gt 2.5", "aB"),
    ("pieces eq 3.0", "a"),
    ("pieces pr", "aBc"),
    // dateTime: instants, whatever the zone; `co`, `sw` and `ew` see the text that was sent.
    (r#"collectedAt eq "2020-01-01T01:00:00+01:00""#, "a"),
    (r#"collectedAt ne "2020-01-01T00:00:00.000Z""#, "Bcd"),
    (r#"collectedAt gt "2020-01-01T00:00:00Z""#, "B"),
    (r#"collectedAt ge "2020-01-01T00:00:00Z""#, "aB"),
    (r#"collectedAt lt "2020-01-01T00:00:00Z""#, "c"),
    (r#"collectedAt le "2020-01-01T00:00:00Z""#, "ac"),
    (r#"collectedAt lt "2019-12-31T23:59:59.6Z""#, "c"),
    (r#"collectedAt co "12-31""#, "c"),
    (r#"collectedAt sw "2020""#, "aB"),
    (r#"collectedAt ew "Z""#, "ac"),
    ("collectedAt pr", "aBc"),
    // Binary: its text, exactly.
    (r#"print eq "AQID""#, "a"),
    (r#"print ne "AQID""#, "Bcd"),
    (r#"print co "qi""#, "B"),
    (r#"print sw "AQ""#, "a"),
    (r#"print ew "id""#, "B"),
    ("print pr", "aB"),
    // Reference: its text, exactly.
    (r#"depiction eq "https://example.com/a""#, "a"),
    (r#"depiction ne "https://example.com/a""#, "Bcd"),
    (r#"depiction co "/A""#, "B"),
    (r#"depiction sw "https""#, "aB"),
    (r#"depiction sw "HTTPS""#, ""),
    (r#"depiction ew "a""#, "a"),
    (r#"depiction gt "https://example.com/A""#, "a"),
    (r#"depiction ge "https://example.com/A""#, "aB"),
    (r#"depiction lt "https://example.com/a""#, "B"),
    (r#"depiction le "https://example.com/a""#, "aB"),
    ("depiction pr", "aB"),
    // Of many values, one is enough.
    (r#"tags eq "FOSSIL""#, "ac"),
    (r#"tags ne "fossil""#, "aBcd"),
    (r#"not (tags eq "fossil")"#, "Bd"),
    (r#"tags co "E""#, "ac"),
    (r#"tags sw "r""#, "aBc"),
    (r#"tags ew "K""#, "B"),
    (r#"tags gt "reef""#, "aB"),
    (r#"tags ge "reef""#, "aBc"),
    (r#"tags lt "FOSSIM""#, "ac"),
    (r#"tags le "fossil""#, "ac"),
    ("tags pr", "aBc"),
    (r#"tags[value eq "reef"]"#, "c"),
    (r#"tags.value eq "reef""#, "c"),
    ("checks eq true", "a"),
    ("checks ne true", "aBcd"),
    ("checks eq false", "aB"),
    ("checks pr", "aB"),
    ("readings eq 2.5", "a"),
    ("readings ne 3", "acd"),
    ("readings gt 2.5", "B"),
    ("readings ge 2.5", "aB"),
    ("readings lt 1", "a"),
    ("readings le 0.5", "a"),
    ("readings pr", "aB"),
    ("depths eq 20", "a"),
    ("depths ne 30", "acd"),
    ("depths gt 15", "aB"),
    ("depths ge 30", "B"),
    ("depths lt 15", "a"),
    ("depths le 20", "a"),
    ("depths[value gt 10 and value lt 30]", "a"),
    ("depths gt 10 and depths lt 20", "a"),
    ("depths[value gt 10 and value lt 20]", ""),
    ("depths pr", "aB"),
    (r#"loans eq "2022-05-01T02:00:00+02:00""#, "a"),
    (r#"loans ne "2023-05-01T00:00:00Z""#, "acd"),
    (r#"loans gt "2022-05-01T00:00:00Z""#, "B"),
    (r#"loans ge "2022-05-01T00:00:00Z""#, "aB"),
    (r#"loans lt "2022-01-01T00:00:00Z""#, "a"),
    (r#"loans le "2021-05-01T00:00:00Z""#, "a"),
    (r#"loans co "2023""#, "B"),
    (r#"loans sw "2021""#, "a"),
    (r#"loans ew "Z""#, "aB"),
    ("loans pr", "aB"),
    (r#"scans eq "BAUG""#, "a"),
    (r#"scans ne "aqid""#, "acd"),
    (r#"scans co "AU""#, "a"),
    (r#"scans sw "aq""#, "B"),
    (r#"scans ew "ID""#, "a"),
    ("scans pr", "aB"),
    (r#"sources eq "urn:example:c""#, "a"),
    (r#"sources ne "urn:example:b""#, "acd"),
    (r#"sources co "Example""#, ""),
    (r#"sources sw "urn:""#, "aB"),
    (r#"sources ew "b""#, "B"),
    (r#"sources gt "urn:example:b""#, "a"),
    (r#"sources ge "urn:example:b""#, "aB"),
    (r#"sources lt "urn:example:b""#, "a"),
    (r#"sources le "urn:example:b""#, "aB"),
    ("sources pr", "aB"),
    // Sub-attributes of one complex value.
    (r#"place.room eq "EAST 1""#, "a"),
    (r#"place.room gt "east 1""#, "B"),
    ("place.shelf ge 10", "B"),
    ("place.shelf ne 4", "Bcd"),
    ("place.height lt 1", "B"),
    ("place.sealed eq false", "a"),
    (r#"place.since lt "2019-01-01T00:00:00Z""#, ""),
    (r#"place.since gt "2019-01-01T00:00:00Z""#, "B"),
    (r#"place.stamp eq "Aq==""#, "B"),
    (r#"place.plan eq "urn:example:p""#, "B"),
    ("place pr", "aB"),
    ("place.room pr and not (place.sealed eq true)", "a"),
    (r#"place[room sw "west" and shelf gt 5]"#, "B"),
    (r#"place[room sw "west" and shelf lt 5]"#, ""),
    // Sub-attributes of many complex values.
    ("measures gt 9.5", "B"),
    ("measures.value lt 0.5", "a"),
    ("measures.value ne 40", "acd"),
    (r#"measures[type eq "WIDTH" and value gt 1]"#, "c"),
    (r#"measures.type eq "width" and measures.value gt 1"#, "ac"),
    (r#"measures[type eq "width" and (value lt 0.3 or by eq "Kim")]"#, "ac"),
    ("measures[primary eq true and value lt 1]", "c"),
    ("measures[not (primary eq true)]", "aBc"),
    (r#"measures.by eq "ida""#, "a"),
    (r#"measures.by eq "IDA""#, ""),
    (r#"measures.by ge "Kim""#, "aBc"),
    ("measures.count le 1", "c"),
    (r#"measures.takenAt gt "2020-01-15T00:00:00Z""#, "a"),
    (r#"measures.trace co "QI""#, "a"),
    (r#"measures.sheet ew "1""#, "a"),
    (r#"measures.notes eq "LATER""#, "a"),
    ("measures pr", "aBc"),
    ("measures.notes pr", "a"),
    // A reference to another resource, and an extension.
    ("collector pr", "a"),
    ("collector.value pr", "a"),
    (r#"collector eq "nobody""#, ""),
    ("urn:example:params:scim:schemas:museum:2.0:Insurance:sum gt 500", "B"),
    (r#"urn:example:params:scim:schemas:museum:2.0:INSURANCE:POLICY EQ "P-2""#, "B"),
    (
        r#"urn:example:params:scim:schemas:museum:2.0:Insurance:until lt "2029-06-01T00:00:00Z""#,
        "B",
    ),
    (r#"URN:example:params:scim:schemas:museum:2.0:Specimen:NAME Eq "coral""#, "c"),
    // Common attributes.
    (r#"externalId eq "X-1""#, "B"),
    (r#"meta.resourceType eq "Specimen""#, "aBcd"),
    (r#"meta.created gt "2000-01-01T00:00:00Z""#, "aBcd"),
    (r#"schemas eq "urn:example:params:scim:schemas:museum:2.0:Specimen""#, "aBcd"),
    (r#"schemas eq "urn:example:params:scim:schemas:museum:2.0:Insurance""#, "aB"),
    // Precedence, null, and what no schema defines.
    (r#"mass gt 5 or mass lt 0 and pieces gt 5"#, "Bc"),
    (r#"(mass gt 5 or mass lt 0) and pieces gt 5"#, "B"),
    ("mass eq null", "d"),
    ("tags ne null", "aBc"),
    (r#"unknown eq "x""#, ""),
    (r#"unknown ne "x""#, "aBcd"),
    // What nobody can have set.
    ("curator pr", ""),
];

#[test]
fn each_operator_finds_what_it_says() {
    on_each_database(|client| {
        collection(client);
        for (filter, expected) in FOUND {
            assert_eq!(found(client, filter), *expected, "{filter}");
        }
        let mary = client.get("/Users").resources()[0]["id"].as_str().unwrap().to_owned();
        for filter in [
            format!("collector.value eq \"{mary}\""),
            format!("collector eq \"{mary}\""),
            format!("collector[value eq \"{mary}\"]"),
            // An operator of RFC 7644 that the index on references does not serve.
            format!("collector.value ge \"{mary}\" and mass gt 1"),
        ] {
            assert_eq!(found(client, &filter), "a", "{filter}");
        }
    });
}

/// The same by POST, where a filter may be as long as a body.
#[test]
fn a_search_finds_what_a_query_finds() {
    on_each_database(|client| {
        collection(client);
        for (filter, expected) in FOUND {
            let answer = client.post(
                "/Specimens/.search",
                &serde_json::json!({
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
                    "filter": filter, "attributes": ["name"],
                }),
            );
            assert_eq!(initials(&answer.expect(200)), *expected, "{filter}");
        }
    });
}

/// RFC 7644 §3.4.2.2: ordering booleans and binary values "SHALL cause a failed response (HTTP
/// status code 400) with "scimType" of "invalidFilter""; the rest is errata.md F2 and F6.
#[test]
fn an_operator_that_a_type_does_not_have_is_an_invalid_filter() {
    on_each_database(|client| {
        collection(client);
        let mut refused: Vec<String> = Vec::new();
        for (attribute, value) in
            [("onDisplay", "true"), ("checks", "true"), ("place.sealed", "true")]
        {
            for operator in ["gt", "ge", "lt", "le", "co", "sw", "ew"] {
                refused.push(format!("{attribute} {operator} {value}"));
            }
        }
        for attribute in ["print", "scans", "place.stamp", "measures.trace"] {
            for operator in ["gt", "ge", "lt", "le"] {
                refused.push(format!("{attribute} {operator} \"AQID\""));
            }
        }
        for attribute in ["mass", "pieces", "readings", "depths", "place.shelf", "measures.value"] {
            for operator in ["co", "sw", "ew"] {
                refused.push(format!("{attribute} {operator} 1"));
                refused.push(format!("{attribute} {operator} \"1\""));
            }
        }
        refused.extend(
            [
                r#"mass eq "heavy""#,
                "pieces eq true",
                "name eq true",
                r#"onDisplay eq "perhaps""#,
                r#"collectedAt gt "yesterday""#,
                "collectedAt eq 5",
                "place eq 1",
                "mass gt null",
                "name[value eq 1]",
                "measures[type eq]",
            ]
            .map(str::to_owned),
        );
        for filter in refused {
            let answer = client.get(&format!("/Specimens?filter={}", encoded(&filter)));
            let said = (answer.status, answer.scim_type());
            assert_eq!(said, (400, Some("invalidFilter".to_owned())), "{filter}");
        }
    });
}

/// RFC 7644 §7.5.2, RFC 7643 §7: neither what is never returned nor what is writeOnly.
#[test]
fn secrets_are_not_told_by_filters() {
    on_each_database(|client| {
        collection(client);
        for attribute in [
            "accessionCode".to_owned(),
            "lock".to_owned(),
            format!("{SPECIMEN}:Lock"),
            "measures.raw".to_owned(),
            format!("{INSURANCE}:secret"),
        ] {
            for filter in [format!("{attribute} pr"), format!("not ({attribute} sw \"s\")")] {
                let answer = client.get(&format!("/Specimens?filter={}", encoded(&filter)));
                let said = (answer.status, answer.scim_type());
                assert_eq!(said, (403, Some("sensitive".to_owned())), "{filter}");
            }
        }
        let answer = client.get(&format!("/Specimens?filter={}", encoded("estimate gt 1")));
        assert_eq!((answer.status, answer.scim_type()), (403, Some("sensitive".to_owned())));
    });
}
