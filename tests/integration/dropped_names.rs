//! Typed errors from errors of which a proxy or Citus has dropped the names, as they drop the fields of an error that libpq
//! reports in addition to the message, DETAIL, HINT and CONTEXT.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use mailglass::Error;

use crate::support::wrong_fields;

/// An error with nothing but a message.
fn error(kind: DatabaseErrorKind, message: &str) -> Error {
    DieselError::DatabaseError(kind, Box::new(message.to_owned())).into()
}

fn unique_violation(message: &str) -> Error {
    error(DatabaseErrorKind::UniqueViolation, message)
}

#[test]
fn a_unique_violation_is_recognized_by_the_name_in_its_message() {
    for (message, field) in [
        (
            r#"duplicate key value violates unique constraint "mailglass_deliveries_pkey""#,
            "id",
        ),
        (
            r#"duplicate key value violates unique constraint "mailglass_deliveries_provider_msg_id_idx""#,
            "provider_message_id",
        ),
        // Citus reports the constraint of the shard.
        (
            r#"duplicate key value violates unique constraint "mailglass_deliveries_pkey_102870""#,
            "id",
        ),
        (
            r#"duplicate key value violates unique constraint "mailglass_deliveries_provider_msg_id_idx_8""#,
            "provider_message_id",
        ),
        // Messages in other languages.
        (
            "doppelter Schlüsselwert verletzt Unique-Constraint »mailglass_deliveries_pkey«",
            "id",
        ),
        (
            "la valeur d'une clé dupliquée rompt la contrainte unique « mailglass_deliveries_pkey »",
            "id",
        ),
        (
            "llave duplicada viola restricción de unicidad «mailglass_deliveries_pkey_102870»",
            "id",
        ),
        (
            "重複したキー値は一意性制約\"mailglass_deliveries_pkey\"違反となります",
            "id",
        ),
    ] {
        let error = unique_violation(message);
        assert!(error.is_invalid(), "{message}: {error:?}");
        assert_eq!(wrong_fields(&error), [field], "{message}");
    }
}

#[test]
fn a_unique_violation_of_another_index_is_a_database_error() {
    for message in [
        r#"duplicate key value violates unique constraint "mailglass_deliveries_pkey_old""#,
        r#"duplicate key value violates unique constraint "mailglass_deliveries_pkey_""#,
        r#"duplicate key value violates unique constraint "mailglass_deliveries_pkey_1_2""#,
        r#"duplicate key value violates unique constraint "my_mailglass_deliveries_pkey""#,
        r#"duplicate key value violates unique constraint "the mailglass_deliveries_pkey""#,
        r#"duplicate key value violates unique constraint "mailglass_deliveries_pkey1""#,
        "mailglass_deliveries_pkey is violated",
        "",
    ] {
        assert!(unique_violation(message).is_database(), "{message}");
    }
}

/// Only a unique violation has the name of a unique index at that place.
#[test]
fn an_error_of_another_kind_is_not_recognized_by_its_message() {
    let message = r#"index "mailglass_deliveries_pkey" contains unexpected zero page at block 0"#;
    assert!(error(DatabaseErrorKind::Unknown, message).is_database());
}

/// Citus reports it with a SQLSTATE of its own, and Diesel with a kind that says nothing.
#[test]
fn a_query_that_a_move_of_its_schema_interrupted_is_a_serialization_failure() {
    let message =
        r#"Query could not find the intermediate result file "200_4", it was mostly likely deleted due to an error"#;
    assert!(error(DatabaseErrorKind::Unknown, message).is_serialization_failure());
    let message = "failure on connection marked as essential: 10.0.0.1:5432";
    assert!(error(DatabaseErrorKind::Unknown, message).is_database());
}
