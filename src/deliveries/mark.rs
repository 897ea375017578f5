//! The steps of sending. Each writes the row and the event together, so it increments `lock_version` once for the update,
//! and once more if the projection changes.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;

use super::early::link_early;
use crate::error::{Error, Result};
use crate::ledger;
use crate::models::{Delivery, DeliveryChanges, DeliveryStatus, EventType, NewEvent, RejectReason};
use crate::retry;

/// What a step does, given the current row.
enum Decision {
    Write,
    /// The step was taken before.
    Repeated,
    /// It contradicts the row.
    Reject,
}

impl Delivery {
    /// The provider accepted the message: stores the provider and its message id, and records a `dispatched` event.
    ///
    /// `occurred_at` is the time right before the request to the provider. The time after it may be later than the time of the
    /// provider's first event, and `delivered` would precede `dispatched`.
    ///
    /// Events that arrived before and name this message are linked in the same transaction. A [sweep](crate::reconciler::sweep)
    /// links those that several deliveries fit, that are recorded at this moment, or that the database rejects, such as by a
    /// trigger of yours.
    ///
    /// If it was dispatched as the same message before, this returns the current row, and records no second event.
    ///
    /// ```
    /// # test_support::with_database(|conn| {
    /// use mailglass::{DeliveryStatus, NewDelivery, Stream};
    ///
    /// let queued = NewDelivery::new("acme", "welcome", Stream::Transactional, "ann@example.com").insert(conn)?.into_delivery();
    /// let dispatched = queued.mark_dispatched(conn, "postmark", "0a129aee", chrono::Utc::now())?;
    /// assert_eq!(dispatched.status, DeliveryStatus::Dispatched);
    ///
    /// // A copy that was read before, and a step that contradicts the state.
    /// assert!(queued.mark_suppressed(conn, None, chrono::Utc::now()).unwrap_err().is_stale_entry());
    /// assert!(dispatched.mark_suppressed(conn, None, chrono::Utc::now()).unwrap_err().is_step_rejected());
    /// # Ok(()) });
    /// ```
    ///
    /// # Errors
    /// - [`Error::StepRejected`]: the delivery is suppressed, or has another provider message
    /// - as [`update`](Self::update) and [`ledger::record`]
    ///
    /// On an error neither the row nor the event is written. If the connection is lost during the call,
    /// [find](Self::find) the delivery again: if it was dispatched, the call succeeded.
    pub fn mark_dispatched(
        &self,
        conn: &mut PgConnection,
        provider: impl Into<String>,
        provider_message_id: impl Into<String>,
        occurred_at: DateTime<Utc>,
    ) -> Result<Delivery> {
        let provider = Some(provider.into());
        let provider_message_id = Some(provider_message_id.into());
        let changes = DeliveryChanges {
            provider: Some(provider.clone()),
            provider_message_id: Some(provider_message_id.clone()),
            ..DeliveryChanges::default()
        };
        self.step(conn, &changes, self.event(EventType::Dispatched, occurred_at), |row| {
            let is_same = row.provider == provider && row.provider_message_id == provider_message_id;
            if is_same && row.dispatched_at.is_some() {
                Decision::Repeated
            } else if row.status == DeliveryStatus::Suppressed || (row.provider_message_id.is_some() && !is_same) {
                Decision::Reject
            } else {
                // Also if events of the message were recorded before, so that it has been sent or has failed.
                Decision::Write
            }
        })
    }

    /// Sending failed for good: stores the error, a JSON object, and records a `failed` event.
    ///
    /// This is final: whatever happens later, the status stays `failed`. Do not call it for an attempt that is to be repeated. The
    /// [outbox](crate::outbox) repeats attempts.
    ///
    /// # Errors
    /// - [`Error::StepRejected`]: the message was sent, or is suppressed
    /// - as [`mark_dispatched`](Self::mark_dispatched) otherwise
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
        self.step(
            conn,
            &changes,
            self.event(EventType::Failed, occurred_at),
            |row| match row.status {
                DeliveryStatus::Queued | DeliveryStatus::Dispatched | DeliveryStatus::Failed => Decision::Write,
                DeliveryStatus::Sent | DeliveryStatus::Suppressed => Decision::Reject,
            },
        )
    }

    /// The application did not send the message, because of its suppression list: records a `suppressed` event.
    ///
    /// If the delivery is suppressed already, this returns the current row, and records no second event.
    ///
    /// # Errors
    /// - [`Error::StepRejected`]: the message was handed to the provider, or has failed
    /// - as [`mark_dispatched`](Self::mark_dispatched) otherwise
    pub fn mark_suppressed(
        &self,
        conn: &mut PgConnection,
        reason: Option<RejectReason>,
        occurred_at: DateTime<Utc>,
    ) -> Result<Delivery> {
        let mut event = self.event(EventType::Suppressed, occurred_at);
        event.reject_reason = reason;
        self.step(conn, &DeliveryChanges::default(), event, |row| match row.status {
            DeliveryStatus::Queued => Decision::Write,
            DeliveryStatus::Suppressed => Decision::Repeated,
            DeliveryStatus::Dispatched | DeliveryStatus::Sent | DeliveryStatus::Failed => Decision::Reject,
        })
    }

    fn event(&self, event_type: EventType, occurred_at: DateTime<Utc>) -> NewEvent {
        NewEvent::new(&self.tenant_id, event_type, occurred_at).delivery(self.id)
    }

    /// The row is locked and its lock version checked before the decision, so the row is still the same when the event is appended
    /// and projected.
    fn step(
        &self,
        conn: &mut PgConnection,
        changes: &DeliveryChanges,
        event: NewEvent,
        decide: impl Fn(&Delivery) -> Decision,
    ) -> Result<Delivery> {
        self.check(changes)?;
        let step = event.type_;
        let events = [event];
        retry::transaction(conn, |conn| {
            let row = self.lock(conn)?;
            match decide(&row) {
                Decision::Write => {}
                Decision::Repeated => return Ok(row),
                Decision::Reject => {
                    return Err(Error::StepRejected {
                        id: row.id,
                        step,
                        status: row.status,
                    });
                }
            }
            let written = row.write(conn, changes)?;
            ledger::record(conn, &events)?;
            if changes.provider_message_id.is_some() {
                link_early(conn, &written)?;
            }
            Delivery::find(conn, &self.tenant_id, self.id)
        })
    }
}
