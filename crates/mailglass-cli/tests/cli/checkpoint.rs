//! `mailglass checkpoint` and `mailglass verify-checkpoints`.

use std::fs;

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use mailglass::EventType;
use scratch_postgres::Database;

use crate::folder::Folder;
use crate::program::{Answer, run};
use test_support::{connect, connected, event, record_one};

fn tamper(conn: &mut PgConnection, statement: &str) {
    conn.batch_execute(&format!(
        "ALTER TABLE mailglass_events DISABLE TRIGGER ALL; {statement}; ALTER TABLE mailglass_events ENABLE TRIGGER ALL;"
    ))
    .unwrap();
}

/// The server's present time.
fn now(database: &Database) -> String {
    let now = diesel::dsl::sql::<Timestamptz>("pg_catalog.now()");
    let now: DateTime<Utc> = diesel::select(now).get_result(&mut connect(database)).unwrap();
    now.to_rfc3339()
}

/// Appends the next checkpoint, up to the present time, to the file.
fn append(database: &Database, file: &str, arguments: &[&str]) -> Answer {
    let now = now(database);
    let until = [
        "checkpoint",
        "acme",
        "--previous",
        file,
        "--until",
        &now,
        // For the short transactions of other tests.
        "--wait",
        "60s",
    ];
    let answer = run(database, &[&until, arguments].concat()).exits(0);
    let before = fs::read_to_string(file).unwrap_or_default();
    fs::write(file, before + &answer.stdout).unwrap();
    answer
}

#[test]
fn a_chain_in_a_file_reveals_a_change_until_it_is_renewed() {
    let (database, mut conn) = connected();
    let folder = Folder::new();
    let path = folder.path().join("acme.checkpoints");
    let file = path.to_str().unwrap();
    record_one(&mut conn, event(EventType::Opened, 1));
    append(&database, file, &[]);
    record_one(&mut conn, event(EventType::Clicked, 2));
    let last = append(&database, file, &["--hourly"]).json();
    assert_eq!(
        (&last["tenant_id"], &last["slice_width"]),
        (&"acme".into(), &"hour".into())
    );

    let digest = last["digest"].as_str().unwrap();
    let verify = ["verify-checkpoints", "acme", file, "--head", digest];
    let answer = run(&database, &verify)
        .exits(0)
        .says("2 checkpoints with 2 events compared, 0 differences");
    assert_eq!(answer.stdout, "");

    conn.batch_execute("CREATE TABLE kept AS SELECT * FROM mailglass_events")
        .unwrap();
    tamper(&mut conn, "DELETE FROM mailglass_events WHERE type = 'opened'");
    let answer = run(&database, &verify).exits(1);
    assert_eq!(answer.tables()[0][1][0], "0");
    let report = run(&database, &[&verify[..], &["--json"]].concat()).exits(1).json();
    assert_eq!((&report["is_ok"], &report["events"]), (&false.into(), &1.into()));
    assert_eq!(
        report["differences"][0]["problem"]["events_differ"]["sealed"]["events"],
        1
    );

    let renew = ["checkpoint", "acme", "--previous", file, "--renew", "kept"];
    let renewed = run(&database, &renew).exits(0).stdout;
    assert_eq!(renewed.lines().count(), 2);
    fs::write(file, fs::read_to_string(file).unwrap() + &renewed).unwrap();
    run(&database, &["verify-checkpoints", "acme", file]).exits(0);
    run(&database, &verify)
        .exits(5)
        .says("checkpoints are missing at the end");
    tamper(&mut conn, "UPDATE mailglass_events SET trace_id = 'changed'");
    run(&database, &renew).exits(1);
}

#[test]
fn what_can_not_be_used_is_named() {
    let (database, mut conn) = connected();
    let folder = Folder::new();
    let path = folder.path().join("chain");
    let file = path.to_str().unwrap();
    run(&database, &["verify-checkpoints", "acme", file])
        .exits(5)
        .says(file);
    append(&database, file, &[]);
    run(&database, &["checkpoint", "other", "--previous", file])
        .exits(5)
        .says("previous belongs to another tenant");
    run(
        &database,
        &["checkpoint", "acme", "--previous", file, "--renew", "absent"],
    )
    .exits(5)
    .says("kept");
    fs::write(&path, fs::read_to_string(&path).unwrap() + "{\"version\":1").unwrap();
    run(&database, &["checkpoint", "acme", "--previous", file])
        .exits(5)
        .says("chain:2: ");
    run(&database, &["verify-checkpoints", "acme", file, "--head", "abc"]).exits(2);

    conn.batch_execute("BEGIN; SELECT 1").unwrap();
    run(&database, &["checkpoint", "acme", "--wait", "60s"]).exits(0);
    run(&database, &["checkpoint", "acme", "--until", "soon"]).exits(2);
    run(&database, &["checkpoint", "acme", "--until", "2999-01-01T00:00:00Z"])
        .exits(5)
        .says("until");
    let later = now(&database);
    let waiting = ["checkpoint", "acme", "--wait", "0s", "--until", &later, "--json"];
    let error = run(&database, &waiting).exits(5).error();
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("the transaction of process"),
        "{error}"
    );
}
