//! What a request holds.

use crate::Report;

/// An element of a request. One that can't be read does not affect the others.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Received {
    /// The provider reports an event.
    Report(Box<Report>),
    /// The element can't be read. Log it: the provider has changed its form, or somebody else sent the request.
    Unreadable(Unreadable),
    /// The provider asks the application to confirm that it wants these requests.
    Confirmation(Confirmation),
    /// The provider tests the URL. There is nothing to record.
    Ping,
}

impl Received {
    /// The report, if it is one.
    pub fn report(self) -> Option<Report> {
        match self {
            Received::Report(report) => Some(*report),
            _ => None,
        }
    }
}

/// An element that can't be read.
#[derive(Clone, Debug)]
pub struct Unreadable {
    /// Its position in the request, from 0.
    pub index: usize,
    /// What is wrong, such as ``timestamp is missing``.
    pub message: String,
    /// Its text as the provider sent it, up to 64 KiB. It may be personal.
    pub text: String,
}

/// Amazon SNS asks whether the application wants a topic's messages, or tells that it has unsubscribed. Get `url` to subscribe.
#[derive(Clone, Debug)]
pub struct Confirmation {
    /// `SubscriptionConfirmation` or `UnsubscribeConfirmation`.
    pub kind: String,
    /// The topic.
    pub topic: String,
    /// A URL of the provider, whose host was checked.
    pub url: String,
}
