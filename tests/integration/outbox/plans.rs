//! What the calls read, with plans that were made when the tables were empty, and with many rows: the costs do not depend on the
//! length of the queue.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use mailglass::outbox::{self, Claim, ClaimOptions, RateLimit};
use mailglass::suppressions::Suppress;
use mailglass::tenancy::Tenants;
use serde_json::json;
use std::time::Duration;

use super::{options, queued};
use crate::support::{connected, rows_read};

/// A hundred tenants with two due rows each, and one with 20,000 more: due, scheduled and held ones.
pub(super) const GROW: &str = "
    INSERT INTO mailglass_deliveries (
        id, tenant_id, mailable, stream, recipient, recipient_domain, last_event_type, last_event_at
    )
    SELECT
        md5('d' || n)::uuid, CASE WHEN n <= 200 THEN 'tenant-' || n % 100 ELSE 'big' END, 'news', 'bulk', 'r' || n || '@x.org',
        'x.org', 'queued', now()
    FROM generate_series(1, 20200) AS n;

    INSERT INTO mailglass_outbox (
        delivery_id, tenant_id, stream, recipient_domain, available_at, attempts, last_attempt, lease_id, worker, held_at
    )
    SELECT
        md5('d' || n)::uuid, CASE WHEN n <= 200 THEN 'tenant-' || n % 100 ELSE 'big' END, 'bulk',
        CASE WHEN n % 2 = 0 THEN 'x.org' ELSE 'y.org' END,
        CASE WHEN n <= 200 OR n % 4 > 0 THEN now() - interval '1 second' * n ELSE now() + interval '1 hour' END,
        0, 'none', NULL, NULL, CASE WHEN n > 200 AND n % 10000 = 1 THEN now() END
    FROM generate_series(1, 20200) AS n;

    INSERT INTO mailglass_outbox_usage (tenant_id, recipient_domain, window_seconds, window_ends_at, claims)
    SELECT 'tenant-' || n % 100, 'd' || n, 60, now() + interval '1 minute', 1 FROM generate_series(1, 10000) AS n;

    INSERT INTO mailglass_suppressions (id, tenant_id, scope, digest, reason)
    SELECT md5('s' || n)::uuid, 'big', 'address', sha256(n::text::bytea), 'hard_bounce' FROM generate_series(1, 10000) AS n";

#[derive(QueryableByName)]
struct Blocks {
    #[diesel(sql_type = BigInt)]
    blocks: i64,
}

/// How many blocks of the outbox and its indexes the current transaction has accessed.
fn blocks(conn: &mut PgConnection) -> i64 {
    let query = "SELECT sum(pg_stat_get_xact_blocks_fetched(oid))::bigint AS blocks FROM pg_class
                 WHERE relname LIKE 'mailglass_outbox%' AND relkind IN ('r', 'i')";
    sql_query(query).get_result::<Blocks>(conn).unwrap().blocks
}

/// Makes a call in a transaction that is rolled back, and returns how many rows and blocks it accessed.
pub(super) fn cost<T>(conn: &mut PgConnection, call: impl FnOnce(&mut PgConnection) -> T) -> (i64, i64) {
    conn.test_transaction::<_, diesel::result::Error, _>(|conn| {
        let (rows, pages) = (rows_read(conn), blocks(conn));
        call(conn);
        Ok((rows_read(conn) - rows, blocks(conn) - pages))
    })
}

pub(super) fn variants() -> [(&'static str, ClaimOptions); 5] {
    let limit = RateLimit {
        claims: 1_000,
        window: Duration::from_secs(60),
    };
    [
        ("claim", options()),
        ("claim of one", ClaimOptions { limit: 1, ..options() }),
        ("claim of a tenant", ClaimOptions::of_tenant("worker", "big")),
        (
            "claim with a tenant's limit",
            ClaimOptions {
                tenant_limit: Some(limit),
                ..options()
            },
        ),
        (
            "claim with a domain's limit",
            ClaimOptions {
                domain_limit: Some(limit),
                ..options()
            },
        ),
    ]
}

type Step = (&'static str, fn(&mut PgConnection, &Claim));

const STEPS: [Step; 9] = [
    ("begin", |conn, claim| drop(claim.begin(conn).unwrap())),
    ("extend", |conn, claim| {
        claim.extend(conn, Duration::from_secs(60)).unwrap()
    }),
    ("release", |conn, claim| claim.release(conn).unwrap()),
    ("failed", |conn, claim| drop(claim.failed(conn, json!({})).unwrap())),
    ("begin and retry", |conn, claim| {
        let attempt = claim.begin(conn).unwrap();
        attempt.retry(conn, json!({}), Duration::from_secs(60)).unwrap();
    }),
    ("begin and sent", |conn, claim| {
        drop(
            claim
                .begin(conn)
                .unwrap()
                .sent(conn, "ses", claim.delivery().id)
                .unwrap(),
        );
    }),
    ("hold and resend", |conn, claim| {
        let delivery = claim.delivery();
        outbox::hold(conn, &delivery.tenant_id, delivery.id).unwrap();
        outbox::resend(conn, &delivery.tenant_id, delivery.id).unwrap();
    }),
    ("release by id", |conn, claim| {
        let delivery = claim.delivery();
        outbox::release(conn, &delivery.tenant_id, delivery.id).unwrap();
    }),
    ("a claim that checks suppressions", |conn, _| {
        let options = ClaimOptions {
            suppress: Some(Suppress::Always),
            ..options()
        };
        outbox::claim(conn, &options).unwrap();
    }),
];

/// Every call once, so that the connection has planned all statements.
fn plan_everything(conn: &mut PgConnection) {
    for (_, step) in STEPS {
        queued(conn);
        let claim = super::claim_one(conn);
        conn.test_transaction::<_, diesel::result::Error, _>(|conn| {
            step(conn, &claim);
            Ok(())
        });
        claim.failed(conn, json!({})).unwrap();
    }
    for (_, options) in variants() {
        outbox::claim(conn, &options).unwrap();
    }
    outbox::wait(conn, &Tenants::All, Duration::ZERO).unwrap();
}

#[test]
fn what_a_call_reads_does_not_depend_on_the_length_of_the_queue() {
    for is_analyzed in [false, true] {
        let (_database, mut conn) = connected();
        // Autovacuum must not come in between.
        conn.batch_execute("ALTER TABLE mailglass_outbox SET (autovacuum_enabled = false)")
            .unwrap();
        // Often enough for generic plans, which the connection keeps.
        for _ in 0..6 {
            plan_everything(&mut conn);
        }
        conn.batch_execute(GROW).unwrap();
        if is_analyzed {
            conn.batch_execute("ANALYZE").unwrap();
        }
        let mut costs = Vec::new();
        for (name, options) in variants() {
            let claimed = options.limit as usize;
            let cost = cost(&mut conn, |conn| {
                assert_eq!(outbox::claim(conn, &options).unwrap().len(), claimed, "{name}");
            });
            costs.push((name, cost));
        }
        let claim = outbox::claim(&mut conn, &ClaimOptions { limit: 1, ..options() })
            .unwrap()
            .remove(0);
        for (name, step) in STEPS {
            costs.push((name, cost(&mut conn, |conn| step(conn, &claim))));
        }
        // A claim of ten visits a hundred tenants, and looks at two held rows.
        for (name, (rows, pages)) in costs {
            assert!(
                rows <= 200 && pages <= 1_500,
                "{is_analyzed} {name}: {rows} rows, {pages} blocks"
            );
        }
    }
}

/// Everything is due and in one lane, and the planner knows it.
#[test]
fn a_claim_does_not_sort_a_long_lane() {
    let (_database, mut conn) = connected();
    conn.batch_execute(
        "INSERT INTO mailglass_outbox (delivery_id, tenant_id, stream, recipient_domain)
         SELECT md5('d' || n)::uuid, 'acme', 'bulk', 'x.org' FROM generate_series(1, 50000) AS n;
         INSERT INTO mailglass_deliveries (
             id, tenant_id, mailable, stream, recipient, recipient_domain, last_event_type, last_event_at
         )
         SELECT delivery_id, tenant_id, 'news', stream, 'ann@x.org', recipient_domain, 'queued', now() FROM mailglass_outbox;
         ANALYZE",
    )
    .unwrap();
    for options in [
        options(),
        ClaimOptions::of_tenant("worker", "acme"),
        ClaimOptions {
            limit: 100,
            ..options()
        },
    ] {
        // The last executions have the generic plan.
        for _ in 0..7 {
            let (rows, pages) = cost(&mut conn, |conn| {
                assert_eq!(outbox::claim(conn, &options).unwrap().len(), options.limit as usize);
            });
            assert!(rows <= 1_000 && pages <= 4_000, "{rows} rows, {pages} blocks");
        }
    }
}
