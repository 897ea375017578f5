//! The manifest as Rust source, for a crate to include.

use std::fmt::Write;

use crate::manifest::Manifest;
use crate::version::Version;

/// An invocation of `labels!` for every set that has values.
pub(crate) fn labels(manifest: &Manifest) -> String {
    let mut code = String::new();
    for (index, set) in manifest
        .sets
        .iter()
        .enumerate()
        .filter(|(_, set)| set.live().next().is_some())
    {
        let values = set
            .live()
            .map(|row| format!("    {} = {:?},\n", row.variant.text, row.label.text));
        code += &format!(
            "labels!({} = SETS[{index}] {{\n{}}});\n",
            set.rust,
            values.collect::<String>()
        );
    }
    code
}

/// An array of the sets.
pub(crate) fn sets(manifest: &Manifest) -> String {
    let mut code = String::from("&[\n");
    for set in &manifest.sets {
        code += &format!(
            "    ClosedSet {{\n        name: {:?},\n        rust: {:?},\n        values: &[\n",
            set.name, set.rust
        );
        for row in &set.rows {
            // Writing to a String cannot fail.
            let _ = writeln!(
                code,
                "            Value {{ label: {:?}, variant: {:?}, since: {:?}, deprecated: {:?}, removed: {:?}, meaning: {:?} }},",
                row.label.text,
                row.variant.text,
                row.since.to_string(),
                text(row.deprecated),
                text(row.removed),
                row.meaning,
            );
        }
        code += "        ],\n    },\n";
    }
    code + "]\n"
}

/// An array of the promised names.
pub(crate) fn names(manifest: &Manifest) -> String {
    let mut code = String::from("&[\n");
    for name in &manifest.names {
        let _ = writeln!(
            code,
            "    PromisedName {{ kind: {:?}, name: {:?}, since: {:?}, removed: {:?}, meaning: {:?} }},",
            name.kind,
            name.name.text,
            name.since.to_string(),
            text(name.removed),
            name.meaning,
        );
    }
    code + "]\n"
}

fn text(version: Option<Version>) -> Option<String> {
    version.map(|version| version.to_string())
}
