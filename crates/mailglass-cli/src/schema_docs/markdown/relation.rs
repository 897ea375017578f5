//! A table or view, as Markdown.

use super::elements::{heading, paragraph};
use super::text::{block, cell, code, link, plain, table};
use crate::schema_docs::model::{Column, Docs, Index, Reference, Relation, Trigger, identifier};

pub(super) fn section(docs: &Docs, this: &Relation) -> String {
    let parts = [
        heading("table", &this.name),
        paragraph(this.comment.as_deref()) + &facts(this),
        columns(docs, this),
        references(docs, this),
        constraints(this),
        indexes(this),
        triggers(docs, this),
        partitions(this),
        definition(this),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|it| !it.is_empty()).collect();
    parts.join("\n")
}

fn facts(this: &Relation) -> String {
    let mut facts = vec![format!("- Kind: {}", this.kind.words())];
    if let Some(key) = &this.partition_key {
        facts[0] += &format!(" by {}", code(key));
    }
    if let Some(rust) = &this.rust {
        let model = rust
            .model
            .as_ref()
            .map(|it| format!("{}, ", code(it)))
            .unwrap_or_default();
        facts.push(format!("- In Rust: {model}{}", code(&rust.table)));
        facts.push(format!("- Rows are made by {}", plain(&rust.made_by)));
        let changed = rust
            .changed_by
            .as_deref()
            .map_or("Nothing changes a row".to_owned(), |it| {
                format!("Rows are changed by {}", plain(it))
            });
        facts.push(format!("- {changed}"));
    }
    if !this.options.is_empty() {
        let options: Vec<String> = this.options.iter().map(|it| code(it)).collect();
        facts.push(format!("- Storage: {}", options.join(", ")));
    }
    if this.row_security {
        facts.push("- Row level security is on".to_owned());
    }
    facts.join("\n") + "\n"
}

fn columns(docs: &Docs, this: &Relation) -> String {
    // Columns that nothing is said in are left out: a user's own tables have no models.
    let knows = this.columns.iter().any(|it| it.known.is_some());
    let rows: Vec<Vec<String>> = this.columns.iter().map(|it| column(docs, this, it, knows)).collect();
    let mut head = vec!["Column", "Type", "NULL", "Default"];
    if knows {
        head.extend(["Rust", "Diesel", "Written by"]);
    }
    head.push("Meaning");
    table(&head, &rows)
}

fn column(docs: &Docs, relation: &Relation, this: &Column, knows: bool) -> Vec<String> {
    let name = format!(
        "<a id=\"{}\"></a>{}",
        relation.name.anchor_of("column", &this.name),
        code(&this.name)
    );
    let marks = relation.key_marks(&this.name).join(", ");
    let marks = if marks.is_empty() { marks } else { format!(" {marks}") };
    let type_anchor = this.type_name.as_ref().and_then(|it| docs.type_anchor(it));
    let sql_type = code(&this.sql_type);
    let mut cells = vec![
        name + &marks,
        type_anchor.map_or(sql_type.clone(), |it| link(&sql_type, &it)),
        if this.nullable { "yes" } else { "" }.to_owned(),
        this.default_words().as_deref().map_or(String::new(), code),
    ];
    let known = this.known.as_ref();
    if knows {
        let text = |text: Option<String>| text.unwrap_or_default();
        cells.extend([
            text(known.and_then(|it| Some(code(it.rust_type.as_ref()?)))),
            text(known.map(|it| code(&it.diesel_type))),
            text(known.map(|it| format!("{}; {}", it.written_by.words(), it.changes.words()))),
        ]);
    }
    let comment = this.comment.as_deref().unwrap_or("–");
    let meaning = cell(comment);
    let personal = known.and_then(|it| it.personal_data.words());
    // Some comments say it by themselves.
    let personal = personal.filter(|_| !comment.to_lowercase().contains("personal data"));
    cells.push(personal.map_or(meaning.clone(), |it| format!("{meaning} **({it})**")));
    cells
}

fn references(docs: &Docs, this: &Relation) -> String {
    let rows: Vec<Vec<String>> = this.references.iter().map(|it| reference(docs, it)).collect();
    titled("References", &table(&["Columns", "To", "How", "Held by"], &rows))
}

fn reference(docs: &Docs, this: &Reference) -> Vec<String> {
    let list = |columns: &[String]| columns.iter().map(|it| identifier(it)).collect::<Vec<_>>().join(", ");
    let to = code(&format!("{} ({})", this.to.sql(), list(&this.to_columns)));
    let held = match &this.constraint {
        Some(constraint) => format!("{}{}", code(constraint), this.actions()),
        None => format!(
            "**no foreign key**: {}",
            cell(this.note.as_deref().unwrap_or("only the code knows it"))
        ),
    };
    vec![
        code(&list(&this.columns)),
        docs.relation_anchor(&this.to).map_or(to.clone(), |it| link(&to, &it)),
        this.cardinality(),
        held,
    ]
}

fn constraints(this: &Relation) -> String {
    let rows: Vec<Vec<String>> = this
        .constraints
        .iter()
        .map(|it| {
            let anchor = this.name.anchor_of("constraint", &it.name);
            vec![
                format!("<a id=\"{anchor}\"></a>{}", code(&it.name)),
                code(&it.definition),
                cell(it.comment.as_deref().unwrap_or_default()),
            ]
        })
        .collect();
    if this.constraints.iter().all(|it| it.comment.is_none()) {
        let rows: Vec<Vec<String>> = rows.into_iter().map(|it| it[..2].to_vec()).collect();
        return titled("Constraints", &table(&["Name", "Definition"], &rows));
    }
    titled("Constraints", &table(&["Name", "Definition", "Meaning"], &rows))
}

fn indexes(this: &Relation) -> String {
    let rows: Vec<Vec<String>> = this
        .indexes
        .iter()
        .map(|it| {
            let anchor = this.name.anchor_of("index", &it.name);
            vec![
                format!("<a id=\"{anchor}\"></a>{}", code(&it.name)),
                code(&it.words()),
                purpose(it),
            ]
        })
        .collect();
    let targets = this.indexes.iter().filter(|it| !it.keeps_constraint).filter_map(|it| {
        let lines = it.diesel_on_conflict.as_ref()?;
        let intro = format!("An insert that lets {} decide says:", code(&it.name));
        Some(format!("\n{intro}\n\n{}", block("rust", lines)))
    });
    let targets: String = targets.collect();
    titled("Indexes", &table(&["Name", "Definition", "What it is for"], &rows)) + &targets
}

fn purpose(this: &Index) -> String {
    if this.keeps_constraint {
        return "keeps the constraint of its name".to_owned();
    }
    cell(this.purpose.as_deref().unwrap_or("–"))
}

fn triggers(docs: &Docs, this: &Relation) -> String {
    let triggers: String = this.triggers.iter().map(|it| trigger(docs, this, it)).collect();
    titled("Triggers", &triggers)
}

fn trigger(docs: &Docs, relation: &Relation, this: &Trigger) -> String {
    let anchor = relation.name.anchor_of("trigger", &this.name);
    let function = code(&this.function.sql());
    let anchor_of_function = docs.trigger_function_anchor(&this.function);
    let calls = anchor_of_function.map_or(function.clone(), |it| link(&function, &it));
    let mut lines = vec![
        format!(
            "<a id=\"{anchor}\"></a>{}: {}",
            code(&this.name),
            plain(this.comment.as_deref().unwrap_or("–"))
        ),
        String::new(),
        format!(
            "- {} {}, for each {}",
            this.timing,
            this.events.join(", "),
            this.level.to_lowercase()
        ),
        format!("- {}", plain(this.enabled.words())),
        format!("- calls {calls}"),
    ];
    if let Some(error) = &this.rust_error {
        let patterns: Vec<String> = error.patterns.iter().map(|it| code(it)).collect();
        lines.push(format!(
            "- raises SQLSTATE {}, in Rust {} (“{}”; {})",
            code(&error.sqlstate),
            patterns.join(" or "),
            plain(&error.message),
            code(&error.predicate),
        ));
    }
    lines.push(String::new());
    lines.push(block("sql", &this.definition));
    lines.join("\n")
}

fn partitions(this: &Relation) -> String {
    let rows: Vec<Vec<String>> = this
        .partitions
        .iter()
        .map(|it| vec![code(&it.name), code(&it.bound)])
        .collect();
    titled("Partitions", &table(&["Name", "Rows"], &rows))
}

fn definition(this: &Relation) -> String {
    let query = this.definition.as_ref().map(|it| block("sql", it)).unwrap_or_default();
    titled("Query", &query)
}

fn titled(title: &str, text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("**{title}**\n\n{text}")
    }
}
