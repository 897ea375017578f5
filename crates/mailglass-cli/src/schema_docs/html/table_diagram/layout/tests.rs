use proptest::prelude::*;

use super::*;

fn schema() -> impl Strategy<Value = (Vec<Node>, Vec<Link>)> {
    let nodes = prop_oneof![
        4 => prop::collection::vec((60..400i32, 1..12usize), 0..25),
        1 => prop::collection::vec((60..400i32, 1..4usize), 25..300),
    ];
    nodes.prop_flat_map(|nodes| {
        let most = if nodes.is_empty() { 0 } else { nodes.len() * 2 };
        // As in real schemas, many tables refer to a few. Some refer to themselves, and some form cycles.
        let target = prop_oneof![0..3usize, 0..nodes.len().max(1)];
        let link = (0..nodes.len().max(1), 0..12usize, target, 0..12usize, 0..4u8);
        let links = prop::collection::vec(link, 0..=most);
        (Just(nodes), links).prop_map(|(nodes, links)| {
            let end = |node: usize, row: usize| {
                let node = node % nodes.len();
                let rows = nodes[node].1;
                End { node, row: row % rows }
            };
            let links = links.into_iter().map(|(from, row, to, to_row, kind)| Link {
                from: end(from, row),
                to: end(to, to_row),
                kind,
                label: if kind > 1 { 80 } else { 0 },
            });
            let links = links.collect();
            let nodes = nodes
                .iter()
                .map(|(width, rows)| Node {
                    width: *width,
                    rows: *rows,
                })
                .collect();
            (nodes, links)
        })
    })
}

type Rectangle = (i32, i32, i32, i32);

fn rectangle(placed: &Placed) -> Rectangle {
    (placed.x, placed.y, placed.x + placed.width, placed.y + placed.height)
}

fn touch(a: Rectangle, b: Rectangle) -> bool {
    a.0 < b.2 && b.0 < a.2 && a.1 < b.3 && b.1 < a.3
}

/// The rectangle of a label, which is drawn above its line.
fn label(link: &Link, route: &Route) -> Option<Rectangle> {
    route.label.map(|(x, y)| (x, y - 14, x + link.label, y - 1))
}

/// The horizontal and vertical pieces of a line, as thin rectangles.
fn pieces(route: &Route) -> impl Iterator<Item = Rectangle> {
    route.points.windows(2).map(|pair| {
        let ((ax, ay), (bx, by)) = (pair[0], pair[1]);
        (ax.min(bx), ay.min(by), ax.max(bx), ay.max(by))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_box_touches_another_and_all_are_in_the_picture((nodes, links) in schema()) {
        let layout = layout(&nodes, &links);
        prop_assert_eq!(layout.boxes.len(), nodes.len());
        for (index, a) in layout.boxes.iter().enumerate() {
            let (left, top, right, bottom) = rectangle(a);
            prop_assert!(left >= 0 && top >= 0 && right <= layout.width && bottom <= layout.height);
            prop_assert!(a.width >= nodes[index].width && a.rows.len() == nodes[index].rows);
            for b in &layout.boxes[index + 1..] {
                prop_assert!(!touch(rectangle(a), rectangle(b)), "{a:?} touches {b:?}");
            }
        }
    }

    #[test]
    fn every_link_is_drawn_from_row_to_row_and_crosses_no_box((nodes, links) in schema()) {
        let layout = layout(&nodes, &links);
        prop_assert_eq!(layout.routes.len(), links.len());
        for (link, route) in links.iter().zip(&layout.routes) {
            let (Some(first), Some(last)) = (route.points.first(), route.points.last()) else {
                return Err(TestCaseError::fail("a link that is not drawn"));
            };
            for (point, end) in [(first, link.from), (last, link.to)] {
                let placed = &layout.boxes[end.node];
                prop_assert!(point.0 == placed.x || point.0 == placed.x + placed.width, "{point:?} is at no side of {placed:?}");
                let below = placed.rows.get(end.row + 1).copied().unwrap_or(placed.y + placed.height);
                prop_assert!(placed.rows[end.row] <= point.1 && point.1 < below, "{point:?} is not at its row");
            }
            for piece in pieces(route) {
                prop_assert!(piece.0 == piece.2 || piece.1 == piece.3, "askew");
                prop_assert!(piece.0 >= 0 && piece.1 >= 0 && piece.2 <= layout.width && piece.3 <= layout.height);
                for placed in &layout.boxes {
                    prop_assert!(!touch(piece, rectangle(placed)), "{piece:?} crosses {placed:?}");
                }
            }
        }
    }

    #[test]
    fn no_label_lies_on_a_box_or_on_another((nodes, links) in schema()) {
        let layout = layout(&nodes, &links);
        let labels: Vec<Rectangle> = links.iter().zip(&layout.routes).filter_map(|(link, route)| label(link, route)).collect();
        prop_assert_eq!(labels.len(), links.iter().filter(|link| link.label > 0).count());
        for (index, a) in labels.iter().enumerate() {
            prop_assert!(a.0 >= 0 && a.1 >= 0 && a.2 <= layout.width && a.3 <= layout.height);
            for placed in &layout.boxes {
                prop_assert!(!touch(*a, rectangle(placed)), "{a:?} lies on {placed:?}");
            }
            for b in &labels[index + 1..] {
                prop_assert!(!touch(*a, *b), "{a:?} lies on {b:?}");
            }
        }
    }

    #[test]
    fn lines_with_different_ends_never_run_on_one_another((nodes, links) in schema()) {
        let layout = layout(&nodes, &links);
        let lines: Vec<_> = links.iter().zip(&layout.routes).collect();
        for (index, (a, a_route)) in lines.iter().enumerate() {
            for (b, b_route) in &lines[index + 1..] {
                if (a.to, a.kind) == (b.to, b.kind) {
                    continue;
                }
                for piece in pieces(a_route) {
                    for other in pieces(b_route) {
                        let is_level = piece.1 == piece.3 && other.1 == other.3 && piece.1 == other.1;
                        let is_upright = piece.0 == piece.2 && other.0 == other.2 && piece.0 == other.0;
                        let levels = piece.0.max(other.0) < piece.2.min(other.2);
                        let uprights = piece.1.max(other.1) < piece.3.min(other.3);
                        prop_assert!(!(is_level && levels || is_upright && uprights), "{piece:?} runs on {other:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_picture_is_the_same_every_time() {
    let nodes: Vec<Node> = (0..40)
        .map(|number| Node {
            width: 100 + number,
            rows: 3,
        })
        .collect();
    let links = |count: usize| -> Vec<Link> {
        let end = |node: usize| End {
            node: node % 40,
            row: node % 3,
        };
        let link = |number: usize| Link {
            from: end(number * 7),
            to: end(number * 5),
            kind: 0,
            label: 0,
        };
        (0..count).map(link).collect()
    };
    let draw = || format!("{:?}", layout(&nodes, &links(60)));
    assert_eq!(draw(), draw());
}

#[test]
fn two_hundred_tables_that_refer_to_one_make_a_picture_of_a_handy_shape() {
    let nodes: Vec<Node> = (0..200).map(|_| Node { width: 180, rows: 3 }).collect();
    let links: Vec<Link> = (1..200)
        .map(|node| Link {
            from: End { node, row: 1 },
            to: End { node: 0, row: 0 },
            kind: 0,
            label: 0,
        })
        .collect();
    let Layout { width, height, .. } = layout(&nodes, &links);
    let shape = f64::from(width) / f64::from(height);
    assert!((0.8..2.5).contains(&shape), "{width} × {height}");
}
