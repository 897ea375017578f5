//! The health check: compares a live database with the expectations of this build.

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_query;
use diesel::sql_types::{Array, Bool, Nullable, Oid, Text};

use super::builtins::{DIESEL_FUNCTIONS, FUNCTIONS, OPERATORS, TYPES};
use super::catalog::CATALOG;
use super::difference::Difference;
use super::mismatch::LabelDifference;
use super::object_kind::ObjectKind;
use super::policies;
use super::promises::SETS;
use super::session::Session;
use super::shards;
use crate::error::{Error, Result};

/// Compares a live database with the expectations of this build.
///
/// It compares the labels of the closed sets, the tables with their columns, constraints, indexes and triggers, and the trigger
/// functions. It also reports objects of others that change the effects of this crate's statements: tables that inherit from
/// its tables, casts of its types, operators and functions that `search_path` finds first, and triggers, indexes and columns
/// that can make an INSERT fail.
///
/// It resolves names with the connection's `search_path`, reads only the system catalogs and changes nothing. No other setting
/// of the session matters: it runs in a transaction with its own settings (a savepoint inside of your transaction) and rolls
/// it back.
///
/// An empty result means that the database is healthy. The parts of a missing table or type are not reported. Use it when your
/// application starts, or in a health check:
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
/// If Citus distributes the tables, it also compares the triggers of their shards, which it reads through the nodes that have
/// them. A shard's difference has the statement that repairs it in [`repair`](Difference::repair).
///
/// If [row-level security](crate::tenancy) is enabled for a table, it also compares the policies of all tables.
///
/// During a cut ([`retention`](crate::retention)), it reports the two triggers of the cut as harmless.
///
/// An unexpected label means that a newer release has migrated the database. This build works until a row has that label,
/// and then fails to load the row (see [`MANIFEST`](super::MANIFEST)).
///
/// # Errors
/// [`Error::Database`](crate::Error::Database), if the catalogs cannot be read.
pub fn verify(conn: &mut PgConnection) -> Result<Vec<Difference>> {
    let mut differences = Vec::new();
    let outcome = conn.transaction(|conn| {
        let session = Session::read(conn)?;
        session.apply_settings(conn)?;
        differences = compare(conn, &session)?;
        // The rollback restores the settings.
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
                repair: None,
            });
        }
    }
    let is_known = |object: &Object| CATALOG.iter().any(|&(kind, name, _)| object.is(kind, name));
    let unexpected = found.into_iter().filter(|object| !is_known(object));
    differences.extend(
        unexpected
            .chain(interfering_objects(conn, session)?)
            .map(|object| Difference {
                kind: ObjectKind::of_name(&object.kind),
                is_harmless: object.is_harmless || is_of_cut(&object.object, &object.definition),
                object: object.object,
                expected: None,
                found: Some(object.definition),
                repair: None,
            }),
    );
    differences.extend(policies::differences(conn, session)?);
    differences.extend(session.search_path());
    // The last statement, because it changes search_path.
    differences.extend(shards::differences(conn, session)?);
    Ok(differences)
}

/// The triggers that note what arrives during a cut (`src/sql/retention`), with their definition.
const TRIGGERS_OF_A_CUT: [(&str, &str); 2] = [
    (
        "mailglass_events.mailglass_cut_note_trigger",
        "AFTER INSERT ON mailglass_events FOR EACH ROW EXECUTE FUNCTION mailglass_cut_note_event() ENABLE ALWAYS",
    ),
    (
        "mailglass_event_links.mailglass_cut_note_trigger",
        "AFTER INSERT OR UPDATE ON mailglass_event_links FOR EACH ROW WHEN (new.delivery_id IS NOT NULL) \
         EXECUTE FUNCTION mailglass_cut_note_link() ENABLE ALWAYS",
    ),
];

fn is_of_cut(object: &str, definition: &str) -> bool {
    TRIGGERS_OF_A_CUT.contains(&(object, definition))
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
        ObjectKind::of_name(&self.kind) == kind && self.object == object
    }
}

/// The table that an object belongs to.
fn owner(object: &str) -> Option<&str> {
    object.split_once('.').map(|(owner, _)| owner)
}

fn objects(conn: &mut PgConnection, session: &Session) -> Result<Vec<Object>> {
    Ok(sql_query(include_str!("../sql/contract/catalog.sql"))
        .bind::<Array<Nullable<Oid>>, _>(&session.tables)
        .bind::<Array<Nullable<Oid>>, _>(&session.functions)
        .load(conn)?)
}

fn interfering_objects(conn: &mut PgConnection, session: &Session) -> Result<Vec<Object>> {
    Ok(sql_query(include_str!("../sql/contract/interfering_objects.sql"))
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
    /// NULL if the type does not exist.
    #[diesel(sql_type = Nullable<Array<Text>>)]
    labels: Option<Vec<String>>,
}

fn labels(conn: &mut PgConnection, session: &Session) -> Result<Vec<Difference>> {
    let found: Vec<Labels> = sql_query(include_str!("../sql/contract/labels.sql"))
        .bind::<Array<Nullable<Oid>>, _>(&session.types)
        .load(conn)?;
    let mut differences = Vec::new();
    for (set, Labels { labels }) in SETS.iter().zip(found) {
        let expected = set.labels().collect::<Vec<_>>().join(", ");
        let whole_type = |found: Option<String>| Difference {
            kind: ObjectKind::Type,
            object: set.name.to_owned(),
            expected: Some(expected.clone()),
            found,
            is_harmless: false,
            repair: None,
        };
        let label = |label: &str, is_expected: bool| Difference {
            kind: ObjectKind::Label,
            object: format!("{}.{label}", set.name),
            expected: is_expected.then(|| label.to_owned()),
            found: (!is_expected).then(|| label.to_owned()),
            is_harmless: false,
            repair: None,
        };
        let Some(labels) = labels else {
            differences.push(whole_type(None));
            continue;
        };
        let Err(mismatch) = set.check_in_order(&labels) else {
            continue;
        };
        differences.extend(mismatch.differences.iter().map(|difference| match difference {
            LabelDifference::Missing { label: missing } => label(missing, true),
            LabelDifference::Unexpected { label: found, .. } => label(found, false),
            // A PostgreSQL enum never has a label twice.
            LabelDifference::OutOfOrder { .. } | LabelDifference::Doubled { .. } => whole_type(Some(labels.join(", "))),
        }));
    }
    Ok(differences)
}
