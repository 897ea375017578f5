//! The files that the check compares.

use std::path::Path;
use std::{fs, io};

use crate::code::Code;
use crate::finding::Finding;
use crate::migrations;
use crate::place::Place;
use crate::text_file::TextFile;

/// The paths of the inputs, relative to the crate's root.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    pub(crate) manifest: String,
    pub(crate) rust_files: Vec<String>,
    pub(crate) migrations: String,
    pub(crate) releases: Option<String>,
}

impl Paths {
    /// Every path that the check reads.
    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        let before = [&self.manifest].into_iter().chain(&self.rust_files);
        let after = [&self.migrations].into_iter().chain(&self.releases);
        before.chain(after).map(String::as_str)
    }
}

/// The contents of the inputs.
#[derive(Debug)]
pub(crate) struct Inputs {
    pub(crate) package: String,
    pub(crate) version: String,
    pub(crate) paths: Paths,
    pub(crate) manifest: TextFile,
    pub(crate) rust_files: Vec<TextFile>,
    /// Each migration's `up.sql`, in Diesel's order.
    pub(crate) migrations: Vec<TextFile>,
    pub(crate) releases: Vec<TextFile>,
    /// Findings about folders that cannot be read.
    pub(crate) unreadable: Vec<Finding>,
}

impl Inputs {
    pub(crate) fn read(root: &Path, package: &str, version: &str, paths: &Paths) -> Inputs {
        let mut unreadable = Vec::new();
        let file = |path: &str| TextFile::read(root, path);
        let mut folders = names_in(root, &paths.migrations, &mut unreadable);
        folders.retain(|folder| root.join(&paths.migrations).join(folder).is_dir());
        folders.sort_by_key(|folder| migrations::version(folder));
        let folders = folders
            .iter()
            .map(|folder| format!("{}/{folder}/up.sql", paths.migrations));
        let migrations = folders.map(|path| file(&path)).collect();
        let mut releases = Vec::new();
        if let Some(folder) = &paths.releases {
            let mut names = names_in(root, folder, &mut unreadable);
            names.sort();
            releases.extend(names.iter().map(|name| file(&format!("{folder}/{name}"))));
        }
        Inputs {
            package: package.to_owned(),
            version: version.to_owned(),
            paths: paths.clone(),
            manifest: file(&paths.manifest),
            rust_files: paths.rust_files.iter().map(|path| file(path)).collect(),
            migrations,
            releases,
            unreadable,
        }
    }
}

/// The names in a folder, without hidden ones.
fn names_in(root: &Path, folder: &str, unreadable: &mut Vec<Finding>) -> Vec<String> {
    let names = || -> io::Result<Vec<String>> {
        let entries = fs::read_dir(root.join(folder))?;
        entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    };
    match names() {
        Ok(names) => names.into_iter().filter(|name| !name.starts_with('.')).collect(),
        Err(error) => {
            let message = format!("cannot read this folder: {error}");
            let help = "restore it, or correct the path in build.rs";
            unreadable.push(Finding::new(
                Code::Unreadable,
                &Place::start_of(&folder.into()),
                message,
                help,
            ));
            Vec::new()
        }
    }
}
