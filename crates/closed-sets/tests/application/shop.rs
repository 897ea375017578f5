//! Copies of the fixture.

use std::fs;
use std::path::{Path, PathBuf};

/// Copies the fixture into a folder of that name.
pub(crate) fn copy(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&root);
    copy_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture"), &root);
    root
}

fn copy_all(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            copy_all(&from.join(&name), &to.join(&name));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}
