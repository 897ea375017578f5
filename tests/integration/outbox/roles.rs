//! The outbox below the policies of row-level security: a role that sends for all tenants, and one that sends for the tenant of its
//! scope.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use mailglass::outbox::{self, Claim, ClaimOptions, RateLimit, Sent};
use mailglass::roles::Access;
use mailglass::suppressions::Suppress;
use mailglass::tenancy::{self, Tenants};
use mailglass::{DeliveryStatus, NewDelivery, Stream};
use serde_json::json;

use super::plans::{GROW, cost, variants};
use super::{expire, options};
use crate::support::role::Role;
use crate::support::{TENANT, connected, insert, reload};

fn queue(conn: &mut PgConnection, tenant: &str, count: usize) {
    for number in 0..count {
        let new = NewDelivery::new(tenant, "news", Stream::Bulk, format!("r{number}@x.org"));
        insert(conn, &new.send());
    }
}

/// Every step of a worker.
fn every_step(conn: &mut PgConnection, tenants: &Tenants) {
    let options = ClaimOptions {
        tenants: tenants.clone(),
        limit: 1,
        ..options()
    };
    let claim = |conn: &mut PgConnection| -> Claim { outbox::claim(conn, &options).unwrap().remove(0) };
    claim(conn).release(conn).unwrap();
    let claimed = claim(conn);
    claimed.extend(conn, Duration::from_secs(60)).unwrap();
    let attempt = claimed.begin(conn).unwrap();
    assert!(matches!(
        attempt.sent(conn, "ses", claimed.delivery().id).unwrap(),
        Sent::Recorded(_)
    ));
    let attempt = claim(conn).begin(conn).unwrap();
    attempt.retry(conn, json!({}), Duration::from_secs(60)).unwrap();
    claim(conn).failed(conn, json!({})).unwrap();
    claim(conn).suppressed(conn, None).unwrap();
    let delivery = claim(conn).delivery().clone();
    outbox::release(conn, &delivery.tenant_id, delivery.id).unwrap();
    outbox::hold(conn, &delivery.tenant_id, delivery.id).unwrap();
    assert_eq!(outbox::held(conn, tenants, 10).unwrap().len(), 1);
    outbox::resend(conn, &delivery.tenant_id, delivery.id).unwrap();
    assert!(!outbox::status(conn, tenants).unwrap().is_empty());
    let limit = Some(RateLimit {
        claims: 5,
        window: Duration::from_secs(60),
    });
    let limited = ClaimOptions {
        tenant_limit: limit,
        domain_limit: limit,
        suppress: Some(Suppress::Always),
        ..options.clone()
    };
    assert_eq!(outbox::claim(conn, &limited).unwrap().len(), 1);
}

#[test]
fn a_sender_works_for_all_tenants() {
    let (database, mut conn) = connected();
    tenancy::enable(&mut conn).unwrap();
    queue(&mut conn, "acme", 4);
    queue(&mut conn, "globex", 4);
    let role_of_sender = Role::with(&database, Access::Sender);
    let mut sender = role_of_sender.connect();
    every_step(&mut sender, &Tenants::All);
    let claims = outbox::claim(&mut sender, &options()).unwrap();
    assert_eq!(claims.len(), 8 - 5);
}

#[test]
fn a_worker_works_for_the_tenant_of_its_scope() {
    let (database, mut conn) = connected();
    tenancy::enable(&mut conn).unwrap();
    queue(&mut conn, "acme", 8);
    queue(&mut conn, "globex", 8);
    let role_of_worker = Role::with(&database, Access::Worker);
    let mut worker = role_of_worker.connect();
    tenancy::scoped(&mut worker, "acme", |conn| {
        every_step(conn, &Tenants::Only("acme".to_owned()));
        Ok::<_, mailglass::Error>(())
    })
    .unwrap();
    // Without a scope, and as all tenants in a scope, it sees no other tenant.
    assert_eq!(outbox::claim(&mut worker, &options()).unwrap(), []);
    let claims = tenancy::scoped(&mut worker, "acme", |conn| outbox::claim(conn, &options())).unwrap();
    assert!(claims.iter().all(|claim| claim.delivery().tenant_id == "acme"));
    let globex = ClaimOptions::of_tenant("worker", "globex");
    let of_other = tenancy::scoped(&mut worker, "acme", |conn| outbox::claim(conn, &globex)).unwrap();
    assert_eq!(of_other, []);
}

#[test]
fn an_application_in_a_scope_inserts_what_a_sender_sends() {
    let (database, mut conn) = connected();
    tenancy::enable(&mut conn).unwrap();
    let role_of_app = Role::with(&database, Access::App);
    let mut app = role_of_app.connect();
    let new = NewDelivery::new(TENANT, "welcome", Stream::Transactional, "ann@example.com");
    let new = new.send().suppress(Suppress::ByStream);
    let delivery = tenancy::scoped(&mut app, TENANT, |conn| new.insert(conn))
        .unwrap()
        .into_delivery();
    let role_of_sender = Role::with(&database, Access::Sender);
    let mut sender = role_of_sender.connect();
    let claim = outbox::claim(&mut sender, &options()).unwrap().remove(0);
    claim
        .begin(&mut sender)
        .unwrap()
        .sent(&mut sender, "ses", "m-1")
        .unwrap();
    assert_eq!(reload(&mut conn, &delivery).status, DeliveryStatus::Dispatched);
    expire(&mut conn);
}

#[test]
fn a_claim_below_the_policies_reads_as_little() {
    let (database, mut conn) = connected();
    tenancy::enable(&mut conn).unwrap();
    let role_of_sender = Role::with(&database, Access::Sender);
    let mut sender = role_of_sender.connect();
    let role_of_worker = Role::with(&database, Access::Worker);
    let mut worker = role_of_worker.connect();
    for _ in 0..7 {
        for (_, options) in variants() {
            outbox::claim(&mut sender, &options).unwrap();
            tenancy::scoped(&mut worker, "big", |conn| outbox::claim(conn, &options)).unwrap();
        }
    }
    conn.batch_execute(GROW).unwrap();
    let mut costs = Vec::new();
    for (name, options) in variants() {
        costs.push((
            name,
            cost(&mut sender, |conn| {
                assert_eq!(outbox::claim(conn, &options).unwrap().len(), options.limit as usize);
            }),
        ));
        costs.push((
            name,
            cost(&mut worker, |conn| {
                let claims = tenancy::scoped(conn, "big", |conn| outbox::claim(conn, &options)).unwrap();
                assert_eq!(claims.len(), options.limit as usize, "{name}");
            }),
        ));
    }
    for (name, (rows, pages)) in costs {
        // With limits, the windows are read: at most one for each tenant and recipient domain.
        let windows = if name.contains("limit") { 10_000 } else { 0 };
        assert!(
            rows <= 300 + windows && pages <= 1_500,
            "{name}: {rows} rows, {pages} blocks"
        );
    }
}
