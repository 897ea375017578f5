//! Row-level security: a scope shows one tenant, and ends in every case.

use std::panic::{AssertUnwindSafe, catch_unwind};

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_query;
use diesel::sql_types::{Nullable, Text};
use mailglass::contract::{self, ObjectKind};
use mailglass::reconciler::waiting;
use mailglass::roles::Access;
use mailglass::schema::{mailglass_deliveries, mailglass_event_links, mailglass_events};
use mailglass::tenancy::{self, scoped};
use mailglass::{Error, EventType, NewDelivery, NewEvent, Result, Stream, ledger};

use crate::support::database::Database;
use crate::support::role::Role;
use crate::support::{TENANT, at, connect, connected, database_error, delivery, event, to, wrong_fields};

/// A database with row-level security and a delivery of each of two tenants.
fn two_tenants() -> (Database, PgConnection) {
    let (database, mut owner) = connected();
    tenancy::enable(&mut owner).unwrap();
    delivery(&mut owner);
    let globex = NewDelivery::new("globex", "welcome", Stream::Bulk, "bob@example.org");
    globex.insert(&mut owner).unwrap();
    (database, owner)
}

/// The tenants of the deliveries that the session sees.
fn visible(conn: &mut PgConnection) -> Vec<String> {
    let tenants = mailglass_deliveries::table.select(mailglass_deliveries::tenant_id);
    let mut tenants: Vec<String> = tenants.load(conn).unwrap();
    tenants.sort();
    tenants
}

fn setting(conn: &mut PgConnection) -> Option<String> {
    let setting = sql::<Nullable<Text>>("nullif(current_setting('mailglass.tenant_id', true), '')");
    diesel::select(setting).get_result(conn).unwrap()
}

fn see(conn: &mut PgConnection) -> Result<Vec<String>> {
    Ok(visible(conn))
}

#[test]
fn a_scope_shows_one_tenant_and_no_scope_shows_none() {
    let (database, mut owner) = two_tenants();
    assert_eq!(
        visible(&mut owner),
        ["acme", "globex"],
        "policies do not apply to the owner"
    );
    let role = Role::with(&database, Access::App);
    let mut conn = role.connect();
    assert_eq!(visible(&mut conn), [""; 0]);
    assert_eq!(scoped(&mut conn, "acme", see).unwrap(), ["acme"]);
    assert_eq!(visible(&mut conn), [""; 0], "the setting is empty now, not missing");
    assert_eq!(scoped(&mut conn, "globex", see).unwrap(), ["globex"]);
    assert_eq!(scoped(&mut conn, "nobody", see).unwrap(), [""; 0]);
    for empty in ["SET mailglass.tenant_id = ''", "RESET mailglass.tenant_id"] {
        conn.batch_execute(empty).unwrap();
        assert_eq!(visible(&mut conn), [""; 0]);
    }
}

/// The policies apply to what is written, too.
#[test]
fn a_row_of_another_tenant_can_not_be_written() {
    let (database, mut owner) = two_tenants();
    let role = Role::with(&database, Access::App);
    let mut conn = role.connect();
    let ours = || to("cid@example.com");
    assert!(ours().insert(&mut conn).unwrap_err().is_database(), "there is no scope");
    let inserted = scoped(&mut conn, "globex", |conn| ours().insert(conn));
    assert!(inserted.unwrap_err().is_database());
    let batch = [
        ours(),
        NewDelivery::new("globex", "welcome", Stream::Bulk, "eve@example.org"),
    ];
    let inserted = scoped(&mut conn, "globex", |conn| NewDelivery::insert_all(conn, &batch));
    assert!(inserted.unwrap_err().is_database(), "all or none");
    let recorded = scoped(&mut conn, "globex", |conn| {
        ledger::record(conn, &[event(EventType::Opened, 1)])
    });
    assert!(recorded.unwrap_err().is_database());
    let orphan = event(EventType::Opened, 1).provider_message("ses", "1");
    let recorded = scoped(&mut conn, "globex", |conn| ledger::record(conn, &[orphan]));
    assert!(recorded.unwrap_err().is_database());
    assert_eq!(visible(&mut owner), ["acme", "globex"]);
}

/// A trigger inserts the link of an orphan that another application appends.
#[test]
fn the_trigger_inserts_links_below_the_policies() {
    let (database, mut owner) = two_tenants();
    let role = Role::with(&database, Access::App);
    let mut conn = role.connect();
    scoped(&mut conn, "acme", |conn| {
        conn.batch_execute(
            "INSERT INTO mailglass_events (id, tenant_id, type, occurred_at, needs_reconciliation)
             VALUES (gen_random_uuid(), 'acme', 'opened', now(), true)",
        )?;
        assert_eq!(waiting(conn, TENANT, 10)?.len(), 1);
        Ok::<_, Error>(())
    })
    .unwrap();
    let links: i64 = mailglass_event_links::table.count().get_result(&mut owner).unwrap();
    assert_eq!(links, 1);
}

#[test]
fn a_scope_ends_with_an_error() {
    let (database, mut owner) = two_tenants();
    let role = Role::with(&database, Access::App);
    let mut conn = role.connect();
    let failed = scoped(&mut conn, "acme", |conn| {
        to("cid@example.com").insert(conn)?;
        Err::<(), _>(Error::from(DieselError::RollbackTransaction))
    });
    assert!(failed.is_err());
    assert_eq!((visible(&mut conn), setting(&mut conn)), (vec![], None));
    assert_eq!(visible(&mut owner).len(), 2, "it was rolled back");

    // An error of the database, after which nothing else can be executed.
    let failed = scoped(&mut conn, "acme", |conn| {
        Ok::<_, Error>(conn.batch_execute("SELECT 1/0")?)
    });
    assert!(failed.is_err());
    assert_eq!(setting(&mut conn), None);
}

#[test]
fn a_scope_ends_with_a_panic() {
    let (database, mut owner) = two_tenants();
    let role = Role::with(&database, Access::App);
    let mut conn = role.connect();
    for depth in 0..3 {
        // A panic leaves the transactions open that the closure has begun.
        fn panic_below(conn: &mut PgConnection, depth: u32) -> Result<()> {
            match depth {
                0 => {
                    to("cid@example.com").insert(conn)?;
                    std::panic::resume_unwind(Box::new("on purpose"))
                }
                _ => conn.transaction(|conn| panic_below(conn, depth - 1)),
            }
        }
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            scoped(&mut conn, "acme", |conn| panic_below(conn, depth))
        }));
        let payload = panicked.unwrap_err();
        assert_eq!(
            payload.downcast_ref::<&str>(),
            Some(&"on purpose"),
            "the payload is kept"
        );
        assert_eq!(
            (visible(&mut conn), setting(&mut conn)),
            (vec![], None),
            "depth {depth}"
        );
    }
    assert_eq!(visible(&mut owner).len(), 2, "it was rolled back");

    // In the caller's transaction, which remains usable.
    conn.transaction::<_, Error, _>(|conn| {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            scoped(conn, "acme", |conn| {
                conn.transaction(|_| -> Result<()> { std::panic::resume_unwind(Box::new(())) })
            })
        }));
        assert!(panicked.is_err());
        assert_eq!(setting(conn), None);
        assert_eq!(scoped(conn, "globex", see)?, ["globex"]);
        Ok(())
    })
    .unwrap();
}

/// A transaction that the closure leaves open would be committed instead of the scope's.
#[test]
fn a_scope_that_leaves_a_transaction_open_is_rolled_back() {
    use diesel::connection::{AnsiTransactionManager, TransactionManager};

    let (database, mut owner) = two_tenants();
    let role = Role::with(&database, Access::App);
    let mut conn = role.connect();
    let left_open = scoped(&mut conn, "acme", |conn| {
        AnsiTransactionManager::begin_transaction(conn)?;
        to("cid@example.com").insert(conn)
    });
    assert!(left_open.is_err());
    assert_eq!((visible(&mut conn), setting(&mut conn)), (vec![], None));
    assert_eq!(visible(&mut owner).len(), 2);
}

#[test]
fn a_scope_in_a_transaction_is_a_savepoint_and_restores_the_setting() {
    let (database, mut owner) = two_tenants();
    let role = Role::with(&database, Access::App);
    let mut conn = role.connect();
    conn.transaction::<_, Error, _>(|conn| {
        scoped(conn, "acme", |conn| to("cid@example.com").insert(conn))?;
        assert_eq!(setting(conn), None, "releasing a savepoint would keep it");
        let failed = scoped(conn, "acme", |conn| {
            to("dan@example.com").insert(conn)?;
            Err::<(), _>(Error::from(DieselError::RollbackTransaction))
        });
        assert!(failed.is_err());
        assert_eq!(setting(conn), None);
        // One tenant after the other.
        assert_eq!(scoped(conn, "globex", see)?, ["globex"]);
        assert_eq!(scoped(conn, "acme", see)?, ["acme", "acme"]);
        Ok(())
    })
    .unwrap();
    assert_eq!(visible(&mut owner), ["acme", "acme", "globex"]);
}

#[test]
fn a_nested_scope_is_for_the_same_tenant() {
    let (database, _owner) = two_tenants();
    let role = Role::with(&database, Access::App);
    let mut conn = role.connect();
    scoped(&mut conn, "acme", |conn| {
        assert_eq!(scoped(conn, "acme", see)?, ["acme"]);
        assert_eq!(visible(conn), ["acme"]);
        let crossing = scoped(conn, "globex", |_| -> Result<()> {
            unreachable!("it is for another tenant")
        });
        assert_eq!(wrong_fields(&crossing.unwrap_err()), ["tenant_id"]);
        assert_eq!(visible(conn), ["acme"], "the outer scope continues");
        conn.transaction::<_, Error, _>(|conn| {
            assert_eq!(scoped(conn, "acme", see)?, ["acme"]);
            assert!(scoped(conn, "globex", see).unwrap_err().is_invalid());
            Ok(())
        })
    })
    .unwrap();
    assert_eq!(setting(&mut conn), None);
    // A setting of the session does not survive: a scope is about one transaction.
    conn.batch_execute("SET mailglass.tenant_id = 'acme'").unwrap();
    assert_eq!(scoped(&mut conn, "globex", see).unwrap(), ["globex"]);
    assert_eq!(visible(&mut conn), ["acme"]);
}

#[test]
fn a_tenant_that_can_not_exist_is_refused_before_anything_is_sent() {
    let (database, _owner) = two_tenants();
    let role = Role::with(&database, Access::App);
    let mut conn = role.connect();
    for tenant in ["", " ", "a\0b", &"x".repeat(256)] {
        let refused = scoped(&mut conn, tenant, |_| -> Result<()> {
            unreachable!("{tenant:?} is no tenant")
        });
        assert_eq!(wrong_fields(&refused.unwrap_err()), ["tenant_id"], "{tenant:?}");
    }
    // Each of these is one tenant, and none of them sees another's rows.
    for tenant in [
        "acme' OR true --",
        "acme'; RESET ROLE; --",
        "'",
        "\"",
        "\\",
        "ACME",
        "acme ",
        "ａｃｍｅ",
        "acme\u{301}",
        "%",
        &"é".repeat(127),
    ] {
        let new = NewDelivery::new(tenant, "welcome", Stream::Bulk, "ann@example.com");
        let seen = scoped(&mut conn, tenant, |conn| {
            new.insert(conn)?;
            see(conn)
        });
        assert_eq!(seen.unwrap(), [tenant]);
    }
    assert_eq!(scoped(&mut conn, "acme", see).unwrap(), ["acme"]);
}

/// Row-level security hides the row that conflicts. The outcome is the same as without.
#[test]
fn a_conflict_with_a_hidden_row_has_the_same_outcome() {
    for is_enabled in [false, true] {
        let (database, mut owner) = connected();
        if is_enabled {
            tenancy::enable(&mut owner).unwrap();
        }
        let key = |new: NewDelivery| new.idempotency_key("key");
        let message = |new: NewDelivery| new.provider("ses").provider_message_id("1");
        let theirs = |recipient: &str| NewDelivery::new("globex", "welcome", Stream::Bulk, recipient);
        let taken = message(key(to("ann@example.com")))
            .insert(&mut owner)
            .unwrap()
            .into_delivery();
        let event = event(EventType::Opened, 1).idempotency_key("event");
        ledger::record(&mut owner, &[event]).unwrap();

        let role = Role::with(&database, Access::App);
        let mut conn = role.connect();
        let mut outcome = |new: &[NewDelivery]| {
            // In a transaction of the caller, which remains usable.
            scoped(&mut conn, "globex", |conn| {
                let outcome = NewDelivery::insert_all(conn, new);
                diesel::select(sql::<diesel::sql_types::Integer>("1")).execute(conn)?;
                Ok::<_, Error>(outcome.map_err(|error| error.to_string()))
            })
            .unwrap()
        };
        let in_use = "invalid input: [0].provider_message_id already belongs to another delivery to this recipient";
        assert_eq!(outcome(&[message(theirs("ann@example.com"))]).unwrap_err(), in_use);
        let differs = "idempotency key `key` belongs to a record that differs in tenant_id";
        assert_eq!(outcome(&[key(theirs("bob@example.com"))]).unwrap_err(), differs);
        assert_eq!(
            outcome(&[theirs("eve@example.com"), key(theirs("bob@example.com"))]).unwrap_err(),
            differs
        );
        let id_in_use = outcome(&[theirs("ann@example.com").id(taken.id)]).unwrap_err();
        assert!(id_in_use.starts_with("invalid input: [0].id "), "{id_in_use}");
        // Nothing is squatted: another key works at once.
        assert_eq!(
            outcome(&[theirs("ann@example.com").idempotency_key("globex:key")])
                .unwrap()
                .len(),
            1
        );

        let replayed = NewEvent::new("globex", EventType::Opened, at(1)).idempotency_key("event");
        let outcomes = scoped(&mut conn, "globex", |conn| ledger::record_each(conn, vec![replayed]));
        let outcomes = format!("{:?}", outcomes.unwrap());
        assert_eq!(outcomes, r#"[Conflicting { event: None, fields: ["tenant_id"] }]"#);
        let events: Vec<String> = mailglass_events::table
            .select(mailglass_events::tenant_id)
            .load(&mut owner)
            .unwrap();
        assert_eq!(events.iter().filter(|tenant| *tenant == "globex").count(), 1);
    }
}

#[test]
fn enabling_and_disabling_can_be_repeated_and_are_what_their_statements_say() {
    let (_database, mut owner) = connected();
    for _ in 0..2 {
        tenancy::enable(&mut owner).unwrap();
        assert_eq!(contract::verify(&mut owner).unwrap(), []);
    }
    for _ in 0..2 {
        tenancy::disable(&mut owner).unwrap();
        assert_eq!(contract::verify(&mut owner).unwrap(), []);
    }
    for statement in tenancy::enable_statements() {
        sql_query(statement).execute(&mut owner).unwrap();
    }
    assert_eq!(contract::verify(&mut owner).unwrap(), []);
    for statement in tenancy::disable_statements() {
        sql_query(statement).execute(&mut owner).unwrap();
    }
    assert_eq!(contract::verify(&mut owner).unwrap(), []);
}

#[test]
fn verify_compares_the_policies_if_they_apply_to_any_table() {
    let cases: [(&str, &[&str]); 8] = [
        (
            "ALTER TABLE mailglass_event_links DISABLE ROW LEVEL SECURITY",
            &["mailglass_event_links"],
        ),
        (
            "DROP POLICY mailglass_tenant ON mailglass_events",
            &["mailglass_events.mailglass_tenant"],
        ),
        (
            "ALTER POLICY mailglass_tenant ON mailglass_events USING (true)",
            &["mailglass_events.mailglass_tenant"],
        ),
        (
            "ALTER POLICY mailglass_tenant ON mailglass_events TO CURRENT_USER",
            &["mailglass_events.mailglass_tenant"],
        ),
        (
            "CREATE POLICY mailglass_all_tenants ON mailglass_events USING (true)",
            &["mailglass_events.mailglass_all_tenants"],
        ),
        (
            "CREATE POLICY theirs ON mailglass_events USING (true)",
            &["mailglass_events.theirs"],
        ),
        (
            "CREATE POLICY theirs ON mailglass_events AS RESTRICTIVE TO CURRENT_USER USING (false)",
            &["mailglass_events.theirs"],
        ),
        (
            "CREATE POLICY mailglass_all_tenants ON mailglass_events TO CURRENT_USER USING (true)",
            &[],
        ),
    ];
    let (_database, mut owner) = connected();
    tenancy::enable(&mut owner).unwrap();
    for (statement, expected) in cases {
        let found = owner.test_transaction::<_, Error, _>(|conn| {
            conn.batch_execute(statement)?;
            contract::verify(conn)
        });
        let objects: Vec<&str> = found.iter().map(|difference| difference.object.as_str()).collect();
        assert_eq!(objects, expected, "{statement}");
        assert!(found.iter().all(|difference| !difference.is_harmless), "{statement}");
    }
    // A policy for a role of the application's choice shows it more; nothing of this crate fails.
    owner
        .batch_execute("CREATE POLICY theirs ON mailglass_events TO CURRENT_USER USING (true)")
        .unwrap();
    let found = contract::verify(&mut owner).unwrap();
    assert_eq!(
        (found.len(), found[0].kind, found[0].is_harmless),
        (1, ObjectKind::Policy, true)
    );
}

/// Maintenance as the owner sets `row_security = off`: a query that policies would filter fails instead.
#[test]
fn a_query_that_would_be_filtered_fails_if_row_security_is_off() {
    let (database, mut owner) = two_tenants();
    let role = Role::with(&database, Access::App);
    let mut conn = role.connect();
    conn.batch_execute("SET row_security = off").unwrap();
    let refused = mailglass_deliveries::table
        .count()
        .get_result::<i64>(&mut conn)
        .unwrap_err();
    assert!(!database_error(refused).message().is_empty());
    owner.batch_execute("SET row_security = off").unwrap();
    assert_eq!(visible(&mut owner).len(), 2);
    drop(connect(&database));
}
