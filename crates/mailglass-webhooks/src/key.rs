//! Idempotency keys: what identifies an event over all deliveries of its webhook.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// What a key is made from.
pub(crate) enum Key {
    /// The provider's id of the event.
    Id(String),
    /// What together identifies the event, of a provider that gives it no id. It may be personal: only its digest is kept.
    Parts(Vec<String>),
}

/// The longest id that is kept as it is. The limit of a key is 512 bytes, with the tenant.
const MAX_ID_BYTES: usize = 128;

/// What the digest begins with, and no id.
const DIGEST: &str = "sha256:";

impl Key {
    pub(crate) fn parts<T: ToString>(parts: impl IntoIterator<Item = T>) -> Self {
        Key::Parts(parts.into_iter().map(|part| part.to_string()).collect())
    }

    /// The key, without the tenant. An id that is long, or has what may be an address, is replaced by its digest.
    pub(crate) fn text(&self, provider: &str) -> String {
        match self {
            Key::Id(id) if id.len() <= MAX_ID_BYTES && !id.starts_with(DIGEST) && !id.contains(['@', '\0']) => {
                format!("{provider}:{id}")
            }
            Key::Id(id) => digest(provider, std::slice::from_ref(id)),
            Key::Parts(parts) => digest(provider, parts),
        }
    }
}

/// 128 bits are enough: a collision among a thousand million events has a chance of one in 10^20.
fn digest(provider: &str, parts: &[String]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    format!("{provider}:{DIGEST}{}", HEXLOWER.encode(&hash.finalize()[..16]))
}
