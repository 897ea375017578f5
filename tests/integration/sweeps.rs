//! Sweeps: grace period, age limit, limit and tenant, failures of single events, concurrency, and rows read.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;
use mailglass::projection::{Projection, fold};
use mailglass::reconciler::{SweepOptions, SweepReport, sweep};
use mailglass::schema::mailglass_event_links::dsl as links;
use mailglass::tenancy::Tenants;
use mailglass::{Delivery, EventType, NewDelivery, NewEvent, Stream, ledger};

use crate::support::{
    TENANT, at, at_once, connect, connected, database, eager, event, expired, insert, linked, record_one, reload,
    rows_read, sweep_now, to, waiting,
};

fn opened(message_id: impl Into<String>) -> NewEvent {
    event(EventType::Opened, 1).provider_message("postmark", message_id)
}

fn sent(message_id: impl Into<String>) -> NewDelivery {
    to("ann@example.com")
        .provider("postmark")
        .provider_message_id(message_id)
}

/// Makes every pending link this much older.
fn age(conn: &mut PgConnection, by: &str) {
    // Citus rejects the subtraction in the UPDATE itself.
    sql_query(
        "WITH aged AS MATERIALIZED (
             SELECT event_id, inserted_at - $1::interval AS inserted_at FROM mailglass_event_links
         )
         UPDATE mailglass_event_links AS link
         SET inserted_at = aged.inserted_at
         FROM aged
         WHERE aged.event_id = link.event_id",
    )
    .bind::<Text, _>(by)
    .execute(conn)
    .unwrap();
}

#[test]
fn a_sweep_skips_orphans_within_the_grace_period() {
    let (_database, mut conn) = connected();
    ledger::record(&mut conn, &[opened("m-1")]).unwrap();
    sent("m-1").insert(&mut conn).unwrap();
    assert_eq!(
        sweep(&mut conn, &SweepOptions::all_tenants()).unwrap(),
        SweepReport::default()
    );
    age(&mut conn, "61 seconds");
    assert_eq!(sweep(&mut conn, &SweepOptions::all_tenants()).unwrap().linked, 1);
}

#[test]
fn an_orphan_past_the_age_limit_expires_and_is_not_swept_again() {
    let (_database, mut conn) = connected();
    let orphan = record_one(&mut conn, opened("m-1"));
    age(&mut conn, "6 days 23 hours");
    assert_eq!(sweep_now(&mut conn), waiting(1));
    age(&mut conn, "2 hours");
    assert_eq!(sweep_now(&mut conn), expired(1));
    assert_eq!(sweep_now(&mut conn), SweepReport::default());
    let (expired, reason): (bool, String) = links::mailglass_event_links
        .find(orphan.id)
        .select((links::expired_at.is_not_null(), links::waiting_reason))
        .get_result(&mut conn)
        .unwrap();
    assert_eq!((expired, reason.as_str()), (true, "no_delivery"));
}

#[test]
fn an_orphan_past_the_age_limit_is_linked_if_its_delivery_exists() {
    let (_database, mut conn) = connected();
    ledger::record(&mut conn, &[opened("m-1")]).unwrap();
    sent("m-1").insert(&mut conn).unwrap();
    age(&mut conn, "30 days");
    assert_eq!(sweep_now(&mut conn), linked(1));
}

#[test]
fn orphans_without_a_delivery_do_not_starve_others_behind_the_limit() {
    let (_database, mut conn) = connected();
    let unmatched: Vec<_> = (0..25).map(|n| opened(format!("nobody-{n}"))).collect();
    ledger::record(&mut conn, &unmatched).unwrap();
    ledger::record(&mut conn, &[opened("m-1")]).unwrap();
    sent("m-1").insert(&mut conn).unwrap();
    let small = SweepOptions { limit: 10, ..eager() };
    let linked: Vec<i64> = (0..3).map(|_| sweep(&mut conn, &small).unwrap().linked).collect();
    assert_eq!(linked, [0, 0, 1]);
}

#[test]
fn a_sweep_of_one_tenant_skips_the_orphans_of_others() {
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
        tenants: Tenants::Only(TENANT.to_owned()),
        ..eager()
    };
    assert_eq!(sweep(&mut conn, &ours).unwrap().linked, 1);
    assert_eq!(sweep(&mut conn, &ours).unwrap(), SweepReport::default());
    assert_eq!(sweep_now(&mut conn), linked(1));
}

#[test]
fn concurrent_sweeps_link_each_orphan_once() {
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
        // Enough sweeps to link all orphans, even if most of them find the rest locked.
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

#[test]
fn a_sweep_reports_a_failed_event_and_links_the_others() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    // A trigger of the application, for example.
    conn.batch_execute(
        "CREATE FUNCTION reject() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;
         CREATE TRIGGER reject BEFORE UPDATE ON mailglass_deliveries
             FOR EACH ROW WHEN (OLD.provider_message_id IN ('m-3', 'm-7')) EXECUTE FUNCTION reject()",
    )
    .unwrap();
    let early: Vec<_> = (0..10)
        .map(|number| event(EventType::Opened, number).provider_message("postmark", format!("m-{number}")))
        .collect();
    let events = ledger::record(conn, &early).unwrap();
    let deliveries: Vec<Delivery> = (0..10)
        .map(|number| insert(conn, &sent(format!("m-{number}"))))
        .collect();

    // In a transaction of the caller.
    let report = conn.transaction(|conn| sweep(conn, &eager())).unwrap();
    assert_eq!((report.linked, report.waiting, report.expired), (8, 0, 0));
    let mut failed: Vec<_> = report
        .failed
        .iter()
        .map(|failed| (failed.event_id, failed.delivery_id))
        .collect();
    failed.sort();
    let expected = [3, 7].map(|number: usize| (events[number].event().id, Some(deliveries[number].id)));
    assert_eq!(failed, expected);
    assert!(report.failed[0].error.contains("not this one"));

    // They stay pending behind the other orphans, and are linked when the trigger is dropped.
    let one = SweepOptions { limit: 1, ..eager() };
    let late = event(EventType::Opened, 1).provider_message("postmark", "m-10");
    ledger::record(conn, &[late]).unwrap();
    sent("m-10").insert(conn).unwrap();
    let outcomes: Vec<_> = (0..3).map(|_| sweep(conn, &one).unwrap()).collect();
    assert_eq!(outcomes.iter().map(|report| report.linked).sum::<i64>(), 1);
    conn.batch_execute("DROP TRIGGER reject ON mailglass_deliveries")
        .unwrap();
    assert_eq!(sweep_now(conn).linked, 2);
    for delivery in deliveries {
        let row = reload(conn, &delivery);
        assert_eq!(Some(Projection::from(&row)), fold(&row.timeline(conn).unwrap()));
    }
}

/// The rows that a sweep reads if nothing is pending. One in ten of the ledger's events is an orphan that is linked or expired.
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
            tenants: tenant.map_or(Tenants::All, |tenant: &str| Tenants::Only(tenant.to_owned())),
            ..eager()
        };
        assert_eq!(sweep(conn, &idle)?, SweepReport::default());
        Ok(rows_read(conn) - before)
    })
    .unwrap()
}

/// The error is a typed one, and not `Error::Database`.
#[test]
fn a_trigger_that_changes_the_ledger_fails_only_its_own_event() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    conn.batch_execute(
        "CREATE FUNCTION tamper() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN UPDATE mailglass_events SET trace_id = 'x'; RETURN NEW; END $$;
         CREATE TRIGGER tamper BEFORE UPDATE ON mailglass_deliveries
             FOR EACH ROW WHEN (OLD.provider_message_id = 'm-1') EXECUTE FUNCTION tamper()",
    )
    .unwrap();
    ledger::record(conn, &[opened("m-0"), opened("m-1"), opened("m-2")]).unwrap();
    for number in 0..3 {
        insert(conn, &sent(format!("m-{number}")));
    }
    let report = sweep_now(conn);
    assert_eq!((report.linked, report.failed.len()), (2, 1));
}

#[test]
fn a_sweep_with_nothing_pending_reads_no_more_rows_of_a_larger_ledger() {
    for tenant in [None, Some(TENANT)] {
        let read = [500, 20_000].map(|events| rows_read_by_an_idle_sweep(events, tenant));
        // Some versions of PostgreSQL read the ends of an index to plan the query.
        assert!(read[1] <= read[0].max(8), "{read:?}");
    }
}

#[test]
fn durations_beyond_the_range_of_postgres_count_as_unlimited() {
    let (_database, mut conn) = connected();
    ledger::record(&mut conn, &[opened("m-1")]).unwrap();
    let endless = SweepOptions {
        max_age: Duration::MAX,
        ..eager()
    };
    assert_eq!(sweep(&mut conn, &endless).unwrap(), waiting(1));
    let patient = SweepOptions {
        grace: Duration::MAX,
        ..eager()
    };
    assert_eq!(sweep(&mut conn, &patient).unwrap(), SweepReport::default());
}
