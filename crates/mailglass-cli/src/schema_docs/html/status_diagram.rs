//! The statuses in ascending order, each above the event types that reach it.

use maud::{Markup, html};

use super::svg_text::{cut, fitting, width_of};
use crate::schema_docs::model::{Projection, Rule};

const TOP: i32 = 12;
const STEP: i32 = 40;
const GAP: i32 = 26;
const PAD: i32 = 10;
const LINE: i32 = 15;

pub(super) fn diagram(projection: &Projection) -> Markup {
    let statuses = projection
        .statuses
        .iter()
        .map(|status| Some(status.as_str()))
        .chain([None]);
    let groups: Vec<(Option<&str>, Vec<&Rule>)> = statuses
        .map(|status| {
            (
                status,
                projection
                    .rules
                    .iter()
                    .filter(|rule| rule.status.as_deref() == status)
                    .collect(),
            )
        })
        .filter(|(status, rules): &(_, Vec<&Rule>)| status.is_some() || !rules.is_empty())
        .collect();
    let texts = projection.rules.iter().flat_map(|rule| {
        let name = width_of(&rule.event_type) + width_of(&format!("  {}", rule.rank));
        [Some(name), stamp(rule).map(|stamp| width_of(&stamp) * 11 / 12)]
            .into_iter()
            .flatten()
    });
    let heads = groups.iter().map(|(status, _)| width_of(status.unwrap_or(STAYS)));
    let width = texts.chain(heads).max().unwrap_or_default() + 2 * PAD;
    let count = i32::try_from(groups.len()).unwrap_or_default();
    let total = count * (width + GAP) - GAP + 2 * TOP;
    let bottom = groups
        .iter()
        .map(|(_, rules)| rules.iter().map(|rule| height(rule) + 8).sum::<i32>())
        .max();
    let depth = TOP + STEP + 26 + bottom.unwrap_or_default() + TOP;
    html! {
        svg.ladder role="img" aria-labelledby="ladder-title ladder-about" style=(fitting(total))
            viewBox={ "0 0 " (total) " " (depth) } {
            title #ladder-title { "The statuses in ascending order, and the event types that reach them" }
            desc #ladder-about { "The table of rules below has the same information as text." }
            @for (x, (status, rules)) in (0..).map(|nth: i32| TOP + nth * (width + GAP)).zip(&groups) {
                (group(x, width, *status, rules))
                @if status.is_some() && x > TOP {
                    path.arrow d={ "M" (x - GAP + 3) " " (TOP + STEP / 2) "h" (GAP - 6) "m-6 -5l6 5l-6 5" } {}
                }
            }
        }
    }
}

/// The heading of the event types that leave the status unchanged.
const STAYS: &str = "status unchanged";

fn group(x: i32, width: i32, status: Option<&str>, rules: &[&Rule]) -> Markup {
    let middle = x + width / 2;
    let mut below = TOP + STEP + 26;
    let chips: Vec<Markup> = rules
        .iter()
        .map(|rule| {
            let chip = chip(x, below, width, rule);
            below += height(rule) + 8;
            chip
        })
        .collect();
    html! {
        g {
            rect.box.(if status.is_some() { "status" } else { "stays" })
                x=(x) y=(TOP) width=(width) height=(STEP) rx="8" {}
            text.middle.big x=(middle) y=(TOP + STEP / 2 + 4) { (status.map_or(STAYS.to_owned(), |status| cut(status, 30))) }
        }
        @if status.is_some() && !rules.is_empty() {
            path.arrow d={ "M" (middle) " " (TOP + STEP + 23) "v-19m-5 6l5 -6l5 6" } {}
        }
        @for chip in chips { (chip) }
    }
}

fn height(rule: &Rule) -> i32 {
    11 + LINE * (1 + i32::from(rule.terminal) + i32::from(rule.stamp.is_some()))
}

fn stamp(rule: &Rule) -> Option<String> {
    rule.stamp.as_ref().map(|stamp| format!("sets {stamp}"))
}

fn chip(x: i32, y: i32, width: i32, rule: &Rule) -> Markup {
    let stamp_line = y + 16 + LINE * (1 + i32::from(rule.terminal));
    html! {
        g {
            rect.box.chip.end[rule.terminal] x=(x) y=(y) width=(width) height=(height(rule)) rx="5" {}
            text x=(x + PAD) y=(y + 16) { (rule.event_type) }
            text.t x=(x + width - PAD) y=(y + 16) { (rule.rank) }
            @if rule.terminal { text.small.ends x=(x + PAD) y=(y + 16 + LINE) { "terminal" } }
            @if let Some(stamp) = stamp(rule) { text.small x=(x + PAD) y=(stamp_line) { (stamp) } }
        }
    }
}
