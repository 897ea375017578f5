//! The order of claims: streams by their priority, tenants in turn, and the oldest of a tenant first.

use std::collections::{BTreeMap, HashSet};

use diesel::prelude::*;
use mailglass::outbox::{self, Claim, ClaimOptions};
use mailglass::{NewDelivery, Stream};

use super::options;
use crate::support::{connect, connected, database};

fn queue(conn: &mut PgConnection, tenant: &str, stream: Stream, count: usize) {
    let deliveries: Vec<NewDelivery> = (0..count)
        .map(|number| NewDelivery::new(tenant, "news", stream, format!("{stream}-{number}@x.org")).send())
        .collect();
    NewDelivery::insert_all(conn, &deliveries).unwrap();
}

fn claim(conn: &mut PgConnection, limit: u32) -> Vec<Claim> {
    outbox::claim(conn, &ClaimOptions { limit, ..options() }).unwrap()
}

fn by_tenant(claims: &[Claim]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for claim in claims {
        *counts.entry(claim.delivery().tenant_id.as_str()).or_default() += 1;
    }
    counts
}

#[test]
fn transactional_comes_before_operational_before_bulk() {
    let (_database, mut conn) = connected();
    for stream in [Stream::Bulk, Stream::Operational, Stream::Transactional] {
        queue(&mut conn, "acme", stream, 2);
        queue(&mut conn, "globex", stream, 1);
    }
    let streams: Vec<Stream> = (0..3)
        .flat_map(|_| {
            claim(&mut conn, 3)
                .into_iter()
                .map(|claim| claim.delivery().stream)
                .collect::<Vec<_>>()
        })
        .collect();
    let mut expected = Stream::ALL.repeat(3);
    expected.sort();
    assert_eq!(streams, expected);
}

#[test]
fn the_oldest_of_a_tenant_comes_first() {
    let (_database, mut conn) = connected();
    for number in 0..5 {
        NewDelivery::new("acme", "news", Stream::Bulk, format!("{number}@x.org"))
            .send()
            .insert(&mut conn)
            .unwrap();
    }
    for number in 0..5 {
        let claims = claim(&mut conn, 1);
        assert_eq!(claims[0].delivery().recipient, format!("{number}@x.org"));
    }
}

/// One tenant has queued much more than the others, and before them.
#[test]
fn tenants_share_a_claim_equally() {
    let (_database, mut conn) = connected();
    queue(&mut conn, "big", Stream::Bulk, 1_000);
    for tenant in ["a", "b", "c"] {
        queue(&mut conn, tenant, Stream::Bulk, 50);
    }
    let claims = claim(&mut conn, 20);
    assert_eq!(
        by_tenant(&claims),
        BTreeMap::from([("a", 5), ("b", 5), ("big", 5), ("c", 5)])
    );
}

/// What a tenant does not need goes to the others, so no claim is smaller than it could be.
#[test]
fn a_claim_is_full_if_enough_is_due() {
    let (_database, mut conn) = connected();
    queue(&mut conn, "big", Stream::Bulk, 100);
    for number in 0..9 {
        queue(&mut conn, &format!("small-{number}"), Stream::Bulk, 1);
    }
    let claims = claim(&mut conn, 60);
    assert_eq!((claims.len(), by_tenant(&claims)["big"]), (60, 51));
    assert_eq!(claim(&mut conn, 60).len(), 49);
}

/// Claims of one: the tenants have the same chance, whatever they have queued.
#[test]
fn a_tenant_with_one_delivery_does_not_wait_behind_one_with_many() {
    let (_database, mut conn) = connected();
    queue(&mut conn, "big", Stream::Bulk, 2_000);
    queue(&mut conn, "small", Stream::Bulk, 1);
    // The chance that it is not among 60 claims is 2^-60.
    let is_claimed = (0..60).any(|_| claim(&mut conn, 1)[0].delivery().tenant_id == "small");
    assert!(is_claimed);
}

/// More tenants than a claim visits: every one of them is reached, because each claim begins at another place.
#[test]
fn every_one_of_many_tenants_is_reached() {
    let (_database, mut conn) = connected();
    for number in 0..200 {
        queue(&mut conn, &format!("t-{number}"), Stream::Bulk, 20);
    }
    let mut reached = HashSet::new();
    // A claim reaches 32 of 200. The chance that a tenant is missed a hundred times is below 1 in 10 million.
    for _ in 0..100 {
        reached.extend(
            claim(&mut conn, 32)
                .into_iter()
                .map(|claim| claim.delivery().tenant_id.clone()),
        );
    }
    assert_eq!(reached.len(), 200);
}

/// Many workers at once: each delivery is claimed by one of them, and none is left.
#[test]
fn concurrent_claims_share_the_queue() {
    let database = database();
    let mut conn = connect(&database);
    queue(&mut conn, "acme", Stream::Bulk, 300);
    queue(&mut conn, "globex", Stream::Transactional, 300);
    let claimed: Vec<Claim> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut conn = connect(&database);
                    let mut mine = Vec::new();
                    loop {
                        let claims = claim(&mut conn, 7);
                        if claims.is_empty() {
                            // Another claim may have had the last rows locked.
                            if outbox::status(&mut conn, &mailglass::tenancy::Tenants::All)
                                .unwrap()
                                .iter()
                                .all(|status| status.due == 0)
                            {
                                return mine;
                            }
                        }
                        mine.extend(claims);
                    }
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let ids: HashSet<_> = claimed.iter().map(|claim| claim.delivery().id).collect();
    assert_eq!((claimed.len(), ids.len()), (600, 600));
}
