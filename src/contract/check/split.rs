//! A migration's text as statements: one a message, because Citus takes no more than one.

use std::ops::Range;

use super::sql::{self, Malformed};

/// The statements of an `up.sql` or `down.sql`, each with what follows it up to the next one. Comments before the first
/// are left out.
pub(crate) fn split(text: &str) -> Result<Vec<&str>, Malformed> {
    let starts: Vec<usize> = sql::statements(text)?
        .iter()
        .filter_map(|statement| Some(statement.first()?.offset))
        .collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let ranges = starts.iter().zip(ends).map(|(&start, end)| Range { start, end });
    Ok(ranges.map(|range| text[range].trim_end()).collect())
}
