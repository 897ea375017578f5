//! The rows and the width of a box of the diagram.

use crate::schema_docs::html::svg_text::{cut, width_of};
use crate::schema_docs::model::{Column, Docs, Relation};

/// The maximum number of letters of a name.
pub(super) const LETTERS: usize = 34;
/// The distance from the side of a box to its text.
pub(super) const PAD: i32 = 9;

pub(super) struct Row<'a> {
    pub(super) column: &'a Column,
    pub(super) marks: String,
    pub(super) sql_type: String,
}

pub(super) struct TableBox<'a> {
    pub(super) relation: &'a Relation,
    pub(super) rows: Vec<Row<'a>>,
    /// The width of the column of marks.
    pub(super) marks: i32,
    pub(super) width: i32,
}

impl<'a> TableBox<'a> {
    pub(super) fn new(docs: &Docs, relation: &'a Relation, is_short: bool) -> TableBox<'a> {
        let rows: Vec<Row<'a>> = relation
            .columns
            .iter()
            .map(|column| Row {
                column,
                marks: marks(relation, &column.name),
                sql_type: cut(&column.short_type(), 25),
            })
            .filter(|row| !is_short || is_key(&row.marks) || is_referred_to(docs, relation, &row.column.name))
            .collect();
        let widest = |text: &dyn Fn(&Row<'a>) -> i32| rows.iter().map(text).max().unwrap_or_default();
        let marks = widest(&|row| width_of(&row.marks)) * 9 / 12 + 8;
        let names = widest(&|row| width_of(&cut(&row.column.name, LETTERS)));
        let types = widest(&|row| width_of(&row.sql_type));
        let title = width_of(&cut(&relation.name.plain(), LETTERS));
        TableBox {
            relation,
            marks,
            width: (title + 2 * PAD + 6).max(marks + names + types + 2 * PAD + 14),
            rows,
        }
    }
}

/// The keys and indexes of a column, as abbreviations.
fn marks(relation: &Relation, column: &str) -> String {
    let mut marks = relation.key_marks(column);
    marks.retain(|mark| *mark != "UK");
    if marks.is_empty() {
        let leads = |unique: bool| {
            let indexes = relation.indexes.iter().filter(|index| index.unique == unique);
            let mut firsts = indexes.filter_map(|index| index.keys.first()?.column.as_ref());
            firsts.any(|leading| leading == column)
        };
        if leads(true) {
            marks.push("U");
        } else if leads(false) {
            marks.push("IX");
        }
    }
    marks.join(" ")
}

fn is_key(marks: &str) -> bool {
    marks.split(' ').any(|mark| ["PK", "FK", "LR"].contains(&mark))
}

fn is_referred_to(docs: &Docs, relation: &Relation, column: &str) -> bool {
    let references = docs.relations.iter().flat_map(|relation| &relation.references);
    let mut references = references.filter(|reference| reference.to == relation.name);
    references.any(|reference| reference.to_columns.iter().any(|target| target == column))
}
