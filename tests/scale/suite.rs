//! The integration tests on the coordinator: each in a schema of its own that is migrated and then distributed.

use std::process::Command;

/// The tests that do not apply, by the beginning of their names, and why.
const SKIPPED: &[(&str, &str)] = &[
    ("connection_loss::", OWN_SERVER),
    ("crashes::", OWN_SERVER),
    ("interleavings::", OWN_SERVER),
    ("stress::terminated_connections::", "terminates backends of one server"),
    ("closed_sets::", "does not read the tables"),
    ("dropped_names::", "needs no server"),
    ("looked_up_names::", "compares the texts of statements"),
    ("statements::", "compares the texts of statements"),
    ("readme::the_quickstart", "needs no server"),
    (
        "contract_verify::",
        "changes the tables with statements that Citus rejects, and creates objects in public",
    ),
    (
        "hostile_objects::",
        "creates objects in public, which the tests on a coordinator share",
    ),
    (
        "other_writers::a_time_outside",
        "expects the name of a constraint, which Citus drops",
    ),
    ("elixir::", "has own statements that Citus rejects"),
    (
        "own_tables::",
        "creates tables of an application in one message, which Citus rejects",
    ),
    ("migrations::", OWN_DATABASE),
    ("reverts::", OWN_DATABASE),
    ("session_settings::", OWN_DATABASE),
    (
        "projection::two_thousand_random_histories",
        "sends thousands of statements, and takes more than a minute",
    ),
    ("query_plans::", "counts the rows that one server reads"),
    (
        "sweeps::a_sweep_with_nothing_pending",
        "counts the rows that one server reads",
    ),
    (
        "sweeps::a_sweep_reports_a_failed_event",
        "creates a trigger in one message, which Citus rejects",
    ),
    (
        "sweeps::a_trigger_that_changes_the_ledger",
        "creates a trigger in one message, which Citus rejects",
    ),
    (
        "guard::a_role_that_owns_nothing",
        "uses a role that may not use the schema",
    ),
    ("guard::changes_are_rejected_under_the_replica_role", MERGE),
    ("guard::changes_of_an_empty_ledger", MERGE),
    ("guard::every_statement_that_would_change", MERGE),
    ("guard::the_guard_raises_sqlstate_45a01", MERGE),
];

const OWN_SERVER: &str = "needs a server of its own";
const OWN_DATABASE: &str =
    "needs a database of its own; tests/scale/migrating.rs has the tests for a distributed schema";
const MERGE: &str = "merges from VALUES, which Citus rejects; tests/scale/guard.rs has the other statements";

const CARGO: &str = env!("CARGO");

/// The names of the integration tests.
fn names() -> Vec<String> {
    let listed = Command::new(CARGO)
        .args(["test", "--test", "integration", "--", "--list", "--format=terse"])
        .output()
        .unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let names = String::from_utf8(listed.stdout).unwrap();
    names
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .map(str::to_owned)
        .collect()
}

#[test]
#[ignore = "needs MAILGLASS_CITUS_URL: the database of a Citus coordinator"]
fn the_integration_tests_pass_on_the_coordinator() {
    crate::support::coordinator();
    let names = names();
    let reason = |name: &str| {
        SKIPPED
            .iter()
            .find(|(skipped, _)| name.starts_with(skipped))
            .map(|(_, reason)| *reason)
    };
    for (skipped, _) in SKIPPED {
        assert!(
            names.iter().any(|name| name.starts_with(skipped)),
            "no test begins with {skipped}"
        );
    }
    let mut run: Vec<&str> = Vec::new();
    for name in &names {
        match reason(name) {
            Some(reason) => println!("skipped {name}: {reason}"),
            None => run.push(name),
        }
    }
    println!("{} of {} integration tests apply", run.len(), names.len());
    let tests = Command::new(CARGO)
        .args(["test", "--test", "integration", "--", "--exact", "--test-threads=2"])
        .args(run)
        .status()
        .unwrap();
    assert!(tests.success());
}
