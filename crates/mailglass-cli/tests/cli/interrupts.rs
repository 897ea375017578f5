//! Ctrl-C at known points: while the command waits for a lock of the test.

use diesel::connection::SimpleConnection;
use mailglass::{DeliveryStatus, NewDelivery, Stream};
use nix::sys::signal::Signal;
use scratch_postgres::Database;
use serde_json::json;

use crate::program::{Running, execute, program_on, run, wait_until_blocked};
use crate::rebuild::{delivery_of, spoil};
use test_support::{connect, connected, reload, server};

/// Waits until the session of the command has ended and its transaction is rolled back.
fn wait_until_alone(conn: &mut diesel::PgConnection) {
    let others = "(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                   AND backend_type = 'client backend' AND pid <> pg_backend_pid()) = 0";
    let alone = diesel::dsl::sql::<diesel::sql_types::Bool>(others);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !diesel::RunQueryDsl::get_result::<bool>(diesel::select(alone.clone()), conn).unwrap() {
        assert!(std::time::Instant::now() < deadline, "somebody stays");
        std::thread::yield_now();
    }
}

#[test]
fn a_rebuild_finishes_its_step_and_says_what_was_done() {
    let (database, mut conn) = connected();
    let [first, last] = ["a", "c"].map(|tenant| delivery_of(&mut conn, tenant));
    // One more delivery than a step processes.
    let new = NewDelivery::new("b", "welcome", Stream::Bulk, "bob@example.com");
    NewDelivery::insert_all(&mut conn, &vec![new; 1_001]).unwrap();
    spoil(&mut conn);
    conn.batch_execute("BEGIN").unwrap();
    execute(
        &mut conn,
        "SELECT FROM mailglass_deliveries WHERE tenant_id = 'b' ORDER BY id LIMIT 1 FOR UPDATE",
    );

    let mut rebuild = Running::start(program_on(&database).arg("rebuild"));
    wait_until_blocked(&mut connect(&database));
    rebuild.signal(Signal::SIGINT);
    rebuild.wait_for_word("finishing the current step; press Ctrl-C again to exit at once");
    conn.batch_execute("COMMIT").unwrap();
    let answer = rebuild.end().exits(130).says("finished steps are kept");
    let done = [["a", "1", "1"], ["b", "1000", "1000"]];
    assert_eq!(answer.tables()[0][1..], done);
    let statuses = [first, last].map(|delivery| reload(&mut conn, &delivery).status);
    assert_eq!(statuses, [DeliveryStatus::Queued, DeliveryStatus::Suppressed]);
    let rest = run(&database, &["rebuild"]).exits(0);
    assert_eq!(
        rest.tables()[0][1..],
        [["a", "1", "0"], ["b", "1001", "1"], ["c", "1", "1"]]
    );
}

#[test]
fn a_second_ctrl_c_ends_at_once_and_the_step_is_rolled_back() {
    let (database, mut conn) = connected();
    let [first, second] = ["a", "b"].map(|tenant| delivery_of(&mut conn, tenant));
    spoil(&mut conn);
    conn.batch_execute("BEGIN").unwrap();
    execute(
        &mut conn,
        "SELECT FROM mailglass_deliveries WHERE tenant_id = 'b' FOR UPDATE",
    );

    let mut rebuild = Running::start(program_on(&database).arg("rebuild"));
    wait_until_blocked(&mut connect(&database));
    rebuild.signal(Signal::SIGINT);
    rebuild.wait_for_word("finishing the current step");
    rebuild.signal(Signal::SIGINT);
    // The test still holds the lock.
    rebuild.end().exits(130).says("interrupted");
    conn.batch_execute("COMMIT").unwrap();
    wait_until_alone(&mut conn);
    assert_eq!(reload(&mut conn, &first).status, DeliveryStatus::Queued);
    assert_eq!(reload(&mut conn, &second).status, DeliveryStatus::Suppressed);
}

#[test]
fn what_has_no_steps_ends_at_the_first_ctrl_c() {
    let (database, mut conn) = connected();
    conn.batch_execute("BEGIN; LOCK TABLE mailglass_events IN ACCESS EXCLUSIVE MODE")
        .unwrap();
    let stats = Running::start(program_on(&database).args(["stats", "--json"]));
    wait_until_blocked(&mut connect(&database));
    stats.signal(Signal::SIGTERM);
    let error = stats.end().exits(130).error();
    assert_eq!(error["code"], json!("interrupted"));
}

/// A session that blocks the fifth migration.
fn block_the_fifth_migration(database: &Database) -> diesel::PgConnection {
    let mut conn = connect(database);
    conn.batch_execute("BEGIN; CREATE TABLE mailglass_event_links (id integer)")
        .unwrap();
    conn
}

#[test]
fn a_migration_that_is_interrupted_twice_is_applied_as_a_whole_or_not_at_all() {
    let database = server().database().unwrap();
    let mut blocker = block_the_fifth_migration(&database);
    let mut migrate = Running::start(program_on(&database).arg("migrate"));
    wait_until_blocked(&mut connect(&database));
    migrate.signal(Signal::SIGINT);
    migrate.wait_for_word("finishing the current step");
    migrate.signal(Signal::SIGINT);
    migrate.end().exits(130);
    blocker.batch_execute("ROLLBACK").unwrap();
    wait_until_alone(&mut blocker);
    let listed = run(&database, &["migrate", "--list"]).exits(0);
    let states: Vec<_> = listed.tables()[0][1..].iter().map(|row| row[2]).collect();
    assert_eq!(states[..5], ["applied", "applied", "applied", "applied", "pending"]);
    run(&database, &["migrate"]).exits(0);
    run(&database, &["verify"]).exits(0);
}

#[test]
fn a_migration_that_is_interrupted_once_goes_on_to_the_end() {
    let database = server().database().unwrap();
    let mut blocker = block_the_fifth_migration(&database);
    let mut migrate = Running::start(program_on(&database).arg("migrate"));
    wait_until_blocked(&mut connect(&database));
    migrate.signal(Signal::SIGINT);
    migrate.wait_for_word("finishing the current step");
    blocker.batch_execute("ROLLBACK").unwrap();
    migrate.end().exits(0);
    run(&database, &["verify"]).exits(0);
}
