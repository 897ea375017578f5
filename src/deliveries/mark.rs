//! The steps of sending. Each writes the row and the event together, so it increments `lock_version` once for the update,
//! and once more if the projection changes.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;

use crate::error::Result;
use crate::ledger;
use crate::models::{Delivery, DeliveryChanges, EventType, NewEvent, RejectReason};
use crate::retry;

impl Delivery {
    /// The provider accepted the message: stores the provider and its message id, and records a `dispatched` event.
    ///
    /// ```
    /// # test_support::with_database(|conn| {
    /// use mailglass::{DeliveryStatus, NewDelivery, Stream};
    ///
    /// let queued = NewDelivery::new("acme", "welcome", Stream::Transactional, "ann@example.com").insert(conn)?.into_delivery();
    /// let dispatched = queued.mark_dispatched(conn, "postmark", "0a129aee", chrono::Utc::now())?;
    /// assert_eq!(dispatched.status, DeliveryStatus::Dispatched);
    /// assert!(queued.mark_suppressed(conn, None, chrono::Utc::now()).unwrap_err().is_stale_entry());
    /// # Ok(()) });
    /// ```
    ///
    /// # Errors
    /// As [`update`](Self::update) and [`ledger::record`]. On an error neither the row nor the event is written. If the
    /// connection is lost during the call, [find](Self::find) the delivery again: if it was dispatched, the call succeeded.
    pub fn mark_dispatched(
        &self,
        conn: &mut PgConnection,
        provider: impl Into<String>,
        provider_message_id: impl Into<String>,
        occurred_at: DateTime<Utc>,
    ) -> Result<Delivery> {
        let changes = DeliveryChanges {
            provider: Some(Some(provider.into())),
            provider_message_id: Some(Some(provider_message_id.into())),
            ..DeliveryChanges::default()
        };
        self.step(conn, &changes, self.event(EventType::Dispatched, occurred_at))
    }

    /// Sending failed: stores the error, a JSON object, and records a `failed` event.
    ///
    /// # Errors
    /// As [`mark_dispatched`](Self::mark_dispatched).
    pub fn mark_failed(
        &self,
        conn: &mut PgConnection,
        last_error: Value,
        occurred_at: DateTime<Utc>,
    ) -> Result<Delivery> {
        let changes = DeliveryChanges {
            last_error: Some(Some(last_error)),
            ..DeliveryChanges::default()
        };
        self.step(conn, &changes, self.event(EventType::Failed, occurred_at))
    }

    /// The application did not send the message, because of its suppression list: records a `suppressed` event.
    ///
    /// # Errors
    /// As [`mark_dispatched`](Self::mark_dispatched).
    pub fn mark_suppressed(
        &self,
        conn: &mut PgConnection,
        reason: Option<RejectReason>,
        occurred_at: DateTime<Utc>,
    ) -> Result<Delivery> {
        let mut event = self.event(EventType::Suppressed, occurred_at);
        event.reject_reason = reason;
        self.step(conn, &DeliveryChanges::default(), event)
    }

    fn event(&self, event_type: EventType, occurred_at: DateTime<Utc>) -> NewEvent {
        NewEvent::new(&self.tenant_id, event_type, occurred_at).delivery(self.id)
    }

    /// The update checks the lock version, and keeps the row locked until the event is appended and projected.
    fn step(&self, conn: &mut PgConnection, changes: &DeliveryChanges, event: NewEvent) -> Result<Delivery> {
        self.check(changes)?;
        let events = [event];
        retry::transaction(conn, |conn| {
            self.write(conn, changes)?;
            ledger::record(conn, &events)?;
            Delivery::find(conn, &self.tenant_id, self.id)
        })
    }
}
