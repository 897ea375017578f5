//! The application builds. It does not build after one label has changed in any place. The check runs again exactly if one
//! of its inputs has changed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::SystemTime;
use std::{env, fs};

use crate::shop;

const README: &str = include_str!("../../README.md");

const MANIFEST: &str = "closed_sets.md";
const ENUM: &str = "src/order_status.rs";
const CREATE: &str = "migrations/2026-01-05-090000_create_orders/up.sql";
const ADD: &str = "migrations/2026-02-10-090000_add_refunded/up.sql";
const RELEASE: &str = "releases/0.1.0.txt";

/// A copy of the fixture that depends on this crate by its path.
struct Application {
    root: PathBuf,
}

impl Application {
    fn new() -> Application {
        let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = shop::copy("shop");
        let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
        // A workspace of its own inside of ours.
        let patch = format!("\n[workspace]\n\n[patch.crates-io]\nclosed-sets = {{ path = {crate_root:?} }}\n");
        fs::write(root.join("Cargo.toml"), manifest + &patch).unwrap();
        // The versions of our workspace are there without a network.
        fs::copy(crate_root.join("../../Cargo.lock"), root.join("Cargo.lock")).unwrap();
        Application { root }
    }

    fn build(&self) -> Output {
        Command::new(env::var_os("CARGO").unwrap())
            .args(["build", "--offline", "--verbose"])
            .current_dir(&self.root)
            // Beside our own build, so that the dependencies are built once.
            .env(
                "CARGO_TARGET_DIR",
                Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap(),
            )
            .env("CARGO_TERM_COLOR", "never")
            // Nothing is linked, so pq-sys need not find libpq.
            .env("PQ_LIB_DIR", &self.root)
            .output()
            .unwrap()
    }

    fn builds(&self) -> Output {
        let output = self.build();
        assert!(output.status.success(), "{}", stderr(&output));
        output
    }

    /// Whether the check runs after a file was touched.
    fn checks_after_touching(&self, file: &str) -> bool {
        let file = fs::File::open(self.root.join(file)).unwrap();
        file.set_modified(SystemTime::now()).unwrap();
        let is_check = |line: &str| {
            line.trim_start().starts_with("Running") && line.contains("/shop-") && line.contains("/build-script-build")
        };
        stderr(&self.builds()).lines().any(is_check)
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The errors of the build script.
fn errors(output: &Output) -> String {
    let stderr = stderr(output);
    let lines = stderr.lines().filter(|line| line.starts_with("error: shop@"));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The positions and codes of the findings that Cargo reports.
fn findings(output: &Output) -> Vec<String> {
    let errors = errors(output);
    let texts = errors
        .lines()
        .filter_map(|line| Some(line.strip_prefix("error: shop@")?.split_once(": ")?.1));
    let heads = texts.filter_map(|text| {
        text.split_once(": MG")
            .map(|(at, rest)| format!("{at}: MG{}", &rest[..3]))
    });
    heads.collect()
}

#[test]
fn an_application_builds_only_with_one_spelling_of_every_label() {
    let shop = Application::new();
    shop.builds();

    let breaks: &[(&str, &str, &str, &[&str])] = &[
        (
            MANIFEST,
            "`paid`",
            "`pait`",
            &[
                "closed_sets.md:9:8: MG004",
                "closed_sets.md:9:8: MG006",
                "closed_sets.md:9:8: MG018",
            ],
        ),
        (
            MANIFEST,
            "`orders`",
            "`order`",
            &["closed_sets.md:1:1: MG018", "closed_sets.md:18:12: MG022"],
        ),
        (ENUM, "    Refunded,", "    Refundet,", &["closed_sets.md:10:8: MG004"]),
        (CREATE, "'paid'", "'pait'", &["closed_sets.md:9:8: MG006"]),
        (ADD, "'refunded'", "'refundet'", &["closed_sets.md:10:8: MG006"]),
        (
            RELEASE,
            "paid Paid",
            "pait Paid",
            &["closed_sets.md:9:8: MG012", "closed_sets.md:9:8: MG018"],
        ),
        (
            "Cargo.toml",
            "version = \"0.2.0\"",
            "version = \"0.1.9\"",
            &["closed_sets.md:10:8: MG019", "closed_sets.md:10:33: MG011"],
        ),
    ];
    for (file, from, to, expected) in breaks {
        let path = shop.root.join(file);
        let good = fs::read_to_string(&path).unwrap();
        assert_eq!(good.matches(from).count(), 1, "{from} in {file}");
        fs::write(&path, good.replace(from, to)).unwrap();
        let output = shop.build();
        assert_eq!(output.status.code(), Some(101), "{to} in {file}: {}", stderr(&output));
        assert_eq!(findings(&output), *expected, "{to} in {file}: {}", stderr(&output));
        if *file == ENUM {
            assert!(
                README.contains(&errors(&output)),
                "the README lacks\n{}",
                errors(&output)
            );
        }
        fs::write(&path, good).unwrap();
        shop.builds();
    }

    for input in [MANIFEST, ENUM, CREATE, ADD, RELEASE] {
        assert!(shop.checks_after_touching(input), "{input}");
    }
    for other in ["src/lib.rs", "src/schema.rs"] {
        assert!(!shop.checks_after_touching(other), "{other}");
    }
}
