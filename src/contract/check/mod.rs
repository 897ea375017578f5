//! Holds the manifest (`api_stability.md`), the Rust enums, the migrations and the frozen releases against each other.
//!
//! `build.rs` runs it before each build, so it needs neither a database nor Diesel; `crates/xtask` freezes releases with
//! it. The library itself includes only what it generates.

mod against_migrations;
mod against_rust;
mod attributes;
mod code;
mod compare;
mod enum_statements;
mod enums;
mod escapes;
mod finding;
mod generate;
mod hazards;
mod manifest;
mod markdown;
mod migrations;
mod object_statements;
mod objects;
mod promised_names;
mod releases;
mod rows;
mod side;
#[path = "../similar.rs"]
mod similar;
pub(crate) mod snake_case;
mod source;
mod split;
mod sql;
mod version;

use std::path::Path;
use std::{fs, io};

pub(crate) use finding::{Code, Finding, Place};
pub(crate) use manifest::Manifest;
#[allow(unused_imports, reason = "a test compares it with Postgres")]
pub(crate) use migrations::replay;
#[allow(unused_imports, reason = "a test compares them with Postgres")]
pub(crate) use object_statements::Object;
pub(crate) use releases::Release;
pub(crate) use source::File;
#[allow(unused_imports, reason = "the build splits the migrations for the library")]
pub(crate) use split::split;
#[allow(unused_imports, reason = "a test compares them with Postgres")]
pub(crate) use sql::{Kind, Token, statements};
pub(crate) use version::Version;

/// All that the check reads, and so all that can change what it says.
pub(crate) const READS: &[&str] = &[manifest::FILE, enums::FILE, migrations::FOLDER, releases::FOLDER];

/// What is held against each other.
#[derive(Debug)]
pub(crate) struct Inputs {
    pub(crate) manifest: File,
    pub(crate) enums: File,
    /// Each migration's `up.sql`, in Diesel's order.
    pub(crate) migrations: Vec<File>,
    pub(crate) releases: Vec<File>,
    /// The crate's version.
    pub(crate) version: String,
    /// What could not even be listed.
    pub(crate) unreadable: Vec<Finding>,
}

/// What holds, when nothing is found.
#[derive(Debug)]
pub(crate) struct Contract {
    pub(crate) manifest: Manifest,
    pub(crate) version: Version,
}

impl Inputs {
    pub(crate) fn read(root: &Path, version: &str) -> Inputs {
        let mut unreadable = Vec::new();
        let mut folders = list(root, migrations::FOLDER, &mut unreadable);
        folders.retain(|it| root.join(migrations::FOLDER).join(it).is_dir());
        folders.sort_by_key(|it| migrations::version(it));
        let mut releases = list(root, releases::FOLDER, &mut unreadable);
        releases.sort();
        let file = |path: String| File::read(root, &path);
        Inputs {
            manifest: File::read(root, manifest::FILE),
            enums: File::read(root, enums::FILE),
            migrations: folders
                .iter()
                .map(|it| file(format!("{}/{it}/up.sql", migrations::FOLDER)))
                .collect(),
            releases: releases
                .iter()
                .map(|it| file(format!("{}/{it}", releases::FOLDER)))
                .collect(),
            version: version.to_owned(),
            unreadable,
        }
    }
}

/// The names in a folder, without hidden ones.
fn list(root: &Path, folder: &str, unreadable: &mut Vec<Finding>) -> Vec<String> {
    let names = || -> io::Result<Vec<String>> {
        let entries = fs::read_dir(root.join(folder))?;
        entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    };
    match names() {
        Ok(names) => names.into_iter().filter(|it| !it.starts_with('.')).collect(),
        Err(error) => {
            let what = format!("this folder can't be read: {error}");
            let help = "put it back: the check needs what is in it";
            unreadable.push(Finding::new(Code::Unreadable, &Place::start_of(folder), what, help));
            Vec::new()
        }
    }
}

/// Checks everything, and reports all that it finds, in the order of the places.
pub(crate) fn check(inputs: &Inputs) -> Result<Contract, Vec<Finding>> {
    let mut findings = inputs.unreadable.clone();
    let version = Version::of_crate(&inputs.version);
    if version.is_none() {
        let what = format!("the crate's version `{}` is not one", inputs.version);
        findings.push(Finding::new(
            Code::Version,
            &Place::start_of("Cargo.toml"),
            what,
            "write three numbers",
        ));
    }
    let mut read = |file: &File| file.text().map(str::to_owned).map_err(|it| findings.push(it)).ok();
    let (manifest, enums) = (read(&inputs.manifest), read(&inputs.enums));
    let manifest = match (manifest, version) {
        (Some(text), Some(version)) => Some((manifest::parse(&text, version, &mut findings), version)),
        _ => None,
    };
    let enums = enums.map(|text| enums::parse(&text, &mut findings));
    let types = migrations::replay(&inputs.migrations, &mut findings);
    let mut releases = Vec::new();
    for file in &inputs.releases {
        match Release::read(file) {
            Ok(release) => releases.push(release),
            Err(finding) => findings.push(finding),
        }
    }
    // Without one of the places, everything in the others would look wrong.
    let contract = manifest.map(|(manifest, version)| {
        if let Some((enums, is_whole)) = &enums {
            compare::sets(&manifest, enums, *is_whole, &types, &mut findings);
            let in_rust = |set: &str, label: &str| {
                let variants = enums.iter().filter(|it| it.set == set).flat_map(|it| &it.variants);
                variants.into_iter().any(|it| it.label.text == label)
            };
            releases::check(&manifest, &releases, version, in_rust, &mut findings);
        }
        // Of statements that are not understood, nobody knows what they leave.
        if types.is_whole {
            promised_names::check(&manifest, &types.objects, &mut findings);
        }
        Contract { manifest, version }
    });
    findings.sort_by(|a, b| (&a.at, a.code).cmp(&(&b.at, b.code)));
    match contract {
        Some(contract) if findings.is_empty() => Ok(contract),
        _ => Err(findings),
    }
}

impl Contract {
    /// The files that the library includes, by name.
    pub(crate) fn generated(&self) -> [(&'static str, String); 3] {
        [
            ("labels.rs", generate::labels(&self.manifest)),
            ("sets.rs", generate::sets(&self.manifest)),
            ("names.rs", generate::names(&self.manifest)),
        ]
    }

    /// The file that freezes what is promised now, and its text.
    #[allow(dead_code, reason = "the build checks releases and never makes one")]
    pub(crate) fn frozen(&self) -> (String, String) {
        let release = Release::of(&self.manifest, self.version);
        (
            format!("{}/{}", releases::FOLDER, Release::file_name(self.version)),
            release.render(),
        )
    }
}

/// The findings as text, with what they add up to.
pub(crate) fn report(findings: &[Finding]) -> String {
    let mut text: String = findings.iter().map(|it| format!("{it}\n")).collect();
    let count = findings.len();
    let things = if count == 1 {
        "1 finding"
    } else {
        &format!("{count} findings")
    };
    text += &format!(
        "{things}: the closed sets in {} don't hold together\n",
        READS.join(", ")
    );
    text
}
