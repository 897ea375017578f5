//! Checking.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use mailglass::schema::mailglass_suppressions;
use mailglass::suppressions::{self, NewSuppression, Suppress, check, check_with};
use mailglass::{Stream, SuppressionReason, SuppressionScope};
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::generate::for_all;
use crate::support::{TENANT, connected, wrong_fields};

const ANN: &str = "ann@example.com";

#[test]
fn answers_are_in_input_order_and_repeated_for_repeated_recipients() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let new = [
        NewSuppression::address(TENANT, ANN, SuppressionReason::HardBounce),
        NewSuppression::domain(TENANT, "example.org", SuppressionReason::Policy),
    ];
    suppressions::add(conn, &new).unwrap();
    let recipients = [
        "bob@example.com",
        "ANN@Example.com",
        "cid@sub.example.org",
        "cid@EXAMPLE.org",
        ANN,
        "",
        " ",
    ];
    let found = check(conn, TENANT, Stream::Bulk, &recipients[..5]).unwrap();
    let scopes: Vec<_> = found.iter().map(|found| found.map(|found| found.scope)).collect();
    use SuppressionScope::{Address, Domain};
    assert_eq!(scopes, [None, Some(Address), None, Some(Domain), Some(Address)]);
    assert_eq!(check(conn, TENANT, Stream::Bulk, &[] as &[&str]).unwrap(), []);
    assert_eq!(check(conn, "globex", Stream::Bulk, &[ANN]).unwrap(), [None]);
    let error = check(conn, "", Stream::Bulk, &recipients).unwrap_err();
    assert_eq!(wrong_fields(&error), ["tenant_id", "recipient", "recipient"]);
}

#[test]
fn a_domain_is_what_is_after_the_last_at() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    suppressions::add(
        conn,
        &[NewSuppression::domain(TENANT, "example.org", SuppressionReason::Policy)],
    )
    .unwrap();
    let found = check(
        conn,
        TENANT,
        Stream::Bulk,
        &["\"ann@example.net\"@example.org", "\"ann@example.org\"@example.net"],
    );
    let found: Vec<bool> = found.unwrap().iter().map(Option::is_some).collect();
    assert_eq!(found, [true, false]);
}

#[test]
fn transactional_mail_is_held_back_only_if_the_address_does_not_work() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    for reason in SuppressionReason::ALL {
        diesel::delete(mailglass_suppressions::table).execute(conn).unwrap();
        suppressions::add(conn, &[NewSuppression::address(TENANT, ANN, *reason)]).unwrap();
        let mut is_suppressed =
            |stream, suppress| check_with(conn, TENANT, stream, &[ANN], suppress).unwrap()[0].is_some();
        let does_not_work = matches!(
            reason,
            SuppressionReason::HardBounce | SuppressionReason::InvalidRecipient
        );
        assert_eq!(
            is_suppressed(Stream::Transactional, Suppress::ByStream),
            does_not_work,
            "{reason}"
        );
        assert!(is_suppressed(Stream::Transactional, Suppress::Always), "{reason}");
        assert!(is_suppressed(Stream::Operational, Suppress::ByStream), "{reason}");
        assert!(is_suppressed(Stream::Bulk, Suppress::ByStream), "{reason}");
    }
}

/// A suppression to be generated.
#[derive(Clone, Debug)]
struct Row {
    tenant: &'static str,
    scope: SuppressionScope,
    stream: Stream,
    address: &'static str,
    reason: SuppressionReason,
    since: i64,
    until: Option<i64>,
}

const ADDRESSES: [&str; 6] = [
    "ann@example.com",
    "ANN@EXAMPLE.com",
    "bob@Example.com",
    "ann@example.org",
    "Änn@example.org",
    "\"a@b\"@example.net",
];

fn row() -> impl Strategy<Value = Row> {
    (
        select(vec!["acme", "globex"]),
        select(SuppressionScope::ALL),
        select(Stream::ALL),
        select(ADDRESSES.to_vec()),
        select(SuppressionReason::ALL),
        select(vec![-3_i64, -1, 1]),
        prop::option::weighted(0.6, select(vec![-2_i64, 2, 3])),
    )
        .prop_map(|(tenant, scope, stream, address, reason, since, until)| Row {
            tenant,
            scope,
            stream,
            address,
            reason,
            since,
            until: until.filter(|until| *until > since),
        })
}

/// The strength of a suppression, as the documentation states it.
const STRENGTH: [SuppressionReason; 7] = [
    SuppressionReason::HardBounce,
    SuppressionReason::InvalidRecipient,
    SuppressionReason::Complaint,
    SuppressionReason::Unsubscribe,
    SuppressionReason::Manual,
    SuppressionReason::Policy,
    SuppressionReason::SoftBounce,
];

impl Row {
    /// Inserted as it is, because `add` rejects what has ended.
    fn insert(&self, conn: &mut PgConnection, origin: DateTime<Utc>) {
        let address = match self.scope {
            SuppressionScope::Domain => self.address.rsplit_once('@').unwrap().1,
            SuppressionScope::Address | SuppressionScope::AddressStream => self.address,
        };
        let subject = match self.scope {
            SuppressionScope::Address => suppressions::Subject::Address(address.to_owned()),
            SuppressionScope::Domain => suppressions::Subject::Domain(address.to_owned()),
            SuppressionScope::AddressStream => suppressions::Subject::AddressInStream(address.to_owned(), self.stream),
        };
        let new = NewSuppression::new(self.tenant, subject, self.reason);
        let added = suppressions::add(conn, &[new]).unwrap().remove(0).into_suppression();
        diesel::update(mailglass_suppressions::table.find(added.id))
            .set((
                mailglass_suppressions::since.eq(origin + TimeDelta::days(self.since)),
                mailglass_suppressions::until.eq(self.until.map(|until| origin + TimeDelta::days(until))),
            ))
            .execute(conn)
            .unwrap();
    }

    fn key(&self) -> (&str, SuppressionScope, Option<Stream>, String, SuppressionReason) {
        let is_domain = self.scope == SuppressionScope::Domain;
        let address = if is_domain {
            self.address.rsplit_once('@').unwrap().1
        } else {
            self.address
        };
        let stream = (self.scope == SuppressionScope::AddressStream).then_some(self.stream);
        (
            self.tenant,
            self.scope,
            stream,
            address.to_ascii_lowercase(),
            self.reason,
        )
    }

    fn applies(&self, stream: Stream, recipient: &str, suppress: Suppress) -> bool {
        let recipient = recipient.to_ascii_lowercase();
        let address = self.address.to_ascii_lowercase();
        let is_meant = match self.scope {
            SuppressionScope::Address => address == recipient,
            SuppressionScope::AddressStream => address == recipient && self.stream == stream,
            SuppressionScope::Domain => address.rsplit_once('@').unwrap().1 == recipient.rsplit_once('@').unwrap().1,
        };
        let is_in_force = self.since < 0 && self.until.is_none_or(|until| until > 0);
        let is_strong = matches!(
            self.reason,
            SuppressionReason::HardBounce | SuppressionReason::InvalidRecipient
        );
        let is_exempt = stream == Stream::Transactional && suppress == Suppress::ByStream && !is_strong;
        self.tenant == TENANT && is_meant && is_in_force && !is_exempt
    }

    fn strength(&self) -> (bool, usize) {
        let rank = STRENGTH.iter().position(|reason| *reason == self.reason).unwrap();
        (self.until.is_some(), rank)
    }
}

#[test]
fn a_check_agrees_with_a_model_of_the_rules() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let origin = Utc::now();
    for_all(60, prop::collection::vec(row(), 0..12), |mut rows| {
        diesel::delete(mailglass_suppressions::table).execute(conn).unwrap();
        let mut seen = std::collections::HashSet::new();
        rows.retain(|row| {
            let (tenant, scope, stream, address, reason) = row.key();
            seen.insert((tenant.to_owned(), scope, stream, address, reason))
        });
        for row in &rows {
            row.insert(conn, origin);
        }
        for stream in Stream::ALL {
            for suppress in [Suppress::ByStream, Suppress::Always] {
                let found = check_with(conn, TENANT, *stream, &ADDRESSES, suppress).unwrap();
                for (recipient, found) in ADDRESSES.iter().zip(found) {
                    let applying = rows.iter().filter(|row| row.applies(*stream, recipient, suppress));
                    let strongest = applying.map(Row::strength).min();
                    let found = found.map(|found| {
                        let rank = STRENGTH.iter().position(|reason| *reason == found.reason).unwrap();
                        (found.until.is_some(), rank)
                    });
                    prop_assert_eq!(found, strongest, "{} {} {:?}", recipient, stream, suppress);
                }
            }
        }
        Ok(())
    });
}
