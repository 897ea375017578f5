//! Erasing and exporting a person keeps the suppressions.

use mailglass::suppressions::{self, ListOptions, NewSuppression, check};
use mailglass::{Stream, SuppressionReason, privacy};

use crate::support::{TENANT, connected};

const ANN: &str = "ann@example.com";

fn suppress(conn: &mut diesel::PgConnection) {
    let new = [
        NewSuppression::address(TENANT, "Ann@example.com", SuppressionReason::Complaint),
        NewSuppression::address_in_stream(TENANT, ANN, Stream::Bulk, SuppressionReason::Unsubscribe),
        NewSuppression::address(TENANT, ANN, SuppressionReason::Manual).without_address(),
        NewSuppression::domain(TENANT, "example.com", SuppressionReason::Policy),
        NewSuppression::address(TENANT, "bob@example.com", SuppressionReason::Manual),
        NewSuppression::address("globex", ANN, SuppressionReason::Manual),
    ];
    suppressions::add(conn, &new).unwrap();
}

#[test]
fn an_erasure_removes_the_address_and_the_suppression_stays_in_force() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    suppress(conn);
    let before = check(conn, TENANT, Stream::Operational, &[ANN]).unwrap();
    let erased = privacy::erase(conn, TENANT, "ANN@example.com").unwrap();
    assert_eq!(erased.erasure.suppressions, 2);
    assert_eq!(check(conn, TENANT, Stream::Operational, &[ANN]).unwrap(), before);

    let rows = suppressions::list(conn, &ListOptions::all_tenants()).unwrap();
    let kept: Vec<&str> = rows.iter().filter_map(|row| row.address.as_deref()).collect();
    let mut kept = kept;
    kept.sort_unstable();
    assert_eq!(kept, [ANN, "bob@example.com", "example.com"], "globex has its own");
    assert_eq!(rows.len(), 6);
    assert_eq!(privacy::erase(conn, TENANT, ANN).unwrap().erasure.suppressions, 0);
}

#[test]
fn an_export_has_the_suppressions_of_the_address_also_after_an_erasure() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    suppress(conn);
    let exported = |conn: &mut diesel::PgConnection| privacy::export(conn, TENANT, ANN).unwrap().suppressions;
    let before = exported(conn);
    assert_eq!(before.len(), 3);
    assert!(before.iter().all(|row| row.tenant_id == TENANT));
    privacy::erase(conn, TENANT, ANN).unwrap();
    let after = exported(conn);
    assert_eq!(after.len(), 3);
    assert!(after.iter().all(|row| row.address.is_none()));
}
