//! Suppressions: recipients that get no mail, after a hard bounce, a complaint or an unsubscription, or because somebody said so.
//!
//! A suppression names a [`Subject`]: an address, a domain, or an address in one stream. It has a reason, and a time at which it
//! begins, and it is permanent or ends at a time. There is at most one for a subject and a reason. [`add`] and the
//! [rules](SuppressionRules) add suppressions, [`remove`] removes and [`list`](list()) lists them.
//!
//! [`check`] tells which recipients are suppressed:
//!
//! ```
//! # test_support::with_database(|conn| {
//! use mailglass::suppressions::{self, NewSuppression};
//! use mailglass::{Stream, SuppressionReason};
//!
//! suppressions::add(conn, &[
//!     NewSuppression::address("acme", "ann@example.com", SuppressionReason::Complaint),
//!     NewSuppression::domain("acme", "example.org", SuppressionReason::Policy),
//! ])?;
//!
//! let recipients = ["Ann@Example.com", "bob@example.com", "cid@example.org"];
//! let suppressed = suppressions::check(conn, "acme", Stream::Bulk, &recipients)?;
//! assert_eq!(suppressed[0].map(|found| found.reason), Some(SuppressionReason::Complaint));
//! assert_eq!(suppressed[1], None);
//! assert_eq!(suppressed[2].map(|found| found.reason), Some(SuppressionReason::Policy));
//! # Ok(()) });
//! ```
//!
//! # Transactional mail
//!
//! Somebody who unsubscribed or complained still has to get a receipt or a password reset. So a transactional message is suppressed
//! only if the address does not work: by `hard_bounce` and `invalid_recipient`. [`Suppress::Always`] applies every suppression.
//!
//! # Privacy
//!
//! A suppression is found by a digest: SHA-256 of the tenant and the address, with its ASCII letters in lower case. The address
//! itself is optional. [`privacy::erase`](crate::privacy::erase) removes it, and the suppression stays in force: a person who
//! unsubscribed gets no mail after the erasure either. A digest protects an address from being read, not from being guessed.

mod add;
mod bounce;
mod check;
mod list;
mod new_suppression;
mod remove;
pub(crate) mod rules;
mod subject;
mod suppression;

pub use add::{Added, add};
pub use bounce::Bounce;
pub use check::{Suppressed, check, check_with};
pub use list::{ListOptions, list};
pub use new_suppression::NewSuppression;
pub use remove::remove;
pub use rules::{SoftBounces, SuppressionRules, apply};
pub use subject::Subject;
pub use suppression::Suppression;

/// Which suppressions apply to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suppress {
    /// Every suppression, except that transactional mail is held back only by `hard_bounce` and `invalid_recipient`.
    ByStream,
    /// Every suppression.
    Always,
}

impl Suppress {
    pub(crate) fn is_always(self) -> bool {
        self == Suppress::Always
    }
}
