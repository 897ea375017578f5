//! The one SQL definition of the fold: append, enqueue, late linking and rebuild are all put together from it.

use std::sync::LazyLock;

use super::rules::{RULES, STATUS_ORDER};
use crate::closed_sets::DeliveryStatus;

/// `facts (delivery_id, type, occurred_at)` → `folded`, the projection columns by delivery `id`.
pub(crate) static FOLD: LazyLock<String> = LazyLock::new(|| with_rules(include_str!("fold.sql")));

/// `folded` → `projected`: joins it with the rows that are there and writes those that move.
pub(crate) static JOIN_AND_WRITE: LazyLock<String> =
    LazyLock::new(|| [with_rules(include_str!("join.sql")), WRITE.to_owned()].join(",\n"));

/// `next` → `projected`: writes the rows that move.
pub(crate) const WRITE: &str = include_str!("write.sql");

/// Puts the rules in as array constants, so that a rank is the position in an array. Labels are compared as text: a label that
/// this build knows and the database doesn't (a release whose migration is still to come) must not fail the statement.
pub(crate) fn with_rules(sql: &str) -> String {
    // Not as a text, such as '{1,NULL}': how that is read depends on the session's array_nulls.
    let array = |elements: Vec<String>, of: &str| format!("ARRAY[{}]::{of}[]", elements.join(", "));
    let quoted = |label: String| format!("'{label}'");
    let by_lifecycle = |value: fn(Option<DeliveryStatus>, bool) -> String, of: &str| {
        let values = RULES.iter().map(|rule| value(rule.status, rule.terminal));
        array(values.collect(), of)
    };
    let labels = RULES.iter().map(|rule| quoted(rule.event_type.to_string()));
    let statuses = STATUS_ORDER.iter().map(|status| quoted(status.to_string()));
    let rank = |status: Option<DeliveryStatus>, _| match status {
        Some(status) => (status.rank() + 1).to_string(),
        None => "NULL".to_owned(),
    };
    // The longer names first: one is the beginning of another.
    sql.replace(
        ":terminal_by_lifecycle",
        &by_lifecycle(|_, terminal| terminal.to_string(), "boolean"),
    )
    .replace(":status_rank_by_lifecycle", &by_lifecycle(rank, "integer"))
    .replace(":status_order", &array(statuses.collect(), "text"))
    .replace(":lifecycle", &array(labels.collect(), "text"))
}
