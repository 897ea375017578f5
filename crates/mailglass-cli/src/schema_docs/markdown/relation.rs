//! A table or view, as Markdown.

use super::elements::{heading, paragraph};
use super::text::{block, cell, code, link, plain, table};
use crate::schema_docs::model::{Column, Docs, Index, Reference, Relation, Trigger, identifier};

pub(super) fn section(docs: &Docs, relation: &Relation) -> String {
    let parts = [
        heading("table", &relation.name),
        paragraph(relation.comment.as_deref()) + &facts(relation),
        columns(docs, relation),
        references(docs, relation),
        constraints(relation),
        indexes(relation),
        triggers(docs, relation),
        partitions(relation),
        definition(relation),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

fn facts(relation: &Relation) -> String {
    let mut facts = vec![format!("- Kind: {}", relation.kind.as_str())];
    if let Some(key) = &relation.partition_key {
        facts[0] += &format!(" by {}", code(key));
    }
    if let Some(rust) = &relation.rust {
        let model = rust
            .model
            .as_ref()
            .map(|model| format!("{}, ", code(model)))
            .unwrap_or_default();
        facts.push(format!("- In Rust: {model}{}", code(&rust.table)));
        facts.push(format!("- Rows are inserted by {}", plain(&rust.made_by)));
        let changed = rust
            .changed_by
            .as_deref()
            .map_or("Rows are never changed".to_owned(), |changed_by| {
                format!("Rows are changed by {}", plain(changed_by))
            });
        facts.push(format!("- {changed}"));
    }
    if !relation.options.is_empty() {
        let options: Vec<String> = relation.options.iter().map(|option| code(option)).collect();
        facts.push(format!("- Storage: {}", options.join(", ")));
    }
    if relation.row_security {
        facts.push("- Row-level security is enabled".to_owned());
    }
    facts.join("\n") + "\n"
}

fn columns(docs: &Docs, relation: &Relation) -> String {
    // Tables of the application have no Rust facts, so their tables omit these columns.
    let knows = relation.columns.iter().any(|column| column.known.is_some());
    let rows: Vec<Vec<String>> = relation
        .columns
        .iter()
        .map(|column| column_row(docs, relation, column, knows))
        .collect();
    let mut head = vec!["Column", "Type", "NULL", "Default"];
    if knows {
        head.extend(["Rust", "Diesel", "Written by"]);
    }
    head.push("Meaning");
    table(&head, &rows)
}

fn column_row(docs: &Docs, relation: &Relation, column: &Column, knows: bool) -> Vec<String> {
    let name = format!(
        "<a id=\"{}\"></a>{}",
        relation.name.anchor_of("column", &column.name),
        code(&column.name)
    );
    let marks = relation.key_marks(&column.name).join(", ");
    let marks = if marks.is_empty() { marks } else { format!(" {marks}") };
    let type_anchor = column.type_name.as_ref().and_then(|name| docs.type_anchor(name));
    let sql_type = code(&column.sql_type);
    let mut cells = vec![
        name + &marks,
        type_anchor.map_or(sql_type.clone(), |anchor| link(&sql_type, &anchor)),
        if column.nullable { "yes" } else { "" }.to_owned(),
        column.default_text().as_deref().map_or(String::new(), code),
    ];
    let known = column.known.as_ref();
    if knows {
        let text = |text: Option<String>| text.unwrap_or_default();
        cells.extend([
            text(known.and_then(|facts| Some(code(facts.rust_type.as_ref()?)))),
            text(known.map(|facts| code(&facts.diesel_type))),
            text(known.map(|facts| format!("{}; {}", facts.written_by.as_str(), facts.changes.as_str()))),
        ]);
    }
    let comment = column.comment.as_deref().unwrap_or("–");
    let meaning = cell(comment);
    let personal = known.and_then(|facts| facts.personal_data.note());
    // Omit the note if the comment already mentions personal data.
    let personal = personal.filter(|_| !comment.to_lowercase().contains("personal data"));
    cells.push(personal.map_or(meaning.clone(), |words| format!("{meaning} **({words})**")));
    cells
}

fn references(docs: &Docs, relation: &Relation) -> String {
    let rows: Vec<Vec<String>> = relation
        .references
        .iter()
        .map(|reference| reference_row(docs, reference))
        .collect();
    titled(
        "References",
        &table(&["Columns", "To", "Cardinality", "Constraint"], &rows),
    )
}

fn reference_row(docs: &Docs, reference: &Reference) -> Vec<String> {
    let list = |columns: &[String]| {
        columns
            .iter()
            .map(|column| identifier(column))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let to = code(&format!("{} ({})", reference.to.sql(), list(&reference.to_columns)));
    let held = match &reference.constraint {
        Some(constraint) => format!("{}{}", code(constraint), reference.actions()),
        None => format!(
            "**no foreign key**: {}",
            cell(reference.note.as_deref().unwrap_or("enforced by the code"))
        ),
    };
    vec![
        code(&list(&reference.columns)),
        docs.relation_anchor(&reference.to)
            .map_or(to.clone(), |anchor| link(&to, &anchor)),
        reference.cardinality(),
        held,
    ]
}

fn constraints(relation: &Relation) -> String {
    let rows: Vec<Vec<String>> = relation
        .constraints
        .iter()
        .map(|constraint| {
            let anchor = relation.name.anchor_of("constraint", &constraint.name);
            vec![
                format!("<a id=\"{anchor}\"></a>{}", code(&constraint.name)),
                code(&constraint.definition),
                cell(constraint.comment.as_deref().unwrap_or_default()),
            ]
        })
        .collect();
    if relation
        .constraints
        .iter()
        .all(|constraint| constraint.comment.is_none())
    {
        let rows: Vec<Vec<String>> = rows.into_iter().map(|row| row[..2].to_vec()).collect();
        return titled("Constraints", &table(&["Name", "Definition"], &rows));
    }
    titled("Constraints", &table(&["Name", "Definition", "Meaning"], &rows))
}

fn indexes(relation: &Relation) -> String {
    let rows: Vec<Vec<String>> = relation
        .indexes
        .iter()
        .map(|index| {
            let anchor = relation.name.anchor_of("index", &index.name);
            vec![
                format!("<a id=\"{anchor}\"></a>{}", code(&index.name)),
                code(&index.summary()),
                purpose(index),
            ]
        })
        .collect();
    let targets = relation
        .indexes
        .iter()
        .filter(|index| !index.keeps_constraint)
        .filter_map(|index| {
            let lines = index.diesel_on_conflict.as_ref()?;
            let intro = format!("Diesel's conflict target for {}:", code(&index.name));
            Some(format!("\n{intro}\n\n{}", block("rust", lines)))
        });
    let targets: String = targets.collect();
    titled("Indexes", &table(&["Name", "Definition", "Purpose"], &rows)) + &targets
}

fn purpose(index: &Index) -> String {
    if index.keeps_constraint {
        return "index of the constraint".to_owned();
    }
    cell(index.purpose.as_deref().unwrap_or("–"))
}

fn triggers(docs: &Docs, relation: &Relation) -> String {
    let triggers: String = relation
        .triggers
        .iter()
        .map(|trigger| trigger_entry(docs, relation, trigger))
        .collect();
    titled("Triggers", &triggers)
}

fn trigger_entry(docs: &Docs, relation: &Relation, trigger: &Trigger) -> String {
    let anchor = relation.name.anchor_of("trigger", &trigger.name);
    let function = code(&trigger.function.sql());
    let anchor_of_function = docs.trigger_function_anchor(&trigger.function);
    let calls = anchor_of_function.map_or(function.clone(), |anchor| link(&function, &anchor));
    let mut lines = vec![
        format!(
            "<a id=\"{anchor}\"></a>{}: {}",
            code(&trigger.name),
            plain(trigger.comment.as_deref().unwrap_or("–"))
        ),
        String::new(),
        format!(
            "- {} {}, for each {}",
            trigger.timing,
            trigger.events.join(", "),
            trigger.level.to_lowercase()
        ),
        format!("- {}", plain(trigger.enabled.as_str())),
        format!("- calls {calls}"),
    ];
    if let Some(error) = &trigger.rust_error {
        let patterns: Vec<String> = error.patterns.iter().map(|pattern| code(pattern)).collect();
        lines.push(format!(
            "- raises SQLSTATE {}, in Rust {} (“{}”; {})",
            code(&error.sqlstate),
            patterns.join(" or "),
            plain(&error.message),
            code(&error.predicate),
        ));
    }
    lines.push(String::new());
    lines.push(block("sql", &trigger.definition));
    lines.join("\n")
}

fn partitions(relation: &Relation) -> String {
    let rows: Vec<Vec<String>> = relation
        .partitions
        .iter()
        .map(|partition| vec![code(&partition.name), code(&partition.bound)])
        .collect();
    titled("Partitions", &table(&["Name", "Rows"], &rows))
}

fn definition(relation: &Relation) -> String {
    let query = relation
        .definition
        .as_ref()
        .map(|query| block("sql", query))
        .unwrap_or_default();
    titled("Query", &query)
}

fn titled(title: &str, text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("**{title}**\n\n{text}")
    }
}
