//! The forms of a time that providers send.

use chrono::{DateTime, NaiveDateTime, Utc};

/// Above this, a number of seconds since 1970 is one of milliseconds: 5138-11-16, and 1973-03-03 in milliseconds.
const MILLISECONDS: u64 = 100_000_000_000;

/// Seconds or milliseconds since 1970, with or without a fraction. The fraction is read by digits, so that none is lost.
pub(crate) fn unix(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().ok()?;
    if !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    if whole.unsigned_abs() >= MILLISECONDS {
        return DateTime::from_timestamp_millis(whole);
    }
    let nanoseconds: u32 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    DateTime::from_timestamp(whole, nanoseconds)
}

/// RFC 3339, with a space for the `T`, with an offset without a colon, or without an offset, which is UTC.
pub(crate) fn iso(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    for with_offset in [
        "%Y-%m-%dT%H:%M:%S%.f%#z",
        "%Y-%m-%d %H:%M:%S%.f%#z",
        "%Y-%m-%d %H:%M:%S%.f %#z",
    ] {
        if let Ok(time) = DateTime::parse_from_str(text, with_offset) {
            return Some(time.to_utc());
        }
    }
    let in_utc = text.strip_suffix(" UTC").unwrap_or(text);
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(in_utc, form).ok())
        .map(|time| time.and_utc())
}
