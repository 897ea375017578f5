//! Schema docs: one model of a migrated database, and its renderings.

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

/// Reads what a selection takes and joins it with what the crate knows.
pub(crate) fn read(conn: &mut PgConnection, selection: &Selection, title: Option<String>) -> Result<Docs, ReadError> {
    Ok(join::join(catalog::read(conn, selection)?, title))
}

/// Every rendering: the file's name and its text.
pub(crate) fn render(docs: &Docs) -> serde_json::Result<Vec<(&'static str, String)>> {
    Ok(vec![
        ("README.md", markdown::markdown(docs)),
        ("index.html", html::html(docs)),
        ("schema.json", json::json(docs)?),
        (json::SCHEMA_FILE, json::json_schema()?),
        ("schema.dbml", dbml::dbml(docs)),
    ])
}
