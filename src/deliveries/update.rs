//! Updating a delivery, with optimistic locking.

use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Integer;

use super::early::link_early;
use crate::error::{Error, Result};
use crate::models::redacted::HiddenJson;
use crate::models::{Delivery, DeliveryChanges};
use crate::retry;
use crate::validation::Checks;

/// As in `sql/write_projections.sql`: compared for equality only, so it starts again at 1 instead of failing.
fn next_lock_version() -> SqlLiteral<Integer> {
    sql("CASE WHEN lock_version = 2147483647 THEN 1 ELSE lock_version + 1 END")
}

impl Delivery {
    /// Updates the row if it has not changed since this copy was read, and returns the new row.
    ///
    /// If it sets a provider message, events that arrived before and name this message are linked in the same transaction, as by
    /// [`mark_dispatched`](Self::mark_dispatched).
    ///
    /// # Errors
    /// - [`Error::StaleEntry`]: the row has changed, by an update or by an event; read it again and decide again
    /// - [`Error::NotFound`]: the row was deleted
    /// - [`Error::Invalid`]: a field is wrong, or another delivery has the provider message
    pub fn update(&self, conn: &mut PgConnection, changes: &DeliveryChanges) -> Result<Delivery> {
        self.check(changes)?;
        // Only a provider message can violate a constraint.
        if changes.provider.is_some() || changes.provider_message_id.is_some() {
            retry::transaction(conn, |conn| {
                let written = self.write(conn, changes)?;
                if written.provider_message_id.is_some() && link_early(conn, &written)? {
                    Delivery::find(conn, &self.tenant_id, self.id)
                } else {
                    Ok(written)
                }
            })
        } else {
            retry::serializable(conn, |conn| self.write(conn, changes))
        }
    }

    /// Locks the row, and returns it if it has not changed since this copy was read.
    pub(super) fn lock(&self, conn: &mut PgConnection) -> Result<Delivery> {
        let row = Delivery::find_locked(conn, &self.tenant_id, self.id)?;
        if row.lock_version == self.lock_version {
            Ok(row)
        } else {
            Err(self.stale(&row))
        }
    }

    fn stale(&self, row: &Delivery) -> Error {
        Error::StaleEntry {
            id: self.id,
            expected: self.lock_version,
            found: row.lock_version,
        }
    }

    /// The checks of [`update`](Self::update).
    pub(super) fn check(&self, changes: &DeliveryChanges) -> Result<()> {
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

    /// [`update`](Self::update) after its checks.
    pub(super) fn write(&self, conn: &mut PgConnection, changes: &DeliveryChanges) -> Result<Delivery> {
        use crate::schema::mailglass_deliveries::dsl;
        // As in Delivery::find.
        let is_tenants = dsl::tenant_id.eq(&self.tenant_id).is_not_distinct_from(true);
        let this = dsl::mailglass_deliveries
            .find(self.id)
            .filter(is_tenants)
            .filter(dsl::lock_version.eq(self.lock_version));
        let updated = diesel::update(this)
            .set((
                changes.provider.as_ref().map(|provider| dsl::provider.eq(provider)),
                changes
                    .provider_message_id
                    .as_ref()
                    .map(|id| dsl::provider_message_id.eq(id)),
                // Diesel's instrumentation prints what it binds.
                changes
                    .metadata
                    .as_ref()
                    .map(|metadata| dsl::metadata.eq(HiddenJson(metadata))),
                changes
                    .last_error
                    .as_ref()
                    .map(|error| dsl::last_error.eq(error.as_ref().map(HiddenJson))),
                dsl::lock_version.eq(next_lock_version()),
                dsl::updated_at.eq(diesel::dsl::now),
            ))
            .returning(Delivery::as_returning())
            .get_result(conn)
            .optional()?;
        match updated {
            Some(delivery) => Ok(delivery),
            // The row has changed, unless it was deleted.
            None => Err(self.stale(&Delivery::find(conn, &self.tenant_id, self.id)?)),
        }
    }
}
