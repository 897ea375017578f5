//! The checks. `.ci/run` installs the tools that they need and runs them all.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::generated::{self, SCHEMA_DOCS};
use crate::{Failure, cargo, run};

/// A check, by the name that `cargo xtask ci NAME` takes.
struct Check {
    name: &'static str,
    description: &'static str,
    run: fn(&Path) -> Result<(), Failure>,
}

const CHECKS: &[Check] = &[
    Check {
        name: "format",
        description: "rustfmt",
        run: |root| check_with_cargo(root, "fmt --all --check"),
    },
    Check {
        name: "spelling",
        description: "typos",
        run: |root| run(Command::new("typos").current_dir(root)),
    },
    Check {
        name: "lints",
        description: "clippy, for every package, feature and target",
        run: |root| {
            check_with_cargo(
                root,
                "clippy --workspace --all-features --all-targets --locked -- -D warnings",
            )?;
            without_libpq(root)
        },
    },
    Check {
        name: "docs",
        description: "rustdoc, without warnings",
        run: |root| {
            run(cargo(root, "doc --workspace --no-deps --all-features --locked").env("RUSTDOCFLAGS", "-D warnings"))
        },
    },
    Check {
        name: "dependencies",
        description: "cargo-deny: licences, duplicates and sources (its database of advisories is in no registry)",
        run: |root| {
            run(Command::new("cargo-deny")
                .args(words("check licenses bans sources"))
                .current_dir(root))
        },
    },
    Check {
        name: "tests",
        description: "the tests, with the command of the README",
        run: |root| check_with_cargo(root, "test"),
    },
    Check {
        name: "pooler",
        description: "the tests behind PgBouncer",
        run: |root| check_with_cargo(root, "test --test integration -- --ignored tenancy_pooler"),
    },
    Check {
        name: "generated",
        description: "the generated files are what the migrations make",
        run: generated::check,
    },
    Check {
        name: "readers",
        description: "programs that read the schema docs can read them",
        run: readers,
    },
    Check {
        name: "quickstart",
        description: "the example, with the command of the README",
        run: |root| check_with_cargo(root, "run --example quickstart"),
    },
    Check {
        name: "examples",
        description: "the worker processes, the shop and the endpoints for webhooks, which run themselves in their tests",
        run: |root| {
            // With the packages of the check `tests`, so that the dependencies are built with the same features.
            check_with_cargo(
                root,
                "test --locked -p mailglass -p mailglass-cli -p mailglass-webhooks -p closed-sets -p scratch-postgres \
                 -p shop -p worker -p webhooks-actix -p webhooks-axum -p webhooks-sync \
                 --test shop --test worker --test webhooks",
            )
        },
    },
    Check {
        name: "packages",
        description: "the packages build from what is published of them",
        run: |root| {
            check_with_cargo(
                root,
                "package --quiet --offline --locked --allow-dirty \
                 -p mailglass -p mailglass-cli -p mailglass-webhooks -p closed-sets -p scratch-postgres",
            )
        },
    },
    Check {
        name: "msrv",
        description: "the published packages build with the rust-version of Cargo.toml",
        run: msrv,
    },
    Check {
        name: "postgres",
        description: "the tests, with another version of PostgreSQL",
        run: another_postgres,
    },
];

pub(crate) fn usage() -> String {
    CHECKS
        .iter()
        .map(|check| format!("    {:13}{}\n", check.name, check.description))
        .collect()
}

/// Runs the checks with these names, or all of them, up to the first that fails.
pub(crate) fn ci(root: &Path, names: &[&str]) -> Result<(), Failure> {
    if let Some(unknown) = names
        .iter()
        .find(|name| !CHECKS.iter().any(|check| check.name == **name))
    {
        return Err(format!("there is no check `{unknown}`; the checks are\n{}", usage()).into());
    }
    for check in CHECKS {
        if names.is_empty() || names.contains(&check.name) {
            println!("\n== {}: {}", check.name, check.description);
            let start = Instant::now();
            (check.run)(root).map_err(|error| format!("{}: {error}", check.name))?;
            println!("== {}: passed in {} s", check.name, start.elapsed().as_secs());
        }
    }
    Ok(())
}

fn words(command: &str) -> impl Iterator<Item = &str> {
    command.split_whitespace()
}

fn check_with_cargo(root: &Path, command: &str) -> Result<(), Failure> {
    // DATABASE_URL would send the tests to a server that is not theirs.
    run(cargo(root, command).env_remove("DATABASE_URL"))
}

/// The webhooks, and what they need of the library, do not depend on libpq. The check `packages` builds them alone; elsewhere, the
/// features of a dependency are those of all packages of a build together.
fn without_libpq(root: &Path) -> Result<(), Failure> {
    let tree = "tree -p mailglass-webhooks --features all --locked --edges normal --prefix none";
    let tree = cargo(root, tree).output()?;
    let tree = String::from_utf8_lossy(&tree.stdout);
    if !tree.contains("mailglass-webhooks") || tree.contains("pq-sys") {
        return Err(
            "mailglass-webhooks must not depend on libpq: see `cargo tree -i pq-sys -p mailglass-webhooks`".into(),
        );
    }
    Ok(())
}

/// Reads the schema docs with the packages of `crates/mailglass-cli/tests/readers`. The tests of the command have written
/// `target/tmp/edge_cases`.
fn readers(root: &Path) -> Result<(), Failure> {
    let readers = "crates/mailglass-cli/tests/readers";
    let edge_cases = "target/tmp/edge_cases";
    run(Command::new("npm")
        .args(["ci", "--prefix", readers, "--no-audit", "--no-fund", "--silent"])
        .current_dir(root))?;
    let node = |script: &str, arguments: [String; 2]| {
        run(Command::new("node")
            .arg(format!("{readers}/{script}"))
            .args(arguments)
            .current_dir(root))
    };
    node("formats.mjs", [SCHEMA_DOCS.to_owned(), edge_cases.to_owned()])?;
    let page = |folder: &str| format!("{folder}/index.html");
    node("page.mjs", [page(SCHEMA_DOCS), page(edge_cases)])
}

fn msrv(root: &Path) -> Result<(), Failure> {
    let version = env!("CARGO_PKG_RUST_VERSION");
    let installed = run(Command::new("rustup").args([
        "toolchain",
        "install",
        version,
        "--profile",
        "minimal",
        "--no-self-update",
    ]));
    if let Err(error) = installed {
        println!("Rust {version} can't be installed here ({error}); clippy::incompatible_msrv is all that checks it");
        return Ok(());
    }
    run(Command::new("rustup")
        .args([
            "run",
            version,
            "cargo",
            "check",
            "--locked",
            "--target-dir",
            "target/msrv",
        ])
        .args(words(
            "-p mailglass -p mailglass-cli -p mailglass-webhooks -p closed-sets -p scratch-postgres",
        ))
        // Cargo sets these for what it runs; the other version must find its own.
        .env_remove("RUSTC")
        .env_remove("RUSTDOC")
        .env_remove("CARGO")
        .env_remove("RUSTUP_TOOLCHAIN")
        .current_dir(root))
}

fn another_postgres(root: &Path) -> Result<(), Failure> {
    // Without `-p`, which would build the dependencies with other features. Without the tests of interleavings,
    // crashes, load and properties, because they take three minutes, and all checks have to end within thirty.
    run(cargo(
        root,
        "test --locked --test integration --test cli -- --skip interleavings --skip crashes --skip stress --skip properties",
    )
    .env("SCRATCH_POSTGRES_FETCH", "1")
    .env_remove("DATABASE_URL"))
}
