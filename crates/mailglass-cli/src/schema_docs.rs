//! Schema docs: a model of a migrated database, written in several formats.

mod anchors;
mod behaviour;
mod catalog;
mod column_facts;
mod conflict_target;
mod dbml;
mod display;
mod html;
mod join;
mod json;
mod lint;
mod markdown;
mod mermaid;
pub(crate) mod model;
mod overview;
mod selection;

use diesel::PgConnection;

pub(crate) use catalog::ReadError;
pub(crate) use lint::{MissingNote, lint};
pub(crate) use selection::Selection;

use model::Docs;

/// Reads the selected relations and joins them with the facts that only the crate knows.
pub(crate) fn read(conn: &mut PgConnection, selection: &Selection, title: Option<String>) -> Result<Docs, ReadError> {
    Ok(join::join(catalog::read(conn, selection)?, title))
}

/// All files, as names and texts.
pub(crate) fn render(docs: &Docs) -> serde_json::Result<Vec<(&'static str, String)>> {
    Ok(vec![
        ("README.md", markdown::markdown(docs)),
        ("index.html", html::html(docs)),
        ("schema.json", json::json(docs)?),
        (json::SCHEMA_FILE, json::json_schema()?),
        ("schema.dbml", dbml::dbml(docs)),
    ])
}
