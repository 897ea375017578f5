//! Every call of the library on distributed tables.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use mailglass::reconciler::{SweepReport, sweep};
use mailglass::schema::mailglass_event_links;
use mailglass::{EventType, contract, ledger, projection};
use test_support::{TENANT, count_events, eager, event, insert, sweep_now, to};

use crate::every_call::every_call;
use crate::support::{Migrated, connected};

#[test]
#[ignore = "needs MAILGLASS_CITUS_URL: the database of a Citus coordinator"]
fn every_call_has_the_result_that_it_has_on_one_server() {
    let (_database, mut one_server) = test_support::connected();
    let expected = every_call(&mut one_server).unwrap();
    for migrated in [Migrated::BeforeDistribution, Migrated::AfterDistribution] {
        let (_schema, mut conn) = connected(migrated);
        assert_eq!(every_call(&mut conn).unwrap(), expected);
        assert_eq!(projection::verify(&mut conn, TENANT).unwrap(), []);
    }
}

/// A sweep takes the times of its links from the server's clock, and bisects if an event is rejected.
#[test]
#[ignore = "needs MAILGLASS_CITUS_URL: the database of a Citus coordinator"]
fn sweeps_reach_every_orphan_and_report_those_that_fail() {
    let (_schema, mut conn) = connected(Migrated::BeforeDistribution);
    let conn = &mut conn;
    let orphans: Vec<_> = (0..6)
        .map(|number| event(EventType::Delivered, number).provider_message("ses", format!("m-{number}")))
        .collect();
    ledger::record(conn, &orphans).unwrap();
    for _ in 0..3 {
        let options = mailglass::reconciler::SweepOptions { limit: 2, ..eager() };
        assert_eq!(sweep(conn, &options).unwrap().waiting, 2);
    }
    let checked = mailglass_event_links::table
        .filter(mailglass_event_links::checked_at.gt(mailglass_event_links::inserted_at))
        .count();
    assert_eq!(checked.get_result::<i64>(conn).unwrap(), 6);

    for number in 0..6 {
        insert(
            conn,
            &to("ann@example.com")
                .provider("ses")
                .provider_message_id(format!("m-{number}")),
        );
    }
    // Citus adds a constraint to the shards as well.
    conn.batch_execute("ALTER TABLE mailglass_deliveries ADD CONSTRAINT not_four CHECK (NOT (provider_message_id = 'm-4' AND delivered_at IS NOT NULL))")
        .unwrap();
    let report = sweep_now(conn);
    assert_eq!((report.linked, report.failed.len()), (5, 1), "{report:?}");
    assert!(report.failed[0].delivery_id.is_some());
    conn.batch_execute("ALTER TABLE mailglass_deliveries DROP CONSTRAINT not_four")
        .unwrap();
    let linked = SweepReport {
        linked: 1,
        ..SweepReport::default()
    };
    assert_eq!(sweep_now(conn), linked);
    assert_eq!(projection::verify(conn, TENANT).unwrap(), []);
    assert_eq!(contract::verify(conn).unwrap(), []);
    assert_eq!(count_events(conn), 12);
}
