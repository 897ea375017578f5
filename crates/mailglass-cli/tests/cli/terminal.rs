//! Tables, color and progress on terminals, plain lines in pipes, and pipes that are closed early.

use std::fs::File;
use std::io::{self, Read};
use std::process::{Command, Stdio};

use nix::pty::{Winsize, openpty};

use crate::program::{answer, program_on, run};
use crate::rebuild::delivery_of;
use test_support::{connected, database, server};

const ESCAPE: &str = "\u{1b}[";

/// Runs a command on a pseudo-terminal with this many columns, and returns its output.
pub fn on_a_terminal(mut command: Command, columns: u16) -> String {
    let size = Winsize {
        ws_row: 50,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let terminal = openpty(&size, None).unwrap();
    let [stdout, stderr] = [(); 2].map(|()| Stdio::from(terminal.slave.try_clone().unwrap()));
    command
        .env("TERM", "xterm-256color")
        .stdin(Stdio::from(terminal.slave))
        .stdout(stdout)
        .stderr(stderr);
    let mut child = command.spawn().unwrap();
    // The command holds the other end of the terminal. Reading ends when it is closed.
    drop(command);
    let mut shown = Vec::new();
    let mut buffer = [0; 4096];
    let mut master = File::from(terminal.master);
    // Linux reports EIO at the end.
    while let Ok(length) = master.read(&mut buffer)
        && length > 0
    {
        shown.extend_from_slice(&buffer[..length]);
    }
    assert!(child.wait().unwrap().code().is_some());
    String::from_utf8(shown).unwrap()
}

#[test]
fn a_terminal_gets_tables_and_colour() {
    let database = database();
    let mut verify = program_on(&database);
    verify.arg("verify");
    let shown = on_a_terminal(verify, 120);
    assert!(shown.contains('│') && shown.contains("Checks"), "{shown}");
    assert!(shown.contains(ESCAPE), "{shown}");
    assert!(shown.contains("matches this release"), "{shown}");
}

#[test]
fn a_pipe_gets_lines_without_colour() {
    let database = database();
    let plain = run(&database, &["verify"]).exits(0);
    assert!(!plain.stdout.contains(['│', '\u{1b}']), "{plain:?}");
    let failed = answer(program_on(&server().database().unwrap()).arg("verify")).exits(4);
    assert!(!failed.stderr.contains('\u{1b}'), "{failed:?}");
}

#[test]
fn no_color_and_color_never_leave_the_tables() {
    let database = database();
    let mut no_color = program_on(&database);
    no_color.arg("verify").env("NO_COLOR", "1");
    let mut never = program_on(&database);
    never.args(["verify", "--color", "never"]);
    for command in [no_color, never] {
        let shown = on_a_terminal(command, 120);
        assert!(shown.contains('│'), "{shown}");
        assert!(!shown.contains(ESCAPE), "{shown}");
    }
}

#[test]
fn color_always_wins_over_no_color() {
    let empty = server().database().unwrap();
    let colored = answer(
        program_on(&empty)
            .args(["verify", "--color", "always"])
            .env("NO_COLOR", "1"),
    );
    assert!(colored.exits(4).stderr.contains(ESCAPE));
    let database = database();
    let mut verify = program_on(&database);
    verify.args(["verify", "--color", "always"]).env("NO_COLOR", "1");
    assert!(on_a_terminal(verify, 120).contains("\u{1b}[38;5;10m"), "green");
}

#[test]
fn json_is_json_on_a_terminal_too() {
    let database = database();
    let mut stats = program_on(&database);
    stats.args(["stats", "--json"]);
    let shown = on_a_terminal(stats, 120);
    assert!(serde_json::from_str::<serde_json::Value>(&shown).is_ok(), "{shown}");
}

#[test]
fn a_terminal_without_room_gets_long_lines() {
    for columns in [0, 20] {
        let database = database();
        let mut verify = program_on(&database);
        verify.arg("verify");
        let shown = on_a_terminal(verify, columns);
        assert!(shown.contains("matches this release"), "{shown}");
    }
}

#[test]
fn progress_is_shown_on_a_terminal_and_nowhere_else() {
    let (database, mut conn) = connected();
    delivery_of(&mut conn, "acme");
    let mut rebuild = program_on(&database);
    rebuild.arg("rebuild");
    assert!(on_a_terminal(rebuild, 120).contains("1/1 deliveries, 0 corrected"));
    let piped = run(&database, &["rebuild"]).exits(0);
    assert_eq!(piped.stderr, "1 delivery rebuilt, 0 corrected\n");
}

#[test]
fn whoever_reads_may_go() {
    let (database, mut conn) = connected();
    let id = delivery_of(&mut conn, "acme").id.to_string();
    for arguments in [
        &["stats"][..],
        &["stats", "--json"],
        &["timeline", &id],
        &["verify"],
        &["migrate", "--list"],
        &["completions", "bash"],
        &["reconcile", "--every", "100ms", "--verbose"],
        &["--help"],
    ] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let gone = program_on(&database)
            .args(arguments)
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(gone.status.code(), Some(0), "{arguments:?}: {gone:?}");
        let stderr = String::from_utf8_lossy(&gone.stderr).into_owned();
        // `verify` warns that the tests connect as a superuser.
        assert!(
            stderr.lines().all(|line| line.starts_with("warning: the role")),
            "{arguments:?}: {stderr}"
        );
    }
}

#[test]
fn what_a_check_found_is_its_exit_code_though_nobody_reads() {
    let (database, mut conn) = connected();
    crate::program::execute(&mut conn, "ALTER TABLE mailglass_events DISABLE TRIGGER USER");
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let gone = program_on(&database).arg("verify").stdout(writer).status().unwrap();
    assert_eq!(gone.code(), Some(1));
}

#[test]
fn what_can_not_be_written_for_another_reason_is_a_failure() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let database = database();
    let failed = program_on(&database)
        .arg("stats")
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(failed.status.code(), Some(5), "{failed:?}");
}
