//! Migrations in a distributed schema.

use mailglass::contract;
use mailglass::migrations::{DataLoss, FILES, list, redo, revert_to, run};
use mailglass::{EventType, ledger};
use test_support::{delivery, event};

use crate::support::{Migrated, connected};

#[test]
#[ignore = "needs MAILGLASS_CITUS_URL: the database of a Citus coordinator"]
fn migrations_run_in_a_distributed_schema_and_can_be_reverted() {
    let (_schema, mut conn) = connected(Migrated::Not);
    let conn = &mut conn;
    assert_eq!(run(conn).unwrap().len(), FILES.len());
    assert_eq!(run(conn).unwrap(), [""; 0]);
    assert_eq!(
        redo(conn, DataLoss::Reject).unwrap().as_deref(),
        FILES.last().map(|last| last.version)
    );
    assert_eq!(
        revert_to(conn, Some(FILES[0].version), DataLoss::Reject).unwrap().len(),
        FILES.len() - 1
    );
    assert_eq!(run(conn).unwrap().len(), FILES.len() - 1);
    assert_eq!(revert_to(conn, None, DataLoss::Reject).unwrap().len(), FILES.len());
    assert!(list(conn).unwrap().iter().all(|migration| !migration.is_applied));
    run(conn).unwrap();
    delivery(conn);
}

#[test]
#[ignore = "needs MAILGLASS_CITUS_URL: the database of a Citus coordinator"]
fn migrations_that_were_distributed_afterwards_can_be_reverted() {
    let (_schema, mut conn) = connected(Migrated::BeforeDistribution);
    let conn = &mut conn;
    assert!(redo(conn, DataLoss::Reject).unwrap().is_some());
    delivery(conn);
    ledger::record(conn, &[event(EventType::Delivered, 1).provider_message("ses", "m")]).unwrap();
    assert!(redo(conn, DataLoss::Reject).unwrap_err().is_would_lose_data());
    let refused = revert_to(conn, None, DataLoss::Reject);
    assert!(
        refused.as_ref().is_err_and(|error| error.is_would_lose_data()),
        "{refused:?}"
    );
    assert_eq!(revert_to(conn, None, DataLoss::Accept).unwrap().len(), FILES.len());
}

#[test]
#[ignore = "needs MAILGLASS_CITUS_URL: the database of a Citus coordinator"]
fn a_schema_that_was_distributed_after_its_migrations_has_no_differences() {
    let (_schema, mut conn) = connected(Migrated::BeforeDistribution);
    assert_eq!(contract::verify(&mut conn).unwrap(), []);
}
