//! The vertical positions of the items of a column: in an order with few crossings, and close to the linked items.

use std::collections::BTreeMap;

use super::columns::{Columns, Item};
use super::geometry::{Link, ROW};
use super::ports::Ports;

/// The gap between two boxes. The gap between a box and a line is half of it.
const GAP: i32 = 2 * ROW;

/// The top of each item, relative to the top of the picture.
pub(super) type Tops = BTreeMap<Item, i32>;

/// A piece of a line between neighbouring columns: two items, with the offsets from their tops.
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
    // No column may become taller than the tallest one is now.
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
        // The first sweeps find the order, by the neighbours on one side. The last ones find the heights, by both sides.
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

/// Stacks the items of a column within `depth`, as close to their wishes as their order and heights allow. It minimizes the
/// squared distances: items that collide move as one block.
fn stack(items: &[Item], wishes: &[f64], height: impl Fn(Item) -> i32, depth: i32, tops: &mut Tops) {
    let mut below = 0;
    let mut depths = Vec::with_capacity(items.len());
    // (the sum of the wishes, the number of items)
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

/// Moves all items onto the grid, with every second column half a row lower, and the highest item at the top.
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
    // Lines that share a piece count once.
    pieces.sort();
    pieces.dedup();
    pieces
}
