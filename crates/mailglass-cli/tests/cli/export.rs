//! `mailglass migrations export`.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use mailglass::migrations::FILES;
use nix::sys::signal::Signal;

use crate::folder::Folder;
use crate::program::{answer, program, run};
use test_support::{connect, delivery, server};

fn export(folder: &Folder) -> crate::program::Answer {
    answer(program().args(["migrations", "export", folder.text()]))
}

#[test]
fn diesel_can_apply_and_revert_what_was_exported_and_verify_finds_it_right() {
    let folder = Folder::new();
    let answer = export(&folder).exits(0);
    let tables = answer.tables();
    assert_eq!(tables[0].len(), 1 + FILES.len());
    for (name, file) in folder.names().iter().zip(FILES) {
        assert!(name.ends_with(&format!("_mailglass_{}", file.name)), "{name}");
        assert_eq!(
            fs::read_to_string(folder.path().join(name).join("up.sql")).unwrap(),
            file.up_sql
        );
        assert_eq!(
            fs::read_to_string(folder.path().join(name).join("down.sql")).unwrap(),
            file.down_sql
        );
    }

    let migrations = || FileBasedMigrations::from_path(folder.path()).unwrap();
    let database = server().database().unwrap();
    let mut conn = connect(&database);
    let applied = conn.run_pending_migrations(migrations()).unwrap();
    assert_eq!(applied.len(), FILES.len());
    delivery(&mut conn);
    run(&database, &["verify"]).exits(0);
    conn.revert_all_migrations(migrations()).unwrap();
    run(&database, &["verify"]).exits(4);
}

#[test]
fn the_dates_come_after_the_hosts_last_and_rise() {
    let folder = Folder::new();
    fs::create_dir(folder.path().join("00000000000000_diesel_initial_setup")).unwrap();
    fs::create_dir(folder.path().join("2998-12-31-235958_hosts")).unwrap();
    fs::create_dir(folder.path().join(".not-a-migration")).unwrap();
    export(&folder).exits(0);
    let names = folder.names();
    let ours = &names[3..];
    assert_eq!(ours.len(), FILES.len());
    assert_eq!(ours[0], "2998-12-31-235959_mailglass_create_closed_sets");
    assert_eq!(ours[1], "2999-01-01-000000_mailglass_create_deliveries");
    for (name, file) in ours.iter().zip(FILES) {
        assert!(name.ends_with(file.name), "in our order: {ours:?}");
    }
}

#[test]
fn a_second_export_adds_only_what_is_new() {
    let folder = Folder::new();
    export(&folder).exits(0);
    let names = folder.names();
    let again = export(&folder).exits(0);
    assert!(again.tables()[0][1..].iter().all(|row| row[1] == "already there"));
    assert_eq!(folder.names(), names);

    // Simulates a newer release with one more migration.
    fs::remove_dir_all(folder.path().join(names.last().unwrap())).unwrap();
    fs::create_dir(folder.path().join("2999-01-01-000000_hosts")).unwrap();
    let added = answer(program().args(["--json", "migrations", "export", folder.text()]))
        .exits(0)
        .json();
    assert_eq!(added["already_there"].as_array().unwrap().len(), FILES.len() - 1);
    let new = format!("2999-01-01-000001_mailglass_{}", FILES[FILES.len() - 1].name);
    assert_eq!(added["written"], serde_json::json!([new]));
    assert!(folder.names().contains(&new));
}

#[test]
fn a_file_that_was_changed_is_named_and_nothing_is_overwritten() {
    for file in ["up.sql", "down.sql"] {
        let folder = Folder::new();
        export(&folder).exits(0);
        let names = folder.names();
        let changed = folder.path().join(&names[2]).join(file);
        fs::write(&changed, "SELECT 1;").unwrap();
        export(&folder).exits(5).says(changed.to_str().unwrap());
        assert_eq!(fs::read_to_string(&changed).unwrap(), "SELECT 1;");
        assert_eq!(folder.names(), names);
        fs::remove_file(&changed).unwrap();
        export(&folder).exits(5).says(changed.to_str().unwrap());
    }
}

#[test]
fn what_can_not_be_written_leaves_nothing_half_written() {
    let missing = answer(program().args(["migrations", "export", "/no/such/folder"]));
    missing.exits(5).says("/no/such/folder");

    // A file blocks the folder of a migration.
    let folder = Folder::new();
    fs::create_dir(folder.path().join("2999-01-01-000000_hosts")).unwrap();
    let blocked = folder.path().join("2999-01-01-000002_mailglass_create_deliveries");
    fs::write(&blocked, "").unwrap();
    export(&folder).exits(5).says(blocked.to_str().unwrap());
    let names = folder.names();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(
        names[1].ends_with("create_closed_sets"),
        "what came before is whole: {names:?}"
    );
}

/// An export by a process whose files are limited to half a KiB (or one, depending on the shell). Beyond that, the process is
/// killed, or the write fails if the process ignores the signal.
fn export_on_a_full_disk(folder: &Folder, is_killed: bool) -> Output {
    let ignore = if is_killed { "" } else { "trap '' XFSZ;" };
    let mut limited = Command::new("sh");
    limited.args([
        "-c",
        &format!("ulimit -f 1; {ignore} exec \"$@\""),
        "sh",
        env!("CARGO_BIN_EXE_mailglass"),
    ]);
    limited.args(["migrations", "export", folder.text()]).output().unwrap()
}

#[test]
fn a_migration_is_there_as_a_whole_or_not_at_all() {
    let folder = Folder::new();
    let full = export_on_a_full_disk(&folder, false);
    assert_eq!(full.status.code(), Some(5), "{full:?}");
    assert_eq!(folder.names(), [""; 0]);

    let killed = export_on_a_full_disk(&folder, true);
    assert_eq!(killed.status.signal(), Some(Signal::SIGXFSZ as i32), "{killed:?}");
    assert!(
        folder.names().iter().all(|name| name.starts_with('.')),
        "Diesel sees nothing of it"
    );
    export(&folder).exits(0);
}

#[test]
fn versions_that_are_no_dates_are_only_a_problem_where_they_come_last() {
    let folder = Folder::new();
    fs::create_dir(folder.path().join("0001_first")).unwrap();
    export(&folder).exits(0);
    fs::remove_dir_all(folder.path().join(folder.names().last().unwrap())).unwrap();
    fs::create_dir(folder.path().join("v2_second")).unwrap();
    export(&folder)
        .exits(5)
        .says("the version of the migration v2 is no date");
}
