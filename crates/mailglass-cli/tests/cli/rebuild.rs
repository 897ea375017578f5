//! `mailglass rebuild`.

use diesel::prelude::*;
use mailglass::{Delivery, DeliveryStatus, NewDelivery, Stream};
use serde_json::json;
use uuid::Uuid;

use crate::program::{execute, run};
use test_support::{connected, reload};

pub fn delivery_of(conn: &mut PgConnection, tenant: &str) -> Delivery {
    NewDelivery::new(tenant, "welcome", Stream::Transactional, "ann@example.com")
        .insert(conn)
        .unwrap()
        .into_delivery()
}

pub fn spoil(conn: &mut PgConnection) {
    execute(conn, "UPDATE mailglass_deliveries SET status = 'suppressed'");
}

#[test]
fn every_tenant_is_made_again_and_what_was_wrong_is_counted() {
    let (database, mut conn) = connected();
    let one = delivery_of(&mut conn, "acme");
    delivery_of(&mut conn, "acme");
    delivery_of(&mut conn, "other");
    spoil(&mut conn);
    let rebuilt = run(&database, &["rebuild"])
        .exits(0)
        .says("3 deliveries rebuilt, 3 corrected");
    let expected = [
        ["tenant", "deliveries", "corrected"],
        ["acme", "2", "2"],
        ["other", "1", "1"],
    ];
    assert_eq!(rebuilt.tables()[0], expected);
    assert_eq!(reload(&mut conn, &one).status, DeliveryStatus::Queued);
    let again = run(&database, &["rebuild", "--json"]).exits(0).json();
    assert_eq!((&again["deliveries"], &again["corrected"]), (&json!(3), &json!(0)));
    assert_eq!(again["is_complete"], true);
}

#[test]
fn one_tenant_or_one_delivery_can_be_made_again() {
    let (database, mut conn) = connected();
    let [one, two] = [(); 2].map(|()| delivery_of(&mut conn, "acme"));
    let theirs = delivery_of(&mut conn, "other");
    spoil(&mut conn);
    let id = one.id.to_string();
    let rebuilt = run(&database, &["rebuild", "--delivery", &id]).exits(0);
    assert_eq!(rebuilt.tables()[0][1], ["acme", "1", "1"]);
    let again = run(&database, &["rebuild", "--delivery", &id, "--tenant", "acme"]).exits(0);
    assert_eq!(again.tables()[0][1], ["acme", "1", "0"]);
    assert_eq!(reload(&mut conn, &two).status, DeliveryStatus::Suppressed);
    let rebuilt = run(&database, &["rebuild", "--tenant", "acme"]).exits(0);
    assert_eq!(
        rebuilt.tables()[0],
        [["tenant", "deliveries", "corrected"], ["acme", "2", "1"]]
    );
    assert_eq!(reload(&mut conn, &theirs).status, DeliveryStatus::Suppressed);
}

#[test]
fn a_delivery_that_is_not_there_or_is_anothers_is_not_found() {
    let (database, mut conn) = connected();
    let theirs = delivery_of(&mut conn, "other").id.to_string();
    for arguments in [
        &["rebuild", "--delivery", &Uuid::nil().to_string()][..],
        &["rebuild", "--delivery", &theirs, "--tenant", "acme"],
    ] {
        run(&database, arguments).exits(5).says("no delivery");
    }
}
