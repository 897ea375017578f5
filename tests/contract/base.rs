//! A small contract that holds (`base/`), and changes to it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::check::{self, File, Finding, Inputs};

pub const MANIFEST: &str = "api_stability.md";
pub const ENUMS: &str = "src/closed_sets.rs";
pub const CREATE: &str = "migrations/2026-01-01-000000_create_sets/up.sql";

/// Paths and contents of the files that the check reads.
#[derive(Clone)]
pub struct Tree {
    pub version: String,
    pub files: BTreeMap<String, Vec<u8>>,
}

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/base")
}

impl Tree {
    pub fn base() -> Tree {
        Tree::read(&folder(), "0.2.0")
    }

    /// The crate's own files.
    pub fn own() -> Tree {
        Tree::read(Path::new(env!("CARGO_MANIFEST_DIR")), env!("CARGO_PKG_VERSION"))
    }

    fn read(root: &Path, version: &str) -> Tree {
        let inputs = Inputs::read(root, version);
        assert_eq!(inputs.unreadable, []);
        let files = [inputs.manifest, inputs.enums]
            .into_iter()
            .chain(inputs.migrations)
            .chain(inputs.releases);
        Tree {
            version: version.to_owned(),
            files: files.map(|it| (it.path, it.bytes.unwrap())).collect(),
        }
    }

    pub fn text(&self, path: &str) -> &str {
        std::str::from_utf8(&self.files[path]).unwrap()
    }

    pub fn set(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.files.insert(path.to_owned(), bytes.into());
    }

    /// Replaces what stands once in a file.
    pub fn replace(&mut self, path: &str, from: &str, to: &str) {
        let text = self.text(path);
        assert_eq!(text.matches(from).count(), 1, "{from:?} in {path}");
        self.set(path, text.replace(from, to));
    }

    fn inputs(&self) -> Inputs {
        let file = |path: &str| File {
            path: path.to_owned(),
            bytes: self
                .files
                .get(path)
                .cloned()
                .ok_or_else(|| io::ErrorKind::NotFound.into()),
        };
        let below = |folder| {
            self.files
                .keys()
                .filter(move |it| it.starts_with(folder))
                .map(|it| file(it))
        };
        Inputs {
            manifest: file(MANIFEST),
            enums: file(ENUMS),
            migrations: below("migrations/").collect(),
            releases: below("api/").collect(),
            version: self.version.clone(),
            unreadable: Vec::new(),
        }
    }

    /// What the build would say; nothing, where all holds.
    pub fn report(&self) -> String {
        match check::check(&self.inputs()) {
            Ok(_) => String::new(),
            Err(findings) => check::report(&findings),
        }
    }

    pub fn findings(&self) -> Vec<Finding> {
        check::check(&self.inputs()).err().unwrap_or_default()
    }

    pub fn codes(&self) -> Vec<String> {
        let mut codes: Vec<String> = self.findings().iter().map(|it| it.code.to_string()).collect();
        codes.sort();
        codes
    }

    pub fn contract(&self) -> check::Contract {
        check::check(&self.inputs()).unwrap_or_else(|findings| panic!("{}", check::report(&findings)))
    }
}
