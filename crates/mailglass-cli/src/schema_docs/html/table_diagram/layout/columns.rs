//! Which column each box stands in, and which lines have to get past it.

use std::collections::{BTreeMap, BTreeSet};

use super::geometry::{End, FOOT, HEADER, Link, Node, ROW};

/// Lines that arrive as one: by the row, the side (true: the box's right one) and the kind.
pub(super) type Net = (End, bool, u8);

/// What takes room in a column.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Item {
    Box(usize),
    Pass(Net, usize),
}

pub(super) struct Columns {
    /// Left to right; within one, the order is still to be found.
    pub(super) items: Vec<Vec<Item>>,
    /// The column of a box that is linked with others.
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
            // Those that refer to the same table stay together when the level is cut.
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

    /// The columns where a link begins and ends.
    pub(super) fn ends(&self, link: &Link) -> Option<(usize, usize)> {
        Some((self.of[link.from.node]?, self.of[link.to.node]?))
    }

    /// The lines that a link arrives with; a link within one box arrives at its right side.
    pub(super) fn net(&self, link: &Link) -> Option<Net> {
        let (from, to) = self.ends(link)?;
        Some((link.to, from >= to, link.kind))
    }
}

fn height(node: &Node) -> i32 {
    let rows = i32::try_from(node.rows).unwrap_or(i32::MAX / ROW / 4);
    HEADER + FOOT + ROW * (rows + 2)
}

/// The height at which a column is cut in two, for a picture half as wide again as it is high.
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
    // Square roots of whole numbers are the same everywhere.
    ((area / 1.5).sqrt() as i32).max(600)
}

/// How far each node is from those that refer to nothing; links that would close a circle don't count.
fn levels(count: usize, links: &[Link]) -> Vec<usize> {
    let mut targets: Vec<Vec<usize>> = vec![Vec::new(); count];
    for link in links.iter().filter(|link| link.from.node != link.to.node) {
        targets[link.from.node].push(link.to.node);
    }
    let mut levels = vec![0; count];
    let mut referrers: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut is_leaf = vec![true; count];
    // Depth first, without recursion: (node, the next of its targets).
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
                // What is open still is further down this path: the link closes a circle.
                if is_done[*target] {
                    levels[node] = levels[node].max(levels[*target] + 1);
                    referrers[*target].push(node);
                    is_leaf[node] = false;
                }
            }
        }
    }
    // What refers to nothing stands right beside the nearest that refers to it.
    for node in (0..count).filter(|node| is_leaf[*node]) {
        if let Some(nearest) = referrers[node].iter().map(|referrer| levels[*referrer]).min() {
            levels[node] = nearest - 1;
        }
    }
    levels
}
