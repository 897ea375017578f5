//! Checks that jsonb can store a JSON value and that serde_json can read it back, and measures it.

use serde_json::{Number, Value};

/// The maximum depth of a JSON document: 127 levels. serde_json reads no more, so a deeper one could be written but not be loaded
/// again.
pub const MAX_JSON_DEPTH: usize = 127;

/// The maximum size of a JSON document, as text: 512 KiB, which is twice the largest notification that Amazon SNS delivers. Other
/// providers' webhooks have a few kilobytes for each event.
pub const MAX_JSON_BYTES: usize = 512 * 1024;

/// The maximum number of members and items of a JSON document, on all its levels.
pub const MAX_JSON_MEMBERS: usize = 10_000;

/// The longest number that serde_json writes, such as `-2.2250738585072014e-308`.
const LONGEST_NUMBER: usize = 24;

/// What is known of a JSON value that can be stored.
#[derive(Debug, Default)]
pub(super) struct Storable {
    /// The size as JSON text, or slightly more.
    pub(super) bytes: usize,
    /// Whether a number is not an integer of 64 bits. jsonb may store it in other digits.
    pub(super) has_fractions: bool,
    /// The number of members and items on all levels.
    members: usize,
}

impl Storable {
    /// Measures a value without writing it. An error says why it can't be stored. Measuring stops soon after a limit is exceeded,
    /// so that a huge document costs little.
    pub(super) fn measure(value: &Value) -> Result<Self, String> {
        let mut storable = Storable::default();
        storable.add(value, MAX_JSON_DEPTH)?;
        Ok(storable)
    }

    fn check_limits(&self) -> Result<(), String> {
        if self.members > MAX_JSON_MEMBERS {
            Err(format!(
                "has more than {MAX_JSON_MEMBERS} members and items: store it elsewhere"
            ))
        } else if self.bytes > MAX_JSON_BYTES {
            Err(format!(
                "is longer than {MAX_JSON_BYTES} bytes as JSON: store it elsewhere"
            ))
        } else {
            Ok(())
        }
    }

    fn add(&mut self, value: &Value, depth_left: usize) -> Result<(), String> {
        match value {
            Value::Null | Value::Bool(_) => self.bytes += "false".len(),
            Value::Number(number) => {
                self.bytes += bytes_of_number(number);
                self.has_fractions |= number.is_f64();
            }
            Value::String(text) => self.bytes += bytes_of_text(text)?,
            Value::Array(_) | Value::Object(_) if depth_left == 0 => {
                return Err(format!("is nested more than {MAX_JSON_DEPTH} levels deep"));
            }
            Value::Array(items) => {
                self.bytes += "[]".len() + items.len() * ",".len();
                self.members += items.len();
                self.check_limits()?;
                for item in items {
                    self.add(item, depth_left - 1)?;
                }
            }
            Value::Object(members) => {
                self.bytes += "{}".len() + members.len() * ":,".len();
                self.members += members.len();
                self.check_limits()?;
                for (key, member) in members {
                    self.bytes += bytes_of_text(key)?;
                    self.add(member, depth_left - 1)?;
                }
            }
        }
        self.check_limits()
    }
}

fn bytes_of_number(number: &Number) -> usize {
    let magnitude = number.as_u64().or_else(|| Some(number.as_i64()?.unsigned_abs()));
    match magnitude {
        Some(magnitude) => "-".len() + 1 + magnitude.checked_ilog10().unwrap_or(0) as usize,
        None => LONGEST_NUMBER,
    }
}

fn bytes_of_text(text: &str) -> Result<usize, String> {
    // Counted without branches, so that the compiler can vectorize it.
    let (mut nuls, mut escapes) = (0, 0);
    for byte in text.bytes() {
        nuls += usize::from(byte == 0);
        escapes += usize::from(byte < b' ') * "u001".len() + usize::from(byte < b' ' || byte == b'"' || byte == b'\\');
    }
    if nuls > 0 {
        return Err("can't hold \\u0000, which jsonb can't store".to_owned());
    }
    Ok(text.len() + escapes + "\"\"".len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let text = "[^\u{0}]{0,12}|[\u{1}-\u{1f}\"\\\\]{0,12}";
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-20_i64..20).prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            text.prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(text, inner, 0..6).prop_map(|members| json!(members)),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn bytes_are_never_fewer_than_what_is_written_and_seldom_many_more(value in value()) {
            let (counted, written) = (Storable::measure(&value), value.to_string().len());
            let counted = counted.map_err(TestCaseError::fail)?.bytes;
            prop_assert!(counted >= written, "{counted} for {written}: {value}");
            prop_assert!(counted <= 8 * written, "{counted} for {written}: {value}");
        }
    }

    #[test]
    fn a_document_at_each_limit_is_accepted_and_one_above_it_is_not() {
        let wrong = |value: &Value| Storable::measure(value).err();
        let text = |bytes: usize| json!({ "t": "x".repeat(bytes - r#"{"t":"",,"#.len()) });
        assert_eq!(wrong(&text(MAX_JSON_BYTES)), None);
        assert!(wrong(&text(MAX_JSON_BYTES + 1)).is_some_and(|wrong| wrong.contains("524288 bytes")));
        let items = |items: usize| json!({ "a": vec![json!(null); items - 1] });
        assert_eq!(wrong(&items(MAX_JSON_MEMBERS)), None);
        assert!(wrong(&items(MAX_JSON_MEMBERS + 1)).is_some_and(|wrong| wrong.contains("10000 members")));
        // The members of all levels count together.
        let nested = json!({ "a": vec![json!([null, null]); MAX_JSON_MEMBERS / 2] });
        assert!(wrong(&nested).is_some_and(|wrong| wrong.contains("10000 members")));
        let deep = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({ "in": inner }));
        assert_eq!(wrong(&deep(MAX_JSON_DEPTH)), None);
        assert!(wrong(&deep(MAX_JSON_DEPTH + 1)).is_some_and(|wrong| wrong.contains("127 levels")));
    }

    #[test]
    fn plain_documents_are_counted_to_a_few_bytes() {
        let value = json!({ "event": "delivered", "attempt": 12, "codes": [250, 421], "text": "x".repeat(1_000) });
        let (counted, written) = (
            Storable::measure(&value).map(|storable| storable.bytes),
            value.to_string().len(),
        );
        assert!(
            counted.as_ref().is_ok_and(|counted| counted - written < 12),
            "{counted:?} for {written}"
        );
    }
}
