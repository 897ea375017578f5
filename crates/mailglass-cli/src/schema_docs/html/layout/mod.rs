//! Where the boxes and lines of the entity-relationship diagram go. Plain numbers in and out, so that it can be held to
//! its promises: no box touches another, no line crosses a box, and no label lies on either.
//!
//! Boxes stand in columns, what is referred to on the left. Lines run between the columns only; one that has to get past
//! a column has a place of its own in it. Everything is on a grid of [`ROW`], which every second column is half a row
//! off: so no line that comes from the left of a gap lies on one that comes from the right.

mod columns;
mod grid;
mod place;
mod ports;
mod route;
#[cfg(test)]
mod tests;

use columns::Columns;
use ports::Ports;

/// The height of a row, and what all heights are multiples of.
pub(crate) const ROW: i32 = 20;
/// From a box's top to its first row.
pub(crate) const HEADER: i32 = 30;
/// Below a box's last row: with [`HEADER`], a multiple of [`ROW`].
const FOOT: i32 = 10;
/// What the marks at a line's end take.
pub(crate) const MARK: i32 = 20;
/// Around everything.
const MARGIN: i32 = 12;

/// A box to place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) width: i32,
    pub(crate) rows: usize,
}

/// A row of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct End {
    pub(crate) node: usize,
    pub(crate) row: usize,
}

/// A line to draw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) from: End,
    pub(crate) to: End,
    /// Lines of the same kind to the same row arrive as one.
    pub(crate) kind: u8,
    /// The width of the label at its beginning; zero for none.
    pub(crate) label: i32,
}

/// Where everything is.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) width: i32,
    pub(crate) height: i32,
    pub(crate) boxes: Vec<Placed>,
    pub(crate) routes: Vec<Route>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Placed {
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) width: i32,
    pub(crate) height: i32,
    /// The middle of each row's first line.
    pub(crate) rows: Vec<i32>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Route {
    /// From the referring box's side to the other's; each step is level or upright.
    pub(crate) points: Vec<(i32, i32)>,
    /// Where the label's line begins.
    pub(crate) label: Option<(i32, i32)>,
}

/// Places boxes and lines. Links must name rows that are there.
pub(crate) fn layout(nodes: &[Node], links: &[Link]) -> Layout {
    let mut is_linked = vec![false; nodes.len()];
    for link in links.iter().filter(|it| it.from.node != it.to.node) {
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
    let tops = place::tops(&columns, &ports, links);
    route::draw(nodes, links, &columns, &ports, &tops, &mut layout);
    grid::fill(nodes, links, &is_linked, &ports, &mut layout);
    layout
}

impl Placed {
    fn new(node: usize, at: (i32, i32), width: i32, ports: &Ports) -> Placed {
        Placed {
            x: at.0,
            y: at.1,
            width,
            height: ports.height(node),
            rows: ports.rows(node).map(|offset| at.1 + offset).collect(),
        }
    }
}
