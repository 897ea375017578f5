//! The webhook requests that the providers sent.

use std::fs;
use std::path::{Path, PathBuf};

use mailglass::NewEvent;
use mailglass_webhooks::{Provider, Received, Request};

use crate::Failure;

/// The requests under `examples/data` in the order in which they arrived, each with its events.
pub(crate) fn all(tenant: &str) -> Result<Vec<(String, Vec<NewEvent>)>, Failure> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data");
    let mut requests = vec![(
        "sendgrid".to_owned(),
        events(tenant, Provider::SendGrid, &data.join("sendgrid.json"))?,
    )];
    let mut files: Vec<PathBuf> = fs::read_dir(data.join("postmark"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_, Failure>>()?;
    files.sort();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        requests.push((
            format!("postmark {}", &name[..2]),
            events(tenant, Provider::Postmark, &file)?,
        ));
    }
    Ok(requests)
}

/// The events of a request. Its headers are not in the file, so it can't be verified: an endpoint calls `Webhook::receive`
/// instead.
fn events(tenant: &str, provider: Provider, file: &Path) -> Result<Vec<NewEvent>, Failure> {
    let body = fs::read(file)?;
    let request = Request::new(&body);
    let received = provider.assume_verified(tenant, &request).normalize()?;
    let events = received.into_iter().map(|received| match received {
        Received::Report(report) => Ok(NewEvent::from(*report)),
        other => Err(format!("{}: {other:?}", file.display()).into()),
    });
    events.collect()
}
