//! Histories to cut, and what must hold after every cut.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Text};
use mailglass::retention::CutOptions;
use mailglass::{contract, projection};

use crate::support::TENANT;

/// The time up to which the tests cut.
pub fn before() -> DateTime<Utc> {
    Utc::now() - TimeDelta::days(400)
}

pub fn options() -> CutOptions {
    CutOptions::before(before())
}

/// Inserts deliveries with three events each: queued, dispatched and delivered. The odd ones are older than [`before`].
pub fn insert_history(conn: &mut PgConnection, deliveries: i64) {
    let statements = format!(
        "CREATE FUNCTION pg_temp.began(number bigint) RETURNS timestamptz LANGUAGE sql STABLE AS
             'SELECT now() - interval ''1 day'' * CASE WHEN number % 2 = 1 THEN 800 ELSE 100 END + interval ''1 s'' * number';
         CREATE FUNCTION pg_temp.id(number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
             'SELECT lpad(to_hex(number), 32, ''0'')::uuid';
         INSERT INTO mailglass_deliveries (
             id, tenant_id, mailable, stream, recipient, recipient_domain, last_event_type, last_event_at, terminal,
             dispatched_at, delivered_at, status, provider, provider_message_id, inserted_at
         )
         SELECT
             pg_temp.id(n), '{TENANT}', 'welcome', 'transactional', 'ann@example.com', 'example.com', 'delivered',
             pg_temp.began(n) + interval '2 s', true, pg_temp.began(n) + interval '1 s', pg_temp.began(n) + interval '2 s',
             'sent', 'postmark', 'm' || n, pg_temp.began(n)
         FROM generate_series(1, {deliveries}::bigint) AS n;
         INSERT INTO mailglass_events (id, tenant_id, delivery_id, type, occurred_at, idempotency_key, metadata, inserted_at)
         SELECT
             pg_temp.id(3 * n + k), '{TENANT}', pg_temp.id(n),
             (ARRAY['queued', 'dispatched', 'delivered'])[k + 1]::mailglass_event_type,
             pg_temp.began(n) + interval '1 s' * k, n || ':' || k, '{{\"campaign\": \"spring\"}}',
             pg_temp.began(n) + interval '1 s' * k
         FROM generate_series(1, {deliveries}::bigint) AS n, generate_series(0, 2) AS k;
         ANALYZE mailglass_deliveries;
         ANALYZE mailglass_events"
    );
    conn.batch_execute(&statements).unwrap();
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// The number of rows that a query returns.
pub fn count(conn: &mut PgConnection, query: &str) -> i64 {
    let count: Count = sql_query(format!("SELECT count(*) AS count FROM ({query}) AS found"))
        .get_result(conn)
        .unwrap();
    count.count
}

#[derive(QueryableByName)]
struct Rows {
    #[diesel(sql_type = Array<Text>)]
    rows: Vec<String>,
}

/// All rows of a table as text, sorted.
pub fn rows(conn: &mut PgConnection, table: &str) -> Vec<String> {
    let rows: Rows = sql_query(format!(
        "SELECT ARRAY(SELECT found::text FROM {table} AS found ORDER BY 1) AS rows"
    ))
    .get_result(conn)
    .unwrap();
    rows.rows
}

/// The facts of all deliveries, in `(delivery_id, event_id, age)`, among the events of a table.
fn facts(events: &str) -> String {
    format!(
        "SELECT event.delivery_id, event.id AS event_id, least(event.occurred_at, event.inserted_at) AS age
         FROM {events} AS event WHERE NOT event.needs_reconciliation AND event.delivery_id IS NOT NULL
         UNION ALL
         SELECT link.delivery_id, event.id, least(event.occurred_at, event.inserted_at)
         FROM {events} AS event JOIN all_links AS link ON link.event_id = event.id WHERE link.delivery_id IS NOT NULL"
    )
}

/// Remembers the links, because a cut deletes those that leave. (Deliveries that leave are found by their events.)
pub fn remember_links(conn: &mut PgConnection) {
    conn.batch_execute("CREATE TABLE all_links AS SELECT event_id, delivery_id FROM mailglass_event_links")
        .unwrap();
}

/// What must hold after a cut, given the old ledger: every delivery is whole or gone, what left was old, nothing of the cut is left, and
/// projections and objects are as they should be.
pub fn assert_cut(conn: &mut PgConnection, kept: &str, before: DateTime<Utc>) {
    let before = before.to_rfc3339();
    let (old, new) = (facts(kept), facts("mailglass_events"));
    let checks = [
        (
            "a fact of a delivery that stays is missing",
            format!(
                "SELECT FROM ({old}) AS fact JOIN mailglass_deliveries AS delivery ON delivery.id = fact.delivery_id
                 WHERE NOT EXISTS (SELECT FROM mailglass_events AS event WHERE event.id = fact.event_id)"
            ),
        ),
        (
            "an event left that was not old",
            format!(
                "SELECT FROM {kept} AS old WHERE least(occurred_at, inserted_at) >= '{before}'
                 AND NOT EXISTS (SELECT FROM mailglass_events AS event WHERE event.id = old.id)"
            ),
        ),
        (
            "an event changed",
            format!(
                "SELECT FROM {kept} AS old JOIN mailglass_events AS event ON event.id = old.id
                 WHERE event::text <> old::text"
            ),
        ),
        (
            "a delivery that left has a young fact",
            format!(
                "SELECT FROM ({old}) AS fact WHERE age >= '{before}' AND NOT EXISTS
                 (SELECT FROM mailglass_events AS event WHERE event.id = fact.event_id)"
            ),
        ),
        (
            "a delivery that left has an old fact in the ledger",
            format!(
                "SELECT FROM ({new}) AS fact WHERE age < '{before}' AND NOT EXISTS
                 (SELECT FROM mailglass_deliveries AS delivery WHERE delivery.id = fact.delivery_id)"
            ),
        ),
        (
            "an old delivery stayed without a reason",
            format!(
                "SELECT FROM mailglass_deliveries AS delivery
                 WHERE EXISTS (SELECT FROM ({new}) AS fact WHERE fact.delivery_id = delivery.id)
                   AND NOT EXISTS (SELECT FROM ({new}) AS fact WHERE fact.delivery_id = delivery.id AND age >= '{before}')"
            ),
        ),
        (
            "a link or details left their event behind, or the other way round",
            "SELECT event_id FROM mailglass_event_links UNION ALL SELECT event_id FROM mailglass_event_details
             EXCEPT SELECT id FROM mailglass_events"
                .to_owned(),
        ),
        (
            "something of the cut is left",
            "SELECT FROM pg_class WHERE relname ~ 'mailglass_cut|mailglass_events_next'
             UNION ALL SELECT FROM pg_proc WHERE proname ~ 'mailglass_cut'
             UNION ALL SELECT FROM pg_trigger WHERE tgname ~ 'mailglass_cut'"
                .to_owned(),
        ),
    ];
    for (problem, query) in checks {
        assert_eq!(count(conn, &query), 0, "{problem}");
    }
    assert_eq!(projection::verify(conn, TENANT).unwrap(), []);
    assert_eq!(contract::verify(conn).unwrap(), []);
}
