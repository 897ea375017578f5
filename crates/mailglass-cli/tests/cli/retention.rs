//! `mailglass retention`.

use std::fs;
use std::process::Command;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use mailglass::retention::{self, CutOptions};
use mailglass::{EventType, NewDelivery, Stream};
use nix::sys::signal::Signal;
use serde_json::json;

use crate::folder::Folder;
use crate::program::{Running, execute, program_on, run, wait_until_blocked};
use test_support::{connect, connected, count_events, event, record_one};

/// Inserts a delivery whose only event is this old.
fn delivery(conn: &mut PgConnection, days: i64) {
    let at: DateTime<Utc> = Utc::now() - TimeDelta::days(days);
    NewDelivery::new("acme", "welcome", Stream::Transactional, "ann@example.com")
        .first_event(EventType::Queued, at)
        .insert(conn)
        .unwrap();
}

fn before(days: i64) -> CutOptions {
    CutOptions::before(Utc::now() - TimeDelta::days(days))
}

#[test]
fn old_deliveries_leave_after_a_preview_and_the_old_ledger_stays() {
    let (database, mut conn) = connected();
    for days in [1, 500, 600] {
        delivery(&mut conn, days);
    }
    let preview = run(&database, &["retention", "--older-than", "13months", "--dry-run"]).exits(0);
    assert_eq!(
        preview.tables()[0][1..],
        [["deliveries", "2", "1"], ["events", "2", "1"]]
    );
    assert_eq!(count_events(&mut conn), 3);
    let kept = format!(
        "mailglass_events_until_{}",
        (Utc::now() - TimeDelta::days(550)).format("%Y%m%d")
    );
    let removed = run(&database, &["retention", "--older-than", "550days"])
        .exits(0)
        .says(&format!("the old ledger is {kept}; `DROP TABLE {kept}` removes it"));
    assert_eq!(
        removed.tables()[0][1..3],
        [["deliveries", "1", ""], ["events", "1", "2"]]
    );
    let dropped = run(
        &database,
        &["retention", "--older-than", "13months", "--drop-old", "--json"],
    )
    .exits(0)
    .json();
    assert_eq!(
        (&dropped["cut"]["deliveries_left"], &dropped["cut"]["kept_as"]),
        (&json!(1), &json!(null))
    );
    assert_eq!(count_events(&mut conn), 1);
    run(&database, &["verify", "--projection"]).exits(0);
}

#[test]
fn details_expire_alone_or_with_the_cut() {
    let (database, mut conn) = connected();
    delivery(&mut conn, 500);
    let details = "INSERT INTO mailglass_event_details (event_id, tenant_id, inserted_at)
                   SELECT gen_random_uuid(), tenant, now() - interval '40 days' FROM unnest(ARRAY['acme', 'other']) AS tenant";
    execute(&mut conn, details);
    let of_one = [
        "retention",
        "--details-older-than",
        "30days",
        "--tenant",
        "acme",
        "--json",
    ];
    assert_eq!(
        run(&database, &of_one).exits(0).json(),
        json!({"expired_details": 1, "cut": null})
    );
    let both = run(
        &database,
        &["retention", "--details-older-than", "30days", "--older-than", "1year"],
    )
    .exits(0);
    let rows = &both.tables()[0];
    assert_eq!(
        (&rows[1], &rows[5]),
        (&vec!["deliveries", "1", ""], &vec!["expired details", "1", ""])
    );
}

#[test]
fn an_unfinished_cut_has_a_status_and_can_be_aborted_or_resumed() {
    let (database, mut conn) = connected();
    delivery(&mut conn, 500);
    run(&database, &["retention", "--status"]).exits(0);
    run(&database, &["retention", "--resume"])
        .exits(5)
        .says("begin one with --older-than");
    retention::begin(&mut conn, &before(400)).unwrap();
    let status = run(&database, &["retention", "--status", "--json"]).exits(0).json();
    assert_eq!(status["cut"]["phase"], "deliveries");
    let table = run(&database, &["retention", "--status"]).exits(0);
    assert_eq!(table.tables()[0][1][2], "deliveries");
    run(&database, &["retention", "--older-than", "1year"])
        .exits(5)
        .says("--resume continues it");
    // Other commands work meanwhile.
    run(&database, &["verify", "--projection"]).exits(0);
    let aborted = run(&database, &["retention", "--abort"]).exits(0);
    assert_eq!(aborted.stdout, "aborted in the phase deliveries; nothing was removed\n");
    retention::begin(&mut conn, &before(400)).unwrap();
    let resumed = run(&database, &["retention", "--resume"]).exits(0);
    assert_eq!(resumed.tables()[0][1], ["deliveries", "1", ""]);
    assert_eq!(
        run(&database, &["retention", "--status"]).exits(0).stdout,
        "no cut is unfinished\n"
    );
}

#[test]
fn ctrl_c_stops_after_the_step_and_the_cut_can_be_resumed() {
    let (database, mut conn) = connected();
    delivery(&mut conn, 500);
    // The step that begins waits for this writer.
    conn.batch_execute("BEGIN; LOCK TABLE mailglass_event_links IN ROW EXCLUSIVE MODE")
        .unwrap();
    let mut cut = Running::start(program_on(&database).args(["retention", "--older-than", "1year"]));
    wait_until_blocked(&mut connect(&database));
    cut.signal(Signal::SIGINT);
    cut.wait_for_word("finishing the current step");
    conn.batch_execute("COMMIT").unwrap();
    cut.end().exits(130).says("mailglass retention --resume");
    run(&database, &["retention", "--resume"]).exits(0);
    assert_eq!(count_events(&mut conn), 0);
}

#[test]
fn what_the_cut_rejects_is_said_with_what_to_do() {
    let (database, mut conn) = connected();
    execute(&mut conn, "CREATE VIEW recent AS SELECT id FROM mailglass_events");
    run(&database, &["retention", "--older-than", "1year"])
        .exits(5)
        .says("other objects refer to mailglass_events: view recent")
        .says("drop these objects");
}

#[test]
fn a_wrong_duration_or_combination_is_a_usage_error() {
    let (database, _conn) = connected();
    for arguments in [
        &["retention"][..],
        &["retention", "--older-than", "13 moons"],
        &["retention", "--older-than", "0s"],
        &["retention", "--older-than", "9000years"],
        &["retention", "--dry-run"],
        &["retention", "--drop-old"],
        &["retention", "--status", "--abort"],
        &["retention", "--older-than", "1year", "--tenant", "acme"],
        &["retention", "--export", "mailglass_events_until_20251026"],
        &["retention", "--older-than", "1year", "--batch", "0"],
    ] {
        run(&database, arguments).exits(2);
    }
    run(&database, &["retention", "--older-than", "13 moons"])
        .exits(2)
        .says("unknown time unit");
}

#[test]
fn an_old_ledger_is_exported_with_its_checksum_and_can_be_read_back() {
    let (database, mut conn) = connected();
    let hostile = json!({"text": "a,\"b\"\n\\.\tß", "null": null});
    record_one(&mut conn, event(EventType::Opened, 1).metadata(hostile).trace_id("a b"));
    delivery(&mut conn, 500);
    // Not NULL, which is an empty cell.
    execute(
        &mut conn,
        "INSERT INTO mailglass_events (id, tenant_id, type, occurred_at, trace_id)
         VALUES (gen_random_uuid(), 'acme', 'opened', now(), '')",
    );
    let kept = retention::cut(&mut conn, &before(400)).unwrap().kept_as.unwrap();
    let folder = Folder::new();
    let export = || {
        let mut command = program_on(&database);
        command.current_dir(folder.path());
        command
    };
    // Whatever the session's settings are.
    let sum = crate::program::answer(export().env("PGTZ", "Asia/Tokyo").args([
        "retention",
        "--export",
        &kept,
        "--to",
        "events.csv",
    ]))
    .exits(0)
    .says("3 events written");
    fs::write(folder.path().join("SHA256SUMS"), &sum.stdout).unwrap();
    let checked = Command::new("sha256sum")
        .args(["--check", "SHA256SUMS"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
    let again = crate::program::answer(export().args(["retention", "--export", &kept, "--to", "again.csv", "--json"]))
        .exits(0)
        .json();
    assert_eq!(
        (&again["rows"], again["sha256"].as_str()),
        (&json!(3), sum.stdout.split_whitespace().next())
    );

    // PostgreSQL reads the same rows from it.
    let csv = fs::read_to_string(folder.path().join("events.csv")).unwrap();
    execute(&mut conn, "CREATE TABLE read_back (LIKE mailglass_events)");
    let path = folder.path().join("events.csv");
    fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let copied = conn.batch_execute(&format!(
        "COPY read_back FROM '{}' WITH (FORMAT csv, HEADER match)",
        path.display()
    ));
    copied.unwrap_or_else(|error| panic!("{error}: {csv}"));
    let difference = format!("(TABLE read_back EXCEPT TABLE {kept}) UNION ALL (TABLE {kept} EXCEPT TABLE read_back)");
    assert_eq!(execute(&mut conn, &difference), 0);

    for (arguments, words) in [
        (["retention", "--export", &kept, "--to", "events.csv"], "exists"),
        (
            ["retention", "--export", "mailglass_deliveries", "--to", "x.csv"],
            "there is no old ledger",
        ),
        (
            ["retention", "--export", "x; DROP TABLE x", "--to", "x.csv"],
            "there is no old ledger",
        ),
    ] {
        crate::program::answer(export().args(arguments)).exits(5).says(words);
    }
}

#[test]
fn the_schema_docs_are_the_same_after_a_cut() {
    let (database, mut conn) = connected();
    delivery(&mut conn, 500);
    let folder = Folder::new();
    let docs = |arguments: &[&str]| {
        let mut command = program_on(&database);
        crate::program::answer(command.current_dir(folder.path()).args([&["docs"], arguments].concat()))
    };
    docs(&["--out", "docs"]).exits(0);
    run(&database, &["retention", "--older-than", "1year"]).exits(0);
    docs(&["--out", "docs", "--check"]).exits(0);
}
