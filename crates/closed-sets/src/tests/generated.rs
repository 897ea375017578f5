//! The files that are generated from the manifest.

use super::base::Tree;

#[test]
fn the_generated_code_has_every_cell() {
    let [(_, labels), (_, sets), (_, names)] = Tree::base().contract().rust();
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
         meaning: \"Painted roofs.\" }"
    ));
}

#[test]
fn a_frozen_release_agrees_with_its_manifest() {
    let mut tree = Tree::base();
    let (path, text) = tree.contract().frozen().unwrap();
    assert_eq!(path.to_str(), Some("api/0.2.0.txt"));
    assert!(text.contains("\nlime Lime\n") && !text.contains("teal"));
    tree.set("api/0.2.0.txt", text);
    assert_eq!(tree.report(), "");
}
