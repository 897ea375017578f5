//! The result of a check without findings.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::generated_rust;
use crate::inputs::Paths;
use crate::manifest::Manifest;
use crate::release::Release;

/// The closed sets and the promised names, after a check without findings.
#[derive(Debug)]
pub struct Contract {
    root: PathBuf,
    releases: Option<String>,
    package: String,
    pub(crate) manifest: Manifest,
    release: Release,
}

/// The result of [`Contract::freeze`]. The paths are relative to the crate's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frozen {
    /// This file was written.
    Written(PathBuf),
    /// This file exists and has the same contents.
    Unchanged(PathBuf),
}

impl Contract {
    pub(crate) fn new(root: &Path, paths: &Paths, package: &str, manifest: Manifest, release: Release) -> Contract {
        Contract {
            root: root.to_owned(),
            releases: paths.releases.clone(),
            package: package.to_owned(),
            manifest,
            release,
        }
    }

    /// Writes the manifest as Rust source into a folder, which is `OUT_DIR` in a build script, for `include!`:
    ///
    /// - `labels.rs`: for every set, `labels!(OrderStatus = SETS[0] { Open = "open", Paid = "paid", });` with the values
    ///   that were not removed. Define a macro `labels!` and generate whatever the enums need.
    /// - `sets.rs`: an array expression of
    ///   `ClosedSet { name: "order_status", rust: "OrderStatus", values: &[Value { … }] }`. A `Value` has the fields
    ///   `label`, `variant`, `since`, `deprecated`, `removed` and `meaning`, in the manifest's order.
    /// - `names.rs`: an array expression of `PromisedName { … }` with the fields `kind`, `name`, `since`, `removed` and
    ///   `meaning`.
    ///
    /// Texts are `&'static str`; `deprecated` and `removed` are `Option<&'static str>`.
    ///
    /// ```no_run
    /// // The main function of build.rs:
    /// if let Some(contract) = closed_sets::Check::new().rust_file("src/order_status.rs").run() {
    ///     contract.write_rust(std::env::var("OUT_DIR")?)?;
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write_rust(&self, folder: impl AsRef<Path>) -> io::Result<()> {
        for (name, code) in self.rust() {
            fs::write(folder.as_ref().join(name), code)?;
        }
        Ok(())
    }

    pub(crate) fn rust(&self) -> [(&'static str, String); 3] {
        [
            ("labels.rs", generated_rust::labels(&self.manifest)),
            ("sets.rs", generated_rust::sets(&self.manifest)),
            ("names.rs", generated_rust::names(&self.manifest)),
        ]
    }

    /// Freezes the promises of the crate's version: writes `<version>.txt` into the folder of the releases. From then on, the
    /// check compares every later manifest with this file. Commit it with the release.
    ///
    /// ```no_run
    /// let check = closed_sets::Check::new()
    ///     .root("path/to/shop")
    ///     .package("shop", "0.2.0")
    ///     .manifest("closed_sets.md")
    ///     .rust_file("src/order_status.rs")
    ///     .releases("releases");
    /// check.check()?.freeze()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the release is frozen already with other promises, or if the file cannot be written.
    pub fn freeze(&self) -> io::Result<Frozen> {
        let (path, text) = self.frozen()?;
        let file = self.root.join(&path);
        match File::create_new(&file) {
            Ok(mut created) => {
                created.write_all(text.as_bytes())?;
                Ok(Frozen::Written(path))
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                // A checkout on Windows may have other line ends.
                if fs::read_to_string(&file)?.replace("\r\n", "\n") == text {
                    return Ok(Frozen::Unchanged(path));
                }
                let message = format!(
                    "{} has other promises, and a frozen release never changes: raise `version` in Cargo.toml",
                    path.display()
                );
                Err(io::Error::new(ErrorKind::AlreadyExists, message))
            }
            Err(error) => Err(error),
        }
    }

    /// The path and the text of the file that freezes the crate's version.
    pub(crate) fn frozen(&self) -> io::Result<(PathBuf, String)> {
        let folder = self.releases.as_ref().ok_or_else(|| {
            let message = "no folder for the releases is set: call `Check::releases`";
            io::Error::new(ErrorKind::InvalidInput, message)
        })?;
        let path = Path::new(folder).join(format!("{}.txt", self.release.version));
        Ok((path, self.release.render(&self.package)))
    }
}
