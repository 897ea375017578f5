//! Suppressions with row-level security, and the rights of each role.

use chrono::Utc;
use diesel::prelude::*;
use mailglass::ledger::{self, RecordOptions};
use mailglass::roles::Access;
use mailglass::suppressions::{self, ListOptions, NewSuppression, SoftBounces, Subject, SuppressionRules, check};
use mailglass::tenancy::{self, scoped};
use mailglass::{EventDetails, EventType, NewDelivery, NewEvent, Result, Stream, SuppressionReason, privacy};

use crate::support::role::Role;
use crate::support::{TENANT, connected, insert, rows_read};

const ANN: &str = "ann@example.com";

fn of(tenant: &str) -> NewSuppression {
    NewSuppression::address(tenant, ANN, SuppressionReason::HardBounce)
}

fn rules() -> RecordOptions {
    RecordOptions {
        suppress: Some(SuppressionRules {
            soft_bounces: Some(SoftBounces {
                threshold: 1,
                window: std::time::Duration::from_secs(3_600),
                duration: std::time::Duration::from_secs(3_600),
            }),
            ..SuppressionRules::default()
        }),
    }
}

fn bounced(permanent: bool) -> EventDetails {
    EventDetails {
        permanent: Some(permanent),
        ..EventDetails::default()
    }
}

#[test]
fn a_scope_sees_and_changes_only_the_suppressions_of_its_tenant() {
    let (database, mut owner) = connected();
    tenancy::enable(&mut owner).unwrap();
    suppressions::add(&mut owner, &[of(TENANT), of("globex")]).unwrap();
    let role = Role::with(&database, Access::App);
    let mut conn = role.connect();
    let ann = Subject::Address(ANN.to_owned());
    scoped(&mut conn, TENANT, |conn| -> Result<()> {
        assert!(check(conn, TENANT, Stream::Bulk, &[ANN])?[0].is_some());
        assert_eq!(check(conn, "globex", Stream::Bulk, &[ANN])?, [None]);
        assert_eq!(suppressions::list(conn, &ListOptions::all_tenants())?.len(), 1);
        assert_eq!(suppressions::remove(conn, "globex", &ann, None)?, []);
        assert!(suppressions::add(conn, &[of(TENANT)])?[0].is_unchanged());
        Ok(())
    })
    .unwrap();
    let foreign = scoped(&mut conn, TENANT, |conn| suppressions::add(conn, &[of("globex")]));
    assert!(foreign.unwrap_err().is_database());
    // Outside of a scope, nothing is visible.
    assert_eq!(check(&mut conn, TENANT, Stream::Bulk, &[ANN]).unwrap(), [None]);
    assert_eq!(
        suppressions::list(&mut owner, &ListOptions::all_tenants())
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn each_role_can_do_what_it_needs_and_no_more() {
    let (database, mut owner) = connected();
    suppressions::add(&mut owner, &[of(TENANT)]).unwrap();
    let ann = Subject::Address(ANN.to_owned());
    let delivery = insert(
        &mut owner,
        &NewDelivery::new(TENANT, "news", Stream::Bulk, "bob@example.com"),
    );
    for access in Access::ALL {
        let role = Role::with(&database, *access);
        let mut conn = role.connect();
        let mut allows = |call: &mut dyn FnMut(&mut PgConnection) -> Result<()>| {
            let undone = conn.transaction::<(), mailglass::Error, _>(|conn| {
                call(conn)?;
                Err(diesel::result::Error::RollbackTransaction.into())
            });
            matches!(
                undone,
                Err(mailglass::Error::Database(diesel::result::Error::RollbackTransaction))
            )
        };
        use Access::{App, Privacy, Reader, Reconciler, Retention, Sender, Worker};
        let reads = allows(&mut |conn| check(conn, TENANT, Stream::Bulk, &[ANN]).map(drop));
        assert_eq!(reads, !matches!(access, Retention), "{access} checks");
        let lists = allows(&mut |conn| suppressions::list(conn, &ListOptions::of_tenant(TENANT)).map(drop));
        assert_eq!(lists, reads, "{access} lists");
        let adds = allows(&mut |conn| suppressions::add(conn, &[of("globex")]).map(drop));
        assert_eq!(
            adds,
            matches!(access, App | Worker | Sender | Reconciler),
            "{access} adds"
        );
        let removes = allows(&mut |conn| suppressions::remove(conn, TENANT, &ann, None).map(drop));
        assert_eq!(removes, matches!(access, App), "{access} removes");
        for permanent in [false, true] {
            let event = NewEvent::new(TENANT, EventType::Bounced, Utc::now())
                .delivery(delivery.id)
                .details(bounced(permanent));
            let records =
                allows(&mut |conn| ledger::record_with(conn, std::slice::from_ref(&event), &rules()).map(drop));
            assert_eq!(records, matches!(access, App | Worker | Sender), "{access} records");
        }
        let erases = allows(&mut |conn| privacy::erase(conn, TENANT, ANN).map(drop));
        assert_eq!(erases, matches!(access, Privacy), "{access} erases");
        assert!(reads || !matches!(access, Reader));
    }
}

/// A policy must not keep the digest out of the condition of the index.
#[test]
fn a_check_in_a_scope_reads_no_row_of_anybody_else() {
    let (database, mut owner) = connected();
    tenancy::enable(&mut owner).unwrap();
    let role = Role::with(&database, Access::Worker);
    let mut conn = role.connect();
    let addresses: Vec<String> = (0..3_000).map(|n| format!("reader{n}@example.com")).collect();
    let new = addresses
        .iter()
        .map(|address| NewSuppression::address(TENANT, address, SuppressionReason::Manual));
    suppressions::add(&mut owner, &new.collect::<Vec<_>>()).unwrap();
    let read = scoped(&mut conn, TENANT, |conn| -> Result<i64> {
        let before = rows_read(conn);
        let found = check(conn, TENANT, Stream::Bulk, &addresses[..100])?;
        assert!(found.iter().all(Option::is_some));
        Ok(rows_read(conn) - before)
    });
    assert_eq!(read.unwrap(), 100);
}

/// Below a policy, the index by recipient can't be used.
#[test]
fn soft_bounces_are_counted_in_a_scope_without_reading_the_whole_tenant() {
    let (database, mut owner) = connected();
    tenancy::enable(&mut owner).unwrap();
    diesel::sql_query(
        "INSERT INTO mailglass_deliveries (id, tenant_id, mailable, stream, recipient, recipient_domain, last_event_type, last_event_at)
         SELECT gen_random_uuid(), 'acme', 'news', 'bulk', n || '@example.net', 'example.net', 'queued', now()
         FROM generate_series(1, 5000) AS n",
    )
    .execute(&mut owner)
    .unwrap();
    let role = Role::with(&database, Access::App);
    let mut conn = role.connect();
    let read = scoped(&mut conn, TENANT, |conn| -> Result<i64> {
        let delivery = insert(conn, &NewDelivery::new(TENANT, "news", Stream::Bulk, "Ann@Example.com"));
        let event = NewEvent::new(TENANT, EventType::Bounced, Utc::now())
            .delivery(delivery.id)
            .details(bounced(false));
        let before = rows_read(conn);
        ledger::record_with(conn, &[event], &rules())?;
        let read = rows_read(conn) - before;
        let found = check(conn, TENANT, Stream::Bulk, &["ann@example.com"])?;
        assert_eq!(found[0].map(|found| found.reason), Some(SuppressionReason::SoftBounce));
        Ok(read)
    })
    .unwrap();
    assert!(read < 100, "{read} rows");
}
