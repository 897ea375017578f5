//! Sending: the deliveries that wait to be sent, the leases of workers, retries, and what happens after a crash.
//!
//! [`NewDelivery::send`](crate::NewDelivery::send) puts a delivery into the outbox, `mailglass_outbox`, in the statement that
//! inserts it. A worker [claims](claim) what is due, marks each attempt as [begun](Claim::begin) before it calls the provider, and
//! records how it ended. No lock is held while the mail is sent.
//!
//! ```
//! # use mailglass::Delivery;
//! # fn send_mail(_: &Delivery, _: &str) -> Result<String, std::io::Error> { Ok("0a129aee".to_owned()) }
//! # test_support::with_database(|conn| {
//! use mailglass::outbox::{self, ClaimOptions};
//! use mailglass::{NewDelivery, Stream};
//! use serde_json::json;
//!
//! NewDelivery::new("acme", "welcome", Stream::Transactional, "ann@example.com").send().insert(conn)?;
//!
//! // A worker runs this in a loop, with `outbox::wait` if nothing is due.
//! for claim in outbox::claim(conn, &ClaimOptions::all_tenants("worker-1"))? {
//!     let attempt = match claim.begin(conn) {
//!         Ok(attempt) => attempt,
//!         Err(error) if error.is_lease_lost() => continue, // it took too long: another worker has the delivery
//!         Err(error) => return Err(error),
//!     };
//!     // The delivery's id is the provider's idempotency key, and comes back in its webhooks.
//!     match send_mail(attempt.delivery(), &attempt.delivery().id.to_string()) {
//!         Ok(message_id) => {
//!             attempt.sent(conn, "postmark", message_id)?;
//!         }
//!         Err(error) => {
//!             attempt.retry(conn, json!({ "error": error.to_string() }), attempt.backoff())?;
//!         }
//!     }
//! }
//! # Ok(()) });
//! ```
//!
//! A claim takes transactional mail before operational before bulk. It is fair between tenants: one that has queued a million
//! deliveries does not delay another one's first.
//!
//! # After a crash
//!
//! A lease expires, and another worker claims the delivery. If the attempt had begun and did not end, nobody knows whether the
//! message was sent: see [`UnknownAttempts`]. The document [Sending](crate::_documentation::sending) has each point of failure,
//! what the rows say there, and the idempotency keys of providers.

mod attempt;
mod backoff;
mod begin;
mod claim;
mod claimed;
mod end;
mod entries;
mod limited;
mod operate;
mod options;
mod sent;
mod wait;

pub use attempt::{Attempt, Retry};
pub use backoff::backoff;
pub use begin::begin_all;
pub use claim::claim;
pub use claimed::{Claim, PreviousAttempt};
pub use entries::{Held, QueueStatus, held, status};
pub use operate::{hold, release, resend};
pub use options::{ClaimOptions, RateLimit, UnknownAttempts};
pub use sent::{Sent, SentMessage, sent_all};
pub use wait::{Wake, wait};
