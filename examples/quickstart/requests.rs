//! The webhook requests that the providers sent.

use std::fs;
use std::path::{Path, PathBuf};

use mailglass::NewEvent;
use serde_json::Value;

use crate::{Failure, postmark, sendgrid};

/// The requests under `examples/data` in the order in which they arrived, each with its events.
pub(crate) fn all(tenant: &str) -> Result<Vec<(String, Vec<NewEvent>)>, Failure> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data");
    let mut requests = Vec::new();
    let array: Vec<Value> = serde_json::from_slice(&fs::read(data.join("sendgrid.json"))?)?;
    let events: Result<_, _> = array.iter().map(|event| sendgrid::event(tenant, event)).collect();
    requests.push(("sendgrid".to_owned(), events?));

    let mut files: Vec<PathBuf> = fs::read_dir(data.join("postmark"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_, Failure>>()?;
    files.sort();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let request: Value = serde_json::from_slice(&fs::read(&file)?)?;
        requests.push((
            format!("postmark {}", &name[..2]),
            vec![postmark::event(tenant, &request)?],
        ));
    }
    Ok(requests)
}
