//! Compares a set of the manifest with its Rust enum.

use crate::code::Code;
use crate::did_you_mean::did_you_mean;
use crate::finding::{Excerpt, Finding};
use crate::label_list::{HOW, LabelList, is_mutual, of_manifest, order, reports_tombstone};
use crate::manifest::{Row, Set, set_marker};
use crate::place::Word;
use crate::rust_enums::{RustEnum, Variant};

/// Reports every difference.
pub(crate) fn compare(set: &Set, rust: &RustEnum, findings: &mut Vec<Finding>) {
    if rust.name != set.rust {
        let message = format!(
            "the enum is `{}` in {}, but `{}` here",
            rust.name, rust.at.file, set.rust
        );
        findings.push(Finding::new(
            Code::Set,
            &set.at,
            message,
            format!("write `{}`", set_marker(&set.name, &rust.name)),
        ));
    }
    let here = of_manifest(set);
    let labels = rust.variants.iter().map(|variant| &variant.label);
    let there = LabelList {
        name: &rust.at.file,
        at: &rust.at,
        labels: without_duplicates(labels, findings),
    };
    for (index, row) in set.live().enumerate() {
        findings.extend(compare_row(set, rust, &here, &there, index, row));
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
        // If each is the other's likely spelling, the row was reported already.
        if here.has(label) || reports_tombstone(set, &variant.label, findings) || is_mutual(&there, &here, label) {
            continue;
        }
        let name = &variant.name;
        let message = format!(
            "variant `{name}` (label `{label}`) is in {}, but not in the manifest{}",
            there.name,
            did_you_mean(guess)
        );
        let help = format!("add a row to {} or remove the variant; {HOW}", set.at.file);
        let finding = Finding::new(Code::NotInManifest, &variant.label.at, message, help);
        findings.push(finding.compared(here.around(here.gap_for(&there, index)), there.around(index)));
    }
    findings.extend(order(&here, &there));
}

fn compare_row(
    set: &Set,
    rust: &RustEnum,
    here: &LabelList<'_>,
    there: &LabelList<'_>,
    index: usize,
    row: &Row,
) -> Option<Finding> {
    let (label, variant) = (&row.label, &row.variant);
    let by_variant = rust.variants.iter().find(|candidate| candidate.name == variant.text);
    let there_index = there.position(&label.text);
    let not_there = |word: &Word, subject: String, guess: Option<&str>, gap: usize, help: String| {
        let message = format!(
            "{subject} is in the manifest, but not in {}{}",
            there.name,
            did_you_mean(guess)
        );
        let finding = Finding::new(Code::NotInRust, &word.at, message, help);
        Some(finding.compared(there.around(gap), here.around(index)))
    };
    match (by_variant, there_index) {
        (Some(known), Some(_)) if known.label.text == label.text => compare_deprecation(row, known),
        (Some(known), Some(_)) => {
            let derived = &known.label.text;
            let message = format!(
                "label `{}` is beside variant `{}`, whose label is `{derived}`",
                label.text, known.name
            );
            let finding = Finding::new(
                Code::OtherLabel,
                &label.at,
                message,
                "write each label beside its own variant",
            );
            let pair = |label: &str| format!("`{label}` = `{}`", known.name);
            Some(finding.compared(
                Excerpt::new(&known.label.at, pair(derived)),
                Excerpt::new(&label.at, pair(&label.text)),
            ))
        }
        (Some(known), None) => {
            let subject = format!("label `{}`", label.text.escape_debug());
            let help = format!(
                "write `{}`, the label of `{}`, or rename the variant (and the label, in a new migration)",
                known.label.text, known.name
            );
            not_there(
                label,
                subject,
                Some(&known.label.text),
                there.position(&known.label.text).unwrap_or_default(),
                help,
            )
        }
        (None, Some(gap)) => {
            let name = rust
                .variants
                .iter()
                .find(|candidate| candidate.label.text == label.text)
                .map(|candidate| candidate.name.as_str());
            let subject = format!("variant `{}`", variant.text.escape_debug());
            let help = format!("write `{}`, whose label is `{}`", name.unwrap_or_default(), label.text);
            not_there(variant, subject, name, gap, help)
        }
        (None, None) => {
            let guess = there.guess(here, &label.text);
            let gap = guess
                .and_then(|label| there.position(label))
                .unwrap_or_else(|| there.gap_for(here, index));
            let subject = format!(
                "label `{}` (variant `{}`)",
                label.text.escape_debug(),
                variant.text.escape_debug()
            );
            let help = match guess {
                Some(_) => format!(
                    "use the same spelling in both; for a new value, add a variant to `{}`; {HOW}",
                    set.rust
                ),
                None => format!("add a variant to `{}` or correct the row; {HOW}", set.rust),
            };
            not_there(label, subject, guess, gap, help)
        }
    }
}

fn compare_deprecation(row: &Row, variant: &Variant) -> Option<Finding> {
    let name = &variant.name;
    let (message, help) = match (row.deprecated, variant.is_deprecated) {
        (Some(version), false) => (
            format!("variant `{name}` is deprecated since {version} in the manifest, but not here"),
            "mark it with #[deprecated], so that the compiler warns its users".to_owned(),
        ),
        (None, true) => (
            format!("variant `{name}` is deprecated here, but not in the manifest"),
            format!(
                "write the version into its row ({}:{})",
                row.label.at.file, row.label.at.line
            ),
        ),
        _ => return None,
    };
    Some(Finding::new(Code::Deprecation, &variant.label.at, message, help))
}

/// Reports labels that two variants have.
fn without_duplicates<'a>(labels: impl Iterator<Item = &'a Word>, findings: &mut Vec<Finding>) -> Vec<&'a Word> {
    let mut kept: Vec<&Word> = Vec::new();
    for label in labels {
        match kept.iter().find(|earlier| earlier.text == label.text) {
            Some(first) => {
                let message = format!(
                    "label `{}` is listed twice; the first is in line {}",
                    label.text, first.at.line
                );
                findings.push(Finding::new(
                    Code::Doubled,
                    &label.at,
                    message,
                    "keep one variant per label",
                ));
            }
            None => kept.push(label),
        }
    }
    kept
}
