//! A small crate without findings (`base/`), and edits of it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::check::check;
use crate::contract::Contract;
use crate::finding::{Finding, Findings};
use crate::inputs::{Inputs, Paths};
use crate::text_file::TextFile;

pub(super) const MANIFEST: &str = "api_stability.md";
pub(super) const ENUMS: &str = "src/closed_sets.rs";
pub(super) const CREATE: &str = "migrations/2026-01-01-000000_create_sets/up.sql";

/// Paths and contents of the inputs.
#[derive(Clone)]
pub(super) struct Tree {
    pub(super) version: String,
    pub(super) files: BTreeMap<String, Vec<u8>>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/base")
}

fn paths() -> Paths {
    Paths {
        manifest: MANIFEST.to_owned(),
        rust_files: vec![ENUMS.to_owned()],
        migrations: "migrations".to_owned(),
        releases: Some("api".to_owned()),
    }
}

impl Tree {
    pub(super) fn base() -> Tree {
        let version = "0.2.0";
        let inputs = Inputs::read(&folder(), "paints", version, &paths());
        assert_eq!(inputs.unreadable, []);
        let files = [inputs.manifest]
            .into_iter()
            .chain(inputs.rust_files)
            .chain(inputs.migrations)
            .chain(inputs.releases);
        Tree {
            version: version.to_owned(),
            files: files.map(|file| (file.path.to_string(), file.bytes.unwrap())).collect(),
        }
    }

    pub(super) fn text(&self, path: &str) -> &str {
        std::str::from_utf8(&self.files[path]).unwrap()
    }

    pub(super) fn set(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.files.insert(path.to_owned(), bytes.into());
    }

    /// Replaces the only occurrence of a text in a file.
    pub(super) fn replace(&mut self, path: &str, from: &str, to: &str) {
        let text = self.text(path);
        assert_eq!(text.matches(from).count(), 1, "{from:?} in {path}");
        self.set(path, text.replace(from, to));
    }

    fn inputs(&self) -> Inputs {
        let file = |path: &str| TextFile {
            path: path.into(),
            bytes: self
                .files
                .get(path)
                .cloned()
                .ok_or_else(|| io::ErrorKind::NotFound.into()),
        };
        let below = |folder| {
            self.files
                .keys()
                .filter(move |path| path.starts_with(folder))
                .map(|path| file(path))
        };
        Inputs {
            manifest: file(MANIFEST),
            package: "paints".to_owned(),
            paths: paths(),
            rust_files: vec![file(ENUMS)],
            migrations: below("migrations/").collect(),
            releases: below("api/").collect(),
            version: self.version.clone(),
            unreadable: Vec::new(),
        }
    }

    fn check(&self) -> Result<Contract, Findings> {
        check(&self.inputs(), Path::new(""))
    }

    /// The text of the findings; empty without findings.
    pub(super) fn report(&self) -> String {
        self.check()
            .err()
            .map_or_else(String::new, |findings| format!("{findings}\n"))
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        self.check().err().into_iter().flatten().collect()
    }

    pub(super) fn codes(&self) -> Vec<String> {
        let mut codes: Vec<String> = self.findings().iter().map(|finding| finding.code.to_string()).collect();
        codes.sort();
        codes
    }

    pub(super) fn contract(&self) -> Contract {
        self.check().unwrap_or_else(|findings| panic!("{findings}"))
    }
}
