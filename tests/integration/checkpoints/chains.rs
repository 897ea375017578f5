//! A chain that was edited, cut or forged is found.

use mailglass::ledger::{self, Checkpoint, CheckpointOptions, CheckpointProblem};

use super::{seal, server_time, two_checkpoints, undone, until, verify};
use crate::support::{TENANT, connected, wrong_fields};

/// The kinds of problems of a chain, with the positions of the checkpoints.
fn problems(conn: &mut diesel::PgConnection, chain: &[Checkpoint]) -> Vec<(usize, &'static str)> {
    let report = verify(conn, chain);
    let kinds = report.differences.iter().map(|difference| {
        let kind = match difference.problem {
            CheckpointProblem::EventsDiffer { .. } => "events",
            CheckpointProblem::OtherTenant => "tenant",
            CheckpointProblem::Malformed => "malformed",
            CheckpointProblem::DigestDiffers { .. } => "digest",
            CheckpointProblem::PreviousDiffers { .. } => "previous",
            CheckpointProblem::RangeDiffers => "range",
            CheckpointProblem::ReplacesUnknown => "replaces",
            CheckpointProblem::RemovedDiffers => "removed",
            _ => "signature",
        };
        (difference.checkpoint, kind)
    });
    kinds.collect()
}

#[test]
fn an_edited_cut_or_reordered_chain_is_found() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let mut chain = two_checkpoints(conn);
    chain.push(seal(conn, chain.last()));
    assert_eq!(problems(conn, &chain), []);

    let edited = |position: usize, edit: fn(&mut Checkpoint)| {
        let mut edited = chain.clone();
        edit(&mut edited[position]);
        edited
    };
    type Expected = &'static [(usize, &'static str)];
    let cases: [(&str, Vec<Checkpoint>, Expected); 8] = [
        (
            "a removed one",
            vec![chain[0].clone(), chain[2].clone()],
            &[(1, "previous"), (1, "range")],
        ),
        (
            "exchanged ones",
            vec![chain[0].clone(), chain[2].clone(), chain[1].clone()],
            &[(1, "previous"), (1, "range"), (2, "previous"), (2, "range")],
        ),
        (
            "a repeated one",
            vec![chain[0].clone(), chain[0].clone()],
            &[(1, "previous"), (1, "range")],
        ),
        (
            "an edited number of events",
            edited(0, |first| first.slices[0].events += 1),
            &[(0, "digest"), (0, "events")],
        ),
        (
            "slices in another order",
            edited(0, |first| first.slices.reverse()),
            &[(0, "malformed"), (0, "digest")],
        ),
        (
            "another digest",
            edited(1, |second| second.digest = second.slices[0].digest),
            &[(1, "digest"), (2, "previous")],
        ),
        (
            "an edited link",
            edited(1, |second| second.previous = None),
            &[(1, "digest"), (1, "previous")],
        ),
        (
            "another tenant",
            edited(0, |first| first.tenant_id = "other".to_owned()),
            &[(0, "tenant"), (0, "digest")],
        ),
    ];
    for (name, chain, expected) in cases {
        assert_eq!(problems(conn, &chain), expected, "{name}");
    }
}

/// Without a copy of the head, nobody can tell it from an older chain.
#[test]
fn a_chain_without_its_end_has_another_head_and_one_without_its_start_says_where_it_begins() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let chain = two_checkpoints(conn);
    let head = verify(conn, &chain).head;
    let shorter = verify(conn, &chain[..1]);
    assert!(shorter.is_ok());
    assert_ne!(shorter.head, head);

    let recent = verify(conn, &chain[1..]);
    assert!(recent.is_ok());
    assert_eq!((recent.from, recent.head), (Some(chain[0].until), head));
}

#[test]
fn the_host_signs_the_bytes_and_checks_the_signatures() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let sign = |bytes: &[u8]| format!("{} bytes", bytes.len());
    let mut chain = two_checkpoints(conn);
    chain = chain
        .into_iter()
        .map(|checkpoint| {
            let signature = sign(&checkpoint.bytes());
            checkpoint.signed(signature)
        })
        .collect();
    let mut signed = |chain: &[Checkpoint]| {
        let verify = |bytes: &[u8], signature: &str| sign(bytes) == signature;
        let report = ledger::verify_signed_checkpoints(conn, TENANT, chain, verify).unwrap();
        report
            .differences
            .into_iter()
            .map(|difference| (difference.checkpoint, difference.problem))
            .collect::<Vec<_>>()
    };
    assert_eq!(signed(&chain), []);
    chain[0].signature = None;
    chain[1].signature = Some("forged".to_owned());
    assert_eq!(
        signed(&chain),
        [
            (0, CheckpointProblem::NotSigned),
            (1, CheckpointProblem::SignatureRejected)
        ]
    );
    // The digest does not cover the signature, because the signature covers the digest.
    assert!(verify(conn, &chain).is_ok());
}

#[test]
fn a_checkpoint_is_one_line_of_json_that_is_read_back() {
    let (_database, mut conn) = connected();
    for checkpoint in two_checkpoints(&mut conn) {
        let line = checkpoint.clone().signed("by\nus").to_string();
        assert_eq!(line.lines().count(), 1);
        assert_eq!(line.parse::<Checkpoint>().unwrap(), checkpoint.signed("by\nus"));
        for (part, replacement) in [
            ("\"version\":1", "\"version\":2"),
            ("\"removed\":0", "\"removed\":0,\"comment\":1"),
            ("\"removed\":0", "\"removed\":-1"),
            ("\"digest\":\"", "\"digest\":\"0"),
            ("}", ""),
        ] {
            let changed = line.replace(part, replacement);
            assert_ne!(changed, line);
            assert_eq!(
                wrong_fields(&changed.parse::<Checkpoint>().unwrap_err()),
                ["checkpoint"]
            );
        }
    }
}

#[test]
fn a_checkpoint_that_can_not_follow_is_refused_by_name() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let chain = two_checkpoints(conn);
    let now = server_time(conn);
    let mut refused = |tenant: &str, previous: &Checkpoint, end| {
        let error = ledger::checkpoint(conn, tenant, Some(previous), &until(end)).unwrap_err();
        wrong_fields(&error).join(" ")
    };
    assert_eq!(refused("", &chain[1], now), "tenant_id");
    assert_eq!(refused("other", &chain[1], now), "previous");
    let mut edited = chain[1].clone();
    edited.removed = 1;
    assert_eq!(refused(TENANT, &edited, now), "previous");
    assert_eq!(refused(TENANT, &chain[1], chain[1].until), "until");
    assert_eq!(refused(TENANT, &chain[1], now + chrono::TimeDelta::hours(1)), "until");
    assert!(ledger::checkpoint(conn, TENANT, Some(&chain[1]), &until(now)).is_ok());
}

/// A checkpoint in a transaction sees what others commit, and never the transaction's own events.
#[test]
fn in_a_transaction_the_range_ends_before_it_began() {
    let (_database, mut conn) = connected();
    let conn = &mut conn;
    let own = undone(conn, |conn| {
        let began = server_time(conn);
        crate::support::record_one(conn, crate::support::event(mailglass::EventType::Opened, 1));
        let later = ledger::checkpoint(conn, TENANT, None, &until(began + chrono::TimeDelta::microseconds(1)));
        assert_eq!(wrong_fields(&later.unwrap_err()), ["until"]);
        ledger::checkpoint(conn, TENANT, None, &until(began))
            .unwrap()
            .into_checkpoint()
            .unwrap()
    });
    assert_eq!(own.events(), 0);

    let read = conn.build_transaction().repeatable_read().run(|conn| {
        let refused = ledger::checkpoint(conn, TENANT, None, &CheckpointOptions::default());
        assert_eq!(wrong_fields(&refused.unwrap_err()), ["transaction"]);
        diesel::QueryResult::Ok(())
    });
    read.unwrap();
}
