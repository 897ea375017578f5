//! The numbers that go into the layout and come out of it.

/// The height of a row, and what all heights are multiples of.
pub(crate) const ROW: i32 = 20;
/// From a box's top to its first row.
pub(crate) const HEADER: i32 = 30;
/// Below a box's last row: with [`HEADER`], a multiple of [`ROW`].
pub(super) const FOOT: i32 = 10;
/// What the marks at a line's end take.
pub(crate) const MARK: i32 = 20;
/// Around everything.
pub(super) const MARGIN: i32 = 12;

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
