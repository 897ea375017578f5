//! One statement over a whole batch: constant text, one array parameter a column.
//!
//! Arrays have no limit of 65,535 parameters, and the constant text lets Diesel keep the prepared statement, so that a
//! warm connection parses it once and each further batch is a single round trip. (`sql_query` is prepared anew every
//! time.)
//!
//! Postgres keeps the plan, too, but only if a plan for any parameters looks no dearer than one for these. It takes a
//! bare `unnest($1)` for ten rows then, where the array at hand has one, and so plans every single event anew, which takes
//! ten times as long as appending it. So the statements say `unnest((SELECT $1), (SELECT $2), …)`: behind a SELECT the
//! planner sees no array, and expects ten rows both times.

use std::marker::PhantomData;

use diesel::RunQueryDsl;
use diesel::pg::{Pg, PgConnection};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;

/// A statement whose text names its parameters as `:columns`.
pub(crate) trait BatchStatement: 'static {
    /// The type of its rows.
    type SqlType;

    fn sql() -> &'static str;
}

/// The parameters of a batch, in the order in which the statement's `unnest` names them.
pub(crate) trait Columns {
    fn push<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

pub(crate) struct Batch<'a, S, C> {
    columns: &'a C,
    statement: PhantomData<S>,
}

impl<'a, S, C> Batch<'a, S, C> {
    pub(crate) fn new(columns: &'a C) -> Self {
        Batch {
            columns,
            statement: PhantomData,
        }
    }
}

impl<S: BatchStatement, C: Columns> QueryFragment<Pg> for Batch<'_, S, C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let (before, after) = S::sql().split_once(":columns").unwrap_or((S::sql(), ""));
        out.push_sql(before);
        self.columns.push(out.reborrow())?;
        out.push_sql(after);
        Ok(())
    }
}

impl<S: BatchStatement, C> QueryId for Batch<'_, S, C> {
    type QueryId = S;

    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<S: BatchStatement, C> Query for Batch<'_, S, C> {
    type SqlType = S::SqlType;
}

impl<S, C> RunQueryDsl<PgConnection> for Batch<'_, S, C> {}

/// Pushes `$1), (SELECT $2), (SELECT $3 …`, each with its SQL type: what goes into `unnest((SELECT :columns))`.
macro_rules! push_columns {
    ($out:ident, $($sql_type:ty = $column:expr),+ $(,)?) => {{
        let mut separator = "";
        $(
            $out.push_sql(separator);
            $out.push_bind_param::<diesel::sql_types::Array<$sql_type>, _>($column)?;
            separator = "), (SELECT ";
        )+
        let _ = separator;
        Ok(())
    }};
}
pub(crate) use push_columns;
