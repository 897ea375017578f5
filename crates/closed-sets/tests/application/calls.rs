//! The public functions outside of a build script.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use closed_sets::{Check, Code, Frozen};

use crate::shop;

fn check(root: &Path) -> Check {
    Check::new()
        .root(root)
        .package("shop", "0.2.0")
        .rust_file("src/order_status.rs")
        .releases("releases")
}

#[test]
fn a_release_is_frozen_once() {
    let root = shop::copy("frozen");
    let freeze = || check(&root).check().unwrap().freeze();
    let path = PathBuf::from("releases/0.2.0.txt");
    assert_eq!(freeze().unwrap(), Frozen::Written(path.clone()));
    let frozen = fs::read_to_string(root.join(&path)).unwrap();
    assert!(frozen.starts_with("# What shop 0.2.0 promised."));
    assert!(frozen.contains("\npaid Paid\nrefunded Refunded\nshipped Shipped\n"));
    assert_eq!(freeze().unwrap(), Frozen::Unchanged(path.clone()));

    // A new promised name breaks nobody, but it is not a promise of the frozen release.
    let migration = root.join("migrations/2026-03-01-090000_index_ids");
    fs::create_dir(&migration).unwrap();
    fs::write(
        migration.join("up.sql"),
        "CREATE INDEX orders_recent_idx ON orders (id DESC);",
    )
    .unwrap();
    let manifest = root.join("closed_sets.md");
    let row = "| index | `orders_recent_idx` | 0.2.0 | – | Orders, the latest first. |\n";
    fs::write(&manifest, fs::read_to_string(&manifest).unwrap() + row).unwrap();
    let error = freeze().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert!(error.to_string().starts_with("releases/0.2.0.txt has other promises"));
    assert_eq!(fs::read_to_string(root.join(&path)).unwrap(), frozen);
}

#[test]
fn a_release_needs_a_folder() {
    let root = shop::copy("no_folder");
    let check = Check::new()
        .root(&root)
        .package("shop", "0.2.0")
        .rust_file("src/order_status.rs");
    assert_eq!(
        check.check().unwrap().freeze().unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
}

#[test]
fn findings_are_data() {
    let root = shop::copy("findings");
    let file = root.join("src/order_status.rs");
    let good = fs::read_to_string(&file).unwrap();
    fs::write(&file, good.replace("    Paid,\n", "")).unwrap();
    let findings = check(&root).check().unwrap_err();
    let mut iter = findings.iter();
    let finding = iter.next().unwrap();
    assert!(iter.next().is_none());
    assert_eq!(finding.code, Code::NotInRust);
    assert_eq!(finding.set.as_deref(), Some("order_status"));
    assert_eq!(
        (&*finding.at.file, finding.at.line, finding.at.column),
        ("closed_sets.md", 9, 8)
    );
}

/// Two enums in two files, and none in the default file.
#[test]
fn several_rust_files_are_read() {
    let root = shop::copy("files");
    let without = Check::new().root(&root).package("shop", "0.2.0");
    let codes = |check: Check| -> Vec<Code> {
        check
            .check()
            .err()
            .into_iter()
            .flatten()
            .map(|finding| finding.code)
            .collect()
    };
    assert_eq!(codes(without.clone()), [Code::Set]);
    assert_eq!(
        codes(without.rust_file("src/schema.rs").rust_file("src/order_status.rs")),
        []
    );
}
