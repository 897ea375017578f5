//! The layout of the entity-relationship diagram. Input and output are plain numbers, so that property tests can check
//! it: no box touches another, no line crosses a box, and no label overlaps a box or a label.
//!
//! Boxes are in columns, with referenced tables to the left of the tables that refer to them. Lines run between the
//! columns; a line that passes a column has a slot of its own there. Everything is on a grid of `ROW`. Every second column
//! is shifted by half a row, so that a line from the left of a gap never overlaps one from the right.

mod columns;
mod geometry;
mod ports;
mod routes;
#[cfg(test)]
mod tests;
mod tops;
mod unlinked;

pub(crate) use geometry::{End, Layout, Link, MARK, Node, Placed};

use columns::Columns;
use geometry::{MARGIN, Route};
use ports::Ports;

/// Places boxes and lines. The rows of all links must exist.
pub(crate) fn layout(nodes: &[Node], links: &[Link]) -> Layout {
    let mut is_linked = vec![false; nodes.len()];
    for link in links.iter().filter(|link| link.from.node != link.to.node) {
        is_linked[link.from.node] = true;
        is_linked[link.to.node] = true;
    }
    let columns = Columns::new(nodes, links, &is_linked);
    let ports = Ports::new(nodes, links, &columns);
    let mut layout = Layout {
        width: 2 * MARGIN,
        height: 2 * MARGIN,
        boxes: vec![Placed::default(); nodes.len()],
        routes: vec![Route::default(); links.len()],
    };
    let tops = tops::tops(&columns, &ports, links);
    routes::draw(nodes, links, &columns, &ports, &tops, &mut layout);
    unlinked::place(nodes, links, &is_linked, &ports, &mut layout);
    layout
}
