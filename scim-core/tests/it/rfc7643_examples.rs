//! The example resources of RFC 7643, sections 8.1 to 8.6, that this crate
//! holds as fixtures are those of the RFC, with the errata named here.

use serde_json::{Value, json};

use crate::corpus;
use crate::rfc_figures::{Wrapped, figure};

struct Example {
    fixture: &'static str,
    heading: &'static str,
    caption: &'static str,
    wrapped: Wrapped,
    errata: &'static [Erratum],
}

/// One replaced value: which erratum says so, where (a JSON pointer), what the
/// RFC printed and what it should have.
struct Erratum {
    id: u16,
    pointer: &'static str,
    printed: &'static str,
    corrected: &'static str,
}

const fn country(id: u16, pointer: &'static str) -> Erratum {
    Erratum { id, pointer, printed: "USA", corrected: "US" }
}

const EXAMPLES: &[Example] = &[
    Example {
        fixture: include_str!("../fixtures/rfc7643/minimal-user.json"),
        heading: "8.1.  Minimal User Representation",
        caption: "Figure 3:",
        wrapped: Wrapped::Prose,
        errata: &[],
    },
    Example {
        fixture: include_str!("../fixtures/rfc7643/full-user.json"),
        heading: "8.2.  Full User Representation",
        caption: "Figure 4:",
        wrapped: Wrapped::Base64,
        errata: &[country(5990, "/addresses/0/country"), country(5990, "/addresses/1/country")],
    },
    Example {
        fixture: include_str!("../fixtures/rfc7643/enterprise-user.json"),
        heading: "8.3.  Enterprise User Extension Representation",
        caption: "Figure 5:",
        wrapped: Wrapped::Base64,
        errata: &[country(5991, "/addresses/0/country"), country(5991, "/addresses/1/country")],
    },
    Example {
        fixture: include_str!("../fixtures/rfc7643/group.json"),
        heading: "8.4.  Group Representation",
        caption: "Figure 6:",
        wrapped: Wrapped::Prose,
        errata: &[],
    },
    Example {
        fixture: include_str!("../fixtures/rfc7643/service-provider-config.json"),
        heading: "8.5.  Service Provider Configuration Representation",
        caption: "Figure 7:",
        wrapped: Wrapped::Prose,
        errata: &[],
    },
    Example {
        fixture: include_str!("../fixtures/rfc7643/resource-types.json"),
        heading: "8.6.  Resource Type Representation",
        caption: "Figure 8:",
        wrapped: Wrapped::Prose,
        errata: &[],
    },
];

#[test]
fn the_fixtures_are_the_examples_of_the_rfc_with_their_errata() {
    let Some(rfc) = corpus::read("the examples of RFC 7643", "rfc/rfc7643.txt") else {
        return;
    };
    for example in EXAMPLES {
        let mut expected = figure(&rfc, example.heading, example.caption, example.wrapped);
        for erratum in example.errata {
            let value = expected.pointer_mut(erratum.pointer).unwrap();
            assert_eq!(*value, json!(erratum.printed), "erratum {}", erratum.id);
            *value = json!(erratum.corrected);
        }
        let fixture: Value = serde_json::from_str(example.fixture).unwrap();
        assert_eq!(fixture, expected, "{}", example.heading);
    }
}
