//! The command `scratch-postgres`.

use std::process::{Command, Output};

fn scratch_postgres(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scratch-postgres"))
        .args(arguments)
        // The command ignores this variable.
        .env("DATABASE_URL", "postgresql://nobody@nowhere.invalid/nothing")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap().trim()
}

#[test]
fn database_url_is_a_new_database() {
    let script = r#"psql -XAtc "SELECT 'connected to ' || current_database()" "$DATABASE_URL""#;
    let output = scratch_postgres(&["sh", "-c", script]);
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stdout).starts_with("connected to scratch_"), "{output:?}");
}

#[test]
fn the_servers_programs_come_first_in_path() {
    let output = scratch_postgres(&["sh", "-c", "ls \"${PATH%%:*}\""]);
    let programs: Vec<&str> = text(&output.stdout).lines().collect();
    assert!(
        programs.contains(&"initdb") && programs.contains(&"postgres"),
        "{output:?}"
    );
}

#[test]
fn the_servers_directory_is_removed_at_the_end() {
    let script = r#"echo "$DATABASE_URL" | sed 's/.*host=//; s/&.*//'"#;
    let output = scratch_postgres(&["sh", "-c", script]);
    let directory = text(&output.stdout);
    assert!(directory.contains("/scratch-pg."), "{output:?}");
    assert!(!std::path::Path::new(directory).exists(), "{directory} still exists");
}

#[test]
fn the_exit_status_is_that_of_the_command() {
    assert_eq!(scratch_postgres(&["sh", "-c", "exit 7"]).status.code(), Some(7));
    let terminated = scratch_postgres(&["sh", "-c", "kill -TERM $$"]);
    assert_eq!(terminated.status.code(), Some(128 + 15));
}

#[test]
fn a_missing_command_is_named_in_the_error() {
    let output = scratch_postgres(&["no-such-command"]);
    assert_eq!(output.status.code(), Some(127));
    assert!(text(&output.stderr).contains("no-such-command"), "{output:?}");
}

#[test]
fn without_a_command_the_usage_is_printed() {
    let output = scratch_postgres(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).starts_with("usage: scratch-postgres"),
        "{output:?}"
    );
    assert!(output.stdout.is_empty());
}

/// On Ctrl-C, psql cancels its query and continues.
#[test]
#[cfg(target_os = "linux")]
fn an_interrupt_does_not_end_scratch_postgres_before_the_command() {
    // Wait until the parent blocks the signal, which it does after it has started this script.
    let script = "until grep -q '^SigBlk:.*6$' /proc/$PPID/status; do sleep 0.01; done
        kill -INT $PPID; psql -XAtc 'SELECT 5' \"$DATABASE_URL\"; exit 5";
    let output = scratch_postgres(&["sh", "-c", script]);
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    assert_eq!(text(&output.stdout), "5", "{output:?}");
}
