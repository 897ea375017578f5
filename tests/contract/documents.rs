//! What the documents say is what the code has.

use mailglass::contract::{self, SETS};
use mailglass::{DeliveryStatus, EventType, RejectReason, Stream};

use crate::base::{ENUMS, MANIFEST, Tree};

#[test]
fn a_values_docs_are_the_manifests_meaning() {
    let tree = Tree::own();
    let source = tree.text(ENUMS);
    for value in SETS.iter().flat_map(|set| set.live()) {
        let documented = format!("    /// {}\n    {},\n", value.meaning, value.variant);
        assert!(source.contains(&documented), "{ENUMS} lacks\n{documented}");
    }
}

#[test]
fn the_data_is_the_manifest() {
    let labels = [
        Stream::LABELS,
        EventType::LABELS,
        RejectReason::LABELS,
        DeliveryStatus::LABELS,
    ];
    assert_eq!(SETS.len(), labels.len());
    for (set, labels) in SETS.iter().zip(labels) {
        assert_eq!(set.labels().collect::<Vec<_>>(), labels, "{}", set.rust);
    }
    assert_eq!(contract::MANIFEST, Tree::own().text(MANIFEST));
}

/// What the base has in every column arrives as data.
#[test]
fn what_is_generated_has_every_cell() {
    let [(_, labels), (_, sets), (_, names)] = Tree::base().contract().generated();
    assert!(labels.contains(
        "labels!(Paint = SETS[0] {\n    Red = \"red\",\n    Green = \"green\",\n    DarkBlue = \"dark_blue\",\n"
    ));
    assert!(sets.contains(
        "Value { label: \"teal\", variant: \"Teal\", since: \"0.1.0\", deprecated: Some(\"0.1.0\"), removed: Some(\"0.2.0\"), \
         meaning: \"Between green and blue.\" }"
    ));
    assert!(sets.contains("meaning: \"Lime, as in `fruit | chalk`.\""));
    assert!(names.contains(
        "PromisedName { kind: \"table\", name: \"roofs\", since: \"0.1.0\", removed: Some(\"0.2.0\"), \
         meaning: \"What was painted, too.\" }"
    ));
}

#[test]
fn a_release_is_frozen_as_it_is_read() {
    let mut tree = Tree::base();
    let (path, text) = tree.contract().frozen();
    assert_eq!(path, "api/0.2.0.txt");
    assert!(text.contains("\nlime Lime\n") && !text.contains("teal"));
    tree.set(&path, text);
    assert_eq!(tree.report(), "", "the release that was made holds with itself");
}
