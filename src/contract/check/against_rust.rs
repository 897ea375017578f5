//! A set of the manifest against its Rust enum.

use super::enums::{self, RustEnum};
use super::finding::{Code, Excerpt, Finding};
use super::manifest::{self, Row, Set, Word};
use super::side::{HOW, Side, did_you_mean, is_mutual, order, reports_tombstone, side_of_manifest};

/// What differs between a set in the manifest and its enum.
pub(crate) fn compare(set: &Set, rust: &RustEnum, findings: &mut Vec<Finding>) {
    if rust.name != set.rust {
        let what = format!("the enum is `{}` in {}, not `{}`", rust.name, enums::FILE, set.rust);
        findings.push(Finding::new(
            Code::Set,
            &set.at,
            what,
            format!("write `{}`", manifest::set_marker(&set.name, &rust.name)),
        ));
    }
    let here = side_of_manifest(set);
    let labels = rust.variants.iter().map(|it| &it.label);
    let there = Side {
        name: enums::FILE,
        at: &rust.at,
        labels: without_doubled(labels, findings),
    };
    for (index, row) in set.live().enumerate() {
        findings.extend(row_against_rust(set, rust, &here, &there, index, row));
    }
    for variant in &rust.variants {
        let label = &variant.label.text;
        let Some(index) = there
            .position(label)
            .filter(|_| !set.live().any(|row| row.variant.text == variant.name))
        else {
            continue;
        };
        let guess = here.guess(&there, label);
        // Where each is the other's likely meaning, the row has said it.
        if here.has(label) || reports_tombstone(set, &variant.label, findings) || is_mutual(&there, &here, label) {
            continue;
        }
        let name = &variant.name;
        let what = format!(
            "variant `{name}` (label `{label}`) is in {}, not in the manifest{}",
            there.name,
            did_you_mean(guess)
        );
        let help = format!("add a row for it to {}, or take the variant out; {HOW}", manifest::FILE);
        let finding = Finding::new(Code::NotInManifest, &variant.label.at, what, help);
        findings.push(finding.compared(here.around(here.gap_for(&there, index)), there.around(index)));
    }
    findings.extend(order(&here, &there));
}

fn row_against_rust(
    set: &Set,
    rust: &RustEnum,
    here: &Side<'_>,
    there: &Side<'_>,
    index: usize,
    row: &Row,
) -> Option<Finding> {
    let (label, variant) = (&row.label, &row.variant);
    let by_variant = rust.variants.iter().find(|it| it.name == variant.text);
    let there_index = there.position(&label.text);
    let not_there = |word: &Word, what: String, guess: Option<&str>, gap: usize, help: String| {
        let what = format!(
            "{what} is in the manifest, not in {}{}",
            there.name,
            did_you_mean(guess)
        );
        let finding = Finding::new(Code::NotInRust, &word.at, what, help);
        Some(finding.compared(there.around(gap), here.around(index)))
    };
    match (by_variant, there_index) {
        (Some(it), Some(_)) if it.label.text == label.text => match (row.deprecated, it.is_deprecated) {
            (Some(version), false) => {
                let what = format!(
                    "variant `{}` is deprecated since {version} in the manifest, not here",
                    it.name
                );
                let help = "mark it with #[deprecated], so that the compiler tells whoever uses it";
                Some(Finding::new(Code::Deprecation, &it.label.at, what, help))
            }
            (None, true) => {
                let what = format!("variant `{}` is deprecated here, not in the manifest", it.name);
                let help = format!("write the version into its row ({}:{})", manifest::FILE, label.at.line);
                Some(Finding::new(Code::Deprecation, &it.label.at, what, help))
            }
            _ => None,
        },
        (Some(it), Some(_)) => {
            let derived = &it.label.text;
            let what = format!(
                "label `{}` stands beside variant `{}`, which the derive labels `{derived}`",
                label.text, it.name
            );
            let finding = Finding::new(
                Code::OtherLabel,
                &label.at,
                what,
                "put each label beside its own variant",
            );
            let pair = |label: &str| format!("`{label}` = `{}`", it.name);
            Some(finding.compared(
                Excerpt::new(&it.label.at, pair(derived)),
                Excerpt::new(&label.at, pair(&label.text)),
            ))
        }
        (Some(it), None) => {
            let what = format!("label `{}`", label.text.escape_debug());
            let help = format!(
                "write `{}`, which the derive makes of `{}`, or rename the variant (and, in a new migration, the label)",
                it.label.text, it.name
            );
            not_there(
                label,
                what,
                Some(&it.label.text),
                there.position(&it.label.text).unwrap_or_default(),
                help,
            )
        }
        (None, Some(gap)) => {
            let name = rust
                .variants
                .iter()
                .find(|it| it.label.text == label.text)
                .map(|it| it.name.as_str());
            let what = format!("variant `{}`", variant.text.escape_debug());
            let help = format!("write `{}`, whose label is `{}`", name.unwrap_or_default(), label.text);
            not_there(variant, what, name, gap, help)
        }
        (None, None) => {
            let guess = there.guess(here, &label.text);
            let gap = guess
                .and_then(|it| there.position(it))
                .unwrap_or_else(|| there.gap_for(here, index));
            let what = format!(
                "label `{}` (variant `{}`)",
                label.text.escape_debug(),
                variant.text.escape_debug()
            );
            let help = match guess {
                Some(_) => format!(
                    "write it alike in both; or, if it is a new value, add the variant to `{}`; {HOW}",
                    set.rust
                ),
                None => format!("add the variant to `{}`, or correct the row; {HOW}", set.rust),
            };
            not_there(label, what, guess, gap, help)
        }
    }
}

fn without_doubled<'a>(labels: impl Iterator<Item = &'a Word>, findings: &mut Vec<Finding>) -> Vec<&'a Word> {
    let mut kept: Vec<&Word> = Vec::new();
    for label in labels {
        match kept.iter().find(|it| it.text == label.text) {
            Some(first) => {
                let what = format!(
                    "label `{}` stands twice; the first is in line {}",
                    label.text, first.at.line
                );
                findings.push(Finding::new(Code::Doubled, &label.at, what, "keep one variant a label"));
            }
            None => kept.push(label),
        }
    }
    kept
}
