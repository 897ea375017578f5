//! `mailglass migrate`.

use mailglass::migrations::FILES;
use serde_json::json;

use crate::program::{execute, run};
use test_support::{connect, count_events, database, delivery, server};

fn versions() -> Vec<&'static str> {
    FILES.iter().map(|migration| migration.version).collect()
}

fn newest_first() -> Vec<&'static str> {
    versions().into_iter().rev().collect()
}

#[test]
fn an_empty_database_is_migrated_once() {
    let database = server().database().unwrap();
    let before = run(&database, &["migrate", "--list"]).exits(0);
    assert_eq!(before.tables()[0][0], ["version", "name", "state"]);
    assert!(before.tables()[0][1..].iter().all(|row| row[2] == "pending"));

    let applied = run(&database, &["migrate"]).exits(0);
    let rows = applied.tables().remove(0);
    assert_eq!(rows.len(), 1 + FILES.len());
    assert_eq!(rows[1], [FILES[0].version, FILES[0].name, "applied"]);
    assert_eq!(applied.stderr, "");
    delivery(&mut connect(&database));

    let again = run(&database, &["migrate"]).exits(0).says("nothing to do");
    assert_eq!(again.stdout, "");
    let after = run(&database, &["migrate", "--list"]).exits(0);
    assert!(after.tables()[0][1..].iter().all(|row| row[2] == "applied"));
}

#[test]
fn json_has_the_versions() {
    let database = server().database().unwrap();
    let applied = run(&database, &["--json", "migrate"]).exits(0);
    assert_eq!(
        applied.json(),
        json!({"applied": versions(), "reverted": [], "redone": []})
    );
    let listed = run(&database, &["migrate", "--list", "--json"]).exits(0).json();
    assert_eq!(
        listed["migrations"][2],
        json!({"version": FILES[2].version, "name": "create_events", "is_applied": true})
    );
    let redone = run(&database, &["migrate", "--redo", "--json"]).exits(0).json();
    assert_eq!(redone["redone"], json!(newest_first()[..1]));
    let reverted = run(&database, &["migrate", "--revert-to", "0", "--json"]).exits(0);
    assert_eq!(reverted.json()["reverted"], json!(newest_first()));
    let nothing = run(&database, &["migrate", "--redo", "--json"]).exits(0);
    assert_eq!(nothing.json(), json!({"applied": [], "reverted": [], "redone": []}));
    assert_eq!(nothing.stderr, "");
}

#[test]
fn a_revert_stops_at_the_version_that_is_named_as_in_the_table_or_as_the_folder_is() {
    let version = FILES[3].version;
    let (year, month, day) = (&version[..4], &version[4..6], &version[6..8]);
    let folder = format!("{year}-{month}-{day}-{}", &version[8..]);
    for version in [version, &folder] {
        let database = database();
        run(&database, &["migrate", "--revert-to", version])
            .exits(0)
            .says("reverting");
        let listed = run(&database, &["migrate", "--list", "--json"]).json();
        let applied = listed["migrations"].as_array().unwrap().iter();
        assert_eq!(applied.filter(|migration| migration["is_applied"] == true).count(), 4);
    }
}

#[test]
fn a_revert_that_would_lose_rows_is_refused_unless_one_says_so() {
    let database = database();
    let mut conn = connect(&database);
    delivery(&mut conn);
    let refused = run(&database, &["migrate", "--revert-to", "0"]).exits(5);
    let refused = refused
        .says("1 row of mailglass_deliveries, 1 row of mailglass_events")
        .says("--yes-drop-data");
    assert_eq!(refused.stdout, "");
    let in_json = run(&database, &["migrate", "--revert-to", "0", "--json"])
        .exits(5)
        .error();
    assert_eq!(in_json["code"], "failed");
    assert_eq!(count_events(&mut conn), 1);
    run(&database, &["migrate", "--revert-to", "0", "--yes-drop-data"])
        .exits(0)
        .says("dropping the rows");
    run(&database, &["stats"]).exits(4);
}

#[test]
fn a_revert_that_would_unguard_rows_is_refused_unless_one_says_so() {
    let database = database();
    delivery(&mut connect(&database));
    let to_before_the_guard = ["migrate", "--revert-to", FILES[2].version];
    run(&database, &to_before_the_guard)
        .exits(5)
        .says("would remove the guard of 1 row of mailglass_events")
        .says("nothing was changed")
        .says("--yes-drop-data");
    run(&database, &["verify"]).exits(0);
    run(&database, &[&to_before_the_guard[..], &["--yes-drop-data"]].concat()).exits(0);
}

#[test]
fn a_version_that_is_not_ours_is_refused() {
    run(&database(), &["migrate", "--revert-to", "29990101000000"])
        .exits(5)
        .says("is not a migration of this crate");
}

#[test]
fn tables_that_other_migrations_made_are_not_migrated_again() {
    let database = database();
    execute(&mut connect(&database), "DELETE FROM __diesel_schema_migrations");
    run(&database, &["migrate"]).exits(5).says("migrations export");
    run(&database, &["verify"]).exits(0);
}

#[test]
fn a_migration_that_fails_is_told_and_the_others_stay() {
    let database = server().database().unwrap();
    run(&database, &["migrate"]).exits(0);
    run(&database, &["migrate", "--revert-to", FILES[3].version]).exits(0);
    execute(
        &mut connect(&database),
        "CREATE TABLE mailglass_event_links (id integer)",
    );
    run(&database, &["migrate"])
        .exits(5)
        .says("migration failed")
        .says("create_event_links");
    let listed = run(&database, &["migrate", "--list", "--json"]).exits(0).json();
    assert_eq!(listed["migrations"][3]["is_applied"], true);
    assert_eq!(listed["migrations"][4]["is_applied"], false);
}
