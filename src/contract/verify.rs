//! The health check: a live database against what this build expects of it.

use std::fmt;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Bool, Nullable, Text};

use super::catalog::CATALOG;
use super::{LabelDifference, SETS};
use crate::error::Result;

/// What kind of object differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ObjectKind {
    /// A closed set's Postgres type, as a whole.
    Type,
    /// A label of a closed set: `mailglass_event_type.queued`.
    Label,
    /// A table.
    Table,
    /// A column: `mailglass_events.occurred_at`.
    Column,
    /// A constraint other than NOT NULL, with the index that keeps it.
    Constraint,
    /// An index that no constraint keeps.
    Index,
    /// A trigger, such as the guard's.
    Trigger,
    /// A rule (CREATE RULE): there should be none.
    Rule,
    /// The guard's function.
    Function,
}

/// One difference between a database and what this build expects.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// What kind of object it is about.
    pub kind: ObjectKind,
    /// Which one: a name or, of what belongs to a table or type, `owner.name`.
    pub object: String,
    /// What this build expects, in Postgres' words; `None` where nothing should be.
    pub expected: Option<String>,
    /// What the database has, in Postgres' words; `None` where it has nothing.
    pub found: Option<String>,
    /// Whether all that this build does works as it should all the same: an index, a column or a trigger more than
    /// expected, which refuses no row and changes none.
    pub is_harmless: bool,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = format!("{:?}", self.kind).to_lowercase();
        write!(f, "{kind} {} ", self.object)?;
        match (&self.expected, &self.found) {
            (Some(expected), Some(found)) => write!(f, "is `{found}`, not `{expected}`"),
            (Some(expected), None) => write!(f, "is missing: `{expected}`"),
            (None, Some(found)) => write!(f, "should not be there: `{found}`"),
            (None, None) => write!(f, "differs"),
        }
    }
}

/// Compares the database behind a connection with what this build expects: the closed sets' labels, the tables, their
/// columns, constraints, indexes with their predicates, triggers (there, enabled, calling the right function) and that
/// function. It finds the objects as this connection's `search_path` does, reads nothing but the system catalogs, and
/// changes nothing.
///
/// Every difference comes as data; an empty answer is a healthy database. What a table or type that is missing would hold is not
/// reported one by one. Use it at start or in a health check:
///
/// ```
/// # mod doctest { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doctest/with_database.rs")); }
/// # doctest::with_database(|conn| {
/// let broken: Vec<_> = mailglass::contract::verify(conn)?.into_iter().filter(|it| !it.is_harmless).collect();
/// for difference in &broken {
///     eprintln!("{difference}");
/// }
/// assert!(broken.is_empty());
/// # Ok(())
/// # });
/// ```
///
/// A label more than expected means that the database was migrated by a newer release: this build works until somebody writes
/// that label, and then can't read the rows that have it (see [`MANIFEST`](super::MANIFEST)).
///
/// # Errors
/// [`Error::Database`](crate::Error::Database), if the catalogs can't be read.
pub fn verify(conn: &mut PgConnection) -> Result<Vec<Difference>> {
    let mut differences = labels(conn)?;
    let found = objects(conn)?;
    for &(kind, object, expected) in CATALOG {
        let there = found.iter().find(|it| it.is(kind, object));
        let is_reported = match there {
            Some(it) => it.definition != expected,
            None => owner(object).is_none_or(|table| found.iter().any(|it| it.is(ObjectKind::Table, table))),
        };
        if is_reported {
            differences.push(Difference {
                kind,
                object: object.to_owned(),
                expected: Some(expected.to_owned()),
                found: there.map(|it| it.definition.clone()),
                is_harmless: false,
            });
        }
    }
    for Object {
        kind,
        object,
        definition,
        is_harmless,
    } in found
    {
        let kind = kind_of(&kind);
        if !CATALOG
            .iter()
            .any(|&(known, name, _)| (known, name) == (kind, object.as_str()))
        {
            differences.push(Difference {
                kind,
                object,
                expected: None,
                found: Some(definition),
                is_harmless,
            });
        }
    }
    Ok(differences)
}

#[derive(QueryableByName)]
struct Object {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    object: String,
    #[diesel(sql_type = Text)]
    definition: String,
    #[diesel(sql_type = Bool)]
    is_harmless: bool,
}

impl Object {
    fn is(&self, kind: ObjectKind, object: &str) -> bool {
        kind_of(&self.kind) == kind && self.object == object
    }
}

/// The kind by the name that `catalog.sql` gives it.
fn kind_of(name: &str) -> ObjectKind {
    match name {
        "table" => ObjectKind::Table,
        "column" => ObjectKind::Column,
        "constraint" => ObjectKind::Constraint,
        "index" => ObjectKind::Index,
        "trigger" => ObjectKind::Trigger,
        "function" => ObjectKind::Function,
        _ => ObjectKind::Rule,
    }
}

/// The table that an object belongs to.
fn owner(object: &str) -> Option<&str> {
    object.split_once('.').map(|(owner, _)| owner)
}

fn objects(conn: &mut PgConnection) -> Result<Vec<Object>> {
    let of_kind = |kind| -> Vec<&str> {
        let named = CATALOG.iter().filter(|it| it.0 == kind);
        named.map(|it| it.1).collect()
    };
    Ok(sql_query(include_str!("catalog.sql"))
        .bind::<Array<Text>, _>(of_kind(ObjectKind::Table))
        .bind::<Array<Text>, _>(of_kind(ObjectKind::Function))
        .load(conn)?)
}

#[derive(QueryableByName)]
struct Labels {
    /// NULL where there is no such type.
    #[diesel(sql_type = Nullable<Array<Text>>)]
    labels: Option<Vec<String>>,
}

fn labels(conn: &mut PgConnection) -> Result<Vec<Difference>> {
    let names: Vec<&str> = SETS.iter().map(|set| set.name).collect();
    let found: Vec<Labels> = sql_query(include_str!("labels.sql"))
        .bind::<Array<Text>, _>(names)
        .load(conn)?;
    let mut differences = Vec::new();
    for (set, Labels { labels }) in SETS.iter().zip(found) {
        let expected = set.labels().collect::<Vec<_>>().join(", ");
        let whole = |found: Option<String>| Difference {
            kind: ObjectKind::Type,
            object: set.name.to_owned(),
            expected: Some(expected.clone()),
            found,
            is_harmless: false,
        };
        let label = |label: &str, is_expected: bool| Difference {
            kind: ObjectKind::Label,
            object: format!("{}.{label}", set.name),
            expected: is_expected.then(|| label.to_owned()),
            found: (!is_expected).then(|| label.to_owned()),
            is_harmless: false,
        };
        let Some(labels) = labels else {
            differences.push(whole(None));
            continue;
        };
        let Err(mismatch) = set.check_in_order(&labels) else {
            continue;
        };
        differences.extend(mismatch.differences.iter().map(|it| match it {
            LabelDifference::Missing { label: missing } => label(missing, true),
            LabelDifference::Unexpected { label: found, .. } => label(found, false),
            // Postgres has no label twice.
            LabelDifference::OutOfOrder { .. } | LabelDifference::Doubled { .. } => whole(Some(labels.join(", "))),
        }));
    }
    Ok(differences)
}
