//! The docs as one HTML page that needs nothing else: no network, no other file, and no JavaScript to be read.

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

/// The page, the same bytes for the same docs.
pub(crate) fn html(docs: &Docs) -> String {
    page::page(docs).into_string()
}

#[cfg(test)]
mod tests;
