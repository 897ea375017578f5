//! Errors, each with the HTTP status to answer with.

use thiserror::Error;

use crate::Provider;

/// The result of verifying or normalizing a request.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a whole request was refused. An element of a batch that can't be read is an [`Unreadable`](crate::Unreadable) instead.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The request does not prove that the provider sent it. Nothing of its body was read, except what its signature is about.
    #[error("{provider}: {source}")]
    Unverified {
        /// The provider that should have sent it.
        provider: Provider,
        /// What is missing or wrong.
        source: VerificationError,
    },
    /// The body is not what the provider sends.
    #[error("{provider}: the body {message}")]
    Malformed {
        /// The provider whose form was expected.
        provider: Provider,
        /// What is wrong, behind "the body".
        message: String,
    },
    /// The body is longer than [`MAX_BODY_BYTES`](crate::MAX_BODY_BYTES), or holds more than
    /// [`MAX_EVENTS`](crate::MAX_EVENTS) events.
    #[error("{provider}: the body has {size} {unit}, and {limit} is the limit")]
    TooLarge {
        /// The provider.
        provider: Provider,
        /// How many there are.
        size: usize,
        /// What is counted: `bytes` or `events`.
        unit: &'static str,
        /// How many are accepted.
        limit: usize,
    },
    /// The request is about mail that the provider received for the application.
    #[error("{provider}: `{event}` is about inbound mail, which mailglass does not record: send it to another URL")]
    Inbound {
        /// The provider.
        provider: Provider,
        /// The provider's name of the event.
        event: String,
    },
}

impl Error {
    /// The HTTP status to answer with. Providers retry on each of them, except where their documentation says otherwise.
    ///
    /// | Error | Status | |
    /// |---|---|---|
    /// | [`Unverified`](Self::Unverified) | 401 | 503 if the certificate could not be fetched |
    /// | [`Malformed`](Self::Malformed) | 400 | |
    /// | [`TooLarge`](Self::TooLarge) | 413 | |
    /// | [`Inbound`](Self::Inbound) | 422 | |
    ///
    /// If recording the events fails, answer with 503, so that the provider sends them again.
    pub fn status(&self) -> u16 {
        match self {
            Error::Unverified {
                source: VerificationError::CertificateUnavailable(_),
                ..
            } => 503,
            Error::Unverified { .. } => 401,
            Error::Malformed { .. } => 400,
            Error::TooLarge { .. } => 413,
            Error::Inbound { .. } => 422,
        }
    }

    /// Whether the request does not prove that the provider sent it.
    pub fn is_unverified(&self) -> bool {
        matches!(self, Error::Unverified { .. })
    }
}

/// Why a request was not verified.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VerificationError {
    /// A header or a member of the body that carries the signature or credential is absent, or a header occurs twice.
    #[error("the request has no {0}")]
    Missing(&'static str),
    /// The signature or credential is not of the form that the provider documents.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    /// No key or credential fits.
    #[error("{0} does not match any key")]
    Mismatch(&'static str),
    /// The time of the request is outside the [tolerance](crate::Webhook::tolerance): it is a replay, or a clock is wrong.
    #[error("the request was signed {seconds} seconds {direction}, and the tolerance is {tolerance} seconds")]
    Expired {
        /// How far its time is from now.
        seconds: u64,
        /// `ago` or `ahead`.
        direction: &'static str,
        /// How far it may be.
        tolerance: u64,
    },
    /// The certificate's URL is not one of the provider.
    #[error("the certificate's URL is not one of the provider: {0}")]
    ForeignCertificate(String),
    /// The certificate could not be fetched. Answer with 503, so that the provider tries again.
    #[error("the certificate could not be fetched: {0}")]
    CertificateUnavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The certificate can't be read, or is not valid at the time.
    #[error("the certificate {0}")]
    Certificate(&'static str),
    /// The message is from another sender of the same provider, such as a topic that was not allowed.
    #[error("{what} `{value}` is not among those that are allowed")]
    NotAllowed {
        /// What was compared.
        what: &'static str,
        /// What the request has.
        value: String,
    },
}

/// Why a key or credential can't be used to verify requests.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is none, so that no request could be verified.
    #[error("at least one {0} is required")]
    None(&'static str),
    /// It is empty: anybody could sign with it.
    #[error("{0} can't be empty")]
    Empty(&'static str),
    /// It is not of the form that the provider documents.
    #[error("{what} {message}")]
    Malformed {
        /// Which key.
        what: &'static str,
        /// What is wrong with it.
        message: &'static str,
    },
}
