//! Where the boxes and lines of the entity-relationship diagram go. Plain numbers in and out, so that it can be held to
//! its promises: no box touches another, no line crosses a box, and no label lies on either.
//!
//! Boxes stand in columns, what is referred to on the left. Lines run between the columns only; one that has to get past
//! a column has a place of its own in it. Everything is on a grid of [`ROW`], which every second column is half a row
//! off: so no line that comes from the left of a gap lies on one that comes from the right.

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

/// Places boxes and lines. Links must name rows that are there.
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
