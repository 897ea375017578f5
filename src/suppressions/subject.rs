//! What is suppressed.

use std::fmt;

use crate::models::{Stream, SuppressionScope};
use crate::validation::Checks;

/// What a suppression is about. Case of ASCII letters does not matter.
#[derive(Clone, PartialEq, Eq)]
pub enum Subject {
    /// An address.
    Address(String),
    /// Every address of a domain; not those of its subdomains.
    Domain(String),
    /// An address in one stream.
    AddressInStream(String, Stream),
}

impl Subject {
    /// The scope.
    pub fn scope(&self) -> SuppressionScope {
        match self {
            Subject::Address(_) => SuppressionScope::Address,
            Subject::Domain(_) => SuppressionScope::Domain,
            Subject::AddressInStream(..) => SuppressionScope::AddressStream,
        }
    }

    /// The stream, if the subject is an address in one.
    pub fn stream(&self) -> Option<Stream> {
        match self {
            Subject::AddressInStream(_, stream) => Some(*stream),
            Subject::Address(_) | Subject::Domain(_) => None,
        }
    }

    /// The address or the domain.
    pub fn as_str(&self) -> &str {
        match self {
            Subject::Address(text) | Subject::Domain(text) | Subject::AddressInStream(text, _) => text,
        }
    }

    pub(super) fn check(&self, checks: &mut Checks) {
        match self {
            Subject::Address(address) | Subject::AddressInStream(address, _) => checks.recipient("address", address),
            Subject::Domain(domain) => checks.domain("domain", domain),
        }
    }
}

/// The address is personal data, and is not printed.
impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Address(_) => f.write_str("Address([redacted])"),
            Subject::Domain(domain) => f.debug_tuple("Domain").field(domain).finish(),
            Subject::AddressInStream(_, stream) => write!(f, "AddressInStream([redacted], {stream:?})"),
        }
    }
}
