//! Every relative link leads somewhere: on a code host, in the packaged crate, and in the API documentation.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use super::markdown::{Document, ids};
use crate::own::{root, text};

/// Golden files of the schema docs. Of each case only the files that show its difficulty are committed.
const PARTIAL_OUTPUT: &str = "crates/mailglass-cli/tests/cli/docs/cases/";

/// All files under a folder of the repository, relative to its root, without build results.
fn files_under(folder: &Path, files: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "target" || name == "node_modules" {
            continue;
        }
        if path.is_dir() {
            files_under(&path, files);
        } else {
            let relative = path.strip_prefix(root()).unwrap();
            files.insert(relative.to_string_lossy().into_owned());
        }
    }
}

/// The path that a link leads to, from the folder of the file that it is in. `None` if that is outside the root.
fn resolve(file: &str, target: &str) -> Option<String> {
    let mut path: Vec<&str> = file.split('/').collect();
    path.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                path.pop()?;
            }
            _ => path.push(part),
        }
    }
    Some(path.join("/"))
}

fn is_absolute(link: &str) -> bool {
    link.contains("://") || link.starts_with("mailto:")
}

/// The links of the Markdown files among `files` that lead nowhere.
fn broken_links(files: &BTreeSet<String>, is_elsewhere: impl Fn(&str) -> bool) -> Vec<String> {
    let documents: BTreeMap<&str, Document> = files
        .iter()
        .filter(|file| file.ends_with(".md"))
        .map(|file| (file.as_str(), Document::parse(&text(file))))
        .collect();
    let has_anchor = |file: &str, anchor: &str| match documents.get(file) {
        Some(document) => document.anchors.contains(anchor),
        None => file.ends_with(".html") && ids(&text(file)).any(|id| id == anchor),
    };
    let is_there = |path: &str| {
        let folder = format!("{path}/");
        files.contains(path) || files.iter().any(|file| file.starts_with(&folder))
    };
    let mut broken = Vec::new();
    for (file, document) in &documents {
        for label in &document.undefined {
            broken.push(format!("{file}: the reference [{label}] is not defined"));
        }
        for link in document.links.iter().filter(|link| !is_absolute(link)) {
            let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
            let path = if target.is_empty() {
                Some((*file).to_owned())
            } else {
                resolve(file, target)
            };
            let leads_somewhere = path.is_some_and(|path| {
                is_elsewhere(&path) || is_there(&path) && (anchor.is_empty() || has_anchor(&path, anchor))
            });
            if !leads_somewhere {
                broken.push(format!("{file}: {link}"));
            }
        }
    }
    broken
}

#[test]
fn links_in_the_repository_lead_to_files_and_headings() {
    let mut files = BTreeSet::new();
    files_under(root(), &mut files);
    files.retain(|file| !file.starts_with(PARTIAL_OUTPUT));
    let broken = broken_links(&files, |_| false);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn links_in_the_package_lead_to_files_and_headings_of_the_package() {
    let listed = Command::new(env::var_os("CARGO").unwrap())
        .current_dir(root())
        .args([
            "package",
            "--list",
            "--offline",
            "--allow-dirty",
            "--package",
            "mailglass",
        ])
        .output()
        .unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let listed = String::from_utf8(listed.stdout).unwrap();
    let files: BTreeSet<String> = listed
        .lines()
        // Cargo writes these while it packages.
        .filter(|file| !matches!(*file, ".cargo_vcs_info.json" | "Cargo.toml.orig"))
        .map(str::to_owned)
        .collect();
    // A package can't contain another one. The folder names the package in which the document is.
    let is_other_package = |path: &str| {
        let mut parts = path.split('/');
        parts.next() == Some("crates")
            && parts
                .next()
                .is_some_and(|package| root().join("crates").join(package).join("Cargo.toml").exists())
            && root().join(path).exists()
    };
    let broken = broken_links(&files, is_other_package);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// The pages of `src/_documentation.rs`: for each module the text that rustdoc renders.
fn pages() -> BTreeMap<String, String> {
    let source = text("src/_documentation.rs");
    let mut pages = BTreeMap::new();
    let mut page = String::new();
    let mut name = None;
    for line in source.lines().skip_while(|line| line.starts_with("//!")).map(str::trim) {
        let included = line
            .strip_prefix("#![doc = include_str!(\"../")
            .and_then(|rest| rest.strip_suffix("\")]"));
        if let Some(comment) = line.strip_prefix("///").or(line.strip_prefix("//!")) {
            page += comment.trim_start();
            page += "\n";
        } else if let Some(file) = included {
            page += &text(file);
            page += "\n";
        } else if let Some(module) = line.strip_prefix("pub mod ") {
            name = module.strip_suffix(" {").map(str::to_owned);
        } else if line == "}" {
            pages.insert(name.take().unwrap(), std::mem::take(&mut page));
        } else {
            assert!(line.is_empty() || line.starts_with("// "), "unknown syntax: {line}");
        }
    }
    pages
}

#[test]
fn links_in_the_api_documentation_lead_to_pages_of_it() {
    let pages = pages();
    assert!(pages.len() > 3, "src/_documentation.rs has {} pages", pages.len());
    let mut broken = Vec::new();
    for (name, page) in &pages {
        let document = Document::parse(page);
        for link in document.links.iter().filter(|link| !is_absolute(link)) {
            let leads_somewhere = if let Some(anchor) = link.strip_prefix('#') {
                document.anchors.contains(anchor)
            } else if let Some(page) = link.strip_prefix("crate::_documentation::") {
                pages.contains_key(page)
            } else {
                link == "crate"
            };
            if !leads_somewhere {
                broken.push(format!("{name}: {link}: define the reference in src/_documentation.rs"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
