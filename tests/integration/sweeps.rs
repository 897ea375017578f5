//! R10, R11: what a sweep costs, whom it may meet, and how it gives up.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;
use mailglass::projection::{Projection, fold};
use mailglass::reconciler::{SweepOptions, SweepReport, sweep};
use mailglass::schema::mailglass_event_links::dsl as links;
use mailglass::{EventType, NewDelivery, NewEvent, Stream, ledger};

use crate::support::{
    TENANT, at, at_once, connect, connected, database, eager, event, reload, rows_read, sweep_now, to,
};

fn opened(message_id: impl Into<String>) -> NewEvent {
    event(EventType::Opened, 1).provider_message("postmark", message_id)
}

fn sent(message_id: impl Into<String>) -> NewDelivery {
    to("ann@example.com")
        .provider("postmark")
        .provider_message_id(message_id)
}

/// As if everything that waits had begun to wait this long ago.
fn age(conn: &mut PgConnection, by: &str) {
    sql_query("UPDATE mailglass_event_links SET inserted_at = inserted_at - $1::interval")
        .bind::<Text, _>(by)
        .execute(conn)
        .unwrap();
}

#[test]
fn a_sweep_leaves_young_orphans_alone() {
    let (_database, mut conn) = connected();
    ledger::record(&mut conn, &[opened("m-1")]).unwrap();
    sent("m-1").insert(&mut conn).unwrap();
    assert_eq!(
        sweep(&mut conn, &SweepOptions::default()).unwrap(),
        SweepReport::default()
    );
    age(&mut conn, "61 seconds");
    assert_eq!(sweep(&mut conn, &SweepOptions::default()).unwrap().linked, 1);
}

#[test]
fn past_the_age_limit_an_orphan_is_given_up_visibly_and_not_looked_at_again() {
    let (_database, mut conn) = connected();
    let orphan = ledger::record(&mut conn, &[opened("m-1")])
        .unwrap()
        .remove(0)
        .into_event();
    age(&mut conn, "6 days 23 hours");
    assert_eq!(
        sweep_now(&mut conn),
        SweepReport {
            waiting: 1,
            ..SweepReport::default()
        }
    );
    age(&mut conn, "2 hours");
    assert_eq!(
        sweep_now(&mut conn),
        SweepReport {
            expired: 1,
            ..SweepReport::default()
        }
    );
    assert_eq!(sweep_now(&mut conn), SweepReport::default());
    let (expired, reason): (bool, String) = links::mailglass_event_links
        .find(orphan.id)
        .select((links::expired_at.is_not_null(), links::waiting_reason))
        .get_result(&mut conn)
        .unwrap();
    assert_eq!((expired, reason.as_str()), (true, "no_delivery"));
}

#[test]
fn an_old_orphan_whose_delivery_is_there_is_linked_however_long_no_sweep_ran() {
    let (_database, mut conn) = connected();
    ledger::record(&mut conn, &[opened("m-1")]).unwrap();
    sent("m-1").insert(&mut conn).unwrap();
    age(&mut conn, "30 days");
    assert_eq!(
        sweep_now(&mut conn),
        SweepReport {
            linked: 1,
            ..SweepReport::default()
        }
    );
}

#[test]
fn orphans_that_keep_waiting_do_not_starve_the_others_behind_the_limit() {
    let (_database, mut conn) = connected();
    let hopeless: Vec<_> = (0..25).map(|n| opened(format!("nobody-{n}"))).collect();
    ledger::record(&mut conn, &hopeless).unwrap();
    ledger::record(&mut conn, &[opened("m-1")]).unwrap();
    sent("m-1").insert(&mut conn).unwrap();
    let small = SweepOptions { limit: 10, ..eager() };
    let linked: Vec<i64> = (0..3).map(|_| sweep(&mut conn, &small).unwrap().linked).collect();
    assert_eq!(linked, [0, 0, 1]);
}

#[test]
fn a_sweep_of_one_tenant_leaves_the_others_waiting() {
    let (_database, mut conn) = connected();
    let theirs = NewEvent::new("other", EventType::Opened, at(1)).provider_message("postmark", "m-2");
    ledger::record(&mut conn, &[opened("m-1"), theirs]).unwrap();
    sent("m-1").insert(&mut conn).unwrap();
    let delivery = NewDelivery::new("other", "welcome", Stream::Bulk, "eve@example.com");
    delivery
        .provider("postmark")
        .provider_message_id("m-2")
        .insert(&mut conn)
        .unwrap();
    let ours = SweepOptions {
        tenant: Some(TENANT.to_owned()),
        ..eager()
    };
    assert_eq!(
        sweep(&mut conn, &ours).unwrap(),
        SweepReport {
            linked: 1,
            ..SweepReport::default()
        }
    );
    assert_eq!(sweep(&mut conn, &ours).unwrap(), SweepReport::default());
    assert_eq!(
        sweep_now(&mut conn),
        SweepReport {
            linked: 1,
            ..SweepReport::default()
        }
    );
}

#[test]
fn sweeps_at_once_link_each_orphan_once() {
    const ORPHANS: usize = 600;
    let database = database();
    let mut conn = connect(&database);
    let deliveries: Vec<_> = (0..20).map(|n| sent(format!("m-{n}"))).collect();
    let orphans: Vec<_> = (0..ORPHANS)
        .map(|n| {
            let event_type = EventType::ALL[n % EventType::ALL.len()];
            event(event_type, n as i64).provider_message("postmark", format!("m-{}", n % 20))
        })
        .collect();
    ledger::record(&mut conn, &orphans).unwrap();
    let rows = NewDelivery::insert_all(&mut conn, &deliveries).unwrap();
    let small = SweepOptions { limit: 50, ..eager() };
    let linked = at_once(&database, 4, |_, conn| {
        // Bounded: each takes some or finds the others holding the rest.
        (0..ORPHANS).map(|_| sweep(conn, &small).unwrap().linked).sum::<i64>()
    });
    let linked: i64 = linked.into_iter().sum();
    assert_eq!(linked as usize, ORPHANS);
    for row in &rows {
        let now = reload(&mut conn, row.delivery());
        let timeline = now.timeline(&mut conn).unwrap();
        assert_eq!(timeline.len(), 1 + ORPHANS / 20);
        assert_eq!(fold(&timeline), Some(Projection::from(&now)));
    }
}

/// What a sweep reads beside a ledger of so many events, a tenth of them orphans that were linked or given up long ago.
fn rows_read_by_an_idle_sweep(events: i64, tenant: Option<&str>) -> i64 {
    let (_database, mut conn) = connected();
    sql_query(
        "WITH appended AS (
             INSERT INTO mailglass_events (id, tenant_id, type, occurred_at, needs_reconciliation)
             SELECT gen_random_uuid(), 'acme', 'opened', now(), n % 10 = 0 FROM generate_series(1, $1) AS n
             RETURNING id, needs_reconciliation
         )
         INSERT INTO mailglass_event_links (event_id, tenant_id, waiting_reason, delivery_id, linked_at, expired_at)
         SELECT id, 'acme', 'no_delivery', CASE WHEN linked THEN id END, CASE WHEN linked THEN now() END,
                CASE WHEN NOT linked THEN now() END
         FROM appended, LATERAL (SELECT random() < 0.5 AS linked) AS coin
         WHERE needs_reconciliation",
    )
    .bind::<diesel::sql_types::BigInt, _>(events)
    .execute(&mut conn)
    .unwrap();
    sql_query("ANALYZE mailglass_event_links, mailglass_events")
        .execute(&mut conn)
        .unwrap();
    conn.transaction::<_, mailglass::Error, _>(|conn| {
        let before = rows_read(conn);
        let idle = SweepOptions {
            tenant: tenant.map(str::to_owned),
            ..eager()
        };
        assert_eq!(sweep(conn, &idle)?, SweepReport::default());
        Ok(rows_read(conn) - before)
    })
    .unwrap()
}

#[test]
fn a_sweep_with_nothing_pending_does_no_work_whatever_the_size_of_the_ledger() {
    for tenant in [None, Some(TENANT)] {
        let read = [500, 20_000].map(|events| rows_read_by_an_idle_sweep(events, tenant));
        // Not always none: to plan, some versions look up the ends of an index.
        assert!(read[1] <= read[0].max(8), "{read:?}");
    }
}

#[test]
fn durations_beyond_postgres_range_are_as_good_as_for_ever() {
    let (_database, mut conn) = connected();
    ledger::record(&mut conn, &[opened("m-1")]).unwrap();
    let endless = SweepOptions {
        max_age: Duration::MAX,
        ..eager()
    };
    assert_eq!(
        sweep(&mut conn, &endless).unwrap(),
        SweepReport {
            waiting: 1,
            ..SweepReport::default()
        }
    );
    let patient = SweepOptions {
        grace: Duration::MAX,
        ..eager()
    };
    assert_eq!(sweep(&mut conn, &patient).unwrap(), SweepReport::default());
}
