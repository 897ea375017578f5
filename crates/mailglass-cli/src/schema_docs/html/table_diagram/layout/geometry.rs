//! The input and output of the layout.

/// The height of a row. All heights are multiples of it.
pub(crate) const ROW: i32 = 20;
/// The distance from the top of a box to its first row.
pub(crate) const HEADER: i32 = 30;
/// The space below the last row of a box. Together with [`HEADER`], it is a multiple of [`ROW`].
pub(super) const FOOT: i32 = 10;
/// The space for the marks at the end of a line.
pub(crate) const MARK: i32 = 20;
/// The margin of the picture.
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
    /// Lines of the same kind to the same row arrive as one line.
    pub(crate) kind: u8,
    /// The width of the label at the start; zero if there is none.
    pub(crate) label: i32,
}

/// The positions of all boxes and lines.
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
    /// The middles of the rows' first lines.
    pub(crate) rows: Vec<i32>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Route {
    /// From the side of the referring box to the side of the other; each step is horizontal or vertical.
    pub(crate) points: Vec<(i32, i32)>,
    /// The start of the line below the label.
    pub(crate) label: Option<(i32, i32)>,
}
