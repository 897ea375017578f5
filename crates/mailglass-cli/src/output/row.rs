//! Rows as JSON.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use super::time;

/// A row whose times all have microseconds. serde omits trailing zeros.
pub(crate) fn row(row: &impl Serialize) -> Value {
    let mut row = json!(row);
    for (column, value) in row.as_object_mut().into_iter().flatten() {
        if column.ends_with("_at")
            && let Some(at) = value.as_str().and_then(|text| text.parse::<DateTime<Utc>>().ok())
        {
            *value = time(&at).into();
        }
    }
    row
}
