//! What a person sees and decides.

use chrono::Utc;
use mailglass::outbox::{self, ClaimOptions, QueueStatus};
use mailglass::tenancy::Tenants;
use mailglass::{NewDelivery, Stream};
use std::time::Duration;

use super::{begin, claim, claim_one, expire, queued, resending, rows};
use crate::support::{TENANT, at, connected, insert, to};

#[test]
fn every_delivery_is_counted_once() {
    let (_database, mut conn) = connected();
    insert(&mut conn, &to("leased@x.org").send());
    claim_one(&mut conn);
    insert(&mut conn, &to("due@x.org").send_at(at(1)));
    insert(&mut conn, &to("due@x.org").send());
    insert(
        &mut conn,
        &to("later@x.org").send_at(Utc::now() + Duration::from_secs(60)),
    );
    let held = insert(&mut conn, &to("held@x.org").send());
    outbox::hold(&mut conn, TENANT, held.id).unwrap();
    let other = NewDelivery::new("globex", "news", Stream::Bulk, "ann@example.com");
    insert(&mut conn, &other.send());

    let status = outbox::status(&mut conn, &Tenants::All).unwrap();
    let counts = |status: &QueueStatus| [status.due, status.scheduled, status.leased, status.held];
    assert_eq!(
        status.iter().map(counts).collect::<Vec<_>>(),
        [[2, 1, 1, 1], [1, 0, 0, 0]]
    );
    assert_eq!(status[0].oldest_due_at, Some(at(1)));
    let of_globex = outbox::status(&mut conn, &Tenants::Only("globex".to_owned())).unwrap();
    assert_eq!(of_globex, [status[1].clone()]);
    assert_eq!(
        (of_globex[0].tenant_id.as_str(), of_globex[0].stream),
        ("globex", Stream::Bulk)
    );
}

#[test]
fn a_held_delivery_is_not_claimed_until_somebody_resends_it() {
    let (_database, mut conn) = connected();
    let delivery = queued(&mut conn);
    outbox::hold(&mut conn, TENANT, delivery.id).unwrap();
    outbox::hold(&mut conn, TENANT, delivery.id).unwrap(); // once more changes nothing
    expire(&mut conn);
    assert_eq!(outbox::claim(&mut conn, &resending()).unwrap(), []);
    let held = outbox::held(&mut conn, &Tenants::Only(TENANT.to_owned()), 10).unwrap();
    assert_eq!(
        (held[0].delivery_id, held[0].may_have_been_sent, held[0].attempts),
        (delivery.id, false, 0)
    );
    assert_eq!(
        outbox::held(&mut conn, &Tenants::Only("globex".to_owned()), 10).unwrap(),
        []
    );

    outbox::resend(&mut conn, TENANT, delivery.id).unwrap();
    assert_eq!(claim_one(&mut conn).delivery().id, delivery.id);
    assert!(
        outbox::resend(&mut conn, TENANT, delivery.id)
            .unwrap_err()
            .is_not_found()
    );
}

#[test]
fn the_lease_of_a_dead_worker_can_be_ended() {
    let (_database, mut conn) = connected();
    let delivery = queued(&mut conn);
    let dead = claim_one(&mut conn);
    assert_eq!(claim(&mut conn), []);
    outbox::release(&mut conn, TENANT, delivery.id).unwrap();
    assert!(dead.begin(&mut conn).unwrap_err().is_lease_lost());
    assert!(
        outbox::release(&mut conn, TENANT, delivery.id)
            .unwrap_err()
            .is_not_found()
    );
    // If it had begun an attempt, that one is unknown.
    begin(&mut conn);
    outbox::release(&mut conn, TENANT, delivery.id).unwrap();
    assert_eq!(claim(&mut conn), []);
    assert!(outbox::held(&mut conn, &Tenants::All, 10).unwrap()[0].may_have_been_sent);
}

#[test]
fn nobody_decides_about_a_delivery_of_another_tenant() {
    let (_database, mut conn) = connected();
    let delivery = queued(&mut conn);
    assert!(
        outbox::hold(&mut conn, "globex", delivery.id)
            .unwrap_err()
            .is_not_found()
    );
    let claim = claim_one(&mut conn);
    assert!(
        outbox::release(&mut conn, "globex", delivery.id)
            .unwrap_err()
            .is_not_found()
    );
    claim.release(&mut conn).unwrap();
    outbox::hold(&mut conn, TENANT, delivery.id).unwrap();
    assert!(
        outbox::resend(&mut conn, "globex", delivery.id)
            .unwrap_err()
            .is_not_found()
    );
    assert_eq!(rows(&mut conn), 1);
}

/// Held rows of a tenant are compared by the claims of this tenant, and of all.
#[test]
fn claims_of_another_tenant_do_not_look_at_held_deliveries() {
    let (_database, mut conn) = connected();
    let delivery = queued(&mut conn);
    outbox::hold(&mut conn, TENANT, delivery.id).unwrap();
    delivery.mark_dispatched(&mut conn, "ses", "m-1", at(0)).unwrap();
    outbox::claim(&mut conn, &ClaimOptions::of_tenant("worker", "globex")).unwrap();
    assert_eq!(rows(&mut conn), 1);
    outbox::claim(&mut conn, &ClaimOptions::of_tenant("worker", TENANT)).unwrap();
    assert_eq!(rows(&mut conn), 0);
}

#[test]
fn many_held_deliveries_are_compared_in_turn() {
    let (_database, mut conn) = connected();
    let batch: Vec<NewDelivery> = (0..250).map(|number| to(&format!("r{number}@x.org")).send()).collect();
    let inserted = NewDelivery::insert_all(&mut conn, &batch).unwrap();
    for inserted in &inserted {
        outbox::hold(&mut conn, TENANT, inserted.delivery().id).unwrap();
        inserted
            .delivery()
            .mark_failed(&mut conn, serde_json::json!({}), at(0))
            .unwrap();
    }
    for left in [150, 50, 0] {
        claim(&mut conn);
        assert_eq!(rows(&mut conn), left);
    }
}
