//! Dates (RFC 7643 §2.3.5) are those of `xsd:dateTime`.

use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use scim_core::{DateTime, ScimType};

#[test]
fn dates_are_read_as_instants() {
    for (text, printed) in [
        ("2008-01-23T04:56:22Z", "2008-01-23T04:56:22Z"),
        ("2008-01-23T04:56:22", "2008-01-23T04:56:22Z"),
        ("2008-01-23T04:56:22+00:00", "2008-01-23T04:56:22Z"),
        ("2008-01-23T04:56:22-00:00", "2008-01-23T04:56:22Z"),
        ("2008-01-23T04:56:22+05:30", "2008-01-22T23:26:22Z"),
        ("2008-01-23T04:56:22-14:00", "2008-01-23T18:56:22Z"),
        ("2008-01-23T04:56:22+14:00", "2008-01-22T14:56:22Z"),
        ("2008-01-23T04:56:22.5Z", "2008-01-23T04:56:22.500Z"),
        ("2008-01-23T04:56:22.000Z", "2008-01-23T04:56:22Z"),
        ("2008-01-23T04:56:22.0001Z", "2008-01-23T04:56:22.000100Z"),
        ("2008-01-23T04:56:22.123456", "2008-01-23T04:56:22.123456Z"),
        ("2008-01-23T04:56:22.1234569999999999999Z", "2008-01-23T04:56:22.123456Z"),
        ("2008-02-29T00:00:00Z", "2008-02-29T00:00:00Z"),
        // `24:00:00` is the end of the day.
        ("2008-12-31T24:00:00Z", "2009-01-01T00:00:00Z"),
        ("2008-12-31T24:00:00.000+01:00", "2008-12-31T23:00:00Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
        ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.999999Z"),
    ] {
        let at: DateTime = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(at.to_string(), printed, "{text}");
        assert_eq!(printed.parse::<DateTime>().unwrap(), at);
        let json = serde_json::to_string(&at).unwrap();
        assert_eq!(json, format!("\"{printed}\""));
        assert_eq!(serde_json::from_str::<DateTime>(&json).unwrap(), at);
    }
}

#[test]
fn what_is_not_an_xsd_date_time_is_refused() {
    for text in [
        "",
        "2008",
        "2008-01-23",
        "2008-01-23Z",
        "04:56:22Z",
        "2008-01-23T04:56Z",
        "2008-01-23t04:56:22Z",
        "2008-01-23 04:56:22Z",
        "2008-01-23T04:56:22z",
        "2008-01-23T04:56:22 Z",
        " 2008-01-23T04:56:22Z",
        "2008-01-23T04:56:22Z ",
        "2008-01-23T04:56:22.Z",
        "2008-01-23T04:56:22.",
        "2008-01-23T04:56:22,5Z",
        "2008-01-23T04:56:22.5.5Z",
        "2008-01-23T04:56:22+0530",
        "2008-01-23T04:56:22+05",
        "2008-01-23T04:56:22+5:30",
        "2008-01-23T04:56:22+14:01",
        "2008-01-23T04:56:22+05:60",
        "2008-01-23T04:56:22+05:30Z",
        "2008-01-23T04:56:22\u{2212}05:30",
        "2008-1-23T04:56:22Z",
        "2008-13-23T04:56:22Z",
        "2008-00-23T04:56:22Z",
        "2008-01-00T04:56:22Z",
        "2008-04-31T04:56:22Z",
        "2007-02-29T04:56:22Z",
        "2008-01-23T25:00:00Z",
        "2008-01-23T24:00:01Z",
        "2008-01-23T24:01:00Z",
        "2008-01-23T24:00:00.0000001Z",
        "2008-01-23T04:60:22Z",
        // `xsd:dateTime` has no leap seconds.
        "2016-12-31T23:59:60Z",
        // Years that need a fifth digit or a sign, and the year 0, which `xsd:dateTime` leaves out.
        "12008-01-23T04:56:22Z",
        "+2008-01-23T04:56:22Z",
        "-2008-01-23T04:56:22Z",
        "0000-01-23T04:56:22Z",
        "0000-12-31T24:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T24:00:00Z",
        "9999-12-31T23:59:59-00:01",
        "２００８-01-23T04:56:22Z",
        "2008-01-23T04:56:22é",
    ] {
        let error = text.parse::<DateTime>().unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::InvalidValue), "{text}");
        assert_eq!(error.detail(), format!("`{text}` is not an xsd:dateTime"));
    }
    let long = "2".repeat(100_000).parse::<DateTime>().unwrap_err();
    assert!(long.detail().len() < 200);
}

#[test]
fn the_limits_are_the_years_1_and_9999() {
    assert_eq!(DateTime::MIN.to_string(), "0001-01-01T00:00:00Z");
    assert_eq!(DateTime::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
    assert_eq!(DateTime::from_micros(DateTime::MAX.as_micros()), Some(DateTime::MAX));
    assert_eq!(DateTime::from_micros(DateTime::MAX.as_micros() + 1), None);
    assert_eq!(DateTime::from_micros(DateTime::MIN.as_micros() - 1), None);
    let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
    assert_eq!(DateTime::from(far), DateTime::MAX);
    let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1 << 40);
    assert_eq!(DateTime::from(before), DateTime::MIN);
}

#[test]
fn now_has_the_precision_of_meta() {
    let now = DateTime::now();
    assert_eq!(now, now.to_milliseconds());
    assert!(now > "2020-01-01T00:00:00Z".parse().unwrap());
    let before: DateTime = "1969-12-31T23:59:59.999999Z".parse().unwrap();
    assert_eq!(before.to_milliseconds().to_string(), "1969-12-31T23:59:59.999Z");
}

proptest! {
    #[test]
    fn what_is_printed_is_read_as_the_same_instant(
        micros in DateTime::MIN.as_micros()..=DateTime::MAX.as_micros(),
    ) {
        let at = DateTime::from_micros(micros).unwrap();
        let printed = at.to_string();
        prop_assert_eq!(printed.parse::<DateTime>().unwrap(), at);
        // chrono reads RFC 3339, of which this is a part.
        let other = chrono::DateTime::parse_from_rfc3339(&printed).unwrap();
        prop_assert_eq!(other.timestamp_micros(), micros);
        prop_assert_eq!(DateTime::from(SystemTime::from(at)), at);
    }

    #[test]
    fn what_rfc_3339_and_xsd_share_is_read_alike(
        (y, m, d, h, n, s) in (1..=9999, 0..=13, 0..=32, 0..=24, 0..=60, 0..=60),
        fraction in "(\\.[0-9]{1,9})?",
        zone in "Z|[+-](0[0-9]|1[0-5]):[0-6][0-9]",
    ) {
        let text = format!("{y:04}-{m:02}-{d:02}T{h:02}:{n:02}:{s:02}{fraction}{zone}");
        // Where the two differ: leap seconds, the end of a day, and zones beyond 14 hours.
        let xsd_only = h == 24;
        let beyond = zone.get(1..).is_some_and(|zone| zone > "14:00" && zone != "Z");
        let rfc3339_only = s == 60 || beyond;
        let ours = text.parse::<DateTime>().ok().map(DateTime::as_micros);
        let theirs = chrono::DateTime::parse_from_rfc3339(&text).ok().map(|at| at.timestamp_micros());
        let in_range = theirs.is_none_or(|t| DateTime::from_micros(t).is_some());
        if !xsd_only && !rfc3339_only && in_range {
            prop_assert_eq!(ours, theirs, "{}", text);
        } else if rfc3339_only {
            prop_assert_eq!(ours, None, "{}", text);
        }
    }
}
