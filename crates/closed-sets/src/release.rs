//! Frozen releases: `<version>.txt` lists the manifest's promises at the time of the release.

use crate::code::Code;
use crate::finding::Finding;
use crate::manifest::{Manifest, Row, Set};
use crate::place::Place;
use crate::text_file::TextFile;
use crate::version::Version;

/// The promises of a release.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Release {
    pub(crate) version: Version,
    pub(crate) sets: Vec<FrozenSet>,
    /// Kinds and names.
    pub(crate) names: Vec<(String, String)>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FrozenSet {
    pub(crate) name: String,
    pub(crate) rust: String,
    /// Labels and variants, in order.
    pub(crate) values: Vec<(String, String)>,
}

impl Release {
    /// The manifest's promises.
    pub(crate) fn of(manifest: &Manifest, version: Version) -> Release {
        let value = |row: &Row| (row.label.text.clone(), row.variant.text.clone());
        let frozen = |set: &Set| FrozenSet {
            name: set.name.clone(),
            rust: set.rust.clone(),
            values: set.live().map(value).collect(),
        };
        let live = manifest.names.iter().filter(|name| name.removed.is_none());
        Release {
            version,
            sets: manifest.sets.iter().map(frozen).collect(),
            names: live.map(|name| (name.kind.clone(), name.name.text.clone())).collect(),
        }
    }

    /// The text of the release's file.
    pub(crate) fn render(&self, package: &str) -> String {
        let version = self.version;
        let mut text = format!("# What {package} {version} promised. Written by closed-sets; never edited.\n");
        for set in &self.sets {
            text += &format!("\nset {} {}\n", set.name, set.rust);
            text.extend(set.values.iter().map(|(label, variant)| format!("{label} {variant}\n")));
        }
        text += "\nnames\n";
        text.extend(self.names.iter().map(|(kind, name)| format!("{kind} {name}\n")));
        text
    }

    /// Reads a file back. A file that differs from the text that [`render`](Release::render) writes is a finding.
    pub(crate) fn read(package: &str, file: &TextFile) -> Result<Release, Finding> {
        let text = file.text()?.replace("\r\n", "\n");
        let refused = |line: usize, message: &str| {
            let help = "restore it from version control: a frozen release never changes";
            Finding::new(Code::Frozen, &Place::new(&file.path, line, 1), message, help)
        };
        let name = file.path.rsplit('/').next().and_then(|name| name.strip_suffix(".txt"));
        let Some(version) = name.and_then(Version::parse) else {
            return Err(refused(1, "the name of this file is not `<version>.txt`"));
        };
        let mut release = Release {
            version,
            sets: Vec::new(),
            names: Vec::new(),
        };
        let mut in_names = false;
        for line in text.lines().skip(1).filter(|line| !line.is_empty()) {
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
        let rendered = release.render(package);
        let mut lines = (1..).zip(text.split('\n').zip(rendered.split('\n')));
        match lines.find(|(_, (found, expected))| found != expected) {
            Some((line, _)) => Err(refused(line, "this line was edited")),
            None if rendered.len() != text.len() => Err(refused(text.lines().count(), "this file is incomplete")),
            None => Ok(release),
        }
    }
}
