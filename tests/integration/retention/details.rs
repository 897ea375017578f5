//! The expiry of details.

use chrono::{TimeDelta, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use mailglass::retention::{DetailsOptions, expire_details};
use mailglass::{CutRejection, Error};

use super::history::{count, rows};
use crate::support::{connect, connected, wrong_fields};

/// Inserts ten rows for each of two tenants, one per day.
fn insert_details(conn: &mut PgConnection) {
    conn.batch_execute(
        "INSERT INTO mailglass_event_details (event_id, tenant_id, inserted_at)
         SELECT gen_random_uuid(), tenant, now() - interval '1 day' * days - interval '1 hour'
         FROM unnest(ARRAY['acme', 'other']) AS tenant, generate_series(0, 9) AS days",
    )
    .unwrap();
}

fn left(conn: &mut PgConnection, tenant: &str) -> i64 {
    count(
        conn,
        &format!("SELECT FROM mailglass_event_details WHERE tenant_id = '{tenant}'"),
    )
}

#[test]
fn details_expire_by_their_own_age_in_batches_of_any_size() {
    for batch in [1, 3, 1_000] {
        let (_database, mut conn) = connected();
        insert_details(&mut conn);
        let options = DetailsOptions {
            batch,
            ..DetailsOptions::all_tenants()
        };
        let before = Utc::now() - TimeDelta::days(4);
        assert_eq!(expire_details(&mut conn, before, &options).unwrap(), 12);
        assert_eq!((left(&mut conn, "acme"), left(&mut conn, "other")), (4, 4));
        assert_eq!(expire_details(&mut conn, before, &options).unwrap(), 0);
    }
}

#[test]
fn one_tenant_expires_without_the_others() {
    let (_database, mut conn) = connected();
    insert_details(&mut conn);
    let options = DetailsOptions {
        batch: 2,
        ..DetailsOptions::of_tenant("acme")
    };
    assert_eq!(expire_details(&mut conn, Utc::now(), &options).unwrap(), 10);
    assert_eq!((left(&mut conn, "acme"), left(&mut conn, "other")), (0, 10));
}

#[test]
fn expiry_is_part_of_the_callers_transaction() {
    let (_database, mut conn) = connected();
    insert_details(&mut conn);
    let all = rows(&mut conn, "mailglass_event_details");
    let options = DetailsOptions {
        batch: 3,
        ..DetailsOptions::all_tenants()
    };
    let rolled_back = conn.transaction::<(), Error, _>(|conn| {
        assert_eq!(expire_details(conn, Utc::now(), &options)?, 20);
        Err(diesel::result::Error::RollbackTransaction.into())
    });
    assert!(rolled_back.is_err());
    assert_eq!(rows(&mut conn, "mailglass_event_details"), all);
}

#[test]
fn rows_that_a_policy_hides_are_not_left_out_in_silence() {
    let (database, mut conn) = connected();
    insert_details(&mut conn);
    conn.batch_execute(
        "DO 'BEGIN CREATE ROLE mail_expiry; EXCEPTION WHEN duplicate_object THEN END';
         GRANT SELECT, UPDATE, DELETE ON mailglass_event_details TO mail_expiry;
         ALTER TABLE mailglass_event_details ENABLE ROW LEVEL SECURITY;
         CREATE POLICY one ON mailglass_event_details USING (tenant_id = current_setting('app.tenant', true))",
    )
    .unwrap();
    let mut worker = connect(&database);
    worker
        .batch_execute("SET ROLE mail_expiry; SET app.tenant = 'acme'")
        .unwrap();
    let refused = expire_details(&mut worker, Utc::now(), &DetailsOptions::all_tenants()).unwrap_err();
    let hidden = CutRejection::RowSecurity(vec!["mailglass_event_details".to_owned()]);
    assert!(matches!(refused, Error::CutRejected(rejection) if rejection == hidden));
    let of_acme = DetailsOptions::of_tenant("acme");
    assert_eq!(expire_details(&mut worker, Utc::now(), &of_acme).unwrap(), 10);
    assert_eq!(left(&mut conn, "other"), 10);
}

#[test]
fn an_empty_batch_is_invalid() {
    let (_database, mut conn) = connected();
    let empty = DetailsOptions {
        batch: 0,
        ..DetailsOptions::all_tenants()
    };
    assert_eq!(
        wrong_fields(&expire_details(&mut conn, Utc::now(), &empty).unwrap_err()),
        ["batch"]
    );
}
