//! `Server::crash` and `Server::start_with`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

use std::fs;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;
use scratch_postgres::{DURABLE, Error, Server};

#[derive(QueryableByName)]
struct Value {
    #[diesel(sql_type = Text)]
    value: String,
}

fn value(conn: &mut PgConnection, sql: &str) -> String {
    sql_query(format!("SELECT ({sql})::text AS value"))
        .get_result::<Value>(conn)
        .unwrap()
        .value
}

#[test]
fn a_crashed_server_recovers_committed_rows() {
    let server = Server::start_with(&DURABLE).unwrap();
    let database = server.database().unwrap();
    let mut conn = PgConnection::establish(database.url()).unwrap();
    assert_eq!(value(&mut conn, "current_setting('fsync')"), "on");
    conn.batch_execute("CREATE TABLE letters (letter text); INSERT INTO letters VALUES ('a')")
        .unwrap();
    let pid_file = server.directory().unwrap().join("data/postmaster.pid");
    for letter in ["b", "c"] {
        let mut open = PgConnection::establish(database.url()).unwrap();
        open.batch_execute("BEGIN; INSERT INTO letters VALUES ('x')").unwrap();
        let before = fs::read_to_string(&pid_file).unwrap();
        server.crash().unwrap();
        assert_ne!(
            fs::read_to_string(&pid_file).unwrap().lines().next(),
            before.lines().next()
        );
        assert!(open.batch_execute("COMMIT").is_err());
        let mut conn = PgConnection::establish(database.url()).unwrap();
        conn.batch_execute(&format!("INSERT INTO letters VALUES ('{letter}')"))
            .unwrap();
    }
    let mut conn = PgConnection::establish(database.url()).unwrap();
    assert_eq!(
        value(&mut conn, "SELECT string_agg(letter, '' ORDER BY letter) FROM letters"),
        "abc"
    );
    server
        .database()
        .expect("the server should create databases after a crash");
}

#[test]
fn an_invalid_setting_is_an_error_with_the_servers_log() {
    let error = Server::start_with(&[("no_such_setting", "1")]).unwrap_err();
    let Error::NotStarted { log, .. } = error else {
        panic!("{error}")
    };
    assert!(log.contains("no_such_setting"), "{log}");
}
