//! What goes wrong, and how often.

use std::time::Duration;

use crate::random::Random;

/// What goes wrong at the provider, in percent of the requests or webhooks.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Requests that are answered with 503, and whose message is not accepted.
    pub unavailable_before: u64,
    /// Requests that are answered with 503 although their message is accepted.
    pub unavailable_after: u64,
    /// Requests whose message is accepted, and whose connection is closed without an answer.
    pub dropped: u64,
    /// Requests whose message is accepted, and whose answer takes [`slow_for`](Self::slow_for).
    pub slow: u64,
    /// How long a slow answer takes.
    pub slow_for: Duration,
    /// How long every other answer takes at most.
    pub latency: Duration,
    /// Messages whose webhooks are delivered before the request is answered.
    pub early_webhooks: u64,
    /// Events that are sent twice.
    pub repeated_webhooks: u64,
    /// How long an event waits at most until it is sent. Events wait for different times, so they arrive in any order.
    pub webhook_delay: Duration,
}

impl Faults {
    /// Everything goes wrong, and often.
    pub fn many() -> Self {
        Faults {
            unavailable_before: 8,
            unavailable_after: 6,
            dropped: 6,
            slow: 4,
            slow_for: Duration::from_millis(600),
            latency: Duration::from_millis(40),
            early_webhooks: 15,
            repeated_webhooks: 25,
            webhook_delay: Duration::from_millis(800),
        }
    }

    pub(crate) fn of_request(&self, random: &mut Random) -> Fault {
        let mut position = random.below(100);
        for (percent, fault) in [
            (self.unavailable_before, Fault::UnavailableBefore),
            (self.unavailable_after, Fault::UnavailableAfter),
            (self.dropped, Fault::Dropped),
            (self.slow, Fault::Slow),
        ] {
            match position.checked_sub(percent) {
                None => return fault,
                Some(rest) => position = rest,
            }
        }
        Fault::None
    }
}

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    UnavailableBefore,
    UnavailableAfter,
    Dropped,
    Slow,
}
