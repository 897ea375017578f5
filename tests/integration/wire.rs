//! A connection that is cut at every message of a call, before the server has it and after: whatever the caller hears, a
//! second call with the same keys gives the same final state and reports what had landed.

use std::collections::BTreeSet;

use diesel::prelude::*;
use mailglass::projection::{self, Projection, fold};
use mailglass::schema::mailglass_events;
use mailglass::{Delivery, EventType, NewDelivery, NewEvent, ledger};

use crate::support::proxy::{Cut, Proxy, with_socket};
use crate::support::{TENANT, at, connect, event, reload, to};

/// Cuts a call at each of its messages in turn until one gets through, and hands over what a second call, on a connection
/// that nobody cuts, answers. Returns the kinds of answers that there were: whether anything had landed.
fn cut_everywhere<T>(
    is_warm: bool,
    warm_up: impl Fn(&mut PgConnection),
    call: impl Fn(&mut PgConnection, usize) -> mailglass::Result<T>,
    mut landed: impl FnMut(&mut PgConnection, usize, T) -> bool,
) -> BTreeSet<bool> {
    let (socket, database) = with_socket();
    let mut uncut = connect(&database);
    let mut kinds = BTreeSet::new();
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
                assert!(outcome.is_ok() && message > 2, "a call is more than one message");
                break;
            }
            assert!(outcome.is_err_and(|error| error.is_database()), "{:?}", cut(message));
            let again = call(&mut uncut, run).unwrap();
            kinds.insert(landed(&mut uncut, run, again));
        }
    }
    assert_eq!(projection::verify(&mut uncut, TENANT).unwrap(), []);
    kinds
}

fn warm_up(conn: &mut PgConnection) {
    let delivery = to("warm@example.com").insert(conn).unwrap().into_delivery();
    let event = event(EventType::Opened, 1).delivery(delivery.id);
    ledger::record(conn, &[event.clone(), event.clone()]).unwrap();
    ledger::record(conn, &[event]).unwrap();
}

/// Of the events with keys that begin so, none is there twice.
fn count(conn: &mut PgConnection, prefix: &str) -> i64 {
    let ours = mailglass_events::idempotency_key.like(format!("{prefix}%"));
    mailglass_events::table.filter(ours).count().get_result(conn).unwrap()
}

fn recording_survives(events: usize, is_warm: bool) {
    let batch = |run: usize| -> Vec<NewEvent> {
        let of = |index: usize| {
            let message = format!("run {run}, message {}", index % 2);
            event([EventType::Delivered, EventType::Opened][index % 2], index as i64)
                .provider_message("ses", message)
                .idempotency_key(format!("{run}:{index}"))
        };
        (0..events).map(of).collect()
    };
    let deliver = |conn: &mut PgConnection, run: usize| -> Vec<Delivery> {
        let of = |message: usize| {
            to("ann@example.com")
                .idempotency_key(format!("delivery {run}:{message}"))
                .provider("ses")
                .provider_message_id(format!("run {run}, message {message}"))
        };
        (0..2)
            .map(|message| of(message).insert(conn).unwrap().into_delivery())
            .collect()
    };
    let kinds = cut_everywhere(
        is_warm,
        warm_up,
        |conn, run| ledger::record(conn, &batch(run)),
        |conn, run, again| {
            let replays = again.iter().filter(|it| it.is_replay()).count();
            assert!(
                replays == 0 || replays == events,
                "all or nothing: {replays} of {events}"
            );
            assert_eq!(count(conn, &format!("{run}:")), events as i64);
            // They came before their deliveries, and are linked now.
            let deliveries = deliver(conn, run);
            crate::support::sweep_now(conn);
            for delivery in deliveries {
                let row = reload(conn, &delivery);
                assert_eq!(Some(Projection::from(&row)), fold(&row.timeline(conn).unwrap()));
            }
            replays > 0
        },
    );
    assert_eq!(kinds.len(), 2, "some had landed, some had not");
}

#[test]
fn a_batch_that_is_cut_off_has_landed_as_a_whole_or_not_at_all() {
    recording_survives(10, true);
    recording_survives(10, false);
}

#[test]
fn a_single_event_that_is_cut_off_has_landed_or_not() {
    recording_survives(1, true);
    recording_survives(1, false);
}

#[test]
fn an_enqueue_that_is_cut_off_is_safe_to_repeat() {
    let batch = |run: usize| -> Vec<NewDelivery> {
        let of = |number| to(&format!("{number}@example.com")).idempotency_key(format!("enqueue {run}:{number}"));
        (0..5).map(of).collect()
    };
    let kinds = cut_everywhere(
        true,
        warm_up,
        |conn, run| NewDelivery::insert_all(conn, &batch(run)),
        |conn, _, again| {
            let replays = again.iter().filter(|it| it.is_replay()).count();
            assert!(replays == 0 || replays == 5, "all or nothing: {replays} of 5");
            for inserted in &again {
                assert_eq!(inserted.delivery().timeline(conn).unwrap().len(), 1);
                assert_eq!(inserted.delivery().last_event_at, at(0));
            }
            replays > 0
        },
    );
    assert_eq!(kinds.len(), 2, "some had landed, some had not");
}

#[test]
fn a_fresh_event_is_one_round_trip_on_a_warm_connection() {
    let (socket, database) = with_socket();
    let proxy = Proxy::start(&socket, Cut::Never);
    let mut conn = proxy.connect(database.name());
    warm_up(&mut conn);
    let delivery = to("ann@example.com").insert(&mut conn).unwrap().into_delivery();
    let about = event(EventType::Opened, 1).delivery(delivery.id);
    let keyed = about.clone().idempotency_key("once");
    // Warm means that each statement is prepared, that for replays as well.
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
    assert_eq!(round_trips_of(&[orphan]), 1, "an orphan waits as soon as it lands");
    assert_eq!(round_trips_of(&[about.clone(), about]), 3, "with BEGIN and COMMIT");
    assert_eq!(round_trips_of(&[keyed]), 2, "what was there first is read");
}
