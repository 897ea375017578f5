//! A difference that the health check reports.

use std::fmt;

use super::object_kind::ObjectKind;

/// A difference between a database and the expectations of this build.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// The kind of the object.
    pub kind: ObjectKind,
    /// The name of the object; `owner.name` for an object that belongs to a table or a type.
    pub object: String,
    /// The definition that this build expects, as PostgreSQL prints it; `None` if the object should not exist.
    pub expected: Option<String>,
    /// The definition in the database, as PostgreSQL prints it; `None` if the object does not exist.
    pub found: Option<String>,
    /// Whether everything in this crate still works: for example, an additional index, column or disabled trigger that
    /// neither rejects nor changes a row.
    pub is_harmless: bool,
    /// A SQL statement that repairs it, to be executed by the owner of the tables; `None` if there is no such statement.
    pub repair: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = format!("{:?}", self.kind).to_lowercase();
        write!(f, "{kind} {} ", self.object)?;
        match (&self.expected, &self.found) {
            (Some(expected), Some(found)) => write!(f, "is `{found}`, not `{expected}`"),
            (Some(expected), None) => write!(f, "is missing: `{expected}`"),
            (None, Some(found)) => {
                write!(f, "is unexpected: `{found}`")?;
                self.remedy().map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
            }
            (None, None) => write!(f, "differs"),
        }?;
        self.repair
            .as_ref()
            .map_or(Ok(()), |statement| write!(f, "; repair it with `{statement}`"))
    }
}

impl Difference {
    /// A remedy for an object that should not exist.
    fn remedy(&self) -> Option<&'static str> {
        if self.is_harmless {
            return None;
        }
        match self.kind {
            ObjectKind::Inheritance => Some("detach it with ALTER TABLE … NO INHERIT or DETACH PARTITION"),
            ObjectKind::Cast => Some("drop it, and write explicit casts where you need them"),
            ObjectKind::Operator | ObjectKind::Function | ObjectKind::Type => {
                Some("drop it, or move it to a schema outside of search_path")
            }
            ObjectKind::Trigger | ObjectKind::Rule => Some("drop or disable it: it can reject or change a row"),
            ObjectKind::Policy => Some("drop it: it can show rows of other tenants, or hide rows"),
            ObjectKind::Index | ObjectKind::Constraint => Some("drop it: it can reject a row"),
            ObjectKind::Column => Some("drop it or make it nullable: an INSERT that does not name it can fail"),
            _ => None,
        }
    }
}
