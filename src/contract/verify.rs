//! The health check: a live database against what this build expects of it.

use std::fmt;

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_query;
use diesel::sql_types::{Array, Bool, Nullable, Oid, Text};

use super::builtins::{DIESEL_FUNCTIONS, FUNCTIONS, OPERATORS, TYPES};
use super::catalog::CATALOG;
use super::{LabelDifference, SETS};
use crate::error::{Error, Result};

/// What kind of object differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ObjectKind {
    /// A closed set's Postgres type, as a whole; or a type that hides one of `pg_catalog`.
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
    /// The guard's function; or one that `search_path` may find instead of one of `pg_catalog`.
    Function,
    /// A table that inherits from one of ours or is its partition, or that one of ours belongs to in this way.
    Inheritance,
    /// A cast (CREATE CAST) from or to the Postgres type of a closed set.
    Cast,
    /// An operator that `search_path` finds instead of the one that our statements mean.
    Operator,
    /// A setting of this session.
    Setting,
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
    /// Whether all that this build does works as it should: an index, a column or a disabled trigger more than expected,
    /// which refuses no row and changes none.
    pub is_harmless: bool,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = format!("{:?}", self.kind).to_lowercase();
        write!(f, "{kind} {} ", self.object)?;
        match (&self.expected, &self.found) {
            (Some(expected), Some(found)) => write!(f, "is `{found}`, not `{expected}`"),
            (Some(expected), None) => write!(f, "is missing: `{expected}`"),
            (None, Some(found)) => {
                write!(f, "should not be there: `{found}`")?;
                self.remedy().map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
            }
            (None, None) => write!(f, "differs"),
        }
    }
}

impl Difference {
    /// What to do about something that should not be there.
    fn remedy(&self) -> Option<&'static str> {
        if self.is_harmless {
            return None;
        }
        match self.kind {
            ObjectKind::Inheritance => Some("detach it: ALTER TABLE … NO INHERIT, or DETACH PARTITION"),
            ObjectKind::Cast => Some("drop it, and write the cast out where you need it"),
            ObjectKind::Operator | ObjectKind::Function | ObjectKind::Type => {
                Some("drop it, or keep it in a schema outside search_path")
            }
            ObjectKind::Trigger | ObjectKind::Rule => Some("drop or disable it: it can refuse a row or change one"),
            ObjectKind::Index | ObjectKind::Constraint => Some("drop it: it can refuse a row"),
            ObjectKind::Column => Some("drop it, or let it be NULL: an INSERT that doesn't name it can fail"),
            _ => None,
        }
    }
}

/// Compares the database behind a connection with what this build expects: the closed sets' labels, the tables, their
/// columns, constraints, indexes with their predicates, triggers (there, enabled, calling the right function) and that
/// function. It also looks for what others have made that changes what our statements do: tables that inherit from ours,
/// casts of our types, operators and functions that `search_path` finds first, and triggers, indexes and columns of theirs
/// that can fail an INSERT.
///
/// It finds the objects as this connection's `search_path` does, reads nothing but the system catalogs, and changes nothing.
/// No other setting of the session matters: it reads in a transaction with settings of its own (in yours, in a savepoint)
/// and rolls that back.
///
/// Every difference comes as data; an empty answer is a healthy database. What a table or type that is missing would hold is not
/// reported one by one. Use it at start or in a health check:
///
/// ```
/// # test_support::with_database(|conn| {
/// let differences = mailglass::contract::verify(conn)?;
/// let broken: Vec<_> = differences.iter().filter(|difference| !difference.is_harmless).collect();
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
    let mut differences = Vec::new();
    let outcome = conn.transaction(|conn| {
        let session = Session::read(conn)?;
        session.settle(conn)?;
        differences = compare(conn, &session)?;
        // The settings go with the transaction.
        Err::<(), _>(Error::from(DieselError::RollbackTransaction))
    });
    match outcome {
        Err(Error::Database(DieselError::RollbackTransaction)) => Ok(differences),
        Err(error) => Err(error),
        Ok(()) => Ok(differences),
    }
}

fn compare(conn: &mut PgConnection, session: &Session) -> Result<Vec<Difference>> {
    let mut differences = labels(conn, session)?;
    let found = objects(conn, session)?;
    for &(kind, object, expected) in CATALOG {
        let there = found.iter().find(|found| found.is(kind, object));
        let is_reported = match there {
            Some(there) => there.definition != expected,
            None => owner(object).is_none_or(|table| found.iter().any(|found| found.is(ObjectKind::Table, table))),
        };
        if is_reported {
            differences.push(Difference {
                kind,
                object: object.to_owned(),
                expected: Some(expected.to_owned()),
                found: there.map(|there| there.definition.clone()),
                is_harmless: false,
            });
        }
    }
    let is_known = |object: &Object| CATALOG.iter().any(|&(kind, name, _)| object.is(kind, name));
    let unexpected = found.into_iter().filter(|object| !is_known(object));
    differences.extend(unexpected.chain(others(conn, session)?).map(|object| Difference {
        kind: kind_of(&object.kind),
        object: object.object,
        expected: None,
        found: Some(object.definition),
        is_harmless: object.is_harmless,
    }));
    differences.extend(session.search_path());
    Ok(differences)
}

/// What the names mean to this session, and where it looks for names.
#[derive(QueryableByName)]
struct Session {
    #[diesel(sql_type = Array<Nullable<Oid>>)]
    tables: Vec<Option<u32>>,
    #[diesel(sql_type = Array<Nullable<Oid>>)]
    functions: Vec<Option<u32>>,
    /// One a closed set.
    #[diesel(sql_type = Array<Nullable<Oid>>)]
    types: Vec<Option<u32>>,
    /// The schemas of `search_path` that are there, with those that it implies.
    #[diesel(sql_type = Array<Text>)]
    schemas: Vec<String>,
}

impl Session {
    fn read(conn: &mut PgConnection) -> Result<Session> {
        let of_kind = |kind| -> Vec<&str> {
            let named = CATALOG.iter().filter(|object| object.0 == kind);
            named.map(|object| object.1).collect()
        };
        let types: Vec<&str> = SETS.iter().map(|set| set.name).collect();
        Ok(sql_query(include_str!("session.sql"))
            .bind::<Array<Text>, _>(of_kind(ObjectKind::Table))
            .bind::<Array<Text>, _>(of_kind(ObjectKind::Function))
            .bind::<Array<Text>, _>(types)
            .get_result(conn)?)
    }

    /// Has Postgres describe objects in the same words whatever the session's settings, and look in `pg_catalog` first: for
    /// the rest of the transaction. A name still has no schema where the session finds it without.
    fn settle(&self, conn: &mut PgConnection) -> Result<()> {
        let schemas: Vec<String> = (self.schemas())
            .filter(|&schema| schema != "pg_catalog")
            .map(|schema| format!("\"{}\"", schema.replace('"', "\"\"")))
            .chain(["pg_temp".to_owned()])
            .collect();
        sql_query(
            "SELECT pg_catalog.set_config('search_path', $1, true), pg_catalog.set_config('quote_all_identifiers', 'off', true),
                    pg_catalog.set_config('standard_conforming_strings', 'on', true)",
        )
        .bind::<Text, _>(schemas.join(", "))
        .execute(conn)?;
        Ok(())
    }

    /// Without that of temporary tables, which holds no functions and no operators that a name finds.
    fn schemas(&self) -> impl Iterator<Item = &str> {
        let schemas = self.schemas.iter().map(String::as_str);
        schemas.filter(|schema| !schema.starts_with("pg_temp_"))
    }

    /// A search path that names `pg_catalog` behind another schema: whoever may create objects there can redefine `=`. What
    /// is there by now is reported by itself.
    fn search_path(&self) -> Option<Difference> {
        let (catalog, others): (Vec<&str>, Vec<&str>) = self.schemas().partition(|&schema| schema == "pg_catalog");
        let found: Vec<&str> = self.schemas().collect();
        (found.first() != catalog.first()).then(|| Difference {
            kind: ObjectKind::Setting,
            object: "search_path".to_owned(),
            expected: Some([catalog, others].concat().join(", ")),
            found: Some(found.join(", ")),
            is_harmless: true,
        })
    }
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

/// The kind by the name that `catalog.sql` and `others.sql` give it.
fn kind_of(name: &str) -> ObjectKind {
    match name {
        "table" => ObjectKind::Table,
        "column" => ObjectKind::Column,
        "constraint" => ObjectKind::Constraint,
        "index" => ObjectKind::Index,
        "trigger" => ObjectKind::Trigger,
        "function" => ObjectKind::Function,
        "inheritance" => ObjectKind::Inheritance,
        "cast" => ObjectKind::Cast,
        "operator" => ObjectKind::Operator,
        "type" => ObjectKind::Type,
        _ => ObjectKind::Rule,
    }
}

/// The table that an object belongs to.
fn owner(object: &str) -> Option<&str> {
    object.split_once('.').map(|(owner, _)| owner)
}

fn objects(conn: &mut PgConnection, session: &Session) -> Result<Vec<Object>> {
    Ok(sql_query(include_str!("catalog.sql"))
        .bind::<Array<Nullable<Oid>>, _>(&session.tables)
        .bind::<Array<Nullable<Oid>>, _>(&session.functions)
        .load(conn)?)
}

fn others(conn: &mut PgConnection, session: &Session) -> Result<Vec<Object>> {
    Ok(sql_query(include_str!("others.sql"))
        .bind::<Array<Nullable<Oid>>, _>(&session.tables)
        .bind::<Array<Nullable<Oid>>, _>(&session.types)
        .bind::<Array<Nullable<Oid>>, _>(&session.functions)
        .bind::<Array<Text>, _>(&session.schemas)
        .bind::<Array<Text>, _>(FUNCTIONS)
        .bind::<Array<Text>, _>(OPERATORS)
        .bind::<Array<Text>, _>(TYPES)
        .bind::<Array<Text>, _>(DIESEL_FUNCTIONS)
        .load(conn)?)
}

#[derive(QueryableByName)]
struct Labels {
    /// NULL where there is no such type.
    #[diesel(sql_type = Nullable<Array<Text>>)]
    labels: Option<Vec<String>>,
}

fn labels(conn: &mut PgConnection, session: &Session) -> Result<Vec<Difference>> {
    let found: Vec<Labels> = sql_query(include_str!("labels.sql"))
        .bind::<Array<Nullable<Oid>>, _>(&session.types)
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
        differences.extend(mismatch.differences.iter().map(|difference| match difference {
            LabelDifference::Missing { label: missing } => label(missing, true),
            LabelDifference::Unexpected { label: found, .. } => label(found, false),
            // Postgres has no label twice.
            LabelDifference::OutOfOrder { .. } | LabelDifference::Doubled { .. } => whole(Some(labels.join(", "))),
        }));
    }
    Ok(differences)
}
