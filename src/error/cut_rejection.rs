//! Why a cut of the ledger was rejected.

use std::fmt;
use std::time::Duration;

/// Why [`retention`](crate::retention) rejected a call. Nothing was changed, unless a cut was unfinished before: it remains so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CutRejection {
    /// `search_path` finds no ledger.
    NoLedger,
    /// The role is not a member of the owner of these tables, or may not create tables beside them.
    NotOwner {
        /// The role of the connection.
        role: String,
        /// The tables, and the schema if the role may not create tables in it.
        objects: Vec<String>,
    },
    /// These objects refer to the ledger as this very table, so they would keep the old one: views, foreign keys, rules, functions
    /// with an SQL body, inheritance, publications of all tables. Drop them first, and create them again afterwards.
    Dependents(Vec<String>),
    /// Row-level security hides rows of these tables from the role. Use a role with BYPASSRLS.
    RowSecurity(Vec<String>),
    /// Citus distributes the ledger.
    Distributed,
    /// The connection is in a transaction. A cut is several transactions.
    InTransaction,
    /// Another cut is unfinished: [`resume`](crate::retention::resume) or [`abort`](crate::retention::abort) it.
    Unfinished,
    /// There is no unfinished cut.
    NoCut,
    /// The ledgers are swapped, so the cut can't be aborted: [`resume`](crate::retention::resume) it.
    AlreadySwapped,
    /// The definition of the ledger, its rights or its publications changed during the cut. [`abort`](crate::retention::abort) it,
    /// and begin again.
    LedgerChanged,
    /// The tables stayed in use for this long, because of a long transaction. [`resume`](crate::retention::resume) the cut later.
    InUse(Duration),
}

impl fmt::Display for CutRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CutRejection::NoLedger => f.write_str("there is no table mailglass_events: apply the migrations first"),
            CutRejection::NotOwner { role, objects } => {
                write!(f, "role {role} does not own {}", objects.join(", "))
            }
            CutRejection::Dependents(objects) => {
                write!(f, "other objects refer to mailglass_events: {}", objects.join(", "))
            }
            CutRejection::RowSecurity(tables) => {
                write!(
                    f,
                    "row-level security hides rows of {} from this role",
                    tables.join(", ")
                )
            }
            CutRejection::Distributed => f.write_str("Citus distributes mailglass_events"),
            CutRejection::InTransaction => {
                f.write_str("the connection is in a transaction, but a cut is several transactions")
            }
            CutRejection::Unfinished => f.write_str("another cut is unfinished: resume or abort it"),
            CutRejection::NoCut => f.write_str("there is no unfinished cut"),
            CutRejection::AlreadySwapped => {
                f.write_str("the new ledger is in use, so the cut can't be aborted: resume it")
            }
            CutRejection::LedgerChanged => {
                f.write_str("the definition of mailglass_events changed during the cut: abort it and begin again")
            }
            CutRejection::InUse(waited) => {
                write!(
                    f,
                    "the tables stayed in use for {waited:?}: resume the cut when no long transaction uses them"
                )
            }
        }
    }
}

impl From<CutRejection> for super::Error {
    fn from(rejection: CutRejection) -> Self {
        super::Error::CutRejected(rejection)
    }
}
