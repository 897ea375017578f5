//! The manifest against the Rust enums and against the migrations, both ways. The manifest is the hub: a value that is
//! new in one of the three places shows up as what is missing in each of the others.

use super::enums::{self, RustEnum};
use super::finding::{Code, Finding};
use super::manifest::{self, Manifest, Set};
use super::migrations::Types;
use super::side::did_you_mean;
use super::similar::nearest;
use super::{against_migrations, against_rust};

pub(crate) fn sets(manifest: &Manifest, rust: &[RustEnum], is_whole: bool, types: &Types, findings: &mut Vec<Finding>) {
    for set in &manifest.sets {
        let in_rust = rust.iter().find(|it| it.set == set.name);
        let in_postgres = types.get(&set.name);
        // A set whose values were all removed is gone everywhere else.
        let is_live = set.live().next().is_some() || !set.is_sound;
        let mut found = Vec::new();
        match in_rust {
            None if is_live && is_whole => found.push(missing_enum(set, rust)),
            None => {}
            Some(it) if set.is_sound => against_rust::compare(set, it, &mut found),
            Some(_) => {}
        }
        match in_postgres {
            None if is_live && types.is_whole => found.push(missing_type(set, types)),
            None => {}
            Some(it) if set.is_sound => against_migrations::compare(set, it, &mut found),
            Some(_) => {}
        }
        findings.extend(found.into_iter().map(|it| it.of_set(&set.name)));
    }
    for (index, it) in rust.iter().enumerate() {
        if let Some(first) = rust[..index].iter().find(|first| first.set == it.set) {
            let what = format!(
                "`{}` is a second enum of this set; the first is `{}`",
                it.name, first.name
            );
            findings.push(Finding::new(Code::Set, &it.at, what, "keep one enum a set").of_set(&it.set));
        } else if !manifest.sets.iter().any(|set| set.name == it.set) {
            let what = format!("`{}` is not in the manifest", it.name);
            let help = format!(
                "put `{}` above a table in {}",
                manifest::set_marker(&it.set, &it.name),
                manifest::FILE
            );
            findings.push(Finding::new(Code::Set, &it.at, what, help).of_set(&it.set));
        }
    }
    for (name, it) in types
        .enums()
        .filter(|(name, _)| !manifest.sets.iter().any(|set| set.name == *name))
    {
        let what = "the migrations make this enum, but it is not in the manifest";
        let help = format!(
            "put `{}` above a table in {}",
            manifest::set_marker(name, "…"),
            manifest::FILE
        );
        findings.push(Finding::new(Code::Set, &it.at, what, help).of_set(name));
    }
}

fn missing_enum(set: &Set, rust: &[RustEnum]) -> Finding {
    let guess = did_you_mean(nearest(&set.name, rust.iter().map(|it| it.set.as_str())));
    let what = format!("no enum in {} has this type{guess}", enums::FILE);
    let help = format!(
        "write `pub enum {}` with `#[derive(DbEnum, …)]` and its `existing_type_path`",
        set.rust
    );
    Finding::new(Code::Set, &set.at, what, help)
}

fn missing_type(set: &Set, types: &Types) -> Finding {
    let guess = did_you_mean(nearest(&set.name, types.enums().map(|(name, _)| name)));
    let what = format!("the migrations make no such enum type{guess}");
    let help = format!("add a migration with `CREATE TYPE {} AS ENUM (…)`", set.name);
    Finding::new(Code::Set, &set.at, what, help)
}
