//! Databases that are unreachable, not migrated or not given; and passwords, which are never printed.

use crate::program::{answer, program, run};
use test_support::proxy::with_socket;
use test_support::{database, server};

#[test]
fn no_database_is_a_wrong_command_line() {
    answer(program().arg("stats")).exits(2).says("DATABASE_URL");
    answer(program().arg("stats").env("DATABASE_URL", " ")).exits(2);
    let error = answer(program().args(["stats", "--json"])).exits(2).error();
    assert_eq!(error["code"], "usage");
}

#[test]
fn a_server_that_is_not_there_is_exit_code_3() {
    let refused = answer(program().args(["stats", "--database-url", "host=127.0.0.1 port=1"]));
    refused.exits(3).says("connection to server at").says("hint");
    let url = ["--json", "stats", "--database-url", "host=127.0.0.1 port=1"];
    assert_eq!(answer(program().args(url)).exits(3).error()["code"], "unreachable");
}

#[test]
fn the_url_of_the_command_line_wins() {
    let database = database();
    let url = database.url();
    answer(
        program()
            .args(["stats", "--database-url", url])
            .env("DATABASE_URL", "host=/nowhere"),
    )
    .exits(0);
}

#[test]
fn a_password_is_never_printed() {
    let socket = with_socket().0;
    // Reaches the server, whose message quotes the part that libpq takes for the database.
    let echoed = format!(
        "postgresql:///hunter2@x?host={}&port=5432&user=postgres",
        socket.display()
    );
    // The password in every part of a URL, and encoded in several ways.
    let connection_strings = [
        "postgresql://me:hunter2@127.0.0.1:1/db",
        "postgresql://me:hunter2@/db?host=/nowhere",
        "postgresql://me:hunter2@no.such.host.invalid/db",
        "postgresql://me:hun%74er2@127.0.0.1:1/db",
        "postgresql://me:x@hunter2@127.0.0.1:1/db",
        "postgresql://me:x@127.0.0.1:1/hunter2@localhost/db",
        "postgresql://127.0.0.1:1/hunter2@localhost/db",
        "postgresql://me:x/hunter2@127.0.0.1/db",
        "postgresql://me:hunter2@127.0.0.1:port/db",
        "postgresql://me:hunter2@[::1/db",
        "postgresql://me:hunter2%zz@127.0.0.1/db",
        "postgresql://me@127.0.0.1:1/db?password=hunter2",
        "postgresql://me@127.0.0.1:1/db?password=hunter2&nonsense=1",
        "postgresql://me@127.0.0.1:1/db?pasword=hunter2",
        "postgres:/me:hunter2@localhost/db",
        "host=127.0.0.1 port=1 password=hunter2",
        "host=127.0.0.1 port=1 password = 'x hunter2'",
        "host=127.0.0.1 port=1 password=x hunter2",
        "host=127.0.0.1 port=1 password='hunter2",
        "hunter2",
        "hunter2=x",
        &echoed,
    ];
    for connection_string in connection_strings {
        for arguments in [
            &["stats"][..],
            &["verify", "--json"],
            &["reconcile", "--every", "1s"],
            &["migrate"],
        ] {
            let by_variable = answer(program().args(arguments).env("DATABASE_URL", connection_string));
            let by_argument = answer(program().args(arguments).args(["--database-url", connection_string]));
            for answer in [by_variable, by_argument] {
                let answer = answer.exits(3);
                assert!(!answer.stdout.contains("hunter2"), "{connection_string}: {answer:?}");
                assert!(!answer.stderr.contains("hunter2"), "{connection_string}: {answer:?}");
                assert!(!answer.stderr.contains("hun%74er2"), "{connection_string}: {answer:?}");
            }
        }
        // clap quotes invalid arguments.
        let wrong = answer(
            program()
                .args(["stats", "--nonsense"])
                .env("DATABASE_URL", connection_string),
        )
        .exits(2);
        assert!(!wrong.stderr.contains("hunter2"), "{wrong:?}");
    }
}

#[test]
fn a_database_that_is_not_migrated_is_exit_code_4_and_stays_so() {
    let empty = server().database().unwrap();
    let id = uuid::Uuid::nil().to_string();
    for arguments in [
        &["verify"][..],
        &["reconcile"],
        &["reconcile", "--every", "1s"],
        &["rebuild"],
        &["rebuild", "--delivery", &id],
        &["timeline", &id],
        &["stats"],
        &["grant", "--role", "app"],
    ] {
        run(&empty, arguments).exits(4).says("mailglass migrate");
        let error = run(&empty, &[&["--json"], arguments].concat()).exits(4).error();
        assert_eq!(error["code"], "unexpected_database");
    }
    let listed = run(&empty, &["migrate", "--list"]).exits(0);
    assert!(listed.tables()[0][1..].iter().all(|row| row[2] == "pending"));
}
