//! What was released stays promised: `api/<version>.txt` is the manifest as a release had it, written by a command when
//! that release is made, and never by the build.

use super::finding::{Code, Finding, Place};
use super::manifest::{self, Manifest, Row, Set};
use super::similar::nearest;
use super::source::File;
use super::version::Version;

pub(crate) const FOLDER: &str = "api";

const COMMAND: &str = "cargo run -p xtask -- freeze";

/// A release, as its file has it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Release {
    pub(crate) version: Version,
    sets: Vec<FrozenSet>,
    /// Kind and name.
    names: Vec<(String, String)>,
}

#[derive(Debug, PartialEq, Eq)]
struct FrozenSet {
    name: String,
    rust: String,
    /// Label and variant, in order.
    values: Vec<(String, String)>,
}

impl Release {
    /// What the manifest promises now.
    #[allow(dead_code, reason = "the build checks releases and never makes one")]
    pub(crate) fn of(manifest: &Manifest, version: Version) -> Release {
        let value = |row: &Row| (row.label.text.clone(), row.variant.text.clone());
        let frozen = |set: &Set| FrozenSet {
            name: set.name.clone(),
            rust: set.rust.clone(),
            values: set.live().map(value).collect(),
        };
        let live = manifest.names.iter().filter(|it| it.removed.is_none());
        Release {
            version,
            sets: manifest.sets.iter().map(frozen).collect(),
            names: live.map(|it| (it.kind.clone(), it.name.text.clone())).collect(),
        }
    }

    #[allow(dead_code, reason = "the build checks releases and never makes one")]
    pub(crate) fn file_name(version: Version) -> String {
        format!("{version}.txt")
    }

    pub(crate) fn render(&self) -> String {
        let version = self.version;
        let mut text = format!("# What mailglass {version} promised. Written by `{COMMAND}`; never edited.\n");
        for set in &self.sets {
            text += &format!("\nset {} {}\n", set.name, set.rust);
            text.extend(set.values.iter().map(|(label, variant)| format!("{label} {variant}\n")));
        }
        text += "\nnames\n";
        text.extend(self.names.iter().map(|(kind, name)| format!("{kind} {name}\n")));
        text
    }

    /// Reads a file back; a file that isn't what the command writes is a finding.
    pub(crate) fn read(file: &File) -> Result<Release, Finding> {
        let text = file.text()?.replace("\r\n", "\n");
        let refused = |line: usize, what: &str| {
            let help = format!(
                "take it back from version control; `{COMMAND}` writes these files, and a release never changes"
            );
            Finding::new(Code::Frozen, &Place::new(&file.path, line, 1), what, help)
        };
        let name = file.path.rsplit('/').next().and_then(|it| it.strip_suffix(".txt"));
        let Some(version) = name.and_then(Version::parse) else {
            return Err(refused(1, "this file's name is not a version and `.txt`"));
        };
        let mut release = Release {
            version,
            sets: Vec::new(),
            names: Vec::new(),
        };
        let mut in_names = false;
        for line in text.lines().skip(1).filter(|it| !it.is_empty()) {
            let words: Vec<&str> = line.split(' ').collect();
            match (words.as_slice(), release.sets.last_mut()) {
                (["names"], _) => in_names = true,
                ([kind, name], _) if in_names => release.names.push(((*kind).to_owned(), (*name).to_owned())),
                (["set", name, rust], _) => release.sets.push(FrozenSet {
                    name: (*name).to_owned(),
                    rust: (*rust).to_owned(),
                    values: Vec::new(),
                }),
                ([label, variant], Some(set)) => set.values.push(((*label).to_owned(), (*variant).to_owned())),
                _ => {}
            }
        }
        let rendered = release.render();
        let mut lines = (1..).zip(text.split('\n').zip(rendered.split('\n')));
        match lines.find(|(_, (found, expected))| found != expected) {
            Some((line, _)) => Err(refused(line, "this line is not what the command writes")),
            None if rendered.len() != text.len() => Err(refused(text.lines().count(), "this file is cut off")),
            None => Ok(release),
        }
    }
}

/// Holds the manifest against all releases; `in_rust` says whether a set has a label in Rust, too.
pub(crate) fn check(
    manifest: &Manifest,
    releases: &[Release],
    version: Version,
    in_rust: impl Fn(&str, &str) -> bool,
    findings: &mut Vec<Finding>,
) {
    for release in releases {
        for frozen in &release.sets {
            match manifest.sets.iter().find(|it| it.name == frozen.name) {
                None if !manifest.is_whole => {}
                None => findings.push(gone(release, "set", &frozen.name, &Place::start_of(manifest::FILE))),
                Some(set) if set.is_sound => findings.extend(against(set, frozen, release, version, &in_rust)),
                Some(_) => {}
            }
        }
        for (kind, name) in release.names.iter().filter(|_| manifest.is_whole) {
            if !manifest
                .names
                .iter()
                .any(|it| &it.name.text == name && &it.kind == kind)
            {
                findings.push(gone(release, kind, name, &Place::start_of(manifest::FILE)));
            }
        }
    }
    let Some(last) = releases.iter().max_by_key(|it| it.version) else {
        return;
    };
    if version >= last.version.next_breaking() {
        return;
    }
    let mut breaking = |at: &Place, set: Option<&Set>, what: String| {
        let what = format!(
            "{what}, which breaks what {} promised, but the crate's version is {version}",
            last.version
        );
        let help = format!(
            "raise `version` in Cargo.toml to {} or higher, or take the change back",
            last.version.next_breaking()
        );
        let finding = Finding::new(Code::NotBreaking, at, what, help);
        findings.push(match set {
            Some(set) => finding.of_set(&set.name),
            None => finding,
        });
    };
    for set in manifest.sets.iter().filter(|it| it.is_sound) {
        let Some(frozen) = last.sets.iter().find(|it| it.name == set.name) else {
            continue; // A new set breaks nobody's match.
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
            let what = format!("label `{}` stands where `{}` stood", row.label.text, before.label.text);
            breaking(&row.label.at, Some(set), what);
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
    for name in manifest.names.iter().filter(|it| it.removed.is_some()) {
        if last
            .names
            .iter()
            .any(|(kind, it)| it == &name.name.text && kind == &name.kind)
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
    let what = format!("the {kind} `{name}`, which {} released, is gone", release.version);
    let help = "put it back; what goes keeps its row, with the version that removed it, and that is a breaking version";
    Finding::new(Code::ReleasedGone, at, what, help)
}

/// One set against one release.
fn against(
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
            // Where it is most likely misspelt; else at the table.
            let is_new = |row: &&Row| !frozen.values.iter().any(|(label, _)| label == &row.label.text);
            let guess = nearest(label, set.live().filter(is_new).map(|row| row.label.text.as_str()));
            let row = set.live().find(|row| Some(row.label.text.as_str()) == guess);
            findings.push(gone(release, "label", label, row.map_or(&set.at, |row| &row.label.at)));
            continue;
        };
        let wrong = match row.removed {
            Some(removed) if removed <= of_release => Some(format!("removed in {removed}, but {of_release} has it")),
            _ if row.since > of_release => Some(format!("there since {}, but {of_release} has it", row.since)),
            _ => None,
        };
        findings.extend(wrong.map(|what| contradiction(row, what)));
    }
    // In the release's own version a new label is a breaking change without a new version, and reported as that.
    for row in set.live().filter(|row| row.since <= of_release && version > of_release) {
        let was_there = frozen.values.iter().any(|(label, _)| label == &row.label.text);
        if !was_there && in_rust(&set.name, &row.label.text) {
            findings.push(contradiction(
                row,
                format!("there since {}, but {of_release} doesn't have it", row.since),
            ));
        }
    }
    findings.into_iter().map(|it| it.of_set(&set.name)).collect()
}

fn contradiction(row: &Row, what: String) -> Finding {
    let what = format!("label `{}`: {what}", row.label.text.escape_debug());
    Finding::new(
        Code::Contradiction,
        &row.label.at,
        what,
        "correct the row: a release never changes",
    )
}
