//! Rows that other programs write, such as an Elixir application, and the constraints that they must satisfy.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use mailglass::projection;
use mailglass::reconciler::{self, SweepOptions, sweep};
use mailglass::schema::{mailglass_deliveries, mailglass_event_links};
use mailglass::tenancy::Tenants;
use mailglass::{EventType, ledger};
use uuid::Uuid;

use crate::support::{
    TENANT, connected, database_error, delivery, eager, event, insert, reload, sweep_now, to, waiting_reasons,
};

#[test]
fn an_orphan_of_another_writer_is_linked_by_a_sweep() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let named = Uuid::now_v7();
    conn.batch_execute(&format!(
        "INSERT INTO mailglass_events (id, tenant_id, delivery_id, type, occurred_at, metadata, normalized_payload,
                                       needs_reconciliation)
         VALUES (gen_random_uuid(), 'acme', NULL, 'delivered', '2026-01-01',
                 '{{\"provider\": \"ses\", \"provider_message_id\": \"m-1\"}}', '{{}}', true),
                (gen_random_uuid(), 'acme', NULL, 'opened', '2026-01-02', '{{}}',
                 '{{\"provider\": \"ses\", \"provider_message_id\": \"m-1\", \"recipient\": \"ANN@example.com\"}}', true),
                (gen_random_uuid(), 'acme', '{named}', 'bounced', '2026-01-03', '{{}}', '{{}}', true),
                (gen_random_uuid(), 'acme', NULL, 'clicked', '2026-01-04', '{{}}', '{{}}', true),
                (gen_random_uuid(), 'acme', NULL, 'sent', '2026-01-04', '{{}}', '{{}}', false)"
    ))
    .unwrap();
    assert_eq!(waiting_reasons(conn), ["unread"; 4]);
    let elsewhere = SweepOptions {
        tenants: Tenants::Only("other".to_owned()),
        ..eager()
    };
    sweep(conn, &elsewhere).unwrap();
    assert_eq!(waiting_reasons(conn), ["unread"; 4]);
    assert_eq!(reconciler::waiting(conn, TENANT, 10).unwrap().len(), 4);

    assert_eq!(sweep_now(conn).waiting, 4);
    assert_eq!(
        waiting_reasons(conn),
        ["malformed", "no_delivery", "no_delivery", "no_delivery"]
    );
    let ann = to("ann@example.com").provider("ses").provider_message_id("m-1");
    let ann = insert(conn, &ann);
    let bob = insert(conn, &to("bob@example.com").id(named));
    assert_eq!((sweep_now(conn).linked, sweep_now(conn).linked), (3, 0));
    assert!(reload(conn, &ann).delivered_at.is_some() && reload(conn, &bob).bounced_at.is_some());
    assert_eq!(projection::verify(conn, TENANT).unwrap(), []);
}

#[test]
fn an_orphan_of_this_crate_has_one_link_with_its_waiting_reason() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let orphans: Vec<_> = (0..3)
        .map(|number| event(EventType::Opened, number).provider_message("ses", format!("{number}")))
        .collect();
    ledger::record(conn, &orphans).unwrap();
    ledger::append(conn, &orphans).unwrap();
    assert_eq!(waiting_reasons(conn), ["no_delivery"; 6]);
}

/// When the Elixir library dispatches, it writes the message id without the provider.
#[test]
fn a_row_may_have_a_message_id_without_a_provider() {
    let (_database, mut conn) = connected();
    let row = delivery(&mut conn);
    diesel::update(&row)
        .set(mailglass_deliveries::provider_message_id.eq("m-1"))
        .execute(&mut conn)
        .unwrap();
    assert_eq!(reload(&mut conn, &row).provider, None);
}

#[test]
fn a_completed_link_never_changes() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let early = event(EventType::Bounced, 1).provider_message("ses", "m-1");
    ledger::record(conn, &[early]).unwrap();
    let ann = to("ann@example.com").provider("ses").provider_message_id("m-1");
    let ann = insert(conn, &ann);
    let bob = insert(conn, &to("bob@example.com"));
    sweep_now(conn);
    for change in [
        format!("delivery_id = '{}'", bob.id),
        "delivery_id = NULL, linked_at = NULL".to_owned(),
        format!("event_id = '{}'", bob.id),
        "tenant_id = 'other'".to_owned(),
    ] {
        for replica in ["origin", "replica"] {
            let refused = conn
                .batch_execute(&format!(
                    "SET session_replication_role = {replica}; UPDATE mailglass_event_links SET {change}"
                ))
                .unwrap_err();
            let details = database_error(refused).details().map(str::to_owned);
            assert_eq!(details.as_deref(), Some("mailglass:link_is_final"), "{change}");
        }
    }
    conn.batch_execute("RESET session_replication_role").unwrap();
    // Personal data can be erased.
    diesel::update(mailglass_event_links::table)
        .set(mailglass_event_links::recipient.eq(None::<String>))
        .execute(conn)
        .unwrap();
    assert!(reload(conn, &ann).bounced_at.is_some());
}

#[test]
fn a_time_outside_the_years_1_to_9999_is_rejected() {
    let (_database, mut conn) = connected();
    for time in ["infinity", "-infinity", "10000-01-01 00:00Z", "0001-01-01 00:00Z BC"] {
        let insert = format!(
            "INSERT INTO mailglass_events (id, tenant_id, type, occurred_at)
             VALUES (gen_random_uuid(), 'acme', 'opened', '{time}')"
        );
        let refused = database_error(conn.batch_execute(&insert).unwrap_err());
        let constraint = Some("mailglass_events_occurred_at_is_in_years_1_to_9999");
        assert_eq!(refused.constraint_name(), constraint, "{time}");
    }
}
