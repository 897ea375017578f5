//! A client of the provider's API.

use std::time::Duration;

use mailglass::Delivery;
use serde_json::{Value, json};
use ureq::Agent;

use crate::mails::Mail;

/// The provider's name in the deliveries.
pub const NAME: &str = "fake";

/// No request takes longer. The lease of a claim must last longer than the requests of all its deliveries.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// The provider.
pub struct Provider {
    agent: Agent,
    url: String,
}

/// What a request to send comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The message is accepted, and this is the provider's id.
    Accepted(String),
    /// The provider will never accept it.
    Refused(Value),
    /// The provider may have accepted it, or may accept it later.
    TryAgain(Value),
}

impl Provider {
    /// The provider at this address.
    pub fn new(url: &str) -> Self {
        let config = Agent::config_builder()
            .proxy(None)
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .build();
        Provider {
            agent: config.into(),
            url: format!("{url}/messages"),
        }
    }

    /// Hands a mail to the provider. The delivery's id is the idempotency key, so a repeated request sends nothing twice.
    pub fn send(&self, delivery: &Delivery, mail: &Mail) -> Answer {
        let request = json!({
            "to": delivery.recipient,
            "subject": mail.subject,
            "text": mail.text,
            // The webhooks repeat it, and so find the delivery.
            "arguments": { "delivery": delivery.id },
        });
        let answer = self
            .agent
            .post(&self.url)
            .header("Idempotency-Key", delivery.id.to_string())
            .header("Content-Type", "application/json")
            .header("Connection", "close")
            .send(request.to_string())
            .and_then(|mut answer| Ok((answer.status().as_u16(), answer.body_mut().read_to_string()?)));
        let (status, body) = match answer {
            Ok((status, body)) => (status, serde_json::from_str(&body).unwrap_or(Value::Null)),
            Err(error) => return Answer::TryAgain(json!({ "error": error.to_string() })),
        };
        match (status, body["id"].as_str()) {
            (200, Some(id)) => Answer::Accepted(id.to_owned()),
            (400..=499, _) if status != 429 => Answer::Refused(json!({ "status": status, "answer": body })),
            _ => Answer::TryAgain(json!({ "status": status, "answer": body })),
        }
    }
}
