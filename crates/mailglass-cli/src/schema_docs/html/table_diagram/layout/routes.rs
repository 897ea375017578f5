//! The widths of the columns and gaps, and the routes of the lines in the gaps.

use std::collections::BTreeMap;

use super::columns::{Columns, Item, Net};
use super::geometry::{Layout, Link, MARGIN, MARK, Node, Route};
use super::ports::{Ports, sides};
use super::tops::Tops;

/// The distance between vertical lines.
const TRACK: i32 = 10;

/// The space that lines need beside the boxes of a column.
#[derive(Clone, Copy, Default)]
pub(super) struct Beside {
    left: i32,
    pub(super) right: i32,
    /// From the right side of a box to its labels: the space for links from a box to itself.
    loops: i32,
}

impl Beside {
    /// The space for the boxes for which `is_here` is true.
    pub(super) fn new(links: &[Link], columns: &Columns, is_here: impl Fn(usize) -> bool) -> Beside {
        let mut beside = Beside::default();
        let mut loops: BTreeMap<usize, i32> = BTreeMap::new();
        for link in links
            .iter()
            .filter(|link| is_here(link.from.node) && link.from.node == link.to.node)
        {
            *loops.entry(link.from.node).or_default() += 1;
        }
        let most = loops.values().copied().max().unwrap_or_default();
        beside.loops = MARK + TRACK * most;
        if most > 0 {
            beside.right = beside.loops;
        }
        for link in links {
            let (leaves_right, arrives_right) = sides(link, columns);
            let pad = if link.label > 0 { 8 } else { 0 };
            if is_here(link.from.node) && leaves_right {
                beside.right = beside.right.max(beside.loops + link.label + pad);
            } else if is_here(link.from.node) {
                beside.left = beside.left.max(MARK + link.label + pad);
            }
            if is_here(link.to.node) {
                let side = if arrives_right {
                    &mut beside.right
                } else {
                    &mut beside.left
                };
                *side = (*side).max(MARK);
            }
        }
        beside
    }

    /// The route of the `nth` link from a box to itself.
    pub(super) fn own_loop(&self, right: i32, nth: i32, ys: (i32, i32), has_label: bool) -> Route {
        let x = right + MARK + TRACK * nth;
        Route {
            points: vec![(right, ys.0), (x, ys.0), (x, ys.1), (right, ys.1)],
            label: has_label.then_some((right + self.loops, ys.0)),
        }
    }
}

pub(super) fn draw(nodes: &[Node], links: &[Link], columns: &Columns, ports: &Ports, tops: &Tops, layout: &mut Layout) {
    let gaps = gaps(links, columns, ports, tops);
    let mut x = MARGIN;
    let (mut besides, mut tracks) = (Vec::new(), Vec::new());
    for (column, items) in columns.items.iter().enumerate() {
        let beside = Beside::new(links, columns, |node| columns.of[node] == Some(column));
        x += beside.left;
        let boxes = || {
            items
                .iter()
                .filter_map(|item| if let Item::Box(node) = item { Some(*node) } else { None })
        };
        let width = boxes().map(|node| nodes[node].width).max().unwrap_or_default();
        for node in boxes() {
            let placed = ports.placed(node, (x, tops[&Item::Box(node)] + MARGIN), width);
            layout.height = layout.height.max(placed.y + placed.height + MARGIN);
            layout.boxes[node] = placed;
        }
        x += width + beside.right;
        tracks.push(x + TRACK);
        layout.width = layout.width.max(x + MARGIN);
        if let Some(gap) = gaps.get(column) {
            x += TRACK * (gap.values().copied().max().unwrap_or_default() + 2);
        }
        besides.push(beside);
    }
    for top in tops.values() {
        layout.height = layout.height.max(top + 3 * MARGIN);
    }

    let mut loops: BTreeMap<usize, i32> = BTreeMap::new();
    for (index, link) in links.iter().enumerate() {
        let (Some((from, to)), Some(net)) = (columns.ends(link), columns.net(link)) else {
            continue;
        };
        let (source, target) = (&layout.boxes[link.from.node], &layout.boxes[link.to.node]);
        let begin = source.y + ports.leaves(index, link, columns);
        let end = target.y + ports.arrives(link, columns);
        let right = source.x + source.width;
        if from == to {
            let nth = loops.entry(link.from.node).or_default();
            layout.routes[index] = besides[from].own_loop(right, *nth, (begin, end), link.label > 0);
            *nth += 1;
            continue;
        }
        let is_leftwards = from > to;
        let mut points = vec![(if is_leftwards { source.x } else { right }, begin)];
        let mut level = begin;
        let mut column = from;
        while column != to {
            let (gap, next) = if is_leftwards {
                (column - 1, column - 1)
            } else {
                (column, column + 1)
            };
            let x = tracks[gap] + TRACK * gaps[gap].get(&net).copied().unwrap_or_default();
            let y = if next == to {
                end
            } else {
                tops[&Item::Pass(net, next)] + MARGIN
            };
            points.extend([(x, level), (x, y)]);
            level = y;
            column = next;
        }
        points.push((
            if is_leftwards {
                target.x + target.width
            } else {
                target.x
            },
            end,
        ));
        let label = if is_leftwards {
            source.x - MARK - link.label
        } else {
            right + besides[from].loops
        };
        layout.routes[index] = Route {
            points,
            label: (link.label > 0).then_some((label, begin)),
        };
    }
}

/// For each gap between columns, the tracks of the vertical lines.
fn gaps(links: &[Link], columns: &Columns, ports: &Ports, tops: &Tops) -> Vec<BTreeMap<Net, i32>> {
    let mut spans: Vec<BTreeMap<Net, (i32, i32)>> = vec![BTreeMap::new(); columns.items.len()];
    for (index, link) in links.iter().enumerate() {
        let (Some((from, to)), Some(net)) = (columns.ends(link), columns.net(link)) else {
            continue;
        };
        let level = |column: usize| {
            if column == from {
                tops[&Item::Box(link.from.node)] + ports.leaves(index, link, columns)
            } else if column == to {
                tops[&Item::Box(link.to.node)] + ports.arrives(link, columns)
            } else {
                tops[&Item::Pass(net, column)]
            }
        };
        for (gap, spans) in spans.iter_mut().enumerate().take(from.max(to)).skip(from.min(to)) {
            for y in [level(gap), level(gap + 1)] {
                let span = spans.entry(net).or_insert((y, y));
                *span = (span.0.min(y), span.1.max(y));
            }
        }
    }
    spans.into_iter().map(tracks).collect()
}

/// Assigns the first free track to each net, from top to bottom.
fn tracks(spans: BTreeMap<Net, (i32, i32)>) -> BTreeMap<Net, i32> {
    let mut spans: Vec<(Net, (i32, i32))> = spans.into_iter().collect();
    spans.sort_by_key(|(net, span)| (*span, *net));
    let mut ends: Vec<i32> = Vec::new();
    let mut tracks = BTreeMap::new();
    for (net, (top, bottom)) in spans {
        let free = ends.iter().position(|end| *end + TRACK < top).unwrap_or(ends.len());
        if free == ends.len() {
            ends.push(bottom);
        }
        ends[free] = bottom;
        tracks.insert(net, i32::try_from(free).unwrap_or_default());
    }
    tracks
}
