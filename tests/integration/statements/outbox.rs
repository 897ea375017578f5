//! The statements of the outbox.

use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use mailglass::outbox::{self, ClaimOptions, RateLimit};
use mailglass::suppressions::Suppress;
use mailglass::tenancy::Tenants;
use mailglass::{EventType, ledger};
use serde_json::json;

use super::Snapshots;
use crate::support::{TENANT, connected, event, insert, to};

pub(super) fn outbox(snapshots: &mut Snapshots) {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let new = to("ann@example.com").send().suppress(Suppress::ByStream);
    let delivery = snapshots.take(conn, "insert_and_send", |conn| insert(conn, &new));
    let options = ClaimOptions::all_tenants("worker");
    let claim = |conn: &mut _| outbox::claim(conn, &options).unwrap().remove(0);
    let claimed = snapshots.take(conn, "outbox_claim", claim);
    let attempt = snapshots.take(conn, "outbox_begin", |conn| claimed.begin(conn).unwrap());
    snapshots.take(conn, "outbox_extend", |conn| {
        attempt.extend(conn, Duration::from_secs(60)).unwrap()
    });
    snapshots.take(conn, "outbox_retry", |conn| {
        attempt.retry(conn, json!({}), Duration::ZERO).unwrap()
    });
    snapshots.take(conn, "outbox_wait", |conn| {
        outbox::wait(conn, &Tenants::All, Duration::from_secs(1)).unwrap()
    });
    let claimed = claim(conn);
    snapshots.take(conn, "outbox_release", |conn| claimed.release(conn).unwrap());
    claim(conn);
    snapshots.take(conn, "outbox_release_by_id", |conn| {
        outbox::release(conn, TENANT, delivery.id).unwrap()
    });
    snapshots.take(conn, "outbox_hold", |conn| {
        outbox::hold(conn, TENANT, delivery.id).unwrap()
    });
    snapshots.take(conn, "outbox_held", |conn| {
        outbox::held(conn, &Tenants::All, 100).unwrap()
    });
    snapshots.take(conn, "outbox_resend", |conn| {
        outbox::resend(conn, TENANT, delivery.id).unwrap()
    });
    snapshots.take(conn, "outbox_status", |conn| {
        outbox::status(conn, &Tenants::All).unwrap()
    });
    let attempt = claim(conn).begin(conn).unwrap();
    snapshots.take(conn, "outbox_sent", |conn| {
        attempt.sent(conn, "postmark", "0a129aee").unwrap()
    });

    // A trigger refuses the first statement.
    conn.batch_execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END';
         CREATE TRIGGER refuse BEFORE UPDATE OF linked_at ON mailglass_event_links
             FOR EACH ROW EXECUTE FUNCTION refuse();",
    )
    .unwrap();
    ledger::record(conn, &[event(EventType::Delivered, 1).provider_message("ses", "m-1")]).unwrap();
    insert(conn, &new);
    let attempt = claim(conn).begin(conn).unwrap();
    snapshots.take(conn, "outbox_sent_refused", |conn| {
        attempt.sent(conn, "ses", "m-1").unwrap()
    });

    let limit = Some(RateLimit {
        claims: 1,
        window: Duration::from_secs(60),
    });
    insert(conn, &new);
    let of_tenants = ClaimOptions {
        tenant_limit: limit,
        ..options.clone()
    };
    let claimed = snapshots.take(conn, "outbox_claim_with_tenant_limit", |conn| {
        outbox::claim(conn, &of_tenants).unwrap().remove(0)
    });
    snapshots.take(conn, "outbox_failed", |conn| claimed.failed(conn, json!({})).unwrap());
    insert(conn, &to("erin@example.com").send());
    let of_domains = ClaimOptions {
        domain_limit: limit,
        ..options.clone()
    };
    snapshots.take(conn, "outbox_claim_with_domain_limit", |conn| {
        outbox::claim(conn, &of_domains).unwrap()
    });
}
