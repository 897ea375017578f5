//! The packaged crate, as whoever depends on it gets it: it builds offline and without a database, and it stops building when
//! one letter changes in one of the three places, with words that need no look into the source.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::SystemTime;
use std::{env, fs};

use crate::base::{ENUMS, MANIFEST};
use crate::check;

const CREATE: &str = "migrations/2026-11-21-231501_create_closed_sets/up.sql";

/// Packages the crate and unpacks what came out, in a folder of its own.
fn unpacked() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packaged");
    let packaged = cargo(root)
        .args([
            "package",
            "--no-verify",
            "--allow-dirty",
            "--offline",
            "--quiet",
            "-p",
            "mailglass",
            "--target-dir",
        ])
        .arg(&folder)
        .output()
        .unwrap();
    assert!(packaged.status.success(), "{}", stderr(&packaged));
    let package = folder.join("package");
    let folder = unpack(&package, concat!("mailglass-", env!("CARGO_PKG_VERSION")));
    // It lies below our own workspace, of which it is no member.
    let mut manifest = fs::OpenOptions::new()
        .append(true)
        .open(folder.join("Cargo.toml"))
        .unwrap();
    manifest.write_all(b"\n[workspace]\n").unwrap();
    folder
}

fn unpack(package: &Path, name: &str) -> PathBuf {
    let folder = package.join(name);
    let _ = fs::remove_dir_all(&folder);
    // With new times (-m): by those in the archive, Cargo would take what an earlier run built for up to date.
    let unpacked = Command::new("tar")
        .arg("-xzmf")
        .arg(format!("{name}.crate"))
        .current_dir(package)
        .status();
    assert!(unpacked.unwrap().success());
    folder
}

/// Cargo without a database in reach.
fn cargo(folder: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap());
    cargo
        .current_dir(folder)
        .env_remove("DATABASE_URL")
        .env("PGHOST", "/nonexistent");
    cargo
}

/// Builds, beside our own build, so that libpq and Diesel are not built once more.
fn run(folder: &Path, command: &[&str]) -> Output {
    cargo(folder)
        .args(command)
        .args(["--offline", "--features", "bundled"])
        .env(
            "CARGO_TARGET_DIR",
            Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap(),
        )
        .env("CARGO_TERM_COLOR", "never")
        .env("RUSTDOCFLAGS", "-D warnings")
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What the build script said.
fn said(output: &Output) -> String {
    let prefix = format!("error: mailglass@{}: ", env!("CARGO_PKG_VERSION"));
    stderr(output)
        .lines()
        .filter_map(|it| it.strip_prefix(&prefix))
        .map(|it| format!("{it}\n"))
        .collect()
}

/// What the build script must say about a typo in one of the places; `BLESS=1` writes it anew.
fn expected(place: &str, said: &str) -> String {
    let name = format!("tests/contract/packaged/{place}.txt");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if env::var_os("BLESS").is_some() {
        fs::write(&path, said).unwrap();
    }
    fs::read_to_string(path).unwrap()
}

fn runs_the_check(folder: &Path, touched: &str) -> bool {
    fs::File::open(folder.join(touched))
        .unwrap()
        .set_modified(SystemTime::now())
        .unwrap();
    let output = run(folder, &["build", "--verbose"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let runs = |line: &str| {
        line.trim_start().starts_with("Running") && line.contains("mailglass") && line.contains("/build-script-build")
    };
    stderr(&output).lines().any(runs)
}

#[test]
fn the_packaged_crate_holds_its_contract() {
    let folder = unpacked();
    let builds = || {
        let output = run(&folder, &["build"]);
        assert!(output.status.success(), "{}", stderr(&output));
    };
    builds();

    for (file, from, to, place) in [
        (MANIFEST, "| `complained`    |", "| `complaint`     |", "manifest"),
        (ENUMS, "    Complained,", "    Complaimed,", "enum"),
        (CREATE, "'complained'", "'complainef'", "migration"),
    ] {
        let path = folder.join(file);
        let good = fs::read_to_string(&path).unwrap();
        assert_eq!(good.matches(from).count(), 1, "{from} in {file}");
        fs::write(&path, good.replace(from, to)).unwrap();
        let output = run(&folder, &["build"]);
        assert_eq!(output.status.code(), Some(101), "{to} in {file}");
        let expected = expected(place, &said(&output));
        assert_eq!(said(&output), expected, "{}", stderr(&output));
        // The same again, and not a stale success.
        assert_eq!(said(&run(&folder, &["build"])), expected);
        fs::write(&path, good).unwrap();
        builds();
    }

    for read in [MANIFEST, ENUMS, CREATE, "api/0.1.0.txt"] {
        assert!(check::READS.iter().any(|it| read.starts_with(it)));
        assert!(runs_the_check(&folder, read), "{read}");
    }
    for elsewhere in ["README.md", "src/lib.rs", "src/ledger/append.sql"] {
        assert!(!runs_the_check(&folder, elsewhere), "{elsewhere}");
    }

    let docs = run(&folder, &["doc", "--no-deps"]);
    assert!(docs.status.success(), "{}", stderr(&docs));
}
