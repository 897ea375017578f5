//! Recipients are compared without regard to the case of ASCII letters, under every locale. An exact match takes precedence.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use mailglass::{Delivery, EventType, NewDelivery};
use proptest::prelude::*;

use crate::support::generate::for_all;
use crate::support::{connect, connected, event, insert, record_one, rows_read, server, to, waiting_reasons};

fn sent(recipient: &str) -> NewDelivery {
    to(recipient).provider("ses").provider_message_id("m-1")
}

/// Records an event that names the recipient, and returns the delivery that it matched.
fn matched(conn: &mut PgConnection, recipient: &str) -> Option<uuid::Uuid> {
    let opened = event(EventType::Opened, 1)
        .provider_message("ses", "m-1")
        .recipient(recipient);
    record_one(conn, opened).delivery_id
}

#[test]
fn an_exact_match_takes_precedence_over_another_case() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let upper: Delivery = insert(conn, &sent("Ann@example.com"));
    let lower: Delivery = insert(conn, &sent("ann@example.com"));
    assert_eq!(matched(conn, "Ann@example.com"), Some(upper.id));
    assert_eq!(matched(conn, "ann@example.com"), Some(lower.id));
    assert_eq!(matched(conn, "ANN@example.com"), None);
    assert_eq!(waiting_reasons(conn), ["ambiguous"]);
}

/// Runs a test in a migrated database with its own locale, which determines how `lower` folds letters.
fn with_locale(locale: &str, test: impl FnOnce(&mut PgConnection)) {
    let admin = server().database().unwrap();
    let name = format!("{}_locale", admin.name());
    connect(&admin)
        .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0 {locale}"))
        .unwrap();
    let url = admin.url().replace(admin.name(), &name);
    let mut conn = PgConnection::establish(&url).unwrap();
    mailglass::migrations::run(&mut conn).unwrap();
    test(&mut conn);
    assert_eq!(mailglass::contract::verify(&mut conn).unwrap(), []);
    drop(conn);
    connect(&admin).batch_execute(&format!("DROP DATABASE {name}")).unwrap();
}

#[test]
fn the_databases_locale_makes_no_difference() {
    let (_database, mut conn) = connected();
    // The PostgreSQL of PyPI is built without ICU.
    let has_icu =
        diesel::dsl::sql::<diesel::sql_types::Bool>("EXISTS (SELECT FROM pg_collation WHERE collname = 'tr-x-icu')");
    let has_icu: bool = diesel::select(has_icu).get_result(&mut conn).unwrap();
    let turkish = has_icu.then_some("LOCALE_PROVIDER icu ICU_LOCALE 'tr' LOCALE 'C.UTF-8'");
    for locale in ["LOCALE 'C'"].into_iter().chain(turkish) {
        with_locale(&format!("ENCODING 'UTF8' {locale}"), |conn| {
            let lisa = insert(conn, &sent("lisa@x.com"));
            let e_acute = insert(conn, &sent("é@x.com"));
            assert_eq!(matched(conn, "LISA@X.COM"), Some(lisa.id), "{locale}");
            assert_eq!(matched(conn, "é@X.COM"), Some(e_acute.id), "{locale}");
            assert_eq!(matched(conn, "É@x.com"), None, "{locale}: other letters are not folded");
        });
    }
}

#[test]
fn the_database_folds_letters_as_rust_does() {
    let (_database, mut conn) = connected();
    let text = prop::collection::vec(prop_oneof!["[A-Za-z@.]", any::<char>().prop_map(String::from)], 0..12);
    for_all(200, text, |parts| {
        let text = parts.concat().replace('\0', "");
        let folded: String = diesel::select(
            diesel::dsl::sql::<diesel::sql_types::Text>("lower((")
                .bind::<diesel::sql_types::Text, _>(&text)
                .sql(") COLLATE \"C\")"),
        )
        .get_result(&mut conn)
        .unwrap();
        prop_assert_eq!(folded, text.to_ascii_lowercase());
        Ok(())
    });
}

#[test]
fn matching_one_of_5_000_recipients_of_a_message_reads_few_rows() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let many: Vec<NewDelivery> = (0..5_000)
        .map(|number| sent(&format!("R{number}@example.com")))
        .collect();
    // Plan the statements while the table is empty.
    matched(conn, "nobody@example.com");
    NewDelivery::insert_all(conn, &many).unwrap();
    for when in ["before ANALYZE", "after ANALYZE"] {
        let read = conn
            .transaction::<_, mailglass::Error, _>(|conn| {
                let before = rows_read(conn);
                for number in 0..10 {
                    assert!(matched(conn, &format!("R{number}@example.com")).is_some());
                    assert!(matched(conn, &format!("r{number}@EXAMPLE.com")).is_some());
                    assert!(matched(conn, &format!("nobody{number}@example.com")).is_none());
                }
                Ok(rows_read(conn) - before)
            })
            .unwrap();
        assert!(read < 400, "{read} rows read {when}");
        conn.batch_execute("ANALYZE").unwrap();
    }
}
