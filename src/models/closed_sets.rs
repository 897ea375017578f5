//! The closed sets: one plain enum for each Postgres enum type, nothing left open.
//!
//! They carry no `#[non_exhaustive]`, on purpose: a `match` without a wildcard is your own compile-time check that you
//! handle every value, and a new value is a breaking release. `api_stability.md` says what is promised about them, and
//! `build.rs` holds them to it.
#![allow(deprecated, reason = "a deprecated value is still written, read and listed")]

use std::fmt;
use std::str::FromStr;

use diesel_derive_enum::DbEnum;

use crate::contract::{ClosedSet, SETS};
use crate::schema::sql_types;

/// What a message is for, which decides how it may be sent.
#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[db_enum(existing_type_path = "sql_types::MailglassStream")]
pub enum Stream {
    /// A message that one person's own action asked for: a receipt, a password reset.
    Transactional,
    /// A message that the service needs to send: an outage notice, a change of terms.
    Operational,
    /// A message to many: a newsletter, a campaign.
    Bulk,
}

/// What happened to a message: [Anymail's normalized event types][anymail], then Mailglass's own two.
///
/// [anymail]: https://anymail.dev/en/stable/sending/tracking/#anymail.signals.AnymailTrackingEvent.event_type
#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[db_enum(existing_type_path = "sql_types::MailglassEventType")]
pub enum EventType {
    /// The provider (or, as a delivery's first event, the application) has accepted the message and will try to send it.
    Queued,
    /// The provider has sent the message on; nobody knows yet whether it arrives.
    Sent,
    /// The provider refused to send it: a blocked or invalid address, a policy.
    Rejected,
    /// The attempt to send failed for another reason, such as a template error.
    Failed,
    /// The receiving server refused the message or reported that it can't be delivered.
    Bounced,
    /// The receiving server put the provider off; it will try again.
    Deferred,
    /// The receiving server accepted the message.
    Delivered,
    /// A robot answered: out of office, a challenge.
    Autoresponded,
    /// The recipient opened the message, as far as a tracking pixel can tell.
    Opened,
    /// The recipient followed a tracked link.
    Clicked,
    /// The recipient reported the message as spam.
    Complained,
    /// The recipient asked to be taken off the list.
    Unsubscribed,
    /// The recipient asked to be put on the list.
    Subscribed,
    /// Something else that the provider reported.
    Unknown,
    /// Mailglass's own: the application handed the message to the provider.
    Dispatched,
    /// Mailglass's own: the application decided not to send, because of its suppression list.
    Suppressed,
}

/// Why a message was rejected or bounced: [Anymail's normalized reject reasons][anymail].
///
/// [anymail]: https://anymail.dev/en/stable/sending/tracking/#anymail.signals.AnymailTrackingEvent.reject_reason
#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[db_enum(existing_type_path = "sql_types::MailglassRejectReason")]
pub enum RejectReason {
    /// The address is not a valid one.
    Invalid,
    /// The address bounced before.
    Bounced,
    /// The receiving server did not answer for too long.
    TimedOut,
    /// The provider's or the receiver's policy blocks the message.
    Blocked,
    /// The recipient marked earlier messages as spam, or this one looks like it.
    Spam,
    /// The recipient unsubscribed.
    Unsubscribed,
    /// Another reason.
    Other,
}

/// How far a delivery has come.
///
/// The labels' order is not the rank: the projection ranks
/// `queued < dispatched < sent < failed < suppressed` (see [`projection`](crate::projection)).
#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[db_enum(existing_type_path = "sql_types::MailglassDeliveryStatus")]
pub enum DeliveryStatus {
    /// Waiting to be handed to a provider.
    Queued,
    /// The provider has sent it on, or something proves that it arrived.
    Sent,
    /// Handed to the provider.
    Dispatched,
    /// It will not arrive: rejected, failed or bounced.
    Failed,
    /// Not sent, on purpose.
    Suppressed,
}

/// A label that a closed set does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {set} `{label}`: use one of {}", known.join(", "))]
pub struct UnknownLabel {
    /// The Rust name of the set, such as `EventType`.
    pub set: &'static str,
    /// The label that was given.
    pub label: String,
    /// The labels that the set holds.
    pub known: &'static [&'static str],
}

/// Gives a closed set its labels.
macro_rules! labels {
    ($set:ident = SETS[$index:literal] { $($variant:ident = $label:literal),+ $(,)? }) => {
        impl $set {
            /// What is promised about this set, as data.
            pub const CLOSED_SET: &'static ClosedSet = &SETS[$index];

            /// Every value, in the order of the Postgres enum.
            pub const ALL: &[$set] = &[$($set::$variant),+];

            /// Every label, in the order of the Postgres enum.
            pub const LABELS: &[&str] = &[$($label),+];

            /// The label, as Postgres and JSON have it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($set::$variant => $label),+
                }
            }
        }

        impl fmt::Display for $set {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $set {
            type Err = UnknownLabel;

            fn from_str(label: &str) -> Result<Self, UnknownLabel> {
                match label {
                    $($label => Ok($set::$variant),)+
                    _ => Err(UnknownLabel {
                        set: stringify!($set),
                        label: label.to_owned(),
                        known: $set::LABELS,
                    }),
                }
            }
        }

        impl serde::Serialize for $set {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $set {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let label = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                label.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

// The labels that the manifest, `api_stability.md`, gives these variants. `build.rs` has held them to what the derive makes.
include!(concat!(env!("OUT_DIR"), "/labels.rs"));
