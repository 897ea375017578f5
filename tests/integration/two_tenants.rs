//! Every function, and queries written by hand, tried by one tenant against another one's rows: as each role, with row-level
//! security and without. Whatever comes back must have nothing of the other tenant, and its rows must stay as they are.

use std::ops::ControlFlow;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;
use mailglass::ledger::{Appended, Outcome, RecordOptions};
use mailglass::projection::{rebuild, rebuild_all, rebuild_in_steps, repair};
use mailglass::reconciler::{SweepOptions, expired, sweep, waiting};
use mailglass::roles::Access;
use mailglass::suppressions::{self, ListOptions, NewSuppression, Subject, SuppressionRules};
use mailglass::tenancy::{self, scoped};
use mailglass::{
    Delivery, DeliveryChanges, Error, Event, EventType, Inserted, NewDelivery, NewEvent, Result, Stream,
    SuppressionReason, contract, ledger, migrations, privacy, projection,
};
use serde_json::json;

use crate::support::role::Role;
use crate::support::{at, connect, connected, eager, sweep_now};

/// In every text of the victim that the attacker does not already know.
const SECRET: &str = "s3cret";
const VICTIM: &str = "acme";
const ATTACKER: &str = "globex";

/// Inserts the victim's rows into each table, and returns the delivery. The attacker knows its ids, its keys and its provider
/// messages: guessing them must not help.
fn victim(conn: &mut PgConnection) -> Delivery {
    let secret = json!({ "note": SECRET });
    let recipient = format!("{SECRET}@example.com");
    let delivery = NewDelivery::new(VICTIM, format!("welcome.{SECRET}"), Stream::Bulk, recipient)
        .provider("ses")
        .provider_message_id("m1")
        .idempotency_key("d1")
        .metadata(secret.clone())
        .insert(conn)
        .unwrap()
        .into_delivery();
    let event = |event_type| {
        NewEvent::new(VICTIM, event_type, at(1))
            .normalized_payload(secret.clone())
            .trace_id(SECRET)
    };
    let events = [
        event(EventType::Delivered).delivery(delivery.id).idempotency_key("e1"),
        event(EventType::Opened)
            .provider_message("ses", "m2")
            .recipient(format!("{SECRET}@example.org")),
    ];
    ledger::record(conn, &events).unwrap();
    let give_up = SweepOptions {
        max_age: std::time::Duration::ZERO,
        ..eager()
    };
    sweep(conn, &give_up).unwrap();
    let waiting = event(EventType::Opened)
        .provider_message("ses", "m3")
        .idempotency_key("e3");
    ledger::record(conn, &[waiting]).unwrap();
    conn.batch_execute(&format!(
        "INSERT INTO mailglass_event_details (event_id, tenant_id, recipient, data)
         SELECT id, tenant_id, '{SECRET}@example.com', '{{\"ip_address\": \"{SECRET}\"}}' FROM mailglass_events
         WHERE idempotency_key = 'e1';
         INSERT INTO mailglass_erasures (id, tenant_id, deliveries, event_details, event_links, suppressions, domain_kept)
         VALUES (gen_random_uuid(), '{VICTIM}', 1, 1, 1, 0, true);
         INSERT INTO mailglass_outbox (delivery_id, tenant_id, stream, recipient_domain)
         VALUES (gen_random_uuid(), '{VICTIM}', 'bulk', '{SECRET}.example.com');
         INSERT INTO mailglass_outbox_usage (tenant_id, recipient_domain, window_seconds, window_ends_at, claims)
         VALUES ('{VICTIM}', '{SECRET}.example.com', 60, now(), 1);
         INSERT INTO mailglass_suppressions (id, tenant_id, scope, digest, address, reason)
         VALUES (gen_random_uuid(), '{VICTIM}', 'domain', sha256('{SECRET}'), '{SECRET}.example.com', 'manual')"
    ))
    .unwrap();
    let recipient = format!("{SECRET}@example.com");
    let suppressed = [NewSuppression::address(VICTIM, recipient, SuppressionReason::Complaint)];
    suppressions::add(conn, &suppressed).unwrap();
    delivery
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    row: String,
}

const TABLES: [&str; 8] = [
    "mailglass_deliveries",
    "mailglass_erasures",
    "mailglass_event_details",
    "mailglass_event_links",
    "mailglass_events",
    "mailglass_outbox",
    "mailglass_outbox_usage",
    "mailglass_suppressions",
];

/// The victim's rows.
fn rows_of_victim(owner: &mut PgConnection) -> Vec<String> {
    let of_table =
        |table| format!("SELECT concat('{table} ', t) AS row FROM {table} AS t WHERE tenant_id = '{VICTIM}'");
    let rows: Vec<Row> = sql_query(TABLES.map(of_table).join(" UNION ALL ") + " ORDER BY 1")
        .load(owner)
        .unwrap();
    rows.into_iter().map(|row| row.row).collect()
}

/// A call that the attacker makes. It gets the victim's delivery with its own tenant.
type Attempt = (&'static str, fn(&mut PgConnection, &Delivery) -> Result<String>);

fn shown<T: std::fmt::Debug>(answer: T) -> Result<String> {
    Ok(format!("{answer:?}"))
}

/// As JSON, because Debug shows neither addresses nor payloads.
fn written(answer: impl serde::Serialize) -> Result<String> {
    serde_json::to_string(&answer).map_err(|error| panic!("{error}"))
}

fn recorded(appended: Vec<Appended>) -> Result<String> {
    written(appended.iter().map(Appended::event).collect::<Vec<_>>())
}

fn theirs() -> NewEvent {
    NewEvent::new(ATTACKER, EventType::Bounced, at(9))
}

fn delivery_to(recipient: &str) -> NewDelivery {
    NewDelivery::new(ATTACKER, "welcome", Stream::Bulk, recipient)
}

const CALLS: [Attempt; 36] = [
    ("find", |conn, forged| {
        written(Delivery::find(conn, ATTACKER, forged.id)?)
    }),
    ("timeline", |conn, forged| written(forged.timeline(conn)?)),
    ("explain", |conn, forged| {
        // The other texts are those of the copy that the attacker has.
        let decided = forged.explain(conn)?;
        let learned: Vec<_> = decided
            .iter()
            .map(|decision| (&decision.expected, &decision.event))
            .collect();
        written(learned)
    }),
    ("update", |conn, forged| {
        let changes = DeliveryChanges {
            metadata: Some(json!({})),
            ..DeliveryChanges::default()
        };
        written(forged.update(conn, &changes)?)
    }),
    ("mark_dispatched", |conn, forged| {
        written(forged.mark_dispatched(conn, "ses", "x", at(9))?)
    }),
    ("mark_failed", |conn, forged| {
        written(forged.mark_failed(conn, json!({}), at(9))?)
    }),
    ("mark_suppressed", |conn, forged| {
        written(forged.mark_suppressed(conn, None, at(9))?)
    }),
    ("insert with the key", |conn, _| {
        written(delivery_to("a@b.c").idempotency_key("d1").insert(conn)?.delivery())
    }),
    ("insert with the id", |conn, forged| {
        written(delivery_to("a@b.c").id(forged.id).insert(conn)?.delivery())
    }),
    ("insert with the message", |conn, _| {
        written(
            delivery_to("a@b.c")
                .provider("ses")
                .provider_message_id("m1")
                .insert(conn)?
                .delivery(),
        )
    }),
    ("insert with the message of an orphan", |conn, _| {
        written(
            delivery_to("a@b.c")
                .provider("ses")
                .provider_message_id("m3")
                .insert(conn)?
                .delivery(),
        )
    }),
    ("insert_all", |conn, forged| {
        let batch = [
            delivery_to("a@b.c").idempotency_key("d1").id(forged.id),
            delivery_to("c@d.e").provider("ses").provider_message_id("m1"),
        ];
        written(
            NewDelivery::insert_all(conn, &batch)?
                .iter()
                .map(Inserted::delivery)
                .collect::<Vec<_>>(),
        )
    }),
    ("record by id", |conn, forged| {
        recorded(ledger::record(conn, &[theirs().delivery(forged.id)])?)
    }),
    ("record by message", |conn, _| {
        recorded(ledger::record(conn, &[theirs().provider_message("ses", "m1")])?)
    }),
    ("record by message and recipient", |conn, _| {
        recorded(ledger::record(
            conn,
            &[theirs().provider_message("ses", "m1").recipient("a@b.c")],
        )?)
    }),
    ("record with the key", |conn, _| {
        recorded(ledger::record(conn, &[theirs().idempotency_key("e1")])?)
    }),
    ("record several", |conn, forged| {
        let batch = [
            theirs().idempotency_key("e3"),
            theirs().delivery(forged.id),
            theirs().provider_message("ses", "m2"),
        ];
        recorded(ledger::record(conn, &batch)?)
    }),
    ("record_each", |conn, forged| {
        let batch = vec![
            theirs().idempotency_key("e1"),
            theirs().delivery(forged.id),
            theirs().idempotency_key("e3"),
        ];
        let outcomes = ledger::record_each(conn, batch)?;
        let events = outcomes.iter().map(|outcome| match outcome {
            Outcome::Recorded(event) | Outcome::Replayed(event) => Some(event),
            Outcome::Conflicting { event, .. } => event.as_ref(),
        });
        written(events.collect::<Vec<_>>())
    }),
    ("record_batches", |conn, _| {
        let events = [theirs().idempotency_key("e1"), theirs().provider_message("ses", "m1")];
        let batches = ledger::record_batches(conn, events, 1);
        written(
            batches
                .map(|batch| batch.map_or_else(shown, recorded).unwrap())
                .collect::<Vec<_>>(),
        )
    }),
    ("append", |conn, forged| {
        recorded(ledger::append(
            conn,
            &[theirs().delivery(forged.id), theirs().provider_message("ses", "m1")],
        )?)
    }),
    ("rebuild", |conn, forged| written(rebuild(conn, ATTACKER, forged.id)?)),
    ("rebuild_all", |conn, _| shown(rebuild_all(conn, ATTACKER)?)),
    ("rebuild_in_steps", |conn, _| {
        shown(rebuild_in_steps(conn, ATTACKER, |_| ControlFlow::Continue(()))?)
    }),
    ("verify and repair", |conn, _| {
        written((projection::verify(conn, ATTACKER)?, repair(conn, ATTACKER)?))
    }),
    ("sweep", |conn, _| {
        let own = SweepOptions {
            grace: std::time::Duration::ZERO,
            max_age: std::time::Duration::ZERO,
            ..SweepOptions::of_tenant(ATTACKER)
        };
        shown(sweep(conn, &own)?)
    }),
    ("waiting and expired", |conn, _| {
        written((waiting(conn, ATTACKER, 100)?, expired(conn, ATTACKER, 100)?))
    }),
    ("Delivery::for_tenant", |conn, _| {
        written(Delivery::for_tenant(ATTACKER).load::<Delivery>(conn)?)
    }),
    ("Event::for_tenant", |conn, _| {
        written(Event::for_tenant(ATTACKER).load::<Event>(conn)?)
    }),
    ("erase", |conn, forged| {
        let erased = privacy::erase(conn, ATTACKER, &forged.recipient)?;
        let counts = (
            erased.erasure.deliveries,
            erased.erasure.event_details,
            erased.erasure.event_links,
        );
        assert_eq!((counts, erased.mentions.len()), ((0, 0, 0), 0));
        shown(erased)
    }),
    ("export", |conn, forged| {
        let export = privacy::export(conn, ATTACKER, &forged.recipient)?;
        assert!(export.deliveries.is_empty() && export.events.is_empty());
        shown(serde_json::to_value((export.deliveries, export.events)))
    }),
    ("suppressions::add", |conn, forged| {
        let new = NewSuppression::address(ATTACKER, &forged.recipient, SuppressionReason::Complaint);
        let added = suppressions::add(conn, &[new.without_address()])?;
        assert!(!added[0].is_unchanged());
        written(added[0].suppression())
    }),
    ("suppressions::check", |conn, forged| {
        let victims = suppressions::check(conn, ATTACKER, Stream::Bulk, &[format!("x{}", forged.recipient)])?;
        assert_eq!(victims, [None]);
        written(victims)
    }),
    ("suppressions::list", |conn, _| {
        written(suppressions::list(conn, &ListOptions::of_tenant(ATTACKER))?)
    }),
    ("suppressions::remove", |conn, forged| {
        let subject = Subject::Address(forged.recipient.clone());
        written(suppressions::remove(conn, ATTACKER, &subject, None)?)
    }),
    ("record with rules", |conn, forged| {
        let options = RecordOptions {
            suppress: Some(SuppressionRules::default()),
        };
        let complained = NewEvent::new(ATTACKER, EventType::Complained, at(9)).delivery(forged.id);
        let recorded = ledger::record_with(conn, vec![complained], &options)?;
        let rows = suppressions::list(conn, &ListOptions::of_tenant(ATTACKER))?;
        assert!(rows.iter().all(|row| row.source_event_id.is_none()));
        shown(recorded.len())
    }),
    ("contract and migrations", |conn, _| {
        shown((
            contract::verify(conn)?,
            contract::warnings(conn)?,
            migrations::list(conn)?,
            migrations::run(conn)?,
        ))
    }),
];

/// Queries with a forgotten or a wrong tenant. Each returns rows with a column `row`.
fn queries(forged: &Delivery) -> Vec<String> {
    let id = forged.id;
    let mut queries: Vec<String> = Vec::new();
    for table in TABLES {
        queries.push(format!("SELECT t::text AS row FROM {table} AS t"));
        queries.push(format!(
            "SELECT t::text AS row FROM {table} AS t WHERE tenant_id = '{VICTIM}'"
        ));
        queries.push(format!(
            "SELECT 'found {SECRET}' AS row FROM {table} WHERE tenant_id = '{VICTIM}' LIMIT 1"
        ));
        queries.push(format!(
            "SELECT concat('{SECRET} ', count(*)) AS row FROM {table} HAVING count(*) > 0"
        ));
    }
    // A function that is not leakproof must not see a row before the policy has: the error would tell.
    queries.push(format!(
        "SELECT id::text AS row FROM mailglass_deliveries
         WHERE 1 / (CASE WHEN recipient LIKE '{SECRET}%' THEN 0 ELSE 1 END) = 1"
    ));
    queries.push(format!(
        "SELECT (SELECT recipient FROM mailglass_deliveries WHERE id = '{id}') AS row
         FROM mailglass_events WHERE delivery_id = '{id}'"
    ));
    queries.push(
        "SELECT d.recipient AS row FROM mailglass_deliveries AS d JOIN mailglass_events AS e ON e.delivery_id = d.id"
            .to_owned(),
    );
    for change in [
        format!("UPDATE mailglass_deliveries SET metadata = '{{}}' WHERE id = '{id}' RETURNING '{SECRET}' AS row"),
        "UPDATE mailglass_deliveries SET terminal = true RETURNING recipient AS row".to_owned(),
        "UPDATE mailglass_event_links SET recipient = NULL RETURNING event_id::text AS row".to_owned(),
        format!("DELETE FROM mailglass_event_details RETURNING concat(data, '{SECRET}') AS row"),
        // Taking the row over by its key.
        format!(
            "INSERT INTO mailglass_event_links AS link (event_id, tenant_id, waiting_reason)
             SELECT event_id, '{ATTACKER}', 'no_delivery' FROM mailglass_event_links WHERE tenant_id = '{VICTIM}'
             ON CONFLICT (event_id) DO UPDATE SET recipient = link.recipient RETURNING '{SECRET}' AS row"
        ),
        // Writing into the victim.
        format!(
            "INSERT INTO mailglass_events (id, tenant_id, delivery_id, type, occurred_at)
             VALUES (gen_random_uuid(), '{VICTIM}', '{id}', 'bounced', now()) RETURNING '{SECRET}' AS row"
        ),
        format!(
            "INSERT INTO mailglass_event_details (event_id, tenant_id)
             VALUES (gen_random_uuid(), '{VICTIM}') RETURNING '{SECRET}' AS row"
        ),
        format!(
            "MERGE INTO mailglass_event_links AS link USING (SELECT '{VICTIM}' AS tenant) AS other ON link.tenant_id = tenant
             WHEN MATCHED THEN UPDATE SET recipient = NULL"
        ),
    ] {
        queries.push(change);
    }
    queries
}

/// Lets the attacker try something in its scope, and returns everything that it learns.
fn tried(conn: &mut PgConnection, attempt: impl FnOnce(&mut PgConnection) -> Result<String>) -> String {
    match scoped(conn, ATTACKER, attempt) {
        Ok(answer) => answer,
        Err(error) => format!("{error} {error:?}"),
    }
}

#[test]
fn no_call_shows_or_changes_another_tenants_rows() {
    for is_enabled in [false, true] {
        for access in Access::ALL.iter().copied().map(Some).chain([None]) {
            let (database, mut owner) = connected();
            let victim = victim(&mut owner);
            if is_enabled {
                tenancy::enable(&mut owner).unwrap();
            }
            let role = access.map(|access| Role::with(&database, access));
            // Without access it is the owner, to whom no policy applies.
            let mut conn = role.as_ref().map_or_else(|| connect(&database), Role::connect);
            let before = rows_of_victim(&mut owner);
            assert!(before.len() >= 8 && before.iter().any(|row| row.contains(SECRET)));
            let forged = Delivery {
                tenant_id: ATTACKER.to_owned(),
                ..victim.clone()
            };
            for (name, call) in CALLS {
                let who = access.map_or("owner", Access::as_str);
                let learned = tried(&mut conn, |conn| call(conn, &forged));
                assert!(
                    !learned.contains(SECRET),
                    "{name} as {who}, enabled: {is_enabled}: {learned}"
                );
                let after = rows_of_victim(&mut owner);
                assert_eq!(after, before, "{name} as {who}, enabled: {is_enabled}");
            }
            // The attacker's deliveries do not catch the victim's events, whoever sweeps.
            sweep_now(&mut owner);
            assert_eq!(victim.timeline(&mut owner).unwrap().len(), 2);
            assert_eq!(projection::verify(&mut owner, VICTIM).unwrap(), []);
        }
    }
}

#[test]
fn no_query_by_hand_shows_or_changes_another_tenants_rows() {
    let (database, mut owner) = connected();
    let victim = victim(&mut owner);
    tenancy::enable(&mut owner).unwrap();
    let before = rows_of_victim(&mut owner);
    for access in Access::ALL {
        let role = Role::with(&database, *access);
        let mut conn = role.connect();
        for query in queries(&victim) {
            let is_for_all = match access {
                Access::Reconciler => [
                    "deliveries",
                    "event_links",
                    "mailglass_events",
                    "outbox",
                    "suppressions",
                ]
                .iter()
                .any(|table| query.contains(table)),
                Access::Sender => !["erasures", "event_details"].iter().any(|table| query.contains(table)),
                Access::Retention => query.contains("event_details"),
                _ => false,
            };
            if is_for_all {
                continue;
            }
            let run = |conn: &mut PgConnection| {
                let rows: Vec<Row> = sql_query(query.as_str()).load(conn)?;
                Ok(rows.into_iter().map(|row| row.row).collect())
            };
            // In a scope of its own, and in none.
            let learned = [
                tried(&mut conn, run),
                conn.transaction(run).unwrap_or_else(|error: Error| error.to_string()),
            ];
            let is_refused =
                |answer: &String| answer.contains("permission denied") || answer.contains("row-level security");
            for answer in learned.iter().filter(|answer| !is_refused(answer)) {
                assert!(answer.is_empty(), "{access}: {query}: {answer}");
            }
            assert_eq!(rows_of_victim(&mut owner), before, "{access}: {query}");
        }
    }
    // The queries find what they search for if no policy is in the way.
    tenancy::disable(&mut owner).unwrap();
    let mut found = |query: &String| {
        owner.test_transaction::<_, Error, _>(|conn| {
            let rows: Vec<Row> = match sql_query(query.as_str()).load(conn) {
                Ok(rows) => rows,
                // The division by zero.
                Err(_) => return Ok(true),
            };
            Ok(!rows.is_empty() || query.starts_with("MERGE"))
        })
    };
    assert_eq!(
        queries(&victim)
            .iter()
            .filter(|query| !found(query))
            .collect::<Vec<_>>(),
        [""; 0]
    );
}
