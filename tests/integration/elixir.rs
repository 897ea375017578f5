//! `docs/elixir.md`: every SQL statement of the page, executed in order, has the result that the page documents.

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Nullable, Text};
use mailglass::roles::{self, Access};
use mailglass::{Delivery, DeliveryStatus, projection};

use crate::support::{TENANT, connected, sweep_now, waiting_reasons};

const PAGE: &str = include_str!("../../docs/elixir.md");

/// A fenced block, and its documented outcome.
struct Block<'a> {
    sql: &'a str,
    outcome: Outcome<'a>,
}

#[derive(Debug)]
enum Outcome<'a> {
    Succeeds,
    Returns(&'a str),
    Fails(&'a str),
}

fn blocks() -> Vec<Block<'static>> {
    let fenced = PAGE.split("```sql\n").skip(1);
    fenced
        .map(|rest| {
            let (sql, _) = rest.split_once("\n```").expect("the block should end");
            let (first, last) = (sql.lines().next().unwrap(), sql.lines().last().unwrap());
            let outcome = if let Some(code) = first.strip_prefix("-- fails with SQLSTATE ") {
                Outcome::Fails(code)
            } else if let Some(value) = last.strip_prefix("-- returns ") {
                Outcome::Returns(value)
            } else {
                Outcome::Succeeds
            };
            Block { sql, outcome }
        })
        .collect()
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    value: Option<String>,
}

fn value(conn: &mut PgConnection, query: &str) -> String {
    let row: Row = sql_query(format!("SELECT ({query})::text AS value"))
        .get_result(conn)
        .unwrap();
    row.value.unwrap_or_default()
}

/// Executes a statement, rolls it back, and returns its SQLSTATE (00000 if it succeeds), which Diesel does not expose.
fn sqlstate(conn: &mut PgConnection, statement: &str) -> String {
    conn.batch_execute(&format!(
        "DO $block$
         DECLARE
             code text;
         BEGIN
             EXECUTE $statement${statement}$statement$;
             RAISE SQLSTATE '00000';
         EXCEPTION WHEN OTHERS THEN
             GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE;
             PERFORM set_config('mailglass.sqlstate', code, false);
         END
         $block$"
    ))
    .unwrap();
    value(conn, "current_setting('mailglass.sqlstate')")
}

fn run(conn: &mut PgConnection, block: &Block<'_>) {
    let sql = block.sql;
    match block.outcome {
        Outcome::Fails(code) => assert_eq!(sqlstate(conn, sql), code, "{sql}"),
        Outcome::Succeeds => conn.batch_execute(sql).unwrap_or_else(|error| panic!("{error}: {sql}")),
        Outcome::Returns(expected) => {
            let statements = sql.rsplit_once(";\n").expect("the block should hold a statement").0;
            let (before, last) = statements.rsplit_once(";\n").unwrap_or(("", statements));
            conn.batch_execute(before).unwrap();
            assert_eq!(value(conn, last), expected, "{sql}");
        }
    }
}

#[test]
fn the_statements_of_the_page_have_their_documented_outcome() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    // Roles are shared by all databases of a server, so the page's role is never committed.
    conn.begin_test_transaction().unwrap();
    for block in blocks() {
        run(conn, &block);
    }

    // The row that the Elixir library wrote differs from the ledger only in its status, which a rebuild corrects.
    let divergences = projection::verify(conn, TENANT).unwrap();
    let columns: Vec<_> = divergences.iter().flat_map(|divergence| divergence.columns()).collect();
    assert_eq!(columns.len(), 1, "{columns:?}");
    assert_eq!(
        (columns[0].column, columns[0].expected.as_deref()),
        ("status", Some("dispatched"))
    );
    assert_eq!(projection::rebuild_all(conn, TENANT).unwrap(), 1);
    assert_eq!(projection::verify(conn, TENANT).unwrap(), []);

    // The next sweep reads the events of the Elixir library, and links the one that names its message.
    let report = sweep_now(conn);
    assert_eq!((report.linked, report.waiting), (1, 1));
    assert_eq!(waiting_reasons(conn), ["malformed"]);
    let delivery = Delivery::find(conn, TENANT, divergences[0].delivery_id).unwrap();
    assert_eq!(delivery.status, DeliveryStatus::Sent);
    assert!(delivery.terminal && delivery.delivered_at.is_some());
    assert_eq!(delivery.timeline(conn).unwrap().len(), 3);
}

#[test]
fn the_grants_of_the_page_are_those_of_the_command() {
    let (_database, mut conn) = connected();
    let granted: BTreeSet<String> = (roles::statements(&mut conn, "elixir_app", Access::App).unwrap().iter())
        .map(|statement| format!("{statement};"))
        .collect();
    let on_the_page: BTreeSet<String> = (PAGE.lines())
        .filter(|line| line.starts_with("GRANT "))
        .map(str::to_owned)
        .collect();
    assert_eq!(on_the_page, granted);
}

#[test]
fn the_page_has_statements_that_succeed_and_statements_that_fail() {
    let blocks = blocks();
    let failing = blocks
        .iter()
        .filter(|block| matches!(block.outcome, Outcome::Fails(_)))
        .count();
    let returning = blocks
        .iter()
        .filter(|block| matches!(block.outcome, Outcome::Returns(_)))
        .count();
    assert!(failing > 10 && returning > 3 && blocks.len() > failing + returning);
}
