//! What verifies requests.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{KeyError, Provider, Request, VerificationError};

/// The keys or credentials of a provider, which verify its requests. The modules of the providers have the types that
/// implement it, and [`Credentials`](crate::Credentials) is for those without signatures. It can't be implemented elsewhere.
pub trait Verifier: sealed::Verify + Send + Sync {
    /// The provider whose requests are verified.
    fn provider(&self) -> Provider;
}

pub(crate) mod sealed {
    use super::Clock;
    use crate::{Request, VerificationError};

    pub trait Verify {
        fn verify(&self, request: &Request<'_>, clock: &Clock) -> Result<(), VerificationError>;
    }
}

/// The current time, and how far the time of a request may be from it.
#[derive(Clone, Copy)]
pub struct Clock {
    pub(crate) now: DateTime<Utc>,
    pub(crate) tolerance: Option<Duration>,
}

impl Clock {
    /// Checks the signed time of a request. A webhook's own tolerance replaces the provider's `default`.
    pub(crate) fn check(&self, signed_at: DateTime<Utc>, default: Duration) -> Result<(), VerificationError> {
        let tolerance = self.tolerance.unwrap_or(default);
        let distance = self.now.signed_duration_since(signed_at);
        if distance.abs().to_std().is_ok_and(|distance| distance <= tolerance) {
            return Ok(());
        }
        Err(VerificationError::Expired {
            seconds: distance.num_seconds().unsigned_abs(),
            direction: if distance.num_seconds() < 0 { "ahead" } else { "ago" },
            tolerance: tolerance.as_secs(),
        })
    }
}

/// The keys of a verifier, each read from its text. Without one, no request could be verified.
pub(crate) fn keys<K>(
    texts: impl IntoIterator<Item = impl AsRef<str>>,
    what: &'static str,
    read: impl Fn(&str) -> Result<K, KeyError>,
) -> Result<Vec<K>, KeyError> {
    let keys: Vec<K> = texts
        .into_iter()
        .map(|text| read(text.as_ref()))
        .collect::<Result<_, _>>()?;
    if keys.is_empty() {
        Err(KeyError::None(what))
    } else {
        Ok(keys)
    }
}

/// Whether any of the keys fits. All are tried, so that the time does not tell which one.
pub(crate) fn any<K>(keys: &[K], what: &'static str, fits: impl Fn(&K) -> bool) -> Result<(), VerificationError> {
    let fitting = keys.iter().filter(|key| fits(key)).count();
    if fitting > 0 {
        Ok(())
    } else {
        Err(VerificationError::Mismatch(what))
    }
}

impl<V: sealed::Verify + ?Sized> sealed::Verify for Box<V> {
    fn verify(&self, request: &Request<'_>, clock: &Clock) -> Result<(), VerificationError> {
        (**self).verify(request, clock)
    }
}

impl<V: Verifier + ?Sized> Verifier for Box<V> {
    fn provider(&self) -> Provider {
        (**self).provider()
    }
}
