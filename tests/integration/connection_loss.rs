//! A connection that is lost at any message of a call, before or after the server receives it: a second call with the same
//! keys leads to the same final state, and reports as replays what the first call inserted.

use std::collections::BTreeSet;

use diesel::prelude::*;
use mailglass::projection::{self, Projection, fold};
use mailglass::schema::mailglass_events;
use mailglass::{Delivery, EventType, NewDelivery, NewEvent, ledger};

use crate::support::proxy::{Cut, Proxy, with_socket};
use crate::support::{TENANT, at, connect, event, insert, reload, sweep_now, to};

/// Cuts the connection at each message of a call in turn, until a call succeeds. After each cut it repeats the call on
/// another connection, and passes the result to `was_executed`, which returns whether the first call had been executed.
/// Returns the set of these answers.
fn cut_everywhere<T>(
    is_warm: bool,
    call: impl Fn(&mut PgConnection, usize) -> mailglass::Result<T>,
    mut was_executed: impl FnMut(&mut PgConnection, usize, T) -> bool,
) -> BTreeSet<bool> {
    let (socket, database) = with_socket();
    let mut uncut = connect(&database);
    let mut answers = BTreeSet::new();
    let mut run = 0;
    for cut in [Cut::Before as fn(usize) -> Cut, Cut::After] {
        for message in 0.. {
            let proxy = Proxy::start(&socket, cut(message));
            let mut conn = proxy.connect(database.name());
            if is_warm {
                warm_up(&mut conn);
            }
            proxy.arm();
            run += 1;
            let outcome = call(&mut conn, run);
            if !proxy.has_cut() {
                assert!(outcome.is_ok() && message > 2, "a call sends more than 2 messages");
                break;
            }
            assert!(outcome.is_err_and(|error| error.is_database()), "{:?}", cut(message));
            let again = call(&mut uncut, run).unwrap();
            answers.insert(was_executed(&mut uncut, run, again));
        }
    }
    assert_eq!(projection::verify(&mut uncut, TENANT).unwrap(), []);
    answers
}

fn warm_up(conn: &mut PgConnection) {
    let delivery = insert(conn, &to("warm@example.com"));
    let event = event(EventType::Opened, 1).delivery(delivery.id);
    ledger::record(conn, &[event.clone(), event.clone()]).unwrap();
    ledger::record(conn, &[event]).unwrap();
}

/// The number of events whose keys have the prefix.
fn count(conn: &mut PgConnection, prefix: &str) -> i64 {
    let has_prefix = mailglass_events::idempotency_key.like(format!("{prefix}%"));
    mailglass_events::table
        .filter(has_prefix)
        .count()
        .get_result(conn)
        .unwrap()
}

fn assert_recorded_once(events: usize, is_warm: bool) {
    let batch = |run: usize| -> Vec<NewEvent> {
        let of = |index: usize| {
            let message = format!("run {run}, message {}", index % 2);
            event([EventType::Delivered, EventType::Opened][index % 2], index as i64)
                .provider_message("ses", message)
                .idempotency_key(format!("{run}:{index}"))
        };
        (0..events).map(of).collect()
    };
    let insert_deliveries = |conn: &mut PgConnection, run: usize| -> Vec<Delivery> {
        let of = |message: usize| {
            to("ann@example.com")
                .idempotency_key(format!("delivery {run}:{message}"))
                .provider("ses")
                .provider_message_id(format!("run {run}, message {message}"))
        };
        (0..2).map(|message| insert(conn, &of(message))).collect()
    };
    let answers = cut_everywhere(
        is_warm,
        |conn, run| ledger::record(conn, batch(run)),
        |conn, run, again| {
            let replays = again.iter().filter(|appended| appended.is_replay()).count();
            assert!(
                replays == 0 || replays == events,
                "{replays} of {events} events of a batch are replays"
            );
            assert_eq!(count(conn, &format!("{run}:")), events as i64);
            // The events are orphans. Insert their deliveries and link them.
            let deliveries = insert_deliveries(conn, run);
            sweep_now(conn);
            for delivery in deliveries {
                let row = reload(conn, &delivery);
                assert_eq!(Some(Projection::from(&row)), fold(&row.timeline(conn).unwrap()));
            }
            replays > 0
        },
    );
    assert_eq!(answers.len(), 2, "some calls were executed and some were not");
}

#[test]
fn a_batch_of_events_is_recorded_as_a_whole_or_not_at_all() {
    assert_recorded_once(10, true);
    assert_recorded_once(10, false);
}

#[test]
fn a_single_event_is_recorded_or_not() {
    assert_recorded_once(1, true);
    assert_recorded_once(1, false);
}

#[test]
fn a_batch_of_deliveries_is_inserted_as_a_whole_or_not_at_all() {
    let batch = |run: usize| -> Vec<NewDelivery> {
        let of = |number| to(&format!("{number}@example.com")).idempotency_key(format!("delivery {run}:{number}"));
        (0..5).map(of).collect()
    };
    let answers = cut_everywhere(
        true,
        |conn, run| NewDelivery::insert_all(conn, &batch(run)),
        |conn, _, again| {
            let replays = again.iter().filter(|inserted| inserted.is_replay()).count();
            assert!(
                replays == 0 || replays == 5,
                "{replays} of 5 deliveries of a batch are replays"
            );
            for inserted in &again {
                assert_eq!(inserted.delivery().timeline(conn).unwrap().len(), 1);
                assert_eq!(inserted.delivery().last_event_at, at(0));
            }
            replays > 0
        },
    );
    assert_eq!(answers.len(), 2, "some calls were executed and some were not");
}

#[test]
fn a_fresh_event_is_one_round_trip_on_a_warm_connection() {
    let (socket, database) = with_socket();
    let proxy = Proxy::start(&socket, Cut::Never);
    let mut conn = proxy.connect(database.name());
    warm_up(&mut conn);
    let delivery = insert(&mut conn, &to("ann@example.com"));
    let about = event(EventType::Opened, 1).delivery(delivery.id);
    let keyed = about.clone().idempotency_key("once");
    // Prepare each statement, including the one that reads replays.
    for _ in 0..2 {
        ledger::record(&mut conn, &[about.clone().idempotency_key("warm")]).unwrap();
    }
    proxy.arm();
    let mut round_trips_of = |events: &[NewEvent]| {
        let before = proxy.round_trips();
        ledger::record(&mut conn, events).unwrap();
        proxy.round_trips() - before
    };
    assert_eq!(round_trips_of(std::slice::from_ref(&keyed)), 1);
    let orphan = event(EventType::Opened, 1).provider_message("ses", "nobody's");
    assert_eq!(round_trips_of(&[orphan]), 1, "an orphan and its link");
    assert_eq!(
        round_trips_of(&[about.clone(), about]),
        3,
        "a batch, with BEGIN and COMMIT"
    );
    assert_eq!(round_trips_of(&[keyed]), 2, "a replay, whose event is read");
}
