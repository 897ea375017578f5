//! Reading the fields of a JSON object. Providers send numbers as strings and strings as numbers, so both are read as either.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::time;

/// Why an element can't be read.
#[derive(Debug, thiserror::Error)]
#[error("{field} {message}")]
pub(crate) struct Wrong {
    field: String,
    message: &'static str,
}

/// A JSON object, and its place in the element. A field that is null or an empty text counts as absent.
#[derive(Clone)]
pub(crate) struct Fields<'a> {
    place: String,
    object: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(value: &'a Value) -> Result<Self, Wrong> {
        let wrong = || Wrong {
            field: "the element".to_owned(),
            message: "must be a JSON object",
        };
        Ok(Fields {
            place: String::new(),
            object: value.as_object().ok_or_else(wrong)?,
        })
    }

    fn place_of(&self, name: &str) -> String {
        if self.place.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.place)
        }
    }

    /// An error about a field.
    pub(crate) fn wrong(&self, name: &str, message: &'static str) -> Wrong {
        Wrong {
            field: self.place_of(name),
            message,
        }
    }

    fn required<T>(&self, name: &str, value: Option<T>, message: &'static str) -> Result<T, Wrong> {
        value.ok_or_else(|| {
            self.wrong(
                name,
                if self.value(name).is_some() {
                    message
                } else {
                    "is missing"
                },
            )
        })
    }

    /// The members.
    pub(crate) fn members(&self) -> &'a Map<String, Value> {
        self.object
    }

    /// A value of any type.
    pub(crate) fn value(&self, name: &str) -> Option<&'a Value> {
        self.object
            .get(name)
            .filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    pub(crate) fn object(&self, name: &str) -> Option<Fields<'a>> {
        Some(Fields {
            place: self.place_of(name),
            object: self.value(name)?.as_object()?,
        })
    }

    pub(crate) fn require_object(&self, name: &str) -> Result<Fields<'a>, Wrong> {
        self.required(name, self.object(name), "must be an object")
    }

    /// The items of a list, or none.
    pub(crate) fn list(&self, name: &str) -> &'a [Value] {
        self.value(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// A text, or a number or boolean as text.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        match self.value(name)? {
            Value::String(text) => Some(Cow::Borrowed(text)),
            Value::Number(number) => Some(Cow::Owned(number.to_string())),
            Value::Bool(boolean) => Some(Cow::Borrowed(if *boolean { "true" } else { "false" })),
            _ => None,
        }
    }

    pub(crate) fn require_text(&self, name: &str) -> Result<Cow<'a, str>, Wrong> {
        self.required(name, self.text(name), "must be a string")
    }

    /// An owned text, for a detail.
    pub(crate) fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(Cow::into_owned)
    }

    /// The first of these fields that is there, as an owned text.
    pub(crate) fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.owned(name))
    }

    pub(crate) fn boolean(&self, name: &str) -> Option<bool> {
        match self.text(name)?.as_ref() {
            "true" | "True" | "1" => Some(true),
            "false" | "False" | "0" => Some(false),
            _ => None,
        }
    }

    /// Seconds or milliseconds since 1970, as a number or text, with or without a fraction.
    pub(crate) fn unix_time(&self, name: &str) -> Option<DateTime<Utc>> {
        time::unix(self.text(name)?.as_ref())
    }

    pub(crate) fn require_unix_time(&self, name: &str) -> Result<DateTime<Utc>, Wrong> {
        self.required(name, self.unix_time(name), "must be a time in seconds since 1970")
    }

    /// A time of RFC 3339 or, without an offset, in UTC.
    pub(crate) fn time(&self, name: &str) -> Option<DateTime<Utc>> {
        time::iso(self.text(name)?.as_ref())
    }

    pub(crate) fn require_time(&self, name: &str) -> Result<DateTime<Utc>, Wrong> {
        self.required(name, self.time(name), "must be a time such as 2026-11-21T09:30:00Z")
    }
}
