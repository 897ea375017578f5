//! `Server::crash` and `Server::start_with`.

use std::fs;

use diesel::connection::SimpleConnection as _;
use scratch_postgres::{DURABLE, Error, Server};

use crate::support::{connect, texts};

#[test]
fn a_crashed_server_recovers_committed_rows() {
    let server = Server::start_with(&DURABLE).unwrap();
    let database = server.database().unwrap();
    let mut conn = connect(database.url());
    assert_eq!(texts(&mut conn, "SELECT current_setting('fsync') AS value"), ["on"]);
    conn.batch_execute("CREATE TABLE letters (letter text); INSERT INTO letters VALUES ('a')")
        .unwrap();
    let pid_file = server.directory().unwrap().join("data/postmaster.pid");
    for letter in ["b", "c"] {
        let mut open = connect(database.url());
        open.batch_execute("BEGIN; INSERT INTO letters VALUES ('x')").unwrap();
        let before = fs::read_to_string(&pid_file).unwrap();
        server.crash().unwrap();
        assert_ne!(
            fs::read_to_string(&pid_file).unwrap().lines().next(),
            before.lines().next()
        );
        assert!(open.batch_execute("COMMIT").is_err());
        let mut conn = connect(database.url());
        conn.batch_execute(&format!("INSERT INTO letters VALUES ('{letter}')"))
            .unwrap();
    }
    let mut conn = connect(database.url());
    let letters = "SELECT letter AS value FROM letters ORDER BY letter";
    assert_eq!(texts(&mut conn, letters), ["a", "b", "c"]);
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
