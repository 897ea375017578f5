//! Databases and templates on a throwaway server.

use std::thread;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use scratch_postgres::{Error, Template};

use crate::support::{connect, database_exists, server, texts};

fn template_with_a_table() -> Template {
    server()
        .template(|url| connect(url).batch_execute("CREATE TABLE t (v text); INSERT INTO t VALUES ('copied')"))
        .unwrap()
}

#[test]
fn a_throwaway_server_accepts_connections() {
    let database = server().database().unwrap();
    let mut connection = connect(database.url());
    let answer = "SELECT split_part(current_setting('server_version'), ' ', 1) AS value";
    assert_eq!(texts(&mut connection, answer), [server().version()]);
    assert!(server().is_throwaway());
    assert!(server().directory().unwrap().is_dir());
}

#[test]
fn every_database_is_new_and_empty() {
    let (one, other) = (server().database().unwrap(), server().database().unwrap());
    assert_ne!(one.name(), other.name());
    connect(one.url()).batch_execute("CREATE TABLE t ()").unwrap();
    let tables = "SELECT relname::text AS value FROM pg_class WHERE relname = 't'";
    assert!(texts(&mut connect(other.url()), tables).is_empty());
    let name = texts(&mut connect(one.url()), "SELECT current_database()::text AS value");
    assert_eq!(name, [one.name()]);
}

#[test]
fn a_database_is_dropped_even_if_a_client_is_connected() {
    let database = server().database().unwrap();
    let name = database.name().to_owned();
    let _connection = connect(database.url());
    assert!(database_exists(server(), &name));
    drop(database);
    assert!(!database_exists(server(), &name));
}

#[test]
fn copies_of_a_template_have_its_tables_and_are_independent() {
    let template = template_with_a_table();
    let (one, other) = (
        server().database_from(&template).unwrap(),
        server().database_from(&template).unwrap(),
    );
    connect(one.url()).batch_execute("UPDATE t SET v = 'changed'").unwrap();
    assert_eq!(texts(&mut connect(one.url()), "SELECT v AS value FROM t"), ["changed"]);
    assert_eq!(texts(&mut connect(other.url()), "SELECT v AS value FROM t"), ["copied"]);
}

#[test]
fn threads_can_copy_one_template_concurrently() {
    let template = template_with_a_table();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let database = server().database_from(&template).unwrap();
                    let found = texts(&mut connect(database.url()), "SELECT v AS value FROM t");
                    assert_eq!(found, ["copied"]);
                }
            });
        }
    });
}

#[test]
fn an_error_of_prepare_is_reported_and_the_database_is_dropped() {
    let mut name = String::new();
    let result = server().template(|url| {
        name = texts(&mut connect(url), "SELECT current_database()::text AS value").remove(0);
        Err("no such migration")
    });
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Prepare(_)), "{error:?}");
    assert!(error.to_string().contains("no such migration"), "{error}");
    assert!(!database_exists(server(), &name));
}

#[test]
fn a_connection_that_prepare_left_open_is_reported() {
    let mut kept = None;
    let result = server().template(|url| {
        kept = Some(PgConnection::establish(url)?);
        Ok::<_, diesel::ConnectionError>(())
    });
    let error = result.unwrap_err();
    assert!(matches!(error, Error::TemplateInUse { connections: 1 }), "{error:?}");
    assert!(error.to_string().contains("left 1 connection to"), "{error}");
}

#[test]
fn programs_of_the_servers_package_are_found() {
    let program = server().program("postgres").unwrap();
    assert!(program.starts_with(server().bin().unwrap()), "{program:?}");
    assert_eq!(server().program("no-such-program"), None);
}
