//! The states of an orphan as a diagram. A state is in the column of its distance from the start.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::svg_text::{fitting, wrap};
use crate::schema_docs::model::{OrphanLife, OrphanState, Transition};

const WIDTH: i32 = 208;
/// The space between columns: first for the bends of lines, then for their labels.
const BEND: i32 = 56;
const LABEL: i32 = 172;
/// The maximum numbers of letters per line, in a label and in a box.
const LETTERS: usize = 27;
const BOX_LETTERS: usize = 30;
const LINE: i32 = 13;
const MARGIN: i32 = 14;
/// The width of a letter at 10 pixels.
const LETTER: i32 = 6;

struct Placed<'a> {
    state: &'a OrphanState,
    meaning: Vec<String>,
    column: usize,
    x: i32,
    y: i32,
    height: i32,
}

/// A line with its label, and the position of the label.
struct Arrow {
    path: String,
    head: String,
    lines: Vec<String>,
    at: (i32, i32),
}

pub(super) fn diagram(life: &OrphanLife) -> Markup {
    let boxes = place(life);
    let begin = boxes.first().map_or(MARGIN, |placed| placed.y + placed.height / 2);
    let mut arrows = Vec::new();
    let deepest = boxes
        .iter()
        .map(|placed| placed.y + placed.height)
        .max()
        .unwrap_or_default();
    let mut below = deepest;
    let mut used: BTreeMap<(usize, bool), i32> = BTreeMap::new();
    for (index, transition) in life.transitions.iter().enumerate() {
        let from = transition
            .from
            .as_ref()
            .and_then(|name| boxes.iter().position(|placed| placed.state.name == *name));
        let Some(to) = boxes.iter().position(|placed| placed.state.name == transition.to) else {
            continue;
        };
        let column = from.map_or(0, |from| boxes[from].column);
        let beside = from.filter(|from| boxes[*from].column == boxes[to].column && from.abs_diff(to) == 1);
        arrows.push(if boxes[to].column == column + 1 {
            forward(&boxes, from, to, begin, &transition.when, &mut used)
        } else if let Some(from) = beside {
            upright(life, &boxes, from, to, index)
        } else {
            below += 30;
            around(&boxes, from, to, begin, below, &transition.when, &mut used)
        });
    }
    let width = boxes.iter().map(|placed| placed.x + WIDTH).max().unwrap_or_default()
        + MARGIN
        + if below > deepest { 60 } else { 0 };
    let height = below + MARGIN;
    html! {
        svg.states role="img" aria-labelledby="states-title states-about" style=(fitting(width))
            viewBox={ "0 0 " (width) " " (height) } {
            title #states-title { "The states of an orphan and the transitions between them" }
            desc #states-about { "The tables below have the same information as text." }
            circle.begin cx=(MARGIN + 6) cy=(begin) r="6" {}
            @for arrow in &arrows { path.arrow d=(arrow.path) {} path.arrow d=(arrow.head) {} }
            @for placed in &boxes { (draw(placed)) }
            @for arrow in &arrows {
                @for (y, line) in (0..).map(|nth: i32| arrow.at.1 + nth * LINE).zip(&arrow.lines) {
                    text.label x=(arrow.at.0) y=(y) { (line) }
                }
            }
        }
    }
}

fn draw(placed: &Placed<'_>) -> Markup {
    html! {
        g {
            rect.box.status x=(placed.x) y=(placed.y) width=(WIDTH) height=(placed.height) rx="8" {}
            text.big x=(placed.x + 10) y=(placed.y + 20) { (placed.state.name) }
            @for (y, line) in (0..).map(|nth: i32| placed.y + 38 + nth * LINE).zip(&placed.meaning) {
                text.small x=(placed.x + 10) y=(y) { (line) }
            }
        }
    }
}

/// The number of steps from the start to each state.
fn columns(life: &OrphanLife) -> BTreeMap<&str, usize> {
    let mut columns: BTreeMap<&str, usize> = BTreeMap::new();
    // The longest path without repetition visits each state once.
    for step in 1..=life.states.len() {
        for transition in &life.transitions {
            let reached = match &transition.from {
                None => step == 1,
                Some(from) => columns.get(from.as_str()) == Some(&(step - 1)),
            };
            if reached {
                columns.entry(&transition.to).or_insert(step);
            }
        }
    }
    columns
}

fn place(life: &OrphanLife) -> Vec<Placed<'_>> {
    let columns = columns(life);
    let mut below: BTreeMap<usize, i32> = BTreeMap::new();
    let mut boxes: Vec<Placed<'_>> = Vec::new();
    for state in &life.states {
        let column = columns.get(state.name.as_str()).copied().unwrap_or(1);
        let comes = life.transitions.iter().filter(|transition| transition.to == state.name);
        let labels: i32 = comes.map(|transition| label_height(&transition.when) + 12).sum();
        let meaning = wrap(&state.meaning, BOX_LETTERS);
        let own = 38 + LINE * i32::try_from(meaning.len()).unwrap_or_default();
        let y = below.get(&column).copied().unwrap_or(MARGIN);
        let height = own.max(labels + 14);
        let x = MARGIN + 12 + BEND + LABEL + i32::try_from(column - 1).unwrap_or_default() * (WIDTH + BEND + LABEL);
        // Space for the labels of transitions between two states of a column.
        below.insert(column, y + height + 24 + 4 * LINE);
        boxes.push(Placed {
            state,
            meaning,
            column,
            x,
            y,
            height,
        });
    }
    // Columns that are not full are centred.
    let deepest = boxes
        .iter()
        .map(|placed| placed.y + placed.height)
        .max()
        .unwrap_or_default();
    for column in below.into_keys() {
        let bottom = boxes
            .iter()
            .filter(|placed| placed.column == column)
            .map(|placed| placed.y + placed.height)
            .max();
        let down = (deepest - bottom.unwrap_or_default()) / 2;
        boxes
            .iter_mut()
            .filter(|placed| placed.column == column)
            .for_each(|placed| placed.y += down);
    }
    boxes
}

fn label_height(text: &str) -> i32 {
    LINE * i32::try_from(wrap(text, LETTERS).len()).unwrap_or_default()
}

/// A transition to the next column: a curve, then a horizontal line below the label.
fn forward(
    boxes: &[Placed<'_>],
    from: Option<usize>,
    to: usize,
    begin: i32,
    when: &str,
    used: &mut BTreeMap<(usize, bool), i32>,
) -> Arrow {
    let target = &boxes[to];
    let above = used.entry((to, false)).or_insert(8);
    *above += label_height(when) + 8;
    let y = target.y + *above;
    *above += 4;
    let (x, start) = match from {
        None => (MARGIN + 12, begin),
        Some(from) => {
            let leaves = used.entry((from, true)).or_insert(8);
            *leaves += 14;
            (boxes[from].x + WIDTH, boxes[from].y + *leaves)
        }
    };
    let bend = target.x - LABEL;
    let middle = (x + bend) / 2;
    Arrow {
        path: format!("M{x} {start}C{middle} {start} {middle} {y} {bend} {y}H{}", target.x - 2),
        head: format!("M{} {}l7 5l-7 5", target.x - 9, y - 5),
        lines: wrap(when, LETTERS),
        at: (bend + 4, y - label_height(when) + 7),
    }
}

/// A transition to the box directly above or below. Transitions between the same two boxes are side by side.
fn upright(life: &OrphanLife, boxes: &[Placed<'_>], from: usize, to: usize, index: usize) -> Arrow {
    let names = [&boxes[from].state.name, &boxes[to].state.name];
    let is_beside = |transition: &Transition| {
        names.contains(&&transition.to) && transition.from.as_ref().is_some_and(|name| names.contains(&name))
    };
    let count = life
        .transitions
        .iter()
        .filter(|transition| is_beside(transition))
        .count();
    let nth = life.transitions[..index]
        .iter()
        .filter(|transition| is_beside(transition))
        .count();
    let slot = WIDTH / i32::try_from(count).unwrap_or(1).max(1);
    let x = boxes[from].x + 10 + slot * i32::try_from(nth).unwrap_or_default();
    let (upper, lower) = (&boxes[from.min(to)], &boxes[from.max(to)]);
    let (top, bottom) = (upper.y + upper.height, lower.y);
    let lines = wrap(
        &life.transitions[index].when,
        usize::try_from((slot - 20) / LETTER).unwrap_or(1),
    );
    let tall = LINE * i32::try_from(lines.len()).unwrap_or_default();
    Arrow {
        path: format!("M{x} {top}V{bottom}"),
        head: if from < to {
            format!("M{} {}l5 7l5 -7", x - 5, bottom - 8)
        } else {
            format!("M{} {}l5 -7l5 7", x - 5, top + 8)
        },
        lines,
        at: (x + 8, (top + bottom - tall) / 2 + 10),
    }
}

/// Any other transition: below all boxes, from right side to right side.
fn around(
    boxes: &[Placed<'_>],
    from: Option<usize>,
    to: usize,
    begin: i32,
    y: i32,
    when: &str,
    used: &mut BTreeMap<(usize, bool), i32>,
) -> Arrow {
    let mut side = |index: usize| {
        let leaves = used.entry((index, true)).or_insert(8);
        *leaves += 14;
        (boxes[index].x + WIDTH, boxes[index].y + *leaves, 12 + *leaves / 2)
    };
    let (x, start, out) = from.map_or((MARGIN + 12, begin, 8), &mut side);
    let (end_x, end_y, end_out) = side(to);
    Arrow {
        path: format!("M{x} {start}h{out}V{y}H{}V{end_y}H{end_x}", end_x + end_out),
        head: format!("M{} {}l-7 5l7 5", end_x + 9, end_y - 5),
        lines: vec![when.to_owned()],
        at: ((x + out).min(end_x + end_out) + 8, y - 4),
    }
}
