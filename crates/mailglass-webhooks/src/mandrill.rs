//! Mandrill (Mailchimp Transactional).

use crate::draft::Input;
use crate::mapping::Facts;
#[cfg(feature = "samples")]
use crate::{KeyError, Sample, samples};
use crate::{Received, Result};
#[cfg(feature = "samples")]
use chrono::{DateTime, Utc};

pub(crate) static FACTS: Facts = Facts {
    title: "Mandrill (Mailchimp Transactional)",
    mappings: &[],
    message_id: "",
    signature: "",
    documentation: "",
    read_on: "2026-11-27",
};

pub(crate) fn normalize(input: &Input<'_>) -> Result<Vec<Received>> {
    Err(input.malformed("is not read yet"))
}

#[cfg(feature = "samples")]
pub(crate) static SAMPLE: &str = "{}";

#[cfg(feature = "samples")]
pub(crate) fn sign(secret: &str, _: &str, body: &[u8], _: DateTime<Utc>) -> std::result::Result<Sample, KeyError> {
    samples::basic(secret, body)
}
