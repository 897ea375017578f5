//! One statement over a whole batch: constant text, one array parameter a column.
//!
//! Arrays have no limit of 65,535 parameters, and the constant text lets Diesel keep the prepared statement, so that a
//! warm connection parses it once and each further batch is a single round trip. (`sql_query` is prepared anew every
//! time.)
//!
//! Postgres keeps the plan, too, but only if a plan for any parameters looks no dearer than one for these. It takes a
//! bare `unnest($1)` for ten rows then, where the array at hand has one, and so plans every single event anew, which takes
//! ten times as long as appending it. So the arrays stand in a subquery with OFFSET 0: through it the planner sees no
//! array, and expects ten rows both times. Unnested in the SELECT list they are read in step, without a copy of each
//! (as `FROM unnest($1, $2, …)` makes).

use std::marker::PhantomData;

use diesel::RunQueryDsl;
use diesel::pg::{Pg, PgConnection};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;

/// A statement whose text says `:input` where its parameters come in.
pub(crate) trait BatchStatement: 'static {
    /// The type of its rows.
    type SqlType;

    fn sql() -> &'static str;
}

/// What stands for `:input`: mostly a SELECT of a batch's rows, which [`push_columns`] makes.
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
        let (before, after) = S::sql().split_once(":input").unwrap_or((S::sql(), ""));
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

/// Pushes a SELECT of the batch's rows, a named column each from an array parameter of this SQL type.
macro_rules! push_columns {
    ($out:ident, $first:ident: $first_type:ty = $first_column:expr $(, $name:ident: $sql_type:ty = $column:expr)* $(,)?) => {{
        $out.push_sql(concat!(
            "SELECT pg_catalog.unnest(", stringify!($first), ") AS ", stringify!($first),
            $(", pg_catalog.unnest(", stringify!($name), ") AS ", stringify!($name),)*
            " FROM (SELECT "
        ));
        $out.push_bind_param::<diesel::sql_types::Array<$first_type>, _>($first_column)?;
        $out.push_sql(concat!(" AS ", stringify!($first)));
        $(
            $out.push_sql(", ");
            $out.push_bind_param::<diesel::sql_types::Array<$sql_type>, _>($column)?;
            $out.push_sql(concat!(" AS ", stringify!($name)));
        )*
        $out.push_sql(" OFFSET 0) AS batch");
        Ok(())
    }};
}
pub(crate) use push_columns;
