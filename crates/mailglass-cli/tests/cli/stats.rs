//! `mailglass stats`.

use mailglass::{EventType, ledger};
use serde_json::json;

use crate::program::{execute, run};
use crate::rebuild::delivery_of;
use test_support::{at, connected, database, event};

#[test]
fn everything_is_counted_for_all_tenants_or_one() {
    let (database, mut conn) = connected();
    let conn = &mut conn;
    delivery_of(conn, "other");
    delivery_of(conn, "acme");
    let failed = delivery_of(conn, "acme");
    failed.mark_failed(conn, json!({"code": 1}), at(1)).unwrap();
    let orphan = event(EventType::Delivered, 5).provider_message("postmark", "m1");
    ledger::record(conn, &[orphan]).unwrap();
    execute(
        conn,
        "UPDATE mailglass_event_links SET inserted_at = now() - interval '1 hour'",
    );

    // Of these, one has ended, and one has not begun.
    execute(
        conn,
        "INSERT INTO mailglass_suppressions (id, tenant_id, scope, digest, reason, since, until)
         SELECT gen_random_uuid(), 'acme', 'address', sha256(convert_to(reason, 'UTF8')), reason::mailglass_suppression_reason,
                now() + begins * interval '1 day', now() + ends * interval '1 day'
         FROM (VALUES ('manual', -1, NULL), ('complaint', -1, 1), ('policy', -2, -1), ('soft_bounce', 1, NULL))
             AS suppression (reason, begins, ends)",
    );

    let all = run(&database, &["stats", "--json"]).exits(0).json();
    let queued = json!({"status": "queued", "count": 2, "open": 2, "terminal": 0});
    let failed = json!({"status": "failed", "count": 1, "open": 0, "terminal": 1});
    assert_eq!(all["deliveries"], json!([queued, failed]));
    let of_type = |event_type: &str, count: u32| json!({"type": event_type, "count": count});
    assert_eq!(
        all["events"],
        json!([of_type("queued", 3), of_type("failed", 1), of_type("delivered", 1)])
    );
    assert_eq!(all["outbox"], json!({"due": 0, "scheduled": 0, "leased": 0, "held": 0}));
    assert_eq!(
        all["suppressions"],
        json!([{"reason": "complaint", "count": 1}, {"reason": "manual", "count": 1}])
    );
    assert_eq!(all["pending"], json!([{"reason": "no_delivery", "count": 1}]));
    assert!((3600.0..3700.0).contains(&all["links"]["oldest_pending_seconds"].as_f64().unwrap()));
    assert!(all["sizes"][0]["table_bytes"].as_i64().unwrap() > 0);

    let theirs = run(&database, &["stats", "--tenant", "other"]).exits(0);
    let tables = theirs.tables();
    assert_eq!(
        tables[0],
        [["status", "deliveries", "open", "terminal"], ["queued", "1", "1", "0"]]
    );
    assert_eq!(tables[2], [["state", "events"], ["linked", "0"], ["expired", "0"]]);
    assert_eq!(tables[3][1], ["due", "0"]);
    assert_eq!(tables[4], [["reason", "suppressions"]]);
    run(&database, &["stats"]).exits(0).says("has waited for 1h");
}

#[test]
fn an_empty_ledger_has_nothing_to_count() {
    let all = run(&database(), &["stats", "--json"]).exits(0).json();
    assert_eq!(all["deliveries"], json!([]));
    assert_eq!(all["links"]["oldest_pending_seconds"], json!(null));
}
