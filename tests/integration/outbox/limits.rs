//! Limits of claims in a window of time.

use std::collections::BTreeMap;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_query;
use mailglass::outbox::{self, Claim, ClaimOptions, RateLimit};
use mailglass::schema::mailglass_outbox_usage;
use mailglass::{NewDelivery, Stream};

use super::options;
use crate::support::{connect, connected, database};

/// A window that does not end during a test.
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

fn limit(claims: u32) -> Option<RateLimit> {
    Some(RateLimit { claims, window: WEEK })
}

fn queue(conn: &mut PgConnection, tenant: &str, domain: &str, stream: Stream, count: usize) {
    let deliveries: Vec<NewDelivery> = (0..count)
        .map(|number| NewDelivery::new(tenant, "news", stream, format!("r{number}@{domain}")).send())
        .collect();
    NewDelivery::insert_all(conn, &deliveries).unwrap();
}

fn claims_of(conn: &mut PgConnection, options: &ClaimOptions) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    loop {
        let claims: Vec<Claim> = outbox::claim(conn, options).unwrap();
        if claims.is_empty() {
            return counts;
        }
        for claim in claims {
            let delivery = claim.delivery();
            *counts
                .entry((delivery.tenant_id.clone(), delivery.recipient_domain.clone()))
                .or_default() += 1;
        }
    }
}

fn total(counts: &BTreeMap<(String, String), usize>, tenant: &str) -> usize {
    counts
        .iter()
        .filter(|((of, _), _)| of == tenant)
        .map(|(_, count)| count)
        .sum()
}

#[test]
fn a_tenant_gets_as_many_claims_as_its_limit() {
    let (_database, mut conn) = connected();
    for stream in Stream::ALL.iter().copied() {
        queue(&mut conn, "big", "x.org", stream, 30);
    }
    queue(&mut conn, "small", "x.org", Stream::Bulk, 5);
    let options = ClaimOptions {
        tenant_limit: limit(25),
        limit: 7,
        ..options()
    };
    let counts = claims_of(&mut conn, &options);
    assert_eq!((total(&counts, "big"), total(&counts, "small")), (25, 5));
}

/// The domain whose limit is reached does not keep the others waiting, although it is before them in the queue.
#[test]
fn a_domain_gets_as_many_claims_as_its_limit() {
    let (_database, mut conn) = connected();
    queue(&mut conn, "acme", "gmail.com", Stream::Bulk, 300);
    queue(&mut conn, "acme", "gmail.com", Stream::Transactional, 5);
    queue(&mut conn, "acme", "x.org", Stream::Bulk, 8);
    queue(&mut conn, "acme", "1and1.com", Stream::Bulk, 3);
    queue(&mut conn, "globex", "gmail.com", Stream::Bulk, 30);
    let options = ClaimOptions {
        domain_limit: limit(12),
        limit: 6,
        ..options()
    };
    let first = outbox::claim(&mut conn, &options).unwrap();
    assert_eq!(
        first
            .iter()
            .filter(|claim| claim.delivery().stream == Stream::Transactional)
            .count(),
        5
    );
    let mut counts = claims_of(&mut conn, &options);
    for claim in &first {
        let delivery = claim.delivery();
        *counts
            .entry((delivery.tenant_id.clone(), delivery.recipient_domain.clone()))
            .or_default() += 1;
    }
    let found: Vec<(&str, &str, usize)> = counts
        .iter()
        .map(|((tenant, domain), count)| (tenant.as_str(), domain.as_str(), *count))
        .collect();
    assert_eq!(
        found,
        [
            ("acme", "1and1.com", 3),
            ("acme", "gmail.com", 12),
            ("acme", "x.org", 8),
            ("globex", "gmail.com", 12)
        ]
    );
}

#[test]
fn both_limits_hold_together() {
    let (_database, mut conn) = connected();
    for domain in ["a.org", "b.org", "c.org"] {
        queue(&mut conn, "acme", domain, Stream::Bulk, 50);
    }
    let options = ClaimOptions {
        tenant_limit: limit(20),
        domain_limit: limit(9),
        ..options()
    };
    let counts = claims_of(&mut conn, &options);
    assert_eq!(total(&counts, "acme"), 20);
    assert!(counts.values().all(|count| *count <= 9), "{counts:?}");
}

#[test]
fn the_next_window_begins_at_zero_and_ended_windows_are_forgotten() {
    let (_database, mut conn) = connected();
    queue(&mut conn, "acme", "x.org", Stream::Bulk, 30);
    let options = ClaimOptions {
        tenant_limit: limit(10),
        domain_limit: limit(10),
        ..options()
    };
    for _ in 0..3 {
        assert_eq!(claims_of(&mut conn, &options).values().sum::<usize>(), 10);
        assert_eq!(mailglass_outbox_usage::table.count().get_result(&mut conn), Ok(2_i64));
        sql_query("UPDATE mailglass_outbox_usage SET window_ends_at = window_ends_at - interval '7 days'")
            .execute(&mut conn)
            .unwrap();
    }
    assert_eq!(outbox::claim(&mut conn, &options).unwrap(), []);
    assert_eq!(mailglass_outbox_usage::table.count().get_result(&mut conn), Ok(0_i64));
}

#[test]
fn a_claim_without_limits_counts_nothing() {
    let (_database, mut conn) = connected();
    queue(&mut conn, "acme", "x.org", Stream::Bulk, 3);
    assert_eq!(outbox::claim(&mut conn, &options()).unwrap().len(), 3);
    assert_eq!(mailglass_outbox_usage::table.count().get_result(&mut conn), Ok(0_i64));
}

#[test]
fn concurrent_claims_do_not_exceed_a_limit() {
    let database = database();
    let mut conn = connect(&database);
    queue(&mut conn, "acme", "x.org", Stream::Bulk, 200);
    queue(&mut conn, "acme", "y.org", Stream::Operational, 200);
    let options = ClaimOptions {
        tenant_limit: limit(101),
        domain_limit: limit(77),
        limit: 3,
        ..options()
    };
    let counts: Vec<BTreeMap<_, usize>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| claims_of(&mut connect(&database), &options)))
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let sum = |domain: &str| -> usize {
        counts
            .iter()
            .flatten()
            .filter(|((_, of), _)| of == domain)
            .map(|(_, count)| count)
            .sum()
    };
    assert_eq!(sum("x.org") + sum("y.org"), 101);
    assert!(sum("x.org") <= 77 && sum("y.org") <= 77);
}
