//! The server of `DATABASE_URL`. The tests start processes with that variable set to a throwaway server.

use std::io::{Read as _, stdin};
use std::process::Command;

use diesel::connection::SimpleConnection as _;
use scratch_postgres::Server;

use crate::support::{connect, database_exists, eventually, report, reported, role, server, texts, this_program_as};

/// Not a test by itself: a process whose `DATABASE_URL` is set.
#[test]
fn user() {
    let Some(role) = role() else { return };
    let server = Server::from_env_or_start();
    if role == "fail" {
        report("error", format!("{}", server.unwrap_err()).replace('\n', " "));
        return;
    }
    let server = server.unwrap();
    assert!(!server.is_throwaway());
    assert_eq!(server.directory(), None);
    let database = server.database().unwrap();
    let mut connection = connect(database.url());
    let name = texts(&mut connection, "SELECT current_database()::text AS value").remove(0);
    assert_eq!(name, database.name());
    report("database", name);
    report("version", server.version());
    report(
        "pg_dump",
        server
            .program("pg_dump")
            .map_or("none".into(), |path| path.display().to_string()),
    );
    let _ = stdin().read_to_end(&mut Vec::new());
}

fn user_of(url: &str) -> Command {
    let mut command = this_program_as("database_url::user", "use");
    command.env("DATABASE_URL", url);
    command
}

#[test]
fn databases_are_created_there_and_dropped() {
    let given = server().database().unwrap();
    let mut child = user_of(given.url()).spawn().unwrap();
    let [name, version, pg_dump] = reported(&mut child, ["database", "version", "pg_dump"]);
    assert_eq!(version, server().version());
    assert!(database_exists(server(), &name));
    if server().program("pg_dump").is_some() {
        assert!(pg_dump.ends_with("/pg_dump"), "{pg_dump}");
    }
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert!(!database_exists(server(), &name));
    assert!(
        database_exists(server(), given.name()),
        "the database of the URL is kept"
    );
}

#[test]
fn database_url_may_hold_keywords_and_values() {
    let given = server().database().unwrap();
    let directory = server().directory().unwrap().display();
    let words = format!("host={directory} port=5432 user=postgres dbname={}", given.name());
    let mut child = user_of(&words).spawn().unwrap();
    let [name] = reported(&mut child, ["database"]);
    assert!(database_exists(server(), &name));
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert!(!database_exists(server(), &name));
}

#[test]
fn databases_of_a_killed_run_are_dropped_by_the_next_run_and_others_are_kept() {
    // Its own server, because on a shared one the process of another test might be the next run.
    let server = Server::start().unwrap();
    let given = server.database().unwrap();
    let mut admin = connect(given.url());
    let foreign = "scratch_books_1";
    admin
        .batch_execute(&format!("CREATE DATABASE {foreign} TEMPLATE template0"))
        .unwrap();
    let start = || user_of(given.url()).spawn().unwrap();

    let mut killed = start();
    let [leftover] = reported(&mut killed, ["database"]);
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(
        database_exists(&server, &leftover),
        "the killed run's database still exists"
    );
    // The server notices the end of a client with a delay.
    let sessions = "SELECT application_name AS value FROM pg_stat_activity
        WHERE application_name LIKE 'scratch_pg_%'";
    let run = leftover.split('_').nth(1).unwrap();
    eventually("the killed run's session has ended", || {
        !texts(&mut admin, sessions).iter().any(|name| name.ends_with(run))
    });

    let mut living = start();
    let [alive] = reported(&mut living, ["database"]);
    assert!(!database_exists(&server, &leftover), "the next run drops it");

    let mut third = start();
    reported(&mut third, ["database"]);
    assert!(database_exists(&server, &alive), "the database of a living run is kept");
    assert!(
        database_exists(&server, foreign),
        "a database with another name is kept"
    );
    for mut child in [living, third] {
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn no_error_shows_the_password() {
    let directory = server().directory().unwrap().display();
    for url in [
        format!("postgresql://nobody:hunter2@/x?host={directory}&port=5432&user=no_such_role"),
        // libpq takes the password for the database, whose name the server quotes.
        format!("postgresql:///hunter2@x?host={directory}&port=5432&user=postgres"),
        "postgresql://me:hunter2@nowhere.invalid/x".to_owned(),
        "postgresql://me:@hunter2@nowhere.invalid/x".to_owned(), // an unescaped @
        "postgresql://me:/hunter2@nowhere.invalid/x".to_owned(), // an unescaped /
        "postgresql://me:hunter2@[nowhere.invalid/x".to_owned(),
        "host=nowhere.invalid password hunter2".to_owned(),
        "host=nowhere.invalid password='hunter2".to_owned(),
        "hunter2".to_owned(),
    ] {
        let mut command = this_program_as("database_url::user", "fail");
        let mut child = command.env("DATABASE_URL", &url).spawn().unwrap();
        let [error] = reported(&mut child, ["error"]);
        assert!(error.contains("DATABASE_URL"), "{error}");
        assert!(!error.contains("hunter2"), "{url}: {error}");
        assert!(child.wait().unwrap().success());
    }
}
