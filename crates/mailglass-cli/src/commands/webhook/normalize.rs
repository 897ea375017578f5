//! `mailglass webhook normalize`.

use std::io;
use std::path::Path;

use clap::Args;
use mailglass_webhooks::{Confirmation, Provider, Received, Report, Request};
use serde_json::{Value, json};

use super::{provider_parser, read_body};
use crate::failure::Failure;
use crate::output::{Cell, Output, Tone, count, or_empty, time};

const LONG: &str = "\
Show the events that the body of a provider's request would be recorded as. The body is read from standard input. The request is \
not verified, nothing is recorded, and no database is needed.

With --json, the result is `{\"events\": […], \"errors\": […], \"confirmations\": […]}`. Every event has all keys; what the provider did \
not report is null. An element that can't be read is an error with its `index` in the request, and the others are events. If the \
whole request is refused, the only error has the index null. The document is printed also if there are errors.";

const AFTER: &str = "\
Exit codes:
  0  every element was read; a request that only tests the URL has none
  2  invalid command line, such as an unknown provider
  5  an element can't be read, or the request is refused: malformed, too large, or about inbound mail

Examples:
  mailglass webhook normalize sendgrid --tenant acme < body.json
  mailglass webhook normalize mandrill --tenant acme --json < body.form |
    jq '.events[].idempotency_key'";

/// Show what the body of a webhook would be recorded as.
#[derive(Args)]
#[command(long_about = LONG, after_help = AFTER)]
pub(crate) struct Normalize {
    /// The provider.
    #[arg(value_parser = provider_parser())]
    provider: Provider,

    /// The tenant. The idempotency keys carry it.
    #[arg(long)]
    tenant: String,

    /// The Content-Type header of the request, for providers whose bodies have several forms.
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
}

/// What a request holds.
#[derive(Default)]
struct Normalized {
    events: Vec<Report>,
    errors: Vec<Problem>,
    confirmations: Vec<Confirmation>,
}

/// An element that can't be read. Without an index, it is the whole request.
struct Problem {
    index: Option<usize>,
    message: String,
}

impl Normalize {
    pub(super) fn run(self, output: &mut Output) -> Result<(), Failure> {
        let body = read_body(io::stdin().lock(), Path::new("standard input"))?;
        let normalized = self.normalize(&body);
        if output.is_json() {
            output.document(&normalized.document())?;
        } else {
            normalized.tables(output)?;
        }
        normalized.failure().map_or(Ok(()), Err)
    }

    fn normalize(&self, body: &[u8]) -> Normalized {
        let mut request = Request::new(body);
        if let Some(content_type) = &self.content_type {
            request = request.header("Content-Type", content_type);
        }
        let mut normalized = Normalized::default();
        match self.provider.assume_verified(&self.tenant, &request).normalize() {
            Ok(received) => {
                for received in received {
                    normalized.add(received);
                }
            }
            Err(error) => normalized.errors.push(Problem {
                index: None,
                message: error.to_string(),
            }),
        }
        normalized
    }
}

impl Normalized {
    fn add(&mut self, received: Received) {
        match received {
            Received::Report(report) => self.events.push(*report),
            Received::Unreadable(unreadable) => self.errors.push(Problem {
                index: Some(unreadable.index),
                message: unreadable.message,
            }),
            Received::Confirmation(confirmation) => self.confirmations.push(confirmation),
            // A ping, or what a later release knows.
            _ => {}
        }
    }

    fn document(&self) -> Value {
        let error = |problem: &Problem| json!({"index": problem.index, "message": problem.message});
        let confirmation = |confirmation: &Confirmation| {
            let Confirmation { kind, topic, url } = confirmation;
            json!({"kind": kind, "topic": topic, "url": url})
        };
        json!({
            "events": self.events.iter().map(event).collect::<Vec<_>>(),
            "errors": self.errors.iter().map(error).collect::<Vec<_>>(),
            "confirmations": self.confirmations.iter().map(confirmation).collect::<Vec<_>>(),
        })
    }

    fn tables(&self, output: &mut Output) -> Result<(), Failure> {
        let header = [
            "type",
            "occurred_at",
            "recipient",
            "provider_message_id",
            "idempotency_key",
            "reject_reason",
        ];
        output.table("Events", header, self.events.iter().map(cells).collect())?;
        if !self.errors.is_empty() {
            let problem = |problem: &Problem| [or_empty(&problem.index), Cell::toned(&problem.message, Tone::Bad)];
            output.table(
                "Errors",
                ["index", "problem"],
                self.errors.iter().map(problem).collect(),
            )?;
        }
        if !self.confirmations.is_empty() {
            let confirmations = self.confirmations.iter().map(|confirmation| {
                let Confirmation { kind, topic, url } = confirmation;
                [kind.into(), topic.into(), url.into()]
            });
            output.table("Confirmations", ["kind", "topic", "url"], confirmations.collect())?;
        }
        if self.events.is_empty() && self.errors.is_empty() && self.confirmations.is_empty() {
            output.note("the request has no event: the provider tests the URL");
        }
        Ok(())
    }

    fn failure(&self) -> Option<Failure> {
        match self.errors.as_slice() {
            [] => None,
            [Problem { index: None, message }] => Some(Failure::failed(format!("the request is refused: {message}"))),
            problems => {
                let elements = count(problems.len(), "element", "elements");
                Some(Failure::failed(format!("{elements} of the request can't be read")))
            }
        }
    }
}

/// An event as JSON, with all keys.
fn event(report: &Report) -> Value {
    json!({
        "type": report.event_type,
        "occurred_at": time(&report.occurred_at),
        "recipient": report.recipient,
        "provider_message_id": report.provider_message_id,
        "idempotency_key": report.idempotency_key,
        "reject_reason": report.reject_reason,
        "provider": report.provider.name(),
        "reported": report.reported,
        "kind": Some(report.kind).filter(|kind| !kind.is_empty()),
        "delivery_id": report.delivery_id,
        "details": report.details,
        "tags": report.tags,
        "metadata": report.metadata,
    })
}

fn cells(report: &Report) -> [Cell; 6] {
    [
        report.event_type.into(),
        time(&report.occurred_at).into(),
        or_empty(&report.recipient),
        or_empty(&report.provider_message_id),
        report.idempotency_key.as_str().into(),
        or_empty(&report.reject_reason),
    ]
}
