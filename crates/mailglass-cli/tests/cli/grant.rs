//! `mailglass grant`: its rights are sufficient and minimal.

use diesel::prelude::*;
use mailglass::migrations::{self, FILES};
use mailglass::{Delivery, DeliveryChanges, EventType, contract, ledger, projection};
use scratch_postgres::Database;
use serde_json::json;

use crate::program::{Answer, answer, execute, program_on, run};
use test_support::{TENANT, at, connect, connected, database, delivery, event, insert, sweep_now, to};

/// A role for one test, with a name that needs quotes. It is dropped with the value.
struct Role<'a> {
    name: String,
    database: &'a Database,
}

impl<'a> Role<'a> {
    fn create(database: &'a Database) -> Self {
        let name = format!("App \"{}\"", uuid::Uuid::now_v7().simple());
        let role = Role { name, database };
        execute(&mut connect(database), &format!("CREATE ROLE {}", role.quoted()));
        role
    }

    fn quoted(&self) -> String {
        format!("\"{}\"", self.name.replace('"', "\"\""))
    }

    /// A connection with the rights of this role.
    fn connect(&self, search_path: &str) -> PgConnection {
        let mut conn = connect(self.database);
        execute(&mut conn, &format!("SET search_path = {search_path}"));
        execute(&mut conn, &format!("SET ROLE {}", self.quoted()));
        conn
    }

    fn run(&self, search_path: &str, arguments: &[&str]) -> Answer {
        let role = self.name.replace(' ', "\\ ");
        let options = format!("-crole={role} -csearch_path={search_path}");
        answer(program_on(self.database).args(arguments).env("PGOPTIONS", options))
    }
}

impl Drop for Role<'_> {
    fn drop(&mut self) {
        let mut conn = connect(self.database);
        execute(&mut conn, &format!("DROP OWNED BY {}", self.quoted()));
        execute(&mut conn, &format!("DROP ROLE {}", self.quoted()));
    }
}

/// Revokes the default rights of PUBLIC.
fn revoke_defaults(conn: &mut PgConnection, schema: &str) {
    execute(conn, &format!("REVOKE ALL ON SCHEMA {schema} FROM PUBLIC"));
    for set in contract::SETS {
        execute(conn, &format!("REVOKE ALL ON TYPE {schema}.{} FROM PUBLIC", set.name));
    }
    execute(
        conn,
        &format!("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {schema} FROM PUBLIC"),
    );
}

/// Every operation of an application.
fn a_full_round(conn: &mut PgConnection) {
    assert_eq!(migrations::run(conn).unwrap(), [""; 0]);
    let listed = migrations::list(conn).unwrap();
    assert!(listed.iter().all(|migration| migration.is_applied));
    assert_eq!(contract::verify(conn).unwrap(), []);

    let early = event(EventType::Opened, 5)
        .provider_message("postmark", "m1")
        .idempotency_key("k");
    for is_replay in [false, true] {
        let answers = ledger::record(conn, std::slice::from_ref(&early)).unwrap();
        assert_eq!(answers[0].is_replay(), is_replay);
    }
    let delivery = delivery(conn).mark_dispatched(conn, "postmark", "m1", at(1)).unwrap();
    let changes = DeliveryChanges {
        metadata: Some(json!({"updated": true})),
        ..DeliveryChanges::default()
    };
    delivery.update(conn, &changes).unwrap();
    assert_eq!(sweep_now(conn).linked, 0, "the early event was linked at once");
    let delivery = Delivery::find(conn, TENANT, delivery.id).unwrap();
    assert_eq!(delivery.timeline(conn).unwrap().len(), 3);
    projection::rebuild(conn, TENANT, delivery.id).unwrap();
    assert_eq!(projection::rebuild_all(conn, TENANT).unwrap(), 0);
    assert_eq!(projection::verify(conn, TENANT).unwrap(), []);
    assert_eq!(contract::verify(conn).unwrap(), []);
}

#[test]
fn what_is_printed_is_enough_and_no_more() {
    let (database, mut owner) = connected();
    revoke_defaults(&mut owner, "public");
    let role = Role::create(&database);
    let printed = run(&database, &["grant", "--role", &role.name]).exits(0).stdout;
    assert_eq!(printed.lines().count(), 9, "{printed}");
    assert!(
        diesel::sql_query("SELECT 1 FROM mailglass_events")
            .execute(&mut role.connect("public"))
            .is_err(),
        "printing grants nothing"
    );
    for statement in printed.lines() {
        execute(&mut owner, statement.strip_suffix(';').unwrap());
    }
    let mut app = role.connect("public");
    a_full_round(&mut app);
    for forbidden in [
        "UPDATE mailglass_events SET trace_id = 'x'",
        "DELETE FROM mailglass_events",
        "TRUNCATE mailglass_events",
        "DELETE FROM mailglass_deliveries",
        "DELETE FROM mailglass_event_links",
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('1')",
        "CREATE TABLE mine ()",
    ] {
        assert!(diesel::sql_query(forbidden).execute(&mut app).is_err(), "{forbidden}");
    }
    for arguments in [
        &["migrate"][..],
        &["migrate", "--list"],
        &["verify", "--projection"],
        &["rebuild"],
        &["reconcile"],
        &["stats"],
        &["outbox"],
    ] {
        role.run("public", arguments).exits(0);
    }
}

#[test]
fn what_is_applied_works_in_another_schema() {
    let database = test_support::server().database().unwrap();
    let mut owner = connect(&database);
    execute(&mut owner, "CREATE SCHEMA \"Mail\"");
    execute(&mut owner, "SET search_path = \"Mail\"");
    migrations::run(&mut owner).unwrap();
    let role = Role::create(&database);
    let answer = answer(
        program_on(&database)
            .args(["grant", "--apply", "--json", "--role", &role.name])
            .env("PGOPTIONS", "-csearch_path=\"Mail\""),
    )
    .exits(0)
    .json();
    assert_eq!(
        (&answer["is_applied"], &answer["access"]),
        (&json!(true), &json!("app"))
    );
    assert_eq!(answer["statements"].as_array().unwrap().len(), 9);
    a_full_round(&mut role.connect("\"Mail\""));
}

/// With row-level security, the cross-tenant commands need a role for all tenants.
#[test]
fn the_reconcilers_rights_are_for_all_tenants() {
    let (database, mut owner) = connected();
    mailglass::tenancy::enable(&mut owner).unwrap();
    let early = event(EventType::Opened, 5).provider_message("postmark", "m1");
    ledger::record(&mut owner, &[early]).unwrap();
    let sent = to("ann@example.com").provider("postmark").provider_message_id("m1");
    insert(&mut owner, &sent);
    let role = Role::create(&database);
    run(
        &database,
        &["grant", "--apply", "--role", &role.name, "--access", "reconciler"],
    )
    .exits(0);
    let reconciled = role.run("public", &["reconcile", "--grace", "0s"]).exits(0).stdout;
    assert!(reconciled.starts_with("linked 1,"), "{reconciled}");
    let verified = role.run("public", &["verify", "--projection"]).exits(0).stdout;
    assert!(verified.contains("1 delivery agrees"), "{verified}");
    role.run("public", &["rebuild"]).exits(0);
    role.run("public", &["stats"]).exits(0);
    role.run("public", &["outbox"]).exits(0);
    let inserted = diesel::sql_query("DELETE FROM mailglass_deliveries").execute(&mut role.connect("public"));
    assert!(inserted.is_err());
    run(&database, &["grant", "--role", "app", "--access", "owner"])
        .exits(2)
        .says("use one of app, worker, sender, reader, reconciler, privacy, retention");
}

#[test]
fn verify_warns_about_a_role_that_an_application_should_not_use() {
    let (database, mut owner) = connected();
    run(&database, &["verify"]).exits(0).says("is a superuser");
    let role = Role::create(&database);
    execute(
        &mut owner,
        &format!("ALTER TABLE mailglass_events OWNER TO {}", role.quoted()),
    );
    let report = role.run("public", &["verify", "--json"]).json();
    assert_eq!(report["warnings"][0]["tables"], json!(["mailglass_events"]));
    execute(&mut owner, "ALTER TABLE mailglass_events OWNER TO CURRENT_USER");
}

#[test]
fn a_migration_that_the_role_may_not_apply_names_the_rights() {
    let database = database();
    let role = Role::create(&database);
    run(&database, &["grant", "--apply", "--role", &role.name]).exits(0);
    run(&database, &["migrate", "--revert-to", FILES[3].version]).exits(0);
    role.run("public", &["migrate"])
        .exits(5)
        .says("lacks CREATE on schema public")
        .says("ownership of table public.mailglass_events");
}

#[test]
fn a_role_that_is_not_one_is_refused() {
    let database = database();
    for everybody in ["public", "", "none"] {
        run(&database, &["grant", "--role", everybody])
            .exits(5)
            .says("is not the name of a role");
    }
    run(&database, &["grant", "--apply", "--role", "no such role"]).exits(5);
}
