//! The changes that an application may make to a delivery, under its optimistic lock.

use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Integer;
use serde_json::Value;

use crate::attrs::Attrs;
use crate::delivery::{Delivery, not_the_applications};
use crate::error::{Error, Result};
use crate::retry;
use crate::schema::mailglass_deliveries;
use crate::validation::{Checks, MESSAGE_ID, SHORT_TEXT};

/// What to change; `None` leaves a column as it is, `Some(None)` sets it to NULL.
///
/// There is no field for a projection column, so code that tries to set one does not compile.
///
/// ```
/// use mailglass::DeliveryChanges;
///
/// let changes = DeliveryChanges {
///     metadata: Some(serde_json::json!({ "campaign": "spring" })),
///     last_error: Some(None),
///     ..DeliveryChanges::default()
/// };
/// assert!(changes.validate().is_ok());
/// ```
#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = mailglass_deliveries)]
pub struct DeliveryChanges {
    /// The provider that took the message.
    pub provider: Option<Option<String>>,
    /// The provider's own id of the message.
    pub provider_message_id: Option<Option<String>>,
    /// The application's own JSON object: replaces the one that is there.
    pub metadata: Option<Value>,
    /// What the last failed attempt to send said, as a JSON object.
    pub last_error: Option<Option<Value>>,
}

impl DeliveryChanges {
    /// Changes from an attribute map with any of `provider`, `provider_message_id`, `metadata` and `last_error`. A null
    /// clears a column.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that is wrong: unknown attributes, columns that are not the application's to
    /// change, wrong types, and what [`validate`](Self::validate) finds.
    pub fn from_attrs(attrs: Value) -> Result<Self> {
        let mut attrs = Attrs::new(attrs)?;
        let changes = DeliveryChanges {
            provider: attrs.nullable("provider", Attrs::text),
            provider_message_id: attrs.nullable("provider_message_id", Attrs::text),
            metadata: attrs.nullable("metadata", Attrs::object).map(Option::unwrap_or_default),
            last_error: attrs.nullable("last_error", Attrs::object),
        };
        attrs.reject_the_rest(|key| match key {
            "id" | "tenant_id" | "mailable" | "stream" | "recipient" | "recipient_domain" | "idempotency_key" => {
                Some("never changes")
            }
            _ => not_the_applications(key),
        });
        changes.check(&mut attrs.checks);
        attrs.checks.finish().map(|()| changes)
    }

    /// Checks the changes without writing them; updating checks them again.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every wrong field.
    pub fn validate(&self) -> Result<()> {
        Checks::run(|checks| self.check(checks))
    }

    fn check(&self, checks: &mut Checks) {
        if let Some(Some(provider)) = &self.provider {
            checks.text("provider", provider, SHORT_TEXT);
        }
        if let Some(Some(message_id)) = &self.provider_message_id {
            checks.text("provider_message_id", message_id, MESSAGE_ID);
        }
        if let Some(metadata) = &self.metadata {
            checks.json_object("metadata", metadata);
        }
        if let Some(Some(last_error)) = &self.last_error {
            checks.json_object("last_error", last_error);
        }
    }
}

/// As in `projection/write.sql`: only ever compared for equality, so it starts again at 1 instead of failing.
fn next_lock_version() -> SqlLiteral<Integer> {
    sql("CASE WHEN lock_version = 2147483647 THEN 1 ELSE lock_version + 1 END")
}

impl Delivery {
    /// Changes the row, provided that nobody changed it since this copy was read, and returns the new row.
    ///
    /// # Errors
    /// - [`Error::StaleEntry`]: somebody did (the application or the projector); read it again and decide again
    /// - [`Error::NotFound`]: the row is gone
    /// - [`Error::Invalid`]: wrong fields, or a provider message id that another delivery has
    pub fn update(&self, conn: &mut PgConnection, changes: &DeliveryChanges) -> Result<Delivery> {
        self.check(changes)?;
        // Only a provider message can be refused.
        if changes.provider.is_some() || changes.provider_message_id.is_some() {
            retry::refusable(conn, |conn| self.write(conn, changes))
        } else {
            retry::serializable(conn, |conn| self.write(conn, changes))
        }
    }

    /// The checks of [`update`](Self::update).
    pub(crate) fn check(&self, changes: &DeliveryChanges) -> Result<()> {
        let some_after =
            |change: &Option<Option<String>>, before: &Option<String>| change.as_ref().unwrap_or(before).is_some();
        Checks::run(|checks| {
            changes.check(checks);
            checks.message_has_provider(
                some_after(&changes.provider_message_id, &self.provider_message_id),
                some_after(&changes.provider, &self.provider),
            );
        })
    }

    /// What is left of [`update`](Self::update) after its checks.
    pub(crate) fn write(&self, conn: &mut PgConnection, changes: &DeliveryChanges) -> Result<Delivery> {
        use crate::schema::mailglass_deliveries::dsl;
        let this = dsl::mailglass_deliveries
            .find(self.id)
            .filter(dsl::tenant_id.eq(&self.tenant_id))
            .filter(dsl::lock_version.eq(self.lock_version));
        let updated = diesel::update(this)
            .set((
                changes,
                dsl::lock_version.eq(next_lock_version()),
                dsl::updated_at.eq(diesel::dsl::now),
            ))
            .returning(Delivery::as_returning())
            .get_result(conn)
            .optional()?;
        match updated {
            Some(delivery) => Ok(delivery),
            // A row that moved on, unless it is gone.
            None => Err(Error::StaleEntry {
                id: self.id,
                expected: self.lock_version,
                found: Delivery::find(conn, &self.tenant_id, self.id)?.lock_version,
            }),
        }
    }
}
