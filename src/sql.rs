//! Statements: the SQL files of `src/sql`, assembled, and the parameters that are bound to them.
//!
//! A statement is a list of CTE files and a final query. Each CTE file says in its first line which CTEs it reads and
//! which it makes. [`template`] fills in what is not SQL text: column lists, the rules of the projection, and parameters.
//! `tests/snapshots/sql` has every finished statement.
//!
//! A statement over a batch takes its rows as arrays, one for each column. So the text is constant whatever the size of the
//! batch, Diesel keeps the prepared statement, and the limit of 65,535 parameters does not apply. (`sql_query` is prepared every
//! time.) A statement over a single row may take scalars instead.

mod columns;
mod params;
mod template;

use diesel::RunQueryDsl;
use diesel::pg::{Pg, PgConnection};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;

pub(crate) use params::{First, Params, Rows, Select, Tenant, column_of, params};

/// The text of a file in `src/sql`.
macro_rules! sql {
    ($file:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/sql/", $file, ".sql"))
    };
}
pub(crate) use sql;

/// A statement over a batch. Its first CTE holds the rows.
pub(crate) trait Statement: 'static {
    /// The rows of the first CTE.
    type Params<'a>: Params;

    /// The type of the rows that it returns.
    type SqlType;

    /// The name of the first CTE.
    const INPUT: &'static str;

    /// The text after the first CTE.
    fn text() -> &'static str;
}

/// Declares a [`Statement`]: the name and the rows of its first CTE, the type of the rows that it returns, the files of its other
/// CTEs, and the file of its final query.
macro_rules! statement {
    (
        $(#[$meta:meta])*
        $visibility:vis struct $name:ident($input:ident: $params:ident) -> $sql_type:ty {
            $($cte:literal,)* => $query:literal
            $(, $placeholder:ident = $replacement:literal)*
        }
    ) => {
        $(#[$meta])*
        $visibility struct $name;

        impl $crate::sql::Statement for $name {
            type Params<'a> = $params<'a>;

            type SqlType = $sql_type;

            const INPUT: &'static str = stringify!($input);

            fn text() -> &'static str {
                static TEXT: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
                    $crate::sql::after_input(
                        &[$($crate::sql::sql!($cte)),*],
                        $crate::sql::sql!($query),
                        <$params<'static> as $crate::sql::Params>::COLUMNS,
                        &[$((stringify!($placeholder), $replacement)),*],
                    )
                });
                &TEXT
            }
        }
    };
}
pub(crate) use statement;

/// A name as an identifier, whatever characters it has.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The text of a [`Statement`] after its first CTE, given the columns of that CTE.
pub(crate) fn after_input(ctes: &[&str], query: &str, input: &[&str], given: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for cte in ctes {
        text += ",\n";
        text += &template::render(cte.trim_end(), input, given);
    }
    text + "\n" + &template::render(query.trim_end(), input, given)
}

/// The text of a statement whose parameters are single values. The files refer to them as `:name`.
pub(crate) fn with_parameters(parameters: &[&str], ctes: &[&str], query: &str) -> String {
    let numbers: Vec<String> = (1..=parameters.len()).map(|number| format!("${number}")).collect();
    let given: Vec<(&str, &str)> = (parameters.iter().copied())
        .zip(numbers.iter().map(String::as_str))
        .collect();
    let rest = after_input(ctes, query, &[], &given);
    // Without a first CTE, the text begins with the separator.
    match rest.strip_prefix(",\n") {
        Some(ctes) => format!("WITH {ctes}"),
        None => rest.trim_start().to_owned(),
    }
}

/// A [`Statement`] with its parameters.
pub(crate) struct Bound<'a, S: Statement> {
    params: &'a S::Params<'a>,
}

impl<'a, S: Statement> Bound<'a, S> {
    pub(crate) fn new(params: &'a S::Params<'a>) -> Self {
        Bound { params }
    }
}

impl<S: Statement> QueryFragment<Pg> for Bound<'_, S> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH ");
        out.push_sql(S::INPUT);
        out.push_sql(" AS (\n");
        self.params.push(out.reborrow())?;
        out.push_sql("\n)");
        out.push_sql(S::text());
        Ok(())
    }
}

impl<S: Statement> QueryId for Bound<'_, S> {
    type QueryId = S;

    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<S: Statement> Query for Bound<'_, S> {
    type SqlType = S::SqlType;
}

impl<S: Statement> RunQueryDsl<PgConnection> for Bound<'_, S> {}
