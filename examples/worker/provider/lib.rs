//! A fake e-mail provider for the examples and their tests: an HTTP server of its own, with faults.
//!
//! `POST /messages` accepts a message as JSON: `to`, `subject`, `text`, and `arguments`, an object that the webhooks repeat. The
//! answer has the `id` of the message. A second request with the same `Idempotency-Key` header gets the same id, and no second
//! message is sent.
//!
//! A webhook is an array of events, each with `id`, `event` (`accepted`, `delivered`, `bounced`, `complained`), `message_id`,
//! `recipient`, `time` and `arguments`. A bounce also has `permanent`, `smtp_code`, `enhanced_status` and `response`. The header
//! `Webhook-Secret` has the shared secret. A webhook that is not answered with 200 is repeated.
//!
//! The part of the address before the `@` decides what becomes of a message: see [`Fate`].

mod books;
mod faults;
mod provider;
mod random;
mod webhooks;

pub use books::{Books, Fate, Message};
pub use faults::Faults;
pub use provider::Provider;
pub use random::Random;
pub use webhooks::Endpoint;

use std::sync::{Mutex, MutexGuard, PoisonError};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
