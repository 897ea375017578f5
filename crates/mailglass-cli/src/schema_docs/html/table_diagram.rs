//! The entity-relationship diagram, as inline SVG.

use maud::{Markup, html};

use crate::schema_docs::model::{Docs, Reference, Relation};
mod layout;
mod line_style;
mod table_box;

use super::elements::own_link;
use super::svg_text::{cut, fitting, width_of};
use crate::output::count;
use layout::{End, Layout, Link, Node, Placed, layout};
use line_style::{ends, legend, rounded};
use table_box::{LETTERS, PAD, TableBox};

/// With more tables than this, boxes show only keys.
const MANY: usize = 30;

pub(super) fn diagram(docs: &Docs) -> Markup {
    let relations: Vec<&Relation> = docs.relations.iter().filter(|relation| !relation.is_view()).collect();
    let is_short = relations.len() > MANY;
    let tables: Vec<TableBox<'_>> = relations
        .iter()
        .map(|relation| TableBox::new(docs, relation, is_short))
        .collect();
    let note = if is_short { "no FK" } else { "no foreign key" };
    let lines = lines(&tables, note);
    let nodes = tables.iter().map(|table| Node {
        width: table.width,
        rows: table.rows.len(),
    });
    let links: Vec<Link> = lines.iter().map(|(_, _, link)| *link).collect();
    let placed = layout(&nodes.collect::<Vec<_>>(), &links);
    html! {
        section #diagram.flow {
            h2 { "Tables and references" (own_link("diagram")) }
            p.lead {
                "Each box is a table"
                @if is_short { ", with only its keys" }
                ". Its name and its columns are links. Each line leads from a referencing column to the referenced column."
            }
            (legend())
            div.wide.figure role="region" tabindex="0" aria-label="Diagram of the tables" {
                (svg(&tables, &lines, note, &placed))
            }
        }
    }
}

/// The references between the tables of the docs, each with the referring table and its line.
fn lines<'a>(tables: &[TableBox<'a>], note: &str) -> Vec<(&'a Relation, &'a Reference, Link)> {
    let end = |node: usize, columns: &[String]| {
        let rows = &tables[node].rows;
        let row = rows.iter().position(|row| columns.first() == Some(&row.column.name));
        (!rows.is_empty()).then(|| End {
            node,
            row: row.unwrap_or_default(),
        })
    };
    let mut lines = Vec::new();
    for (node, table) in tables.iter().enumerate() {
        for reference in &table.relation.references {
            let target = tables.iter().position(|table| table.relation.name == reference.to);
            let ends = target.and_then(|target_node| {
                Some((end(node, &reference.columns)?, end(target_node, &reference.to_columns)?))
            });
            if let Some((from, to)) = ends {
                let kind = u8::from(reference.is_logical()) * 2 + u8::from(reference.optional);
                let label = if reference.is_logical() {
                    width_of(note) * 10 / 12 + 2
                } else {
                    0
                };
                lines.push((table.relation, reference, Link { from, to, kind, label }));
            }
        }
    }
    lines
}

fn svg(tables: &[TableBox<'_>], lines: &[(&Relation, &Reference, Link)], note: &str, layout: &Layout) -> Markup {
    let (width, height) = (layout.width, layout.height);
    let title = format!("{} and their references", count(tables.len(), "table", "tables"));
    html! {
        svg.er role="group" aria-labelledby="diagram-title diagram-about" style=(fitting(width))
            viewBox={ "0 0 " (width) " " (height) } {
            title #diagram-title { (title) }
            desc #diagram-about { "The section “References” of each table has the same information as text." }
            @for ((relation, reference, link), route) in lines.iter().zip(&layout.routes) {
                g.l.d[reference.is_logical()] {
                    title { (sentence(relation, reference)) }
                    path d=(rounded(&route.points)) {}
                    path.m d=(ends(&route.points, reference)) {}
                    @if let Some((x, y)) = route.label {
                        text.label x=(x) y=(y - 4) textLength=(link.label - 2) { (note) }
                    }
                }
            }
            @for (table, placed) in tables.iter().zip(&layout.boxes) { (draw(table, placed)) }
        }
    }
}

fn draw(table: &TableBox<'_>, placed: &Placed) -> Markup {
    let name = &table.relation.name;
    let Placed {
        x, y, width, height, ..
    } = placed;
    let shown = cut(&name.plain(), LETTERS);
    html! {
        g {
            rect.box x=(x) y=(y) width=(width) height=(height) rx="6" {}
            a href={ "#" (name.anchor("table")) } {
                @if shown != name.plain() { title { (name.plain()) } }
                path.head d={ "M" (x) " " (y + 26) "v-20q0-6 6-6h" (width - 12) "q6 0 6 6v20z" } {}
                text.name x=(x + PAD) y=(y + 18) { (shown) }
            }
            @for (row, middle) in table.rows.iter().zip(&placed.rows) {
                @let shown = cut(&row.column.name, LETTERS);
                a href={ "#" (name.anchor_of("column", &row.column.name)) } tabindex="-1" {
                    @if shown != row.column.name { title { (row.column.name) } }
                    text y=(middle + 4) {
                        @if !row.marks.is_empty() { tspan.k x=(x + PAD) { (row.marks) } }
                        tspan x=(x + PAD + table.marks) { (shown) }
                        tspan.t x=(x + width - PAD) { (row.sql_type) }
                    }
                }
            }
        }
    }
}

/// A reference as a sentence.
fn sentence(relation: &Relation, reference: &Reference) -> String {
    let (from, to) = (relation.name.plain(), reference.to.plain());
    let how = match &reference.constraint {
        Some(name) => name.as_str(),
        None => "no foreign key",
    };
    format!(
        "{from} ({}) → {to} ({}): {how}",
        reference.columns.join(", "),
        reference.to_columns.join(", ")
    )
}
