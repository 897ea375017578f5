//! The ledger of a connection, and whether it can be cut.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Bool, Oid, Text, Timestamptz};

use crate::error::{CutRejection, Result};
use crate::retry::is_in_transaction;
use crate::sql::{sql, with_parameters};

/// The tables whose rows leave.
const TABLES: [&str; 4] = [
    "mailglass_events",
    "mailglass_deliveries",
    "mailglass_event_links",
    "mailglass_event_details",
];

static LEDGER: LazyLock<String> = LazyLock::new(|| with_parameters(&["tables"], &[], sql!("retention/ledger")));

static DISTRIBUTED: LazyLock<String> =
    LazyLock::new(|| with_parameters(&["ledger"], &[], sql!("retention/distributed")));

static DEPENDENTS: LazyLock<String> = LazyLock::new(|| with_parameters(&["ledger"], &[], sql!("retention/dependents")));

/// The ledger that `search_path` finds.
#[derive(QueryableByName)]
pub(super) struct Ledger {
    #[diesel(sql_type = Oid, column_name = ledger)]
    pub(super) oid: u32,
    #[diesel(sql_type = Text)]
    pub(super) schema: String,
    #[diesel(sql_type = Text)]
    pub(super) quoted_schema: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Array<Text>)]
    owned_by_others: Vec<String>,
    #[diesel(sql_type = Bool)]
    may_create: bool,
    #[diesel(sql_type = Array<Text>)]
    hidden: Vec<String>,
    #[diesel(sql_type = Bool)]
    has_citus: bool,
    #[diesel(sql_type = Bool)]
    pub(super) is_running: bool,
    #[diesel(sql_type = Timestamptz)]
    pub(super) now: DateTime<Utc>,
}

impl Ledger {
    /// The ledger, whatever the role may do with it.
    pub(super) fn find(conn: &mut PgConnection) -> Result<Ledger> {
        let found: Option<Ledger> = sql_query(LEDGER.as_str())
            .bind::<Array<Text>, _>(&TABLES[..])
            .get_result(conn)
            .optional()?;
        found.ok_or(CutRejection::NoLedger.into())
    }

    /// The ledger, if this connection can cut it.
    pub(super) fn to_cut(conn: &mut PgConnection) -> Result<Ledger> {
        if is_in_transaction(conn) {
            return Err(CutRejection::InTransaction.into());
        }
        let ledger = Ledger::find(conn)?;
        ledger.check_rights()?;
        Ok(ledger)
    }

    fn check_rights(&self) -> Result<()> {
        let mut objects: Vec<String> = self
            .owned_by_others
            .iter()
            .map(|name| format!("table {name}"))
            .collect();
        if !self.may_create {
            objects.push(format!("schema {}, or a right to create tables in it", self.schema));
        }
        if !objects.is_empty() {
            let role = self.role.clone();
            return Err(CutRejection::NotOwner { role, objects }.into());
        }
        self.check_visibility()
    }

    /// Rejects rows that are hidden, because what is not seen would not be copied.
    pub(super) fn check_visibility(&self) -> Result<()> {
        if self.hidden.is_empty() {
            Ok(())
        } else {
            Err(CutRejection::RowSecurity(self.hidden.clone()).into())
        }
    }

    /// Rejects a ledger that Citus distributes: its shards have names of their own.
    pub(super) fn check_distribution(&self, conn: &mut PgConnection) -> Result<()> {
        if !self.has_citus {
            return Ok(());
        }
        let found: Distributed = sql_query(DISTRIBUTED.as_str())
            .bind::<Oid, _>(self.oid)
            .get_result(conn)?;
        if found.is_distributed {
            return Err(CutRejection::Distributed.into());
        }
        Ok(())
    }

    /// Rejects a ledger to which other objects refer.
    pub(super) fn check_dependents(&self, conn: &mut PgConnection) -> Result<()> {
        let dependents: Vec<Dependent> = sql_query(DEPENDENTS.as_str()).bind::<Oid, _>(self.oid).load(conn)?;
        if dependents.is_empty() {
            return Ok(());
        }
        let objects = dependents.into_iter().map(|dependent| dependent.object);
        Err(CutRejection::Dependents(objects.collect()).into())
    }
}

#[derive(QueryableByName)]
struct Distributed {
    #[diesel(sql_type = Bool)]
    is_distributed: bool,
}

#[derive(QueryableByName)]
struct Dependent {
    #[diesel(sql_type = Text)]
    object: String,
}
