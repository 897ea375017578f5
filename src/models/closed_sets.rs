//! The closed sets: an enum for each Postgres enum type.
//!
//! They are not `#[non_exhaustive]`: a `match` without a wildcard checks at compile time that you handle every value, and a
//! new value is a breaking release. `api_stability.md` states the promise, and `build.rs` checks it.
#![allow(deprecated, reason = "a deprecated value is still written, read and listed")]

use std::fmt;
use std::str::FromStr;

use diesel_derive_enum::DbEnum;

use super::redacted::redacted_debug;
use crate::contract::{ClosedSet, SETS};
use crate::error::without_address;
use crate::schema::sql_types;

/// The purpose of a message, which decides how it may be sent.
#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[db_enum(existing_type_path = "sql_types::MailglassStream")]
pub enum Stream {
    /// A message that answers an action of its recipient: a receipt, a password reset.
    Transactional,
    /// A message that the service needs to send: an outage notice, a change of terms.
    Operational,
    /// A message to many: a newsletter, a campaign.
    Bulk,
}

/// What happened to a message: [Anymail's normalized event types][anymail], and two of Mailglass.
///
/// [anymail]: https://anymail.dev/en/stable/sending/tracking/#anymail.signals.AnymailTrackingEvent.event_type
#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[db_enum(existing_type_path = "sql_types::MailglassEventType")]
pub enum EventType {
    /// The provider accepted the message and will try to send it. As the first event of a delivery: the application did.
    Queued,
    /// The provider sent the message. Whether it arrives is not known yet.
    Sent,
    /// The provider refused to send it: a blocked or invalid address, a policy.
    Rejected,
    /// The attempt to send failed for another reason, such as a template error.
    Failed,
    /// The receiving server refused the message or reported that it can't be delivered.
    Bounced,
    /// The receiving server asked the provider to try again later.
    Deferred,
    /// The receiving server accepted the message.
    Delivered,
    /// An automatic reply: out of office, a challenge.
    Autoresponded,
    /// The recipient opened the message, as far as a tracking pixel can tell.
    Opened,
    /// The recipient followed a tracked link.
    Clicked,
    /// The recipient reported the message as spam.
    Complained,
    /// The recipient unsubscribed from the list.
    Unsubscribed,
    /// The recipient subscribed to the list.
    Subscribed,
    /// Any other event that the provider reports.
    Unknown,
    /// Of Mailglass: the application handed the message to the provider.
    Dispatched,
    /// Of Mailglass: the application did not send the message, because of its suppression list.
    Suppressed,
}

/// Why a message was rejected or bounced: [Anymail's normalized reject reasons][anymail].
///
/// [anymail]: https://anymail.dev/en/stable/sending/tracking/#anymail.signals.AnymailTrackingEvent.reject_reason
#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[db_enum(existing_type_path = "sql_types::MailglassRejectReason")]
pub enum RejectReason {
    /// The address is invalid.
    Invalid,
    /// The address bounced before.
    Bounced,
    /// The provider gave up after repeated temporary failures.
    TimedOut,
    /// The provider's or the receiver's policy blocks the message.
    Blocked,
    /// The recipient marked earlier messages as spam, or this one was classified as spam.
    Spam,
    /// The recipient unsubscribed.
    Unsubscribed,
    /// Another reason.
    Other,
}

/// The progress of a delivery.
///
/// The order of the labels is not the rank. The projection ranks
/// `queued < dispatched < sent < failed < suppressed` (see [`projection`](crate::projection)).
#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[db_enum(existing_type_path = "sql_types::MailglassDeliveryStatus")]
pub enum DeliveryStatus {
    /// Waiting to be handed to a provider.
    Queued,
    /// The provider sent it, or a later event proves that it was sent.
    Sent,
    /// Handed to the provider.
    Dispatched,
    /// It will not arrive: it was rejected, failed or bounced.
    Failed,
    /// Not sent, because the recipient is suppressed.
    Suppressed,
}

/// What a [suppression](crate::suppressions) covers.
#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[db_enum(existing_type_path = "sql_types::MailglassSuppressionScope")]
pub enum SuppressionScope {
    /// An address.
    Address,
    /// Every address of a domain.
    Domain,
    /// An address in one stream.
    AddressStream,
}

/// Why no mail is sent to a recipient.
#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[db_enum(existing_type_path = "sql_types::MailglassSuppressionReason")]
pub enum SuppressionReason {
    /// A message bounced, and the address does not work.
    HardBounce,
    /// The recipient reported a message as spam.
    Complaint,
    /// The recipient unsubscribed.
    Unsubscribe,
    /// Somebody added it.
    Manual,
    /// A rule of the application.
    Policy,
    /// The address can't receive mail, as a check has found.
    InvalidRecipient,
    /// Several messages bounced in a short time, although the address may work.
    SoftBounce,
}

impl SuppressionReason {
    /// The reject reason of the `suppressed` event of a delivery that is not sent for this reason.
    pub fn reject_reason(self) -> RejectReason {
        match self {
            SuppressionReason::HardBounce => RejectReason::Bounced,
            SuppressionReason::SoftBounce => RejectReason::TimedOut,
            SuppressionReason::Complaint => RejectReason::Spam,
            SuppressionReason::Unsubscribe => RejectReason::Unsubscribed,
            SuppressionReason::InvalidRecipient => RejectReason::Invalid,
            SuppressionReason::Manual | SuppressionReason::Policy => RejectReason::Blocked,
        }
    }
}

/// A label that is not in its closed set.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {set} `{}`: use one of {}", without_address(label), known.join(", "))]
pub struct UnknownLabel {
    /// The Rust name of the set, such as `EventType`.
    pub set: &'static str,
    /// The label that was given.
    pub label: String,
    /// The labels of the set.
    pub known: &'static [&'static str],
}

redacted_debug!(UnknownLabel { set, known } hides { label });

/// Implements the labels of a closed set.
macro_rules! labels {
    ($set:ident = SETS[$index:literal] { $($variant:ident = $label:literal),+ $(,)? }) => {
        impl $set {
            /// The promise about this set, as data.
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

// The labels of the manifest, `api_stability.md`. `build.rs` has compared them with those that the derive makes.
include!(concat!(env!("OUT_DIR"), "/labels.rs"));
