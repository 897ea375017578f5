//! Mermaid diagrams, which code hosts render.

use std::collections::BTreeSet;

use super::model::{Column, Docs, Name, OrphanLife, Projection, Reference, Relation};

/// The longest text that Mermaid renders by default (`maxTextSize`).
const MAX_TEXT: usize = 50_000;

/// The tables with their columns and references. References without a foreign key are dashed. If the diagram is too long
/// for Mermaid, it has only key columns, or no columns.
pub(crate) fn entities(docs: &Docs) -> String {
    let all = |_: &Relation, _: &Column| true;
    let keys = |relation: &Relation, column: &Column| !relation.key_marks(&column.name).is_empty();
    let none = |_: &Relation, _: &Column| false;
    let full = entities_with(docs, &all);
    if full.len() < MAX_TEXT {
        return full;
    }
    let short = entities_with(docs, &keys);
    if short.len() < MAX_TEXT {
        return short;
    }
    entities_with(docs, &none)
}

fn entities_with(docs: &Docs, shows: &dyn Fn(&Relation, &Column) -> bool) -> String {
    let mut text = String::from("erDiagram\n");
    let mut drawn = BTreeSet::new();
    for relation in &docs.relations {
        drawn.insert(&relation.name);
        text += &format!("    {}", entity(&relation.name, true));
        let columns: Vec<&Column> = relation
            .columns
            .iter()
            .filter(|column| shows(relation, column))
            .collect();
        if columns.is_empty() {
            text.push('\n');
            continue;
        }
        text += " {\n";
        for column in columns {
            let mut marks = relation.key_marks(&column.name);
            // Mermaid has no such mark. The line is dashed instead.
            marks.retain(|mark| *mark != "LR");
            let marks = marks.join(", ");
            let null = if column.nullable { " \"NULL\"" } else { "" };
            let marks = if marks.is_empty() { marks } else { format!(" {marks}") };
            let (sql_type, name) = (word(&column.short_type()), word(&column.name));
            text += &format!("        {sql_type} {name}{marks}{null}\n");
        }
        text += "    }\n";
    }
    for relation in &docs.relations {
        for reference in &relation.references {
            // A table outside the docs is drawn without columns.
            if drawn.insert(&reference.to) {
                text += &format!("    {}\n", entity(&reference.to, true));
            }
            text += &format!("    {}\n", relationship(relation, reference));
        }
    }
    text
}

fn relationship(relation: &Relation, reference: &Reference) -> String {
    let one = if reference.optional { "|o" } else { "||" };
    let many = if reference.unique { "o|" } else { "o{" };
    let (line, more) = if reference.is_logical() {
        ("..", ", no foreign key")
    } else {
        ("--", "")
    };
    let (to, from) = (entity(&reference.to, false), entity(&relation.name, false));
    let label = quoted(&format!("{}{more}", reference.columns.join(", ")));
    format!("{to} {one}{line}{many} {from} : {label}")
}

/// The identifier of a table. Names that Mermaid might not accept are hex-encoded, with the name as a label at the first
/// occurrence.
fn entity(name: &Name, introduces: bool) -> String {
    let plain = name.plain();
    let is_plain = plain
        .chars()
        .all(|character| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_');
    // No keyword of Mermaid has an underscore inside.
    if is_plain
        && plain.trim_matches('_').contains('_')
        && plain.starts_with(|character: char| character.is_ascii_lowercase())
    {
        return plain;
    }
    let id: String = plain.bytes().map(|byte| format!("{byte:02x}")).collect();
    if introduces {
        format!("x{id}[{}]", quoted(&plain))
    } else {
        format!("x{id}")
    }
}

/// Replaces characters that Mermaid doesn't accept in attributes.
fn word(text: &str) -> String {
    let is_kept =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '(' | ')' | '[' | ']');
    let mut word: String = text
        .chars()
        .map(|character| if is_kept(character) { character } else { '_' })
        .collect();
    let starts = word.starts_with(|character: char| character.is_ascii_alphabetic());
    if !starts || matches!(word.to_lowercase().as_str(), "pk" | "fk" | "uk") {
        word.insert(0, 'x');
    }
    word
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// Escapes characters that are syntax in Mermaid.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '"' | '#' | ';' | '<' | '>' | '&' | ':' | '`' | '\\' | '%' | '{' | '}' => {
                out += &format!("#{};", u32::from(character));
            }
            other if other.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

/// The event types, with arrows to the statuses that they reach. The label of an arrow is the timestamp that is set.
pub(crate) fn projection(projection: &Projection) -> String {
    let mut text = String::from("flowchart LR\n    subgraph ladder[\"status: the highest that any event reaches\"]\n");
    let ladder: Vec<String> = projection
        .statuses
        .iter()
        .map(|status| format!("status_{status}[\"{status}\"]"))
        .collect();
    text += &format!("        direction LR\n        {}\n    end\n", ladder.join(" ~~~ "));
    for rule in &projection.rules {
        let event = &rule.event_type;
        // Terminal events have a double border.
        let node = if rule.terminal {
            format!("event_{event}[[\"{event}\"]]")
        } else {
            format!("event_{event}([\"{event}\"])")
        };
        let stamp = rule
            .stamp
            .as_ref()
            .map(|stamp| format!("|{stamp}|"))
            .unwrap_or_default();
        match &rule.status {
            Some(status) => text += &format!("    {node} -->{stamp} status_{status}\n"),
            None => text += &format!("    {node} -.-> unchanged[\"status unchanged\"]\n"),
        }
    }
    text
}

/// The states of an orphan.
pub(crate) fn orphan(orphan: &OrphanLife) -> String {
    let mut text = String::from("stateDiagram-v2\n");
    for transition in &orphan.transitions {
        let from = transition.from.as_deref().unwrap_or("[*]");
        text += &format!("    {from} --> {}: {}\n", transition.to, escaped(&transition.when));
    }
    let leaves = |state: &str| {
        orphan
            .transitions
            .iter()
            .any(|transition| transition.from.as_deref() == Some(state))
    };
    for state in orphan.states.iter().filter(|state| !leaves(&state.name)) {
        text += &format!("    {} --> [*]\n", state.name);
    }
    text
}
