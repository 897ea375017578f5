//! Nothing that is printed has an address or a payload: no value, no error, and no statement that Diesel's instrumentation shows.

use std::error::Error as _;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use diesel::connection::InstrumentationEvent;
use diesel::prelude::*;
use mailglass::ledger::Outcome;
use mailglass::{
    Delivery, DeliveryChanges, Error, EventDetails, EventType, NewDelivery, NewEvent, ledger, privacy, projection,
    reconciler,
};
use serde_json::json;

use crate::support::{TENANT, at, connected, eager, event, to};

/// It is planted wherever an application can put a text, beside names that identify no person.
const PLANTED: &str = "planted@example.com";

/// What was printed.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<String>>>);

impl Printed {
    fn text(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }

    /// Prints a value as an application would in a log, and returns it.
    fn value<T: Debug>(&self, value: T) -> T {
        self.text(format!("{value:?} {value:#?}"));
        value
    }

    fn error(&self, error: &Error) {
        self.text(format!("{error} {error:?}"));
        let mut source = error.source();
        while let Some(error) = source {
            self.text(format!("{error} {error:?}"));
            source = error.source();
        }
    }

    fn result<T: Debug>(&self, result: Result<T, Error>) {
        match result {
            Ok(value) => drop(self.value(value)),
            Err(error) => self.error(&error),
        }
    }
}

fn details() -> EventDetails {
    EventDetails {
        description: Some(PLANTED.to_owned()),
        mta_response: Some(PLANTED.to_owned()),
        user_agent: Some(PLANTED.to_owned()),
        click_url: Some(PLANTED.to_owned()),
        other: Some(json!({ PLANTED: [PLANTED] })),
        ..EventDetails::default()
    }
}

fn planted_delivery() -> NewDelivery {
    to(PLANTED)
        .metadata(json!({ PLANTED: PLANTED }))
        .idempotency_key(PLANTED)
}

fn planted_event(seconds: i64) -> NewEvent {
    event(EventType::Opened, seconds)
        .recipient(PLANTED)
        .metadata(json!({ PLANTED: PLANTED }))
        .normalized_payload(json!({ PLANTED: PLANTED }))
        .idempotency_key(format!("{PLANTED}:{seconds}"))
        .trace_id(PLANTED)
        .details(details())
        .allow_personal_data()
}

fn calls(conn: &mut PgConnection, printed: &Printed) -> Result<(), Error> {
    let new = printed.value(planted_delivery());
    let queued = printed.value(new.insert(conn)?).into_delivery();
    printed.value(new.insert(conn)?);
    let copies = [to(PLANTED), to("bob@example.com")];
    printed.value(NewDelivery::insert_all(conn, &copies)?);
    let changes = printed.value(DeliveryChanges {
        metadata: Some(json!({ PLANTED: PLANTED })),
        last_error: Some(Some(json!({ "text": PLANTED }))),
        ..DeliveryChanges::default()
    });
    let delivery = printed.value(queued.update(conn, &changes)?);
    let delivery = printed.value(delivery.mark_dispatched(conn, "ses", "m-1", at(1))?);
    let delivery = printed.value(delivery.mark_failed(conn, json!({ "text": PLANTED }), at(2))?);

    let found = planted_event(3).delivery(delivery.id);
    let waiting = planted_event(4).provider_message("ses", "m-2");
    let events = printed.value(vec![found.clone(), waiting, planted_event(5)]);
    printed.value(ledger::record(conn, &events)?);
    printed.value(ledger::record(conn, &[found])?);
    printed.value(ledger::append(conn, &[planted_event(6)])?);
    let conflicting = events[0].clone().reject_reason(mailglass::RejectReason::Other);
    let outcomes = printed.value(ledger::record_each(conn, std::slice::from_ref(&conflicting))?);
    assert!(matches!(outcomes[0], Outcome::Conflicting { .. }));
    printed.error(&ledger::record(conn, &[conflicting]).unwrap_err());
    printed.error(&to("eve@example.com").idempotency_key(PLANTED).insert(conn).unwrap_err());
    printed.result(queued.update(conn, &changes));
    let taken = to(PLANTED).provider("ses").provider_message_id("m-1").insert(conn);
    printed.error(&taken.unwrap_err());

    printed.value(reconciler::waiting(conn, TENANT, 10)?);
    printed.value(reconciler::sweep(conn, &eager())?);
    let timeline = printed.value(delivery.timeline(conn)?);
    printed.value(timeline[1].details(conn)?);
    printed.value(delivery.explain(conn)?);
    printed.value(projection::verify(conn, TENANT)?);
    printed.value(Delivery::find(conn, TENANT, delivery.id)?);
    printed.value(privacy::export(conn, TENANT, PLANTED)?);
    printed.value(privacy::erase(conn, TENANT, PLANTED)?);
    Ok(())
}

/// Input that is rejected before it reaches the database.
fn rejected(printed: &Printed) {
    let attrs = json!({
        "tenant_id": TENANT, "type": PLANTED, "occurred_at": PLANTED, "delivery_id": PLANTED, "reject_reason": PLANTED,
        "recipient": format!("<{PLANTED}>"), "metadata": PLANTED, "details": { "ip_address": PLANTED, PLANTED: 1 },
        PLANTED: PLANTED,
    });
    printed.error(&NewEvent::from_attrs(attrs).unwrap_err());
    let attrs =
        json!({ "stream": PLANTED, "recipient": format!("{PLANTED} "), "last_event_type": PLANTED, PLANTED: 1 });
    printed.error(&NewDelivery::from_attrs(attrs).unwrap_err());
    printed.error(&DeliveryChanges::from_attrs(json!({ "recipient": PLANTED, PLANTED: 1 })).unwrap_err());
    printed.error(&to(PLANTED).recipient_domain(PLANTED).validate().unwrap_err());
    let refused = event(EventType::Opened, 1)
        .recipient(PLANTED)
        .normalized_payload(json!({ PLANTED: 1 }));
    printed.error(&printed.value(refused).validate().unwrap_err());
    let unknown = printed.value(PLANTED.parse::<EventType>().unwrap_err());
    printed.text(unknown.to_string());
    printed.text(
        serde_json::from_value::<EventType>(json!(PLANTED))
            .unwrap_err()
            .to_string(),
    );
}

#[test]
fn no_printed_text_has_an_address() {
    let (_database, mut conn) = connected();
    let printed = Printed::default();
    let log = printed.clone();
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = &event {
            log.text(query.to_string());
        }
        log.text(format!("{event:?}"));
    });
    calls(&mut conn, &printed).unwrap();
    rejected(&printed);

    let printed = printed.0.lock().unwrap();
    assert!(printed.iter().any(|text| text.contains("INSERT INTO mailglass_events")));
    let leaks: Vec<&String> = printed.iter().filter(|text| text.contains("planted")).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
}
