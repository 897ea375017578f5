//! Recording that messages were sent.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::attempt::Attempt;
use crate::error::{Error, Result};
use crate::models::Delivery;
use crate::retry;
use crate::schema::mailglass_deliveries;
use crate::sql::{Bound, Statement, params, statement};
use crate::validation::{Checks, MESSAGE_ID, SHORT_TEXT};

/// A message that a provider accepted, for [`sent_all`].
#[derive(Clone, Debug, PartialEq)]
pub struct SentMessage {
    /// The attempt that sent it.
    pub attempt: Attempt,
    /// The provider.
    pub provider: String,
    /// The provider's id of the message, as its webhooks have it.
    pub provider_message_id: String,
}

/// The outcome of [`Attempt::sent`]. In both cases the message is recorded, and the delivery has left the outbox.
#[derive(Clone, Debug, PartialEq)]
pub enum Sent {
    /// The worker had the lease.
    Recorded(Delivery),
    /// The lease had expired, and another worker had claimed the delivery, or it had left the outbox. It may have been sent
    /// twice: the ledger has a `dispatched` event for each message that a worker reported. The delivery keeps the first one.
    LeaseLost(Delivery),
}

impl Sent {
    /// The row.
    pub fn delivery(&self) -> &Delivery {
        match self {
            Sent::Recorded(delivery) | Sent::LeaseLost(delivery) => delivery,
        }
    }

    /// The row.
    pub fn into_delivery(self) -> Delivery {
        match self {
            Sent::Recorded(delivery) | Sent::LeaseLost(delivery) => delivery,
        }
    }
}

params! {
    struct SentParams<'a> from row: &'a (Uuid, &'a SentMessage) {
        delivery_id: SqlUuid = row.1.attempt.claim.delivery.id => Uuid,
        tenant_id: Text = &row.1.attempt.claim.delivery.tenant_id => &'a str,
        lease_id: SqlUuid = row.1.attempt.claim.lease_id => Uuid,
        provider: Text = &row.1.provider => &'a str,
        provider_message_id: Text = &row.1.provider_message_id => &'a str,
        occurred_at: Timestamptz = row.1.attempt.begun_at => DateTime<Utc>,
        event_id: SqlUuid = row.0 => Uuid,
    }
}

statement! {
    /// Records messages: the deliveries leave the outbox, get the messages, and are projected.
    struct RecordSent(sent: SentParams) -> (mailglass_deliveries::SqlType, Bool) {
        "outbox/lock_sent",
        "outbox/leave",
        "outbox/insert_dispatched",
        "outbox/dispatched_messages",
        "early_links",
        "early_outcomes",
        "update_links",
        "linked_events",
        "outbox/dispatched_facts",
        "fold",
        "merge",
        "outbox/write_dispatched",
        => "outbox/dispatched"
    }
}

statement! {
    /// [`RecordSent`] that links no events.
    struct RecordSentAlone(sent: SentParams) -> (mailglass_deliveries::SqlType, Bool) {
        "outbox/lock_sent",
        "outbox/leave",
        "outbox/insert_dispatched",
        "outbox/no_links",
        "outbox/dispatched_facts",
        "fold",
        "merge",
        "outbox/write_dispatched",
        => "outbox/dispatched"
    }
}

impl Attempt {
    /// The provider accepted the message: stores the provider and its message id, records a `dispatched` event, links the events
    /// that arrived before it and wait for this message, and takes the delivery out of the outbox. All of it is one statement.
    ///
    /// The event's time is [`begun_at`](Self::begun_at), which is before the request. If the connection is lost during the call,
    /// repeat it: a message that is recorded already is a replay.
    ///
    /// An event that is recorded at this moment, and one that several deliveries fit, is left to a [sweep](crate::reconciler::sweep).
    /// [Rules](crate::suppressions::SuppressionRules) are not applied to the linked events, unless they named their recipient when they were
    /// recorded; [`suppressions::apply`](crate::suppressions::apply) does it afterwards.
    ///
    /// # Errors
    /// - [`Error::Invalid`]: the provider or its message id is blank or too long, or another delivery to this recipient has the
    ///   message
    /// - [`Error::NotFound`]: the delivery was deleted meanwhile
    pub fn sent(
        &self,
        conn: &mut PgConnection,
        provider: impl Into<String>,
        provider_message_id: impl Into<String>,
    ) -> Result<Sent> {
        let message = SentMessage {
            attempt: self.clone(),
            provider: provider.into(),
            provider_message_id: provider_message_id.into(),
        };
        let sent = sent_all(conn, std::slice::from_ref(&message)).map_err(Error::without_index)?;
        sent.into_iter().next().ok_or(Error::NotFound {
            record: "delivery",
            id: self.claim.delivery.id,
        })
    }
}

/// Records a batch of messages as [`Attempt::sent`] does, in one statement: all or none. The outcomes are in input order.
///
/// # Errors
/// As [`Attempt::sent`]. It is also invalid to name a delivery twice.
pub fn sent_all(conn: &mut PgConnection, messages: &[SentMessage]) -> Result<Vec<Sent>> {
    Checks::run(|checks| {
        checks.batch("messages", messages, check);
        let mut positions = HashMap::new();
        for (index, message) in messages.iter().enumerate() {
            if positions.insert(message.attempt.claim.delivery.id, index).is_some() {
                checks.at(index);
                checks.add("attempt", "is of the same delivery as another one of the batch");
            }
        }
    })?;
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(Uuid, &SentMessage)> = messages.iter().map(|message| (Uuid::now_v7(), message)).collect();
    match in_savepoint::<RecordSent>(conn, &rows) {
        // The database rejected an event that waited, such as by a trigger of the application. The messages were sent nevertheless.
        Err(Error::Database(_)) => in_savepoint::<RecordSentAlone>(conn, &rows),
        recorded => recorded,
    }
}

fn in_savepoint<S>(conn: &mut PgConnection, rows: &[(Uuid, &SentMessage)]) -> Result<Vec<Sent>>
where
    S: for<'a> Statement<Params<'a> = SentParams<'a>, SqlType = (mailglass_deliveries::SqlType, Bool)>,
{
    match rows {
        // A single message is one statement, which fails as a whole.
        [_] => retry::with_savepoint(conn, |conn| record::<S>(conn, rows)),
        _ => retry::transaction(conn, |conn| record::<S>(conn, rows)),
    }
}

fn record<S>(conn: &mut PgConnection, rows: &[(Uuid, &SentMessage)]) -> Result<Vec<Sent>>
where
    S: for<'a> Statement<Params<'a> = SentParams<'a>, SqlType = (mailglass_deliveries::SqlType, Bool)>,
{
    let params = SentParams::new(rows);
    let recorded: Vec<(Delivery, bool)> = Bound::<S>::new(&params).load(conn)?;
    let mut recorded: HashMap<Uuid, (Delivery, bool)> = recorded
        .into_iter()
        .map(|(delivery, in_time)| (delivery.id, (delivery, in_time)))
        .collect();
    let outcome = |(_, message): &(Uuid, &SentMessage)| {
        let id = message.attempt.claim.delivery.id;
        match recorded.remove(&id) {
            Some((delivery, true)) => Ok(Sent::Recorded(delivery)),
            Some((delivery, false)) => Ok(Sent::LeaseLost(delivery)),
            None => Err(Error::NotFound { record: "delivery", id }),
        }
    };
    rows.iter().map(outcome).collect()
}

fn check(message: &SentMessage, checks: &mut Checks) {
    checks.text("provider", &message.provider, SHORT_TEXT);
    checks.text("provider_message_id", &message.provider_message_id, MESSAGE_ID);
}
