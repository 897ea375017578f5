//! Every text is data: it is stored as it is, it finds what was stored with it, and nothing else is read or changed.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use mailglass::ledger::{self, CheckpointOptions};
use mailglass::reconciler::{self, SweepOptions};
use mailglass::roles::{self, Access};
use mailglass::schema::{mailglass_deliveries, mailglass_events};
use mailglass::tenancy::Tenants;
use mailglass::{
    Delivery, DeliveryChanges, EventType, NewDelivery, NewEvent, Stream, contract, migrations, projection,
};
use serde_json::json;
use uuid::Uuid;

use crate::support::every_call::every_call;
use crate::support::{at, connect, connected, delivery, eager, server};

/// SQL, placeholders of statements, placeholders of our templates, formats, control characters, and Unicode that others
/// normalize or reorder.
const HOSTILE: [&str; 18] = [
    "'; DROP TABLE mailglass_events; --",
    "' OR '1'='1",
    "\"; TRUNCATE mailglass_deliveries; --",
    "\\'; SELECT pg_sleep(60); --",
    "$1",
    "$$; DELETE FROM mailglass_events; $$",
    ":tenant :events :given_events(new)",
    "{\"a\": [null]}",
    "{} {0} %s %n %1$s",
    "${jndi:ldap://example.com/a}",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "a\r\nBcc: eve@example.com",
    "a\tb\u{1b}[31m\u{7f}",
    "\u{202e}emca \u{200b}\u{feff}",
    "\u{1f9d1}\u{200d}\u{1f4bb}\u{301}\u{10ffff}",
    "%",
    "_",
];

#[test]
fn a_hostile_text_in_any_field_is_stored_as_it_is() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let bystander = delivery(conn);
    for text in HOSTILE {
        let document = json!({ text: { text: [text] }, "a": text });
        let new = NewDelivery::new(text, text, Stream::Bulk, "eve@example.com")
            .tenant_idempotency_key(text)
            .metadata(document.clone())
            .first_event(EventType::Queued, at(0));
        let row = new.insert(conn).unwrap().into_delivery();
        assert_eq!(
            (row.tenant_id.as_str(), row.mailable.as_str(), &row.metadata),
            (text, text, &document)
        );
        assert!(new.insert(conn).unwrap().is_replay(), "{text}");
        let row = row.mark_dispatched(conn, text, text, at(1)).unwrap();
        let changes = DeliveryChanges {
            metadata: Some(json!({ text: 1 })),
            last_error: Some(Some(document.clone())),
            ..DeliveryChanges::default()
        };
        let row = row.update(conn, &changes).unwrap();

        let event = |event_type, seconds| {
            NewEvent::new(text, event_type, at(seconds))
                .provider_message(text, text)
                .normalized_payload(document.clone())
                .metadata(json!({ text: text }))
                .trace_id(text)
        };
        let delivered = event(EventType::Delivered, 2).tenant_idempotency_key(text);
        let recorded = ledger::record(conn, std::slice::from_ref(&delivered))
            .unwrap()
            .remove(0)
            .into_event();
        assert_eq!(recorded.delivery_id, Some(row.id), "{text}");
        assert_eq!(
            (recorded.trace_id.as_deref(), &recorded.normalized_payload),
            (Some(text), &document)
        );
        assert!(ledger::record_each(conn, &[delivered, event(EventType::Opened, 3)]).is_ok());
        // As a conflict, the key is read from the database.
        let conflict = NewEvent::new(text, EventType::Opened, at(9)).tenant_idempotency_key(text);
        assert!(ledger::record(conn, &[conflict]).is_err_and(|error| error.is_idempotency_conflict()));
        ledger::append(conn, &[event(EventType::Clicked, 4)]).unwrap();
        // An orphan, which a sweep links by these texts.
        ledger::record(
            conn,
            &[NewEvent::new(text, EventType::Opened, at(5)).provider_message(text, format!("{text}2"))],
        )
        .unwrap();
        assert_eq!(reconciler::waiting(conn, text, 10).unwrap().len(), 1, "{text}");
        to_message(text, &format!("{text}2")).insert(conn).unwrap();
        let sweep = SweepOptions {
            tenants: Tenants::Only(text.to_owned()),
            ..eager()
        };
        assert_eq!(reconciler::sweep(conn, &sweep).unwrap().linked, 1, "{text}");
        assert_eq!(reconciler::expired(conn, text, 10).unwrap(), []);

        assert_eq!(projection::repair(conn, text).unwrap(), 1, "{text}");
        assert_eq!(projection::rebuild_all(conn, text).unwrap(), 0, "{text}");
        projection::rebuild(conn, text, row.id).unwrap();
        assert_eq!(projection::verify(conn, text).unwrap(), []);
        let found = Delivery::find(conn, text, row.id).unwrap();
        assert_eq!(found.timeline(conn).unwrap().len(), 5, "{text}");
        assert!(!found.explain(conn).unwrap().is_empty());
        assert!(Delivery::find(conn, text, bystander.id).is_err_and(|error| error.is_not_found()));
        let sealed = ledger::checkpoint(conn, text, None, &CheckpointOptions::default()).unwrap();
        let sealed = sealed.into_checkpoint().unwrap();
        assert!(ledger::verify_checkpoints(conn, text, &[sealed]).unwrap().is_ok());
    }
    let tenants: Vec<String> = (mailglass_deliveries::table
        .select(mailglass_deliveries::tenant_id)
        .distinct())
    .load(conn)
    .unwrap();
    assert_eq!(tenants.len(), HOSTILE.len() + 1);
    assert_eq!(
        Delivery::find(conn, &bystander.tenant_id, bystander.id).unwrap(),
        bystander
    );
    assert_eq!(bystander.timeline(conn).unwrap().len(), 1);
    assert_eq!(contract::verify(conn).unwrap(), []);
}

fn to_message(tenant: &str, message_id: &str) -> NewDelivery {
    NewDelivery::new(tenant, "welcome", Stream::Bulk, "eve@example.com")
        .provider(tenant)
        .provider_message_id(message_id)
}

/// A recipient goes into headers and SMTP commands, so it is checked more strictly.
#[test]
fn a_hostile_recipient_is_rejected_or_stored_as_it_is() {
    let (_database, mut conn) = connected();
    for text in HOSTILE {
        for recipient in [
            text.to_owned(),
            format!("{text}@example.com"),
            format!("\"{text}\"@example.com"),
        ] {
            let new = NewDelivery::new("acme", "welcome", Stream::Bulk, &recipient);
            match new.insert(&mut conn) {
                Ok(inserted) => assert_eq!(inserted.delivery().recipient, recipient),
                Err(error) => assert!(error.is_invalid(), "{recipient}: {error:?}"),
            }
        }
    }
}

/// Labels and times are parsed before anything is sent.
#[test]
fn a_hostile_attribute_is_rejected_by_name() {
    for text in HOSTILE {
        for attribute in ["type", "occurred_at", "delivery_id", "reject_reason", text] {
            let mut attributes = json!({ "tenant_id": "acme", "type": "opened", "occurred_at": at(1) });
            attributes[attribute] = text.into();
            let error = NewEvent::from_attrs(attributes).unwrap_err();
            assert!(error.is_invalid(), "{attribute} {text}");
        }
        assert!(text.parse::<EventType>().is_err());
        assert!(text.parse::<Stream>().is_err());
        assert!(text.parse::<ledger::Checkpoint>().is_err());
        assert!(text.parse::<ledger::Digest>().is_err());
    }
}

/// A NUL byte can't be sent. Functions that only read report the database's error, as for any other failure.
#[test]
fn a_tenant_with_a_nul_byte_reads_nothing_and_writes_nothing() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let delivery = delivery(conn);
    let tenant = "acme\0";
    assert!(Delivery::find(conn, tenant, delivery.id).is_err());
    assert!(reconciler::waiting(conn, tenant, 1).is_err());
    assert!(projection::verify(conn, tenant).is_err());
    assert!(projection::rebuild_all(conn, tenant).is_err());
    assert!(
        ledger::checkpoint(conn, tenant, None, &CheckpointOptions::default()).is_err_and(|error| error.is_invalid())
    );
    assert!(ledger::verify_checkpoints(conn, tenant, &[]).unwrap().is_ok());
    assert!(NewEvent::new(tenant, EventType::Opened, at(1)).validate().is_err());
    assert_eq!(mailglass_events::table.count().get_result::<i64>(conn), Ok(1));
}

/// The tables can be in a schema of any name, and be granted to a role of any name.
#[test]
fn a_hostile_name_of_a_schema_or_a_role_is_a_name() {
    // PostgreSQL truncates names to 63 bytes.
    for name in HOSTILE.iter().filter(|name| name.len() < 30).step_by(3) {
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        let database = server().database().unwrap();
        let mut conn = connect(&database);
        conn.batch_execute(&format!("CREATE SCHEMA {quoted}; SET search_path = {quoted}"))
            .unwrap();
        migrations::run(&mut conn).unwrap();
        every_call(&mut conn).unwrap();
        assert!(
            contract::verify(&mut conn)
                .unwrap()
                .iter()
                .all(|difference| difference.is_harmless),
            "{name}"
        );

        let role = format!("{} {name}", Uuid::now_v7().simple());
        let quoted = format!("\"{}\"", role.replace('"', "\"\""));
        let granted = conn.transaction(|conn| {
            sql_query(format!("CREATE ROLE {quoted}")).execute(conn)?;
            for statement in roles::statements(conn, &role, Access::App)? {
                sql_query(statement).execute(conn)?;
            }
            sql_query(format!("SET LOCAL ROLE {quoted}")).execute(conn)?;
            NewEvent::new("acme", EventType::Opened, at(1)).validate()?;
            ledger::record(conn, &[NewEvent::new("acme", EventType::Opened, at(1))])?;
            let refused = conn.transaction(|conn| diesel::delete(mailglass_events::table).execute(conn));
            assert!(refused.is_err(), "{name}");
            Err::<(), _>(mailglass::Error::Database(diesel::result::Error::RollbackTransaction))
        });
        assert!(
            matches!(
                granted,
                Err(mailglass::Error::Database(diesel::result::Error::RollbackTransaction))
            ),
            "{name}: {granted:?}"
        );
    }
}
