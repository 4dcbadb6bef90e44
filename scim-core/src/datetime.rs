//! Instants as SCIM writes them (RFC 7643 §2.3.5).

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use chrono::{DateTime as ChronoDateTime, NaiveDateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{ScimError, shorten};

/// An instant, in microseconds since 1970-01-01T00:00:00Z.
///
/// It reads any `xsd:dateTime`, one without a time zone as UTC (errata.md R4), and prints in UTC
/// with `Z` and as many digits of the fraction (none, three or six) as it needs.
///
/// ```
/// use scim_core::DateTime;
/// let at: DateTime = "2011-05-13T06:42:34.5+02:00".parse()?;
/// assert_eq!(at.to_string(), "2011-05-13T04:42:34.500Z");
/// assert_eq!(at, "2011-05-13T04:42:34.500000".parse()?);
/// # Ok::<(), scim_core::ScimError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime(i64);

impl DateTime {
    /// The present, cut to milliseconds, which is the precision `meta` prints in.
    #[must_use]
    pub fn now() -> Self {
        Self::from(SystemTime::now()).to_milliseconds()
    }

    /// The instant that many microseconds after 1970-01-01T00:00:00Z; `None` outside the years
    /// that can be printed (about ±262,000).
    #[must_use]
    pub fn from_micros(micros: i64) -> Option<Self> {
        ChronoDateTime::<Utc>::from_timestamp_micros(micros).map(|_| Self(micros))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// The same instant without what is below a millisecond.
    #[must_use]
    pub fn to_milliseconds(self) -> Self {
        Self(self.0 - self.0.rem_euclid(1_000))
    }

    fn to_chrono(self) -> ChronoDateTime<Utc> {
        ChronoDateTime::from_timestamp_micros(self.0).unwrap_or_default()
    }
}

impl From<SystemTime> for DateTime {
    fn from(time: SystemTime) -> Self {
        Self(ChronoDateTime::<Utc>::from(time).timestamp_micros())
    }
}

impl FromStr for DateTime {
    type Err = ScimError;

    fn from_str(text: &str) -> Result<Self, ScimError> {
        let refused =
            || ScimError::invalid_value(format!("`{}` is not an xsd:dateTime", shorten(text)));
        // chrono also takes a space or a lower-case `t` between date and time; xsd:dateTime does not.
        if text.as_bytes().get(10) != Some(&b'T') && !text.starts_with('-') {
            return Err(refused());
        }
        let instant = match ChronoDateTime::parse_from_rfc3339(text) {
            Ok(instant) => instant.with_timezone(&Utc),
            Err(_) => NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
                .map_err(|_| refused())?
                .and_utc(),
        };
        Ok(Self(instant.timestamp_micros()))
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = match self.0.rem_euclid(1_000_000) {
            0 => SecondsFormat::Secs,
            fraction if fraction % 1_000 == 0 => SecondsFormat::Millis,
            _ => SecondsFormat::Micros,
        };
        f.write_str(&self.to_chrono().to_rfc3339_opts(format, true))
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DateTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
