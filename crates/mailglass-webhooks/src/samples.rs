//! Signed sample requests, for tests of an endpoint.

use data_encoding::BASE64;

use crate::{KeyError, Request};

/// A request as a provider sends it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Sample {
    /// The headers, among them the signature and the content type.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Sample {
    pub(crate) fn json(body: &[u8]) -> Self {
        Sample {
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            body: body.to_vec(),
        }
    }

    #[must_use]
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The request, as an endpoint gets it.
    pub fn request(&self) -> Request<'_> {
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()));
        Request::new(&self.body).headers(headers)
    }
}

/// A request with basic authentication.
pub(crate) fn basic(secret: &str, body: &[u8]) -> Result<Sample, KeyError> {
    let what = "the secret";
    if !secret.contains(':') {
        return Err(KeyError::Malformed {
            what,
            message: "must be `user:password`",
        });
    }
    Ok(Sample::json(body).header("Authorization", format!("Basic {}", BASE64.encode(secret.as_bytes()))))
}
