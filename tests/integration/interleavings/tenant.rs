//! The tenant of one schedule. Each schedule has its own tenant, ids and keys, so that thousands of schedules can share a
//! database.

use std::sync::atomic::{AtomicU64, Ordering};

use diesel::prelude::*;
use mailglass::schema::{mailglass_deliveries, mailglass_event_links, mailglass_events};
use mailglass::{Delivery, Event, NewDelivery, NewEvent, Stream};
use mailglass::{EventType, projection::Projection};
use uuid::Uuid;

use crate::support::at;

pub struct Tenant {
    pub name: String,
    pub x: Uuid,
    pub y: Uuid,
}

impl Tenant {
    pub fn new() -> Tenant {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Tenant {
            name: format!("tenant-{number}"),
            x: Uuid::from_u64_pair(number, 1),
            y: Uuid::from_u64_pair(number, 2),
        }
    }

    /// A key or message id that no other tenant uses.
    pub fn own(&self, name: &str) -> String {
        format!("{}:{name}", self.name)
    }

    pub fn delivery(&self) -> NewDelivery {
        NewDelivery::new(&self.name, "welcome", Stream::Transactional, "ann@example.com")
            .first_event(EventType::Queued, at(0))
    }

    pub fn event(&self, event_type: EventType, seconds: i64, key: &str) -> NewEvent {
        NewEvent::new(&self.name, event_type, at(seconds)).idempotency_key(self.own(key))
    }

    /// The name of a delivery within this tenant, so that states of different tenants can be compared.
    pub fn name_of(&self, id: Option<Uuid>) -> &'static str {
        match id {
            None => "none",
            Some(id) if id == self.x => "X",
            Some(id) if id == self.y => "Y",
            Some(_) => "other",
        }
    }

    fn short<'a>(&self, text: Option<&'a str>) -> &'a str {
        text.map_or("-", |text| text.rsplit(':').next().unwrap_or(text))
    }

    /// Describes a delivery.
    pub fn describe(&self, delivery: &Delivery) -> String {
        let projection: Vec<String> = Projection::from(delivery)
            .columns()
            .into_iter()
            .filter_map(|(column, value)| Some(format!("{column}={}", value?)))
            .collect();
        format!(
            "{} key={} message={} metadata={} {}",
            self.name_of(Some(delivery.id)),
            self.short(delivery.idempotency_key.as_deref()),
            self.short(delivery.provider_message_id.as_deref()),
            delivery.metadata,
            projection.join(" ")
        )
    }

    /// Describes an event without its delivery, because whether `record` finds the delivery depends on concurrent calls.
    pub fn describe_event(&self, event: &Event) -> String {
        format!(
            "{} {} key={}",
            event.type_,
            event.occurred_at.timestamp() % 86_400,
            self.short(event.idempotency_key.as_deref()),
        )
    }

    /// All rows of the tenant, without the values that differ between runs: generated ids, times of the server's clock, and
    /// lock versions.
    pub fn state(&self, conn: &mut PgConnection) -> Vec<String> {
        let deliveries: Vec<Delivery> = mailglass_deliveries::table
            .filter(mailglass_deliveries::tenant_id.eq(&self.name))
            .select(Delivery::as_select())
            .load(conn)
            .unwrap();
        let events: Vec<Event> = mailglass_events::table
            .filter(mailglass_events::tenant_id.eq(&self.name))
            .select(Event::as_select())
            .load(conn)
            .unwrap();
        type Link = (Uuid, Option<Uuid>, String, bool, bool);
        let links: Vec<Link> = mailglass_event_links::table
            .filter(mailglass_event_links::tenant_id.eq(&self.name))
            .select((
                mailglass_event_links::event_id,
                mailglass_event_links::delivery_id,
                mailglass_event_links::waiting_reason,
                mailglass_event_links::linked_at.is_not_null(),
                mailglass_event_links::expired_at.is_not_null(),
            ))
            .load(conn)
            .unwrap();
        let mut lines: Vec<String> = deliveries.iter().map(|delivery| self.describe(delivery)).collect();
        for event in &events {
            let mut line = format!("{} of {}", self.describe_event(event), self.name_of(event.delivery_id));
            for (_, delivery, reason, linked, expired) in links.iter().filter(|link| link.0 == event.id) {
                line += match (linked, expired) {
                    (true, _) => ", linked to ",
                    (_, true) => ", expired, ",
                    _ => ", pending, ",
                };
                line += &format!("{} ({reason})", self.name_of(*delivery));
            }
            lines.push(line);
        }
        lines.sort();
        lines
    }

    /// Like [`state`](Self::state), but without the distinction between events matched by `record` and events linked by a
    /// sweep.
    pub fn swept_state(&self, conn: &mut PgConnection) -> Vec<String> {
        let mut lines = self.state(conn);
        for line in &mut lines {
            if let Some((event, link)) = line.split_once(", linked to ") {
                let event = event.rsplit_once(" of ").map_or(event, |(event, _)| event);
                *line = format!("{event} of {}", link.split(' ').next().unwrap_or(link));
            }
        }
        lines.sort();
        lines
    }
}
