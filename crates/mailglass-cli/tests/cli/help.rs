//! `--help`.

use crate::program::{answer, program};

#[test]
fn the_help_has_every_exit_code_and_no_url() {
    let secret = "postgresql://me:hunter2@localhost/db";
    let help = answer(program().env("DATABASE_URL", secret).arg("--help"))
        .exits(0)
        .stdout;
    for code in ["0  ", "1  ", "2  ", "3  ", "4  ", "5  ", "130  "] {
        assert!(help.contains(&format!("\n  {code}")), "{code} in {help}");
    }
    assert!(help.contains("[env: DATABASE_URL]"));
    assert!(!help.contains("hunter2"));
}

#[test]
fn every_subcommand_has_a_help_with_examples_and_stands_in_the_readme() {
    let help = answer(program().arg("-h")).exits(0).stdout;
    let commands = help.split_once("Commands:").unwrap().1.split_once("\n\n").unwrap().0;
    // A description that is too long goes on in a line with a wider indentation.
    let names: Vec<&str> = commands
        .lines()
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(names.len() > 7, "{names:?}");
    let readme = include_str!("../../README.md");
    for name in names.into_iter().filter(|name| *name != "help") {
        let arguments = if name == "migrations" {
            vec![name, "export"]
        } else {
            vec![name]
        };
        let help = answer(program().args(&arguments).arg("--help")).exits(0).stdout;
        assert!(help.contains("Example"), "{help}");
        assert!(
            readme.contains(&format!("| `mailglass {}", arguments.join(" "))),
            "{name} in README.md"
        );
    }
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    for arguments in [
        &["no-such-command"][..],
        &["migrate", "--list", "--redo"],
        &["migrate", "--redo", "--revert-to", "0"],
        &["migrate", "--yes-drop-data"],
        &["reconcile", "--every", "soon"],
        &["reconcile", "--every", "1ms"],
        &["reconcile", "--limit", "0"],
        &["reconcile", "--verbose"],
        &["verify", "--tenant", "acme"],
        &["timeline", "not-an-id"],
        &["grant"],
        &[],
    ] {
        answer(program().args(arguments)).exits(2);
    }
}
