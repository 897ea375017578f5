//! `mailglass completions`.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::program::{answer, program};

fn script(shell: &str) -> String {
    let answer = answer(program().args(["completions", shell])).exits(0);
    assert_eq!(answer.stderr, "");
    answer.stdout
}

/// Whether the shell can parse the script. `None` if the shell is not installed.
fn parses(shell: &str, script: &str) -> Option<bool> {
    let mut child = Command::new(shell).arg("-n").stdin(Stdio::piped()).spawn().ok()?;
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    Some(child.wait().unwrap().success())
}

#[test]
fn each_shell_can_read_its_script_and_it_knows_every_subcommand() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = script(shell);
        for subcommand in [
            "migrate",
            "migrations",
            "grant",
            "verify",
            "reconcile",
            "rebuild",
            "timeline",
            "stats",
            "webhook",
            "revert-to",
        ] {
            assert!(script.contains(subcommand), "{shell}: {subcommand}");
        }
        if ["bash", "zsh", "fish"].contains(&shell) {
            assert_ne!(parses(shell, &script), Some(false), "{shell}");
        }
    }
    assert_eq!(
        parses("bash", "if"),
        Some(false),
        "bash is there, and says what it can't read"
    );
}

#[test]
fn another_shell_is_a_wrong_command_line() {
    answer(program().args(["completions", "cmd"]))
        .exits(2)
        .says("possible values");
}
