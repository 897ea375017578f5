//! What the calls read, with plans that were made when the tables were empty, and with many rows: the costs do not depend on the
//! length of the queue.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use mailglass::outbox::{self, ClaimOptions, RateLimit};
use std::time::Duration;

use super::options;
use crate::support::{connected, rows_read};

/// A hundred tenants with two due rows each, and one with 100,000 more: due, scheduled, leased and held ones.
const GROW: &str = "
    INSERT INTO mailglass_deliveries (
        id, tenant_id, mailable, stream, recipient, recipient_domain, last_event_type, last_event_at
    )
    SELECT
        md5('d' || n)::uuid, CASE WHEN n <= 200 THEN 'tenant-' || n % 100 ELSE 'big' END, 'news', 'bulk', 'r' || n || '@x.org',
        'x.org', 'queued', now()
    FROM generate_series(1, 100200) AS n;

    INSERT INTO mailglass_outbox (
        delivery_id, tenant_id, stream, recipient_domain, available_at, attempts, last_attempt, lease_id, worker, held_at
    )
    SELECT
        md5('d' || n)::uuid, CASE WHEN n <= 200 THEN 'tenant-' || n % 100 ELSE 'big' END, 'bulk',
        CASE WHEN n % 2 = 0 THEN 'x.org' ELSE 'y.org' END,
        CASE WHEN n <= 200 OR n % 4 > 0 THEN now() - interval '1 second' * n ELSE now() + interval '1 hour' END,
        0, 'none', NULL, NULL, CASE WHEN n > 200 AND n % 100 = 1 THEN now() END
    FROM generate_series(1, 100200) AS n";

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

fn variants() -> [(&'static str, ClaimOptions); 5] {
    let limit = RateLimit {
        claims: 1_000,
        window: Duration::from_secs(60),
    };
    [
        ("all tenants", options()),
        ("one", ClaimOptions { limit: 1, ..options() }),
        ("a tenant", ClaimOptions::of_tenant("worker", "big")),
        (
            "with a tenant's limit",
            ClaimOptions {
                tenant_limit: Some(limit),
                ..options()
            },
        ),
        (
            "with a domain's limit",
            ClaimOptions {
                domain_limit: Some(limit),
                ..options()
            },
        ),
    ]
}

#[test]
fn what_a_claim_reads_does_not_depend_on_the_length_of_the_queue() {
    for analyzed in [false, true] {
        let (_database, mut conn) = connected();
        // The connection keeps the plans.
        for _ in 0..7 {
            for (_, options) in variants() {
                outbox::claim(&mut conn, &options).unwrap();
            }
        }
        conn.batch_execute(GROW).unwrap();
        if analyzed {
            conn.batch_execute("ANALYZE").unwrap();
        }
        for (name, options) in variants() {
            conn.test_transaction(|conn| -> QueryResult<()> {
                let (rows, pages) = (rows_read(conn), blocks(conn));
                let claimed = outbox::claim(conn, &options).unwrap();
                assert_eq!(claimed.len(), options.limit as usize, "{name}");
                let (rows, pages) = (rows_read(conn) - rows, blocks(conn) - pages);
                eprintln!("{analyzed} {name}: {rows} rows, {pages} blocks");
                Ok(())
            });
        }
    }
}
