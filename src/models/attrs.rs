//! Attribute maps: builds a record from a JSON object, and reports every wrong attribute at once.

use std::net::IpAddr;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::closed_sets::UnknownLabel;
use crate::error::{Error, Result, without_address};
use crate::validation::Checks;

/// The attributes of a JSON object. Each is removed when it is read; those that are left at the end are unknown.
pub(crate) struct Attrs {
    left: Map<String, Value>,
    pub(crate) checks: Checks,
}

impl Attrs {
    pub(crate) fn new(attrs: Value) -> Result<Self> {
        match attrs {
            Value::Object(left) => Ok(Attrs {
                left,
                checks: Checks::default(),
            }),
            _ => Err(Error::invalid("attributes", "must be a JSON object")),
        }
    }

    /// `None` if the key is absent or null.
    fn take<T>(&mut self, key: &str, expected: &str, convert: impl FnOnce(Value) -> Option<T>) -> Option<T> {
        let value = self.left.remove(key).filter(|value| !value.is_null())?;
        let converted = convert(value);
        if converted.is_none() {
            self.checks.add(key, format!("must be {expected}"));
        }
        converted
    }

    pub(crate) fn text(&mut self, key: &str) -> Option<String> {
        self.take(key, "a string", |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        })
    }

    /// For a column that a change may clear: `Some(None)` if the value is null.
    pub(crate) fn nullable<T>(
        &mut self,
        key: &str,
        take: impl FnOnce(&mut Self, &str) -> Option<T>,
    ) -> Option<Option<T>> {
        if self.left.get(key).is_some_and(Value::is_null) {
            self.left.remove(key);
            return Some(None);
        }
        take(self, key).map(Some)
    }

    pub(crate) fn object(&mut self, key: &str) -> Option<Value> {
        self.take(key, "a JSON object", |value| value.is_object().then_some(value))
    }

    pub(crate) fn boolean(&mut self, key: &str) -> Option<bool> {
        self.take(key, "true or false", |value| value.as_bool())
    }

    pub(crate) fn code(&mut self, key: &str) -> Option<u16> {
        self.take(key, "a number such as 550", |value| value.as_u64()?.try_into().ok())
    }

    pub(crate) fn ip_address(&mut self, key: &str) -> Option<IpAddr> {
        self.take(key, "an IP address", |value| value.as_str()?.parse().ok())
    }

    pub(crate) fn uuid(&mut self, key: &str) -> Option<Uuid> {
        self.take(key, "a UUID", |value| value.as_str()?.parse().ok())
    }

    pub(crate) fn time(&mut self, key: &str) -> Option<DateTime<Utc>> {
        self.take(key, "an RFC 3339 time, such as 2026-11-21T09:30:00Z", |value| {
            DateTime::parse_from_rfc3339(value.as_str()?)
                .ok()
                .map(|time| time.to_utc())
        })
    }

    pub(crate) fn label<T: FromStr<Err = UnknownLabel>>(&mut self, key: &str) -> Option<T> {
        match self.text(key)?.parse() {
            Ok(value) => Some(value),
            Err(unknown) => {
                let UnknownLabel { label, known, .. } = unknown;
                let message = format!("`{}` is none of {}", without_address(&label), known.join(", "));
                self.checks.add(key, message);
                None
            }
        }
    }

    /// A required attribute. If it is missing, adds an error and returns the stand-in.
    pub(crate) fn required<T>(&mut self, key: &str, value: Option<T>, stand_in: T) -> T {
        value.unwrap_or_else(|| {
            self.checks.add(key, "is missing");
            stand_in
        })
    }

    /// Adds an error for each attribute that is left. `refusal` says why a known column can't be set.
    pub(crate) fn reject_the_rest(&mut self, refusal: impl Fn(&str) -> Option<&'static str>) {
        for key in self.left.keys() {
            let message = refusal(key).unwrap_or("is not an attribute of this record");
            self.checks.add(without_address(key), message);
        }
    }
}
