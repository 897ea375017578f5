//! Replays the migrations: the enum types and other objects that every `up.sql`, in Diesel's order, leaves behind.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::code::Code;
use crate::finding::Finding;
use crate::objects::Objects;
use crate::place::{Place, Word};
use crate::rejected_statements::{REWRITE, Rejection};
use crate::text_file::TextFile;
use crate::type_statements::{self, At, Change, Where};
use crate::{embedded_sql, label_length, object_statements, rejected_statements, string_constants, tokens};

#[derive(Debug)]
pub(crate) struct PgEnum {
    pub(crate) at: Place,
    pub(crate) labels: Vec<Word>,
}

/// The types by name, and the other objects. `None` is a type that is not an enum.
#[derive(Debug)]
pub(crate) struct Types {
    by_name: BTreeMap<String, Option<PgEnum>>,
    /// Whether every statement was understood. Otherwise, absent types are not reported.
    pub(crate) is_whole: bool,
    pub(crate) objects: Objects,
}

impl Types {
    pub(crate) fn get(&self, name: &str) -> Option<&PgEnum> {
        self.by_name.get(name)?.as_ref()
    }

    pub(crate) fn enums(&self) -> impl Iterator<Item = (&str, &PgEnum)> {
        self.by_name
            .iter()
            .filter_map(|(name, pg_enum)| Some((name.as_str(), pg_enum.as_ref()?)))
    }
}

/// Diesel's order is by version: the folder's name up to the first `_`, without dashes.
pub(crate) fn version(folder: &str) -> String {
    folder.split('_').next().unwrap_or_default().replace('-', "")
}

/// Replays the files, which are in Diesel's order.
pub(crate) fn replay(files: &[TextFile], findings: &mut Vec<Finding>) -> Types {
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

/// A statement that PostgreSQL would reject, or that the check does not follow.
struct Refused {
    code: Code,
    rejection: Rejection,
}

impl Replay<'_> {
    /// Adds a finding after which the result of the migrations is unknown.
    fn refuse(&mut self, finding: Finding) {
        self.is_whole = false;
        self.findings.push(finding);
    }

    fn file(&mut self, path: &Arc<str>, text: &str) {
        let statements = match tokens::statements(text) {
            Ok(statements) => statements,
            Err(malformed) => {
                let at = Place::of_offset(path, text, malformed.offset);
                self.refuse(Finding::new(Code::Sql, &at, malformed.message, malformed.help));
                return;
            }
        };
        // Also labels of types that the file itself creates: PostgreSQL before 17 makes no exception for these.
        let mut added: Vec<(String, At)> = Vec::new();
        for statement in &statements {
            added.retain(|(set, label)| {
                let is_used = string_constants::uses(statement, &label.text);
                if is_used {
                    let at = Place::of_offset(path, text, statement.first().map_or(0, |token| token.offset));
                    let message = format!(
                        "label `{}` is used in the migration that adds it",
                        label.text.escape_debug()
                    );
                    let help =
                        "move this statement to a later migration: a transaction cannot use a label that it adds";
                    self.findings
                        .push(Finding::new(Code::UsedWhereAdded, &at, message, help).of_set(set));
                }
                !is_used
            });
            let changes = object_statements::read(statement);
            if !changes.is_empty() {
                let texts = string_constants::contents(statement);
                let at = Place::of_offset(path, text, statement.first().map_or(0, |token| token.offset));
                self.objects.apply(changes, &texts, &at);
            }
            let rejection = rejected_statements::in_statement(statement)
                .or_else(|| rejected_statements::ends_transaction(statement))
                .or_else(|| embedded_sql::in_statement(statement));
            let change = match rejection {
                Some(rejection) => Err(rejection),
                None => type_statements::read(statement),
            };
            let change = change.map_err(|rejection| Refused {
                code: Code::Sql,
                rejection,
            });
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
            if let Err(Refused { code, rejection }) = applied {
                let at = Place::of_offset(path, text, rejection.offset);
                self.refuse(Finding::new(code, &at, rejection.message, rejection.help));
            }
        }
    }

    fn apply(&mut self, path: &Arc<str>, text: &str, change: Change) -> Result<(), Refused> {
        let word = |at: At| Word {
            at: Place::of_offset(path, text, at.offset),
            text: at.text,
        };
        match change {
            Change::Create { set, labels } => {
                self.must_be_new(&set)?;
                let mut kept: Vec<Word> = Vec::new();
                for label in labels.into_iter().map(word) {
                    self.check_length(&set.text, &label);
                    match kept.iter().find(|earlier| earlier.text == label.text) {
                        Some(first) => self.doubled(&set.text, &label, first),
                        None => kept.push(label),
                    }
                }
                let at = Place::of_offset(path, text, set.offset);
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
                if let Some(first) = labels.iter().find(|earlier| earlier.text == label.text).cloned() {
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
                match labels.iter().find(|earlier| earlier.text == to.text).cloned() {
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
                Some(Some(_)) => {
                    return Err(refused(
                        &name,
                        "the check does not understand what this does to the enum",
                        REWRITE,
                    ));
                }
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
                    "this type exists already",
                    "choose another name or alter the existing type",
                )
            }),
        }
    }

    fn labels(&mut self, set: &At) -> Result<&mut Vec<Word>, Refused> {
        match self.types.get_mut(&set.text) {
            Some(Some(pg_enum)) => Ok(&mut pg_enum.labels),
            Some(None) => Err(refused(set, "this type is not an enum", REWRITE)),
            None => Err(unknown_type(set)),
        }
    }

    fn check_length(&mut self, set: &str, label: &Word) {
        let finding = label_length::check(label).map(|finding| finding.of_set(set));
        self.findings.extend(finding);
    }

    fn doubled(&mut self, set: &str, label: &Word, first: &Word) {
        let message = format!(
            "label `{}` exists already, since {}",
            label.text.escape_debug(),
            first.at
        );
        let help = "remove one of them; never edit a migration that has been applied";
        self.findings
            .push(Finding::new(Code::Doubled, &label.at, message, help).of_set(set));
    }
}

fn index_of(labels: &[Word], label: &At) -> Result<usize, Refused> {
    let index = labels.iter().position(|known| known.text == label.text);
    index.ok_or_else(|| {
        refused(
            label,
            "this label does not exist at this point",
            "name a label that an earlier statement adds",
        )
    })
}

fn unknown_type(name: &At) -> Refused {
    refused(
        name,
        "this type does not exist at this point",
        "name a type that an earlier statement creates",
    )
}

fn refused(at: &At, message: &str, help: &'static str) -> Refused {
    Refused {
        code: Code::Sql,
        rejection: Rejection {
            offset: at.offset,
            message: format!("`{}`: {message}", at.text.escape_debug()),
            help,
        },
    }
}
