//! A connection that is cut at each message of a command. The command reports the lost connection and leaves nothing partial.

use scratch_postgres::Database;

use crate::program::{answer, program, run};
use crate::rebuild::{delivery_of, spoil};
use test_support::connect;
use test_support::proxy::{Cut, Proxy, with_socket};

/// Cuts a command at each of its messages, and returns the database and the number of messages.
fn cut_everywhere(arguments: &[&str]) -> (Database, usize) {
    let (socket, database) = with_socket();
    let mut conn = connect(&database);
    delivery_of(&mut conn, "acme");
    let mut run = |cut| {
        spoil(&mut conn);
        let proxy = Proxy::start(&socket, cut);
        proxy.arm();
        let url = proxy.url(database.name());
        (answer(program().args(arguments).env("DATABASE_URL", url)), proxy)
    };
    let (uncut, proxy) = run(Cut::Never);
    uncut.exits(0);
    // The last message is Terminate.
    let messages = proxy.messages() - 1;
    for message in 0..messages {
        let (cut, proxy) = run(Cut::Before(message));
        assert!(proxy.has_cut());
        assert_eq!(cut.exits(3).stdout, "", "{arguments:?} at {message}");
    }
    (database, messages)
}

#[test]
fn a_rebuild_that_is_cut_off_says_so_and_can_be_run_again() {
    let (database, messages) = cut_everywhere(&["rebuild"]);
    assert!(messages > 10, "{messages}");
    run(&database, &["verify", "--projection"]).exits(0);
}

#[test]
fn what_only_reads_says_so() {
    assert!(cut_everywhere(&["stats"]).1 > 10);
}

#[test]
fn a_sweep_says_so() {
    assert!(cut_everywhere(&["reconcile"]).1 > 5);
}

#[test]
fn a_redone_migration_is_done_or_not() {
    let (database, messages) = cut_everywhere(&["migrate", "--redo"]);
    assert!(messages > 10, "{messages}");
    run(&database, &["rebuild"]).exits(0);
    run(&database, &["verify"]).exits(0);
}
