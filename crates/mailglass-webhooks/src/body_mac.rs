//! Signatures that are the HMAC-SHA256 of the raw body, as hexadecimal digits in a header.

#[cfg(feature = "samples")]
use data_encoding::HEXLOWER;
use data_encoding::HEXLOWER_PERMISSIVE;
use ring::hmac;

use crate::verifier::{self, any};
use crate::{KeyError, Request, VerificationError};

/// The keys of the secrets. Any of them may have signed.
#[derive(Clone)]
pub(crate) struct Keys(Vec<hmac::Key>);

impl Keys {
    pub(crate) fn new(secrets: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, KeyError> {
        verifier::keys(secrets, "signing secret", key).map(Keys)
    }

    pub(crate) fn verify(&self, request: &Request<'_>, header: &'static str) -> Result<(), VerificationError> {
        let given = request.value(header).ok_or(VerificationError::Missing(header))?;
        let given = HEXLOWER_PERMISSIVE
            .decode(given.trim_ascii())
            .ok()
            .filter(|mac| mac.len() == hmac::HMAC_SHA256.digest_algorithm().output_len())
            .ok_or(VerificationError::Malformed("the signature"))?;
        // `verify` compares in constant time.
        any(&self.0, "the signature", |key| {
            hmac::verify(key, request.body(), &given).is_ok()
        })
    }
}

fn key(secret: &str) -> Result<hmac::Key, KeyError> {
    if secret.is_empty() {
        return Err(KeyError::Empty("the signing secret"));
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
}

/// The signature of a body.
#[cfg(feature = "samples")]
pub(crate) fn sign(secret: &str, body: &[u8]) -> Result<String, KeyError> {
    Ok(HEXLOWER.encode(hmac::sign(&key(secret)?, body).as_ref()))
}
