//! How high each item of a column stands: in an order with few crossings, and as near as can be to what it is linked with.

use std::collections::BTreeMap;

use super::columns::{Columns, Item};
use super::geometry::{Link, ROW};
use super::ports::Ports;

/// Between two boxes; beside a line, half of it.
const GAP: i32 = 2 * ROW;

/// The top of each item, from the picture's top.
pub(super) type Tops = BTreeMap<Item, i32>;

/// A piece of a line between neighbouring columns: two items, and how far below their tops it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Piece {
    left: (Item, i32),
    right: (Item, i32),
}

pub(super) fn tops(columns: &Columns, ports: &Ports, links: &[Link]) -> Tops {
    let pieces = pieces(columns, ports, links);
    let mut neighbours: BTreeMap<Item, Vec<(Item, i32, bool)>> = BTreeMap::new();
    for Piece { left, right } in pieces {
        let difference = left.1 - right.1;
        neighbours.entry(left.0).or_default().push((right.0, -difference, true));
        neighbours.entry(right.0).or_default().push((left.0, difference, false));
    }
    let wish = |tops: &Tops, item: Item, sides: [bool; 2]| {
        let wishes = neighbours.get(&item).into_iter().flatten();
        let wishes: Vec<f64> = wishes
            .filter(|(_, _, is_right)| sides[usize::from(*is_right)])
            .map(|(other, difference, _)| f64::from(tops[other] + difference))
            .collect();
        if wishes.is_empty() {
            f64::from(tops[&item])
        } else {
            wishes.iter().sum::<f64>() / wishes.len() as f64
        }
    };
    let height = |item: Item| match item {
        Item::Box(node) => ports.height(node),
        Item::Pass(..) => 0,
    };

    let mut order = columns.items.clone();
    let mut tops = Tops::new();
    for column in &order {
        stack(column, &vec![0.0; column.len()], height, i32::MAX, &mut tops);
    }
    // No column needs more room than the fullest one.
    let deepest = tops
        .iter()
        .map(|(item, top)| top + height(*item))
        .max()
        .unwrap_or_default();
    for sweep in 0..12 {
        let is_rightwards = sweep % 2 == 0;
        let mut sequence: Vec<usize> = (0..order.len()).collect();
        if !is_rightwards {
            sequence.reverse();
        }
        // First the order, by what is on one side; then the heights, by both.
        let sides = if sweep < 8 {
            [is_rightwards, !is_rightwards]
        } else {
            [true, true]
        };
        for column in sequence {
            let items = &mut order[column];
            let mut wishes: Vec<(f64, Item)> = items.iter().map(|item| (wish(&tops, *item, sides), *item)).collect();
            if sweep < 8 {
                let middle = |(wish, item): &(f64, Item)| wish + f64::from(height(*item)) / 2.0;
                wishes.sort_by(|a, b| middle(a).total_cmp(&middle(b)));
                *items = wishes.iter().map(|(_, item)| *item).collect();
            }
            let wishes: Vec<f64> = wishes.into_iter().map(|(wish, _)| wish).collect();
            stack(items, &wishes, height, deepest, &mut tops);
        }
    }
    snap(&order, &mut tops);
    tops
}

/// Puts a column's items one below the other, as near to their wishes as their order and heights allow (least squares:
/// items that get in each other's way move as one), and within a depth.
fn stack(items: &[Item], wishes: &[f64], height: impl Fn(Item) -> i32, depth: i32, tops: &mut Tops) {
    let mut below = 0;
    let mut depths = Vec::with_capacity(items.len());
    // (the sum of what its items wish for, how many they are)
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        if let Some(before) = index.checked_sub(1).map(|before| items[before]) {
            let is_pair = matches!((before, item), (Item::Box(_), Item::Box(_)));
            below += height(before) + if is_pair { GAP } else { GAP / 2 };
        }
        depths.push(below);
        let mut block = (wishes[index] - f64::from(below), 1);
        while let Some(last) = blocks.pop() {
            if last.0 / last.1 as f64 <= block.0 / block.1 as f64 {
                blocks.push(last);
                break;
            }
            block = (block.0 + last.0, block.1 + last.1);
        }
        blocks.push(block);
    }
    let bases = blocks
        .into_iter()
        .flat_map(|(sum, count)| std::iter::repeat_n(sum / count as f64, count));
    let room = depth - below - items.last().map_or(0, |last| height(*last));
    for ((item, below), base) in items.iter().zip(depths).zip(bases) {
        tops.insert(*item, (base.round() as i32).clamp(0, room.max(0)) + below);
    }
}

/// Onto the grid, every second column half a row off, and the highest at the top.
fn snap(order: &[Vec<Item>], tops: &mut Tops) {
    let highest = tops.values().copied().min().unwrap_or_default();
    for (column, items) in order.iter().enumerate() {
        for item in items {
            if let Some(top) = tops.get_mut(item) {
                let half = if column % 2 == 1 { ROW / 2 } else { 0 };
                *top = (*top - highest) / ROW * ROW + half;
            }
        }
    }
}

fn pieces(columns: &Columns, ports: &Ports, links: &[Link]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (index, link) in links.iter().enumerate() {
        let (Some((from, to)), Some(net)) = (columns.ends(link), columns.net(link)) else {
            continue;
        };
        let at = |column: usize| {
            if column == from {
                (Item::Box(link.from.node), ports.leaves(index, link, columns))
            } else if column == to {
                (Item::Box(link.to.node), ports.arrives(link, columns))
            } else {
                (Item::Pass(net, column), 0)
            }
        };
        pieces.extend((from.min(to)..from.max(to)).map(|column| Piece {
            left: at(column),
            right: at(column + 1),
        }));
    }
    // Lines that run as one pull as one.
    pieces.sort();
    pieces.dedup();
    pieces
}
