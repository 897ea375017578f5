//! `index.html`: the docs as one page that loads nothing and is readable without JavaScript.

mod behaviour;
mod columns;
mod constraints;
mod elements;
mod indexes;
mod markdown;
mod orphan_diagram;
mod page;
mod references;
mod relation;
mod status_diagram;
mod svg_text;
mod table_diagram;
mod triggers;
mod types;

use super::model::Docs;

/// The page. The same docs give the same bytes.
pub(crate) fn html(docs: &Docs) -> String {
    page::page(docs).into_string()
}

#[cfg(test)]
mod tests;
