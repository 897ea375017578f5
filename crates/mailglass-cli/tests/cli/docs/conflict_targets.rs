//! The Diesel code that the docs have for `ON CONFLICT`. Each snippet is executed here and compared with the docs.

use diesel::connection::SimpleConnection;
use diesel::insert_into;
use diesel::prelude::*;
use diesel::result::DatabaseErrorKind::NotNullViolation;
use diesel::result::Error::DatabaseError;
use mailglass::schema::{mailglass_deliveries, mailglass_events};
use serde_json::Value;

use super::schema_after;
use test_support::connected;

diesel::table! {
    order (id) {
        id -> Integer,
        #[sql_name = "type"]
        type_ -> Nullable<Text>,
        gone -> Bool,
        must -> Integer,
    }
}

const ORDER: &str = r#"
    CREATE TABLE "order" (id integer PRIMARY KEY, "type" text, gone boolean, must integer NOT NULL);
    CREATE UNIQUE INDEX is_not_null ON "order" ("type") WHERE "type" IS NOT NULL;
    CREATE UNIQUE INDEX is_null ON "order" (id) WHERE "type" IS NULL;
    CREATE UNIQUE INDEX not_gone ON "order" (id, "type") WHERE NOT gone;
    CREATE UNIQUE INDEX gone ON "order" (id) WHERE gone;
    CREATE UNIQUE INDEX expression ON "order" (lower("type"), id);
    CREATE UNIQUE INDEX expression_some ON "order" (lower("type")) WHERE id > 5;
    CREATE UNIQUE INDEX condition ON "order" (id) WHERE id > 5 AND "type" <> 'it''s';
"#;

/// The documented code for an index, without whitespace, because `stringify!` formats it differently.
fn documented(schema: &Value, index: &str) -> String {
    let relations = schema["relations"].as_array().unwrap().iter();
    let mut indexes = relations.flat_map(|relation| relation["indexes"].as_array().unwrap());
    let index = indexes.find(|candidate| candidate["name"] == index).unwrap();
    without_blanks(index["diesel_on_conflict"].as_str().unwrap())
}

fn without_blanks(code: &str) -> String {
    code.chars().filter(|character| !character.is_whitespace()).collect()
}

/// Postgres resolves the conflict target before it checks the row, which lacks a column. So the error shows that the target
/// matched an index.
macro_rules! assert_lines {
    ($schema:expr, $conn:expr, $index:literal, $values:expr, $table:expr, $($lines:tt)+) => {
        let refused = insert_into($table).values($values) $($lines)+ .do_nothing().execute($conn).unwrap_err();
        assert!(matches!(refused, DatabaseError(NotNullViolation, _)), "{}: {refused}", $index);
        assert_eq!(documented(&$schema, $index), without_blanks(stringify!($($lines)+)), "{}", $index);
    };
}

#[test]
fn the_lines_for_our_own_indexes_name_them() {
    let schema = schema_after("SELECT", &[]);
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let tenant = mailglass_deliveries::tenant_id.eq("acme");
    assert_lines!(schema, conn, "mailglass_deliveries_idempotency_key_unique_idx", tenant, mailglass_deliveries::table,
        .on_conflict(mailglass_deliveries::idempotency_key)
        .filter_target(mailglass_deliveries::idempotency_key.is_not_null()));
    assert_lines!(schema, conn, "mailglass_deliveries_provider_msg_id_idx", tenant, mailglass_deliveries::table,
        .on_conflict((
            mailglass_deliveries::provider, mailglass_deliveries::provider_message_id, mailglass_deliveries::recipient))
        .filter_target(mailglass_deliveries::provider_message_id.is_not_null()));
    let tenant = mailglass_events::tenant_id.eq("acme");
    assert_lines!(schema, conn, "mailglass_events_idempotency_key_idx", tenant, mailglass_events::table,
        .on_conflict(mailglass_events::idempotency_key)
        .filter_target(mailglass_events::idempotency_key.is_not_null()));
}

#[test]
fn the_lines_for_indexes_of_every_shape_name_them() {
    let schema = schema_after(ORDER, &["--tables", "order"]);
    let (_database, mut conn) = connected();
    conn.batch_execute(ORDER).unwrap();
    let conn = &mut conn;
    let id = order::id.eq(1);
    assert_lines!(schema, conn, "order_pkey", id, order::table, .on_conflict(order::id));
    assert_lines!(schema, conn, "is_not_null", id, order::table,
        .on_conflict(order::type_).filter_target(order::type_.is_not_null()));
    assert_lines!(schema, conn, "is_null", id, order::table,
        .on_conflict(order::id).filter_target(order::type_.is_null()));
    assert_lines!(schema, conn, "not_gone", id, order::table,
        .on_conflict((order::id, order::type_)).filter_target(diesel::dsl::not(order::gone)));
    assert_lines!(schema, conn, "gone", id, order::table,
        .on_conflict(order::id).filter_target(order::gone));
    assert_lines!(schema, conn, "expression", id, order::table,
        .on_conflict(diesel::dsl::sql::<diesel::sql_types::Text>("((lower(type)), id)")));
    assert_lines!(schema, conn, "expression_some", id, order::table,
        .on_conflict(diesel::dsl::sql::<diesel::sql_types::Text>("((lower(type))) WHERE id > 5")));
    assert_lines!(schema, conn, "condition", id, order::table,
        .on_conflict(order::id)
        .filter_target(diesel::dsl::sql::<diesel::sql_types::Bool>("id > 5 AND type <> 'it''s'::text")));
}
