//! `schema.dbml`, for dbdiagram and similar tools. Facts that DBML can't express are notes: a partial index is not marked as
//! unique, and a logical reference is not a `Ref`, because DBML's tools would create a foreign key from it.

mod text;

use super::model::{Column, ConstraintKind, Docs, Enum, Index, Label, Name, Reference, Relation};
use text::{expression_of, name, one_line, quoted, quoted_unless_word, string};

pub(crate) fn dbml(docs: &Docs) -> String {
    let note = string(&format!(
        "{}. Written by {} {}.",
        docs.title, docs.generator.name, docs.generator.version
    ));
    let mut text = format!(
        "Project {} {{\n  database_type: 'PostgreSQL'\n  Note: {note}\n}}\n",
        quoted(&docs.title)
    );
    for enum_type in &docs.enums {
        text += &enum_block(enum_type);
    }
    for relation in &docs.relations {
        text += &table(docs, relation);
    }
    for relation in &docs.relations {
        for reference in &relation.references {
            text += &reference_line(docs, relation, reference);
        }
    }
    text
}

fn enum_block(enum_type: &Enum) -> String {
    // DBML supports neither empty labels nor enums without labels.
    let labels: Vec<&Label> = enum_type
        .labels
        .iter()
        .filter(|label| !label.label.is_empty())
        .collect();
    if labels.is_empty() {
        return format!("\n// DBML has no enums without labels: {}\n", name(&enum_type.name));
    }
    let mut text = format!("\nEnum {} {{\n", name(&enum_type.name));
    if labels.len() < enum_type.labels.len() {
        text += "  // the empty label is omitted\n";
    }
    for label in labels {
        text += &format!("  {}", quoted(&label.label));
        if let Some(meaning) = &label.meaning {
            text += &format!(" [note: {}]", string(meaning));
        }
        text.push('\n');
    }
    text + "}\n"
}

fn table(docs: &Docs, relation: &Relation) -> String {
    if relation.columns.is_empty() {
        return format!("\n// DBML has no tables without columns: {}\n", name(&relation.name));
    }
    let mut text = format!("\nTable {} {{\n", name(&relation.name));
    for column in &relation.columns {
        text += &column_line(docs, relation, column);
    }
    let key = relation.primary_key();
    // A primary key of one column is a setting of the column.
    let indexes = relation
        .indexes
        .iter()
        .filter(|index| key.is_none_or(|key| key.columns.len() > 1 || key.name != index.name));
    let indexes: String = indexes
        .map(|index| index_line(index, key.is_some_and(|key| key.name == index.name)))
        .collect();
    if !indexes.is_empty() {
        text += &format!("\n  indexes {{\n{indexes}  }}\n");
    }
    let checks = relation
        .constraints
        .iter()
        .filter(|constraint| constraint.kind == ConstraintKind::Check);
    let checks: Vec<String> = checks
        .map(|check| {
            let expression = check.definition.strip_prefix("CHECK ").and_then(expression_of);
            match expression {
                Some(expression) => format!("    {expression} [name: {}]\n", string(&check.name)),
                None => format!("    // {}: {}\n", one_line(&check.name), one_line(&check.definition)),
            }
        })
        .collect();
    if !checks.is_empty() {
        text += &format!("\n  checks {{\n{}  }}\n", checks.concat());
    }
    if let Some(note) = table_note(relation) {
        text += &format!("\n  Note: {}\n", string(&note));
    }
    text + "}\n"
}

/// The comment, preceded by the kind of the relation if it is no plain table.
fn table_note(relation: &Relation) -> Option<String> {
    let kind = (relation.is_view() || relation.partition_key.is_some()).then(|| {
        let key = relation.partition_key.as_ref();
        let by = key.map(|key| format!(" by {key}")).unwrap_or_default();
        format!("A {}{by}.", relation.kind.as_str())
    });
    let parts: Vec<String> = kind.into_iter().chain(relation.comment.clone()).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn column_line(docs: &Docs, relation: &Relation, column: &Column) -> String {
    let mut settings = Vec::new();
    if relation
        .primary_key()
        .is_some_and(|key| key.columns == [column.name.clone()])
    {
        settings.push("pk".to_owned());
    } else if relation.is_unique(&column.name) {
        settings.push("unique".to_owned());
    }
    if column.identity.is_some() {
        settings.push("increment".to_owned());
    }
    settings.push(if column.nullable { "null" } else { "not null" }.to_owned());
    if let Some(default) = column.default.as_deref().and_then(expression_of) {
        settings.push(format!("default: {default}"));
    }
    let mut notes: Vec<String> = column.comment.iter().cloned().collect();
    if let Some(expression) = &column.generated {
        notes.push(format!("Generated: {expression}."));
    }
    let refers = |reference: &&Reference| reference.is_logical() && reference.columns == [column.name.clone()];
    for reference in relation.references.iter().filter(refers) {
        let to = format!("{}.{}", reference.to.sql(), reference.to_columns.join(", "));
        notes.push(format!("Logical reference to {to}: no foreign key."));
    }
    if !notes.is_empty() {
        settings.push(format!("note: {}", string(&notes.join(" "))));
    }
    // An enum of the docs is written by name, so that DBML links it.
    let held = column
        .type_name
        .as_ref()
        .filter(|name_| docs.enum_type(name_).is_some());
    let sql_type = match held {
        Some(held) if !column.sql_type.ends_with("[]") => name(held),
        _ => quoted_unless_word(&column.sql_type),
    };
    format!(
        "  {} {sql_type} [{}]\n",
        quoted_unless_word(&column.name),
        settings.join(", ")
    )
}

fn index_line(index: &Index, is_primary_key: bool) -> String {
    let keys: Option<Vec<String>> = index
        .keys
        .iter()
        .map(|key| match &key.column {
            Some(column) => Some(quoted_unless_word(column)),
            None => expression_of(&key.expression),
        })
        .collect();
    let Some(keys) = keys else {
        return format!("    // {}: {}\n", one_line(&index.name), one_line(&index.summary()));
    };
    let keys = match keys.as_slice() {
        [key] => key.clone(),
        several => format!("({})", several.join(", ")),
    };
    let mut settings = vec![format!("name: {}", string(&index.name))];
    if is_primary_key {
        settings.push("pk".to_owned());
    } else if index.unique && index.predicate.is_none() {
        settings.push("unique".to_owned());
    }
    let purpose = index.purpose.iter().cloned();
    let note: Vec<String> = purpose.chain([format!("{}.", index.summary())]).collect();
    settings.push(format!("note: {}", string(&note.join(" "))));
    format!("    {keys} [{}]\n", settings.join(", "))
}

fn reference_line(docs: &Docs, relation: &Relation, reference: &Reference) -> String {
    let side = |table: &Name, columns: &[String]| {
        let columns: Vec<String> = columns.iter().map(|column| quoted_unless_word(column)).collect();
        match columns.as_slice() {
            [column] => format!("{}.{column}", name(table)),
            several => format!("{}.({})", name(table), several.join(", ")),
        }
    };
    let arrow = if reference.unique { "-" } else { ">" };
    let (from, to) = (
        side(&relation.name, &reference.columns),
        side(&reference.to, &reference.to_columns),
    );
    let Some(constraint) = &reference.constraint else {
        return format!(
            "\n// Logical reference, without a foreign key: {}\n",
            one_line(&format!("{from} {arrow} {to}"))
        );
    };
    if docs.relation(&reference.to).is_none() {
        return format!(
            "\n// Reference to a table outside these docs: {}\n",
            one_line(&format!("{from} {arrow} {to}"))
        );
    }
    let actions = [("delete", &reference.on_delete), ("update", &reference.on_update)];
    let actions = actions.into_iter().filter_map(|(event, action)| {
        let action = action.as_deref().filter(|action| *action != "NO ACTION")?;
        Some(format!("{event}: {}", action.to_lowercase()))
    });
    let settings = actions.collect::<Vec<_>>().join(", ");
    let settings = if settings.is_empty() {
        settings
    } else {
        format!(" [{settings}]")
    };
    format!(
        "\nRef {}: {from} {arrow} {to}{settings}\n",
        quoted_unless_word(constraint)
    )
}
