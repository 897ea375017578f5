//! The timeline of a delivery: its facts, in order.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use uuid::Uuid;

use crate::error::Result;
use crate::models::{Delivery, Event};
use crate::schema::mailglass_events;
use crate::sql::{Bound, params, statement};

params! {
    /// Deliveries, by tenant and id.
    pub(crate) struct Subjects<'a> from subject: (&'a str, Uuid) {
        tenant_id: Text = subject.0 => &'a str,
        delivery_id: SqlUuid = subject.1 => Uuid,
    }
}

statement! {
    /// Reads the events of a timeline.
    struct Timeline(subject: Subjects) -> mailglass_events::SqlType {
        "timeline",
        => "timeline_events"
    }
}

impl Event {
    /// The order of a timeline.
    pub(crate) fn timeline_order(&self) -> (DateTime<Utc>, usize, Uuid) {
        (self.occurred_at, self.type_.lifecycle_rank(), self.id)
    }
}

impl Delivery {
    /// The facts of this delivery: the events that found it when they were appended, and those that the reconciler linked
    /// later. They are in the order of the projection: by `occurred_at`, lifecycle rank and id.
    ///
    /// Events that name this delivery but wait or have expired are not included: see
    /// [`reconciler::waiting`](crate::reconciler::waiting) and [`reconciler::expired`](crate::reconciler::expired).
    ///
    /// # Errors
    /// [`Error::Database`](crate::Error::Database).
    pub fn timeline(&self, conn: &mut PgConnection) -> Result<Vec<Event>> {
        let subjects = Subjects::new([(self.tenant_id.as_str(), self.id)]);
        let mut events: Vec<Event> = Bound::<Timeline>::new(&subjects).load(conn)?;
        events.sort_by_key(Event::timeline_order);
        Ok(events)
    }
}
