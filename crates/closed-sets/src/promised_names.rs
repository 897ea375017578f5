//! Compares the promised names with the tables, indexes, triggers and functions that the migrations create. Objects that the
//! manifest does not name are not promised, and not reported.

use crate::code::Code;
use crate::did_you_mean::{did_you_mean, nearest};
use crate::finding::Finding;
use crate::manifest::{Manifest, Name};
use crate::object_statements::Object;
use crate::objects::Objects;

pub(crate) fn compare(manifest: &Manifest, objects: &Objects, findings: &mut Vec<Finding>) {
    // An empty cell was reported already.
    for name in manifest.names.iter().filter(|name| !name.name.text.is_empty()) {
        let text = &name.name.text;
        let object = Object::of_kind(&name.kind);
        let is_there = match object {
            Some(object) => objects.has(object, text),
            None => objects.contains_text(text),
        };
        match (name.removed, object) {
            (Some(version), _) if is_there => {
                let message = format!(
                    "the {} `{text}` is listed as removed in {version}, but the migrations do not drop it",
                    name.kind
                );
                let help = "add a migration that drops it, or write `–` into `Removed`";
                findings.push(Finding::new(Code::LiveTombstone, &name.name.at, message, help));
            }
            (None, Some(object)) if !is_there => findings.push(missing(name, object, manifest, objects)),
            (None, None) if !is_there && name.kind == "sqlstate" => {
                let message = format!("no function that the migrations create contains the SQLSTATE `{text}`");
                let help = "correct the row, or raise the SQLSTATE in a function with `RAISE … USING ERRCODE = '…'`";
                findings.push(Finding::new(Code::NotLeft, &name.name.at, message, help));
            }
            _ => {}
        }
    }
}

fn missing(name: &Name, object: Object, manifest: &Manifest, objects: &Objects) -> Finding {
    let text = &name.name.text;
    let is_promised = |other: &str| {
        let mut names = manifest.names.iter();
        names.any(|name| name.removed.is_none() && name.kind == object.to_string() && name.name.text == other)
    };
    let unpromised = objects.names(object).filter(|other| !is_promised(other));
    let because = match (objects.gone(object, text), objects.other(text)) {
        (Some(gone), _) => match &gone.renamed_to {
            Some(to) => format!(": {} renames it to `{to}`", gone.at),
            None => format!(": {} drops or moves it", gone.at),
        },
        (None, Some(other)) => format!(": `{text}` is the name of {}", other.with_article()),
        (None, None) => did_you_mean(nearest(text, unpromised)),
    };
    let message = format!("the migrations create no {object} `{}`{because}", text.escape_debug());
    let help = format!(
        "correct the row, or add a migration with CREATE {0} or ALTER {0} … RENAME TO; to remove a promised name, write a \
         breaking version into `Removed`",
        object.to_string().to_uppercase()
    );
    Finding::new(Code::NotLeft, &name.name.at, message, help)
}
