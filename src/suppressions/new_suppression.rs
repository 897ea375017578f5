//! A suppression that is to be added.

use chrono::{DateTime, Datelike, Utc};
use uuid::Uuid;

use super::subject::Subject;
use crate::error::Result;
use crate::models::{Stream, SuppressionReason};
use crate::validation::{Checks, SHORT_TEXT, microseconds};

/// A suppression to be [added](super::add). It begins now and is permanent, unless you say otherwise.
///
/// ```
/// use chrono::{TimeDelta, Utc};
/// use mailglass::suppressions::NewSuppression;
/// use mailglass::{Stream, SuppressionReason};
///
/// let pause = NewSuppression::address_in_stream("acme", "ann@example.com", Stream::Bulk, SuppressionReason::Manual)
///     .until(Utc::now() + TimeDelta::days(30));
/// assert!(pause.validate().is_ok());
///
/// let wrong = NewSuppression::domain("acme", "ann@example.com", SuppressionReason::Policy);
/// assert_eq!(
///     wrong.validate().unwrap_err().to_string(),
///     "invalid input: domain has an @: give what is after it, such as example.com",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSuppression {
    pub(super) tenant_id: String,
    pub(super) subject: Subject,
    pub(super) reason: SuppressionReason,
    pub(super) source_event_id: Option<Uuid>,
    pub(super) since: Option<DateTime<Utc>>,
    pub(super) until: Option<DateTime<Utc>>,
    pub(super) keeps_address: bool,
}

impl NewSuppression {
    /// A suppression of a [`Subject`].
    pub fn new(tenant_id: impl Into<String>, subject: Subject, reason: SuppressionReason) -> Self {
        NewSuppression {
            tenant_id: tenant_id.into(),
            subject,
            reason,
            source_event_id: None,
            since: None,
            until: None,
            keeps_address: true,
        }
    }

    /// A suppression of an address.
    pub fn address(tenant_id: impl Into<String>, address: impl Into<String>, reason: SuppressionReason) -> Self {
        NewSuppression::new(tenant_id, Subject::Address(address.into()), reason)
    }

    /// A suppression of every address of a domain; not of those of its subdomains.
    pub fn domain(tenant_id: impl Into<String>, domain: impl Into<String>, reason: SuppressionReason) -> Self {
        NewSuppression::new(tenant_id, Subject::Domain(domain.into()), reason)
    }

    /// A suppression of an address in one stream.
    pub fn address_in_stream(
        tenant_id: impl Into<String>,
        address: impl Into<String>,
        stream: Stream,
        reason: SuppressionReason,
    ) -> Self {
        NewSuppression::new(tenant_id, Subject::AddressInStream(address.into(), stream), reason)
    }

    /// When it begins. By default, now, by the server's clock.
    #[must_use]
    pub fn since(mut self, since: DateTime<Utc>) -> Self {
        self.since = Some(microseconds(since));
        self
    }

    /// When it ends. By default, never.
    #[must_use]
    pub fn until(mut self, until: DateTime<Utc>) -> Self {
        self.until = Some(microseconds(until));
        self
    }

    /// The event that caused it.
    #[must_use]
    pub fn source_event(mut self, id: Uuid) -> Self {
        self.source_event_id = Some(id);
        self
    }

    /// Stores only the digest. Nobody can read the address, but [`check`](super::check) and [`remove`](super::remove()) find the
    /// suppression by it.
    #[must_use]
    pub fn without_address(mut self) -> Self {
        self.keeps_address = false;
        self
    }

    /// Checks every field. [`add`](super::add) does so as well.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) with every wrong field.
    pub fn validate(&self) -> Result<()> {
        Checks::run(|checks| self.check(checks))
    }

    pub(super) fn check(&self, checks: &mut Checks) {
        checks.text("tenant_id", &self.tenant_id, SHORT_TEXT);
        self.subject.check(checks);
        for (field, time) in [("since", self.since), ("until", self.until)] {
            if time.is_some_and(|time| !(1970..=9999).contains(&time.year())) {
                checks.add(field, "must be in the years from 1970 to 9999");
            }
        }
        let since = self.since.unwrap_or_else(Utc::now);
        if self.until.is_some_and(|until| until <= since) {
            let start = if self.since.is_some() { "since" } else { "now" };
            checks.add("until", format!("must be later than {start}"));
        }
    }
}
