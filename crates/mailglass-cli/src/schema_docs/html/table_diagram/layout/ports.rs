//! The points where lines leave and reach a box. Lines with different targets never share a point.

use std::collections::{BTreeMap, BTreeSet};

use super::columns::Columns;
use super::geometry::{End, FOOT, HEADER, Link, Node, Placed, ROW};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    Arrives(u8),
    Leaves(usize),
}

pub(super) struct Ports {
    /// The lines at each side of a row, from top to bottom. `true` is the right side.
    at: BTreeMap<(End, bool), Vec<Use>>,
    /// For each box, the offset of each row from the top, followed by the height of the box.
    offsets: Vec<Vec<i32>>,
}

impl Ports {
    pub(super) fn new(nodes: &[Node], links: &[Link], columns: &Columns) -> Ports {
        let mut at: BTreeMap<(End, bool), BTreeSet<Use>> = BTreeMap::new();
        for (index, link) in links.iter().enumerate() {
            let (leaves_right, arrives_right) = sides(link, columns);
            at.entry((link.from, leaves_right))
                .or_default()
                .insert(Use::Leaves(index));
            at.entry((link.to, arrives_right))
                .or_default()
                .insert(Use::Arrives(link.kind));
        }
        let lines = |end: End, is_right| at.get(&(end, is_right)).map_or(0, BTreeSet::len);
        let offsets = nodes.iter().enumerate().map(|(node, Node { rows, .. })| {
            let mut offsets = vec![HEADER];
            let mut below = HEADER;
            for row in 0..*rows {
                let end = End { node, row };
                let slots = lines(end, true).max(lines(end, false)).max(1);
                below += ROW * i32::try_from(slots).unwrap_or(1);
                offsets.push(below);
            }
            if let Some(last) = offsets.last_mut() {
                *last += FOOT;
            }
            offsets
        });
        Ports {
            offsets: offsets.collect(),
            at: at
                .into_iter()
                .map(|(key, uses)| (key, uses.into_iter().collect()))
                .collect(),
        }
    }

    pub(super) fn height(&self, node: usize) -> i32 {
        self.offsets[node].last().copied().unwrap_or_default()
    }

    /// The offsets of the middles of the rows' first lines.
    fn rows(&self, node: usize) -> impl Iterator<Item = i32> {
        let offsets = &self.offsets[node];
        offsets[..offsets.len() - 1].iter().map(|offset| offset + ROW / 2)
    }

    /// A box with its top left corner at a point.
    pub(super) fn placed(&self, node: usize, at: (i32, i32), width: i32) -> Placed {
        Placed {
            x: at.0,
            y: at.1,
            width,
            height: self.height(node),
            rows: self.rows(node).map(|offset| at.1 + offset).collect(),
        }
    }

    /// The offset at which a link leaves its box.
    pub(super) fn leaves(&self, index: usize, link: &Link, columns: &Columns) -> i32 {
        self.offset(link.from, sides(link, columns).0, Use::Leaves(index))
    }

    /// The offset at which a link reaches its box.
    pub(super) fn arrives(&self, link: &Link, columns: &Columns) -> i32 {
        self.offset(link.to, sides(link, columns).1, Use::Arrives(link.kind))
    }

    fn offset(&self, end: End, is_right: bool, wanted: Use) -> i32 {
        let uses = self.at.get(&(end, is_right));
        let slot = uses
            .and_then(|uses| uses.iter().position(|port_use| *port_use == wanted))
            .unwrap_or_default();
        self.offsets[end.node][end.row] + ROW / 2 + ROW * i32::try_from(slot).unwrap_or_default()
    }
}

/// Whether a link leaves its box on the right side, and whether it reaches its box there.
pub(super) fn sides(link: &Link, columns: &Columns) -> (bool, bool) {
    match columns.ends(link) {
        Some((from, to)) if from != to => (from < to, from > to),
        _ => (true, true),
    }
}
