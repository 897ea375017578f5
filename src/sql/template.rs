//! Fills in what the SQL files leave open, in one pass.
//!
//! | In a file | Stands for |
//! |---|---|
//! | `:events`, `:deliveries`, `:suppressions` | the columns of the table, in its order |
//! | `:given_events`, `:given_deliveries` | those of them that the first CTE has |
//! | `:projection` | the projection columns of a delivery |
//! | `:comparable` | the projection columns, enums as text |
//! | `:projected_values` | the projection columns that are not enums |
//! | `:lifecycle`, `:terminal_by_lifecycle`, `:status_rank_by_lifecycle`, `:status_order` | the rules of the projection, as arrays |
//! | `:suppression_reasons`, `:reject_reasons` | every reason of a suppression, and the reject reason of each, as arrays |
//! | `:lock_order`, `:lock`, `:on_conflict` | `ORDER BY candidate_id`, `FOR NO KEY UPDATE` and `ON CONFLICT DO NOTHING`, unless the statement gives something else |
//! | `:input`, `:reject_reason` | `input` and `NULL`, unless the statement gives something else |
//! | `:lanes`, `:limited_lanes`, `:picked`, `:lane`, `:lane_order` | the names of CTEs, the rows of a lane and their order, in a claim without limits |
//! | other names | the parameters of the statement |
//!
//! A list takes an alias: `:events(first)` stands for `first.id, first.tenant_id, …`.

use super::columns::{DELIVERIES, EVENTS, SUPPRESSIONS};
use crate::models::delivery::PROJECTION;
use crate::models::lifecycle::{RULES, STATUS_ORDER};
use crate::models::{DeliveryStatus, SuppressionReason};

/// Lists are broken at this width.
const WIDTH: usize = 120;

/// Fills in a file, given the columns of the first CTE and the statement's own names.
pub(super) fn render(file: &str, input: &[&str], given: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let mut rest = file;
    while let Some((before, after)) = rest.split_once(':') {
        text += before;
        let (name, after) = split_name(after);
        rest = after;
        if let Some((_, value)) = given.iter().find(|(given, _)| *given == name) {
            text += value;
        } else if let Some(items) = items(name, input) {
            let alias = after.strip_prefix('(').and_then(|after| after.split_once(')'));
            let (alias, after) = alias.unwrap_or(("", after));
            push_list(&mut text, &items, alias);
            rest = after;
        } else {
            // A colon of a comment, or the first one of a cast. Postgres rejects a misspelled name.
            text.push(':');
            text += name;
            if let Some(after) = rest.strip_prefix(':') {
                text.push(':');
                rest = after;
            }
        }
    }
    text + rest
}

fn split_name(text: &str) -> (&str, &str) {
    let end = text.find(|character: char| !character.is_ascii_lowercase() && character != '_');
    text.split_at(end.unwrap_or(text.len()))
}

/// Appends a list, with line breaks where a line would be too long.
fn push_list(text: &mut String, items: &[String], alias: &str) {
    let line = text.rsplit('\n').next().unwrap_or_default();
    let indent = line.len() - line.trim_start().len();
    let mut width = line.len();
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            text.push(',');
            if width + item.len() + alias.len() + 4 > WIDTH {
                *text += "\n";
                *text += &" ".repeat(indent);
                width = indent;
            } else {
                text.push(' ');
                width += 2;
            }
        }
        if !alias.is_empty() {
            *text += alias;
            text.push('.');
            width += alias.len() + 1;
        }
        *text += item;
        width += item.len();
    }
}

/// The list that a name stands for.
fn items(name: &str, input: &[&str]) -> Option<Vec<String>> {
    let all = |columns: &[&str]| columns.iter().map(|&column| column.to_owned()).collect();
    let in_input = |columns: &[&str]| {
        let shared = columns.iter().filter(|column| input.contains(column));
        shared.map(|&column| column.to_owned()).collect()
    };
    Some(match name {
        "events" => all(EVENTS),
        "deliveries" => all(DELIVERIES),
        "suppressions" => all(SUPPRESSIONS),
        "given_events" => in_input(EVENTS),
        "given_deliveries" => in_input(DELIVERIES),
        "projection" => all(&PROJECTION),
        "comparable" => PROJECTION.map(comparable).to_vec(),
        "projected_values" => {
            let values = PROJECTION.into_iter().filter(|column| !is_enum(column));
            values.map(str::to_owned).collect()
        }
        _ => return rule(name),
    })
}

/// Enums are compared as text, because an operator for the enum type itself may be somebody else's.
fn comparable(column: &str) -> String {
    if is_enum(column) {
        format!("{column}::text")
    } else {
        column.to_owned()
    }
}

/// Whether a projection column is an enum.
fn is_enum(column: &str) -> bool {
    matches!(column, "last_event_type" | "status")
}

// fold.sql has five bits for a rank.
const _: () = assert!(RULES.len() < 32);

/// The rules as array constants, so that a rank is the position in an array. Labels are compared as text: a label that this
/// build knows and the database does not (a release whose migration is still to come) must not fail the statement.
fn rule(name: &str) -> Option<Vec<String>> {
    let quoted = |label: String| format!("'{label}'");
    let rank =
        |status: Option<DeliveryStatus>| status.map_or("NULL".to_owned(), |status| (status.rank() + 1).to_string());
    match name {
        "lifecycle" => {
            let labels = RULES.iter().map(|rule| quoted(rule.event_type.to_string()));
            Some(array(labels, "text"))
        }
        "terminal_by_lifecycle" => Some(array(RULES.iter().map(|rule| rule.terminal.to_string()), "boolean")),
        "status_rank_by_lifecycle" => Some(array(RULES.iter().map(|rule| rank(rule.status)), "integer")),
        "status_order" => {
            let labels = STATUS_ORDER.iter().map(|status| quoted(status.to_string()));
            Some(array(labels, "text"))
        }
        "suppression_reasons" => {
            let labels = SuppressionReason::ALL.iter().map(|reason| quoted(reason.to_string()));
            Some(array(labels, "text"))
        }
        "reject_reasons" => {
            let reasons = SuppressionReason::ALL.iter().map(|reason| reason.reject_reason());
            Some(array(reasons.map(|reason| quoted(reason.to_string())), "text"))
        }
        "lock_order" => Some(vec!["ORDER BY candidate_id".to_owned()]),
        "lock" => Some(vec!["FOR NO KEY UPDATE".to_owned()]),
        "on_conflict" => Some(vec!["ON CONFLICT DO NOTHING".to_owned()]),
        "input" => Some(vec!["input".to_owned()]),
        "reject_reason" => Some(vec!["NULL".to_owned()]),
        "lanes" | "limited_lanes" => Some(vec!["lanes".to_owned()]),
        "picked" => Some(vec!["picked".to_owned()]),
        "lane" => {
            let lane = "entry.tenant_hash = turns.hash AND entry.tenant_id = turns.tenant_id";
            Some(vec![lane.to_owned()])
        }
        "lane_order" => Some(
            ["stream_rank", "tenant_hash", "tenant_id", "available_at"]
                .map(|column| format!("entry.{column}"))
                .to_vec(),
        ),
        _ => None,
    }
}

/// Not a literal such as `'{1,NULL}'`: how that is read depends on the session's `array_nulls`.
fn array(elements: impl Iterator<Item = String>, element_type: &str) -> Vec<String> {
    let mut elements: Vec<String> = elements.collect();
    if let Some(first) = elements.first_mut() {
        first.insert_str(0, "ARRAY[");
    }
    if let Some(last) = elements.last_mut() {
        *last += &format!("]::{element_type}[]");
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn names_are_replaced_and_casts_are_kept() {
        let given = [("limit", "$2"), ("limits", "$3")];
        assert_eq!(
            render("LIMIT :limits, :limit; x::limit -- see: limit", &[], &given),
            "LIMIT $3, $2; x::limit -- see: limit"
        );
    }

    #[test]
    fn a_name_of_the_statement_takes_precedence() {
        assert_eq!(
            render(":events, :lock", &[], &[("events", "$1"), ("lock", "OFFSET 0")]),
            "$1, OFFSET 0"
        );
    }

    #[test]
    fn a_list_takes_an_alias_and_keeps_to_the_columns_of_the_input() {
        let rendered = render(
            "SELECT :given_events(new), :unknown",
            &["trace_id", "id", "malformed"],
            &[],
        );
        assert_eq!(rendered, "SELECT new.id, new.trace_id, :unknown");
    }

    #[test]
    fn a_long_list_is_broken_into_lines() {
        let rendered = render("    SELECT\n        :deliveries(delivery)", &[], &[]);
        assert!(rendered.lines().count() > 3);
        assert!(rendered.lines().all(|line| line.len() <= 120), "{rendered}");
        assert!(
            rendered
                .lines()
                .skip(1)
                .all(|line| line.starts_with("        delivery."))
        );
    }
}
