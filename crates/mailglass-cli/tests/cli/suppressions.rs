//! `mailglass suppressions`.

use std::io::Write as _;
use std::process::Stdio;

use mailglass::suppressions::{ListOptions, list};
use mailglass::{EventType, Stream, SuppressionReason, ledger, suppressions};
use scratch_postgres::Database;
use serde_json::json;

use crate::folder::Folder;
use crate::program::{Answer, program_on, run};
use test_support::{connected, event, to};

/// Imports standard input.
fn import(database: &Database, arguments: &[&str], input: &[u8]) -> Answer {
    let mut child = program_on(database)
        .args(["suppressions", "import", "acme"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    Answer::new(child.wait_with_output().unwrap())
}

#[test]
fn a_suppression_is_added_listed_and_removed() {
    let (database, mut conn) = connected();
    let run = |arguments: &[&str]| run(&database, &[&["suppressions"], arguments].concat());
    let added = run(&["add", "acme", "Ann@example.com", "--reason", "complaint"])
        .exits(0)
        .says("added");
    assert_eq!(
        added.tables()[0][1][..5],
        ["acme", "address", "", "Ann@example.com", "complaint"]
    );
    let again = run(&[
        "add",
        "acme",
        "ann@example.com",
        "--reason",
        "complaint",
        "--for",
        "3days",
        "--json",
    ])
    .exits(0);
    assert_eq!(again.json()["outcome"], "unchanged");
    run(&["add", "acme", "bob@example.com", "--stream", "bulk", "--for", "30days"]).exits(0);
    let longer = run(&[
        "add",
        "acme",
        "bob@example.com",
        "--stream",
        "bulk",
        "--until",
        "2999-01-01T00:00:00Z",
        "--json",
    ]);
    assert_eq!(longer.exits(0).json()["outcome"], "extended");
    run(&["add", "globex", "example.org", "--domain", "--without-address"]).exits(0);

    let listed = run(&["list"]).exits(0);
    let subjects: Vec<_> = listed.tables()[0][1..]
        .iter()
        .map(|row| (row[0], row[1], row[3]))
        .collect();
    assert_eq!(
        subjects,
        [
            ("acme", "address_stream", "bob@example.com"),
            ("acme", "address", "Ann@example.com"),
            ("globex", "domain", ""),
        ]
    );
    let listed = |arguments: &[&str]| {
        let listed = run(&[&["list", "--json"], arguments].concat()).exits(0).json();
        listed["suppressions"].as_array().unwrap().len()
    };
    assert_eq!(listed(&["--tenant", "acme"]), 2);
    assert_eq!(listed(&["--scope", "domain"]), 1);
    assert_eq!(listed(&["--stream", "bulk", "--reason", "manual", "--in-force"]), 1);
    assert_eq!(listed(&["--limit", "2"]), 2);

    let found = suppressions::check(&mut conn, "globex", Stream::Bulk, &["cid@Example.org"]).unwrap();
    assert!(found[0].is_some());
    let removed = run(&["remove", "globex", "EXAMPLE.org", "--domain", "--json"])
        .exits(0)
        .json();
    assert_eq!(removed["removed"][0]["scope"], "domain");
    run(&["remove", "acme", "ann@example.com", "--reason", "policy"])
        .exits(0)
        .says("nothing was removed");
    let removed = run(&["remove", "acme", "ann@example.com"]).exits(0);
    assert_eq!(removed.tables()[0].len(), 2);
    assert_eq!(listed(&[]), 1);
}

#[test]
fn what_is_no_suppression_is_rejected() {
    let (database, _) = connected();
    let run = |arguments: &[&str]| run(&database, &[&["suppressions"], arguments].concat());
    run(&["add", "acme", "ann"]).exits(5).says("has no @");
    run(&["add", "acme", "ann@example.com", "--domain"])
        .exits(5)
        .says("has an @");
    run(&["add", "acme", "ann@example.com", "--until", "2001-01-01T00:00:00Z"])
        .exits(5)
        .says("later than now");
    run(&["add", "acme", "ann@example.com", "--for", "10000years"])
        .exits(5)
        .says("until");
    run(&["add", "acme", "ann@example.com", "--reason", "boredom"])
        .exits(2)
        .says("hard_bounce");
    run(&["add", "acme", "ann@example.com", "--stream", "bulk", "--domain"]).exits(2);
    run(&["remove", " ", "ann@example.com"]).exits(5).says("can't be blank");
    run(&["import", "acme", "/no/such/file"]).exits(5).says("/no/such/file");
    run(&["import", "acme", "--batch", "0"]).exits(2);
}

#[test]
fn a_list_of_addresses_is_imported_in_batches_and_its_invalid_lines_are_listed() {
    let (database, mut conn) = connected();
    let folder = Folder::new();
    let file = folder.path().join("addresses.txt");
    let mut lines: Vec<String> = (0..25).map(|n| format!("reader{n}@example.com\r")).collect();
    lines.insert(3, "# a comment".to_owned());
    lines.insert(7, "no address".to_owned());
    lines.insert(9, String::new());
    lines.push("READER1@example.com".to_owned());
    std::fs::write(&file, format!("\u{feff}{}", lines.join("\n"))).unwrap();
    let arguments = [
        "suppressions",
        "import",
        "acme",
        file.to_str().unwrap(),
        "--batch",
        "10",
        "--stream",
        "bulk",
    ];
    let answer = run(&database, &arguments).exits(5).says("1 line was not imported");
    let [counts, invalid] = &answer.tables()[..] else {
        panic!("{answer:?}")
    };
    assert_eq!(counts[1], ["25", "0", "1", "1"]);
    assert_eq!(invalid[1][0], "8");
    assert!(invalid[1][1].contains("has no @"), "{invalid:?}");

    let again = run(&database, &[&arguments[..], &["--json"]].concat()).exits(5);
    let report = again.json();
    assert_eq!((&report["added"], &report["unchanged"]), (&json!(0), &json!(26)));
    assert_eq!(report["invalid"][0]["line"], 8);
    let rows = list(&mut conn, &ListOptions::of_tenant("acme")).unwrap();
    assert!(
        rows.iter()
            .all(|row| row.stream == Some(Stream::Bulk) && row.reason == SuppressionReason::Manual)
    );
}

#[test]
fn a_table_is_imported_by_the_names_of_its_columns() {
    let (database, mut conn) = connected();
    let table = b"Created,Email,Domain,Reason,Until,Stream\n\
        2024-01-01,ann@example.com,,hard_bounce,,\n\
        x,\"bob@example.com\",,,2999-01-01T00:00:00Z,bulk\n\
        x,,example.org,,,\n\
        x,cid@example.com,example.org,,,\n\
        x,,,,,\n\
        x,dan@example.com,,boredom,,\n\
        x,dan@example.com,,,tomorrow,\n\
        x,dan@example.com,,,,,,\n\
        x,,example.net,,,bulk\n\
        x,\"dan@example.com,,,,\n\
        x,\xff@example.com,,,,\n";
    let answer = import(&database, &["--reason", "policy", "--without-address"], table).exits(5);
    let tables = answer.tables();
    assert_eq!(tables[0][1], ["3", "0", "0", "8"]);
    let lines: Vec<&str> = tables[1][1..].iter().map(|row| row[0]).collect();
    assert_eq!(lines, ["5", "6", "7", "8", "9", "10", "11", "12"]);

    let rows = list(&mut conn, &ListOptions::of_tenant("acme")).unwrap();
    assert!(rows.iter().all(|row| row.address.is_none()));
    let mut of = |recipient: &str| suppressions::check(&mut conn, "acme", Stream::Bulk, &[recipient]).unwrap()[0];
    assert_eq!(
        of("ann@example.com").map(|found| found.reason),
        Some(SuppressionReason::HardBounce)
    );
    assert!(of("bob@example.com").is_some_and(|found| found.until.is_some()));
    assert_eq!(
        of("eve@example.org").map(|found| found.reason),
        Some(SuppressionReason::Policy)
    );
}

#[test]
fn an_empty_file_imports_nothing() {
    let (database, _) = connected();
    let answer = import(&database, &[], b"").exits(0);
    assert_eq!(answer.stdout, "added\textended\tunchanged\tinvalid\n0\t0\t0\t0\n");
}

#[test]
fn a_sweep_suppresses_the_recipients_of_late_unsubscriptions_if_it_is_told_to() {
    for (arguments, expected) in [(&[][..], 0), (&["--suppress"][..], 1)] {
        let (database, mut conn) = connected();
        let unsubscribed = event(EventType::Unsubscribed, 5).provider_message("postmark", "m1");
        ledger::record(&mut conn, &[unsubscribed]).unwrap();
        let delivery = to("ann@example.com").provider("postmark").provider_message_id("m1");
        delivery.insert(&mut conn).unwrap();
        run(&database, &[&["reconcile", "--grace", "0s"], arguments].concat()).exits(0);
        let rows = list(&mut conn, &ListOptions::of_tenant("acme")).unwrap();
        assert_eq!(rows.len(), expected);
    }
}
