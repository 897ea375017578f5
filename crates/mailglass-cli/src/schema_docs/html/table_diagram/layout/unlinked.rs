//! Places the boxes without links to other boxes in rows below the rest.

use super::columns::Columns;
use super::geometry::{Layout, Link, MARGIN, Node, ROW};
use super::ports::Ports;
use super::routes::Beside;

const GAP: i32 = 2 * ROW;

pub(super) fn place(nodes: &[Node], links: &[Link], is_linked: &[bool], ports: &Ports, layout: &mut Layout) {
    let alone: Vec<usize> = (0..nodes.len()).filter(|node| !is_linked[*node]).collect();
    let Some(width) = alone.iter().map(|node| nodes[*node].width).max() else {
        return;
    };
    let none = Columns {
        items: Vec::new(),
        of: vec![None; nodes.len()],
    };
    let beside = Beside::new(links, &none, |node| !is_linked[node]);
    let cell = width + beside.right + GAP;
    let area: f64 = alone
        .iter()
        .map(|node| f64::from(cell) * f64::from(ports.height(*node) + GAP))
        .sum();
    let wanted = ((area * 1.5).sqrt() as i32).max(layout.width - 2 * MARGIN);
    let per_line = usize::try_from((wanted + GAP) / cell)
        .unwrap_or(1)
        .clamp(1, alone.len());

    let mut y = if alone.len() < nodes.len() {
        layout.height + GAP - MARGIN
    } else {
        MARGIN
    };
    for line in alone.chunks(per_line) {
        let mut x = MARGIN;
        for node in line {
            let placed = ports.placed(*node, (x, y), width);
            let own = links.iter().enumerate().filter(|(_, link)| link.from.node == *node);
            for (nth, (index, link)) in (0..).zip(own) {
                let ys = (y + ports.leaves(index, link, &none), y + ports.arrives(link, &none));
                layout.routes[index] = beside.own_loop(x + width, nth, ys, link.label > 0);
            }
            layout.boxes[*node] = placed;
            x += cell;
        }
        layout.width = layout.width.max(x - GAP + MARGIN);
        let tallest = line.iter().map(|node| ports.height(*node)).max().unwrap_or_default();
        layout.height = y + tallest + MARGIN;
        y += tallest + GAP;
    }
}
