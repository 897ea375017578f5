//! Finds an address in what must not hold one.

use serde_json::Value;

/// Whether a text contains an address, regardless of the case of ASCII letters.
pub(crate) fn is_in(address: &str, text: &str) -> bool {
    let (address, text) = (address.as_bytes(), text.as_bytes());
    !address.is_empty()
        && text
            .windows(address.len())
            .any(|part| part.eq_ignore_ascii_case(address))
}

/// Whether a text or a key of a JSON value contains an address.
pub(crate) fn is_in_json(address: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => is_in(address, text),
        Value::Array(items) => items.iter().any(|item| is_in_json(address, item)),
        Value::Object(members) => members
            .iter()
            .any(|(key, member)| is_in(address, key) || is_in_json(address, member)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
