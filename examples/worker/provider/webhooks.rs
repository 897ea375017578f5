//! Sending webhooks: late, shuffled, some of them twice, and again until they are answered.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use ureq::Agent;

use crate::books::{Books, Fate, Message};
use crate::faults::Faults;
use crate::lock;
use crate::random::Random;

/// At most so many events are sent in one request.
const BATCH: usize = 20;

/// How long the provider waits before it repeats a webhook that failed.
const PAUSE: Duration = Duration::from_millis(50);

/// Where the webhooks go.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The address of the application's endpoint.
    pub url: String,
    /// The shared secret, which the header `Webhook-Secret` has.
    pub secret: String,
}

#[derive(Default)]
struct Queue {
    events: Vec<(Instant, Value)>,
    /// Events that are being sent.
    in_flight: usize,
    is_stopped: bool,
}

pub(crate) struct Webhooks {
    endpoint: Option<Endpoint>,
    agent: Agent,
    queue: Mutex<Queue>,
    changed: Condvar,
    books: Arc<Mutex<Books>>,
}

impl Webhooks {
    pub(crate) fn new(endpoint: Option<Endpoint>, books: Arc<Mutex<Books>>) -> Self {
        let config = Agent::config_builder()
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(10)))
            .http_status_as_error(false)
            .build();
        Webhooks {
            endpoint,
            agent: config.into(),
            queue: Mutex::default(),
            changed: Condvar::new(),
            books,
        }
    }

    /// Sends the events of a message: at once, if they are early, or else from the queue.
    pub(crate) fn announce(&self, message: &Message, faults: &Faults, random: &mut Random) {
        if self.endpoint.is_none() {
            return;
        }
        let events = events(message);
        lock(&self.books).events += events.len();
        if random.percent(faults.early_webhooks) && self.post(&events) {
            return;
        }
        let mut queue = lock(&self.queue);
        for event in events {
            let copies = if random.percent(faults.repeated_webhooks) { 2 } else { 1 };
            for _ in 0..copies {
                let delay = random.below(faults.webhook_delay.as_millis() as u64);
                let due = Instant::now() + Duration::from_millis(delay);
                queue.events.push((due, event.clone()));
            }
        }
        drop(queue);
        self.changed.notify_all();
    }

    /// Sends what is due until [`stop`](Self::stop).
    pub(crate) fn run(&self, mut random: Random) {
        while let Some(batch) = self.next_batch(&mut random) {
            let is_answered = self.post(&batch);
            let mut queue = lock(&self.queue);
            queue.in_flight -= batch.len();
            if !is_answered {
                let due = Instant::now() + PAUSE;
                queue.events.extend(batch.into_iter().map(|event| (due, event)));
            }
            drop(queue);
            self.changed.notify_all();
        }
    }

    /// Some of the events that are due, in any order. `None` after the stop.
    fn next_batch(&self, random: &mut Random) -> Option<Vec<Value>> {
        let mut queue = lock(&self.queue);
        loop {
            if queue.is_stopped {
                return None;
            }
            let now = Instant::now();
            let mut batch = Vec::new();
            while batch.len() < BATCH {
                let due: Vec<usize> = (0..queue.events.len())
                    .filter(|&position| queue.events[position].0 <= now)
                    .collect();
                if due.is_empty() {
                    break;
                }
                let position = due[random.below(due.len() as u64) as usize];
                batch.push(queue.events.swap_remove(position).1);
            }
            if !batch.is_empty() {
                queue.in_flight += batch.len();
                return Some(batch);
            }
            let next = queue
                .events
                .iter()
                .map(|(due, _)| due.saturating_duration_since(now))
                .min();
            let pause = next.unwrap_or(Duration::from_secs(60));
            queue = self
                .changed
                .wait_timeout(queue, pause)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn post(&self, events: &[Value]) -> bool {
        let Some(endpoint) = &self.endpoint else { return true };
        let answer = self
            .agent
            .post(&endpoint.url)
            .header("Webhook-Secret", &endpoint.secret)
            .header("Content-Type", "application/json")
            .send(json!(events).to_string());
        let is_answered = answer.is_ok_and(|answer| answer.status() == 200);
        let mut books = lock(&self.books);
        if is_answered {
            books.webhooks += 1;
        } else {
            books.failed_webhooks += 1;
        }
        is_answered
    }

    /// Waits until no event waits, and returns whether that happened in time.
    pub(crate) fn finish(&self, timeout: Duration) -> bool {
        let queue = lock(&self.queue);
        let (queue, _) = self
            .changed
            .wait_timeout_while(queue, timeout, |queue| !queue.events.is_empty() || queue.in_flight > 0)
            .unwrap_or_else(PoisonError::into_inner);
        queue.events.is_empty() && queue.in_flight == 0
    }

    pub(crate) fn stop(&self) {
        lock(&self.queue).is_stopped = true;
        self.changed.notify_all();
    }
}

/// The events of a message. Each has an id, which a repeated event keeps.
fn events(message: &Message) -> Vec<Value> {
    let event = |name: &str, milliseconds: i64| {
        let time = message.accepted_at.max(Utc::now() - TimeDelta::seconds(1)) + TimeDelta::milliseconds(milliseconds);
        json!({
            "id": format!("{name}-{}", message.id),
            "event": name,
            "message_id": message.id,
            "recipient": message.to,
            "time": time.to_rfc3339_opts(SecondsFormat::Micros, true),
            "arguments": message.arguments,
        })
    };
    let bounced = |permanent: bool, smtp_code: u16, enhanced_status: &str, why: &str| {
        let mut bounced = event("bounced", 3);
        bounced["permanent"] = permanent.into();
        bounced["smtp_code"] = smtp_code.into();
        bounced["enhanced_status"] = enhanced_status.into();
        bounced["response"] = format!("{smtp_code} {enhanced_status} <{}>: {why}", message.to).into();
        bounced
    };
    let mut events = vec![event("accepted", 0)];
    match message.fate {
        Fate::Refused => {}
        Fate::HardBounce => events.push(bounced(true, 550, "5.1.1", "no such user")),
        Fate::SoftBounce => events.push(bounced(false, 452, "4.2.2", "the mailbox is full")),
        Fate::Complaint => events.extend([event("delivered", 2), event("complained", 4)]),
        Fate::Delivered => events.push(event("delivered", 2)),
    }
    events
}
