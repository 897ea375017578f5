//! The style of the lines: rounded corners, marks at both ends, and the legend.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::layout::MARK;
use crate::schema_docs::model::Reference;

/// A path along points, with rounded corners.
pub(super) fn rounded(points: &[(i32, i32)]) -> String {
    let mut path = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        let step = |to: (i32, i32), length: i32| {
            let (dx, dy) = (to.0 - x, to.1 - y);
            (x + dx.signum() * length, y + dy.signum() * length)
        };
        let neighbours = index
            .checked_sub(1)
            .and_then(|before| points.get(before))
            .zip(points.get(index + 1));
        // Writing to a String can't fail.
        let _ = match neighbours {
            None if index == 0 => write!(path, "M{x} {y}"),
            None => write!(path, "H{x}"),
            Some((before, after)) => {
                let length = |to: &(i32, i32)| (to.0 - x).abs().max((to.1 - y).abs()) / 2;
                let radius = length(before).min(length(after)).min(6);
                let ((ax, ay), (bx, by)) = (step(*before, radius), step(*after, radius));
                let turn = format!("q{} {} {} {}", x - ax, y - ay, bx - ax, by - ay);
                if before.1 == *y {
                    write!(path, "H{ax}{turn}")
                } else {
                    write!(path, "V{ay}{turn}")
                }
            }
        };
    }
    path
}

/// The marks at both ends, for the cardinality of the reference.
pub(super) fn ends(points: &[(i32, i32)], reference: &Reference) -> String {
    let (Some((x, y)), Some(next)) = (points.first(), points.get(1)) else {
        return String::new();
    };
    let out = (next.0 - x).signum();
    let mut path = if reference.unique {
        format!("M{} {}v10", x + 7 * out, y - 5)
    } else {
        format!("M{x} {}L{} {y}L{x} {}", y - 5, x + 10 * out, y + 5)
    };
    if let [.., before, (x, y)] = points {
        let out = (before.0 - x).signum();
        let _ = write!(path, "M{} {}v10", x + 5 * out, y - 5);
        let _ = if reference.optional {
            write!(
                path,
                "M{} {y}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0",
                (x + 11 * out).min(x + 18 * out)
            )
        } else {
            write!(path, "M{} {}v10", x + 9 * out, y - 5)
        };
    }
    path
}

pub(super) fn legend() -> Markup {
    let sample = |is_logical: bool, marks: &str| {
        html! {
            svg width="52" height="14" viewBox="0 0 52 14" aria-hidden="true" {
                g.l.d[is_logical] { path d="M1 7H51" {} path.m d=(marks) {} }
            }
        }
    };
    let end = MARK + 31;
    html! {
        ul.legend {
            li { (sample(false, "")) "foreign key" }
            li { (sample(true, "")) "reference without a foreign key" }
            li { (sample(false, "M51 2L41 7L51 12")) "many rows" }
            li { (sample(false, "M44 2v10")) "at most one row" }
            li { (sample(false, &format!("M{} 2v10M{} 2v10", end - 9, end - 5))) "to exactly one" }
            li { (sample(false, &format!("M{} 2v10M{} 7a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0", end - 5, end - 18))) "to one or none" }
            li { b { "PK" } " primary key" }
            li { b { "FK" } " foreign key" }
            li { b { "LR" } " logical reference" }
            li { b { "U" } " first in a unique index" }
            li { b { "IX" } " first in an index" }
        }
    }
}
