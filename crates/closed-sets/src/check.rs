//! The check itself: its options, and the comparison of everything with everything.

use std::env;
use std::path::{Path, PathBuf};

use crate::code::Code;
use crate::compare::{self, RustEnums};
use crate::contract::Contract;
use crate::finding::{Finding, Findings};
use crate::inputs::{Inputs, Paths};
use crate::place::Place;
use crate::release::Release;
use crate::text_file::TextFile;
use crate::version::Version;
use crate::{compare_releases, manifest_parser, migrations, promised_names, rust_enums};

/// The check and its inputs.
///
/// Paths are relative to the crate's root and have slashes between their parts. By default, the check reads the manifest
/// `closed_sets.md`, the Rust file `src/lib.rs` and the folder `migrations`.
///
/// ```no_run
/// // The main function of build.rs:
/// closed_sets::Check::new()
///     .manifest("docs/values.md")
///     .rust_file("src/orders/status.rs")
///     .rust_file("src/payments/method.rs")
///     .releases("api")
///     .run();
/// ```
#[derive(Clone, Debug)]
pub struct Check {
    root: PathBuf,
    package: String,
    version: String,
    paths: Paths,
}

impl Default for Check {
    fn default() -> Check {
        Check::new()
    }
}

impl Check {
    /// A check of the crate that Cargo builds: root, name and version come from `CARGO_MANIFEST_DIR`, `CARGO_PKG_NAME` and
    /// `CARGO_PKG_VERSION`.
    pub fn new() -> Check {
        let variable = |name| env::var(name).unwrap_or_default();
        Check {
            root: env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default().into(),
            package: variable("CARGO_PKG_NAME"),
            version: variable("CARGO_PKG_VERSION"),
            paths: Paths {
                manifest: "closed_sets.md".to_owned(),
                rust_files: Vec::new(),
                migrations: "migrations".to_owned(),
                releases: None,
            },
        }
    }

    /// Checks the crate in another folder.
    #[must_use]
    pub fn root(mut self, root: impl AsRef<Path>) -> Check {
        self.root = root.as_ref().to_owned();
        self
    }

    /// Sets the crate's name and version. A program that is not a build script needs this.
    #[must_use]
    pub fn package(mut self, name: impl Into<String>, version: impl Into<String>) -> Check {
        (self.package, self.version) = (name.into(), version.into());
        self
    }

    /// Sets the Markdown file with the tables of the closed sets and of the promised names.
    #[must_use]
    pub fn manifest(mut self, path: impl Into<String>) -> Check {
        self.paths.manifest = path.into();
        self
    }

    /// Adds a Rust file with enums that derive `DbEnum`. Every such enum in the file is a closed set.
    #[must_use]
    pub fn rust_file(mut self, path: impl Into<String>) -> Check {
        self.paths.rust_files.push(path.into());
        self
    }

    /// Sets the folder of the Diesel migrations.
    #[must_use]
    pub fn migrations(mut self, folder: impl Into<String>) -> Check {
        self.paths.migrations = folder.into();
        self
    }

    /// Sets the folder of the frozen releases, which [`Contract::freeze`] writes. Without one, nothing is compared with earlier
    /// releases.
    #[must_use]
    pub fn releases(mut self, folder: impl Into<String>) -> Check {
        self.paths.releases = Some(folder.into());
        self
    }

    /// Runs the check in a build script.
    ///
    /// Prints a `cargo::rerun-if-changed` instruction for every input and the findings as `cargo::error` instructions, with
    /// which Cargo fails the build. Returns `None` after findings.
    pub fn run(&self) -> Option<Contract> {
        let paths = self.paths();
        for path in paths.all() {
            println!("cargo::rerun-if-changed={path}");
        }
        match self.check() {
            Ok(contract) => Some(contract),
            Err(findings) => {
                for line in findings.to_string().lines() {
                    println!("cargo::error={line}");
                }
                None
            }
        }
    }

    /// Compares everything, and prints nothing.
    ///
    /// # Errors
    /// All findings, if there are any.
    pub fn check(&self) -> Result<Contract, Findings> {
        let inputs = Inputs::read(&self.root, &self.package, &self.version, &self.paths());
        check(&inputs, &self.root)
    }

    fn paths(&self) -> Paths {
        let mut paths = self.paths.clone();
        if paths.rust_files.is_empty() {
            paths.rust_files.push("src/lib.rs".to_owned());
        }
        paths
    }
}

/// Compares the inputs. `root` is the folder that a release is frozen in.
pub(crate) fn check(inputs: &Inputs, root: &Path) -> Result<Contract, Findings> {
    let mut findings = inputs.unreadable.clone();
    let version = Version::of_crate(&inputs.version);
    if version.is_none() {
        let message = format!("`{}` is not a version", inputs.version);
        let at = Place::start_of(&"Cargo.toml".into());
        findings.push(Finding::new(
            Code::Version,
            &at,
            message,
            "write three numbers, such as 0.1.0",
        ));
    }
    let manifest = match (text_of(&inputs.manifest, &mut findings), version) {
        (Some(text), Some(version)) => {
            let manifest = manifest_parser::parse(&inputs.manifest.path, text, version, &mut findings);
            Some((manifest, version))
        }
        _ => None,
    };
    let rust = rust_enums_of(&inputs.rust_files, &mut findings);
    let types = migrations::replay(&inputs.migrations, &mut findings);
    let mut releases = Vec::new();
    for file in &inputs.releases {
        match Release::read(&inputs.package, file) {
            Ok(release) => releases.push(release),
            Err(finding) => findings.push(finding),
        }
    }
    // Without the manifest or a Rust file, everything else would look wrong.
    let contract = manifest.map(|(manifest, version)| {
        if let Some(rust) = &rust {
            compare::sets(&manifest, rust, &types, &mut findings);
            let in_rust = |set: &str, label: &str| {
                let enums = rust.enums.iter().filter(|rust_enum| rust_enum.set == set);
                let mut variants = enums.flat_map(|rust_enum| &rust_enum.variants);
                variants.any(|variant| variant.label.text == label)
            };
            compare_releases::compare(&manifest, &releases, version, in_rust, &mut findings);
        }
        // After a statement that was not understood, the objects are unknown.
        if types.is_whole {
            promised_names::compare(&manifest, &types.objects, &mut findings);
        }
        let release = Release::of(&manifest, version);
        Contract::new(root, &inputs.paths, &inputs.package, manifest, release)
    });
    match contract {
        Some(contract) if findings.is_empty() => Ok(contract),
        _ => Err(Findings::new(findings, inputs.paths.all().map(str::to_owned).collect())),
    }
}

fn text_of<'a>(file: &'a TextFile, findings: &mut Vec<Finding>) -> Option<&'a str> {
    file.text().map_err(|finding| findings.push(finding)).ok()
}

/// The enums of all Rust files, if all of them can be read.
fn rust_enums_of(files: &[TextFile], findings: &mut Vec<Finding>) -> Option<RustEnums> {
    let paths: Vec<&str> = files.iter().map(|file| &*file.path).collect();
    let mut rust = RustEnums {
        files: paths.join(", "),
        enums: Vec::new(),
        is_whole: true,
    };
    let mut is_readable = true;
    for file in files {
        let Some(text) = text_of(file, findings) else {
            is_readable = false;
            continue;
        };
        let (enums, is_whole) = rust_enums::parse(&file.path, text, findings);
        rust.enums.extend(enums);
        rust.is_whole &= is_whole;
    }
    is_readable.then_some(rust)
}
