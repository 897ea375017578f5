//! PostgreSQL's limit on the length of labels.

use crate::code::Code;
use crate::finding::Finding;
use crate::place::Word;

/// NAMEDATALEN less one.
const MAX_LABEL_BYTES: usize = 63;

/// A finding for a label that PostgreSQL would reject.
pub(crate) fn check(label: &Word) -> Option<Finding> {
    let (text, bytes) = (label.text.escape_debug(), label.text.len());
    let message = format!("label `{text}` has {bytes} bytes; PostgreSQL allows {MAX_LABEL_BYTES}");
    let help = "shorten it in the manifest, the Rust enum and the migrations";
    (bytes > MAX_LABEL_BYTES).then(|| Finding::new(Code::BadLabel, &label.at, message, help))
}
