//! Instants as SCIM writes them (RFC 7643 §2.3.5).

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use chrono::{DateTime as ChronoDateTime, Datelike, NaiveDate, Timelike, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{ScimError, shorten};

/// An instant, in microseconds since 1970-01-01T00:00:00Z, in the years 1 to 9999.
///
/// It reads an `xsd:dateTime` of these years, one without a time zone as UTC (errata.md R4), and
/// prints in UTC with `Z` and as many digits of the fraction (none, three or six) as it needs. What
/// is below a microsecond is cut off. By `xsd:dateTime` `24:00:00` is the end of a day, and there
/// are no leap seconds.
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
    /// The first instant that can be written: 0001-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_135_596_800_000_000);
    /// The last instant that can be written: 9999-12-31T23:59:59.999999Z.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    /// The present, cut to milliseconds, which is the precision `meta` prints in.
    #[must_use]
    pub fn now() -> Self {
        Self::from(SystemTime::now()).to_milliseconds()
    }

    /// The instant that many microseconds after 1970-01-01T00:00:00Z; `None` when it is not between
    /// [`DateTime::MIN`] and [`DateTime::MAX`].
    #[must_use]
    pub fn from_micros(micros: i64) -> Option<Self> {
        Some(Self(micros)).filter(|at| (Self::MIN..=Self::MAX).contains(at))
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
}

/// A time outside the years that can be written becomes the nearest that can.
impl From<SystemTime> for DateTime {
    fn from(time: SystemTime) -> Self {
        let micros = |d: Duration| i64::try_from(d.as_micros()).unwrap_or(i64::MAX);
        let micros = match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => micros(after),
            Err(before) => -micros(before.duration()),
        };
        Self(micros).clamp(Self::MIN, Self::MAX)
    }
}

impl From<DateTime> for SystemTime {
    fn from(at: DateTime) -> Self {
        let distance = Duration::from_micros(at.0.unsigned_abs());
        let time = if at.0 < 0 {
            Self::UNIX_EPOCH.checked_sub(distance)
        } else {
            Self::UNIX_EPOCH.checked_add(distance)
        };
        // Only a platform whose clock cannot hold the years 1 to 9999 has none.
        time.unwrap_or(Self::UNIX_EPOCH)
    }
}

impl FromStr for DateTime {
    type Err = ScimError;

    fn from_str(text: &str) -> Result<Self, ScimError> {
        parse(text.as_bytes()).ok_or_else(|| {
            ScimError::invalid_value(format!("`{}` is not an xsd:dateTime", shorten(text)))
        })
    }
}

/// `yyyy-mm-ddThh:mm:ss[.s+][Z|(+|-)hh:mm]`.
fn parse(text: &[u8]) -> Option<DateTime> {
    const SECOND: i64 = 1_000_000;
    let (seconds, rest) = text.split_first_chunk::<19>()?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2] =
        *seconds
    else {
        return None;
    };
    let date = NaiveDate::from_ymd_opt(
        i32::try_from(100 * number(y1, y2)? + number(y3, y4)?).ok()?,
        number(m1, m2)?,
        number(d1, d2)?,
    )?;
    let (hour, minute, second) = (number(h1, h2)?, number(n1, n2)?, number(s1, s2)?);
    let (micros, rest) = fraction(rest)?;
    let offset = offset(rest)?;
    let (hour, days) = match (hour, minute, second, micros) {
        (24, 0, 0, Fraction::ZERO) => (0, 1),
        (hour, ..) => (hour, 0),
    };
    let instant = date.and_hms_micro_opt(hour, minute, second, micros.micros)?.and_utc();
    // `xsd:dateTime` has no year 0; the zone may still lead there, or to the year 10000.
    let instant = instant.timestamp_micros() + (days * 86_400 - offset) * SECOND;
    DateTime::from_micros(instant).filter(|_| date.year() > 0)
}

fn number(tens: u8, ones: u8) -> Option<u32> {
    let digit = |b: u8| b.is_ascii_digit().then(|| u32::from(b - b'0'));
    Some(10 * digit(tens)? + digit(ones)?)
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Fraction {
    micros: u32,
    /// Whether there is something below a microsecond.
    more: bool,
}

impl Fraction {
    const ZERO: Self = Self { micros: 0, more: false };
}

/// The fraction of a second, and what follows it.
fn fraction(text: &[u8]) -> Option<(Fraction, &[u8])> {
    let Some(digits) = text.strip_prefix(b".") else {
        return Some((Fraction::ZERO, text));
    };
    let end = digits.iter().position(|b| !b.is_ascii_digit()).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at_checked(end)?;
    let (micros, below) = digits.split_at_checked(6).unwrap_or((digits, &[]));
    let padded = micros.iter().copied().chain(std::iter::repeat(b'0')).take(6);
    let micros = padded.fold(0, |sum, digit| 10 * sum + u32::from(digit - b'0'));
    let more = below.iter().any(|digit| *digit != b'0');
    (!digits.is_empty()).then_some((Fraction { micros, more }, rest))
}

/// The time zone as seconds east of UTC, at most 14 hours.
fn offset(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [] | [b'Z'] => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let [h1, h2, b':', m1, m2] = *digits else { return None };
    let (hours, minutes) = (number(h1, h2)?, number(m1, m2)?);
    let minutes = (minutes < 60).then_some(60 * hours + minutes).filter(|m| *m <= 14 * 60)?;
    Some(sign * 60 * i64::from(minutes))
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = ChronoDateTime::<Utc>::from_timestamp_micros(self.0).unwrap_or_default();
        let micros = self.0.rem_euclid(1_000_000);
        let year = at.year().unsigned_abs();
        let fraction = u32::try_from(micros).unwrap_or_default();
        // Digit by digit: a resource has two dates, and formatting numbers costs more than the rest
        // of them.
        let digit = |number: u32, place: u32| b'0' + u8::try_from(number / place % 10).unwrap_or(0);
        let two = |number: u32| [digit(number, 10), digit(number, 1)];
        let [y1, y2] = two(year / 100);
        let [y3, y4] = two(year);
        let [m1, m2] = two(at.month());
        let [d1, d2] = two(at.day());
        let [h1, h2] = two(at.hour());
        let [n1, n2] = two(at.minute());
        let [s1, s2] = two(at.second());
        let [f1, f2] = two(fraction / 10_000);
        let [f3, f4] = two(fraction / 100);
        let [f5, f6] = two(fraction);
        let text = [
            y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2,
            b'.', f1, f2, f3, f4, f5, f6,
        ];
        let length = match micros {
            0 => 19,
            micros if micros % 1_000 == 0 => 23,
            _ => 26,
        };
        let text = text.get(..length).and_then(|text| std::str::from_utf8(text).ok());
        f.write_str(text.ok_or(fmt::Error)?)?;
        f.write_str("Z")
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
