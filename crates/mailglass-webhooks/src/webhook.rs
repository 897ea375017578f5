//! Receiving requests.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::draft::Input;
use crate::verifier::{Clock, Verifier};
use crate::{Error, Provider, Received, Request, Result};

/// The maximum size of a body: 16 MiB. SendGrid's largest requests have less than 1 MiB.
pub const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// The maximum number of events in a request: a batch of mailglass.
pub const MAX_EVENTS: usize = mailglass::MAX_BATCH;

/// Verifies and normalizes the requests of one provider for one tenant. Keep it for the life of the application.
pub struct Webhook {
    tenant_id: String,
    verifier: Box<dyn Verifier>,
    tolerance: Option<Duration>,
}

impl Webhook {
    /// A webhook of a tenant, with the keys or credentials of its provider.
    pub fn new(tenant_id: impl Into<String>, verifier: impl Verifier + 'static) -> Self {
        Webhook {
            tenant_id: tenant_id.into(),
            verifier: Box::new(verifier),
            tolerance: None,
        }
    }

    /// How far the signed time of a request may be from now. The default is the provider's. It has no effect on providers that
    /// sign no time. A replay within it is harmless: its events have the same idempotency keys. Mailgun is the exception:
    /// it signs the time, but not the events.
    #[must_use]
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = Some(tolerance);
        self
    }

    /// The provider.
    pub fn provider(&self) -> Provider {
        self.verifier.provider()
    }

    /// Verifies a request and reads its events, in the request's order.
    ///
    /// # Errors
    /// Answer with the [status](Error::status) of the error.
    ///
    /// - [`Error::Unverified`]: the request does not prove that the provider sent it
    /// - [`Error::Malformed`]: the body is not what the provider sends
    /// - [`Error::TooLarge`]: the body exceeds a limit
    /// - [`Error::Inbound`]: the request is about inbound mail
    pub fn receive(&self, request: &Request<'_>) -> Result<Vec<Received>> {
        self.verify(request, Utc::now())?.normalize()
    }

    /// Verifies a request as of a time, without reading its events.
    ///
    /// # Errors
    /// [`Error::Unverified`] and [`Error::TooLarge`].
    pub fn verify<'a>(&'a self, request: &'a Request<'a>, now: DateTime<Utc>) -> Result<Verified<'a>> {
        let provider = self.provider();
        check_size(provider, request)?;
        let clock = Clock {
            now,
            tolerance: self.tolerance,
        };
        match self.verifier.verify(request, &clock) {
            Ok(()) => Ok(Verified::new(provider, &self.tenant_id, request)),
            Err(source) => Err(Error::Unverified { provider, source }),
        }
    }
}

fn check_size(provider: Provider, request: &Request<'_>) -> Result<()> {
    let size = request.body().len();
    if size > MAX_BODY_BYTES {
        return Err(Error::TooLarge {
            provider,
            size,
            unit: "bytes",
            limit: MAX_BODY_BYTES,
        });
    }
    Ok(())
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("tenant_id", &self.tenant_id)
            .field("provider", &self.provider())
            .field("tolerance", &self.tolerance)
            .finish_non_exhaustive()
    }
}

/// A request that was verified. Only one of these can be normalized.
pub struct Verified<'a> {
    provider: Provider,
    tenant_id: &'a str,
    request: &'a Request<'a>,
}

impl<'a> Verified<'a> {
    pub(crate) fn new(provider: Provider, tenant_id: &'a str, request: &'a Request<'a>) -> Self {
        Verified {
            provider,
            tenant_id,
            request,
        }
    }

    /// Reads the events, in the request's order.
    ///
    /// # Errors
    /// As [`Webhook::receive`], but never [`Error::Unverified`].
    pub fn normalize(&self) -> Result<Vec<Received>> {
        check_size(self.provider, self.request)?;
        self.provider.normalize(&Input {
            provider: self.provider,
            tenant_id: self.tenant_id,
            request: self.request,
        })
    }
}
