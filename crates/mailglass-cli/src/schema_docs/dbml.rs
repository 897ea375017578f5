//! DBML, for dbdiagram and its kin. What DBML can't say stands in notes, so that nothing in it is false: a partial index is
//! not called unique, and a reference without a foreign key is no `Ref`, from which DBML's tools would make a foreign key.

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
    for it in &docs.enums {
        text += &enum_type(it);
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

fn enum_type(this: &Enum) -> String {
    // DBML has no word for an empty label, nor a type without labels.
    let labels: Vec<&Label> = this.labels.iter().filter(|it| !it.label.is_empty()).collect();
    if labels.is_empty() {
        return format!("\n// DBML has no enum without labels: {}\n", name(&this.name));
    }
    let mut text = format!("\nEnum {} {{\n", name(&this.name));
    if labels.len() < this.labels.len() {
        text += "  // and the empty label\n";
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
        return format!("\n// DBML has no table without columns: {}\n", name(&relation.name));
    }
    let mut text = format!("\nTable {} {{\n", name(&relation.name));
    for it in &relation.columns {
        text += &column(docs, relation, it);
    }
    let key = relation.primary_key();
    // A key of one column stands with the column.
    let indexes = relation
        .indexes
        .iter()
        .filter(|it| key.is_none_or(|key| key.columns.len() > 1 || key.name != it.name));
    let indexes: String = indexes
        .map(|it| index(it, key.is_some_and(|key| key.name == it.name)))
        .collect();
    if !indexes.is_empty() {
        text += &format!("\n  indexes {{\n{indexes}  }}\n");
    }
    let checks = relation
        .constraints
        .iter()
        .filter(|it| it.kind == ConstraintKind::Check);
    let checks: Vec<String> = checks
        .map(|it| {
            let expression = it.definition.strip_prefix("CHECK ").and_then(expression_of);
            match expression {
                Some(expression) => format!("    {expression} [name: {}]\n", string(&it.name)),
                None => format!("    // {}: {}\n", one_line(&it.name), one_line(&it.definition)),
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

/// The comment, and what makes it no plain table.
fn table_note(relation: &Relation) -> Option<String> {
    let kind = (relation.is_view() || relation.partition_key.is_some()).then(|| {
        let key = relation.partition_key.as_ref();
        let by = key.map(|it| format!(" by {it}")).unwrap_or_default();
        format!("A {}{by}.", relation.kind.words())
    });
    let parts: Vec<String> = kind.into_iter().chain(relation.comment.clone()).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn column(docs: &Docs, relation: &Relation, this: &Column) -> String {
    let mut settings = Vec::new();
    if relation
        .primary_key()
        .is_some_and(|it| it.columns == [this.name.clone()])
    {
        settings.push("pk".to_owned());
    } else if relation.is_unique(&this.name) {
        settings.push("unique".to_owned());
    }
    if this.identity.is_some() {
        settings.push("increment".to_owned());
    }
    settings.push(if this.nullable { "null" } else { "not null" }.to_owned());
    if let Some(default) = this.default.as_deref().and_then(expression_of) {
        settings.push(format!("default: {default}"));
    }
    let mut notes: Vec<String> = this.comment.iter().cloned().collect();
    if let Some(expression) = &this.generated {
        notes.push(format!("Generated: {expression}."));
    }
    let refers = |it: &&Reference| it.is_logical() && it.columns == [this.name.clone()];
    for reference in relation.references.iter().filter(refers) {
        let to = format!("{}.{}", reference.to.sql(), reference.to_columns.join(", "));
        notes.push(format!("Logical reference to {to}: no foreign key."));
    }
    if !notes.is_empty() {
        settings.push(format!("note: {}", string(&notes.join(" "))));
    }
    // An enum of these docs goes by its name, so that DBML links it.
    let held = this.type_name.as_ref().filter(|it| docs.enum_type(it).is_some());
    let sql_type = match held {
        Some(held) if !this.sql_type.ends_with("[]") => name(held),
        _ => quoted_unless_word(&this.sql_type),
    };
    format!(
        "  {} {sql_type} [{}]\n",
        quoted_unless_word(&this.name),
        settings.join(", ")
    )
}

fn index(this: &Index, is_primary_key: bool) -> String {
    let keys: Option<Vec<String>> = this
        .keys
        .iter()
        .map(|it| match &it.column {
            Some(column) => Some(quoted_unless_word(column)),
            None => expression_of(&it.expression),
        })
        .collect();
    let Some(keys) = keys else {
        return format!("    // {}: {}\n", one_line(&this.name), one_line(&this.words()));
    };
    let keys = match keys.as_slice() {
        [key] => key.clone(),
        several => format!("({})", several.join(", ")),
    };
    let mut settings = vec![format!("name: {}", string(&this.name))];
    if is_primary_key {
        settings.push("pk".to_owned());
    } else if this.unique && this.predicate.is_none() {
        settings.push("unique".to_owned());
    }
    let purpose = this.purpose.iter().cloned();
    let note: Vec<String> = purpose.chain([format!("{}.", this.words())]).collect();
    settings.push(format!("note: {}", string(&note.join(" "))));
    format!("    {keys} [{}]\n", settings.join(", "))
}

fn reference_line(docs: &Docs, relation: &Relation, reference: &Reference) -> String {
    let side = |table: &Name, columns: &[String]| {
        let columns: Vec<String> = columns.iter().map(|it| quoted_unless_word(it)).collect();
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
            "\n// No foreign key, so no Ref: {}\n",
            one_line(&format!("{from} {arrow} {to}"))
        );
    };
    if docs.relation(&reference.to).is_none() {
        return format!(
            "\n// To a table outside: {}\n",
            one_line(&format!("{from} {arrow} {to}"))
        );
    }
    let actions = [("delete", &reference.on_delete), ("update", &reference.on_update)];
    let actions = actions.into_iter().filter_map(|(event, action)| {
        let action = action.as_deref().filter(|it| *it != "NO ACTION")?;
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
