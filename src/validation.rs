//! Checks of the input, before anything is sent to the database. They report every wrong field at once.

pub(crate) mod address;
mod json;
mod recipient;

use chrono::{DateTime, SubsecRound, TimeDelta, Timelike, Utc};
use serde_json::Value;

use self::json::Storable;
use self::recipient::check_recipient;
use crate::error::{Error, FieldError, Invalid, Result};
use crate::idempotency::tenant_of_key;

pub use self::json::{MAX_JSON_BYTES, MAX_JSON_DEPTH, MAX_JSON_MEMBERS};
pub(crate) use self::recipient::{RECIPIENT, domain_of};

/// How far an event may be ahead of the client's clock. Without a limit, one wrong clock could determine a delivery's last event
/// for years.
pub(crate) const CLOCK_TOLERANCE: TimeDelta = TimeDelta::days(1);

/// The maximum number of entries in a batch, which bounds its memory and its locks.
pub const MAX_BATCH: usize = 50_000;

/// The maximum size of a batch, texts and JSON together: 64 MiB. PostgreSQL rejects messages of 1 GiB, and both the client and
/// the server hold several copies of a batch in memory.
pub const MAX_BATCH_BYTES: usize = 64 * 1024 * 1024;

/// The size of an entry without its texts and JSON: ids, times, labels, and their lengths.
const ENTRY_OVERHEAD: usize = 160;

/// The maximum size of a tenant, a mailable and a provider. Postgres can't index texts of more than about 2,700 bytes; its own
/// limit depends on how well they compress.
pub const MAX_TEXT_BYTES: usize = 255;

/// The maximum size of an idempotency key and a trace id. A key that carries its tenant counts as a whole.
pub const MAX_KEY_BYTES: usize = 512;

/// The maximum size of a provider's message id: the longest line, and so the longest Message-ID (RFC 5322, section 2.1.1).
pub const MAX_MESSAGE_ID_BYTES: usize = 998;

/// The maximum size of a text of the details of an event. No index has it.
pub const MAX_DETAIL_BYTES: usize = 64 * 1024;

pub(crate) const SHORT_TEXT: usize = MAX_TEXT_BYTES;
pub(crate) const KEY: usize = MAX_KEY_BYTES;
pub(crate) const MESSAGE_ID: usize = MAX_MESSAGE_ID_BYTES;

/// Collects the wrong fields of an input or of a batch.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    index: Option<usize>,
    errors: Vec<FieldError>,
    /// The size of the input that was checked so far.
    bytes: usize,
    has_fractions: bool,
}

impl Checks {
    /// Runs the checks, and returns every wrong field as one error.
    pub(crate) fn run(check: impl FnOnce(&mut Self)) -> Result<()> {
        let mut checks = Checks::default();
        check(&mut checks);
        checks.finish()
    }

    /// The next checks are about this entry of a batch.
    pub(crate) fn at(&mut self, index: usize) {
        self.index = Some(index);
    }

    /// Adds an error, unless the field has one already: a second one would only repeat the first.
    pub(crate) fn add(&mut self, field: &str, message: impl Into<String>) {
        let mut of_this_entry = (self.errors.iter().rev()).take_while(|error| error.index == self.index);
        if !of_this_entry.any(|error| error.field == field) {
            self.errors.push(FieldError {
                index: self.index,
                field: field.to_owned(),
                message: message.into(),
            });
        }
    }

    /// Adds the errors of an object that is the value of a field.
    pub(crate) fn add_nested(&mut self, field: &str, of_object: Checks) {
        for error in of_object.errors {
            self.add(&format!("{field}.{}", error.field), error.message);
        }
    }

    pub(crate) fn finish(self) -> Result<()> {
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(Invalid(self.errors)))
        }
    }

    /// Checks each entry of a batch, their number and their size.
    pub(crate) fn batch<T>(&mut self, field: &str, entries: &[T], check: fn(&T, &mut Self)) {
        match entries.len() {
            ..=MAX_BATCH => {
                for (index, entry) in entries.iter().enumerate() {
                    self.at(index);
                    check(entry, self);
                    self.bytes += ENTRY_OVERHEAD;
                }
                self.index = None;
                if self.bytes > MAX_BATCH_BYTES {
                    let message = format!(
                        "hold {} bytes, and one batch takes {MAX_BATCH_BYTES}: split it",
                        self.bytes
                    );
                    self.add(field, message);
                }
            }
            size => {
                let message = format!("hold {size} entries, and one batch takes {MAX_BATCH}: split it");
                self.add(field, message);
            }
        }
    }

    pub(crate) fn text(&mut self, field: &str, text: &str, max_bytes: usize) {
        self.bytes += text.len();
        if text.trim().is_empty() {
            self.add(field, "can't be blank");
        } else if text.contains('\0') {
            self.add(field, "can't hold a NUL byte");
        } else if text.len() > max_bytes {
            let message = format!("is {} bytes long, and {max_bytes} is the limit", text.len());
            self.add(field, message);
        }
    }

    pub(crate) fn optional_text(&mut self, field: &str, text: Option<&str>, max_bytes: usize) {
        if let Some(text) = text {
            self.text(field, text, max_bytes);
        }
    }

    /// A text of a provider's report, which may be blank.
    pub(crate) fn detail(&mut self, field: &str, text: &str) {
        if !text.trim().is_empty() {
            self.text(field, text, MAX_DETAIL_BYTES);
        }
    }

    /// Checks a key. One that carries a tenant must carry this one, so that nobody takes a key of another tenant.
    pub(crate) fn idempotency_key(&mut self, tenant_id: &str, key: Option<&str>) {
        let field = "idempotency_key";
        self.optional_text(field, key, KEY);
        match key.and_then(tenant_of_key) {
            Some((tenant, _)) if tenant != tenant_id => self.add(field, "carries another tenant"),
            Some((_, rest)) if rest.trim().is_empty() => self.add(field, "can't be blank after its tenant"),
            _ => {}
        }
    }

    pub(crate) fn json_object(&mut self, field: &str, value: &Value) {
        if !value.is_object() {
            return self.add(field, "must be a JSON object");
        }
        match Storable::measure(value) {
            Err(message) => self.add(field, message),
            Ok(Storable {
                bytes, has_fractions, ..
            }) => {
                self.bytes += bytes;
                self.has_fractions |= has_fractions;
            }
        }
    }

    /// Whether JSON that was checked so far has a number that is not an integer of 64 bits. jsonb stores 1e16 as
    /// 10000000000000000, which is read as an integer.
    pub(crate) fn has_fractions(&self) -> bool {
        self.has_fractions
    }

    pub(crate) fn time(&mut self, field: &str, time: DateTime<Utc>) {
        if time > Utc::now() + CLOCK_TOLERANCE {
            self.add(field, "is more than one day in the future");
        } else if time < DateTime::UNIX_EPOCH {
            // A clock that was never set would set the first times of a delivery permanently.
            self.add(field, "is before 1970");
        }
    }

    /// A message id without a provider identifies nothing.
    pub(crate) fn message_has_provider(&mut self, message_id: bool, provider: bool) {
        if message_id && !provider {
            self.add("provider", "must be named beside provider_message_id");
        }
    }

    pub(crate) fn recipient(&mut self, field: &str, recipient: &str) {
        self.text(field, recipient, RECIPIENT);
        if let Err(message) = check_recipient(recipient) {
            self.add(field, message);
        }
    }

    /// Checks a domain that is given without an address.
    pub(crate) fn domain(&mut self, field: &str, domain: &str) {
        self.text(field, domain, SHORT_TEXT);
        if domain.contains('@') {
            self.add(field, "has an @: give what is after it, such as example.com");
        } else if !is_recipient(&format!("x@{domain}")) {
            self.add(field, "is not a domain, such as example.com");
        }
    }
}

/// Whether a text is one bare address.
pub(crate) fn is_recipient(text: &str) -> bool {
    check_recipient(text).is_ok()
}

/// The time as Postgres stores it. It has microseconds, so a value with nanoseconds would differ from its row. A leap second
/// becomes the first instant of the next second, as Postgres reads `23:59:60`.
pub(crate) fn microseconds(time: DateTime<Utc>) -> DateTime<Utc> {
    if time.nanosecond() >= 1_000_000_000 {
        DateTime::from_timestamp(time.timestamp() + 1, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
    } else {
        time.trunc_subsecs(6)
    }
}
