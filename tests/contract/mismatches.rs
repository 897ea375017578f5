//! A list agrees with a closed set exactly if it has the set's labels; otherwise, every difference is reported.

use mailglass::contract::LabelDifference::{Doubled, Missing, OutOfOrder, Unexpected};
use mailglass::contract::{ClosedSet, LabelDifference, SETS};
use mailglass::{DeliveryStatus, RejectReason, Stream};
use proptest::prelude::*;
use proptest::sample::{Index, select};

fn differences(set: &'static ClosedSet, labels: &[&str]) -> Vec<LabelDifference> {
    set.check_in_order(labels)
        .err()
        .map(|mismatch| mismatch.differences)
        .unwrap_or_default()
}

fn unexpected(label: &str, did_you_mean: Option<&'static str>) -> LabelDifference {
    Unexpected {
        label: label.to_owned(),
        removed: None,
        did_you_mean,
    }
}

#[test]
fn the_sets_own_labels_are_right() {
    for set in SETS {
        assert_eq!(set.check(set.labels()), Ok(()));
        assert_eq!(set.check_in_order(set.labels()), Ok(()));
        let backwards: Vec<&str> = set.labels().collect::<Vec<_>>().into_iter().rev().collect();
        assert_eq!(set.check(&backwards), Ok(()));
        assert!(set.check_in_order(&backwards).is_err());
    }
}

#[test]
fn every_difference_is_named() {
    let set = Stream::CLOSED_SET;
    let cases: &[(&[&str], &[LabelDifference])] = &[
        (&["transactional", "operational"], &[Missing { label: "bulk" }]),
        (
            &["transactional", "operatoinal", "bulk"],
            &[
                Missing { label: "operational" },
                unexpected("operatoinal", Some("operational")),
            ],
        ),
        (
            &["bulk", "bulk", "transactional", "operational", ""],
            &[
                unexpected("", None),
                Doubled { label: "bulk" },
                OutOfOrder {
                    found: "bulk",
                    expected: "transactional",
                },
            ],
        ),
        (
            &[],
            &[
                Missing { label: "transactional" },
                Missing { label: "operational" },
                Missing { label: "bulk" },
            ],
        ),
    ];
    for (labels, expected) in cases {
        assert_eq!(differences(set, labels), *expected, "{labels:?}");
    }
}

/// A short word may have one letter more, less or other, or two neighbours swapped. Two edits are too many.
#[test]
fn the_nearest_missing_label_is_named() {
    for (label, meant) in [
        ("sentt", Some("sent")),
        ("set", Some("sent")),
        ("bent", Some("sent")),
        ("snet", Some("sent")),
        ("tens", None),
        ("senators", None),
    ] {
        let differences = differences(
            DeliveryStatus::CLOSED_SET,
            &["queued", label, "dispatched", "failed", "suppressed"],
        );
        assert_eq!(differences, [Missing { label: "sent" }, unexpected(label, meant)]);
    }
}

#[test]
fn a_mismatch_reads_as_a_sentence() {
    let labels = [
        "bounced",
        "invalid",
        "timedout",
        "blocked",
        "spam",
        "unsubscribed",
        "spam",
    ];
    let mismatch = RejectReason::CLOSED_SET.check_in_order(labels).unwrap_err();
    assert_eq!(
        mismatch.to_string(),
        "RejectReason (mailglass_reject_reason): `timed_out` is missing; `other` is missing; `timedout` is not one of its \
         labels (did you mean `timed_out`?); `spam` is listed twice; `bounced` is at the position of `invalid`"
    );
    assert_eq!(mismatch.set, RejectReason::CLOSED_SET);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_list_is_right_exactly_when_it_has_the_sets_labels(
        set in select(SETS),
        edits in prop::collection::vec((any::<Index>(), any::<Index>(), 0..4), 0..4),
    ) {
        // The generated value is a copy; the check needs the static.
        let set = SETS.iter().find(|known| known.name == set.name).unwrap();
        let original: Vec<&str> = set.labels().collect();
        let mut labels = original.clone();
        for (one, other, edit) in edits {
            let length = labels.len();
            match edit {
                0 if !labels.is_empty() => drop(labels.remove(one.index(length))),
                1 => labels.insert(one.index(length + 1), *other.get(&["queued", "bulk", "x", ""][..])),
                2 if !labels.is_empty() => labels.swap(one.index(length), other.index(length)),
                _ => {}
            }
        }
        let sorted = |labels: &[&str]| { let mut labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect(); labels.sort(); labels };
        prop_assert_eq!(set.check(&labels).is_ok(), sorted(&labels) == sorted(&original));
        prop_assert_eq!(set.check_in_order(&labels).is_ok(), labels == original);
    }
}
