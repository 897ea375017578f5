//! The packaged crate compiles offline and without a database (`cargo check`, which is enough for the build script and
//! faster). It no longer does after one letter of a label has changed in
//! one of the three places.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::SystemTime;
use std::{env, fs};

use crate::own::{CREATE, ENUMS, MANIFEST};

/// The packages that are released together with this one. They need not be in the registry yet.
const RELEASED_TOGETHER: [&str; 1] = ["closed-sets"];

/// Packages the crates and unpacks them into a folder.
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
        ])
        .args(RELEASED_TOGETHER.iter().flat_map(|name| ["-p", name]))
        .arg("--target-dir")
        .arg(&folder)
        .output()
        .unwrap();
    assert!(packaged.status.success(), "{}", stderr(&packaged));
    let package = folder.join("package");
    let folder = unpack(&package, concat!("mailglass-", env!("CARGO_PKG_VERSION")));
    // The folder is inside of our workspace, but not a member of it.
    let mut manifest = fs::OpenOptions::new()
        .append(true)
        .open(folder.join("Cargo.toml"))
        .unwrap();
    let mut more = String::from("\n[workspace]\n[patch.crates-io]\n");
    for name in RELEASED_TOGETHER {
        unpack(&package, &format!("{name}-0.1.0"));
        more += &format!("{name} = {{ path = \"../{name}-0.1.0\" }}\n");
    }
    manifest.write_all(more.as_bytes()).unwrap();
    folder
}

fn unpack(package: &Path, name: &str) -> PathBuf {
    let folder = package.join(name);
    let _ = fs::remove_dir_all(&folder);
    // With new modification times (-m): the old ones in the archive would make earlier build results look up to date.
    let unpacked = Command::new("tar")
        .arg("-xzmf")
        .arg(format!("{name}.crate"))
        .current_dir(package)
        .status();
    assert!(unpacked.unwrap().success());
    folder
}

/// Cargo without a database.
fn cargo(folder: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap());
    cargo
        .current_dir(folder)
        .env_remove("DATABASE_URL")
        .env("PGHOST", "/nonexistent");
    cargo
}

/// Runs Cargo in our own target folder, so that it does not build libpq and Diesel again.
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

/// The findings that the build script printed.
fn reported(output: &Output) -> String {
    let prefix = format!("error: mailglass@{}: ", env!("CARGO_PKG_VERSION"));
    stderr(output)
        .lines()
        .filter_map(|line| line.strip_prefix(&prefix))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// The findings that the build script must print after a typo in one of the places. `BLESS=1` writes them.
fn expected(place: &str, reported: &str) -> String {
    let name = format!("tests/contract/packaged/{place}.txt");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if env::var_os("BLESS").is_some() {
        fs::write(&path, reported).unwrap();
    }
    fs::read_to_string(path).unwrap()
}

fn runs_the_check(folder: &Path, touched: &str) -> bool {
    fs::File::open(folder.join(touched))
        .unwrap()
        .set_modified(SystemTime::now())
        .unwrap();
    let output = run(folder, &["check", "--verbose"]);
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
        let output = run(&folder, &["check"]);
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
        let output = run(&folder, &["check"]);
        assert_eq!(output.status.code(), Some(101), "{to} in {file}");
        let expected = expected(place, &reported(&output));
        assert_eq!(reported(&output), expected, "{}", stderr(&output));
        // Once more: no stale success.
        assert_eq!(reported(&run(&folder, &["check"])), expected);
        fs::write(&path, good).unwrap();
        builds();
    }

    for read in [MANIFEST, ENUMS, CREATE, "api/0.1.0.txt"] {
        assert!(runs_the_check(&folder, read), "{read}");
    }
    for elsewhere in ["README.md", "src/lib.rs", "src/sql/insert_events.sql"] {
        assert!(!runs_the_check(&folder, elsewhere), "{elsewhere}");
    }

    let docs = run(&folder, &["doc", "--no-deps"]);
    assert!(docs.status.success(), "{}", stderr(&docs));
}
