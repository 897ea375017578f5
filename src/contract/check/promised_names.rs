//! The promised names against the tables, indexes, triggers and functions that the migrations leave. More than what is
//! promised may be there: a name that isn't in the manifest is nobody's to rely on.

use super::finding::{Code, Finding};
use super::manifest::{Manifest, Name};
use super::object_statements::Object;
use super::objects::Objects;
use super::side::did_you_mean;
use super::similar::nearest;

pub(crate) fn check(manifest: &Manifest, objects: &Objects, findings: &mut Vec<Finding>) {
    // An empty cell is a finding already.
    for name in manifest.names.iter().filter(|name| !name.name.text.is_empty()) {
        let text = &name.name.text;
        let object = Object::of_kind(&name.kind);
        let is_there = match object {
            Some(object) => objects.has(object, text),
            None => objects.says(text),
        };
        match (name.removed, object) {
            (Some(version), _) if is_there => {
                let what = format!(
                    "the {} `{text}` is removed since {version}, but the migrations still leave it",
                    name.kind
                );
                let help = "add a migration that drops it, or empty the row's `Removed` with `–`";
                findings.push(Finding::new(Code::LiveTombstone, &name.name.at, what, help));
            }
            (None, Some(object)) if !is_there => findings.push(missing(name, object, manifest, objects)),
            (None, None) if !is_there && name.kind == "sqlstate" => {
                let what = format!("no function that the migrations leave has the SQLSTATE `{text}`");
                let help = "correct the row, or raise it in a function: `RAISE … USING ERRCODE = '…'`";
                findings.push(Finding::new(Code::NotLeft, &name.name.at, what, help));
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
            Some(to) => format!(": it is renamed to `{to}` at {}", gone.at),
            None => format!(": it is dropped or moved at {}", gone.at),
        },
        (None, Some(other)) => format!(": `{text}` is the name of a {other} there").replace("a index", "an index"),
        (None, None) => did_you_mean(nearest(text, unpromised)),
    };
    let what = format!("the migrations leave no {object} `{}`{because}", text.escape_debug());
    let help = format!(
        "correct the row, or add a migration that makes it (CREATE {0}, ALTER {0} … RENAME TO); a promised name goes only \
         with a breaking version, which its row then has as `Removed`",
        object.to_string().to_uppercase()
    );
    Finding::new(Code::NotLeft, &name.name.at, what, help)
}
