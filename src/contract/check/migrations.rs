//! The enum types and other objects as the migrations leave them: each `up.sql` replayed in Diesel's order.

use std::collections::BTreeMap;

use super::code;
use super::enum_statements::{self, At, Change, Where};
use super::finding::{Code, Finding, Place};
use super::hazards;
use super::manifest::Word;
use super::object_statements;
use super::objects::Objects;
use super::rows::{MAX_LABEL_BYTES, too_long};
use super::source::{File, place};
use super::sql;

pub(crate) const FOLDER: &str = "migrations";

#[derive(Debug)]
pub(crate) struct PgEnum {
    pub(crate) at: Place,
    pub(crate) labels: Vec<Word>,
}

/// Types by name; of one that is not an enum, only the name.
#[derive(Debug)]
pub(crate) struct Types {
    by_name: BTreeMap<String, Option<PgEnum>>,
    /// Whether every statement was understood: only then is a type that isn't here missing.
    pub(crate) is_whole: bool,
    /// What else the migrations leave.
    pub(crate) objects: Objects,
}

impl Types {
    pub(crate) fn get(&self, name: &str) -> Option<&PgEnum> {
        self.by_name.get(name)?.as_ref()
    }

    pub(crate) fn enums(&self) -> impl Iterator<Item = (&str, &PgEnum)> {
        self.by_name
            .iter()
            .filter_map(|(name, it)| Some((name.as_str(), it.as_ref()?)))
    }
}

/// Diesel's order: by version, which is the folder's name up to its first `_`, without the dashes.
pub(crate) fn version(folder: &str) -> String {
    folder.split('_').next().unwrap_or_default().replace('-', "")
}

/// Replays the files, which stand in Diesel's order.
pub(crate) fn replay(files: &[File], findings: &mut Vec<Finding>) -> Types {
    let mut replay = Replay {
        types: BTreeMap::new(),
        objects: Objects::default(),
        is_whole: true,
        findings,
    };
    for file in files {
        match file.text() {
            Ok(text) => replay.file(&file.path, text),
            Err(finding) => replay.refuse(finding),
        }
    }
    Types {
        by_name: replay.types,
        is_whole: replay.is_whole,
        objects: replay.objects,
    }
}

struct Replay<'a> {
    types: BTreeMap<String, Option<PgEnum>>,
    objects: Objects,
    is_whole: bool,
    findings: &'a mut Vec<Finding>,
}

/// A statement that Postgres would refuse, or whose effect can't be told.
struct Refused {
    code: Code,
    offset: usize,
    what: String,
    help: &'static str,
}

pub(crate) const REWRITE: &str = "write CREATE TYPE … AS ENUM, ALTER TYPE … ADD VALUE, RENAME VALUE or RENAME TO, or DROP TYPE as a \
                       statement of its own, with an unqualified name and plain strings (a column's type changes with \
                       ALTER COLUMN)";

impl Replay<'_> {
    /// A finding after which it isn't known what the migrations leave.
    fn refuse(&mut self, finding: Finding) {
        self.is_whole = false;
        self.findings.push(finding);
    }

    fn file(&mut self, path: &str, text: &str) {
        let statements = match sql::statements(text) {
            Ok(statements) => statements,
            Err(malformed) => {
                let at = place(path, text, malformed.offset);
                self.refuse(Finding::new(Code::Sql, &at, malformed.what, malformed.help));
                return;
            }
        };
        // Also to types that it makes itself: until PostgreSQL 17, these were no exception.
        let mut added: Vec<(String, At)> = Vec::new();
        for statement in &statements {
            added.retain(|(set, label)| {
                let is_used = code::uses(statement, &label.text);
                if is_used {
                    let at = place(path, text, statement.first().map_or(0, |it| it.offset));
                    let what = format!("label `{}` is used in the migration that adds it", label.text.escape_debug());
                    let help = "move this statement to a later migration: Postgres lets a transaction use only labels that \
                                were committed before it";
                    self.findings.push(Finding::new(Code::UsedWhereAdded, &at, what, help).of_set(set));
                }
                !is_used
            });
            let changes = object_statements::read(statement);
            if !changes.is_empty() {
                let texts = code::contents(statement);
                let at = place(path, text, statement.first().map_or(0, |token| token.offset));
                self.objects.apply(changes, &texts, &at);
            }
            let change = match hazards::find(statement) {
                Some(hazard) => Err(Refused {
                    code: Code::Sql,
                    offset: hazard.offset,
                    what: hazard.what,
                    help: hazard.help,
                }),
                None => enum_statements::read(statement).map_err(|not_understood| Refused {
                    code: Code::Sql,
                    offset: not_understood.offset,
                    what: not_understood.what,
                    help: REWRITE,
                }),
            };
            let applied = change.and_then(|change| match change {
                None => Ok(()),
                Some(change) => {
                    let new_label = match &change {
                        Change::Add { set, label, .. } => Some((set.text.clone(), label.clone())),
                        _ => None,
                    };
                    self.apply(path, text, change)?;
                    added.extend(new_label);
                    Ok(())
                }
            });
            if let Err(Refused {
                code,
                offset,
                what,
                help,
            }) = applied
            {
                self.refuse(Finding::new(code, &place(path, text, offset), what, help));
            }
        }
    }

    fn apply(&mut self, path: &str, text: &str, change: Change) -> Result<(), Refused> {
        let word = |at: At| Word {
            at: place(path, text, at.offset),
            text: at.text,
        };
        match change {
            Change::Create { set, labels } => {
                self.must_be_new(&set)?;
                let mut kept: Vec<Word> = Vec::new();
                for label in labels.into_iter().map(word) {
                    self.check_length(&set.text, &label);
                    match kept.iter().find(|it| it.text == label.text) {
                        Some(first) => self.doubled(&set.text, &label, first),
                        None => kept.push(label),
                    }
                }
                let at = place(path, text, set.offset);
                self.types.insert(set.text, Some(PgEnum { at, labels: kept }));
            }
            Change::CreateOther { name } => {
                self.must_be_new(&name)?;
                self.types.insert(name.text, None);
            }
            Change::Add {
                set,
                label,
                if_not_exists,
                place: to,
            } => {
                let label = word(label);
                self.check_length(&set.text, &label);
                let labels = self.labels(&set)?;
                if let Some(first) = labels.iter().find(|it| it.text == label.text).cloned() {
                    if !if_not_exists {
                        self.doubled(&set.text, &label, &first);
                    }
                    return Ok(());
                }
                let index = match &to {
                    Where::Last => labels.len(),
                    Where::Before(neighbour) => index_of(labels, neighbour)?,
                    Where::After(neighbour) => index_of(labels, neighbour)? + 1,
                };
                labels.insert(index, label);
            }
            Change::RenameLabel { set, from, to } => {
                let to = word(to);
                self.check_length(&set.text, &to);
                let labels = self.labels(&set)?;
                let index = index_of(labels, &from)?;
                match labels.iter().find(|it| it.text == to.text).cloned() {
                    Some(first) => self.doubled(&set.text, &to, &first),
                    None => labels[index] = to,
                }
            }
            Change::RenameType { from, to } => {
                self.must_be_new(&to)?;
                let renamed = self.types.remove(&from.text).ok_or_else(|| unknown_type(&from))?;
                self.types.insert(to.text, renamed);
            }
            Change::AlterOther { name } => match self.types.get(&name.text) {
                Some(None) => {}
                Some(Some(_)) => return Err(refused(&name, "what this does to the enum is not understood", REWRITE)),
                None => return Err(unknown_type(&name)),
            },
            Change::Own { name } if !self.types.contains_key(&name.text) => return Err(unknown_type(&name)),
            Change::Own { .. } => {}
            Change::Drop { names, if_exists } => {
                for name in names {
                    if self.types.remove(&name.text).is_none() && !if_exists {
                        return Err(unknown_type(&name));
                    }
                }
            }
        }
        Ok(())
    }

    fn must_be_new(&self, name: &At) -> Result<(), Refused> {
        match self.types.get(&name.text) {
            None => Ok(()),
            Some(_) => Err(Refused {
                code: Code::Set,
                ..refused(
                    name,
                    "is there already",
                    "give it another name, or change the one that is there",
                )
            }),
        }
    }

    fn labels(&mut self, set: &At) -> Result<&mut Vec<Word>, Refused> {
        match self.types.get_mut(&set.text) {
            Some(Some(it)) => Ok(&mut it.labels),
            Some(None) => Err(refused(set, "is not an enum", REWRITE)),
            None => Err(unknown_type(set)),
        }
    }

    fn check_length(&mut self, set: &str, label: &Word) {
        if label.text.len() > MAX_LABEL_BYTES {
            self.findings.push(too_long(label).of_set(set));
        }
    }

    fn doubled(&mut self, set: &str, label: &Word, first: &Word) {
        let what = format!(
            "label `{}` is there already, since {}",
            label.text.escape_debug(),
            first.at
        );
        let help = "take one of them out; in a migration that has landed, nothing is ever edited";
        self.findings
            .push(Finding::new(Code::Doubled, &label.at, what, help).of_set(set));
    }
}

fn index_of(labels: &[Word], label: &At) -> Result<usize, Refused> {
    let index = labels.iter().position(|it| it.text == label.text);
    index.ok_or_else(|| {
        refused(
            label,
            "no such label is there at this point",
            "name one that an earlier statement has made",
        )
    })
}

fn unknown_type(name: &At) -> Refused {
    refused(
        name,
        "no such type is there at this point",
        "name a type that an earlier statement has made",
    )
}

fn refused(at: &At, what: &str, help: &'static str) -> Refused {
    Refused {
        code: Code::Sql,
        offset: at.offset,
        what: format!("`{}`: {what}", at.text.escape_debug()),
        help,
    }
}
