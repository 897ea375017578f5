//! Compares the manifest with the Rust enums and with the migrations, in both directions.
//!
//! The manifest is the hub: a value that is new in one of the three places is reported as missing in each of the others.

use crate::code::Code;
use crate::did_you_mean::{did_you_mean, nearest};
use crate::finding::Finding;
use crate::manifest::{Manifest, Set, set_marker};
use crate::migrations::Types;
use crate::rust_enums::RustEnum;
use crate::{compare_migrations, compare_rust};

/// The enums of all Rust files.
pub(crate) struct RustEnums {
    /// The paths of the files, for messages.
    pub(crate) files: String,
    pub(crate) enums: Vec<RustEnum>,
    /// Whether every `DbEnum` was understood. Otherwise, an absent enum is not reported.
    pub(crate) is_whole: bool,
}

pub(crate) fn sets(manifest: &Manifest, rust: &RustEnums, types: &Types, findings: &mut Vec<Finding>) {
    for set in &manifest.sets {
        let in_rust = rust.enums.iter().find(|rust_enum| rust_enum.set == set.name);
        let in_postgres = types.get(&set.name);
        // A set whose values are all removed must not exist anywhere else.
        let is_live = set.live().next().is_some() || !set.is_sound;
        let mut found = Vec::new();
        match in_rust {
            None if is_live && rust.is_whole => found.push(missing_enum(set, rust)),
            None => {}
            Some(rust_enum) if set.is_sound => compare_rust::compare(set, rust_enum, &mut found),
            Some(_) => {}
        }
        match in_postgres {
            None if is_live && types.is_whole => found.push(missing_type(set, types)),
            None => {}
            Some(pg_enum) if set.is_sound => compare_migrations::compare(set, pg_enum, &mut found),
            Some(_) => {}
        }
        findings.extend(found.into_iter().map(|finding| finding.of_set(&set.name)));
    }
    for (index, second) in rust.enums.iter().enumerate() {
        if let Some(first) = rust.enums[..index].iter().find(|first| first.set == second.set) {
            let message = format!(
                "`{}` is the second enum of this set; the first is `{}`",
                second.name, first.name
            );
            findings.push(Finding::new(Code::Set, &second.at, message, "keep one enum per set").of_set(&second.set));
        } else if !manifest.sets.iter().any(|set| set.name == second.set) {
            let message = format!("`{}` is not in the manifest", second.name);
            let help = format!(
                "put `{}` above a table in {}",
                set_marker(&second.set, &second.name),
                manifest.file
            );
            findings.push(Finding::new(Code::Set, &second.at, message, help).of_set(&second.set));
        }
    }
    for (name, pg_enum) in types
        .enums()
        .filter(|(name, _)| !manifest.sets.iter().any(|set| set.name == *name))
    {
        let message = "the migrations create this enum, but it is not in the manifest";
        let help = format!("put `{}` above a table in {}", set_marker(name, "…"), manifest.file);
        findings.push(Finding::new(Code::Set, &pg_enum.at, message, help).of_set(name));
    }
}

fn missing_enum(set: &Set, rust: &RustEnums) -> Finding {
    let guess = did_you_mean(nearest(
        &set.name,
        rust.enums.iter().map(|rust_enum| rust_enum.set.as_str()),
    ));
    let message = format!("no enum in {} maps this type{guess}", rust.files);
    let help = format!(
        "write `pub enum {}` with `#[derive(DbEnum, …)]` and its `existing_type_path`",
        set.rust
    );
    Finding::new(Code::Set, &set.at, message, help)
}

fn missing_type(set: &Set, types: &Types) -> Finding {
    let guess = did_you_mean(nearest(&set.name, types.enums().map(|(name, _)| name)));
    let message = format!("the migrations create no enum type of this name{guess}");
    let help = format!("add a migration with `CREATE TYPE {} AS ENUM (…)`", set.name);
    Finding::new(Code::Set, &set.at, message, help)
}
