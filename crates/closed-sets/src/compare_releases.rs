//! Compares the manifest with the frozen releases.

use crate::code::Code;
use crate::did_you_mean::nearest;
use crate::finding::Finding;
use crate::manifest::{Manifest, Row, Set};
use crate::place::Place;
use crate::release::{FrozenSet, Release};
use crate::version::Version;

/// Reports every broken promise; `in_rust` says whether a set has a label in its Rust enum.
pub(crate) fn compare(
    manifest: &Manifest,
    releases: &[Release],
    version: Version,
    in_rust: impl Fn(&str, &str) -> bool,
    findings: &mut Vec<Finding>,
) {
    for release in releases {
        for frozen in &release.sets {
            match manifest.sets.iter().find(|set| set.name == frozen.name) {
                None if !manifest.is_whole => {}
                None => findings.push(gone(release, "set", &frozen.name, &Place::start_of(&manifest.file))),
                Some(set) if set.is_sound => findings.extend(compare_set(set, frozen, release, version, &in_rust)),
                Some(_) => {}
            }
        }
        for (kind, name) in release.names.iter().filter(|_| manifest.is_whole) {
            if !manifest
                .names
                .iter()
                .any(|promised| &promised.name.text == name && &promised.kind == kind)
            {
                findings.push(gone(release, kind, name, &Place::start_of(&manifest.file)));
            }
        }
    }
    let Some(last) = releases.iter().max_by_key(|release| release.version) else {
        return;
    };
    if version >= last.version.next_breaking() {
        return;
    }
    let mut breaking = |at: &Place, set: Option<&Set>, message: String| {
        let message = format!(
            "{message}, which breaks a promise of {}, but the crate's version is {version}",
            last.version
        );
        let help = format!(
            "raise `version` in Cargo.toml to {} or higher, or revert the change",
            last.version.next_breaking()
        );
        let finding = Finding::new(Code::NotBreaking, at, message, help);
        findings.push(match set {
            Some(set) => finding.of_set(&set.name),
            None => finding,
        });
    };
    for set in manifest.sets.iter().filter(|set| set.is_sound) {
        let Some(frozen) = last.sets.iter().find(|frozen| frozen.name == set.name) else {
            continue; // A new set breaks no match.
        };
        let had = |row: &&Row| frozen.values.iter().any(|(label, _)| label == &row.label.text);
        for row in &set.rows {
            let label = row.label.text.escape_debug();
            match (row.removed, had(&row)) {
                (None, false) if in_rust(&set.name, &row.label.text) => {
                    breaking(&row.label.at, Some(set), format!("label `{label}` is new"));
                }
                (Some(_), true) => breaking(&row.label.at, Some(set), format!("label `{label}` is removed")),
                _ => {}
            }
        }
        let kept: Vec<&Row> = set.live().filter(had).collect();
        let stood = |label: &str| kept.iter().find(|row| row.label.text == label).copied();
        let order = frozen.values.iter().filter_map(|(label, _)| stood(label));
        if let Some((row, before)) = kept.iter().zip(order).find(|(row, before)| row.label != before.label) {
            let message = format!(
                "label `{}` is in the place that `{}` had",
                row.label.text, before.label.text
            );
            breaking(&row.label.at, Some(set), message);
        }
        for (label, variant) in &frozen.values {
            if let Some(row) = stood(label).filter(|row| &row.variant.text != variant) {
                breaking(
                    &row.variant.at,
                    Some(set),
                    format!("the variant of `{label}` was `{variant}`"),
                );
            }
        }
        if set.rust != frozen.rust {
            breaking(&set.at, Some(set), format!("the enum was `{}`", frozen.rust));
        }
    }
    for name in manifest.names.iter().filter(|name| name.removed.is_some()) {
        if last
            .names
            .iter()
            .any(|(kind, promised)| promised == &name.name.text && kind == &name.kind)
        {
            breaking(
                &name.name.at,
                None,
                format!("the {} `{}` is removed", name.kind, name.name.text),
            );
        }
    }
}

fn gone(release: &Release, kind: &str, name: &str, at: &Place) -> Finding {
    let message = format!("the {kind} `{name}`, which {} promised, is missing", release.version);
    let help = "restore it; a removed value or name keeps its row, with the version in `Removed`, and needs a breaking version";
    Finding::new(Code::ReleasedGone, at, message, help)
}

/// Compares one set with one release.
fn compare_set(
    set: &Set,
    frozen: &FrozenSet,
    release: &Release,
    version: Version,
    in_rust: impl Fn(&str, &str) -> bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let of_release = release.version;
    for (label, _) in &frozen.values {
        let Some(row) = set.rows.iter().find(|row| &row.label.text == label) else {
            // At the row that most likely misspells it, else at the table.
            let is_new = |row: &&Row| !frozen.values.iter().any(|(label, _)| label == &row.label.text);
            let guess = nearest(label, set.live().filter(is_new).map(|row| row.label.text.as_str()));
            let row = set.live().find(|row| Some(row.label.text.as_str()) == guess);
            findings.push(gone(release, "label", label, row.map_or(&set.at, |row| &row.label.at)));
            continue;
        };
        let wrong = match row.removed {
            Some(removed) if removed <= of_release => Some(format!("removed in {removed}, but {of_release} has it")),
            _ if row.since > of_release => Some(format!("added in {}, but {of_release} has it", row.since)),
            _ => None,
        };
        findings.extend(wrong.map(|message| contradiction(row, message)));
    }
    // In the release's own version, a new label is reported as a breaking change instead.
    for row in set.live().filter(|row| row.since <= of_release && version > of_release) {
        let was_there = frozen.values.iter().any(|(label, _)| label == &row.label.text);
        if !was_there && in_rust(&set.name, &row.label.text) {
            findings.push(contradiction(
                row,
                format!("added in {}, but {of_release} does not have it", row.since),
            ));
        }
    }
    findings.into_iter().map(|finding| finding.of_set(&set.name)).collect()
}

fn contradiction(row: &Row, message: String) -> Finding {
    let message = format!("label `{}`: {message}", row.label.text.escape_debug());
    Finding::new(
        Code::Contradiction,
        &row.label.at,
        message,
        "correct the row: a frozen release never changes",
    )
}
