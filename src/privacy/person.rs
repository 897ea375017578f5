//! The person as parameters, and the check of the input.

use diesel::sql_types::{Bool, Text};

use crate::error::Result;
use crate::sql::{First, params};
use crate::validation::{Checks, RECIPIENT, SHORT_TEXT};

/// A recipient of a tenant.
pub(super) struct Person<'a> {
    pub(super) tenant_id: &'a str,
    pub(super) recipient: &'a str,
    pub(super) keep_domain: bool,
}

impl<'a> Person<'a> {
    /// An address that is malformed is accepted: another library may have stored it.
    pub(super) fn new(tenant_id: &'a str, recipient: &'a str) -> Result<Self> {
        Checks::run(|checks| {
            checks.text("tenant_id", tenant_id, SHORT_TEXT);
            checks.text("recipient", recipient, RECIPIENT);
        })?;
        Ok(Person {
            tenant_id,
            recipient,
            keep_domain: false,
        })
    }
}

/// The person as scalars.
pub(super) type OnePerson<'a> = First<PersonParams<'a>>;

params! {
    pub(super) struct PersonParams<'a> from person: &'a Person<'a> {
        tenant_id: Text = person.tenant_id => &'a str,
        recipient: Text = person.recipient => &'a str,
        keep_domain: Bool = person.keep_domain => bool,
    }
}
