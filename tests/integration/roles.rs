//! Roles: each has the rights that its functions need, and no other.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Text, Timestamptz};
use mailglass::contract::{self, Warning};
use mailglass::ledger::CheckpointOptions;
use mailglass::migrations::{DataLoss, FILES, revert_to};
use mailglass::projection::{rebuild, rebuild_all, repair};
use mailglass::reconciler::{expired, sweep, waiting};
use mailglass::retention::{DetailsOptions, expire_details};
use mailglass::roles::{self, Access};
use mailglass::{
    Delivery, DeliveryChanges, DeliveryStatus, EventDetails, EventType, NewDelivery, NewEvent, Stream, ledger,
    migrations, privacy, projection, tenancy,
};
use serde_json::json;

use crate::support::role::Role;
use crate::support::{
    TENANT, at, connect, connected, database, delivery, eager, event, insert, reload, to, wrong_fields,
};

/// The rights of each access by table: letters for SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES and TRIGGER (`sriudtx`
/// with `x` for REFERENCES and `t` for TRUNCATE, `g` for TRIGGER). A capital letter is a right on the whole table, a small one a
/// right on some columns.
const MATRIX: [(Access, [&str; 9]); 7] = [
    // deliveries, erasures, event_details, event_links, events, outbox, outbox_usage, suppressions, versions
    (Access::App, ["SIu", "", "SI", "SIu", "SI", "SIUD", "SIUD", "SIUD", "S"]),
    (Access::Worker, ["Su", "", "I", "SIu", "SI", "SUD", "SIUD", "SIU", "S"]),
    (Access::Sender, ["Su", "", "", "SIu", "SI", "SUD", "SIUD", "SIU", "S"]),
    (Access::Reader, ["S", "S", "", "S", "S", "S", "", "S", "S"]),
    (Access::Reconciler, ["Su", "", "", "Su", "S", "S", "", "SIU", "S"]),
    (Access::Privacy, ["Su", "SI", "SD", "Su", "S", "Su", "", "Su", "S"]),
    (Access::Retention, ["", "", "suD", "", "", "", "", "", "S"]),
];

const TABLES: [&str; 9] = [
    "mailglass_deliveries",
    "mailglass_erasures",
    "mailglass_event_details",
    "mailglass_event_links",
    "mailglass_events",
    "mailglass_outbox",
    "mailglass_outbox_usage",
    "mailglass_suppressions",
    "__diesel_schema_migrations",
];

#[derive(QueryableByName)]
struct Letters {
    #[diesel(sql_type = Text)]
    letters: String,
}

fn rights(conn: &mut PgConnection, table: &str) -> String {
    let letter = |right: &str, letter: char, has_columns: bool| {
        let on_table = format!("has_table_privilege('{table}', '{right}')");
        let on_columns = if has_columns {
            format!("has_any_column_privilege('{table}', '{right}')")
        } else {
            "false".to_owned()
        };
        let small = letter.to_ascii_lowercase();
        format!("CASE WHEN {on_table} THEN '{letter}' WHEN {on_columns} THEN '{small}' ELSE '' END")
    };
    let letters = [
        letter("SELECT", 'S', true),
        letter("INSERT", 'I', true),
        letter("UPDATE", 'U', true),
        letter("DELETE", 'D', false),
        letter("TRUNCATE", 'T', false),
        letter("REFERENCES", 'X', true),
        letter("TRIGGER", 'G', false),
    ];
    let query = format!("SELECT concat({}) AS letters", letters.join(", "));
    sql_query(query).get_result::<Letters>(conn).unwrap().letters
}

#[test]
fn each_access_has_exactly_its_rights() {
    let database = database();
    for (access, expected) in MATRIX {
        let role = Role::with(&database, access);
        let mut conn = role.connect();
        let found = TABLES.map(|table| rights(&mut conn, table));
        assert_eq!(found, expected, "{access}");
    }
    assert_eq!(MATRIX.map(|(access, _)| access), Access::ALL);
}

/// A statement for each right, which changes nothing. It fails without the right.
fn attempts(table: &str) -> BTreeMap<char, String> {
    let columns = match table {
        "__diesel_schema_migrations" => ["version", "version"],
        "mailglass_event_details" | "mailglass_event_links" => ["event_id", "recipient"],
        "mailglass_deliveries" => ["id", "updated_at"],
        "mailglass_outbox" => ["delivery_id", "recipient_domain"],
        "mailglass_outbox_usage" => ["tenant_id", "claims"],
        "mailglass_suppressions" => ["id", "address"],
        _ => ["id", "id"],
    };
    let [key, changed] = columns;
    let changed = if table == "mailglass_event_details" {
        "inserted_at"
    } else {
        changed
    };
    BTreeMap::from([
        ('S', format!("SELECT {key} FROM {table} LIMIT 0")),
        (
            'I',
            format!("INSERT INTO {table} ({key}) SELECT {key} FROM (SELECT (NULL::{table}).*) AS one WHERE false"),
        ),
        ('U', format!("UPDATE {table} SET {changed} = NULL WHERE false")),
        ('D', format!("DELETE FROM {table} WHERE false")),
        ('T', format!("TRUNCATE {table}")),
        (
            'G',
            format!("CREATE TRIGGER mine BEFORE INSERT ON {table} EXECUTE FUNCTION mailglass_raise_immutability()"),
        ),
    ])
}

/// The rights as the server enforces them.
#[test]
fn every_other_right_is_refused() {
    let database = database();
    for (access, expected) in MATRIX {
        let role = Role::with(&database, access);
        let mut conn = role.connect();
        for (table, letters) in TABLES.into_iter().zip(expected) {
            for (right, statement) in attempts(table) {
                let is_granted = letters.to_ascii_uppercase().contains(right);
                let outcome = conn.test_transaction_result(&statement);
                assert_eq!(outcome.is_ok(), is_granted, "{access}: {statement}: {outcome:?}");
            }
        }
        for statement in [
            "CREATE TABLE mine ()",
            "DROP TABLE mailglass_events",
            "ALTER TABLE mailglass_events DISABLE TRIGGER ALL",
        ] {
            assert!(
                conn.test_transaction_result(statement).is_err(),
                "{access}: {statement}"
            );
        }
    }
}

/// What identifies a row can't be changed, although other columns can.
#[test]
fn no_access_moves_a_row_to_another_tenant() {
    let (database, mut owner) = connected();
    delivery(&mut owner);
    for access in Access::ALL {
        let role = Role::with(&database, *access);
        let mut conn = role.connect();
        for statement in [
            "UPDATE mailglass_deliveries SET tenant_id = 'globex'",
            "UPDATE mailglass_deliveries SET id = gen_random_uuid()",
            "UPDATE mailglass_deliveries SET idempotency_key = 'x'",
            "UPDATE mailglass_event_links SET tenant_id = 'globex'",
            "UPDATE mailglass_event_links SET event_id = gen_random_uuid()",
        ] {
            assert!(
                conn.test_transaction_result(statement).is_err(),
                "{access}: {statement}"
            );
        }
        let may_rename = conn
            .test_transaction_result("UPDATE mailglass_deliveries SET recipient = 'a@b.c'")
            .is_ok();
        assert_eq!(may_rename, *access == Access::Privacy, "{access}");
    }
}

trait TestTransaction {
    /// Executes a statement in a transaction that is rolled back.
    fn test_transaction_result(&mut self, statement: &str) -> QueryResult<usize>;
}

impl TestTransaction for PgConnection {
    fn test_transaction_result(&mut self, statement: &str) -> QueryResult<usize> {
        let mut executed = Ok(0);
        let _ = self.transaction::<(), diesel::result::Error, _>(|conn| {
            executed = sql_query(statement).execute(conn);
            Err(diesel::result::Error::RollbackTransaction)
        });
        executed
    }
}

/// What a role without any right can read.
fn reads(conn: &mut PgConnection) {
    assert_eq!(migrations::run(conn).unwrap(), [""; 0]);
    assert!(migrations::list(conn).unwrap().iter().all(|listed| listed.is_applied));
    assert_eq!(contract::verify(conn).unwrap(), []);
    assert_eq!(contract::warnings(conn).unwrap(), []);
}

/// Each access can call the functions that it is for, with row-level security and without.
#[test]
fn each_access_can_do_its_work() {
    for is_enabled in [false, true] {
        let (database, mut owner) = connected();
        if is_enabled {
            tenancy::enable(&mut owner).unwrap();
        }
        let sent = delivery(&mut owner);
        let connect_as = |access| Role::with(&database, access);

        let role = connect_as(Access::App);
        let mut conn = role.connect();
        reads(&mut conn);
        tenancy::scoped(&mut conn, TENANT, |conn| {
            let early = event(EventType::Opened, 5)
                .provider_message("postmark", "m1")
                .recipient("ANN@example.com");
            ledger::record(conn, std::slice::from_ref(&early))?;
            ledger::append(conn, [early.clone(), early].to_vec())?;
            assert_eq!(waiting(conn, TENANT, 10)?.len(), 3);
            // It links the events that wait for it.
            let delivery = delivery(conn).mark_dispatched(conn, "postmark", "m1", at(1))?;
            assert_eq!(delivery.status, DeliveryStatus::Sent);
            let late = event(EventType::Opened, 5).provider_message("postmark", "m0");
            ledger::record(conn, &[late])?;
            to("gil@example.com")
                .provider("postmark")
                .provider_message_id("m0")
                .insert(conn)?;
            let own = mailglass::reconciler::SweepOptions {
                tenants: tenancy::Tenants::Only(TENANT.to_owned()),
                ..eager()
            };
            assert_eq!(sweep(conn, &own)?.linked, 1);
            assert!(expired(conn, TENANT, 10)?.is_empty());
            let metadata = DeliveryChanges {
                metadata: Some(json!({ "a": 1 })),
                ..DeliveryChanges::default()
            };
            reload(conn, &delivery).update(conn, &metadata)?;
            reload(conn, &delivery).explain(conn)?;
            rebuild(conn, TENANT, delivery.id)?;
            assert_eq!(rebuild_all(conn, TENANT)? + repair(conn, TENANT)?, 0);
            assert_eq!(Delivery::for_tenant(TENANT).load::<Delivery>(conn)?.len(), 3);
            Ok::<_, mailglass::Error>(())
        })
        .unwrap();

        let role = connect_as(Access::Worker);
        let mut conn = role.connect();
        reads(&mut conn);
        let suppressed = delivery(&mut owner);
        tenancy::scoped(&mut conn, TENANT, |conn| {
            let dispatched = reload(conn, &sent).mark_dispatched(conn, "postmark", "m2", at(2))?;
            dispatched.mark_failed(conn, json!({ "code": 550 }), at(3))?;
            suppressed.mark_suppressed(conn, None, at(4))?;
            let orphan = event(EventType::Opened, 5)
                .provider_message("postmark", "m3")
                .idempotency_key("m3");
            let again = orphan.clone();
            ledger::record_each(conn, [orphan, again].to_vec())
        })
        .unwrap();
        assert!(tenancy::scoped(&mut conn, TENANT, |conn| to("bob@example.com").insert(conn)).is_err());

        // In no scope: it sends for all tenants.
        let role = connect_as(Access::Sender);
        let mut conn = role.connect();
        reads(&mut conn);
        for tenant in [TENANT, "globex"] {
            let early = NewEvent::new(tenant, EventType::Opened, at(5)).provider_message("ses", tenant);
            ledger::record(&mut owner, &[early]).unwrap();
            let new = NewDelivery::new(tenant, "welcome", Stream::Bulk, "dan@example.com");
            let queued = Delivery::find(&mut conn, tenant, insert(&mut owner, &new).id).unwrap();
            let sent = queued.mark_dispatched(&mut conn, "ses", tenant, at(2)).unwrap();
            assert_eq!(sent.status, DeliveryStatus::Sent, "is_enabled: {is_enabled}");
        }

        let role = connect_as(Access::Reader);
        let mut conn = role.connect();
        reads(&mut conn);
        tenancy::scoped(&mut conn, TENANT, |conn| {
            let delivery = reload(conn, &sent);
            delivery.timeline(conn)?;
            delivery.explain(conn)?;
            assert_eq!(projection::verify(conn, TENANT)?, []);
            waiting(conn, TENANT, 10)?;
            expired(conn, TENANT, 10)?;
            Ok::<_, mailglass::Error>(())
        })
        .unwrap();

        // Erasing and exporting enter the scope of their tenant.
        let role = connect_as(Access::Privacy);
        let mut conn = role.connect();
        reads(&mut conn);
        let someone = insert(&mut owner, &to("Fay@example.com"));
        let about = EventDetails {
            ip_address: Some("192.0.2.1".parse().unwrap()),
            ..EventDetails::default()
        };
        let opened = event(EventType::Opened, 7).delivery(someone.id).details(about.clone());
        ledger::record(&mut owner, &[opened]).unwrap();
        assert_eq!(
            privacy::export(&mut conn, TENANT, "fay@example.com")
                .unwrap()
                .deliveries[0]
                .events
                .len(),
            2
        );
        let erased = privacy::erase(&mut conn, TENANT, "fay@example.com").unwrap();
        assert_eq!((erased.erasure.deliveries, erased.erasure.event_details), (1, 1));

        // So does a checkpoint.
        let everything = CheckpointOptions {
            until: Some(
                diesel::select(diesel::dsl::sql::<Timestamptz>("now()"))
                    .get_result(&mut conn)
                    .unwrap(),
            ),
            ..CheckpointOptions::default()
        };
        let sealed = ledger::checkpoint(&mut conn, TENANT, None, &everything).unwrap();
        assert!(
            sealed.into_checkpoint().unwrap().events() > 0,
            "is_enabled: {is_enabled}"
        );

        let role = connect_as(Access::Retention);
        let mut conn = role.connect();
        reads(&mut conn);
        let opened = event(EventType::Opened, 8).delivery(someone.id).details(about);
        ledger::record(&mut owner, &[opened]).unwrap();
        let all = DetailsOptions::all_tenants();
        let now = chrono::Utc::now() + chrono::TimeDelta::minutes(1);
        assert_eq!(
            expire_details(&mut conn, now, &all).unwrap(),
            1,
            "is_enabled: {is_enabled}"
        );

        // In no scope: it works on all tenants.
        let role = connect_as(Access::Reconciler);
        let mut conn = role.connect();
        reads(&mut conn);
        ledger::record(&mut owner, &[event(EventType::Opened, 6).provider_message("ses", "m4")]).unwrap();
        to("eve@example.com")
            .provider("ses")
            .provider_message_id("m4")
            .insert(&mut owner)
            .unwrap();
        assert_eq!(
            sweep(&mut conn, &eager()).unwrap().linked,
            1,
            "is_enabled: {is_enabled}"
        );
        assert_eq!(projection::verify(&mut conn, TENANT).unwrap(), []);
        sql_query("UPDATE mailglass_deliveries SET terminal = NOT terminal")
            .execute(&mut owner)
            .unwrap();
        assert!(repair(&mut conn, TENANT).unwrap() > 0);
        assert_eq!(rebuild_all(&mut conn, TENANT).unwrap(), 0);
    }
}

#[test]
fn statements_name_the_schema_and_are_executed_by_grant() {
    let (database, mut conn) = connected();
    let statements = roles::statements(&mut conn, "app", Access::App).unwrap();
    assert_eq!(statements[0], r#"GRANT USAGE ON SCHEMA "public" TO "app""#);
    let on_events = statements
        .iter()
        .find(|statement| statement.contains(r#""mailglass_events""#));
    assert_eq!(
        on_events.map(String::as_str),
        Some(r#"GRANT SELECT, INSERT ON "public"."mailglass_events" TO "app""#)
    );
    revert_to(&mut conn, Some(FILES[3].version), DataLoss::Reject).unwrap();
    let refused = roles::statements(&mut connect(&database), "app", Access::App).unwrap_err();
    assert!(refused.is_migration());
    assert!(refused.to_string().contains("mailglass_event_links"), "{refused}");
    // A role that does not exist.
    assert!(roles::grant(&mut conn, "no such role", Access::Reader).is_err());
}

/// Each name is one identifier in every statement, or it is rejected.
#[test]
fn a_name_can_not_change_a_statement() {
    let (database, mut owner) = connected();
    let too_long = "r".repeat(64);
    for name in ["public", "none", "", "a\0b", &too_long, &"é".repeat(32)] {
        let refused = roles::statements(&mut owner, name, Access::App).unwrap_err();
        assert_eq!(wrong_fields(&refused), ["role"], "{name:?}");
    }
    let suffix = uuid::Uuid::now_v7().simple().to_string();
    for name in [
        format!("a\"; DROP TABLE mailglass_events; --{suffix}")[..55].to_owned(),
        format!("' OR true {suffix}"),
        format!("Ünïcode\n{suffix}"),
        format!("PUBLIC{suffix}"),
        format!("{suffix}{}", "x".repeat(31)),
    ] {
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        sql_query(format!("CREATE ROLE {quoted}")).execute(&mut owner).unwrap();
        // A second one adds it to the policies of the first.
        for access in [Access::App, Access::Reconciler, Access::Reconciler, Access::Retention] {
            roles::grant(&mut owner, &name, access).unwrap();
        }
        let granted: String =
            sql_query("SELECT has_table_privilege($1, 'mailglass_events', 'INSERT')::text AS letters")
                .bind::<Text, _>(&name)
                .get_result::<Letters>(&mut owner)
                .unwrap()
                .letters;
        assert_eq!(granted, "true", "{name:?}");
    }
    assert_eq!(contract::verify(&mut owner).unwrap(), []);
    tenancy::enable(&mut owner).unwrap();
    assert_eq!(contract::verify(&mut owner).unwrap(), []);
    // Cleans up on a server that other tests use.
    let roles: Vec<Letters> =
        sql_query("SELECT quote_ident(rolname) AS letters FROM pg_roles WHERE position($1 IN rolname) > 0")
            .bind::<Text, _>(&suffix[..20])
            .load(&mut owner)
            .unwrap();
    assert_eq!(roles.len(), 5);
    for Letters { letters: role } in roles {
        sql_query(format!("DROP OWNED BY {role}")).execute(&mut owner).unwrap();
        sql_query(format!("DROP ROLE {role}")).execute(&mut owner).unwrap();
    }
    drop(database);
}

#[test]
fn roles_that_a_policy_does_not_apply_to_are_warned_about() {
    let (database, mut owner) = connected();
    assert!(matches!(
        contract::warnings(&mut owner).unwrap()[..],
        [Warning::Superuser { .. }]
    ));

    let role = Role::with(&database, Access::App);
    let mut conn = role.connect();
    assert_eq!(contract::warnings(&mut conn).unwrap(), []);
    role.execute(&format!("ALTER ROLE {} BYPASSRLS", role.quoted()));
    let warnings = contract::warnings(&mut conn).unwrap();
    assert_eq!(
        warnings,
        [Warning::BypassesRowLevelSecurity {
            role: role.name.clone()
        }]
    );
    role.execute(&format!("ALTER ROLE {} NOBYPASSRLS", role.quoted()));

    // Through another role.
    let owning = Role::create(&database);
    role.execute(&format!("ALTER TABLE mailglass_events OWNER TO {}", owning.quoted()));
    role.execute(&format!("GRANT {} TO {}", owning.quoted(), role.quoted()));
    let warnings = contract::warnings(&mut conn).unwrap();
    let tables = vec!["mailglass_events".to_owned()];
    assert_eq!(
        warnings,
        [Warning::OwnsTables {
            role: role.name.clone(),
            tables
        }]
    );
    role.execute("ALTER TABLE mailglass_events OWNER TO CURRENT_USER");
}
