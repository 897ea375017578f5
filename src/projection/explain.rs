//! Explain: the event behind each projection column.

use diesel::prelude::*;

use super::fold::{Projection, fold};
use crate::error::Result;
use crate::models::{Delivery, Event, EventType};

/// A projection column of a delivery, and the event that decided it. Values are as text, times in UTC.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The column's name.
    pub column: &'static str,
    /// What the delivery says, as it was read; `None` is NULL.
    pub found: Option<String>,
    /// What its events say. It differs from `found` only where the delivery was read before its last event, or was tampered with
    /// (see [`verify`](super::verify)).
    pub expected: Option<String>,
    /// The event that decided it: of several that would do, the first by the projection's order. `None` where no event has
    /// had a say, such as `bounced_at` of what never bounced.
    pub event: Option<Event>,
}

impl Delivery {
    /// Says for each projection column which event decided it: the answer to "why does this say bounced?".
    ///
    /// ```
    /// # test_support::with_database(|conn| {
    /// use mailglass::{NewDelivery, Stream};
    ///
    /// let delivery = NewDelivery::new("acme", "welcome", Stream::Transactional, "ann@example.com").insert(conn)?.into_delivery();
    /// for decision in delivery.explain(conn)? {
    ///     let event = decision.event.map(|it| it.type_.to_string());
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
        let decided = |column: &str| expected.and_then(|it| decisive(column, &it, &timeline)).cloned();
        let values = expected.map(|it| it.columns());
        let decisions = Projection::from(self)
            .columns()
            .into_iter()
            .enumerate()
            .map(|(index, (column, found))| Decision {
                column,
                found,
                expected: values.as_ref().and_then(|it| it[index].1.clone()),
                event: decided(column),
            });
        Ok(decisions.collect())
    }
}

/// The event of a timeline (in the projection's order) that decided a column.
fn decisive<'a>(column: &str, projection: &Projection, timeline: &'a [Event]) -> Option<&'a Event> {
    let first = |decides: &dyn Fn(EventType) -> bool| timeline.iter().find(|event| decides(event.type_));
    match column {
        "terminal" => first(&|it| it.is_terminal()),
        "status" => first(&|it| it.status() == Some(projection.status)),
        "dispatched_at" => first(&|it| it == EventType::Dispatched),
        "delivered_at" => first(&|it| it == EventType::Delivered),
        "bounced_at" => first(&|it| it == EventType::Bounced),
        "complained_at" => first(&|it| it == EventType::Complained),
        "suppressed_at" => first(&|it| it == EventType::Suppressed),
        // last_event_type, last_event_at. Of equals in time and type, the first to have landed.
        _ => timeline
            .iter()
            .find(|event| event.occurred_at == projection.last_event_at && event.type_ == projection.last_event_type),
    }
}
