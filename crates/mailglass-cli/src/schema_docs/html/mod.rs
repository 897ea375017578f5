//! The docs as one HTML page that needs nothing else: no network, no other file, and no JavaScript to be read.

mod behaviour;
mod boxes;
mod columns;
mod diagram;
mod ladder;
mod layout;
mod lines;
mod page;
mod parts;
mod relation;
mod states;
mod text;
mod triggers;
mod types;

use super::model::Docs;

/// The page, the same bytes for the same docs.
pub(crate) fn html(docs: &Docs) -> String {
    page::page(docs).into_string()
}

#[cfg(test)]
mod tests;
