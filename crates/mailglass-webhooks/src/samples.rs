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

/// A body whose own members carry the signature.
pub(crate) fn parse(body: &[u8]) -> Result<serde_json::Value, KeyError> {
    serde_json::from_slice(body).map_err(|_| KeyError::Malformed {
        what: "the body",
        message: "must be JSON, because the signature is a part of it",
    })
}

/// A private RSA key as PEM (PKCS#8).
#[cfg(any(feature = "postal", feature = "amazon_ses"))]
pub(crate) fn rsa_key(pem: &str) -> Result<ring::rsa::KeyPair, KeyError> {
    let lines = pem.lines().filter(|line| !line.starts_with("-----"));
    let text: String = lines.flat_map(str::split_whitespace).collect();
    let der = BASE64.decode(text.as_bytes()).ok();
    der.and_then(|der| ring::rsa::KeyPair::from_pkcs8(&der).ok())
        .ok_or(KeyError::Malformed {
            what: "the private key",
            message: "must be an RSA key of at least 2,048 bits as PEM (PKCS#8)",
        })
}

/// A signature of RSA (PKCS#1 v1.5) with SHA-256, as Base64.
#[cfg(any(feature = "postal", feature = "amazon_ses"))]
pub(crate) fn rsa_sha256(key: &ring::rsa::KeyPair, message: &[u8]) -> Result<String, KeyError> {
    let mut signature = vec![0; key.public().modulus_len()];
    let random = ring::rand::SystemRandom::new();
    key.sign(&ring::signature::RSA_PKCS1_SHA256, &random, message, &mut signature)
        .map_err(|_| KeyError::Malformed {
            what: "the private key",
            message: "can't sign",
        })?;
    Ok(BASE64.encode(&signature))
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
