//! The rows that a check reads, and its round trips.

use diesel::connection::{InstrumentationEvent, SimpleConnection};
use diesel::prelude::*;
use mailglass::Stream;
use mailglass::suppressions::check;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{TENANT, connect, connected, rows_read};

const GROW: &str = "
    INSERT INTO mailglass_suppressions (id, tenant_id, scope, digest, address, reason)
    SELECT gen_random_uuid(), 'acme', 'address', sha256(convert_to('4:acme:' || address, 'UTF8')), address, 'complaint'
    FROM (SELECT 'reader' || n || '@example.com' AS address FROM generate_series(1, 100000) AS n) AS addresses";

/// On a connection that planned the check while the table was empty, and on a new one.
#[test]
fn a_check_of_a_thousand_recipients_reads_no_row_of_anybody_else() {
    let (database, mut conn) = connected();
    let recipients: Vec<String> = (0..1_000).map(|n| format!("Reader{}@example.com", n * 200)).collect();
    for _ in 0..10 {
        assert!(
            check(&mut conn, TENANT, Stream::Bulk, &recipients)
                .unwrap()
                .iter()
                .all(Option::is_none)
        );
    }
    conn.batch_execute(GROW).unwrap();
    let reads = |conn: &mut PgConnection| {
        conn.transaction(|conn| {
            let before = rows_read(conn);
            let found = check(conn, TENANT, Stream::Bulk, &recipients).unwrap();
            assert_eq!(found.iter().filter(|found| found.is_some()).count(), 500);
            QueryResult::Ok(rows_read(conn) - before)
        })
        .unwrap()
    };
    assert_eq!(reads(&mut conn), 500);
    assert_eq!(reads(&mut connect(&database)), 500);
    conn.batch_execute("ANALYZE mailglass_suppressions").unwrap();
    assert_eq!(reads(&mut conn), 500);
}

#[test]
fn a_check_is_one_round_trip() {
    let (_database, mut conn) = connected();
    check(&mut conn, TENANT, Stream::Bulk, &["ann@example.com"]).unwrap();
    let queries = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&queries);
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { .. } = event {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    let recipients: Vec<String> = (0..1_000).map(|n| format!("reader{n}@example.com")).collect();
    check(&mut conn, TENANT, Stream::Bulk, &recipients).unwrap();
    assert_eq!(queries.load(Ordering::Relaxed), 1);
}
