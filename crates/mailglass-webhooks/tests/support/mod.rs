//! The payloads of `tests/payloads`.

#![allow(dead_code, reason = "not every test uses all of it")]

use std::fs;
use std::path::{Path, PathBuf};

use mailglass_webhooks::{Provider, Received, Request, Result};

pub(crate) const TENANT: &str = "acme";

/// The files of a provider. A `.json` or `.form` file is one body; a `.jsonl` file has one on each line.
pub(crate) fn files(provider: Provider) -> Vec<PathBuf> {
    let folder = folder(provider);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = files
        .map(|file| file.unwrap().path())
        .filter(|path| is_payload(path))
        .collect();
    files.sort();
    files
}

pub(crate) fn folder(provider: Provider) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/payloads")
        .join(provider.name())
}

fn is_payload(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    !name.ends_with(".expected.json") && !name.starts_with('.')
}

pub(crate) fn bodies(path: &Path) -> Vec<Vec<u8>> {
    let text = fs::read(path).unwrap();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("jsonl") => {
            let lines = text.strip_suffix(b"\n").unwrap_or(&text).split(|byte| *byte == b'\n');
            lines.map(<[u8]>::to_vec).collect()
        }
        Some("form") => vec![text.trim_ascii_end().to_vec()],
        _ => vec![text],
    }
}

pub(crate) fn normalize(provider: Provider, body: &[u8]) -> Result<Vec<Received>> {
    provider.assume_verified(TENANT, &Request::new(body)).normalize()
}
