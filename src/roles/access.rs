//! The kinds of access.

use std::fmt;
use std::str::FromStr;

/// What a role may do. See [`roles`](crate::roles).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Access {
    /// Everything that an application does for a tenant: insert, record, read, update, sweep and rebuild.
    App,
    /// Claiming, sending and recording the steps of sending. It can't insert deliveries or read event details.
    Worker,
    /// Claiming and sending for all tenants: what [`Worker`](Access::Worker) does for one.
    Sender,
    /// Reading deliveries, events, links, erasures, the outbox and suppressions. Event details are left out: they are what providers report about a person,
    /// such as IP addresses, and support seldom needs them. `recipient` is included, because a delivery is useless without it.
    Reader,
    /// Linking early events, and comparing and rebuilding projections, for all tenants.
    Reconciler,
    /// Erasing and exporting a person.
    Privacy,
    /// Deleting event details that have expired, for all tenants.
    Retention,
}

impl Access {
    /// Every kind of access.
    pub const ALL: &[Access] = &[
        Access::App,
        Access::Worker,
        Access::Sender,
        Access::Reader,
        Access::Reconciler,
        Access::Privacy,
        Access::Retention,
    ];

    /// The name in lower case, as the command `mailglass grant` takes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Access::App => "app",
            Access::Worker => "worker",
            Access::Sender => "sender",
            Access::Reader => "reader",
            Access::Reconciler => "reconciler",
            Access::Privacy => "privacy",
            Access::Retention => "retention",
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// No kind of access has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown access `{name}`: use one of app, worker, sender, reader, reconciler, privacy, retention")]
pub struct UnknownAccess {
    /// The name that was given.
    pub name: String,
}

impl FromStr for Access {
    type Err = UnknownAccess;

    fn from_str(name: &str) -> Result<Self, UnknownAccess> {
        let named = Access::ALL.iter().find(|access| access.as_str() == name);
        named.copied().ok_or_else(|| UnknownAccess { name: name.to_owned() })
    }
}
