//! The documented states of an orphan. The test triggers each documented transition, and no other occurs.

use std::collections::BTreeSet;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use mailglass::reconciler::{SweepOptions, sweep};
use mailglass::{EventType, NewDelivery, NewEvent, ledger};
use serde_json::{Value, json};
use uuid::Uuid;

use super::schema_after;
use test_support::{connected, eager, event, to};

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    state: String,
}

/// The only state whose documented condition matches the event.
fn state(conn: &mut PgConnection, states: &[Value], event_id: Uuid) -> String {
    let matches = states.iter().filter_map(|state| {
        let (name, condition) = (state["name"].as_str().unwrap(), state["condition"].as_str().unwrap());
        let query = format!("SELECT '{name}' AS state FROM mailglass_event_links WHERE event_id = $1 AND {condition}");
        let found: Vec<Found> = sql_query(query).bind::<SqlUuid, _>(event_id).load(conn).unwrap();
        found.into_iter().next().map(|found_state| found_state.state)
    });
    let matches: Vec<String> = matches.collect();
    assert_eq!(matches.len(), 1, "{matches:?}");
    matches[0].clone()
}

fn message(id: &str) -> NewEvent {
    event(EventType::Delivered, 10).provider_message("postmark", id)
}

fn sent(recipient: &str, id: &str) -> NewDelivery {
    to(recipient).provider("postmark").provider_message_id(id)
}

/// A change between two observations of an event.
type Step = fn(&mut PgConnection);

const DELIVERY: Step = |conn| {
    sent("ann@example.com", "m").insert(conn).unwrap();
};
const TWO_DELIVERIES: Step = |conn| {
    sent("ann@example.com", "m").insert(conn).unwrap();
    sent("bob@example.com", "m").insert(conn).unwrap();
};
const ONE_DELIVERY_GOES: Step = |conn| {
    sql_query("DELETE FROM mailglass_deliveries WHERE recipient = 'bob@example.com'")
        .execute(conn)
        .unwrap();
};
const DELIVERIES_GO: Step = |conn| {
    sql_query("DELETE FROM mailglass_deliveries").execute(conn).unwrap();
};
const TIME_PASSES: Step = |conn| {
    sql_query("UPDATE mailglass_event_links SET inserted_at = inserted_at - interval '7 days'")
        .execute(conn)
        .unwrap();
};
const NOTHING: Step = |_| {};

#[test]
fn the_documented_life_of_an_orphan_is_what_happens() {
    let schema = schema_after("SELECT", &[]);
    let life = &schema["behaviour"]["orphan"];
    let states = life["states"].as_array().unwrap();
    let documented = life["transitions"].as_array().unwrap();
    let documented: BTreeSet<(String, String)> = documented
        .iter()
        .map(|transition| {
            (
                transition["from"].as_str().unwrap_or("").to_owned(),
                transition["to"].as_str().unwrap().to_owned(),
            )
        })
        .collect();

    let half = || event(EventType::Delivered, 10).normalized_payload(json!({"provider_message_id": "m"}));
    let lives: [(Step, NewEvent, &[Step]); 9] = [
        (NOTHING, message("m"), &[NOTHING, DELIVERY]),
        (NOTHING, message("m"), &[TWO_DELIVERIES, ONE_DELIVERY_GOES]),
        (NOTHING, message("m"), &[TIME_PASSES]),
        (TWO_DELIVERIES, message("m"), &[NOTHING, ONE_DELIVERY_GOES]),
        (TWO_DELIVERIES, message("m"), &[DELIVERIES_GO, DELIVERY]),
        (TWO_DELIVERIES, message("m"), &[TIME_PASSES]),
        (NOTHING, half(), &[DELIVERY, TIME_PASSES, NOTHING]),
        // Final states stay unchanged.
        (NOTHING, message("m"), &[DELIVERY, DELIVERIES_GO, TIME_PASSES]),
        (NOTHING, message("m"), &[TIME_PASSES, DELIVERY]),
    ];
    let mut seen = BTreeSet::new();
    for (before, event, steps) in lives {
        let (_database, mut conn) = connected();
        before(&mut conn);
        let id = ledger::record(&mut conn, &[event]).unwrap()[0].event().id;
        let mut last = String::new();
        let mut look = |conn: &mut PgConnection, last: &mut String| {
            let now = state(conn, states, id);
            if now != *last {
                seen.insert((std::mem::replace(last, now.clone()), now));
            }
        };
        look(&mut conn, &mut last);
        for step in steps {
            step(&mut conn);
            sweep(&mut conn, &eager()).unwrap();
            look(&mut conn, &mut last);
        }
    }
    assert_eq!(seen, documented);
}

/// The documented limits are the defaults.
#[test]
fn the_documented_limits_are_the_reconcilers() {
    let SweepOptions {
        limit, grace, max_age, ..
    } = SweepOptions::all_tenants();
    assert_eq!(
        (limit, grace, max_age),
        (1000, Duration::from_secs(60), Duration::from_secs(604_800))
    );
    let schema = schema_after("SELECT", &[]);
    let text = schema["behaviour"]["orphan"].to_string();
    for words in ["1000 events", "1 minute", "7 days"] {
        assert!(text.contains(words), "{words}");
    }
}
