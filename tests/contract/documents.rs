//! The documents agree with the code.

mod code;
mod links;
mod markdown;

use mailglass::contract::{self, SETS};
use mailglass::{DeliveryStatus, EventType, RejectReason, Stream, SuppressionReason, SuppressionScope};

use crate::own::{ENUMS, MANIFEST, text};

#[test]
fn a_values_docs_are_the_manifests_meaning() {
    let source = text(ENUMS);
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
        SuppressionScope::LABELS,
        SuppressionReason::LABELS,
    ];
    assert_eq!(SETS.len(), labels.len());
    for (set, labels) in SETS.iter().zip(labels) {
        assert_eq!(set.labels().collect::<Vec<_>>(), labels, "{}", set.rust);
    }
    assert_eq!(contract::MANIFEST, text(MANIFEST));
}
