//! Suppressed recipients, at the insert and at the claim.

use diesel::prelude::*;
use mailglass::outbox::{self, ClaimOptions};
use mailglass::schema::mailglass_outbox;
use mailglass::suppressions::Suppress;
use mailglass::{DeliveryStatus, EventType, NewDelivery, RejectReason, Stream, privacy, projection};

use super::{claim, options, queued, rows, types};
use crate::support::{TENANT, connected, insert, reload, to};

/// Suppresses an address by hand: the module `suppressions` has tests of its own.
fn suppress(conn: &mut PgConnection, address: &str, reason: &str) {
    diesel::sql_query(
        "INSERT INTO mailglass_suppressions (id, tenant_id, scope, digest, reason)
         VALUES (gen_random_uuid(), 'acme', 'address',
                 sha256(convert_to('4:acme:' || lower($1), 'UTF8')), $2::mailglass_suppression_reason)",
    )
    .bind::<diesel::sql_types::Text, _>(address)
    .bind::<diesel::sql_types::Text, _>(reason)
    .execute(conn)
    .unwrap();
}

fn suppressing(suppress: Suppress) -> ClaimOptions {
    ClaimOptions {
        suppress: Some(suppress),
        ..options()
    }
}

#[test]
fn a_delivery_to_a_suppressed_recipient_is_born_suppressed_and_never_sent() {
    let (_database, mut conn) = connected();
    suppress(&mut conn, "ann@example.com", "hard_bounce");
    let batch = [
        to("ANN@example.com").send().suppress(Suppress::ByStream),
        to("ann@example.com").suppress(Suppress::ByStream), // only tracked
        to("bob@example.com").send().suppress(Suppress::ByStream),
        to("ann@example.com").send(), // not checked
    ];
    let inserted = NewDelivery::insert_all(&mut conn, &batch).unwrap();
    let statuses: Vec<DeliveryStatus> = inserted.iter().map(|inserted| inserted.delivery().status).collect();
    use DeliveryStatus::{Queued, Suppressed};
    assert_eq!(statuses, [Suppressed, Suppressed, Queued, Queued]);
    let born = inserted[0].delivery();
    assert!(born.terminal && born.suppressed_at.is_some());
    let timeline = born.timeline(&mut conn).unwrap();
    assert_eq!((timeline.len(), timeline[0].type_), (1, EventType::Suppressed));
    assert_eq!(timeline[0].reject_reason, Some(RejectReason::Bounced));
    assert_eq!(claim(&mut conn).len(), 2);
    assert!(projection::verify(&mut conn, TENANT).unwrap().is_empty());
}

#[test]
fn transactional_mail_is_held_back_by_hard_bounces_only_unless_told_otherwise() {
    let (_database, mut conn) = connected();
    suppress(&mut conn, "ann@example.com", "complaint");
    let status = |conn: &mut PgConnection, stream, suppress| {
        let new = NewDelivery::new(TENANT, "welcome", stream, "ann@example.com").suppress(suppress);
        insert(conn, &new).status
    };
    use DeliveryStatus::{Queued, Suppressed};
    assert_eq!(status(&mut conn, Stream::Transactional, Suppress::ByStream), Queued);
    assert_eq!(status(&mut conn, Stream::Transactional, Suppress::Always), Suppressed);
    assert_eq!(status(&mut conn, Stream::Bulk, Suppress::ByStream), Suppressed);
    suppress(&mut conn, "ann@example.com", "hard_bounce");
    assert_eq!(status(&mut conn, Stream::Transactional, Suppress::ByStream), Suppressed);
}

#[test]
fn a_claim_ends_deliveries_to_suppressed_recipients() {
    let (_database, mut conn) = connected();
    let ann = queued(&mut conn);
    let bob = insert(&mut conn, &to("bob@example.com").send());
    suppress(&mut conn, "ann@example.com", "invalid_recipient");
    let claims = outbox::claim(&mut conn, &suppressing(Suppress::ByStream)).unwrap();
    assert_eq!(
        claims.iter().map(|claim| claim.delivery().id).collect::<Vec<_>>(),
        [bob.id]
    );
    assert_eq!(
        (reload(&mut conn, &ann).status, rows(&mut conn)),
        (DeliveryStatus::Suppressed, 1)
    );
    assert_eq!(types(&mut conn, &ann), [EventType::Queued, EventType::Suppressed]);
    assert_eq!(
        ann.timeline(&mut conn).unwrap()[1].reject_reason,
        Some(RejectReason::Invalid)
    );
}

#[test]
fn a_claim_that_does_not_check_returns_them() {
    let (_database, mut conn) = connected();
    queued(&mut conn);
    suppress(&mut conn, "ann@example.com", "hard_bounce");
    assert_eq!(claim(&mut conn).len(), 1);
}

/// An erased person's pseudonym gets no mail, whatever the options.
#[test]
fn a_claim_ends_deliveries_of_erased_persons() {
    let (_database, mut conn) = connected();
    let delivery = queued(&mut conn);
    privacy::erase(&mut conn, TENANT, "ann@example.com").unwrap();
    let domain = mailglass_outbox::table.select(mailglass_outbox::recipient_domain);
    assert_eq!(domain.get_result(&mut conn), Ok("erased.invalid".to_owned()));
    assert_eq!(claim(&mut conn), []);
    assert_eq!(
        (reload(&mut conn, &delivery).status, rows(&mut conn)),
        (DeliveryStatus::Suppressed, 0)
    );
}
