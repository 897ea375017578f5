//! Roles for which the guarantees of the database do not hold.

use std::fmt;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Bool, Nullable, Oid, Text};

use super::session::Session;
use crate::error::Result;

/// A right of the connection's role that an application should not have.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "warning")]
#[non_exhaustive]
pub enum Warning {
    /// The role is a superuser: no right and no policy applies to it.
    Superuser {
        /// The role.
        role: String,
    },
    /// The role has the attribute BYPASSRLS: no policy applies to it.
    BypassesRowLevelSecurity {
        /// The role.
        role: String,
    },
    /// The role owns tables, or is a member of a role that does: it can drop their triggers, and no policy applies to it.
    OwnsTables {
        /// The role.
        role: String,
        /// The tables.
        tables: Vec<String>,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::Superuser { role } => write!(f, "the role {role:?} is a superuser")?,
            Warning::BypassesRowLevelSecurity { role } => write!(f, "the role {role:?} bypasses row-level security")?,
            Warning::OwnsTables { role, tables } => write!(f, "the role {role:?} owns {}", tables.join(", "))?,
        }
        f.write_str(": let applications connect as another role (`mailglass grant`)")
    }
}

#[derive(QueryableByName)]
struct Role {
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Bool)]
    is_superuser: bool,
    #[diesel(sql_type = Bool)]
    bypasses: bool,
    #[diesel(sql_type = Array<Text>)]
    owned: Vec<String>,
}

/// Returns the rights of the connection's role that an application should not have. Such a role can remove the guard of the
/// ledger, and row-level security does not apply to it.
///
/// They are apart from the differences of [`verify`](super::verify), because migrations and maintenance need such a role.
/// Call it when your application starts:
///
/// ```
/// # test_support::with_database(|conn| {
/// for warning in mailglass::contract::warnings(conn)? {
///     eprintln!("{warning}");
/// }
/// # Ok(())
/// # });
/// ```
///
/// # Errors
/// [`Error::Database`](crate::Error::Database).
pub fn warnings(conn: &mut PgConnection) -> Result<Vec<Warning>> {
    let session = Session::read(conn)?;
    let Role {
        role,
        is_superuser,
        bypasses,
        owned,
    } = sql_query(include_str!("../sql/contract/warnings.sql"))
        .bind::<Array<Nullable<Oid>>, _>(&session.tables)
        .get_result(conn)?;
    // A superuser has all the others.
    if is_superuser {
        return Ok(vec![Warning::Superuser { role }]);
    }
    let mut warnings = Vec::new();
    if bypasses {
        warnings.push(Warning::BypassesRowLevelSecurity { role: role.clone() });
    }
    if !owned.is_empty() {
        warnings.push(Warning::OwnsTables { role, tables: owned });
    }
    Ok(warnings)
}
