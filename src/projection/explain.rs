//! The event behind each projection column.

use diesel::prelude::*;
use serde::Serialize;

use super::fold::{Projection, fold};
use crate::error::Result;
use crate::models::{Delivery, Event, EventType};

/// A projection column of a delivery, and the event that decided it. Values are text, times are UTC.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// The name of the column.
    pub column: &'static str,
    /// The value of the delivery, as it was read; `None` is NULL.
    pub found: Option<String>,
    /// The value that the events give. It differs from `found` only if the delivery was read before its last event, or if the row was
    /// changed without this crate (see [`verify`](super::verify)).
    pub expected: Option<String>,
    /// The event that decided the value, or the first of several in the projection's order. `None` if no event decided it,
    /// such as for the `bounced_at` of a delivery that never bounced.
    pub event: Option<Event>,
}

impl Delivery {
    /// Returns the event that decided each projection column: the answer to "why is this delivery bounced?".
    ///
    /// ```
    /// # test_support::with_database(|conn| {
    /// use mailglass::{NewDelivery, Stream};
    ///
    /// let delivery = NewDelivery::new("acme", "welcome", Stream::Transactional, "ann@example.com").insert(conn)?.into_delivery();
    /// for decision in delivery.explain(conn)? {
    ///     let event = decision.event.map(|event| event.type_.to_string());
    ///     println!("{} is {:?} because of {event:?}", decision.column, decision.found);
    /// }
    /// # Ok(())
    /// # });
    /// ```
    ///
    /// # Errors
    /// [`Error::Database`](crate::Error::Database).
    pub fn explain(&self, conn: &mut PgConnection) -> Result<Vec<Decision>> {
        let timeline = self.timeline(conn)?;
        let expected = fold(&timeline);
        let decided = |column: &str| {
            expected
                .and_then(|projection| decisive(column, &projection, &timeline))
                .cloned()
        };
        let values = expected.map(|projection| projection.columns());
        let decisions = Projection::from(self)
            .columns()
            .into_iter()
            .enumerate()
            .map(|(index, (column, found))| Decision {
                column,
                found,
                expected: values.as_ref().and_then(|values| values[index].1.clone()),
                event: decided(column),
            });
        Ok(decisions.collect())
    }
}

/// The event of a timeline, in the projection's order, that decided a column.
fn decisive<'a>(column: &str, projection: &Projection, timeline: &'a [Event]) -> Option<&'a Event> {
    let first = |decides: &dyn Fn(EventType) -> bool| timeline.iter().find(|event| decides(event.type_));
    match column {
        "terminal" => first(&|event_type| event_type.is_terminal()),
        "status" => first(&|event_type| event_type.status() == Some(projection.status)),
        "dispatched_at" => first(&|event_type| event_type == EventType::Dispatched),
        "delivered_at" => first(&|event_type| event_type == EventType::Delivered),
        "bounced_at" => first(&|event_type| event_type == EventType::Bounced),
        "complained_at" => first(&|event_type| event_type == EventType::Complained),
        "suppressed_at" => first(&|event_type| event_type == EventType::Suppressed),
        // last_event_type, last_event_at. Of several with the same time and type, the first that was appended.
        _ => timeline
            .iter()
            .find(|event| event.occurred_at == projection.last_event_at && event.type_ == projection.last_event_type),
    }
}
