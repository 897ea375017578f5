//! The crate's own contract: its files, and copies of them to edit.

use std::path::{Path, PathBuf};
use std::{env, fs};

use closed_sets::Check;

pub const MANIFEST: &str = "api_stability.md";
pub const ENUMS: &str = "src/models/closed_sets.rs";
pub const CREATE: &str = "migrations/2026-11-21-231501_create_closed_sets/up.sql";

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// A copy of the files that the check reads.
pub struct Copy {
    root: PathBuf,
}

impl Copy {
    /// Copies the files into a folder of that name.
    pub fn new(name: &str) -> Copy {
        let copy = Copy {
            root: Path::new(env!("CARGO_TARGET_TMPDIR")).join(name),
        };
        let _ = fs::remove_dir_all(&copy.root);
        for path in [MANIFEST, ENUMS, "migrations", "api"] {
            copy_all(&root().join(path), &copy.root.join(path));
        }
        copy
    }

    pub fn write(&self, path: &str, text: &str) {
        fs::write(self.root.join(path), text).unwrap();
    }

    /// The codes of the findings, sorted, and their text.
    pub fn findings(&self) -> (Vec<String>, String) {
        // As in build.rs.
        let check = Check::new()
            .root(&self.root)
            .package("mailglass", env!("CARGO_PKG_VERSION"))
            .manifest(MANIFEST)
            .rust_file(ENUMS)
            .migrations("migrations")
            .releases("api");
        match check.check() {
            Ok(_) => (Vec::new(), String::new()),
            Err(findings) => {
                let mut codes: Vec<String> = findings.iter().map(|finding| finding.code.to_string()).collect();
                codes.sort();
                (codes, findings.to_string())
            }
        }
    }
}

fn copy_all(from: &Path, to: &Path) {
    if from.is_dir() {
        for entry in fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            copy_all(&from.join(&name), &to.join(&name));
        }
    } else {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
}
