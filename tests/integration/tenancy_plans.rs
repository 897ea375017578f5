//! What calls read below the policies of row-level security. A policy is evaluated before functions that are not leakproof, such
//! as `lower`, so an index on such a function can't be used. Counted are the rows and the blocks, because rows that an index
//! skips are not counted as read.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use mailglass::projection::{rebuild, rebuild_all};
use mailglass::reconciler::{SweepOptions, expired, sweep, waiting};
use mailglass::roles::Access;
use mailglass::{
    Delivery, DeliveryChanges, DeliveryStatus, Event, EventType, NewDelivery, Result, ledger, projection, tenancy,
};

use crate::support::role::Role;
use crate::support::{TENANT, at, connect, connected, eager, event, insert, reload, rows_read, to};

/// 20,000 deliveries with two events each. Every second event was linked.
const GROW: &str = "
    INSERT INTO mailglass_deliveries (
        id, tenant_id, mailable, stream, recipient, recipient_domain, provider, provider_message_id, idempotency_key,
        last_event_type, last_event_at
    )
    SELECT
        md5('delivery ' || n)::uuid, 'acme', 'welcome', 'bulk', 'R' || n || '@example.com', 'example.com', 'ses', 'm' || n,
        'd' || n, 'opened', '2024-10-04'
    FROM generate_series(1, 20000) AS n;

    INSERT INTO mailglass_event_links (event_id, tenant_id, waiting_reason, delivery_id, linked_at)
    SELECT md5('event ' || n)::uuid, 'acme', 'no_delivery', md5('delivery ' || n % 20000 + 1)::uuid, now()
    FROM generate_series(2, 40000, 2) AS n;

    INSERT INTO mailglass_events (id, tenant_id, delivery_id, type, occurred_at, idempotency_key, needs_reconciliation)
    SELECT
        md5('event ' || n)::uuid, 'acme', CASE WHEN n % 2 > 0 THEN md5('delivery ' || n % 20000 + 1)::uuid END, 'opened',
        '2024-10-04'::timestamptz, 'e' || n, n % 2 = 0
    FROM generate_series(1, 40000) AS n";

#[derive(QueryableByName)]
struct Blocks {
    #[diesel(sql_type = BigInt)]
    blocks: i64,
}

/// How many blocks of our tables and indexes the current transaction has accessed.
fn blocks(conn: &mut PgConnection) -> i64 {
    let query = "SELECT sum(pg_stat_get_xact_blocks_fetched(oid))::bigint AS blocks FROM pg_class
                 WHERE relname LIKE 'mailglass%' AND relkind IN ('r', 'i')";
    sql_query(query).get_result::<Blocks>(conn).unwrap().blocks
}

type Call = (&'static str, fn(&mut PgConnection, &Delivery) -> Result<()>);

const CALLS: [Call; 18] = [
    ("find", |conn, delivery| {
        reload(conn, delivery);
        Ok(())
    }),
    ("timeline", |conn, delivery| delivery.timeline(conn).map(drop)),
    ("explain", |conn, delivery| delivery.explain(conn).map(drop)),
    ("record by id", |conn, delivery| {
        ledger::record(conn, &[event(EventType::Opened, 3).delivery(delivery.id)]).map(drop)
    }),
    ("record by message", |conn, _| {
        let appended = ledger::record(conn, &[event(EventType::Opened, 3).provider_message("postmark", "m-1")])?;
        assert!(appended[0].event().delivery_id.is_some());
        Ok(())
    }),
    ("record by message and recipient", |conn, _| {
        let opened = event(EventType::Opened, 3).provider_message("postmark", "m-1");
        let events = [
            opened.clone().recipient("Ann@example.com"),
            opened.recipient("ANN@EXAMPLE.COM"),
        ];
        let appended = ledger::record(conn, &events)?;
        assert!(appended.iter().all(|appended| appended.event().delivery_id.is_some()));
        Ok(())
    }),
    ("record one by message and recipient", |conn, _| {
        let opened = event(EventType::Opened, 3)
            .provider_message("postmark", "m-1")
            .recipient("ANN@EXAMPLE.COM");
        assert!(ledger::record(conn, &[opened])?[0].event().delivery_id.is_some());
        Ok(())
    }),
    ("record_each with replays", |conn, delivery| {
        let sent = event(EventType::Sent, 1).delivery(delivery.id).idempotency_key("ours");
        ledger::record_each(conn, [sent.clone(), sent].to_vec()).map(drop)
    }),
    ("append", |conn, delivery| {
        ledger::append(conn, &[event(EventType::Opened, 3).delivery(delivery.id)]).map(drop)
    }),
    ("insert", |conn, _| to("bob@example.com").insert(conn).map(drop)),
    ("insert_all with replays", |conn, _| {
        let again = to("ann@example.com").idempotency_key("again");
        NewDelivery::insert_all(conn, &[again.clone(), again]).map(drop)
    }),
    ("update", |conn, delivery| {
        reload(conn, delivery)
            .update(conn, &DeliveryChanges::default())
            .map(drop)
    }),
    ("mark_dispatched", |conn, delivery| {
        reload(conn, delivery)
            .mark_dispatched(conn, "postmark", "m-1", at(4))
            .map(drop)
    }),
    ("mark_dispatched with an early event", |conn, _| {
        let early = event(EventType::Opened, 3)
            .provider_message("postmark", "m-9")
            .recipient("BOB@example.com");
        ledger::record(conn, &[early])?;
        let queued = to("bob@example.com").insert(conn)?.into_delivery();
        assert_eq!(
            queued.mark_dispatched(conn, "postmark", "m-9", at(4))?.status,
            DeliveryStatus::Sent
        );
        Ok(())
    }),
    ("rebuild", |conn, delivery| rebuild(conn, TENANT, delivery.id).map(drop)),
    ("sweep", |conn, _| {
        let early = event(EventType::Opened, 3)
            .provider_message("postmark", "m-2")
            .recipient("LATE@example.com");
        ledger::record(conn, &[early])?;
        to("late@example.com")
            .provider("postmark")
            .provider_message_id("m-2")
            .insert(conn)?;
        let own = SweepOptions {
            tenants: tenancy::Tenants::Only(TENANT.to_owned()),
            ..eager()
        };
        assert_eq!(sweep(conn, &own)?.linked, 1);
        Ok(())
    }),
    ("waiting and expired", |conn, _| {
        waiting(conn, TENANT, 50)?;
        expired(conn, TENANT, 50).map(drop)
    }),
    ("for_tenant", |conn, _| {
        use mailglass::schema::{mailglass_deliveries, mailglass_events};
        let latest = mailglass_deliveries::inserted_at.desc();
        let deliveries: Vec<Delivery> = Delivery::for_tenant(TENANT).order(latest).limit(5).load(conn)?;
        let latest = mailglass_events::inserted_at.desc();
        let events: Vec<Event> = Event::for_tenant(TENANT).order(latest).limit(5).load(conn)?;
        assert_eq!((deliveries.len(), events.len()), (5, 5));
        Ok(())
    }),
];

/// Makes a call for the tenant, and rolls it back. Returns the rows that it has read, and the blocks.
fn measure(conn: &mut PgConnection, call: &Call, delivery: &Delivery) -> (i64, i64) {
    let mut read = (0, 0);
    let rolled_back = tenancy::scoped(conn, TENANT, |conn| {
        let before = (rows_read(conn), blocks(conn));
        call.1(conn, delivery)?;
        read = (rows_read(conn) - before.0, blocks(conn) - before.1);
        Err::<(), _>(mailglass::Error::from(diesel::result::Error::RollbackTransaction))
    });
    assert!(
        rolled_back.is_err_and(|error| error.to_string().contains("rollback")),
        "{}",
        call.0
    );
    read
}

fn assert_calls_read_little(conn: &mut PgConnection, calls: &[Call], delivery: &Delivery, when: &str) {
    for call in calls {
        let (rows, blocks) = measure(conn, call, delivery);
        assert!(rows < 60, "{} reads {rows} rows {when}", call.0);
        assert!(blocks < 200, "{} reads {blocks} blocks {when}", call.0);
    }
}

#[test]
fn no_call_reads_the_whole_tenant_below_the_policies() {
    let (database, mut owner) = connected();
    tenancy::enable(&mut owner).unwrap();
    let new = to("ann@example.com").provider("postmark").provider_message_id("m-1");
    let delivery = insert(&mut owner, &new);
    let ours = event(EventType::Sent, 1).delivery(delivery.id).idempotency_key("ours");
    ledger::record(&mut owner, &[ours]).unwrap();
    for number in 0..5 {
        insert(&mut owner, &to(&format!("r{number}@example.org")));
    }
    let role = Role::with(&database, Access::App);
    let mut conn = role.connect();
    // Postgres may choose a generic plan after five executions.
    for _ in 0..6 {
        for call in &CALLS {
            measure(&mut conn, call, &delivery);
        }
    }
    owner.batch_execute(GROW).unwrap();
    // The plan of an application's own query, the last one, is the planner's choice until the table is analyzed.
    assert_calls_read_little(&mut conn, &CALLS[..17], &delivery, "with plans for a small table");
    owner.batch_execute("ANALYZE").unwrap();
    assert_calls_read_little(&mut conn, &CALLS, &delivery, "after ANALYZE");
    assert_calls_read_little(&mut role.connect(), &CALLS, &delivery, "on a new connection");

    // No policy applies, but there is a scope.
    assert_calls_read_little(&mut connect(&database), &CALLS, &delivery, "as the owner");

    // These read the tenant once, not once for each delivery.
    tenancy::scoped(&mut conn, TENANT, |conn| {
        let before = rows_read(conn);
        projection::verify(conn, TENANT)?;
        rebuild_all(conn, TENANT)?;
        let read = rows_read(conn) - before;
        assert!(read < 20 * 20_000, "{read} rows read");
        Ok::<_, mailglass::Error>(())
    })
    .unwrap();

    // The reconciler has no scope, and its policy hides nothing.
    let role = Role::with(&database, Access::Reconciler);
    let mut reconciler = role.connect();
    for round in 0..7 {
        let early = event(EventType::Opened, round)
            .provider_message("ses", "m78")
            .recipient("r78@example.com");
        ledger::record(&mut owner, &[early]).unwrap();
    }
    reconciler
        .transaction(|conn| {
            let before = (rows_read(conn), blocks(conn));
            sweep(conn, &eager())?;
            let read = (rows_read(conn) - before.0, blocks(conn) - before.1);
            assert!(read.0 < 100 && read.1 < 400, "{read:?}");
            Ok::<_, mailglass::Error>(())
        })
        .unwrap();
}

#[derive(QueryableByName)]
struct Plans {
    #[diesel(sql_type = BigInt)]
    custom_plans: i64,
}

/// Planning a `record` takes four times as long as executing it.
#[test]
fn a_connection_keeps_its_plans_below_the_policies() {
    let (database, mut owner) = connected();
    tenancy::enable(&mut owner).unwrap();
    owner.batch_execute(GROW).unwrap();
    owner.batch_execute("ANALYZE").unwrap();
    let delivery = insert(&mut owner, &to("ann@example.com"));
    let role = Role::with(&database, Access::App);
    let mut conn = role.connect();
    for second in 0..12 {
        let opened = event(EventType::Opened, second).delivery(delivery.id);
        tenancy::scoped(&mut conn, TENANT, |conn| {
            ledger::record(conn, std::slice::from_ref(&opened))?;
            ledger::append(conn, std::slice::from_ref(&opened))?;
            ledger::record(conn, &[opened.clone(), opened])
        })
        .unwrap();
    }
    let planned = "SELECT max(custom_plans)::bigint AS custom_plans FROM pg_prepared_statements";
    let most: Plans = sql_query(planned).get_result(&mut conn).unwrap();
    // Postgres makes five custom plans before it considers a generic one.
    assert_eq!(most.custom_plans, 5);
}
