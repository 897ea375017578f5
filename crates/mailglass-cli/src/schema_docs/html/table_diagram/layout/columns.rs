//! The column of each box, and the lines that pass through each column.

use std::collections::{BTreeMap, BTreeSet};

use super::geometry::{End, FOOT, HEADER, Link, Node, ROW};

/// Lines that arrive as one: the row, the side (`true` is the right one) and the kind.
pub(super) type Net = (End, bool, u8);

/// An item that needs space in a column: a box, or lines that pass through.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Item {
    Box(usize),
    Pass(Net, usize),
}

pub(super) struct Columns {
    /// From left to right. The order within a column is not final.
    pub(super) items: Vec<Vec<Item>>,
    /// The column of each box. `None` for boxes without links to other boxes.
    pub(super) of: Vec<Option<usize>>,
}

impl Columns {
    pub(super) fn new(nodes: &[Node], links: &[Link], is_linked: &[bool]) -> Columns {
        let levels = levels(nodes.len(), links);
        let mut by_level: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for node in (0..nodes.len()).filter(|node| is_linked[*node]) {
            by_level.entry(levels[node]).or_default().push(node);
        }
        let mut columns = Columns {
            items: Vec::new(),
            of: vec![None; nodes.len()],
        };
        let limit = tallest(nodes, is_linked);
        let first_target = |node: usize| links.iter().find(|link| link.from.node == node).map(|link| link.to);
        for mut level in by_level.into_values() {
            // Boxes with the same target stay together if the level is split.
            level.sort_by_key(|node| (first_target(*node), *node));
            let total: i32 = level.iter().map(|node| height(&nodes[*node])).sum();
            let pieces = (total / limit).max(1);
            let (mut filled, mut piece) = (0, Vec::new());
            for node in level {
                if filled >= total / pieces {
                    columns.push(std::mem::take(&mut piece));
                    filled = 0;
                }
                filled += height(&nodes[node]);
                piece.push(node);
            }
            columns.push(piece);
        }
        columns.add_passes(links);
        columns
    }

    fn push(&mut self, nodes: Vec<usize>) {
        for node in &nodes {
            self.of[*node] = Some(self.items.len());
        }
        self.items.push(nodes.into_iter().map(Item::Box).collect());
    }

    fn add_passes(&mut self, links: &[Link]) {
        let mut passes: BTreeSet<(usize, Item)> = BTreeSet::new();
        for link in links {
            let (Some((from, to)), Some(net)) = (self.ends(link), self.net(link)) else {
                continue;
            };
            for column in from.min(to) + 1..from.max(to) {
                passes.insert((column, Item::Pass(net, column)));
            }
        }
        for (column, pass) in passes {
            self.items[column].push(pass);
        }
    }

    /// The columns of both ends of a link.
    pub(super) fn ends(&self, link: &Link) -> Option<(usize, usize)> {
        Some((self.of[link.from.node]?, self.of[link.to.node]?))
    }

    /// The lines with which a link arrives. A link from a box to itself arrives at the right side.
    pub(super) fn net(&self, link: &Link) -> Option<Net> {
        let (from, to) = self.ends(link)?;
        Some((link.to, from >= to, link.kind))
    }
}

fn height(node: &Node) -> i32 {
    let rows = i32::try_from(node.rows).unwrap_or(i32::MAX / ROW / 4);
    HEADER + FOOT + ROW * (rows + 2)
}

/// The height above which a column is split, so that the picture is about one and a half times as wide as high.
fn tallest(nodes: &[Node], is_linked: &[bool]) -> i32 {
    let linked = || {
        nodes
            .iter()
            .zip(is_linked)
            .filter(|(_, linked)| **linked)
            .map(|(node, _)| node)
    };
    let area: f64 = linked()
        .map(|node| f64::from(height(node)) * f64::from(node.width + 80))
        .sum();
    // The square root is correctly rounded on every platform, so the picture is the same everywhere.
    ((area / 1.5).sqrt() as i32).max(600)
}

/// The distance of each node from the nodes without links. Links that close a cycle are ignored.
fn levels(count: usize, links: &[Link]) -> Vec<usize> {
    let mut targets: Vec<Vec<usize>> = vec![Vec::new(); count];
    for link in links.iter().filter(|link| link.from.node != link.to.node) {
        targets[link.from.node].push(link.to.node);
    }
    let mut levels = vec![0; count];
    let mut referrers: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut is_leaf = vec![true; count];
    // Depth-first, without recursion: (node, index of its next target).
    let (mut is_open, mut is_done) = (vec![false; count], vec![false; count]);
    for start in 0..count {
        let mut path = if is_done[start] { Vec::new() } else { vec![(start, 0)] };
        while let Some((node, next)) = path.pop() {
            is_open[node] = true;
            if let Some(target) = targets[node].get(next).copied() {
                path.push((node, next + 1));
                if !is_done[target] && !is_open[target] {
                    path.push((target, 0));
                }
                continue;
            }
            is_open[node] = false;
            is_done[node] = true;
            for target in &targets[node] {
                // A target that is still open is on the current path, so the link closes a cycle.
                if is_done[*target] {
                    levels[node] = levels[node].max(levels[*target] + 1);
                    referrers[*target].push(node);
                    is_leaf[node] = false;
                }
            }
        }
    }
    // A node without links goes next to the nearest node that links to it.
    for node in (0..count).filter(|node| is_leaf[*node]) {
        if let Some(nearest) = referrers[node].iter().map(|referrer| levels[*referrer]).min() {
            levels[node] = nearest - 1;
        }
    }
    levels
}
