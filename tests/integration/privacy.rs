//! Erasing and exporting a person.

use std::thread;

use diesel::prelude::*;
use diesel::sql_types::Text;
use mailglass::privacy::{self, EraseOptions, Erasure};
use mailglass::schema::{mailglass_deliveries, mailglass_erasures, mailglass_event_details};
use mailglass::{
    Delivery, DeliveryChanges, EventDetails, EventType, NewDelivery, NewEvent, Stream, ledger, projection,
};
use serde_json::{Value, json};

use crate::support::{
    TENANT, at, backend_pid, connect, connected, event, insert, linked, record_one, reload, sweep_now, to,
    wait_until_blocked, waiting, wrong_fields,
};

const ANN: &str = "ann@example.com";

fn details(text: &str) -> EventDetails {
    EventDetails {
        mta_response: Some(text.to_owned()),
        ..EventDetails::default()
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    row: String,
}

/// Every row of every table, as text.
fn everything(conn: &mut PgConnection) -> Vec<String> {
    let tables = [
        "mailglass_deliveries",
        "mailglass_events",
        "mailglass_event_links",
        "mailglass_event_details",
        "mailglass_erasures",
    ];
    let rows = tables.iter().flat_map(|table| {
        let rows: Vec<Row> = diesel::sql_query(format!("SELECT t::text AS row FROM {table} AS t ORDER BY 1"))
            .load(conn)
            .unwrap();
        rows.into_iter().map(|row| row.row)
    });
    rows.collect()
}

fn mentions(rows: &[String], address: &str) -> usize {
    rows.iter()
        .filter(|row| row.to_ascii_lowercase().contains(address))
        .count()
}

/// A person with a delivery that was found by its events, one that was linked later, and events without a delivery.
fn correspond(conn: &mut PgConnection, tenant: &str, recipient: &str, prefix: &str) -> Delivery {
    let new = |mailable: &str| {
        NewDelivery::new(tenant, mailable, Stream::Transactional, recipient).first_event(EventType::Queued, at(0))
    };
    let message = format!("{prefix}-1");
    let delivery = new("welcome")
        .provider("ses")
        .provider_message_id(&message)
        .insert(conn)
        .unwrap()
        .into_delivery();
    let named = |event_type, seconds| NewEvent::new(tenant, event_type, at(seconds)).recipient(recipient);
    let early = named(EventType::Opened, 3)
        .provider_message("ses", format!("{prefix}-2"))
        .details(details("early"));
    let events = [
        named(EventType::Delivered, 1)
            .provider_message("ses", &message)
            .details(details(recipient)),
        named(EventType::Clicked, 2)
            .provider_message("ses", &message)
            .details(details("second")),
        early,
        named(EventType::Bounced, 4)
            .provider_message("ses", format!("{prefix}-3"))
            .details(details("waits")),
        named(EventType::Unsubscribed, 5),
    ];
    ledger::record(conn, &events).unwrap();
    new("receipt")
        .provider("ses")
        .provider_message_id(format!("{prefix}-2"))
        .insert(conn)
        .unwrap();
    delivery
}

#[test]
fn no_row_has_the_address_after_an_erasure_and_nobody_else_is_affected() {
    let (_database, mut conn) = connected();
    correspond(&mut conn, TENANT, "bob@example.com", "bob");
    correspond(&mut conn, "other", ANN, "other");
    assert_eq!(
        sweep_now(&mut conn),
        mailglass::reconciler::SweepReport {
            linked: 2,
            waiting: 2,
            ..Default::default()
        }
    );
    let before = everything(&mut conn);

    let delivery = correspond(&mut conn, TENANT, "Ann@Example.com", "ann");
    assert_eq!(
        mailglass::reconciler::sweep(&mut conn, &crate::support::eager())
            .unwrap()
            .linked,
        1
    );
    let erased = privacy::erase(&mut conn, TENANT, ANN).unwrap();
    let erasure = &erased.erasure;
    assert_eq!(
        (erasure.deliveries, erasure.event_details, erasure.event_links),
        (2, 5, 1)
    );
    assert_eq!((erasure.tenant_id.as_str(), erasure.domain_kept), (TENANT, false));
    assert!(erased.mentions.is_empty());

    let after = everything(&mut conn);
    assert_eq!(
        mentions(&after, ANN),
        mentions(&before, ANN),
        "only the other tenant's rows have the address"
    );
    let others = |rows: &[String]| -> Vec<String> {
        let kept = rows.iter().filter(|row| row.contains("bob") || row.contains(",other,"));
        kept.map(|row| row.split(",\"20").next().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(others(&after), others(&before));

    let now = reload(&mut conn, &delivery);
    assert!(now.recipient.starts_with("erased-") && now.recipient.ends_with("@erased.invalid"));
    assert_eq!(now.recipient_domain, "erased.invalid");
    assert_eq!(
        (now.status, now.delivered_at),
        (mailglass::DeliveryStatus::Sent, Some(at(1)))
    );
    assert!(projection::verify(&mut conn, TENANT).unwrap().is_empty());
    assert_eq!(now.timeline(&mut conn).unwrap().len(), 3);

    let rows: Vec<Erasure> = mailglass_erasures::table
        .select(Erasure::as_select())
        .load(&mut conn)
        .unwrap();
    assert_eq!(rows, [erased.erasure]);
}

#[test]
fn an_erasure_of_a_stranger_is_recorded_with_zeros() {
    let (_database, mut conn) = connected();
    correspond(&mut conn, TENANT, "bob@example.com", "bob");
    let erased = privacy::erase(&mut conn, TENANT, ANN).unwrap();
    let erasure = erased.erasure;
    assert_eq!(
        (erasure.deliveries, erasure.event_details, erasure.event_links),
        (0, 0, 0)
    );
    assert_eq!(mailglass_erasures::table.count().get_result(&mut conn), Ok(1_i64));
    // A repeated erasure finds nothing more.
    privacy::erase(&mut conn, TENANT, "bob@example.com").unwrap();
    assert_eq!(
        privacy::erase(&mut conn, TENANT, "bob@example.com")
            .unwrap()
            .erasure
            .deliveries,
        0
    );
}

#[test]
fn blank_input_is_rejected_with_the_field() {
    let (_database, mut conn) = connected();
    let error = privacy::erase(&mut conn, "", " ").unwrap_err();
    assert_eq!(wrong_fields(&error), ["tenant_id", "recipient"]);
    let error = privacy::export(&mut conn, "\0", &"x".repeat(1_000)).unwrap_err();
    assert_eq!(wrong_fields(&error), ["tenant_id", "recipient"]);
}

/// One message may have deliveries to two spellings of an address: they must not get the same pseudonym.
#[test]
fn pseudonyms_keep_deliveries_unique() {
    let (_database, mut conn) = connected();
    for recipient in [ANN, "ANN@example.com"] {
        insert(&mut conn, &to(recipient).provider("ses").provider_message_id("m-1"));
    }
    let erased = privacy::erase(&mut conn, TENANT, ANN).unwrap();
    assert_eq!(erased.erasure.deliveries, 2);
    let recipients: Vec<String> = mailglass_deliveries::table
        .select(mailglass_deliveries::recipient)
        .load(&mut conn)
        .unwrap();
    assert_ne!(recipients[0], recipients[1]);
}

#[test]
fn the_domain_is_kept_on_request() {
    let (_database, mut conn) = connected();
    let delivery = insert(&mut conn, &to("Ann@Example.COM"));
    let options = EraseOptions { keep_domain: true };
    let erased = privacy::erase_with(&mut conn, TENANT, ANN, &options).unwrap();
    assert!(erased.erasure.domain_kept);
    let now = reload(&mut conn, &delivery);
    assert_eq!(now.recipient_domain, "example.com");
    assert!(now.recipient.ends_with("@erased.invalid"));
}

#[test]
fn what_the_application_wrote_is_searched_and_reported() {
    let (_database, mut conn) = connected();
    let quoted = "\"a\\\\nn\"@example.com";
    let new = to(quoted)
        .idempotency_key(format!("welcome:{quoted}"))
        .metadata(json!({ "to": [quoted.to_uppercase()] }));
    let delivery = insert(&mut conn, &new);
    let changes = DeliveryChanges {
        last_error: Some(Some(json!({ "text": format!("<{quoted}> is unknown") }))),
        ..DeliveryChanges::default()
    };
    delivery.update(&mut conn, &changes).unwrap();
    insert(&mut conn, &to(quoted));
    let allowed = record_one(
        &mut conn,
        event(EventType::Opened, 1)
            .delivery(delivery.id)
            .recipient(quoted)
            .idempotency_key(format!("open:{quoted}"))
            .trace_id(quoted)
            .metadata(json!({ quoted: 1 }))
            .normalized_payload(json!({ "to": quoted }))
            .allow_personal_data(),
    );
    let erased = privacy::erase(&mut conn, TENANT, quoted).unwrap();
    let found: Vec<_> = (erased.mentions.iter())
        .map(|mention| (mention.table, mention.id, mention.columns.join(" ")))
        .collect();
    assert_eq!(
        found,
        [
            (
                "mailglass_deliveries",
                delivery.id,
                "metadata last_error idempotency_key".to_owned()
            ),
            (
                "mailglass_events",
                allowed.id,
                "normalized_payload metadata idempotency_key trace_id".to_owned()
            ),
        ]
    );
    assert!(!format!("{erased:?}").contains("@example.com"));
}

#[test]
fn an_erased_copy_is_stale() {
    let (_database, mut conn) = connected();
    let delivery = insert(&mut conn, &to(ANN));
    privacy::erase(&mut conn, TENANT, ANN).unwrap();
    let error = delivery.mark_dispatched(&mut conn, "ses", "m-1", at(1)).unwrap_err();
    assert!(error.is_stale_entry());
    let error = to(ANN).id(delivery.id).insert(&mut conn).unwrap_err();
    assert!(error.is_invalid());
}

/// A link without a recipient would match any delivery of the message.
#[test]
fn a_waiting_event_of_an_erased_person_is_not_linked_to_somebody_else() {
    let (_database, mut conn) = connected();
    let opened = event(EventType::Opened, 1)
        .provider_message("ses", "m-1")
        .recipient(ANN);
    record_one(&mut conn, opened.details(details("x")));
    assert_eq!(privacy::erase(&mut conn, TENANT, ANN).unwrap().erasure.event_links, 1);
    insert(
        &mut conn,
        &to("bob@example.com").provider("ses").provider_message_id("m-1"),
    );
    assert_eq!(sweep_now(&mut conn), waiting(1));
    assert_eq!(mailglass_event_details::table.count().get_result(&mut conn), Ok(0_i64));
}

#[test]
fn an_event_that_names_the_delivery_by_id_and_waits_loses_its_details() {
    let (_database, mut conn) = connected();
    let id = uuid::Uuid::now_v7();
    record_one(
        &mut conn,
        event(EventType::Opened, 1).delivery(id).details(details("x")),
    );
    insert(&mut conn, &to(ANN).id(id));
    assert_eq!(privacy::erase(&mut conn, TENANT, ANN).unwrap().erasure.event_details, 1);
    assert_eq!(sweep_now(&mut conn), linked(1));
}

#[test]
fn an_event_that_is_being_recorded_loses_its_details_too() {
    let (database, mut conn) = connected();
    let delivery = insert(&mut conn, &to(ANN));
    conn.begin_test_transaction().unwrap();
    record_one(
        &mut conn,
        event(EventType::Opened, 1).delivery(delivery.id).details(details("x")),
    );
    thread::scope(|scope| {
        let mut eraser = connect(&database);
        let pid = backend_pid(&mut eraser);
        let erasing = scope.spawn(move || privacy::erase(&mut eraser, TENANT, ANN).unwrap());
        wait_until_blocked(&mut connect(&database), pid);
        diesel::sql_query("COMMIT").execute(&mut conn).unwrap();
        assert_eq!(erasing.join().unwrap().erasure.event_details, 1);
    });
}

#[test]
fn an_erasure_in_a_transaction_that_is_rolled_back_did_not_happen() {
    let (_database, mut conn) = connected();
    correspond(&mut conn, TENANT, ANN, "ann");
    let before = everything(&mut conn);
    let rolled_back = conn.transaction::<(), mailglass::Error, _>(|conn| {
        privacy::erase(conn, TENANT, ANN)?;
        Err(diesel::result::Error::RollbackTransaction.into())
    });
    assert!(rolled_back.is_err());
    assert_eq!(everything(&mut conn), before);
}

#[test]
fn an_export_has_everything_about_the_person_and_nothing_else() {
    let (_database, mut conn) = connected();
    correspond(&mut conn, TENANT, "bob@example.com", "bob");
    correspond(&mut conn, "other", ANN, "other");
    let delivery = correspond(&mut conn, TENANT, "Ann@Example.com", "ann");
    sweep_now(&mut conn);

    let export = privacy::export(&mut conn, TENANT, ANN).unwrap();
    let json = serde_json::to_value(&export).unwrap();
    assert_eq!((&json["tenant_id"], &json["recipient"]), (&json!(TENANT), &json!(ANN)));
    let deliveries = json["deliveries"].as_array().unwrap();
    let shown = |delivery: &Value| {
        let events = delivery["events"].as_array().unwrap().iter();
        let events: Vec<_> = events
            .map(|event| (event["type"].clone(), event["details"]["mta_response"].clone()))
            .collect();
        (delivery["mailable"].clone(), delivery["recipient"].clone(), events)
    };
    let null = Value::Null;
    assert_eq!(
        deliveries.iter().map(shown).collect::<Vec<_>>(),
        [
            (
                json!("welcome"),
                json!("Ann@Example.com"),
                vec![
                    (json!("queued"), null.clone()),
                    (json!("delivered"), json!("Ann@Example.com")),
                    (json!("clicked"), json!("second")),
                ]
            ),
            (
                json!("receipt"),
                json!("Ann@Example.com"),
                vec![(json!("queued"), null.clone()), (json!("opened"), json!("early")),]
            ),
        ]
    );
    assert_eq!(deliveries[0]["id"], json!(delivery.id));
    let others: Vec<_> = json["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["type"].clone())
        .collect();
    assert_eq!(others, [json!("bounced"), json!("unsubscribed")]);
    assert!(!json.to_string().contains("bob") && !json.to_string().contains(r#""tenant_id":"other""#));

    privacy::erase(&mut conn, TENANT, ANN).unwrap();
    let export = privacy::export(&mut conn, TENANT, ANN).unwrap();
    assert!(export.deliveries.is_empty() && export.events.is_empty());
}

/// As many deliveries as a tenant has. The plans must go by the recipient.
#[test]
fn a_person_among_100_000_deliveries_is_found_by_an_index() {
    let (_database, mut conn) = connected();
    diesel::sql_query(
        "WITH new AS (
             INSERT INTO mailglass_deliveries (id, tenant_id, mailable, stream, recipient, recipient_domain,
                 last_event_type, last_event_at)
             SELECT gen_random_uuid(), 'acme', 'welcome', 'transactional',
                 CASE WHEN n % 1000 = 0 THEN 'Ann@example.com' ELSE n || '@example.com' END, 'example.com', 'queued', now()
             FROM generate_series(1, 100000) AS n
             RETURNING id
         ), events AS (
             INSERT INTO mailglass_events (id, tenant_id, delivery_id, type, occurred_at)
             SELECT gen_random_uuid(), 'acme', id, type, now()
             FROM new, unnest(ARRAY['queued', 'opened']::mailglass_event_type[]) AS type
             RETURNING id, type
         )
         INSERT INTO mailglass_event_details (event_id, tenant_id, data)
         SELECT id, 'acme', '{\"user_agent\": \"x\"}' FROM events WHERE type = 'opened'",
    )
    .execute(&mut conn)
    .unwrap();
    let rows_read = |conn: &mut PgConnection, call: &dyn Fn(&mut PgConnection)| {
        let mut rows = 0;
        conn.test_transaction::<_, diesel::result::Error, _>(|conn| {
            call(conn);
            rows = crate::support::rows_read(conn);
            Ok(())
        });
        rows
    };
    let exported = rows_read(&mut conn, &|conn| {
        let export = privacy::export(conn, TENANT, ANN).unwrap();
        assert_eq!(export.deliveries.len(), 100);
        assert!(export.deliveries.iter().all(|delivery| delivery.events.len() == 2));
    });
    // 100 deliveries, their 200 events and 100 details.
    assert!(exported <= 500, "{exported} rows");
    let erased = rows_read(&mut conn, &|conn| {
        let erasure = privacy::erase(conn, TENANT, ANN).unwrap().erasure;
        assert_eq!((erasure.deliveries, erasure.event_details), (100, 100));
    });
    assert!(erased <= 2_000, "{erased} rows");
}
