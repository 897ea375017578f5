//! Which rows leave, and which stay.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use mailglass::retention::{self, OldLedger};
use mailglass::{EventType, NewDelivery, NewEvent, Stream, ledger};
use uuid::Uuid;

use super::history::{assert_cut, before, count, insert_history, options, remember_links, rows};
use crate::support::{TENANT, connected, database_error, sweep_now};

fn old() -> DateTime<Utc> {
    before() - TimeDelta::days(30)
}

fn young() -> DateTime<Utc> {
    before() + TimeDelta::days(30)
}

/// Inserts a delivery with a first event, by SQL so that it is also `inserted` at that time.
fn delivery(conn: &mut PgConnection, number: u128, at: DateTime<Utc>) -> Uuid {
    let id = Uuid::from_u128(number);
    NewDelivery::new(TENANT, "welcome", Stream::Transactional, "ann@example.com")
        .id(id)
        .first_event(EventType::Queued, at)
        .provider("postmark")
        .provider_message_id(format!("m{number}"))
        .insert(conn)
        .unwrap();
    id
}

fn event(at: DateTime<Utc>) -> NewEvent {
    NewEvent::new(TENANT, EventType::Opened, at)
}

fn exists(conn: &mut PgConnection, delivery: Uuid) -> bool {
    count(
        conn,
        &format!("SELECT FROM mailglass_deliveries WHERE id = '{delivery}'"),
    ) == 1
}

fn events_of(conn: &mut PgConnection, delivery: Uuid) -> i64 {
    count(
        conn,
        &format!("SELECT FROM mailglass_events WHERE delivery_id = '{delivery}'"),
    )
}

#[test]
fn deliveries_leave_with_all_of_their_events_and_the_others_keep_all_of_theirs() {
    let (_database, mut conn) = connected();
    insert_history(&mut conn, 50);
    let stays: Vec<String> = rows(
        &mut conn,
        "(SELECT * FROM mailglass_deliveries WHERE last_event_at > now() - interval '400 days')",
    );
    remember_links(&mut conn);
    let all = rows(&mut conn, "mailglass_events");

    let report = retention::cut(&mut conn, &options()).unwrap();
    assert_eq!(
        (report.deliveries_left, report.events_left, report.events_kept),
        (25, 75, 75)
    );
    // Not one bit of a delivery that stays has changed.
    assert_eq!(rows(&mut conn, "mailglass_deliveries"), stays);
    let kept = report.kept_as.unwrap();
    assert_eq!(kept, format!("mailglass_events_until_{}", before().format("%Y%m%d")));
    assert_eq!(rows(&mut conn, &kept), all);
    assert_cut(&mut conn, &kept, before());
}

#[test]
fn the_last_event_decides_and_not_the_projection() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let opened_later = delivery(conn, 1, old());
    ledger::record(conn, &[event(young()).delivery(opened_later)]).unwrap();
    let appended_later = delivery(conn, 2, old());
    ledger::append(conn, &[event(young()).delivery(appended_later)]).unwrap();
    let stale = delivery(conn, 3, old());
    conn.batch_execute("UPDATE mailglass_deliveries SET last_event_at = now() WHERE provider_message_id = 'm3'")
        .unwrap();
    let linked_later = delivery(conn, 4, old());
    let other = delivery(conn, 5, old());
    conn.batch_execute(
        "UPDATE mailglass_deliveries SET provider_message_id = 'later' WHERE provider_message_id = 'm4'",
    )
    .unwrap();
    ledger::record(conn, &[event(young()).provider_message("postmark", "unknown")]).unwrap();
    conn.batch_execute(
        "UPDATE mailglass_deliveries SET provider_message_id = 'unknown' WHERE provider_message_id = 'later'",
    )
    .unwrap();
    assert_eq!(sweep_now(conn).linked, 1);
    remember_links(conn);

    let report = retention::cut(conn, &options()).unwrap();
    assert!(exists(conn, opened_later) && exists(conn, appended_later) && exists(conn, linked_later));
    assert_eq!((events_of(conn, opened_later), events_of(conn, appended_later)), (2, 2));
    assert!(!exists(conn, stale) && !exists(conn, other));
    assert_eq!(report.deliveries_left, 2);
    mailglass::projection::repair(conn, TENANT).unwrap();
    assert_cut(conn, &report.kept_as.unwrap(), before());
}

#[test]
fn a_time_in_the_future_does_not_keep_a_delivery_for_ever() {
    let (_database, mut conn) = connected();
    insert_history(&mut conn, 1);
    let id = Uuid::from_u128(1);
    conn.batch_execute(&format!(
        "INSERT INTO mailglass_events (id, tenant_id, delivery_id, type, occurred_at, inserted_at)
         VALUES (gen_random_uuid(), '{TENANT}', '{id}', 'opened', '9999-01-01', now() - interval '700 days')"
    ))
    .unwrap();
    let report = retention::cut(&mut conn, &options()).unwrap();
    assert_eq!((report.deliveries_left, report.events_left), (1, 4));
}

#[test]
fn an_event_without_a_delivery_leaves_by_its_own_age_unless_it_waits() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let deleted = delivery(conn, 1, old());
    ledger::record(conn, &[event(young()).delivery(deleted)]).unwrap();
    conn.batch_execute("DELETE FROM mailglass_deliveries").unwrap();
    // These name nothing, or a message that is unknown.
    ledger::record(conn, &[event(old()), event(young())]).unwrap();
    let unknown = |at, id: &str| event(at).provider_message("postmark", id);
    ledger::record(conn, &[unknown(old(), "expires"), unknown(old(), "waits")]).unwrap();
    conn.batch_execute("UPDATE mailglass_event_links SET expired_at = now() WHERE provider_message_id = 'expires'")
        .unwrap();
    remember_links(conn);

    let report = retention::cut(conn, &options()).unwrap();
    assert_eq!((report.events_left, report.events_kept, report.links_left), (3, 3, 1));
    assert_eq!(events_of(conn, deleted), 1);
    assert_eq!(mailglass::reconciler::waiting(conn, TENANT, 10).unwrap().len(), 1);
    // It is linked when its delivery arrives.
    delivery(conn, 2, old());
    conn.batch_execute("UPDATE mailglass_deliveries SET provider_message_id = 'waits'")
        .unwrap();
    assert_eq!(sweep_now(conn).linked, 1);
}

#[test]
fn the_events_of_another_tenant_are_no_facts() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let ann = delivery(conn, 1, old());
    // Somebody wrote it by hand: it names ann's delivery, but belongs to another tenant.
    conn.batch_execute(&format!(
        "INSERT INTO mailglass_events (id, tenant_id, delivery_id, type, occurred_at)
         VALUES (gen_random_uuid(), 'other', '{ann}', 'opened', now())"
    ))
    .unwrap();
    let report = retention::cut(conn, &options()).unwrap();
    assert_eq!(
        (report.deliveries_left, report.events_left, report.events_kept),
        (1, 1, 1)
    );
}

#[test]
fn details_and_links_leave_with_their_delivery() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    insert_history(conn, 10);
    conn.batch_execute(
        "INSERT INTO mailglass_event_details (event_id, tenant_id, data)
             SELECT id, tenant_id, '{\"ip_address\": \"192.0.2.1\"}' FROM mailglass_events;
         INSERT INTO mailglass_event_links (event_id, tenant_id, delivery_id, waiting_reason, linked_at)
             SELECT event.id, event.tenant_id, event.delivery_id, 'no_delivery', now()
             FROM mailglass_events AS event WHERE type = 'delivered';",
    )
    .unwrap();
    remember_links(conn);
    let report = retention::cut(conn, &options()).unwrap();
    assert_eq!(
        (report.events_left, report.links_left, report.details_left),
        (15, 5, 15)
    );
    assert_eq!(count(conn, "SELECT FROM mailglass_event_details"), 15);
    assert_cut(conn, &report.kept_as.unwrap(), before());
}

#[test]
fn a_delivery_without_events_stays() {
    let (_database, mut conn) = connected();
    let ann = delivery(&mut conn, 1, old());
    conn.batch_execute(
        "INSERT INTO mailglass_deliveries (id, tenant_id, mailable, stream, recipient, recipient_domain, last_event_type, last_event_at)
         VALUES (gen_random_uuid(), 'acme', 'welcome', 'bulk', 'bob@example.com', 'example.com', 'queued', '2001-01-01')",
    )
    .unwrap();
    retention::cut(&mut conn, &options()).unwrap();
    assert!(!exists(&mut conn, ann));
    assert_eq!(count(&mut conn, "SELECT FROM mailglass_deliveries"), 1);
}

#[test]
fn a_delivery_that_waits_to_be_sent_stays() {
    let (_database, mut conn) = connected();
    let sent = delivery(&mut conn, 1, old());
    let waits = Uuid::from_u128(2);
    NewDelivery::new(TENANT, "welcome", Stream::Transactional, "ann@example.com")
        .id(waits)
        .first_event(EventType::Queued, old())
        .send()
        .insert(&mut conn)
        .unwrap();
    let report = retention::cut(&mut conn, &options()).unwrap();
    assert_eq!((report.deliveries_left, exists(&mut conn, sent)), (1, false));
    assert!(exists(&mut conn, waits));
}

#[test]
fn nobody_can_change_the_old_ledger_or_add_to_it() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    insert_history(conn, 2);
    let kept = retention::cut(conn, &options()).unwrap().kept_as.unwrap();
    for table in [kept.as_str(), "mailglass_events"] {
        for statement in [
            format!("DELETE FROM {table}"),
            format!("UPDATE {table} SET trace_id = 'x'"),
            format!("TRUNCATE {table}"),
        ] {
            for role in ["origin", "replica"] {
                let refused = conn.batch_execute(&format!("SET session_replication_role = {role}; {statement}"));
                let error = mailglass::Error::from(refused.unwrap_err());
                assert!(error.is_ledger_immutable(), "{statement} as {role}: {error}");
            }
        }
    }
    conn.batch_execute("SET session_replication_role = origin").unwrap();
    let of_old = database_error(conn.batch_execute(&format!("DELETE FROM {kept}")).unwrap_err());
    assert_eq!(of_old.table_name(), Some(kept.as_str()));
    // The superuser may insert anywhere; the owner may not.
    conn.batch_execute(&format!(
        "DO 'BEGIN CREATE ROLE owner_of_retention; EXCEPTION WHEN duplicate_object THEN END';
        ALTER TABLE {kept} OWNER TO owner_of_retention; SET ROLE owner_of_retention"
    ))
    .unwrap();
    assert!(
        conn.batch_execute(&format!("INSERT INTO {kept} SELECT * FROM {kept} WHERE false"))
            .is_err()
    );
    conn.batch_execute("RESET ROLE").unwrap();
}

#[test]
fn a_dropped_ledger_is_gone_and_a_second_cut_of_the_day_has_a_name_of_its_own() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    insert_history(conn, 4);
    let first = retention::cut(conn, &options()).unwrap().kept_as.unwrap();
    let second = retention::cut(conn, &options()).unwrap();
    assert_eq!((second.deliveries_left, second.events_left), (0, 0));
    assert_eq!(second.kept_as, Some(format!("{first}_2")));
    let dropping = retention::CutOptions {
        old_ledger: OldLedger::Drop,
        ..options()
    };
    assert_eq!(retention::cut(conn, &dropping).unwrap().kept_as, None);
    assert_eq!(
        count(
            conn,
            "SELECT FROM pg_class WHERE relname ~ '^mailglass_events_until_[0-9_]*$'"
        ),
        2
    );
}

#[test]
fn a_preview_counts_what_a_cut_removes_and_changes_nothing() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    insert_history(conn, 20);
    ledger::record(conn, &[event(old()), event(young())]).unwrap();
    let preview = retention::preview(conn, before()).unwrap();
    assert_eq!((preview.deliveries, preview.deliveries_leaving), (20, 10));
    assert_eq!((preview.events, preview.events_leaving), (62, 31));
    let report = retention::cut(conn, &options()).unwrap();
    assert_eq!((report.deliveries_left, report.events_left), (10, 31));
}

#[test]
fn every_batch_size_leads_to_the_same_rows() {
    let mut outcomes = Vec::new();
    for batch in [1, 2, 3, 7, 1_000] {
        let (_database, mut conn) = connected();
        insert_history(&mut conn, 6);
        ledger::record(&mut conn, &[event(old()), event(young())]).unwrap();
        let options = retention::CutOptions { batch, ..options() };
        let report = retention::cut(&mut conn, &options).unwrap();
        assert_eq!(
            (report.deliveries_left, report.events_left, report.events_kept),
            (3, 10, 10),
            "batch {batch}"
        );
        outcomes.push(count(&mut conn, "SELECT DISTINCT id FROM mailglass_events"));
    }
    assert!(outcomes.iter().all(|events| *events == 10), "{outcomes:?}");
}
