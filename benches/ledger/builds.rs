//! The build time and the number of dependencies that mailglass adds to an application that uses Diesel.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bench::Bench;
use crate::measure::{Contender, Run, seconds};
use crate::table::Table;

/// The applications' sources, compiled here as well, so that the checks notice when they no longer do.
#[allow(dead_code, reason = "they are compiled but not called")]
mod sources {
    include!("builds/app.rs");
    include!("builds/recording.rs");
}

/// An application. It is a library, so that nothing is linked and libpq is not needed.
struct App {
    directory: PathBuf,
}

impl App {
    fn new(name: &str, dependencies: &str, source: &str) -> App {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("builds").join(name);
        fs::create_dir_all(directory.join("src")).expect("the directory should be created");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
             [dependencies]\n{}{dependencies}",
            include_str!("builds/dependencies.toml")
        );
        fs::write(directory.join("Cargo.toml"), manifest).expect("the manifest should be written");
        let source = [include_str!("builds/app.rs"), source].concat();
        fs::write(directory.join("src/lib.rs"), source).expect("the source should be written");
        // Use the versions of our own build, which need no network.
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
        fs::copy(lock, directory.join("Cargo.lock")).expect("the lock file should be copied");
        App { directory }
    }

    fn cargo(&self, arguments: &[&str]) -> String {
        let mut cargo = Command::new(env!("CARGO"));
        // Remove the settings of the build of this program. With PQ_LIB_DIR set, pq-sys does not search for libpq.
        cargo
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("RUSTFLAGS")
            .env("PQ_LIB_DIR", &self.directory);
        let output = cargo
            .args(arguments)
            .arg("--offline")
            .current_dir(&self.directory)
            .output();
        let output = output.expect("cargo should run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn build(&self) -> Run {
        Run::of(1, || drop(self.cargo(&["build", "--quiet"])))
    }

    fn clean_build(&self) -> Run {
        let _ = fs::remove_dir_all(self.directory.join("target"));
        self.build()
    }

    /// Builds after a change of the application's code.
    fn incremental_build(&self) -> Run {
        let source = OpenOptions::new().append(true).open(self.directory.join("src/lib.rs"));
        writeln!(source.expect("the source should be opened"), "// Changed.").expect("the source should be changed");
        self.build()
    }

    /// The number of crates that are built for the application on this platform.
    fn dependencies(&self) -> usize {
        let tree = self.cargo(&["tree", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"]);
        let crates: BTreeSet<&str> = tree.lines().skip(1).collect();
        crates.len()
    }
}

type Build = fn(&App) -> Run;

pub fn table(bench: &Bench) -> Table {
    let mailglass = format!("mailglass = {{ path = {:?} }}\n", env!("CARGO_MANIFEST_DIR"));
    let apps = [
        ("plain Diesel", App::new("plain", "", "")),
        (
            "with mailglass",
            App::new("with_mailglass", &mailglass, include_str!("builds/recording.rs")),
        ),
    ];
    let cases: [(&str, Build); 2] = [
        ("clean build", App::clean_build),
        ("after a change", App::incremental_build),
    ];
    let mut rows = Vec::new();
    for (case, build) in cases {
        let contenders = apps
            .each_ref()
            .map(|(name, app)| Contender::new(*name, move || move |_| build(app)));
        rows.extend(Table::rows_of(case, &seconds(bench.rounds.min(3), &contenders)));
    }
    let [without, with] = apps.each_ref().map(|(_, app)| app.dependencies());
    Table {
        title: format!(
            "Building an application (cargo build, unoptimized): {without} dependencies without mailglass, {with} with it."
        ),
        unit: "seconds",
        of: "plain Diesel",
        rows,
    }
}
