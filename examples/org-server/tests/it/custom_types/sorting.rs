//! `sortBy` on each attribute type (RFC 7644 §3.4.2.3).

use super::museum::{INSURANCE, collection, encoded, initials, on_each_database};

/// What is sorted by, and the order when ascending: **a**mber, **B**asalt, **c**oral, **d**ust.
/// What has no value comes last; what is equal stays in the order of creation.
const ORDERS: &[(&str, &str)] = &[
    ("name", "aBcd"),
    ("NAME", "aBcd"),
    ("code", "aBcd"),
    ("onDisplay", "Bacd"),
    ("mass", "Bacd"),
    ("pieces", "caBd"),
    ("collectedAt", "caBd"),
    ("print", "aBcd"),
    ("depiction", "Bacd"),
    // The first value, when none is primary.
    ("tags", "acBd"),
    ("checks", "Bacd"),
    ("readings", "aBcd"),
    ("depths", "aBcd"),
    ("loans", "aBcd"),
    ("scans", "aBcd"),
    ("sources", "aBcd"),
    ("place.room", "aBcd"),
    ("place.shelf", "aBcd"),
    ("place.height", "Bacd"),
    ("place.sealed", "aBcd"),
    ("place.since", "aBcd"),
    ("place.stamp", "aBcd"),
    ("place.plan", "aBcd"),
    // The primary value, or else the first.
    ("measures", "caBd"),
    ("measures.value", "caBd"),
    ("measures.by", "aBcd"),
    ("measures.takenAt", "caBd"),
    // Of the primary value, which has none.
    ("measures.count", "aBcd"),
    ("urn:example:params:scim:schemas:museum:2.0:Insurance:sum", "aBcd"),
    ("urn:example:params:scim:schemas:museum:2.0:Insurance:until", "Bacd"),
    // Without regard to case, so that these two are equal.
    ("urn:example:params:scim:schemas:museum:2.0:Insurance:policy", "aBcd"),
    ("unknown", "aBcd"),
];

/// Descending is the other way round, but for those that are equal.
fn descending(sort_by: &str, ascending: &str) -> String {
    let equal: &[&str] = match sort_by {
        "name" | "NAME" | "code" | "mass" | "pieces" | "collectedAt" => &[],
        "tags" => &["ac"],
        "measures" | "measures.value" => &[],
        "measures.by" => &["Bc"],
        "measures.takenAt" => &["Bd"],
        "measures.count" => &["Bcd"],
        "unknown" => &["aBcd"],
        _ => &["cd"],
    };
    let mut order: String = ascending.chars().rev().collect();
    for equal in equal {
        let reversed: String = equal.chars().rev().collect();
        order = order.replace(&reversed, equal);
    }
    order
}

#[test]
fn each_type_has_its_order() {
    on_each_database(|client| {
        collection(client);
        for (sort_by, ascending) in ORDERS {
            let query = format!("/Specimens?sortBy={}", encoded(sort_by));
            assert_eq!(initials(&client.get(&query)), *ascending, "{sort_by}");
            let order = initials(&client.get(&format!("{query}&sortOrder=descending")));
            assert_eq!(order, descending(sort_by, ascending), "{sort_by}, descending");
            let page = client.get(&format!("{query}&startIndex=2&count=2&filter=name+pr"));
            assert_eq!(initials(&page), ascending[1..3], "{sort_by}, a page");
        }
    });
}

#[test]
fn a_secret_is_no_order_and_neither_is_a_complex_value() {
    on_each_database(|client| {
        collection(client);
        let secret = format!("{INSURANCE}:secret");
        for sort_by in ["accessionCode", "lock", "estimate", "measures.raw", &secret] {
            let answer = client.get(&format!("/Specimens?sortBy={}", encoded(sort_by)));
            let said = (answer.status, answer.scim_type());
            assert_eq!(said, (403, Some("sensitive".to_owned())), "{sort_by}");
        }
        let answer = client.get("/Specimens?sortBy=place").expect(400);
        assert_eq!(answer.scim_type().as_deref(), Some("invalidPath"));
    });
}
