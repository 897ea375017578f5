//! The Diesel code that makes a unique index the conflict target of an insert. For a partial index, the statement must repeat
//! the predicate (PostgreSQL manual, INSERT, "conflict_target").

use super::model::{Index, Relation};

/// The lines after `.values(…)`. `None` if the index can't be a conflict target.
pub(crate) fn diesel_on_conflict(relation: &Relation, index: &Index) -> Option<String> {
    let is_deferrable = |name: &str| {
        let constraint = relation.constraints.iter().find(|constraint| constraint.name == name);
        constraint.is_some_and(|constraint| constraint.definition.contains(" DEFERRABLE"))
    };
    if !index.unique || !index.valid || is_deferrable(&index.name) {
        return None;
    }
    let table = rust_name(&relation.name.name);
    let path = |column: &str| format!("{table}::{}", rust_name(column));
    let columns: Option<Vec<String>> = index.keys.iter().map(|key| key.column.as_deref().map(path)).collect();
    let Some(columns) = columns else {
        return Some(by_expression(index));
    };
    let target = match columns.as_slice() {
        [column] => column.clone(),
        several => format!("({})", several.join(", ")),
    };
    let mut lines = format!(".on_conflict({target})");
    if let Some(predicate) = &index.predicate {
        lines += &format!("\n.filter_target({})", condition(relation, predicate, &path));
    }
    Some(lines)
}

/// The target of an index with expressions. Diesel has no columns for them, so the whole target is SQL.
fn by_expression(index: &Index) -> String {
    let keys: Vec<String> = index
        .keys
        .iter()
        .map(|key| match key.column {
            Some(_) => key.expression.clone(),
            None => format!("({})", key.expression),
        })
        .collect();
    let mut target = format!("({})", keys.join(", "));
    if let Some(predicate) = &index.predicate {
        target += &format!(" WHERE {predicate}");
    }
    format!(".on_conflict(diesel::dsl::sql::<diesel::sql_types::Text>({target:?}))")
}

/// The predicate as a Diesel expression if it is a condition on one column, otherwise as SQL.
fn condition(relation: &Relation, predicate: &str, path: &dyn Fn(&str) -> String) -> String {
    let column = |text: &str| {
        // Postgres quotes the name if necessary, for example because it is reserved.
        let text = text
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or(text)
            .replace("\"\"", "\"");
        let named = relation.columns.iter().find(|column| column.name == text);
        named.map(|column| path(&column.name))
    };
    if let Some(column) = predicate.strip_suffix(" IS NOT NULL").and_then(column) {
        format!("{column}.is_not_null()")
    } else if let Some(column) = predicate.strip_suffix(" IS NULL").and_then(column) {
        format!("{column}.is_null()")
    } else if let Some(column) = predicate.strip_prefix("NOT ").and_then(column) {
        format!("diesel::dsl::not({column})")
    } else if let Some(column) = column(predicate) {
        column
    } else {
        format!("diesel::dsl::sql::<diesel::sql_types::Bool>({predicate:?})")
    }
}

/// The name that the Diesel CLI generates: invalid characters become underscores, and keywords get one appended.
fn rust_name(name: &str) -> String {
    const KEYWORDS: &[&str] = &[
        "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
        "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
        "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super",
        "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
    ];
    let mut rust: String = name
        .chars()
        .map(|character| if character.is_alphanumeric() { character } else { '_' })
        .collect();
    if rust.starts_with(|character: char| character.is_ascii_digit()) {
        rust.insert(0, '_');
    }
    if KEYWORDS.contains(&rust.as_str()) {
        rust.push('_');
    }
    rust
}
