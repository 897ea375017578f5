//! `mailglass outbox`.

use diesel::PgConnection;
use mailglass::outbox::{self, Claim, ClaimOptions};
use mailglass::{Delivery, NewDelivery, Stream};
use serde_json::json;
use test_support::{connected, insert, reload, to};
use uuid::Uuid;

use crate::program::run;

fn queue(conn: &mut PgConnection) -> Delivery {
    insert(conn, &to("ann@example.com").send())
}

/// Claims the one delivery that is due.
fn claim(conn: &mut PgConnection) -> Claim {
    let claims = outbox::claim(conn, &ClaimOptions::all_tenants("worker-1")).unwrap();
    <[Claim; 1]>::try_from(claims).unwrap().into_iter().next().unwrap()
}

/// A delivery whose attempt began and never ended. A claim holds it.
fn unknown(conn: &mut PgConnection) -> Delivery {
    let delivery = queue(conn);
    claim(conn).begin(conn).unwrap();
    outbox::release(conn, &delivery.tenant_id, delivery.id).unwrap();
    assert!(
        outbox::claim(conn, &ClaimOptions::all_tenants("worker-2"))
            .unwrap()
            .is_empty()
    );
    delivery
}

#[test]
fn what_waits_is_counted_by_tenant_and_stream_and_the_held_ones_are_listed() {
    let (database, mut conn) = connected();
    let conn = &mut conn;
    let empty = run(&database, &["outbox"]).exits(0);
    assert_eq!(empty.tables().iter().map(Vec::len).collect::<Vec<_>>(), [1, 1]);

    let unknown = unknown(conn);
    queue(conn);
    claim(conn);
    queue(conn);
    insert(
        conn,
        &to("bob@example.com").send_at(chrono::Utc::now() + chrono::TimeDelta::hours(1)),
    );
    let theirs = NewDelivery::new("other", "news", Stream::Bulk, "eve@example.com").send();
    let theirs = insert(conn, &theirs);
    outbox::hold(conn, "other", theirs.id).unwrap();

    let answer = run(&database, &["outbox"]).exits(0);
    let [queues, held] = &answer.tables()[..] else {
        panic!("{answer:?}")
    };
    assert_eq!(queues[1][..6], ["acme", "transactional", "1", "1", "1", "1"]);
    assert!(
        queues[1][6].ends_with('Z'),
        "the time at which the oldest became due: {answer:?}"
    );
    assert_eq!(queues[2], ["other", "bulk", "0", "0", "0", "1", ""]);
    let ids = [unknown.id.to_string(), theirs.id.to_string()];
    assert_eq!(held[1][..5], [ids[0].as_str(), "acme", "transactional", "1", "yes"]);
    assert_eq!(held[2][..5], [ids[1].as_str(), "other", "bulk", "0", "no"]);

    let ours = run(&database, &["outbox", "--tenant", "acme", "--json"])
        .exits(0)
        .json();
    assert_eq!(ours["queues"].as_array().unwrap().len(), 1);
    let counts = ["due", "scheduled", "leased", "held"].map(|state| &ours["queues"][0][state]);
    assert_eq!(counts, [&json!(1); 4]);
    assert_eq!(ours["queues"][0]["oldest_due_at"].as_str().unwrap().len(), 27);
    assert_eq!(ours["held"][0]["delivery_id"], ids[0]);
    assert_eq!(ours["held"][0]["may_have_been_sent"], true);

    let limited = run(&database, &["outbox", "--limit", "1"])
        .exits(0)
        .says("1 more delivery is held");
    assert_eq!(limited.tables()[1].len(), 2);

    let stats = run(&database, &["stats", "--json"]).exits(0).json();
    assert_eq!(
        stats["outbox"],
        json!({"due": 1, "scheduled": 1, "leased": 1, "held": 2})
    );
}

#[test]
fn a_delivery_is_held_and_sent_by_its_id() {
    let (database, mut conn) = connected();
    let conn = &mut conn;
    let delivery = queue(conn);
    let id = delivery.id.to_string();
    let held = run(&database, &["outbox", "--hold", &id]).exits(0);
    assert_eq!(
        held.stdout,
        format!("delivery {id} is held: no worker sends it until --resend\n")
    );
    assert!(
        outbox::claim(conn, &ClaimOptions::all_tenants("worker"))
            .unwrap()
            .is_empty()
    );

    let due = run(&database, &["outbox", "--resend", &id, "--tenant", "acme", "--json"]).exits(0);
    assert_eq!(due.json(), json!({"delivery_id": id, "outcome": "due"}));
    assert_eq!(claim(conn).delivery().id, delivery.id);
    run(&database, &["outbox", "--resend", &id])
        .exits(5)
        .says("no held delivery");
}

#[test]
fn the_lease_of_a_dead_worker_is_released() {
    let (database, mut conn) = connected();
    let conn = &mut conn;
    let delivery = queue(conn);
    let dead = claim(conn);
    run(&database, &["outbox", "--release", &delivery.id.to_string()]).exits(0);
    assert!(dead.begin(conn).unwrap_err().is_lease_lost());
    assert_eq!(claim(conn).delivery(), &reload(conn, &delivery));
}

#[test]
fn a_delivery_that_does_not_wait_or_is_anothers_is_not_found() {
    let (database, mut conn) = connected();
    let waiting = queue(&mut conn).id.to_string();
    let tracked = insert(&mut conn, &to("bob@example.com")).id.to_string();
    let nobodys = Uuid::nil().to_string();
    for option in ["--release", "--hold", "--resend"] {
        for id in [&tracked, &nobodys] {
            run(&database, &["outbox", option, id])
                .exits(5)
                .says("no delivery in the outbox");
        }
        run(&database, &["outbox", option, &waiting, "--tenant", "other"]).exits(5);
    }
    for wrong in [
        &["outbox", "--hold", &waiting, "--resend", &waiting][..],
        &["outbox", "--hold", &waiting, "--limit", "1"],
        &["outbox", "--hold", "x"],
    ] {
        run(&database, wrong).exits(2);
    }
}
