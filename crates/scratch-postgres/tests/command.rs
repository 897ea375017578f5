//! The program `scratch-postgres`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

use std::process::{Command, Output};

fn scratch_postgres(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scratch-postgres"))
        .args(arguments)
        // It starts a server whatever this says.
        .env("DATABASE_URL", "postgresql://nobody@nowhere.invalid/nothing")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap().trim()
}

#[test]
fn the_command_has_a_database_of_its_own() {
    let script = r#"psql -XAtc "SELECT 'connected to ' || current_database()" "$DATABASE_URL""#;
    let output = scratch_postgres(&["sh", "-c", script]);
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stdout).starts_with("connected to scratch_"), "{output:?}");
}

#[test]
fn the_servers_programs_come_first_in_the_commands_path() {
    let output = scratch_postgres(&["sh", "-c", "ls \"${PATH%%:*}\""]);
    let programs: Vec<&str> = text(&output.stdout).lines().collect();
    assert!(
        programs.contains(&"initdb") && programs.contains(&"postgres"),
        "{output:?}"
    );
}

#[test]
fn nothing_is_left_when_it_returns() {
    let script = r#"echo "$DATABASE_URL" | sed 's/.*host=//; s/&.*//'"#;
    let output = scratch_postgres(&["sh", "-c", script]);
    let directory = text(&output.stdout);
    assert!(directory.contains("/scratch-pg."), "{output:?}");
    assert!(!std::path::Path::new(directory).exists(), "{directory} is left");
}

#[test]
fn the_commands_exit_status_is_passed_on() {
    assert_eq!(scratch_postgres(&["sh", "-c", "exit 7"]).status.code(), Some(7));
    let terminated = scratch_postgres(&["sh", "-c", "kill -TERM $$"]);
    assert_eq!(terminated.status.code(), Some(128 + 15));
}

#[test]
fn a_command_that_does_not_exist_is_said_to_be_so() {
    let output = scratch_postgres(&["no-such-command"]);
    assert_eq!(output.status.code(), Some(127));
    assert!(text(&output.stderr).contains("no-such-command"), "{output:?}");
}

#[test]
fn without_a_command_it_says_how_it_is_used() {
    let output = scratch_postgres(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).starts_with("usage: scratch-postgres"),
        "{output:?}"
    );
    assert!(output.stdout.is_empty());
}

/// As a psql that cancels its query and goes on.
#[test]
#[cfg(target_os = "linux")]
fn a_keyboard_interrupt_is_the_commands_affair() {
    // Once it blocks the signal, which it does after it has started us.
    let script = "until grep -q '^SigBlk:.*6$' /proc/$PPID/status; do sleep 0.01; done
        kill -INT $PPID; psql -XAtc 'SELECT 5' \"$DATABASE_URL\"; exit 5";
    let output = scratch_postgres(&["sh", "-c", script]);
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    assert_eq!(text(&output.stdout), "5", "{output:?}");
}
