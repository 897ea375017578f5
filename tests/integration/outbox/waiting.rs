//! Waiting for work.

use std::thread;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_query;
use mailglass::outbox::{self, Wake};
use mailglass::tenancy::Tenants;
use mailglass::{NewDelivery, Stream};

use super::{claim_one, options, queued};
use crate::support::{TENANT, backend_pid, connect, connected, database, insert, to, wrong_fields};

const LONG: Duration = Duration::from_secs(60);

fn wait(conn: &mut PgConnection, timeout: Duration) -> Wake {
    outbox::wait(conn, &Tenants::All, timeout).unwrap()
}

/// Waits until this backend has asked what is due, and waits on the client.
fn wait_until_idle(conn: &mut PgConnection, pid: i32) {
    let query =
        format!("SELECT 1 FROM pg_stat_activity WHERE pid = {pid} AND state = 'idle' AND query LIKE '%Makes `heads`%'");
    let deadline = Instant::now() + LONG;
    while sql_query(&query).execute(conn).unwrap() == 0 {
        assert!(Instant::now() < deadline);
        thread::yield_now();
    }
}

#[test]
fn something_that_is_due_is_not_waited_for() {
    let (_database, mut conn) = connected();
    queued(&mut conn);
    assert_eq!(wait(&mut conn, LONG), Wake::Due);
}

#[test]
fn an_empty_outbox_times_out() {
    let (_database, mut conn) = connected();
    assert_eq!(wait(&mut conn, Duration::ZERO), Wake::TimedOut);
    // What is tracked only, held, leased or of others is not due.
    insert(&mut conn, &to("ann@example.com"));
    let held = queued(&mut conn);
    outbox::hold(&mut conn, TENANT, held.id).unwrap();
    queued(&mut conn);
    claim_one(&mut conn);
    insert(
        &mut conn,
        &NewDelivery::new("globex", "news", Stream::Bulk, "ann@example.com").send(),
    );
    let acme = Tenants::Only(TENANT.to_owned());
    assert_eq!(
        outbox::wait(&mut conn, &acme, Duration::from_millis(50)).unwrap(),
        Wake::TimedOut
    );
    let globex = Tenants::Only("globex".to_owned());
    assert_eq!(outbox::wait(&mut conn, &globex, LONG).unwrap(), Wake::Due);
}

/// Each is a wake-up from a commit of another connection.
#[test]
fn an_insert_a_release_and_a_resend_wake_a_worker_when_they_commit() {
    type Step = fn(&mut PgConnection);
    let steps: [Step; 3] = [
        |conn| drop(queued(conn)),
        |conn| {
            let delivery = queued(conn);
            claim_one(conn).release(conn).unwrap();
            assert_eq!(claim_one(conn).delivery().id, delivery.id);
            outbox::release(conn, TENANT, delivery.id).unwrap();
        },
        |conn| {
            let delivery = queued(conn);
            outbox::hold(conn, TENANT, delivery.id).unwrap();
            outbox::resend(conn, TENANT, delivery.id).unwrap();
        },
    ];
    for step in steps {
        let database = database();
        let (mut conn, mut worker) = (connect(&database), connect(&database));
        let pid = backend_pid(&mut worker);
        let woken = thread::spawn(move || wait(&mut worker, LONG));
        wait_until_idle(&mut conn, pid);
        conn.transaction::<_, mailglass::Error, _>(|conn| {
            step(conn);
            Ok(())
        })
        .unwrap();
        assert_eq!(woken.join().unwrap(), Wake::Due);
    }
}

#[test]
fn a_notification_of_another_tenant_does_not_end_the_wait() {
    let database = database();
    let (mut conn, mut worker) = (connect(&database), connect(&database));
    let pid = backend_pid(&mut worker);
    let woken = thread::spawn(move || {
        outbox::wait(
            &mut worker,
            &Tenants::Only("globex".to_owned()),
            Duration::from_millis(500),
        )
        .unwrap()
    });
    wait_until_idle(&mut conn, pid);
    queued(&mut conn);
    assert_eq!(woken.join().unwrap(), Wake::TimedOut);
}

/// Scheduled deliveries, retries and expiring leases need no notification.
#[test]
fn what_becomes_due_ends_the_wait() {
    let (_database, mut conn) = connected();
    insert(
        &mut conn,
        &to("ann@example.com").send_at(chrono::Utc::now() + Duration::from_millis(300)),
    );
    assert_eq!(wait(&mut conn, LONG), Wake::Due);
    let short = outbox::ClaimOptions {
        lease: Duration::from_secs(1),
        ..options()
    };
    assert_eq!(outbox::claim(&mut conn, &short).unwrap().len(), 1);
    assert_eq!(wait(&mut conn, LONG), Wake::Due);
}

#[test]
fn the_connection_stops_listening() {
    let (_database, mut conn) = connected();
    wait(&mut conn, Duration::ZERO);
    queued(&mut conn);
    assert_eq!(
        sql_query("SELECT pg_listening_channels()").execute(&mut conn).unwrap(),
        0
    );
    assert_eq!(conn.notifications_iter().count(), 0);
}

#[test]
fn a_wait_in_a_transaction_is_rejected() {
    let (_database, mut conn) = connected();
    let error = conn
        .transaction(|conn| outbox::wait(conn, &Tenants::All, LONG))
        .unwrap_err();
    assert_eq!(wrong_fields(&error), ["conn"]);
    let error = outbox::wait(&mut conn, &Tenants::Only(String::new()), LONG).unwrap_err();
    assert_eq!(wrong_fields(&error), ["tenant_id"]);
}

#[test]
fn a_lost_connection_is_reported() {
    let database = database();
    let (mut conn, mut worker) = (connect(&database), connect(&database));
    let pid = backend_pid(&mut worker);
    let waited = thread::spawn(move || outbox::wait(&mut worker, &Tenants::All, LONG));
    wait_until_idle(&mut conn, pid);
    sql_query(format!("SELECT pg_terminate_backend({pid})"))
        .execute(&mut conn)
        .unwrap();
    assert!(waited.join().unwrap().unwrap_err().is_database());
}
