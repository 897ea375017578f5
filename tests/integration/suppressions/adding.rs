//! Adding, removing and listing.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use mailglass::schema::mailglass_suppressions;
use mailglass::suppressions::{self, Added, ListOptions, NewSuppression, Subject, Suppression};
use mailglass::{Stream, SuppressionReason, SuppressionScope};
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::generate::for_all;
use crate::support::{TENANT, connected, wrong_fields};

const ANN: &str = "ann@example.com";

fn ann() -> NewSuppression {
    NewSuppression::address(TENANT, ANN, SuppressionReason::Manual)
}

/// A time so many days from now, in whole microseconds.
fn days(days: i64) -> DateTime<Utc> {
    let now = Utc::now() + TimeDelta::days(days);
    DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap()
}

fn add(conn: &mut PgConnection, new: NewSuppression) -> Added {
    suppressions::add(conn, &[new]).unwrap().remove(0)
}

fn all(conn: &mut PgConnection) -> Vec<Suppression> {
    mailglass_suppressions::table
        .order(mailglass_suppressions::id)
        .select(Suppression::as_select())
        .load(conn)
        .unwrap()
}

/// The end of an expired suppression can't be given, so it is set here.
fn expire(conn: &mut PgConnection) {
    diesel::sql_query(
        "UPDATE mailglass_suppressions SET since = now() - interval '2 days', until = now() - interval '1 day'",
    )
    .execute(conn)
    .unwrap();
}

#[test]
fn a_suppression_has_the_fields_that_were_given() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let (since, until, event) = (days(-1), days(1), uuid::Uuid::now_v7());
    let new =
        NewSuppression::address_in_stream(TENANT, "Ann@Example.com", Stream::Bulk, SuppressionReason::Unsubscribe)
            .since(since)
            .until(until)
            .source_event(event);
    let added = add(conn, new).into_suppression();
    assert_eq!(all(conn), std::slice::from_ref(&added));
    assert_eq!(added.scope, SuppressionScope::AddressStream);
    assert_eq!(added.stream, Some(Stream::Bulk));
    assert_eq!(added.address.as_deref(), Some("Ann@Example.com"));
    assert_eq!(added.reason, SuppressionReason::Unsubscribe);
    assert_eq!(added.source_event_id, Some(event));
    assert_eq!((added.since, added.until), (since, Some(until)));
}

/// The form of the digest is a promise: other programs compute it as well.
#[test]
fn the_digest_is_that_of_the_tenant_and_the_folded_address() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let added = add(
        conn,
        NewSuppression::address("größe", "ÄNN@Example.COM", SuppressionReason::Manual),
    );
    let expected: Vec<u8> = diesel::select(diesel::dsl::sql::<diesel::sql_types::Bytea>(
        "sha256(convert_to('7:größe:Änn@example.com', 'UTF8'))",
    ))
    .get_result(conn)
    .unwrap();
    assert_eq!(added.suppression().digest, expected);
    let json = serde_json::to_value(added.suppression()).unwrap();
    assert_eq!(json["digest"].as_str().map(str::len), Some(64));
}

#[test]
fn a_suppression_without_its_address_has_only_the_digest() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let with = add(conn, ann()).into_suppression();
    let subject = Subject::Address("ANN@example.com".to_owned());
    assert_eq!(
        suppressions::remove(conn, TENANT, &subject, None).unwrap(),
        std::slice::from_ref(&with)
    );
    let without = add(conn, ann().without_address()).into_suppression();
    assert_eq!(without.address, None);
    assert_eq!(without.digest, with.digest);
    assert_eq!(suppressions::remove(conn, TENANT, &subject, None).unwrap(), [without]);
}

#[test]
fn every_wrong_field_is_reported_with_its_position() {
    let (_database, mut conn) = connected();
    let new = [
        ann(),
        NewSuppression::address("", "ann", SuppressionReason::Manual).until(days(-1)),
        NewSuppression::domain(TENANT, "exa mple.com", SuppressionReason::Policy)
            .since(days(2))
            .until(days(1)),
        NewSuppression::domain(TENANT, ANN, SuppressionReason::Policy).since(DateTime::<Utc>::MAX_UTC),
    ];
    let error = suppressions::add(&mut conn, &new).unwrap_err();
    assert_eq!(
        wrong_fields(&error),
        ["tenant_id", "address", "until", "domain", "until", "domain", "since"]
    );
    let positions = match &error {
        mailglass::Error::Invalid(invalid) => invalid.fields().iter().map(|field| field.index).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(positions, [1, 1, 1, 2, 2, 3, 3].map(Some));
    assert_eq!(all(&mut conn), []);

    let subject = Subject::Address("ann".to_owned());
    let error = suppressions::remove(&mut conn, " ", &subject, None).unwrap_err();
    assert_eq!(wrong_fields(&error), ["tenant_id", "address"]);
}

#[test]
fn an_address_is_not_printed() {
    let (_database, mut conn) = connected();
    let new = NewSuppression::address_in_stream(TENANT, ANN, Stream::Bulk, SuppressionReason::Manual);
    let added = suppressions::add(&mut conn, std::slice::from_ref(&new)).unwrap();
    assert!(!format!("{new:?} {added:?} {:?}", ann()).contains("ann"));
}

#[test]
fn a_permanent_suppression_is_never_replaced_by_an_expiring_one() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let permanent = add(conn, ann()).into_suppression();
    assert_eq!(add(conn, ann().until(days(1))), Added::Unchanged(permanent.clone()));
    // Another reason is a suppression of its own.
    let other = NewSuppression::address(TENANT, ANN, SuppressionReason::SoftBounce).until(days(1));
    assert!(matches!(add(conn, other), Added::Added(_)));
    assert_eq!(all(conn)[0], permanent);
}

#[test]
fn a_shorter_suppression_is_extended_and_keeps_its_id() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let (begin, near, far) = (days(-1), days(1), days(2));
    let first = add(conn, ann().since(begin).until(near)).into_suppression();
    assert!(add(conn, ann().until(near - TimeDelta::hours(1))).is_unchanged());

    let extended = add(conn, ann().until(far).without_address());
    let expected = Suppression {
        until: Some(far),
        ..first.clone()
    };
    assert_eq!(
        extended,
        Added::Extended(expected),
        "it keeps its start and its address"
    );
    let earlier = add(conn, ann().since(begin - TimeDelta::days(1)).until(near));
    assert_eq!(earlier.suppression().since, begin - TimeDelta::days(1));
    assert_eq!(earlier.suppression().until, Some(far));
    let permanent = add(conn, ann());
    assert!(matches!(&permanent, Added::Extended(row) if row.until.is_none() && row.id == first.id));
    assert_eq!(all(conn), [permanent.into_suppression()]);
}

#[test]
fn an_expired_suppression_is_replaced() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let old = add(conn, ann().source_event(uuid::Uuid::now_v7()).until(days(1))).into_suppression();
    expire(conn);
    let added = add(conn, ann().until(days(3)).without_address());
    assert!(matches!(&added, Added::Added(row) if row.id != old.id && row.address.is_none()));
    assert_eq!(added.suppression().source_event_id, None);
    assert!(added.suppression().since > old.since);
    assert_eq!(all(conn), [added.into_suppression()]);
}

#[test]
fn several_suppressions_of_one_subject_in_a_batch_are_one_row() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let batch = [
        ann().until(days(1)).without_address(),
        NewSuppression::address(TENANT, "bob@example.com", SuppressionReason::Manual),
        NewSuppression::address(TENANT, "ANN@example.com", SuppressionReason::Manual),
        ann().since(days(-3)),
    ];
    let added = suppressions::add(conn, &batch).unwrap();
    let rows = all(conn);
    assert_eq!(rows.len(), 2);
    let ann = added[0].suppression();
    assert_eq!((ann.until, ann.address.as_deref()), (None, Some("ANN@example.com")));
    assert!(ann.since < days(-2));
    assert!(matches!(added[0], Added::Added(_)) && matches!(added[1], Added::Added(_)));
    assert_eq!(added[2], Added::Unchanged(ann.clone()));
    assert_eq!(added[3], Added::Unchanged(ann.clone()));
    assert!(suppressions::add(conn, &batch).unwrap().iter().all(Added::is_unchanged));
}

#[test]
fn an_empty_batch_adds_nothing() {
    let (_database, mut conn) = connected();
    assert_eq!(suppressions::add(&mut conn, &[]).unwrap(), []);
}

#[test]
fn only_the_named_subject_and_reason_are_removed() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let reasons = [SuppressionReason::HardBounce, SuppressionReason::Manual];
    let mut new: Vec<_> = reasons
        .iter()
        .map(|reason| NewSuppression::address(TENANT, ANN, *reason))
        .collect();
    new.extend(
        [Stream::Bulk, Stream::Operational]
            .map(|stream| NewSuppression::address_in_stream(TENANT, ANN, stream, SuppressionReason::Manual)),
    );
    new.push(NewSuppression::domain(TENANT, "example.com", SuppressionReason::Manual));
    new.push(NewSuppression::address("globex", ANN, SuppressionReason::Manual));
    let added: Vec<Suppression> = (suppressions::add(conn, &new).unwrap().into_iter())
        .map(Added::into_suppression)
        .collect();

    let address = Subject::Address(ANN.to_owned());
    let mut remove = |subject: &Subject, reason| suppressions::remove(conn, TENANT, subject, reason).unwrap();
    assert_eq!(remove(&address, Some(SuppressionReason::Policy)), []);
    assert_eq!(remove(&address, Some(SuppressionReason::Manual)), [added[1].clone()]);
    assert_eq!(remove(&address, None), [added[0].clone()]);
    let in_bulk = Subject::AddressInStream(ANN.to_owned(), Stream::Bulk);
    assert_eq!(remove(&in_bulk, None), [added[2].clone()]);
    let domain = Subject::Domain("Example.com".to_owned());
    assert_eq!(remove(&domain, None), [added[4].clone()]);
    assert_eq!(all(conn), [added[3].clone(), added[5].clone()]);
}

#[test]
fn a_list_has_the_suppressions_that_were_asked_for() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let new = [
        ann().since(days(-5)),
        NewSuppression::domain(TENANT, "example.org", SuppressionReason::Policy).since(days(-4)),
        NewSuppression::address_in_stream(TENANT, ANN, Stream::Bulk, SuppressionReason::Unsubscribe).since(days(-3)),
        ann().since(days(1)).source_event(uuid::Uuid::now_v7()),
        NewSuppression::address("globex", ANN, SuppressionReason::Manual).since(days(-2)),
        NewSuppression::address(TENANT, "bob@example.com", SuppressionReason::Manual).since(days(2)),
    ];
    suppressions::add(conn, &new).unwrap();
    let of_acme = ListOptions::of_tenant(TENANT);
    let mut reasons = |options: &ListOptions| {
        let listed = suppressions::list(conn, options).unwrap();
        listed.iter().map(|row| row.reason).collect::<Vec<_>>()
    };
    use SuppressionReason::{Manual, Policy, Unsubscribe};
    assert_eq!(
        reasons(&of_acme),
        [Manual, Unsubscribe, Policy, Manual],
        "the latest first"
    );
    assert_eq!(
        reasons(&ListOptions {
            in_force: true,
            ..of_acme.clone()
        }),
        [Unsubscribe, Policy, Manual]
    );
    assert_eq!(
        reasons(&ListOptions {
            reason: Some(Policy),
            ..of_acme.clone()
        }),
        [Policy]
    );
    let domains = ListOptions {
        scope: Some(SuppressionScope::Domain),
        ..of_acme.clone()
    };
    assert_eq!(reasons(&domains), [Policy]);
    assert_eq!(
        reasons(&ListOptions {
            stream: Some(Stream::Bulk),
            ..of_acme.clone()
        }),
        [Unsubscribe]
    );
    assert_eq!(reasons(&ListOptions { limit: 1, ..of_acme }), [Manual]);
    assert_eq!(reasons(&ListOptions::all_tenants()).len(), 5);
}

#[test]
fn pages_have_every_suppression_once() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    // Several have the same time.
    let times = [days(-2), days(-1)];
    let new: Vec<NewSuppression> = (0..23)
        .map(|n| {
            let tenant = ["acme", "globex", "initech"][n % 3];
            let address = format!("reader{n}@example.com");
            NewSuppression::address(tenant, address, SuppressionReason::Manual).since(times[n % 2])
        })
        .collect();
    suppressions::add(conn, &new).unwrap();
    for (options, expected) in [(ListOptions::all_tenants(), 23), (ListOptions::of_tenant("globex"), 8)] {
        let whole = suppressions::list(conn, &options).unwrap();
        assert_eq!(whole.len(), expected);
        assert!(whole.is_sorted_by_key(|row| (row.tenant_id.clone(), std::cmp::Reverse((row.since, row.id)))));
        for limit in [1, 2, 5, 23] {
            let mut options = ListOptions {
                limit,
                ..options.clone()
            };
            let mut paged = Vec::new();
            loop {
                let page = suppressions::list(conn, &options).unwrap();
                assert!(page.len() <= limit as usize);
                let Some(last) = page.last() else { break };
                options.after = Some(last.clone());
                paged.extend(page);
            }
            assert_eq!(paged, whole, "pages of {limit}");
        }
    }
}

/// What a model of the rules says after several batches.
#[test]
fn the_end_and_the_start_of_a_suppression_do_not_depend_on_batches_or_order() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let origin = days(0);
    let times = prop::option::of(select(vec![1_i64, 2, 3]));
    let given = (0..3_usize, select(vec![-3_i64, -2, -1]), times);
    for_all(40, prop::collection::vec(given, 1..9), |given| {
        diesel::delete(mailglass_suppressions::table).execute(conn).unwrap();
        let new: Vec<NewSuppression> = (given.iter())
            .map(|&(person, since, until)| {
                let address = format!("reader{person}@example.com");
                let new = NewSuppression::address(TENANT, address, SuppressionReason::Manual)
                    .since(origin + TimeDelta::days(since));
                match until {
                    Some(until) => new.until(origin + TimeDelta::days(until)),
                    None => new,
                }
            })
            .collect();
        for batch in new.chunks(3) {
            suppressions::add(conn, batch).unwrap();
        }
        let mut expected: HashMap<String, (i64, Option<i64>)> = HashMap::new();
        for (person, since, until) in given {
            let entry = expected
                .entry(format!("reader{person}@example.com"))
                .or_insert((since, until));
            entry.0 = entry.0.min(since);
            entry.1 = entry.1.zip(until).map(|(one, other)| one.max(other));
        }
        let found: HashMap<String, (i64, Option<i64>)> = (all(conn).into_iter())
            .map(|row| {
                let until = row.until.map(|until| (until - origin).num_days());
                (row.address.unwrap(), ((row.since - origin).num_days(), until))
            })
            .collect();
        prop_assert_eq!(found, expected);
        Ok(())
    });
}
