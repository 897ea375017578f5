//! `README.md`: the docs for a code host.

mod behaviour;
mod elements;
mod relation;
mod text;
mod types;

use super::mermaid;
use super::model::Docs;
use text::{block, cell, code, link, plain, table};

pub(crate) fn markdown(docs: &Docs) -> String {
    let mut parts = vec![head(docs)];
    if let Some(overview) = &docs.overview {
        parts.push(overview.introduction.clone());
        parts.push(format!("## Guarantees\n\n{}", overview.guarantees));
    }
    parts.push(contents(docs));
    parts.push(format!("## Tables and references\n\n{}", entities(docs)));
    if let Some(behaviour) = &docs.behaviour {
        parts.push(behaviour::section(docs, behaviour));
    }
    parts.push("## Tables\n".to_owned());
    parts.extend(docs.relations.iter().map(|relation| relation::section(docs, relation)));
    if !docs.enums.is_empty() || !docs.domains.is_empty() {
        parts.push("## Types\n".to_owned());
        parts.extend(docs.enums.iter().map(|enum_type| types::enum_type(docs, enum_type)));
        parts.extend(docs.domains.iter().map(types::domain));
    }
    if !docs.functions.is_empty() {
        parts.push("## Functions\n".to_owned());
        parts.extend(
            docs.anchored_functions()
                .iter()
                .map(|(function, anchor)| types::function(function, anchor)),
        );
    }
    parts.join("\n")
}

fn head(docs: &Docs) -> String {
    let beside =
        "[index.html](index.html) (to browse), [schema.json](schema.json) (for programs), [schema.dbml](schema.dbml)";
    format!(
        "# {}\n\nWritten by `mailglass docs` ({} {}) from a migrated database; do not edit. Other formats: {beside}.\n",
        plain(&docs.title),
        docs.generator.name,
        docs.generator.version,
    )
}

fn contents(docs: &Docs) -> String {
    let relations = docs.relations.iter().map(|relation| {
        vec![
            link(&code(&relation.name.plain()), &relation.name.anchor("table")),
            relation.kind.as_str().to_owned(),
            cell(relation.comment.as_deref().unwrap_or("–")),
        ]
    });
    let enums = docs
        .enums
        .iter()
        .map(|enum_type| (&enum_type.name, "enum", &enum_type.comment));
    let domains = docs
        .domains
        .iter()
        .map(|domain| (&domain.name, "domain", &domain.comment));
    let types = enums.chain(domains).map(|(name, kind, comment)| {
        vec![
            link(&code(&name.plain()), &name.anchor("type")),
            kind.to_owned(),
            cell(comment.as_deref().unwrap_or("–")),
        ]
    });
    let rows: Vec<Vec<String>> = relations.chain(types).collect();
    format!("## Contents\n\n{}", table(&["Name", "Kind", "Description"], &rows))
}

fn entities(docs: &Docs) -> String {
    let logical = docs
        .relations
        .iter()
        .flat_map(|relation| &relation.references)
        .any(|reference| reference.is_logical());
    let legend = if logical {
        "A dashed line is a reference without a foreign key.\n"
    } else {
        ""
    };
    format!("{}\n{legend}", block("mermaid", &mermaid::entities(docs)))
}
